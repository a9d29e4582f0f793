"""Starting a comparison, canceling it, and letting one that failed go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import update
from sqlmodel import col, select

from core.access import ENGINEER, Person, require_role
from core.audit import record
from core.catalog.products import find_named_product, get_product
from core.comparisons.entries import Entry, list_entries
from core.comparisons.fusing import read_combination_rule
from core.comparisons.orders import ComparisonOrder
from core.datasets.freezing import create_dataset
from core.datasets.reading import find_dataset, list_datasets, load_dataset, require_intact
from core.datasets.records import DatasetHead
from core.errors import BadInput, Conflict, NotFound
from core.jobs import queue
from core.jobs.records import JobPayload
from core.jobs.terms import COMPARISON, changed_one
from core.methods.records import TrainingSet
from core.methods.registry import find_method
from core.methods.training_sets import read_training_set
from core.services import Services
from core.transactions import reading, writing
from storage.tables import Comparison, Job

# A comparison goes on where it stopped: a worker that is lost over it is no reason to give up.
MAX_ATTEMPTS = 10


def start_comparison(services: Services, person: Person, order: ComparisonOrder) -> int:
    """Queue a comparison of the methods on the dataset version that the order names; return its id.

    Without a version named, the newest that is whole is taken, else a new one is made of the product's images. Raises
    NotAllowed; NotFound for a product or version that is not there; Conflict for a version that is broken; BadInput
    comparison_without_product, comparison_without_test, comparison_view_unknown, what a combination's rule raises, and
    what speaks against a method's configuration on these images (`trained_run_has_seen` …).
    """
    require_role(services, person, ENGINEER)
    if not order.product:
        raise BadInput("comparison_without_product")
    product = find_named_product(services, order.product)
    head = choose_dataset(services, person, product.id, order.dataset)
    require_intact(head)
    if not head.report.count("test", defect=True) or not head.report.count("test", defect=False):
        raise BadInput("comparison_without_test", number=head.number)
    entries = list_entries(order, load_dataset(services, head.id).views)
    for entry in entries:
        if entry.is_combination:
            read_combination_rule(services, product.id, entry)
    _check_choices(services, head.id, entries)
    order = replace(order, product=product.code, dataset=head.number)
    with writing(services) as session:
        job_id = queue.add_job(
            session,
            person,
            kind=COMPARISON,
            payload=JobPayload((product.id,)),
            max_attempts=MAX_ATTEMPTS,
            dataset=head.number,
            methods=[entry.key for entry in entries],
        )
        row = Comparison(
            product_id=product.id,
            dataset_version_id=head.id,
            job_id=job_id,
            name=order.name,
            seed=order.seed,
            configuration=order.to_json(),
            created_by=person.id,
        )
        session.add(row)
        session.flush()
        found = row.id
        session.commit()
    return found


def _check_choices(services: Services, dataset_id: int, entries: Sequence[Entry]) -> None:
    """Raise what speaks against the configuration of a method on the images of its view."""
    sets: dict[str, TrainingSet] = {}
    for entry in entries:
        if entry.is_combination or not (spec := find_method(entry.method)).hangs_on_stored:
            continue
        if entry.view not in sets:
            sets[entry.view] = read_training_set(services, dataset_id, entry.view)
        obstacle = spec.find_choice_obstacle(services, sets[entry.view], spec.read_config(entry.options))
        if obstacle is not None:
            raise obstacle


def choose_dataset(services: Services, person: Person, product_id: int, number: int | None) -> DatasetHead:
    """Return the version of this number; without one the newest that is whole, else a new one of all images.

    Raises NotAllowed, and NotFound for a number that there is not.
    """
    require_role(services, person, ENGINEER)
    get_product(services, product_id)
    if number is not None:
        return find_dataset(services, product_id, number)
    whole = next((head for head in list_datasets(services, product_id) if not head.broken_reason), None)
    return create_dataset(services, person, product_id) if whole is None else whole


def cancel(services: Services, person: Person, job_id: int) -> None:
    """Cancel a comparison: what is trained and predicted stays.

    One that runs stops within two seconds; one that failed is given up. Raises as `core.jobs.queue.cancel`.
    """
    require_role(services, person, ENGINEER)
    _require_comparison(services, job_id)
    with writing(services) as session:
        given_up = changed_one(
            session,
            update(Job).where(col(Job.id) == job_id, col(Job.state) == "failed").values(state="cancelled"),
        )
        if given_up:
            record(session, person, "job.cancel", "job", job_id)
            session.commit()
    if not given_up:
        queue.cancel(services, person, job_id)


def go_on(services: Services, person: Person, job_id: int) -> None:
    """Queue a comparison that failed once more: it goes on with what is left.

    Raises NotAllowed, NotFound, and Conflict comparison_nothing_left.
    """
    require_role(services, person, ENGINEER)
    _require_comparison(services, job_id)
    with writing(services) as session:
        if not queue.queue_again(session, job_id):
            raise Conflict("comparison_nothing_left")
        record(session, person, "job.continue", "job", job_id)
        session.commit()


def _require_comparison(services: Services, job_id: int) -> None:
    with reading(services) as session:
        found = session.exec(select(Comparison.id).where(Comparison.job_id == job_id)).first()
    if found is None:
        raise NotFound("not_found")
