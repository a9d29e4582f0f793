"""What the deployment screens say and do beside the start: policy, versions side by side, one click, the queue."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import select

from core.accounts.people import open_person
from core.catalog.products import list_products
from core.images.edits import delete_images
from core.images.library import list_images
from core.jobs import claims, heartbeats, queue, views
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.registry import activation_policy, thresholds
from core.registry.fingerprints import fingerprints
from core.registry.model_status import model_states
from core.registry.versions import list_versions
from core.services import Services
from pages.components.shared import screens
from pages.components.shared.screens import MEMORY_BANKS, NORMAL_IMAGES
from storage.tables import ModelVersion, ThresholdSetting, utc_now
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts


def _product_id(services: Services) -> int:
    return list_products(services)[0].product.id


def _delete_one_image(services: Services) -> str:
    first = list_images(services, _product_id(services), image_type="normal", split="train").rows[0]
    delete_images(services, open_person(services, "engineer"), [first.id])
    return first.stored_name


def _add_candidate(services: Services) -> tuple[ModelVersion, ModelVersion]:
    """Add a second version that was built without one of the images, measures worse, and waits."""
    (active,) = list_versions(services, MEMORY_BANK, _product_id(services))
    ids = active.sources["image_ids"]
    with services.database.unit_of_work() as session:
        values = active.model_dump(exclude={"id", "active_key"})
        values |= {"number": 2, "state": "candidate", "activated_at": None, "created_at": utc_now()}
        values["sources"] = {**active.sources, "image_ids": {**ids, "normal": ids["normal"][1:]}}
        values["metrics"] = {**active.metrics, "image_auroc": 0.5}
        candidate = ModelVersion(**values)
        session.add(candidate)
        session.flush()
        limits = session.exec(select(ThresholdSetting).where(ThresholdSetting.model_version_id == active.id)).one()
        copied = limits.model_dump(exclude={"id"}) | {"model_version_id": candidate.id}
        session.add(ThresholdSetting(**copied))
        session.commit()
    return active, candidate


def test_a_candidate_stands_beside_the_version_in_use_and_says_what_changed(
    open_deployed: OpenApp, deployed: Services
) -> None:
    _active, candidate = _add_candidate(deployed)
    app = open_deployed(MEMORY_BANKS)
    said = texts(app)
    assert "Version 2 waits beside version 1" in said
    assert "Both were measured on the same test images." in said
    figures = app.table[0].value
    assert "Image AUROC" in figures["Figure"].tolist()
    app.button(key=f"compare_{candidate.id}").click().run()
    assert not app.exception
    said = texts(app)
    assert "From **version 1**" in said
    assert "1 image removed" in said


def test_what_is_built_but_not_in_use_is_not_offered_to_be_built_once_more(
    open_deployed: OpenApp, deployed: Services
) -> None:
    # A candidate that measured worse would only be built again, click after click.
    _active, candidate = _add_candidate(deployed)
    _delete_one_image(deployed)
    with deployed.database.unit_of_work() as session:
        row = session.get_one(ModelVersion, candidate.id)
        row.fingerprint = fingerprints(session)[(MEMORY_BANK, _product_id(deployed), "")]
        session.add(row)
        session.commit()
    state = model_states(deployed)[(MEMORY_BANK, _product_id(deployed))]
    assert (state.state, state.built and state.built.number) == ("out_of_date", 2)
    app = open_deployed(MEMORY_BANKS)
    assert app.dataframe[0].value["Note"].tolist() == ["version 2 is built from this, but not in use · 1 image removed"]
    assert "Choose the products to build" in texts(app)


def test_the_menu_closes_when_what_changed_opens(open_deployed: OpenApp, deployed: Services) -> None:
    _active, candidate = _add_candidate(deployed)
    app = open_deployed(MEMORY_BANKS)
    app.button(key=f"compare_{candidate.id}").click().run()
    assert app.session_state[f"compare_turn_{candidate.id}"] == 1


def test_the_policy_can_be_changed_where_it_applies(open_deployed: OpenApp, deployed: Services) -> None:
    app = open_deployed(MEMORY_BANKS)
    assert "5 versions are kept" in texts(app)
    app.toggle(key="policy_by_itself_0").set_value(False)
    app.number_input(key="policy_kept_0").set_value(3)
    press(app, "Save")
    policy = activation_policy.current_policy(deployed)
    assert (policy.activate_when_no_worse, policy.kept_versions) == (False, 3)
    assert "waits for a person to put it into use; 3 versions are kept" in texts(app)


def test_the_share_of_good_parts_in_review_is_set_in_percent_for_memory_banks_alone(
    open_deployed: OpenApp, deployed: Services
) -> None:
    app = open_deployed(MEMORY_BANKS)
    assert "Thresholds without defects send 2% of good parts to review." in texts(app)
    assert app.number_input(key="policy_review_0").value == 2.0
    press(app, "Save")
    assert activation_policy.current_policy(deployed).row_version == 0
    app.number_input(key="policy_review_0").set_value(0.7)
    press(app, "Save")
    policy = activation_policy.current_policy(deployed)
    assert (policy.review_share, policy.row_version) == (0.007, 1)
    assert "send 0.7% of good parts to review" in texts(app)

    app = open_deployed(screens.SIMILARITY_INDEX)
    assert "good parts to review" not in texts(app)
    app.number_input(key="policy_kept_1").set_value(4)
    press(app, "Save")
    policy = activation_policy.current_policy(deployed)
    assert (policy.review_share, policy.kept_versions) == (0.007, 4)


def test_a_version_tells_what_its_thresholds_stand_on_and_what_labeled_defects_taught(
    open_deployed: OpenApp, deployed: Services
) -> None:
    app = open_deployed(MEMORY_BANKS)
    said = texts(app).replace("\\", "")
    # After the build, and with the version.
    assert said.count("normal images + 12 defect images. Good parts held back") == 2
    assert said.count("Learned from 12 labeled defects (Cell defect 12), 0 of them with a mask.") == 2
    assert "12 of them have no mask" in said
    assert "Review from **" in said

    version = list_versions(deployed, MEMORY_BANK, _product_id(deployed))[0]
    seen = thresholds.find_threshold(deployed, version.id)
    person = open_person(deployed, "engineer")
    thresholds.save_thresholds(deployed, person, version.id, 20.0, 30.0, reason="stricter", seen_id=seen.id)
    said = texts(open_deployed(MEMORY_BANKS))
    assert "Review from **20** · NG from **30** · set by hand: stricter" in said
    assert said.count("Good parts held back") == 1


def test_one_click_on_the_images_deploys_both_models_in_their_order(open_deployed: OpenApp, deployed: Services) -> None:
    _delete_one_image(deployed)
    app = open_deployed(NORMAL_IMAGES)
    assert "**Memory bank**: 1 image removed" in texts(app)
    app.button(key="deploy_now_images_normal").click().run()
    assert not app.exception
    waiting = sorted((job.id, job.kind) for job in views.list_jobs(deployed) if job.state == "queued")
    assert [kind for _id, kind in waiting] == [MEMORY_BANK, SIMILARITY_INDEX]
    app.run()
    assert "on its way" in texts(app)
    assert not [button for button in app.button if button.key == "deploy_now_images_normal"]


def test_what_was_started_on_a_screen_ends_there_with_the_way_to_the_inspection(
    open_deployed: OpenApp, deployed: Services
) -> None:
    product_id = _product_id(deployed)
    started = tuple(sorted(job.id for job in views.list_jobs(deployed)))
    app = open_deployed()
    assert "The deployment is finished" not in texts(open_deployed(NORMAL_IMAGES))
    app.session_state["deploy_started_images_normal"] = ((product_id,), started)
    app = app.switch_page(NORMAL_IMAGES).run()
    assert "The deployment is finished" in texts(app)
    app = press(app, "Inspect now")
    assert [title.value for title in app.title] == ["Inspect a part"]


def test_the_queue_shows_every_kind_and_that_nobody_works_it_off(open_deployed: OpenApp, deployed: Services) -> None:
    person, product_id = open_person(deployed, "engineer"), _product_id(deployed)
    queue.submit(deployed, person, kind=SIMILARITY_INDEX, product_ids=[product_id])
    queue.submit(deployed, person, kind=MEMORY_BANK, product_ids=[product_id])
    app = open_deployed(MEMORY_BANKS)
    said = texts(app)
    assert "Waiting: number 2 in the queue" in said
    assert "**Similarity index** · number 1" in said
    assert "No worker is alive" in said
    heartbeats.beat(deployed, "w", host="here", pid=1, job_id=None)
    assert "No worker is alive" not in texts(open_deployed(MEMORY_BANKS))


def test_skipped_images_and_the_log_are_said_in_words(open_deployed: OpenApp, deployed: Services) -> None:
    person, product_id = open_person(deployed, "engineer"), _product_id(deployed)
    queue.submit(deployed, person, kind=MEMORY_BANK, product_ids=[product_id])
    claim = claims.claim_next(deployed, "tests")
    assert claim is not None
    skipped = {"name": "cells_007.png", "reason": "image_truncated"}
    claims.append_log(deployed, claim, "log_image_skipped", product="cells", **skipped)
    outcome = {"product_id": product_id, "code": "cells", "outcome": "activated", "skipped_images": [skipped]}
    claims.report(deployed, claim, result={"outcomes": [outcome]})
    assert claims.finish(deployed, claim, state="succeeded")
    app = open_deployed(MEMORY_BANKS)
    said = texts(app)
    assert "007.png" in said
    log = "\n".join(block.value for block in app.code)
    assert "cells_007.png was skipped" in log
    assert "image_truncated" not in said + log
    assert views.view(deployed, claim.job_id).finished_at is not None
    assert utc_now() - timedelta(minutes=5) < (views.view(deployed, claim.job_id).finished_at or utc_now())
