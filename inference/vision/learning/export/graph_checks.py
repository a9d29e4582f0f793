"""Whether a graph is one that any runtime can load: plain ONNX, whole, any number of images at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.errors import ModelError
from inference.vision.learning.trained_network.description import INPUT_NAME, NetworkDescription

if TYPE_CHECKING:
    import onnx

# Operators of the standard alone: those of a vendor are known to that vendor's runtime.
_DOMAINS = frozenset({"", "ai.onnx"})
LEAST_OPSET, HIGHEST_OPSET = 13, 21


@dataclass(frozen=True)
class GraphFacts:
    """What a graph is: its opset, IR version, number of operators, and size in bytes."""

    opset: int
    ir_version: int
    operators: int
    byte_size: int


def check_graph(graph: bytes, description: NetworkDescription) -> GraphFacts:
    """Return the facts of an ONNX graph that keeps to its description.

    The checker of ONNX has nothing against it, its operators are those of the standard, weights lie inside, its input
    is uint8 N×height×width×3 with N free, and its outputs are those of the description, float32 with N free. Raises
    ModelError(`export_graph_invalid`).
    """
    import onnx
    from onnx import TensorProto

    try:
        model = onnx.load_model_from_string(graph)
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        raise ModelError("export_graph_invalid", detail=_first_line(error)) from error
    foreign = sorted({node.domain for node in _nodes(model.graph)} - _DOMAINS)
    if foreign:
        raise ModelError("export_graph_invalid", detail=f"operators of {', '.join(foreign)}")
    if any(one.data_location == TensorProto.EXTERNAL for one in model.graph.initializer):
        raise ModelError("export_graph_invalid", detail="weights outside of the file")
    opset = max((one.version for one in model.opset_import if one.domain in _DOMAINS), default=0)
    if not LEAST_OPSET <= opset <= HIGHEST_OPSET:
        raise ModelError("export_graph_invalid", detail=f"opset {opset}, not {LEAST_OPSET} to {HIGHEST_OPSET}")
    inputs = _inputs(model)
    if [one.name for one in inputs] != [INPUT_NAME]:
        raise ModelError("export_graph_invalid", detail=f"inputs {[one.name for one in inputs]}")
    expected = (None, description.height_px, description.width_px, 3)
    _check_tensor(inputs[0], TensorProto.UINT8, expected)
    outputs = {one.name: one for one in model.graph.output}
    if tuple(outputs) != description.outputs:
        raise ModelError("export_graph_invalid", detail=f"outputs {', '.join(outputs)}")
    for one in outputs.values():
        _check_tensor(one, TensorProto.FLOAT, (None,))
    return GraphFacts(opset, int(model.ir_version), sum(1 for _ in _nodes(model.graph)), len(graph))


def _inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return what has to be given: graphs of before IR version 4 name their weights among the inputs."""
    kept = {one.name for one in model.graph.initializer}
    return [one for one in model.graph.input if one.name not in kept]


def _check_tensor(value: onnx.ValueInfoProto, kind: int, shape: tuple[int | None, ...]) -> None:
    """Raise ModelError unless a tensor has the element type, and begins with these sizes; None is a free one."""
    found = value.type.tensor_type
    if found.elem_type != kind:
        raise ModelError("export_graph_invalid", detail=f"{value.name}: another type of numbers")
    sizes = [one.dim_value if one.HasField("dim_value") else None for one in found.shape.dim]
    if len(sizes) < len(shape) or tuple(sizes[: len(shape)]) != shape:
        said = "×".join("n" if size is None else str(size) for size in sizes)
        raise ModelError("export_graph_invalid", detail=f"{value.name}: {said}")


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield all operators, those inside of loops and branches included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)
            for one in attribute.graphs:
                yield from _nodes(one)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
