"""`import` by the command line: the plan, roles, the JSON of the specification, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.services import Services
from tests.import_sources import MARKED, PHOTO, numbered, source_of

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    for name, value in (("DATA_DIR", str(services.settings.data_dir)), ("LANGUAGE", "en"), ("DEVICE", "cpu")):
        monkeypatch.setenv(f"GEOMSA_{name}", value)

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        status = main(["import", *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        return status, out, err

    return call


def _write(folder: Path, files: list[str] | dict[str, str | bytes]) -> Path:
    for path, read in source_of(files).files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(read())
    return folder


def _json(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_plan_stores_nothing_and_is_what_the_import_then_does(run: Run, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        **dict.fromkeys(numbered("cap/train/good/#.png", 2), PHOTO),
        **dict.fromkeys(numbered("cap/val/good/#.png", 1, 5), PHOTO),
        "cap/test/dent/9.png": PHOTO,
        "cap/ground_truth/dent/9_mask.png": MARKED,
        "cap/readme.txt": b"about",
    }
    folder = _write(tmp_path / "set", files)
    expected = {"cap": {"normal": 3, "defect": {"dent": 1}, "masks": 1, "val": 1, "test": 1}}
    status, out, _err = run(folder, "--plan", "--json")
    planned = _json(out)
    assert (status, planned["products"], planned["questions"]) == (0, expected, [])
    assert planned["left_out"] == [{"path": "cap/readme.txt", "reason": "import_not_an_image"}]
    status, out, err = run(folder, "--plan")
    assert status == 0
    assert "cap/test/dent" in out
    assert "cap: normal 3 · defect 1 (dent 1) · masks 1 · Validation 1 · Test 1" in out
    assert "cap/readme.txt is not an image" in err
    status, out, _err = run(folder, "--json")
    done = _json(out)
    assert (status, done["added"], done["duplicate"]) == (0, 4, 0), "the plans have stored nothing"
    assert {key: done[key] for key in planned} == planned


def test_what_is_open_is_asked_and_answered_by_roles(run: Run, tmp_path: Path) -> None:
    folder = _write(tmp_path / "nut", [*numbered("nut/good/#.png", 2), "nut/zilp/5.png", "nut/kalp/6.png"])
    status, out, err = run(folder, "--json")
    found = _json(out)
    assert status == 3
    assert found["products"]["nut"]["normal"] == 2
    assert [(asked["path"], asked["images"]) for asked in found["questions"]] == [("nut/kalp", 1), ("nut/zilp", 1)]
    assert {one["reason"] for one in found["left_out"]} == {"import_no_label"}
    assert "--map nut/zilp=defect:zilp" in err
    status, out, _err = run(folder, "--map", "nut/zilp=긁힘", "nut/kalp=test/normal", "--json")
    found = _json(out)
    assert (status, found["left_out"], found["questions"]) == (0, [], [])
    assert (found["products"]["nut"]["normal"], found["products"]["nut"]["test"]) == (3, 1)
    assert list(found["products"]["nut"]["defect"].values()) == [1]
    assert run(folder, "--map", "nut/zilp=skip", "nut/kalp=skip")[0] == 0


def test_a_forgotten_product_is_said_with_what_was_seen(run: Run, tmp_path: Path) -> None:
    folder = _write(tmp_path / "line 3", ["OK/0.png", "NG/1.png"])
    status, out, err = run(folder)
    assert (status, out) == (1, "")
    assert "the folders are: NG, OK" in err
    assert "--product 'line 3'" in err
    assert run(folder, "--product", "캡 A형")[0] == 0
    status, out, _err = run(folder, "--product", "캡 a형", "--json")
    assert status == 0
    assert _json(out)["duplicate"] == 2
    assert len(_json(out)["products"]) == 1


def test_a_flat_folder_becomes_what_is_said_of_everything(run: Run, tmp_path: Path) -> None:
    folder = _write(tmp_path / "shots", ["1.png", "2.png"])
    assert run(folder, "--product", "nut", "--plan")[0] == 3
    status, out, _err = run(folder, "--product", "nut", "--as", "normal", "--json")
    assert (status, _json(out)["products"]) == (
        0,
        {"nut": {"normal": 2, "defect": {}, "masks": 0, "val": 0, "test": 0}},
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--map", "elsewhere=normal"), "not among the files"),
        (("--map", "nut/good=normal/mask"), "is no role"),
        (("--as", "product:"), "is no role"),
    ],
)
def test_slips_are_sentences(run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    status, out, err = run(_write(tmp_path / "s", ["nut/good/1.png"]), *arguments)
    assert (status, out) == (1, "")
    assert words in err


def test_a_role_without_a_folder_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refusal:
        run(_write(tmp_path / "s", ["nut/good/1.png"]), "--map", "normal")
    assert refusal.value.code == 2


def test_files_that_are_refused_give_status_1(run: Run, tmp_path: Path) -> None:
    folder = _write(tmp_path / "s", {"nut/good/1.png": PHOTO, "nut/good/2.png": b"no image"})
    status, out, err = run(folder, "--json")
    assert (status, _json(out)["refused"]) == (1, 1)
    assert _json(out)["left_out"][0]["path"] == "nut/good/2.png"
    assert "refused: nut/good/2.png" in err


def test_what_was_there_before_is_counted_as_what_it_is(run: Run, tmp_path: Path) -> None:
    folder = _write(tmp_path / "s", {"OK/1.png": PHOTO, "NG/2.png": PHOTO})
    assert run(folder, "--product", "nut", "--map", "NG=defect:dent")[0] == 0
    status, out, err = run(folder, "--product", "nut", "--as", "normal", "--json")
    told = _json(out)
    assert (status, told["duplicate"]) == (0, 2)
    assert told["products"]["nut"]["defect"] == {"dent": 1}
    assert "already here: NG/2.png" in err


def test_one_image_is_imported_by_its_name(run: Run, tmp_path: Path) -> None:
    folder = _write(tmp_path, {"1.png": PHOTO})
    status, out, _err = run(folder / "1.png", "--product", "nut", "--as", "normal", "--json")
    assert (status, _json(out)["products"]["nut"]["normal"]) == (0, 1)
    status, _out, err = run(folder / "1.png", "--product", "other", "--plan")
    assert (status, "--map .=normal" in err) == (3, True)


def test_the_product_of_some_images_among_others_is_said_by_a_role(run: Run, tmp_path: Path) -> None:
    folder = _write(tmp_path / "s", ["cap/train/good/1.png", "lid/train/good/1.png", "normal/2.png"])
    status, out, err = run(folder, "--plan", "--json")
    assert (status, sorted(_json(out)["products"])) == (3, ["cap", "lid"])
    assert "--map .=product:s" in err
    status, out, _err = run(folder, "--plan", "--json", "--map", ".=product:s")
    assert (status, sorted(_json(out)["products"])) == (0, ["cap", "lid", "s"])
