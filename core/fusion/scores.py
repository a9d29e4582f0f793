"""The scores by view of labeled parts: those that calibrations are fitted to, and those of test images, which judge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.images.parts import part_key
from core.images.training import key_of_id
from core.models.detection_figures import BankFigures
from core.models.sources import BankSources
from storage.tables import Image, TestMeasurement, TestScore

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.tables import ModelVersion

_AT_ONCE = 500


@dataclass(frozen=True)
class ViewScores:
    """Scores (float32 distances) of pictures of one view that its memory bank has not learned from.

    `good` and `defect` are by the image's id; `part_of` names the piece of each.
    """

    good: Mapping[int, float] = field(default_factory=dict)
    defect: Mapping[int, float] = field(default_factory=dict)
    part_of: Mapping[int, str] = field(default_factory=dict)

    def parts_of(self, image_ids: Iterable[int]) -> list[str]:
        """Return the piece of each image."""
        return [self.part_of.get(image_id, f"image:{image_id}") for image_id in image_ids]


@dataclass(frozen=True)
class ScoredPart:
    """A labeled piece: by view the scores of its pictures, and the views whose picture shows a defect."""

    part: str
    scores: Mapping[str, tuple[float, ...]]
    defective: frozenset[str] = frozenset()

    @property
    def is_defect(self) -> bool:
        """Return whether any view shows a defect."""
        return bool(self.defective)


def read_fitting_scores(session: Session, version: ModelVersion) -> ViewScores:
    """Return the scores that a bank's thresholds stand on: cross-fitted ones of normal images, of labeled defects.

    Neither holds a test image. Empty for a version of an earlier release, which kept none.
    """
    sources, figures = BankSources.from_json(version.sources), BankFigures.from_json(version.metrics)
    by_key = sources.growth.normal_scores if sources.growth is not None else figures.normal_scores
    good = {image_id: score for key, score in by_key.items() if (image_id := _id_of(key)) is not None}
    defect = {
        image_id: figures.defect_scores[key]
        for image_id in sources.defect_ids
        if (key := key_of_id(image_id)) in figures.defect_scores
    }
    return ViewScores(good, defect, _read_parts(session, [*good, *defect]))


def read_fitting_parts(scores: Mapping[str, ViewScores]) -> tuple[ScoredPart, ...]:
    """Return the pieces behind the scores that calibrations are fitted to, in order of their names."""
    return _gather(
        (view, part, score, is_defect)
        for view, found in scores.items()
        for values, is_defect in ((found.good, False), (found.defect, True))
        for part, score in zip(found.parts_of(values), values.values(), strict=True)
    )


def read_test_parts(session: Session, versions: Mapping[str, ModelVersion]) -> tuple[ScoredPart, ...]:
    """Return the pieces of the test images that the versions, by view, were measured on, in order of their names."""
    view_of = {version.id: view for view, version in versions.items()}
    rows = session.exec(
        select(TestMeasurement.model_version_id, TestScore.part, TestScore.score, TestScore.defect_code)
        .join(TestScore, col(TestScore.measurement_id) == col(TestMeasurement.id))
        .where(col(TestMeasurement.model_version_id).in_(list(view_of)))
        .order_by(col(TestScore.id))
    ).all()
    return _gather((view_of[version_id], part, score, code is not None) for version_id, part, score, code in rows)


def keep_complete(parts: Sequence[ScoredPart], required: Collection[str]) -> tuple[ScoredPart, ...]:
    """Return the parts that every required view was taken of."""
    return tuple(part for part in parts if all(part.scores.get(view) for view in required))


def _gather(found: Iterable[tuple[str, str, float, bool]]) -> tuple[ScoredPart, ...]:
    scores: dict[str, dict[str, list[float]]] = {}
    defective: dict[str, set[str]] = {}
    for view, part, score, is_defect in found:
        scores.setdefault(part, {}).setdefault(view, []).append(score)
        if is_defect:
            defective.setdefault(part, set()).add(view)
    return tuple(
        ScoredPart(
            part, {view: tuple(values) for view, values in scores[part].items()}, frozenset(defective.get(part, ()))
        )
        for part in sorted(scores)
    )


def _read_parts(session: Session, image_ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(image_ids), _AT_ONCE):
        rows = session.exec(select(Image).where(col(Image.id).in_(image_ids[start : start + _AT_ONCE]))).all()
        found |= {row.id: part_key(row) for row in rows}
    return found


def _id_of(key: str) -> int | None:
    kind, _, number = key.partition(":")
    return int(number) if kind == "image" and number.isdecimal() else None
