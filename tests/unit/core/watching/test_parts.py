"""Watched folders of products with views: the files of a part are waited for, and inspected as one part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from core.accounts.people import watch_person
from core.catalog.products import find_product
from core.errors import AppError, BadInput
from core.services import Services
from core.transactions import reading, writing
from core.watching import inspecting, ledger, moving, scanning
from core.watching.inspecting import FolderWatch
from core.watching.settings import WatchSettings
from storage.tables import Inspection, InspectionView, ModelVersion, WatchFile
from tests.unit.core.watching.conftest import SPOT, AddFolder, Watching
from tests.viewed_plates import RGB, with_views

WAIT_S = 30.0


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def viewed(toy_services: Services, add: AddFolder, clock: Clock) -> Watching:
    with_views(toy_services, find_product(toy_services, "plate"))
    found = Watching(toy_services, add(part_wait_s=WAIT_S, line="L1"))
    found.restart = lambda: _restart(found, clock)  # type: ignore[method-assign]
    found.restart()
    return found


def _restart(found: Watching, clock: Callable[[], float]) -> None:
    person = watch_person(found.services)
    found.watch = FolderWatch(found.services, person, found.folder, on_result=found.results.append, clock=clock)


def _inspections(services: Services) -> list[Inspection]:
    with reading(services) as session:
        return list(session.exec(select(Inspection).order_by(col(Inspection.id))).all())


def test_a_part_is_inspected_when_all_its_views_are_there(viewed: Watching) -> None:
    viewed.put("P1_ct.png", SPOT)
    look = viewed.watch.look()
    assert (look.inspected, look.waiting) == (0, 1)
    viewed.put("P1_rgb.png")
    look = viewed.watch.look()
    assert (look.inspected, look.waiting, look.problem) == (2, 0, None)
    (row,) = _inspections(viewed.services)
    assert (row.serial, row.verdict, row.found_as, row.line, row.source) == ("P1", "reject", "internal", "L1", "watch")
    assert viewed.files() == ["done/P1_ct.png", "done/P1_rgb.png"]
    assert [(one.name, one.record and one.record.id) for one in viewed.results] == [
        ("P1_ct.png", row.id),
        ("P1_rgb.png", row.id),
    ]


def test_a_part_without_a_view_is_waited_for_and_then_held_back(viewed: Watching, clock: Clock) -> None:
    viewed.put("P1_ct.png")
    viewed.watch.look()
    clock.now_s += WAIT_S - 1
    assert viewed.watch.look().inspected == 0
    clock.now_s += 1
    look = viewed.watch.look()
    assert (look.inspected, look.waiting) == (1, 0)
    (row,) = _inspections(viewed.services)
    assert (row.verdict, list(row.missing_views or ())) == ("review", [RGB])


def test_a_file_that_arrives_begins_the_waiting_anew(viewed: Watching, clock: Clock) -> None:
    viewed.put("P1_ct_1.png")
    viewed.watch.look()
    clock.now_s += WAIT_S - 1
    viewed.put("P1_ct_2.png")
    viewed.watch.look()
    clock.now_s += WAIT_S - 1
    assert viewed.watch.look().inspected == 0
    viewed.put("P1_rgb.png")
    assert viewed.watch.look().inspected == 3
    (row,) = _inspections(viewed.services)
    with reading(viewed.services) as session:
        assert len(session.exec(select(InspectionView).where(InspectionView.inspection_id == row.id)).all()) == 3


def test_a_part_that_waits_holds_up_no_other(viewed: Watching) -> None:
    viewed.put("P1_ct.png")
    viewed.put("P2_ct.png")
    viewed.put("P2_rgb.png")
    look = viewed.watch.look()
    assert (look.inspected, look.waiting) == (2, 1)
    assert [row.serial for row in _inspections(viewed.services)] == ["P2"]


def test_a_file_that_names_no_view_is_rejected_with_its_reason(viewed: Watching) -> None:
    viewed.put("IMG_0001.png")
    assert viewed.watch.look().rejected == 1
    assert viewed.files() == ["rejected/IMG_0001.png", "rejected/IMG_0001.png.reason.txt"]
    assert "view" in (viewed.path / "rejected/IMG_0001.png.reason.txt").read_text()


def test_a_part_of_which_nothing_is_an_image_is_rejected(viewed: Watching) -> None:
    viewed.put("P1_ct.png", b"not an image")
    viewed.put("P1_rgb.png", b"neither")
    assert viewed.watch.look().rejected == 2
    assert _inspections(viewed.services) == []


def test_what_was_inspected_before_a_kill_is_only_moved(viewed: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    viewed.put("P1_ct.png")
    viewed.put("P1_rgb.png")

    def killed(*_: Any) -> bool:
        raise MemoryError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(moving, "move", killed)
        with pytest.raises(MemoryError):
            viewed.watch.look()
    assert len(_inspections(viewed.services)) == 1
    viewed.restart()
    look = viewed.watch.look()
    assert (look.inspected, look.waiting) == (0, 0)
    assert viewed.files() == ["done/P1_ct.png", "done/P1_rgb.png"]
    assert len(_inspections(viewed.services)) == 1
    with reading(viewed.services) as session:
        assert all(row.finished_at for row in session.exec(select(WatchFile)).all())


def test_a_kill_before_the_commit_leaves_the_part_to_be_inspected(
    viewed: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewed.put("P1_ct.png")
    viewed.put("P1_rgb.png")

    def killed(*_: Any) -> None:
        raise MemoryError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "add_inspected", killed)
        with pytest.raises(MemoryError):
            viewed.watch.look()
    assert _inspections(viewed.services) == []
    viewed.restart()
    assert viewed.watch.look().inspected == 2
    assert len(_inspections(viewed.services)) == 1


def test_a_part_whose_file_changes_while_it_is_read_is_left_whole(
    viewed: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewed.put("P1_ct.png")
    viewed.put("P1_rgb.png")
    read = scanning.read_whole

    def changes(folder: Path, one: scanning.Candidate) -> bytes:
        if one.name == "P1_rgb.png":
            raise scanning.ChangedError
        return read(folder, one)

    with monkeypatch.context() as patch:
        patch.setattr(inspecting, "read_whole", changes)
        assert viewed.watch.look().inspected == 0
    assert viewed.files() == ["P1_ct.png", "P1_rgb.png"]
    assert viewed.watch.look().inspected + viewed.watch.look().inspected == 2
    assert len(_inspections(viewed.services)) == 1


def test_without_any_model_all_files_wait(viewed: Watching) -> None:
    with writing(viewed.services) as session:
        for row in session.exec(select(ModelVersion)).all():
            row.active_key, row.state = None, "retired"
            session.add(row)
        session.commit()
    viewed.put("P1_ct.png")
    look = viewed.watch.look()
    assert isinstance(look.problem, AppError)
    assert look.problem.code == "no_active_memory_bank"
    assert viewed.files() == ["P1_ct.png"]


def test_the_time_to_wait_has_bounds_and_survives_the_row() -> None:
    with pytest.raises(BadInput) as refused:
        WatchSettings(part_wait_s=-1).checked()
    assert refused.value.code == "watch_part_wait"
    settings = WatchSettings(part_wait_s=5.0)
    assert WatchSettings.from_json(settings.to_json()) == settings
    assert WatchSettings.from_json({}).part_wait_s == 60.0
