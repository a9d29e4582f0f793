"""The encoder network (BERT: Devlin et al. 2019) as an OpenVINO graph, from the weights of a packed model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from openvino import CompiledModel

    from inference.language.encoders.packed_model import PackedModel

_FAR_AWAY = -1e4


def compile_encoder(packed: PackedModel, *, threads: int) -> CompiledModel:
    """Return the network: word vectors with positions (n, tokens, width) and mask (n, tokens) to sentences (n, width).

    A sentence is the mean of its tokens' last states, of length 1. Raises ModelError(`encoder_unreadable`).
    """
    import openvino as ov
    from openvino import opset13 as op

    sizes = packed.sizes
    width, heads, inner = sizes.width, sizes.heads, sizes.inner
    each = width // heads

    def normed(x: Any, name: str) -> Any:
        scaled = op.mvn(x, np.array([-1], np.int64), True, sizes.epsilon, "inside_sqrt")
        return op.add(op.multiply(scaled, packed.tensor(f"{name}.w", (width,))), packed.tensor(f"{name}.b", (width,)))

    def linear(x: Any, name: str, outputs: int, inputs: int) -> Any:
        weights = op.constant(packed.tensor(f"{name}.w", (outputs, inputs)))
        return op.add(op.matmul(x, weights, False, True), packed.tensor(f"{name}.b", (outputs,)))

    def by_head(x: Any) -> Any:
        parted = op.reshape(x, np.array([0, 0, heads, each], np.int64), True)
        return op.transpose(parted, np.array([0, 2, 1, 3], np.int64))

    words = op.parameter([-1, -1, width], np.float32, name="words")
    mask = op.parameter([-1, -1], np.float32, name="mask")
    away = op.multiply(op.subtract(np.float32(1.0), mask), np.float32(_FAR_AWAY))
    bias = op.unsqueeze(away, np.array([1, 2], np.int64))
    state = normed(words, "emb.ln")
    for layer in range(sizes.layers):
        at = f"l{layer}."
        query, key, value = (by_head(linear(state, at + name, width, width)) for name in ("q", "k", "v"))
        # 1 / sqrt(width of a head) is the operation's own scale.
        seen = op.scaled_dot_product_attention(query, key, value, bias)
        joined = op.reshape(
            op.transpose(seen, np.array([0, 2, 1, 3], np.int64)), np.array([0, 0, width], np.int64), True
        )
        state = normed(op.add(state, linear(joined, at + "ao", width, width)), at + "aln")
        hidden = op.gelu(linear(state, at + "fi", inner, width), "erf")
        state = normed(op.add(state, linear(hidden, at + "fo", width, inner)), at + "oln")
    shown = op.unsqueeze(mask, np.array([2], np.int64))
    total = op.reduce_sum(op.multiply(state, shown), np.array([1], np.int64), False)
    mean = op.divide(total, op.reduce_sum(mask, np.array([1], np.int64), True))
    sentence = op.normalize_l2(mean, np.array([1], np.int64), 1e-12, "add")
    model = ov.Model([sentence], [words, mask], "sentence_encoder")
    # Full precision: an index that one machine built is searched on another.
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    return ov.Core().compile_model(model, "CPU", options)
