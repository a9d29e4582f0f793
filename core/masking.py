"""Secrets do not leave: what is set as one, and what looks like one, is masked in logs, errors and the audit log.

`read_settings` tells which values are secret. `mask_logs` is called once where a process begins; from then on it holds
for every logger and handler there is, and for errors that end a thread or the process.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterable
from functools import lru_cache
from types import TracebackType
from typing import Any
from urllib.parse import quote, unquote

MASK = "***"
# Shorter ones would be found in ordinary words; in an address or a header they are masked by where they stand.
_SHORTEST = 8

# Unmistakable by their form.
_SHAPES = re.compile(
    r"""
    (?P<key> \bgms_[0-9a-f]{12}_ ) [A-Za-z0-9_-]{20,}                              # keys of the REST interface
    | (?P<url> \b[a-zA-Z][\w+.-]*://[^\s/:@]*: ) [^\s/]+ (?=@)                     # the password in an address
    | (?P<token> \b(?:bearer|basic)[ ]+ (?=[A-Za-z0-9._~+/=-]{12})(?=\S*\d) ) [A-Za-z0-9._~+/=-]+   # a header
    | (?P<cookie> \bgeomsa_(?:session|device)_[0-9a-f]{8}= ) [^\s;,"']+            # our cookies
    | (?P<signed> \bX-Amz-(?:Signature|Credential|Security-Token)= ) [^\s&]+       # signed addresses of a store
    | (?P<aws> \b(?:AKIA|ASIA) ) [0-9A-Z]{16}\b                                    # access keys
    | (?P<model> \bsk- ) [A-Za-z0-9_-]{20,}                                        # keys of model servers
    | (?P<jwt> \beyJ ) [A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*      # signed tokens
    | (?P<pem> -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----) .*? (?=-----END|\Z)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
# By the word before it: for logs alone, where nobody's own sentence is lost by it.
_NAMED = re.compile(
    r"""(?i)(\b[\w-]*(?:password|passwd|secret|api[_-]?key|access[_-]?key|secret[_-]?key)["']?\s*(?:=|:\s*["'])\s*["']?)"""
    r"""([^\s"'&,;}{)]{3,})"""
)

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")

_values: frozenset[str] = frozenset()
_lock = threading.Lock()


def remember(values: Iterable[str | None]) -> None:
    """Mask these values from now on, as they are and as they are written in addresses; short ones are left out."""
    global _values
    found = {value for value in values if value and len(value) >= _SHORTEST}
    found |= {quote(value, safe="") for value in found} | {unquote(value) for value in found}
    if not found <= _values:
        with _lock:
            _values |= found


def mask(text: str) -> str:
    """Return the text without secrets: values that are known, and what has the unmistakable form of one."""
    known = _pattern(_values)
    return _SHAPES.sub(_keep_head, known.sub(MASK, text) if known is not None else text)


def mask_all(value: Any) -> Any:
    """Return a JSON value, or parameters of an error, with every text in it masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {name: mask_all(one) for name, one in value.items()}
    if isinstance(value, list | tuple) and type(value) in {list, tuple}:
        return type(value)(mask_all(one) for one in value)
    return value


def mask_log(text: str) -> str:
    """Return a line of a log without secrets: as `mask` does, and what stands behind a word such as `password=`."""
    return _NAMED.sub(rf"\1{MASK}", mask(text))


def mask_logs() -> None:
    """Mask whatever is logged in this process, and the traces of errors that nobody has caught. Once is enough."""
    made = logging.getLogRecordFactory()
    if getattr(made, "masks", False):
        return

    def make(*given: Any, **more: Any) -> logging.LogRecord:
        return _masked(made(*given, **more))

    make.masks = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make)
    sys.excepthook = _say_uncaught
    threading.excepthook = _say_uncaught_in_thread


def _masked(record: logging.LogRecord) -> logging.LogRecord:
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001 - the handler says what is wrong with the arguments
        return record
    if record.args:
        # What fills the line must not begin one of its own, nor steer a terminal.
        message = _CONTROL.sub(_write_out, message) if _CONTROL.search(message) else message
    if (masked := mask_log(message)) != record.getMessage():
        record.msg, record.args = masked, ()
    if record.exc_info and record.exc_info[0] is not None:
        # Formatters take the text that is there.
        record.exc_text = mask_log("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
    return record


def _say_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    sys.stderr.write(mask_log("".join(traceback.format_exception(kind, error, trace))))


def _say_uncaught_in_thread(given: threading.ExceptHookArgs) -> None:
    if given.exc_type is SystemExit or given.exc_value is None:
        return
    name = given.thread.name if given.thread is not None else "a thread"
    text = "".join(traceback.format_exception(given.exc_type, given.exc_value, given.exc_traceback))
    sys.stderr.write(mask_log(f"Exception in {name}:\n{text}"))


@lru_cache(maxsize=4)
def _pattern(values: frozenset[str]) -> re.Pattern[str] | None:
    # The longest first: one secret may be the beginning of another.
    return re.compile("|".join(map(re.escape, sorted(values, key=len, reverse=True)))) if values else None


def _write_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _keep_head(found: re.Match[str]) -> str:
    return f"{found[found.lastgroup or 0]}{MASK}"
