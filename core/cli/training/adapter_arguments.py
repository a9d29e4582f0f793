"""The arguments of `adapters`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction


def add_adapters(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command `adapters`."""
    command = commands.add_parser(
        "adapters",
        help="trainers of other people's, run apart",
        description="An adapter is a folder with adapter.json (docs/adapters.md). It is run shut in: without a "
        "network, by its own interpreter or in a container, with the images of training and validation alone.",
    )
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="which were added, and whether they can be used")
    add = actions.add_parser("add", help="add the adapter in a folder of this machine")
    add.add_argument("folder", type=Path, metavar="FOLDER")
    add.add_argument("--accept-license", action="store_true", help="accept its license in the same step")
    accept = actions.add_parser("accept", help="show the license of an adapter and accept it")
    accept.add_argument("name", metavar="NAME")
    accept.add_argument("--yes", action="store_true", help="without being asked")
    check = actions.add_parser(
        "check",
        help="let adapters train ten steps on a tiny set",
        epilog="exit status: 0 all work; 1 one of them does not",
    )
    check.add_argument("name", nargs="?", metavar="NAME", help="one of them (default: all)")
    check.add_argument("--task", choices=("classification", "segmentation", "detection"), help="(default: its first)")
    actions.add_parser("remove", help="forget an adapter; its folder stays").add_argument("name", metavar="NAME")
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="JSON, one object a line")
