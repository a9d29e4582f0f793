"""Looking at imports: how far they are, how many files became what, and the outcome of each file, page by page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from core.access import ENGINEER, Person, require_role
from core.errors import AppError, NotFound
from core.jobs.stored_error import StoredError
from core.jobs.views import JobView, view
from core.transactions import HasDatabase, reading
from storage.tables import Image, ImageImport, ImageImportItem, Job, Product

ADDED, DUPLICATE, REFUSED, LEFT_OUT, WAITING = "added", "duplicate", "refused", "left_out", ""
_PAGE_ROWS = 500


@dataclass(frozen=True)
class ImportView:
    """An import that was started: its job, and how many of its images and bytes are how far.

    `added` counts what was taken in by product and defect type (empty: good parts); `masks` those of them.
    """

    id: int
    job: JobView
    title: str
    source: str
    created_by: int | None
    outcomes: Mapping[str, int]
    n_other: int
    n_masks: int
    byte_size: int
    done_bytes: int
    added: Mapping[str, Mapping[str, int]]
    can_go_on: bool

    @property
    def is_over(self) -> bool:
        """Return whether nothing happens any more by itself."""
        return self.job.state not in ("queued", "running")

    @property
    def n_images(self) -> int:
        """Return how many images were planned."""
        return sum(self.outcomes.values())


@dataclass(frozen=True)
class ImportRow:
    """One file of an import, and what became of it; `error` says why it was refused, known before, or left out."""

    place: int
    path: str
    kind: str
    product: str
    becomes: str
    split: str
    outcome: str
    image_id: int | None
    stored_name: str
    error: AppError | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class StartedImport:
    """One line of the list of imports."""

    id: int
    job_id: int
    title: str
    state: str
    created_at: datetime
    n_images: int
    n_added: int
    n_refused: int


@dataclass(frozen=True)
class ImportedProduct:
    """A product that an import brought images to, and how many of its images there are now."""

    id: int
    code: str
    name: str
    n_added: int
    n_images: int = field(default=0)


def find_job(services: HasDatabase, person: Person, import_id: int) -> int | None:
    """Return the job of an import, None for a draft. Raises NotAllowed, NotFound."""
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        row = session.get(ImageImport, import_id)
    if row is None:
        raise NotFound("not_found")
    return row.job_id


def view_import(services: HasDatabase, person: Person, job_id: int) -> ImportView:
    """Return one import by its job. Raises NotAllowed, NotFound."""
    require_role(services, person, ENGINEER)
    by = [col(ImageImportItem.kind), col(ImageImportItem.outcome)]
    by += [col(ImageImportItem.product), col(ImageImportItem.becomes)]
    with reading(services) as session:
        row = _find(session, job_id)
        counted = session.execute(
            sa_select(*by, func.count(), func.sum(ImageImportItem.byte_size))
            .where(col(ImageImportItem.import_id) == row.id)
            .group_by(*by)
        ).all()
    outcomes: Counter[str] = Counter()
    added: defaultdict[str, Counter[str]] = defaultdict(Counter)
    n_other = n_masks = byte_size = done_bytes = 0
    for kind, outcome, product, becomes, count, size in counted:
        if kind == "other":
            n_other += count
        elif kind == "mask":
            n_masks += count if outcome == ADDED else 0
        else:
            outcomes[outcome] += count
            byte_size += int(size or 0)
            done_bytes += int(size or 0) if outcome else 0
            if outcome == ADDED:
                added[product][becomes] += count
    job = view(services, job_id)
    can_go_on = job.state == "failed" and bool(outcomes[WAITING]) and row.staged != ""
    told = {product: dict(types) for product, types in added.items()}
    return ImportView(
        row.id, job, row.title, row.source, row.created_by, dict(outcomes), n_other, n_masks, byte_size, done_bytes,
        told, can_go_on,
    )  # fmt: skip


def list_imports(services: HasDatabase, person: Person, *, limit: int = 20) -> list[StartedImport]:
    """Return the imports that were started last first."""
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        rows = session.exec(
            select(ImageImport, Job.state)
            .join(Job, col(Job.id) == col(ImageImport.job_id))
            .order_by(col(ImageImport.job_id).desc())
            .limit(limit)
        ).all()
        counted = session.exec(
            select(ImageImportItem.import_id, ImageImportItem.outcome, func.count())
            .where(
                col(ImageImportItem.import_id).in_([row.id for row, _state in rows]), ImageImportItem.kind == "image"
            )
            .group_by(col(ImageImportItem.import_id), ImageImportItem.outcome)
        ).all()
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for import_id, outcome, count in counted:
        counts[import_id][outcome] += count
    return [
        StartedImport(
            row.id,
            row.job_id or 0,
            row.title,
            state,
            row.updated_at,
            sum(counts[row.id].values()),
            counts[row.id][ADDED],
            counts[row.id][REFUSED],
        )
        for row, state in rows
    ]


def list_rows(
    services: HasDatabase,
    person: Person,
    job_id: int,
    *,
    outcome: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[ImportRow]:
    """Return files of an import in their order, those of one outcome alone where it is given."""
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        row = _find(session, job_id)
        query = select(ImageImportItem).where(ImageImportItem.import_id == row.id)
        if outcome is not None:
            query = query.where(ImageImportItem.outcome == outcome)
        found = session.exec(query.order_by(col(ImageImportItem.place)).limit(limit).offset(offset)).all()
    return [_row(item) for item in found]


def iterate_rows(services: HasDatabase, person: Person, job_id: int) -> Iterator[ImportRow]:
    """Yield every file of an import in its order, some hundred held at a time."""
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        import_id = _find(session, job_id).id
    place = -1
    while True:
        with reading(services) as session:
            found = session.exec(
                select(ImageImportItem)
                .where(ImageImportItem.import_id == import_id, col(ImageImportItem.place) > place)
                .order_by(col(ImageImportItem.place))
                .limit(_PAGE_ROWS)
            ).all()
        yield from (_row(item) for item in found)
        if len(found) < _PAGE_ROWS:
            return
        place = found[-1].place


def list_imported_products(services: HasDatabase, person: Person, job_id: int) -> list[ImportedProduct]:
    """Return the products that an import brought images to: the way on leads to them."""
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        row = _find(session, job_id)
        found = session.exec(
            select(Product.id, Product.code, Product.name, func.count())
            .select_from(ImageImportItem)
            .join(Image, col(Image.id) == col(ImageImportItem.image_id))
            .join(Product, col(Product.id) == col(Image.product_id))
            .where(
                ImageImportItem.import_id == row.id, ImageImportItem.kind == "image", ImageImportItem.outcome == ADDED
            )
            .group_by(col(Product.id), col(Product.code), col(Product.name))
            .order_by(col(Product.name))
        ).all()
    return [ImportedProduct(product_id, code, name, count) for product_id, code, name, count in found]


def _find(session: Session, job_id: int) -> ImageImport:
    row = session.exec(select(ImageImport).where(ImageImport.job_id == job_id)).first()
    if row is None:
        raise NotFound("not_found")
    return row


def _row(item: ImageImportItem) -> ImportRow:
    error = StoredError.from_json(item.error_code, item.error_params)
    return ImportRow(
        item.place,
        item.path,
        item.kind,
        item.product,
        item.becomes,
        item.split,
        item.outcome,
        item.image_id,
        item.stored_name,
        None if error is None else error.to_app_error(),
        tuple(item.notes),
    )
