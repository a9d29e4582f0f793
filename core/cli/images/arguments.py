"""The arguments of `import`."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.images.domains import DOMAINS

ROLES = (
    "normal (images of good parts), normal:KIND, defect:TYPE or just TYPE, mask, skip (leave out), train, val, test, "
    "product:CODE, view:NAME, domain:studio|line|field, part (each folder below is one part), list (this CSV or JSON "
    "file counts); several are joined with /, as test/normal. KIND and TYPE may be {folder}: each folder is "
    "called like what its images show"
)
STATUSES = (
    "exit status: 0 every image is taken in (or planned); 1 files were refused, or nothing was taken in; 2 wrong "
    "usage; 3 done, but images were left out or a question is open: standard error names them, --map answers"
)


def add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `import`."""
    importing = commands.add_parser(
        "import",
        help="import a folder or ZIP of images",
        description="Imports a folder or ZIP of images, or one image (JPEG, PNG, BMP, TIFF, WebP; 8 or 16 bits a "
        "channel). First it plans what each folder becomes: product, split, label, mask, part, view, or left out. "
        "Words for good, defect, split, mask and helper folders are known in English and Korean; what is not certain "
        "is asked and left out, never guessed. Names every file that was refused and why, and what looks wrong: images "
        "that are nearly black because their bit depth is not set, masks that may be inverted, defects that would be "
        "lost without tiles.",
        epilog=f"ROLE is one of: {ROLES}. A role holds for everything below its folder; the nearest folder counts. "
        f'FOLDER may be ".", a file, or a pattern with * in it. {STATUSES}',
    )
    importing.add_argument("path", type=Path, metavar="PATH")
    importing.add_argument(
        "--product", metavar="CODE|NAME", help="the product, where the folders do not name it; or the one of several"
    )
    importing.add_argument(
        "--as",
        dest="as_role",
        default="",
        metavar="normal[:KIND]|TYPE",
        help="what all images are of which no folder, list or file name says what they show; normal:{folder} or "
        "defect:{folder}: what their folder is called",
    )
    importing.add_argument(
        "--map",
        dest="mapping",
        action="extend",
        nargs="+",
        default=[],
        type=_read_pair,
        metavar="FOLDER=ROLE",
        help="what a folder (file, pattern) becomes, whatever it is called; several may follow",
    )
    importing.add_argument(
        "--domain", choices=DOMAINS, default="", help="where all images were taken, where no --map says otherwise"
    )
    importing.add_argument("--plan", action="store_true", help="show what would become what, and stop")
    importing.add_argument("--json", action="store_true", help="one JSON object on standard output")
    importing.add_argument(
        "--part-rule",
        metavar="RULE",
        help="which part an image shows, read out of its file name: {part} is the part, {n} a number, {*} anything, "
        "{part:5} five characters; with folders {part}/{*}. Example: {part}_{n} reads IMG_0012 out of IMG_0012_3.jpg",
    )
    importing.add_argument(
        "--parts",
        type=Path,
        metavar="FILE.csv",
        help="which part each image shows: a CSV list with the columns path and part; it counts before the rule",
    )
    importing.add_argument(
        "--no-check",
        action="store_true",
        help="do not compare new normal images with the model in use",
    )
    importing.add_argument(
        "--test-share",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="where no folder says train or test: the share of images to test with (0.2: a fifth), whole parts only",
    )
    importing.add_argument("--split-seed", type=int, default=0, metavar="N", help="which parts these are (default: 0)")


def _read_pair(text: str) -> tuple[str, str]:
    folder, sign, role = text.rpartition("=")
    if not sign or not folder.strip() or not role.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not FOLDER=ROLE")
    return folder.strip(), role.strip()
