"""The arguments of `watch` and `targets`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

WATCH_ACTIONS = ("add", "list", "remove", "pause", "resume", "deliveries")


def add_watch(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the two commands."""
    watch = commands.add_parser(
        "watch",
        help="inspect what arrives in a folder",
        description="Inspects the images that arrive in a folder: whole files only, each once, whatever happens "
        "between. They are moved to done/YYYY/MM/DD/ or rejected/ in it; beside a rejected one lies the reason. "
        "`watch FOLDER` watches as long as the command runs; `watch add FOLDER` leaves it to the app and its worker. "
        "A folder that is called like an action is written ./add.",
        epilog="exit status of --once: 0 all was inspected; 1 a file was rejected, or something stood in the way",
    )
    watch.add_argument("action", metavar="FOLDER|ACTION", help=f"a folder, or one of: {', '.join(WATCH_ACTIONS)}")
    watch.add_argument("folder", nargs="?", metavar="FOLDER", help="the folder of add, remove, pause and resume")
    watch.add_argument("--product", metavar="CODE|NAME", help="the product of the parts")
    watch.add_argument("--line", default="", help="the line, where the file name does not say it")
    watch.add_argument("--lot", default="", help="the lot, likewise")
    watch.add_argument("--shift", default="", help="the shift, likewise")
    watch.add_argument(
        "--name-rule",
        default="",
        metavar="RULE",
        help="reads fields out of file names: {lot}, {serial}, {line}, {shift}, {n} (a number), {*} (anything), "
        "{lot:5} (so many characters). Example: {lot}_{serial}_{*}",
    )
    watch.add_argument(
        "--settle",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="how long a file must stay unchanged until it counts as whole (default: 2)",
    )
    watch.add_argument(
        "--part-wait",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long a part of a product with several views is waited for where a view is missing; then it is "
        "inspected by what there is, and without a required view it is Review (default: 60)",
    )
    watch.add_argument("--subfolders", action="store_true", help="also what arrives in subfolders")
    watch.add_argument("--once", action="store_true", help="inspect what is there, then end")
    watch.add_argument("--retry", action="store_true", help="with deliveries: send again at once what did not arrive")
    watch.add_argument("--json", action="store_true", help="one JSON object a line")

    targets = commands.add_parser(
        "targets",
        help="where results are sent by themselves: webhooks and MQTT",
        description="Results of inspections, however they are made, are sent to these targets in order and at least "
        "once. Secrets come from the environment: GEOMSA_WEBHOOK_SECRET, GEOMSA_MQTT_USER, GEOMSA_MQTT_PASSWORD, or "
        "files that these names with _FILE name.",
    )
    actions = targets.add_subparsers(dest="action", required=True, metavar="ACTION")
    adding = actions.add_parser("add", help="add one")
    adding.add_argument("name", metavar="NAME")
    where = adding.add_mutually_exclusive_group(required=True)
    where.add_argument("--webhook", metavar="URL", help="results are posted here as JSON, signed")
    where.add_argument("--mqtt", metavar="HOST[:PORT]", help="results are published here with QoS 1")
    adding.add_argument("--product", metavar="CODE|NAME", help="of this product only (default: of all)")
    adding.add_argument(
        "--verdicts", default="all", choices=("all", "not_ok", "reject"), help="which verdicts (default: all)"
    )
    adding.add_argument("--secret", metavar="VARIABLE", help="another variable with the webhook's secret")
    adding.add_argument("--user", metavar="VARIABLE", help="another variable with the broker's user")
    adding.add_argument("--password", metavar="VARIABLE", help="another variable with the broker's password")
    adding.add_argument("--tls", action="store_true", help="speak TLS to the broker (port 8883)")
    adding.add_argument("--topic", metavar="PATTERN", help="the topic (default: geomsa/{product}/{line})")
    actions.add_parser("list", help="name them, and what waits").add_argument("--json", action="store_true")
    for name, text in (
        ("remove", "remove one, with what it has not received"),
        ("pause", "hold what is to be sent to one"),
        ("resume", "go on sending to one"),
    ):
        actions.add_parser(name, help=text).add_argument("name", metavar="NAME")
