"""What has to be known of a way of writing guidance: its name, what it needs, what it can do, how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import NotReady

if TYPE_CHECKING:
    from core.settings import Settings
    from inference.language.model_servers.interface import ModelServer
    from inference.language.writers import Writer

# How long a server may take for one guidance, whatever it sends.
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class WriterSetting:
    """A variable of the environment that a writer reads, and how the screen calls it: `label` may name {variable}.

    `missing_code` is the error where the writer cannot do without it; a secret's value is shown nowhere.
    """

    label: str
    variable: str
    read: Callable[[Settings], str | None]
    is_secret: bool = False
    missing_code: str = ""


@dataclass(frozen=True)
class ChosenModel:
    """What a writer is opened with: the model's id at its server ("" without one), and whether it is sent pictures.

    `secrets` are what it must never write.
    """

    model: str = ""
    sees_pictures: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class WriterSpecification:
    """One way of writing. `title`, `description` and `facts` (label and value) are message ids.

    `connect` opens the server whose models can be chosen; None for a writer without models. `prepare` imports what the
    first guidance needs. A writer that `reads_history` is told of similar cases, and sent pictures where it sees them.
    One that `quotes` writes nothing but the manual's own words.

    Where the environment names a model and nothing is chosen, the ready writer of the highest `default_rank` writes.
    """

    name: str
    title: str
    description: str
    open: Callable[[Settings, ChosenModel], Writer]
    settings: tuple[WriterSetting, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    connect: Callable[[Settings], ModelServer] | None = None
    prepare: Callable[[], None] | None = None
    reads_history: bool = False
    quotes: bool = False
    default_rank: int = 0

    @property
    def has_models(self) -> bool:
        """Return whether a model of a server has to be named, and can be listed."""
        return self.connect is not None

    def check_settings(self, settings: Settings) -> None:
        """Raise NotReady where a setting is missing that the writer cannot do without."""
        for setting in self.settings:
            if setting.missing_code and not setting.read(settings):
                raise NotReady(setting.missing_code, variable=setting.variable)

    def is_ready(self, settings: Settings) -> bool:
        """Return whether the settings hold all that the writer cannot do without."""
        return all(not setting.missing_code or setting.read(settings) for setting in self.settings)
