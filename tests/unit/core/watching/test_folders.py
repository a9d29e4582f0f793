"""Which folders are watched, by whom, and how they are seen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from core import leases
from core.accounts.people import open_person
from core.catalog.products import create_product, find_product
from core.errors import AppError, BadInput, Conflict, NotAllowed
from core.inspections.part_details import PartDetails
from core.services import Services
from core.transactions import reading, writing
from core.watching.folders import (
    add_folder,
    list_active,
    list_folders,
    open_for_command,
)
from core.watching.settings import WatchSettings, read_trace_rule
from core.watching.switching import remove_folder, set_folder_active
from core.watching.watcher import Watcher, is_wanted, watch_here
from storage.tables import AuditLog, Inspection, WatchFolder, utc_now
from tests.unit.core.watching.conftest import GOOD, SPOT, AddFolder, Watching


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(AppError) as caught:
        call()
    return caught.value.code


def _until(condition: Callable[[], bool], *, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_folder_is_added_paused_and_removed_by_an_engineer(toy_services: Services, add: AddFolder) -> None:
    engineer, worker = open_person(toy_services, "engineer"), open_person(toy_services, "worker")
    folder = add(line="L1")
    assert list_active(toy_services) == [folder]
    with pytest.raises(NotAllowed):
        set_folder_active(toy_services, worker, folder.id, False)
    set_folder_active(toy_services, engineer, folder.id, False)
    assert list_active(toy_services) == []
    set_folder_active(toy_services, engineer, folder.id, True)
    remove_folder(toy_services, engineer, folder.id)
    assert list_folders(toy_services, since=utc_now()) == []
    with reading(toy_services) as session:
        actions = session.exec(select(AuditLog.action).where(AuditLog.subject_type == "watch_folder")).all()
    assert list(actions) == [f"watch_folder.{done}" for done in ("added", "paused", "resumed", "removed")]


def test_a_stale_switch_of_a_folder_is_refused(toy_services: Services, add: AddFolder) -> None:
    engineer, colleague = open_person(toy_services, "engineer"), open_person(toy_services, "admin")
    folder = add(line="L1")
    (seen,) = list_folders(toy_services, since=utc_now())
    set_folder_active(toy_services, colleague, folder.id, False, row_version=seen.row_version)
    for late in (
        lambda: set_folder_active(toy_services, engineer, folder.id, True, row_version=seen.row_version),
        lambda: remove_folder(toy_services, engineer, folder.id, row_version=seen.row_version),
    ):
        assert _code(late) == "stale_save"
    (now,) = list_folders(toy_services, since=utc_now())
    assert (now.state, now.row_version) == ("paused", seen.row_version + 1)
    remove_folder(toy_services, engineer, folder.id, row_version=now.row_version)


def test_a_removed_folder_that_comes_back_is_not_inspected_anew(watching: Watching, add: AddFolder) -> None:
    watching.put("part.png")
    watching.watch.look()
    remove_folder(watching.services, open_person(watching.services, "engineer"), watching.folder.id)
    watching.put("part.png")
    again = Watching(watching.services, add())
    assert again.folder.id == watching.folder.id
    again.watch.look()
    assert [result.is_again for result in again.results] == [True]


def test_folders_that_cannot_be_watched_are_refused(toy_services: Services, add: AddFolder, tmp_path: Path) -> None:
    engineer, product = open_person(toy_services, "engineer"), find_product(toy_services, "plate")

    def try_one(path: Path, **settings: object) -> str:
        made = WatchSettings(**settings)  # type: ignore[arg-type]
        return _code(lambda: add_folder(toy_services, engineer, path, product_id=product.id, settings=made))

    folder = add()
    (folder.path / "sub").mkdir()
    (folder.path / "done").mkdir()
    file = tmp_path / "file.txt"
    file.touch()
    assert try_one(Path("in")) == "watch_folder_relative"
    assert try_one(tmp_path / "nowhere") == "watch_folder_missing"
    assert try_one(tmp_path / "nul\0") == "watch_folder_missing"
    assert try_one(file) == "watch_folder_missing"
    assert try_one(Path("/")) == "watch_folder_own"
    assert try_one(toy_services.settings.data_dir / "objects") == "watch_folder_own"
    assert try_one(toy_services.settings.data_dir.parent) == "watch_folder_own"
    assert try_one(folder.path) == "watch_folder_known"
    assert try_one(folder.path / "done") == "watch_folder_nested"
    assert try_one(folder.path / "sub", settle_s=-1.0) == "watch_settle"
    assert try_one(folder.path / "sub", name_rule="{batch}") == "watch_rule_field"
    assert try_one(folder.path / "sub", lot="x" * 65) == "inspection_detail_too_long"
    link = tmp_path / "link"
    link.symlink_to(folder.path)
    assert try_one(link) == "watch_folder_known"
    deep = add("deep", subfolders=True)
    (deep.path / "sub").mkdir()
    assert try_one(deep.path / "sub") == "watch_folder_nested"
    # Side by side they are no trouble, and neither is one in another that does not look below.
    assert add("in/sub").path == folder.path / "sub"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("{lot}{serial}", "watch_rule_ambiguous"),
        ("{lot}_{lot}", "watch_rule_twice"),
        ("{lot", "watch_rule_field"),
        ("{lot.__class__}", "watch_rule_field"),
        ("x" * 201, "watch_rule_too_long"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(rule: str, code: str) -> None:
    assert _code(lambda: read_trace_rule(rule)) == code


def test_a_rule_reads_trace_fields_out_of_names_and_folders() -> None:
    settings = WatchSettings(name_rule="{line}/{lot}_{serial}_{*}", lot="none", shift="day")
    assert settings.read_details("L7/A1_0003_top.png", line="L1") == (
        PartDetails(source="watch", line="L7", lot="A1", serial="0003", shift="day"),
        True,
    )
    assert settings.read_details("top.png", line="L1") == (
        PartDetails(source="watch", line="L1", lot="none", shift="day"),
        False,
    )
    # However bad the rule and the name, matching ends at once.
    bad = WatchSettings(name_rule="{lot}a{serial}a{line}a{shift}a{*}b")
    started = time.monotonic()
    assert bad.read_details("a" * 255, line="")[1] is False
    assert time.monotonic() - started < 2.0


def test_settings_survive_the_row_and_unknown_values() -> None:
    settings = WatchSettings(settle_s=0.0, name_rule="{lot}", subfolders=True, lot="a", shift="b", language="ko")
    assert WatchSettings.from_json(settings.to_json()) == settings
    assert WatchSettings.from_json({"settle_s": "soon", "subfolders": 1}) == WatchSettings()


def test_a_command_watches_a_folder_of_its_own_without_the_worker(toy_services: Services, tmp_path: Path) -> None:
    engineer, product = open_person(toy_services, "engineer"), find_product(toy_services, "plate")
    other = create_product(toy_services, engineer, code="other", name="Other", description="")
    path = tmp_path / "own"
    path.mkdir()
    settings = WatchSettings(settle_s=0.0)
    folder = open_for_command(toy_services, engineer, path, product_id=product.id, line="L1", settings=settings)
    assert list_active(toy_services) == []
    assert [view.state for view in list_folders(toy_services, since=utc_now())] == ["idle"]
    changed = open_for_command(toy_services, engineer, path, product_id=other.id, line="L2", settings=settings)
    assert (changed.id, changed.product_id, changed.line) == (folder.id, other.id, "L2")


def test_a_command_leaves_the_workers_folder_as_it_is(toy_services: Services, add: AddFolder) -> None:
    engineer = open_person(toy_services, "engineer")
    other = create_product(toy_services, engineer, code="other", name="Other", description="")
    folder = add(line="L1")
    found = open_for_command(
        toy_services, engineer, folder.path, product_id=folder.product_id, line="L9", settings=WatchSettings()
    )
    assert found == folder
    with pytest.raises(Conflict, match="another product"):
        open_for_command(toy_services, engineer, folder.path, product_id=other.id, line="", settings=WatchSettings())


def test_one_process_has_the_lease_until_it_gives_it_back_or_is_gone(toy_services: Services, add: AddFolder) -> None:
    folder = add()
    first, second = leases.new_holder(), leases.new_holder()
    assert leases.take(toy_services, WatchFolder, folder.id, first)
    assert leases.take(toy_services, WatchFolder, folder.id, first)
    assert not leases.take(toy_services, WatchFolder, folder.id, second)
    assert [view.state for view in list_folders(toy_services, since=utc_now())] == ["watched"]
    leases.release(toy_services, WatchFolder, folder.id, second)
    assert not leases.take(toy_services, WatchFolder, folder.id, second)
    with writing(toy_services) as session:
        row = session.get(WatchFolder, folder.id)
        assert row is not None
        row.lease_expires_at = utc_now() - timedelta(seconds=1)
        session.commit()
    assert [view.state for view in list_folders(toy_services, since=utc_now())] == ["unwatched"]
    assert leases.take(toy_services, WatchFolder, folder.id, second)
    leases.renew(toy_services, WatchFolder, [folder.id], first)
    assert not leases.take(toy_services, WatchFolder, folder.id, first)


def test_a_folder_that_another_process_watches_is_left_to_it(toy_services: Services, add: AddFolder) -> None:
    folder = add()
    leases.take(toy_services, WatchFolder, folder.id, "somebody-else")

    def watch_now() -> bool:
        return watch_here(
            toy_services,
            folder,
            once=True,
            stop=threading.Event(),
            on_result=lambda _result: None,
            on_problem=lambda _problem: None,
        )

    assert _code(watch_now) == "watch_folder_taken"


def test_the_watcher_watches_several_folders_and_follows_what_is_set_up(toy_services: Services, add: AddFolder) -> None:
    engineer = open_person(toy_services, "engineer")
    first, second = add("one"), add("two")
    watcher = Watcher(toy_services, poll_s=0.05)
    thread = threading.Thread(target=watcher.run)
    thread.start()
    try:
        (first.path / "a.png").write_bytes(GOOD)
        (second.path / "b.png").write_bytes(SPOT)
        _until(lambda: not (first.path / "a.png").exists() and not (second.path / "b.png").exists())
        # A second watcher has nothing to do meanwhile, and takes over what the first gives back.
        other = Watcher(toy_services, poll_s=0.05)
        beside = threading.Thread(target=other.run)
        beside.start()
        (first.path / "c.png").write_bytes(SPOT)
        _until(lambda: not (first.path / "c.png").exists())
        watcher.stop()
        thread.join(30)
        (first.path / "d.png").write_bytes(GOOD)
        _until(lambda: not (first.path / "d.png").exists())
        set_folder_active(toy_services, engineer, first.id, False)
        _until(lambda: {view.state for view in list_folders(toy_services, since=utc_now())} == {"paused", "watched"})
        time.sleep(2.5)
        (first.path / "e.png").write_bytes(GOOD)
        (second.path / "f.png").write_bytes(GOOD)
        _until(lambda: not (second.path / "f.png").exists())
        assert (first.path / "e.png").exists()
    finally:
        watcher.stop()
        other.stop()
        thread.join(30)
        beside.join(30)
    with reading(toy_services) as session:
        names = session.exec(select(Inspection.original_name).order_by(col(Inspection.original_name))).all()
    assert list(names) == ["a.png", "b.png", "c.png", "d.png", "f.png"]
    assert {view.state for view in list_folders(toy_services, since=utc_now())} == {"paused", "unwatched"}


def test_a_watcher_with_nothing_to_do_ends(toy_services: Services, add: AddFolder) -> None:
    assert not is_wanted(toy_services)
    folder = add()
    assert is_wanted(toy_services)
    remove_folder(toy_services, open_person(toy_services, "engineer"), folder.id)
    assert not is_wanted(toy_services)
    Watcher(toy_services).run(until_idle_s=0.0)


def test_details_that_are_too_long_are_refused_for_a_folder(toy_services: Services, add: AddFolder) -> None:
    with pytest.raises(BadInput):
        add(line="x" * 65)
