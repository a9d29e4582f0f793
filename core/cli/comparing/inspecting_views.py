"""Inspecting parts by their views from the terminal: named files of one part, or files and folders by their names."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.access import WORKER, require_role
from core.catalog.views import View
from core.cli.terminal import language, to_json, write_note, write_out
from core.errors import AppError, BadInput, NotFound
from core.images.notes import describe_note, notes_to_check

if TYPE_CHECKING:
    from core.access import Person
    from core.inspections.by_view.examining import ViewPicture
    from core.services import Services
    from storage.tables import Product


def inspect_by_views(
    services: Services, person: Person, product: Product, views: Sequence[View], wanted: argparse.Namespace
) -> int:
    """Inspect the parts that the arguments name, one line each; 1 where a part or a picture of one failed."""
    from core.inspections.by_view.inspection import inspect_views
    from core.inspections.description import describe_record
    from core.inspections.part_details import PartDetails

    require_role(services, person, WORKER)
    codes = [view.code for view in views]
    failed = False
    for part, files, problem in _find_parts(wanted, codes):
        result: dict[str, Any] = {"part": part, "files": [str(path) for _, path in files]}
        try:
            if problem is not None:
                raise problem
            details = PartDetails(source="cli", serial=part)
            pictures = [_read(view, path) for view, path in files]
            done = inspect_views(services, person, product_id=product.id, pictures=pictures, part=details)
            result |= describe_record(done.record, language=language())
        except AppError as error:
            failed = True
            result |= {"error": {"code": error.code, "message": error.sentence(language())}}
        failed = failed or any("error" in one for one in result.get("views", ()))
        write_out(to_json(result) if wanted.json else _to_line(result))
        for note in notes_to_check(result.get("notes", ())):
            write_note(f"{part or result['files'][0]}: {describe_note(note, language())}")
    return 1 if failed else 0


def _find_parts(
    wanted: argparse.Namespace, codes: Sequence[str]
) -> Iterator[tuple[str, list[tuple[str, Path]], AppError | None]]:
    """Yield each part with its files by view; a file that tells no view comes alone with what is wrong with it."""
    from core.inspections.by_view.naming import group_by_part

    if wanted.view:
        files = [_split(given) for given in wanted.view]
        yield "", files, None
    paths = {str(path): path for given in wanted.images for path in _list(given)}
    # By the name below the folder that was given: what lies above it names no view.
    names = {
        str(path.relative_to(given) if given.is_dir() else path.name): path
        for given in wanted.images
        for path in _list(given)
    }
    if len(names) < len(paths):
        names = paths
    parts, untold = group_by_part(names, codes)
    for part, found in parts.items():
        yield part, [(one.view, names[one.name]) for one in found], None
    for name in untold:
        problem = BadInput("file_names_no_view", name=names[name].name, view=codes[0])
        yield "", [("", names[name])], problem


def _list(given: Path) -> list[Path]:
    from core.images.imports.names import IMAGE_ENDINGS

    if not given.is_dir():
        return [given]
    return sorted(
        path for path in given.rglob("*") if path.is_file() and path.suffix.lower().lstrip(".") in IMAGE_ENDINGS
    )


def _split(given: str) -> tuple[str, Path]:
    view, sign, path = given.partition("=")
    if not sign or not view.strip() or not path.strip():
        raise BadInput("view_argument_wrong", given=given[:80])
    return view.strip(), Path(path)


def _read(view: str, path: Path) -> ViewPicture:
    from core.inspections.by_view.examining import ViewPicture
    from inference.vision.images.decode import MAX_BYTES

    try:
        if path.is_dir():
            raise BadInput("path_is_folder", name=path.name)
        if path.stat().st_size > MAX_BYTES:
            raise BadInput("image_too_many_bytes", name=path.name, limit=MAX_BYTES)
        return ViewPicture(view, path.read_bytes(), path.name)
    except FileNotFoundError as error:
        raise NotFound("path_not_found", path=str(path)) from error
    except OSError as error:
        raise BadInput("path_unreadable", name=path.name) from error


def _to_line(result: dict[str, Any]) -> str:
    name = result["part"] or ", ".join(result["files"])
    if "error" in result:
        return f"{name}: {result['error']['message']}"
    line = f"{name}: {result['verdict'].upper()}"
    line += f" {result['found_as']}" if result["found_as"] else ""
    line += f"  {result['score']:.4f}  (review at {result['review_at']:.4f}, reject at {result['reject_at']:.4f})"
    for view in result["views"]:
        told = view["error"]["message"] if "error" in view else f"{view['probability']:.4f} ({view['score']:.4f})"
        line += f"  {view['view']}: {told}"
    if result["missing_views"]:
        line += f"  missing: {', '.join(result['missing_views'])}"
    return line
