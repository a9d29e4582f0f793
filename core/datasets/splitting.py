"""Splitting by part: whole parts are dealt, and images that are the same pixel by pixel count as one part."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from core.datasets.records import SplitRule
from core.datasets.splits import Split


@dataclass(frozen=True)
class SplitItem:
    """What of an image decides where it goes: part, pixels, what it shows, the split it has now, where it was taken."""

    part: str
    pixel_sha256: str
    view: str
    label: str
    split: str
    domain: str = ""


@dataclass(frozen=True)
class Assignment:
    """The split of each item, in order, and the parts (the first of each group) whose images were in several."""

    splits: tuple[Split, ...]
    leaking_parts: tuple[str, ...]


def assign_splits(items: Sequence[SplitItem], rule: SplitRule) -> Assignment:
    """Return the split of each image: never two for one part, or for the same pixels.

    A part with an image in `test` is a test part, one with an image in `val` a validation part. Without any test part,
    and likewise without any validation part, so many are dealt from the training parts as the rule says, stratified by
    view, label and domain: at least one of every class that has several. The same items and rule give the same splits.
    """
    groups = _group(items)
    own: dict[int, set[str]] = {}
    names: dict[int, str] = {}
    for item, group in zip(items, groups, strict=True):
        own.setdefault(group, set()).add(item.split)
        names.setdefault(group, item.part)
    chosen: dict[int, Split] = {
        group: "test" if "test" in splits else "val" if "val" in splits else "train" for group, splits in own.items()
    }
    # What is measured by is dealt first, then what thresholds are chosen by.
    rest = 1.0
    if rule.test_share > 0 and "test" not in chosen.values():
        _hold_out(items, groups, chosen, "test", rule.test_share, rule.seed)
        rest = 1.0 - rule.test_share
    if rule.val_share > 0 and "val" not in chosen.values():
        _hold_out(items, groups, chosen, "val", rule.val_share / rest, rule.seed + 1)
    leaking = tuple(names[group] for group, splits in own.items() if len(splits) > 1)
    return Assignment(tuple(chosen[group] for group in groups), leaking)


def _hold_out(
    items: Sequence[SplitItem], groups: Sequence[int], chosen: dict[int, Split], split: Split, share: float, seed: int
) -> None:
    from inference.vision.learning.splits import split_parts

    places = [place for place, group in enumerate(groups) if chosen[group] == "train"]
    labels: list[Hashable] = [_stratum(items[place]) for place in places]
    held = split_parts([str(groups[place]) for place in places], share=share, seed=seed, labels=labels)
    taken = {groups[place] for place, is_held in zip(places, held.tolist(), strict=True) if is_held}
    # A class of few parts may bring the share nowhere nearer, and would then be missing: it gives one of several.
    for label in dict.fromkeys(labels):
        own = sorted({groups[place] for place, other in zip(places, labels, strict=True) if other == label})
        if len(own) > 1 and not taken.intersection(own):
            taken.add(random.Random(f"{seed} {label}").choice(own))  # noqa: S311 - a split, no secret  # nosec B311
    for group in taken:
        chosen[group] = split


def _stratum(item: SplitItem) -> tuple[str, ...]:
    # Images of which nobody said where they were taken are dealt as ever: the same images give the same version.
    return (item.view, item.label, item.domain) if item.domain else (item.view, item.label)


def _group(items: Sequence[SplitItem]) -> list[int]:
    """Return the number of each item's group: items that share a part or their pixels, directly or through others."""
    parents = list(range(len(items)))

    def find(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    keys: Iterable[Hashable]
    first: dict[Hashable, int] = {}
    for place, item in enumerate(items):
        keys = (("part", item.part), ("pixels", item.pixel_sha256))
        for key in keys:
            other = find(first.setdefault(key, place))
            mine = find(place)
            # The lower number is the group's, whatever the order in which they meet.
            parents[max(other, mine)] = min(other, mine)
    return [find(place) for place in range(len(items))]
