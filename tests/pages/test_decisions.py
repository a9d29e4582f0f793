"""What is decided about a result on *Inspect a part*: checklist, override, chain of changes, drafts, open actions."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import create_product
from core.errors import Unavailable
from core.guidance.checklist import list_ticks, tick_step
from core.guidance.writing import write_guidance
from core.inspections.decisions import close_action, confirm_defect_type
from core.inspections.follow_up.changes import list_changes
from core.inspections.follow_up.drafts import load_drafts
from core.inspections.records import load_record
from core.services import Services
from core.transactions import writing
from pages.components.shared.screens import INSPECT_PART
from storage.tables import Inspection
from tests.inspected_part import add_inspected_part, use_passages
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import texts
from tests.unit.inference.language.findings import PASSAGES


@pytest.fixture
def part(services: Services, engineer: Person, worker_person: Person, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the id of a part found as NG by the line worker, whose product has manuals."""
    use_passages(monkeypatch, PASSAGES)
    inspection_id = add_inspected_part(services, engineer)
    with writing(services) as session:
        row = session.get(Inspection, inspection_id)
        assert row is not None
        row.created_by = worker_person.id
        session.add(row)
        session.commit()
    return inspection_id


def _open(open_app: OpenApp, inspection_id: int, *, role: str = "worker", language: str = "en") -> AppTest:
    app = open_app(INSPECT_PART, role=role, language=language)
    app.query_params["inspection"] = str(inspection_id)
    app.run()
    assert not app.exception
    return app


def _press(app: AppTest, key: str) -> AppTest:
    app = app.button(key=key).click().run()
    assert not app.exception
    return app


def _with_steps(open_app: OpenApp, part: int, *, language: str = "en") -> AppTest:
    return _press(_open(open_app, part, language=language), f"guidance_write_{part}")


def _copy(services: Services, inspection_id: int, **values: object) -> int:
    with writing(services) as session:
        row = session.get(Inspection, inspection_id)
        assert row is not None
        copy = Inspection(**{**row.model_dump(exclude={"id"}), **values})
        session.add(copy)
        session.commit()
        return copy.id


def test_the_steps_are_boxes_under_headings_with_one_mark_each(open_app: OpenApp, part: int) -> None:
    app = _with_steps(open_app, part)
    headings = [
        text for text in texts(app).splitlines() if text.startswith("**:material/") and "Corrective" not in text
    ]
    marks = [button for button in app.button if str(button.key).startswith("source_")]
    assert len(marks) == len(headings) > 1
    assert len(app.checkbox) > len(marks)
    assert all("p. " in button.label and "\\[" in button.label for button in marks)
    opened = marks[0].click().run()
    assert "page 3" in texts(opened)


def test_a_tick_has_person_and_time_survives_a_reload_and_writing_again_and_can_be_taken_back(
    open_app: OpenApp, services: Services, part: int
) -> None:
    app = _with_steps(open_app, part)
    app.checkbox[1].check().run()
    (tick,) = list_ticks(services, part).values()
    assert tick.person_name == "Line worker"
    app = _press(_open(open_app, part), f"guidance_write_{part}")
    ticked = [box for box in app.checkbox if box.value]
    assert len(ticked) == 1
    assert "Line worker · " in ticked[0].label
    assert "1 step done" in texts(app)
    ticked[0].uncheck().run()
    assert list_ticks(services, part) == {}
    assert not any(box.value for box in app.checkbox)
    assert "1 tick taken back" in texts(app)


def test_one_key_ticks_the_next_step_and_when_all_are_ticked_one_closes_the_action(
    open_app: OpenApp, services: Services, part: int
) -> None:
    app = _with_steps(open_app, part)
    for _ in range(len(app.checkbox)):
        if app.button(key=f"tick_next_{part}").disabled:
            break
        app = _press(app, f"tick_next_{part}")
    assert "steps are done: D closes the action." in texts(app)
    assert load_record(services, part).decision.action_status == "open"
    app = _press(app, f"done_{part}")
    assert "The action was closed." in texts(app)
    assert load_record(services, part).decision.action_status == "done"
    kinds = [change.kind for change in list_changes(services, part)]
    assert kinds == ["tick", "action"]


def test_a_step_tells_in_how_many_closed_cases_it_was_done(
    open_app: OpenApp, services: Services, engineer: Person, part: int
) -> None:
    list(write_guidance(services, engineer, part, language="en"))
    type_id = load_record(services, part).defect_types[0].id
    earlier = _copy(services, part, final_defect_type_id=type_id, action_status="done")
    step = "Clean the transfer guide every 8 hours."
    tick_step(services, engineer, earlier, section="prevention", text=step)
    app = _open(open_app, part)
    told = [box.label for box in app.checkbox if "done in 1 of 1 closed cases of Scratch" in box.label]
    assert len(told) == 1
    assert told[0].startswith("Clean the transfer guide")


def test_a_tick_that_cannot_be_stored_is_said_and_the_box_stays_empty(
    open_app: OpenApp, services: Services, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = _with_steps(open_app, part)
    note = app.text_area(key=f"action_note_{part}").set_value("nozzle")

    def fail(*_args: object, **_values: object) -> None:
        raise Unavailable("database_unreachable")

    monkeypatch.setattr("pages.components.inspection.decisions.checklist.tick_step", fail)
    app.checkbox[0].check().run()
    assert not app.exception
    assert app.error
    assert not app.checkbox[0].value
    assert note.value == "nozzle"
    assert "NG" in texts(app)
    monkeypatch.undo()


def test_steps_that_are_there_stay_when_they_cannot_be_written_again(
    open_app: OpenApp, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = _with_steps(open_app, part)
    count = len(app.checkbox)

    def fail(*_args: object, **_values: object) -> None:
        raise Unavailable("object_store_unreachable")

    monkeypatch.setattr("pages.components.inspection.guidance_view.find_passages", fail)
    app = _press(app, f"guidance_write_{part}")
    assert app.error
    assert len(app.checkbox) == count


def test_an_override_needs_a_reason_keeps_the_models_own_verdict_and_every_reason_stays(
    open_app: OpenApp, services: Services, part: int
) -> None:
    app = _press(_open(open_app, part), f"override_{part}")
    assert app.segmented_control(key=f"override_verdict_{part}").value == "ok"
    app = _press(app, f"override_save_{part}")
    assert "Say why" in app.error[0].value
    app.text_input(key=f"override_reason_{part}").set_value("A shadow of the holder")
    app = _press(app, f"override_save_{part}")
    changed = load_record(services, part)
    assert (changed.decision.verdict, changed.verdict) == ("ok", "reject")
    assert "Changed by a person; the model said: NG" in texts(app)
    app = _press(app, f"override_{part}")
    assert app.text_input(key=f"override_reason_{part}").value == ""
    app.text_input(key=f"override_reason_{part}").set_value("No, a scratch")
    app = _press(app, f"override_save_{part}")
    written = texts(app)
    assert "A shadow of the holder" in written
    assert "No, a scratch" in written


def test_an_override_that_was_cancelled_changes_nothing_and_its_reason_is_kept(
    open_app: OpenApp, services: Services, part: int
) -> None:
    app = _press(_open(open_app, part), f"override_{part}")
    app.text_input(key=f"override_reason_{part}").set_value("perhaps").run()
    app = _press(app, f"override_cancel_{part}")
    assert load_record(services, part).decision.verdict == "reject"
    again = _press(_open(open_app, part), f"override_{part}")
    assert again.text_input(key=f"override_reason_{part}").value == "perhaps"


def test_a_note_that_was_typed_and_not_saved_is_there_after_a_reload(
    open_app: OpenApp, services: Services, part: int
) -> None:
    app = _open(open_app, part)
    app.text_area(key=f"action_note_{part}").set_value("nozzle cleaned").run()
    assert load_record(services, part).decision.action_note == ""
    again = _open(open_app, part)
    assert again.text_area(key=f"action_note_{part}").value == "nozzle cleaned"
    _press(again, f"done_{part}")
    assert load_record(services, part).decision.action_note == "nozzle cleaned"
    assert load_drafts(services, open_person(services, "worker"), part) == {}


def test_a_stale_save_says_what_changed_keeps_the_text_and_the_next_one_is_made_on_what_is_now(
    open_app: OpenApp, services: Services, part: int
) -> None:
    app = _open(open_app, part)
    other = open_person(services, "admin")
    close_action(services, other, part, row_version=1, status="open", note="done elsewhere")
    app.text_area(key=f"action_note_{part}").set_value("mine")
    app = _press(app, f"done_{part}")
    assert "Administrator" in app.error[0].value
    assert "done elsewhere" in app.error[0].value
    assert app.text_area(key=f"action_note_{part}").value == "mine"
    app = _press(app, f"done_{part}")
    assert not app.error
    decision = load_record(services, part).decision
    assert (decision.action_status, decision.action_note) == ("done", "mine")


def test_open_actions_are_listed_and_open_as_the_result_also_of_another_product(
    open_app: OpenApp, services: Services, engineer: Person, part: int
) -> None:
    other = create_product(services, engineer, name="Casting", code="casting")
    mine = _copy(services, part, product_id=other.id, suggested_defect_type_id=None, serial="S-99")
    app = _open(open_app, part)
    button = app.button(key="open_actions")
    assert button.label == "Open actions (2)"
    app = button.click().run()
    assert "S\\-99" in texts(app)
    app = _press(app, f"open_action_go_{mine}")
    assert app.session_state["shown_inspection"].id == mine
    assert app.selectbox(key="inspect_product").value == other.id
    app = _press(app, f"done_{mine}")
    assert load_record(services, mine).decision.action_status == "done"
    assert app.button(key="open_actions").label == "Open actions (1)"


def test_what_the_known_defects_added_is_told(open_app: OpenApp, services: Services, part: int) -> None:
    assert "Known defects raised the score" not in texts(_open(open_app, part))
    raised = _copy(services, part, raised_by=2.5)
    assert "Known defects raised the score by 2.5." in texts(_open(open_app, raised))


def test_korean_speaks_of_changing_a_verdict_in_one_word(open_app: OpenApp, services: Services, part: int) -> None:
    worker = open_person(services, "worker")
    confirm_defect_type(services, worker, part, row_version=1, defect_type_id=None)
    app = _press(_open(open_app, part, language="ko"), f"override_{part}")
    assert app.button(key=f"override_save_{part}").label == "판정 변경"
    assert "불량 유형: " in texts(app)
