"""Inspecting many files: while two groups are examined, the next is decoded and the one before is stored."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.access import WORKER, Person, require_role
from core.accounts.bindings import require_bound
from core.errors import AppError
from core.inspections.examination import examine_group, find_judges
from core.inspections.loading import MEMORY_BYTES, Group, MemoryLimit, PartFile, load_groups
from core.inspections.storing import Along, Examined, describe_part, store
from core.services import Services

if TYPE_CHECKING:
    from sqlmodel import Session

    from core.inspections.examination import Judges
    from core.inspections.records import InspectionRecord
    from storage.tables import Inspection


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file: its committed `record`, or the `error` for which there is none.

    `place` counts the files from 0 on, in the order in which they came.
    """

    place: int
    file: PartFile
    record: InspectionRecord | None = None
    error: AppError | None = None


def inspect_many(
    services: Services,
    person: Person,
    *,
    product_id: int,
    files: Iterable[PartFile],
    top_k: int = 6,
    along: Along | None = None,
    memory_bytes: int = MEMORY_BYTES,
) -> Generator[FileOutcome, None, None]:
    """Inspect files of one product, each as `inspection.inspect` does, and yield what became of them, in order.

    A file that fails has its error, and the others go on. Files are committed in groups: what is yielded is stored,
    and whatever happens between, a row is there with its objects or not at all. Versions and thresholds are those in
    use when a group begins. `along` is stored with each group in the same transaction, its places being those of the
    outcomes: who goes on after a crash knows exactly which files are done. A file whose idempotency key has an
    inspection already gets that one's record. At most `memory_bytes` of files and pixels
    are held, or one image that is larger by itself. Raises NotAllowed.
    """
    from inference.vision.images.prefetch import map_prefetched, prefetch

    require_role(services, person, WORKER)
    memory = MemoryLimit(memory_bytes)

    def judges_now() -> Judges:
        # As is the model, the account is that of the moment: a batch may take hours.
        require_role(services, person, WORKER)
        require_bound(services, person, product_id=product_id)
        return find_judges(services, product_id)

    def examine(group: Group) -> tuple[Group, dict[int, Examined | AppError]]:
        return group, examine_loaded(services, group, top_k=top_k)

    def store_group(group: Group, examined: dict[int, Examined | AppError]) -> list[FileOutcome]:
        files_of = {one.place: one.file for one in group.files}
        size = group.byte_size
        try:
            kept = store_examined(services, person, examined, top_k=top_k, along=along)
        finally:
            # Whoever still has the group has its pixels no more.
            group.files.clear()
            examined.clear()
            memory.release(size)
        return [_outcome(place, file, kept[place]) for place, file in files_of.items()]

    waiting: Future[list[FileOutcome]] | None = None
    with (
        ThreadPoolExecutor(1, thread_name_prefix="store") as storing,
        closing(prefetch(load_groups(files, memory, find_judges=judges_now), depth=2)) as groups,
        # Two groups at a time: where one computes on a single core, the other has work for the rest (a tenth faster).
        closing(map_prefetched(examine, groups, depth=1, threads=2)) as results,
        closing(memory),
    ):
        for group, examined in results:
            before, waiting = waiting, storing.submit(store_group, group, examined)
            if before is not None:
                yield from before.result()
        if waiting is not None:
            yield from waiting.result()


def _outcome(place: int, file: PartFile, kept: InspectionRecord | AppError) -> FileOutcome:
    if isinstance(kept, AppError):
        return FileOutcome(place, file, error=kept)
    return FileOutcome(place, file, record=kept)


def examine_loaded(services: Services, group: Group, *, top_k: int) -> dict[int, Examined | AppError]:
    """Return what the models say of each file by its place, or why nothing: of the file, the product, the image."""
    found: dict[int, Examined | AppError] = {one.place: one.error for one in group.files if one.error is not None}
    if group.judges is None:
        assert group.problem is not None
        return found | {one.place: group.problem for one in group.files if one.is_read}
    images = [(one, one.image) for one in group.files if one.image is not None]
    if not images:
        return found
    try:
        findings = examine_group(services, group.judges, [image for _, image in images], top_k=top_k)
    except AppError as error:
        return found | {one.place: error for one, _ in images}
    return found | {
        one.place: describe_part(finding, one.data, one.file.name, one.details, one.file.idempotency_key)
        for (one, _), finding in zip(images, findings, strict=True)
    }


def store_examined(
    services: Services,
    person: Person,
    examined: Mapping[int, Examined | AppError],
    *,
    top_k: int,
    along: Along | None = None,
) -> dict[int, InspectionRecord | AppError]:
    """Return the record of each file by its place, or why there is none."""
    kept: dict[int, InspectionRecord | AppError] = {
        place: one for place, one in examined.items() if isinstance(one, AppError)
    }
    group = {place: one for place, one in examined.items() if isinstance(one, Examined)}
    if not group:
        return kept
    places = list(group)

    def store_along(session: Session, rows: Mapping[int, Inspection]) -> None:
        assert along is not None
        along(session, {places[at]: row for at, row in rows.items()})

    try:
        records = store(
            services, person, list(group.values()), top_k=top_k, along=None if along is None else store_along
        )
    except AppError as error:
        return kept | dict.fromkeys(places, error)
    return kept | dict(zip(places, records, strict=True))
