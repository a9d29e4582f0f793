"""Exporting the images of a product, and the arguments of that command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.accounts import people
from core.catalog.products import find_named_product
from core.cli.terminal import StatusLine, language, to_json, write_note, write_out
from core.errors import describe
from core.i18n import N_, translate
from core.images.exports.records import HEADER_NAME
from core.services import build_services

if TYPE_CHECKING:
    from core.images.exports.making import Export

FORMATS = ("folders", "coco", "yolo", "voc", "csv")
SPLITS = ("train", "val", "test")


def add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "export",
        help="export a product's images with labels, regions and masks",
        description="Writes the images as they were uploaded, in a format that other programs read, with a manifest "
        "(geomsa-export.json) of hashes, labels, splits, parts, views, names and the license notice. `import` reads "
        "all of it back. Nothing is left half-written.",
        epilog="exit status: 0 everything was written; 1 failed, or images were left out (each is named)",
    )
    parser.add_argument("product", metavar="PRODUCT", help="the product, by its code or name")
    parser.add_argument("target", type=Path, metavar="DIR", help="a folder that is new or empty; with --zip a file")
    parser.add_argument("--format", choices=FORMATS, default="folders", help="default: folders, as in MVTec AD")
    parser.add_argument("--zip", action="store_true", help="one ZIP file (DIR with .zip added, unless it ends so)")
    parser.add_argument(
        "--split", action="append", choices=SPLITS, default=[], help="only these images; may be given several times"
    )
    parser.add_argument("--only", choices=("normal", "defect"), default="", help="only normal or only defect images")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def export(wanted: argparse.Namespace) -> int:
    """Export a product's images; name every image that was left out and why."""
    from core.images.exports.making import start_export
    from core.images.exports.records import ExportChoice
    from core.images.exports.writing import write_folder, write_zip

    services = build_services(migrate=True, patient=True)
    person = people.command_line_person(services)
    product = find_named_product(services, wanted.product)
    choice = ExportChoice(wanted.format, tuple(dict.fromkeys(wanted.split)), wanted.only)
    made = start_export(services, person, product.id, choice)
    as_zip = wanted.zip or wanted.target.suffix.lower() == ".zip"
    target = wanted.target
    if as_zip and target.suffix.lower() != ".zip":
        target = target.with_name(f"{target.name}.zip")
    status, doing = StatusLine(), translate(language(), N_("exporting images"))
    try:
        (write_zip if as_zip else write_folder)(
            made, target, progress=lambda done, total: status.show(doing, f"{done}/{total}")
        )
    finally:
        status.clear()
    _tell(made, target, as_json=wanted.json)
    return 1 if made.summary.left_out else 0


def _tell(made: Export, target: Path, *, as_json: bool) -> None:
    lang = language()
    summary = made.summary
    for name, code in summary.left_out:
        write_note(describe(code, {"name": name}, lang))
    counts: dict[str, Any] = {
        "images": summary.n_images,
        "masks": summary.n_masks,
        "regions": summary.n_regions,
        "bytes": summary.n_bytes,
    }
    left_out = [{"name": name, "reason": code} for name, code in summary.left_out]
    if summary.beside_format:
        write_note(describe_beside(made, lang))
    if as_json:
        write_out(
            to_json(
                {
                    "product": made.product.code,
                    "format": made.choice.format,
                    "path": str(target),
                    **counts,
                    **{kind: summary.counts.get(kind, 0) for kind in ("normal", "defect", *SPLITS)},
                    "only_in_manifest": dict(sorted(summary.beside_format.items())),
                    "left_out": left_out,
                }
            )
        )
        return
    words = translate(lang, N_("{target}: images {images}, masks {masks}, regions {regions}, bytes {bytes}"))
    write_out(words.format(target=target, **counts))


def describe_beside(made: Export, lang: str) -> str:
    """Return which facts of these images only the manifest keeps, with how many images have them."""
    from core.images.exports.limits import FACT_NAMES

    facts = [
        translate(lang, words) + (f" ({count})" if (count := made.summary.beside_format[fact]) else "")
        for fact, words in FACT_NAMES.items()
        if fact in made.summary.beside_format
    ]
    sentence = N_("Other programs do not see in this format: {facts}. They are in {name}, which an import reads.")
    return translate(lang, sentence).format(facts=", ".join(facts), name=HEADER_NAME)
