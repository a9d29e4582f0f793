"""The sentences of what stands against a version: for the page, the terminal, the log and `doctor` alike.

Types go by their code unless the caller names them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import describe
from core.models.judgments import KNOWN_DEFECTS, HoldReason, WeakSpot

_MOST_NAMED = 5
_COUNTS = frozenset(
    {
        "escape", "active_escape", "n_defect", "n_normal", "count", "n_known", "n_common", "n_new", "n_stopped",
        "n_parts", "number", "goals",
    }
)  # fmt: skip
_SHARES = frozenset({"image_auroc", "active_image_auroc", "low", "high"})
# Figures of trained models, which differ in the third place.
_FINE_SHARES = frozenset({"value", "active_value", "from_value", "to_value", "chance"})
_NO_TYPES: Mapping[str, str] = {}


def reason_message(reason: HoldReason) -> tuple[str, dict[str, str]]:
    """Return the code of a reason's sentence and what stands in it, as text."""
    params = {name: _write(name, value) for name, value in reason.figures.items()}
    if reason.code == KNOWN_DEFECTS:
        names = [found.name for found in reason.images]
        params["names"] = ", ".join(names[:_MOST_NAMED]) + (" …" if len(names) > _MOST_NAMED else "")
    return f"held_{reason.code}", params


def reason_sentence(reason: HoldReason, language: str) -> str:
    """Return why a version waits, with its figures, in `language`."""
    return describe(*reason_message(reason), language)


def weak_messages(spot: WeakSpot, names: Mapping[str, str] = _NO_TYPES) -> list[tuple[str, dict[str, str]]]:
    """Return the codes of the sentences of a weak spot, and what stands in them: near chance, most escape, or both.

    `names` are those of the types by their codes.
    """
    about: dict[str, Any] = {
        "n_defect": spot.n,
        "image_auroc": spot.image_auroc,
        "low": spot.low,
        "high": spot.high,
        "escape": spot.escape,
    }
    params = {name: _write(name, value) for name, value in about.items() if value is not None}
    params["defect_type"] = names.get(spot.defect_type, spot.defect_type)
    whose = "type" if spot.defect_type else "all"
    kinds = [kind for kind, holds in (("chance", spot.near_chance), ("escape", spot.mostly_escapes)) if holds]
    return [(f"weak_{whose}_{kind}", params) for kind in kinds]


def weak_sentence(spot: WeakSpot, language: str, names: Mapping[str, str] = _NO_TYPES) -> str:
    """Return what a version hardly finds, with its figures, in `language`."""
    return " ".join(describe(code, dict(params), language) for code, params in weak_messages(spot, names))


def weak_remedy(spots: Sequence[WeakSpot], language: str) -> str:
    """Return what to do about weak spots; empty without any."""
    return describe("weak_remedy", {}, language) if spots else ""


def _write(name: str, value: float) -> str:
    if name in _COUNTS:
        return f"{value:.0f}"
    if name in _FINE_SHARES:
        return f"{value:.3f}"
    return f"{value:.2f}" if name in _SHARES else f"{value:.4g}"
