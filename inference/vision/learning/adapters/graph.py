"""An adapter's graph between the input and the outputs that all trained networks have.

Only ONNX's own operators are let in, and no data outside of the file: a graph is data here, and nothing that loads
what else it names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inference.errors import ModelError
from inference.vision.learning.adapters.exchange import AdapterResult
from inference.vision.learning.trained_network.description import INPUT_NAME, Task

if TYPE_CHECKING:
    import onnx

_LEAST_OPSET = 13
_PREFIX = "geomsa_"
_FLOAT, _UINT8 = 1, 2


def adapt_graph(content: bytes, result: AdapterResult, task: Task, *, name: str) -> bytes:
    """Return the graph with input `images` (uint8 N×H×W×3) and outputs `probabilities`, or `boxes` and `scores`.

    It is run once with one image and once with two, and its outputs are looked at. Raises
    ModelError(`adapter_graph_invalid`: name, detail).
    """
    import onnx

    try:
        model = onnx.load_from_string(content)
        _check(model, result)
        _add_input(model, result)
        outputs = _add_outputs(model, result, task)
        _set_outputs(model, outputs)
        onnx.checker.check_model(model)
        adapted: bytes = model.SerializeToString(deterministic=True)
        _try(adapted, result, task, list(outputs))
        return adapted
    except ModelError:
        raise
    except Exception as error:  # parsers of files from elsewhere raise what they like
        raise ModelError("adapter_graph_invalid", name=name, detail=f"{type(error).__name__}: {error}"[:300]) from error


def _check(model: onnx.ModelProto, result: AdapterResult) -> None:
    for one in model.opset_import:
        if one.domain not in ("", "ai.onnx"):
            raise ValueError(f"operators of {one.domain!r}")
        if one.version < _LEAST_OPSET:
            raise ValueError(f"opset {one.version}; at least {_LEAST_OPSET}")
    if model.functions:
        raise ValueError("functions of its own")
    _check_graph(model.graph)
    if result.input.name not in {one.name for one in model.graph.input}:
        raise ValueError(f"no input {result.input.name!r}")
    missing = set(result.names) - {one.name for one in model.graph.output}
    if missing:
        raise ValueError(f"no output {', '.join(sorted(missing))}")


def _check_graph(graph: onnx.GraphProto) -> None:
    import onnx

    tensors = list(graph.initializer)
    for node in graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise ValueError(f"operators of {node.domain!r}")
        if node.name.startswith(_PREFIX) or any(out.startswith(_PREFIX) for out in node.output):
            raise ValueError(f"a name that begins with {_PREFIX}")
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors]
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                _check_graph(inner)
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in tensors):
        raise ValueError("data outside of the file")


def _add_input(model: onnx.ModelProto, result: AdapterResult) -> None:
    """Put pixels before the graph's own input: cast, reordered, normalized."""
    from onnx import TensorProto, helper

    given = result.input
    others = [one for one in model.graph.input if one.name != given.name]
    if any(one.name not in {known.name for known in model.graph.initializer} for one in others):
        raise ValueError("more than one input")
    nodes = []
    last = INPUT_NAME
    if given.name == INPUT_NAME:
        # The name is needed for the pixels: the graph's own input gets another one.
        _rename(model, INPUT_NAME, f"{_PREFIX}own_input")
        own = f"{_PREFIX}own_input"
    else:
        own = given.name
    if given.is_float:
        nodes.append(helper.make_node("Cast", [last], [f"{_PREFIX}float"], to=TensorProto.FLOAT))
        scaled = np.array(given.scale, np.float32) * np.array(given.std, np.float32)
        shift = np.array(given.mean, np.float32) / np.array(given.std, np.float32)
        _constant(model, "spread", scaled.astype(np.float32))
        _constant(model, "shift", shift.astype(np.float32))
        nodes.append(helper.make_node("Div", [f"{_PREFIX}float", f"{_PREFIX}spread"], [f"{_PREFIX}scaled"]))
        nodes.append(helper.make_node("Sub", [f"{_PREFIX}scaled", f"{_PREFIX}shift"], [f"{_PREFIX}normal"]))
        last = f"{_PREFIX}normal"
    if given.layout == "nchw":
        nodes.append(helper.make_node("Transpose", [last], [own], perm=[0, 3, 1, 2]))
    else:
        nodes.append(helper.make_node("Identity", [last], [own]))
    body = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *body])
    kept = [one for one in model.graph.input if one.name != own]
    del model.graph.input[:]
    shape: list[Any] = ["N", result.height_px, result.width_px, 3]
    model.graph.input.extend([helper.make_tensor_value_info(INPUT_NAME, TensorProto.UINT8, shape), *kept])


def _rename(model: onnx.ModelProto, name: str, fresh: str) -> None:
    for node in model.graph.node:
        for place, one in enumerate(node.input):
            if one == name:
                node.input[place] = fresh
    for one in model.graph.input:
        if one.name == name:
            one.name = fresh


def _constant(model: onnx.ModelProto, name: str, values: np.ndarray) -> str:
    from onnx import numpy_helper

    model.graph.initializer.append(numpy_helper.from_array(values, f"{_PREFIX}{name}"))
    return f"{_PREFIX}{name}"


def _add_outputs(model: onnx.ModelProto, result: AdapterResult, task: Task) -> dict[str, list[Any]]:
    """Add what makes our outputs of the graph's own; return their names with their shapes."""
    from onnx import helper

    n_labels = len(result.labels)
    names = [f"{_PREFIX}own_{place}" for place in range(len(result.names))]
    for own, fresh in zip(result.names, names, strict=True):
        _rename_output(model, own, fresh)
    add = model.graph.node.append
    if result.kind == "probabilities":
        add(helper.make_node("Identity", names, ["probabilities"]))
    elif result.kind == "logits":
        add(helper.make_node("Softmax", names, ["probabilities"], axis=1))
    elif result.kind == "boxes":
        add(helper.make_node("Identity", [names[0]], ["boxes"]))
        add(helper.make_node("Identity", [names[1]], ["scores"]))
    else:
        _add_boxes(model, result, names)
    if task == "detection":
        return {"boxes": ["N", "Q", 4], "scores": ["N", "Q", n_labels]}
    return {"probabilities": ["N", n_labels + 1, "h", "w"] if task == "segmentation" else ["N", n_labels]}


def _add_boxes(model: onnx.ModelProto, result: AdapterResult, names: list[str]) -> None:
    """Add boxes from centers and sizes: YOLO's (N, 4 + K, A) in pixels, or DETR's (N, Q, 4) in shares with logits."""
    from onnx import helper

    add = model.graph.node.append
    n_labels = len(result.labels)
    starts = {"zero": 0, "two": 2, "four": 4, "labels": n_labels, "end": 4 + n_labels}
    at = {name: _constant(model, f"at_{name}", np.array([value], np.int64)) for name, value in starts.items()}
    axis = _constant(model, "last_axis", np.array([2], np.int64))
    half = _constant(model, "half", np.array(0.5, np.float32))

    def cut(source: str, first: str, last: str, made: str) -> str:
        add(helper.make_node("Slice", [source, at[first], at[last], axis], [f"{_PREFIX}{made}"]))
        return f"{_PREFIX}{made}"

    if result.kind == "yolo":
        add(helper.make_node("Transpose", [names[0]], [f"{_PREFIX}rows"], perm=[0, 2, 1]))
        cut(f"{_PREFIX}rows", "four", "end", "own_scores")
        add(helper.make_node("Identity", [f"{_PREFIX}own_scores"], ["scores"]))
        size = _constant(model, "size", np.array([result.width_px, result.height_px], np.float32))
        centers, sizes = cut(f"{_PREFIX}rows", "zero", "two", "c"), cut(f"{_PREFIX}rows", "two", "four", "s")
        add(helper.make_node("Div", [centers, size], [f"{_PREFIX}centers"]))
        add(helper.make_node("Div", [sizes, size], [f"{_PREFIX}sizes"]))
    else:
        cut(names[1], "zero", "labels", "own_logits")
        add(helper.make_node("Sigmoid", [f"{_PREFIX}own_logits"], ["scores"]))
        cut(names[0], "zero", "two", "centers")
        cut(names[0], "two", "four", "sizes")
    add(helper.make_node("Mul", [f"{_PREFIX}sizes", half], [f"{_PREFIX}halves"]))
    add(helper.make_node("Sub", [f"{_PREFIX}centers", f"{_PREFIX}halves"], [f"{_PREFIX}first"]))
    add(helper.make_node("Add", [f"{_PREFIX}centers", f"{_PREFIX}halves"], [f"{_PREFIX}last"]))
    add(helper.make_node("Concat", [f"{_PREFIX}first", f"{_PREFIX}last"], ["boxes"], axis=2))


def _rename_output(model: onnx.ModelProto, name: str, fresh: str) -> None:
    """Give what the graph calls `name` another name, so that ours is free."""
    for node in model.graph.node:
        for names in (node.input, node.output):
            for place, one in enumerate(names):
                if one == name:
                    names[place] = fresh


def _set_outputs(model: onnx.ModelProto, outputs: dict[str, list[Any]]) -> None:
    from onnx import TensorProto, helper

    del model.graph.output[:]
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()
    )
    # Shapes that were noted for names of before may not hold any more.
    del model.graph.value_info[:]


def _try(content: bytes, result: AdapterResult, task: Task, names: list[str]) -> None:
    """Run the graph on noise: shapes, numbers, and that a batch of two gives what one image alone gives."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).integers(0, 256, (2, result.height_px, result.width_px, 3), np.uint8)
    both = session.run(names, {INPUT_NAME: pixels})
    first = session.run(names, {INPUT_NAME: pixels[:1]})
    n_labels = len(result.labels)
    for name, values, alone in zip(names, both, first, strict=True):
        if values.dtype != np.float32 or len(values) != 2 or not np.isfinite(values).all():
            raise ValueError(f"{name}: {values.dtype} {values.shape}, finite numbers of two images expected")
        if values.shape[1:] != alone.shape[1:] or np.abs(values[0] - alone[0]).max(initial=0.0) > 1e-3:
            raise ValueError(f"{name}: another one for the same image in a batch")
    n_boxes = both[0].shape[1]
    wanted = {"boxes": (n_boxes, 4), "scores": (n_boxes, n_labels)}
    for name, values in zip(names, both, strict=True):
        if task == "segmentation":
            right = values.ndim == 4 and values.shape[1] == n_labels + 1
        else:
            right = values.shape[1:] == wanted.get(name, (n_labels,))
        if not right or (name != "boxes" and (values.min(initial=0.0) < -1e-4 or values.max(initial=0.0) > 1.0001)):
            raise ValueError(f"{name}: {values.shape}, {values.min(initial=0.0):g} to {values.max(initial=0.0):g}")
