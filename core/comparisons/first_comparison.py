"""The comparison that a product of several views begins with: the usual methods on each view, and each combined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.catalog.products import get_product
from core.catalog.views import list_views
from core.comparisons.orders import ComparisonOrder, read_order
from core.comparisons.overview import list_comparisons
from core.comparisons.starting import start_comparison

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

USUAL_METHODS = ("patchcore", "autoencoder", "classifier")


def start_first_comparison(services: Services, person: Person, product_id: int) -> int | None:
    """Queue the first comparison of a product; return its id, None where there was one: the next is a person's choice.

    Raises as `start_comparison`.
    """
    if list_comparisons(services, product_id=product_id, limit=1):
        return None
    views = [view.code for view in list_views(services, product_id)]
    return start_comparison(services, person, usual_order(get_product(services, product_id).code, views))


def usual_order(product_code: str, views: list[str]) -> ComparisonOrder:
    """Return the order of the usual methods, where there are several views with each method's views combined."""
    combinations = [
        {"name": f"{method} {'+'.join(views)}", "members": dict.fromkeys(views, method)} for method in USUAL_METHODS
    ]
    return read_order(
        {
            "product": product_code,
            "methods": list(USUAL_METHODS),
            "combinations": combinations if len(views) > 1 else [],
        }
    )
