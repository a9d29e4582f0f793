"""`python -m core fuse` and `inspect --view`: the same rule and the same verdict as on the screen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.catalog.products import find_product
from core.cli import inspecting
from core.cli.comparing import fusing
from core.fusion.in_force import read_fusion
from core.services import Services
from storage.tables import Product
from tests.viewed_plates import GOOD, SCRATCH, SPOT, inspect_plate, with_views

Run = Callable[..., tuple[int, str, str]]
RULE = "method: weighted_average\nweights: {ct: 0.7, rgb: 0.3}\nreview_at: 0.3\nreject_at: 0.6\n"


@pytest.fixture
def product(toy_services: Services) -> Product:
    found = find_product(toy_services, "plate")
    with_views(toy_services, found)
    return found


@pytest.fixture
def run(
    toy_services: Services, product: Product, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command of the product in this process, with the toy models: status, stdout, stderr."""
    monkeypatch.setenv("GEOMSA_LANGUAGE", "en")
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(toy_services.settings.data_dir))
    for module in (fusing, inspecting):
        monkeypatch.setattr(module, "build_services", lambda: toy_services)

    def run_one(command: str, *arguments: str) -> tuple[int, str, str]:
        status = main([command, "--product", product.code, *arguments])
        return (status, *capsys.readouterr())

    return run_one


def _json(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_rule_is_shown_set_tried_undone_and_kept_in_the_history(
    run: Run, toy_services: Services, product: Product, tmp_path: Path
) -> None:
    file = tmp_path / "rule.yaml"
    file.write_text(RULE, encoding="utf-8")
    status, out, _err = run("fuse", "--json")
    assert (status, _json(out)["fusion"]["is_default"], _json(out)["fusion"]["rule"]["votes"]) == (0, True, "any")
    inspect_plate(toy_services, product, ct=GOOD, rgb=GOOD)
    status, out, _err = run("fuse", str(file), "--try", "--json")
    assert (status, _json(out)["tried"]["weights"]) == (0, {"ct": 0.7, "rgb": 0.3})
    assert read_fusion(toy_services, product.id).entry.is_default
    status, out, err = run("fuse", str(file))
    assert (status, out) == (1, "")
    assert "Say why" in err
    status, out, _err = run("fuse", str(file), "--reason", "CT tells more", "--json")
    assert (status, _json(out)["fusion"]["rule"]["method"]) == (0, "weighted_average")
    assert _json(out)["effect"]["escape"]["total"] > 0
    status, out, _err = run("fuse")
    assert "method: weighted_average" in out
    assert "CT tells more" in out
    status, out, _err = run("fuse", "--undo", "--reason", "back", "--json")
    assert _json(out)["fusion"]["rule"]["method"] == "voting"
    status, out, _err = run("fuse", "--history", "--json")
    assert [one["reason"] for one in _json(out)["history"]] == ["back", "CT tells more", ""]


def test_a_rule_that_is_not_understood_is_refused_by_a_sentence(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "rule.yaml"
    file.write_text("method: magic\n", encoding="utf-8")
    status, _out, err = run("fuse", str(file), "--reason", "x")
    assert status == 1
    assert "voting" in err
    status, _out, err = run("fuse", str(tmp_path / "none.yaml"), "--reason", "x")
    assert (status, "none.yaml" in err) == (1, True)


def test_a_part_is_inspected_by_named_views(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(SPOT)
    (tmp_path / "b.png").write_bytes(GOOD)
    views = ("--view", f"ct={tmp_path / 'a.png'}", "--view", f"rgb={tmp_path / 'b.png'}")
    status, out, _err = run("inspect", *views, "--json")
    found = _json(out)
    assert (status, found["verdict"], found["found_as"], found["missing_views"]) == (0, "reject", "internal", [])
    assert [one["view"] for one in found["views"]] == ["ct", "rgb"]
    status, out, _err = run("inspect", *views[:2])
    assert "missing: rgb" in out
    status, _out, err = run("inspect", "--view", "nothing")
    assert (status, "--view ct=FILE" in err) == (1, True)
    status, _out, err = run("inspect")
    assert (status, "nothing to inspect" in err) == (1, True)


def test_a_folder_is_put_together_by_the_names_of_its_files(run: Run, tmp_path: Path) -> None:
    for name, data in (
        ("P1_ct.png", GOOD),
        ("P1_rgb.png", SCRATCH),
        ("P2_ct.png", SPOT),
        ("P2_rgb_1.png", SCRATCH),
        ("P2_rgb_2.png", GOOD),
        ("readme.png", GOOD),
    ):
        folder = tmp_path / "parts"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    status, out, _err = run("inspect", str(tmp_path / "parts"), "--json")
    told = [_json(line) for line in out.splitlines()]
    assert status == 1  # one file tells no view
    assert [(one["part"], one.get("verdict"), one.get("found_as")) for one in told] == [
        ("P1", "reject", "external"),
        ("P2", "reject", "combined"),
        ("", None, None),
    ]
    assert told[2]["error"]["code"] == "file_names_no_view"
    assert len(told[1]["views"]) == 3
