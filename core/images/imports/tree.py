"""Where a file lies: what the folders around it say, read together with the folders beside them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from core.images.domains import STUDIO
from core.images.exposures.folders import is_piece
from core.images.imports.words import (
    DATA,
    DEFECT,
    GOOD,
    HELPER,
    KIND,
    MASK,
    NAME,
    SPLIT,
    VIEW,
    Reading,
    is_numbered_view,
    may_be_type,
    read_domain_word,
    read_words,
)

Folders = tuple[str, ...]
_DEFECTS_OF = re.compile(r"(?i)^(.+?)[_\- ](?:def|defects?|defective|ng|bad|anomal(?:y|ies)|불량|결함)$")


@dataclass(frozen=True)
class Step:
    """One folder that says something: `index` is its place among all, from the top."""

    index: int
    name: str
    reading: Reading


@dataclass(frozen=True)
class Place:
    """Where files lie. `steps` are the folders without those that only hold (images, data), name a split, a view
    or a domain.

    So many steps (`before_split`) stand before the last split; `mask_at`, `data_at` and `split_at` are the places of a
    folder of masks, of one that holds no pictures, and of the one that names the split.
    """

    folders: Folders
    steps: tuple[Step, ...]
    split: str = ""
    before_split: int = 0
    view: str = ""
    mask_at: int | None = None
    data_at: int | None = None
    split_at: int | None = None
    domain: str = ""

    @cached_property
    def key(self) -> Folders:
        """The names of the steps in small letters: the same for an image and for its mask in a folder of masks."""
        return tuple(step.name.casefold() for step in self.steps)


@dataclass(frozen=True)
class File:
    """An image file of an import: its path, where it lies, and its name without ending."""

    path: str
    place: Place
    stem: str

    @cached_property
    def beside(self) -> tuple[tuple[str, ...], str]:
        """What this file shares with others of its name in its folder."""
        return tuple(name.casefold() for name in self.place.folders), self.stem.casefold()


class Tree:
    """All folders that hold image files; `is_photo_folder` says whether a folder that may hold masks holds photos."""

    def __init__(
        self,
        folders: Iterable[Folders],
        *,
        is_photo_folder: Callable[[Folders], bool],
        forced: dict[Folders, str] | None = None,
    ) -> None:
        self._children: dict[Folders, set[str]] = defaultdict(set)
        self._counts: dict[Folders, int] = defaultdict(int)
        self._is_photo_folder = is_photo_folder
        # Folders that a person said something of: "mask" or "picture".
        self._forced = forced or {}
        self._places: dict[Folders, Place] = {}
        self._masks: dict[Folders, bool] = {}
        self._labels: dict[Folders, int | None] = {}
        every = list(folders)
        for found in every:
            self._counts[()] += 1
            for depth, name in enumerate(found):
                self._children[found[:depth]].add(name)
                self._counts[found[: depth + 1]] += 1
        # Names of helpers that are types here (`color`): they stand beside good parts.
        self._types = {
            name.casefold()
            for children in list(self._children.values())
            for name in children
            if may_be_type(name) and {GOOD} == {read_words(other).says for other in children} & {GOOD, VIEW, DATA}
        }
        # What the children of a folder say, with splits, views and helpers left out between them.
        self._says: dict[Folders, set[str]] = defaultdict(set)
        self._named_split: set[Folders] = set()
        for found in set(every):
            place = self.place(found)
            if place.mask_at is None and place.data_at is None:
                key = place.key
                for depth, step in enumerate(place.steps):
                    self._says[key[:depth]].add(step.reading.says if not step.reading.is_weak else "weak")
                for depth in range(len(key) + 1):
                    if place.split:
                        self._named_split.add(key[:depth])

    def place(self, folders: Folders) -> Place:
        """Return what the folders around a file say."""
        if folders not in self._places:
            self._places[folders] = self._read(folders)
        return self._places[folders]

    def label_step(self, place: Place) -> int | None:
        """Return which step says what its images show: one that says good or defect, or stands beside such a one."""
        if place.folders not in self._labels:
            self._labels[place.folders] = self._find_label(place)
        return self._labels[place.folders]

    def _find_label(self, place: Place) -> int | None:
        key = place.key
        depths = [depth for depth in range(len(key)) if self._is_label_parent(key[:depth])]
        if place.split:
            depths = [depth for depth in depths if depth >= place.before_split] or depths[-1:]
        both = [depth for depth in depths if self._is_label_parent(key[:depth], both=True)]
        if both or depths:
            return (both or depths)[0]
        return next((depth for depth, step in enumerate(place.steps) if step.reading.says == KIND), None)

    def is_piece_step(self, place: Place, step: Step) -> bool:
        """Return whether a folder is one piece: S0001, part 12."""
        return is_piece(step.name) and not self._is_among_names(place.folders, step.index)

    def has_good(self, place: Place, depth: int) -> bool:
        """Return whether the folder at this depth has one that says good in it, and is divided into splits."""
        key = place.key[:depth]
        return GOOD in self._says[key] and key in self._named_split

    def pair(self, place: Place, step: Step) -> str:
        """Return the name that a folder and one beside it share where one adds that it holds the defects.

        So of `Class1` and `Class1_def` it is Class1 (DAGM); empty where there is no such folder.
        """
        beside = {name.casefold(): name for name in self._children[place.folders[: step.index]]}
        own = _DEFECTS_OF.match(step.name)
        if own is not None:
            return beside.get(own[1].casefold(), "")
        found = [_DEFECTS_OF.match(name) for name in beside]
        return step.name if any(match and match[1] == step.name.casefold() for match in found) else ""

    def siblings(self, place: Place, depth: int) -> set[str]:
        """Return what the folders in the one at this depth say."""
        return self._says[place.key[:depth]]

    def _is_label_parent(self, key: Folders, *, both: bool = False) -> bool:
        says = self._says.get(key, set())
        good, bad = GOOD in says, DEFECT in says or ("weak" in says and GOOD in says)
        return (good and bad) if both else (good or bad)

    def _read(self, folders: Folders) -> Place:
        steps: list[Step] = []
        split, view, before, domain = "", "", 0, ""
        mask_at = data_at = split_at = None
        for index, name in enumerate(folders):
            reading = self._read_name(folders, index, in_masks=mask_at is not None)
            forced = self._forced.get(folders[: index + 1])
            split = reading.split or split
            if reading.split:
                before, split_at = len(steps), index
            if forced == "mask" or (forced is None and reading.says == MASK and self._holds_masks(folders, index)):
                mask_at = index
                if reading.rest:
                    steps.append(Step(index, reading.rest, read_words(reading.rest)))
                continue
            if reading.says == DATA and forced is None:
                data_at = index
            elif self._is_domain(folders, index):
                domain = read_domain_word(name)
            elif self._is_view(folders, index, steps):
                view = name
            elif reading.says not in {HELPER, SPLIT, DATA} and not self._wraps(folders[: index + 1], reading):
                steps.append(Step(index, name, reading))
        return Place(folders, tuple(steps), split, before, view, mask_at, data_at, split_at, domain)

    def _read_name(self, folders: Folders, index: int, *, in_masks: bool) -> Reading:
        name = folders[index]
        if name.casefold() in self._types:
            beside = self._children[folders[:index]]
            if in_masks or any(read_words(other).says == GOOD for other in beside):
                return Reading(NAME)
        return read_words(name)

    def _wraps(self, own: Folders, reading: Reading) -> bool:
        """Return whether a folder is called like one of masks and only holds everything."""
        return reading.says == MASK and self._counts[own] == self._counts[()]

    def _holds_masks(self, folders: Folders, index: int) -> bool:
        """Return whether a folder that is called so holds masks: of images that lie around it, and no photos itself."""
        own = folders[: index + 1]
        if own not in self._masks:
            around = self._counts[own] < self._counts[own[:-1]]
            reading = read_words(folders[index])
            inner = {read_words(name).says for name in self._children[own]} | {reading.says}
            certain = reading.is_plain and not inner & {SPLIT, GOOD}
            self._masks[own] = around and (certain or not self._is_photo_folder(own))
        return self._masks[own]

    def _is_domain(self, folders: Folders, index: int) -> bool:
        """Return whether a folder says where its images were taken: `studio`, or one of several that say so.

        `line` alone may be a type of defect, and `phone` a product.
        """
        domain = read_domain_word(folders[index])
        others = {read_domain_word(name) for name in self._children[folders[:index]]} - {"", domain}
        return bool(domain) and (bool(others) or domain == STUDIO)

    def _is_view(self, folders: Folders, index: int, above: list[Step]) -> bool:
        name = folders[index]
        beside = {other for other in self._children[folders[:index]] if other != name}
        has_view_beside = any(read_words(other).says == VIEW for other in beside)
        if name.casefold() in {"rgb", "color", "colour"}:
            return has_view_beside
        if read_words(name).says != VIEW or (is_numbered_view(name) and self._is_among_names(folders, index)):
            return False
        if has_view_beside or any(other.casefold() == "rgb" for other in beside):
            return True
        return any(step.reading.says == NAME for step in above) and not any(
            step.reading.says == DEFECT for step in above
        )

    def _is_among_names(self, folders: Folders, index: int) -> bool:
        """Return whether most folders beside one are called like nothing that is known.

        Classes may be called by codes: among `a1`, `b100` and `k5` neither `c11` is a camera nor `s8` a piece.
        """
        beside = self._children[folders[:index]]
        names = sum(1 for other in beside if read_words(other).says == NAME and not is_piece(other))
        return 2 * names > len(beside)
