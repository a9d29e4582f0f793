"""A trained torch module as one ONNX graph: pixels in, named outputs out, any number of images, the same bytes always."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from inference.vision.learning.trained_network.description import INPUT_NAME

if TYPE_CHECKING:
    import onnx
    import torch

# What every runtime of today reads: ONNX Runtime since 1.14, OpenVINO since 2023, onnxruntime-web.
OPSET = 18
BATCH_NAME = "n"
_PRODUCER = "geomsa"


def export_onnx(module: torch.nn.Module, *, height_px: int, width_px: int, output_names: Sequence[str]) -> bytes:
    """Return the module from uint8 N×`height_px`×`width_px`×3 to a tensor, or several, as ONNX with N free.

    The module is put into evaluation mode, on the CPU; its outputs are named in order, N×… each. Weights lie inside.
    The same module gives the same bytes: whatever else an exporter writes down (paths, stack traces, its version) is
    taken out. Takes some seconds (torch.export). Raises what torch.onnx raises for a module that it cannot export.
    """
    import torch

    frozen = module.eval().to("cpu")
    # Two images: of one alone, the exporter would take the number for fixed.
    example = torch.zeros((2, height_px, width_px, 3), dtype=torch.uint8)
    with _quiet(), torch.inference_mode(False), torch.no_grad():
        program = torch.onnx.export(
            frozen,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT_NAME],
            output_names=list(output_names),
            dynamic_shapes=({0: torch.export.Dim(BATCH_NAME, min=1)},),
            external_data=False,
            optimize=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _strip(model)
    return bytes(model.SerializeToString(deterministic=True))


def _strip(model: onnx.ModelProto) -> None:
    """Take out what says where and how the graph was made, not what it computes."""
    model.producer_name, model.producer_version, model.doc_string = _PRODUCER, "", ""
    del model.metadata_props[:]
    graph = model.graph
    graph.name, graph.doc_string = "network", ""
    del graph.metadata_props[:]
    for part in (*graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    # Shapes of what lies between are the runtime's to find; the names of the exporter's symbols differ by run.
    del graph.value_info[:]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's advice to itself: it prints, warns and logs."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
