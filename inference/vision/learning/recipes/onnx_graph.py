"""A trained torch module as one ONNX graph: pixels in, named outputs out, N images at once, always the same bytes."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from inference.vision.learning.trained_network.description import INPUT_NAME

if TYPE_CHECKING:
    import onnx
    import torch

# What every runtime of today reads: ONNX Runtime since 1.14, OpenVINO since 2023, onnxruntime-web.
OPSET = 18
BATCH_NAME = "n"
_PRODUCER = "geomsa"
_LOGGERS = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")


def export_onnx(
    module: torch.nn.Module, *, height_px: int, width_px: int, output_names: Sequence[str], traced: bool = True
) -> bytes:
    """Return the module from uint8 N×`height_px`×`width_px`×3 to a tensor, or several, as ONNX with N free.

    The module itself stays as it is; what it gives in evaluation mode on the CPU is named in order, N×… each; weights
    lie inside.
    The same module gives the same bytes: whatever else an exporter writes down (paths, stack traces, its version) is
    taken out.

    `traced` records what two images go through: .7 s for EfficientNet-Lite0, and batch normalization is folded into
    the convolutions. A module whose way depends on the values of tensors wants `traced=False`: torch.export, 11 s for
    the same. Raises what torch.onnx raises for a module that it cannot export.
    """
    import torch

    frozen = copy.deepcopy(module).eval().to("cpu").requires_grad_(False)
    # Two images: of one alone, the exporter would take the number for fixed.
    example = torch.zeros((2, height_px, width_px, 3), dtype=torch.uint8)
    names = list(output_names)
    with _quiet(), torch.inference_mode(False), torch.no_grad():
        frozen = _settle_padding(frozen, example)
        model = _trace(frozen, example, names) if traced else _explore(frozen, example, names)
    _strip(model)
    return bytes(model.SerializeToString(deterministic=True))


def _settle_padding(module: torch.nn.Module, example: torch.Tensor) -> torch.nn.Module:
    """Return the module with the padding of "same" convolutions and maxima written down, which only the size decides.

    timm computes it anew for every image; recorded, that would be two hundred small nodes that no runtime gets rid of.
    """
    import torch
    from timm.layers.conv2d_same import Conv2dSame
    from timm.layers.padding import get_same_padding
    from timm.layers.pool2d_same import MaxPool2dSame
    from torch.nn import functional
    from torch.nn.modules.utils import _pair as pair

    class Settled(torch.nn.Module):
        def __init__(self, inner: torch.nn.Module, pads: tuple[int, int, int, int]) -> None:
            super().__init__()
            self.inner, self.pads = inner, pads

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            inner: Any = self.inner
            if isinstance(inner, Conv2dSame):
                padded = functional.pad(x, self.pads)
                return functional.conv2d(
                    padded, inner.weight, inner.bias, inner.stride, 0, inner.dilation, inner.groups
                )
            padded = functional.pad(x, self.pads, value=float("-inf"))
            return functional.max_pool2d(padded, inner.kernel_size, inner.stride, 0, inner.dilation, inner.ceil_mode)

    found: dict[torch.nn.Module, tuple[int, int, int, int]] = {}

    def note(inner: Any, given: tuple[torch.Tensor]) -> None:
        kernel, stride, dilation = pair(inner.kernel_size), pair(inner.stride), pair(inner.dilation)
        rows, columns = (get_same_padding(given[0].shape[2 + k], kernel[k], stride[k], dilation[k]) for k in (0, 1))
        found[inner] = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)

    same = [one for one in module.modules() if isinstance(one, Conv2dSame | MaxPool2dSame)]
    hooks = [one.register_forward_pre_hook(note) for one in same]
    if same:
        module(example)
    for hook in hooks:
        hook.remove()
    for holder in list(module.modules()):
        for name, child in list(holder.named_children()):
            if child in found:
                setattr(holder, name, Settled(child, found[child]))
    return module


def _trace(module: torch.nn.Module, example: torch.Tensor, output_names: list[str]) -> onnx.ModelProto:
    import onnx
    import torch

    written: Any = io.BytesIO()  # which torch takes, though it does not say so
    torch.onnx.export(
        module,
        (example,),
        written,
        dynamo=False,
        opset_version=OPSET,
        input_names=[INPUT_NAME],
        output_names=output_names,
        dynamic_axes={name: {0: BATCH_NAME} for name in (INPUT_NAME, *output_names)},
    )
    model = onnx.load_from_string(written.getvalue())
    found = module(example)
    for output, given in zip(model.graph.output, [found] if isinstance(found, torch.Tensor) else found, strict=True):
        # The tracer does not know all of them, and calls what it does not know by any name.
        for place, side in enumerate(output.type.tensor_type.shape.dim):
            if place:
                side.dim_value = given.shape[place]
    return model


def _explore(module: torch.nn.Module, example: torch.Tensor, output_names: list[str]) -> onnx.ModelProto:
    import torch

    program = torch.onnx.export(
        module,
        (example,),
        dynamo=True,
        opset_version=OPSET,
        input_names=[INPUT_NAME],
        output_names=output_names,
        dynamic_shapes=({0: torch.export.Dim(BATCH_NAME, min=1)},),
        external_data=False,
        optimize=True,
        verbose=False,
    )
    assert program is not None
    return program.model_proto


def _strip(model: onnx.ModelProto) -> None:
    """Take out what says where and how the graph was made, not what it computes."""
    model.producer_name, model.producer_version, model.doc_string = _PRODUCER, "", ""
    del model.metadata_props[:]
    graph = model.graph
    graph.name, graph.doc_string = "network", ""
    del graph.metadata_props[:]
    for part in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    # Shapes of what lies between are the runtime's to find; the names of the exporter's symbols differ by run.
    del graph.value_info[:]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's advice to itself: it prints, warns and logs."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
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
