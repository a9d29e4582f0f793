"""The arguments of every command, and the help that names them."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.administration.auditing import add_audit
from core.cli.administration.backups import add_backup
from core.cli.administration.checking import add_doctor
from core.cli.administration.keys import add_api_key
from core.cli.administration.moving import add_move_objects
from core.cli.administration.people import add_user
from core.cli.catalog.viewing import add_view_commands
from core.cli.comparing.arguments import add_compare, add_dataset
from core.cli.comparing.fusing import add_fuse
from core.cli.images.arguments import add_import
from core.cli.images.exporting import add_export
from core.cli.images.trash import add_trash
from core.cli.manuals import add_manual_commands
from core.cli.reporting import add_report
from core.cli.threshold_arguments import add_thresholds
from core.cli.training.adapter_arguments import add_adapters
from core.cli.training.arguments import add_runs, add_train
from core.cli.training.asking import add_ask
from core.cli.training.exporting import add_export_model
from core.cli.training.tracking import add_tracking
from core.cli.watch_arguments import add_watch


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; `command` of what it reads names the command."""
    parser = argparse.ArgumentParser(prog="python -m core", description="Geomsa's command line.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="load the demo data and deploy it")
    demo.add_argument("--reset", action="store_true", help="remove the demo data first")
    demo.add_argument("--first-start", action="store_true", help="only once, and not beside products of your own")

    migrate = commands.add_parser("migrate", help="bring the database up to date")
    pairing = migrate.add_mutually_exclusive_group()
    pairing.add_argument(
        "--adopt", action="store_true", help="make the database and the object store belong together as they are"
    )
    pairing.add_argument(
        "--new-store", action="store_true", help="go on with an empty object store; files found are set aside untouched"
    )

    add_import(commands)

    add_export(commands)

    add_trash(commands)

    deploy = commands.add_parser(
        "deploy",
        help="build and activate models",
        description="Builds and activates models, and says what in the images goes against the preprocessing of their "
        "product (bit depth, tiles).",
        epilog="exit status: 0 built and in use; 1 something failed; 3 built, but a version waits for a person to put "
        "it into use, and the reasons are said",
    )
    deploy.add_argument("what", choices=("memory-bank", "similarity-index", "manual-index", "all"))
    deploy.add_argument("--product", metavar="CODE|NAME", help="one product (default: all with images or manuals)")
    deploy.add_argument("--no-wait", action="store_true", help="queue the job and leave it to a worker")
    deploy.add_argument(
        "--activate",
        action="store_true",
        help="put what is built into use whatever speaks against it; the audit log keeps who overrode which reasons",
    )

    inspect = commands.add_parser(
        "inspect",
        help="inspect image files",
        description="Inspects image files. With --json, notes are codes of what was made right in an image or looks "
        "wrong about it (low_range: nearly black, set the bit depth on Preprocessing). Of a product with views, a part "
        "is given by --view, or files and folders are put together by their names: P001_ct.png, P001_rgb.png, "
        "P001_rgb_2.png, ct/P001.png.",
    )
    inspect.add_argument(
        "images", nargs="*", type=Path, metavar="IMAGE", help="a file; a folder for a product of views"
    )
    inspect.add_argument(
        "--view", action="append", metavar="VIEW=FILE", help="a picture of one view of the part; may be repeated"
    )
    inspect.add_argument("--product", required=True, metavar="CODE|NAME")
    inspect.add_argument("--json", action="store_true", help="one JSON object a line")

    add_view_commands(commands)
    add_ask(commands)
    add_watch(commands)
    add_manual_commands(commands)

    evaluate = commands.add_parser("evaluate", help="measure the active model on the test images")
    evaluate.add_argument("--product", required=True, metavar="CODE|NAME")
    evaluate.add_argument("--view", metavar="CODE", help="one view of the product (default: all, one after the other)")
    evaluate.add_argument("--json", action="store_true", help="one JSON object; of a product with views, one a view")

    replay = commands.add_parser(
        "replay",
        help="what would change with another model version, or with other thresholds",
        description="Judges the newest inspections (by their kept images) and the labelled images once more, and names "
        "the parts whose verdict would change, known outcomes first. Nothing is stored.",
    )
    replay.add_argument("--product", required=True, metavar="CODE|NAME")
    replay.add_argument(
        "--version", type=int, metavar="N", help="a memory bank version by its number (default: the newest that waits)"
    )
    replay.add_argument("--view", metavar="CODE", help="the view of the product that the version is of")
    replay.add_argument(
        "--review",
        type=float,
        metavar="X",
        help="another threshold from which on a part is Review, with --reject (default version then: the one in use)",
    )
    replay.add_argument("--reject", type=float, metavar="Y", help="another threshold from which on a part is NG")
    replay.add_argument(
        "--limit", type=int, default=200, metavar="N", help="how many of the newest inspections (default: 200)"
    )
    replay.add_argument("--json", action="store_true", help="one JSON object")

    add_thresholds(commands)
    add_fuse(commands)
    add_report(commands)
    add_dataset(commands)
    add_compare(commands)
    add_train(commands)
    add_runs(commands)
    add_export_model(commands)
    add_adapters(commands)

    add_tracking(commands)

    worker = commands.add_parser("worker", help="work off the jobs")
    worker.add_argument(
        "--health", action="store_true", help="say what the workers of this machine do; exit status 1 where none lives"
    )
    worker.add_argument("--parent-pid", type=int, help=argparse.SUPPRESS)
    worker.add_argument("--embedded", action="store_true", help=argparse.SUPPRESS)

    commands.add_parser("prepare")
    run_watch = commands.add_parser("run-watch")
    run_watch.add_argument("--parent-pid", type=int)
    run_tracking = commands.add_parser("run-tracking")
    run_tracking.add_argument("--parent-pid", type=int)
    run_job = commands.add_parser("run-job")
    run_job.add_argument("job_id", type=int)
    run_job.add_argument("fencing_token", type=int)
    run_job.add_argument("--parent-pid", type=int)
    run_job.add_argument("--log-level", default="INFO")

    weights = commands.add_parser("weights", help="the weights of the networks that models stand on")
    steps = weights.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = steps.add_parser("list", help="which are here, which can be fetched")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    steps.add_parser("fetch", help="fetch them from their publisher").add_argument("name", metavar="NAME")
    adding = steps.add_parser("add", help="add a .safetensors file, a grounding network's folder, EfficientAD's files")
    adding.add_argument("name", metavar="NAME")
    adding.add_argument("file", type=Path, metavar="FILE|FOLDER")

    add_user(commands)

    api = commands.add_parser("api", help="the REST interface alone, without the screens")
    api.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: this machine alone)")
    api.add_argument("--port", type=int, default=8502, metavar="PORT", help="the port to listen at (default: 8502)")

    add_api_key(commands)
    add_audit(commands)
    add_backup(commands)
    add_doctor(commands)
    add_move_objects(commands)
    return parser
