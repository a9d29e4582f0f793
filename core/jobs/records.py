"""What a job's row holds in its JSON columns and its log: what was asked for, how far it is, what came of it.

Rows of earlier versions of the program lack some fields; these have their defaults.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.jobs.outcomes import ProductOutcome
from core.jobs.stored_error import StoredError
from storage.json_fields import read_float, read_int, read_ints, read_object, read_objects, read_text


@dataclass(frozen=True)
class JobPayload:
    """What a job was asked for: the products to build, in order.

    `activate` puts each new version into use whatever stands against it: a person takes it upon them. `version_id` is
    the version that a measurement is of. `task` is what a job that builds nothing is to do, as its handler reads it.
    """

    product_ids: tuple[int, ...] = ()
    activate: bool = False
    version_id: int | None = None
    task: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> JobPayload:
        """Return the payload of a job's row."""
        data = read_object(value)
        return cls(
            read_ints(data.get("product_ids")),
            data.get("activate") is True,
            read_int(data.get("version_id")),
            read_object(data.get("task")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        values: dict[str, Any] = {"product_ids": list(self.product_ids)}
        if self.activate:
            values["activate"] = True
        if self.version_id is not None:
            values["version_id"] = self.version_id
        if self.task:
            values["task"] = dict(self.task)
        return values


@dataclass(frozen=True)
class JobProgress:
    """How far a job is: the products that are done, the one that is being built, and the share of all work.

    `expected_s` is how long the whole was expected to take, `work_started_at` when this attempt began; None for a job
    that has not begun.
    """

    outcomes: tuple[ProductOutcome, ...] = ()
    current_product_id: int | None = None
    share: float = 0.0
    expected_s: float = 0.0
    work_started_at: datetime | None = None

    @classmethod
    def from_json(cls, value: object) -> JobProgress:
        """Return the result of a job's row."""
        data = read_object(value)
        return cls(
            outcomes=tuple(ProductOutcome.from_json(found) for found in read_objects(data.get("outcomes"))),
            current_product_id=read_int(data.get("current_product_id")),
            share=read_float(data.get("share")) or 0.0,
            expected_s=read_float(data.get("expected_s")) or 0.0,
            work_started_at=_read_moment(data.get("work_started_at")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
            "current_product_id": self.current_product_id,
            "share": round(self.share, 4),
            "expected_s": round(self.expected_s, 1),
            "work_started_at": None if self.work_started_at is None else self.work_started_at.isoformat(),
        }


@dataclass(frozen=True)
class LogLine:
    """One line of a job's log: when, the code of its sentence, and what stands in the sentence."""

    at: datetime
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> StoredError | None:
        """Return why something was left out or failed, where the line tells."""
        return StoredError.from_json(self.params.get("reason"), self.params.get("reason_params"))

    @classmethod
    def from_json(cls, value: object) -> LogLine | None:
        """Return the line; None for one without a moment or a code."""
        data = read_object(value)
        at, code = _read_moment(data.get("at")), read_text(data.get("code"))
        return None if at is None or code is None else cls(at, code, read_object(data.get("params")))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {"at": self.at.isoformat(), "code": self.code, "params": dict(self.params)}


def read_log(text: str) -> tuple[LogLine, ...]:
    """Return the lines of a job's log; what is no line of one, such as a half-written last one, is left out."""
    lines = (LogLine.from_json(_parse(line)) for line in text.splitlines())
    return tuple(line for line in lines if line is not None)


def write_line(line: LogLine) -> str:
    """Return the text of one line, with its end; what JSON does not know is written as text."""
    return json.dumps(line.to_json(), ensure_ascii=False, default=str) + "\n"


def _parse(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _read_moment(value: object) -> datetime | None:
    """Return a moment with its time zone from ISO text, or None."""
    try:
        moment = datetime.fromisoformat(read_text(value) or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
