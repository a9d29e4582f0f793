"""Lines of the history: what a table shows of each inspection, with the names that its row refers to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from core.catalog.names import DefectTypeName, ProductName
from core.transactions import HasDatabase, reading
from storage.json_fields import read_texts
from storage.tables import DefectType, Inspection, InspectionView, ModelVersion, Product, User

_AT_ONCE = 500


@dataclass(frozen=True)
class ViewLine:
    """One picture of a part that was inspected by views; `probability` is None where it could not be judged."""

    code: str
    verdict: str
    probability: float | None


@dataclass(frozen=True)
class HistoryLine:
    """One inspection in a table. Scores and thresholds are float32 distances, moments UTC.

    `verdict` is the model's own, `final_verdict` the one in force. `defect_type` is the confirmed type
    (`is_type_confirmed`), else the suggested one. `row_version` counts what people changed. Of a part inspected by
    views, score and thresholds are combined probabilities, `found_as` is what the views that found something make it
    (internal, external, combined), and `views` are its pictures.
    """

    id: int
    created_at: datetime
    product: ProductName
    image_key: str
    original_name: str
    verdict: str
    final_verdict: str
    score: float
    review_at: float
    reject_at: float
    defect_type: DefectTypeName | None
    is_type_confirmed: bool
    action_status: str
    action_note: str
    review_state: str
    override_reason: str
    line: str
    lot: str
    serial: str
    shift: str
    source: str
    batch_job_id: int | None
    person_name: str
    model_number: int
    row_version: int
    found_as: str = ""
    missing_views: tuple[str, ...] = ()
    views: tuple[ViewLine, ...] = ()


@dataclass(frozen=True)
class _Names:
    """What rows name by their ids."""

    products: dict[int, ProductName]
    types: dict[int, DefectTypeName]
    people: dict[int, str]
    versions: dict[int, int]
    views: dict[int, tuple[ViewLine, ...]]


def load_lines(services: HasDatabase, ids: Sequence[int]) -> list[HistoryLine]:
    """Return the lines of these inspections, in their order; those that are not there are left out."""
    return list(stream_lines(services, ids))


def stream_lines(services: HasDatabase, ids: Sequence[int]) -> Iterator[HistoryLine]:
    """Yield the lines of these inspections in their order, a few hundred in memory at a time."""
    for start in range(0, len(ids), _AT_ONCE):
        some = list(ids[start : start + _AT_ONCE])
        with reading(services) as session:
            query = select(Inspection).where(col(Inspection.id).in_(some)).options(*_leave_out_large())
            rows = {row.id: row for row in session.exec(query).all()}
            names = _find_names(session, rows.values())
        yield from (_make_line(rows[found], names) for found in some if found in rows)


def _leave_out_large() -> list[Any]:
    """Return the options that leave out what is most of a row, and nothing that a table shows."""
    large: tuple[Any, ...] = (Inspection.regions, Inspection.preprocessing, Inspection.image_notes)
    return [defer(column) for column in large]


def _find_names(session: Session, rows: Iterable[Inspection]) -> _Names:
    rows = list(rows)
    products = {row.product_id for row in rows}
    types = {found for row in rows if (found := _type_of(row)) is not None}
    people = {row.created_by for row in rows if row.created_by is not None}
    versions = {row.memory_bank_version_id for row in rows}
    return _Names(
        products={
            row.id: ProductName.from_row(row)
            for row in session.exec(select(Product).where(col(Product.id).in_(products))).all()
        },
        types={
            row.id: DefectTypeName.from_row(row)
            for row in session.exec(select(DefectType).where(col(DefectType.id).in_(types))).all()
        },
        people=dict(session.exec(select(User.id, User.display_name).where(col(User.id).in_(people))).all()),
        versions=dict(
            session.exec(select(ModelVersion.id, ModelVersion.number).where(col(ModelVersion.id).in_(versions))).all()
        ),
        views=_find_views(session, [row.id for row in rows if row.fusion_setting_id is not None]),
    )


def _find_views(session: Session, ids: Sequence[int]) -> dict[int, tuple[ViewLine, ...]]:
    if not ids:
        return {}
    rows = session.exec(
        select(InspectionView.inspection_id, InspectionView.view, InspectionView.verdict, InspectionView.probability)
        .where(col(InspectionView.inspection_id).in_(ids))
        .order_by(col(InspectionView.id))
    ).all()
    found: dict[int, list[ViewLine]] = {}
    for inspection_id, view, verdict, probability in rows:
        found.setdefault(inspection_id, []).append(ViewLine(view, verdict, probability))
    return {inspection_id: tuple(views) for inspection_id, views in found.items()}


def _type_of(row: Inspection) -> int | None:
    """Return the confirmed type (None where a person said that it is none of the known ones), else the suggested."""
    return row.final_defect_type_id if row.confirmed_at is not None else row.suggested_defect_type_id


def _make_line(row: Inspection, names: _Names) -> HistoryLine:
    kind = _type_of(row)
    return HistoryLine(
        id=row.id,
        created_at=row.created_at,
        product=names.products[row.product_id],
        image_key=row.image_key,
        original_name=row.original_name,
        verdict=row.verdict,
        final_verdict=row.final_verdict,
        score=row.score,
        review_at=row.review_at,
        reject_at=row.reject_at,
        defect_type=names.types.get(kind) if kind is not None else None,
        is_type_confirmed=row.confirmed_at is not None,
        action_status=row.action_status,
        action_note=row.action_note,
        review_state=row.review_state,
        override_reason=row.override_reason,
        line=row.line,
        lot=row.lot,
        serial=row.serial,
        shift=row.shift,
        source=row.source,
        batch_job_id=row.batch_job_id,
        person_name=names.people.get(row.created_by, "") if row.created_by is not None else "",
        model_number=names.versions.get(row.memory_bank_version_id, 0),
        row_version=row.row_version,
        found_as=row.found_as,
        missing_views=read_texts(row.missing_views),
        views=names.views.get(row.id, ()),
    )
