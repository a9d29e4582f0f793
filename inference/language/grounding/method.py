"""Grounding as a method: the phrases of the defect types in, the best box as the score."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.errors import ModelError
from inference.language.grounding.detectors import Grounded, Grounder
from inference.vision.comparison.predictions import PredictedBox, Prediction

MAX_BOXES = 10
# Boxes far below the best say nothing; boxes over one another are the same find.
_SHARE_OF_BEST = 0.5
_OVERLAP = 0.5
_LEAST_SCORE = 0.01
GOOD = "good"


@dataclass(frozen=True)
class Phrase:
    """What is looked for of a defect type: its code, and the words that name it in English."""

    code: str
    words: str


class GroundingMethod:
    """Looks for the phrases with a loaded network. The score is that of the best box, 0 to 1 and not calibrated.

    Which score makes a defect comes from validation images alone.
    """

    name = "vlg"

    def __init__(self, grounder: Grounder, phrases: Sequence[Phrase]) -> None:
        if not phrases:
            raise ModelError("grounding_phrases_missing")
        self._grounder = grounder
        self._phrases = tuple(phrases)

    @property
    def stamp(self) -> str:
        """Return the SHA-256 of the network's files."""
        return self._grounder.stamp

    def predict(self, images: Sequence[np.ndarray]) -> list[Prediction]:
        """Return what is found in images, RGB uint8 H×W×3, in their order. A failed one has its `error`."""
        return [self._find(image) for image in images]

    def _find(self, image: np.ndarray) -> Prediction:
        started = time.perf_counter()
        try:
            found = self._grounder.ground(image, [phrase.words for phrase in self._phrases])
        except ModelError as error:
            return Prediction(None, ms=(time.perf_counter() - started) * 1000.0, error=error)
        found = _inside(found, image.shape[1], image.shape[0])
        by_phrase = found.scores.max(axis=0) if len(found.scores) else np.zeros(len(self._phrases), np.float32)
        return Prediction(
            float(by_phrase.max()),
            class_probabilities=self._probabilities(by_phrase),
            boxes=self._boxes(found),
            ms=(time.perf_counter() - started) * 1000.0,
        )

    def _probabilities(self, by_phrase: np.ndarray) -> dict[str, float]:
        best, total = float(by_phrase.max()), float(by_phrase.sum())
        shares = by_phrase / total if total > 0 else np.full(len(by_phrase), 1.0 / len(by_phrase))
        named = {phrase.code: best * float(share) for phrase, share in zip(self._phrases, shares, strict=True)}
        return {GOOD: 1.0 - best} | named

    def _boxes(self, found: Grounded) -> tuple[PredictedBox, ...]:
        if not len(found.scores):
            return ()
        scores, labels = found.scores.max(axis=1), found.scores.argmax(axis=1)
        kept: list[int] = []
        # A stable order: boxes of one score stay in the network's.
        for place in np.argsort(-scores, kind="stable"):
            if len(kept) == MAX_BOXES or scores[place] < max(_SHARE_OF_BEST * scores.max(), _LEAST_SCORE):
                break
            if all(_overlap(found.corners[place], found.corners[other]) < _OVERLAP for other in kept):
                kept.append(int(place))
        return tuple(
            PredictedBox(
                x=float(x1),
                y=float(y1),
                width=float(x2 - x1),
                height=float(y2 - y1),
                score=float(scores[place]),
                label=self._phrases[labels[place]].code,
            )
            for place in kept
            for x1, y1, x2, y2 in [found.corners[place]]
        )


def _inside(found: Grounded, width: int, height: int) -> Grounded:
    """Return the boxes cut at the image's edges, without those that lie outside it: OWLv2 sees a padded square."""
    corners = found.corners.clip([0, 0, 0, 0], [width, height, width, height])
    kept = (corners[:, 2] - corners[:, 0] >= 1) & (corners[:, 3] - corners[:, 1] >= 1)
    kept &= np.isfinite(found.scores).all(axis=1)
    return Grounded(found.scores[kept], np.asarray(corners[kept], np.float32))


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the intersection over the union of two boxes by their corners."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = float(width * height)
    areas = float((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]))
    return shared / (areas - shared)
