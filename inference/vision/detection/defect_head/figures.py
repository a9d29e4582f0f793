"""What cross-validation says of a defect head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

# Why a head raises no score: it gained nothing, an unknown type would be found less well, there is nothing to tell by.
Restraint = Literal["no_gain", "unknown_types_lose", "too_few"]


@dataclass(frozen=True)
class LeftOut:
    """A type that a head was not taught: the AUROC of its `n` images without the head and with it."""

    n: int
    plain: float
    raised: float


@dataclass(frozen=True)
class HeadFigures:
    """Cross-validated on the labeled defects and on unseen normal images, whole parts together.

    `auroc_plain` and `auroc_raised` are without and with the head; `type_top1` is the share of the defects whose type
    is named first, None with one type. `left_out` says by type how it fares when the head has never seen it.
    `restraint` is why the head raises nothing, None where it does; `strength` how much one spread of its log-odds
    among good parts counts, in spreads of their scores. `patch_top1` and `region_top1` are what patches alone and a
    closer look at the regions alone are right in, None where regions were not tried; `type_top1` is then that of the
    way which names types: one of them, or both together.
    """

    n_normal: int
    n_defect: int
    n_marked: int
    counts: Mapping[str, int] = field(default_factory=dict)
    auroc_plain: float | None = None
    auroc_raised: float | None = None
    strength: float = 0.0
    restraint: Restraint | None = None
    type_top1: float | None = None
    patch_top1: float | None = None
    region_top1: float | None = None
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "counts": dict(self.counts)}
