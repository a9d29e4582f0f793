"""The arguments of `dataset` and `compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.images.domains import DOMAINS

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction


def add_dataset(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command `dataset`."""
    command = commands.add_parser(
        "dataset",
        help="dataset versions: make one, list them, show one, export it, delete it",
        description="A dataset version is a product's images as they are now, with labels, parts, views, masks and "
        "the product's preprocessing, split by part and frozen by a hash.",
    )
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser(
        "create",
        help="freeze a product's images; unchanged ones give the version that there is",
        description="Images in val and test stay there. Where there is none, parts are dealt from the training images.",
    )
    create.add_argument("--product", required=True, metavar="CODE|NAME")
    create.add_argument("--name", default="", metavar="TEXT", help="what to call it")
    create.add_argument("--val", type=float, default=0.2, metavar="SHARE", help="for validation (default: 0.2)")
    create.add_argument("--test", type=float, default=0.2, metavar="SHARE", help="for test (default: 0.2)")
    create.add_argument("--seed", type=int, default=0, metavar="N", help="of the random split (default: 0)")
    create.add_argument(
        "--least", type=int, default=2, metavar="N", help="name labels with fewer training images (default: 2)"
    )
    create.add_argument(
        "--domain",
        dest="domains",
        action="append",
        choices=DOMAINS,
        default=[],
        help="only images that were taken there; may be given several times",
    )
    listing = actions.add_parser("list", help="all versions of a product, the newest first")
    listing.add_argument("--product", required=True, metavar="CODE|NAME")
    show = actions.add_parser("show", help="what is in a version, and what speaks against it")
    show.add_argument("--product", required=True, metavar="CODE|NAME")
    show.add_argument("--version", type=int, metavar="N", help="its number (default: the newest)")
    export = actions.add_parser(
        "export",
        help="write a version's manifest, or exactly its images in another program's format",
        description="The manifest names every image with the hashes of its file and mask, label, part, view, domain "
        "and split. The other formats hold the images themselves, split as in the version.",
        epilog="exit status: 0 everything was written; 1 failed, or images were left out (each is named)",
    )
    export.add_argument("target", type=Path, metavar="PATH", help="a file, or a new or empty folder")
    export.add_argument("--product", required=True, metavar="CODE|NAME")
    export.add_argument("--version", type=int, metavar="N", help="its number (default: the newest)")
    export.add_argument(
        "--format",
        choices=("manifest", "folders", "coco", "yolo", "voc", "csv"),
        default="manifest",
        help="default: manifest, as CSV where PATH ends in .csv, else as JSON",
    )
    remove = actions.add_parser("delete", help="delete a version that nothing stands on; its images stay")
    remove.add_argument("--product", required=True, metavar="CODE|NAME")
    remove.add_argument("--version", type=int, required=True, metavar="N", help="its number")
    for one in (create, listing, show, export, remove):
        one.add_argument("--json", action="store_true", help="JSON, one object a line")


def add_compare(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command `compare`."""
    command = commands.add_parser(
        "compare",
        help="compare methods on the same images",
        description="Trains what is missing, asks every method about the same validation and test images, and measures "
        "them. FILE is YAML or JSON: product, dataset (number; default: the newest), seed, methods (method, name, "
        "views, options) and combinations (name, members by view, rule).",
        epilog="exit status: 0 compared; 1 the comparison failed; 3 compared, but a method failed on some images",
    )
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", type=Path, metavar="FILE", help="what to compare")
    what.add_argument("--show", type=int, metavar="N", help="the result of a comparison that there is, by its number")
    command.add_argument("--out", type=Path, metavar="DIR", help="write result.json, summary.csv and report.pdf there")
    command.add_argument("--no-wait", action="store_true", help="queue it and leave it to a worker")
    command.add_argument("--json", action="store_true", help="one JSON object")
