"""What the files of one upload would become, folder by folder, before anything is stored.

A field says what is put into it (images of good parts, or of one kind of defect). Loose files, and a ZIP of a single
folder, are that. In a ZIP of several folders the folders' own names count, as far as they are certain (see
`core.images.layouts`); a folder whose name says nothing is for the person to decide on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final, Literal

from core.errors import BadInput
from core.images.imports.names import UNNAMED_DEFECT
from core.images.imports.planning import decide, plan_import
from core.images.imports.records import ImportPlan, LeftOut, PlannedImage
from core.images.imports.sources import source_of
from core.images.incoming import expand_archives
from core.images.records import FileOutcome, IncomingFile
from core.images.regions.records import Region

GOOD: Final = "good"
DEFECT: Final = "defect"
LEFT_OUT: Final = "left_out"
Kind = Literal["good", "defect", "left_out"]
# One product is planned, whatever the folders call it.
_THE_PRODUCT = "product"


@dataclass(frozen=True)
class Use:
    """What the images of a folder are stored as; a defect has the name of its type."""

    kind: Kind
    defect_name: str = ""


@dataclass(frozen=True)
class PlannedFile:
    """An image and its masks, each by its place among the files of its source; `name` is the image's.

    Part, view, regions and domain are what folders, lists and annotation files say of it.
    """

    name: str
    position: int
    mask_positions: tuple[int, ...] = ()
    part: str = ""
    part_source: str = ""
    view: str = ""
    regions: tuple[Region, ...] = ()
    domain: str = ""


@dataclass(frozen=True)
class PlannedFolder:
    """Images of one folder that are one thing. `use` is None where its name does not say what it holds.

    `source` is the place of its ZIP among the uploaded files, None for loose files; `path` is what a person knows it
    by, and `suggested_name` what the defects in it would be called.
    """

    key: str
    path: str
    files: tuple[PlannedFile, ...]
    use: Use | None
    split: str = "train"
    source: int | None = None
    suggested_name: str = ""


@dataclass(frozen=True)
class UploadPlan:
    """The folders in order, and what is left out already: files that are refused, or no images."""

    folders: tuple[PlannedFolder, ...]
    left_out: tuple[FileOutcome, ...] = ()

    def count(self, kind: str, *, split: str | None = None) -> int:
        """Return how many images are planned as this kind."""
        return sum(
            len(folder.files)
            for folder in self.folders
            if folder.use is not None and folder.use.kind == kind and split in {None, folder.split}
        )

    @property
    def undecided(self) -> tuple[PlannedFolder, ...]:
        """The folders for a person to decide on."""
        return tuple(folder for folder in self.folders if folder.use is None)

    def decide(self, uses: dict[str, Use]) -> UploadPlan:
        """Return the plan with these folders (by key) used as a person says."""
        return replace(
            self, folders=tuple(replace(folder, use=uses.get(folder.key, folder.use)) for folder in self.folders)
        )

    def join(self, other: UploadPlan) -> UploadPlan:
        """Return both plans as one; their folders have keys of their own."""
        return UploadPlan(self.folders + other.folders, self.left_out + other.left_out)


def plan_upload(files: Sequence[IncomingFile], *, claim: Use, field: str = "") -> UploadPlan:
    """Return the plan of the files of one field, which claims `claim` for them; `field` sets its keys apart."""
    plan = UploadPlan(())
    for source, found, refused in open_sources(files):
        if source is None:
            folders, left_out = _plan_loose(found, claim)
        else:
            folders, left_out = _plan_archive(files[source].name, source, found, claim)
        folders = [replace(folder, key=f"{field}:{source}:{folder.key}") for folder in folders if folder.files]
        plan = plan.join(UploadPlan(tuple(folders), (*refused, *left_out)))
    return plan


def open_sources(
    files: Sequence[IncomingFile],
) -> Iterator[tuple[int | None, list[IncomingFile], list[FileOutcome]]]:
    """Yield the loose files, then each ZIP's entries while it is open: its place, what it holds, what is refused."""
    loose = [file for file in files if not _is_archive(file)]
    if loose:
        yield None, loose, []
    for source, file in enumerate(files):
        if _is_archive(file):
            with expand_archives([file]) as (found, refused):
                yield source, found, refused


def _is_archive(file: IncomingFile) -> bool:
    return PurePosixPath(file.name).suffix.lower() == ".zip"


def _plan_loose(found: list[IncomingFile], claim: Use) -> tuple[list[PlannedFolder], list[FileOutcome]]:
    source, paths = source_of(found)
    places = {path: place for place, path in enumerate(paths)}
    plan = plan_import(source, product=_THE_PRODUCT, decisions={"": "normal" if claim.kind == GOOD else "defect"})
    # What is no image is refused by name when it is stored: nothing else reads it.
    unread = [PlannedFile(found[places[one.path]].name, places[one.path]) for one in plan.left_out if _is_unread(one)]
    files = [_file(image, places, found) for image in plan.images]
    folder = PlannedFolder("", "", tuple(sorted([*files, *unread], key=_by_position)), claim)
    left_out = [
        _left_out(found[places[one.path]].name, one.reason, one.params)
        for one in plan.left_out
        if one.path in places and not _is_unread(one)
    ]
    return [replace(folder, suggested_name=claim.defect_name)], left_out


def _plan_archive(
    name: str, source: int, found: list[IncomingFile], claim: Use
) -> tuple[list[PlannedFolder], list[FileOutcome]]:
    opened, paths = source_of(found, root_name=PurePosixPath(name).stem, inner=len(name) + 1)
    places = {path: place for place, path in enumerate(paths)}
    try:
        plan = plan_import(opened, product=_THE_PRODUCT)
    except BadInput as error:
        products = error.params.get("products", "")
        return [], [
            FileOutcome(name, "refused", error=BadInput("upload_several_products", name=name, products=products))
        ]
    folders = _group_planned(plan.images, places, found, claim)
    asked = {question.code for question in plan.questions}
    undecided = {one.path for one in plan.left_out if one.reason in asked}
    by_folder: dict[str, list[PlannedFile]] = {}
    for image in _as_defects(plan, undecided).images:
        if image.path in undecided:
            parent = str(PurePosixPath(image.path).parent)
            by_folder.setdefault("" if parent == "." else parent, []).append(_file(image, places, found))
    is_single = not plan.images and len(by_folder) == 1
    folders += [
        PlannedFolder(
            key=folder,
            path=f"{name} › {folder}" if folder else name,
            files=tuple(sorted(files, key=_by_position)),
            use=claim if is_single else None,
            suggested_name=claim.defect_name or PurePosixPath(folder).name,
        )
        for folder, files in sorted(by_folder.items())
    ]
    left_out = [
        _left_out(f"{name}/{one.path}", one.reason, one.params)
        for one in plan.left_out
        if one.reason not in asked and one.reason not in {"mask_of_left_out", "mask_of_normal_blank"}
    ]
    return [replace(folder, source=source) for folder in folders], left_out


def _as_defects(plan: ImportPlan, undecided: set[str]) -> ImportPlan:
    """Return the plan with the images that are asked about as defects, so that each has its masks."""
    return decide(plan, dict.fromkeys(undecided, "defect")) if undecided else plan


def _group_planned(
    images: Sequence[PlannedImage], places: dict[str, int], found: Sequence[IncomingFile], claim: Use
) -> list[PlannedFolder]:
    """Return the images whose folders say what they show, by folder, kind, type and split."""
    groups: dict[tuple[str, str, str, str], list[PlannedFile]] = {}
    for image in images:
        folder = str(PurePosixPath(image.path).parent)
        key = (folder, image.kind, image.defect_name, image.split)
        groups.setdefault(key, []).append(_file(image, places, found))
    folders = []
    for (folder, kind, defect_name, split), files in sorted(groups.items()):
        named = claim.defect_name if defect_name == UNNAMED_DEFECT and claim.defect_name else defect_name
        use: Use | None = Use(GOOD) if kind == "normal" else Use(DEFECT, named)
        if kind == "normal" and claim.kind == DEFECT:
            # The folder says one thing and the field another.
            use = None
        path = PurePosixPath(files[0].name).parent
        archive, _slash, rest = str(path).partition("/")
        shown = f"{archive} › {rest}" if rest else archive
        ordered = tuple(sorted(files, key=_by_position))
        folders.append(PlannedFolder(f"{folder}:{kind}:{defect_name}:{split}", shown, ordered, use, split, None, named))
    return folders


def _file(image: PlannedImage, places: Mapping[str, int], found: Sequence[IncomingFile]) -> PlannedFile:
    position = places[image.path]
    return PlannedFile(
        found[position].name,
        position,
        tuple(places[mask] for mask in image.masks),
        image.part,
        image.part_source,
        image.view,
        image.regions,
        image.domain,
    )


def _by_position(file: PlannedFile) -> int:
    return file.position


def _is_unread(one: LeftOut) -> bool:
    return one.reason == "import_not_an_image"


def _left_out(name: str, reason: str, params: Mapping[str, str | int]) -> FileOutcome:
    notes = ("mask",) if reason.startswith("mask_") else ()
    return FileOutcome(name, "refused", error=BadInput(reason, **{**params, "name": name}), notes=notes)
