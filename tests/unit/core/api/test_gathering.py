"""Inspecting for many who ask at once: alone at once, in company together, and nobody forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.access import Person
from core.accounts.people import open_person
from core.api.gathering import Gatherer
from core.catalog.products import find_product
from core.errors import AppError, BadInput, NotReady, Unavailable
from core.inspections.batch import examine_loaded
from core.inspections.loading import Group, PartFile
from core.services import Services
from storage.tables import Product
from tests.plates import encode, plate, seed_of
from tests.unit.core.inspections.conftest import GOOD, SPOT


@pytest.fixture
def person(toy_services: Services) -> Person:
    return open_person(toy_services, "worker")


@pytest.fixture
def product(toy_services: Services) -> Product:
    return find_product(toy_services, "plate")


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the groups that are examined from now on."""
    sizes: list[int] = []

    def counted(services: Services, group: Group, *, top_k: int) -> Any:
        sizes.append(len(group.files))
        return examine_loaded(services, group, top_k=top_k)

    monkeypatch.setattr("core.api.gathering.examine_loaded", counted)
    return sizes


@pytest.fixture
def gather(toy_services: Services) -> Iterator[Callable[..., Gatherer]]:
    made: list[Gatherer] = []

    def make(**options: Any) -> Gatherer:
        made.append(Gatherer(toy_services, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _file(data: bytes, name: str = "a.png") -> PartFile:
    return PartFile(name, lambda: data)


def test_who_comes_alone_is_inspected_alone(
    gather: Callable[..., Gatherer], person: Person, product: Product, groups: list[int]
) -> None:
    gatherer = gather()
    for data, verdict in ((GOOD, "ok"), (SPOT, "reject")):
        found = gatherer.submit(person, product_id=product.id, file=_file(data)).result(30)
        assert found.verdict == verdict
    assert groups == [1, 1]


def test_who_waits_for_the_engine_is_inspected_together(
    gather: Callable[..., Gatherer], person: Person, product: Product, groups: list[int]
) -> None:
    gatherer = gather(threads=1)
    going, began = threading.Event(), threading.Event()

    def slow() -> bytes:
        began.set()
        assert going.wait(30)
        return GOOD

    first = gatherer.submit(person, product_id=product.id, file=PartFile("slow.png", slow))
    assert began.wait(30)
    kinds = ["good", "spot"] * 10
    images = [encode(plate(seed_of("test", kind, n), kind)) for n, kind in enumerate(kinds)]
    others = [gatherer.submit(person, product_id=product.id, file=_file(data)) for data in images]
    assert gatherer.n_waiting == 20
    going.set()
    assert first.result(30).verdict == "ok"
    assert [one.result(30).verdict for one in others] == ["ok", "reject"] * 10
    assert groups == [1, 16, 4]


def test_those_who_wait_are_shared_among_the_threads(
    gather: Callable[..., Gatherer], person: Person, product: Product, groups: list[int]
) -> None:
    gatherer = gather(threads=2)
    going, both = threading.Event(), threading.Barrier(3)

    def slow() -> bytes:
        both.wait(30)
        assert going.wait(30)
        return GOOD

    for _ in range(2):
        gatherer.submit(person, product_id=product.id, file=PartFile("slow.png", slow))
    both.wait(30)
    others = [gatherer.submit(person, product_id=product.id, file=_file(GOOD)) for _ in range(12)]
    going.set()
    assert [one.result(30).verdict for one in others] == ["ok"] * 12
    assert groups[:2] == [1, 1]
    assert sum(groups[2:]) == 12
    assert max(groups[2:]) <= 7


def test_a_file_that_fails_fails_alone(gather: Callable[..., Gatherer], person: Person, product: Product) -> None:
    gatherer = gather(threads=1)
    made = [gatherer.submit(person, product_id=product.id, file=_file(data)) for data in (GOOD, b"no image", SPOT)]
    assert made[0].result(30).verdict == "ok"
    with pytest.raises(BadInput, match="not an image"):
        made[1].result(30)
    assert made[2].result(30).verdict == "reject"


def test_what_concerns_all_is_told_to_all(
    gather: Callable[..., Gatherer],
    person: Person,
    product: Product,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise NotReady("no_active_memory_bank", product="plate")

    monkeypatch.setattr("core.api.gathering.find_judges", fail)
    gatherer = gather(threads=1)
    made = [gatherer.submit(person, product_id=product.id, file=_file(GOOD)) for _ in range(3)]
    for one in made:
        with pytest.raises(NotReady):
            one.result(30)


def test_an_error_that_nobody_thought_of_is_told_too_and_the_next_is_inspected(
    gather: Callable[..., Gatherer], person: Person, product: Product
) -> None:
    def broken() -> bytes:
        raise RuntimeError("broken")

    gatherer = gather(threads=1)
    with pytest.raises(AppError) as caught:
        gatherer.submit(person, product_id=product.id, file=PartFile("a.png", broken)).result(30)
    assert caught.value.code == "unexpected"
    assert gatherer.submit(person, product_id=product.id, file=_file(GOOD)).result(30).verdict == "ok"


def test_too_many_are_told_to_come_again(gather: Callable[..., Gatherer], person: Person, product: Product) -> None:
    gatherer = gather(threads=1, longest_queue=2)
    going, began = threading.Event(), threading.Event()

    def slow() -> bytes:
        began.set()
        assert going.wait(30)
        return GOOD

    gatherer.submit(person, product_id=product.id, file=PartFile("slow.png", slow))
    assert began.wait(30)
    waiting = [gatherer.submit(person, product_id=product.id, file=_file(GOOD)) for _ in range(2)]
    with pytest.raises(Unavailable) as caught:
        gatherer.submit(person, product_id=product.id, file=_file(GOOD))
    assert caught.value.code == "inspections_waiting"
    assert waiting[0].cancel()
    going.set()
    assert waiting[1].result(30).verdict == "ok"


def test_what_waits_is_inspected_before_the_end(
    gather: Callable[..., Gatherer], person: Person, product: Product
) -> None:
    gatherer = gather(threads=1)
    made = [gatherer.submit(person, product_id=product.id, file=_file(GOOD)) for _ in range(3)]
    gatherer.close()
    assert [one.result(0).verdict for one in made] == ["ok"] * 3
    with pytest.raises(Unavailable):
        gatherer.submit(person, product_id=product.id, file=_file(GOOD))
