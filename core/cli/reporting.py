"""The report of a shift, a day, a week or a lot, as files and as figures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.accounts import people
from core.catalog import products
from core.cli.terminal import language, to_json, write_note, write_out
from core.errors import BadInput, NotReady, Unavailable, describe, from_lower
from core.i18n import LANGUAGES
from core.outgoing import note_export
from core.schedules.periods import PERIOD_NAMES
from core.schedules.records import FORMATS
from core.services import build_services
from storage.atomic_files import write_atomically

if TYPE_CHECKING:
    from core.schedules.records import ReportFormat

_LANGUAGES = tuple(LANGUAGES)


def add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the arguments of `report`."""
    report = commands.add_parser(
        "report",
        help="the report of a shift, a day, a week or a lot",
        description="Makes a report as PDF and Excel. Days are production days of the plant: a day begins with its "
        "first shift. Without a date, the report is of the last period that is over.",
    )
    report.add_argument("--period", required=True, choices=tuple(PERIOD_NAMES))
    report.add_argument("--date", metavar="YYYY-MM-DD", help="the production day; for a week, any day of it")
    report.add_argument("--shift", default="", metavar="NAME", help="the shift of that day")
    report.add_argument("--lot", default="", metavar="LOT", help="the lot, with --period lot")
    report.add_argument("--product", metavar="CODE|NAME", help="one product (default: all)")
    report.add_argument("--line", default="", metavar="LINE", help="one line (default: all)")
    report.add_argument("--language", choices=_LANGUAGES, help="the report's language (default: the terminal's)")
    report.add_argument(
        "--to",
        type=Path,
        metavar="FILE|DIR",
        help="a file that ends in .pdf or .xlsx, or a folder for both (default: this folder; with --json: no file)",
    )
    report.add_argument("--json", action="store_true", help="one JSON object with the figures")


def report(wanted: argparse.Namespace) -> int:
    """Make the report and write it; the names of its files go to standard output, or into the JSON object."""
    from core.reports.period.as_json import to_json as contents_to_json
    from core.reports.period.contents import gather
    from core.reports.period.file_names import name_report
    from core.reports.period.making import make_file
    from core.reports.period.request import PeriodChoice, make_request, read_day

    _check(wanted)
    services = build_services()
    person = people.command_line_person(services)
    product = products.find_named_product(services, wanted.product).id if wanted.product else None
    choice = PeriodChoice(
        wanted.period,
        read_day(wanted.date) if wanted.date else None,
        wanted.shift.strip(),
        wanted.lot.strip(),
        product,
        wanted.line.strip(),
    )
    request = make_request(services, choice, language=wanted.language or language())
    contents = gather(services, request, made_by=person.display_name)
    written = [
        _write(_place(wanted.to, name_report(request, ending)), make_file(services, contents, ending))
        for ending in _endings(wanted.to, as_json=wanted.json)
    ]
    for path in written:
        note_export(services, person, "report", name=path.name, form=path.suffix.removeprefix("."))
    if wanted.json:
        write_out(to_json({**contents_to_json(contents), "files": [str(path) for path in written]}))
    else:
        for path in written:
            write_out(str(path))
    if contents.is_empty:
        write_note(describe("report_is_empty", {}, language()))
    return 0


def _check(wanted: argparse.Namespace) -> None:
    if wanted.lot and wanted.period != "lot":
        raise BadInput("report_argument_of", argument="--lot", period="lot")
    if wanted.shift and wanted.period != "shift":
        raise BadInput("report_argument_of", argument="--shift", period="shift")
    if wanted.date and wanted.period == "lot":
        raise BadInput("report_lot_without_date")
    to: Path | None = wanted.to
    if to is not None and not to.is_dir():
        if to.suffix.lower().lstrip(".") not in FORMATS:
            raise BadInput("report_file_ending", path=str(to))
        if not to.parent.is_dir():
            raise NotReady("report_folder_missing", path=str(to.parent))


def _endings(to: Path | None, *, as_json: bool) -> tuple[ReportFormat, ...]:
    if to is None:
        return () if as_json else FORMATS
    if to.is_dir():
        return FORMATS
    return tuple(ending for ending in FORMATS if ending == to.suffix.lower().lstrip("."))


def _place(to: Path | None, name: str) -> Path:
    if to is None:
        return Path(name)
    return to / name if to.is_dir() else to


def _write(path: Path, data: bytes) -> Path:
    try:
        write_atomically(path, [data], temporary_folder=path.parent)
    except OSError as error:
        shaped = from_lower(error)
        if shaped.code == "unexpected":
            raise Unavailable("report_not_written", path=str(path)) from error
        raise shaped from error
    return path
