"""What waits for the tracking store, sending it again, and MLflow's own interface."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from core.cli.terminal import language, to_json, write_note, write_out
from core.errors import NotReady
from core.jobs.heartbeats import workers_alive
from core.services import build_services
from core.settings import read_settings
from core.tracking import outbox
from core.tracking.address import find_address
from core.tracking.sending import send_waiting
from core.tracking.status import check_tracking, read_status

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from core.services import Services

ENVIRONMENT = Path(__file__).resolve().parents[3] / ".venv-mlflow"


def add_tracking(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    tracking = commands.add_parser("tracking", help="where trainings are tracked (MLflow)")
    steps = tracking.add_subparsers(dest="action", required=True, metavar="ACTION")
    steps.add_parser("status", help="say where, and what waits").add_argument("--json", action="store_true")
    steps.add_parser("retry", help="send what waits at once, however long it was to wait")
    serve = steps.add_parser("serve", help="start MLflow's own interface (make setup EXTRA=mlflow)")
    serve.add_argument("--port", type=int, default=5000, metavar="N", help="on this machine alone (default: 5000)")


def tracking(wanted: argparse.Namespace) -> int:
    """Carry out the command."""
    if wanted.action == "serve":
        _serve(wanted.port)
    services = build_services(patient=True)
    if wanted.action == "retry":
        outbox.try_again(services)
        send_what_waits(services)
    ok, code, params = check_tracking(services, services.settings)
    if wanted.action == "status" and wanted.json:
        found = read_status(services, services.settings)
        state = found.outbox
        write_out(
            to_json(
                {
                    "on": found.is_on,
                    "store": found.store,
                    "waiting": state.waiting,
                    "oldest_at": None if state.oldest_at is None else state.oldest_at.isoformat(),
                    "given_up": state.given_up,
                    "problem": None if found.problem is None else found.problem.code,
                }
            )
        )
    else:
        write_out(outbox_sentence(code, params))
    return 0 if ok or wanted.action == "retry" else 1


def send_what_waits(services: Services) -> None:
    """Send what waits for the tracking store, unless a worker is there to do it; say what stands in the way."""
    if services.settings.mlflow_tracking == "off" or workers_alive(services):
        return
    if not read_status(services, services.settings).outbox.waiting:
        return
    report = send_waiting(services)
    if report.problem is not None:
        write_note(report.problem.sentence(language()))


def outbox_sentence(code: str, params: dict[str, object]) -> str:
    """Return how the tracking is doing, in the language of the terminal."""
    from core.errors import describe

    return describe(code, params, language())


def _serve(port: int) -> NoReturn:
    """Run MLflow's server on the store of the settings until it is stopped.

    It has an environment of its own beside ours. Raises NotReady tracking_interface_missing without it, and
    tracking_interface_elsewhere where the store is a server, which has an interface of its own.
    """
    settings = read_settings()
    address = find_address(settings)
    if address.artifacts is None:
        raise NotReady("tracking_interface_elsewhere", store=address.shown)
    program = ENVIRONMENT / "bin" / "mlflow"
    if not program.is_file():
        raise NotReady("tracking_interface_missing")
    address.artifacts.mkdir(parents=True, exist_ok=True)
    write_note(f"MLflow: http://127.0.0.1:{port}")
    command = [str(program), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--artifacts-destination", str(address.artifacts)]
    # By the environment and not as an argument: it may hold a password, and arguments are there for all to read.
    env = {**os.environ, "MLFLOW_BACKEND_STORE_URI": address.uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    # In the place of this process: who stops this one stops the server.
    os.execve(program, command, {**env, "DO_NOT_TRACK": "true"})  # noqa: S606 - a program of our own making, no shell  # nosec B606
