"""anomalib's models as methods: what they need is said before anything starts, and what comes of them is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadInput, NotReady
from core.methods.models import load_method, read_thresholds, train_method
from core.methods.records import GOOD, LabelWords, Sample, Split, TrainingSet
from core.methods.registry import find_method
from core.services import Services
from inference.vision.images.preprocessing import Preprocessing
from storage.tables import DatasetVersion, Product

NEEDS_WEIGHTS = {"supersimplenet": "wide_resnet50_2", "dinomaly": "dinov2_vits14"}


def draw(label: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.repeat((120 + 40 * np.sin(np.arange(96) / 6.0))[None, :, None], 96, axis=0).repeat(3, axis=2)
    image += rng.normal(0, 4, image.shape)
    if label != GOOD:
        image[20:70, 20:70] = (250, 20, 20)
    return np.asarray(image.clip(0, 255), np.uint8)


def sample(number: int, label: str, split: Split) -> Sample:
    return Sample(
        key=f"image:{number}",
        image_id=number,
        image_type="normal" if label == GOOD else "defect",
        label=label,
        part=f"image:{number}",
        view="",
        split=split,
        content_sha256=f"{number:064d}",
        load=lambda: draw(label, number),
        load_mask=lambda: None,
        load_marks=dict,
    )


@pytest.fixture
def training(services: Services) -> TrainingSet:
    with services.database.unit_of_work() as session:
        product = Product(code="plate", name="판")
        session.add(product)
        session.flush()
        version = DatasetVersion(product_id=product.id, number=1, content_hash="0" * 64)
        session.add(version)
        session.commit()
        number = version.id
    train = [sample(place, GOOD, "train") for place in range(16)]
    val = [sample(place, (GOOD, "spot")[place % 2], "val") for place in range(100, 108)]
    return TrainingSet(
        dataset_version_id=number,
        content_hash="0" * 64,
        product_id=1,
        product_code="plate",
        product_name_ko="판",
        product_name_en="Plate",
        view="",
        modality="rgb",
        preprocessing=Preprocessing(),
        labels=tuple(LabelWords(label, label, label, is_good=label == GOOD) for label in (GOOD, "spot")),
        samples=(*train, *val),
    )


def quiet(_stage: str, _done: int, _total: int) -> None:
    pass


@pytest.mark.parametrize(("name", "network"), NEEDS_WEIGHTS.items())
def test_a_model_without_its_weights_says_which_file_it_needs_before_anything_starts(
    services: Services, training: TrainingSet, name: str, network: str
) -> None:
    def fail(stage: str, _done: int, _total: int) -> None:
        raise AssertionError(stage)

    with pytest.raises(NotReady) as caught:
        train_method(services, training, name, {}, progress=fail)
    assert caught.value.code == "method_weights_missing"
    assert f"python -m core weights add {network}" in str(caught.value)


@pytest.mark.parametrize(("name", "network"), NEEDS_WEIGHTS.items())
def test_a_model_whose_weights_were_added_has_no_obstacle(
    services: Services, tmp_path: Path, name: str, network: str
) -> None:
    (tmp_path / f"{network}.safetensors").touch()
    with_weights = replace(services, settings=replace(services.settings, weights_dir=tmp_path))
    assert find_method(name).find_obstacle(with_weights) is None


def test_ganomaly_needs_nothing_but_good_images(services: Services, training: TrainingSet) -> None:
    spec = find_method("ganomaly")
    assert spec.find_obstacle(services) is None
    assert spec.find_data_obstacle(training) is None
    without = spec.find_data_obstacle(replace(training, samples=training.of("val")))
    assert without is not None
    assert without.code == "method_no_good_images"


def test_a_size_may_be_typed_as_a_number_or_as_text_but_must_be_one_that_the_model_takes() -> None:
    spec = find_method("ganomaly")
    assert spec.read_config({"input_size_px": 64}).to_json() == spec.read_config({"input_size_px": "64"}).to_json()
    with pytest.raises(BadInput) as caught:
        spec.read_config({"input_size_px": 100})
    assert caught.value.code == "method_option_no_choice"


@pytest.mark.full
def test_a_trained_ganomaly_is_stored_found_again_and_shows_the_defect(
    services: Services, training: TrainingSet
) -> None:
    options = {"input_size_px": 64, "epochs": 2}
    stages: set[str] = set()
    model = train_method(services, training, "ganomaly", options, progress=lambda stage, *_: stages.add(stage))
    assert {"prepare", "import", "train", "calibration", "publish"} <= stages
    assert train_method(services, training, "ganomaly", options, progress=quiet).id == model.id

    good, bad = load_method(services, model).predict([draw(GOOD, 900), draw("spot", 901)])
    assert good.score is not None
    assert bad.score is not None
    assert bad.anomaly_map is not None
    assert bad.anomaly_map.shape == (64, 64)
    assert bad.anomaly_map[16:44, 16:44].mean() > bad.anomaly_map[48:].mean()
    assert read_thresholds(model) is not None
    assert len(model.figures["losses"]) == 2
