"""Imports as jobs: what is planned is taken in once, whatever breaks, and the outcome of each file is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.errors import BadInput, NotAllowed, NotFound
from core.image_imports import drafts, working
from core.image_imports.drafts import (
    change_draft,
    discard_draft,
    discard_old_drafts,
    draft_from_files,
    draft_from_folder,
    draft_from_store,
    list_drafts,
    load_examples,
    open_draft,
)
from core.image_imports.exports import stream_outcomes_csv
from core.image_imports.recognizing import holds_several
from core.image_imports.results import list_imported_products, list_imports, list_rows, view_import
from core.image_imports.starting import cancel, discard_rest, go_on
from core.images.records import IncomingFile
from core.jobs import claims
from core.jobs.terms import JobCancelled, JobLost
from core.operations.orphans import collect_orphans
from core.services import Services
from core.transactions import reading
from storage.tables import Image, ImageImport, Job, utc_now
from tests.unit.core.image_imports.conftest import as_zip, draft_of, picture, refused, start, widget_set, work


def stored(services: Services) -> list[Image]:
    with reading(services) as session:
        return list(session.exec(select(Image).order_by(Image.id)).all())  # type: ignore[arg-type]


def staged(services: Services) -> list[str]:
    return [info.key for info in services.objects.list("imports/")]


def test_a_planned_set_is_taken_in_with_its_masks_and_origin(services: Services, engineer: Person) -> None:
    draft = draft_of(services, engineer, widget_set())
    assert (draft.n_files, draft.title, len(draft.plan.images)) == (10, "set.zip", 7)
    job_id = start(services, engineer, draft)
    assert work(services) is None
    found = view_import(services, engineer, job_id)
    assert found.is_over
    assert found.outcomes == {"added": 7}
    assert found.n_masks == 3
    assert found.added == {"widget": {"": 4, "scratch": 3}}
    assert found.done_bytes == found.byte_size > 0
    rows = stored(services)
    assert {row.origin for row in rows} == {"import"}
    assert all(row.quality is not None and row.blur_score is not None for row in rows)
    assert all(row.difference_hash is not None for row in rows)
    assert sum(row.mask_key is not None for row in rows) == 3
    (product,) = list_imported_products(services, engineer, job_id)
    assert (product.code, product.n_added) == ("widget", 7)
    (line,) = list_imports(services, engineer)
    assert (line.job_id, line.n_images, line.n_added, line.state) == (job_id, 7, 7, "succeeded")


def test_staged_bytes_go_when_the_import_is_over(services: Services, engineer: Person) -> None:
    job_id = start(services, engineer, draft_of(services, engineer, widget_set()))
    assert staged(services)
    assert collect_orphans(services, min_age=timedelta(0)) == 0
    work(services)
    assert discard_rest(services, job_id) == 1
    assert staged(services) == []
    assert discard_rest(services) == 0


def test_a_draft_is_found_again_as_it_was_decided(services: Services, engineer: Person) -> None:
    files = {f"widget/odd pile/{n}.png": picture(n) for n in range(3)}
    draft = draft_of(services, engineer, files, product="widget")
    (question,) = draft.plan.questions
    assert not draft.plan.images
    decided = change_draft(
        services, engineer, draft.id, row_version=draft.row_version, answers={question.path: "defect:dent"}
    )
    assert [image.defect_name for image in decided.plan.images] == ["dent"] * 3
    again = open_draft(services, engineer, draft.id)
    assert again == decided
    assert [row.id for row in list_drafts(services, engineer)] == [draft.id]
    taken_back = change_draft(
        services, engineer, draft.id, row_version=decided.row_version, answers={question.path: ""}
    )
    assert not taken_back.plan.images
    assert open_draft(services, engineer, draft.id).plan == taken_back.plan


def test_examples_are_kept_for_the_table(services: Services, engineer: Person) -> None:
    draft = draft_of(services, engineer, {**widget_set(), "widget/train/good/900.png": b"no picture"})
    examples = load_examples(services, engineer, draft.id)
    assert "widget/train/good/000.png" in examples
    assert all(data.startswith(b"\xff\xd8") for data in examples.values())


def test_a_stale_decision_is_refused(services: Services, engineer: Person) -> None:
    draft = draft_of(services, engineer, widget_set())
    change_draft(services, engineer, draft.id, row_version=1, answers={"widget/test/scratch": "skip"})
    with refused("import_changed"):
        change_draft(services, engineer, draft.id, row_version=1, answers={"widget/test/scratch": "normal"})
    with refused("import_changed"):
        start(services, engineer, draft)


def test_an_import_is_started_once(services: Services, engineer: Person) -> None:
    draft = draft_of(services, engineer, widget_set())
    start(services, engineer, draft)
    for again in (lambda: start(services, engineer, draft), lambda: discard_draft(services, engineer, draft.id)):
        with refused("import_started"):
            again()


def test_open_questions_are_answered_or_left_out_on_purpose(services: Services, engineer: Person) -> None:
    files = {**widget_set(), **{f"widget/odd pile/{n}.png": picture(500 + n) for n in range(2)}}
    draft = draft_of(services, engineer, files)
    assert draft.plan.questions
    with refused("import_questions_open"):
        start(services, engineer, draft)
    job_id = start(services, engineer, draft, leave_questions_out=True)
    work(services)
    assert view_import(services, engineer, job_id).outcomes == {"added": 7}
    left = list_rows(services, engineer, job_id, outcome="left_out")
    assert [row.path for row in left] == ["widget/odd pile/0.png", "widget/odd pile/1.png"]
    assert all(row.error is not None for row in left)


def test_nothing_planned_is_said(services: Services, engineer: Person) -> None:
    draft = draft_of(services, engineer, {"widget/odd pile/0.png": picture(1)})
    with refused("import_nothing_planned"):
        start(services, engineer, draft, leave_questions_out=True)


def test_refused_and_known_files_have_their_reason_and_the_others_go_on(services: Services, engineer: Person) -> None:
    work_first = start(services, engineer, draft_of(services, engineer, widget_set(2, 0)))
    work(services)
    files = {**widget_set(), "widget/train/good/900.png": b"no picture", "widget/train/good/901.png": picture(3)}
    job_id = start(services, engineer, draft_of(services, engineer, files))
    assert job_id != work_first
    assert work(services) is None
    found = view_import(services, engineer, job_id)
    assert found.outcomes == {"added": 5, "duplicate": 3, "refused": 1}
    (bad,) = list_rows(services, engineer, job_id, outcome="refused")
    assert bad.path == "widget/train/good/900.png"
    assert bad.error is not None
    assert bad.error.code == "image_not_an_image"
    text = b"".join(stream_outcomes_csv(services, engineer, job_id, language="en")).decode("utf-8-sig")
    assert text.startswith("File,Kind,Product,Shows,Split,Outcome,Stored as,Why,Notes")
    assert "widget/train/good/900.png,Image,widget,Good part" in text
    assert len(text.splitlines()) == 1 + 9 + 3


class Killed(BaseException):
    """Stands for the end of the process."""


def test_what_an_archive_holds_and_nobody_takes_is_said_before_the_import(services: Services, engineer: Person) -> None:
    draft = draft_of(services, engineer, {**widget_set(), "../outside.png": picture(70)})
    (left,) = [found for found in draft.plan.left_out if "outside.png" in found.path]
    assert left.matters
    again = change_draft(services, engineer, draft.id, row_version=draft.row_version, answers={"widget/test": "skip"})
    assert left in again.plan.left_out
    job_id = start(services, engineer, again)
    assert work(services) is None
    (row,) = [row for row in list_rows(services, engineer, job_id) if "outside.png" in row.path]
    assert (row.outcome, row.error and row.error.code) == ("refused", left.reason)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_whoever_goes_on_after_a_kill_stores_nothing_twice(
    services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    files = widget_set(6, 4)
    monkeypatch.setattr("core.images.ingest.GROUP_FILES", 3)
    monkeypatch.setattr("core.images.ingest.ingest_images.__kwdefaults__", {"group_files": 3, "along": None})
    job_id = start(services, engineer, draft_of(services, engineer, files))
    calls = 0
    hold = claims.hold

    def killed_there(*given: Any, **values: Any) -> None:
        nonlocal calls
        calls += 1
        hold(*given, **values)
        if calls == at:
            raise Killed

    monkeypatch.setattr(claims, "hold", killed_there)
    claim = claims.claim_next(services, "first", lease_s=-1.0)
    assert claim is not None
    with pytest.raises(Killed):
        working.work_off(services, claim)
    monkeypatch.setattr(claims, "hold", hold)
    before = len(stored(services))
    assert before < 10
    assert work(services) is None
    found = view_import(services, engineer, job_id)
    assert found.outcomes == {"added": 10}
    assert found.n_masks == 4
    assert len(stored(services)) == 10


def test_an_old_worker_changes_nothing_any_more(services: Services, engineer: Person) -> None:
    start(services, engineer, draft_of(services, engineer, widget_set()))
    old = claims.claim_next(services, "old", lease_s=-1.0)
    assert old is not None
    assert claims.claim_next(services, "new") is not None
    with pytest.raises(JobLost):
        working.work_off(services, old)
    assert stored(services) == []


def test_a_canceled_import_keeps_what_is_taken_in_and_nothing_else(services: Services, engineer: Person) -> None:
    job_id = start(services, engineer, draft_of(services, engineer, widget_set()))
    cancel(services, engineer, job_id)
    assert staged(services) == []
    assert view_import(services, engineer, job_id).job.state == "cancelled"
    job_id = start(services, engineer, draft_of(services, engineer, widget_set()))
    claim = claims.claim_next(services, "worker")
    assert claim is not None
    cancel(services, engineer, job_id)
    with pytest.raises(JobCancelled):
        working.work_off(services, claim)


def test_one_that_failed_goes_on(services: Services, engineer: Person, tmp_path: Path) -> None:
    job_id = start(services, engineer, draft_of(services, engineer, widget_set()))
    claim = claims.claim_next(services, "worker")
    assert claim is not None
    claims.finish(services, claim, state="failed", error=BadInput("import_gone"))
    assert discard_rest(services, job_id) == 0  # its files are kept for another try
    assert view_import(services, engineer, job_id).can_go_on
    go_on(services, engineer, job_id)
    assert work(services) is None
    assert len(stored(services)) == 7
    with refused("import_nothing_left"):
        go_on(services, engineer, job_id)


def test_loose_files_are_planned_for_the_product_that_is_named(services: Services, engineer: Person) -> None:
    files = [IncomingFile(f"{n}.png", lambda n=n: picture(n)) for n in range(3)]  # type: ignore[misc]
    draft = draft_from_files(services, engineer, files, product="widget", as_role="normal")
    assert not draft.plan.questions
    job_id = start(services, engineer, draft, test_share=0.34)
    work(services)
    assert view_import(services, engineer, job_id).added == {"widget": {"": 3}}
    assert sorted(row.split for row in stored(services)) == ["test", "train", "train"]


@pytest.fixture
def allowed(services: Services, tmp_path: Path) -> tuple[Services, Path]:
    """Return services that may read a folder of the server, and this folder."""
    folder = (tmp_path / "incoming").resolve()
    for path, data in widget_set().items():
        (folder / "line" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "line" / path).write_bytes(data)
    return replace(services, settings=replace(services.settings, import_folders=(folder,))), folder


def test_a_folder_of_the_server_is_read_where_it_lies(allowed: tuple[Services, Path], engineer: Person) -> None:
    services, folder = allowed
    draft = draft_from_folder(services, engineer, "line")
    job_id = start(services, engineer, draft)
    assert work(services) is None
    discard_rest(services, job_id)
    assert view_import(services, engineer, job_id).outcomes == {"added": 7}
    assert (folder / "line/widget/train/good/000.png").exists()


def test_no_other_folder_of_the_server_is_read(allowed: tuple[Services, Path], engineer: Person) -> None:
    services, folder = allowed
    (folder.parent / "secret").mkdir()
    (folder / "way out").symlink_to(folder.parent / "secret")
    for path in (str(folder.parent / "secret"), "../secret", "way out", "/etc"):
        with refused("import_path_outside"):
            draft_from_folder(services, engineer, path)
    with refused("import_path_missing"):
        draft_from_folder(services, engineer, "not there")


def test_folders_of_the_server_are_closed_until_the_administrator_names_some(
    services: Services, engineer: Person, tmp_path: Path
) -> None:
    with refused("import_folders_unset"):
        draft_from_folder(services, engineer, str(tmp_path))


def test_a_folder_of_the_object_store_is_read_where_it_lies(services: Services, engineer: Person) -> None:
    for path, data in widget_set().items():
        services.objects.put(f"incoming/{path}", data)
    with refused("batch_folder_own"):
        draft_from_store(services, engineer, "images/normal")
    job_id = start(services, engineer, draft_from_store(services, engineer, "incoming"))
    assert work(services) is None
    assert view_import(services, engineer, job_id).outcomes == {"added": 7}
    assert services.objects.exists("incoming/widget/train/good/000.png")


def test_bad_uploads_are_refused_and_leave_nothing(services: Services, engineer: Person) -> None:
    for files, code in (
        ([], "import_without_files"),
        ([IncomingFile("set.zip", lambda: b"no archive")], "archive_not_zip"),
        (as_zip({}), "import_nothing_found"),
    ):
        with refused(code):
            draft_from_files(services, engineer, files)
    assert staged(services) == []
    assert list_drafts(services, engineer) == []


def test_drafts_are_thrown_away_by_hand_or_after_a_week(
    services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    discard_draft(services, engineer, draft_of(services, engineer, widget_set()).id)
    assert staged(services) == []
    draft = draft_of(services, engineer, widget_set())
    assert discard_old_drafts(services) == 0
    monkeypatch.setattr(drafts, "utc_now", lambda: utc_now() + timedelta(days=8))
    assert discard_old_drafts(services) == 1
    assert staged(services) == []
    with pytest.raises(NotFound):
        open_draft(services, engineer, draft.id)


def test_an_upload_that_holds_several_labels_is_recognized(services: Services, engineer: Person) -> None:
    assert holds_several(services, engineer, as_zip(widget_set()))
    assert not holds_several(services, engineer, as_zip(widget_set(4, 0)))
    assert not holds_several(services, engineer, as_zip({f"{n}.png": picture(n) for n in range(3)}))
    assert not holds_several(services, engineer, [IncomingFile("broken.zip", lambda: b"no archive")])


def test_workers_do_not_import(services: Services) -> None:
    worker = open_person(services, "worker")
    for asked in (
        lambda: draft_from_files(services, worker, as_zip(widget_set())),
        lambda: list_drafts(services, worker),
        lambda: list_imports(services, worker),
    ):
        with pytest.raises(NotAllowed):
            asked()


def test_an_import_of_somebody_who_may_not_any_more_says_so(services: Services, engineer: Person) -> None:
    job_id = start(services, engineer, draft_of(services, engineer, widget_set()))
    worker = open_person(services, "worker")
    with services.database.unit_of_work() as session:
        row = session.get(Job, job_id)
        assert row is not None
        row.created_by = worker.id
        session.add(row)
        session.commit()
    error = work(services)
    assert getattr(error, "code", "") == "import_person_gone"
    with reading(services) as session:
        kept = session.exec(select(ImageImport)).one()
    assert kept.staged
