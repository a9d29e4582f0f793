"""What mistakes cost a product: stored once for a product, and the line's defect rate beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select

from core.access import Person
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.model_report.costs import DEFAULT_COSTS, read_costs, read_line_rate, save_costs
from core.model_report.records import Costs
from core.services import Services
from core.transactions import reading
from storage.tables import AuditLog, Product
from tests.history_rows import add_product, add_rows


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


def test_costs_are_stored_and_read_back(services: Services, engineer: Person, product: Product) -> None:
    assert read_costs(services, product.id) == DEFAULT_COSTS
    saved = save_costs(services, engineer, product.id, Costs(5000, 300, 20.5, " KRW ", 0.02))
    assert saved == read_costs(services, product.id) == Costs(5000.0, 300.0, 20.5, "KRW", 0.02, 1)
    with reading(services) as session:
        row = session.exec(select(AuditLog).where(AuditLog.action == "costs.changed")).one()
    assert (row.user_id, row.subject_id) == (engineer.id, product.id)
    assert row.details["changes"]["cost_escape"] == [None, 5000.0]


def test_a_save_on_an_older_state_is_refused_and_says_who_changed_what(
    services: Services, engineer: Person, admin: Person, product: Product
) -> None:
    seen = read_costs(services, product.id)
    save_costs(services, admin, product.id, replace(seen, escape=700.0))
    with pytest.raises(Conflict) as caught:
        save_costs(services, engineer, product.id, replace(seen, escape=900.0))
    assert caught.value.code == "stale_save"
    assert admin.display_name in caught.value.sentence("en")
    assert "700.0" in caught.value.sentence("en")
    assert read_costs(services, product.id).escape == 700.0


def test_saving_what_is_there_changes_nothing(services: Services, engineer: Person, product: Product) -> None:
    first = save_costs(services, engineer, product.id, DEFAULT_COSTS)
    assert save_costs(services, engineer, product.id, first) == first


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"escape": -1.0}, "costs_invalid"),
        ({"overkill": float("nan")}, "costs_invalid"),
        ({"review": 1e13}, "costs_invalid"),
        ({"escape": 0.0, "overkill": 0.0, "review": 0.0}, "costs_invalid"),
        ({"currency": "shekels and more"}, "currency_too_long"),
        ({"defect_rate": 0.0}, "defect_rate_invalid"),
        ({"defect_rate": 1.0}, "defect_rate_invalid"),
    ],
)
def test_what_is_no_cost_is_refused_by_name(
    services: Services, engineer: Person, product: Product, values: dict[str, float], code: str
) -> None:
    with pytest.raises(BadInput) as caught:
        save_costs(services, engineer, product.id, replace(DEFAULT_COSTS, **values))  # type: ignore[arg-type]
    assert caught.value.code == code
    assert read_costs(services, product.id) == DEFAULT_COSTS


def test_a_worker_sets_no_costs_and_an_unknown_product_has_none(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    with pytest.raises(NotAllowed):
        save_costs(services, worker_person, product.id, DEFAULT_COSTS)
    with pytest.raises(NotFound):
        save_costs(services, engineer, 10_000, DEFAULT_COSTS)
    with pytest.raises(NotFound):
        read_costs(services, 10_000)


def test_the_line_rate_is_of_decided_parts_alone(services: Services, engineer: Person, product: Product) -> None:
    assert read_line_rate(services, product.id).rate is None
    add_rows(services, engineer, product, 17)
    add_rows(services, engineer, product, 3, verdict="reject", final_verdict="reject", score=40.0)
    add_rows(services, engineer, product, 5, verdict="review", final_verdict="review", score=22.0)
    # A person found a good part among those that the model rejected.
    add_rows(services, engineer, product, 5, verdict="reject", final_verdict="ok", score=40.0)
    found = read_line_rate(services, product.id)
    assert (found.n, found.defects, found.rate) == (25, 3, 3 / 25)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 3 / 25 < found.high
    assert read_line_rate(services, add_product(services, engineer, code="other").id).n == 0
