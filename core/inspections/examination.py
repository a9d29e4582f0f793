"""What the models say of images; nothing is stored.

The models, thresholds and indexes that judge are one value, `Judges`: those in use of a product are loaded once for
many images, and others can be put in their place (`dataclasses.replace`) to see what a candidate would have said.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.catalog.names import spoken_name
from core.catalog.views import read_views
from core.errors import NotFound, NotReady, from_lower
from core.images.bit_depth import Reading, read_bit_depth
from core.inspections.images import InspectionImages
from core.inspections.records import types_of
from core.inspections.trained.judging import TrainedJudge, ask_trained, open_trained
from core.inspections.trained.records import TrainedFinding
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX, TRAINED_MODEL
from core.registry.versions import PARTS, current_threshold, find_active
from core.services import Services
from core.similarity.questions import Query, Versions
from core.similarity.results import SearchResult, SearchResults
from core.similarity.search import search_many
from core.transactions import reading
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import DefectType, ModelVersion, Product, ThresholdSetting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.vision.detection.detection import Detection
    from inference.vision.detection.detector import Detector
    from inference.vision.detection.regions import Region
    from inference.vision.images.decode import DecodedImage

# Examined, searched and stored together: enough that their database and disk are asked for once, and few enough that
# what waits for its turn is small and results come as they are ready.
GROUP_IMAGES = 16
GROUP_PIXELS = 32_000_000


@dataclass(frozen=True)
class Judges:
    """What judges the images of one product: the bank with its loaded model, the thresholds, and the indexes.

    `indexes` are those that similar images are searched in, by part; without any (an empty mapping), none are searched,
    nothing looks closer at the type of a defect, and the trained model is not asked: scores are asked for alone.
    `defect_types` are the product's. A threshold that was never stored will do where nothing is to be stored.
    `trained` is the trained model in use, None without one.
    """

    product: Product
    bank: ModelVersion
    threshold: ThresholdSetting
    model: Detector = field(repr=False)
    indexes: Versions
    defect_types: tuple[DefectType, ...]
    trained: TrainedJudge | None = None

    @property
    def bit_depth(self) -> Reading:
        """Return the bit depth, or the window, by which images are decoded for the bank, as `decode` takes it."""
        return read_bit_depth(self.bank.preprocessing)


@dataclass(frozen=True)
class Finding:
    """What the models said about one image of a product, before anything is stored.

    `latency_ms` is the image's share of the time of those that were examined together. `trained` is what the trained
    model in use said, None without one; it is part of the verdict already.
    """

    judges: Judges = field(repr=False)
    image: DecodedImage
    detection: Detection
    regions: list[Region]
    verdict: str
    similar: SearchResults
    latency_ms: float
    trained: TrainedFinding | None = None

    @property
    def product(self) -> Product:
        """Return the product."""
        return self.judges.product

    @property
    def bank(self) -> ModelVersion:
        """Return the memory bank that inspected."""
        return self.judges.bank

    @property
    def threshold(self) -> ThresholdSetting:
        """Return the thresholds that the score was compared with."""
        return self.judges.threshold


def find_judges(services: Services, product_id: int, view: str = "") -> Judges:
    """Return what judges the images of (a view of) the product now, its model loaded.

    Raises NotFound for an unknown product, NotReady for one that is out of use, has no active model, or is inspected by
    views of which none was named, and the AppError of a model that cannot be loaded.
    """
    with reading(services) as session:
        product = session.get(Product, product_id)
        if product is None:
            raise NotFound("not_found")
        if not product.is_active:
            raise NotReady("product_not_in_use", product=spoken_name(product))
        active = find_active(session, product_id, MEMORY_BANK, SIMILARITY_INDEX, TRAINED_MODEL, view=view)
        bank = active.get((MEMORY_BANK, ""))
        if bank is None:
            views = () if view else read_views(session, product_id)
            if views:
                codes = ", ".join(one.code for one in views)
                raise NotReady("inspection_needs_views", product=spoken_name(product), views=codes)
            raise NotReady("no_active_memory_bank", product=spoken_name(product))
        threshold = current_threshold(session, bank.id)
        types = tuple(types_of(session, product_id))
    try:
        model = services.models.memory_bank(bank)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    indexes = {part: active.get((SIMILARITY_INDEX, part)) for part in PARTS[SIMILARITY_INDEX]}
    trained = open_trained(services, active.get((TRAINED_MODEL, "")))
    return Judges(product, bank, threshold, model, indexes, types, trained)


def examine_many(
    services: Services, judges: Judges, images: Iterable[DecodedImage], *, top_k: int = 6
) -> Iterator[Finding]:
    """Yield the finding of each image in order, as `examine_group` makes them; `images` may be decoded as it is asked.

    At most two groups of images are held at a time. Raises AppError; what `images` raises comes through.
    """
    from inference.vision.images.prefetch import prefetch

    for group in prefetch(_group(images), depth=2):
        yield from examine_group(services, judges, group, top_k=top_k)


def _group(images: Iterable[DecodedImage]) -> Iterator[list[DecodedImage]]:
    group: list[DecodedImage] = []
    pixels = 0
    for image in images:
        size = image.pixels.shape[0] * image.pixels.shape[1]
        if group and (len(group) == GROUP_IMAGES or pixels + size > GROUP_PIXELS):
            yield group
            group, pixels = [], 0
        group.append(image)
        pixels += size
    if group:
        yield group


def examine_group(
    services: Services, judges: Judges, images: Sequence[DecodedImage], *, top_k: int = 6
) -> list[Finding]:
    """Detect, compare with the thresholds, find regions and similar images: of all at once, each as if it came alone.

    Raises AppError: none of them is examined then.
    """
    started = time.perf_counter()
    try:
        detections = _detect(judges.model, [image.pixels for image in images])
        judged = [_judge(judges, image, detection) for image, detection in zip(images, detections, strict=True)]
        trained = ask_trained(
            judges.trained if judges.indexes else None,
            [image.pixels for image in images],
            [verdict for verdict, _ in judged],
        )
        judged = [
            ("review", regions) if said is not None and said.raised else (verdict, regions)
            for (verdict, regions), said in zip(judged, trained, strict=True)
        ]
        verdicts = [verdict for verdict, _ in judged]
        similar, detections = _look_further(services, judges, images, detections, verdicts, top_k=top_k)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    share_ms = (time.perf_counter() - started) * 1000.0 / max(1, len(images))
    return [
        Finding(judges, image, detection, regions, verdict, found, share_ms, said)
        for image, detection, (verdict, regions), found, said in zip(
            images, detections, judged, similar, trained, strict=True
        )
    ]


def _detect(model: Detector, images: Sequence[NDArray[np.uint8]]) -> list[Detection]:
    # One part alone is waited for: all cores compute it.
    return [model.inspect(images[0])] if len(images) == 1 else list(model.inspect_many(images))


def _judge(judges: Judges, image: DecodedImage, detection: Detection) -> tuple[str, list[Region]]:
    from inference.vision.detection.calibration import verdict
    from inference.vision.detection.regions import LEAST_AREA_SHARE, find_regions

    decided = verdict(detection.score, judges.threshold.review_at, judges.threshold.reject_at)
    if decided == "ok":
        return decided, []
    regions = find_regions(
        detection.anomaly_map,
        threshold=judges.threshold.review_at,
        image_size_px=(image.pixels.shape[1], image.pixels.shape[0]),
        min_area_share=LEAST_AREA_SHARE * detection.view_share,
    )
    return decided, regions


def _look_further(
    services: Services,
    judges: Judges,
    images: Sequence[DecodedImage],
    detections: Sequence[Detection],
    verdicts: Sequence[str],
    *,
    top_k: int,
) -> tuple[list[SearchResults], list[Detection]]:
    """Return what looks alike, and the detections with the types of defects named by their regions, too."""
    if not judges.indexes:
        return _search(services, judges, images, detections, verdicts, top_k=top_k), list(detections)
    if len(images) > 1 or verdicts[0] == "ok":
        similar = _search(services, judges, images, detections, verdicts, top_k=top_k)
        return similar, _look_closer(judges.model, images, detections, verdicts)
    # One defective part is waited for: neither network keeps all cores busy at every moment, and the search asks the
    # database besides. Of many, other groups fill the gaps.
    with ThreadPoolExecutor(1, thread_name_prefix="closer") as beside:
        closer = beside.submit(copy_context().run, _look_closer, judges.model, images, detections, verdicts)
        similar = _search(services, judges, images, detections, verdicts, top_k=top_k)
        return similar, closer.result()


def _look_closer(
    model: Detector, images: Sequence[DecodedImage], detections: Sequence[Detection], verdicts: Sequence[str]
) -> list[Detection]:
    """Return the detections with the types of defects named by their regions, too: good parts have none to name."""
    from inference.vision.detection.detector import look_closer

    return [
        detection if verdict == "ok" else look_closer(model, image.pixels, detection)
        for image, detection, verdict in zip(images, detections, verdicts, strict=True)
    ]


def _search(
    services: Services,
    judges: Judges,
    images: Sequence[DecodedImage],
    detections: Sequence[Detection],
    verdicts: Sequence[str],
    *,
    top_k: int,
) -> list[SearchResults]:
    if not judges.indexes:
        return [SearchResults(SearchResult("normal", None), SearchResult("defect", None)) for _ in images]
    queries = []
    for image, detection, verdict in zip(images, detections, verdicts, strict=True):
        shown = InspectionImages(image.pixels, detection.anomaly_map)
        queries.append(Query(image.pixels, None if verdict == "ok" else shown.cut_out_peak()))
    return search_many(services, judges.indexes, queries, top_k=top_k)
