"""Runs beside each other: figures that are those of the runs, intervals, differences, and the images they differ on."""

from __future__ import annotations

import csv
import io
import json

import pytest

from core.access import Person
from core.errors import BadInput, NotAllowed, NotFound
from core.services import Services
from core.training.experiments.exports import images_to_csv, to_csv, to_json
from core.training.experiments.side_by_side import SideBySide, compare_runs
from tests.tracked_runs import PlateSet, add_run, add_set, configure, keep_results, said_of

TRUTH = ["good"] * 20 + ["spot"] * 10 + ["scratch"] * 10


@pytest.fixture
def plates(services: Services) -> PlateSet:
    return add_set(services)


def _add(services: Services, plates: PlateSet, named: list[str], *, seed: int = 0, epochs: int = 3) -> int:
    """Add a run that named the forty images so."""
    curve = [{"macro_f1": 0.5}, {"macro_f1": 0.8}]
    run_id = add_run(services, plates, configure(seed=seed, epochs=epochs), epochs=curve)
    images = [said_of(number, truth, said) for number, (truth, said) in enumerate(zip(TRUTH, named, strict=True), 1)]
    keep_results(services, run_id, images)
    return run_id


def _wrong(*numbers: int) -> list[str]:
    """Return what is said of all images when these, from 1 on, are called spotted instead of what they are."""
    return ["scratch" if truth == "spot" and number in numbers else "spot" if number in numbers else truth
            for number, truth in enumerate(TRUTH, 1)]  # fmt: skip


def _compare(services: Services, person: Person, *run_ids: int, split: str = "test") -> SideBySide:
    return compare_runs(services, person, run_ids, split=split)


def test_figures_are_those_that_the_run_itself_measures(services: Services, engineer: Person, plates: PlateSet) -> None:
    import numpy as np

    from inference.vision.learning.measures.classification import measure_classification

    said = _wrong(1, 2, 25, 40)
    first, second = _add(services, plates, TRUTH), _add(services, plates, said)
    found = _compare(services, engineer, first, second)

    labels = ("good", "spot", "scratch")
    shares = np.eye(3)[[labels.index(one) for one in said]]
    own = measure_classification(labels, frozenset({"good"}), TRUTH, shares, [""] * len(TRUTH))
    by_name = {row.name: row for row in found.figures}
    value = by_name["macro_f1"].values[1]
    assert value is not None
    assert value.value == pytest.approx(own.macro_f1)
    top1 = by_name["top1"].values[1]
    assert top1 is not None
    assert top1.value == pytest.approx(own.top1) == pytest.approx(0.9)
    assert top1.low is not None and top1.high is not None  # noqa: PT018
    assert 0.75 < top1.low < 0.9 < top1.high <= 1.0
    perfect = by_name["top1"].values[0]
    assert perfect is not None
    assert (perfect.value, perfect.low, perfect.high) == (1.0, 1.0, 1.0)


def test_a_difference_is_shown_only_where_the_same_images_bear_it_out(
    services: Services, engineer: Person, plates: PlateSet
) -> None:
    good = _add(services, plates, _wrong(1))
    # As many mistakes, elsewhere; and many more.
    like = _add(services, plates, _wrong(2))
    bad = _add(services, plates, _wrong(*range(1, 20)))
    top1 = next(row for row in _compare(services, engineer, good, like, bad).figures if row.name == "top1")

    same, worse = top1.differences
    assert same is not None
    assert worse is not None
    assert (same.value, same.is_shown) == (0.0, False)
    assert worse.value == pytest.approx(-18 / 40)
    assert worse.is_shown
    assert worse.high < 0
    # Counted from the other side, the difference is the same with the other sign.
    back = next(row for row in _compare(services, engineer, bad, good).figures if row.name == "top1").differences[0]
    assert back is not None
    assert back.value == pytest.approx(18 / 40)


def test_images_of_one_part_are_drawn_together(services: Services, engineer: Person, plates: PlateSet) -> None:
    from dataclasses import replace

    runs = []
    for parts in (40, 4):
        run_id = _add(services, plates, _wrong(1, 11, 21, 31))
        images = [said_of(number, truth, said) for number, (truth, said) in enumerate(
            zip(TRUTH, _wrong(*range(1, 11)), strict=True), 1)]  # fmt: skip
        keep_results(services, run_id, [replace(one, part=str((one.image_id - 1) * parts // 40)) for one in images])
        runs.append(run_id)
    widths = []
    for run_id in runs:
        value = _compare(services, engineer, run_id, _add(services, plates, TRUTH)).figures[1].values[0]
        assert value is not None
        assert value.low is not None
        assert value.high is not None
        widths.append(value.high - value.low)
    # The same forty images in four parts say far less than in forty.
    assert widths[1] > 1.5 * widths[0]


def test_settings_curves_and_images_that_differ_are_found(
    services: Services, engineer: Person, plates: PlateSet
) -> None:
    first = _add(services, plates, _wrong(3))
    second = _add(services, plates, _wrong(3, 7), seed=5, epochs=9)
    found = _compare(services, engineer, first, second)

    assert {one.path: one.values for one in found.settings} == {"training.epochs": (3, 9), "seed": (0, 5)}
    assert [[one.metrics["macro_f1"] for one in rows] for rows in found.epochs] == [[0.5, 0.8], [0.5, 0.8]]
    assert [(one.image_id, one.truth, [said.named for said in one.said]) for one in found.differing] == [
        (7, "good", ["good", "spot"])
    ]
    assert found.same_images
    assert {one.label: one.values for one in found.classes} == {"crack": (0.5, 0.5), "good": (0.4, 0.4)}


def test_two_that_are_wrong_in_different_ways_differ_too_behind_those_that_divide(
    services: Services, engineer: Person, plates: PlateSet
) -> None:
    said = list(TRUTH)
    said[0] = "scratch"
    found = _compare(services, engineer, _add(services, plates, _wrong(1, 30)), _add(services, plates, said))
    assert [one.image_id for one in found.differing] == [30, 1]
    assert [one.is_divided for one in found.differing] == [True, False]


def test_only_images_that_all_were_measured_on_count(services: Services, engineer: Person, plates: PlateSet) -> None:
    first, second = _add(services, plates, TRUTH), _add(services, plates, TRUTH)
    fewer = [said_of(number, truth, truth) for number, truth in enumerate(TRUTH, 1) if number > 10]
    # One was labeled anew between the two: it is another question now.
    fewer[-1] = said_of(40, "spot", "spot")
    keep_results(services, second, fewer)
    found = _compare(services, engineer, first, second)
    assert (len(found.images), found.n_own, found.same_images) == (29, (40, 30), False)


def test_an_image_that_could_not_be_read_is_no_success(services: Services, engineer: Person, plates: PlateSet) -> None:
    from dataclasses import replace

    first, second = _add(services, plates, TRUTH), _add(services, plates, TRUTH)
    images = [said_of(number, truth, truth) for number, truth in enumerate(TRUTH, 1)]
    keep_results(services, second, [replace(images[0], named="", right=False, error="image_damaged"), *images[1:]])
    top1 = next(row for row in _compare(services, engineer, first, second).figures if row.name == "top1").values[1]
    assert top1 is not None
    assert top1.value == pytest.approx(39 / 40)


def test_a_run_without_results_stays_beside_the_others(services: Services, engineer: Person, plates: PlateSet) -> None:
    done = _add(services, plates, TRUTH)
    running = add_run(services, plates, configure(epochs=8), state="running", epochs=[{"macro_f1": 0.3}])
    found = _compare(services, engineer, done, running)
    assert [one is None or one.code for one in found.problems] == [True, "run_not_finished"]
    assert (found.figures, found.images) == ((), ())
    assert len(found.epochs[1]) == 1
    assert json.loads(to_json(found))["runs"][1]["state"] == "running"


def test_what_cannot_stand_side_by_side_is_refused_in_words(
    services: Services, engineer: Person, worker_person: Person, plates: PlateSet
) -> None:
    one, two = add_run(services, plates), add_run(services, plates)
    other = add_run(services, add_set(services, code="other"))
    boxes = add_run(services, plates, task="detection")
    for numbers, split, code in (
        ((one,), "test", "experiments_count"),
        ((one, one), "test", "experiments_count"),
        (tuple(range(1, 8)), "test", "experiments_count"),
        ((one, two), "train", "experiments_split"),
        ((one, other), "test", "experiments_products"),
        ((one, boxes), "test", "experiments_tasks"),
    ):
        with pytest.raises(BadInput) as raised:
            compare_runs(services, engineer, numbers, split=split)
        assert raised.value.code == code
        assert "{" not in raised.value.sentence("ko")
    with pytest.raises(NotFound):
        compare_runs(services, engineer, (one, 999))
    with pytest.raises(NotAllowed):
        compare_runs(services, worker_person, (one, two))


def test_places_are_compared_by_how_well_they_match(services: Services, engineer: Person, plates: PlateSet) -> None:
    from dataclasses import replace

    runs = []
    for quality in (0.9, 0.6):
        run_id = add_run(services, plates, task="detection", test={"map50": 0.5})
        images = [replace(said_of(number, "spot", "spot"), quality=quality) for number in range(1, 21)]
        keep_results(services, run_id, images, task="detection")
        runs.append(run_id)
    match = next(row for row in _compare(services, engineer, *runs).figures if row.name == "match")
    assert [one and one.value for one in match.values] == [pytest.approx(0.9), pytest.approx(0.6)]
    assert match.differences[0] is not None
    assert match.differences[0].is_shown


def test_the_downloads_hold_what_is_shown(services: Services, engineer: Person, plates: PlateSet) -> None:
    first, second = _add(services, plates, TRUTH), _add(services, plates, _wrong(5), seed=1)
    found = _compare(services, engineer, first, second)
    rows = list(csv.DictReader(io.StringIO(to_csv(found).decode("utf-8-sig"))))
    assert [row["run"] for row in rows] == [str(first), str(second)]
    assert [row["top1"] for row in rows] == ["1.0", "0.975"]
    assert (rows[0]["top1_minus_first"], rows[1]["top1_difference"]) == ("", "not shown")
    images = list(csv.DictReader(io.StringIO(images_to_csv(found).decode("utf-8-sig"))))
    assert len(images) == 40
    assert [row["image"] for row in images if row["differs"] == "1"] == ["5"]
    data = json.loads(to_json(found))
    assert data["settings"] == [{"setting": "seed", "values": [0, 1]}]
    assert data["figures"][1]["values"][1]["value"] == 0.975


def test_a_name_that_looks_like_a_formula_stays_text(services: Services, engineer: Person, plates: PlateSet) -> None:
    runs = [add_run(services, plates, name="=cmd()"), add_run(services, plates)]
    written = to_csv(_compare(services, engineer, *runs)).decode("utf-8-sig")
    assert "'=cmd()" in written
