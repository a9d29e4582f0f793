"""Line workers who are bound to a product and a line, with inspections within their bindings and outside of them."""

from __future__ import annotations

from dataclasses import dataclass

from core.access import Person, as_person
from core.accounts.people import create_user
from core.services import Services
from storage.tables import Product
from tests.history_rows import add_product, add_rows

LINE, OTHER_LINE = "1라인", "2라인"


@dataclass(frozen=True)
class BoundWorker:
    """The worker, who is bound to `own` on `LINE`; the inspections (ids) of each product on each line."""

    person: Person
    own: Product
    other: Product
    seen: tuple[int, ...]
    other_line: tuple[int, ...]
    other_product: tuple[int, ...]


def add_worker(services: Services, admin: Person, *, login: str = "lee", **bindings: list[int] | list[str]) -> Person:
    """Add a line worker without a password, bound to `products` and `lines`."""
    products, lines = bindings.get("products", []), bindings.get("lines", [])
    made = create_user(
        services,
        admin,
        login=login,
        display_name="이작업",
        role="worker",
        password=None,
        products=[int(one) for one in products],
        lines=[str(one) for one in lines],
    )
    return as_person(made)


def add_bound_worker(services: Services, admin: Person) -> BoundWorker:
    """Add two products with rejected parts on two lines, and a worker bound to one of each."""
    own, other = add_product(services, admin, code="bracket"), add_product(services, admin, code="casting")
    bad = {"verdict": "reject", "final_verdict": "reject", "action_status": "open", "review_state": "waiting"}
    return BoundWorker(
        person=add_worker(services, admin, products=[own.id], lines=[LINE]),
        own=own,
        other=other,
        seen=tuple(add_rows(services, admin, own, 2, line=LINE, **bad)),
        other_line=tuple(add_rows(services, admin, own, 3, line=OTHER_LINE, **bad)),
        other_product=tuple(add_rows(services, admin, other, 4, line=LINE, **bad)),
    )
