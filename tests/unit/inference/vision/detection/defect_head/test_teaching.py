"""Teaching a defect head on drawn patches: what it may raise, what it names, and when it only names types."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inference.vision.detection.defect_head.examples import Example
from inference.vision.detection.defect_head.head import DefectHead
from inference.vision.detection.defect_head.training import FEWEST_DEFECTS, Lesson, teach
from inference.vision.detection.features.image_patches import WholeImage
from inference.vision.detection.scoring import PatchDistances

GRID = (12, 12)
SIDE_PX = 48
# Where the patches of each type differ from good ones.
AXES = {"1": 0, "2": 1, "3": 2}


def example(
    seed: int, label: str | None = None, *, part: str = "", marked: bool = True, far: float = 0.0, step: float = 4.0
) -> Example:
    """Draw an image of 144 patches; a defect of 3 × 3 of them differs along the axis of its type."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 1, (GRID[0] * GRID[1], 6)).astype(np.float32)
    distances = (rng.uniform(1.6, 2.0, len(rows)) * rng.uniform(0.85, 1.15)).astype(np.float32)
    mask = np.zeros((SIDE_PX, SIDE_PX), np.bool_)
    if label is not None:
        row, column = rng.integers(1, 8, 2)
        cells = np.zeros(GRID, np.bool_)
        cells[row : row + 3, column : column + 3] = True
        rows[cells.ravel(), AXES[label]] += step
        distances[cells.ravel()] += far
        mask = np.kron(cells, np.ones((4, 4), np.bool_)).astype(np.bool_)
    measured = PatchDistances(distances, GRID, None, 0.03)
    shown = mask if label is not None and marked else None
    return Example(f"image:{seed}", part or f"image:{seed}", WholeImage(rows, GRID), measured, label, shown)


def examples(*labels: str, normals: int = 30, each: int = 8, **more: float | bool) -> list[Example]:
    found = [example(seed) for seed in range(normals)]
    for place, label in enumerate(labels):
        found += [example(1000 * (place + 1) + number, label, **more) for number in range(each)]  # type: ignore[arg-type]
    return found


def taught(found: list[Example]) -> Lesson:
    lesson = teach(found, smoothing=0.7)
    assert lesson is not None
    return lesson


def judge(lesson: Lesson, one: Example) -> tuple[float, float]:
    """Return the score of an image without the head and with it."""
    logits = lesson.head.logits(one.patches.at(np.arange(GRID[0] * GRID[1])).T)
    return one.distances.score, lesson.head.raise_distances(one.distances, logits).score


def test_known_defects_that_the_distances_miss_are_raised_above_good_parts() -> None:
    lesson = taught(examples("1", "2"))
    figures = lesson.figures
    assert figures.auroc_plain is not None
    assert figures.auroc_raised is not None
    assert figures.auroc_plain < 0.75
    assert figures.auroc_raised > figures.auroc_plain + 0.15
    assert figures.strength > 0
    good = [judge(lesson, example(seed))[1] for seed in range(5000, 5020)]
    bad = [judge(lesson, example(seed, label))[1] for seed, label in ((6000, "1"), (6001, "2"), (6002, "1"))]
    assert np.mean(bad) > np.quantile(good, 0.9)


def test_a_head_never_makes_a_patch_less_distant() -> None:
    lesson = taught(examples("1", "2"))
    for one in (example(7000), example(7001, "1"), example(7002, "3")):
        logits = lesson.head.logits(one.patches.at(np.arange(GRID[0] * GRID[1])).T)
        assert (lesson.head.raise_distances(one.distances, logits).values >= one.distances.values).all()


def test_types_are_named_with_a_probability_and_cross_validated() -> None:
    lesson = taught(examples("1", "2", "3", far=2.0))
    assert lesson.figures.type_top1 is not None
    assert lesson.figures.type_top1 > 0.9
    for label in ("1", "2", "3"):
        one = example(8000, label, far=2.0)
        logits = lesson.head.logits(one.patches.at(np.arange(GRID[0] * GRID[1])).T)
        opinion = lesson.head.name_type(lesson.head.raise_distances(one.distances, logits), logits)
        assert opinion.first == label
        assert opinion.known
        assert sum(share for _, share in opinion.probabilities) == pytest.approx(1.0)
        assert 0.4 < opinion.confidence < 1.0


def test_a_defect_unlike_all_known_types_is_none_of_them() -> None:
    lesson = taught(examples("1", "2", each=12, far=2.0))
    one = example(8100, "3", far=2.0)
    logits = lesson.head.logits(one.patches.at(np.arange(GRID[0] * GRID[1])).T)
    assert not lesson.head.name_type(one.distances, logits).known


def test_without_masks_the_most_distant_patches_teach() -> None:
    lesson = taught(examples("1", "2", each=12, marked=False, far=2.0))
    assert lesson.figures.n_marked == 0
    assert lesson.figures.type_top1 is not None
    assert lesson.figures.type_top1 > 0.8


def test_fewer_than_five_labeled_defects_or_four_good_parts_teach_nothing() -> None:
    assert teach(examples("1", each=FEWEST_DEFECTS - 1), smoothing=0.7) is None
    assert teach(examples("1", normals=3), smoothing=0.7) is None
    assert teach(examples("1", each=FEWEST_DEFECTS), smoothing=0.7) is not None


def test_defects_that_nothing_tells_from_good_parts_raise_no_score() -> None:
    figures = taught(examples("1", "2", each=15, step=0.0)).figures
    raised = figures.auroc_raised or 0.0
    assert figures.strength == 0.0 or raised > (figures.auroc_plain or 0.0)
    assert raised < 0.75


def test_a_type_that_the_head_has_never_seen_must_not_be_found_less_well() -> None:
    found = examples("1", normals=40, each=10)
    # Good parts that look a little like type 1 here and there: what is learned of it alone lifts them, not type 2.
    for place in range(0, 40, 2):
        rows = found[place].patches.at(np.arange(144)).copy()
        rows[:6, AXES["1"]] += 3.0
        found[place] = replace(found[place], patches=WholeImage(rows, GRID))
    found += [example(3000 + number, "2", far=0.35, step=6.0) for number in range(10)]
    figures = taught(found).figures
    assert set(figures.left_out) == {"1", "2"}
    if figures.strength > 0:
        assert all(one.plain - one.raised <= 0.01 for one in figures.left_out.values())
    else:
        assert figures.restraint in {"unknown_types_lose", "no_gain"}


def test_exposures_of_one_part_are_never_on_both_sides() -> None:
    rng = np.random.default_rng(5)

    def exposures(named: bool) -> list[Example]:
        found = [example(seed) for seed in range(24)]
        for number in range(6):
            base = example(9000 + number, "1", step=0.0)
            own = rng.normal(0, 3.0, 6).astype(np.float32)  # what only this part shows
            rows = base.patches.at(np.arange(144)).copy()
            cells = np.flatnonzero(np.kron(np.ones((1, 1)), base.mask.reshape(12, 4, 12, 4).any(axis=(1, 3))).ravel())  # type: ignore[union-attr]
            rows[cells] += own
            for exposure in range(3):
                noisy = rows + np.random.default_rng((number, exposure)).normal(0, 0.1, rows.shape).astype(np.float32)
                found.append(
                    replace(
                        base,
                        key=f"{number}:{exposure}",
                        part=f"part {number}" if named else f"{number}:{exposure}",
                        patches=WholeImage(noisy.astype(np.float32), GRID),
                    )
                )
        return found

    honest = taught(exposures(named=True)).figures.auroc_raised
    rng = np.random.default_rng(5)
    leaking = taught(exposures(named=False)).figures.auroc_raised
    assert honest is not None
    assert leaking is not None
    assert leaking > honest


def test_the_same_examples_teach_the_same_head() -> None:
    first, second = taught(examples("1", "2")), taught(examples("1", "2"))
    np.testing.assert_array_equal(first.head.weights, second.head.weights)
    assert first.figures == second.figures
    assert first.scores == second.scores


def test_a_stop_is_heard_while_it_is_taught() -> None:
    class StoppedError(Exception):
        pass

    def stop() -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        teach(examples("1"), smoothing=0.7, report=stop)


def test_a_head_that_was_written_is_read_back_and_a_damaged_one_refused() -> None:
    head = taught(examples("1", "2")).head
    again = DefectHead.from_dict(head.to_dict(), weights=head.weights, bias=head.bias)
    assert again == replace(head, weights=again.weights, bias=again.bias)
    with pytest.raises(ValueError, match="fit"):
        DefectHead.from_dict(head.to_dict(), weights=head.weights[:2], bias=head.bias)
    with pytest.raises(ValueError, match="numbers"):
        DefectHead.from_dict(head.to_dict(), weights=head.weights * np.nan, bias=head.bias)
    with pytest.raises(KeyError):
        DefectHead.from_dict({"types": ["1", "2"]}, weights=head.weights, bias=head.bias)


def mixed(seed: int, *, part: str = "", step: float = 4.0) -> Example:
    """Draw an image of two defects, one at the left and one at the right, each marked with its own type."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 1, (GRID[0] * GRID[1], 6)).astype(np.float32)
    distances = rng.uniform(1.6, 2.0, len(rows)).astype(np.float32)
    marks = {}
    for label, first in (("1", 1), ("2", 8)):
        row = int(rng.integers(1, 8))
        cells = np.zeros(GRID, np.bool_)
        cells[row : row + 3, first : first + 3] = True
        rows[cells.ravel(), AXES[label]] += step
        marks[label] = np.kron(cells, np.ones((4, 4), np.bool_)).astype(np.bool_)
    measured = PatchDistances(distances, GRID, None, 0.03)
    whole = marks["1"] | marks["2"]
    return Example(f"image:{seed}", part or f"image:{seed}", WholeImage(rows, GRID), measured, "1", whole, marks)


def test_two_types_in_one_image_are_both_learned() -> None:
    lesson = taught([example(seed) for seed in range(30)] + [mixed(1000 + seed) for seed in range(12)])
    assert lesson.head.types == ("1", "2")
    assert lesson.figures.counts == {"1": 12, "2": 12}
    assert lesson.figures.type_top1 == 1.0  # each of the types that an image shows is right
    for seed, label in ((6000, "1"), (6001, "2"), (6002, "2"), (6003, "1")):
        one = example(seed, label)
        assert one.mask is not None
        logits = lesson.head.logits(one.patches.at(np.arange(GRID[0] * GRID[1])).T)
        shown = one.mask[::4, ::4].ravel()
        named = np.bincount(logits[:, shown].argmax(axis=0), minlength=3)
        assert named.argmax() == int(label)
        assert lesson.head.raise_distances(one.distances, logits).values[shown].max() >= one.distances.values.max()
