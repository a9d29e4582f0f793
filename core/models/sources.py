"""What a version was built from, as its row holds it: images, manuals, options, and how its bank grew.

Rows of earlier versions of the program lack some fields; these have their defaults. Fields that are not known here are
left out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.models.kinds import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from storage.json_fields import read_float, read_floats, read_int, read_ints, read_object, read_text


@dataclass(frozen=True)
class BankGrowth:
    """How a memory bank grew, for the next extension of it.

    `revision` is that of the code that built it, `normals_sha256` one hash of which normal images these are and what
    they hold, `normal_scores` their cross-fitted scores by the engine's key. `n_whole` images were in the last bank
    that was built whole, `whole_radius` was its covering radius, `n_since_whole` images came to it since. `extends` is
    the number of the version that this one extended, by `n_added` images; None where it was built whole.
    `labels_sha256` is one hash of the labeled defects that it was taught with.
    """

    revision: int
    normals_sha256: str
    normal_scores: Mapping[str, float]
    n_whole: int
    n_since_whole: int
    whole_radius: float
    extends: int | None = None
    n_added: int | None = None
    labels_sha256: str | None = None

    @classmethod
    def from_json(cls, value: object) -> BankGrowth | None:
        """Return the growth in a version's sources; None where none is told, or not all of it can be read."""
        data = read_object(value)
        revision, digest = read_int(data.get("revision")), read_text(data.get("normals_sha256"))
        n_whole, n_since_whole = read_int(data.get("n_whole")), read_int(data.get("n_since_whole"))
        radius = read_float(data.get("whole_radius"))
        if revision is None or digest is None or n_whole is None or n_since_whole is None or radius is None:
            return None
        return cls(
            revision=revision,
            normals_sha256=digest,
            normal_scores=read_floats(data.get("normal_scores")),
            n_whole=n_whole,
            n_since_whole=n_since_whole,
            whole_radius=radius,
            extends=read_int(data.get("extends")),
            n_added=read_int(data.get("n_added")),
            labels_sha256=read_text(data.get("labels_sha256")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        values: dict[str, Any] = {
            "revision": self.revision,
            "normals_sha256": self.normals_sha256,
            "normal_scores": dict(self.normal_scores),
            "n_whole": self.n_whole,
            "n_since_whole": self.n_since_whole,
            "whole_radius": self.whole_radius,
        }
        if self.extends is not None:
            values["extends"] = self.extends
        if self.n_added is not None:
            values["n_added"] = self.n_added
        if self.labels_sha256 is not None:
            values["labels_sha256"] = self.labels_sha256
        return values


@dataclass(frozen=True)
class VersionSources(ABC):
    """What a version of any kind was built from."""

    @property
    def image_ids(self) -> frozenset[int]:
        """Return every image that the version names."""
        return frozenset()

    @property
    def used_image_ids(self) -> frozenset[int]:
        """Return the images that the version learned from."""
        return self.image_ids

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the version's row."""


@dataclass(frozen=True)
class BankSources(VersionSources):
    """The training images of a memory bank by their use, and the options that it was built with.

    `unused_defect_ids` are labeled defects beyond those that a calibration takes. `set_apart` are the normal images
    that do not look like the others, with their cross-fitted scores: neither learned from nor calibrated with, because
    they score at or above `set_apart_at` (None where none was looked for).
    """

    normal_ids: tuple[int, ...] = ()
    defect_ids: tuple[int, ...] = ()
    unused_defect_ids: tuple[int, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    growth: BankGrowth | None = None
    set_apart: Mapping[int, float] = field(default_factory=dict)
    set_apart_at: float | None = None

    @property
    def image_ids(self) -> frozenset[int]:
        """Return every training image that the product had."""
        return self.used_image_ids | frozenset(self.unused_defect_ids) | frozenset(self.set_apart)

    @property
    def used_image_ids(self) -> frozenset[int]:
        """Return the images that the version learned from."""
        return frozenset(self.normal_ids + self.defect_ids) - frozenset(self.set_apart)

    @classmethod
    def from_json(cls, value: object) -> BankSources:
        """Return the sources of a memory bank's row."""
        data = read_object(value)
        images = read_object(data.get("image_ids"))
        return cls(
            normal_ids=read_ints(images.get("normal")),
            defect_ids=read_ints(images.get("defect")),
            unused_defect_ids=read_ints(images.get("defect_unused")),
            options=read_object(data.get("options")),
            growth=BankGrowth.from_json(data.get("growth")),
            set_apart={int(key): score for key, score in read_floats(data.get("set_apart")).items() if key.isdecimal()},
            set_apart_at=read_float(data.get("set_apart_at")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        values: dict[str, Any] = {
            "image_ids": {
                "normal": list(self.normal_ids),
                "defect": list(self.defect_ids),
                "defect_unused": list(self.unused_defect_ids),
            },
            "options": dict(self.options),
        }
        if self.growth is not None:
            values["growth"] = self.growth.to_json()
        if self.set_apart:
            values["set_apart"] = {str(image_id): score for image_id, score in self.set_apart.items()}
        if self.set_apart_at is not None:
            values["set_apart_at"] = self.set_apart_at
        return values


@dataclass(frozen=True)
class IndexSources(VersionSources):
    """The images and the confirmed inspections in one part (`normal`, `defect`, `region`) of a similarity index.

    `bank_version_id` is the memory bank that found the defective places; None for the other parts.
    """

    part: str = ""
    indexed_ids: tuple[int, ...] = ()
    inspection_ids: tuple[int, ...] = ()
    bank_version_id: int | None = None

    @property
    def image_ids(self) -> frozenset[int]:
        """Return the images of the index."""
        return frozenset(self.indexed_ids)

    @classmethod
    def from_json(cls, value: object) -> IndexSources:
        """Return the sources of an index's row."""
        data = read_object(value)
        images = read_object(data.get("image_ids"))
        return cls(
            part=next(iter(images), ""),
            indexed_ids=tuple(found for ids in images.values() for found in read_ints(ids)),
            inspection_ids=read_ints(data.get("inspection_ids")),
            bank_version_id=read_int(data.get("bank_version_id")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        values: dict[str, Any] = {
            "image_ids": {self.part: list(self.indexed_ids)},
            "inspection_ids": list(self.inspection_ids),
        }
        if self.bank_version_id is not None:
            values["bank_version_id"] = self.bank_version_id
        return values


@dataclass(frozen=True)
class ManualSources(VersionSources):
    """The manuals in a manual index, those that could not be read, and the sentence encoder that embedded them."""

    manual_ids: tuple[int, ...] = ()
    unread_manual_ids: tuple[int, ...] = ()
    encoder: str | None = None

    @classmethod
    def from_json(cls, value: object) -> ManualSources:
        """Return the sources of a manual index's row."""
        data = read_object(value)
        return cls(
            manual_ids=read_ints(data.get("manual_ids")),
            unread_manual_ids=read_ints(data.get("unread_manual_ids")),
            encoder=read_text(data.get("encoder")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "manual_ids": list(self.manual_ids),
            "unread_manual_ids": list(self.unread_manual_ids),
            "encoder": self.encoder,
        }


_BY_KIND: dict[str, Callable[[object], VersionSources]] = {
    MEMORY_BANK: BankSources.from_json,
    SIMILARITY_INDEX: IndexSources.from_json,
    MANUAL_INDEX: ManualSources.from_json,
}


def read_sources(kind: str, value: object) -> VersionSources:
    """Return what a version of this kind was built from. Raises KeyError for a kind that is none."""
    return _BY_KIND[kind](value)
