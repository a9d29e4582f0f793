"""The embeddings of an index: those that are stored are used again, the others computed, and stored at once.

The images are decoded, cut and prepared on threads ahead of the network. A build that is cut short loses nothing:
the next one finds what it had computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.registry.index_examples import Example
from core.similarity.embedding_store import (
    WHOLE,
    Box,
    Content,
    find_boxes,
    find_vectors,
    name_maker,
    place_of,
    store_boxes,
    store_vectors,
)
from core.transactions import HasDatabase
from inference.errors import ImageError
from inference.vision.images.bit_depth import BY_IMAGE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.vision.detection.detector import Detector
    from inference.vision.networks.embeddings import Embedder

Progress = Callable[[int, int], None]
Skip = Callable[[Example, "ImageError"], None]
STORE_EVERY = 128


@dataclass(frozen=True)
class Finder:
    """What finds the defective place of an image: a memory bank, and the hash that stands for it."""

    bank: Detector
    sha256: str


@dataclass(frozen=True)
class Embedded:
    """The examples that could be embedded and their vectors, float32 (n, d); `computed` of them are new."""

    examples: list[Example]
    vectors: NDArray[np.float32]
    computed: int


@dataclass(frozen=True)
class _Prepared:
    example: Example
    box: Box | None
    network_input: NDArray[np.uint8]


def embed_examples(
    services: HasDatabase,
    embedder: Embedder,
    examples: list[Example],
    *,
    finder: Finder | None,
    progress: Progress,
    skip: Skip,
) -> Embedded:
    """Embed the examples as a whole, or with a `finder` at their most anomalous place. All have one bit depth.

    `progress` gets examples done and in all, and may raise to stop; `skip` gets an example that cannot be read and why.
    Raises ModelError and ObjectStoreError.
    """
    bit_depth = examples[0].bit_depth if examples else BY_IMAGE
    maker = name_maker(embedder.key, bit_depth)
    if finder is not None:
        finder = replace(finder, sha256=name_maker(finder.sha256, bit_depth))
    boxes = find_boxes(services, finder.sha256, {example.content_sha256 for example in examples}) if finder else {}
    known = {
        example.content_sha256: (example.content_sha256, place_of(boxes.get(example.content_sha256)))
        for example in examples
        if finder is None or example.content_sha256 in boxes
    }
    stored = find_vectors(services, maker, list(known.values()), dimension=embedder.dimension)
    vectors: dict[str, NDArray[np.float32]] = {
        sha256: stored[content] for sha256, content in known.items() if content in stored
    }
    todo = list({e.content_sha256: e for e in examples if e.content_sha256 not in vectors}.values())
    done = len(examples) - len(todo)
    progress(done, len(examples))
    unreadable = _compute(
        services,
        embedder,
        todo,
        maker=maker,
        vectors=vectors,
        finder=finder,
        boxes=boxes,
        progress=lambda count: progress(done + count, len(examples)),
    )
    for example in examples:
        if example.content_sha256 in unreadable:
            skip(example, unreadable[example.content_sha256])
    usable = [example for example in examples if example.content_sha256 in vectors]
    rows = [vectors[example.content_sha256] for example in usable]
    empty = np.zeros((0, embedder.dimension), dtype=np.float32)
    return Embedded(usable, np.stack(rows) if rows else empty, len(todo) - len(unreadable))


def _compute(
    services: HasDatabase,
    embedder: Embedder,
    todo: list[Example],
    *,
    maker: str,
    vectors: dict[str, NDArray[np.float32]],
    finder: Finder | None,
    boxes: dict[str, Box],
    progress: Callable[[int], None],
) -> dict[str, ImageError]:
    from inference.vision.images.prefetch import map_prefetched
    from inference.vision.search.region_crops import crop_region, peak_region

    def prepare(example: Example) -> _Prepared | ImageError:
        try:
            pixels = example.load()
        except ImageError as error:
            return error
        if finder is None:
            return _Prepared(example, None, embedder.prepare(pixels))
        box = boxes.get(example.content_sha256)
        if box is None:
            size_px = (pixels.shape[1], pixels.shape[0])
            box = peak_region(finder.bank.inspect(pixels).anomaly_map, image_size_px=size_px)
        return _Prepared(example, box, embedder.prepare(crop_region(pixels, box)))

    unreadable: dict[str, ImageError] = {}
    batch: list[_Prepared] = []
    fresh: dict[Content, NDArray[np.float32]] = {}
    found: dict[str, Box] = {}

    def flush() -> None:
        if batch:
            made = embedder.embed_prepared(np.stack([item.network_input for item in batch]))
            for item, vector in zip(batch, made, strict=True):
                sha256 = item.example.content_sha256
                vectors[sha256] = vector
                fresh[(sha256, WHOLE if item.box is None else place_of(item.box))] = vector
                if item.box is not None:
                    found[sha256] = item.box
            batch.clear()

    def store() -> None:
        if fresh:
            store_vectors(services, maker, fresh)
        if finder is not None and found:
            store_boxes(services, finder.sha256, found)
        fresh.clear()
        found.clear()

    for count, prepared in enumerate(map_prefetched(prepare, todo), start=1):
        if isinstance(prepared, _Prepared):
            batch.append(prepared)
        else:
            unreadable[todo[count - 1].content_sha256] = prepared
        if len(batch) == embedder.batch_size:
            flush()
        if len(fresh) >= STORE_EVERY:
            store()
        progress(count)
    flush()
    store()
    return unreadable
