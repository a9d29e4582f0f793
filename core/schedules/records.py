"""A report schedule as values: what a person sets, what its row holds, and the files of a report that was made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any, Literal, cast

from core.errors import BadInput
from core.i18n import LANGUAGES
from core.inspections.part_details import longest_text
from core.rollups.calendar import PlantCalendar
from core.schedules.periods import PeriodKind
from core.schedules.timing import DEFAULT_DELAY_MIN, Timing
from storage.json_fields import read_int, read_object, read_objects, read_text, read_texts
from storage.tables import ReportSchedule

ReportFormat = Literal["pdf", "xlsx"]
FORMATS: tuple[ReportFormat, ...] = ("pdf", "xlsx")
FORMAT_NAMES: dict[ReportFormat, str] = {"pdf": "PDF", "xlsx": "Excel"}
DEFAULT_KEEP_DAYS = 365
LONGEST_KEEP_DAYS = 3650
LONGEST_NAME = 64


@dataclass(frozen=True)
class ScheduleOrder:
    """What a person sets: of what a report is made and when, in which language and formats, and where it goes.

    `product_id` None is all products, `line` "" all lines, `folder` None the object store, `keep_days` None for ever.
    With `skip_empty`, a period in which nothing was inspected has no report.
    """

    name: str
    timing: Timing
    product_id: int | None = None
    line: str = ""
    language: str = "en"
    formats: tuple[ReportFormat, ...] = ("pdf",)
    folder: Path | None = None
    skip_empty: bool = False
    keep_days: int | None = DEFAULT_KEEP_DAYS

    def checked(self, calendar: PlantCalendar) -> ScheduleOrder:
        """Return the order as it is stored; the folder is not looked at here.

        Raises BadInput report_schedule_unnamed, report_schedule_name_long, report_formats, report_language,
        report_keep_days, inspection_detail_too_long, and as `Timing.check`.
        """
        name = " ".join(self.name.split())
        if not name:
            raise BadInput("report_schedule_unnamed")
        if len(name) > LONGEST_NAME or not name.isprintable():
            raise BadInput("report_schedule_name_long", highest=LONGEST_NAME)
        line = self.line.strip()
        if len(line) > longest_text("line"):
            raise BadInput("inspection_detail_too_long", field="line", limit=longest_text("line"))
        formats = tuple(one for one in FORMATS if one in self.formats)
        if not formats or len(formats) != len(set(self.formats)):
            raise BadInput("report_formats")
        if self.language not in LANGUAGES:
            raise BadInput("report_language", choices=", ".join(LANGUAGES))
        if self.keep_days is not None and not 1 <= self.keep_days <= LONGEST_KEEP_DAYS:
            raise BadInput("report_keep_days", highest=LONGEST_KEEP_DAYS)
        self.timing.check(calendar)
        return ScheduleOrder(
            name,
            self.timing,
            self.product_id,
            line,
            self.language,
            formats,
            self.folder,
            self.skip_empty,
            self.keep_days,
        )

    def to_settings(self) -> dict[str, Any]:
        """Return the JSON object in the row: what has no column of its own."""
        return {
            "at": self.timing.at.strftime("%H:%M"),
            "weekday": self.timing.weekday,
            "delay_min": self.timing.delay_min,
            "shifts": list(self.timing.shifts),
            "language": self.language,
            "formats": list(self.formats),
            "skip_empty": self.skip_empty,
            "keep_days": self.keep_days,
        }

    @classmethod
    def from_row(cls, row: ReportSchedule) -> ScheduleOrder:
        """Return the order in a schedule's row."""
        data = read_object(row.settings)
        delay = read_int(data.get("delay_min"))
        formats = cast("tuple[ReportFormat, ...]", read_texts(data.get("formats")))
        return cls(
            row.name,
            Timing(
                cast(PeriodKind, row.kind),
                time.fromisoformat(read_text(data.get("at")) or "07:00"),
                read_int(data.get("weekday")) or 0,
                DEFAULT_DELAY_MIN if delay is None else delay,
                read_texts(data.get("shifts")),
            ),
            row.product_id,
            row.line,
            read_text(data.get("language")) or "en",
            formats or ("pdf",),
            Path(row.folder) if row.folder else None,
            data.get("skip_empty") is True,
            read_int(data.get("keep_days")),
        )


@dataclass(frozen=True)
class MadeFile:
    """A file of a report: its name, where it lies, its size in bytes and SHA-256.

    `place` is the full path where `in_folder`, else the key in the object store.
    """

    name: str
    place: str
    in_folder: bool
    byte_size: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `read_files` reads."""
        return {
            "name": self.name,
            "place": self.place,
            "in_folder": self.in_folder,
            "byte_size": self.byte_size,
            "sha256": self.sha256,
        }


def read_files(value: object) -> tuple[MadeFile, ...]:
    """Return the files in a JSON list."""
    return tuple(
        MadeFile(
            read_text(one.get("name")) or "",
            read_text(one.get("place")) or "",
            one.get("in_folder") is True,
            read_int(one.get("byte_size")) or 0,
            read_text(one.get("sha256")) or "",
        )
        for one in read_objects(value)
    )
