"""Building and activating models: queue the jobs, wait for them, say how each product ended."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import PurePath

from core.accounts import people
from core.catalog import products
from core.catalog.defect_types import list_defect_types
from core.catalog.views import codes_of, label_of, list_views_of
from core.cli.job_following import follow
from core.cli.terminal import language, name_some, to_json, write_note, write_out
from core.errors import BadInput, Conflict, describe
from core.jobs import heartbeats, queue, views
from core.jobs.outcomes import CANDIDATE, FAILED, ProductOutcome
from core.models.calibration_words import calibration_sentences
from core.models.head_words import head_advice, head_sentences, label_advice, left_out_sentence
from core.models.judgment_words import reason_sentence, weak_remedy, weak_sentence
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from core.services import Services, build_services
from storage.tables import Product

KIND_OF: dict[str, tuple[str, ...]] = {
    "memory-bank": (MEMORY_BANK,),
    "similarity-index": (SIMILARITY_INDEX,),
    "manual-index": (MANUAL_INDEX,),
    "all": (MEMORY_BANK, SIMILARITY_INDEX, MANUAL_INDEX),
}
# The exit status where all was built, and a version is not in use: it waits for a person.
BUILT_NOT_ACTIVATED = 3


def deploy(wanted: argparse.Namespace) -> int:
    """Build and activate models of one product, or of all that have what they are built from.

    The exit status is 1 where something failed, else 3 (`BUILT_NOT_ACTIVATED`) where a version was built and waits.
    """
    from core.deployments import pipeline, start
    from core.deployments.kinds.registry import find_steps

    services = build_services(migrate=True, patient=True)
    person = people.command_line_person(services)
    if wanted.product:
        chosen = [products.find_named_product(services, wanted.product)]
    else:
        chosen = [summary.product for summary in products.list_products(services)]
    if not chosen:
        raise BadInput("job_without_products")
    failed = waits = False
    for kind in KIND_OF[wanted.what]:
        ready: list[int] = []
        # Inspection does without manuals: "all" is everything that there is to build.
        optional = wanted.what == "all" and find_steps(kind).optional
        for product in chosen:
            reason = pipeline.readiness(services, kind, product.id)
            if reason is None:
                ready.append(product.id)
            else:
                failed = failed or (bool(wanted.product) and not optional)
                write_note(f"{product.code}: {reason.sentence(language())}")
        if kind == MEMORY_BANK and wanted.no_wait:
            write_notices(services, ready)
        if kind == MEMORY_BANK:
            _warn_of_leaks(services, [product for product in chosen if product.id in ready])
        if not ready:
            failed = failed or not optional
        elif too_large := start.refuse_start(services, kind, ready):
            failed = True
            write_out(
                to_json({"kind": kind, "error": {"code": too_large.code, "message": too_large.sentence(language())}})
            )
        elif wanted.no_wait:
            job_id = queue.submit(services, person, kind=kind, product_ids=ready, activate=wanted.activate)
            write_out(to_json({"job": job_id, "kind": kind}))
        else:
            ended = follow_jobs(services, submit_job(services, kind, ready, activate=wanted.activate))
            failed, waits = failed or not ended.good, waits or ended.waits
    if failed:
        return 1
    return BUILT_NOT_ACTIVATED if waits else 0


def write_notices(services: Services, product_ids: list[int]) -> None:
    """Write what the images of these products say against their preprocessing."""
    from core.preprocessing.notices import list_notices

    codes = {summary.product.id: summary.product.code for summary in products.list_products(services)}
    pictured = list_views_of(services, product_ids)
    for product_id in product_ids:
        for view in codes_of(pictured.get(product_id, ())):
            for notice in list_notices(services, product_id, view):
                label = label_of(str(codes.get(product_id, product_id)), view)
                write_note(f"{label}: {notice.sentence(language())}")


def _warn_of_leaks(services: Services, chosen: list[Product]) -> None:
    from core.images.exposures.leaks import SPLIT_LEAK, describe_leaks, find_test_leaks

    for product in chosen:
        if leaks := find_test_leaks(services, product.id):
            write_note(describe(SPLIT_LEAK, {"product": product.code, **describe_leaks(leaks)}, language()))


def submit_job(services: Services, kind: str, product_ids: list[int], *, activate: bool = False) -> int:
    """Queue a job; one of its kind whose worker was killed is finished first.

    With `activate` its versions go into use whatever speaks against them.
    """
    person = people.command_line_person(services)
    while True:
        try:
            return queue.submit(services, person, kind=kind, product_ids=product_ids, activate=activate)
        except Conflict as error:
            earlier = views.running_job(services, kind)
            if error.code != "job_already_waiting" or earlier is None or heartbeats.workers_alive(services):
                raise
            # Its worker was killed: nobody else would ever end it, and nothing could be deployed again.
            write_note(f"{kind}: finishing job {earlier.id}, which lost its worker")
            follow(services, [earlier.id], language=language())


@dataclass(frozen=True)
class Ended:
    """How jobs ended: `good`: every product of each succeeded; `waits`: a version was built and waits for a person."""

    good: bool
    waits: bool


def follow_jobs(services: Services, *job_ids: int, workers: int = 1) -> Ended:
    """Wait for jobs and report what became of each product."""
    lang = language()
    good, waits = True, False
    for view in follow(services, job_ids, language=lang, workers=workers):
        for outcome in view.outcomes:
            write_out(to_json({"kind": view.kind, **outcome.to_json()}))
            for notice in outcome.notices or ():
                write_note(f"{outcome.label}: {notice.sentence(lang)}")
            if outcome.outcome == FAILED:
                reason = outcome.error.to_app_error().sentence(lang) if outcome.error is not None else FAILED
                write_note(f"{outcome.label}: {reason}")
                good = False
            waits = waits or outcome.outcome == CANDIDATE
            for line in _describe_judgment(outcome, view.kind, lang):
                write_note(line)
            for line in _describe_learning(services, outcome, lang):
                write_note(f"{outcome.label}: {line}")
            if outcome.set_apart:
                names = name_some([PurePath(found.name).stem for found in outcome.set_apart])
                told = {"product": outcome.label, "count": len(outcome.set_apart), "names": names}
                write_note(describe("images_set_apart", told, lang))
        if view.state != "succeeded":
            write_note(view.error.sentence(lang) if view.error else view.state)
            good = False
    return Ended(good, waits)


def _describe_learning(services: Services, outcome: ProductOutcome, lang: str) -> list[str]:
    """Return what the thresholds of a bank aim at, and what its labeled defects have taught it."""
    if outcome.calibration is None:
        return []
    lines = calibration_sentences(outcome.calibration, outcome.warnings or (), lang)
    if outcome.head is not None:
        types = list_defect_types(services, outcome.product_id, include_inactive=True)
        names = {row.id: row.code for row in types}
        lines += head_sentences(outcome.head, names, lang)
        lines += [left_out_sentence(outcome.head, names, lang), *head_advice(outcome.head, lang)]
    lines.append(label_advice(outcome.calibration.n_defect or 0, outcome.head, lang))
    return [line for line in lines if line]


def _describe_judgment(outcome: ProductOutcome, kind: str, lang: str) -> list[str]:
    """Return what a version hardly finds, what speaks against it, and how it is put into use all the same."""
    # What all defects together say is a reason already, where there are reasons.
    spots = [spot for spot in outcome.weak_on_test if spot.defect_type or not outcome.held_back]
    lines = [weak_sentence(spot, lang) for spot in spots]
    if lines:
        lines.append(weak_remedy(outcome.weak_on_test, lang))
    lines += [reason_sentence(found, lang) for found in outcome.held_back]
    if outcome.outcome == CANDIDATE and not outcome.held_back:
        lines.append(describe("held_by_hand", {}, lang))
    lines = [f"{outcome.label}: {line}" for line in lines]
    about = {"product": outcome.label, "number": outcome.number, "what": kind.replace("_", "-")}
    if outcome.outcome == CANDIDATE:
        lines.append(describe("held_how_to_activate", about, lang))
    elif outcome.held_back:
        lines.append(describe("held_overridden", about, lang))
    return lines
