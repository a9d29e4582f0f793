"""Naming types by a closer look at the defective region: what is cut out, what decides, and that scores stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.artifact import read_bundle
from inference.errors import ArtifactError
from inference.vision.detection.defect_head.bundle import HEAD, read_head
from inference.vision.detection.detector import ImageSource, LabeledSource, look_closer
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.cross_fit import cross_fit
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.detection.patchcore.teaching import teach_bank
from inference.vision.detection.region_types.cut_outs import cut_found, cut_marked, find_met, meets
from inference.vision.detection.region_types.network import ALL_VIEWS, count_features, region_graph
from inference.vision.detection.region_types.region_types import RegionTypes, join_opinions
from inference.vision.detection.region_types.training import FEWEST_DEFECTS, RegionExample, teach_regions

TYPES = 3
DIMENSION = 12


def region(label: int, seed: int, *, step: float = 3.0, spread: float = 1.0, fold: int | None = None) -> RegionExample:
    """Draw a defect whose region differs along the axis of its type, and patches that say nothing."""
    rng = np.random.default_rng((label, seed))
    rows = rng.normal(0.0, spread, (3, ALL_VIEWS, DIMENSION)).astype(np.float32)
    rows[..., label] += step
    undecided = np.full(TYPES, -np.log(TYPES))
    return RegionExample(label, seed % 4 if fold is None else fold, rows[:1], rows[1:], True, undecided)


def sure(example: RegionExample, name: int) -> RegionExample:
    shares = np.full(TYPES, 0.01)
    shares[name] = 0.98
    return RegionExample(example.label, example.fold, example.marked, example.found, True, np.log(shares))


def quietly() -> None:
    return None


def test_regions_name_types_where_patches_say_nothing() -> None:
    examples = [region(label, seed) for label in range(TYPES) for seed in range(8)]
    lesson = teach_regions(examples, count=TYPES, report=quietly)
    assert lesson is not None
    assert lesson.region_top1 > 0.9
    assert lesson.top1 == pytest.approx(lesson.region_top1, abs=0.05)
    assert lesson.regions is not None
    new = [region(label, 100 + seed) for label in range(TYPES) for seed in range(5)]
    said = np.array([lesson.regions.join(one.patches, lesson.regions.judge(one.shown)) for one in new])
    assert (said.argmax(axis=1) == [one.label for one in new]).mean() > 0.9
    assert np.exp(said).sum(axis=1) == pytest.approx(1.0)


def test_patches_that_are_right_keep_their_say_over_regions_that_tell_nothing() -> None:
    examples = [sure(region(label, seed, step=0.0), label) for label in range(TYPES) for seed in range(8)]
    lesson = teach_regions(examples, count=TYPES, report=quietly)
    assert lesson is not None
    assert lesson.patch_top1 == 1.0
    assert lesson.top1 == 1.0
    assert lesson.regions is None or lesson.regions.share < 1.0


def test_a_region_beside_another_type_teaches_and_is_not_tried() -> None:
    examples = [region(label, seed) for label in range(TYPES) for seed in range(8)]
    beside = [
        RegionExample(one.label, one.fold, one.found, one.found[:0], trusted=False, patches=one.patches)
        for one in (region(label, 50 + seed) for label in range(TYPES) for seed in range(4))
    ]
    lesson = teach_regions([*examples, *beside], count=TYPES, report=quietly)
    assert lesson is not None
    assert lesson.region_top1 > 0.9
    # Without a region that the map shows there is nothing to try.
    assert teach_regions(beside, count=TYPES, report=quietly) is None


def test_the_highest_region_belongs_to_the_type_that_it_lies_on() -> None:
    image, heat = np.zeros((60, 80, 3), np.uint8), np.zeros((6, 8), np.float32)
    heat[1, 6] = 5.0
    masks = {"a": np.zeros((60, 80), np.bool_), "b": np.zeros((60, 80), np.bool_)}
    masks["a"][40:55, 5:20] = True
    assert find_met(image, heat, masks) is None
    masks["b"][10:18, 62:70] = True
    assert find_met(image, heat, masks) == "b"


def test_few_defects_one_type_or_parts_that_fill_one_fold_teach_no_regions() -> None:
    many = [region(label, seed) for label in range(TYPES) for seed in range(8)]
    assert teach_regions(many[: FEWEST_DEFECTS - 1], count=TYPES, report=quietly) is None
    assert teach_regions([region(0, seed) for seed in range(20)], count=TYPES, report=quietly) is None
    one_fold = [region(label, seed, fold=0) for label in range(TYPES) for seed in range(8)]
    assert teach_regions(one_fold, count=TYPES, report=quietly) is None


def test_a_type_that_one_fold_alone_shows_is_never_named_there() -> None:
    examples = [region(label, seed) for label in range(2) for seed in range(8)] + [region(2, 0), region(2, 4)]
    lesson = teach_regions(examples, count=TYPES, report=quietly)
    assert lesson is not None
    assert 0.8 < lesson.region_top1 < 1.0


def test_joined_opinions_are_those_of_one_side_at_either_end() -> None:
    patches, regions = np.log([0.7, 0.2, 0.1]), np.log([0.1, 0.1, 0.8])
    assert np.exp(join_opinions(patches, regions, 0.0, 1.0, 1.0)) == pytest.approx([0.7, 0.2, 0.1])
    assert np.exp(join_opinions(patches, regions, 1.0, 1.0, 1.0)) == pytest.approx([0.1, 0.1, 0.8])
    assert join_opinions(patches, regions, 0.5, 1.0, 1.0).argmax() == 2


@pytest.mark.parametrize("change", [{"share": 1.5}, {"temperature": 0.0}, {"own_temperature": float("nan")}])
def test_values_that_are_none_are_refused(change: dict[str, float]) -> None:
    weights, bias = np.zeros((2, 4), np.float32), np.zeros(2, np.float32)
    values = {"share": 0.5, "own_temperature": 1.0, "temperature": 1.0}
    RegionTypes.from_dict(values, weights=weights, bias=bias, dimension=4, count=2)
    with pytest.raises(ValueError, match="numbers"):
        RegionTypes.from_dict({**values, **change}, weights=weights, bias=bias, dimension=4, count=2)
    with pytest.raises(ValueError, match="fit"):
        RegionTypes.from_dict(values, weights=weights, bias=bias, dimension=5, count=2)


# --- cut-outs --------------------------------------------------------------------------------------------------------


def test_a_mask_and_a_map_cut_out_the_same_place_at_the_images_resolution() -> None:
    image = np.random.default_rng(0).integers(0, 255, (200, 300, 3)).astype(np.uint8)
    mask = np.zeros((200, 300), np.bool_)
    mask[120:160, 220:250] = True
    drawn = np.full((100, 100), 1.0, np.float32)  # squashed: three image pixels across, two down
    drawn[60:80, 74:83] = 9.0
    (marked,) = cut_marked(image, mask)
    assert marked.pixels.shape == (48, 48, 3)
    assert marked.weights.sum() == 40 * 30
    found = cut_found(image, drawn)
    assert meets(image, drawn, mask)
    assert not meets(image, drawn, np.roll(mask, -100, axis=1))
    middle = found[0].weights > 0
    rows, columns = np.nonzero(middle)
    assert abs(float(rows.mean()) - middle.shape[0] / 2) < 3
    assert abs(float(columns.mean()) - middle.shape[1] / 2) < 3
    assert abs(found[0].pixels.shape[0] - 48) <= 4


def test_the_largest_parts_of_a_mask_are_cut_out_and_a_flat_map_shows_none() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    mask = np.zeros((100, 100), np.bool_)
    for size, place in ((4, 5), (12, 30), (8, 70)):
        mask[place : place + size, place : place + size] = True
    assert [one.weights.sum() for one in cut_marked(image, mask)] == [144, 64]
    assert cut_marked(image, np.zeros((100, 100), np.bool_)) == []
    assert cut_found(image, np.ones((20, 20), np.float32)) == []


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "resnet18", "dinov2_vits14"])
def test_every_backbone_has_a_graph_that_fits_its_stride(backbone: str) -> None:
    graph = region_graph(backbone)
    assert graph.size_px[0] % graph.backbone.strides[-1] == 0
    assert count_features(backbone) == 2 * graph.backbone.dimension


# --- in a bank -------------------------------------------------------------------------------------------------------

CONFIG = PatchCoreConfig(input_size_px=128, min_bank_size=200, max_bank_size=400)
PLACE = (slice(60, 84), slice(90, 114))


def draw(seed: int, flaw: str = "") -> np.ndarray:
    """Draw a striped part; a `hole` is dark, a `frame` the dark edge of a square of the same size."""
    rng = np.random.default_rng(seed)
    stripes = 120 + 50 * np.sin((np.arange(160) + rng.integers(12)) / 5.0)
    image = np.repeat(stripes[None, :], 160, axis=0) + rng.normal(0, 6, (160, 160))
    if flaw:
        inside = image[64:80, 94:110].copy()
        image[PLACE] = 20
        if flaw == "frame":
            image[64:80, 94:110] = inside
    return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def labeled(flaw: str, label: str, first: int) -> list[LabeledSource]:
    mask = np.zeros((160, 160), np.bool_)
    mask[PLACE] = True
    return [
        LabeledSource(ImageSource(f"{flaw}:{seed}", lambda seed=seed: draw(seed, flaw)), label, lambda: mask)  # type: ignore[misc]
        for seed in range(first, first + 6)
    ]


@pytest.fixture(scope="module")
def plain() -> PatchCore:
    sources = [ImageSource(f"good:{seed}", lambda seed=seed: draw(seed)) for seed in range(10)]  # type: ignore[misc]
    return PatchCore.fit(sources, CONFIG, device="cpu")


def test_a_taught_bank_looks_closer_at_a_defect_and_leaves_its_score(plain: PatchCore, tmp_path: Path) -> None:
    sources = [ImageSource(f"good:{seed}", lambda seed=seed: draw(seed)) for seed in range(10)]  # type: ignore[misc]
    features = extract_patches(sources, CONFIG, device="cpu")
    defects = labeled("hole", "7", 400) + labeled("frame", "9", 500)
    taught = teach_bank(plain, features, cross_fit(features), defects, device="cpu")
    assert taught is not None
    figures = taught.figures
    assert figures.patch_top1 is not None
    assert figures.region_top1 is not None
    assert figures.region_top1 > 0.8
    taught.model.save(tmp_path / "bundle")
    bundle = read_bundle(tmp_path / "bundle", kind="memory_bank")
    head = taught.model.head
    assert head is not None
    assert ("region_graph.xml" in bundle.files) is (head.regions is not None)
    loaded = PatchCore.load(tmp_path / "bundle", device="cpu")
    for flaw, label in (("hole", "7"), ("frame", "9")):
        image = draw(650, flaw)
        first = taught.model.inspect(image)
        closer, again = look_closer(taught.model, image, first), look_closer(loaded, image, loaded.inspect(image))
        assert closer.score == first.score
        assert closer.anomaly_map is first.anomaly_map
        assert closer.opinion is not None
        assert again.opinion is not None
        assert closer.opinion.first == label
        assert dict(again.opinion.probabilities) == pytest.approx(dict(closer.opinion.probabilities), abs=1e-4)
        assert sum(share for _, share in closer.opinion.probabilities) == pytest.approx(1.0)
    if head.regions is not None:
        with pytest.raises(ArtifactError):
            read_head(bundle, dimension=CONFIG.dimension, region_dimension=count_features("efficientnet_lite0") + 1)
    assert HEAD in bundle.metadata


def test_a_bank_without_labels_says_of_a_closer_look_what_it_said(plain: PatchCore, tmp_path: Path) -> None:
    image = draw(650, "hole")
    detection = plain.inspect(image)
    assert look_closer(plain, image, detection) is detection
    plain.save(tmp_path / "bundle")
    assert "region_graph.xml" not in read_bundle(tmp_path / "bundle", kind="memory_bank").files


def test_an_inspection_looks_at_a_cut_out_as_it_is_and_turned_round() -> None:
    example = region(0, 0)
    assert np.array_equal(example.shown, example.found[:, [0, 3]])
    assert region(0, 0).lessons(ALL_VIEWS).shape == (3 * ALL_VIEWS, DIMENSION)
