"""The command `view`: the views of a product, listed, added, changed, ordered, taken out of use."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.accounts import people
from core.catalog import products, view_edits, views
from core.catalog.views import FOUND_AS_NAMES, MODALITY_NAMES, View, name_view
from core.cli.terminal import language, to_json, write_note, write_out
from core.errors import BadInput, NotFound, describe
from core.i18n import N_, translate
from core.images.views.missing import count_without_view
from core.services import Services, build_services

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from storage.tables import Product


def add_view_commands(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command with its actions."""
    command = commands.add_parser(
        "view",
        help="the views of a product: list, add, edit, order, remove",
        description="A product with views has images, preprocessing, models and thresholds for each of them.",
    )
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the views in their order, and how many images have none")
    listing.add_argument("--all", action="store_true", help="also those out of use")
    adding = actions.add_parser("add", help="add a view")
    editing = actions.add_parser("edit", help="change a view; what is not given stays")
    for one in (adding, editing):
        one.add_argument("code", metavar="CODE", help="up to 32 small letters, digits, - and _")
        one.add_argument("--name", metavar="NAME", help="in Korean, or for both languages")
        one.add_argument("--name-en", metavar="NAME", help="in English")
        one.add_argument("--modality", choices=tuple(MODALITY_NAMES))
        one.add_argument("--found-as", choices=tuple(FOUND_AS_NAMES), help="what its defects are called")
        need = one.add_mutually_exclusive_group()
        need.add_argument("--required", dest="is_required", action="store_true", default=None)
        need.add_argument("--optional", dest="is_required", action="store_false", help="a part is judged without it")
        one.add_argument(
            "--detector", metavar="MODEL", help='a model of its own; "" for the one that is chosen for all'
        )
    editing.add_argument("--active", dest="is_active", action="store_true", default=None, help="bring it back into use")
    removing = actions.add_parser("remove", help="take a view out of use; its images and models stay")
    removing.add_argument("code", metavar="CODE")
    ordering = actions.add_parser("order", help="put the views into this order")
    ordering.add_argument("codes", nargs="+", metavar="CODE")
    for one in (listing, adding, editing, removing, ordering):
        one.add_argument("--product", required=True, metavar="CODE|NAME")
        one.add_argument("--json", action="store_true", help="one JSON object a line")


def view(wanted: argparse.Namespace) -> int:
    """Do what is asked, then show the views that the product has."""
    services = build_services(migrate=True)
    person = people.command_line_person(services)
    product = products.find_named_product(services, wanted.product)
    if wanted.action == "add":
        values = {name: value for name, value in _values(wanted).items() if value is not None}
        view_edits.add_view(services, person, product.id, code=wanted.code, **values)
    elif wanted.action == "edit":
        found = _find(services, product, wanted.code)
        if wanted.is_active and not found.is_active:
            found = view_edits.set_view_active(services, person, found.id, True, row_version=found.row_version)
        view_edits.update_view(services, person, found.id, row_version=found.row_version, **_values(wanted))
    elif wanted.action == "remove":
        found = _find(services, product, wanted.code)
        view_edits.set_view_active(services, person, found.id, False, row_version=found.row_version)
    elif wanted.action == "order":
        view_edits.order_views(services, person, product.id, [code.strip().lower() for code in wanted.codes])
    _show(services, product, wanted)
    return 0


def _values(wanted: argparse.Namespace) -> dict[str, Any]:
    names = ("name", "name_en", "modality", "found_as", "is_required", "detector")
    return {name: getattr(wanted, name) for name in names}


def _find(services: Services, product: Product, code: str) -> View:
    known = views.list_views(services, product.id, include_inactive=True)
    found = views.find_view(known, code)
    if found is None:
        names = ", ".join(one.code for one in known) or "–"
        raise NotFound("view_unknown", product=product.code, view=code[:40], codes=names)
    return found


def _show(services: Services, product: Product, wanted: argparse.Namespace) -> None:
    lang = language()
    everything = wanted.action != "list" or wanted.all
    for one in views.list_views(services, product.id, include_inactive=everything):
        if wanted.json:
            write_out(to_json({"product": product.code, **asdict(one), "detector_options": dict(one.detector_options)}))
        else:
            write_out(_describe(one, lang))
    missing = sum(count_without_view(services, product.id).values())
    if missing:
        write_note(describe("images_without_view", {"product": product.code, "count": missing}, lang))


def _describe(one: View, lang: str) -> str:
    words = [
        f"{one.code}: {name_view(one, lang)}",
        translate(lang, MODALITY_NAMES[one.modality]),
        translate(lang, FOUND_AS_NAMES[one.found_as]),
    ]
    if not one.is_required:
        words.append(translate(lang, N_("optional")))
    if one.detector:
        words.append(one.detector)
    if not one.is_active:
        words.append(translate(lang, N_("out of use")))
    return " · ".join(words)


def choose(services: Services, product: Product, said: str | None) -> tuple[str, ...]:
    """Return the codes of the views that a command is to go through: the one that is named, or all.

    One empty code for a product without views. Raises NotFound view_unknown; BadInput view_without_views where one is
    named and the product has none.
    """
    known = views.list_views(services, product.id)
    if said is None:
        return views.codes_of(known)
    if not known:
        raise BadInput("view_without_views", product=product.code)
    return (_find(services, product, said).code,)
