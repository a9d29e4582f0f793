"""A trained network as the files that others need, made only where every runtime says what the network says here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from inference.vision.images.decode import decode
from inference.vision.images.encoding import encode_png
from inference.vision.learning.export.documents import ClassWords, describe_classes, describe_input
from inference.vision.learning.export.graph_checks import GraphFacts, check_graph
from inference.vision.learning.export.parity import ParityFigures, measure_parity
from inference.vision.learning.export.runtimes import OnnxRuntime, OpenVinoNetwork, convert_to_openvino
from inference.vision.learning.export.vectors import COUNT, make_vectors, write_vectors
from inference.vision.learning.trained_network.description import NetworkDescription
from inference.vision.learning.trained_network.input import prepare_input
from inference.vision.learning.trained_network.runtime import NetworkRuntime

ExportFormat = Literal["onnx", "openvino"]
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
GRAPH_NAME, IR_NAMES = "model.onnx", ("model.xml", "model.bin")
INPUT_DOCUMENT, CLASSES_DOCUMENT, PARITY_DOCUMENT = "preprocessing.json", "classes.json", "parity.json"
LICENSES_NAME, VECTORS_FOLDER = "LICENSES.txt", "vectors"
# Images beside the vectors are compared for so long at most: a large network needs a second for each.
LIMIT_S = 30.0


@dataclass(frozen=True)
class ExportedNetwork:
    """The files of an export by path, and the figures of its proof."""

    files: Mapping[str, bytes] = field(repr=False)
    facts: GraphFacts
    parity: ParityFigures


def export_network(
    graph: bytes,
    description: NetworkDescription,
    *,
    format: ExportFormat,  # noqa: A002 - what it is called everywhere
    classes: Sequence[ClassWords],
    vector_images: Sequence[NDArray[np.uint8]],
    more_images: Iterable[NDArray[np.uint8]] = (),
    limit_s: float = LIMIT_S,
) -> ExportedNetwork:
    """Return a network as ONNX or in OpenVINO's format, with what belongs to it.

    Eight test vectors are made of `vector_images`, RGB uint8 H×W×3 as the camera gave them. They, and as many of
    `more_images` as `limit_s` seconds allow, go from PNG bytes through ONNX Runtime and OpenVINO, both as others will
    load them, and must give what the network gives here. Raises ModelError(`export_graph_invalid`,
    `export_parity_failed`, `export_without_images`, `device_failed`).
    """
    facts = check_graph(graph, description)
    portable = convert_to_openvino(graph)
    reference = NetworkRuntime(graph, description)
    vectors = make_vectors(vector_images, description, reference)
    parity = measure_parity(
        reference,
        [OnnxRuntime(graph, description), OpenVinoNetwork(portable, description)],
        chain((_read(one.image, description) for one in vectors), _prepare(more_images, description)),
        limit_s=limit_s,
        at_least=COUNT,
    )
    parity.require()
    files: dict[str, bytes] = {}
    if format == "onnx":
        files[GRAPH_NAME] = graph
    else:
        files |= dict(zip(IR_NAMES, (portable.xml, portable.weights), strict=True))
    files[INPUT_DOCUMENT] = _to_bytes(describe_input(description))
    files[CLASSES_DOCUMENT] = _to_bytes(describe_classes(description, classes))
    # Without times: the same network gives the same files.
    proof = parity.to_json(with_times=False) | {"opset": facts.opset, "ir_version": facts.ir_version}
    files[PARITY_DOCUMENT] = _to_bytes(proof)
    files[LICENSES_NAME] = _list_licenses(description)
    for name, data in write_vectors(vectors, description).items():
        files[f"{VECTORS_FOLDER}/{name}"] = data
    return ExportedNetwork(files, facts, parity)


def _prepare(images: Iterable[NDArray[np.uint8]], description: NetworkDescription) -> Iterator[NDArray[np.uint8]]:
    for image in images:
        yield _read(encode_png(image), description)


def _read(data: bytes, description: NetworkDescription) -> NDArray[np.uint8]:
    return prepare_input(decode(data).pixels, description)


def _list_licenses(description: NetworkDescription) -> bytes:
    if not description.licenses:
        return b"Nothing is noted about what this network was made from.\n"
    found = [f"{name}\n{'-' * len(name)}\n{text.strip()}\n" for name, text in sorted(description.licenses.items())]
    return "\n".join(found).encode()


def _to_bytes(document: Any) -> bytes:
    return (json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()
