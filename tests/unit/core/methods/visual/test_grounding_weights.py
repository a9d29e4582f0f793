"""Grounding networks are added as folders: copied, proved, and found again by the method and the second opinion."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlmodel import select

from core.__main__ import main
from core.access import Person
from core.catalog.products import find_product
from core.comparisons.opinion_choice import choose_second_opinion
from core.comparisons.second_opinion import ask_second_opinion
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.methods.registry import find_method
from core.methods.visual.grounding_weights import add_grounding, list_grounding
from core.services import Services
from core.transactions import reading
from storage.tables import AuditLog
from tests.grounding_folders import write_grounding_dino, write_owlv2
from tests.inspected_part import add_inspected_part


@pytest.fixture(scope="module")
def dino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_grounding_dino(tmp_path_factory.mktemp("grounding") / "dino")


def test_a_folder_is_added_once_and_asked_for_a_second_opinion(
    services: Services, engineer: Person, worker_person: Person, dino: Path
) -> None:
    obstacle = find_method("vlg").find_obstacle(services)
    assert obstacle is not None
    assert "python -m core weights add grounding-dino" in str(obstacle)
    with pytest.raises(NotAllowed):
        add_grounding(services, worker_person, name="grounding-dino", folder=dino)
    place = add_grounding(services, engineer, name="grounding-dino", folder=dino)
    assert add_grounding(services, engineer, name="grounding-dino", folder=dino) == place
    assert find_method("vlg").find_obstacle(services) is None
    assert [state.path is not None for state in list_grounding(services.settings)] == [True, False]
    with reading(services) as session:
        assert len(session.exec(select(AuditLog).where(AuditLog.action == "weights.add")).all()) == 1

    inspection_id = add_inspected_part(services, engineer)
    product = find_product(services, "bracket")
    choose_second_opinion(services, engineer, product.id, "vlg", row_version=product.row_version)
    found = ask_second_opinion(services, worker_person, inspection_id, language="en")
    assert found.problem is None
    assert found.prediction.score is not None
    assert found.prediction.verdict == ""  # no threshold, no verdict
    assert {box.label for box in found.prediction.boxes} <= {"scratch"}


def test_another_network_does_not_take_the_place_of_one_that_is_there(
    services: Services, engineer: Person, dino: Path, tmp_path: Path
) -> None:
    add_grounding(services, engineer, name="grounding-dino", folder=dino)
    other = tmp_path / "other"
    shutil.copytree(dino, other)
    (other / "notes.txt").write_text("another one")
    with pytest.raises(Conflict) as raised:
        add_grounding(services, engineer, name="grounding-dino", folder=other)
    assert raised.value.code == "weights_already_here"


def test_a_folder_with_wrong_files_is_refused_and_nothing_is_left(
    services: Services, engineer: Person, dino: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "wrong"
    shutil.copytree(dino, folder)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(BadInput) as raised:
        add_grounding(services, engineer, name="grounding-dino", folder=folder)
    assert raised.value.code == "grounding_unsafe_files"
    assert "pytorch_model.bin" in str(raised.value)
    (folder / "pytorch_model.bin").unlink()
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(BadInput) as raised:
        add_grounding(services, engineer, name="grounding-dino", folder=folder)
    assert raised.value.code == "grounding_unreadable"
    assert "wrong" in str(raised.value)
    with pytest.raises(BadInput) as raised:
        add_grounding(services, engineer, name="owlv2", folder=dino)
    assert raised.value.code == "grounding_wrong_kind"
    with pytest.raises(NotFound):
        add_grounding(services, engineer, name="yolo", folder=dino)
    weights = services.settings.weights_dir
    assert not weights.exists() or list(weights.iterdir()) == []


def test_the_command_line_adds_and_lists_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(tmp_path / "data"))
    folder = write_owlv2(tmp_path / "owl")
    assert main(["weights", "add", "owlv2", str(folder)]) == 0
    assert '"owlv2"' in capsys.readouterr().out
    assert main(["weights", "list"]) == 0
    listed = capsys.readouterr().out
    assert "owlv2" in listed
    assert "grounding-dino" in listed
    assert main(["weights", "add", "owlv2", str(tmp_path / "nowhere")]) != 0
    assert "nowhere" in capsys.readouterr().err
