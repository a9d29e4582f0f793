"""The finer encoder: its packed file, its pieces, its network, and the second look at the best passages."""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from inference.errors import ModelError
from inference.language.encoders.fine_encoder import FineEncoder, open_fine_encoder
from inference.language.encoders.packed_model import PackedModel
from inference.language.encoders.piece_tokenizer import cut_pieces
from inference.language.encoders.second_look import SecondLook

WIDTH, INNER, LAYERS, HEADS, LONGEST = 32, 64, 1, 4, 16
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁기공", "▁기", "공", "이", "▁burr", "s", "▁query:", "▁passage:"]


def packed_file(path: Path, *, magic: bytes = b"E5S1", cut_bytes: int = 0) -> Path:
    """Write a network of one layer with a vocabulary of a dozen pieces, as the package lays it out."""
    random = np.random.default_rng(3)
    blob = "".join(PIECES).encode()
    starts = np.cumsum([0, *(len(piece.encode()) for piece in PIECES)]).astype("<u4")
    scores = np.array([0, 0, 0, 0, -9, -5, -7, -6, -4, -5, -3, -2, -2], "<f4")
    head = struct.pack("<4sI7ifi", magic, 1, WIDTH, LAYERS, HEADS, INNER, len(PIECES), LONGEST, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob)) + starts.tobytes() + scores.tobytes() + blob
    replaced = struct.pack("<IBI", ord("ａ"), 1, ord("a")) + struct.pack("<IB", 0x200B, 0)
    head += struct.pack("<iI", 2, len(replaced)) + replaced
    shapes: dict[str, tuple[int, ...]] = {"emb.word": (len(PIECES), WIDTH), "emb.pos": (LONGEST, WIDTH)}
    shapes |= {"emb.type": (2, WIDTH), "emb.ln.w": (WIDTH,), "emb.ln.b": (WIDTH,)}
    for name, rows, columns in (("q", WIDTH, WIDTH), ("k", WIDTH, WIDTH), ("v", WIDTH, WIDTH), ("ao", WIDTH, WIDTH)):
        shapes |= {f"l0.{name}.w": (rows, columns), f"l0.{name}.b": (rows,)}
    shapes |= {"l0.fi.w": (INNER, WIDTH), "l0.fi.b": (INNER,), "l0.fo.w": (WIDTH, INNER), "l0.fo.b": (WIDTH,)}
    shapes |= {f"l0.{name}.{part}": (WIDTH,) for name in ("aln", "oln") for part in ("w", "b")}
    entry_bytes = sum(2 + len(name) + 21 for name in shapes)
    place = len(head) + 4 + entry_bytes
    directory, body = struct.pack("<i", len(shapes)), b""
    for name, shape in shapes.items():
        is_four_bits = name == "emb.word" or (name.startswith("l0") and len(shape) == 2)
        size = int(np.prod(shape))
        if is_four_bits:
            blocks = [
                np.float16(0.1).tobytes() + random.integers(0, 256, 16, np.uint8).tobytes() for _ in range(size // 32)
            ]
            data = b"".join(blocks)
        else:
            data = random.normal(0, 0.1, size).astype("<f4").tobytes()
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", int(is_four_bits), size, place + len(body), len(data))
        body += data
    whole = head + directory + body
    path.write_bytes(whole[: len(whole) - cut_bytes])
    return path


def test_four_bits_are_read_as_their_block_says(tmp_path: Path) -> None:
    packed = PackedModel(packed_file(tmp_path / "model.bin"))
    words = packed.words([5, 6])
    assert words.shape == (2, WIDTH)
    assert set(np.unique(np.round(words / np.float32(np.float16(0.1))))) <= set(range(-8, 8))
    assert packed.tensor("l0.fi.w", (INNER, WIDTH)).shape == (INNER, WIDTH)
    assert packed.pieces.scores["▁기공"][0] == PIECES.index("▁기공")
    assert packed.pieces.replaced == {ord("ａ"): "a", 0x200B: ""}


@pytest.mark.parametrize("fault", ["other", "short", "none", "empty"])
def test_a_file_that_is_not_such_a_model_is_refused(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "model.bin"
    if fault == "other":
        packed_file(path, magic=b"GGUF")
    elif fault == "short":
        path.write_bytes(packed_file(path).read_bytes()[:300])
    elif fault == "empty":
        path.write_bytes(b"")
    with pytest.raises(ModelError) as caught:
        PackedModel(path)
    assert caught.value.code == "encoder_unreadable"


def test_a_file_that_ends_early_is_refused_when_its_tensor_is_asked_for(tmp_path: Path) -> None:
    packed = PackedModel(packed_file(tmp_path / "model.bin", cut_bytes=40))
    with pytest.raises(ModelError):
        packed.tensor("l0.oln.b", (WIDTH,))
    with pytest.raises(ModelError):
        packed.tensor("l0.fi.w", (1, 1))


def test_words_are_cut_into_their_likeliest_pieces(tmp_path: Path) -> None:
    pieces = PackedModel(packed_file(tmp_path / "model.bin")).pieces
    number = PIECES.index
    assert cut_pieces("기공이", pieces, at_most=16) == [0, number("▁기공"), number("이"), 2]
    assert cut_pieces("  burrs   기공 ", pieces, at_most=16) == [0, number("▁burr"), number("s"), number("▁기공"), 2]
    assert cut_pieces("x", pieces, at_most=16) == [0, number("▁"), number("<unk>"), 2]
    assert cut_pieces("기공 " * 50, pieces, at_most=8) == [0, *[number("▁기공")] * 6, 2]


def test_a_text_has_the_same_vector_alone_and_among_others(tmp_path: Path) -> None:
    encoder = FineEncoder(packed_file(tmp_path / "model.bin"))
    encoder.dimension = WIDTH
    together = encoder.encode_passages(["기공", "burrs burrs 기공이", "기"])
    assert encoder.ready
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-4)
    assert together[1] == pytest.approx(encoder.encode_passages(["burrs burrs 기공이"])[0], abs=1e-4)
    assert not np.allclose(encoder.encode_question("기공"), together[0], atol=1e-3)


class CountingEncoder:
    """Encodes a text as one of two directions, and counts."""

    def __init__(self, *, ready: bool = True) -> None:
        self.ready = ready
        self.prepared = 0
        self.encoded: list[str] = []

    def prepare(self) -> None:
        self.prepared += 1

    def encode_question(self, text: str) -> np.ndarray:
        return np.array([1.0, 0.0], np.float32)

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        self.encoded += texts
        return np.array([[1.0, 0.0] if "a" in text else [0.0, 1.0] for text in texts], np.float32)


def test_a_passage_is_encoded_once_and_only_when_it_is_looked_at() -> None:
    encoder = CountingEncoder()
    look = SecondLook(["a", "b", "ab", "c"], encoder)
    assert look.compare("?", [2, 1]) == pytest.approx([1.0, 0.0])
    assert look.compare("?", [1, 0]) == pytest.approx([0.0, 1.0])
    assert encoder.encoded == ["ab", "b", "a"]


def test_without_an_encoder_or_while_it_loads_there_is_no_second_look() -> None:
    loading = CountingEncoder(ready=False)
    assert SecondLook(["a"], None).compare("?", [0]) is None
    assert SecondLook(["a"], loading).compare("?", [0]) is None
    assert loading.prepared == 1
    assert SecondLook(["a"], CountingEncoder()).compare(" ", [0]) is None


def test_several_threads_may_look_at_the_same_passages() -> None:
    look = SecondLook([f"a{n}" for n in range(20)], CountingEncoder())
    results: list[float] = []

    def ask() -> None:
        found = look.compare("?", list(range(20)))
        assert found is not None
        results.append(float(found.sum()))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [20.0] * 4


@pytest.mark.skipif(open_fine_encoder() is None, reason="the package with the weights is not installed here")
def test_the_carried_weights_tell_passages_of_like_words_apart() -> None:
    encoder = open_fine_encoder()
    assert encoder is not None
    passages = encoder.encode_passages(
        ["이미 굳은 접착제는 긁지 말고 불량으로 한다.", "디스펜서 노즐은 2시간마다 닦는다."]
    )
    for question in ("풀이 말라 버렸으면 긁어내도 되나요?", "May I scrape hardened glue off?"):
        likeness = passages @ encoder.encode_question(question)
        assert likeness[0] > likeness[1]
