"""What a dataset version is: how it was split, its images, and what is in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from core.errors import BadInput
from storage.json_fields import read_float, read_int, read_object, read_texts
from storage.tables import DatasetVersion, DatasetVersionImage

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
# The label of a good part without a kind.
GOOD = "good"
HIGHEST_SHARE = 0.5
HIGHEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class SplitRule:
    """How images are split that have no split of their own.

    Images in `val` and `test` stay there. Where there is none, so large a share of the parts (0 to 0.5; 0: none) is
    dealt from those in `train`, stratified by view and label, at random by `seed`. Raises BadInput
    dataset_share_invalid and dataset_seed_invalid.
    """

    val_share: float = 0.2
    test_share: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        for share in (self.val_share, self.test_share):
            if not (math.isfinite(share) and 0.0 <= share <= HIGHEST_SHARE):
                raise BadInput("dataset_share_invalid", highest=f"{HIGHEST_SHARE:.0%}")
        if not 0 <= self.seed <= HIGHEST_SEED:
            raise BadInput("dataset_seed_invalid", highest=HIGHEST_SEED)

    @classmethod
    def from_json(cls, value: object) -> SplitRule:
        """Return the rule in a row's configuration; what is absent is at its default. Raises BadInput."""
        data = read_object(value)
        standard = cls()
        val, test, seed = (
            read_float(data.get("val_share")),
            read_float(data.get("test_share")),
            read_int(data.get("seed")),
        )
        return cls(
            standard.val_share if val is None else val,
            standard.test_share if test is None else test,
            standard.seed if seed is None else seed,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {"val_share": self.val_share, "test_share": self.test_share, "seed": self.seed}


@dataclass(frozen=True)
class FrozenImage:
    """One image of a dataset version as it was: `label` is the code of its type, `good` for a good part without a kind.

    `part` names the physical piece, a key of the image's own where nobody named it. `mask_sha256` is that of the file
    of its mask, empty without one.
    """

    image_id: int
    content_sha256: str
    image_type: str
    label: str
    part: str
    view: str
    split: Split
    mask_sha256: str = ""

    @property
    def is_defect(self) -> bool:
        """Return whether it shows a defect."""
        return self.image_type == "defect"

    @classmethod
    def from_row(cls, row: DatasetVersionImage) -> FrozenImage:
        """Return the image of a row."""
        split: Split = "test" if row.split == "test" else "val" if row.split == "val" else "train"
        return cls(
            row.image_id, row.content_sha256, row.image_type, row.label, row.part, row.view, split, row.mask_sha256
        )


@dataclass(frozen=True)
class DatasetReport:
    """What is in a dataset version.

    `counts` are images by split and label, `parts` by split, `views` images by view. `good_labels` are the labels of
    good parts. `imbalance` is how many times more training images the largest class has than the smallest, None with
    fewer than two classes. `duplicates` counts images whose very pixels another one has, `leaks` the parts whose
    images were in several splits: each was kept together. `unlabeled` are good images without a kind where the product
    has kinds, `suspected` good images that do not look like the others and that nobody has decided. `unmarked` are
    defect images without a mask. `warnings` are codes of sentences.
    """

    counts: Mapping[Split, Mapping[str, int]] = field(default_factory=dict)
    parts: Mapping[Split, int] = field(default_factory=dict)
    views: Mapping[str, int] = field(default_factory=dict)
    good_labels: tuple[str, ...] = ()
    imbalance: float | None = None
    duplicates: int = 0
    leaks: int = 0
    leaking_parts: tuple[str, ...] = ()
    unlabeled: int = 0
    suspected: int = 0
    unmarked: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def n_images(self) -> int:
        """Return how many images there are in all."""
        return sum(sum(own.values()) for own in self.counts.values())

    @property
    def labels(self) -> tuple[str, ...]:
        """Return all labels, those of good parts first."""
        found = {label for own in self.counts.values() for label in own}
        return tuple(sorted(found, key=lambda label: (label not in self.good_labels, label)))

    def count(self, split: Split, *, defect: bool | None = None) -> int:
        """Return how many images a split has: all, or only defects, or only good ones."""
        own = self.counts.get(split, {})
        return sum(n for label, n in own.items() if defect is None or (label not in self.good_labels) == defect)

    @classmethod
    def from_json(cls, value: object) -> DatasetReport:
        """Return the report of a row."""
        data = read_object(value)
        counts, parts = read_object(data.get("counts")), read_object(data.get("parts"))
        return cls(
            counts={split: _read_counts(counts.get(split)) for split in SPLITS},
            parts={split: read_int(parts.get(split)) or 0 for split in SPLITS},
            views=_read_counts(data.get("views")),
            good_labels=read_texts(data.get("good_labels")),
            imbalance=read_float(data.get("imbalance")),
            duplicates=read_int(data.get("duplicates")) or 0,
            leaks=read_int(data.get("leaks")) or 0,
            leaking_parts=read_texts(data.get("leaking_parts")),
            unlabeled=read_int(data.get("unlabeled")) or 0,
            suspected=read_int(data.get("suspected")) or 0,
            unmarked=read_int(data.get("unmarked")) or 0,
            warnings=read_texts(data.get("warnings")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "counts": {split: dict(own) for split, own in self.counts.items()},
            "parts": dict(self.parts),
            "views": dict(self.views),
            "good_labels": list(self.good_labels),
            "imbalance": self.imbalance,
            "duplicates": self.duplicates,
            "leaks": self.leaks,
            "leaking_parts": list(self.leaking_parts),
            "unlabeled": self.unlabeled,
            "suspected": self.suspected,
            "unmarked": self.unmarked,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class DatasetHead:
    """A dataset version without its images. `broken_reason` is a code, empty while all images are as they were."""

    id: int
    product_id: int
    number: int
    name: str
    content_hash: str
    rule: SplitRule
    report: DatasetReport
    broken_reason: str
    created_at: datetime
    created_by: int | None

    @classmethod
    def from_row(cls, row: DatasetVersion) -> DatasetHead:
        """Return the head of a row."""
        return cls(
            row.id,
            row.product_id,
            row.number,
            row.name,
            row.content_hash,
            SplitRule.from_json(row.configuration),
            DatasetReport.from_json(row.report),
            row.broken_reason,
            row.created_at,
            row.created_by,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as the command line and the REST interface say them."""
        return {
            "id": self.id,
            "number": self.number,
            "name": self.name,
            "hash": self.content_hash,
            "rule": self.rule.to_json(),
            "report": self.report.to_json(),
            "broken": self.broken_reason or None,
            "created_at": self.created_at.isoformat(),
        }


@dataclass(frozen=True)
class Dataset:
    """A dataset version with its images, in order of their ids."""

    head: DatasetHead
    images: tuple[FrozenImage, ...] = field(repr=False)

    @property
    def views(self) -> tuple[str, ...]:
        """Return the views that its images show, in alphabetical order; ("",) where they show none."""
        return tuple(sorted({image.view for image in self.images})) or ("",)

    def of(self, *splits: Split, view: str | None = None) -> tuple[FrozenImage, ...]:
        """Return the images of these splits (all without any), and of one view or of all."""
        return tuple(
            image
            for image in self.images
            if (not splits or image.split in splits) and (view is None or image.view == view)
        )


def _read_counts(value: object) -> dict[str, int]:
    found = {name: read_int(count) for name, count in read_object(value).items()}
    return {name: count for name, count in found.items() if count is not None}
