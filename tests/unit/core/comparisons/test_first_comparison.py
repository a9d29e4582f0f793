"""The comparison that a product begins with: queued once, of the usual methods, with the views of each combined."""

from __future__ import annotations

from core.access import Person
from core.catalog.products import find_product
from core.comparisons.first_comparison import USUAL_METHODS, start_first_comparison, usual_order
from core.comparisons.overview import view_comparison
from core.services import Services
from tests.compared_methods import build_product


def test_it_is_queued_once(services: Services, engineer: Person) -> None:
    build_product(services, engineer)
    product_id = find_product(services, "spots").id
    found = start_first_comparison(services, engineer, product_id)
    assert found is not None
    comparison = view_comparison(services, found)
    assert comparison.state == "queued"
    assert [one.method for one in comparison.order.methods] == list(USUAL_METHODS)
    assert start_first_comparison(services, engineer, product_id) is None


def test_the_views_of_each_method_are_combined_where_there_are_several() -> None:
    order = usual_order("cell", ["ct", "rgb"])
    assert [dict(one.members) for one in order.combinations] == [
        {"ct": method, "rgb": method} for method in USUAL_METHODS
    ]
    assert usual_order("plate", []).combinations == ()
