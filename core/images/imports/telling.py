"""What annotation files and the manifests of exports say of the images of an import, in the form of lists."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from core.images.annotations.finding import find_annotations
from core.images.annotations.reading import read_annotations
from core.images.annotations.records import AnnotatedImage
from core.images.annotations.yolo import NAME_FILES
from core.images.exports.facts import ProductFacts
from core.images.exports.manifest_reading import ImageFacts, read_exported
from core.images.imports.lists import LIST_FORMAT
from core.images.imports.records import DEFECT, NORMAL, LeftOut, Listing, Told
from core.images.imports.sources import ImportSource
from core.images.imports.words import GOOD, read_words

MANIFEST_FORMAT = "geomsa"
# Said, and nobody's loss: the rest of the place is taken in.
_HARMLESS = frozenset({"annotation_cut"})
_NAME_FILES = frozenset({*NAME_FILES, "labelmap.txt"})


@dataclass
class ToldByFiles:
    """What is told by image, the files that tell it (path and format), what was wrong in them, exported products."""

    told: dict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))
    about: dict[str, str] = field(default_factory=dict)
    problems: list[LeftOut] = field(default_factory=list)
    products: tuple[ProductFacts, ...] = ()


def read_told(source: ImportSource) -> ToldByFiles:
    """Return what manifests and annotation files among the files of a source say of its images."""
    found = ToldByFiles()
    exported = read_exported(source.files, sizes=source.sizes)
    products: dict[str, ProductFacts] = {}
    for path, facts in exported.images.items():
        found.told[path].append(_by_manifest(facts))
        products.setdefault(facts.product.code.casefold(), facts.product)
    found.products = tuple(products.values())
    found.about |= dict.fromkeys(sorted(exported.about), MANIFEST_FORMAT)
    found.problems += [LeftOut(path, code) for path, code in exported.problems]
    # Names of types stay readable: a file that was corrected since is read with them.
    files = {
        path: read
        for path, read in source.files.items()
        if path not in exported.about or path.rsplit("/", 1)[-1] in _NAME_FILES
    }
    annotating = find_annotations(files)
    if not annotating:
        return found
    masks = {facts.mask for facts in exported.images.values()}
    pictures = {path: read for path, read in files.items() if path not in masks}
    annotations = read_annotations(annotating, pictures, is_good_word=is_good_word)
    for path, image in annotations.images.items():
        if image.files and (image.is_good is not None or image.split):
            found.told[path].append(_by_annotation(image))
    for file in annotating:
        found.about[file.path] = file.format
        found.about |= dict.fromkeys(file.companions, file.format)
    found.about |= dict.fromkeys(sorted(annotations.companions), "voc")
    found.problems += [
        LeftOut(
            problem.path,
            problem.code,
            {key: value for key, value in problem.params.items() if key != "name"},
            matters=problem.code not in _HARMLESS,
        )
        for problem in annotations.problems
    ]
    return found


def is_annotated(listing: Listing, told: Told) -> bool:
    """Return whether an annotation file or a manifest says what an image shows, and not only a list."""
    return bool(told.kind) and listing.about.get(told.by, LIST_FORMAT) != LIST_FORMAT


def is_good_word(label: str) -> bool:
    """Return whether the label of an annotation means a good part."""
    return read_words(label).says == GOOD


def _by_annotation(image: AnnotatedImage) -> Told:
    kind = {True: NORMAL, False: DEFECT, None: ""}[image.is_good]
    return Told(
        kind,
        image.label if kind == DEFECT else "",
        split=image.split,
        regions=image.regions,
        by=image.files[0],
    )


def _by_manifest(facts: ImageFacts) -> Told:
    is_defect = facts.image_type == "defect"
    return Told(
        DEFECT if is_defect else NORMAL,
        facts.type_code if is_defect else "",
        facts.product.code,
        facts.split,
        (facts.mask,) if facts.mask else (),
        facts.part,
        facts.view,
        facts.regions,
        facts.by,
        is_sure=True,
        part_source=facts.part_source,
        good_kind="" if is_defect else facts.type_code,
        original_name=facts.original_name,
        domain=facts.domain,
    )
