"""The processes that work jobs off, and what they prepare."""

from __future__ import annotations

import argparse
import logging
import signal

from core import logs
from core.cli.terminal import language, write_note, write_out
from core.errors import AppError
from core.identity import raise_generation
from core.jobs.outages import is_outage
from core.metrics.serving import serve_metrics
from core.services import build_services
from core.settings import read_settings
from core.worker.child_keeper import keep_tracking, keep_watcher
from core.worker.embedded import work_alone
from core.worker.sign_of_life import read_signs
from core.worker.supervisor import ChildWorker

# So long without a message the process that tracks runs ends: MLflow takes seconds to load, and memory while it is.
TRACKING_IDLE_S = 120.0


def worker(wanted: argparse.Namespace) -> int:
    """Work off jobs and watch folders until told to stop (SIGTERM, SIGINT) or until the parent process is gone.

    An app's own worker works only where it is the data folder's only one, and otherwise ends at once.
    """
    if wanted.health:
        return _say_health()
    if not wanted.embedded:
        return _work(wanted)
    with work_alone(read_settings().data_dir) as is_alone:
        return _work(wanted) if is_alone else 0


def _work(wanted: argparse.Namespace) -> int:
    services = build_services(patient=True)
    try:
        # Also at each start: a copy of the database made before it is then known to be the older one.
        raise_generation(services)
    except AppError as error:
        logging.getLogger(__name__).warning("could not raise the generation: %s", error.code)
    supervisor = ChildWorker(services)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    stop_metrics = serve_metrics(services)
    keepers = (keep_watcher(services), keep_tracking(services))
    for keeper in keepers:
        keeper.start()
    try:
        supervisor.run(parent_pid=wanted.parent_pid)
    finally:
        for keeper in keepers:
            keeper.begin_stop()
        for keeper in keepers:
            keeper.stop()
        if stop_metrics is not None:
            stop_metrics()
    return 0


def _say_health() -> int:
    """Say what the workers of this machine do; return 1 where none of them lives. Asks neither database nor store."""
    signs = read_signs(read_settings().data_dir)
    for sign in signs:
        state = "alive" if sign.is_alive else "hangs"
        waiting = f"waits: {sign.waits_for}" if sign.waits_for else "idle"
        doing = waiting if sign.job_id is None else f"job {sign.job_id}"
        write_out(f"{sign.pid}  {state}  {doing}  last sign {sign.age_s:.0f} s ago")
    if not signs:
        write_note("no worker runs on this machine with this data folder")
    return 0 if any(sign.is_alive for sign in signs) else 1


def prepare(_wanted: argparse.Namespace) -> int:
    """Convert the networks of the chosen models, beside a first start."""
    from core.deployments import graph_preparation

    return 1 if graph_preparation.prepare(build_services(patient=True)) else 0


def run_tracking(wanted: argparse.Namespace) -> int:
    """Write what trainings say into the tracking store, as the worker's child, until nothing waits any more."""
    from core.tracking.sending import Sender
    from core.worker.supervisor import prepare_child

    services = build_services(patient=True)
    prepare_child(wanted.parent_pid)
    sender = Sender(services)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sender.stop())
    sender.run(until_idle_s=TRACKING_IDLE_S)
    return 0


def run_job(wanted: argparse.Namespace) -> int:
    """Work one claimed job off, in the worker's child."""
    from core.worker.supervisor import AWAY, prepare_child, run_claimed_job

    logs.note_job(wanted.job_id)
    try:
        # The worker has the database in order; a child that finds it away fails the attempt and not the job.
        services = build_services(patient=True)
        prepare_child(wanted.parent_pid)
        return run_claimed_job(services, wanted.job_id, wanted.fencing_token)
    except AppError as error:
        if not is_outage(error):
            raise
        write_note(error.sentence(language()))
        return AWAY
