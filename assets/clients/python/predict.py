"""Ask an exported network about image files: a client to use, or to build others by.

    python predict.py EXPORT IMAGE… [--json]      what the network says of each image
    python predict.py EXPORT --check              the test vectors: bytes, input, outputs

EXPORT is the folder with preprocessing.json. Needs numpy, Pillow, and onnxruntime (openvino for model.xml). How an
image becomes the input stands in pixels.py.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from pixels import ClientError, Place, decode, prepare

FORMAT, VERSION = "geomsa-network-input", 1


class Network:
    """An exported network: model.onnx through ONNX Runtime, else model.xml through OpenVINO."""

    def __init__(self, folder: Path) -> None:
        self.document = _read_json(folder / "preprocessing.json")
        if self.document.get("format") != FORMAT or self.document.get("format_version") != VERSION:
            raise ClientError(f"{folder}: preprocessing.json is not of a format that this client knows.")
        self.classes: list[dict[str, Any]] = _read_json(folder / "classes.json")["classes"]
        self.labels = [str(one["label"]) for one in self.classes]
        self._names = [str(one["name"]) for one in self.document["outputs"]]
        self._input = str(self.document["input"]["name"])
        self._run = self._open(folder)

    def _open(self, folder: Path) -> Any:
        if (folder / "model.onnx").is_file():
            import onnxruntime

            session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
            return lambda batch: session.run(self._names, {self._input: batch})
        if (folder / "model.xml").is_file():
            import openvino

            settings = {"INFERENCE_PRECISION_HINT": "f32"}
            compiled = openvino.Core().compile_model(str(folder / "model.xml"), "CPU", settings)

            def run(batch: np.ndarray) -> list[np.ndarray]:
                found = compiled([batch])
                return [found[name] for name in self._names]

            return run
        raise ClientError(f"{folder} holds neither model.onnx nor model.xml.")

    def compute(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs by name for uint8 N×H×W×3."""
        values = self._run(np.ascontiguousarray(batch))
        return {name: np.asarray(found, np.float32) for name, found in zip(self._names, values, strict=True)}

    def predict(self, data: bytes) -> dict[str, Any]:
        """Return what the network says of an image file's bytes."""
        begun = time.perf_counter()
        pixels = decode(data)
        tensor, place = prepare(pixels, self.document)
        outputs = {name: values[0] for name, values in self.compute(tensor[None]).items()}
        said = describe(outputs, self, place, (pixels.shape[1], pixels.shape[0]))
        return said | {"ms": round((time.perf_counter() - begun) * 1000.0, 1)}


def describe(
    outputs: Mapping[str, np.ndarray], network: Network, place: Place, size_px: tuple[int, int]
) -> dict[str, Any]:
    """Return what the outputs of one image of this (width, height) mean."""
    meaning = network.document["postprocessing"]
    task = network.document["task"]
    if task == "classification":
        shares = {label: float(share) for label, share in zip(network.labels, outputs["probabilities"], strict=True)}
        score = sum((share for label, share in shares.items() if label not in meaning["good_labels"]), 0.0)
        named = max(shares, key=lambda label: shares[label])
        return {
            "named": named,
            "score": round(score, 4),
            "is_defect": score >= meaning["threshold"],
            "probabilities": {label: round(share, 4) for label, share in shares.items()},
        }
    if task == "segmentation":
        return _describe_places(outputs["probabilities"], network, place)
    if task == "detection":
        boxes = find_boxes(outputs["boxes"], outputs["scores"], network, place, size_px)
        return {"named": boxes[0]["label"] if boxes else "", "is_defect": bool(boxes), "boxes": boxes}
    raise ClientError(f"This client does not know the task “{task}”.")


def _describe_places(probabilities: np.ndarray, network: Network, place: Place) -> dict[str, Any]:
    """Return by label the share of the image's places that it covers."""
    rows, columns = probabilities.shape[1:]
    wanted = network.document["input"]
    down, across = rows / wanted["height_px"], columns / wanted["width_px"]
    top, left = round(place.y * down), round(place.x * across)
    bottom = max(top + 1, round((place.y + place.height) * down))
    right = max(left + 1, round((place.x + place.width) * across))
    inside = probabilities[:, top:bottom, left:right]
    defective = 1.0 - inside[0]
    owner = inside[1:].argmax(axis=0)
    is_defective = defective >= network.document["postprocessing"]["threshold"]
    areas = {label: float((is_defective & (owner == number)).mean()) for number, label in enumerate(network.labels)}
    named = max(areas, key=lambda label: areas[label]) if is_defective.any() else ""
    return {
        "named": named,
        "score": round(float(defective.max()), 4),
        "is_defect": bool(is_defective.any()),
        "area_shares": {label: round(area, 5) for label, area in areas.items()},
    }


def find_boxes(
    boxes: np.ndarray, scores: np.ndarray, network: Network, place: Place, size_px: tuple[int, int]
) -> list[dict[str, Any]]:
    """Return the boxes that count in pixels of the image, the surest first; of overlapping ones only the surest."""
    meaning, wanted = network.document["postprocessing"], network.document["input"]
    width, height = size_px
    corners = boxes.astype(np.float64)
    corners[:, 0::2] = ((corners[:, 0::2] * wanted["width_px"] - place.x) / place.width * width).clip(0, width)
    corners[:, 1::2] = ((corners[:, 1::2] * wanted["height_px"] - place.y) / place.height * height).clip(0, height)
    found = []
    for number, label in enumerate(network.labels):
        own = np.flatnonzero(scores[:, number] >= meaning["threshold"])
        left = own[np.argsort(-scores[own, number], kind="stable")]
        while len(left):
            best, rest = corners[left[0]], corners[left[1:]]
            shared = (np.minimum(best[2:], rest[:, 2:]) - np.maximum(best[:2], rest[:, :2])).clip(0).prod(axis=1)
            union = (best[2:] - best[:2]).prod() + (rest[:, 2:] - rest[:, :2]).prod(axis=1) - shared
            x, y, right, bottom = (round(float(value), 1) for value in best)
            score = round(float(scores[left[0], number]), 4)
            if right - x >= 1 and bottom - y >= 1:
                found.append({"x": x, "y": y, "width": right - x, "height": bottom - y, "score": score, "label": label})
            left = left[1:][shared <= meaning["overlap"] * union]
    return sorted(found, key=lambda box: -float(box["score"]))


def check(folder: Path) -> list[str]:
    """Return a line for each test vector; raise ClientError at the first that does not come out as it is written."""
    network = Network(folder)
    vectors = folder / "vectors"
    index = _read_json(vectors / "vectors.json")
    lines = []
    for one in index["vectors"]:
        data = (vectors / one["image"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != one["image_sha256"]:
            raise ClientError(f"{one['image']} is not the file that was written.")
        tensor, _place = prepare(decode(data), network.document)
        expected = _read_array(vectors, one["input"])
        levels = int(np.abs(tensor.astype(np.int16) - expected).max()) if tensor.shape == expected.shape else 255
        outputs = network.compute(tensor[None])
        differences = {}
        for name, stored in one["outputs"].items():
            written, found = _read_array(vectors, stored), outputs[name][0]
            scale = max(1.0, float(np.abs(written).max(initial=0.0)))
            far = float(np.abs(written - found).max(initial=0.0)) / scale if written.shape == found.shape else math.inf
            differences[name] = far
        largest = max(differences.values())
        if largest > index["tolerance"] or math.isnan(largest):
            raise ClientError(
                f"{one['image']}: {max(differences, key=lambda name: differences[name])} differs by "
                f"{largest:.2g} where {index['tolerance']} is allowed (input: {levels} levels)."
            )
        if network.document["task"] == "classification":
            named = network.labels[int(outputs["probabilities"][0].argmax())]
            if named != one["likeliest"]:
                raise ClientError(f"{one['image']} is called {named}, not {one['likeliest']}.")
        lines.append(f"{one['image']}  input: {levels} levels  outputs: {largest:.1e}  {one['likeliest']}")
    return lines


def _read_array(folder: Path, stored: Mapping[str, Any]) -> np.ndarray:
    kinds = {"uint8": "u1", "float32": "<f4"}
    return np.frombuffer((folder / stored["file"]).read_bytes(), kinds[stored["dtype"]]).reshape(stored["shape"])


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ClientError(f"{path} cannot be read: {error}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 0 done, 1 failed or some images could not be read."""
    parser = argparse.ArgumentParser(description="Ask an exported network about image files.")
    parser.add_argument("export", type=Path, metavar="EXPORT", help="the folder with preprocessing.json")
    parser.add_argument("images", nargs="*", type=Path, metavar="IMAGE")
    parser.add_argument("--check", action="store_true", help="go through the test vectors")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    wanted = parser.parse_args(arguments)
    try:
        if wanted.check:
            for line in check(wanted.export):
                _say(line)
            _say("all test vectors passed")
            return 0
        network, failed = Network(wanted.export), 0
        for path in wanted.images:
            try:
                said = network.predict(path.read_bytes())
            except OSError as error:
                failed += 1
                _say(f"{path}: {error}", sys.stderr)
                continue
            _say(json.dumps({"file": str(path), **said}, ensure_ascii=False) if wanted.json else _line(path, said))
        return 1 if failed else 0
    except ClientError as error:
        _say(str(error), sys.stderr)
        return 1


def _say(text: str, stream: TextIO | None = None) -> None:
    (stream or sys.stdout).write(text + "\n")


def _line(path: Path, said: Mapping[str, Any]) -> str:
    score = f"  score {said['score']:.3f}" if "score" in said else f"  {len(said['boxes'])} boxes"
    return f"{path}  {said['named'] or 'nothing found'}{score}  {said['ms']} ms"


if __name__ == "__main__":
    sys.exit(main())
