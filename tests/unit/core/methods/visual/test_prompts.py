"""Prompts of models that see: the program's, all products', a product's; versioned, audited, undone."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core.access import Person
from core.catalog.products import create_product
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.methods.visual.prompts import MODALITIES, find_prompt, list_prompts, save_prompt, undo_prompt
from core.services import Services
from core.transactions import reading
from storage.tables import AuditLog


def test_each_kind_of_picture_has_a_prompt_of_its_own(services: Services) -> None:
    texts = {find_prompt(services, None, modality).text for modality in MODALITIES}
    assert len(texts) == len(MODALITIES) == 6


def test_a_products_text_goes_before_that_of_all_and_that_before_the_programs(
    services: Services, engineer: Person
) -> None:
    product = create_product(services, engineer, name="Cell", code="cell")
    own = find_prompt(services, product.id, "ct")
    assert (own.source, own.number, own.newest) == ("own", 0, 0)
    save_prompt(services, engineer, None, "ct", "For all.", newest=0)
    assert (found := find_prompt(services, product.id, "ct")).text == "For all."
    assert (found.source, found.newest) == ("all", 0)
    save_prompt(services, engineer, product.id, "ct", "For cells.", newest=0)
    assert find_prompt(services, product.id, "ct").source == "product"
    assert find_prompt(services, product.id, "rgb").source == "own"
    # An empty text gives up the product's own.
    assert save_prompt(services, engineer, product.id, "ct", "", newest=1).text == "For all."


def test_versions_stay_and_any_of_them_can_be_brought_back(services: Services, engineer: Person) -> None:
    for number, text in enumerate(("One.", "Two.")):
        save_prompt(services, engineer, None, "rgb", text, newest=number)
    restored = undo_prompt(services, engineer, None, "rgb", newest=2, number=1)
    assert (restored.text, restored.number) == ("One.", 3)
    assert undo_prompt(services, engineer, None, "rgb", newest=3, number=0).source == "own"
    versions = list_prompts(services, None, "rgb")
    assert [(one.number, one.text) for one in versions] == [(4, ""), (3, "One."), (2, "Two."), (1, "One.")]
    assert {one.person_name for one in versions} == {engineer.display_name}
    with reading(services) as session:
        rows = session.exec(select(AuditLog).where(AuditLog.action == "prompt.saved")).all()
    assert [row.details.get("restored") for row in rows] == [None, None, 1, 0]
    with pytest.raises(NotFound):
        undo_prompt(services, engineer, None, "rgb", newest=4, number=9)


def test_a_save_that_comes_too_late_is_refused(services: Services, engineer: Person) -> None:
    save_prompt(services, engineer, None, "rgb", "One.", newest=0)
    with pytest.raises(Conflict) as raised:
        save_prompt(services, engineer, None, "rgb", "Two.", newest=0)
    assert raised.value.code == "prompt_changed"
    assert find_prompt(services, None, "rgb").text == "One."


def test_bad_input_is_refused(services: Services, engineer: Person, worker_person: Person) -> None:
    with pytest.raises(NotAllowed):
        save_prompt(services, worker_person, None, "rgb", "One.", newest=0)
    with pytest.raises(BadInput) as raised:
        save_prompt(services, engineer, None, "sonar", "One.", newest=0)
    assert raised.value.code == "modality_unknown"
    with pytest.raises(BadInput) as raised:
        save_prompt(services, engineer, None, "rgb", "x" * 4001, newest=0)
    assert raised.value.code == "prompt_too_long"
    with pytest.raises(NotFound):
        save_prompt(services, engineer, 99, "rgb", "One.", newest=0)
