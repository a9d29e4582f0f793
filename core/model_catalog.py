"""Which models exist for each purpose, which is chosen, and whether its weights are here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, select

from core.i18n import N_
from storage.tables import ModelParam

DETECTION = "detection"
SIMILARITY = "similarity"


@dataclass(frozen=True)
class ModelOption:
    """A model that can be chosen. `backbone` names the network whose weights it needs."""

    name: str
    purpose: str
    title: str
    description: str
    backbone: str


OPTIONS: tuple[ModelOption, ...] = (
    ModelOption(
        name="patchcore-efficientnet_lite0",
        purpose=DETECTION,
        title=N_("PatchCore on EfficientNet-Lite0"),
        description=N_("Learns from normal images alone. The weights are carried: no network is needed."),
        backbone="efficientnet_lite0",
    ),
    ModelOption(
        name="backbone-efficientnet_lite0",
        purpose=SIMILARITY,
        title=N_("Embeddings of EfficientNet-Lite0"),
        description=N_("Finds images that look alike. The weights are carried: no network is needed."),
        backbone="efficientnet_lite0",
    ),
)
DEFAULTS = {DETECTION: "patchcore-efficientnet_lite0", SIMILARITY: "backbone-efficientnet_lite0"}


@dataclass(frozen=True)
class Choice:
    """The chosen model of a purpose and its options."""

    option: ModelOption
    options: dict[str, Any]


def find_option(name: str) -> ModelOption | None:
    """The option of this name, or None (a database may know a name that this version does not)."""
    return next((option for option in OPTIONS if option.name == name), None)


def chosen(session: Session, purpose: str) -> Choice:
    """The model that the next deployment will use; the default when none, or an unknown one, was chosen."""
    row = session.exec(select(ModelParam).where(ModelParam.purpose == purpose)).first()
    option = find_option(row.model_name) if row is not None else None
    if row is None or option is None:
        option = find_option(DEFAULTS[purpose])
        assert option is not None
        return Choice(option, {})
    return Choice(option, dict(row.options))
