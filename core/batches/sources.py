"""Where the files of a batch come from: uploads and ZIP files, or a folder of the object store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from core.access import WORKER, Person, require_role
from core.errors import AppError, BadInput, from_lower
from core.files.archives import MAX_ENTRIES, MAX_ENTRY_BYTES, is_junk
from core.files.file_names import clean_file_name
from core.identity import BATCHES, check_foreign_folder
from core.images.imports.names import IMAGE_ENDINGS
from core.images.incoming import expand_archives
from core.images.records import IncomingFile
from core.transactions import HasStores
from storage.object_store import ObjectStoreError

MOST_FILES = MAX_ENTRIES
_LONGEST_ENDING = 8

# Told after each file: how many are stored, of how many.
Staged = Callable[[int, int], None]


@dataclass(frozen=True)
class StagedFile:
    """A file of a batch before it is inspected: where it lies, or the `error` for which it is refused."""

    name: str
    object_key: str = ""
    byte_size: int = 0
    error: AppError | None = None


@dataclass(frozen=True)
class FolderContents:
    """What a folder of the object store holds: images to inspect, and how many other files are left alone."""

    folder: str
    files: tuple[StagedFile, ...] = field(repr=False)
    n_others: int = 0

    @property
    def byte_size(self) -> int:
        """Return the size of the images together."""
        return sum(one.byte_size for one in self.files)


def list_folder(services: HasStores, person: Person, folder: str) -> FolderContents:
    """Return the images in a folder of the object store and in the folders below it.

    Raises NotAllowed; BadInput batch_folder_unnamed, batch_folder_own (one of Geomsa's), batch_folder_invalid,
    batch_folder_empty, batch_too_many_files; and Unavailable.
    """
    require_role(services, person, WORKER)
    prefix = check_foreign_folder(folder)
    files: list[StagedFile] = []
    n_others = 0
    try:
        for info in services.objects.list(prefix):
            name = info.key.removeprefix(prefix)
            if is_junk(name) or info.key.endswith("/"):
                continue
            if PurePosixPath(name).suffix.lower().lstrip(".") not in IMAGE_ENDINGS:
                n_others += 1
                continue
            if len(files) == MOST_FILES:
                raise BadInput("batch_too_many_files", limit=MOST_FILES)
            shown = clean_file_name(name, with_folders=True)
            error = _find_fault(shown, info.byte_size)
            files.append(StagedFile(shown, "" if error else info.key, info.byte_size, error))
    except ObjectStoreError as error:
        if error.code == "object_key_invalid":
            raise BadInput("batch_folder_invalid", folder=prefix) from error
        raise from_lower(error) from error
    if not files:
        raise BadInput("batch_folder_empty", folder=prefix)
    return FolderContents(prefix, tuple(files), n_others)


def stage_files(
    services: HasStores, files: Iterable[IncomingFile], *, folder: str, staged: Staged | None = None
) -> list[StagedFile]:
    """Store uploads, every ZIP replaced by what it holds, under `folder`; return all in order, those refused too.

    Raises BadInput batch_without_files and batch_too_many_files; Unavailable where one cannot be stored: none of them
    is left then, nor when this is broken off.
    """
    result: list[StagedFile] = []

    def put_each(found: list[IncomingFile]) -> Iterator[tuple[str, bytes]]:
        for place, file in enumerate(found):
            shown = clean_file_name(file.name, with_folders=True)
            if staged is not None:
                staged(place, len(found))
            try:
                data = file.read()
                error = _find_fault(shown, len(data))
            except AppError as problem:
                data, error = b"", problem
            if error is not None:
                result.append(StagedFile(shown, byte_size=len(data), error=error))
                continue
            key = f"{BATCHES}{folder}/{place:06d}{_ending(shown)}"
            result.append(StagedFile(shown, key, len(data)))
            yield key, data

    try:
        with expand_archives(files) as (found, refused):
            if len(found) > MOST_FILES:
                raise BadInput("batch_too_many_files", limit=MOST_FILES)
            if not found and not refused:
                raise BadInput("batch_without_files")
            problems = services.objects.put_many(put_each(found))
        if problems:
            problem = next(iter(problems.values()))
            raise from_lower(problem) from problem
    except BaseException:
        # Also when the browser has gone, or its person has pressed something else meanwhile.
        discard_folder(services, folder)
        raise
    return result + [StagedFile(clean_file_name(one.name, with_folders=True), error=one.error) for one in refused]


def discard_folder(services: HasStores, folder: str) -> None:
    """Delete what was stored of a batch; what cannot be deleted now is collected as an orphan later."""
    if not folder:
        return  # its files are not ours
    try:
        services.objects.delete_prefix(f"{BATCHES}{folder}/")
    except ObjectStoreError:
        return


def _find_fault(name: str, byte_size: int) -> AppError | None:
    if byte_size > MAX_ENTRY_BYTES:
        return BadInput("image_too_many_bytes", name=name)
    return BadInput("image_empty", name=name) if byte_size == 0 else None


def _ending(name: str) -> str:
    """Return the ending for the object's key, in small letters; none where it is not a plain one."""
    ending = PurePosixPath(name).suffix.lower()
    plain = ending[1:].isascii() and ending[1:].isalnum() and len(ending) <= _LONGEST_ENDING
    return ending if plain else ""
