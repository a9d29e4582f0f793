"""Scoring a product's test images, which no build and no calibration has seen, and what that says of a memory bank."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from sqlmodel import Session, col, select

from core.deployments.weak_spots import find_weak
from core.images.parts import part_key
from core.images.training import key_of, of_view
from core.models.detection_figures import (
    DETECTION_KEYS,
    SCORES_KEY,
    BankFigures,
    ConfusionFigures,
    DetectionFigures,
    TypeFigures,
)
from core.registry.test_scores import ImageScore, hash_test_images, save_measurement
from inference.errors import ImageError
from storage.objects import ObjectStore, ObjectStoreError
from storage.tables import DefectType, Image, ModelVersion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.vision.detection.detection import Detection
    from inference.vision.detection.detector import Detector
    from inference.vision.images.bit_depth import Reading

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class TestSet:
    """A product's test images and the codes of their defect types (None for a normal image), in order of id."""

    __test__ = False  # not a test class, whatever pytest makes of the name

    rows: tuple[Image, ...]
    codes: tuple[str | None, ...]

    @property
    def fingerprint(self) -> str:
        """Return one hash of images, labels and masks: figures of two models compare where it is the same."""
        return hash_test_images(
            (row.content_sha256, code, row.mask_key) for row, code in zip(self.rows, self.codes, strict=True)
        )


@dataclass(frozen=True)
class TestMeasurement:
    """The figures of a detector on test images, the score of each, and of the defects by the engine's key."""

    __test__ = False

    figures: DetectionFigures
    defect_scores: Mapping[str, float] = field(default_factory=dict)
    images: tuple[ImageScore, ...] = ()


@dataclass
class _Measured:
    keys: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    codes: list[str | None] = field(default_factory=list)
    maps: list[NDArray[np.float32]] = field(default_factory=list)
    masks: list[NDArray[np.bool_]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    named: list[bool] = field(default_factory=list)
    images: list[ImageScore] = field(default_factory=list)

    @property
    def type_top1(self) -> float | None:
        """Return how often a defect head named the right type first; None where there was nothing to choose."""
        types = {code for code in self.codes if code is not None}
        return sum(self.named) / len(self.named) if self.named and len(types) > 1 else None


def test_set(session: Session, product_id: int, view: str = "") -> TestSet:  # noqa: PT028 - not a test
    """Return the product's images with split=test: of one view, or all of them without one."""
    query = select(Image).where(Image.product_id == product_id, Image.split == "test", *of_view(view))
    rows = session.exec(query.order_by(col(Image.id))).all()
    codes = read_codes(session, product_id)
    return TestSet(
        tuple(rows),
        tuple(codes[row.defect_type_id or 0] if row.image_type == "defect" else None for row in rows),
    )


def read_codes(session: Session, product_id: int) -> dict[int, str]:
    """Return the codes of the product's defect types by their numbers."""
    return {row.id: row.code for row in session.exec(select(DefectType).where(DefectType.product_id == product_id))}


def measure(
    objects: ObjectStore,
    model: Detector,
    test: TestSet,
    *,
    review_at: float,
    reject_at: float,
    bit_depth: Reading,
    progress: Progress | None = None,
) -> TestMeasurement:
    """Score every test image, read by the `bit_depth` of the model; return the figures that concern detection.

    Also return what it hardly finds.

    Pixel figures (AUROC; AUPRO up to a false-positive rate of 0.3, Bergmann et al. 2021) are taken at the size of the
    anomaly map, over normal images and those defect images that have a mask; None where there is no mask.
    """
    from inference.vision.detection import metrics

    started = time.perf_counter()
    found = _score_all(objects, model, test, bit_depth, progress)
    elapsed_s = time.perf_counter() - started
    labels = [code is not None for code in found.codes]
    by_type = metrics.auroc_by_type(found.scores, found.codes)
    table = metrics.confusion(found.scores, labels, review_at, reject_at)
    has_masks = any(mask.any() for mask in found.masks)
    passed = [code for code, score in zip(found.codes, found.scores, strict=True) if score < review_at]
    figures = DetectionFigures(
        n_normal=labels.count(False),
        n_defect=labels.count(True),
        image_auroc=metrics.image_auroc(found.scores, labels),
        pixel_auroc=metrics.pixel_auroc(found.maps, found.masks) if has_masks else None,
        aupro=metrics.aupro(found.maps, found.masks) if has_masks else None,
        per_defect={code: TypeFigures(n, auroc, passed.count(code)) for code, (n, auroc) in by_type.items()},
        confusion=ConfusionFigures.from_json(table),
        overkill=metrics.overkill_count(table),
        escape=metrics.escape_count(table),
        ms_per_image=elapsed_s * 1000.0 / len(found.scores) if found.scores else None,
        skipped=tuple(found.skipped),
        test_fingerprint=test.fingerprint,
        type_top1=found.type_top1,
    )
    scored = zip(found.keys, found.scores, labels, strict=True)
    return TestMeasurement(
        replace(figures, weak_on_test=find_weak(figures)),
        {key: score for key, score, is_defect in scored if is_defect},
        tuple(found.images),
    )


def keep_measured(session: Session, version_id: int, measured: TestMeasurement, *, by: int | None) -> None:
    """Store what a version was measured at, in the place of its last measurement, inside the caller's transaction."""
    row = session.get(ModelVersion, version_id)
    if row is None:
        return
    save_measurement(session, version_id, measured.figures, measured.images, measured_by=by)
    scores = BankFigures.from_json(row.metrics).defect_scores
    others = {name: value for name, value in row.metrics.items() if name not in DETECTION_KEYS}
    row.metrics = {**others, **measured.figures.to_json(), SCORES_KEY: {**scores, **measured.defect_scores}}
    session.add(row)


def _score_all(
    objects: ObjectStore, model: Detector, test: TestSet, bit_depth: Reading, progress: Progress | None
) -> _Measured:
    from inference.vision.detection.detector import look_closer

    found = _Measured()
    total = len(test.rows)
    decoded: list[tuple[Image, str | None]] = []
    defects: dict[int, NDArray[np.uint8]] = {}
    detections = model.inspect_many(
        pixels for pixels in _decode_each(objects, test, bit_depth, decoded, defects, found.skipped)
    )
    for done, detection in enumerate(detections, start=1):
        row, code = decoded[done - 1]
        found.keys.append(key_of(row))
        found.scores.append(float(detection.score))
        found.codes.append(code)
        pixels = defects.pop(row.id, None)
        if pixels is not None and detection.opinion is not None:
            opinion = look_closer(model, pixels, detection).opinion or detection.opinion
            found.named.append(opinion.first == str(row.defect_type_id))
        mask = _mask(objects, row, detection.anomaly_map.shape, found.skipped)
        if mask is not None or code is None:
            found.maps.append(detection.anomaly_map)
            found.masks.append(np.zeros(detection.anomaly_map.shape, dtype=bool) if mask is None else mask)
        found.images.append(_describe(row, code, detection, mask))
        if progress is not None:
            progress(done, total)
    return found


def _describe(row: Image, code: str | None, detection: Detection, mask: NDArray[np.bool_] | None) -> ImageScore:
    from inference.vision.detection import metrics

    shown = mask if code is not None and mask is not None and mask.any() else None
    return ImageScore(
        image_id=row.id,
        stored_name=row.stored_name,
        content_sha256=row.content_sha256,
        part=part_key(row),
        defect_code=code,
        score=float(detection.score),
        has_mask=shown is not None,
        pixel_auroc=None if shown is None else metrics.pixel_auroc([detection.anomaly_map], [shown]),
    )


def _decode_each(
    objects: ObjectStore,
    test: TestSet,
    bit_depth: Reading,
    decoded: list[tuple[Image, str | None]],
    defects: dict[int, NDArray[np.uint8]],
    skipped: list[str],
) -> Iterator[NDArray[np.uint8]]:
    """Yield the pixels of each image that can be read; those of `defects` are kept for a closer look, by id."""
    from inference.vision.images.decode import decode

    for row, code in zip(test.rows, test.codes, strict=True):
        try:
            pixels = decode(objects.get(row.object_key), bit_depth=bit_depth).pixels
        except (ImageError, ObjectStoreError) as error:
            if isinstance(error, ObjectStoreError) and error.code != "object_missing":
                raise
            skipped.append(row.stored_name)
            continue
        decoded.append((row, code))
        if code is not None:
            defects[row.id] = pixels
        yield pixels


def _mask(objects: ObjectStore, row: Image, shape: Sequence[int], skipped: list[str]) -> NDArray[np.bool_] | None:
    """Return the mask at the size of the anomaly map; None without one, or for an unreadable one (named in skipped)."""
    import cv2

    from inference.vision.images.decode import decode_mask

    if row.mask_key is None:
        return None
    try:
        mask = decode_mask(objects.get(row.mask_key))
    except (ImageError, ObjectStoreError) as error:
        if isinstance(error, ObjectStoreError) and error.code != "object_missing":
            raise
        skipped.append(f"{row.stored_name} (mask)")
        return None
    resized = cv2.resize(mask.astype(np.uint8), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(resized, dtype=bool)
