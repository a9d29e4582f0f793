"""A second look at the best passages of a search, with the encoder that is too slow for all of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import numpy as np

LOOKED_AT = 6
_KEPT = 4096


class FineEncoderLike(Protocol):
    """Encodes questions and passages as what they are."""

    @property
    def ready(self) -> bool:
        """Return whether encoding runs without loading anything first."""
        ...

    def prepare(self) -> None:
        """Begin to load in the background; returns at once."""
        ...

    def encode_question(self, text: str) -> np.ndarray:
        """Return the vector of a question, of length 1. Raises ModelError."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of passages, of length 1. Raises ModelError."""
        ...


class SecondLook:
    """Compares a question with passages; their vectors are computed when they are first asked for, and kept.

    For several threads. Without an encoder, or while it is being loaded, there is nothing to compare.
    """

    def __init__(self, texts: Sequence[str], encoder: FineEncoderLike | None) -> None:
        """Take the texts of all passages, in their order."""
        self._texts = texts
        self._encoder = encoder
        self._lock = threading.Lock()
        self._vectors: OrderedDict[int, np.ndarray] = OrderedDict()

    def prepare(self) -> None:
        """Begin to load the encoder in the background; returns at once."""
        if self._encoder is not None:
            self._encoder.prepare()

    def compare(self, question: str, places: Sequence[int]) -> np.ndarray | None:
        """Return the likeness of these passages to the question, float32 (n,), None where nothing can be compared.

        Raises ModelError.
        """
        encoder = self._encoder
        if encoder is None or not question.strip() or not places:
            return None
        if not encoder.ready:
            encoder.prepare()
            return None
        asked = encoder.encode_question(question)
        with self._lock:
            known = {place: self._vectors[place] for place in places if place in self._vectors}
        missing = [place for place in places if place not in known]
        if missing:
            known |= dict(zip(missing, encoder.encode_passages([self._texts[place] for place in missing]), strict=True))
        with self._lock:
            for place in places:
                self._vectors[place] = known[place]
                self._vectors.move_to_end(place)
            while len(self._vectors) > _KEPT:
                self._vectors.popitem(last=False)
        return np.asarray([float(known[place] @ asked) for place in places], np.float32)
