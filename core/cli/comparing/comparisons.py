"""Methods compared, in the terminal: as a job that is waited for, with its result and files."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.accounts import people
from core.cli.job_following import follow
from core.cli.terminal import language, to_json, write_note, write_out
from core.comparisons.exports import FILE_NAMES, make_file
from core.comparisons.orders import parse_order
from core.comparisons.overview import ComparisonView, read_result, view_comparison
from core.comparisons.results import ComparisonResult
from core.comparisons.starting import start_comparison
from core.comparisons.wording import FIGURE_NAMES, phrase_differences, rank_entries
from core.errors import BadInput, describe
from core.i18n import translate
from core.services import Services, build_services


def compare(wanted: argparse.Namespace) -> int:
    """Compare the methods that a file names, or show a comparison that there is; return the exit status."""
    services = build_services()
    if wanted.show is not None:
        return _tell(services, view_comparison(services, wanted.show), wanted)
    person = people.command_line_person(services)
    found = start_comparison(services, person, parse_order(_read(wanted.file)))
    started = view_comparison(services, found)
    if wanted.no_wait or started.job is None:
        write_out(
            to_json({"comparison": found, "job": started.job.id if started.job else None})
            if wanted.json
            else f"{found}"
        )
        return 0
    job = follow(services, [started.job.id], language=language())[0]
    if job.state != "succeeded":
        if job.error is not None:
            raise job.error
        write_note(describe("comparison_canceled", {}, language()))
        return 1
    return _tell(services, view_comparison(services, found), wanted)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("comparison_file_unreadable", file_name=str(path)) from error


def _tell(services: Services, comparison: ComparisonView, wanted: argparse.Namespace) -> int:
    result = read_result(services, comparison)
    if wanted.out is not None:
        _write_files(services, comparison, wanted.out)
    if wanted.json:
        write_out(to_json({"comparison": comparison.id, **result.without_curves().to_json()}))
    else:
        for line in _describe(result):
            write_out(line)
    failed = [one for one in result.entries if one.errors]
    for one in failed:
        reason = one.error.to_app_error().sentence(language()) if one.error is not None else ""
        write_note(describe("comparison_method_failed", {"name": one.key, "reason": reason}, language()))
    return 3 if failed else 0


def _write_files(services: Services, comparison: ComparisonView, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILE_NAMES:
            (folder / name).write_bytes(make_file(services, comparison, name, language=language()))
    except OSError as error:
        raise BadInput("comparison_folder_unwritable", folder=str(folder)) from error


def _describe(result: ComparisonResult) -> list[str]:
    shown = [name for name in FIGURE_NAMES if any(name in one.figures for one in result.entries)]
    ranked = rank_entries(result.entries)
    width = max((len(one.key) for one in ranked), default=0)
    lines = []
    for one in ranked:
        figures = "  ".join(
            f"{name} {found.value:.3f}" for name in shown if (found := one.figures.get(name)) is not None
        )
        time = "" if one.ms_p50 is None else f"  {one.ms_p50:.0f} ms"
        lines.append(f"{one.key.ljust(width)}  n {one.n}  {figures}{time}")

    def say(msgid: str, **params: object) -> str:
        return translate(language(), msgid).format(**params)

    return [*lines, *phrase_differences(result, {}, say)]
