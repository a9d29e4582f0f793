"""Texts as numbers of pieces: the likeliest way to cut them, as SentencePiece's unigram model does (Kudo 2018)."""

from __future__ import annotations

import re

from inference.language.encoders.packed_model import Pieces

_SPACE = "▁"
_SPACES = re.compile(" {2,}")


def cut_pieces(text: str, pieces: Pieces, *, at_most: int) -> list[int]:
    """Return the numbers of the pieces, begin and end included, the first `at_most` of them."""
    words = _SPACES.sub(" ", text.translate(pieces.replaced)).strip(" ").split(" ")
    numbers: list[int] = [pieces.begin]
    for word in words:
        numbers += _cut_word(_SPACE + word, pieces)
        # What follows is not read; long texts need not be cut to their end.
        if len(numbers) >= at_most:
            break
    return [*numbers[: at_most - 1], pieces.end]


def _cut_word(word: str, pieces: Pieces) -> list[int]:
    """Return the likeliest pieces of one word (Viterbi): no piece goes over a space but its own first letter."""
    count = len(word)
    best: list[float] = [0.0, *[float("-inf")] * count]
    last: list[tuple[int, int]] = [(0, 0)] * (count + 1)
    for start in range(count):
        reached = best[start]
        for end in range(start + 1, min(count, start + pieces.longest) + 1):
            found = pieces.scores.get(word[start:end])
            if found is not None and reached + found[1] > best[end]:
                best[end], last[end] = reached + found[1], (start, found[0])
        if reached + pieces.unknown_score > best[start + 1]:
            best[start + 1], last[start + 1] = reached + pieces.unknown_score, (start, pieces.unknown)
    numbers: list[int] = []
    place = count
    while place > 0:
        place, number = last[place][0], last[place][1]
        numbers.append(number)
    return numbers[::-1]
