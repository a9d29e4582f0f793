"""Where an import comes from: a folder, a ZIP file, or uploaded files; its files by path, read one at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.errors import BadInput, NotFound
from core.files.archives import is_junk, open_archive
from core.images.imports.names import is_image_name
from core.images.records import FileOutcome, IncomingFile

# A ZIP file may name 30,000 folders in one path; what is read of folders grows with the square of their depth.
DEEPEST = 64


@dataclass(frozen=True)
class ImportSource:
    """The files by relative path (POSIX), with what reads each, and what was refused before it could be planned.

    `root_name` is the name of what they lie in: the folder, or the ZIP file without its ending.
    """

    root_name: str
    files: Mapping[str, Callable[[], bytes]]
    refused: tuple[FileOutcome, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)

    def incoming(self, path: str) -> IncomingFile:
        """Return one file as ingestion takes it. Raises KeyError for a path that there is not."""
        return IncomingFile(path, self.files[path])

    def without_deep(self) -> tuple[ImportSource, list[str]]:
        """Return the source without what lies deeper than any set of images does, and the paths of that."""
        deep = [path for path in self.files if path.count("/") > DEEPEST]
        if not deep:
            return self, []
        files = {path: read for path, read in self.files.items() if path.count("/") <= DEEPEST}
        return replace(self, files=files), deep


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[ImportSource]:
    """Open a folder, a ZIP file or one image; its files can be read inside the context only.

    Raises NotFound import_path_missing; BadInput import_not_an_archive, and those of `open_archive`.
    """
    if path.is_dir():
        found = dict(_walk(path))
        sizes = {name: file.stat().st_size for name, file in found.items()}
        yield ImportSource(path.resolve().name, {name: file.read_bytes for name, file in found.items()}, sizes=sizes)
    elif not path.exists():
        raise NotFound("import_path_missing", path=str(path))
    elif is_image_name(path.name):
        yield ImportSource("", {path.name: path.read_bytes}, sizes={path.name: path.stat().st_size})
    elif path.suffix.lower() != ".zip":
        raise BadInput("import_not_an_archive", path=str(path))
    else:
        with open_archive(path, name=path.name) as archive:
            refused = tuple(FileOutcome(fault.name, "refused", error=fault.error) for fault in archive.refusals)
            yield ImportSource(
                path.resolve().stem,
                {entry.name: entry.read for entry in archive.entries},
                refused,
                {entry.name: entry.byte_size for entry in archive.entries},
            )


def source_of(files: Sequence[IncomingFile], *, root_name: str = "", inner: int = 0) -> tuple[ImportSource, list[str]]:
    """Return given files as a source, and the path that each has in it; two of one name have different ones.

    So many characters (`inner`) at the beginning of each name are left out.
    """
    paths: list[str] = []
    taken: set[str] = set()
    for place, file in enumerate(files):
        path = file.name[inner:].replace("\\", "/").strip("/") or f"file {place + 1}"
        if path in taken:
            path = f"{place + 1}/{path}"
        taken.add(path)
        paths.append(path)
    return ImportSource(root_name, {path: file.read for path, file in zip(paths, files, strict=True)}), paths


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    # Links are not followed: one could lead in circles, or to files that nobody meant to import.
    top = folder.resolve()
    for parent, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            file = Path(parent, name)
            relative = file.relative_to(top).as_posix()
            if file.is_file() and not file.is_symlink() and not is_junk(relative):
                yield relative, file
