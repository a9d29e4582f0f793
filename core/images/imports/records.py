"""The plan of an import as plain values: what each folder and each image becomes, what is asked, what is left out.

A plan can be kept as JSON by a page or a job (`to_json`, `from_json`). It is made by `planning.plan_import`, changed by
`planning.decide`, and stored by `storing.store_plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal

from core.images.exports.facts import ProductFacts, TypeFacts, ViewFacts
from core.images.regions.records import Region

NORMAL: Final = "normal"
DEFECT: Final = "defect"
MASK: Final = "mask"
LEFT_OUT: Final = "left_out"
UNDECIDED: Final = "undecided"
Kind = Literal["normal", "defect", "mask", "left_out", "undecided"]
Split = Literal["train", "val", "test"]
# How sure a use is: a person, a list or an annotation said it, or names that mean one thing (certain); names that
# mean it beside others (likely); nothing (unknown, then there is a question).
Sureness = Literal["certain", "likely", "unknown"]


@dataclass(frozen=True)
class Use:
    """What files become: `product` and `defect_name` by name, empty where that is not known (or not wanted)."""

    kind: Kind
    product: str = ""
    defect_name: str = ""
    split: Split = "train"
    view: str = ""
    domain: str = ""


@dataclass(frozen=True)
class PlannedFolder:
    """The image files that lie in one folder and become one thing (a folder may be in several rows).

    `path` is "" for the top; `examples` are the first paths. `reason` is the code of why (see `core.messages`), and
    `suggested_name` what defects in it would be called.
    """

    path: str
    use: Use
    n_images: int
    examples: tuple[str, ...] = ()
    sureness: Sureness = "certain"
    reason: str = ""
    suggested_name: str = ""
    n_parts: int = 0


@dataclass(frozen=True)
class PlannedImage:
    """One image that is taken in: `path` and `masks` as the source names them (several masks: their union).

    `product` and `defect_name` are names; `defect_code` is the code of a type that is made of the name. So many folders
    (`label_depth`) lead down to the one that says what it shows, that one counted. `split_named` says whether anything
    names the split. `part_source` is one of `core.images.parts`. `good_kind` is the code of a kind of good part;
    `original_name` is the name that the file once had, where it is known; `domain` says where it was taken, empty where
    nothing says so.
    """

    path: str
    product: str
    kind: Literal["normal", "defect"]
    split: Split = "train"
    defect_name: str = ""
    defect_code: str = ""
    masks: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    part: str = ""
    part_source: str = ""
    view: str = ""
    label_depth: int = 0
    split_named: bool = False
    good_kind: str = ""
    original_name: str = ""
    domain: str = ""


@dataclass(frozen=True)
class Question:
    """What a person has to say: `code` has a sentence (`core.errors.describe` with `params`).

    `path` is the folder, file or pattern that an answer in `decide` goes by; `choices` are roles that it may be
    answered with, the likeliest first; other roles are taken too.
    """

    code: str
    path: str = ""
    choices: tuple[str, ...] = ()
    n_images: int = 0
    examples: tuple[str, ...] = ()
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """A file that is not taken in, and the code of why; `params` fill its sentence beside `name`.

    `matters` is False for what is nobody's loss: texts, litter, 3D data, and what a person chose to leave out.
    """

    path: str
    reason: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    matters: bool = True


@dataclass(frozen=True)
class Told:
    """What a list or an annotation file says of one image, empty where it says nothing.

    `kind` is normal or defect, or empty; `defect_name` the type. A label that may be a kind of good part as well has a
    `defect_name` without `kind`. `masks` are paths of the source. `by` is the path of the file that says so, and each
    file says one thing of an image. `is_sure`: the manifest of an export says it, which counts more than folders, names
    and lists; then `part_source`, `good_kind` and `original_name` are as they were, too.
    """

    kind: str = ""
    defect_name: str = ""
    product: str = ""
    split: str = ""
    masks: tuple[str, ...] = ()
    part: str = ""
    view: str = ""
    regions: tuple[Region, ...] = ()
    by: str = ""
    is_sure: bool = False
    part_source: str = ""
    good_kind: str = ""
    original_name: str = ""
    domain: str = ""


@dataclass(frozen=True)
class Listing:
    """What is known of a source: the paths, what lists and annotation files tell, and what was looked at.

    `told` is what each of them says of an image. `looks` says of files whose pixels had to be looked at: "blank",
    "marked" (two values: a mask), "photo" or "unreadable". `about` are the files that only tell about others: path and
    format. `problems` is what was wrong in them. `products` are those of which images were exported.
    """

    paths: tuple[str, ...]
    root_name: str = ""
    told: Mapping[str, tuple[Told, ...]] = field(default_factory=dict)
    looks: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[LeftOut, ...] = ()
    products: tuple[ProductFacts, ...] = ()


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do.

    `product` and `as_role` are what the person said of everything (--product, --as), `decisions` the roles by folder.
    `names` gives the code by name of the products that are planned. `unfitting`, `unlisted` and `unknown_parts` are
    what a part rule or list does not know (see `NamedParts`).
    """

    listing: Listing
    folders: tuple[PlannedFolder, ...] = ()
    images: tuple[PlannedImage, ...] = ()
    questions: tuple[Question, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    product: str = ""
    as_role: str = ""
    decisions: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    unknown_parts: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    unfitting: tuple[str, ...] = ()

    @property
    def products(self) -> tuple[str, ...]:
        """The names of the products that images are planned for, in order."""
        return tuple(sorted({image.product for image in self.images}))

    @property
    def loses_images(self) -> bool:
        """Return whether images are left out that nobody chose to leave out, or a question is open."""
        return bool(self.questions) or any(found.matters for found in self.left_out)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        found: dict[str, Any] = _tidy(asdict(self))
        return found

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ImportPlan:
        """Return the plan that `to_json` wrote. Raises TypeError or ValueError for anything else."""
        listing = value.get("listing", {})
        return cls(
            listing=Listing(
                paths=tuple(listing.get("paths", ())),
                root_name=listing.get("root_name", ""),
                told={path: tuple(_told(one) for one in told) for path, told in listing.get("told", {}).items()},
                looks=dict(listing.get("looks", {})),
                about=dict(listing.get("about", {})),
                problems=tuple(_left_out(found) for found in listing.get("problems", ())),
                products=tuple(_product(found) for found in listing.get("products", ())),
            ),
            folders=tuple(_folder(found) for found in value.get("folders", ())),
            images=tuple(_image(found) for found in value.get("images", ())),
            questions=tuple(_read(Question, found, "choices", "examples") for found in value.get("questions", ())),
            left_out=tuple(_left_out(found) for found in value.get("left_out", ())),
            product=value.get("product", ""),
            as_role=value.get("as_role", ""),
            decisions=dict(value.get("decisions", {})),
            names=dict(value.get("names", {})),
            unknown_parts=tuple(value.get("unknown_parts", ())),
            unlisted=tuple(value.get("unlisted", ())),
            unfitting=tuple(value.get("unfitting", ())),
        )


def region_from_json(value: Mapping[str, Any]) -> Region:
    """Return the region that `ImportPlan.to_json` wrote."""
    found: dict[str, Any] = {**value, "points": tuple((float(x), float(y)) for x, y in value.get("points", ()))}
    return Region(**{**found, "counts": tuple(value.get("counts", ()))})


def _tidy(value: Any) -> Any:
    """Leave out what is empty: of 10,000 images most say nothing of regions, parts and views."""
    if isinstance(value, dict):
        return {key: _tidy(part) for key, part in value.items() if part not in ("", (), [], {})}
    if isinstance(value, tuple | list):
        return [_tidy(part) for part in value]
    return value


def _read(kind: Any, value: Mapping[str, Any], *sequences: str, **parts: Any) -> Any:
    known = {one.name for one in fields(kind)}
    found = {key: part for key, part in value.items() if key in known}
    found |= {name: tuple(found[name]) for name in sequences if name in found}
    return kind(**{**found, **parts})


def _folder(value: Mapping[str, Any]) -> PlannedFolder:
    found: PlannedFolder = _read(PlannedFolder, {"path": "", **value}, "examples", use=Use(**value["use"]))
    return found


def _image(value: Mapping[str, Any]) -> PlannedImage:
    regions = tuple(region_from_json(found) for found in value.get("regions", ()))
    found: PlannedImage = _read(PlannedImage, {"product": "", **value}, "masks", regions=regions)
    return found


def _told(value: Mapping[str, Any]) -> Told:
    regions = tuple(region_from_json(found) for found in value.get("regions", ()))
    found: Told = _read(Told, value, "masks", regions=regions)
    return found


def _left_out(value: Mapping[str, Any]) -> LeftOut:
    found: LeftOut = _read(LeftOut, value)
    return found


def _product(value: Mapping[str, Any]) -> ProductFacts:
    types = tuple(_read(TypeFacts, found) for found in value.get("types", ()))
    views = tuple(_read(ViewFacts, found) for found in value.get("views", ()))
    found: ProductFacts = _read(ProductFacts, value, types=types, views=views)
    return found
