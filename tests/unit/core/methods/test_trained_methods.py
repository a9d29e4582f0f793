"""Methods trained on a dataset version: found again, resumed, the same every time, clear about what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from core.errors import BadInput, NotFound, NotReady
from core.methods.models import (
    find_model,
    load_method,
    open_method,
    read_thresholds,
    scratch_folder,
    train_method,
)
from core.methods.records import GOOD, LabelWords, Sample, Split, TrainingSet
from core.methods.registry import find_method, list_methods
from core.services import Services
from inference.errors import ImageError
from inference.vision.images.preprocessing import Preprocessing
from storage.tables import DatasetVersion, MethodModel, Product

SMALL: Mapping[str, Mapping[str, Any]] = {
    "patchcore": {"input_size_px": 128, "max_bank_size": 2048},
    "padim": {"input_size_px": 128, "channel_count": 16},
    "autoencoder": {"input_size_px": 64, "epochs": 4, "code_channels": 8},
    "classifier": {"input_size_px": 128},
}


def draw(kind: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.repeat((120 + 40 * np.sin(np.arange(96) / 6.0))[None, :, None], 96, axis=0).repeat(3, axis=2)
    image += rng.normal(0, 4, image.shape)
    if kind == "spot":
        image[30:56, 30:56] = (240, 30, 30)
    elif kind == "scratch":
        image[70:76, 10:86] = 5
    return np.asarray(image.clip(0, 255), np.uint8)


def sample(number: int, label: str, split: Split, load: Callable[[], np.ndarray] | None = None) -> Sample:
    return Sample(
        key=f"image:{number}",
        image_id=number,
        image_type="normal" if label == GOOD else "defect",
        label=label,
        part=f"image:{number}",
        view="",
        split=split,
        content_sha256=f"{number:064d}",
        load=load or (lambda: draw(label, number)),
        load_mask=lambda: None,
        load_marks=dict,
    )


@pytest.fixture
def dataset_id(services: Services) -> int:
    with services.database.unit_of_work() as session:
        product = Product(code="plate", name="판")
        session.add(product)
        session.flush()
        version = DatasetVersion(product_id=product.id, number=1, content_hash="0" * 64)
        session.add(version)
        session.commit()
        return version.id


def make_set(dataset_id: int, samples: Sequence[Sample]) -> TrainingSet:
    return TrainingSet(
        dataset_version_id=dataset_id,
        content_hash="0" * 64,
        product_id=1,
        product_code="plate",
        product_name_ko="판",
        product_name_en="Plate",
        view="",
        modality="rgb",
        preprocessing=Preprocessing(),
        labels=tuple(
            LabelWords(label, label, label, is_good=label == GOOD) for label in sorted({one.label for one in samples})
        ),
        samples=tuple(samples),
    )


@pytest.fixture
def training(dataset_id: int) -> TrainingSet:
    train = [sample(number, (GOOD, GOOD, "spot", "scratch")[number % 4], "train") for number in range(24)]
    val = [sample(number, (GOOD, "spot")[number % 2], "val") for number in range(100, 108)]
    return make_set(dataset_id, [*train, *val])


def quiet(_stage: str, _done: int, _total: int) -> None:
    pass


@pytest.mark.parametrize("name", SMALL)
def test_a_trained_method_tells_a_defect_is_found_again_and_is_the_same_when_trained_anew(
    services: Services, training: TrainingSet, name: str
) -> None:
    model = train_method(services, training, name, SMALL[name], progress=quiet)
    assert (model.method, model.dataset_version_id) == (name, training.dataset_version_id)
    assert not scratch_folder(services, training, model.config_hash).exists()

    def fail(stage: str, _done: int, _total: int) -> None:
        raise AssertionError(stage)

    assert train_method(services, training, name, SMALL[name], progress=fail).id == model.id
    found = find_model(services, training, name, SMALL[name])
    assert found is not None
    assert found.id == model.id
    assert find_model(services, training, name, {**SMALL[name], "seed": 5}) is None

    images = [draw(GOOD, 900), draw("spot", 901)]
    method = load_method(services, model)
    good, bad = method.predict(images)
    assert method.name == name
    assert good.score is not None
    assert bad.score is not None
    assert bad.score > good.score
    assert bad.anomaly_map is not None
    thresholds = read_thresholds(model)
    assert thresholds is not None
    assert bad.score >= thresholds.review_at

    with services.database.unit_of_work() as session:
        session.delete(session.get_one(MethodModel, model.id))
        session.commit()
    again = load_method(services, train_method(services, training, name, SMALL[name], progress=quiet))
    assert [one.score for one in again.predict(images)] == [good.score, bad.score]


def test_the_classifier_names_types_with_boxes_and_says_where_it_is_weak(
    services: Services, training: TrainingSet
) -> None:
    model = train_method(services, training, "classifier", SMALL["classifier"], progress=quiet)
    (found,) = load_method(services, model).predict([draw("spot", 901)])
    assert max(found.class_probabilities, key=lambda label: found.class_probabilities[label]) == "spot"
    assert sum(found.class_probabilities.values()) == pytest.approx(1.0)
    assert found.score == pytest.approx(1.0 - found.class_probabilities[GOOD])
    assert found.boxes[0].label == "spot"
    assert 0 <= found.boxes[0].x < found.boxes[0].x + found.boxes[0].width <= 96
    per_class = model.figures["per_class"]
    assert per_class["spot"]["support"] == 6
    assert "few_images" in per_class["spot"]["weak"]


def test_a_training_that_was_stopped_keeps_its_place_and_goes_on(services: Services, training: TrainingSet) -> None:
    options = SMALL["autoencoder"]

    class StoppedError(Exception):
        pass

    def stop(stage: str, done: int, _total: int) -> None:
        if stage == "train" and done == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_method(services, training, "autoencoder", options, progress=stop)
    epochs: list[int] = []

    def note(stage: str, done: int, _total: int) -> None:
        if stage == "train":
            epochs.append(done)

    train_method(services, training, "autoencoder", options, progress=note)
    assert epochs[0] == 2


def test_an_image_that_cannot_be_read_is_left_out_and_named(services: Services, training: TrainingSet) -> None:
    def gone() -> np.ndarray:
        raise ImageError("image_object_missing", name="image:500")

    bad = [sample(500, GOOD, "train", gone), sample(501, GOOD, "val", gone)]
    with_bad = make_set(training.dataset_version_id, [*training.samples, *bad])
    model = train_method(services, with_bad, "padim", SMALL["padim"], progress=quiet)
    assert model.figures["skipped"] == {
        "image:500": "image_object_missing",
        "image:501": "image_object_missing",
    }


def test_one_image_that_fails_leaves_the_others_their_predictions(services: Services, training: TrainingSet) -> None:
    method = load_method(services, train_method(services, training, "padim", SMALL["padim"], progress=quiet))
    bad, good = method.predict([np.zeros((4, 4), np.uint8), draw(GOOD, 1)])
    assert bad.score is None
    assert bad.error is not None
    assert good.score is not None


def test_what_the_images_lack_is_said(services: Services, dataset_id: int) -> None:
    few = make_set(dataset_id, [sample(1, GOOD, "train"), sample(2, GOOD, "val")])
    blind = make_set(dataset_id, [sample(number, GOOD, "train") for number in range(8)])
    for method, images, code in (
        ("padim", few, "method_no_good_images"),
        ("padim", blind, "method_no_validation_images"),
        ("classifier", blind, "method_one_label"),
    ):
        with pytest.raises(NotReady) as caught:
            train_method(services, images, method, {}, progress=quiet)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"sise": 3}, "method_option_unknown"),
        ({"input_size_px": 1}, "method_option_out_of_range"),
        ({"input_size_px": True}, "method_option_out_of_range"),
        ({"input_size_px": "128"}, "method_option_out_of_range"),
        ({"thresholds": "best"}, "method_option_no_choice"),
        ({"seed": -1}, "method_option_out_of_range"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(options: dict[str, Any], code: str) -> None:
    with pytest.raises(BadInput) as caught:
        find_method("padim").read_config(options)
    assert caught.value.code == code


def test_an_unknown_method_is_named_with_those_that_there_are(services: Services, training: TrainingSet) -> None:
    with pytest.raises(NotFound) as caught:
        train_method(services, training, "magic", {}, progress=quiet)
    assert "patchcore" in str(caught.value)


def test_a_trained_method_is_not_opened_untrained(services: Services, training: TrainingSet) -> None:
    with pytest.raises(BadInput) as caught:
        open_method(services, training, "padim", {})
    assert caught.value.code == "method_needs_training"


def test_every_method_has_words_and_settings_within_their_own_limits() -> None:
    for spec in list_methods():
        assert spec.title
        assert spec.description
        # A training run has no default: it is said which one is asked.
        standard = spec.read_config({"run": 1} if spec.hangs_on_stored else {})
        assert standard.to_json() == spec.read_config(standard.to_json()).to_json()
