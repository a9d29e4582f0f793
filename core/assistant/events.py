"""What happens while the assistant works on a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.assistant.drafting.draft import Draft
from core.assistant.offline.understood import Look, Pending
from core.assistant.records import Turn
from core.assistant.results import ToolResult


@dataclass(frozen=True)
class AskEvent:
    """One of: a tool that is used (`looking`, a msgid, its call in `look`), a `result`, `words`, a draft, a question.

    `fallback_code` says that the parser takes over from the model: what came before is void. `n_dropped` sentences of
    the model held numbers that no result has. The first event names the `conversation_id`, the last one is the `turn`.
    """

    looking: str = ""
    look: Look | None = None
    result: ToolResult | None = None
    words: str = ""
    draft: Draft | None = None
    question: Pending | None = None
    fallback_code: str = ""
    n_dropped: int = 0
    error: tuple[str, Mapping[str, Any]] | None = None
    conversation_id: int | None = None
    turn: Turn | None = None
