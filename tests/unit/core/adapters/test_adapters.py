"""Adapters are added by administrators, with their license read; what was changed since is not run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlmodel import select

from core.access import Person
from core.adapters.checking import check_adapter
from core.adapters.registry import (
    accept_license,
    add_adapter,
    get_adapter,
    list_adapters,
    open_adapter,
    remove_adapter,
)
from core.errors import AppError
from core.services import Services
from core.transactions import reading
from storage.tables import AuditLog
from tests.toy_adapter import make_adapter


def test_a_license_has_to_be_accepted_before_it_runs(services: Services, admin: Person, tmp_path: Path) -> None:
    view = add_adapter(services, admin, make_adapter(tmp_path / "toy"))
    assert view.license_text == "Do what you like with it.\n"
    assert view.obstacle is not None
    assert view.obstacle.code == "adapter_license_not_accepted"
    with pytest.raises(AppError, match="license"):
        open_adapter(services, "toy")
    assert accept_license(services, admin, "toy").obstacle is None
    assert open_adapter(services, "toy").mode == "subprocess"
    with reading(services) as session:
        actions = [row.action for row in session.exec(select(AuditLog).where(AuditLog.subject_type == "adapter")).all()]
    assert actions == ["adapter.add", "adapter.accept"]


def test_a_changed_manifest_is_not_run_and_its_license_is_asked_for_anew(
    services: Services, admin: Person, tmp_path: Path
) -> None:
    folder = make_adapter(tmp_path / "toy")
    add_adapter(services, admin, folder, accept_license=True)
    make_adapter(folder, version="2.0")
    with pytest.raises(AppError) as caught:
        open_adapter(services, "toy")
    assert caught.value.code == "adapter_changed"
    with pytest.raises(AppError) as refused:
        accept_license(services, admin, "toy")
    assert refused.value.code == "adapter_changed"
    added = add_adapter(services, admin, folder)
    assert added.accepted_at is None
    assert added.version == "2.0"


def test_a_check_trains_a_few_steps_and_keeps_what_came_of_it(
    services: Services, admin: Person, engineer: Person, tmp_path: Path
) -> None:
    add_adapter(services, admin, make_adapter(tmp_path / "toy"), accept_license=True)
    check = check_adapter(services, engineer, "toy")
    assert check.error is None
    assert check.task == "classification"
    assert check.epochs == 1
    kept = get_adapter(services, engineer, "toy")
    assert kept.check is not None
    assert kept.check.seconds > 0
    assert kept.checked_at is not None


def test_a_check_that_fails_says_why(services: Services, admin: Person, tmp_path: Path) -> None:
    add_adapter(services, admin, make_adapter(tmp_path / "toy", behavior={"what": "nan"}), accept_license=True)
    check = check_adapter(services, admin, "toy")
    assert check.error is not None
    assert check.error.code == "adapter_graph_invalid"
    kept = get_adapter(services, admin, "toy").check
    assert kept is not None
    assert kept.error is not None
    assert "probabilities" in kept.error.sentence("en")


def test_engineers_look_at_adapters_and_administrators_change_them(
    services: Services, admin: Person, engineer: Person, worker_person: Person, tmp_path: Path
) -> None:
    folder = make_adapter(tmp_path / "toy")
    for person in (engineer, worker_person):
        with pytest.raises(AppError) as caught:
            add_adapter(services, person, folder)
        assert caught.value.code == "role_too_low"
    add_adapter(services, admin, folder)
    assert [view.name for view in list_adapters(services, engineer)] == ["toy"]
    with pytest.raises(AppError):
        list_adapters(services, worker_person)
    with pytest.raises(AppError):
        accept_license(services, engineer, "toy")
    with pytest.raises(AppError):
        remove_adapter(services, engineer, "toy")
    remove_adapter(services, admin, "toy")
    assert list_adapters(services, admin) == []
    assert folder.is_dir()


def test_two_folders_cannot_share_a_name(services: Services, admin: Person, tmp_path: Path) -> None:
    add_adapter(services, admin, make_adapter(tmp_path / "one"))
    with pytest.raises(AppError) as caught:
        add_adapter(services, admin, make_adapter(tmp_path / "two"))
    assert caught.value.code == "adapter_name_taken"


def test_a_folder_that_is_gone_is_said(services: Services, admin: Person, tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "toy")
    add_adapter(services, admin, folder, accept_license=True)
    folder.rename(tmp_path / "elsewhere")
    view = get_adapter(services, admin, "toy")
    assert view.obstacle is not None
    assert view.obstacle.code == "adapter_folder_missing"
    with pytest.raises(AppError) as caught:
        add_adapter(services, admin, folder)
    assert caught.value.code == "adapter_folder_missing"


@pytest.mark.parametrize("name", ["ultralytics", "rf_detr"])
def test_the_adapters_that_come_along_are_understood(services: Services, admin: Person, name: str) -> None:
    folder = Path(__file__).resolve().parents[4] / "assets" / "adapters" / name
    view = add_adapter(services, admin, folder)
    assert view.obstacle is not None  # nobody has accepted its license
    values = json.loads((folder / "adapter.json").read_text(encoding="utf-8"))
    assert view.license_name == values["license"]["name"]
    remove_adapter(services, admin, view.name)
