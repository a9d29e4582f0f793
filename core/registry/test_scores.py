"""What a memory bank scored each test image: written where it is measured, read by the model report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert
from sqlmodel import Session, and_, col, select

from core.images.training import of_view
from core.models.detection_figures import DetectionFigures
from storage.tables import DefectType, Image, TestMeasurement, TestScore, utc_now

# Rows of one statement: databases limit how many values it may have.
_AT_ONCE = 500


@dataclass(frozen=True)
class ImageScore:
    """What a memory bank scored one test image, a float32 distance. `defect_code` is None for a normal image.

    `part` is what all images of one piece share. `pixel_auroc` is of the image's own pixels by its mask, None without.
    """

    image_id: int
    stored_name: str
    content_sha256: str
    part: str
    defect_code: str | None
    score: float
    has_mask: bool = False
    pixel_auroc: float | None = None


@dataclass(frozen=True)
class StoredMeasurement:
    """The last measurement of a memory bank: when, on which images, with which figures."""

    id: int
    version_id: int
    test_fingerprint: str
    figures: DetectionFigures
    measured_at: datetime


def hash_test_images(images: Iterable[tuple[str, str | None, str | None]]) -> str:
    """Return one hash of test images in order of id: content, code of the type and mask of each."""
    parts = [f"{content}:{code}:{mask}" for content, code, mask in images]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_test_fingerprint(session: Session, product_id: int, view: str = "") -> tuple[str, int]:
    """Return the hash of the test images that a product, or a view of it, has now, and how many they are."""
    rows = session.exec(
        select(Image.content_sha256, DefectType.code, Image.mask_key)
        .join(
            DefectType,
            and_(col(DefectType.id) == col(Image.defect_type_id), col(Image.image_type) == "defect"),
            isouter=True,
        )
        .where(Image.product_id == product_id, Image.split == "test", *of_view(view))
        .order_by(col(Image.id))
    ).all()
    return hash_test_images((content, code, mask) for content, code, mask in rows), len(rows)


def save_measurement(
    session: Session,
    version_id: int,
    figures: DetectionFigures,
    images: Sequence[ImageScore],
    *,
    measured_by: int | None = None,
) -> None:
    """Put a measurement in the place of the version's last one, inside the caller's transaction."""
    old = select(TestMeasurement.id).where(TestMeasurement.model_version_id == version_id)
    session.execute(delete(TestScore).where(col(TestScore.measurement_id).in_(old)))
    session.execute(delete(TestMeasurement).where(col(TestMeasurement.model_version_id) == version_id))
    row = TestMeasurement(
        model_version_id=version_id,
        test_fingerprint=figures.test_fingerprint or "",
        figures=figures.to_json(),
        measured_at=utc_now(),
        measured_by=measured_by,
    )
    session.add(row)
    session.flush()
    for start in range(0, len(images), _AT_ONCE):
        session.execute(
            insert(TestScore),
            [
                {
                    "measurement_id": row.id,
                    "image_id": one.image_id,
                    "stored_name": one.stored_name,
                    "content_sha256": one.content_sha256,
                    "part": one.part,
                    "defect_code": one.defect_code,
                    "score": one.score,
                    "has_mask": one.has_mask,
                    "pixel_auroc": one.pixel_auroc,
                }
                for one in images[start : start + _AT_ONCE]
            ],
        )


def find_measurement(session: Session, version_id: int) -> StoredMeasurement | None:
    """Return the last measurement of a version, None where there is none."""
    row = session.exec(select(TestMeasurement).where(TestMeasurement.model_version_id == version_id)).first()
    if row is None:
        return None
    figures = DetectionFigures.from_json(row.figures) or DetectionFigures()
    return StoredMeasurement(row.id, version_id, row.test_fingerprint, figures, row.measured_at)
