"""Graphs of torch modules: the padding of timm's layers settled, the shapes true, the bytes the same."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.pool2d_same import MaxPool2dSame

from inference.vision.learning.recipes.onnx_graph import export_onnx


class Padded(torch.nn.Module):
    """A convolution and a maximum whose padding only the size of the image decides."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution = Conv2dSame(3, 5, 3, stride=2)
        self.norm = torch.nn.BatchNorm2d(5)
        self.maximum = MaxPool2dSame(3, 2)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.maximum(self.norm(self.convolution(batch.permute(0, 3, 1, 2).float() * 0.01)))
        return found.mean(dim=(2, 3)), found


def test_a_graph_computes_what_the_module_does_for_any_number_of_images() -> None:
    module = Padded().train()
    graph = export_onnx(module, height_px=34, width_px=51, output_names=("means", "maps"))
    assert module.training  # it is left as it was
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    module.eval()
    for count in (1, 2, 5):
        batch = rng.integers(0, 256, (count, 34, 51, 3), dtype=np.uint8)
        with torch.no_grad():
            expected = module(torch.from_numpy(batch))
        found = session.run(None, {"images": batch})
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.shape == tuple(theirs.shape)
            assert np.allclose(ours, theirs.numpy(), atol=1e-5)
    assert [one.shape for one in session.get_outputs()] == [["n", 5], ["n", 5, 9, 13]]


def test_a_graph_holds_no_arithmetic_of_padding_and_nothing_of_this_machine() -> None:
    graph = export_onnx(Padded(), height_px=34, width_px=51, output_names=("means", "maps"))
    assert graph == export_onnx(Padded(), height_px=34, width_px=51, output_names=("means", "maps"))
    model = onnx.load_from_string(graph)
    kinds = [node.op_type for node in model.graph.node]
    # The module itself scales by a product: a quotient would be one of padding.
    assert set(kinds).isdisjoint({"Ceil", "Div", "Shape", "BatchNormalization"})
    assert not any(node.doc_string or node.metadata_props for node in model.graph.node)
    assert b"/tmp" not in graph
    assert b"site-packages" not in graph
