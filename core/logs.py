"""Logs: the one place where handlers, formatters and filters are set up, for every process of an installation.

`GEOMSA_LOG_FORMAT=json` writes one JSON object a line to standard error; otherwise lines are for people.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
ACCESS_LOGGER = "geomsa.access"
# Libraries that say much at INFO which no administrator reads.
_QUIET = ("alembic", "faiss", "httpx", "httpx2", "botocore", "boto3", "urllib3")
_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")

_request_id: ContextVar[str | None] = ContextVar("geomsa_request_id", default=None)
_person_id: ContextVar[int | None] = ContextVar("geomsa_person_id", default=None)
_filters: list[logging.Filter] = []
_lock = threading.Lock()


class _StandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what standard error is at that moment, and not to what it was when the log was set up."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        """Return the stream to write to."""
        return sys.stderr


class _Process:
    """What every line of this process says of it, whichever thread writes it."""

    name = ""
    job_id: int | None = None


def wants_json(env: Mapping[str, str] | None = None) -> bool:
    """Return whether the environment asks for JSON; a wrong value is the settings' to refuse, in a readable line."""
    return (os.environ if env is None else env).get("GEOMSA_LOG_FORMAT", "").strip().lower() == "json"


def set_up(process: str, *, level: int | str = logging.INFO) -> None:
    """Send what this process logs to standard error, in the format that the environment asks for.

    `process` names it in each JSON line: app, api, worker, job, … . Warnings of libraries and exceptions that nobody
    catches come as JSON lines, too. Every filter of `add_filter` is asked for each record.
    """
    handler = _StandardError()
    handler.setFormatter(JsonFormatter() if wants_json() else logging.Formatter(TEXT_FORMAT))
    _Process.name = process
    root = logging.getLogger()
    with _lock:
        for old in _own_handlers():
            root.removeHandler(old)
        for one in _filters:
            handler.addFilter(one)
        root.addHandler(handler)
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    if wants_json():
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught
        threading.excepthook = _log_uncaught_in_thread


def _own_handlers() -> list[logging.Handler]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, _StandardError)]


def take_over(names: Iterable[str]) -> None:
    """Let these loggers, to which a library gave handlers of its own, write as all others do."""
    for name in names:
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
        logger.propagate = True


def add_filter(one: logging.Filter) -> None:
    """Ask `one` for each record of every handler, now and after each later `set_up`.

    It may change the record's message; it may also set `exc_text`, which then stands in the place of the traceback.
    """
    with _lock:
        if one not in _filters:
            _filters.append(one)
            for handler in _own_handlers():
                handler.addFilter(one)


def remove_filter(one: logging.Filter) -> None:
    """Ask `one` no more."""
    with _lock:
        if one in _filters:
            _filters.remove(one)
            for handler in _own_handlers():
                handler.removeFilter(one)


def note_job(job_id: int) -> None:
    """Name the job that this process works on in all that it logs from now on."""
    _Process.job_id = job_id


def note_person(person_id: int | None) -> None:
    """Name the person (by id, never by name) in what this thread or task logs from now on."""
    _person_id.set(person_id)


@contextmanager
def about_request(request_id: str) -> Iterator[None]:
    """Name the request in what is logged in the block, and nobody's name of before it."""
    request, person = _request_id.set(request_id), _person_id.set(None)
    try:
        yield
    finally:
        _person_id.reset(person)
        _request_id.reset(request)


def current_request_id() -> str | None:
    """Return the id of the request that is being answered here, None outside of one."""
    return _request_id.get()


def choose_request_id(given: str | None) -> str:
    """Return the id that a trusted proxy has given, where it is plain; otherwise a new one."""
    if given is not None and _PLAIN_ID.fullmatch(given):
        return given
    return uuid.uuid4().hex


def log_access(*, method: str, path: str, status: int, seconds: float, person_id: int | None, channel: str) -> None:
    """Log an answered request, where the log is JSON: never its query, headers or body."""
    if not wants_json():
        return
    fields = {
        "method": method,
        "path": path[:500],
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "channel": channel,
    }
    if person_id is not None:
        fields["person_id"] = person_id
    logging.getLogger(ACCESS_LOGGER).info("%s %s %d", method, path[:500], status, extra={"geomsa_fields": fields})


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, process, and what the line is about."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": _Process.name,
            "pid": record.process,
        }
        about = {"job_id": _Process.job_id, "request_id": _request_id.get(), "person_id": _person_id.get()}
        said |= {name: value for name, value in about.items() if value is not None}
        said |= getattr(record, "geomsa_fields", {})
        # As the text formatter does: what a filter has put there stands in the place of the traceback.
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            said["exception"] = record.exc_text
        if record.stack_info:
            said["stack"] = self.formatStack(record.stack_info)
        return json.dumps(said, ensure_ascii=False, default=str)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("geomsa").critical("the process ends: %s", kind.__name__, exc_info=(kind, error, trace))


def _log_uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None and not issubclass(found.exc_type, SystemExit):
        logging.getLogger("geomsa").error(
            "a thread ended: %s",
            found.exc_type.__name__,
            exc_info=(found.exc_type, found.exc_value, found.exc_traceback),
        )
