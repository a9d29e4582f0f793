"""What would change: the verdicts of the version in use beside those of a candidate or of other thresholds."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from core.accounts.people import open_person
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.inspections.decisions import confirm_defect_type, override_verdict
from core.inspections.inspection import inspect
from core.models.detection_figures import BankFigures
from core.models.sources import BankSources
from core.registry.thresholds import find_threshold
from core.replay.records import DEFECT, GOOD, IMAGE, INSPECTION, PASSED, STOPPED, TO_REVIEW, UNKNOWN, Replay
from core.replay.replaying import replay_thresholds, replay_version
from core.transactions import reading, writing
from storage.tables import Image, Inspection, ModelVersion, SearchHistory
from tests.plates import encode, plate, seed_of
from tests.toy_models import REJECT_AT, REVIEW_AT
from tests.unit.core.replay.conftest import Line

# 10 + 4 good plates and 5 of each of two defects are labeled.
N_LABELED, N_GOOD = 24, 14


def _replay(line: Line, *, limit: int = 200, most_images: int = 1000) -> Replay:
    return replay_version(line.services, line.engineer, line.candidate_id, limit=limit, most_images=most_images)


def _named(replay: Replay, known_as: str, flip: str, kind: str) -> list[str]:
    return [
        image.name
        for group in replay.groups()
        if (group.known_as, group.flip) == (known_as, flip)
        for image in group.images
        if image.kind == kind
    ]


def test_known_defects_that_a_blind_candidate_passes_come_first(line: Line) -> None:
    found = _replay(line)
    assert [(group.known_as, group.flip, len(group.images)) for group in found.groups()] == [
        (DEFECT, PASSED, 5),
        (UNKNOWN, PASSED, 1),
        (DEFECT, TO_REVIEW, 5),
        (UNKNOWN, TO_REVIEW, 1),
    ]
    first = found.groups()[0]
    assert first.is_mistake
    types = [image.outcome.defect_type for image in first.images if image.outcome is not None]
    assert {found_type.code for found_type in types if found_type is not None} == {"scratch"}
    assert all(
        image.before and image.before.verdict == "reject" and image.after.verdict == "ok" for image in first.images
    )
    assert found.count_flips() == {
        "defect_passed": 5,
        "unknown_passed": 1,
        "defect_to_review": 5,
        "unknown_to_review": 1,
    }
    assert len(found.images) == N_LABELED + 3
    assert found.count_stopped(GOOD).to_json() == {"n": N_GOOD, "before": 0, "after": 0}
    assert sum(found.count_verdicts().values()) == len(found.images)


def test_what_nobody_decided_on_is_apart_until_somebody_does(line: Line) -> None:
    line.models.factors[2] = 0.0
    found = _replay(line)
    assert sorted(_named(found, UNKNOWN, PASSED, INSPECTION)) == ["scratch.png", "spot.png"]
    worker = open_person(line.services, "worker")
    with reading(line.services) as session:
        row = session.get(Inspection, line.spot_id)
    assert row is not None
    confirm_defect_type(line.services, worker, line.spot_id, row_version=1, defect_type_id=row.suggested_defect_type_id)
    override_verdict(line.services, worker, line.scratch_id, row_version=1, verdict="ok", reason="a reflection")
    again = _replay(line)
    assert _named(again, DEFECT, PASSED, INSPECTION) == ["spot.png"]
    assert _named(again, GOOD, PASSED, INSPECTION) == ["scratch.png"]
    assert not _named(again, UNKNOWN, PASSED, INSPECTION)


def test_a_verdict_that_a_person_left_at_review_is_no_known_outcome(line: Line) -> None:
    line.models.factors[2] = 0.0
    worker = open_person(line.services, "worker")
    override_verdict(line.services, worker, line.spot_id, row_version=1, verdict="review", reason="ask the engineer")
    assert "spot.png" in _named(_replay(line), UNKNOWN, PASSED, INSPECTION)


def test_an_inspection_of_the_version_in_use_keeps_its_score(line: Line) -> None:
    found = _replay(line)
    assert line.models.looks(1) == N_LABELED
    assert line.models.looks(2) == N_LABELED + 3
    with reading(line.services) as session:
        stored = {row.id: row.score for row in session.exec(select(Inspection)).all()}
    told = {image.id: image.before.score for image in found.images if image.kind == INSPECTION and image.before}
    assert told == stored
    assert found.n_scored == 2 * N_LABELED + 3


def test_an_inspection_of_another_version_is_judged_by_both(line: Line) -> None:
    with writing(line.services) as session:
        session.execute(update(ModelVersion).where(col(ModelVersion.id) == line.active_id).values(active_key=None))
        session.execute(
            update(ModelVersion)
            .where(col(ModelVersion.id) == line.candidate_id)
            .values(active_key=f"memory_bank:product:{line.product.id}", state="active")
        )
        session.commit()
    found = replay_version(line.services, line.engineer, line.active_id)
    assert found.before is not None
    assert (found.before.number, found.after.number) == (2, 1)
    assert line.models.looks(2) == N_LABELED + 3
    assert line.models.looks(1) == N_LABELED


def test_other_thresholds_are_compared_with_stored_scores_without_a_look(line: Line) -> None:
    found = replay_thresholds(line.services, line.engineer, line.active_id, 0.5, REJECT_AT, most_images=0)
    assert line.models.looks(1) == 0
    assert found.n_scored == 0
    assert _named(found, UNKNOWN, STOPPED, INSPECTION) == ["good.png"]
    assert (found.after.review_at, found.after.reject_at) == (0.5, REJECT_AT)
    assert found.other_thresholds
    assert find_threshold(line.services, line.active_id).review_at == REVIEW_AT


def test_other_thresholds_of_a_candidate_are_compared_with_what_is_in_use(line: Line) -> None:
    found = replay_thresholds(line.services, line.engineer, line.candidate_id, 0.3 * REVIEW_AT, 0.3 * REJECT_AT)
    assert found.before is not None
    assert (found.before.number, found.after.number) == (1, 2)
    assert found.groups() == ()


def test_scores_from_before_a_version_learned_an_image_stand_for_it(line: Line) -> None:
    with reading(line.services) as session:
        images = session.exec(select(Image).where(Image.split == "train").order_by(col(Image.id))).all()
    normals = [image.id for image in images if image.image_type == "normal"]
    growth = {
        "revision": 1,
        "normals_sha256": "",
        "normal_scores": {f"image:{image_id}": 31.0 for image_id in normals[1:]},
        "n_whole": 10,
        "n_since_whole": 0,
        "whole_radius": 1.0,
    }
    sources = BankSources.from_json({"image_ids": {"normal": normals}, "growth": growth}).to_json()
    metrics = BankFigures(defect_scores={f"image:{images[-1].id}": 7.0}).to_json()
    with writing(line.services) as session:
        session.execute(
            update(ModelVersion)
            .where(col(ModelVersion.id) == line.candidate_id)
            .values(sources=sources, metrics=metrics)
        )
        session.commit()
    found = _replay(line)
    assert found.learned_from == 1
    assert normals[0] not in {image.id for image in found.images if image.kind == IMAGE}
    scores = {image.id: image.after.score for image in found.images if image.kind == IMAGE}
    assert {scores[image_id] for image_id in normals[1:]} == {31.0}
    assert scores[images[-1].id] == 7.0
    assert len(_named(found, GOOD, STOPPED, IMAGE)) == len(normals) - 1
    assert line.models.looks(2) == N_LABELED + 3 - len(normals) - 1


def test_a_curated_image_that_was_inspected_counts_once_with_its_label(line: Line) -> None:
    data = encode(plate(seed_of("test", "good", 50)))
    files = [IncomingFile("kept.png", lambda: data)]
    added = add_images(
        line.services, line.engineer, product_id=line.product.id, image_type="normal", split="train", files=files
    )
    assert [outcome.outcome for outcome in added] == ["added"]
    found = _replay(line)
    assert len(found.images) == N_LABELED + 3
    (good,) = (image for image in found.images if image.kind == INSPECTION and image.id == line.good_id)
    assert good.known_as == GOOD


def test_a_missing_kept_image_is_named_and_the_others_are_compared(line: Line) -> None:
    with reading(line.services) as session:
        row = session.get(Inspection, line.spot_id)
    assert row is not None
    line.services.objects.delete(row.image_key)
    line.services.objects.put(_key_of(line, line.scratch_id), b"not an image")
    found = _replay(line)
    assert [(one.kind, one.id, one.name, one.error.code) for one in found.unreadable] == [
        (INSPECTION, line.scratch_id, "scratch.png", "image_not_an_image"),
        (INSPECTION, line.spot_id, "spot.png", "object_missing"),
    ]
    assert len(found.images) == N_LABELED + 1
    assert found.n_inspections == 3


def _key_of(line: Line, inspection_id: int) -> str:
    with reading(line.services) as session:
        row = session.get(Inspection, inspection_id)
    assert row is not None
    return row.image_key


def test_of_too_many_labeled_images_an_even_sample_is_taken(line: Line) -> None:
    found = _replay(line, most_images=12, limit=1)
    assert (found.n_images, found.n_labeled, found.is_sample) == (12, N_LABELED, True)
    assert found.count_stopped(GOOD).total == N_GOOD // 2
    assert [image.name for image in found.images if image.kind == INSPECTION] == ["scratch.png"]


def test_without_a_version_in_use_nothing_flips(line: Line) -> None:
    with writing(line.services) as session:
        session.execute(update(ModelVersion).where(col(ModelVersion.id) == line.active_id).values(active_key=None))
        session.commit()
    found = _replay(line)
    assert found.before is None
    assert found.groups() == ()
    assert found.count_stopped(DEFECT).before is None
    assert found.count_stopped(DEFECT).total == 10


def test_nothing_is_stored(line: Line) -> None:
    def count() -> list[int]:
        with reading(line.services) as session:
            return [len(session.exec(select(table)).all()) for table in (Inspection, SearchHistory, ModelVersion)]

    before = count()
    objects = sorted(info.key for info in line.services.objects.list())
    _replay(line)
    assert count() == before
    assert sorted(info.key for info in line.services.objects.list()) == objects


def test_progress_counts_the_looks_and_what_it_raises_ends_the_replay(line: Line) -> None:
    seen: list[tuple[int, int]] = []
    replay_version(line.services, line.engineer, line.candidate_id, progress=lambda *counts: seen.append(counts))
    total = 2 * N_LABELED + 3
    assert seen[0] == (0, total)
    assert seen[-1] == (total, total)

    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise Stopped

    with pytest.raises(Stopped):
        replay_version(line.services, line.engineer, line.candidate_id, progress=stop)


def test_the_json_object_holds_what_flips(line: Line) -> None:
    told = _replay(line).to_json()
    assert told["counts"]["defect_passed"] == len(
        [one for one in told["flips"] if one["flip"] == PASSED and one["known_as"] == DEFECT]
    )
    assert told["model_version"] == 2
    assert told["in_use"]["model_version"] == 1
    assert told["compared"] == N_LABELED + 3


def test_what_cannot_be_compared_is_refused(line: Line) -> None:
    services, engineer = line.services, line.engineer
    with pytest.raises(NotAllowed):
        replay_version(services, open_person(services, "worker"), line.candidate_id)
    with pytest.raises(Conflict, match="already active"):
        replay_version(services, engineer, line.active_id)
    with pytest.raises(NotFound):
        replay_version(services, engineer, 10_000)
    for limit in (0, 2001):
        with pytest.raises(BadInput, match="inspections"):
            replay_version(services, engineer, line.candidate_id, limit=limit)
    for review_at, reject_at in ((float("nan"), 1.0), (0.0, 1.0), (1.0, float("inf")), (3.0, 2.0)):
        with pytest.raises(BadInput):
            replay_thresholds(services, engineer, line.active_id, review_at, reject_at)
    with writing(services) as session:
        session.execute(update(ModelVersion).where(col(ModelVersion.id) == line.candidate_id).values(object_prefix=""))
        session.commit()
    with pytest.raises(Conflict, match="no longer kept"):
        replay_version(services, engineer, line.candidate_id)


def test_an_inspected_part_judged_today_is_what_the_candidate_says_when_it_is_in_use(line: Line) -> None:
    found = _replay(line)
    with writing(line.services) as session:
        session.execute(update(ModelVersion).where(col(ModelVersion.id) == line.active_id).values(active_key=None))
        session.execute(
            update(ModelVersion)
            .where(col(ModelVersion.id) == line.candidate_id)
            .values(active_key=f"memory_bank:product:{line.product.id}", state="active")
        )
        session.commit()
    data = encode(plate(seed_of("test", "spot", 50), "spot"))
    worker = open_person(line.services, "worker")
    shown = inspect(line.services, worker, product_id=line.product.id, data=data, file_name="spot.png").record
    (told,) = (image for image in found.images if image.kind == INSPECTION and image.id == line.spot_id)
    assert (told.after.score, told.after.verdict) == (shown.score, shown.verdict)
