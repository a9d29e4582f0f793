"""Inspect a part, through Home.py, with a real model on real solar cells."""

from __future__ import annotations

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.accounts.people import open_person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product, find_product, set_product_active, update_product
from core.errors import Unavailable
from core.images.edits import delete_images
from core.images.library import list_images, read_image
from core.inspections.decisions import close_action, confirm_defect_type
from core.inspections.inspection import inspect
from core.inspections.records import load_record, recent
from core.services import Services
from core.transactions import writing
from pages.components.shared.screens import INSPECT_PART
from storage.objects import LocalObjects
from storage.tables import SearchHistory
from tests.coded_images import brushed, draw_code, put_code
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts
from tests.plates import encode


@pytest.mark.parametrize(
    ("role", "words", "has_links"),
    [("worker", "Ask a quality engineer", False), ("engineer", "Register a product", True)],
)
def test_without_products_it_says_who_does_what(open_app: OpenApp, role: str, words: str, has_links: bool) -> None:
    app = open_app(INSPECT_PART, role=role)
    assert words in texts(app)
    assert bool(app.get("page_link")) == has_links


@pytest.mark.parametrize(
    ("role", "words"), [("worker", "Ask a quality engineer to build it"), ("engineer", "Build it")]
)
def test_without_a_model_it_says_who_builds_it(
    open_app: OpenApp, services: Services, engineer: Person, role: str, words: str
) -> None:
    create_product(services, engineer, name="Casting *A*", code="casting")
    app = open_app(INSPECT_PART, role=role)
    assert r"Casting \*A\*" in texts(app)
    assert words in texts(app)
    assert not app.get("file_uploader")


def _inspect_sample(app: AppTest, image_type: str) -> AppTest:
    if app.segmented_control(key="inspect_source").value != "sample":
        app.segmented_control(key="inspect_source").set_value("sample").run()
    found = [
        button for button in app.button if str(button.key).startswith("sample_") and image_type in (button.help or "")
    ]
    assert found, [button.help for button in app.button]
    app = found[0].click().run()
    assert not app.exception
    return app


def _open_tab(app: AppTest, title: str = "Similar images") -> AppTest:
    app.session_state[f"result_tabs_{app.session_state['shown_inspection'].id}"] = title
    app.run()
    assert not app.exception
    return app


def test_a_tab_is_drawn_when_it_is_opened(open_deployed: OpenApp) -> None:
    app = _inspect_sample(open_deployed(INSPECT_PART, role="worker"), "cell_defect")
    held = {
        "Similar images": "Similar defects",
        "Comparison": "The difference is adjusted for light.",
        "Image": "'Inspection no.'",
    }
    for words in held.values():
        assert words not in _all_texts(app)
    for title, words in held.items():
        assert words in _all_texts(_open_tab(app, title))


def _all_texts(app: AppTest) -> str:
    return "\n".join([texts(app), *(str(table.value.to_dict()) for table in app.table)])


def test_a_worker_inspects_a_defective_cell_and_closes_the_action(open_deployed: OpenApp, deployed: Services) -> None:
    app = _inspect_sample(open_deployed(INSPECT_PART, role="worker"), "cell_defect")
    row = recent(deployed, limit=1)[0]
    assert row.verdict in {"review", "reject"}
    written = texts(app)
    assert ("NG" if row.verdict == "reject" else "Review") in written
    assert "Cell defect" in written
    assert app.get("bidi_component")
    assert "CC BY\\-NC\\-SA 4.0" in written

    row_id = row.id
    app.button(key=f"type_{row_id}_{row.suggested_defect_type_id}").click().run()
    assert recent(deployed, limit=1)[0].final_defect_type_id == row.suggested_defect_type_id
    app.text_area(key=f"action_note_{row_id}").set_value("Cell taken out")
    app.button(key=f"done_{row_id}").click().run()
    assert not app.exception
    closed = recent(deployed, limit=1)[0]
    assert (closed.action_status, closed.action_note) == ("done", "Cell taken out")
    assert closed.created_by == app.session_state["person"].id


def test_what_was_just_inspected_is_shown_without_reading_its_pictures_and_the_session_holds_its_record(
    open_deployed: OpenApp, deployed: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_deployed(INSPECT_PART, role="worker")
    read: list[str] = []
    get = LocalObjects.get

    def noting(store: LocalObjects, key: str) -> bytes:
        read.append(key)
        return get(store, key)

    monkeypatch.setattr(LocalObjects, "get", noting)
    _inspect_sample(app, "cell_defect").run()
    row = recent(deployed, limit=1)[0]
    assert app.get("bidi_component")
    assert read, "the sample itself was read"
    assert not [key for key in read if key.startswith("inspections/")]
    assert app.session_state["shown_inspection"] == load_record(deployed, row.id)


def test_the_similar_defects_of_one_type_can_be_asked_for(open_deployed: OpenApp, deployed: Services) -> None:
    product = find_product(deployed, "cells")
    assert product is not None
    other = create_defect_type(
        deployed,
        open_person(deployed, "engineer"),
        product_id=product.id,
        code="crack",
        name_ko="균열",
        name_en="Crack",
    )
    app = _inspect_sample(open_deployed(INSPECT_PART, role="worker"), "cell_defect")
    inspection = recent(deployed, limit=1)[0]
    key = f"similar_type_{inspection.id}"
    _open_tab(app)
    assert "None was found." not in texts(app)
    app.selectbox(key=key).set_value(other.id).run()
    assert not app.exception
    assert "None was found." in texts(app)
    app.selectbox(key=key).set_value(inspection.suggested_defect_type_id).run()
    assert not app.exception
    assert "None was found." not in texts(app)
    _key, found = app.session_state["similar_of_type"]
    assert {similar.defect_type.code for similar in found.defects} == {"cell_defect"}


def test_a_good_cell_needs_no_action_and_the_next_part_clears_the_screen(
    open_deployed: OpenApp, deployed: Services
) -> None:
    app = _inspect_sample(open_deployed(INSPECT_PART, language="ko"), "normal")
    row = recent(deployed, limit=1)[0]
    assert {"ok": "정상", "review": "판정 보류", "reject": "불량"}[row.verdict] in texts(app)
    assert ("조치할 것이 없습니다" in texts(app)) == (row.verdict == "ok")
    following = [button for button in app.button if button.label == "다음 부품"]
    following[0].click().run()
    assert [button for button in app.button if button.label.endswith(" 검사")]
    assert len(recent(deployed, limit=5)) == 1


def test_a_decision_on_a_stale_page_is_refused_and_the_note_stays(open_deployed: OpenApp, deployed: Services) -> None:
    app = _inspect_sample(open_deployed(INSPECT_PART), "cell_defect")
    row = recent(deployed, limit=1)[0]
    other = open_person(deployed, "admin")
    close_action(deployed, other, row.id, row_version=row.row_version, status="done", note="done elsewhere")
    app.text_area(key=f"action_note_{row.id}").set_value("mine")
    app.button(key=f"done_{row.id}").click().run()
    assert app.error
    assert app.text_area(key=f"action_note_{row.id}").value == "mine"
    assert recent(deployed, limit=1)[0].action_note == "done elsewhere"


def test_a_file_that_is_no_image_is_a_sentence_and_the_next_one_works(
    open_deployed: OpenApp, deployed: Services
) -> None:
    app = open_deployed(INSPECT_PART, role="worker")
    app.file_uploader[0].upload("holiday.png", b"not an image", "image/png").run()
    assert not app.exception
    assert "holiday.png" in app.error[0].value
    assert recent(deployed, limit=1) == []
    app.run()
    assert "holiday.png" in app.error[0].value, "the same file must not be inspected again by itself"
    _inspect_sample(app, "normal")
    assert len(recent(deployed, limit=5)) == 1


def test_a_second_choice_clears_the_error_of_the_first(open_deployed: OpenApp, deployed: Services) -> None:
    app = open_deployed(INSPECT_PART, role="worker")
    app.file_uploader[0].upload("holiday.png", b"not an image", "image/png").run()
    assert "holiday.png" in app.error[0].value
    app.file_uploader[0].upload("large.png", bytes(55_000_000), "image/png").run()
    assert not app.exception
    assert [error.value for error in app.error] == [
        "large.png has 55.0 MB; an image may have 50 MB at most. Save it smaller, or as JPG."
    ]
    app.file_uploader[0].upload("notes.pdf", b"%PDF-1.7 no image", "application/pdf").run()
    assert len(app.error) == 1
    assert "notes.pdf" in app.error[0].value
    app.segmented_control(key="inspect_source").set_value("sample").run()
    assert not app.error
    assert recent(deployed, limit=1) == []


def test_the_next_part_comes_the_same_way(open_deployed: OpenApp) -> None:
    app = _inspect_sample(open_deployed(INSPECT_PART, role="worker"), "normal")
    press(app, "Next part")
    assert app.segmented_control(key="inspect_source").value == "sample"
    assert [button for button in app.button if str(button.key).startswith("sample_")]


def test_the_buttons_of_samples_are_named_by_their_files(open_deployed: OpenApp) -> None:
    app = open_deployed(INSPECT_PART, role="worker")
    app.segmented_control(key="inspect_source").set_value("sample").run()
    labels = [button.label for button in app.button if str(button.key).startswith("sample_")]
    assert len(labels) == len(set(labels)) > 1
    assert all(label.startswith("Inspect ") for label in labels)


def _read_sample(services: Services) -> bytes:
    product = find_product(services, "cells")
    return read_image(services, list_images(services, product.id, image_type="normal", split="test").rows[0])


def _set_product(services: Services, **changes: str) -> None:
    product = find_product(services, "cells")
    update_product(
        services,
        open_person(services, "engineer"),
        product.id,
        row_version=product.row_version,
        name=product.name,
        description=product.description,
        **changes,
    )


def test_where_the_engineer_set_it_so_an_image_waits_for_a_click(open_deployed: OpenApp, deployed: Services) -> None:
    _set_product(deployed, inspection_trigger="on_click")
    app = open_deployed(INSPECT_PART, role="worker")
    app.file_uploader[0].upload("part.png", _read_sample(deployed), "image/png").run()
    assert not app.exception
    assert recent(deployed, limit=1) == []
    assert "**part\\.png**" in texts(app) or "part.png" in texts(app)
    app.button(key="inspect_picked").click().run()
    assert [row.original_name for row in recent(deployed, limit=5)] == ["part.png"]


def test_a_file_that_is_no_image_is_told_before_the_click(open_deployed: OpenApp, deployed: Services) -> None:
    _set_product(deployed, inspection_trigger="on_click")
    app = open_deployed(INSPECT_PART, role="worker")
    app.file_uploader[0].upload("holiday.png", b"not an image", "image/png").run()
    assert "holiday.png" in app.error[0].value
    assert not [button for button in app.button if button.key == "inspect_picked"]


def test_one_image_is_inspected_once_however_often_the_page_runs(
    open_deployed: OpenApp, deployed: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_deployed(INSPECT_PART, role="worker")
    kept: list[object] = []

    def lose(*result: object) -> None:
        kept.append(result)
        raise Unavailable("database_unavailable")

    # The inspection is made, and the page is broken off before it could show it.
    with monkeypatch.context() as patch:
        patch.setattr("pages.components.inspection.result_view.keep_result", lose)
        app.file_uploader[0].upload("part.png", _read_sample(deployed), "image/png").run()
    assert kept
    press(app, "Try again")
    assert len(recent(deployed, limit=5)) == 1
    assert "shown_inspection" in app.session_state


def test_the_code_in_the_picture_is_told_under_the_verdict(open_deployed: OpenApp, deployed: Services) -> None:
    _set_product(deployed, code_rule="auto")
    app = open_deployed(INSPECT_PART, role="worker")
    data = encode(put_code(brushed(), draw_code("LOT7;SN123"), x=20, y=20))
    app.file_uploader[0].upload("part.png", data, "image/png").run()
    assert not app.exception
    row = recent(deployed, limit=1)[0]
    assert (row.lot, row.serial) == ("7", "123")
    assert "Serial number **123**" in texts(app)


def test_a_typed_code_fills_in_lot_and_serial_number_and_says_what_it_replaced(open_deployed: OpenApp) -> None:
    app = open_deployed(INSPECT_PART, role="worker")
    app.text_input(key="detail_serial").set_value("S-1").run()
    app.text_input(key="detail_code").set_value("(10)L7(21)S-2").run()
    assert not app.exception
    assert (app.text_input(key="detail_lot").value, app.text_input(key="detail_serial").value) == ("L7", "S-2")
    assert app.text_input(key="detail_code").value == ""
    assert "Scanned: Lot **L7** · Serial number **S\\-2**" in texts(app)
    assert "Before: Serial number S\\-1" in texts(app)
    app.text_input(key="detail_code").set_value("https://example.com").run()
    assert "names no lot and no serial number" in texts(app)
    assert app.text_input(key="detail_serial").value == "S-2"


def test_line_and_lot_are_kept_for_the_next_part_and_the_serial_number_is_not(
    open_deployed: OpenApp, deployed: Services
) -> None:
    app = open_deployed(INSPECT_PART, role="worker")
    app.text_input(key="detail_line").set_value("L2")
    app.text_input(key="detail_serial").set_value("S-1").run()
    app = _inspect_sample(app, "normal")
    row = recent(deployed, limit=1)[0]
    assert (row.line, row.serial) == ("L2", "S-1")
    next(button for button in app.button if button.label == "Next part").click().run()
    assert app.text_input(key="detail_line").value == "L2"
    assert app.text_input(key="detail_serial").value == ""


def _open_link(open_deployed: OpenApp, asked: str) -> AppTest:
    app = open_deployed(INSPECT_PART, role="worker")
    app.query_params["inspection"] = asked
    app.run()
    assert not app.exception
    return app


def test_a_reload_comes_back_to_the_result_whose_action_is_open(open_deployed: OpenApp, deployed: Services) -> None:
    app = _inspect_sample(open_deployed(INSPECT_PART, role="worker"), "cell_defect")
    row_id = recent(deployed, limit=1)[0].id
    assert app.query_params["inspection"] == str(row_id)
    again = _open_link(open_deployed, str(row_id))
    again.button(key=f"done_{row_id}").click().run()
    assert recent(deployed, limit=1)[0].action_status == "done"
    next_part = [button for button in again.button if button.label == "Next part"]
    next_part[0].click().run()
    assert "inspection" not in again.query_params
    # The next part comes as this one did.
    assert again.segmented_control(key="inspect_source").value == "sample"


@pytest.mark.parametrize("asked", ["999", "0", "-1", "abc", "9" * 400, "²"])
def test_a_link_to_no_inspection_says_so_and_goes_on(open_deployed: OpenApp, asked: str) -> None:
    app = _open_link(open_deployed, asked)
    assert "The inspection of this link is not there." in texts(app)
    assert app.get("file_uploader")


def test_a_link_to_a_deactivated_product_says_so(open_deployed: OpenApp, deployed: Services) -> None:
    _inspect_sample(open_deployed(INSPECT_PART), "cell_defect")
    row = recent(deployed, limit=1)[0]
    create_product(deployed, open_person(deployed, "engineer"), name="Other", code="other")
    found = find_product(deployed, "cells")
    set_product_active(deployed, open_person(deployed, "engineer"), found.id, False)
    assert "is not inspected any more" in texts(_open_link(open_deployed, str(row.id)))


def _open_first_similar(app: AppTest, kind: str) -> AppTest:
    _open_tab(app)
    cards = [button for button in app.button if str(button.key).startswith(f"open_{kind}_")]
    assert cards
    app = cards[0].click().run()
    assert not app.exception
    return app


def test_similar_defects_are_summed_up_by_type_and_rated_in_words(open_deployed: OpenApp) -> None:
    app = _open_tab(_inspect_sample(open_deployed(INSPECT_PART), "cell_defect"))
    written = texts(app)
    assert "All 6 are Cell defect" in written
    assert "This part, where it differs most" in written
    labels = [button.label for button in app.button if str(button.key).startswith("open_defects_")]
    assert len(labels) == 6
    words = ("nearly identical (", "somewhat alike (", "not alike (", "alike (")
    assert all(label.startswith("**Cell defect** · ") and any(word in label for word in words) for label in labels)
    korean = _inspect_sample(open_deployed(INSPECT_PART, language="ko"), "cell_defect")
    _open_tab(korean, "유사 이미지")
    assert "6개 모두 셀 결함" in texts(korean)


def test_a_similar_defect_opens_with_what_is_known_of_it(open_deployed: OpenApp) -> None:
    app = _open_first_similar(_inspect_sample(open_deployed(INSPECT_PART), "cell_defect"), "defects")
    written = texts(app)
    assert "No inspection of the same file is known." in written
    assert "Outlined: where it differs most from normal parts." in written
    assert "Cosine similarity" in str([table.value for table in app.table])


def test_a_similar_image_tells_what_was_done_then(open_deployed: OpenApp, deployed: Services) -> None:
    product = find_product(deployed, "cells")
    worker = open_person(deployed, "worker")
    known = list_images(deployed, product.id, image_type="defect", split="train").rows[0]
    first = inspect(
        deployed, worker, product_id=product.id, data=read_image(deployed, known), file_name=known.original_name
    ).record
    decision = confirm_defect_type(deployed, worker, first.id, row_version=1, defect_type_id=known.defect_type_id)
    close_action(deployed, worker, first.id, row_version=decision.row_version, status="done", note="Cell *taken* out")
    # The same file again: what is nearest is the very image, and what was done about it is what helps.
    again = inspect(
        deployed, worker, product_id=product.id, data=read_image(deployed, known), file_name=known.original_name
    ).record
    app = _open_tab(_open_link(open_deployed, str(again.id)))
    assert next(button for button in app.button if button.key == f"open_defects_{again.id}_image_{known.id}").label == (
        "**Cell defect** · nearly identical (100)"
    )
    written = texts(_open_first_similar(app, "defects"))
    assert f"Inspection no. {first.id}" in written
    assert r"Cell \*taken\* out" in written
    assert "Corrective action: **Done**" in written
    app = app.button(key=f"open_treatment_{first.id}").click().run()
    assert not app.exception
    assert app.session_state["shown_inspection"].id == first.id


def test_a_similar_image_that_was_deleted_meanwhile_says_so(open_deployed: OpenApp, deployed: Services) -> None:
    app = _inspect_sample(open_deployed(INSPECT_PART), "normal")
    nearest = app.session_state["shown_inspection"].similar.normals[0]
    delete_images(deployed, open_person(deployed, "engineer"), [nearest.image_id])
    assert "This image was deleted since." in texts(_open_first_similar(app, "normals"))


def test_a_search_from_before_there_was_a_scale_shows_percent(open_deployed: OpenApp, deployed: Services) -> None:
    _inspect_sample(open_deployed(INSPECT_PART), "cell_defect")
    inspection_id = recent(deployed, limit=1)[0].id
    with writing(deployed) as session:
        for row in session.exec(select(SearchHistory).where(SearchHistory.inspection_id == inspection_id)).all():
            row.results = [{name: one[name] for name in one if name != "closeness"} for one in row.results]
            session.add(row)
        session.commit()
    app = _open_tab(_open_link(open_deployed, str(inspection_id)))
    labels = [button.label for button in app.button if str(button.key).startswith("open_defects_")]
    assert labels
    assert all(label.endswith("%") for label in labels)
