"""Which view and which part a file shows, by its name: `P001_ct.png`, `rgb-P001-2.png`, `P001/ct.png`, `ct/P001.png`.

The view's code stands by itself between blanks, `_`, `-`, `.` or brackets, in the file's name or else in the name of a
folder. What is left is the part; a number of up to three digits after the view counts exposures and is left out. Where
no view or more than one is named, nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_BETWEEN = r"[\s_\-.()\[\]]"
_EXPOSURE = re.compile(rf"^{_BETWEEN}*\d{{1,3}}{_BETWEEN}*$")
_EDGES = " _-.()[]"


@dataclass(frozen=True)
class NamedFile:
    """What a file's name tells: its view ("" where none or several are named) and its part ("" where none is left)."""

    name: str
    view: str = ""
    part: str = ""


def read_name(name: str, views: Collection[str]) -> NamedFile:
    """Return the view and the part that a file's name, or its path with `/`, tells. Upper and lower case are alike."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem = path.stem
    found = _find_views(stem, views)
    folders = [one for one in path.parts[:-1] if one not in {"/", ".", ".."}]
    if len(found) == 1:
        view, start, end = found[0]
        before, after = stem[:start].strip(_EDGES), stem[end:]
        if _EXPOSURE.match(after) and (before or folders):
            after = ""
        part = " ".join(one for one in (before, after.strip(_EDGES)) if one)
        return NamedFile(name, view, part or (folders[-1].strip(_EDGES) if folders else ""))
    if found:
        return NamedFile(name)
    for folder in reversed(folders):
        named = _find_views(folder, views)
        if len(named) == 1:
            return NamedFile(name, named[0][0], stem.strip(_EDGES))
        if named:
            break
    return NamedFile(name)


def assign_views(names: Sequence[str], views: Sequence[str]) -> tuple[str, ...]:
    """Return the view of each file of one part: by its name, "" where that tells none.

    One file that tells nothing gets the only view that no other file was put to.
    """
    found = [read_name(name, views).view for name in names]
    left = [view for view in views if view not in found]
    if found.count("") == 1 and len(left) == 1 and len(found) > 1:
        found[found.index("")] = left[0]
    return tuple(found)


def group_by_part(
    names: Iterable[str], views: Collection[str]
) -> tuple[Mapping[str, tuple[NamedFile, ...]], list[str]]:
    """Return the files by part, parts and files in order of their names, and the files that tell no view or part."""
    parts: dict[str, list[NamedFile]] = {}
    untold: list[str] = []
    for name in sorted(names):
        found = read_name(name, views)
        if found.view and found.part:
            parts.setdefault(found.part, []).append(found)
        else:
            untold.append(name)
    return {part: tuple(parts[part]) for part in sorted(parts)}, untold


def _find_views(text: str, views: Collection[str]) -> list[tuple[str, int, int]]:
    """Return the views that a text names, each once, with where its first mention begins and ends."""
    found: list[tuple[str, int, int]] = []
    taken: list[tuple[int, int]] = []
    # The longest first: "ct-top" is not "ct".
    for view in sorted(views, key=lambda one: (-len(one), one)):
        pattern = rf"(?:^|(?<={_BETWEEN})){re.escape(view)}(?=$|{_BETWEEN})"
        for match in re.finditer(pattern, text, re.IGNORECASE):
            if any(start < match.end() and match.start() < end for start, end in taken):
                continue
            taken.append(match.span())
            found.append((view, *match.span()))
            break
    return found
