"""The arguments of `thresholds`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction


def add_thresholds(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    command = commands.add_parser(
        "thresholds",
        help="the thresholds of the model in use: show, set, compute, undo",
        description="Without an action, shows the thresholds in force, what they make of the test images, and all that "
        "were before. New thresholds count from the next inspection on; earlier inspections stay as they were judged.",
    )
    command.add_argument("--product", required=True, metavar="CODE|NAME")
    command.add_argument("--view", metavar="CODE", help="the view of the product, where it has several")
    action = command.add_mutually_exclusive_group()
    action.add_argument("--review", type=float, metavar="X", help="from this score on a part is Review; with --reject")
    action.add_argument(
        "--method",
        choices=("percentile", "mean_std", "f1_max", "cheapest"),
        help="compute them: from the scores of the calibration, or the cheapest on the test images for what mistakes "
        "cost the product",
    )
    action.add_argument("--undo", action="store_true", help="put those of before back in force")
    action.add_argument(
        "--measure",
        action="store_true",
        help="measure the model in use on the test images of now, and store the scores",
    )
    command.add_argument("--reject", type=float, metavar="Y", help="from this score on a part is NG; with --review")
    command.add_argument(
        "--percent", type=float, metavar="P", help="of percentile: so many percent of good parts stay below Review"
    )
    command.add_argument(
        "--k", type=float, metavar="K", help="of mean_std: NG begins so many standard deviations above the mean"
    )
    command.add_argument(
        "--defect-rate",
        type=float,
        metavar="SHARE",
        help="of cheapest: the line's share of defective parts, 0.01 is one in a hundred (default: the one set for the "
        "product, else that of recent inspections)",
    )
    command.add_argument("--reason", default="", metavar="TEXT", help="why; stored with the thresholds")
    command.add_argument(
        "--try", dest="only_try", action="store_true", help="only say what would be in force; store nothing"
    )
    command.add_argument("--json", action="store_true", help="one JSON object")
