"""Importing images: planned, shown, stored; what is left out is named, and what is open is asked."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.accounts import people
from core.catalog import defect_types, products
from core.cli.deploying import write_notices
from core.cli.images.intake_check import check_imported
from core.cli.images.plan_table import left_out_lines, plan_lines, product_lines, question_lines
from core.cli.terminal import StatusLine, language, to_json, write_note, write_out
from core.errors import BadInput, NotFound, describe
from core.i18n import N_, translate
from core.services import Services, build_services

if TYPE_CHECKING:
    from core.images.exposures.assignment import NamedParts
    from core.images.imports.folder_import import ImportSummary
    from core.images.imports.records import ImportPlan
    from core.images.records import FileOutcome

# Of many files with one note, so many are named.
NAMED_AT_MOST = 3
IDS_AT_ONCE = 500
FAILED, LEFT_OUT = 1, 3


def import_images(wanted: argparse.Namespace) -> int:
    """Import a folder or ZIP, or with --plan say what would be imported; return 0, 1 (refused) or 3 (left out)."""
    from core.images.exposures.rules import read_rule
    from core.images.imports.folder_import import import_path
    from core.images.notes import gather_to_check

    services = build_services(migrate=True, patient=True)
    person = people.command_line_person(services)
    if not wanted.path.exists():
        raise NotFound("path_not_found", path=str(wanted.path))
    status, lang = StatusLine(), language()
    status.show(translate(lang, N_("reading what there is")))
    doing = translate(lang, N_("importing images"))
    summary = import_path(
        services,
        person,
        wanted.path,
        product=_find_product(services, wanted.product),
        as_role="/".join(filter(None, (wanted.as_role, f"domain:{wanted.domain}" if wanted.domain else ""))),
        decisions=dict(wanted.mapping),
        part_rule=read_rule(wanted.part_rule) if wanted.part_rule is not None else None,
        part_list=_read_part_list(wanted.parts) if wanted.parts is not None else None,
        test_share=wanted.test_share,
        split_seed=max(0, wanted.split_seed),
        plan_only=wanted.plan,
        progress=lambda done, total: status.show(doing, f"{done}/{total}"),
    )
    status.clear()
    for outcome in summary.outcomes:
        if outcome.outcome != "added":
            write_note(_describe_outcome(outcome, lang))
    to_check = gather_to_check(summary.outcomes)
    for note, found in to_check.items():
        write_check(note, found)
    write_notices(services, [products.find_product(services, code).id for code in summary.products])
    asked = {question.code for question in summary.plan.questions}
    for line in left_out_lines([one for one in summary.plan.left_out if one.reason not in asked], lang):
        write_note(line)
    _name_what_has_no_part(summary.parts, lang)
    for line in question_lines(summary.plan, lang):
        write_note(line)
    checked: Mapping[str, Any] = {}
    if not wanted.plan and not wanted.no_check:
        checked = check_imported(services, person, summary, status)
    _write(services, summary, {note: len(found) for note, found in to_check.items()}, checked, wanted)
    return _status(summary, plan_only=wanted.plan)


def _describe_outcome(outcome: FileOutcome, lang: str) -> str:
    """Return why a file was not added; with its name, where the sentence has it not."""
    said = outcome.error.sentence(lang) if outcome.error else str(outcome.duplicate_of)
    word = translate(lang, N_("already here") if outcome.outcome == "duplicate" else N_("refused"))
    return f"{word}: {said}" if outcome.name in said else f"{outcome.name}: {word}: {said}"


def _write(
    services: Services,
    summary: ImportSummary,
    notes: Mapping[str, int],
    checked: Mapping[str, Any],
    wanted: argparse.Namespace,
) -> None:
    from core.images.imports.summary import count_products, questions_to_json

    lang = language()
    if wanted.plan:
        counts = count_products(summary.plan)
    else:
        kept = [one.name for one in summary.outcomes if one.outcome in {"added", "duplicate"}]
        masks = [one.name for one in summary.outcomes if one.outcome == "added" and "mask" in one.notes]
        types = {code: _type_codes(services, code) for code in summary.products}
        plan = _as_stored(services, summary)
        counts = count_products(plan, stored=kept, masks=masks, codes=summary.codes, type_codes=types)
    if not wanted.json:
        for line in plan_lines(summary.plan, lang) if wanted.plan else ():
            write_out(line)
        for line in product_lines(counts, lang):
            write_out(line)
        return
    refused = [one for one in summary.outcomes if one.outcome == "refused"]
    told: dict[str, object] = {
        "products": counts,
        "left_out": [
            *({"path": one.name, "reason": one.error.code if one.error else "refused"} for one in refused),
            *({"path": one.path, "reason": one.reason} for one in summary.plan.left_out),
        ],
        "questions": questions_to_json(summary.plan, lang),
    }
    if not wanted.plan:
        # A mask has an outcome of its own; what was added is counted in images.
        told |= {kind: len(_counted(summary, kind)) for kind in ("added", "duplicate", "refused")}
    told |= {"parts": summary.parts.n_parts, "images_with_part": len(summary.parts.parts), **checked}
    write_out(to_json(told | ({"notes": dict(notes)} if notes else {})))


def _as_stored(services: Services, summary: ImportSummary) -> ImportPlan:
    """Return the plan in which images that were there before are what they are stored as, whatever was planned."""
    from core.images.library import get_images

    known = {one.name: one.image_id for one in summary.outcomes if one.outcome == "duplicate" and one.image_id}
    ids = sorted(set(known.values()))
    pieces = (ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE))
    rows = {row.id: row for piece in pieces for row in get_images(services, piece)}
    codes: dict[int | None, str] = {
        kind.id: kind.code
        for product_id in {row.product_id for row in rows.values()}
        for kind in defect_types.list_defect_types(services, product_id, include_inactive=True)
    }
    stored = {name: rows[image_id] for name, image_id in known.items() if image_id in rows}
    return replace(
        summary.plan,
        images=tuple(
            image
            if (row := stored.get(image.path)) is None
            else replace(
                image,
                kind="defect" if row.image_type == "defect" else "normal",
                split=row.split,  # type: ignore[arg-type]
                defect_name=(code := codes.get(row.defect_type_id, "")),
                defect_code=code,
            )
            for image in summary.plan.images
        ),
    )


def _counted(summary: ImportSummary, kind: str) -> list[FileOutcome]:
    told = [one for one in summary.outcomes if one.outcome == "refused" or "mask" not in one.notes]
    return [one for one in told if one.outcome == kind]


def _status(summary: ImportSummary, *, plan_only: bool) -> int:
    if any(one.outcome == "refused" for one in summary.outcomes):
        return FAILED
    taken_in = bool(summary.plan.images) if plan_only else any(summary.outcomes)
    if not taken_in:
        return LEFT_OUT if plan_only else FAILED
    return LEFT_OUT if summary.plan.loses_images else 0


def _find_product(services: Services, text: str | None) -> str:
    """Return the code of the product that is named, or the name of one to be made."""
    if text is None or not text.strip():
        return ""
    try:
        return products.find_named_product(services, text).code
    except NotFound:
        return text.strip()


def _type_codes(services: Services, product_code: str) -> dict[str, str]:
    product = products.find_product(services, product_code)
    rows = defect_types.list_defect_types(services, product.id, include_inactive=True)
    found: dict[str, str] = {}
    for row in rows:
        for name in (row.name_ko, row.name_en, row.code):
            found[name.casefold()] = row.code
    return found


def _read_part_list(path: Path) -> dict[str, str]:
    from core.images.exposures.lists import read_part_list

    try:
        return read_part_list(path.read_bytes(), name=path.name)
    except FileNotFoundError as error:
        raise NotFound("path_not_found", path=str(path)) from error
    except OSError as error:
        raise BadInput("path_unreadable", name=str(path)) from error


def _name_what_has_no_part(parts: NamedParts, lang: str) -> None:
    for code, names in (
        ("part_list_path_unknown", parts.unknown),
        ("part_not_listed", parts.unlisted),
        ("part_rule_misses", parts.unfitting),
    ):
        for name in names:
            write_note(describe(code, {"name": name}, lang))


def write_check(note: str, found: list[FileOutcome]) -> None:
    """Write what is to be looked at: a line for each mask, which differ, and one for all images of one note."""
    from core.images.notes import describe_note

    if note.startswith("mask_"):
        for outcome in found:
            write_note(f"{outcome.name}: {describe_note(note, language(), mask_share=outcome.mask_share)}")
        return
    named = ", ".join(outcome.name for outcome in found[:NAMED_AT_MOST]) + (" …" if len(found) > NAMED_AT_MOST else "")
    write_note(f"{named}: {len(found)}: {describe_note(note, language())}")
