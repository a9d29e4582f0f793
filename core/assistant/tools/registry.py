"""All tools by their names. A new one is a function, its specification, and one entry here; none of them writes."""

from __future__ import annotations

from core.assistant.tools.actions import LIST_OPEN_ACTIONS
from core.assistant.tools.contract import Tool
from core.assistant.tools.counting import COUNT_INSPECTIONS, RANK_DEFECT_TYPES
from core.assistant.tools.inspections import EXPLAIN_INSPECTION, LIST_INSPECTIONS
from core.assistant.tools.manuals import READ_MANUAL
from core.assistant.tools.models import MODEL_STATE, READ_THRESHOLDS, WEAK_SPOTS
from core.assistant.tools.training import LIST_DATASETS, LIST_PRODUCTS, LIST_RUNS, SHOW_RUN
from core.assistant.tools.trends import TREND_DEFECT_RATE
from core.errors import BadInput

TOOLS: tuple[Tool, ...] = (
    COUNT_INSPECTIONS,
    RANK_DEFECT_TYPES,
    TREND_DEFECT_RATE,
    EXPLAIN_INSPECTION,
    LIST_INSPECTIONS,
    READ_MANUAL,
    LIST_OPEN_ACTIONS,
    MODEL_STATE,
    WEAK_SPOTS,
    READ_THRESHOLDS,
    LIST_RUNS,
    SHOW_RUN,
    LIST_DATASETS,
    LIST_PRODUCTS,
)


def find_tool(name: str) -> Tool:
    """Return the tool of this name. Raises BadInput(`assistant_tool_unknown`)."""
    for tool in TOOLS:
        if tool.name == name:
            return tool
    raise BadInput("assistant_tool_unknown", name=name[:40])
