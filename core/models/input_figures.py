"""Which way of looking at the images a build has chosen, as the row of a memory bank holds it, and its sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storage.json_fields import read_float, read_floats, read_int, read_object, read_text

if TYPE_CHECKING:
    from inference.vision.detection.input_choice import InputChoice

_COMPARED = frozenset({"better", "no_gain"})
_PLAIN, _LARGER = "plain", "larger"


@dataclass(frozen=True)
class InputFigures:
    """See `inference.vision.detection.input_choice.InputChoice`; ways are named as there."""

    chosen: str
    reason: str
    auroc: Mapping[str, float] = field(default_factory=dict)
    sureness: Mapping[str, float] = field(default_factory=dict)
    needed_gain: float | None = None
    needed_sureness: float | None = None
    n_normal: int = 0
    n_defect: int = 0
    made_up: bool = False

    @property
    def compared(self) -> bool:
        """Return whether ways were compared at all."""
        return self.reason in _COMPARED

    @classmethod
    def from_engine(cls, found: InputChoice) -> InputFigures:
        """Return the figures of a choice that was made just now."""
        return cls(
            chosen=found.chosen,
            reason=found.reason,
            auroc={str(way): round(value, 4) for way, value in found.auroc.items()},
            sureness={str(way): round(value, 4) for way, value in found.sureness.items()},
            needed_gain=None if found.needs is None else found.needs.gain,
            needed_sureness=None if found.needs is None else found.needs.sureness,
            n_normal=found.n_normal,
            n_defect=found.n_defect,
            made_up=found.made_up,
        )

    @classmethod
    def from_json(cls, value: object) -> InputFigures | None:
        """Return the figures in a version's metrics; None where there are none."""
        data = read_object(value)
        chosen, reason = read_text(data.get("chosen")), read_text(data.get("reason"))
        if chosen is None or reason is None:
            return None
        return cls(
            chosen=chosen,
            reason=reason,
            auroc=read_floats(data.get("auroc")),
            sureness=read_floats(data.get("sureness")),
            needed_gain=read_float(data.get("needed_gain")),
            needed_sureness=read_float(data.get("needed_sureness")),
            n_normal=read_int(data.get("n_normal")) or 0,
            n_defect=read_int(data.get("n_defect")) or 0,
            made_up=data.get("made_up") is True,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "chosen": self.chosen,
            "reason": self.reason,
            "auroc": dict(self.auroc),
            "sureness": dict(self.sureness),
            "needed_gain": self.needed_gain,
            "needed_sureness": self.needed_sureness,
            "n_normal": self.n_normal,
            "n_defect": self.n_defect,
            "made_up": self.made_up,
        }


def input_messages(found: InputFigures) -> list[tuple[str, dict[str, str]]]:
    """Return the codes of the sentences of a choice, and what stands in them: what was compared, and why this way."""
    if not found.compared:
        return [(f"input_{found.reason}", {})]
    auroc = {way: _write(value) for way, value in found.auroc.items()}
    counts = {"n_normal": str(found.n_normal), "n_defect": str(found.n_defect)}
    on = "made_up" if found.made_up else "labeled"
    if found.chosen == _PLAIN and set(auroc) == {_PLAIN}:
        return [(f"input_enough_{on}", {**counts, **auroc})]
    said = [(f"input_compared_{on}", {**counts, **{way: auroc.get(way, "–") for way in (_PLAIN, "fine", "coarse")}})]
    if _LARGER in auroc:
        said.append(("input_compared_larger", {"larger": auroc[_LARGER]}))
    if found.chosen == _PLAIN:
        needs = {"gain": _write(found.needed_gain or 0.0), "sureness": _percent(found.needed_sureness or 0.0)}
        return [*said, ("input_no_gain", needs)]
    gain = found.auroc.get(found.chosen, 0.0) - found.auroc.get(_PLAIN, 0.0)
    why = {"gain": _write(gain), "sureness": _percent(found.sureness.get(found.chosen, 0.0))}
    return [*said, (f"input_took_{found.chosen}", why)]


def _write(value: float) -> str:
    return f"{value:.3f}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f}"
