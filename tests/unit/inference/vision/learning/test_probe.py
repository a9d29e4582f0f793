"""The probe: pooled features, logistic regression by whole parts, class activation maps equal to Grad-CAM."""

from pathlib import Path

import numpy as np
import pytest

from inference.errors import ModelError
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.class_activation import build_classifier, convert_classifier, draw_activation
from inference.vision.learning.probe import Probe, fit_probe, measure_probe, softmax
from inference.vision.learning.trunk_features import PooledFeatures, pool_features, prepare_pixels, trunk_graph
from inference.vision.networks.backbones import hash_weights, resolve_weights
from inference.vision.networks.graphs import TrainedGraph
from inference.vision.networks.runtime import open_runtime, open_trained

SIZE_PX = 128
GRAPH = trunk_graph("efficientnet_lite0", SIZE_PX)


def draw(kind: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = rng.normal(120, 8, (140, 150, 3))
    if kind == "scratch":
        image[60:66, 20:130] = 20
    elif kind == "spot":
        image[40:80, 40:80] = (230, 40, 40)
    return np.asarray(image.clip(0, 255), np.uint8)


@pytest.fixture(scope="module")
def probe() -> Probe:
    labels = ["good", "scratch", "spot"] * 6
    runtime = open_runtime(GRAPH, device="cpu", threads=1)
    prepared = (prepare_pixels(draw(label, seed), Preprocessing(), SIZE_PX) for seed, label in enumerate(labels))
    return fit_probe(pool_features(runtime, prepared), labels, [str(seed) for seed in range(18)])


def clouds(seed: int = 0, *, count: int = 40) -> tuple[np.ndarray, list[str], list[str]]:
    rng = np.random.default_rng(seed)
    labels = [("a", "b", "c")[number % 3] for number in range(count * 3)]
    centers = {"a": 0.0, "b": 3.0, "c": -3.0}
    rows = np.array([rng.normal(centers[label], 1.0, 5) for label in labels], np.float32)
    return rows, labels, [str(number // 6) for number in range(len(labels))]


def test_labels_that_can_be_told_apart_are_and_probabilities_add_up() -> None:
    rows, labels, parts = clouds()
    found = fit_probe(rows, labels, parts)
    assert found.labels == ("a", "b", "c")
    assert found.figures.macro_f1 > 0.95
    shares = found.probabilities(rows)
    assert np.allclose(shares.sum(axis=1), 1.0)
    assert [found.labels[place] for place in shares.argmax(axis=1)] == labels


def test_the_same_features_give_the_same_weights_to_the_last_bit() -> None:
    first, second = (fit_probe(*clouds()) for _ in range(2))
    assert np.array_equal(first.weights, second.weights)
    assert np.array_equal(first.bias, second.bias)


def test_it_equals_scikit_learn_on_standardized_features() -> None:
    from sklearn.linear_model import LogisticRegression

    rows, labels, parts = clouds()
    found = fit_probe(rows, labels, parts)
    wide = rows.astype(np.float64)
    standard = (wide - wide.mean(axis=0)) / wide.std(axis=0)
    theirs = LogisticRegression(C=found.strength, class_weight="balanced", max_iter=500).fit(standard, labels)
    assert np.allclose(found.probabilities(rows), theirs.predict_proba(standard), atol=1e-4)


def test_two_labels_are_told_apart_like_many() -> None:
    rows, labels, parts = clouds()
    kept = [place for place, label in enumerate(labels) if label != "c"]
    found = fit_probe(rows[kept], [labels[place] for place in kept], [parts[place] for place in kept])
    assert found.weights.shape == (2, 5)
    assert found.figures.macro_f1 > 0.9


def test_a_label_of_one_image_is_said_to_be_weak() -> None:
    rows, labels, parts = clouds()
    found = fit_probe(np.concatenate([rows, rows[:1]]), [*labels, "rare"], [*parts, "another part"])
    rare = next(one for one in found.figures.labels if one.label == "rare")
    assert rare.support == 1
    assert rare.weak == ("few_images", "low_recall")


def test_figures_equal_scikit_learns() -> None:
    from sklearn.metrics import confusion_matrix, f1_score

    rng = np.random.default_rng(3)
    truth, named = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    figures = measure_probe(("a", "b", "c"), truth, named)
    assert figures.macro_f1 == pytest.approx(f1_score(truth, named, average="macro"))
    assert np.array_equal(np.array(figures.confusion), confusion_matrix(truth, named))


def test_one_label_alone_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        fit_probe(np.zeros((4, 3), np.float32), ["good"] * 4, list("abcd"))
    assert caught.value.code == "classifier_one_label"


def test_the_exported_graph_says_what_the_probe_says_and_its_maps_average_to_it(probe: Probe) -> None:
    weights = resolve_weights(GRAPH.backbone, None)
    runtime = open_trained(TrainedGraph("classifier", GRAPH.size_px), convert_classifier(GRAPH, probe, weights))
    pixels = prepare_pixels(draw("spot", 77), Preprocessing(), SIZE_PX)
    logits, maps = runtime.features(pixels[None])
    pooled = pool_features(open_runtime(GRAPH, device="cpu", threads=1), [pixels])
    assert np.allclose(softmax(logits[:, :, 0, 0]), probe.probabilities(pooled), atol=1e-3)
    assert np.allclose(maps.mean(axis=(2, 3)) + probe.bias, logits[:, :, 0, 0], atol=1e-3)
    assert probe.labels[int(logits[0, :, 0, 0].argmax())] == "spot"


def test_the_maps_equal_grad_cam_at_that_layer(probe: Probe) -> None:
    import torch

    grad_cam = pytest.importorskip("pytorch_grad_cam")
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    module = build_classifier(GRAPH, probe, resolve_weights(GRAPH.backbone, None))
    pixels = prepare_pixels(draw("spot", 77), Preprocessing(), SIZE_PX)

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classifier = module

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.classifier(batch.permute(0, 2, 3, 1))[0][:, :, 0, 0]
            return logits

    # As N×3×H×W, because the package reads the size of the image from there; floats, so that gradients can flow.
    batch = torch.from_numpy(pixels[None].astype(np.float32)).permute(0, 3, 1, 2).requires_grad_()
    maps = module(torch.from_numpy(pixels[None]))[1].detach().numpy()
    for place in range(len(probe.labels)):
        with grad_cam.GradCAM(model=Logits(), target_layers=[module.features]) as cam:
            layer = cam.activations_and_grads
            cam(input_tensor=batch, targets=[ClassifierOutputTarget(place)])
            theirs = cam.get_cam_image(
                batch, module.features, [ClassifierOutputTarget(place)],
                layer.activations[0].numpy(), layer.gradients[0].numpy(), eigen_smooth=False,
            )[0]  # fmt: skip
        ours = maps[0, place] / maps[0, place].size
        assert np.allclose(ours, theirs, atol=1e-5 * max(1.0, float(np.abs(theirs).max())))


def test_what_speaks_against_a_label_is_not_drawn() -> None:
    drawn = draw_activation(np.array([[-3.0, 2.0], [0.0, -1.0]], np.float32))
    assert drawn.min() == 0.0
    assert drawn.max() == pytest.approx(2.0)


def test_features_are_computed_once_and_kept(tmp_path: Path) -> None:
    sha = hash_weights(resolve_weights(GRAPH.backbone, None))
    calls: list[int] = []

    def compute() -> np.ndarray:
        calls.append(1)
        return np.arange(3, dtype=np.float32)

    kept = PooledFeatures(tmp_path, GRAPH, weights_sha256=sha, preprocessing=Preprocessing())
    kept.get("a" * 64, compute)
    kept.keep()
    again = PooledFeatures(tmp_path, GRAPH, weights_sha256=sha, preprocessing=Preprocessing())
    assert np.array_equal(again.get("a" * 64, compute), np.arange(3))
    assert len(calls) == 1
    other = PooledFeatures(tmp_path, GRAPH, weights_sha256=sha, preprocessing=Preprocessing(grayscale=True))
    other.get("a" * 64, compute)
    assert len(calls) == 2
    next(tmp_path.iterdir()).write_bytes(b"damaged")
    PooledFeatures(tmp_path, GRAPH, weights_sha256=sha, preprocessing=Preprocessing()).get("a" * 64, compute)
    assert len(calls) == 3
