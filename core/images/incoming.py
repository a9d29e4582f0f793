"""What is uploaded in one go: plain files, ZIP files of them, and masks beside their images."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from core.errors import AppError, BadInput
from core.files.archives import open_archive
from core.images.records import FileOutcome, IncomingFile

MASK_SUFFIX = "_mask"


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


def pair_masks(
    files: Sequence[IncomingFile],
) -> tuple[list[tuple[IncomingFile, IncomingFile | None]], list[IncomingFile]]:
    """Return the images, each with its mask where `x_mask.…` lies beside `x.…`; and the masks without an image here."""
    images = {_stem(file): file for file in files if not _stem(file).endswith(MASK_SUFFIX)}
    masks: dict[str, IncomingFile] = {}
    lone: list[IncomingFile] = []
    for file in files:
        stem = _stem(file)
        if stem.endswith(MASK_SUFFIX):
            owner = stem.removesuffix(MASK_SUFFIX)
            if owner in images and owner not in masks:
                masks[owner] = file
            else:
                lone.append(file)
    pairs = [(file, masks.pop(_stem(file), None)) for file in files if not _stem(file).endswith(MASK_SUFFIX)]
    return pairs, lone


def _stem(file: IncomingFile) -> str:
    # With its folder: two folders of one archive may hold images of the same name.
    return file.name.replace("\\", "/").rsplit(".", 1)[0].lower()


def _open_archive(file: IncomingFile, stack: contextlib.ExitStack) -> tuple[list[IncomingFile], list[FileOutcome]]:
    try:
        data = file.read()
    except OSError as error:
        raise BadInput("image_unreadable", name=file.name) from error
    archive = stack.enter_context(open_archive(data, name=file.name))
    entries = [IncomingFile(f"{file.name}/{entry.name}", entry.read) for entry in archive.entries]
    faults = [FileOutcome(f"{file.name}/{fault.name}", "refused", error=fault.error) for fault in archive.refusals]
    return entries, faults
