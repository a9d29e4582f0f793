"""The question box, the command and the route: what a worker would be shown, and nothing stored of it."""

from __future__ import annotations

import pytest
from sqlmodel import func, select

from core.access import Person
from core.catalog.defect_types import create_defect_type, list_defect_types
from core.catalog.products import find_product
from core.errors import BadInput, NotFound, NotReady
from core.guidance.previews import find_meant_type, list_preview_versions, preview_guidance
from core.guidance.writing import write_guidance
from core.models.kinds import MANUAL_INDEX
from core.registry.versions import scope_of
from core.services import Services
from storage.tables import AuditLog, ModelVersion, ResponseHistory
from tests.inspected_part import add_inspected_part, use_passages
from tests.unit.inference.language.findings import PASSAGES


@pytest.mark.parametrize("language", ["ko", "en"])
def test_it_shows_what_the_inspection_shows_and_stores_nothing(
    services: Services, engineer: Person, worker_person: Person, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    inspection_id = add_inspected_part(services, engineer)
    index = use_passages(monkeypatch, PASSAGES)
    product = find_product(services, "bracket")
    (scratch,) = list_defect_types(services, product.id)
    with services.database.reading() as session:
        before = session.exec(select(func.count()).select_from(AuditLog)).one()
    preview = preview_guidance(
        services, worker_person, product_id=product.id, language=language, defect_type_id=scratch.id
    )
    with services.database.reading() as session:
        assert session.exec(select(ResponseHistory)).all() == []
        assert session.exec(select(func.count()).select_from(AuditLog)).one() == before
    written = list(write_guidance(services, worker_person, inspection_id, language=language))[-1].written
    assert written is not None
    assert preview.found
    assert preview.guidance.sections == written.guidance.sections
    assert preview.sources == written.sources
    assert preview.scores == (1.0,) * len(preview.sources)
    assert index.asked[0] == index.asked[1]


def test_a_question_that_names_a_type_stands_for_it(
    services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_inspected_part(services, engineer)
    index = use_passages(monkeypatch, PASSAGES)
    product = find_product(services, "bracket")
    for said in ("스크래치", " SCRATCH ", "scratch"):
        preview = preview_guidance(services, engineer, product_id=product.id, language="ko", question=said)
        assert preview.defect_type is not None
        assert preview.defect_type.code == "scratch"
    free = preview_guidance(services, engineer, product_id=product.id, language="ko", question="긁힌 것은 어떻게?")
    assert free.defect_type is None
    assert (index.asked[-1].text, index.asked[-1].defect_terms) == ("긁힌 것은 어떻게?", ())
    assert find_meant_type(services, product.id, "Scratch").code == "scratch"


def test_the_newest_candidate_can_be_asked_beside_the_one_in_use(
    services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_inspected_part(services, engineer)
    use_passages(monkeypatch, PASSAGES)
    product = find_product(services, "bracket")
    (active,) = list_preview_versions(services, product.id)
    with services.database.unit_of_work() as session:
        row = session.get(ModelVersion, active.id)
        assert row is not None
        values = row.model_dump(exclude={"id", "active_key", "activated_at", "number", "state", "object_prefix"})
        newer = ModelVersion(
            **values, number=row.number + 1, state="candidate", active_key=None, object_prefix="models/other"
        )
        session.add(newer)
        session.commit()
        newer_id = newer.id
    assert newer.scope == scope_of(product.id)
    assert newer.kind == MANUAL_INDEX
    found = list_preview_versions(services, product.id)
    assert [(one.id, one.is_active) for one in found] == [(active.id, True), (newer_id, False)]
    preview = preview_guidance(
        services, engineer, product_id=product.id, language="ko", question="scratch", version_id=newer_id
    )
    assert preview.version_id == newer_id


def test_what_cannot_be_asked_is_said(services: Services, engineer: Person) -> None:
    add_inspected_part(services, engineer, with_index=False)
    product = find_product(services, "bracket")
    good = create_defect_type(services, engineer, product_id=product.id, code="ok1", name_ko="흑색", outcome="good")
    cases = (
        ({"question": " "}, BadInput, "question_missing"),
        ({"question": "x" * 501}, BadInput, "question_too_long"),
        ({"defect_type_id": good.id}, BadInput, "good_kind_is_no_defect"),
        ({"defect_type_id": 4711}, NotFound, "not_found"),
        ({"question": "x"}, NotReady, "no_manual_index"),
        ({"question": "x", "version_id": 4711}, NotFound, "not_found"),
    )
    for asked, kind, code in cases:
        with pytest.raises(kind) as caught:
            preview_guidance(services, engineer, product_id=product.id, language="ko", **asked)
        assert caught.value.code == code
    with pytest.raises(NotFound) as unknown:
        find_meant_type(services, product.id, "흑색")
    assert unknown.value.code == "type_unknown"
