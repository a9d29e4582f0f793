"""Ingesting images: decode, look for the same content, store the object, commit the row.

Files are decoded by a few threads and committed in small groups, each while the next one is decoded: a store that waits
for its disk or network leaves the cores free. Each group goes objects first, rows second: if it fails half-way there
are at most objects without rows, which are deleted at once, or collected later.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.catalog.views import list_views
from core.images.bit_depth import get_bit_depth
from core.images.preparation import prepare
from core.images.records import FileOutcome, IngestItem, PreparedImage
from core.images.storing import Along, store_group
from core.images.views.naming import ViewNames
from inference.parallel import CORES
from inference.vision.images.prefetch import map_prefetched

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from inference.vision.images.bit_depth import Reading
    from storage.tables import Product

Prepared = PreparedImage | FileOutcome

GROUP_FILES = 32
GROUP_BYTES = 32_000_000


def ingest_images(
    services: Services,
    person: Person,
    product: Product,
    items: Iterable[IngestItem],
    *,
    group_files: int = GROUP_FILES,
    along: Along | None = None,
) -> Iterator[FileOutcome]:
    """Ingest the images of a product, yielding the outcome of each in order, its mask's right after it.

    `along` writes what belongs to a group of new images in their own transaction, from another thread.

    A file that cannot be ingested is an outcome; AppError is raised when the database or the object store fails, after
    which everything already yielded is stored and nothing else is.
    """
    require_role(services, person, ENGINEER)
    prepared = _prepare_prefetched(*_settle_views(services, product.id, items))
    store = partial(_store, services, person, product, along)
    yield from _store_beside(store, _in_groups(prepared, group_files))


def _settle_views(
    services: Services, product_id: int, items: Iterable[IngestItem]
) -> tuple[Iterable[IngestItem], Mapping[str, Reading]]:
    """Return the images with the codes of their views, and how those of each are read; "" stands for the others."""
    views = list_views(services, product_id, include_inactive=True)
    readings = {code: get_bit_depth(services, product_id, code) for code in ("", *(view.code for view in views))}
    if not views:
        return items, readings
    names = ViewNames(views)
    return (replace(item, view=names.code_of(item.view)) if item.view else item for item in items), readings


def _store(
    services: Services, person: Person, product: Product, along: Along | None, group: Sequence[Prepared]
) -> list[FileOutcome]:
    return list(store_group(services, person, product, group, along=along))


def _store_beside(
    store: Callable[[Sequence[Prepared]], list[FileOutcome]], groups: Generator[Sequence[Prepared]]
) -> Iterator[FileOutcome]:
    """Store one group after the other, each while the next one is made, and yield their outcomes."""
    running: Future[list[FileOutcome]] | None = None
    # Leaving waits for a group that is being stored: nothing goes on behind the caller's back.
    with closing(groups), ThreadPoolExecutor(1, thread_name_prefix="store") as beside:
        for group in groups:
            if running is not None:
                yield from running.result()
            running = beside.submit(store, group)
        if running is not None:
            yield from running.result()


def _in_groups(prepared: Generator[Prepared], group_files: int) -> Generator[Sequence[Prepared]]:
    with closing(prepared):
        group: list[Prepared] = []
        n_bytes = 0
        for one in prepared:
            group.append(one)
            n_bytes += len(one.data) if isinstance(one, PreparedImage) else 0
            if len(group) >= group_files or n_bytes >= GROUP_BYTES:
                yield group
                group, n_bytes = [], 0
        if group:
            yield group


def _prepare_prefetched(items: Iterable[IngestItem], readings: Mapping[str, Reading]) -> Generator[Prepared]:
    def prepare_one(item: IngestItem) -> Prepared:
        return prepare(item, bit_depth=readings.get(item.view, readings[""]))

    # Few at a time: each is held whole until its group is stored.
    threads = min(4, CORES)
    return map_prefetched(prepare_one, items, depth=threads, threads=threads)
