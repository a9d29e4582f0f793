"""Tiny networks as trainings give them: a few numbers instead of weights, so that what they say can be told ahead."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from inference.artifact import Bundle, read_bundle
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.trained_network.bundle import KIND, write_network
from inference.vision.learning.trained_network.description import INPUT_NAME, NetworkDescription, Task

LABELS = ("good", "blue_spot", "red_spot")
# Evidence by channel (red, green, blue) for each label, and its bias: gray is good.
KERNEL = np.array([[0.0, 0.0, 0.0], [-1.0, -1.0, 2.0], [2.0, -1.0, -1.0]], np.float32) * 60.0
BIAS = np.array([2.5, 0.0, 0.0], np.float32)
CELL_PX = 8


def describe(
    *,
    labels: Sequence[str] = LABELS,
    good_labels: Sequence[str] = ("good",),
    width_px: int = 64,
    height_px: int = 64,
    resize: str = "stretch",
    preprocessing: Preprocessing | None = None,
    task: Task = "classification",
    has_activation: bool = True,
    threshold: float = 0.5,
) -> NetworkDescription:
    """Return what a tiny network is."""
    return NetworkDescription(
        task=task,
        recipe="probe",
        labels=tuple(labels),
        good_labels=frozenset(good_labels),
        width_px=width_px,
        height_px=height_px,
        resize=resize,
        preprocessing=preprocessing or Preprocessing(),
        threshold=threshold,
        has_activation=has_activation,
        backbone="tiny",
        licenses={"tiny": "Apache-2.0"},
    )


def classifier_graph(
    description: NetworkDescription,
    *,
    noise: bool = False,
    fixed_batch: bool = False,
    kernel: np.ndarray = KERNEL,
    bias: np.ndarray = BIAS,
) -> bytes:
    """Return the ONNX graph of a classifier by color: the mean evidence of cells of 8 px, and the cells themselves.

    With `noise` its logits are random numbers, which no two runtimes draw alike; with `fixed_batch` it takes one image.
    """
    count = len(description.labels)
    kernel = np.resize(kernel, (count, 3)).astype(np.float32)
    bias = np.resize(bias, count).astype(np.float32)
    nodes = [
        helper.make_node("Cast", [INPUT_NAME], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["pixels", "full"], ["shares"]),
        helper.make_node("Transpose", ["shares"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["cells"], kernel_shape=[CELL_PX] * 2, strides=[CELL_PX] * 2),
        helper.make_node("Conv", ["cells", "kernel"], ["activation"]),
        helper.make_node("GlobalAveragePool", ["activation"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["evidence"], axis=1),
        helper.make_node("Add", ["evidence", "bias"], ["plain"]),
    ]
    logits = "plain"
    if noise:
        nodes += [
            helper.make_node("RandomNormalLike", ["plain"], ["noise"], dtype=TensorProto.FLOAT, scale=3.0),
            helper.make_node("Add", ["plain", "noise"], ["noisy"]),
        ]
        logits = "noisy"
    nodes.append(helper.make_node("Softmax", [logits], ["probabilities"], axis=1))
    n = 1 if fixed_batch else "n"
    height, width = description.height_px, description.width_px
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [n, count])]
    if description.has_activation:
        shape = [n, count, height // CELL_PX, width // CELL_PX]
        outputs.append(helper.make_tensor_value_info("activation", TensorProto.FLOAT, shape))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.UINT8, [n, height, width, 3])],
        outputs,
        [
            numpy_helper.from_array(np.array(255.0, np.float32), "full"),
            numpy_helper.from_array(kernel[:, :, None, None], "kernel"),
            numpy_helper.from_array(bias, "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def write_classifier(folder: Path, description: NetworkDescription | None = None, *, noise: bool = False) -> Bundle:
    """Write a classifier's bundle into a new folder and read it back."""
    found = description or describe()
    manifest = write_network(folder, classifier_graph(found, noise=noise), found, figures={"val": {"macro_f1": 0.9}})
    return read_bundle(folder, kind=KIND, manifest_sha256=manifest.sha256)


def paint(kind: str, *, width: int = 96, height: int = 72, seed: int = 0) -> np.ndarray:
    """Return a grayish plate, RGB uint8, with a spot of a label's color or none."""
    rng = np.random.default_rng(seed)
    pixels = np.repeat(rng.integers(110, 140, (height, width, 1)), 3, axis=2).astype(np.uint8)
    color = {"red_spot": (230, 30, 30), "blue_spot": (30, 30, 230)}.get(kind)
    if color is not None:
        top, left = height // 4, width // 3
        pixels[top : top + height // 2, left : left + width // 3] = color
    return pixels


def place_graph(description: NetworkDescription) -> bytes:
    """Return the ONNX graph of a segmenter or detector by color: each cell of 8 px is judged by itself.

    A segmenter gives nothing, blue and red by cell; a detector a box for each cell, with the scores of blue and red.
    """
    height, width = description.height_px, description.width_px
    rows, columns = height // CELL_PX, width // CELL_PX
    nodes = [
        helper.make_node("Cast", [INPUT_NAME], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["pixels", "full"], ["shares"]),
        helper.make_node("Transpose", ["shares"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["cells"], kernel_shape=[CELL_PX] * 2, strides=[CELL_PX] * 2),
        helper.make_node("Conv", ["cells", "kernel", "bias"], ["evidence"]),
    ]
    constants = {
        "full": np.array(255.0, np.float32),
        "kernel": (KERNEL / 10.0)[:, :, None, None].astype(np.float32),
        "bias": np.array([3.0, 0.0, 0.0], np.float32),
    }
    if description.task == "segmentation":
        nodes.append(helper.make_node("Softmax", ["evidence"], ["probabilities"], axis=1))
        outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3, rows, columns])]
    else:
        count = rows * columns
        top, left = (axis.ravel() for axis in np.mgrid[0:rows, 0:columns])
        boxes = np.stack([left / columns, top / rows, (left + 1) / columns, (top + 1) / rows], axis=1)
        constants |= {
            "grid": boxes[None].astype(np.float32),
            "flat": np.array([0, 3, count], np.int64),
            "none": np.array([0.0], np.float32),
            "zero": np.array([0], np.int64),
            "from": np.array([1], np.int64),
            "to": np.array([3], np.int64),
            "axis": np.array([2], np.int64),
        }
        nodes += [
            helper.make_node("Softmax", ["evidence"], ["shared"], axis=1),
            helper.make_node("Reshape", ["shared", "flat"], ["listed"]),
            helper.make_node("Transpose", ["listed"], ["each"], perm=[0, 2, 1]),
            helper.make_node("Slice", ["each", "from", "to", "axis"], ["scores"]),
            helper.make_node("Slice", ["each", "zero", "from", "axis"], ["first"]),
            helper.make_node("Mul", ["first", "none"], ["nothing"]),
            helper.make_node("Add", ["nothing", "grid"], ["boxes"]),
        ]
        outputs = [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", count, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", count, 2]),
        ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.UINT8, ["n", height, width, 3])],
        outputs,
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))
