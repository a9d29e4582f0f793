"""What is in a dataset version, in figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.datasets.splits import SPLITS, Split
from storage.json_fields import read_float, read_int, read_object, read_objects, read_texts


@dataclass(frozen=True)
class SizeCount:
    """How many images are so many pixels wide and high; both 0: those of all further sizes."""

    width_px: int
    height_px: int
    count: int

    @classmethod
    def from_json(cls, value: object) -> SizeCount:
        """Return the size that `to_json` wrote."""
        data = read_object(value)
        return cls(*(read_int(data.get(name)) or 0 for name in ("width_px", "height_px", "count")))

    def to_json(self) -> dict[str, int]:
        """Return plain values."""
        return {"width_px": self.width_px, "height_px": self.height_px, "count": self.count}


@dataclass(frozen=True)
class DatasetReport:
    """What is in a dataset version.

    `counts` are images by split and label, `parts` by split, `views` images by view. `good_labels` are the labels of
    good parts. `imbalance` is how many times more training images the largest class has than the smallest, None with
    fewer than two classes. `duplicates` counts images whose very pixels another one has, `leaks` the parts whose
    images were in several splits: each was kept together. `unlabeled` are good images without a kind where the product
    has kinds, `suspected` good images that do not look like the others and that nobody has decided. `unmarked` are
    defect images without a mask. `domains` are images by split and domain, `sizes` how many images have which size, the
    most frequent first, `near_copies` images that show nearly the same as one in another split. `few` are labels with
    fewer training images than the rule asks for. `warnings` are codes of sentences.
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
    domains: Mapping[Split, Mapping[str, int]] = field(default_factory=dict)
    sizes: tuple[SizeCount, ...] = ()
    near_copies: int = 0
    few: tuple[str, ...] = ()
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

    def count_domains(self) -> dict[str, int]:
        """Return how many images each domain has, over all splits."""
        found: dict[str, int] = {}
        for own in self.domains.values():
            for domain, count in own.items():
                found[domain] = found.get(domain, 0) + count
        return found

    @classmethod
    def from_json(cls, value: object) -> DatasetReport:
        """Return the report of a row."""
        data = read_object(value)
        counts, parts = read_object(data.get("counts")), read_object(data.get("parts"))
        domains = read_object(data.get("domains"))
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
            domains={split: _read_counts(domains.get(split)) for split in SPLITS},
            sizes=tuple(SizeCount.from_json(one) for one in read_objects(data.get("sizes"))),
            near_copies=read_int(data.get("near_copies")) or 0,
            few=read_texts(data.get("few")),
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
            "domains": {split: dict(own) for split, own in self.domains.items()},
            "sizes": [one.to_json() for one in self.sizes],
            "near_copies": self.near_copies,
            "few": list(self.few),
            "warnings": list(self.warnings),
        }


def _read_counts(value: object) -> dict[str, int]:
    found = {name: read_int(count) for name, count in read_object(value).items()}
    return {name: count for name, count in found.items() if count is not None}
