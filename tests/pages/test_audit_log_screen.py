"""The audit log on its screen, and screens opened by their address by somebody whose role does not reach."""

from __future__ import annotations

from sqlmodel import col, select

from core.access import ADMIN, WORKER, Person
from core.audit import record
from core.services import Services
from pages.components.shared.screens import AUDIT_LOG, address_of, existing_screens
from storage.tables import AuditLog
from tests.pages.conftest import OpenApp


def test_a_screen_above_ones_role_is_refused_and_kept(open_app: OpenApp, services: Services) -> None:
    above = [screen for screen in existing_screens() if screen.role != WORKER]
    assert len(above) > 15
    app = open_app(role=WORKER)
    for screen in above:
        app.switch_page(screen.path).run()
        assert not app.exception
        assert [one.value for one in app.title] == ["This screen is not open to you"], screen.path
    with services.database.reading() as session:
        rows = session.exec(select(AuditLog).where(AuditLog.action == "access.refused")).all()
    assert {row.details["where"] for row in rows} == {address_of(screen.path) for screen in above}
    assert {(row.details["place"], row.details["needed"]) for row in rows} == {
        (screen.path, screen.role) for screen in above
    }
    assert {(row.user_name, row.outcome, row.channel) for row in rows} == {("Line worker", "refused", "page")}


def test_the_screen_shows_filters_and_verifies(open_app: OpenApp, services: Services, admin: Person) -> None:
    with services.database.unit_of_work() as session:
        record(session, admin, "product.changed", "product", 7, code="PCB", changes={"name": ["old", "new"]})
        record(session, None, "version.expire", "model_version", 3, number=4)
        session.commit()
    app = open_app(AUDIT_LOG, role=ADMIN)
    table = app.dataframe[0].value
    assert list(table["What"]) == ["Model version expired", "Product changed"]
    assert list(table["Before → after"]) == ["Number: 4", "Name: old → new"]
    assert list(table["Who"]) == ["The system itself", "Administrator"]
    app.selectbox(key="audit_group").set_value("catalog").run()
    assert list(app.dataframe[0].value["What"]) == ["Product changed"]
    app.text_input(key="audit_text").set_value("nothing like this").run()
    assert len(app.dataframe) == 0
    assert app.info[0].value == "No entry fits the filter."
    next(one for one in app.button if one.label == "Verify the chain").click().run()
    assert not app.exception
    assert any("Chain verified to position 2" in one.value.replace("\\", "") for one in app.markdown)
    with services.database.reading() as session:
        assert session.exec(select(AuditLog.position).order_by(col(AuditLog.position))).all() == [1, 2]
