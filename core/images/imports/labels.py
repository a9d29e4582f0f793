"""What an image of an import shows, by its folders, its name, lists, and what a person says; or what is to be asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from core.images.imports.file_names import FlatName, read_type_after
from core.images.imports.names import UNNAMED_DEFECT
from core.images.imports.records import DEFECT, NORMAL, Sureness, Told
from core.images.imports.roles import FOLDER_NAME, Role
from core.images.imports.tree import File, Place, Step, Tree
from core.images.imports.words import DEFECT as SAYS_DEFECT
from core.images.imports.words import GOOD, KIND, NAME, NUMBER, UNSURE, VIEW

# Reasons of a use, and codes of questions; each has its sentence.
BY_PERSON: Final = "import_by_person"
BY_LIST: Final = "import_by_list"
BY_FOLDER: Final = "import_by_folder"
BY_SIBLINGS: Final = "import_by_siblings"
BY_KIND: Final = "import_by_kind"
BY_NAME: Final = "import_by_name"
BY_MASK: Final = "import_by_mask"
BY_CLAIM: Final = "import_by_claim"
BY_LAYOUT: Final = "import_by_layout"
NO_LABEL: Final = "import_no_label"
CONTRADICTION: Final = "import_label_contradiction"
TYPE_UNKNOWN: Final = "import_type_unknown"
LISTS_DIFFER: Final = "import_lists_differ"
LIST_LABEL: Final = "import_list_label_unknown"
MASK_MISSING: Final = "import_mask_missing"

# DeepPCB: the template that a board is compared with is free of defects.
_TEMPLATE = re.compile(r"(?i)(?:^|/)group\d+/\d+/\d+_temp\.\w+$")


@dataclass(frozen=True)
class Answer:
    """What an image is: `kind` empty where it is asked by the question `code`, at the folder or file `path`.

    `depth` counts the folders down to the one that says so; `product` is the name that the folders or the file give.
    `has_split`: a folder names the split, so that the folder around all is one product's. `good_kind` is the kind of
    good part, by name, where a person names it.
    """

    kind: str = ""
    defect_name: str = ""
    product: str | None = None
    depth: int = 0
    sureness: Sureness = "certain"
    reason: str = ""
    code: str = ""
    path: str = ""
    suggested: str = ""
    has_split: bool = False
    good_kind: str = ""


def answer(
    file: File, tree: Tree, role: Role, told: Told, claim: Role, flat: FlatName | None, products: tuple[str, ...]
) -> Answer:
    """Return what an image shows.

    What a person says of its folder counts first, then what a list says, then the folders, then the name of the file
    (`flat`, where all names of its folder are so), then what a person says of everything (`claim`). `products` are
    names that the file's name may begin with.
    """
    step = tree.label_step(file.place)
    product = _product(file.place, step)
    found = replace(_by_folders(file, tree, step, product, products), has_split=bool(file.place.split))
    if flat is not None and found.product is None and (found.code == NO_LABEL or found.defect_name == UNNAMED_DEFECT):
        found = replace(found, product=flat.product or None)
        if found.kind == DEFECT and flat.says in {KIND, NAME}:
            found = replace(found, defect_name=flat.label)
    if role.kind == NORMAL:
        kind = _named(role, found)
        return replace(
            found, kind=NORMAL, defect_name="", good_kind=kind, sureness="certain", reason=BY_PERSON, code=""
        )
    if role.kind == DEFECT:
        name = _named(role, found) or (found.defect_name if found.kind == DEFECT else "") or UNNAMED_DEFECT
        return replace(found, kind=DEFECT, defect_name=name, sureness="certain", reason=BY_PERSON, code="")
    if not told.kind and not found.kind and _TEMPLATE.search(file.path):
        return replace(found, kind=NORMAL, reason=BY_LAYOUT, code="")
    if told.kind or told.defect_name:
        return _by_list(file, told, found)
    if found.kind or found.code not in {"", NO_LABEL}:
        return found
    if flat is not None and found.code != TYPE_UNKNOWN:
        named = _by_name(file, flat, found)
        if named.kind or not claim.kind:
            return named
    if claim.kind and not (claim.defect_name == FOLDER_NAME and not found.suggested):
        name = _named(claim, found)
        if claim.kind == DEFECT:
            return replace(found, kind=DEFECT, defect_name=name or UNNAMED_DEFECT, reason=BY_CLAIM, code="")
        return replace(found, kind=NORMAL, defect_name="", good_kind=name, reason=BY_CLAIM, code="")
    return found


def _named(role: Role, found: Answer) -> str:
    """Return the type or kind that a person names, which may be called like the folder."""
    return found.suggested if role.defect_name == FOLDER_NAME else role.defect_name


def _product(place: Place, step: int | None) -> str | None:
    """Return the name of the folder above that of the label, or above the splits."""
    at = step if step is not None else place.before_split if place.split else 0
    return place.steps[at - 1].name if at else None


def _by_folders(file: File, tree: Tree, step: int | None, product: str | None, products: tuple[str, ...]) -> Answer:
    place = file.place
    own = "/".join(place.folders)
    if step is None:
        names = [found for found in place.steps if not tree.is_piece_step(place, found)]
        # A class that nobody knows, as in `train/cat`: its folder is asked about, else that of the file.
        after = [found for found in names if place.split and found.index >= _split_index(place)]
        asked = "/".join(place.folders[: after[0].index + 1]) if after else own
        # Where a split is named, what stands before it is the product.
        suggested = after[0].name if after else names[-1].name if names and not place.split else ""
        depth = after[0].index + 1 if after else len(place.folders)
        return Answer(product=product, depth=depth, code=NO_LABEL, path=asked, suggested=suggested)
    said = place.steps[step]
    at = "/".join(place.folders[: said.index + 1])
    below = [found for found in place.steps[step + 1 :] if not tree.is_piece_step(place, found)]
    base = Answer(product=product, depth=said.index + 1, path=at, suggested=said.name, reason=BY_FOLDER)
    if said.reading.says == GOOD:
        wrong = next((found for found in below if found.reading.says in {SAYS_DEFECT, KIND}), None)
        if wrong is not None:
            path = "/".join(place.folders[: wrong.index + 1])
            return replace(base, code=CONTRADICTION, path=path, suggested=wrong.name)
        return replace(base, kind=NORMAL)
    if said.reading.says == SAYS_DEFECT:
        paired = "" if said.reading.is_plain else tree.pair(place, said)
        base = replace(base, product=paired or product)
        return _in_defect_folder(file, base, said.reading.is_plain or bool(paired), below, products)
    if said.reading.says == KIND:
        return replace(base, kind=DEFECT, defect_name=said.name, reason=BY_KIND)
    if said.reading.says in {NAME, VIEW} and tree.has_good(place, step) and place.split:
        return replace(base, kind=DEFECT, defect_name=said.name, reason=BY_SIBLINGS)
    paired = tree.pair(place, said)
    return replace(base, product=paired or product, code=NO_LABEL, suggested="" if paired else said.name)


def _in_defect_folder(file: File, base: Answer, is_plain: bool, below: list[Step], products: tuple[str, ...]) -> Answer:
    place = file.place
    if below:
        inner = below[0]
        path = "/".join(place.folders[: inner.index + 1])
        if inner.reading.says == GOOD:
            return replace(base, code=CONTRADICTION, path=path, suggested="")
        if inner.reading.says in {NUMBER, UNSURE}:
            return replace(base, code=TYPE_UNKNOWN, path=path, suggested=inner.name)
        if inner.reading.says != SAYS_DEFECT or not inner.reading.is_plain:
            return replace(base, kind=DEFECT, defect_name=inner.name, depth=inner.index + 1, path=path)
    if not is_plain:
        return replace(base, kind=DEFECT, defect_name=base.suggested)
    named = read_type_after(file.stem, [name for name in (base.product, *products) if name])
    if named is not None:
        return replace(base, kind=DEFECT, defect_name=named[1], product=base.product or named[0])
    return replace(base, kind=DEFECT, defect_name=UNNAMED_DEFECT)


def _by_list(file: File, told: Told, found: Answer) -> Answer:
    if not told.kind:
        return replace(found, kind="", code=LIST_LABEL, path=told.by, suggested=told.defect_name)
    if found.kind and found.kind != told.kind and not told.is_sure:
        return replace(found, kind="", code=CONTRADICTION, path="/".join(file.place.folders))
    name = told.defect_name or (found.defect_name if found.kind == DEFECT else "") or UNNAMED_DEFECT
    # No folder of an export is one part.
    depth = len(file.place.folders) if told.is_sure else 0
    return replace(
        found, kind=told.kind, defect_name=name if told.kind == DEFECT else "", reason=BY_LIST, code="", depth=depth
    )


def _by_name(file: File, flat: FlatName, found: Answer) -> Answer:
    product = found.product or flat.product or None
    if flat.says == GOOD:
        return replace(found, kind=NORMAL, product=product, reason=BY_NAME, code="")
    if flat.says in {KIND, SAYS_DEFECT}:
        name = UNNAMED_DEFECT if flat.says == SAYS_DEFECT and "_" not in flat.label else flat.label
        return replace(found, kind=DEFECT, defect_name=name, product=product, reason=BY_NAME, code="")
    start = f"{flat.product}_{flat.label}" if flat.product else flat.label
    pattern = "/".join((*file.place.folders, f"{start}_*"))
    return replace(found, product=product, code=NO_LABEL, path=pattern, suggested=flat.label)


def _split_index(place: Place) -> int:
    return place.steps[place.before_split].index if place.before_split < len(place.steps) else len(place.folders)


def merge_told(told: tuple[Told, ...], roles: Mapping[str, Role], unused: set[str]) -> tuple[Told, bool]:
    """Return what lists and annotation files say of one image together, and whether they differ.

    A file that a person chose (role `list`) counts alone; one left out says nothing.
    """
    asked = [one for one in told if not (roles.get(one.by) or Role()).kind and one.by not in unused]
    chosen = [one for one in asked if (roles.get(one.by) or Role()).is_list]
    used = [_as_type(one) for one in chosen] or asked
    found = Told()
    for one in used:
        for name in ("kind", "product", "split", "part", "view"):
            earlier, now = getattr(found, name), getattr(one, name)
            if earlier and now and earlier.casefold() != now.casefold():
                return found, True
            if now and not earlier:
                found = replace(found, **{name: now, "by": found.by or one.by})
        if one.defect_name:
            if found.defect_name and found.defect_name.casefold() != one.defect_name.casefold():
                return found, True
            found = replace(found, defect_name=one.defect_name, by=one.by)
        found = replace(
            found,
            masks=found.masks or one.masks,
            regions=found.regions or one.regions,
            by=found.by or one.by,
            is_sure=found.is_sure or one.is_sure,
            part_source=found.part_source or one.part_source,
            good_kind=found.good_kind or one.good_kind,
            original_name=found.original_name or one.original_name,
            domain=found.domain or one.domain,
        )
    return found, False


def _as_type(told: Told) -> Told:
    return replace(told, kind=DEFECT) if told.defect_name and not told.kind else told
