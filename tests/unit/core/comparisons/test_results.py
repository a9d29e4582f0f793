"""Looking at a comparison: its progress, its images where methods differ and by cell, its files, the command line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest

from core.__main__ import main
from core.access import Person
from core.comparisons.exports import REPORT_NAME, RESULT_NAME, TABLE_NAME, make_file
from core.comparisons.orders import read_order
from core.comparisons.overview import list_comparisons, list_progress, read_result, view_comparison
from core.comparisons.starting import start_comparison
from core.comparisons.subjects import SubjectFilter, draw_prediction, get_subject, list_pictures, list_subjects
from core.errors import NotFound, NotReady
from core.images.edits import delete_images
from core.operations.stored_objects import find_missing, take_stock
from core.services import Services
from tests.compared_methods import ToySpec, build_product, toy_methods, work_next


@pytest.fixture
def toys() -> Iterator[dict[str, ToySpec]]:
    with toy_methods() as found:
        yield found


@pytest.fixture
def comparison_id(services: Services, engineer: Person, toys: dict[str, ToySpec]) -> int:
    """Return a comparison of two views, worked off: one method right, one blind to what it is asked."""
    build_product(services, engineer, views=("ct", "rgb"))
    order = read_order(
        {
            "product": "spots",
            "name": "Two views",
            "methods": [
                {"method": toys["gray"].name, "name": "gray"},
                {"method": toys["gray"].name, "name": "blind", "options": {"level": 200.0}},
            ],
            "combinations": [{"name": "both", "members": {"ct": "gray", "rgb": "gray"}}],
        }
    )
    found = start_comparison(services, engineer, order)
    before = view_comparison(services, found)
    assert [(one.done, one.total) for one in list_progress(services, before)][:2] == [(0, 16), (0, 16)]
    with pytest.raises(NotReady):
        read_result(services, before)
    assert work_next(services) is None
    return found


def test_images_are_listed_by_view_by_cell_and_where_methods_differ(services: Services, comparison_id: int) -> None:
    comparison = view_comparison(services, comparison_id)
    result = read_result(services, comparison)
    good = result.good_labels
    all_ct, n_ct = list_subjects(services, comparison_id, SubjectFilter("ct"), good, limit=5)
    assert (len(all_ct), n_ct) == (5, 8)
    assert set(all_ct[0].said) == {"gray@ct", "blind@ct"}
    entry = result.find("blind@ct")
    assert entry is not None
    for cell, count in vars(entry.verdicts).items():
        wanted = SubjectFilter("ct", key=entry.key, cell=cell)
        assert list_subjects(services, comparison_id, wanted, good)[1] == count, cell
    assert entry.types is not None
    for label, counts in zip(entry.types.labels, entry.types.counts, strict=True):
        for named, count in zip(entry.types.columns, counts, strict=True):
            wanted = SubjectFilter("ct", key=entry.key, truth=label, named=named)
            assert list_subjects(services, comparison_id, wanted, good)[1] == count
    differing, n_differing = list_subjects(services, comparison_id, SubjectFilter("ct", differing=True), good)
    assert 0 < n_differing < 8
    assert all(one.differs for one in differing)
    parts, n_parts = list_subjects(services, comparison_id, SubjectFilter("ct+rgb"), good)
    assert n_parts == 8
    assert {one.subject.partition(":")[0] for one in parts} == {"part"}
    defects = SubjectFilter("ct+rgb", key="both", cell="defect_stopped")
    assert list_subjects(services, comparison_id, defects, good)[1] == 4


def test_one_image_is_drawn_with_map_boxes_and_mask(services: Services, engineer: Person, comparison_id: int) -> None:
    result = read_result(services, view_comparison(services, comparison_id))
    wanted = SubjectFilter("ct", key="gray@ct", cell="defect_stopped")
    first = list_subjects(services, comparison_id, wanted, result.good_labels)[0][0]
    said = first.said["gray@ct"]
    entry = result.find("gray@ct")
    assert entry is not None
    assert entry.map_level is not None
    plain = draw_prediction(services, said.id, map_level=None, with_boxes=False, with_mask=False)
    assert plain.shape == (40, 48, 3)
    for options in (
        {"map_level": entry.map_level, "with_boxes": False, "with_mask": False},
        {"map_level": None, "with_boxes": True, "with_mask": False},
        {"map_level": None, "with_boxes": False, "with_mask": True},
    ):
        assert (draw_prediction(services, said.id, **options) != plain).any()
    part = get_subject(services, comparison_id, f"part:{first.part}", "ct+rgb", result.good_labels)
    pictures = list_pictures(services, comparison_id, part, ["gray@ct", "gray@rgb"])
    assert [one.view for one in pictures] == ["ct", "rgb"]
    assert first.image_id is not None
    delete_images(services, engineer, [first.image_id])
    with pytest.raises(NotFound):
        draw_prediction(services, said.id, map_level=None, with_boxes=False, with_mask=False)
    gone = get_subject(services, comparison_id, first.subject, "ct", result.good_labels)
    assert (gone.name, gone.truth) == ("", first.truth)
    with pytest.raises(NotFound):
        get_subject(services, comparison_id, "image:99999", "ct", result.good_labels)


def test_the_files_say_the_same(services: Services, comparison_id: int) -> None:
    comparison = view_comparison(services, comparison_id)
    result = read_result(services, comparison)
    told = json.loads(make_file(services, comparison, RESULT_NAME, language="en"))
    assert list(told["methods"]) == [one.key for one in result.entries]
    table = make_file(services, comparison, TABLE_NAME, language="ko").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {row["key"]: float(row["f1"]) for row in rows} == {
        one.key: pytest.approx(one.value("f1")) for one in result.entries
    }
    for language, title in (("en", "Comparison of methods no. 1"), ("ko", "방식 비교 1번")):
        pdf = pypdf.PdfReader(io.BytesIO(make_file(services, comparison, REPORT_NAME, language=language)))
        text = "\n".join(page.extract_text() for page in pdf.pages)
        assert title in text
        assert "gray" in text


def test_what_belongs_to_a_comparison_is_no_orphan(services: Services, comparison_id: int) -> None:
    stock = take_stock(services)
    own = [key for key in stock.objects if key.startswith(f"comparisons/{comparison_id}/")]
    assert len(own) > 10
    assert all(stock.names(key) for key in own)
    assert not [one for one in find_missing(services, stock) if one.table == "comparisons"]


def test_the_command_line_shows_and_writes_the_result(
    services: Services,
    comparison_id: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_LANGUAGE", "en")
    assert main(["compare", "--show", str(comparison_id), "--json", "--out", str(tmp_path / "out")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["dataset_version"]["number"] == 1
    assert {"n", "f1", "accuracy", "precision", "recall", "auroc", "iou", "ms_p50", "errors", "interval"} <= set(
        told["methods"]["gray@ct"]
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [REPORT_NAME, RESULT_NAME, TABLE_NAME]
    assert main(["compare", "--show", "99"]) == 1
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("methods: [nothing]", encoding="utf-8")
    assert main(["compare", str(wrong)]) == 1
    assert main(["compare", str(tmp_path / "missing.yaml")]) == 1
    assert "missing.yaml" in capsys.readouterr().err
    assert main(["dataset", "list", "--product", "spots", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["number"] == 1
    assert main(["dataset", "show", "--product", "spots"]) == 0
    assert "scratch" in capsys.readouterr().out
    assert main(["dataset", "create", "--product", "spots", "--seed", "5", "--name", "again"]) == 0


def test_comparisons_are_listed_the_newest_first(services: Services, comparison_id: int) -> None:
    found = list_comparisons(services)
    assert [one.id for one in found] == [comparison_id]
    assert (found[0].state, found[0].name, found[0].dataset_number) == ("succeeded", "Two views", 1)
    assert list_comparisons(services, product_id=99) == []
    with pytest.raises(NotFound):
        view_comparison(services, 99)
