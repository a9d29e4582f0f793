"""Recognizes how a folder or an archive of images is laid out, and plans what goes where.

1. `PRODUCT/{train,test}/{good,<defect>}/…` with `PRODUCT/ground_truth/<defect>/<stem>_mask.png` (MVTec AD);
2. `PRODUCT/{normal,defect}/PRODUCT_<defect>_<nnn>.jpg`;
3. `{normal|good|ok}/…` beside `{defect|ng}/<defect>/…`, with the product named by the caller.

The paths may begin inside the product's folder, at its parent (several products), or in further wrapping folders.
Only names are read here, no file is opened.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from core.errors import BadInput
from core.files.archives import is_junk

NORMAL_WORDS = frozenset({"normal", "good", "ok", "정상", "양품"})
DEFECT_WORDS = frozenset({"defect", "defects", "defective", "ng", "bad", "anomaly", "불량", "불량품"})
SPLIT_WORDS: dict[str, Literal["train", "test"]] = {"train": "train", "test": "test", "학습": "train", "시험": "test"}
MASK_WORDS = frozenset({"ground_truth", "groundtruth", "ground-truth"})
IMAGE_ENDINGS = frozenset({"jpg", "jpeg", "png", "bmp", "tif", "tiff", "webp"})
MASK_SUFFIX = "_mask"
UNNAMED_DEFECT = "defect"

_MAX_CODE_LENGTH = 56


@dataclass(frozen=True)
class PlannedImage:
    """One image: `path` and `mask_path` as they were given. `defect_name` is the folder's or file's own word.

    So many folders (`label_depth`) lead down to the one that says what it shows, that one counted. `split_named` says
    whether a folder names the split.
    """

    path: str
    kind: Literal["normal", "defect"]
    split: Literal["train", "test"]
    defect_code: str | None = None
    defect_name: str | None = None
    mask_path: str | None = None
    label_depth: int = 0
    split_named: bool = False


@dataclass(frozen=True)
class PlannedProduct:
    """`code` is made of `name` by `make_import_code`."""

    code: str
    name: str
    images: tuple[PlannedImage, ...]


@dataclass(frozen=True)
class ImportPlan:
    """`unknown`: (path, reason code) of what has no place: import_not_an_image, import_no_label,
    import_product_missing, import_other_product, mask_without_image, mask_of_normal_image."""

    products: tuple[PlannedProduct, ...]
    unknown: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Found:
    product: str | None
    image: PlannedImage
    stem: str  # lower case, without folders
    folder: str


def plan_import(paths: Iterable[str], *, root_name: str | None = None, product_code: str | None = None) -> ImportPlan:
    """Plan the import of relative POSIX paths.

    `root_name` is the name of the folder (or the stem of the ZIP file) that the paths lie in; `product_code` is the
    product that the caller names. It overrides the name found, and chooses among several; if there are several and
    none has it, BadInput import_several_products (products) is raised.
    """
    unknown: list[tuple[str, str]] = []
    images: list[_Found] = []
    masks: list[tuple[str, tuple[str, ...]]] = []
    kept = [(path, _split(path)) for path in sorted(set(paths)) if not is_junk(path) and not _is_hidden(path)]
    labeled = _label_roots([parts for _, parts in kept])
    for path, parts in kept:
        stem, _, ending = parts[-1].rpartition(".")
        if not stem or ending.lower() not in IMAGE_ENDINGS:
            unknown.append((path, "import_not_an_image"))
        elif _last_index(parts[:-1], MASK_WORDS) is not None or stem.lower().endswith(MASK_SUFFIX):
            masks.append((path, parts))
        else:
            found = _recognize(path, parts, stem, root_name, product_code, labeled)
            if isinstance(found, str):
                unknown.append((path, found))
            else:
                images.append(found)
    images = _attach_masks(images, masks, root_name, unknown)
    return _group(images, unknown, product_code)


def make_import_code(name: str) -> str:
    """Return a code for a name found in a path: its ASCII letters and digits, `-` and `_`, up to 56 characters.

    Where other letters would be lost (Korean), a short hash of the name makes the code unlike that of any other name.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    code = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-_")[:_MAX_CODE_LENGTH].strip("-_")
    if any(ord(c) > 127 and c.isalnum() for c in plain) or not code:
        mark = hashlib.sha256(unicodedata.normalize("NFC", name).encode("utf-8", "replace")).hexdigest()[:8]
        return f"{code[: _MAX_CODE_LENGTH - 9]}-{mark}" if code else f"x{mark}"
    return code


def _recognize(
    path: str,
    parts: tuple[str, ...],
    stem: str,
    root_name: str | None,
    product_code: str | None,
    labeled: frozenset[tuple[str, ...]],
) -> _Found | str:
    """Return the image's place, or the reason code why it has none."""
    folders = parts[:-1]
    split_at = _last_index(folders[:-1], SPLIT_WORDS)  # a type must follow it
    split: Literal["train", "test"] = "train" if split_at is None else SPLIT_WORDS[folders[split_at].lower()]
    label_at = split_at + 1 if split_at is not None else _label_index(folders, labeled)
    if label_at is None:
        return "import_no_label"
    product_at = (split_at if split_at is not None else label_at) - 1
    product = folders[product_at] if product_at >= 0 else None
    label = folders[label_at].lower()
    place = (stem.lower(), "/".join(folders).lower())
    if label in NORMAL_WORDS:
        image = PlannedImage(path, "normal", split, label_depth=label_at + 1, split_named=split_at is not None)
        if product is None and split_at is None and product_code is None:
            # Layout 2 seen from inside its product's folder: the file's own name repeats the product.
            product = root_name if root_name and stem.lower().startswith(root_name.lower() + "_") else None
            return _Found(product, image, *place) if product else "import_product_missing"
        return _Found(product or root_name or product_code, image, *place)
    sub_folder = folders[label_at + 1] if label_at + 1 < len(folders) else None
    if label not in DEFECT_WORDS:
        defect, depth = folders[label_at], label_at + 1
    elif sub_folder is not None:
        defect, depth = sub_folder, label_at + 2
    else:
        depth = label_at + 1
        names = [name for name in (product, product_code, root_name) if name]
        named, defect = _read_file_name(stem, names)
        if product is None and named is not None and product_code is None:
            product = named
    if product is None and split_at is None and product_code is None:
        return "import_product_missing"
    found = PlannedImage(
        path,
        "defect",
        split,
        make_import_code(defect).lower(),
        defect,
        label_depth=depth,
        split_named=split_at is not None,
    )
    return _Found(product or root_name or product_code, found, *place)


def _read_file_name(stem: str, products: list[str]) -> tuple[str | None, str]:
    """Return (product, defect) of `PRODUCT_<defect>_<nnn>`; an unnamed defect where the name has another form."""
    body = re.sub(r"_\d+$", "", stem)
    if body == stem:
        return None, UNNAMED_DEFECT
    for product in products:
        if body.lower().startswith(product.lower() + "_") and len(body) > len(product) + 1:
            return product, body[len(product) + 1 :]
    return None, UNNAMED_DEFECT


def _label_index(folders: tuple[str, ...], labeled: frozenset[tuple[str, ...]]) -> int | None:
    """Return the folder that says normal or defect: the first whose neighbor says the other, else simply the first."""
    words = NORMAL_WORDS | DEFECT_WORDS
    found = [index for index, folder in enumerate(folders) if folder.lower() in words]
    beside = [index for index in found if tuple(part.lower() for part in folders[:index]) in labeled]
    return next(iter(beside or found), None)


def _label_roots(every: list[tuple[str, ...]]) -> frozenset[tuple[str, ...]]:
    """Return the folders that hold both a normal and a defect folder."""
    roots: list[set[tuple[str, ...]]] = [set(), set()]
    for parts in every:
        folders = tuple(part.lower() for part in parts[:-1])
        for index, folder in enumerate(folders):
            for words, holders in zip((NORMAL_WORDS, DEFECT_WORDS), roots, strict=True):
                if folder in words:
                    holders.add(folders[:index])
    return frozenset(roots[0] & roots[1])


def _attach_masks(
    images: list[_Found],
    masks: list[tuple[str, tuple[str, ...]]],
    root_name: str | None,
    unknown: list[tuple[str, str]],
) -> list[_Found]:
    beside: dict[tuple[str, str], list[int]] = {}
    by_type: dict[tuple[str | None, str | None, str], list[int]] = {}
    for number, found in enumerate(images):
        beside.setdefault((found.folder, found.stem), []).append(number)
        key = (_fold(found.product), found.image.defect_code, found.stem)
        by_type.setdefault(key, []).append(number)
    for path, parts in masks:
        stem = parts[-1].rpartition(".")[0].lower()
        folders = parts[:-1]
        mask_at = _last_index(folders[:-1], MASK_WORDS)
        if mask_at is None:
            owners = beside.get(("/".join(folders).lower(), stem.removesuffix(MASK_SUFFIX)), [])
        else:
            product = folders[mask_at - 1] if mask_at > 0 else root_name
            defect = make_import_code(folders[mask_at + 1]).lower()
            stems = (stem.removesuffix(MASK_SUFFIX), stem)
            owners = next((hit for s in stems if (hit := by_type.get((_fold(product), defect, s)))), [])
            # Training and test images may share numbers; the published sets mask the test images.
            tests = [number for number in owners if images[number].image.split == "test"]
            owners = tests or owners
        if not owners:
            unknown.append((path, "mask_without_image"))
        elif all(images[number].image.kind == "normal" for number in owners):
            unknown.append((path, "mask_of_normal_image"))
        for number in owners:
            if images[number].image.kind == "defect":
                images[number] = replace(images[number], image=replace(images[number].image, mask_path=path))
    return images


def _group(images: list[_Found], unknown: list[tuple[str, str]], product_code: str | None) -> ImportPlan:
    groups: dict[str, list[_Found]] = {}
    for found in images:
        if found.product is None:
            unknown.append((found.image.path, "import_product_missing"))
        else:
            groups.setdefault(make_import_code(found.product).lower(), []).append(found)
    if product_code is not None and len(groups) > 1:
        chosen = groups.pop(make_import_code(product_code).lower(), None)
        if chosen is None:
            names = sorted(str(found[0].product) for found in groups.values())
            raise BadInput("import_several_products", products=", ".join(names), product=product_code)
        unknown += [(found.image.path, "import_other_product") for group in groups.values() for found in group]
        groups = {product_code: chosen}
    products = []
    for group in groups.values():
        name = product_code or str(group[0].product)
        code = product_code or make_import_code(name)
        products.append(PlannedProduct(code, name, tuple(found.image for found in group)))
    return ImportPlan(tuple(sorted(products, key=lambda product: product.code)), tuple(sorted(unknown)))


def _split(path: str) -> tuple[str, ...]:
    text = unicodedata.normalize("NFC", path.replace("\\", "/"))
    return tuple(part for part in text.split("/") if part not in {"", "."})


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") and part not in {".", ".."} for part in path.split("/"))


def _last_index(folders: tuple[str, ...], words: Iterable[str]) -> int | None:
    known = frozenset(words)
    return max((index for index, folder in enumerate(folders) if folder.lower() in known), default=None)


def _fold(name: str | None) -> str | None:
    return None if name is None else name.lower()
