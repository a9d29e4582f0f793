"""Tesseract by its command: words with their places and how sure it is of each."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from inference.errors import ManualError

LANGUAGES = ("kor", "eng")
PAGE_TIMEOUT_S = 60.0
_MEMORY_BYTES = 2 * 1024**3
_CHILD = Path(__file__).with_name("limited_run.py")
_BETWEEN_LOOKS_S = 0.2
_WORD_LEVEL, _LINE_LEVEL = "5", "4"
_ROTATE = re.compile(r"^Rotate:\s*(\d+)", re.M)
_SURE = re.compile(r"^Orientation confidence:\s*([\d.]+)", re.M)
_SURE_AT_LEAST = 2.0


@dataclass(frozen=True)
class FoundWord:
    """A word in pixels of the picture; the line that it stands on goes from `line_top` to `line_bottom`.

    `confidence` is between 0 and 100.
    """

    text: str
    left: int
    top: int
    right: int
    bottom: int
    line_top: int
    line_bottom: int
    confidence: float


@dataclass(frozen=True)
class Tesseract:
    """The installed engine: its command, version, and those of its languages that manuals are written in."""

    command: str
    version: str
    languages: tuple[str, ...]

    @property
    def stamp(self) -> str:
        """Return what changes with the engine."""
        return f"tesseract {self.version} {'+'.join(self.languages)}"

    def find_turn(self, picture: bytes, *, look: Callable[[], None] | None = None) -> int:
        """Return by how many quarters the picture must be turned clockwise to be upright; 0 where that is not sure."""
        if not _has_orientation(self.command):
            return 0
        try:
            said = self._run(picture, ["--psm", "0"], look=look)
        except ManualError as error:
            if error.code == "ocr_failed":  # too few letters to tell
                return 0
            raise
        rotate, sure = _ROTATE.search(said), _SURE.search(said)
        if rotate is None or sure is None or float(sure[1]) < _SURE_AT_LEAST:
            return 0
        return int(rotate[1]) // 90 % 4

    def read(self, picture: bytes, *, look: Callable[[], None] | None = None) -> list[FoundWord]:
        """Return the words of an upright picture (PNG). `look` is called several times a second, and may raise.

        Raises ManualError: `ocr_failed`, `ocr_timeout`.
        """
        arguments = ["-l", "+".join(self.languages), "--psm", "3", "-c", "preserve_interword_spaces=1", "tsv"]
        return _read_words(self._run(picture, arguments, look=look))

    def _run(self, picture: bytes, arguments: Sequence[str], *, look: Callable[[], None] | None) -> str:
        limits = [str(_MEMORY_BYTES), str(round(PAGE_TIMEOUT_S))]
        command = [sys.executable, "-I", str(_CHILD), *limits, self.command, "stdin", "stdout", *arguments]
        environment = {name: os.environ[name] for name in ("TESSDATA_PREFIX", "LD_LIBRARY_PATH") if name in os.environ}
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
            source.write(picture)
            source.seek(0)
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and the engine, no shell
                command,
                stdin=source,
                stdout=target,
                stderr=subprocess.DEVNULL,
                env={**environment, "OMP_THREAD_LIMIT": "1"},
            )
            try:
                _wait(process, look)
            finally:
                process.kill()
                process.wait()
            if process.returncode != 0:
                raise ManualError("ocr_failed", engine="tesseract")
            target.seek(0)
            return target.read().decode("utf-8", "replace")


def _wait(process: subprocess.Popen[bytes], look: Callable[[], None] | None) -> None:
    ends_at = time.monotonic() + PAGE_TIMEOUT_S
    while True:
        try:
            process.wait(_BETWEEN_LOOKS_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() > ends_at:
                raise ManualError("ocr_timeout", limit_s=round(PAGE_TIMEOUT_S)) from None
            if look is not None:
                look()
        else:
            return


def find_tesseract() -> Tesseract | None:
    """Return the engine where its command is installed with a language that manuals are written in, else None."""
    command = shutil.which("tesseract")
    return _describe(command) if command is not None else None


@lru_cache(maxsize=4)
def _describe(command: str) -> Tesseract | None:
    version = _ask(command, "--version").splitlines()
    listed = _languages(command)
    languages = tuple(name for name in LANGUAGES if name in listed)
    if not version or not languages:
        return None
    return Tesseract(command, version[0].removeprefix("tesseract").strip(), languages)


@lru_cache(maxsize=4)
def _languages(command: str) -> frozenset[str]:
    return frozenset(line.strip() for line in _ask(command, "--list-langs").splitlines()[1:])


def _has_orientation(command: str) -> bool:
    return "osd" in _languages(command)


def _ask(command: str, option: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the engine that was looked up, no shell
            [command, option], capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).decode("utf-8", "replace") if done.returncode == 0 else ""


def _read_words(table: str) -> list[FoundWord]:
    words = []
    top = bottom = 0
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        try:
            left, upper = int(row["left"]), int(row["top"])
            right, lower = left + int(row["width"]), upper + int(row["height"])
            confidence = float(row["conf"])
        except (KeyError, TypeError, ValueError):
            continue
        if row["level"] == _LINE_LEVEL:
            top, bottom = upper, lower
        elif row["level"] == _WORD_LEVEL and (text := (row["text"] or "").strip()):
            words.append(FoundWord(text, left, upper, right, lower, top, bottom, confidence))
    return words
