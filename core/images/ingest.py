"""Ingesting images: decode, look for the same content, store the object, commit the row.

Files are decoded by a few threads and committed in small groups. Each group goes objects first, rows second: if it
fails half-way there are at most objects without rows, which are deleted at once, or collected later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.images.bit_depth import get_bit_depth
from core.images.preparation import prepare
from core.images.records import FileOutcome, IngestItem, PreparedImage
from core.images.storing import store_group
from inference.parallel import CORES
from inference.vision.images.prefetch import map_prefetched

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from storage.tables import Product

GROUP_FILES = 32
GROUP_BYTES = 32_000_000


def ingest_images(
    services: Services,
    person: Person,
    product: Product,
    items: Iterable[IngestItem],
    *,
    group_files: int = GROUP_FILES,
) -> Iterator[FileOutcome]:
    """Ingest the images of a product, yielding the outcome of each in order, its mask's right after it.

    A file that cannot be ingested is an outcome; AppError is raised when the database or the object store fails, after
    which everything already yielded is stored and nothing else is.
    """
    require_role(services, person, ENGINEER)
    group: list[PreparedImage | FileOutcome] = []
    n_bytes = 0
    for prepared in _prepare_prefetched(items, get_bit_depth(services, product.id)):
        group.append(prepared)
        n_bytes += len(prepared.data) if isinstance(prepared, PreparedImage) else 0
        if len(group) >= group_files or n_bytes >= GROUP_BYTES:
            yield from store_group(services, person, product, group)
            group, n_bytes = [], 0
    if group:
        yield from store_group(services, person, product, group)


def _prepare_prefetched(items: Iterable[IngestItem], bit_depth: int) -> Iterator[PreparedImage | FileOutcome]:
    # Few at a time: each is held whole until its group is stored.
    threads = min(4, CORES)
    return map_prefetched(partial(prepare, bit_depth=bit_depth), items, depth=threads, threads=threads)
