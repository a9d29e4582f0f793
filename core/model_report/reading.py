"""Reading the report of a memory bank from what was stored when it was measured; no inspection is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlmodel import Session, col, select

from core.catalog.names import DefectTypeName, ProductName, spoken_name
from core.errors import NotFound, NotReady
from core.model_report.confusion import confusion_at, types_at
from core.model_report.curves import precision_recall_of, roc_of
from core.model_report.intervals import arrays_of, auroc_of
from core.model_report.records import Freshness, ModelReport, ScoredImage, ThresholdEntry, VersionHead
from core.models.detection_figures import BankFigures
from core.models.kinds import MEMORY_BANK
from core.registry.retention import is_kept
from core.registry.test_scores import StoredMeasurement, find_measurement, read_test_fingerprint
from core.transactions import HasDatabase, reading
from storage.tables import (
    DefectType,
    Image,
    ModelVersion,
    Product,
    TestMeasurement,
    TestScore,
    ThresholdSetting,
    User,
)


@dataclass(frozen=True)
class ReportListing:
    """A memory bank that a report can be read of, or measured. `measured_at` is None where no score is stored yet."""

    head: VersionHead
    measured_at: datetime | None
    image_auroc: float | None


def list_reports(services: HasDatabase, product_id: int, view: str | None = None) -> tuple[ReportListing, ...]:
    """Return the product's memory banks, those in use first, then the newest; of one view where it is given."""
    with reading(services) as session:
        product = session.get(Product, product_id)
        if product is None:
            raise NotFound("not_found")
        query = (
            select(ModelVersion, TestMeasurement.measured_at)
            .join(TestMeasurement, col(TestMeasurement.model_version_id) == col(ModelVersion.id), isouter=True)
            .where(ModelVersion.kind == MEMORY_BANK, ModelVersion.product_id == product_id)
        )
        if view is not None:
            query = query.where(ModelVersion.view == view)
        rows = session.exec(query.order_by(col(ModelVersion.active_key).is_(None), col(ModelVersion.id).desc())).all()
    return tuple(_list(row, product, measured_at) for row, measured_at in rows)


def read_report(services: HasDatabase, version_id: int) -> ModelReport:
    """Return how a memory bank does on its test images, with the thresholds in force.

    Raises NotFound, and NotReady: `report_without_test_images` where the product has none and none was measured,
    `report_not_measured` where the scores of this version were not stored; measuring it once mends that.
    """
    with reading(services) as session:
        head = find_head(session, version_id)
        thresholds = list_entries(session, version_id)
        measurement = find_measurement(session, version_id)
        fingerprint, images_now = read_test_fingerprint(session, head.product_id, head.view)
        if measurement is None:
            code = "report_not_measured" if images_now else "report_without_test_images"
            raise NotReady(code, product=spoken_name(head.product), number=head.number)
        images = read_scored(session, measurement)
        names = read_names(session, head.product_id)
    found = arrays_of(images)
    in_force = thresholds[0]
    return ModelReport(
        head=head,
        measured_at=measurement.measured_at,
        freshness=Freshness(measurement.test_fingerprint == fingerprint, images_now),
        images=images,
        thresholds=thresholds,
        figures=measurement.figures,
        auroc=auroc_of(found),
        confusion=confusion_at(images, in_force.review_at, in_force.reject_at),
        types=types_at(images, names, in_force.review_at, in_force.reject_at),
        roc=roc_of(images),
        precision_recall=precision_recall_of(images),
        warnings=_warn(images),
    )


def find_head(session: Session, version_id: int) -> VersionHead:
    """Return which memory bank this is. Raises NotFound."""
    version = session.get(ModelVersion, version_id)
    product = session.get(Product, version.product_id) if version is not None and version.product_id else None
    if version is None or product is None or version.kind != MEMORY_BANK:
        raise NotFound("not_found")
    return _head(version, product)


def list_entries(session: Session, version_id: int) -> tuple[ThresholdEntry, ...]:
    """Return all thresholds that a version has had, those in force first. Raises NotFound where it has none."""
    rows = session.exec(
        select(ThresholdSetting, User.display_name)
        .join(User, col(User.id) == col(ThresholdSetting.created_by), isouter=True)
        .where(ThresholdSetting.model_version_id == version_id)
        .order_by(col(ThresholdSetting.id).desc())
    ).all()
    if not rows:
        raise NotFound("thresholds_missing")
    return tuple(
        ThresholdEntry(
            id=row.id,
            review_at=row.review_at,
            reject_at=row.reject_at,
            method=row.method,
            reason=row.reason,
            created_at=row.created_at,
            saved_by=name or "",
        )
        for row, name in rows
    )


def read_scored(session: Session, measurement: StoredMeasurement) -> tuple[ScoredImage, ...]:
    """Return the measured images from the lowest score on; those that are still there lead to their objects."""
    rows = session.exec(
        select(
            TestScore.id,
            TestScore.stored_name,
            TestScore.content_sha256,
            TestScore.part,
            TestScore.defect_code,
            TestScore.score,
            TestScore.has_mask,
            TestScore.pixel_auroc,
            Image.id,
            Image.object_key,
            Image.thumbnail_key,
        )  # type: ignore[call-overload]
        .join(Image, col(Image.id) == col(TestScore.image_id), isouter=True)
        .where(TestScore.measurement_id == measurement.id)
        .order_by(col(TestScore.score), col(TestScore.id))
    ).all()
    return tuple(
        ScoredImage(
            id=row[0],
            name=row[1],
            content_sha256=row[2],
            part=row[3],
            defect_type=row[4],
            score=row[5],
            has_mask=bool(row[6]),
            pixel_auroc=row[7],
            image_id=row[8],
            object_key=row[9] or "",
            thumbnail_key=row[10] or "",
        )
        for row in rows
    )


def read_names(session: Session, product_id: int) -> dict[str, DefectTypeName]:
    """Return the names of the product's defect types by their codes."""
    rows = session.exec(select(DefectType).where(DefectType.product_id == product_id)).all()
    return {row.code: DefectTypeName.from_row(row) for row in rows}


def _list(row: ModelVersion, product: Product, measured_at: datetime | None) -> ReportListing:
    figures = BankFigures.from_json(row.metrics).detection
    return ReportListing(_head(row, product), measured_at, None if figures is None else figures.image_auroc)


def _head(version: ModelVersion, product: Product) -> VersionHead:
    return VersionHead(
        version_id=version.id,
        number=version.number,
        state=version.state,
        model_name=version.model_name,
        product_id=product.id,
        product_code=product.code,
        product=ProductName.from_row(product),
        created_at=version.created_at,
        activated_at=version.activated_at,
        is_kept=is_kept(version),
        view=version.view,
    )


def _warn(images: tuple[ScoredImage, ...]) -> tuple[str, ...]:
    from inference.vision.detection.calibration import ENOUGH_DEFECTS, ENOUGH_NORMALS

    found = arrays_of(images)
    n_defect = len(np.unique(found.parts[found.labels]))
    n_good = len(np.unique(found.parts[~found.labels]))
    warnings = {
        "no_defects": not n_defect,
        "few_defects": 0 < n_defect < ENOUGH_DEFECTS,
        "no_good": not n_good,
        "few_good": 0 < n_good < ENOUGH_NORMALS,
        "no_masks": bool(n_defect) and not any(image.has_mask for image in images),
    }
    return tuple(code for code, applies in warnings.items() if applies)
