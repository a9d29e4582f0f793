"""The manual index as a deployment: built from readable manuals, versioned, out of date, retired, rolled back."""

from __future__ import annotations

import pytest

from core.access import Person
from core.catalog import products
from core.deployments import estimates, pipeline
from core.errors import AppError, NotReady
from core.jobs import claims, queue, terms, views
from core.jobs.outcomes import SkippedFile
from core.manuals.library import delete_manual, get_manual, list_manuals
from core.models.figures import ManualFigures
from core.models.kinds import MANUAL_INDEX
from core.registry.model_status import model_states
from core.registry.versions import activate, active_version, list_versions
from core.services import Services
from inference.language.retrieval import Query
from storage.objects import ObjectStoreError
from storage.tables import ModelVersion
from tests.manual_files import SCRATCH_PAGES, add, given, scratch_manual, simple_pdf
from tests.plates import submit_and_claim

KIND = MANUAL_INDEX


@pytest.fixture
def product_id(services: Services, engineer: Person) -> int:
    return products.create_product(services, engineer, name="Plate", code="plate").id


def _add(services: Services, person: Person, product_id: int, number: int = 0) -> int:
    (outcome,) = add(services, person, product_id, given(f"{number}.pdf", scratch_manual(number)))
    assert outcome.manual_id is not None
    return outcome.manual_id


def _build(services: Services, person: Person, product_id: int) -> tuple[views.JobView, AppError | None]:
    job_id, claim = submit_and_claim(services, person, KIND, product_id)
    error = pipeline.work_off(services, claim)
    assert claims.finish(services, claim, state="failed" if error else "succeeded", error=error)
    return views.view(services, job_id), error


def _outcome(services: Services, person: Person, product_id: int) -> str:
    view, error = _build(services, person, product_id)
    assert error is None
    return view.outcomes[0].outcome


def _active(services: Services, product_id: int) -> ModelVersion | None:
    with services.database.reading() as session:
        return active_version(session, KIND, product_id)


def _state(services: Services, product_id: int) -> str:
    return model_states(services)[(KIND, product_id)].state


def test_a_built_index_finds_the_page_of_its_manual(services: Services, engineer: Person, product_id: int) -> None:
    assert _state(services, product_id) == "none"
    manual_id = _add(services, engineer, product_id)
    assert pipeline.readiness(services, KIND, product_id) is None
    assert estimates.estimate(services, KIND, [product_id]).n_images == 2
    view, error = _build(services, engineer, product_id)
    assert error is None
    assert view.outcomes[0].outcome == "activated"
    assert isinstance(view.outcomes[0].metrics, ManualFigures)
    assert view.outcomes[0].metrics.n_pages == 2
    version = _active(services, product_id)
    assert version is not None
    index = services.models.manual_index(version)
    answer = index.search(Query("replace the roller with a chipped edge", ("scratch", "scratches"), "en"))
    assert answer.found
    best = answer.hits[0].passage
    assert (best.source_id, best.page, best.kind) == (manual_id, 1, "steps")
    assert [(one.state, one.version_number) for one in list_manuals(services)] == [("indexed", 1)]
    assert _state(services, product_id) == "current"
    assert _outcome(services, engineer, product_id) == "unchanged"
    codes = [line.code for line in view.log]
    assert codes == ["log_manuals_started", "log_passages_split", "log_activated"]


def test_without_manuals_there_is_nothing_to_build(services: Services, engineer: Person, product_id: int) -> None:
    refusal = pipeline.readiness(services, KIND, product_id)
    assert isinstance(refusal, NotReady)
    assert "Plate" in refusal.sentence("en")
    view, error = _build(services, engineer, product_id)
    assert error is not None
    assert (error.code, view.outcomes[0].outcome) == ("no_manuals", "failed")


def test_manuals_that_come_and_go_make_it_out_of_date_and_are_counted(
    services: Services, engineer: Person, product_id: int
) -> None:
    first = _add(services, engineer, product_id)
    assert _outcome(services, engineer, product_id) == "activated"
    second = _add(services, engineer, product_id, 1)
    state = model_states(services)[(KIND, product_id)]
    assert (state.state, state.changes) == ("out_of_date", {"added": 1, "removed": 0})
    assert {one.manual.id: one.state for one in list_manuals(services)} == {first: "indexed", second: "not_indexed"}
    delete_manual(services, engineer, first)
    assert model_states(services)[(KIND, product_id)].changes == {"added": 1, "removed": 1}
    assert _outcome(services, engineer, product_id) == "activated"
    assert [version.number for version in list_versions(services, KIND, product_id)] == [2, 1]
    assert _state(services, product_id) == "current"


def test_pages_that_are_read_in_another_way_make_it_out_of_date_and_are_built_anew(
    services: Services, engineer: Person, product_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(services, engineer, product_id)
    assert _outcome(services, engineer, product_id) == "activated"
    assert _outcome(services, engineer, product_id) == "unchanged"
    monkeypatch.setattr("core.registry.manual_fingerprints.INDEX_REVISION", 1000)
    assert _state(services, product_id) == "out_of_date"
    assert _outcome(services, engineer, product_id) == "activated"
    assert _state(services, product_id) == "current"


def test_an_older_version_can_be_rolled_back_to(services: Services, engineer: Person, product_id: int) -> None:
    first = _add(services, engineer, product_id)
    assert _outcome(services, engineer, product_id) == "activated"
    second = _add(services, engineer, product_id, 1)
    assert _outcome(services, engineer, product_id) == "activated"
    old = list_versions(services, KIND, product_id)[-1]
    activate(services, engineer, old.id)
    assert {one.manual.id: one.state for one in list_manuals(services)} == {first: "indexed", second: "not_indexed"}
    assert _state(services, product_id) == "out_of_date"


def test_with_the_last_manual_the_index_goes_out_of_use(services: Services, engineer: Person, product_id: int) -> None:
    manual_id = _add(services, engineer, product_id)
    assert _outcome(services, engineer, product_id) == "activated"
    delete_manual(services, engineer, manual_id)
    assert _active(services, product_id) is None
    assert _state(services, product_id) == "none"


def test_an_index_rolled_back_to_after_its_manuals_went_is_retired_by_the_next_build(
    services: Services, engineer: Person, product_id: int
) -> None:
    manual_id = _add(services, engineer, product_id)
    assert _outcome(services, engineer, product_id) == "activated"
    delete_manual(services, engineer, manual_id)
    activate(services, engineer, list_versions(services, KIND, product_id)[0].id)
    assert _state(services, product_id) == "out_of_date"
    assert pipeline.readiness(services, KIND, product_id) is None
    assert _outcome(services, engineer, product_id) == "retired"
    assert _active(services, product_id) is None


def test_a_last_manual_deleted_during_the_build_leaves_no_index_in_use(
    services: Services, engineer: Person, product_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    manual_id = _add(services, engineer, product_id)
    verify = services.models.verify

    def delete_then_verify(version: ModelVersion) -> None:
        delete_manual(services, engineer, manual_id)
        verify(version)

    monkeypatch.setattr(services.models, "verify", delete_then_verify)
    assert _outcome(services, engineer, product_id) == "retired"
    assert _active(services, product_id) is None


def test_a_manual_whose_file_is_lost_is_named_and_the_others_are_indexed(
    services: Services, engineer: Person, product_id: int
) -> None:
    good, lost = _add(services, engineer, product_id), _add(services, engineer, product_id, 1)
    key, content = get_manual(services, lost).object_key, scratch_manual(1)
    services.objects.delete(key)
    view, error = _build(services, engineer, product_id)
    assert error is None
    assert view.outcomes[0].skipped_manuals == (SkippedFile("1.pdf", "manual_object_missing"),)
    found = {one.manual.id: one for one in list_manuals(services)}
    assert (found[good].state, found[lost].state) == ("indexed", "failed")
    failure = found[lost].failure
    assert failure is not None
    assert "1.pdf" in failure.sentence("ko")
    assert _state(services, product_id) == "current"
    # The file is back: the next build tries again, although nothing else has changed.
    services.objects.put(key, content)
    assert _outcome(services, engineer, product_id) == "activated"
    assert {one.state for one in list_manuals(services)} == {"indexed"}


def test_when_no_manual_can_be_read_the_index_in_use_stays(
    services: Services, engineer: Person, product_id: int
) -> None:
    manual_id = _add(services, engineer, product_id)
    assert _outcome(services, engineer, product_id) == "activated"
    services.objects.put(get_manual(services, manual_id).object_key, b"%PDF-1.4 overwritten")
    _add(services, engineer, product_id, 1)
    services.objects.delete(list_manuals(services)[0].manual.object_key)
    _view, error = _build(services, engineer, product_id)
    assert error is not None
    assert error.code == "no_usable_manuals"
    active = _active(services, product_id)
    assert active is not None
    assert active.number == 1


def test_an_object_store_that_is_away_ends_the_attempt_and_blames_no_manual(
    services: Services, engineer: Person, product_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: object) -> bytes:
        raise ObjectStoreError("object_store_unavailable", reason="timeout")

    _add(services, engineer, product_id)
    job_id, claim = submit_and_claim(services, engineer, KIND, product_id)
    with monkeypatch.context() as patch:
        patch.setattr(type(services.objects), "get", away)
        with pytest.raises(AppError) as caught:
            pipeline.work_off(services, claim)
    assert caught.value.code == "object_store_unavailable"
    assert views.view(services, job_id).outcomes == ()
    claims.finish(services, claim, state="failed", error=caught.value)
    assert [one.state for one in list_manuals(services)] == ["not_indexed"]
    assert _outcome(services, engineer, product_id) == "activated"


def test_a_cancelled_build_leaves_nothing_behind(
    services: Services, engineer: Person, product_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(services, engineer, product_id)
    before = [info.key for info in services.objects.list()]
    job_id, claim = submit_and_claim(services, engineer, KIND, product_id)
    queue.cancel(services, engineer, job_id)
    with pytest.raises(terms.JobCancelled):
        pipeline.work_off(services, claim)
    assert [info.key for info in services.objects.list()] == before
    assert _active(services, product_id) is None


def test_pages_without_text_are_named_in_the_log(services: Services, engineer: Person, product_id: int) -> None:
    content = simple_pdf([SCRATCH_PAGES[0], [], []])
    add(services, engineer, product_id, given("scan.pdf", content))
    view, _error = _build(services, engineer, product_id)
    line = next(line for line in view.log if line.code == "log_manual_pages")
    assert (line.params["count"], line.params["pages"]) == (2, "2, 3")
