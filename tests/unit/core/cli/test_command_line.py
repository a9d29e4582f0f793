"""The command line, end to end: folders in, verdicts out, data on one stream and everything else on the other."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import pytest
from PIL import Image as PillowImage
from sqlalchemy import update
from sqlmodel import col, func, select

from core.__main__ import main
from core.accounts.people import open_person
from core.jobs import heartbeats, views
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.services import Services, build_services
from storage.tables import Inspection, Job, Product, Worker, utc_now
from tests.databases import data_settings
from tests.plates import IMAGE_KINDS, folder_settings, plate, seed_of, submit_and_claim, write, write_plates
from tests.unit.core.deployments.test_evaluation import KEYS as EVALUATION_KEYS

ROOT = Path(__file__).resolve().parents[4]
INSPECTION_KEYS = {
    "file",
    "product",
    "verdict",
    "score",
    "review_at",
    "reject_at",
    "regions",
    "suggested_defect_type",
    "similar",
    "notes",
    "model_version",
    "ms",
}
SIMILAR_KEYS = {"image", "similarity", "defect_type", "closeness", "likeness", "inspection", "done"}

# Tests that start processes of their own run on one of the two cores, one after the other.
pytestmark = pytest.mark.xdist_group("worker")

Run = Callable[..., tuple[int, list[Any], str]]


def _environment(data_dir: Path) -> dict[str, str]:
    return {**os.environ, **data_settings(data_dir), "GEOMSA_DEVICE": "cpu", "GEOMSA_LANGUAGE": "en"}


def _process(data_dir: Path, *arguments: str | Path) -> tuple[int, list[Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        cwd=ROOT,
        env=_environment(data_dir),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture
def run(plate_services: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, on the deployed product: exit status, objects on stdout, text on stderr."""
    for name, value in _environment(plate_services.settings.data_dir).items():
        monkeypatch.setenv(name, value)

    def run_one(*arguments: str | Path) -> tuple[int, list[Any], str]:
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err

    return run_one


# --- from a folder to a verdict --------------------------------------------------------------------------------------


def _write_bolts(folder: Path) -> None:
    """Write layout 1: gray, 64 px, with masks."""
    write_plates(folder)
    for path in folder.rglob("*.png"):
        with PillowImage.open(path) as image:
            small = image.convert("L").resize((64, 64))
        small.save(path)


def _write_nuts(folder: Path) -> None:
    """Write layout 2: color, JPEG, wider than high; one of 6,000 × 4,000 px."""
    for number in range(7):
        write(folder / "normal" / f"nut_normal_{number:03d}.jpg", plate(number, width_px=300, height_px=200))
    write(folder / "normal" / "nut_normal_900.jpg", plate(900, width_px=6000, height_px=4000))
    for number in range(3):
        scratched = plate(seed_of("train", "scratch", number), "scratch", width_px=300, height_px=200)
        write(folder / "defect" / f"nut_긁힘_{number:03d}.jpg", scratched)


def _write_washers(folder: Path) -> None:
    """Write layout 3: BMP and TIFF, the product named by the caller."""
    for number in range(7):
        write(folder / "ok" / f"{number}.bmp", plate(number + 40))
    for defect in ("spot", "scratch"):
        for number in range(2):
            write(folder / "ng" / defect / f"{number}.tif", plate(seed_of("train", defect, number), defect))


@pytest.mark.full
def test_a_folder_in_each_layout_is_ingested_deployed_and_inspected(plate_template: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    # Only so that the test is quick: without it the first build converts the network again.
    # They are not there when another test of this process converted the network before: then it is done once more.
    graphs = plate_template / "cache" / "graphs"
    if graphs.is_dir():
        shutil.copytree(graphs, data_dir / "cache" / "graphs")
    _write_bolts(tmp_path / "bolt")
    _write_nuts(tmp_path / "nut")
    _write_washers(tmp_path / "third")
    for arguments, expected in (
        ((tmp_path / "bolt",), {"products": ["bolt"], "added": 24}),
        ((tmp_path / "nut",), {"products": ["nut"], "added": 11}),
        ((tmp_path / "third", "--product", "washer"), {"products": ["washer"], "added": 11}),
    ):
        status, (summary,), errors = _process(data_dir, "import", *arguments, "--json")
        summary["products"] = list(summary["products"])
        none = {"duplicate": 0, "refused": 0, "left_out": [], "questions": [], "suspected": []}
        assert (status, {name: summary[name] for name in none | expected}) == (0, none | expected), errors
    assert _process(data_dir, "import", tmp_path / "nut", "--json")[1][0]["duplicate"] == 11

    status, outcomes, errors = _process(data_dir, "deploy", "all")
    assert status == 0, errors
    assert [(found["kind"], found["code"], found["outcome"]) for found in outcomes] == [
        (kind, code, "activated") for kind in IMAGE_KINDS for code in ("bolt", "nut", "washer")
    ]
    assert "Extracting features" in errors
    assert "bolt: Learned from 6 labeled defects (scratch 3, spot 3)" in errors
    assert "nut: Labeled defects so far: 3. Label at least 5" in errors
    assert "washer: Labeled defects so far: 4. Label at least 5" in errors
    assert {found["code"] for found in outcomes if "defect_head" in found} == {"bolt"}

    parts: dict[str, tuple[str, dict[str, Any]]] = {
        "bolt": ("png", {"width_px": 64, "height_px": 64}),
        "nut": ("jpg", {"width_px": 300, "height_px": 200}),
        "washer": ("tif", {}),
    }
    for code, (ending, size) in parts.items():
        files = [tmp_path / f"{code}-good.{ending}", tmp_path / f"{code}-bad.{ending}"]
        write(files[0], plate(5000, **size))
        write(files[1], plate(5001, "scratch", **size))
        if code == "nut":
            files.append(tmp_path / "nut" / "normal" / "nut_normal_900.jpg")
        status, found, errors = _process(data_dir, "inspect", *files, "--product", code, "--json")
        assert status == 0, errors
        assert all(set(result) == INSPECTION_KEYS for result in found)
        assert [result["file"] for result in found] == [str(path) for path in files]
        assert found[1]["score"] > found[0]["score"], code
        assert found[1]["verdict"] in {"review", "reject"}, code
    status, (figures,), _ = _process(data_dir, "evaluate", "--product", "bolt", "--json")
    assert status == 0
    assert figures["pixel_auroc"] is not None
    status, nothing, errors = _process(data_dir, "evaluate", "--product", "nut", "--json")
    assert (status, nothing) == (1, [])
    assert "no test images" in errors


# --- inspect and evaluate --------------------------------------------------------------------------------------------


def test_import_names_parts_by_rule_and_list_and_deploy_warns_of_a_divided_one(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "bolt"
    for number in range(4):
        split = "train" if number < 3 else "test"
        write(folder / split / "good" / f"b{number // 2}_{number}.png", plate(500 + number))
    write(folder / "train" / "good" / "extra.png", plate(510))
    listed = tmp_path / "parts.csv"
    listed.write_text("path,part\ntrain/good/extra.png,b9\ngone.png,b1\n", encoding="utf-8")
    status, (summary,), err = run("import", folder, "--part-rule", "{part}_{n}", "--parts", listed, "--json")
    assert status == 0
    assert (summary["added"], summary["parts"], summary["images_with_part"]) == (5, 3, 5)
    assert "gone.png: the list of parts names it" in err
    status, _objects, err = run("deploy", "memory-bank", "--product", "bolt", "--no-wait")
    assert status == 0
    assert "bolt: parts with training and test images both: 1 (2 images: b1)" in err
    status, _objects, err = run("import", folder, "--part-rule", "{part}{n}")
    assert status == 1
    assert "{part:5}" in err
    status, _objects, err = run("import", folder, "--parts", tmp_path / "nowhere.csv")
    assert status == 1
    assert "nowhere.csv" in err


def test_inspect_prints_one_object_a_line_and_goes_on_after_a_file_that_fails(
    run: Run, plate_services: Services, tmp_path: Path
) -> None:
    good, spot = tmp_path / "양품.png", tmp_path / "spot.PNG"
    write(good, plate(6000))
    spot.write_bytes((tmp_path / "양품.png").read_bytes())
    write(tmp_path / "s.png", plate(6001, "spot"))
    (tmp_path / "s.png").rename(spot)
    text, empty = tmp_path / "text.png", tmp_path / "empty.png"
    text.write_text("not an image")
    empty.touch()
    files = [text, good, empty, tmp_path, tmp_path / "none.png", spot]
    status, results, errors = run("inspect", *files, "--product", "plate", "--json")
    assert status == 1
    assert [result["file"] for result in results] == [str(path) for path in files]
    failed = {Path(result["file"]).name: result["error"] for result in results if "error" in result}
    assert {name: error["code"] for name, error in failed.items()} == {
        "text.png": "image_not_an_image",
        "empty.png": "image_empty",
        tmp_path.name: "path_is_folder",
        "none.png": "path_not_found",
    }
    for result in results:
        if "error" in result:
            assert set(result) == {"file", "error"}
            assert set(result["error"]) == {"code", "message"}
            assert Path(result["file"]).name in result["error"]["message"]
        else:
            assert set(result) == INSPECTION_KEYS
    ok, reject = (result for result in results if "error" not in result)
    assert (ok["verdict"], ok["regions"], ok["suggested_defect_type"]) == ("ok", [], None)
    assert (reject["verdict"], reject["suggested_defect_type"]) == ("reject", "spot")
    region = reject["regions"][0]
    assert set(region) - {"defect_type", "type_share"} == {"x", "y", "w", "h", "area", "score"}
    assert region.get("defect_type", "spot") == "spot"
    assert all(set(found) == SIMILAR_KEYS for found in reject["similar"])
    assert {found["likeness"] for found in reject["similar"]} <= {"identical", "alike", "somewhat", "different"}
    assert all(0.0 <= found["closeness"] <= 100.0 for found in reject["similar"])
    assert {(found["inspection"], found["done"]) for found in reject["similar"]} == {(None, None)}
    assert [found["similarity"] for found in reject["similar"]] == sorted(
        (found["similarity"] for found in reject["similar"]), reverse=True
    )
    assert {"spot", None} <= {found["defect_type"] for found in reject["similar"]}
    assert reject["model_version"] == 1
    assert "{" not in errors
    with plate_services.database.reading() as session:
        assert session.exec(select(func.count()).select_from(Inspection)).one() == 2
        assert set(session.exec(select(Inspection.source)).all()) == {"cli"}


def test_an_image_of_twelve_bits_has_its_notes_and_the_remedy(run: Run, tmp_path: Path) -> None:
    done, packed = cv2.imencode(".png", plate(6004).astype("uint16") * 16)
    assert done
    (tmp_path / "dark.png").write_bytes(packed.tobytes())
    _status, (result,), errors = run("inspect", tmp_path / "dark.png", "--product", "plate", "--json")
    assert result["notes"] == ["sixteen_bit", "low_range"]
    assert "dark.png: The 16-bit image uses at most 12 of its bits" in errors
    assert "bit depth" in errors


def test_without_json_it_prints_a_line_for_people(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "part.png", plate(6002, "spot"))
    (tmp_path / "text.png").write_text("no")
    assert main(["inspect", str(tmp_path / "part.png"), str(tmp_path / "text.png"), "--product", "plate"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "REJECT" in lines[0]
    assert "spot" in lines[0]
    assert lines[1].startswith(f"{tmp_path / 'text.png'}: ")


def test_a_file_name_in_another_encoding_is_inspected_and_printed(plate_services: Services, tmp_path: Path) -> None:
    write(tmp_path / "part.png", plate(6003))
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/" + "부품.png".encode("cp949"))
    (tmp_path / "part.png").rename(odd)
    status, (result,), errors = _process(
        plate_services.settings.data_dir, "inspect", odd, "--product", "plate", "--json"
    )
    assert status == 0, (result, errors)
    assert result["file"] == odd
    with plate_services.database.reading() as session:
        session.exec(select(Inspection.original_name)).one().encode()


def test_evaluate_prints_the_object_of_the_specification(run: Run) -> None:
    status, (result,), _ = run("evaluate", "--product", "plate", "--json")
    assert status == 0
    assert set(result) == EVALUATION_KEYS
    assert result["product"] == "plate"


def test_import_compares_new_normal_images_with_the_model_in_use(run: Run, tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "more" / "normal" / f"good{number}.png", plate(7000 + number))
    write(tmp_path / "more" / "normal" / "bad.png", plate(7100, "spot"))
    status, (summary,), errors = run("import", tmp_path / "more", "--product", "plate", "--json")
    assert status == 0
    assert (summary["added"], summary["checked"], len(summary["suspected"])) == (4, 4, 1)
    assert "plate: 1 of 4 new normal images do not look like the others" in errors
    assert summary["suspected"][0] in errors
    write(tmp_path / "last" / "normal" / "bad.png", plate(7101, "spot"))
    status, (summary,), errors = run("import", tmp_path / "last", "--product", "plate", "--no-check", "--json")
    assert (status, summary["added"]) == (0, 1)
    assert "checked" not in summary
    assert "look like the others" not in errors


@pytest.mark.parametrize("command", [["inspect", "x.png"], ["evaluate"], ["deploy", "all"]])
def test_an_unknown_product_is_a_sentence_and_status_1(command: list[str], run: Run) -> None:
    status, results, errors = run(*command, "--product", "nowhere")
    assert (status, results) == (1, [])
    assert "nowhere" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["inspect"], ["inspect", "x.png"], ["deploy", "everything"], ["evaluate"]]
)
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "usage:" in captured.err


def test_a_database_that_was_never_made_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(tmp_path))
    assert main(["inspect", "x.png", "--product", "plate"]) == 1
    assert "python -m core migrate" in capsys.readouterr().err
    assert main(["migrate"]) == 0
    assert main(["deploy", "all"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "Choose at least one product to deploy."


# --- deployments and workers -----------------------------------------------------------------------------------------


def _silence_workers(services: Services, job_id: int) -> None:
    """Leave everything as it is half a minute after the worker was killed."""
    past = utc_now() - timedelta(seconds=30)
    with services.database.unit_of_work() as session:
        session.execute(update(Worker).values(heartbeat_at=past))
        session.execute(update(Job).where(col(Job.id) == job_id).values(lease_expires_at=past))
        session.commit()


def test_a_job_whose_worker_was_killed_does_not_block_the_next_deployment(run: Run, plate_services: Services) -> None:
    person = open_person(plate_services, "engineer")
    with plate_services.database.reading() as session:
        product_id = session.exec(select(Product.id)).one()
    abandoned, _ = submit_and_claim(plate_services, person, SIMILARITY_INDEX, product_id or 0)
    heartbeats.beat(plate_services, "killed", host="here", pid=1, job_id=abandoned)
    _silence_workers(plate_services, abandoned)
    status, outcomes, _ = run("deploy", "similarity-index", "--product", "plate")
    assert status == 0
    assert [found["outcome"] in {"activated", "unchanged"} for found in outcomes] == [True]
    assert views.view(plate_services, abandoned).state == "succeeded"
    assert len(views.list_jobs(plate_services, kind=SIMILARITY_INDEX)) == 3


def test_a_deployment_goes_on_by_itself_when_the_worker_it_waits_for_falls_silent(
    run: Run, plate_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "WORKER_SILENT_AFTER_S", 3.0)
    heartbeats.beat(plate_services, "about-to-die", host="here", pid=1, job_id=None)
    assert heartbeats.workers_alive(plate_services) == 1
    status, outcomes, _ = run("deploy", "similarity-index", "--product", "plate")
    assert status == 0
    assert [found["outcome"] in {"activated", "unchanged"} for found in outcomes] == [True]


def test_no_wait_leaves_the_job_to_a_worker(run: Run, plate_services: Services) -> None:
    status, (queued,), _ = run("deploy", "memory-bank", "--product", "plate", "--no-wait")
    assert status == 0
    assert views.view(plate_services, queued["job"]).state == "queued"
    status, nothing, errors = run("deploy", "memory-bank", "--product", "plate", "--no-wait")
    assert (status, nothing) == (1, [])
    assert "plate" in errors


def test_ctrl_c_cancels_the_deployment(plate_services: Services) -> None:
    data_dir = plate_services.settings.data_dir
    # A terminal sends the signal to the whole foreground group; the build must still end as cancelled, not as crashed.
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "deploy", "memory-bank", "--product", "plate"],
        cwd=ROOT,
        env=_environment(data_dir),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
        # A shell starts what it puts into the background with the signal ignored, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 120
        while not (found := views.running_job(plate_services, MEMORY_BANK)) or found.state != "running":
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.wait()
    assert views.view(plate_services, found.id).state == "cancelled"
    services = build_services(folder_settings(data_dir))
    assert views.running_job(services, MEMORY_BANK) is None
    services.database.dispose()
