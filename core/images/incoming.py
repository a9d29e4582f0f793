"""What is uploaded in one go: plain files, and ZIP files of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from core.errors import AppError, BadInput
from core.files.archives import open_archive
from core.images.records import FileOutcome, IncomingFile


@contextlib.contextmanager
def expand_archives(files: Iterable[IncomingFile]) -> Iterator[tuple[list[IncomingFile], list[FileOutcome]]]:
    """Yield the files, every ZIP replaced by its entries (`archive.zip/entry`), and what was refused of them.

    The entries can be read inside the context only.
    """
    found: list[IncomingFile] = []
    refused: list[FileOutcome] = []
    with contextlib.ExitStack() as stack:
        for file in files:
            if PurePosixPath(file.name).suffix.lower() != ".zip":
                found.append(file)
                continue
            try:
                entries, faults = _open_archive(file, stack)
            except AppError as error:
                refused.append(FileOutcome(file.name, "refused", error=error))
                continue
            found += entries
            refused += faults
        yield found, refused


def _open_archive(file: IncomingFile, stack: contextlib.ExitStack) -> tuple[list[IncomingFile], list[FileOutcome]]:
    try:
        data = file.read()
    except OSError as error:
        raise BadInput("image_unreadable", name=file.name) from error
    archive = stack.enter_context(open_archive(data, name=file.name))
    entries = [IncomingFile(f"{file.name}/{entry.name}", entry.read) for entry in archive.entries]
    faults = [FileOutcome(f"{file.name}/{fault.name}", "refused", error=fault.error) for fault in archive.refusals]
    return entries, faults
