"""Reading what a source holds: its paths, and what lists and annotation files among them say of the images."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from core.errors import AppError
from core.images.imports.lists import LIST_FORMAT, Paths, is_list_name, read_list
from core.images.imports.looks import Looks
from core.images.imports.names import is_image_name
from core.images.imports.records import LeftOut, Listing, Told
from core.images.imports.sources import ImportSource
from core.images.imports.telling import read_told


def read_listing(source: ImportSource) -> tuple[Listing, Looks]:
    """Return what is known of a source before anything is decided, and what looks at its pictures."""
    paths = tuple(sorted(source.files))
    by_files = read_told(source)
    told, about = by_files.told, by_files.about
    problems = _count_problems(by_files.problems)
    candidates = [path for path in paths if is_list_name(path) and path not in about]
    if candidates:
        finder = Paths([path for path in paths if is_image_name(path)], source.root_name)
        for path in candidates:
            read = _read(source, path, finder)
            if read is None:
                continue
            said, wrong = read
            problems += _count_problems(wrong)
            if said:
                about[path] = LIST_FORMAT
            for image, one in said.items():
                told[image].append(one)
    listing = Listing(
        paths,
        source.root_name,
        {path: tuple(said) for path, said in told.items()},
        {},
        about,
        tuple(problems),
        by_files.products,
    )
    return listing, Looks(source)


def _read(source: ImportSource, path: str, finder: Paths) -> tuple[dict[str, Told], list[LeftOut]] | None:
    try:
        return read_list(source.files[path](), path, finder)
    except (AppError, OSError) as error:
        code = error.code if isinstance(error, AppError) else "image_unreadable"
        return {}, [LeftOut(path, code)]


def _count_problems(problems: list[LeftOut]) -> list[LeftOut]:
    """Return one problem of each kind with its first example: a list may name 10,000 files that are not here."""
    counts = Counter(found.reason for found in problems)
    first: dict[str, LeftOut] = {}
    for found in problems:
        first.setdefault(found.reason, replace(found, params={**found.params, "count": counts[found.reason]}))
    return list(first.values())
