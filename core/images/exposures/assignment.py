"""The part of each image of an import: from a list, else by a rule, else from folders that are one part each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.images.exposures.folders import parts_of_folders
from core.images.exposures.lists import match_part_list
from core.images.exposures.rules import PartRule
from core.images.parts import FILE_NAME, FOLDER, LIST


@dataclass(frozen=True)
class NamedParts:
    """`parts` gives (part, where its name comes from) by path.

    `unknown` are the paths of the list that no image has, `unlisted` the images that it does not name, `unfitting`
    those whose name the rule does not fit: each of these is a part of its own.
    """

    parts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    unfitting: tuple[str, ...] = ()

    @property
    def n_parts(self) -> int:
        """How many parts are named."""
        return len({part for part, _source in self.parts.values()})


def name_parts(
    images: Mapping[str, int],
    *,
    rule: PartRule | None = None,
    listed: dict[str, str] | None = None,
    root_name: str = "",
) -> NamedParts:
    """Return the parts of images by path; the values say how many folders lead down to that of the label.

    Folders count only where neither a rule nor a list was given.
    """
    if rule is None and listed is None:
        return NamedParts({path: (part, FOLDER) for path, part in parts_of_folders(images).items()})
    parts: dict[str, tuple[str, str]] = {}
    unfitting: list[str] = []
    unknown: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    if listed is not None:
        matched = match_part_list(listed, images, root_name=root_name)
        parts = {path: (part, LIST) for path, part in matched.parts.items()}
        unknown, unlisted = matched.unknown, matched.unlisted
    if rule is not None:
        for path in images:
            if path in parts:
                continue
            if part := rule.find(path):
                parts[path] = (part, FILE_NAME)
            else:
                unfitting.append(path)
        unlisted = tuple(path for path in unlisted if path not in parts)
    return NamedParts(parts, unknown, unlisted, tuple(unfitting))
