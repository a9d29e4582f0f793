"""What a picture of an inspected part showed, as it is shown again: one record for every view and exposure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, select

from core.catalog.names import DefectTypeName
from core.catalog.views import View, read_views
from core.errors import describe
from core.fusion.in_force import find_entry
from core.inspections.stored_values import DefectRegion, read_preprocessing, read_regions
from core.similarity.suggestions import Suggestion
from storage.json_fields import read_texts
from storage.tables import DefectType, Inspection, InspectionView, ModelVersion

if TYPE_CHECKING:
    from core.fusion.records import FusionEntry
    from inference.vision.images.preprocessing import Preprocessing


@dataclass(frozen=True)
class ViewRecord:
    """One picture of an inspected part: its view, what was found on it, and the models and thresholds of the time.

    `view` has the names of now; of a view that is gone only the code. `score` and the thresholds are float32 distances
    of this view's memory bank, `verdict` compares them; `probability` is what went into the combined verdict. All four
    are None where the picture could not be judged (`error_code`). `is_deciding` marks the picture whose probability was
    the highest. `image_key` is "" for a file that was no picture.
    """

    id: int
    code: str
    view: View | None
    exposure: int
    original_name: str
    image_key: str
    thumbnail_key: str
    heat_map_key: str
    image_sha256: str
    width_px: int
    height_px: int
    image_notes: tuple[str, ...]
    score: float | None
    raised_by: float
    review_at: float | None
    reject_at: float | None
    verdict: str
    probability: float | None
    version_id: int | None
    version_number: int | None
    regions: tuple[DefectRegion, ...]
    preprocessing: Preprocessing | None
    nearest_image_id: int | None
    suggestion: Suggestion | None
    latency_ms: float
    error_code: str | None
    error_params: dict[str, Any] = field(default_factory=dict)
    is_deciding: bool = False

    @property
    def name(self) -> str:
        """Return the view's name as its row holds it; its code where the view is gone."""
        return self.view.name if self.view is not None else self.code

    @property
    def name_en(self) -> str:
        """Return the view's English name; "" where there is none."""
        return self.view.name_en if self.view is not None else ""

    def problem(self, language: str) -> str:
        """Return why the picture could not be judged, as a sentence; "" where it was."""
        return describe(self.error_code, self.error_params, language) if self.error_code is not None else ""


@dataclass(frozen=True)
class CombinedRecord:
    """The combined verdict of an inspection by views: how, from what, and what is missing.

    `entry` is the rule of the time, None where it cannot be read any more. `missing` are codes of required views
    without a picture. `asked` are the views of the product at the time, with the names of now where they are there.
    """

    found_as: str
    missing: tuple[str, ...]
    pictures: tuple[ViewRecord, ...]
    entry: FusionEntry | None
    names: dict[str, View] = field(default_factory=dict)

    @property
    def deciding(self) -> ViewRecord | None:
        """Return the picture whose probability was the highest; None where none was judged."""
        return next((one for one in self.pictures if one.is_deciding), None)

    def name_of(self, code: str, language: str) -> str:
        """Return the name of a view in a language; its code where it is gone."""
        from core.catalog.views import name_view

        return name_view(self.names[code], language) if code in self.names else code


def read_combined(session: Session, row: Inspection, types: Sequence[DefectType]) -> CombinedRecord | None:
    """Return the combined verdict of an inspection with its pictures; None for one of a single picture."""
    if row.fusion_setting_id is None:
        return None
    rows = session.exec(
        select(InspectionView, ModelVersion.number)
        .join(ModelVersion, col(ModelVersion.id) == col(InspectionView.memory_bank_version_id), isouter=True)
        .where(InspectionView.inspection_id == row.id)
        .order_by(col(InspectionView.id))
    ).all()
    views = {view.code: view for view in read_views(session, row.product_id, include_inactive=True)}
    place = {code: number for number, code in enumerate(views)}
    judged = [(found.probability, -number) for number, (found, _) in enumerate(rows) if found.probability is not None]
    deciding = -max(judged)[1] if judged else None
    pictures = [
        _record(found, views.get(found.view), version_number, types, is_deciding=number == deciding)
        for number, (found, version_number) in enumerate(rows)
    ]
    pictures.sort(key=lambda one: (place.get(one.code, len(place)), one.code, one.exposure))
    return CombinedRecord(
        found_as=row.found_as,
        missing=read_texts(row.missing_views),
        pictures=tuple(pictures),
        entry=find_entry(session, row.fusion_setting_id),
        names=views,
    )


def _record(
    row: InspectionView, view: View | None, number: int | None, types: Sequence[DefectType], *, is_deciding: bool
) -> ViewRecord:
    suggestion = None
    if row.suggestion_confidence is not None:
        suggested = next((found for found in types if found.id == row.suggested_defect_type_id), None)
        name = DefectTypeName.from_row(suggested) if suggested is not None else None
        suggestion = Suggestion(name, row.suggestion_confidence)
    return ViewRecord(
        id=row.id,
        code=row.view,
        view=view,
        exposure=row.exposure,
        original_name=row.original_name,
        image_key=row.image_key,
        thumbnail_key=row.thumbnail_key,
        heat_map_key=row.heat_map_key,
        image_sha256=row.image_sha256,
        width_px=row.width_px,
        height_px=row.height_px,
        image_notes=read_texts(row.image_notes),
        score=row.score,
        raised_by=row.raised_by,
        review_at=row.review_at,
        reject_at=row.reject_at,
        verdict=row.verdict,
        probability=row.probability,
        version_id=row.memory_bank_version_id,
        version_number=number,
        regions=read_regions(row.regions),
        preprocessing=read_preprocessing(row.preprocessing),
        nearest_image_id=row.nearest_image_id,
        suggestion=suggestion,
        latency_ms=row.latency_ms,
        error_code=row.error_code,
        error_params=dict(row.error_params),
        is_deciding=is_deciding,
    )
