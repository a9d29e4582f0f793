"""What a dataset version is: how it was split, its images, and what is in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.datasets.report_records import DatasetReport
from core.datasets.splits import Split
from core.errors import BadInput
from core.images.domains import DOMAINS
from storage.json_fields import read_float, read_int, read_object, read_texts
from storage.tables import DatasetVersion, DatasetVersionImage

# The label of a good part without a kind.
GOOD = "good"
HIGHEST_SHARE = 0.5
HIGHEST_SEED = 2**31 - 1
HIGHEST_LEAST = 10_000


@dataclass(frozen=True)
class SplitRule:
    """Which images are taken in, and how those are split that have no split of their own.

    Images in `val` and `test` stay there. Where there is none, so large a share of the parts (0 to 0.5; 0: none) is
    dealt from those in `train`, stratified by view, label and domain, at random by `seed`. `domains` are where the
    images have to be taken (`""` for those of which nobody said so), all where empty. A label with fewer than
    `least_images` training images is named in the report. Raises BadInput dataset_share_invalid, dataset_seed_invalid,
    dataset_least_invalid and image_domain_unknown.
    """

    val_share: float = 0.2
    test_share: float = 0.2
    seed: int = 0
    least_images: int = 2
    domains: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for share in (self.val_share, self.test_share):
            if not (math.isfinite(share) and 0.0 <= share <= HIGHEST_SHARE):
                raise BadInput("dataset_share_invalid", highest=f"{HIGHEST_SHARE:.0%}")
        if not 0 <= self.seed <= HIGHEST_SEED:
            raise BadInput("dataset_seed_invalid", highest=HIGHEST_SEED)
        if not 1 <= self.least_images <= HIGHEST_LEAST:
            raise BadInput("dataset_least_invalid", highest=HIGHEST_LEAST)
        for domain in self.domains:
            if domain and domain not in DOMAINS:
                raise BadInput("image_domain_unknown", domain=domain[:40], choices=", ".join(DOMAINS))

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
            read_int(data.get("least_images")) or standard.least_images,
            read_texts(data.get("domains")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "val_share": self.val_share,
            "test_share": self.test_share,
            "seed": self.seed,
            "least_images": self.least_images,
            "domains": list(self.domains),
        }


@dataclass(frozen=True)
class FrozenImage:
    """One image of a dataset version as it was: `label` is the code of its type, `good` for a good part without a kind.

    `part` names the physical piece, a key of the image's own where nobody named it. `mask_sha256` is that of the file
    of its mask, empty without one. `domain` says where it was taken, empty where nobody said so.
    """

    image_id: int
    content_sha256: str
    image_type: str
    label: str
    part: str
    view: str
    split: Split
    mask_sha256: str = ""
    domain: str = ""

    @property
    def is_defect(self) -> bool:
        """Return whether it shows a defect."""
        return self.image_type == "defect"

    @classmethod
    def from_row(cls, row: DatasetVersionImage) -> FrozenImage:
        """Return the image of a row."""
        split: Split = "test" if row.split == "test" else "val" if row.split == "val" else "train"
        return cls(
            row.image_id,
            row.content_sha256,
            row.image_type,
            row.label,
            row.part,
            row.view,
            split,
            row.mask_sha256,
            row.domain,
        )


@dataclass(frozen=True)
class DatasetHead:
    """A dataset version without its images. `broken_reason` is a code, empty while all images are as they were.

    `preprocessing` is how its images are to be read, by view ("" for images without one); empty for versions of before,
    of which nobody noted it.
    """

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
    preprocessing: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

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
            {
                view: read_object(options)
                for view, options in read_object(read_object(row.configuration).get("preprocessing")).items()
            },
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as the command line and the REST interface say them."""
        return {
            "id": self.id,
            "number": self.number,
            "name": self.name,
            "hash": self.content_hash,
            "rule": self.rule.to_json(),
            "preprocessing": {view: dict(options) for view, options in self.preprocessing.items()},
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
