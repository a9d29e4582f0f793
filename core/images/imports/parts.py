"""The parts that the images of an import show."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.errors import AppError
from core.images.exposures.assignment import NamedParts, name_parts
from core.images.exposures.rules import PartRule
from core.images.imports.names import split_path
from core.images.imports.records import PlannedImage
from core.images.imports.roles import Role
from core.images.parts import FOLDER, LIST, PERSON, clean_part

# KolektorSDD: kos01/Part0.jpg; DeepPCB: group00041/00041/00041000_test.jpg, crops of one board.
_KOLEKTOR = re.compile(r"(?i)(?:^|/)(kos\d+)/part\d+\.\w+$")
_DEEP_PCB = re.compile(r"(?i)(?:^|/)group\d+/\d+/(\d{5})\d{3}_(?:test|temp)\.\w+$")


def name_planned_parts(
    images: Sequence[PlannedImage],
    roles: Mapping[str, Role],
    *,
    root_name: str = "",
    rule: PartRule | None = None,
    listed: dict[str, str] | None = None,
) -> tuple[tuple[PlannedImage, ...], NamedParts]:
    """Return the images with their parts: by a list, else by a rule, by what a person says of a folder, by folders."""
    parts: dict[str, tuple[str, str]] = {}
    if rule is not None or listed is not None:
        named = name_parts(
            {image.path: image.label_depth for image in images}, rule=rule, listed=listed, root_name=root_name
        )
        parts = dict(named.parts)
    else:
        named = NamedParts()
        by_product: dict[str, dict[str, int]] = defaultdict(dict)
        for image in images:
            by_product[image.product][image.path] = image.label_depth
        for depths in by_product.values():
            parts |= name_parts(depths).parts
    for image in images:
        said = _said(image.path, roles)
        if said:
            parts[image.path] = (said, PERSON)
        elif image.part and parts.get(image.path, ("", ""))[1] != LIST:
            parts[image.path] = (image.part, image.part_source or LIST)
        elif image.path not in parts and (found := _published(image.path)):
            parts[image.path] = (found, FOLDER)
    result = []
    for image in images:
        part, source = parts.get(image.path, ("", ""))
        result.append(replace(image, part=part, part_source=source if part else ""))
    return tuple(result), replace(named, parts=parts)


def _said(path: str, roles: Mapping[str, Role]) -> str:
    """Return the folder below one of which a person says that it holds a folder for each part."""
    folders = split_path(path)[:-1]
    for depth in range(len(folders) - 1, -1, -1):
        role = roles.get("/".join(folders[:depth]))
        if role is not None and role.is_part:
            try:
                return clean_part(folders[depth])
            except AppError:
                return ""
    return ""


def _published(path: str) -> str:
    found = _KOLEKTOR.search(path) or _DEEP_PCB.search(path)
    return found[1] if found else ""
