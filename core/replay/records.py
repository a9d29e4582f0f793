"""What would change: each image with the verdict of the version in use and that of the candidate, and their flips.

Values alone, without pixels: small enough for a browser session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.catalog.names import DefectTypeName
from core.errors import AppError
from core.i18n import N_

INSPECTION, IMAGE = "inspection", "image"
GOOD, DEFECT, UNKNOWN = "good", "defect", "unknown"
# Where an outcome is known from: the label of a curated image, or what a person said of an inspection.
LABEL, PERSON = "label", "person"
# A verdict stops a part (Review, NG) or lets it pass (OK).
STOPPED, PASSED, TO_REJECT, TO_REVIEW = "stopped", "passed", "to_reject", "to_review"
OK, REVIEW, REJECT = "ok", "review", "reject"

# In the order in which a person wants to see them: known outcomes first, and of these the new mistakes.
GROUP_NAMES: dict[tuple[str, str], str] = {
    (DEFECT, PASSED): N_("Known defects that would now pass"),
    (GOOD, STOPPED): N_("Good parts that would now be stopped"),
    (DEFECT, STOPPED): N_("Known defects that would now be stopped"),
    (GOOD, PASSED): N_("Good parts that would now pass"),
    (UNKNOWN, PASSED): N_("Parts nobody has decided on that would now pass"),
    (UNKNOWN, STOPPED): N_("Parts nobody has decided on that would now be stopped"),
    (DEFECT, TO_REVIEW): N_("Known defects that go from NG to Review"),
    (GOOD, TO_REJECT): N_("Good parts that go from Review to NG"),
    (DEFECT, TO_REJECT): N_("Known defects that go from Review to NG"),
    (GOOD, TO_REVIEW): N_("Good parts that go from NG to Review"),
    (UNKNOWN, TO_REVIEW): N_("Parts nobody has decided on that go from NG to Review"),
    (UNKNOWN, TO_REJECT): N_("Parts nobody has decided on that go from Review to NG"),
}
# What would be a new mistake, as far as it is known.
MISTAKES = frozenset({(DEFECT, PASSED), (GOOD, STOPPED)})


@dataclass(frozen=True)
class Judge:
    """A memory bank with the two thresholds that it judges with, float32 distances of its own unit."""

    version_id: int
    number: int
    review_at: float
    reject_at: float


@dataclass(frozen=True)
class Judgment:
    """What one judge says of an image: its score (a distance) and the verdict by the judge's thresholds."""

    score: float
    verdict: str


@dataclass(frozen=True)
class Outcome:
    """What an image really shows. `defect_type` is None for a good part, and where nobody named the type."""

    is_defect: bool
    defect_type: DefectTypeName | None
    said_by: str


@dataclass(frozen=True)
class ComparedImage:
    """One image under both judges: the kept image of an inspection, or a curated image, by its `kind` and `id`.

    `before` is what the version in use says, None where none is in use. `outcome` is None where nobody said it.
    """

    kind: str
    id: int
    name: str
    thumbnail_key: str
    outcome: Outcome | None
    before: Judgment | None
    after: Judgment

    @property
    def known_as(self) -> str:
        """Return good, defect or unknown."""
        if self.outcome is None:
            return UNKNOWN
        return DEFECT if self.outcome.is_defect else GOOD

    @property
    def flip(self) -> str | None:
        """Return how the verdict changes, None where it stays."""
        if self.before is None or self.before.verdict == self.after.verdict:
            return None
        if self.before.verdict == OK:
            return STOPPED
        if self.after.verdict == OK:
            return PASSED
        return TO_REJECT if self.after.verdict == REJECT else TO_REVIEW


@dataclass(frozen=True)
class LeftOut:
    """An image that could not be read, and why; it is compared with nothing."""

    kind: str
    id: int
    name: str
    error: AppError


@dataclass(frozen=True)
class FlipGroup:
    """The images of one known outcome whose verdict changes in one direction, the clearest first."""

    known_as: str
    flip: str
    images: tuple[ComparedImage, ...]

    @property
    def name(self) -> str:
        """Return what the group is called, as a msgid."""
        return GROUP_NAMES[(self.known_as, self.flip)]

    @property
    def is_mistake(self) -> bool:
        """Return whether these would be new mistakes."""
        return (self.known_as, self.flip) in MISTAKES


@dataclass(frozen=True)
class Replay:
    """What would change if `after` judged instead of `before`, the version in use (None: there is none).

    `n_inspections` and `n_images` count what was to be compared. Of `n_labeled` curated images `n_images` were taken:
    an even sample where there are too many. `learned_from` counts those that one of the versions has learned from
    without having kept a score of when it had not: what it says of them proves nothing, and they are left out.
    `other_thresholds` is whether `after` is tried with thresholds that are not in force for it.
    """

    product_id: int
    product_code: str
    before: Judge | None
    after: Judge
    other_thresholds: bool
    images: tuple[ComparedImage, ...]
    unreadable: tuple[LeftOut, ...]
    n_inspections: int
    n_images: int
    n_labeled: int
    learned_from: int
    n_scored: int
    seconds: float

    @property
    def is_sample(self) -> bool:
        """Return whether only some of the curated images were compared."""
        return self.n_images < self.n_labeled

    def groups(self) -> tuple[FlipGroup, ...]:
        """Return the images whose verdict changes, known outcomes first."""
        found: dict[tuple[str, str], list[ComparedImage]] = {}
        for image in self.images:
            if image.flip is not None:
                found.setdefault((image.known_as, image.flip), []).append(image)
        return tuple(
            FlipGroup(*key, tuple(sorted(found[key], key=self._clearness, reverse=True)))
            for key in GROUP_NAMES
            if key in found
        )

    def count_flips(self) -> dict[str, int]:
        """Return how many images flip, by known outcome and direction, such as `good_stopped`; without those of 0."""
        return {f"{group.known_as}_{group.flip}": len(group.images) for group in self.groups()}

    def count_verdicts(self) -> dict[tuple[str, str], int]:
        """Return how many images have which verdict before and after; those without a version in use have none."""
        return dict(Counter((one.before.verdict, one.after.verdict) for one in self.images if one.before is not None))

    def count_stopped(self, known_as: str) -> StoppedCounts:
        """Return how many images of a known outcome (good, defect, unknown) are stopped by either judge."""
        ours = [image for image in self.images if image.known_as == known_as]
        before = [image.before.verdict != OK for image in ours if image.before is not None]
        return StoppedCounts(
            total=len(ours),
            before=sum(before) if self.before is not None else None,
            after=sum(image.after.verdict != OK for image in ours),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the object that `replay --json` prints."""
        return {
            "product": self.product_code,
            "model_version": self.after.number,
            "thresholds": {"review_at": self.after.review_at, "reject_at": self.after.reject_at},
            "in_use": None
            if self.before is None
            else {
                "model_version": self.before.number,
                "thresholds": {"review_at": self.before.review_at, "reject_at": self.before.reject_at},
            },
            "inspections": self.n_inspections,
            "images": self.n_images,
            "labeled_images": self.n_labeled,
            "compared": len(self.images),
            "learned_from": self.learned_from,
            "counts": self.count_flips(),
            "verdicts": [
                {"before": before, "after": after, "n": count}
                for (before, after), count in sorted(self.count_verdicts().items())
            ],
            "stopped": {known_as: self.count_stopped(known_as).to_json() for known_as in (GOOD, DEFECT, UNKNOWN)},
            "flips": [_write_image(image) for group in self.groups() for image in group.images],
            "unreadable": [
                {one.kind: one.id, "name": one.name, "error": {"code": one.error.code, "message": str(one.error)}}
                for one in self.unreadable
            ],
            "scored": self.n_scored,
            "seconds": self.seconds,
        }

    def _clearness(self, image: ComparedImage) -> float:
        """Return how far the score that stops lies above its judge's Review threshold, as a share of it."""
        far = [_excess(image.after, self.after)]
        if image.before is not None and self.before is not None:
            far.append(_excess(image.before, self.before))
        return max(far)


@dataclass(frozen=True)
class StoppedCounts:
    """How many of `total` images are stopped by the version in use (None: there is none) and by the other judge."""

    total: int
    before: int | None
    after: int

    def to_json(self) -> Mapping[str, int | None]:
        """Return the counts for the command line."""
        return {"n": self.total, "before": self.before, "after": self.after}


def _excess(judgment: Judgment, judge: Judge) -> float:
    return (judgment.score - judge.review_at) / max(abs(judge.review_at), 1e-12)


def _write_image(image: ComparedImage) -> dict[str, Any]:
    kind = image.outcome.defect_type if image.outcome is not None else None
    return {
        image.kind: image.id,
        "name": image.name,
        "known_as": image.known_as,
        "defect_type": kind.code if kind is not None else None,
        "flip": image.flip,
        "before": None if image.before is None else {"verdict": image.before.verdict, "score": image.before.score},
        "after": {"verdict": image.after.verdict, "score": image.after.score},
    }
