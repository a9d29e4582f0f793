"""Sentence encoders: one unit vector per text, near for texts of like meaning, across languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class SentenceEncoder(Protocol):
    """Turns texts into vectors whose inner product is their likeness."""

    @property
    def name(self) -> str:
        """Which encoder this is: vectors of two names do not compare."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Texts to float32 (n, dimension), each row of length 1; an empty text's row is zero. Raises ModelError."""
        ...
