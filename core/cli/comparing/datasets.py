"""Dataset versions in the terminal: made, listed, shown, exported, deleted."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.accounts import people
from core.catalog.products import find_named_product
from core.cli.terminal import StatusLine, language, to_json, write_note, write_out
from core.datasets.deleting import delete_dataset
from core.datasets.exporting import choose_images, make_manifest
from core.datasets.freezing import create_dataset
from core.datasets.reading import find_dataset, list_datasets
from core.datasets.records import DatasetHead, SplitRule
from core.datasets.splits import SPLITS
from core.datasets.wording import describe_warnings
from core.errors import BadInput, NotFound, describe
from core.services import Services, build_services

if TYPE_CHECKING:
    from core.access import Person
    from storage.tables import Product


def dataset(wanted: argparse.Namespace) -> int:
    """Make a dataset version, list those that there are, show, export or delete one; return 0, or 1 for a failure."""
    services = build_services()
    person = people.command_line_person(services)
    product = find_named_product(services, wanted.product)
    if wanted.action == "export":
        return _export(services, person, product, wanted)
    if wanted.action == "create":
        rule = SplitRule(wanted.val, wanted.test, wanted.seed, wanted.least, tuple(dict.fromkeys(wanted.domains)))
        found = [create_dataset(services, person, product.id, name=wanted.name, rule=rule)]
    elif wanted.action == "list":
        found = list_datasets(services, product.id)
    else:
        found = [_find(services, product, wanted.version)]
    if wanted.action == "delete":
        delete_dataset(services, person, found[0].id)
    for head in found:
        if wanted.json:
            write_out(to_json({"product": product.code, **head.to_json()}))
            continue
        write_out(_line(head))
        if wanted.action in {"create", "show"}:
            for line in _details(head):
                write_out(line)
            for text in describe_warnings(head.report, language()):
                write_note(text)
        if head.broken_reason:
            write_note(describe(head.broken_reason, {"number": head.number}, language()))
    return 0


def _find(services: Services, product: Product, number: int | None) -> DatasetHead:
    if number is not None:
        return find_dataset(services, product.id, number)
    found = list_datasets(services, product.id)
    if not found:
        raise NotFound("dataset_none_yet", product_code=product.code)
    return found[0]


def _export(services: Services, person: Person, product: Product, wanted: argparse.Namespace) -> int:
    from core.images.exports.making import start_export
    from core.images.exports.records import ExportChoice
    from core.images.exports.writing import write_folder, write_zip

    head = _find(services, product, wanted.version)
    target: Path = wanted.target
    if wanted.format == "manifest":
        data = make_manifest(services, person, head.id, "csv" if target.suffix.lower() == ".csv" else "json")
        try:
            target.write_bytes(data)
        except OSError as error:
            raise BadInput("export_target_unwritable", path=str(target)) from error
        count, left_out = head.report.n_images, 0
    else:
        choice = choose_images(services, person, head.id, ExportChoice(wanted.format))
        made = start_export(services, person, product.id, choice)
        status = StatusLine()
        write = write_zip if target.suffix.lower() == ".zip" else write_folder
        try:
            write(made, target, progress=lambda done, total: status.show("exporting images", f"{done}/{total}"))
        finally:
            status.clear()
        for name, reason in made.summary.left_out:
            write_note(describe(reason, {"name": name}, language()))
        count, left_out = made.summary.n_images, len(made.summary.left_out)
    if wanted.json:
        told = {"product": product.code, "dataset": head.number, "format": wanted.format, "path": str(target)}
        write_out(to_json({**told, "images": count, "left_out": left_out}))
    else:
        write_out(f"{target}: {count}")
    return 1 if left_out else 0


def _line(head: DatasetHead) -> str:
    counts = ", ".join(f"{split} {head.report.count(split)}" for split in SPLITS)
    name = f" {head.name}" if head.name else ""
    return f"{head.number}{name}  {head.created_at:%Y-%m-%d %H:%M}  {counts}  {head.content_hash[:12]}"


def _details(head: DatasetHead) -> list[str]:
    report = head.report
    rows = {label: {split: report.counts[split].get(label, 0) for split in SPLITS} for label in report.labels}
    rows["parts"] = {split: report.parts[split] for split in SPLITS}
    for domain in sorted(report.count_domains()):
        if domain:
            rows[f"domain {domain}"] = {split: report.domains[split].get(domain, 0) for split in SPLITS}
    width = max(len(name) for name in rows)
    lines = [
        f"  {name.ljust(width)}  " + "  ".join(f"{split} {count}" for split, count in counts.items())
        for name, counts in rows.items()
    ]
    sizes = ", ".join(
        f"{one.width_px}×{one.height_px}: {one.count}" if one.width_px else f"…: {one.count}" for one in report.sizes
    )
    return [*lines, f"  {'sizes'.ljust(width)}  {sizes}"] if sizes else lines
