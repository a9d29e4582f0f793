"""An exported network: its files, and that none leaves which says anything else than the network says here."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
from onnx import TensorProto, helper

from inference.errors import ModelError
from inference.vision.images.decode import decode
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.export.documents import ClassWords, describe_classes, describe_input
from inference.vision.learning.export.graph_checks import check_graph
from inference.vision.learning.export.package import ExportedNetwork, export_network
from inference.vision.learning.export.parity import measure_parity
from inference.vision.learning.export.runtimes import OnnxRuntime, OpenVinoNetwork, convert_to_openvino
from inference.vision.learning.trained_network.input import prepare_input
from inference.vision.learning.trained_network.runtime import NetworkRuntime
from tests.trained_networks import LABELS, classifier_graph, describe, paint

WORDS = [
    ClassWords("good", "정상", "Good", True),
    ClassWords("blue_spot", "파란 반점", "Blue spot", False),
    ClassWords("red_spot", "붉은 반점", "Red spot", False),
]
IMAGES = [paint(LABELS[number % 3], seed=number) for number in range(9)]
DESCRIPTION = describe(resize="letterbox")


@pytest.fixture(scope="module")
def made() -> ExportedNetwork:
    return export_network(
        classifier_graph(DESCRIPTION),
        DESCRIPTION,
        format="onnx",
        classes=WORDS,
        vector_images=IMAGES[:6],
        more_images=IMAGES[6:],
    )


def test_the_graph_takes_any_number_of_images(made: ExportedNetwork) -> None:
    session = onnxruntime.InferenceSession(made.files["model.onnx"])
    batch = np.stack([prepare_input(image, DESCRIPTION) for image in IMAGES[:5]])
    (found,) = session.run(["probabilities"], {"images": batch})
    assert found.shape == (5, 3)
    assert made.facts.opset == 18


def test_openvino_files_are_loaded_and_say_the_same() -> None:
    found = export_network(
        classifier_graph(DESCRIPTION), DESCRIPTION, format="openvino", classes=WORDS, vector_images=IMAGES[:3]
    )
    core = openvino.Core()
    model = core.read_model(
        found.files["model.xml"], openvino.Tensor(np.frombuffer(found.files["model.bin"], np.uint8))
    )
    batch = np.stack([prepare_input(image, DESCRIPTION) for image in IMAGES[:3]])
    values = core.compile_model(model, "CPU")([batch])["probabilities"]
    expected = NetworkRuntime(classifier_graph(DESCRIPTION), DESCRIPTION).compute(list(batch))["probabilities"]
    assert np.abs(values - expected).max() <= 1e-3


def test_vectors_lead_from_bytes_to_what_is_written_down(made: ExportedNetwork) -> None:
    index = json.loads(made.files["vectors/vectors.json"])
    assert len(index["vectors"]) == 8
    session = onnxruntime.InferenceSession(made.files["model.onnx"])
    shapes = set()
    for one in index["vectors"]:
        pixels = decode(made.files[f"vectors/{one['image']}"]).pixels
        shapes.add(pixels.shape)
        tensor = np.frombuffer(made.files[f"vectors/{one['input']['file']}"], np.uint8).reshape(one["input"]["shape"])
        assert np.array_equal(prepare_input(pixels, DESCRIPTION), tensor)
        (found,) = session.run(["probabilities"], {"images": tensor[None]})
        written = np.frombuffer(made.files[f"vectors/{one['outputs']['probabilities']['file']}"], "<f4")
        assert np.abs(found[0] - written).max() <= index["tolerance"]
        assert LABELS[int(written.argmax())] == one["likeliest"]
    # Larger than the input, smaller than it, and of an odd size.
    assert len(shapes) == 3


def test_all_vectors_are_different_even_of_one_image() -> None:
    found = export_network(
        classifier_graph(DESCRIPTION), DESCRIPTION, format="onnx", classes=WORDS, vector_images=IMAGES[:4]
    )
    assert len({found.files[f"vectors/{number:02d}.png"] for number in range(1, 9)}) == 8


def test_the_proof_counts_its_images(made: ExportedNetwork) -> None:
    written = json.loads(made.files["parity.json"])
    assert written["images"] == 11
    assert {one["runtime"] for one in written["runtimes"]} == {"onnxruntime", "openvino"}
    assert all(one["max_difference"] <= 1e-3 and one["changed"] == 0 for one in written["runtimes"])


def test_a_slow_network_is_proved_on_its_vectors_at_least() -> None:
    found = export_network(
        classifier_graph(DESCRIPTION),
        DESCRIPTION,
        format="onnx",
        classes=WORDS,
        vector_images=IMAGES[:6],
        more_images=IMAGES,
        limit_s=0.0,
    )
    assert found.parity.images == 8


def test_a_graph_on_which_runtimes_disagree_is_refused() -> None:
    with pytest.raises(ModelError) as refused:
        export_network(
            classifier_graph(DESCRIPTION, noise=True), DESCRIPTION, format="onnx", classes=WORDS, vector_images=IMAGES
        )
    assert refused.value.code == "export_parity_failed"
    assert float(refused.value.params["difference"]) > 1e-3
    assert refused.value.params["count"] == 8


def test_a_runtime_with_other_weights_is_found_out() -> None:
    graph = classifier_graph(DESCRIPTION)
    portable = convert_to_openvino(graph)
    weights = bytearray(portable.weights)
    kept = np.frombuffer(bytes(weights), np.float32).copy()
    kept[np.flatnonzero(np.abs(kept) > 1.0)] *= 1.2
    tampered = replace(portable, weights=kept.tobytes())
    inputs = [prepare_input(image, DESCRIPTION) for image in IMAGES]
    figures = measure_parity(
        NetworkRuntime(graph, DESCRIPTION),
        [OnnxRuntime(graph, DESCRIPTION), OpenVinoNetwork(tampered, DESCRIPTION)],
        inputs,
    )
    assert [one.agrees for one in figures.runtimes] == [True, False]
    with pytest.raises(ModelError) as refused:
        figures.require()
    assert refused.value.params["runtime"] == "openvino"


def test_without_images_nothing_is_exported() -> None:
    with pytest.raises(ModelError) as refused:
        export_network(classifier_graph(DESCRIPTION), DESCRIPTION, format="onnx", classes=WORDS, vector_images=[])
    assert refused.value.code == "export_without_images"


def _foreign() -> bytes:
    model = onnx.load_model_from_string(classifier_graph(DESCRIPTION))
    model.graph.node[-1].domain = "com.vendor"
    model.opset_import.append(helper.make_opsetid("com.vendor", 1))
    return bytes(model.SerializeToString())


def _other_type() -> bytes:
    model = onnx.load_model_from_string(classifier_graph(DESCRIPTION))
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    "graph",
    [
        b"",
        b"no graph at all",
        classifier_graph(DESCRIPTION)[:-40],
        classifier_graph(DESCRIPTION, fixed_batch=True),
        classifier_graph(describe(width_px=32)),
        classifier_graph(describe(has_activation=False)),
        _foreign(),
        _other_type(),
    ],
    ids=["empty", "text", "cut", "one image", "other size", "other outputs", "foreign operator", "other type"],
)
def test_a_graph_that_is_not_as_described_is_refused(graph: bytes) -> None:
    with pytest.raises(ModelError) as refused:
        check_graph(graph, DESCRIPTION)
    assert refused.value.code == "export_graph_invalid"
    assert refused.value.params["detail"]


def test_classes_have_both_names_in_the_order_of_the_outputs() -> None:
    found = describe_classes(describe(labels=("good", "red_spot", "new")), WORDS)["classes"]
    assert [one["label"] for one in found] == ["good", "red_spot", "new"]
    assert found[1] == {
        "index": 1,
        "label": "red_spot",
        "name_ko": "붉은 반점",
        "name_en": "Red spot",
        "is_good": False,
    }
    assert found[2]["name_ko"] == "new"


def test_every_step_of_the_preprocessing_is_written_down_in_order() -> None:
    preprocessing = Preprocessing(
        grayscale=True, normalize=True, clahe=True, smoothing="median", region_of_interest=(0.1, 0.1, 0.8, 0.8)
    )
    found = describe_input(describe(resize="letterbox", preprocessing=preprocessing))
    assert [step["name"] for step in found["steps"]] == [
        "smoothing", "grayscale", "contrast", "resize", "mask", "pad",
    ]  # fmt: skip
    assert [one["name"] for one in found["steps"][2]["operations"]] == ["normalize", "clahe"]
    assert found["input"]["dtype"] == "uint8"
    assert found["postprocessing"]["good_labels"] == ["good"]


@pytest.mark.parametrize("task", ["segmentation", "detection"])
def test_other_tasks_say_what_their_outputs_mean(task: str) -> None:
    description = describe(labels=("spot",), good_labels=(), task=task, has_activation=False)  # type: ignore[arg-type]
    found = describe_input(description)
    assert [one["name"] for one in found["outputs"]] == list(description.outputs)
    assert found["postprocessing"]["threshold"] == 0.5
