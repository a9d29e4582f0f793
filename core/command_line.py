"""What each command does. One function a command; each answers the exit status."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core import accounts, catalog, jobs
from core.errors import AppError, BadInput, Conflict, NotFound, describe
from core.i18n import LANGUAGES
from core.job_following import StatusLine, follow
from core.services import Services, build_services
from core.settings import read_settings
from core.worker import ChildWorker

KIND_OF: dict[str, tuple[str, ...]] = {
    "memory-bank": (jobs.MEMORY_BANK,),
    "similarity-index": (jobs.SIMILARITY_INDEX,),
    "manual-index": (jobs.MANUAL_INDEX,),
    "all": (jobs.MEMORY_BANK, jobs.SIMILARITY_INDEX, jobs.MANUAL_INDEX),
}
# How many jobs the demo is built in at a time.
LANES = 2


def language() -> str:
    """The language of messages in the terminal: GEOMSA_LANGUAGE, else the locale's."""
    chosen = os.environ.get("GEOMSA_LANGUAGE", "").strip().lower()
    if chosen in LANGUAGES:
        return chosen
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ko" if locale.lower().startswith("ko") else "en"


def _out(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


# --- set-up ----------------------------------------------------------------------------------------------------------


def migrate(_: argparse.Namespace) -> int:
    """Bring the database up to date."""
    services = build_services(migrate=True)
    _note(f"{services.database.describe()}: up to date")
    return 0


def demo(wanted: argparse.Namespace) -> int:
    """Load the demo data and deploy it; what is there already is left as it is."""
    from core import demo as demo_data
    from core import first_start, graph_preparation

    services = build_services(migrate=True)
    person = accounts.command_line_person(services)
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
        _note(f"demo images of {len(codes)} products loaded in {time.monotonic() - started:.0f} s")
        status.show("preparing the networks")
    status.clear()
    product_ids = [catalog.find_product(services, code).id or 0 for code in codes]
    failed = not _deploy_demo(services, product_ids)
    if not failed:
        first_start.mark_done(services)
    _note(f"demo ready in {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def _deploy_demo(services: Services, product_ids: list[int]) -> bool:
    """Build what is not up to date, in two jobs side by side: one process does not fill the cores it is given."""
    good = True
    for kinds in ((jobs.MEMORY_BANK, jobs.MANUAL_INDEX), (jobs.SIMILARITY_INDEX,)):
        job_ids = []
        for kind in kinds:
            stale = _needing(services, kind, product_ids)
            # The products come in pairs that take about as long. The manuals take a moment and fill up what is left.
            lanes = [stale] if kind == jobs.MANUAL_INDEX else [stale[lane::LANES] for lane in range(LANES)]
            job_ids += [_submit(services, kind, lane) for lane in lanes if lane]
        good = _follow(services, *job_ids, workers=LANES) and good
    return good


def _needing(services: Services, kind: str, product_ids: list[int]) -> list[int]:
    from core.deployments import readiness
    from core.versions import model_states

    states = model_states(services)
    stale = [found for found in product_ids if (kind, found) not in states or states[(kind, found)].state != "current"]
    # A demo product whose manuals were deleted has nothing to index, and that is no fault.
    return [found for found in stale if kind != jobs.MANUAL_INDEX or readiness(services, kind, found) is None]


def take_in(wanted: argparse.Namespace) -> int:
    """Take in a folder or ZIP; names every file that was refused and why."""
    from core.image_import import import_path

    services = build_services(migrate=True)
    person = accounts.command_line_person(services)
    if not wanted.path.exists():
        raise NotFound("path_not_found", path=str(wanted.path))
    status = StatusLine()
    summary = import_path(
        services,
        person,
        wanted.path,
        product_code=wanted.product,
        progress=lambda done, total: status.show("taking in images", f"{done}/{total}"),
    )
    status.clear()
    lang = language()
    for outcome in summary.outcomes:
        if outcome.outcome != "added":
            reason = outcome.error.sentence(lang) if outcome.error else f"duplicate of {outcome.duplicate_of}"
            _note(f"{outcome.name}: {outcome.outcome}: {reason}")
    for path, code in summary.unknown:
        _note(f"{path}: {describe(code, {'name': path}, lang)}")
    # A mask has an outcome of its own; what was added is counted in images.
    told = [outcome for outcome in summary.outcomes if outcome.outcome == "refused" or "mask" not in outcome.notes]
    counts = {kind: sum(outcome.outcome == kind for outcome in told) for kind in ("added", "duplicate", "refused")}
    _out(_dump({"products": summary.products, **counts, "not_recognised": len(summary.unknown)}))
    return 1 if counts["refused"] or not (counts["added"] or counts["duplicate"]) else 0


# --- deployments -----------------------------------------------------------------------------------------------------


def deploy(wanted: argparse.Namespace) -> int:
    """Build and activate models of one product, or of all that have what they are built from."""
    from core import deployment_starts, deployments

    services = build_services(migrate=True)
    person = accounts.command_line_person(services)
    if wanted.product:
        products = [catalog.find_product(services, wanted.product)]
    else:
        products = [summary.product for summary in catalog.list_products(services)]
    if not products:
        raise BadInput("job_without_products")
    failed = False
    for kind in KIND_OF[wanted.what]:
        ready: list[int] = []
        # Inspection does without manuals: "all" is everything that there is to build.
        optional = wanted.what == "all" and kind == jobs.MANUAL_INDEX
        for product in products:
            assert product.id is not None
            reason = deployments.readiness(services, kind, product.id)
            if reason is None:
                ready.append(product.id)
            else:
                failed = failed or (bool(wanted.product) and not optional)
                _note(f"{product.code}: {reason.sentence(language())}")
        if not ready:
            failed = failed or not optional
        elif too_large := deployment_starts.refuse_start(services, kind, ready):
            failed = True
            _out(_dump({"kind": kind, "error": {"code": too_large.code, "message": too_large.sentence(language())}}))
        elif wanted.no_wait:
            job_id = jobs.submit(services, person, kind=kind, product_ids=ready)
            _out(_dump({"job": job_id, "kind": kind}))
        else:
            failed = not _follow(services, _submit(services, kind, ready)) or failed
    return 1 if failed else 0


def _submit(services: Services, kind: str, product_ids: list[int]) -> int:
    """Queue a job; one of its kind whose worker was killed is finished first."""
    person = accounts.command_line_person(services)
    while True:
        try:
            return jobs.submit(services, person, kind=kind, product_ids=product_ids)
        except Conflict as error:
            earlier = jobs.running_job(services, kind)
            if error.code != "job_already_waiting" or earlier is None or jobs.workers_alive(services):
                raise
            # Its worker was killed: nobody else would ever end it, and nothing could be deployed again.
            _note(f"{kind}: finishing job {earlier.id}, which lost its worker")
            follow(services, [earlier.id], language=language())


def _follow(services: Services, *job_ids: int, workers: int = 1) -> bool:
    """Wait for jobs and report. Answers whether every product of each succeeded."""
    lang = language()
    good = True
    for view in follow(services, job_ids, language=lang, workers=workers):
        for outcome in view.outcomes:
            _out(_dump({"kind": view.kind, **outcome}))
            if outcome["outcome"] == "failed":
                _note(f"{outcome['code']}: {describe(outcome['error_code'], outcome['error_params'], lang)}")
                good = False
        if view.state != "succeeded":
            _note(view.error.sentence(lang) if view.error else view.state)
            good = False
    return good


def worker(wanted: argparse.Namespace) -> int:
    """Work off jobs until told to stop (SIGTERM, SIGINT) or until the parent process is gone."""
    supervisor = ChildWorker(build_services())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    supervisor.run(parent_pid=wanted.parent_pid)
    return 0


def prepare(_wanted: argparse.Namespace) -> int:
    """Convert the networks of the chosen models, beside a first start."""
    from core import graph_preparation

    return 1 if graph_preparation.prepare(build_services()) else 0


def run_job(wanted: argparse.Namespace) -> int:
    """In the worker's child: work one claimed job off."""
    from core.worker import run_claimed_job

    # The worker has the database in order; a child that finds it away fails the attempt and not the job.
    return run_claimed_job(build_services(), wanted.job_id, wanted.fencing_token, parent_pid=wanted.parent_pid)


# --- models at work --------------------------------------------------------------------------------------------------


def inspect(wanted: argparse.Namespace) -> int:
    """Inspect files; a file that fails has its error, and the others go on."""
    services = build_services()
    person = accounts.command_line_person(services)
    product = catalog.find_product(services, wanted.product)
    failed = False
    for path in wanted.images:
        try:
            answer = _inspect_one(services, person, product.id or 0, product.code, path)
        except AppError as error:
            failed = True
            answer = {"file": str(path), "error": {"code": error.code, "message": error.sentence(language())}}
        _out(_dump(answer) if wanted.json else _line(answer))
    return 1 if failed else 0


def _inspect_one(
    services: Services, person: accounts.Person, product_id: int, product_code: str, path: Path
) -> dict[str, Any]:
    from core import inspection

    view = inspection.inspect(
        services, person, product_id=product_id, data=_read(path), file_name=path.name, source="cli"
    )
    row = view.inspection
    similar = sorted([*view.similar_defects, *view.similar_normals], key=lambda found: -found.similarity)
    return {
        "file": str(path),
        "product": product_code,
        "verdict": row.verdict,
        "score": row.score,
        "review_at": row.review_at,
        "reject_at": row.reject_at,
        "regions": row.regions,
        "suggested_defect_type": view.suggestion.code if view.suggestion else None,
        "similar": [
            {
                "image": found.stored_name,
                "similarity": found.similarity,
                "defect_type": found.defect_type.code if found.defect_type else None,
            }
            for found in similar
        ],
        "model_version": view.bank_version.number,
        "ms": row.latency_ms,
    }


def _read(path: Path) -> bytes:
    from inference.vision.images import MAX_BYTES

    try:
        if path.is_dir():
            raise BadInput("path_is_folder", name=path.name)
        if path.stat().st_size > MAX_BYTES:
            raise BadInput("image_too_many_bytes", name=path.name, limit=MAX_BYTES)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound("path_not_found", path=str(path)) from error
    except OSError as error:
        raise BadInput("path_unreadable", name=path.name) from error


def _line(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return f"{answer['file']}: {answer['error']['message']}"
    words = f"{answer['file']}: {answer['verdict'].upper()}  {answer['score']:.4f}"
    words += f"  (review at {answer['review_at']:.4f}, reject at {answer['reject_at']:.4f})"
    return words + (f"  {answer['suggested_defect_type']}" if answer["suggested_defect_type"] else "")


def evaluate(wanted: argparse.Namespace) -> int:
    """Measure the active model on the product's test images."""
    from core.evaluation import evaluate as measure

    services = build_services()
    product = catalog.find_product(services, wanted.product)
    status = StatusLine()
    answer = measure(services, product, progress=lambda done, total: status.show("inspecting", f"{done}/{total}"))
    status.clear()
    if wanted.json:
        _out(_dump(answer))
    else:
        for key, value in answer.items():
            _out(f"{key}: {value if isinstance(value, str | int | float) else _dump(value)}")
    return 0


def doctor(wanted: argparse.Namespace) -> int:
    """Check every part; the exit status is 1 when one does not work."""
    from core import doctor as checks

    found = checks.check(read_settings())
    lang = language()
    if wanted.json:
        _out(
            _dump(
                {
                    "ok": all(check.ok for check in found),
                    "checks": [
                        {
                            "name": check.name,
                            "ok": check.ok,
                            "code": check.code,
                            "params": check.params,
                            "message": describe(check.code, check.params, lang),
                        }
                        for check in found
                    ],
                }
            )
        )
    else:
        for check in found:
            _out(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {describe(check.code, check.params, lang)}")
    return 0 if all(check.ok for check in found) else 1


def weights(wanted: argparse.Namespace) -> int:
    """List, fetch or add the weights of networks."""
    from core import weights_command

    if wanted.action == "list":
        for state in weights_command.list_states(read_settings()):
            _out(_dump(state) if wanted.json else weights_command.describe(state))
        return 0
    services = build_services(migrate=True)
    if wanted.action == "add":
        _out(_dump(weights_command.add(services, wanted.name, wanted.file)))
        return 0
    status = StatusLine()
    shown = weights_command.fetch(
        services,
        wanted.name,
        lambda done, total: status.show(f"fetching {wanted.name}", f"{done / 1e6:.0f}/{total / 1e6:.0f} MB"),
    )
    status.clear()
    _out(_dump(shown))
    return 0


def user(wanted: argparse.Namespace) -> int:
    """Administer accounts."""
    services = build_services(migrate=True)
    person = accounts.command_line_person(services)
    if wanted.action == "add":
        password = None if wanted.no_password else _ask_password()
        accounts.create_user(
            services,
            person,
            login=wanted.login,
            display_name=wanted.name or wanted.login,
            role=wanted.role,
            password=password,
        )
        return 0
    found = next((row for row in accounts.list_users(services) if row.login == wanted.login), None)
    if found is None or found.id is None:
        raise NotFound("user_unknown", login=wanted.login)
    if wanted.action == "disable":
        accounts.disable_user(services, person, found.id)
    elif wanted.action == "set-role":
        accounts.set_role(services, person, found.id, wanted.role)
    else:
        accounts.set_password(services, person, found.id, _ask_password())
    return 0


def _ask_password() -> str:
    """From the terminal without echo, or one line of standard input in a script: never an argument that `ps` shows."""
    if sys.stdin.isatty():
        first, second = getpass.getpass("Password: "), getpass.getpass("Again: ")
        if first != second:
            raise BadInput("passwords_differ")
        return first
    return sys.stdin.readline().rstrip("\n")


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": demo,
    "migrate": migrate,
    "import": take_in,
    "deploy": deploy,
    "inspect": inspect,
    "evaluate": evaluate,
    "worker": worker,
    "run-job": run_job,
    "prepare": prepare,
    "weights": weights,
    "user": user,
    "doctor": doctor,
}
