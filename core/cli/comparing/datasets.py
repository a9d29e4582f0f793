"""Dataset versions in the terminal: made, listed, shown."""

from __future__ import annotations

import argparse

from core.accounts import people
from core.catalog.products import find_named_product
from core.cli.terminal import language, to_json, write_note, write_out
from core.datasets.freezing import create_dataset
from core.datasets.reading import find_dataset, list_datasets
from core.datasets.records import SPLITS, DatasetHead, SplitRule
from core.errors import NotFound, describe
from core.services import build_services


def dataset(wanted: argparse.Namespace) -> int:
    """Make a dataset version, list those that there are, or show one; the status is 0."""
    services = build_services()
    person = people.command_line_person(services)
    product = find_named_product(services, wanted.product)
    if wanted.action == "create":
        rule = SplitRule(wanted.val, wanted.test, wanted.seed)
        found = [create_dataset(services, person, product.id, name=wanted.name, rule=rule)]
    elif wanted.action == "list":
        found = list_datasets(services, product.id)
    elif wanted.version is not None:
        found = [find_dataset(services, product.id, wanted.version)]
    else:
        found = list_datasets(services, product.id)[:1]
        if not found:
            raise NotFound("dataset_none_yet", product_code=product.code)
    for head in found:
        if wanted.json:
            write_out(to_json({"product": product.code, **head.to_json()}))
            continue
        write_out(_line(head))
        if wanted.action != "list":
            for line in _details(head):
                write_out(line)
            for code in (*head.report.warnings, *([head.broken_reason] if head.broken_reason else [])):
                write_note(describe(code, {"number": head.number}, language()))
    return 0


def _line(head: DatasetHead) -> str:
    counts = ", ".join(f"{split} {head.report.count(split)}" for split in SPLITS)
    name = f" {head.name}" if head.name else ""
    return f"{head.number}{name}  {head.created_at:%Y-%m-%d %H:%M}  {counts}  {head.content_hash[:12]}"


def _details(head: DatasetHead) -> list[str]:
    report = head.report
    width = max((len(label) for label in report.labels), default=0)
    lines = []
    for label in report.labels:
        counts = "  ".join(f"{split} {report.counts[split].get(label, 0)}" for split in SPLITS)
        lines.append(f"  {label.ljust(width)}  {counts}")
    parts = ", ".join(f"{split} {report.parts[split]}" for split in SPLITS)
    return [*lines, f"  {'parts'.ljust(width)}  {parts}"]
