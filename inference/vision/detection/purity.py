"""Which of the images labeled good do not belong to the others, by their scores when nothing had learnt from them.

The middle of the scores and their spread about it are taken robustly (median and median absolute deviation; Hampel,
JASA 69, 1974), so that the images that do not belong have no say in what does. Being far is not enough: the scores of
good parts may have a long tail, but it thins out, while what does not belong lies apart from it, beyond a gap.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

# What is named lies at least three spreads from the middle, and one from the next image that is not named: of clean
# images of seven products about 1 % did (`benchmarks/README.md`).
SPREADS = 3.0
_GAP_SPREADS = 1.0
_MAD_TO_SPREAD = 1.4826
# A spread is at least this share of the median: images that are all but alike must not be told apart by their noise.
_LEAST_SPREAD = 0.05
FEWEST = 8
# More than this is no exception any more, but another kind of good part or a mix-up that no score can sort out.
LARGEST_SHARE = 0.25


@dataclass(frozen=True)
class Outliers:
    """The scores, by key, of the images that do not belong: those above `limit`, which is infinite where none does."""

    scores: Mapping[str, float]
    limit: float

    def join(self, others: Outliers) -> Outliers:
        """Return those that either names, the scores of the others brought to this limit where there is one."""
        if not self.scores or not others.scores:
            return self if self.scores else others
        scale = self.limit / others.limit if others.limit > 0.0 else 1.0
        more = {key: score * scale for key, score in others.scores.items() if key not in self.scores}
        return Outliers({**self.scores, **more}, self.limit)


NOBODY = Outliers({}, float("inf"))


def find_outliers(scores: Mapping[str, float], *, kept: Collection[str] = (), spreads: float = SPREADS) -> Outliers:
    """Return the images whose score does not belong to the others; a person has said of `kept` that they are good.

    They lie at least `spreads` from the middle. With fewer than 8 scores none is found, nor where more than a quarter
    would be.
    """
    values = np.array(list(scores.values()), np.float64)
    if len(values) < FEWEST:
        return NOBODY
    middle = float(np.median(values))
    spread = max(_MAD_TO_SPREAD * float(np.median(np.abs(values - middle))), _LEAST_SPREAD * middle)
    ordered = np.sort(values)
    apart = (ordered[1:] > middle + spreads * spread) & (np.diff(ordered) >= _GAP_SPREADS * spread)
    if not apart.any():
        return NOBODY
    last = int(apart.argmax())
    limit = float(ordered[last] + ordered[last + 1]) / 2
    if (values > limit).mean() > LARGEST_SHARE:
        return NOBODY
    return Outliers({key: score for key, score in scores.items() if score > limit and key not in kept}, limit)
