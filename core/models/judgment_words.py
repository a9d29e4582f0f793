"""The sentences of what stands against a version: for the page, the terminal, the log and `doctor` alike.

Types go by their code unless the caller names them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import describe
from core.i18n import N_, translate
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
# Where there is no place for a sentence. A trained model measures worse by one figure or another.
REASON_NAMES: Mapping[str, str] = {
    "worse_on_test": N_("worse on the test images"),
    "known_defects_pass": N_("known defects would pass"),
    "thresholds_moved": N_("thresholds moved"),
    "near_chance": N_("near chance on the test images"),
    "most_escape": N_("most test defects judged OK"),
    "trained_worse": N_("worse on the test images"),
    "trained_other_task": N_("another task"),
    "trained_fewer_labels": N_("fewer labels"),
    "trained_near_chance": N_("near chance on the test images"),
    "trained_finds_little": N_("finds little"),
    "trained_untested": N_("not measured on test images"),
    "trained_goals_missed": N_("goals missed"),
    "trained_dataset_broken": N_("dataset version changed since"),
}
_WORSE = "trained_worse"


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


def reason_name(code: str, language: str) -> str:
    """Return a reason in a few words; its code where it has none."""
    known = _WORSE if code.startswith(f"{_WORSE}_") else code
    return translate(language, REASON_NAMES[known]) if known in REASON_NAMES else code


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
