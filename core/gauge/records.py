"""A gauge study as values: its plan, its parts, pictures and people, and how far each is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.catalog.names import ProductName
from core.gauge.terms import BOTH, CANCELLED, CLOSED, DRAFT, RUNNING, SCORE, USUAL_REPEATS


@dataclass(frozen=True)
class PlannedPart:
    """A part of a plan. `sources` name the pictures that it brings: {"image": id} or {"inspections": [[ids], …]}."""

    name: str
    reference: str = ""
    reference_source: str = ""
    sources: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedAppraiser:
    """A person of a plan: with the account `user_id`, or by name alone."""

    name: str
    user_id: int | None = None


@dataclass(frozen=True)
class StudyPlan:
    """What a study is to be. `one_picture` is whether each part has one picture that is shown again and again.

    `view` is the code of the view that is pictured, of a product with views.
    """

    product_id: int
    name: str
    purpose: str = ""
    kind: str = SCORE
    n_repeats: int = USUAL_REPEATS
    one_picture: bool = False
    with_model: bool = True
    setups: tuple[str, ...] = ("",)
    parts: tuple[PlannedPart, ...] = ()
    appraisers: tuple[PlannedAppraiser, ...] = ()
    view: str = ""

    @property
    def n_pictures(self) -> int:
        """Return how many pictures each part needs at each setup."""
        return 1 if self.one_picture or not self.with_model else self.n_repeats

    @property
    def n_all_pictures(self) -> int:
        """Return how many pictures the whole study needs."""
        return len(self.parts) * len(self.setups) * self.n_pictures


@dataclass(frozen=True)
class PartView:
    """A part of a study, and what it really is as far as that is known."""

    id: int
    place: int
    name: str
    reference: str
    reference_source: str
    sources: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrialView:
    """One picture of the plan: where it lies once it is taken, and what the model said of it."""

    id: int
    part_id: int
    setup: int
    repeat_no: int
    position: int
    original_name: str
    image_key: str
    thumbnail_key: str
    image_sha256: str
    taken_at: datetime | None
    inspection_id: int | None
    image_id: int | None
    score: float | None
    verdict: str
    error_code: str
    error_params: dict[str, Any]

    @property
    def is_taken(self) -> bool:
        """Return whether the picture is there."""
        return bool(self.image_key)

    @property
    def is_judged(self) -> bool:
        """Return whether the model has said something of it."""
        return self.score is not None


@dataclass(frozen=True)
class AppraiserView:
    """A person of a study, and how many of its looks are done."""

    id: int
    place: int
    name: str
    user_id: int | None
    done: int
    total: int


@dataclass(frozen=True)
class Study:
    """A study with everything that is planned and done, but for what people rated."""

    id: int
    product: ProductName
    product_in_use: bool
    name: str
    purpose: str
    kind: str
    state: str
    n_repeats: int
    n_pictures: int
    with_model: bool
    setups: tuple[str, ...]
    seed: int
    version_id: int | None
    version_number: int | None
    review_at: float | None
    reject_at: float | None
    created_at: datetime
    created_by: str
    started_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    row_version: int
    parts: tuple[PartView, ...]
    trials: tuple[TrialView, ...]
    appraisers: tuple[AppraiserView, ...]
    view: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether pictures and ratings may still come."""
        return self.state == RUNNING

    @property
    def is_draft(self) -> bool:
        """Return whether the plan can still be changed."""
        return self.state == DRAFT

    @property
    def is_over(self) -> bool:
        """Return whether the study is completed or cancelled."""
        return self.state in {CLOSED, CANCELLED}

    @property
    def studies_score(self) -> bool:
        """Return whether the repeatability of the score is asked for."""
        return self.kind in {SCORE, BOTH}

    @property
    def studies_verdict(self) -> bool:
        """Return whether the agreement of verdicts is asked for."""
        return self.kind != SCORE

    @property
    def n_taken(self) -> int:
        """Return how many of the pictures are there."""
        return sum(trial.is_taken for trial in self.trials)

    @property
    def n_judged(self) -> int:
        """Return how many of the pictures the model has judged."""
        return sum(trial.is_judged for trial in self.trials)

    @property
    def n_rated(self) -> int:
        """Return how many looks of people are done."""
        return sum(appraiser.done for appraiser in self.appraisers)

    @property
    def n_ratings(self) -> int:
        """Return how many looks of people there are to be."""
        return sum(appraiser.total for appraiser in self.appraisers)

    @property
    def is_complete(self) -> bool:
        """Return whether all pictures are taken and judged, and all people are done."""
        judged = self.n_judged if self.with_model else self.n_taken
        return judged == len(self.trials) and self.n_rated == self.n_ratings and not self.is_draft

    @property
    def parts_without_picture(self) -> tuple[PartView, ...]:
        """Return the parts that nobody can look at yet."""
        seen = Counter(trial.part_id for trial in self.trials if trial.is_taken)
        return tuple(part for part in self.parts if not seen[part.id])

    @property
    def next_trial(self) -> TrialView | None:
        """Return the picture that is to be taken next, in the random order; None when all are there."""
        return next((trial for trial in self.trials if not trial.is_taken), None)

    @property
    def parts_by_id(self) -> dict[int, PartView]:
        """Return the parts by their id."""
        return {part.id: part for part in self.parts}


@dataclass(frozen=True)
class StudyLine:
    """A study in the list: what it is about and how far it is."""

    id: int
    product: ProductName
    name: str
    kind: str
    state: str
    created_at: datetime
    created_by: str
    n_parts: int
    n_pictures: int
    n_taken: int
    n_ratings: int
    n_rated: int
