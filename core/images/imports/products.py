"""The products of the images of an import: named by folders, lists, files, the folder around all, or the person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.catalog.edits import CODE_PATTERN
from core.errors import BadInput
from core.images.imports.labels import BY_LAYOUT, BY_LIST, BY_MASK, Answer
from core.images.imports.names import make_import_code, split_path
from core.images.imports.records import LeftOut, Listing, PlannedImage, Question
from core.images.imports.words import NAME, is_generic, read_words

_EXAMPLES = 3
_MOST_CHOICES = 4


@dataclass(frozen=True)
class Assigned:
    """The images with their products, the codes by name, what is left out, what is asked, and of which images."""

    images: tuple[PlannedImage, ...]
    names: Mapping[str, str]
    left_out: tuple[LeftOut, ...]
    questions: tuple[Question, ...]
    missing: tuple[str, ...] = ()


def assign_products(
    images: Sequence[PlannedImage],
    answers: Mapping[str, Answer],
    listing: Listing,
    *,
    product: str,
    fixed: Mapping[str, str],
    of_top: str = "",
) -> Assigned:
    """Return the images of the products that are wanted.

    `product` is what the person names for everything: it overrides one name found and chooses among several. `fixed`
    are products that a person said of single images. `of_top` is what was said of the folder around everything: where
    nothing names the product of some images, that was asked, and it is theirs alone; else it is that of all. Raises
    BadInput import_several_products.
    """
    product = product.strip()
    named = [_name(image, answers[image.path], listing, product) for image in images]
    if of_top:
        nameless = [image.path for image in named if not image.product and image.path not in fixed]
        fixed = {**dict.fromkeys(nameless or [image.path for image in named], of_top), **fixed}
    groups: dict[str, list[PlannedImage]] = {}
    for image in named:
        if image.path not in fixed and image.product:
            groups.setdefault(make_import_code(image.product).casefold(), []).append(image)
    left_out: list[LeftOut] = []
    chosen: str | None = None
    if product and len(groups) > 1:
        chosen = make_import_code(product).casefold()
        if chosen not in groups:
            names = sorted(found[0].product for found in groups.values())
            raise BadInput("import_several_products", products=", ".join(names), product=product)
    names_of = {key: found[0].product for key, found in groups.items()}
    kept: list[PlannedImage] = []
    missing: list[PlannedImage] = []
    for image in named:
        if image.path in fixed:
            kept.append(replace(image, product=fixed[image.path]))
            continue
        key = make_import_code(image.product).casefold() if image.product else ""
        if chosen is not None and key not in {chosen, ""}:
            left_out.append(LeftOut(image.path, "import_other_product", matters=False))
        elif product:
            kept.append(replace(image, product=product))
        elif image.product:
            kept.append(replace(image, product=names_of[key]))
        else:
            missing.append(image)
    questions = (_ask(missing, listing),) if missing else ()
    told = questions[0].params if questions else {}
    left_out += [LeftOut(image.path, "import_product_missing", told) for image in missing]
    codes = {image.product: _code(image.product, typed=bool(product) or image.path in fixed) for image in kept}
    return Assigned(tuple(kept), codes, tuple(left_out), questions, tuple(image.path for image in missing))


def _code(name: str, *, typed: bool) -> str:
    return name if typed and re.fullmatch(CODE_PATTERN, name) else make_import_code(name)


def _name(image: PlannedImage, found: Answer, listing: Listing, product: str) -> PlannedImage:
    """Return the image with the name of the folder around everything, where that may be its product."""
    root = listing.root_name
    if image.product or product or not root or is_generic(root):
        return image
    stem = image.path.rsplit("/", 1)[-1].casefold()
    if found.has_split or found.reason in {BY_LIST, BY_MASK, BY_LAYOUT} or stem.startswith(f"{root.casefold()}_"):
        return replace(image, product=root)
    return image


def _ask(missing: Sequence[PlannedImage], listing: Listing) -> Question:
    tops = sorted({"/".join(split_path(image.path)[:-1][:2]) or "." for image in missing})
    # A folder that only some of the images lie in (a class, a part) is no product of all.
    around = set.intersection(*(set(split_path(image.path)[:-1]) for image in missing))
    words = {part for part in around if read_words(part).says == NAME or not read_words(part).is_plain}
    names = [listing.root_name] if listing.root_name and not is_generic(listing.root_name) else []
    names += sorted(words - set(names))
    return Question(
        "import_product_missing",
        "",
        tuple(f"product:{name}" for name in names[:_MOST_CHOICES]),
        len(missing),
        tuple(image.path for image in missing[:_EXAMPLES]),
        {"folders": ", ".join(tops[:10]) + (" …" if len(tops) > 10 else "")},
    )
