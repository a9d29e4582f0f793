"""Files of a watched folder that are pictures of one part by several views: gathered until the part is whole.

Which view and part a file shows, its name tells (`core.inspections.by_view.naming`). A part is inspected at once when
every view of the product has a file; one that lacks a view is waited for, and then inspected by what there is: without
a required view it is Review.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from core.errors import AppError, BadInput
from core.inspections.by_view.examining import ViewPicture
from core.inspections.by_view.inspection import inspect_part
from core.inspections.by_view.naming import read_name
from core.inspections.part_details import PartDetails, longest_text
from core.inspections.records import load_record
from core.transactions import retried, writing
from core.watching import ledger
from core.watching.scanning import ChangedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlmodel import Session

    from core.access import Person
    from core.services import Services
    from core.watching.arrived_files import Batch, FileMover, Look
    from core.watching.folders import Folder
    from core.watching.ledger import Arrival
    from core.watching.scanning import Candidate
    from storage.tables import Inspection


@dataclass(frozen=True)
class WatchedPart:
    """The files of a part that are there, those of a view together, in the order of the views."""

    name: str
    files: tuple[tuple[Candidate, str], ...]


@dataclass(frozen=True)
class ReadFile:
    """A file with its bytes and what is known of it."""

    candidate: Candidate
    arrival: Arrival
    details: PartDetails
    data: bytes


class PartGatherer:
    """Knows since when the files of each part have been as they are."""

    def __init__(self, *, wait_s: float, clock: Callable[[], float]) -> None:
        self._wait_s = wait_s
        self._clock = clock
        self._since: dict[str, tuple[frozenset[Candidate], float]] = {}

    def choose(self, ready: Sequence[Candidate], views: Sequence[str]) -> tuple[list[WatchedPart], list[Candidate]]:
        """Return the parts that are to be inspected now, and the files whose names tell no view or no part."""
        now = self._clock()
        parts: dict[str, list[tuple[Candidate, str]]] = {}
        untold: list[Candidate] = []
        for one in ready:
            told = read_name(one.name, views)
            if told.view and told.part:
                parts.setdefault(told.part, []).append((one, told.view))
            else:
                untold.append(one)
        since: dict[str, tuple[frozenset[Candidate], float]] = {}
        due: list[WatchedPart] = []
        place = {view: number for number, view in enumerate(views)}
        for name, files in parts.items():
            there = frozenset(one for one, _view in files)
            before = self._since.get(name)
            began = before[1] if before is not None and before[0] == there else now
            since[name] = (there, began)
            is_whole = {view for _one, view in files} == set(views)
            if is_whole or now - began >= self._wait_s:
                due.append(WatchedPart(name, tuple(sorted(files, key=lambda found: place[found[1]]))))
        self._since = since
        return due, untold


class PartInspector:
    """Inspects parts of a folder: the inspection and the lines of all its files are one transaction."""

    def __init__(
        self,
        services: Services,
        person: Person,
        folder: Folder,
        mover: FileMover,
        *,
        read: Callable[[Candidate, Batch, Look], ReadFile | None],
        take_failure: Callable[[Candidate, Arrival, AppError, Batch, Look], None],
    ) -> None:
        self._services = services
        self._person = person
        self._folder = folder
        self._mover = mover
        self._read = read
        self._take_failure = take_failure

    def inspect(self, part: WatchedPart, batch: Batch, look: Look) -> None:
        """Inspect a part and move its files, or say of each why not. A file that is known to be done is only moved."""
        try:
            files = [(found, view) for one, view in part.files if (found := self._read(one, batch, look)) is not None]
        except ChangedError:
            return  # a part is inspected by all of its files, or not yet
        if not files:
            return
        arrivals = [one.arrival for one, _view in files]
        is_noted = False

        def store_along(session: Session, rows: Mapping[int, Inspection]) -> None:
            nonlocal is_noted
            ledger.add_inspected(session, self._folder.id, [(arrival, rows[0]) for arrival in arrivals])
            is_noted = True

        details = files[0][0].details
        if not details.serial:
            details = replace(details, serial=part.name[: longest_text("serial")])
        try:
            done = inspect_part(
                self._services,
                self._person,
                product_id=self._folder.product_id,
                pictures=[ViewPicture(view, one.data, PurePosixPath(one.arrival.name).name) for one, view in files],
                part=details,
                idempotency_key=f"watch:{self._folder.id}:{_key_of(arrivals)}",
                along=store_along,
            )
            if done.inspection_id is not None and not is_noted:
                self._note(done.inspection_id, arrivals)
        except AppError as error:
            for one, _view in files:
                self._take_failure(one.candidate, one.arrival, error, batch, look)
            return
        if done.inspection_id is None:
            first = next(error for error in done.errors if error is not None)
            for (one, _view), own in zip(files, done.errors, strict=True):
                self._take_failure(one.candidate, one.arrival, own or first, batch, look)
            return
        record = load_record(self._services, done.inspection_id)
        for one, _view in files:
            look.inspected += 1
            self._mover.finish_inspected(one.candidate, one.arrival, record, batch, look)

    def refuse(self, candidate: Candidate, views: Sequence[str], batch: Batch, look: Look) -> None:
        """Reject a file whose name tells no view or no part."""
        try:
            found = self._read(candidate, batch, look)
        except ChangedError:
            return
        if found is not None:
            name = PurePosixPath(candidate.name).name
            error = BadInput("file_names_no_view", name=name, view=views[0])
            self._take_failure(candidate, found.arrival, error, batch, look)

    @retried
    def _note(self, inspection_id: int, arrivals: Sequence[Arrival]) -> None:
        """Note files of a part that was inspected before, when their lines had been forgotten since."""
        from storage.tables import Inspection

        with writing(self._services) as session:
            row = session.get_one(Inspection, inspection_id)
            ledger.add_inspected(session, self._folder.id, [(arrival, row) for arrival in arrivals])
            session.commit()


def _key_of(arrivals: Sequence[Arrival]) -> str:
    """Return the key of a part: the hash of the keys of its files."""
    return ledger.make_key("", "".join(sorted(arrival.file_key for arrival in arrivals)).encode())
