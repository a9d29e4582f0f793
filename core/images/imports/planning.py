"""Planning an import: what every file of a folder, a ZIP file or an upload would become, before anything is stored.

Read as whole words, in English and Korean: `PRODUCT/{train,val,test}/{good,<defect>}` with folders of masks (MVTec AD,
AD 2, LOCO and 3D, BTAD, MPDD, VisA), `{ok,ng}/<defect>` and `{ok_front,def_front}`, masks beside their images
(KolektorSDD, DAGM, Real-IAD), `product_type_nnn`, classes with known names of defects, and lists (see `lists`). What is
not certain is a question: no label is guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from core.files.archives import is_junk
from core.images.exposures.rules import PartRule
from core.images.imports.file_names import FlatName, is_surely_mask, read_flat_names, view_in_name
from core.images.imports.grouping import count_folders, gather_questions
from core.images.imports.labels import LISTS_DIFFER, Answer, answer, merge_told
from core.images.imports.listing import read_listing
from core.images.imports.lists import unused_lists
from core.images.imports.looks import PHOTO, Looks
from core.images.imports.masks import Sorted, attach_masks, sort_out
from core.images.imports.names import is_image_name, make_type_code, split_path
from core.images.imports.parts import name_planned_parts
from core.images.imports.products import assign_products
from core.images.imports.records import (
    DEFECT,
    LEFT_OUT,
    MASK,
    NORMAL,
    ImportPlan,
    LeftOut,
    Listing,
    PlannedImage,
    Told,
)
from core.images.imports.roles import Role, check_paths, read_mapping, read_role, role_of
from core.images.imports.sources import ImportSource
from core.images.imports.telling import is_annotated
from core.images.imports.tree import File, Folders, Tree

_SHOWN_OF_DEEP = 200


def plan_import(
    source: ImportSource,
    *,
    product: str = "",
    as_role: str = "",
    decisions: Mapping[str, str] | None = None,
    part_rule: PartRule | None = None,
    part_list: dict[str, str] | None = None,
) -> ImportPlan:
    """Return what an import of `source` would do; nothing is stored.

    `product` is the product that the person names (a code or name): it overrides the name found, and chooses among
    several. `as_role` (see `roles`) is what all images are of which nothing else says what they show. `decisions` are
    roles by folder, file or pattern. Raises BadInput import_role_unknown, import_folder_missing (a decision about what
    is not there), and import_several_products (products) where `product` is none of several.
    """
    shallow, deep = source.without_deep()
    listing, looks = read_listing(shallow)
    too_deep = tuple(LeftOut(path[-_SHOWN_OF_DEEP:], "import_too_deep") for path in deep)
    listing = replace(listing, problems=(*listing.problems, *too_deep))
    return _plan(
        listing,
        looks,
        product=product,
        as_role=as_role,
        decisions=dict(decisions or {}),
        part_rule=part_rule,
        part_list=part_list,
    )


def decide(
    plan: ImportPlan,
    answers: Mapping[str, str],
    source: ImportSource | None = None,
    *,
    product: str | None = None,
) -> ImportPlan:
    """Return the plan with these roles by folder, file or pattern, beside those said before; an empty role takes back.

    `product` replaces the one named before. Without `source` no file is read: what was never looked at counts as a
    mask where its name says so. Raises as `plan_import`.
    """
    decisions = {path: role for path, role in {**plan.decisions, **answers}.items() if role}
    decided = _plan(
        plan.listing,
        Looks(source, dict(plan.listing.looks)),
        product=plan.product if product is None else product,
        as_role=plan.as_role,
        decisions=decisions,
        part_rule=None,
        part_list=None,
    )
    # Parts that a rule or a list named stay with their images.
    named = {image.path: image for image in plan.images if image.part}
    images = tuple(
        replace(image, part=named[image.path].part, part_source=named[image.path].part_source)
        if image.path in named and not image.part
        else image
        for image in decided.images
    )
    return replace(
        decided,
        images=images,
        unknown_parts=plan.unknown_parts,
        unlisted=plan.unlisted,
        unfitting=plan.unfitting,
    )


def _plan(
    listing: Listing,
    looks: Looks,
    *,
    product: str,
    as_role: str,
    decisions: dict[str, str],
    part_rule: PartRule | None,
    part_list: dict[str, str] | None,
) -> ImportPlan:
    roles = read_mapping(decisions)
    claim = read_role(as_role) if as_role.strip() else Role()
    check_paths(roles, listing.paths)
    work = _Work(listing, looks, roles, claim, product)
    work.sort_files()
    work.answer_all()
    work.attach()
    products = assign_products(
        work.images,
        work.answers,
        listing,
        product=product or claim.product,
        fixed=work.fixed_products,
        of_top=roles.get("", Role()).product,
    )
    images, parts = name_planned_parts(
        products.images, roles, root_name=listing.root_name, rule=part_rule, listed=part_list
    )
    left_out = [*work.left_out, *products.left_out, *listing.problems]
    # The masks of images that are not taken in.
    told = {found.path for found in left_out} | {mask for image in images for mask in image.masks}
    lost = (file.path for file in work.sorted.masks if file.path not in told)
    left_out += [LeftOut(path, "mask_of_left_out", matters=False) for path in lost]
    left_out.sort(key=lambda found: (found.path, found.reason))
    missing = [(path, Answer(code="import_product_missing")) for path in products.missing]
    open_ones = [*work.undecided, *missing]
    return ImportPlan(
        listing=replace(listing, looks=dict(looks.seen)),
        folders=count_folders(images, work.answers, open_ones, left_out),
        images=images,
        questions=(*products.questions, *gather_questions(work.undecided)),
        left_out=tuple(left_out),
        product=product,
        as_role=as_role,
        decisions=decisions,
        names=products.names,
        unknown_parts=parts.unknown,
        unlisted=parts.unlisted,
        unfitting=parts.unfitting,
    )


class _Work:
    """One plan in the making."""

    def __init__(self, listing: Listing, looks: Looks, roles: dict[str, Role], claim: Role, product: str) -> None:
        self.listing, self.looks, self.roles, self.claim, self.product = listing, looks, roles, claim, product
        self.left_out: list[LeftOut] = []
        self.undecided: list[tuple[str, Answer]] = []
        self.fixed_products: dict[str, str] = {}
        self.images: list[PlannedImage] = []
        self.answers: dict[str, Answer] = {}
        self.sorted = Sorted()
        self.told: dict[str, Told] = {}
        sure = [(path, one) for path, told in listing.told.items() for one in told if one.is_sure]
        self.sure = {found for path, one in sure for found in (path, *one.masks)}
        self._roles: dict[str, Role] = {}
        self._below = {path: role for path, role in roles.items() if path}

    def role(self, path: str) -> Role:
        """Return what a person says of a file."""
        if path not in self._roles:
            self._roles[path] = role_of(path, self.roles) if self.roles else Role()
        return self._roles[path]

    def sort_files(self) -> None:
        """Set apart what is left out, masks and images."""
        pictures: list[str] = []
        for path in self.listing.paths:
            if self.role(path).kind == LEFT_OUT:
                self.left_out.append(LeftOut(path, "import_left_out", matters=False))
            elif (
                path in self.listing.about
                or is_junk(path)
                or any(part.startswith(".") for part in path.split("/") if part not in {".", ".."})
            ):
                continue
            elif is_image_name(path):
                pictures.append(path)
            else:
                self.left_out.append(LeftOut(path, "import_not_an_image", matters=False))
        tree = self._grow(pictures)
        files = []
        for path in pictures:
            parts = split_path(path)
            file = File(path, tree.place(parts[:-1]), parts[-1].rpartition(".")[0])
            if file.place.data_at is not None and not self.role(path).kind and path not in self.sure:
                self.left_out.append(LeftOut(path, "import_helper_folder", matters=False))
            else:
                files.append(file)
        self.sorted = sort_out(files, self.looks, self._said_masks(files))
        self.left_out += [LeftOut(file.path, "import_twin_names") for file in self.sorted.twins]
        self.tree = tree

    def answer_all(self) -> None:
        """Find out what each image shows."""
        unused = unused_lists(list(self.listing.about))
        flat = self._flat_names()
        products = tuple(name for name in (self.product, self.listing.root_name) if name)
        for file in self.sorted.images:
            told, differ = merge_told(self.listing.told.get(file.path, ()), self.roles, unused)
            self.told[file.path] = told
            if differ:
                by = self.listing.told[file.path][-1].by
                self.undecided.append((file.path, Answer(code=LISTS_DIFFER, path=by)))
                continue
            role = self.role(file.path)
            if is_annotated(self.listing, told) and not self.roles.get("/".join(split_path(file.path)), Role()).kind:
                # A folder is answered for the images of which nothing is known; a mark on a picture stays a mark.
                role = replace(role, kind="", defect_name="")
            found = answer(file, self.tree, role, told, self.claim, flat.get(file.path), products)
            self.answers[file.path] = found

    def attach(self) -> None:
        """Give the masks to their images, and label by them what nothing else labels."""
        attached = attach_masks(self.sorted, self.answers, self.told, self.looks)
        self.left_out += attached.left_out
        for file in self.sorted.images:
            found = attached.answers.get(file.path)
            if found is None:
                continue  # lists differ
            self.answers[file.path] = found
            if not found.kind:
                self.undecided.append((file.path, found))
                continue
            told, role, place = self.told[file.path], self.role(file.path), file.place
            # What is said of everything counts where nothing nearer is said; see `assign_products`.
            said = role_of(file.path, self._below).product if role.product else ""
            if said:
                self.fixed_products[file.path] = said
            split = role.split or told.split or self.claim.split or place.split
            view = told.view if told.is_sure else told.view or place.view or view_in_name(file.stem)
            view = role.view if role.view is not None else view
            self.images.append(
                PlannedImage(
                    file.path,
                    told.product or found.product or "",
                    "defect" if found.kind == DEFECT else "normal",
                    split or "train",  # type: ignore[arg-type]
                    found.defect_name if found.kind == DEFECT else "",
                    make_type_code(found.defect_name) if found.kind == DEFECT else "",
                    attached.masks.get(file.path, ()),
                    told.regions if found.kind == DEFECT else (),
                    told.part,
                    (told.part_source or "list") if told.part else "",
                    view,
                    found.depth,
                    bool(split),
                    (told.good_kind or found.good_kind) if found.kind != DEFECT else "",
                    told.original_name,
                    role.domain or told.domain or self.claim.domain or place.domain,
                )
            )
        self.left_out += [LeftOut(path, found.code) for path, found in self.undecided]

    def _grow(self, pictures: list[str]) -> Tree:
        folders = [split_path(path)[:-1] for path in pictures]
        first: dict[Folders, str] = {}
        for path, found in zip(pictures, folders, strict=True):
            for depth in range(1, len(found) + 1):
                first.setdefault(found[:depth], path)
        forced = {}
        for path, role in self.roles.items():
            if role.kind:
                forced[split_path(path)] = "mask" if role.kind == MASK else "picture"
        return Tree(folders, is_photo_folder=lambda folder: self.looks.of(first[folder]) == PHOTO, forced=forced)

    def _said_masks(self, files: list[File]) -> dict[str, bool]:
        masks = {mask for told in self.listing.told.values() for one in told for mask in one.masks}
        listed = {path for path, told in self.listing.told.items() if any(one.kind or one.defect_name for one in told)}
        said = {}
        for file in files:
            own = self.roles.get("/".join(split_path(file.path)), Role()).kind
            if own in {NORMAL, DEFECT}:
                said[file.path] = False
            elif self.role(file.path).kind == MASK or file.path in masks:
                said[file.path] = True
            elif file.path in self.sure or (
                file.path in listed and file.place.mask_at is None and not is_surely_mask(file.stem)
            ):
                said[file.path] = False
        return said

    def _flat_names(self) -> dict[str, FlatName]:
        """Return what the names of the files say, folder by folder, where all of a folder are so."""
        folders: dict[Folders, list[File]] = defaultdict(list)
        for file in self.sorted.images:
            folders[file.place.folders].append(file)
        found: dict[str, FlatName] = {}
        for files in folders.values():
            flat = read_flat_names([file.stem for file in files])
            if flat is not None:
                found |= {file.path: name for file, name in zip(files, flat, strict=True)}
        return found
