"""The watched folders: added, paused, removed, and how each of them fares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlmodel import Session, col, func, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.catalog.names import ProductName
from core.errors import AppError, BadInput, Conflict, NotFound
from core.inspections.part_details import PartDetails
from core.jobs.stored_error import StoredError
from core.settings import Settings
from core.transactions import HasDatabase, reading, writing
from core.watching.scanning import DONE, REJECTED
from core.watching.settings import WatchSettings
from storage.tables import Product, WatchFile, WatchFolder, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

LONGEST_PATH = 700
RunBy = Literal["worker", "command"]
# A folder is looked at every second or so; without a look for so long, nobody watches it.
SILENT_AFTER_S = 60.0


@dataclass(frozen=True)
class Folder:
    """A watched folder as it is set up."""

    id: int
    path: Path
    product_id: int
    line: str
    settings: WatchSettings
    run_by: str
    is_active: bool


@dataclass(frozen=True)
class FolderView:
    """A watched folder for people: how it is set up, and how it fares.

    `state` is "paused", "problem" (see `problem`), "watched", "unwatched" (nobody looks at it now), or "idle" (only a
    command watches it, and none does now). The counts are those since the moment that was asked for.
    """

    folder: Folder
    product_code: str
    product: ProductName
    state: str
    problem: StoredError | None
    waiting: int
    done: int
    rejected: int
    untraced: int
    inspected_total: int
    rejected_total: int
    last_seen_at: datetime | None
    last_file_at: datetime | None
    row_version: int


def add_folder(
    services: Services,
    person: Person,
    path: Path,
    *,
    product_id: int,
    line: str = "",
    settings: WatchSettings | None = None,
    run_by: RunBy = "worker",
) -> Folder:
    """Add a folder to be watched, or one that was removed anew: its files of then are not inspected again.

    Raises BadInput watch_folder_relative, watch_folder_missing, watch_folder_own, watch_folder_long and as the
    settings' `checked` does; Conflict watch_folder_known or watch_folder_nested; NotFound; NotAllowed.
    """
    require_role(services, person, ENGINEER)
    path = check_path(services.settings, path)
    settings = (settings or WatchSettings()).checked()
    line = PartDetails(line=line).checked().line
    with writing(services) as session:
        product = session.get(Product, product_id)
        if product is None:
            raise NotFound("not_found")
        rows = session.exec(select(WatchFolder)).all()
        row = next((one for one in rows if one.path == str(path)), None)
        if row is not None and row.removed_at is None:
            raise Conflict("watch_folder_known", path=str(path))
        _refuse_nested(path, settings, [one for one in rows if one.removed_at is None])
        row = row or WatchFolder(path=str(path), product_id=product_id, created_by=person.id)
        row.product_id, row.line, row.settings, row.run_by = product_id, line, settings.to_json(), run_by
        row.is_active, row.removed_at, row.waiting = True, None, 0
        row.last_error, row.last_error_params = "", {}
        session.add(row)
        session.flush()
        record(session, person, "watch_folder.added", "watch_folder", row.id, path=str(path), product=product.code)
        session.commit()
        return to_folder(row)


def open_for_command(
    services: Services, person: Person, path: Path, *, product_id: int, line: str, settings: WatchSettings
) -> Folder:
    """Return the folder that a command is to watch; one that is not known is added, watched only while a command runs.

    The settings given hold for such a folder. One that the app's worker watches keeps its own: Conflict
    watch_folder_other_product for another product. Raises as `add_folder` does otherwise.
    """
    require_role(services, person, ENGINEER)
    known = find_folder(services, path)
    if known is None:
        return add_folder(services, person, path, product_id=product_id, line=line, settings=settings, run_by="command")
    if known.run_by == "worker":
        if known.product_id != product_id:
            raise Conflict("watch_folder_other_product", path=str(known.path))
        return known
    settings = settings.checked()
    line = PartDetails(line=line).checked().line
    with writing(services) as session:
        row = get_row(session, known.id)
        row.product_id, row.line, row.settings = product_id, line, settings.to_json()
        session.commit()
        return to_folder(row)


def find_folder(services: HasDatabase, path: Path) -> Folder | None:
    """Return the folder that is watched at this path; None where none is."""
    with reading(services) as session:
        row = session.exec(
            select(WatchFolder).where(WatchFolder.path == str(_resolve(path)), col(WatchFolder.removed_at).is_(None))
        ).first()
    return None if row is None else to_folder(row)


def get_folder(services: HasDatabase, folder_id: int) -> Folder | None:
    """Return a folder that has not been removed."""
    with reading(services) as session:
        row = session.get(WatchFolder, folder_id)
    return None if row is None or row.removed_at is not None else to_folder(row)


def list_active(services: HasDatabase) -> list[Folder]:
    """Return the folders that a worker is to watch now."""
    with reading(services) as session:
        rows = session.exec(
            select(WatchFolder).where(
                col(WatchFolder.is_active).is_(True),
                WatchFolder.run_by == "worker",
                col(WatchFolder.removed_at).is_(None),
            )
        ).all()
    return [to_folder(row) for row in rows]


def list_folders(services: HasDatabase, *, since: datetime) -> list[FolderView]:
    """Return every folder by path, with what became of its files since a moment (aware), such as midnight."""
    with reading(services) as session:
        rows = session.exec(
            select(WatchFolder, Product)
            .join(Product, col(Product.id) == col(WatchFolder.product_id))
            .where(col(WatchFolder.removed_at).is_(None))
            .order_by(WatchFolder.path)
        ).all()
        counts: dict[tuple[int, str, bool], int] = {}
        if rows:
            for folder_id, outcome, is_traced, count in session.exec(
                select(WatchFile.folder_id, WatchFile.outcome, WatchFile.is_traced, func.count())
                .where(
                    col(WatchFile.folder_id).in_([row.id for row, _product in rows]),
                    col(WatchFile.decided_at) >= since,
                )
                .group_by(col(WatchFile.folder_id), col(WatchFile.outcome), col(WatchFile.is_traced))
            ):
                counts[folder_id, outcome, bool(is_traced)] = count
    return [_view(row, product, counts) for row, product in rows]


def check_path(settings: Settings, path: Path) -> Path:
    """Return the folder's full path, links resolved.

    Raises BadInput watch_folder_relative, watch_folder_missing, watch_folder_own or watch_folder_long.
    """
    if not path.is_absolute():
        raise BadInput("watch_folder_relative", path=str(path)[:200])
    resolved = _resolve(path)
    try:
        is_there = resolved.is_dir()
        is_text = len(str(resolved).encode()) > 0
    except (OSError, ValueError):
        is_there = is_text = False
    if not is_there or not is_text:
        raise BadInput("watch_folder_missing", path=str(path)[:200].encode("utf-8", "replace").decode())
    if len(str(resolved)) > LONGEST_PATH:
        raise BadInput("watch_folder_long", highest=LONGEST_PATH)
    own = settings.data_dir.resolve()
    if resolved == Path(resolved.anchor) or resolved.is_relative_to(own) or own.is_relative_to(resolved):
        raise BadInput("watch_folder_own", path=str(resolved))
    return resolved


def to_folder(row: WatchFolder) -> Folder:
    """Return the folder in a row."""
    return Folder(
        row.id,
        Path(row.path),
        row.product_id,
        row.line,
        WatchSettings.from_json(row.settings),
        row.run_by,
        row.is_active and row.removed_at is None,
    )


def _resolve(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return path.absolute()


def _refuse_nested(path: Path, settings: WatchSettings, others: list[WatchFolder]) -> None:
    """Raise Conflict where two folders would both inspect one file, or one what the other has done with."""
    for other in others:
        outer, inner, deep = Path(other.path), path, WatchSettings.from_json(other.settings).subfolders
        if outer.is_relative_to(path):
            outer, inner, deep = path, Path(other.path), settings.subfolders
        if inner.is_relative_to(outer):
            first = inner.relative_to(outer).parts[:1]
            if deep or first in {(DONE,), (REJECTED,)}:
                raise Conflict("watch_folder_nested", path=str(path), other=other.path)


def get_row(session: Session, folder_id: int) -> WatchFolder:
    """Return the row of a folder inside the caller's transaction. Raises NotFound not_found."""
    row = session.get(WatchFolder, folder_id)
    if row is None or row.removed_at is not None:
        raise NotFound("not_found")
    return row


def _view(row: WatchFolder, product: Product, counts: dict[tuple[int, str, bool], int]) -> FolderView:
    problem = StoredError.from_json(row.last_error or None, row.last_error_params)
    done = {is_traced: counts.get((row.id, "inspected", is_traced), 0) for is_traced in (True, False)}
    return FolderView(
        folder=to_folder(row),
        product_code=product.code,
        product=ProductName.from_row(product),
        state=_state_of(row, problem),
        problem=problem,
        waiting=row.waiting,
        done=sum(done.values()),
        rejected=sum(counts.get((row.id, "rejected", is_traced), 0) for is_traced in (True, False)),
        untraced=done[False],
        inspected_total=row.inspected_total,
        rejected_total=row.rejected_total,
        last_seen_at=row.last_seen_at,
        last_file_at=row.last_file_at,
        row_version=row.row_version,
    )


def _state_of(row: WatchFolder, problem: StoredError | None) -> str:
    if not row.is_active:
        return "paused"
    if row.lease_expires_at is None or row.lease_expires_at < utc_now():
        return "idle" if row.run_by == "command" else "unwatched"
    if (
        problem is None
        and row.last_seen_at is not None
        and row.last_seen_at < utc_now() - timedelta(seconds=SILENT_AFTER_S)
    ):
        # Whoever watches it waits for an answer of the disk or the network.
        return "unwatched"
    return "watched" if problem is None else "problem"


def describe_problem(view: FolderView, language: str) -> str:
    """Return what is wrong with a folder, in words; empty where nothing is."""
    problem: AppError | None = None if view.problem is None else view.problem.to_app_error()
    return "" if problem is None else problem.sentence(language)
