"""Normal images under the model in use: which of new ones do not look like the others, and where in one it sees why."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.access import ENGINEER, require_role
from core.catalog.views import built_views
from core.errors import AppError, from_lower
from core.images.bit_depth import find_bit_depth, read_bit_depth
from core.images.library import get_image_row, get_images
from core.images.outliers import list_suspected, note_at_intake
from core.images.training import load_pixels
from core.inspections.colormap import color_heat, fit_within, overlay_heat
from core.jobs.outcomes import SetApartImage
from core.models.kinds import MEMORY_BANK
from core.models.sources import BankSources
from core.registry.versions import active_version, current_threshold
from core.transactions import reading
from inference.errors import ImageError, InferenceError
from storage.objects import ObjectStoreError
from storage.tables import Image, ModelVersion, ThresholdSetting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.access import Person
    from core.services import Services

# More than this at once is a whole product: its next build looks at all of them, beside each other.
MOST_AT_INTAKE = 500
MOST_SECONDS = 60.0
NO_MODEL, TOO_MANY, TOO_SLOW = "no_model", "too_many", "too_slow"
_SCREEN_PX = 900
_VERSIONS_LOOKED_AT = 10


@dataclass(frozen=True)
class IntakeCheck:
    """What the model in use says of the new normal images of a product.

    `suspected` score at or above `limit`, the score from which on a part is NG. `reason` says why not all of the
    `n_new` were looked at (no_model, too_many, too_slow), and `error` what ended it early; empty and None otherwise.
    """

    n_new: int
    n_checked: int = 0
    suspected: tuple[SetApartImage, ...] = ()
    limit: float | None = None
    reason: str = ""
    error: AppError | None = None


@dataclass(frozen=True)
class SuspectedImage:
    """A normal image that waits for a decision, and the score from which on it was noted.

    `set_apart_by` is the number of the version that did not learn from it; None for one that was noted at intake.
    """

    image: Image
    limit: float | None
    set_apart_by: int | None


@dataclass(frozen=True)
class Suspicions:
    """The images that wait for a decision, the strangest first. `model_stamp` changes with the heat maps of all."""

    images: tuple[SuspectedImage, ...]
    model_stamp: str


@dataclass(frozen=True)
class NormalPicture:
    """A normal image for the screen, and the heat map of the model in use over it (None without a model); JPEG files.

    `learned_by` is the number of the model where it learned from this very image, and so finds nothing in it.
    """

    picture_jpeg: bytes = field(repr=False)
    heat_jpeg: bytes | None = field(repr=False, default=None)
    learned_by: int | None = None


def check_new_normals(
    services: Services,
    person: Person,
    product_id: int,
    image_ids: Sequence[int],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    most: int = MOST_AT_INTAKE,
    most_seconds: float = MOST_SECONDS,
) -> IntakeCheck:
    """Score new normal images by the model in use, and note those that it would call NG.

    Others than normal images of the product are passed over; `progress` gets (done, total). What goes wrong is told and
    not raised, because the images are stored already. Raises NotAllowed.
    """
    require_role(services, person, ENGINEER)
    scores: dict[int, float] = {}
    names: dict[int, str] = {}
    limit: float | None = None
    limits: dict[int, float] = {}
    reason, failure = "", None
    try:
        rows = _new_normals(services, product_id, image_ids)
        names = {row.id: row.stored_name for row in rows}
        with reading(services) as session:
            judges = {
                view: judge
                for view in {row.view for row in rows}
                if (judge := _judge_of(session, product_id, view)) is not None
            }
        limits = {row.id: judges[row.view][1] for row in rows if row.view in judges}
        if not limits:
            return IntakeCheck(len(rows), reason=NO_MODEL)
        limit = min(limits.values())
        if len(rows) > most:
            return IntakeCheck(len(rows), limit=limit, reason=TOO_MANY)
        until = time.monotonic() + most_seconds
        # Images of a view without a model are not looked at.
        rows = [row for row in rows if row.id in limits]
        for view, (bank, _limit) in judges.items():
            for image_id, score in _score(services, bank, [row for row in rows if row.view == view], until=until):
                scores[image_id] = score
                progress(len(scores), len(rows))
        reason = TOO_SLOW if len(scores) < len(rows) and time.monotonic() > until else ""
    except (AppError, InferenceError, ObjectStoreError, MemoryError, OSError) as error:
        failure = from_lower(error)
    strange = {image_id: score for image_id, score in scores.items() if score >= limits[image_id]}
    try:
        note_at_intake(services, person, product_id, strange, limit=limit or 0.0)
    except AppError as error:
        failure = error
    ordered = sorted(strange, key=lambda image_id: -strange[image_id])
    found = tuple(SetApartImage(names[image_id], image_id, strange[image_id]) for image_id in ordered)
    return IntakeCheck(len(names), len(scores), found, limit, reason, failure)


def explain_suspected(services: Services, product_id: int) -> Suspicions:
    """Return the normal images that wait for a decision, each with what it was measured by."""
    images = list_suspected(services, product_id)
    if not images:
        return Suspicions((), "")
    with reading(services) as session:
        in_use = {view: _model_in_use(session, product_id, view) for view in {image.view for image in images}}
        newest = session.exec(
            select(ModelVersion)
            .where(ModelVersion.kind == MEMORY_BANK, ModelVersion.product_id == product_id)
            .order_by(col(ModelVersion.id).desc())
            .limit(_VERSIONS_LOOKED_AT)
        ).all()
    builds = [(version.number, BankSources.from_json(version.sources)) for version in newest]

    def explain(image: Image) -> SuspectedImage:
        for version_number, sources in builds:
            if image.id in sources.set_apart:
                return SuspectedImage(image, sources.set_apart_at, version_number)
        threshold = in_use[image.view][1]
        return SuspectedImage(image, None if threshold is None else threshold.reject_at, None)

    stamp = ",".join(
        f"{bank.manifest_sha256}:{threshold.id}"
        for _view, (bank, threshold) in sorted(in_use.items())
        if bank is not None and threshold is not None
    )
    return Suspicions(tuple(explain(image) for image in images), stamp)


def draw_normal(services: Services, image_id: int) -> NormalPicture:
    """Return the picture of a normal image with the heat map of the model in use.

    Raises NotFound, and the errors of engine and object store as AppError.
    """
    from inference.vision.images.encoding import encode_jpeg

    try:
        with reading(services) as session:
            row = get_image_row(session, image_id)
            bank, threshold = _model_in_use(session, row.product_id, row.view)
            depth = find_bit_depth(session, row.product_id, row.view)
            bit_depth = depth if bank is None else read_bit_depth(bank.preprocessing)
        pixels = load_pixels(services, row, bit_depth=bit_depth)
        shown = fit_within(pixels, _SCREEN_PX)
        if bank is None or threshold is None:
            return NormalPicture(encode_jpeg(shown))
        detection = services.models.memory_bank(bank).inspect(pixels)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    heat = color_heat(detection.anomaly_map, review_at=threshold.review_at, reject_at=threshold.reject_at)
    learned = image_id in BankSources.from_json(bank.sources).used_image_ids
    return NormalPicture(
        encode_jpeg(shown), encode_jpeg(overlay_heat(shown, heat)), learned_by=bank.number if learned else None
    )


def _model_in_use(session: Session, product_id: int, view: str) -> tuple[ModelVersion | None, ThresholdSetting | None]:
    """Return the bank of an image's view with its thresholds; an image of a product without views may name any."""
    code = view if view in built_views(session, product_id) else ""
    bank = active_version(session, MEMORY_BANK, product_id, view=code)
    return bank, None if bank is None else current_threshold(session, bank.id)


def _judge_of(session: Session, product_id: int, view: str) -> tuple[ModelVersion, float] | None:
    bank, threshold = _model_in_use(session, product_id, view)
    return None if bank is None or threshold is None else (bank, threshold.reject_at)


def _new_normals(services: Services, product_id: int, image_ids: Sequence[int]) -> list[Image]:
    rows: list[Image] = []
    for start in range(0, len(image_ids), MOST_AT_INTAKE):
        rows += get_images(services, image_ids[start : start + MOST_AT_INTAKE])
    return [row for row in rows if row.product_id == product_id and row.image_type == "normal"]


def _score(
    services: Services, bank: ModelVersion, rows: Sequence[Image], *, until: float
) -> Iterator[tuple[int, float]]:
    """Yield (image id, score), many images at once where the detector can; one that cannot be read has none."""
    model, bit_depth = services.models.memory_bank(bank), read_bit_depth(bank.preprocessing)
    read: list[int] = []

    def load() -> Iterator[NDArray[np.uint8]]:
        for row in rows:
            if time.monotonic() > until:
                return
            try:
                pixels = load_pixels(services, row, bit_depth=bit_depth)
            except ImageError:
                continue  # the build names such images
            read.append(row.id)
            yield pixels

    for place, detection in enumerate(model.inspect_many(load())):
        yield read[place], detection.score
