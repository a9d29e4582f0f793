"""The arguments of `train` and `runs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

STATES = ("queued", "running", "succeeded", "failed", "cancelled")


def add_train(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command `train`."""
    command = commands.add_parser(
        "train",
        help="train a network on a dataset version",
        description="Trains what FILE (YAML or JSON) describes: product, task, data, model, input, augmentation, "
        "training, threshold, report, limits, seed. The network is measured on the test images once, and then waits to "
        "be put into use: `runs activate`. Progress goes to standard error.",
        epilog="exit status: 0 trained; 1 failed or canceled; 2 wrong usage; 3 trained, but goals of the configuration "
        "were not met",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="the configuration")
    command.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="SECTION.FIELD=VALUE",
        help="another value than that of the file, as training.epochs=5 or seed=3; may be repeated",
    )
    command.add_argument("--check", action="store_true", help="say what it would take, by a few steps, and stop")
    command.add_argument("--no-wait", action="store_true", help="queue it and leave it to a worker")
    command.add_argument("--json", action="store_true", help="one JSON object")


def add_runs(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command `runs`."""
    command = commands.add_parser("runs", help="training runs: list, show, cancel, resume, activate, roll back, delete")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the runs, the newest first")
    listing.add_argument("--product", metavar="CODE|NAME", help="those of one product")
    listing.add_argument("--experiment", metavar="NAME", help="those of one experiment")
    listing.add_argument("--state", choices=STATES, help="those in one state")
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="so many at most (default: 50)")
    show = actions.add_parser("show", help="a run with its epochs and figures")
    cancel = actions.add_parser("cancel", help="stop a run; what is trained stays")
    resume = actions.add_parser("resume", help="let a run go on that failed or was canceled")
    resume.add_argument("--no-wait", action="store_true", help="queue it and leave it to a worker")
    activate = actions.add_parser(
        "activate",
        help="put the model of a run into use",
        epilog="exit status: 0 in use; 1 failed, or something speaks against it, which is said",
    )
    activate.add_argument("--activate", action="store_true", help="in spite of what speaks against it")
    activate.add_argument("--reason", default="", metavar="TEXT", help="why, for the audit log")
    back = actions.add_parser("roll-back", help="put the model back into use that was before that of this run")
    delete = actions.add_parser("delete", help="delete a run with its network and results, for good")
    for one in (show, cancel, resume, activate, back, delete):
        one.add_argument("run", type=int, metavar="ID")
    for one in (listing, show, cancel, resume, activate, back, delete):
        one.add_argument("--json", action="store_true", help="JSON, one object a line")
