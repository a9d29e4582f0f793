"""The trash of a product's images in the terminal: listed, put back, emptied."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from core.accounts import people
from core.catalog.products import find_named_product
from core.cli.terminal import language, to_json, write_note, write_out
from core.errors import BadInput, describe
from core.services import Services, build_services

if TYPE_CHECKING:
    from core.access import Person
    from core.images.trash.listing import TrashLine
    from storage.tables import Product


def add_trash(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `trash`."""
    parser = commands.add_parser("trash", help="deleted images, which can be put back for 30 days")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what lies in a product's trash, the last deleted first")
    restoring = actions.add_parser(
        "restore",
        help="put images back with their labels, masks and regions",
        epilog="exit status: 0 all are back; 1 something stands in the way of one (it is named), or nothing was there",
    )
    emptying = actions.add_parser("empty", help="delete everything in a product's trash for good")
    for action in (listing, restoring, emptying):
        action.add_argument("--product", required=True, metavar="CODE|NAME")
        action.add_argument("--json", action="store_true", help="one JSON object a line")
    restoring.add_argument("ids", nargs="*", type=int, metavar="ID", help="their numbers in the list of the trash")
    restoring.add_argument("--all", action="store_true", help="everything in the product's trash")
    emptying.add_argument("--yes", action="store_true", help="really: what is deleted for good does not come back")


def trash(wanted: argparse.Namespace) -> int:
    """List the trash of a product, put images back, or delete all of them for good; return the exit status."""
    services = build_services(migrate=True, patient=True)
    person = people.command_line_person(services)
    product = find_named_product(services, wanted.product)
    work = {"list": _list, "restore": _restore, "empty": _empty}[wanted.action]
    return work(services, person, product, wanted)


def _list(services: Services, person: Person, product: Product, wanted: argparse.Namespace) -> int:
    for line in _iterate(services, person, product):
        deleted_at = line.deleted_at.isoformat(timespec="seconds")
        if wanted.json:
            write_out(to_json({**asdict(line), "deleted_at": deleted_at}))
        else:
            told = (line.id, line.stored_name, line.image_type, line.split, deleted_at, line.deleted_by, line.days_left)
            write_out("\t".join(str(value) for value in told))
    return 0


def _restore(services: Services, person: Person, product: Product, wanted: argparse.Namespace) -> int:
    from core.images.trash.restoring import restore_images

    there = [line.id for line in _iterate(services, person, product)]
    if not wanted.ids and not wanted.all:
        raise BadInput("trash_ids_missing")
    # A number of another product's trash is a slip.
    missing = [number for number in wanted.ids if number not in there]
    for number in missing:
        write_note(f"{number}: {describe('not_found', {}, language())}")
    ids = there if wanted.all else [number for number in dict.fromkeys(wanted.ids) if number in there]
    outcomes = restore_images(services, person, ids) if ids else []
    for one in outcomes:
        if one.error is not None:
            write_note(one.error.sentence(language()))
        if wanted.json:
            code = None if one.error is None else one.error.code
            write_out(to_json({"image_id": one.image_id, "stored_name": one.name, "error": code}))
        elif one.error is None:
            write_out(one.name)
    return 1 if missing or any(one.error is not None for one in outcomes) else 0


def _empty(services: Services, person: Person, product: Product, wanted: argparse.Namespace) -> int:
    from core.images.trash.listing import count_trash
    from core.images.trash.purging import empty_trash

    count = count_trash(services, product.id)
    if count and not wanted.yes:
        raise BadInput("trash_waits_for_yes", count=count, product=product.name)
    count = empty_trash(services, person, product.id) if count else 0
    write_out(to_json({"product": product.code, "deleted": count}) if wanted.json else str(count))
    return 0


def _iterate(services: Services, person: Person, product: Product) -> Iterator[TrashLine]:
    from core.images.trash.listing import list_trash

    number = 1
    while True:
        page = list_trash(services, person, product.id, page=number)
        yield from page.lines
        if number >= page.n_pages:
            return
        number += 1
