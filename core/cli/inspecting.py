"""The commands that put models to work: inspect files, measure on the test images."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from core.accounts import people
from core.catalog import products
from core.catalog.names import spoken_name
from core.cli.catalog.viewing import choose
from core.cli.terminal import StatusLine, language, to_json, write_note, write_out
from core.errors import BadInput, NotFound, NotReady
from core.images.notes import describe_note, notes_to_check
from core.services import build_services


def inspect(wanted: argparse.Namespace) -> int:
    """Inspect files, or parts by their views; a file that fails has its error, and the others go on."""
    from core.cli.comparing.inspecting_views import inspect_by_views
    from core.inspections.batch import inspect_many
    from core.inspections.by_view.examining import views_to_inspect
    from core.inspections.description import describe_record
    from core.inspections.loading import PartFile
    from core.inspections.part_details import PartDetails

    services = build_services()
    person = people.command_line_person(services)
    product = products.find_named_product(services, wanted.product)
    if not wanted.images and not wanted.view:
        raise BadInput("inspect_without_files")
    if views := views_to_inspect(services, product.id):
        return inspect_by_views(services, person, product, views, wanted)
    if wanted.view:
        raise NotReady("product_without_views", product=spoken_name(product))
    details = PartDetails(source="cli")
    files = (PartFile(path.name, partial(_read, path), details) for path in wanted.images)
    failed = False
    for outcome in inspect_many(services, person, product_id=product.id, files=files):
        result: dict[str, Any] = {"file": str(wanted.images[outcome.place])}
        if outcome.record is not None:
            result |= describe_record(outcome.record)
        elif outcome.error is not None:
            failed = True
            result |= {"error": {"code": outcome.error.code, "message": outcome.error.sentence(language())}}
        write_out(to_json(result) if wanted.json else to_line(result))
        for note in notes_to_check(result.get("notes", ())):
            write_note(f"{result['file']}: {describe_note(note, language())}")
    return 1 if failed else 0


def _read(path: Path) -> bytes:
    from inference.vision.images.decode import MAX_BYTES

    try:
        if path.is_dir():
            raise BadInput("path_is_folder", name=path.name)
        if path.stat().st_size > MAX_BYTES:
            raise BadInput("image_too_many_bytes", name=path.name, limit=MAX_BYTES)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound("path_not_found", path=str(path)) from error
    except OSError as error:
        raise BadInput("path_unreadable", name=path.name) from error


def to_line(result: dict[str, Any]) -> str:
    """Return one line for people: of what `describe_record` gives, or of an error."""
    if "error" in result:
        return f"{result['file']}: {result['error']['message']}"
    line = f"{result['file']}: {result['verdict'].upper()}  {result['score']:.4f}"
    line += f"  (review at {result['review_at']:.4f}, reject at {result['reject_at']:.4f})"
    return line + (f"  {result['suggested_defect_type']}" if result["suggested_defect_type"] else "")


def evaluate(wanted: argparse.Namespace) -> int:
    """Measure the active model on the product's test images; of a product with views, that of each, or of one."""
    from core.deployments.evaluation import evaluate as measure

    services = build_services()
    product = products.find_named_product(services, wanted.product)
    status = StatusLine()
    for view in choose(services, product, wanted.view):
        show = partial(_show_progress, status, view)
        result = measure(services, product, view=view, progress=show)
        status.clear()
        if wanted.json:
            write_out(to_json(result))
        else:
            for key, value in result.items():
                write_out(f"{key}: {value if isinstance(value, str | int | float) else to_json(value)}")
    return 0


def _show_progress(status: StatusLine, view: str, done: int, total: int) -> None:
    status.show(f"inspecting {view}".strip(), f"{done}/{total}")
