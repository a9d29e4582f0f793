"""The comparisons that there are: their job, what they compare, how far each entry is, and the result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.catalog.names import ProductName
from core.comparisons.entries import Entry, list_entries
from core.comparisons.orders import ComparisonOrder
from core.comparisons.results import ComparisonResult
from core.comparisons.storing import folder_of
from core.datasets.reading import load_dataset
from core.errors import AppError, NotFound, NotReady, from_lower
from core.jobs.views import JobView, view
from core.transactions import HasDatabase, HasStores, reading
from storage.object_store import ObjectStoreError
from storage.tables import Comparison, Job, Prediction, Product


@dataclass(frozen=True)
class ComparisonView:
    """A comparison. `result` is that of its row, without curves; None until it has ended."""

    id: int
    product: ProductName
    dataset_id: int
    dataset_number: int
    name: str
    order: ComparisonOrder
    job: JobView | None
    result: ComparisonResult | None

    @property
    def is_over(self) -> bool:
        """Return whether nothing happens any more by itself."""
        return self.job is None or self.job.state not in ("queued", "running")

    @property
    def can_go_on(self) -> bool:
        """Return whether a person may let it go on where it stopped."""
        return self.job is not None and self.job.state == "failed"

    @property
    def state(self) -> str:
        """Return the state of its job; succeeded where the job is gone and the result is there."""
        if self.job is not None:
            return self.job.state
        return "succeeded" if self.result is not None else "cancelled"


@dataclass(frozen=True)
class EntryProgress:
    """How many images an entry of a comparison has judged, and how many of them without a prediction."""

    entry: Entry
    done: int
    errors: int
    total: int


def list_comparisons(services: HasDatabase, *, product_id: int | None = None, limit: int = 20) -> list[ComparisonView]:
    """Return the newest comparisons first, of a product or of all."""
    query = select(Comparison).order_by(col(Comparison.id).desc()).limit(limit)
    if product_id is not None:
        query = query.where(Comparison.product_id == product_id)
    with reading(services) as session:
        found = [(row, *_names(session, row)) for row in session.exec(query).all()]
    return [_view(services, *one) for one in found]


def view_comparison(services: HasDatabase, comparison_id: int) -> ComparisonView:
    """Return one comparison. Raises NotFound not_found."""
    with reading(services) as session:
        row = session.get(Comparison, comparison_id)
        if row is None:
            raise NotFound("not_found")
        names = _names(session, row)
    return _view(services, row, *names)


def find_by_job(services: HasDatabase, job_id: int) -> ComparisonView:
    """Return the comparison that a job works off. Raises NotFound not_found."""
    with reading(services) as session:
        found = session.exec(select(Comparison.id).where(Comparison.job_id == job_id)).first()
    if found is None:
        raise NotFound("not_found")
    return view_comparison(services, found)


def list_progress(services: HasDatabase, comparison: ComparisonView) -> list[EntryProgress]:
    """Return how far each entry is, in the order of the comparison; an entry whose method is gone is left out."""
    counts: Mapping[str, tuple[int, int]]
    query = (
        select(Prediction.method, func.count(), func.count(col(Prediction.error_code)))
        .where(Prediction.comparison_id == comparison.id)
        .group_by(col(Prediction.method))
    )
    with reading(services) as session:
        counts = {key: (done, errors) for key, done, errors in session.exec(query).all()}
    dataset = load_dataset(services, comparison.dataset_id)
    try:
        entries = list_entries(comparison.order, dataset.views)
    except AppError:
        return []
    found = []
    for entry in entries:
        done, errors = counts.get(entry.key, (0, 0))
        total = done if entry.is_combination else len(dataset.of("val", "test", view=entry.view))
        found.append(EntryProgress(entry, done, errors, total))
    return found


def read_result(services: HasStores, comparison: ComparisonView) -> ComparisonResult:
    """Return the whole result with its curves.

    Raises NotReady comparison_not_finished, and AppError where the store fails.
    """
    if comparison.result is None:
        raise NotReady("comparison_not_finished")
    try:
        data = services.objects.get(f"{folder_of(comparison.id)}result.json")
    except ObjectStoreError as error:
        raise from_lower(error) from error
    found = ComparisonResult.from_json(json.loads(data))
    return comparison.result if found is None else found


def _names(session: Session, row: Comparison) -> tuple[ProductName, bool]:
    product = session.get_one(Product, row.product_id)
    has_job = row.job_id is not None and session.get(Job, row.job_id) is not None
    return ProductName.from_row(product), has_job


def _view(services: HasDatabase, row: Comparison, product: ProductName, has_job: bool) -> ComparisonView:
    order = ComparisonOrder.from_json(row.configuration)
    return ComparisonView(
        id=row.id,
        product=product,
        dataset_id=row.dataset_version_id,
        dataset_number=order.dataset or 0,
        name=row.name,
        order=order,
        job=view(services, row.job_id) if has_job and row.job_id is not None else None,
        result=ComparisonResult.from_json(row.summary),
    )
