"""From what was said to what is meant: a product, a defect type, a line, or a question with choices."""

from __future__ import annotations

import re

from sqlmodel import col, select

from core.assistant.names import NamedType, Names, Unclear, product_choices, type_choices
from core.assistant.offline.naming import find_products, find_types
from core.assistant.offline.words.text import line_key
from core.catalog.names import ProductName
from core.errors import BadInput
from core.transactions import HasDatabase, reading
from storage.tables import Inspection


def require_product(names: Names, said: str, language: str) -> ProductName:
    """Return the product that is meant by a code or a name. Raises Unclear with the choices, BadInput where none is.

    Choices are called as they are in the language.
    """
    exact = names.product(said)
    if exact is not None:
        return exact
    if not names.products:
        raise BadInput("assistant_no_products")
    found = find_products(said, names)
    if len(found) == 1:
        return found[0]
    raise Unclear("product", said, product_choices(found or names.products, language))


def require_type(names: Names, said: str, product_id: int | None, language: str) -> NamedType:
    """Return the defect type that is meant by a code or a name. Raises Unclear with the choices, in the language."""
    wanted = said.strip().casefold()
    own = names.types_of(product_id)
    found = [one for one in own if one.name.code.casefold() == wanted] or list(find_types(said, own))
    if len(found) == 1:
        return found[0]
    if found and len({one.name.code for one in found}) == 1:
        # One name in several products: the product is what is not clear.
        owners = {one.product_id for one in found}
        meant = [one for one in names.products if one.id in owners]
        raise Unclear("product", said, product_choices(meant, language))
    raise Unclear("defect_type", said, type_choices(found or own, language))


def match_line(names: Names, said: str) -> str:
    """Return the line as inspections write it: `3` may be written `L3`, `Line 3` or `3라인`; else what was said."""
    wanted = line_key(said)
    found = [line for line in names.lines if line_key(line) == wanted]
    return next((line for line in found if line == said), found[0] if found else said)


def match_lot(services: HasDatabase, said: str) -> str:
    """Return the lot as inspections write it: with the word for it or without, in capitals or not."""
    bare = re.sub(r"^(?:lot|로트)[\s_-]*", "", said, flags=re.IGNORECASE)
    likely = [said, said.upper(), said.lower()]
    likely += [
        form for one in (bare, f"LOT-{bare}", f"LOT{bare}", f"LOT {bare}") for form in (one, one.upper(), one.lower())
    ]
    with reading(services) as session:
        found = session.exec(select(Inspection.lot).where(col(Inspection.lot).in_(set(likely))).distinct()).all()
    return min(found, key=likely.index) if found else said
