"""Inspection records: all that is known of an inspection but its pictures, small enough for a browser session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.catalog.names import DefectTypeName, ProductName
from core.catalog.outcomes import is_offered
from core.errors import AppError, NotFound
from core.inspections.by_view.records import CombinedRecord, ViewRecord, read_combined
from core.inspections.decisions import Decision
from core.inspections.part_details import PartDetails
from core.inspections.stored_values import DefectRegion, read_preprocessing, read_regions
from core.inspections.trained.records import TrainedFinding
from core.similarity.matches import Similar, describe_matches, read_matches
from core.similarity.suggestions import Suggestion
from core.transactions import HasDatabase, reading
from storage.json_fields import read_texts
from storage.tables import DefectType, Inspection, ModelVersion, Product, SearchHistory, ThresholdSetting, User

if TYPE_CHECKING:
    from inference.vision.images.preprocessing import Preprocessing


@dataclass(frozen=True)
class SimilarImages:
    """What looks alike, the most similar first; `problem` says why an index could not be asked."""

    defects: tuple[Similar, ...] = ()
    normals: tuple[Similar, ...] = ()
    problem: AppError | None = None


@dataclass(frozen=True)
class UsedModel:
    """The memory bank that inspected: its version, its size in bytes, and when it was built (UTC)."""

    version_id: int
    number: int
    byte_size: int
    created_at: datetime


@dataclass(frozen=True)
class InspectionRecord:
    """One inspection as it is shown, without its pictures: those are objects, fetched by their keys.

    `score`, `review_at` and `reject_at` are float32 distances of the same unit, `verdict` is the model's own; what
    people made of it is `decision`. The score includes `raised_by`, what the known defects added to it. `preprocessing`
    is None where this version of the program cannot read it. `defect_types` are those that a person can choose from.
    Of a part that was inspected by views, `combined` holds how they were combined and each picture's evidence; score
    and thresholds are then combined probabilities, picture, regions and model those of the view that decided.
    `trained` is what the trained model in use said (of the deciding view), None without one; `trained_type` names its
    label, a kind of good part too.
    """

    id: int
    product: ProductName
    product_notice: str
    part: PartDetails
    created_at: datetime
    created_by: int | None
    person_name: str
    original_name: str
    image_key: str
    thumbnail_key: str
    heat_map_key: str
    width_px: int
    height_px: int
    image_notes: tuple[str, ...]
    score: float
    review_at: float
    reject_at: float
    threshold_method: str
    verdict: str
    regions: tuple[DefectRegion, ...]
    preprocessing: Preprocessing | None
    model: UsedModel
    raised_by: float
    latency_ms: float
    nearest_image_id: int | None
    suggestion: Suggestion | None
    similar: SimilarImages
    has_defect_index: bool
    has_normal_index: bool
    defect_types: tuple[DefectTypeName, ...]
    decision: Decision
    combined: CombinedRecord | None = None
    trained: TrainedFinding | None = None
    trained_type: DefectTypeName | None = None

    @property
    def map_limits(self) -> tuple[float, float]:
        """Return the thresholds in the unit of the anomaly map: those of the deciding view where views are combined."""
        deciding = self.combined.deciding if self.combined is not None else None
        if deciding is None or deciding.review_at is None or deciding.reject_at is None:
            return self.review_at, self.reject_at
        return deciding.review_at, deciding.reject_at

    def of_view(self, picture: ViewRecord) -> InspectionRecord:
        """Return the record with one view's picture, score, thresholds and regions in the place of the deciding one's.

        Everything that draws an inspection of a single picture draws a view's evidence from it. A picture that could
        not be judged has the score 0 there.
        """
        return replace(
            self,
            original_name=picture.original_name,
            image_key=picture.image_key,
            thumbnail_key=picture.thumbnail_key,
            heat_map_key=picture.heat_map_key,
            width_px=picture.width_px,
            height_px=picture.height_px,
            image_notes=picture.image_notes,
            score=picture.score or 0.0,
            raised_by=picture.raised_by,
            review_at=picture.review_at or 0.0,
            reject_at=picture.reject_at or 0.0,
            verdict=picture.verdict,
            regions=picture.regions,
            preprocessing=picture.preprocessing,
            nearest_image_id=picture.nearest_image_id,
            suggestion=picture.suggestion,
            latency_ms=picture.latency_ms,
            combined=None,
        )


def load_record(services: HasDatabase, inspection_id: int) -> InspectionRecord:
    """Return what was known at the time of an inspection and was decided since. Raises NotFound."""
    with reading(services) as session:
        row = session.get(Inspection, inspection_id)
        if row is None:
            raise NotFound("not_found")
        product = session.get(Product, row.product_id)
        bank = session.get(ModelVersion, row.memory_bank_version_id)
        threshold = session.get(ThresholdSetting, row.threshold_setting_id)
        assert product is not None
        assert bank is not None
        assert threshold is not None
        person = session.get(User, row.created_by) if row.created_by is not None else None
        searches = session.exec(select(SearchHistory).where(SearchHistory.inspection_id == row.id)).all()
        matches = {found.image_type: read_matches(found.results) for found in searches}
        types = types_of(session, product.id)
        return make_record(
            row,
            product=product,
            bank=bank,
            threshold=threshold,
            person_name=person.display_name if person is not None else "",
            types=types,
            similar=SimilarImages(
                defects=describe_matches(session, matches.get("defect", ())),
                normals=describe_matches(session, matches.get("normal", ())),
            ),
            combined=read_combined(session, row, types),
        )


def recent(services: HasDatabase, *, limit: int = 10) -> list[Inspection]:
    """Return the rows of the newest inspections, the newest first."""
    with reading(services) as session:
        return list(session.exec(select(Inspection).order_by(col(Inspection.id).desc()).limit(limit)).all())


def types_of(session: Session, product_id: int) -> list[DefectType]:
    """Return the product's defect types in the order of their codes, those out of use and kinds of good parts too."""
    in_order = select(DefectType).where(DefectType.product_id == product_id).order_by(col(DefectType.code))
    return list(session.exec(in_order).all())


def make_record(
    row: Inspection,
    *,
    product: Product,
    bank: ModelVersion,
    threshold: ThresholdSetting,
    person_name: str,
    types: Sequence[DefectType],
    similar: SimilarImages,
    combined: CombinedRecord | None = None,
) -> InspectionRecord:
    """Return the record of a row and the rows that it names; `types` are the product's, as of `types_of`."""
    suggested = next((found for found in types if found.id == row.suggested_defect_type_id), None)
    suggestion = None
    if row.suggestion_confidence is not None:
        # A confidence without a type says: none of the known ones.
        name = DefectTypeName.from_row(suggested) if suggested is not None else None
        suggestion = Suggestion(name, row.suggestion_confidence)
    trained = TrainedFinding.from_json(row.trained_finding)
    label = next((found for found in types if trained is not None and found.code == trained.label), None)
    return InspectionRecord(
        id=row.id,
        product=ProductName.from_row(product),
        product_notice=product.notice,
        part=PartDetails.from_row(row),
        created_at=row.created_at,
        created_by=row.created_by,
        person_name=person_name,
        original_name=row.original_name,
        image_key=row.image_key,
        thumbnail_key=row.thumbnail_key,
        heat_map_key=row.heat_map_key,
        width_px=row.width_px,
        height_px=row.height_px,
        image_notes=read_texts(row.image_notes),
        score=row.score,
        review_at=row.review_at,
        reject_at=row.reject_at,
        threshold_method=threshold.method,
        verdict=row.verdict,
        regions=read_regions(row.regions),
        preprocessing=read_preprocessing(row.preprocessing),
        model=UsedModel(bank.id, bank.number, bank.byte_size, bank.created_at),
        raised_by=row.raised_by,
        latency_ms=row.latency_ms,
        nearest_image_id=row.nearest_image_id,
        suggestion=suggestion,
        similar=similar,
        has_defect_index=row.defect_index_version_id is not None,
        has_normal_index=row.normal_index_version_id is not None,
        defect_types=tuple(DefectTypeName.from_row(found) for found in types if is_offered(found)),
        decision=Decision.from_row(row),
        combined=combined,
        trained=trained,
        trained_type=DefectTypeName.from_row(label) if label is not None else None,
    )
