"""What a message was understood as."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Look:
    """Look something up with a tool."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Train:
    """A training is wanted, or the draft that is open is to be changed: `said` are settings by path.

    `product` is what was said for it: the codes that it may mean, none where nothing was said.
    """

    said: Mapping[str, Any]
    products: tuple[str, ...] = ()
    changes_draft: bool = False


@dataclass(frozen=True)
class Start:
    """The person asks in words to start the draft: only *Confirm* does."""


@dataclass(frozen=True)
class Discard:
    """The open draft is not wanted any more."""


@dataclass(frozen=True)
class Which:
    """Two tasks are as likely: it is asked which one is meant. `said` is the message."""

    intents: tuple[str, ...]
    said: str


@dataclass(frozen=True)
class Help:
    """Nothing of it was understood as a task."""


Understood = Look | Train | Start | Discard | Which | Help


@dataclass(frozen=True)
class Pending:
    """What was asked back last: of which field, what could be chosen, and what the tool was to be called with.

    Without a tool it belongs to the draft, or, with the field `task_meant`, to the message in `arguments`.
    """

    field: str
    choices: tuple[tuple[str, str], ...] = ()
    tool: str = ""
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Situation:
    """What a message is read in: an open draft, a question that waits, the last look-up, an opened inspection."""

    has_draft: bool = False
    pending: Pending | None = None
    last: Look | None = None
    has_inspection: bool = False
