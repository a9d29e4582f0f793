"""Which files of an import are masks, and of which images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.images.imports.file_names import is_surely_mask, mask_owner
from core.images.imports.labels import BY_MASK, MASK_MISSING, NO_LABEL, Answer
from core.images.imports.looks import BLANK, MARKED, PHOTO, Looks
from core.images.imports.names import UNNAMED_DEFECT
from core.images.imports.records import DEFECT, NORMAL, LeftOut, Told
from core.images.imports.tree import File, Place


@dataclass
class Sorted:
    """Image files apart from masks; `twins` are files of one name that cannot be told apart."""

    images: list[File] = field(default_factory=list)
    masks: list[File] = field(default_factory=list)
    twins: list[File] = field(default_factory=list)


def sort_out(files: Sequence[File], looks: Looks, said: Mapping[str, bool]) -> Sorted:
    """Return which files are images and which are masks, by folder, by name, by two values beside a photo.

    `said` is what a person or a list says of a path: True a mask, False none.
    """
    found = Sorted()
    names = {file.beside for file in files}
    by_name: dict[tuple[tuple[str, ...], str], list[File]] = defaultdict(list)
    for file in files:
        if said.get(file.path, file.place.mask_at is not None) or (
            file.path not in said and _is_mask_by_name(file, names, looks)
        ):
            found.masks.append(file)
        else:
            by_name[file.beside].append(file)
    for same in by_name.values():
        open_ones = [file for file in same if file.path not in said]
        if len(same) == 1 or not open_ones:
            found.images += same
            continue
        masks = [file for file in open_ones if looks.of(file.path) in {BLANK, MARKED}]
        if len(masks) == len(same) - 1:
            found.masks += masks
            found.images += [file for file in same if file not in masks]
        else:
            found.twins += same
    return found


def _is_mask_by_name(file: File, names: Iterable[tuple[tuple[str, ...], str]], looks: Looks) -> bool:
    owner = mask_owner(file.stem)
    if owner is None:
        return False
    if is_surely_mask(file.stem) or (file.beside[0], owner.casefold()) in names:
        return True
    # A photo of a label is called `box_label.jpg`, too.
    return looks.of(file.path) in {BLANK, MARKED}


def find_owners(mask: File, index: Index) -> tuple[list[File], str]:
    """Return the images that a mask is of, and else the code of why there is none."""
    stem = mask.stem.casefold()
    short = (mask_owner(mask.stem) or mask.stem).casefold()
    place = mask.place
    for name in (short, stem):
        found = [file for file in index.beside.get((mask.beside[0], name), []) if file.path != mask.path]
        if found:
            return found, ""
    keys = [(place.key, short), (place.key, stem)]
    if place.mask_at is not None and len(place.folders) > place.mask_at + 1:
        # A folder of masks for each image: its last folder is called like the image.
        own = place.folders[-1].casefold()
        above = place.key[:-1] if place.key and place.key[-1] == own else place.key
        keys.append((above, own))
    for key in keys:
        found = _of_split(place, index.by_key.get(key, []))
        if found:
            return found, ""
    # The folders of masks may be fewer than those of the images, as long as a name is there once.
    for name in (short, stem):
        loose = [file for file in index.by_stem.get(name, []) if _is_within(place.key, file.place.key)]
        loose = _of_split(place, loose)
        if len(loose) == 1:
            return loose, ""
        if loose:
            return [], "mask_of_several_images"
    return [], "mask_without_image"


def _of_split(place: Place, found: list[File]) -> list[File]:
    if place.split_at is not None:
        within = place.folders[: place.split_at + 1]
        # A split may be named once for everything, above those of the images.
        found = [
            file
            for file in found
            if file.place.split in {"", place.split} or file.place.folders[: place.split_at + 1] == within
        ]
        same = [file for file in found if file.place.split == place.split]
        return same or [file for file in found if file.place.split == "test"] or found
    # Training and test images may share numbers; the published sets mask the test images.
    return [file for file in found if file.place.split == "test"] or found


def _is_within(few: Sequence[str], many: Sequence[str]) -> bool:
    """Return whether the folders of a mask are among those of an image, in order."""
    rest = iter(many)
    return all(name in rest for name in few)


class Index:
    """The images of an import by what a mask may know them by."""

    def __init__(self, images: Sequence[File]) -> None:
        self.beside: dict[tuple[tuple[str, ...], str], list[File]] = defaultdict(list)
        self.by_key: dict[tuple[tuple[str, ...], str], list[File]] = defaultdict(list)
        self.by_stem: dict[str, list[File]] = defaultdict(list)
        for file in images:
            stem = file.stem.casefold()
            self.beside[file.beside].append(file)
            self.by_key[file.place.key, stem].append(file)
            self.by_stem[stem].append(file)


@dataclass(frozen=True)
class Attached:
    """Masks by image, what the images are then, and the masks that have no image."""

    masks: Mapping[str, tuple[str, ...]]
    answers: Mapping[str, Answer]
    left_out: tuple[LeftOut, ...]


def attach_masks(found: Sorted, answers: Mapping[str, Answer], told: Mapping[str, Told], looks: Looks) -> Attached:
    """Give each mask to its image, and label by their masks the images that nothing else labels.

    A mask that marks something makes its image a defect, one that is black a good part. The masks of good parts are
    not taken in; those that are black are nobody's loss.
    """
    masks: dict[str, list[str]] = defaultdict(list)
    left_out: list[LeftOut] = []
    index = Index(found.images)
    listed: dict[str, list[str]] = defaultdict(list)
    for path, one in told.items():
        for listed_mask in one.masks:
            listed[listed_mask].append(path)
    in_label_folder: set[str] = set()
    for mask in found.masks:
        owners, code = (listed[mask.path], "") if mask.path in listed else _paths(find_owners(mask, index))
        if code:
            left_out.append(LeftOut(mask.path, code))
        for path in owners:
            masks[path].append(mask.path)
            if _is_defect_list(mask):
                in_label_folder.add(path)
    decided = _label_by_masks(found.images, dict(answers), masks, looks, in_label_folder)
    kept: dict[str, tuple[str, ...]] = {}
    used: set[str] = set()
    unused: dict[str, LeftOut] = {}
    for path, own in masks.items():
        one_answer = decided.get(path)
        if one_answer is not None and one_answer.kind == DEFECT:
            kept[path] = tuple(own)
            used.update(own)
            continue
        is_normal = one_answer is not None and one_answer.kind == NORMAL
        for mask_path in own:
            if not is_normal:
                unused[mask_path] = LeftOut(mask_path, "mask_of_left_out", matters=False)
            elif looks.of(mask_path) == BLANK:
                unused[mask_path] = LeftOut(mask_path, "mask_of_normal_blank", matters=False)
            else:
                unused[mask_path] = LeftOut(mask_path, "mask_of_normal_image")
    left_out += [one for path, one in unused.items() if path not in used]
    return Attached(kept, decided, tuple(left_out))


def _paths(found: tuple[list[File], str]) -> tuple[list[str], str]:
    return [file.path for file in found[0]], found[1]


def _is_defect_list(mask: File) -> bool:
    """Return whether a mask lies as those of DAGM: there only the defective images have one, in a folder "Label"."""
    at = mask.place.mask_at
    return at is not None and mask.place.folders[at].casefold() == "label" and mask.stem.lower().endswith("_label")


def _label_by_masks(
    images: Sequence[File],
    answers: dict[str, Answer],
    masks: Mapping[str, Sequence[str]],
    looks: Looks,
    in_label_folder: set[str],
) -> dict[str, Answer]:
    folders: dict[tuple[str, ...], bool] = {}
    for file in images:
        found = answers.get(file.path)
        own = masks.get(file.path)
        if found is None or found.kind or found.code != NO_LABEL or not own:
            continue
        seen = {looks.of(path) for path in own}
        if seen & {MARKED, PHOTO}:
            answers[file.path] = replace(found, kind=DEFECT, defect_name=UNNAMED_DEFECT, reason=BY_MASK, code="")
        elif seen == {BLANK}:
            answers[file.path] = replace(found, kind=NORMAL, reason=BY_MASK, code="")
        else:
            continue
        folders[file.place.folders] = folders.get(file.place.folders, True) and file.path in in_label_folder
    for file in images:
        found = answers.get(file.path)
        if found is None or found.kind or found.code != NO_LABEL or file.place.folders not in folders:
            continue
        if folders[file.place.folders]:
            answers[file.path] = replace(found, kind=NORMAL, reason=BY_MASK, code="")
        else:
            path = "/".join(file.place.folders)
            answers[file.path] = replace(found, code=MASK_MISSING, path=path, suggested="")
    return answers
