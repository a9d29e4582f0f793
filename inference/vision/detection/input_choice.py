"""Which way of looking at a product's images a build has chosen, and what that stands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Way = Literal["plain", "fine", "coarse", "larger"]
Reason = Literal["better", "no_gain", "few_images", "tiles"]

PLAIN: Way = "plain"
# What every way but the plain one does: local contrast by a window of this share of the side, or a larger input.
LOCAL_CONTRAST: Mapping[Way, float] = {"fine": 1.0 / 12.0, "coarse": 1.0 / 4.0}
LARGER: Way = "larger"
LARGER_PX = 448


@dataclass(frozen=True)
class Need:
    """What a way must gain over the plain one to be chosen: AUROC, and how sure that it is a gain at all."""

    gain: float
    sureness: float


@dataclass(frozen=True)
class InputChoice:
    """The way that was chosen, and why; without figures where nothing was compared (`few_images`, `tiles`).

    `auroc` is that of each way on `n_normal` good images and `n_defect` defects, which were `made_up` where too few are
    labeled. `sureness` is the share of bootstrap samples of the parts in which a way does better than the plain one,
    `needs` what it had to reach.
    """

    chosen: Way
    reason: Reason
    auroc: Mapping[Way, float] = field(default_factory=dict)
    sureness: Mapping[Way, float] = field(default_factory=dict)
    needs: Need | None = None
    n_normal: int = 0
    n_defect: int = 0
    made_up: bool = False
