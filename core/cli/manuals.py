"""Manuals and what they say: taking PDF files in, listing and removing them, asking for the steps of a defect."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.accounts import people
from core.catalog.products import find_named_product, list_products
from core.cli.terminal import StatusLine, language, name_some, to_json, write_note, write_out
from core.errors import NotFound
from core.i18n import N_, translate, translate_plural
from core.services import Services, build_services

if TYPE_CHECKING:
    from core.guidance.previews import Preview
    from core.guidance.records import Source
    from core.manuals.ingest import ManualOutcome
    from core.manuals.library import ManualView
    from inference.language.guidance import Step

_STATES = {
    "indexed": N_("Indexed"),
    "not_indexed": N_("Not indexed yet"),
    "out_of_date": N_("Out of date"),
    "failed": N_("Not readable"),
}


def add_manual_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the arguments of `manual` and `guidance`."""
    manual = commands.add_parser("manual", help="the manuals that corrective steps are quoted from")
    actions = manual.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser(
        "add",
        help="add a PDF file to a product",
        description="Adds a PDF file to a product's manuals. Its steps are quoted from the next build of the manual "
        "index on: python -m core deploy manual-index --product CODE.",
        epilog="exit status: 0 added, or there already; 1 refused, and why is said",
    )
    add.add_argument("file", type=Path, metavar="FILE")
    add.add_argument("--product", required=True, metavar="CODE|NAME", help="the product, by its code or a name")
    add.add_argument("--title", metavar="TITLE", help="what it is called (default: its own title, or its file's name)")
    add.add_argument("--language", choices=("ko", "en"), help="the language of the manual (default: as its text tells)")
    add.add_argument("--json", action="store_true", help="one JSON object")
    listing = actions.add_parser("list", help="the manuals with their state in the index")
    listing.add_argument("--product", metavar="CODE|NAME", help="of one product alone, by its code or a name")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    actions.add_parser("remove", help="delete a manual for good").add_argument("id", type=int, metavar="ID")

    guidance = commands.add_parser(
        "guidance",
        help="the corrective steps that the manuals give for a defect type",
        description="Asks the manual index in use what a worker would be shown for a defect type, or for free words: "
        "the manual's own steps, each with the manual and the page it stands on. Nothing is stored.",
        epilog="exit status: 0 asked, whether or not the manuals say something (found); 1 could not be asked (no such "
        "product or type, no manual index), and why is said",
    )
    guidance.add_argument("--product", required=True, metavar="CODE|NAME", help="the product, by its code or a name")
    guidance.add_argument("--type", metavar="CODE|NAME", help="the defect type, by its code or a name")
    guidance.add_argument("--question", default="", metavar="TEXT", help="free words, alone or about the type")
    guidance.add_argument("--language", choices=("ko", "en"), help="the language asked in (default: the terminal's)")
    guidance.add_argument("--json", action="store_true", help="one JSON object")


def manual(wanted: argparse.Namespace) -> int:
    """Add, list or remove manuals."""
    services = build_services(migrate=True)
    if wanted.action == "add":
        return _add(services, wanted)
    if wanted.action == "list":
        return _list(services, wanted)
    from core.manuals.library import delete_manual

    try:
        gone = delete_manual(services, people.command_line_person(services), wanted.id)
    except NotFound as error:
        raise NotFound("manual_unknown", number=wanted.id) from error
    words = translate(language(), N_("{number}: {title} ({name}) is deleted."))
    write_note(words.format(number=gone.id, title=gone.title, name=gone.original_name))
    return 0


def guidance(wanted: argparse.Namespace) -> int:
    """Say what the manuals tell a worker to do about a defect type."""
    from core.guidance.previews import find_meant_type, preview_guidance

    services = build_services(migrate=True)
    product = find_named_product(services, wanted.product)
    type_id = find_meant_type(services, product.id, wanted.type).id if wanted.type else None
    asked_in = wanted.language or language()
    preview = preview_guidance(
        services,
        people.command_line_person(services),
        product_id=product.id,
        language=asked_in,
        question=wanted.question,
        defect_type_id=type_id,
    )
    if wanted.json:
        write_out(to_json(to_answer(preview)))
    else:
        _write_steps(preview)
    return 0


def to_answer(preview: Preview) -> dict[str, Any]:
    """Return the JSON object of `guidance --json`."""
    sources = {source.number: source for source in preview.sources}
    return {
        "product": preview.product.code,
        "defect_type": None if preview.defect_type is None else preview.defect_type.code,
        "found": preview.found,
        "steps": [
            {"section": section.name, "text": step.text, **_place(step, sources)}
            for section in preview.guidance.sections
            for step in section.steps
        ],
    }


def _place(step: Step, sources: dict[int, Source]) -> dict[str, Any]:
    source = next((sources[number] for number in step.citations if number in sources), None)
    return {
        "manual": None if source is None else source.manual_title,
        "page": None if source is None else source.page,
    }


def _write_steps(preview: Preview) -> None:
    from core.inspections.terms import STEP_TITLES

    if not preview.found:
        write_note(translate(language(), N_("The manuals say nothing about it.")))
    sources = {source.number: source for source in preview.sources}
    for section in preview.guidance.sections:
        write_out(translate(language(), STEP_TITLES[section.name]))
        for step in section.steps:
            place = _place(step, sources)
            write_out(f"  - {step.text}" + (f"  [{place['manual']}, {place['page']}]" if place["manual"] else ""))


def _add(services: Services, wanted: argparse.Namespace) -> int:
    from core.images.records import IncomingFile
    from core.manuals.library import add_manuals, get_manual

    product = find_named_product(services, wanted.product)
    line = StatusLine()
    (outcome,) = add_manuals(
        services,
        people.command_line_person(services),
        product_id=product.id,
        files=[IncomingFile(wanted.file.name, wanted.file.read_bytes)],
        language=wanted.language,
        title=wanted.title,
        progress=lambda name, done, total: line.show(name, f"{done}/{total}"),
    )
    line.clear()
    title = None if outcome.manual_id is None else get_manual(services, outcome.manual_id).title
    if wanted.json:
        write_out(to_json(_describe_outcome(outcome, product.code, title)))
    elif outcome.error is None:
        write_out(f"{outcome.manual_id}  {title}  {_count_pages(outcome.page_count)}")
    if outcome.error is not None:
        write_note(outcome.error.sentence(language()))
    if outcome.pages_without_text:
        pages = name_some([str(page) for page in outcome.pages_without_text])
        words = translate(language(), N_("{name}: pages without text, which are not found: {pages}"))
        write_note(words.format(name=outcome.name, pages=pages))
    return 1 if outcome.outcome == "refused" else 0


def _describe_outcome(outcome: ManualOutcome, product_code: str, title: str | None) -> dict[str, Any]:
    error = outcome.error
    return {
        "file": outcome.name,
        "product": product_code,
        "outcome": outcome.outcome,
        "id": outcome.manual_id,
        "title": title,
        "pages": outcome.page_count,
        "pages_without_text": list(outcome.pages_without_text),
        "language": outcome.language,
        "error": None if error is None else {"code": error.code, "message": error.sentence(language())},
    }


def _list(services: Services, wanted: argparse.Namespace) -> int:
    from core.manuals.library import list_manuals

    product_id = find_named_product(services, wanted.product).id if wanted.product else None
    codes = {one.product.id: one.product.code for one in list_products(services, include_inactive=True)}
    for view in list_manuals(services, product_id):
        if wanted.json:
            write_out(to_json(_describe_manual(view, codes[view.manual.product_id])))
            continue
        row = view.manual
        state = translate(language(), _STATES[view.state])
        write_out(f"{row.id}  {codes[row.product_id]}  {row.title}  {_count_pages(row.page_count)}  {state}")
        if view.failure is not None:
            write_note(f"{row.id}: {view.failure.sentence(language())}")
    return 0


def _count_pages(count: int) -> str:
    return translate_plural(language(), "{count} page", "{count} pages", count).format(count=count)


def _describe_manual(view: ManualView, product_code: str) -> dict[str, Any]:
    row, failure = view.manual, view.failure
    return {
        "id": row.id,
        "product": product_code,
        "title": row.title,
        "file": row.original_name,
        "bytes": row.byte_size,
        "pages": row.page_count,
        "pages_without_text": row.pages_without_text or [],
        "language": row.language,
        "added_at": row.created_at.isoformat(),
        "state": view.state,
        "index_version": view.version_number,
        "error": None if failure is None else {"code": failure.code, "message": failure.sentence(language())},
    }
