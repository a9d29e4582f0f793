"""`doctor`: whether every part of an installation works."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli.administration.repairing import repair_store, to_report, write_repair
from core.cli.terminal import language, to_json, write_out
from core.settings import read_settings


def doctor(wanted: argparse.Namespace) -> int:
    """Check every part; the exit status is 1 when one does not work. With --repair, repair first what it can."""
    from core.operations import health as checks

    settings = read_settings()
    done = repair_store(settings, yes=wanted.yes, thorough=wanted.thorough) if wanted.repair else None
    found = checks.check(settings, read_files=wanted.thorough)
    lang = language()
    if wanted.json:
        write_out(
            to_json(
                {
                    "ok": all(check.ok for check in found),
                    "checks": [
                        {
                            "name": check.name,
                            "ok": check.ok,
                            "warning": check.is_warning,
                            "code": check.code,
                            "params": check.params,
                            "message": check.sentence(lang),
                        }
                        for check in found
                    ],
                    **({} if done is None else to_report(done, lang)),
                }
            )
        )
    else:
        if done is not None:
            write_repair(done, lang)
        for check in found:
            state = "warn" if check.is_warning else ("ok  " if check.ok else "FAIL")
            write_out(f"{state}  {check.name}: {check.sentence(lang)}")
    return 0 if all(check.ok for check in found) else 1


def add_doctor(commands: Any) -> None:
    """Add the command `doctor`."""
    doctor = commands.add_parser("doctor", help="check that everything works")
    doctor.add_argument("--json", action="store_true", help="one JSON object")
    doctor.add_argument(
        "--repair",
        action="store_true",
        help="name the files that no row names, and what is missing; mend what can be mended, delete no row",
    )
    doctor.add_argument(
        "--thorough",
        action="store_true",
        help="also read every stored file whose hash is known and compare it (minutes for many)",
    )
    doctor.add_argument("--yes", action="store_true", help="with --repair: move orphans to the trash however many")
