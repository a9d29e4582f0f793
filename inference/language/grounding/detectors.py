"""Grounding networks of transformers, loaded from a checked folder: phrases in, scored boxes out.

Grounding DINO (Liu et al., ECCV 2024) reads all phrases as one text and scores each box against each token: a phrase
scores as its best token. OWLv2 (Minderer et al., NeurIPS 2023) embeds each phrase by itself; its boxes are fractions of
the image padded to a square.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from inference.errors import ModelError
from inference.language.grounding.folder import OWLV2, GroundingNetwork, check_folder, hash_folder
from inference.vision.networks.runtime import Device, choose_device
from inference.vision.networks.torch_runtime import keep_float32, torch_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Grounding DINO reads 256 tokens at most; long lists of phrases are asked in several texts.
_MAX_TOKENS = 240
# OWLv2's texts are 16 tokens long; longer phrases are cut.
_OWL_TOKENS = 16


@dataclass(frozen=True, eq=False)
class Grounded:
    """What was found: scores float32 (boxes, phrases), 0 to 1; corners float32 (boxes, 4), x1 y1 x2 y2 in pixels."""

    scores: NDArray[np.float32]
    corners: NDArray[np.float32]


class Grounder(Protocol):
    """A loaded grounding network."""

    @property
    def stamp(self) -> str:
        """Return the SHA-256 of its files."""
        ...

    def ground(self, image: np.ndarray, phrases: Sequence[str]) -> Grounded:
        """Return every box that the network proposes in the image, RGB uint8 H×W×3. Raises ModelError."""
        ...


def open_grounder(network: GroundingNetwork, folder: Path, *, device: Device = "cpu") -> Grounder:
    """Return the network in the folder, loaded without a network and from safetensors alone (seconds).

    Raises ModelError as `check_folder` does, `grounding_unreadable` where its weights do not fit its configuration,
    and `device_unavailable`, `device_failed`, `out_of_memory`.
    """
    files = check_folder(network, folder)
    try:
        import torch
        from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor
        from transformers.utils import logging

        logging.disable_progress_bar()
        processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model, report = AutoModelForZeroShotObjectDetection.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError) as error:
        raise ModelError("grounding_unreadable", folder=folder.name, detail=type(error).__name__) from error
    except Exception as error:
        # safetensors' own error is no subclass of any of these.
        if type(error).__name__ != "SafetensorError":
            raise
        raise ModelError("grounding_unreadable", folder=folder.name, detail="safetensors") from error
    # transformers fills what a file lacks with random numbers and goes on.
    if lacking := sorted(report["missing_keys"]) or sorted(map(str, report["mismatched_keys"])):
        raise ModelError("grounding_unreadable", folder=folder.name, detail=lacking[0])
    where = choose_device(device)
    if where != "cpu":
        keep_float32()
    kind = OwlGrounder if network == OWLV2 else DinoGrounder
    with torch_errors(where):
        model = model.eval().to(where)
    return kind(model, processor, hash_folder(files))


class DinoGrounder:
    """Grounding DINO: one text of all phrases, each ended by a period."""

    def __init__(self, model: Any, processor: Any, stamp: str) -> None:
        self._model = model
        self._processor = processor
        self.stamp = stamp

    def ground(self, image: np.ndarray, phrases: Sequence[str]) -> Grounded:
        """Return every box that the network proposes. Raises ModelError(`device_failed`, `out_of_memory`)."""
        import torch

        height, width = image.shape[:2]
        scores: list[NDArray[np.float32]] = []
        corners: list[NDArray[np.float32]] = []
        for first, text, spans in self._texts(phrases):
            inputs = self._processor(images=image, text=text, return_tensors="pt")
            offsets = self._processor.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
            outputs = _run(self._model, inputs)
            tokens = torch.sigmoid(outputs.logits[0]).cpu().numpy()
            of_phrases = np.zeros((len(tokens), len(phrases)), np.float32)
            for number, (start, end) in enumerate(spans):
                own = [i for i, (left, right) in enumerate(offsets) if left < right and start <= left and right <= end]
                if own:
                    of_phrases[:, first + number] = tokens[:, own].max(axis=1)
            scores.append(of_phrases)
            corners.append(_corners(outputs.pred_boxes[0].cpu().numpy(), width, height))
        return Grounded(np.concatenate(scores), np.concatenate(corners))

    def _texts(self, phrases: Sequence[str]) -> Iterator[tuple[int, str, list[tuple[int, int]]]]:
        """Yield the number of a text's first phrase, the text, and where in it each phrase stands."""
        first, text, spans = 0, "", list[tuple[int, int]]()
        for number, phrase in enumerate(phrases):
            piece = phrase.lower().replace(".", " ").strip()
            longer = f"{text} {piece}." if text else f"{piece}."
            if spans and len(self._processor.tokenizer(longer)["input_ids"]) > _MAX_TOKENS:
                yield first, text, spans
                first, longer, spans = number, f"{piece}.", []
            spans.append((len(longer) - len(piece) - 1, len(longer) - 1))
            text = longer
        yield first, text, spans


class OwlGrounder:
    """OWLv2: each phrase is a query of its own."""

    def __init__(self, model: Any, processor: Any, stamp: str) -> None:
        self._model = model
        self._processor = processor
        self.stamp = stamp

    def ground(self, image: np.ndarray, phrases: Sequence[str]) -> Grounded:
        """Return every box that the network proposes. Raises ModelError(`device_failed`, `out_of_memory`)."""
        import torch

        texts = [[f"a photo of {phrase}" for phrase in phrases]]
        longest = min(_OWL_TOKENS, self._model.config.text_config.max_position_embeddings)
        inputs = self._processor(
            images=image, text=texts, return_tensors="pt", padding="max_length", max_length=longest, truncation=True
        )
        outputs = _run(self._model, inputs)
        side = max(image.shape[:2])
        scores = torch.sigmoid(outputs.logits[0]).cpu().numpy()
        return Grounded(
            np.asarray(scores[:, : len(phrases)], np.float32),
            _corners(outputs.pred_boxes[0].cpu().numpy(), side, side),
        )


def _run(model: Any, inputs: Any) -> Any:
    import torch

    with torch_errors(str(model.device)), torch.inference_mode():
        return model(**inputs.to(model.device))


def _corners(boxes: np.ndarray, width: int, height: int) -> NDArray[np.float32]:
    """Return corners in pixels of boxes (n, 4) as fractions: center x, center y, width, height."""
    x, y, w, h = boxes.T
    corners = np.stack([(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height], axis=1)
    return np.asarray(corners, np.float32)
