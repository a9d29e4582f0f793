"""The processes that work jobs off, and what they prepare."""

from __future__ import annotations

import argparse
import signal

from core.services import build_services
from core.worker import ChildWorker


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
