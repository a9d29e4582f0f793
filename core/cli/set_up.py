"""Filling an installation: the database, the demo, images of one's own."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from core.accounts import people
from core.catalog import products
from core.cli.deploying import follow_jobs, submit_job, write_notices
from core.cli.intake_check import check_imported
from core.cli.terminal import StatusLine, language, to_json, write_note, write_out
from core.errors import BadInput, NotFound, describe
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from core.services import Services, build_services

if TYPE_CHECKING:
    from core.images.exposures.assignment import NamedParts
    from core.images.records import FileOutcome

# How many jobs the demo is built in at a time.
LANES = 2
# Of many files with one note, so many are named.
NAMED_AT_MOST = 3


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
    from core.deployments import graph_preparation

    services = build_services(migrate=True, patient=True)
    person = people.command_line_person(services)
    if wanted.first_start and not first_start.wants_demo(services):
        return 0
    status = StatusLine()
    if wanted.reset:
        status.show("removing the demo data")
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
    failed = not _deploy_demo(services, product_ids)
    if not failed:
        first_start.mark_done(services)
    write_note(f"demo ready in {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def _deploy_demo(services: Services, product_ids: list[int]) -> bool:
    """Build what is not up to date, in two jobs side by side: one process does not fill the cores it is given."""
    good = True
    for kinds in ((MEMORY_BANK, MANUAL_INDEX), (SIMILARITY_INDEX,)):
        job_ids = []
        for kind in kinds:
            stale = _needing(services, kind, product_ids)
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


def import_images(wanted: argparse.Namespace) -> int:
    """Import a folder or ZIP; name every file that was refused and why."""
    from core.images.exposures.rules import read_rule
    from core.images.folder_import import import_path
    from core.images.notes import gather_to_check

    services = build_services(migrate=True, patient=True)
    person = people.command_line_person(services)
    if not wanted.path.exists():
        raise NotFound("path_not_found", path=str(wanted.path))
    part_rule = read_rule(wanted.part_rule) if wanted.part_rule is not None else None
    part_list = _read_part_list(wanted.parts) if wanted.parts is not None else None
    status = StatusLine()
    summary = import_path(
        services,
        person,
        wanted.path,
        product_code=wanted.product,
        part_rule=part_rule,
        part_list=part_list,
        test_share=wanted.test_share,
        split_seed=max(0, wanted.split_seed),
        progress=lambda done, total: status.show("importing images", f"{done}/{total}"),
    )
    status.clear()
    lang = language()
    for outcome in summary.outcomes:
        if outcome.outcome != "added":
            reason = outcome.error.sentence(lang) if outcome.error else f"duplicate of {outcome.duplicate_of}"
            write_note(f"{outcome.name}: {outcome.outcome}: {reason}")
    to_check = gather_to_check(summary.outcomes)
    for note, found in to_check.items():
        write_check(note, found)
    write_notices(services, [products.find_product(services, code).id for code in summary.products])
    for path, code in summary.unknown:
        write_note(f"{path}: {describe(code, {'name': path}, lang)}")
    _name_what_has_no_part(summary.parts, lang)
    checked = {} if wanted.no_check else check_imported(services, person, summary, status)
    # A mask has an outcome of its own; what was added is counted in images.
    told = [outcome for outcome in summary.outcomes if outcome.outcome == "refused" or "mask" not in outcome.notes]
    counts = {kind: sum(outcome.outcome == kind for outcome in told) for kind in ("added", "duplicate", "refused")}
    parts = {"parts": summary.parts.n_parts, "images_with_part": len(summary.parts.parts)}
    summed: dict[str, object] = {"products": summary.products, **counts, "not_recognised": len(summary.unknown)}
    notes = {"notes": {note: len(found) for note, found in to_check.items()}} if to_check else {}
    write_out(to_json({**summed, **parts, **checked, **notes}))
    return 1 if counts["refused"] or not (counts["added"] or counts["duplicate"]) else 0


def _read_part_list(path: Path) -> dict[str, str]:
    from core.images.exposures.lists import read_part_list

    try:
        return read_part_list(path.read_bytes(), name=path.name)
    except FileNotFoundError as error:
        raise NotFound("path_not_found", path=str(path)) from error
    except OSError as error:
        raise BadInput("path_unreadable", name=str(path)) from error


def _name_what_has_no_part(parts: NamedParts, lang: str) -> None:
    for code, names in (
        ("part_list_path_unknown", parts.unknown),
        ("part_not_listed", parts.unlisted),
        ("part_rule_misses", parts.unfitting),
    ):
        for name in names:
            write_note(describe(code, {"name": name}, lang))


def write_check(note: str, found: list[FileOutcome]) -> None:
    """Write what is to be looked at: a line for each mask, which differ, and one for all images of one note."""
    from core.images.notes import describe_note

    if note.startswith("mask_"):
        for outcome in found:
            write_note(f"{outcome.name}: {describe_note(note, language(), mask_share=outcome.mask_share)}")
        return
    named = ", ".join(outcome.name for outcome in found[:NAMED_AT_MOST]) + (" …" if len(found) > NAMED_AT_MOST else "")
    write_note(f"{named}: {len(found)}: {describe_note(note, language())}")
