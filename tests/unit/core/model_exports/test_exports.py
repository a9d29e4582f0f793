"""Exports of trained networks: whole, proved, in both languages, and never of one on which runtimes disagree."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import cv2
import pytest
from sqlmodel import select

from core.access import Person
from core.catalog.products import find_product
from core.errors import AppError, BadInput, NotAllowed, NotFound, NotReady
from core.methods.trained_networks import list_finished_runs
from core.model_exports.asking import ask_network
from core.model_exports.folders import write_export
from core.model_exports.making import ModelExport, make_export
from core.model_exports.sources import find_source, list_sources
from core.services import Services
from inference.vision.images.decode import decode
from inference.vision.images.preprocessing import Preprocessing
from storage.tables import AuditLog, DatasetVersionImage, Image, TrainingRun
from tests.compared_methods import draw
from tests.exported_networks import run_python_client
from tests.finished_runs import add_finished_run


@pytest.fixture
def services(spots_services: Services) -> Services:
    return spots_services


@pytest.fixture
def product_id(services: Services) -> int:
    return find_product(services, "spots").id


@pytest.fixture
def run(services: Services) -> TrainingRun:
    return list_finished_runs(services)[0]


@pytest.fixture
def made(services: Services, engineer: Person, run: TrainingRun) -> ModelExport:
    return make_export(services, engineer, f"run:{run.id}", "onnx")


def test_an_export_holds_all_that_others_need(made: ModelExport) -> None:
    with zipfile.ZipFile(made.path) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    assert set(files) >= {
        "model.onnx", "preprocessing.json", "classes.json", "LICENSES.txt", "README.md", "README.ko.md", "parity.json",
        "manifest.json", "vectors/vectors.json", "vectors/08.png", "clients/python/predict.py",
        "clients/python/pixels.py", "clients/javascript/predict.js", "clients/javascript/package.json",
    }  # fmt: skip
    manifest = json.loads(files.pop("manifest.json"))
    assert {name: hashlib.sha256(data).hexdigest() for name, data in files.items()} == {
        name: one["sha256"] for name, one in manifest["files"].items()
    }
    assert manifest["dataset_version"] == 1
    classes = json.loads(files["classes.json"])["classes"]
    assert [(one["label"], one["name_ko"]) for one in classes] == [
        ("good", "정상"),
        ("scratch", "긁힘"),
        ("spot", "반점"),
    ]
    # Those of the vectors, and all others of the dataset version.
    assert made.parity["images"] == 32
    assert hashlib.sha256(made.path.read_bytes()).hexdigest() == made.sha256


def test_its_card_says_how_good_it_is_and_what_it_is_not_for(made: ModelExport) -> None:
    with zipfile.ZipFile(made.path) as archive:
        english, korean = (archive.read(name).decode() for name in ("README.md", "README.ko.md"))
    assert "| Macro F1 | 0.860 | 0.860 |" in english
    assert "what it was never shown it may take for good" in english
    assert "| Phone or field | 3 |" in english
    assert "반점" in korean
    assert "what it was never shown" not in korean


def test_the_client_in_it_passes_its_vectors(made: ModelExport, tmp_path: Path) -> None:
    write_export(made, tmp_path / "out")
    done = run_python_client(str(tmp_path / "out"), "--check", without="cv2")
    assert done.returncode == 0, done.stderr


@pytest.mark.full
def test_openvino_has_its_own_files(services: Services, engineer: Person, run: TrainingRun) -> None:
    made = make_export(services, engineer, str(run.model_version_id), "openvino")
    assert {"model.xml", "model.bin"} <= set(made.files)
    assert "model.onnx" not in made.files
    assert not any("javascript" in name for name in made.files)
    assert made.reference == f"run:{run.id}"


def test_the_same_export_is_not_made_twice(services: Services, engineer: Person, made: ModelExport) -> None:
    before = made.path.stat().st_ino
    again = make_export(services, engineer, made.reference, "onnx")
    assert (again.sha256, again.path.stat().st_ino, again.parity) == (made.sha256, before, made.parity)
    # One that was damaged on the disk is made anew, to the same bytes.
    made.path.write_bytes(b"PK")
    assert make_export(services, engineer, made.reference, "onnx").sha256 == made.sha256


def test_it_is_in_the_audit_log(services: Services, engineer: Person, made: ModelExport, run: TrainingRun) -> None:
    with services.database.unit_of_work() as session:
        row = session.exec(select(AuditLog).where(AuditLog.action == "model.export")).all()[-1]
        assert (row.subject_type, row.subject_id, row.user_id) == ("training_run", run.id, engineer.id)
        assert row.details["sha256"] == made.sha256


def test_a_network_on_which_runtimes_disagree_does_not_leave(
    services: Services, engineer: Person, product_id: int
) -> None:
    run = add_finished_run(services, engineer, product_id, noise=True)
    with pytest.raises(AppError) as refused:
        make_export(services, engineer, f"run:{run.id}", "onnx")
    assert refused.value.code == "export_parity_failed"
    for language, words in (("en", "refused"), ("ko", "거부")):
        assert words in refused.value.sentence(language)
        assert refused.value.params["difference"] in refused.value.sentence(language)
    # The other run's, of before, is all that there is.
    assert len(list((services.settings.cache_dir / "model_exports").glob("*.zip"))) == 1


def test_without_its_images_it_cannot_be_proved(services: Services, engineer: Person, run: TrainingRun) -> None:
    shutil.rmtree(services.settings.cache_dir / "model_exports")
    with services.database.unit_of_work() as session:
        for row in session.exec(select(Image)).all():
            services.objects.delete(row.object_key)
    with pytest.raises(AppError) as refused:
        make_export(services, engineer, f"run:{run.id}", "onnx")
    assert refused.value.code == "export_without_images"


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("run:999", "trained_run_unknown"),
        ("999", "trained_version_unknown"),
        ("run:-1", "trained_version_unknown"),
        ("run: 1", "trained_version_unknown"),
        ("../etc", "trained_version_unknown"),
        ("", "trained_version_unknown"),
        ("9" * 400, "trained_version_unknown"),
    ],
)
def test_a_network_that_is_not_there_is_said(services: Services, reference: str, code: str) -> None:
    with pytest.raises(NotFound) as refused:
        find_source(services, reference)
    assert refused.value.code == code
    assert len(refused.value.sentence("en")) < 200


def test_a_run_that_has_not_ended_is_said(services: Services, engineer: Person, product_id: int) -> None:
    run = add_finished_run(services, engineer, product_id, finished=False)
    with pytest.raises(NotReady) as refused:
        find_source(services, f"run:{run.id}")
    assert refused.value.code == "trained_run_unfinished"
    assert run.id not in [source.run.id for source in list_sources(services) if source.run is not None]


def test_other_formats_and_other_people_are_refused(
    services: Services, engineer: Person, worker_person: Person, run: TrainingRun
) -> None:
    with pytest.raises(BadInput):
        make_export(services, engineer, f"run:{run.id}", "tflite")
    with pytest.raises(NotAllowed):
        make_export(services, worker_person, f"run:{run.id}", "onnx")


def test_a_folder_that_holds_something_is_left_alone(made: ModelExport, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput) as refused:
        write_export(made, tmp_path)
    assert refused.value.code == "export_target_taken"
    assert [path.name for path in tmp_path.iterdir() if path.name == "mine.txt"] == ["mine.txt"]
    empty = tmp_path / "empty"
    empty.mkdir()
    write_export(made, empty)
    assert (empty / "model.onnx").is_file()
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


@pytest.mark.parametrize(("kind", "number"), [("good", 3), ("spot", 18), ("scratch", 22)])
def test_a_finished_run_is_asked_at_once(
    services: Services, worker_person: Person, run: TrainingRun, kind: str, number: int
) -> None:
    data = cv2.imencode(".png", draw(number, kind, "")[0])[1].tobytes()
    found = ask_network(services, worker_person, f"run:{run.id}", lambda: data)
    assert found.named == kind
    assert found.is_defect == (kind != "good")
    assert found.image_size_px == (48, 40)
    assert {one.label for one in found.classes} == set(found.prediction.class_probabilities)


def test_what_is_no_image_is_said(services: Services, worker_person: Person, run: TrainingRun) -> None:
    with pytest.raises(BadInput) as refused:
        ask_network(services, worker_person, f"run:{run.id}", lambda: b"words", file_name="words.png")
    assert "words.png" in refused.value.sentence("en")


@pytest.mark.full
def test_preprocessing_goes_along(services: Services, engineer: Person, product_id: int, tmp_path: Path) -> None:
    run = add_finished_run(
        services, engineer, product_id, preprocessing=Preprocessing(grayscale=True, ignore=((0.0, 0.0, 0.1, 0.1),))
    )
    write_export(make_export(services, engineer, f"run:{run.id}", "onnx"), tmp_path / "out")
    steps = json.loads((tmp_path / "out" / "preprocessing.json").read_text())["steps"]
    assert [step["name"] for step in steps] == ["grayscale", "resize", "mask"]
    assert run_python_client(str(tmp_path / "out"), "--check", without="cv2").returncode == 0


def test_images_of_validation_come_first(services: Services, made: ModelExport, run: TrainingRun) -> None:
    with services.database.unit_of_work() as session:
        rows = session.exec(select(DatasetVersionImage).where(DatasetVersionImage.split == "val")).all()
        assert len(rows) == 8
        images = [session.get_one(Image, row.image_id) for row in rows]
        contents = [services.objects.get(row.object_key) for row in images]
    shown = {decode(data).pixels.tobytes() for data in contents}
    with zipfile.ZipFile(made.path) as archive:
        for number in range(1, 7):
            assert decode(archive.read(f"vectors/{number:02d}.png")).pixels.tobytes() in shown
