"""Filling an installation: the database and the demo."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from core.accounts import people
from core.catalog import products
from core.catalog.views import list_views_of
from core.cli.deploying import follow_jobs, submit_job
from core.cli.terminal import StatusLine, write_note
from core.jobs import views
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from core.services import Services, build_services

if TYPE_CHECKING:
    from core.access import Person

# How many jobs the demo is built in at a time.
LANES = 2


def migrate(wanted: argparse.Namespace) -> int:
    """Bring the database up to date; make it a pair with its object store where a person decides how."""
    decides = wanted.adopt or wanted.new_store
    services = build_services(migrate=True, verify_store=not decides)
    write_note(f"{services.database.describe()}: up to date")
    if decides:
        _pair(services, adopt=wanted.adopt)
    return 0


def _pair(services: Services, *, adopt: bool) -> None:
    from core.operations import pairing

    person = people.command_line_person(services)
    where = services.objects.describe()
    if adopt:
        taken = pairing.adopt_store(services, person)
        write_note(f"{where}: adopted with {taken.objects} files, {taken.unnamed} of them named by no row")
        if taken.unnamed:
            write_note('they stay until a person moves them to the trash: "python -m core doctor --repair"')
        return
    set_aside = pairing.begin_new_store(services, person)
    if set_aside is not None:
        write_note(f"the files that were found lie untouched in {set_aside}")
    write_note(f"{where}: an empty object store of this database")


def demo(wanted: argparse.Namespace) -> int:
    """Load the demo data and deploy it; what is there already is left as it is."""
    from core.demo import first_start
    from core.demo import loading as demo_data
    from core.demo.images.pills.catalog import PILLS
    from core.deployments import graph_preparation

    services = build_services(migrate=True, patient=True)
    person = people.command_line_person(services)
    if wanted.first_start and not first_start.wants_demo(services):
        return 0
    status = StatusLine()
    if wanted.reset:
        status.show("removing the demo data")
        demo_data.cancel_waiting_jobs(services, person)
        demo_data.reset_demo_data(services, person)
    started = time.monotonic()
    with graph_preparation.start_preparing() as preparing:
        try:
            codes = demo_data.load_demo_data(
                services, person, progress=lambda code, done: status.show(f"loading the images of {code}", str(done))
            )
        except BaseException:
            preparing.kill()
            raise
        status.clear()
        write_note(f"demo images of {len(codes)} products loaded in {time.monotonic() - started:.0f} s")
        status.show("preparing the networks")
    status.clear()
    product_ids = [products.find_product(services, code).id for code in codes]
    of_views = list(list_views_of(services, product_ids))
    trained = [products.find_product(services, code).id for code in codes if code == PILLS.code]
    # Who starts the app for the first time waits for its first screens, and not for a model a view, or of 24 kinds.
    failed = not _deploy_demo(services, product_ids, later=[*of_views, *trained] if wanted.first_start else [])
    if not failed:
        _queue_runs(services, person, trained)
        _queue_missing(services, [*of_views, *trained])
        _queue_comparisons(services, person, of_views)
        first_start.mark_done(services)
    write_note(f"demo ready in {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def _deploy_demo(services: Services, product_ids: list[int], *, later: list[int]) -> bool:
    """Build what is not up to date, in two jobs side by side: one process does not fill the cores it is given.

    Of the products that are built `later` only the manuals are indexed.
    """
    good = True
    for kinds in ((MEMORY_BANK, MANUAL_INDEX), (SIMILARITY_INDEX,)):
        job_ids = []
        for kind in kinds:
            wanted = product_ids if kind == MANUAL_INDEX else [one for one in product_ids if one not in later]
            stale = _needing(services, kind, wanted)
            # The products come in pairs that take about as long. The manuals take a moment and fill up what is left.
            lanes = [stale] if kind == MANUAL_INDEX else [stale[lane::LANES] for lane in range(LANES)]
            job_ids += [submit_job(services, kind, lane) for lane in lanes if lane]
        good = follow_jobs(services, *job_ids, workers=LANES).good and good
    return good


def _needing(services: Services, kind: str, product_ids: list[int]) -> list[int]:
    from core.deployments.pipeline import readiness
    from core.registry.model_status import model_states

    states = model_states(services)
    stale = [found for found in product_ids if (kind, found) not in states or states[(kind, found)].state != "current"]
    # A demo product whose manuals were deleted has nothing to index, and that is no fault.
    return [found for found in stale if kind != MANUAL_INDEX or readiness(services, kind, found) is None]


def _queue_missing(services: Services, product_ids: list[int]) -> None:
    """Queue what is missing of products whose models take minutes: the app works it off beside everything else."""
    waiting = {(job.kind, one) for job in views.list_unfinished(services) for one in job.product_ids}
    for kind in (MEMORY_BANK, SIMILARITY_INDEX):
        stale = [one for one in _needing(services, kind, product_ids) if (kind, one) not in waiting]
        if stale:
            submit_job(services, kind, stale)
            write_note(f"{kind}: queued for the larger products; the app builds them in the background")


def _queue_runs(services: Services, person: Person, product_ids: list[int]) -> None:
    """Queue the first experiment of the products that are there to be trained on."""
    from core.training.first_runs import start_first_runs

    for product_id in product_ids:
        if start_first_runs(services, person, product_id):
            write_note("an experiment of three trainings is queued; the app works it off in the background")


def _queue_comparisons(services: Services, person: Person, product_ids: list[int]) -> None:
    """Queue the first comparison of methods of the products of several views."""
    from core.comparisons.first_comparison import start_first_comparison

    for product_id in product_ids:
        if start_first_comparison(services, person, product_id) is not None:
            write_note("a comparison of methods is queued; the app works it off in the background")
