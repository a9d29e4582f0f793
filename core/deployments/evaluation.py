"""Measuring a memory bank on a product's test images, which no build and no calibration has seen."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlmodel import Session, col, select

from core.deployments.embedding import Finder
from core.deployments.retrieval_measures import measure_retrieval
from core.deployments.weak_spots import find_weak
from core.errors import NotReady, from_lower
from core.images.bit_depth import read_bit_depth
from core.images.training import key_of
from core.models.detection_figures import BankFigures, ConfusionFigures, DetectionFigures, TypeFigures
from core.models.figures import RetrievalFigures
from core.models.head_figures import HeadFigures
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.registry.index_examples import image_examples
from core.registry.versions import active_version, current_threshold
from core.services import Services
from core.similarity.matches import live_types
from core.similarity.suggestions import prefers_head, read_rule
from core.transactions import reading
from inference.errors import ImageError, InferenceError
from storage.objects import ObjectStore, ObjectStoreError
from storage.tables import DefectType, Image, ModelVersion, Product

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.vision.detection.detector import Detector
    from inference.vision.search.knn_vote import VoteRule

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
        parts = [f"{row.content_sha256}:{code}:{row.mask_key}" for row, code in zip(self.rows, self.codes, strict=True)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class TestMeasurement:
    """The figures of a detector on test images, and the score of each defect image by the engine's key."""

    __test__ = False

    figures: DetectionFigures
    defect_scores: Mapping[str, float] = field(default_factory=dict)


@dataclass
class _Measured:
    keys: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    codes: list[str | None] = field(default_factory=list)
    maps: list[NDArray[np.float32]] = field(default_factory=list)
    masks: list[NDArray[np.bool_]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    named: list[bool] = field(default_factory=list)

    @property
    def type_top1(self) -> float | None:
        """Return how often a defect head named the right type first; None where there was nothing to choose."""
        types = {code for code in self.codes if code is not None}
        return sum(self.named) / len(self.named) if self.named and len(types) > 1 else None


def test_set(session: Session, product_id: int) -> TestSet:
    """Return the product's images with split=test."""
    rows = session.exec(
        select(Image).where(Image.product_id == product_id, Image.split == "test").order_by(col(Image.id))
    ).all()
    codes = read_codes(session, product_id)
    return TestSet(
        tuple(rows),
        tuple(None if row.defect_type_id is None else codes[row.defect_type_id] for row in rows),
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
    bit_depth: int,
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
    )


def _score_all(
    objects: ObjectStore, model: Detector, test: TestSet, bit_depth: int, progress: Progress | None
) -> _Measured:
    found = _Measured()
    total = len(test.rows)
    decoded: list[tuple[Image, str | None]] = []
    detections = model.inspect_many(pixels for pixels in _decode_each(objects, test, bit_depth, decoded, found.skipped))
    for done, detection in enumerate(detections, start=1):
        row, code = decoded[done - 1]
        found.keys.append(key_of(row))
        found.scores.append(float(detection.score))
        found.codes.append(code)
        if code is not None and detection.opinion is not None:
            found.named.append(detection.opinion.first == str(row.defect_type_id))
        mask = _mask(objects, row, detection.anomaly_map.shape, found.skipped)
        if mask is not None or code is None:
            found.maps.append(detection.anomaly_map)
            found.masks.append(np.zeros(detection.anomaly_map.shape, dtype=bool) if mask is None else mask)
        if progress is not None:
            progress(done, total)
    return found


def _decode_each(
    objects: ObjectStore, test: TestSet, bit_depth: int, decoded: list[tuple[Image, str | None]], skipped: list[str]
) -> Iterator[NDArray[np.uint8]]:
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


def evaluate(services: Services, product: Product, *, progress: Progress | None = None) -> dict[str, Any]:
    """Return the object that `evaluate --json` prints. Raises NotReady without an active model or test images."""
    with reading(services) as session:
        bank = active_version(session, MEMORY_BANK, product.id)
        if bank is None:
            raise NotReady("no_active_memory_bank", product=product.name)
        threshold = current_threshold(session, bank.id)
        test = test_set(session, product.id)
    if not test.rows:
        raise NotReady("no_test_images", product=product.name)
    try:
        model = services.models.memory_bank(bank)
        figures = measure(
            services.objects,
            model,
            test,
            review_at=threshold.review_at,
            reject_at=threshold.reject_at,
            bit_depth=read_bit_depth(bank.preprocessing),
            progress=progress,
        ).figures
        retrieval, rule = _measure_retrieval(services, product, model=model, bank=bank, test=test)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    written = figures.to_json()
    types = _describe_types(figures, retrieval, BankFigures.from_json(bank.metrics).head, rule)
    return {
        "product": product.code,
        "model_version": bank.number,
        **{key: written[key] for key in ("n_normal", "n_defect", "image_auroc", "pixel_auroc", "aupro")},
        "per_defect": {
            code: {"n": found.n, "image_auroc": found.image_auroc} for code, found in figures.per_defect.items()
        },
        "thresholds": {
            "review_at": threshold.review_at,
            "reject_at": threshold.reject_at,
            "method": threshold.method,
        },
        **{key: written[key] for key in ("confusion", "overkill", "escape")},
        # The type found first is the one that is suggested; the nearest image's own is beside it.
        "retrieval": {
            **retrieval.to_json(),
            "top1_type_accuracy": types["top1_accuracy"],
            "nearest_top1": retrieval.used.top1_type_accuracy,
        },
        "types": types,
        "ms_per_image": figures.ms_per_image,
    }


def _measure_retrieval(
    services: Services, product: Product, *, model: Detector, bank: ModelVersion, test: TestSet
) -> tuple[RetrievalFigures, VoteRule | None]:
    """Return the figures of `retrieval_measures` for the indexes in use, searched as an inspection searches.

    Also return the rule by which similar images vote for a type; None without an index of defects.
    """
    with reading(services) as session:
        versions = {part: active_version(session, SIMILARITY_INDEX, product.id, part) for part in ("defect", "region")}
        used = versions["defect"] or versions["region"]
        if used is None:
            return RetrievalFigures(), None
        indexes = {
            part: services.models.similarity_index(version) if version is not None else None
            for part, version in versions.items()
        }
        ids = {int(found) for index in indexes.values() if index is not None for found in index.ids}
        types = live_types(session, ids, "defect")
    rule = read_rule(indexes["region"], indexes["defect"])
    figures = measure_retrieval(
        services,
        services.models.embedder(used.model_name),
        image_examples(
            services,
            [row for row in test.rows if row.image_type == "defect"],
            bit_depth=read_bit_depth(bank.preprocessing),
        ),
        whole=indexes["defect"],
        region=indexes["region"],
        rule=rule,
        finder=Finder(model, bank.manifest_sha256),
        type_of={found: type_id for found, type_id in types.items() if type_id is not None},
    )
    return figures, rule


def _describe_types(
    figures: DetectionFigures, retrieval: RetrievalFigures, head: HeadFigures | None, rule: VoteRule | None
) -> dict[str, Any]:
    """Return how often the type of a test defect is named first, by each way, and by the one that suggests types."""
    by_head = prefers_head(head, rule) and figures.type_top1 is not None
    votes = retrieval.votes_top1
    return {
        "suggested_by": "head" if by_head else ("votes" if votes is not None else None),
        "top1_accuracy": figures.type_top1 if by_head else votes,
        "head_top1": figures.type_top1,
        "votes_top1": votes,
    }
