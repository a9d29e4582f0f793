"""What a watched folder comes to: every file is inspected once and moved, or rejected with its reason, or waits."""

from __future__ import annotations

import errno
import json
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from core.accounts.people import open_person, watch_person
from core.catalog.products import find_product, set_product_active
from core.errors import AppError
from core.inspections import batch, examination
from core.services import Services
from core.transactions import reading, writing
from core.watching import inspecting, moving, scanning
from core.watching.folders import list_folders
from core.watching.inspecting import FolderWatch
from storage.object_store import ObjectStoreError
from storage.tables import Inspection, WatchFile, WatchFolder, utc_now
from tests.plates import encode, plate
from tests.unit.core.watching.conftest import GOOD, SPOT, AddFolder, Watching


def _inspections(services: Services) -> list[Inspection]:
    with reading(services) as session:
        return list(session.exec(select(Inspection).order_by(col(Inspection.id))).all())


def _row(watching: Watching) -> WatchFolder:
    with reading(watching.services) as session:
        row = session.get(WatchFolder, watching.folder.id)
    assert row is not None
    return row


def test_what_arrives_is_inspected_and_moved_to_done(watching: Watching) -> None:
    watching.put("good.png")
    watching.put("spot.png", SPOT)
    look = watching.watch.look()
    assert (look.inspected, look.rejected, look.waiting, look.problem) == (2, 0, 0, None)
    assert watching.files() == ["done/good.png", "done/spot.png"]
    found = {row.original_name: row for row in _inspections(watching.services)}
    assert (found["good.png"].verdict, found["spot.png"].verdict) == ("ok", "reject")
    assert {row.source for row in found.values()} == {"watch"}
    assert {row.created_by for row in found.values()} == {watch_person(watching.services).id}
    (day,) = {result.target.rsplit("/", 1)[0] for result in watching.results}
    assert day == f"done/{utc_now().astimezone():%Y/%m/%d}"
    row = _row(watching)
    assert (row.inspected_total, row.rejected_total, row.waiting, row.last_error) == (2, 0, 0, "")


def test_a_file_that_is_no_image_is_rejected_with_its_reason(watching: Watching, add: AddFolder) -> None:
    watching.put("text.png", b"not an image")
    watching.put("cut.png", SPOT[:500])
    watching.put("good.png")
    look = watching.watch.look()
    assert (look.inspected, look.rejected) == (1, 2)
    assert watching.files() == [
        "done/good.png",
        "rejected/cut.png",
        "rejected/cut.png.reason.txt",
        "rejected/text.png",
        "rejected/text.png.reason.txt",
    ]
    sentence, details = (watching.path / "rejected/text.png.reason.txt").read_text().splitlines()
    assert sentence == "text.png is not an image. Choose a JPG, PNG, BMP, TIFF or WebP file."
    assert json.loads(details)["error"]["code"] == "image_not_an_image"
    assert json.loads(details)["file"] == "text.png"
    korean = Watching(watching.services, add("korean", language="ko"))
    korean.put("글.png", b"not an image")
    korean.watch.look()
    assert "이미지" in (korean.path / "rejected/글.png.reason.txt").read_text(encoding="utf-8")


def test_what_the_name_says_of_the_part_is_kept(toy_services: Services, add: AddFolder) -> None:
    watching = Watching(toy_services, add(line="L1", name_rule="{lot}_{serial:3}{*}", shift="night", subfolders=True))
    watching.put("A7_001-top.png")
    watching.put("other.png", SPOT)
    watching.watch.look()
    found = {row.original_name: row for row in _inspections(toy_services)}
    first, other = found["A7_001-top.png"], found["other.png"]
    assert (first.lot, first.serial, first.line, first.shift) == ("A7", "001", "L1", "night")
    assert (other.lot, other.serial, other.line) == ("", "", "L1")
    assert {result.name: result.is_traced for result in watching.results} == {
        "A7_001-top.png": True,
        "other.png": False,
    }
    (view,) = list_folders(toy_services, since=utc_now() - timedelta(hours=1))
    assert view.untraced == 1


def test_details_that_are_too_long_reject_the_file(toy_services: Services, add: AddFolder) -> None:
    watching = Watching(toy_services, add(name_rule="{lot}"))
    watching.put(f"{'x' * 65}.png")
    assert watching.watch.look().rejected == 1
    assert _inspections(toy_services) == []


def test_one_name_twice_keeps_both_files(watching: Watching) -> None:
    for data in (GOOD, SPOT):
        watching.put("part.png", data)
        watching.put("bad.png", data[:300])
        watching.watch.look()
    assert watching.files() == [
        "done/part (2).png",
        "done/part.png",
        "rejected/bad (2).png",
        "rejected/bad (2).png.reason.txt",
        "rejected/bad.png",
        "rejected/bad.png.reason.txt",
    ]
    assert len(_inspections(watching.services)) == 2


def test_many_files_of_one_name_are_all_kept(tmp_path: Path) -> None:
    for _number in range(60):
        target = moving.find_free(tmp_path, "done/image.png")
        (tmp_path / target).parent.mkdir(exist_ok=True)
        (tmp_path / target).write_bytes(b"x")
    assert len(list((tmp_path / "done").iterdir())) == 60


def test_the_same_file_again_makes_no_second_inspection(watching: Watching) -> None:
    watching.put("part.png")
    watching.watch.look()
    watching.put("part.png")
    watching.restart()
    watching.watch.look()
    assert len(_inspections(watching.services)) == 1
    assert [result.is_again for result in watching.results] == [False, True]
    assert watching.files() == ["done/part (2).png", "done/part.png"]


@pytest.mark.parametrize("forgotten", [False, True])
def test_an_inspection_that_was_stored_before_the_end_is_only_moved(
    watching: Watching, monkeypatch: pytest.MonkeyPatch, forgotten: bool
) -> None:
    watching.put("part.png")
    with monkeypatch.context() as patch:

        def fail(_folder: Path, _name: str, _target: str) -> bool:
            raise KeyboardInterrupt

        patch.setattr(moving, "move", fail)
        with pytest.raises(KeyboardInterrupt):
            watching.watch.look()
    assert watching.files() == ["part.png"]
    assert len(_inspections(watching.services)) == 1
    if forgotten:  # the ledger forgets after a month, the inspection itself never
        with writing(watching.services) as session:
            for row in session.exec(select(WatchFile)):
                session.delete(row)
            session.commit()
    watching.restart()
    watching.watch.look()
    assert watching.files() == ["done/part.png"]
    assert len(_inspections(watching.services)) == 1


def test_a_file_moved_just_before_the_end_is_finished_afterwards(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching.put("part.png")
    watching.put("bad.png", b"no")
    with monkeypatch.context() as patch:
        patch.setattr("core.watching.ledger.finish", lambda *_: None)
        watching.watch.look()
    watching.restart()
    watching.watch.look()
    with reading(watching.services) as session:
        assert [row.finished_at is not None for row in session.exec(select(WatchFile))] == [True, True]
    assert watching.files() == ["done/part.png", "rejected/bad.png", "rejected/bad.png.reason.txt"]


def test_a_rejection_broken_off_leaves_one_reason(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    watching.put("bad.png", b"no")
    with monkeypatch.context() as patch:

        def fail(_folder: Path, _name: str, _target: str) -> bool:
            raise KeyboardInterrupt

        patch.setattr(moving, "move", fail)
        with pytest.raises(KeyboardInterrupt):
            watching.watch.look()
    assert watching.files() == ["bad.png", "rejected/bad.png.reason.txt"]
    watching.restart()
    watching.watch.look()
    assert watching.files() == ["rejected/bad.png", "rejected/bad.png.reason.txt"]


def test_a_file_written_over_while_it_was_inspected_is_inspected_again(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching.put("part.png", GOOD)
    checked: list[Any] = []

    def is_unchanged(folder: Path, candidate: Any) -> bool:
        if not checked:
            checked.append(candidate)
            (folder / candidate.name).write_bytes(SPOT)
            return False
        return True

    monkeypatch.setattr("core.watching.arrived_files.is_unchanged", is_unchanged)
    watching.watch.look()
    assert watching.files() == ["part.png"]
    watching.watch.look()
    assert watching.files() == ["done/part.png"]
    assert [row.verdict for row in _inspections(watching.services)] == ["ok", "reject"]


def test_without_a_model_files_wait_and_are_inspected_when_there_is_one(watching: Watching) -> None:
    engineer = open_person(watching.services, "engineer")
    product = find_product(watching.services, "plate")
    set_product_active(watching.services, engineer, product.id, False)
    watching.put("part.png")
    watching.put("text.png", b"not an image")
    look = watching.watch.look()
    assert look.problem is not None
    assert (look.problem.code, look.waiting) == ("product_not_in_use", 2)
    assert watching.files() == ["part.png", "text.png"]
    assert (_row(watching).last_error, _row(watching).waiting) == ("product_not_in_use", 2)
    assert watching.watch.wait_s > 0
    set_product_active(watching.services, engineer, product.id, True)
    assert watching.watch.look().problem is None
    assert watching.files() == ["done/part.png", "rejected/text.png", "rejected/text.png.reason.txt"]
    assert _row(watching).last_error == ""


def test_a_problem_is_said_once(watching: Watching, caplog: pytest.LogCaptureFixture) -> None:
    gone = watching.path.with_name("elsewhere")
    watching.path.rename(gone)
    for _look in range(3):
        look = watching.watch.look()
        assert look.problem is not None
        assert look.problem.code == "watch_folder_gone"
    seen = _row(watching).last_seen_at
    gone.rename(watching.path)
    watching.put("part.png")
    caplog.set_level("INFO")
    assert watching.watch.look().inspected == 1
    assert _row(watching).last_seen_at != seen
    assert sum("cannot be reached" in record.getMessage() for record in caplog.records) == 1
    assert sum("works again" in record.getMessage() for record in caplog.records) == 1


def test_a_full_object_store_loses_nothing(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    watching.put("part.png")

    def full(items: Any, **_options: Any) -> dict[str, ObjectStoreError]:
        return {key: ObjectStoreError("object_store_full") for key, _data in items}

    with monkeypatch.context() as patch:
        patch.setattr(watching.services.objects, "put_many", full)
        look = watching.watch.look()
    assert look.problem is not None
    assert look.problem.code == "object_store_full"
    assert watching.files() == ["part.png"]
    assert watching.watch.look().inspected == 1


def test_a_full_disk_at_the_reason_leaves_the_file(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    watching.put("bad.png", b"no")

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(moving, "write_atomically", full)
        look = watching.watch.look()
    assert look.problem is not None
    assert look.problem.code == "watch_disk_full"
    assert watching.files() == ["bad.png"]
    assert watching.watch.look().rejected == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs root, to become somebody else")
def test_a_folder_that_cannot_be_written_is_not_touched(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    for parent in tmp_path.parents[:4]:
        parent.chmod(parent.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        with pytest.raises(AppError) as caught:
            moving.prepare(tmp_path)
    finally:
        os.seteuid(0)
    assert caught.value.code == "watch_folder_read_only"
    assert list(tmp_path.iterdir()) == []


def test_done_as_a_link_is_refused(watching: Watching, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (watching.path / "done").symlink_to(outside)
    watching.put("part.png")
    look = watching.watch.look()
    assert look.problem is not None
    assert look.problem.code == "watch_folder_link"
    assert list(outside.iterdir()) == []
    assert _inspections(watching.services) == []


def test_a_link_is_rejected_and_what_it_points_to_is_left_alone(watching: Watching, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(GOOD)
    (watching.path / "link.png").symlink_to(secret)
    assert watching.watch.look().rejected == 1
    assert secret.read_bytes() == GOOD
    assert (watching.path / "rejected/link.png").is_symlink()
    assert "link" in (watching.path / "rejected/link.png.reason.txt").read_text()
    assert _inspections(watching.services) == []


def test_a_file_that_cannot_be_read_holds_up_no_other(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    watching.put("locked.png")
    watching.put("part.png", SPOT)
    real = scanning.read_whole

    def locked(folder: Path, candidate: Any) -> bytes:
        if candidate.name == "locked.png":
            raise PermissionError(errno.EACCES, "in use")
        return real(folder, candidate)

    monkeypatch.setattr(inspecting, "read_whole", locked)
    look = watching.watch.look()
    assert (look.inspected, look.waiting) == (1, 1)
    assert look.problem is not None
    assert (look.problem.code, look.problem.params["name"]) == ("watch_files_unreadable", "locked.png")
    assert watching.watch.wait_s == 0
    assert watching.files() == ["done/part.png", "locked.png"]


def test_names_of_any_kind_are_kept(watching: Watching) -> None:
    names = ["부품 1.png", "a b'c\"d.png", "%2e%2e.png", "x" * 250 + ".png", "no-ending"]
    for number, name in enumerate(names):
        watching.put(name, GOOD if number % 2 else SPOT)
    raw = os.fsdecode("부품 2.png".encode("cp949"))
    (watching.path / raw).write_bytes(GOOD)
    watching.watch.look()
    assert sorted(row.original_name for row in _inspections(watching.services))
    assert [name for name in watching.files() if not name.startswith(("done/", "rejected/"))] == []
    done = [name.removeprefix("done/") for name in watching.files() if name.startswith("done/")]
    assert {"부품 1.png", "부품 2.png", "a b'c\"d.png", "%2e%2e.png"} <= set(done)


def test_a_file_that_fails_for_no_known_reason_is_tried_alone_and_then_rejected(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = examination.examine_group

    def fail(services: Services, judges: Any, images: Any, **options: Any) -> Any:
        if any(image.pixels.shape[0] == 40 for image in images):
            raise AppError("unexpected", kind="ValueError")
        return real(services, judges, images, **options)

    monkeypatch.setattr(batch, "examine_group", fail)
    watching.put("poison.png", encode(plate(1, height_px=40)))
    watching.put("part.png", SPOT)
    for _look in range(10):
        if not watching.watch.look().waiting:
            break
    assert watching.files() == ["done/part.png", "rejected/poison.png", "rejected/poison.png.reason.txt"]


def test_files_in_subfolders_keep_their_place(toy_services: Services, add: AddFolder) -> None:
    watching = Watching(toy_services, add(subfolders=True))
    watching.put("camera 1/part.png")
    watching.put("camera 2/part.png", SPOT)
    watching.put("camera 2/bad.png", b"no")
    watching.watch.look()
    assert watching.files() == [
        "done/camera 1/part.png",
        "done/camera 2/part.png",
        "rejected/camera 2/bad.png",
        "rejected/camera 2/bad.png.reason.txt",
    ]


def test_a_look_ends_early_when_told_to(watching: Watching) -> None:
    for number in range(40):
        watching.put(f"{number}.png", SPOT)
    stop = threading.Event()
    watch = FolderWatch(
        watching.services,
        watch_person(watching.services),
        watching.folder,
        is_over=stop.is_set,
        on_result=lambda _result: stop.set(),
    )
    look = watch.look()
    assert look.waiting + look.moved == 40
    stop.clear()
    while watching.watch.look().waiting:
        pass
    assert len(_inspections(watching.services)) == 40
    assert len(watching.files()) == 40


def test_totals_count_each_file_once_also_over_many_groups(watching: Watching) -> None:
    for number in range(300):
        watching.put(f"{number}.png", GOOD if number % 2 else SPOT)
    while watching.watch.look().waiting:
        pass
    assert len(watching.files()) == 300
    assert _row(watching).inspected_total == len(_inspections(watching.services)) == 300
