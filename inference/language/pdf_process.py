"""Hands a PDF to a child process with limits on memory and time, and reads its output.

A PDF is a program for a large interpreter written in C++: what goes wrong in there, or is made to, ends with the child.
The child has no environment, so no key can leave through it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from inference.errors import ManualError

LIMIT_BYTES = 100 * 1024**2
LIMIT_PAGES = 2000
_CHILD = Path(__file__).with_name("pdf_child.py")
_HEADER_WITHIN_BYTES = 1024
_END_WITHIN_BYTES = 2048
_PNG = b"\x89PNG"
# PDFium ends itself by an illegal instruction or a trap when it gets no memory.
_MEMORY_SIGNALS = {-signal.SIGABRT, -signal.SIGILL} | ({-signal.SIGTRAP} if hasattr(signal, "SIGTRAP") else set())
_TIME_SIGNALS = {-signal.SIGXCPU, -signal.SIGKILL} if hasattr(signal, "SIGXCPU") else set()


def check_pdf(content: bytes) -> None:
    """Refuse what can be refused without parsing. Raises ManualError: `pdf_not_a_pdf`, `pdf_too_large`, `pdf_damaged`.

    A PDF ends with `%%EOF`; one without has lost its end, and with it perhaps pages.
    """
    if b"%PDF-" not in content[:_HEADER_WITHIN_BYTES]:
        raise ManualError("pdf_not_a_pdf")
    if len(content) > LIMIT_BYTES:
        raise ManualError("pdf_too_large", limit_mb=LIMIT_BYTES // 1024**2)
    end = len(content)
    while end and content[end - 1] in b"\0 \t\r\n":
        end -= 1
    if b"%%EOF" not in content[max(0, end - _END_WITHIN_BYTES) : end]:
        raise ManualError("pdf_damaged")


class PdfProcess:
    """A child at work on one PDF; `output` is its standard output."""

    def __init__(self, process: subprocess.Popen[bytes], *, timeout_s: float, memory_bytes: int) -> None:
        assert process.stdout is not None
        self.output: IO[bytes] = process.stdout
        self._process = process
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._late = threading.Event()
        self._clock = threading.Timer(timeout_s, self._stop)
        self._clock.daemon = True
        self._clock.start()

    @property
    def pid(self) -> int:
        """The number of the child's process."""
        return self._process.pid

    def _stop(self) -> None:
        self._late.set()
        self._process.kill()

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the JSON objects that the child writes. Raises ManualError for a refusal or an early end."""
        for line in self.output:
            record = json.loads(line) if line.endswith(b"\n") else {}
            self.refuse(record)
            if record:
                yield record
        self.finish()

    def picture(self) -> bytes:
        """Return the PNG that the child writes; raises as `records`."""
        written = self.output.read()
        self.finish()
        if not written.startswith(_PNG):
            self.refuse(json.loads(written or b'{"error": "pdf_damaged"}'))
        return written

    def refuse(self, record: dict[str, Any]) -> None:
        """Raise ManualError if the record is a refusal."""
        if "error" in record:
            params = {name: value for name, value in record.items() if name != "error"}
            if record["error"] == "pdf_out_of_memory":
                raise self._out_of_memory()
            raise ManualError(str(record["error"]), **params)

    def finish(self) -> None:
        """Wait for the end and raise ManualError if it was no good one."""
        status = self._process.wait()
        if self._late.is_set() or status in _TIME_SIGNALS:
            raise ManualError("pdf_timeout", limit_s=round(self._timeout_s))
        if status in _MEMORY_SIGNALS:
            raise self._out_of_memory()
        if status != 0:
            raise ManualError("pdf_damaged")

    def _out_of_memory(self) -> ManualError:
        return ManualError("pdf_out_of_memory", limit_mb=self._memory_bytes // 1024**2)

    def close(self) -> None:
        """End the child whatever it does."""
        self._clock.cancel()
        self._process.kill()
        self._process.wait()
        self.output.close()


@contextmanager
def open_process(
    content: bytes, task: str, arguments: Sequence[str], *, timeout_s: float, memory_bytes: int
) -> Iterator[PdfProcess]:
    """Open a child that works on `content`; it is gone when the block is left."""
    with tempfile.TemporaryFile() as source:
        source.write(content)
        source.seek(0)
        command = [sys.executable, "-I", str(_CHILD), task, str(memory_bytes), str(max(1, round(timeout_s)))]
        child = PdfProcess(
            subprocess.Popen(  # noqa: S603 - our own interpreter and file, no shell
                [*command, *arguments], stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
            ),
            timeout_s=timeout_s,
            memory_bytes=memory_bytes,
        )
        try:
            yield child
        finally:
            child.close()
