"""Predictions as rows: the object of a map first, then its row, in one transaction with how far the job is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, select

from core.errors import AppError, from_lower
from core.identity import COMPARISONS
from core.jobs.stored_error import StoredError
from core.transactions import HasDatabase, HasStores, reading, writing
from storage.object_store import ObjectStoreError
from storage.tables import Prediction as PredictionRow

if TYPE_CHECKING:
    from core.methods.records import Sample
    from inference.vision.comparison.predictions import Prediction

# Maps are kept in so many pixels on the longer side: enough to draw and to measure areas by.
_LONGEST_PX = 160
_LONGEST_WORDS = 4_000


def folder_of(comparison_id: int) -> str:
    """Return what the keys of all objects of a comparison begin with."""
    return f"{COMPARISONS}{comparison_id}/"


def find_subjects(services: HasDatabase, comparison_id: int, key: str) -> set[str]:
    """Return the subjects that an entry has a prediction of."""
    query = select(PredictionRow.subject).where(
        PredictionRow.comparison_id == comparison_id, PredictionRow.method == key
    )
    with reading(services) as session:
        return set(session.exec(query).all())


def list_rows(services: HasDatabase, comparison_id: int, key: str) -> list[PredictionRow]:
    """Return the predictions of an entry, in the order of images, then parts."""
    query = (
        select(PredictionRow)
        .where(PredictionRow.comparison_id == comparison_id, PredictionRow.method == key)
        .order_by(col(PredictionRow.image_id), col(PredictionRow.subject))
    )
    with reading(services) as session:
        return list(session.exec(query).all())


def make_row(
    services: HasStores, comparison_id: int, key: str, sample: Sample, prediction: Prediction, *, ms: float
) -> PredictionRow:
    """Return the row of what a method says of an image; its map lies in the store. Raises AppError of the store."""
    row = empty_row(comparison_id, key, sample)
    if prediction.error is not None or prediction.score is None:
        error = AppError("comparison_no_prediction") if prediction.error is None else from_lower(prediction.error)
        put_error(row, error)
    else:
        row.score = float(prediction.score)
        row.class_probabilities = {label: float(share) for label, share in prediction.class_probabilities.items()}
        row.boxes = [box.to_json() for box in prediction.boxes]
        row.map_key = _put_map(services, row, prediction)
    row.words = prediction.words[:_LONGEST_WORDS]
    row.latency_ms = float(prediction.ms or ms)
    return row


def empty_row(comparison_id: int, key: str, sample: Sample) -> PredictionRow:
    """Return the row of an image without any prediction yet."""
    return PredictionRow(
        comparison_id=comparison_id,
        method=key,
        subject=sample.key,
        image_id=sample.image_id,
        part=sample.part,
        view=sample.view,
        split=sample.split,
        truth=sample.label,
    )


def put_error(row: PredictionRow, error: AppError) -> None:
    """Say in the row why there is no prediction."""
    stored = StoredError.from_error(error)
    row.error_code, row.error_params = stored.code[:64], dict(stored.params)


def add_rows(services: HasDatabase, rows: list[PredictionRow], hold: Callable[[Session], None]) -> None:
    """Store rows in one transaction; `hold` proves in it that the job is still ours and wanted."""
    values: list[Mapping[str, Any]] = [row.model_dump(exclude={"id"}) for row in rows]
    with writing(services) as session:
        for one in values:
            session.add(PredictionRow(**one))
        hold(session)
        session.commit()


def store_verdicts(
    services: HasDatabase,
    comparison_id: int,
    key: str,
    stopped: Mapping[str, bool],
    named: Mapping[str, str],
    hold: Callable[[Session], None],
) -> None:
    """Write in the rows of an entry which subjects it stops (reject) and passes (ok), and the types that it names."""
    query = select(PredictionRow).where(PredictionRow.comparison_id == comparison_id, PredictionRow.method == key)
    with writing(services) as session:
        for row in session.exec(query).all():
            row.verdict = "" if row.subject not in stopped else "reject" if stopped[row.subject] else "ok"
            row.named = named.get(row.subject, "")[:64]
        hold(session)
        session.commit()


def _put_map(services: HasStores, row: PredictionRow, prediction: Prediction) -> str:
    import cv2
    import numpy as np

    from inference.vision.images.encoding import encode_map

    values = prediction.anomaly_map
    if values is None or not values.size or not np.isfinite(values).all():
        return ""
    scale = _LONGEST_PX / max(values.shape)
    if scale < 1.0:
        size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
        values = cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    # The same name at every try: what is put again takes the place of what a killed worker left.
    key = f"{folder_of(row.comparison_id)}maps/{row.image_id}-{_plain(row.method)}.png"
    try:
        services.objects.put(key, encode_map(np.asarray(values, np.float32)), content_type="image/png")
    except ObjectStoreError as error:
        raise from_lower(error) from error
    return key


def _plain(name: str) -> str:
    return name.encode().hex()
