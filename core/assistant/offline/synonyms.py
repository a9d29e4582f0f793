"""Other words for a defect type: its own in other forms (휨, 휜, 휘었다), and those of the glossary of inspection."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from core.assistant.offline.evidence.examples import list_example_words
from inference.language.ranking.glossary import TERMS_FILE

_M, _LM = "\u11b7", "\u11b1"
_N, _L, _SS = "\u11ab", "\u11af", "\u11bb"
# A stem's last vowel with 었: 히 becomes 혔.
_PAST = {"\u1175": "\u1167", "\u116e": "\u116f", "\u1173": "\u1165"}

# Defects that English has irregular forms for.
_IRREGULAR: tuple[frozenset[str], ...] = tuple(
    frozenset(one.split())
    for one in (
        "swell swelling swollen swelled", "bend bending bent", "break breaking broke broken", "tear tearing tore torn",
        "wear wearing wore worn", "burn burning burnt burned", "chip chipping chipped", "dent denting dented",
        "warp warping warped", "split splitting", "leak leaking leaked", "fold folding folded",
        "shrink shrunk shrinking",
        "grind ground", "melt molten melted", "stick stuck", "wrinkle wrinkling wrinkled",
    )
)  # fmt: skip


def inflect(name: str) -> tuple[str, ...]:
    """Return other forms of a normalized name: what is a noun in a list is often a verb in a sentence."""
    if name.isascii():
        if not name.isalpha():
            return ()
        others = next((group for group in _IRREGULAR if name in group), frozenset()) - {name}
        return (f"{name}ed", f"{name}ing", f"{name}d", *sorted(others))
    jamo = unicodedata.normalize("NFD", name)
    if jamo[-1] not in (_M, _LM):
        return ()
    stem, rest = jamo[:-1], _L if jamo[-1] == _LM else ""
    forms = [stem + _N, stem + rest + "었", stem + rest + "어", stem + rest + "은"]
    if not rest and stem[-1] in _PAST:
        forms.append(stem[:-1] + _PAST[stem[-1]] + _SS)
    base = unicodedata.normalize("NFC", stem)
    if base[-1] in "기히리이" and len(base) > 1:
        # 끊김 is also 끊어진 and 끊어졌.
        forms += [base[:-1] + end for end in ("어진", "어졌", "어짐")]
    return tuple(unicodedata.normalize("NFC", one) for one in forms)


@cache
def synonyms_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of the glossary that stand beside one of the names, words of the tasks left out."""
    wanted, known = {name.casefold() for name in names if name}, list_example_words()
    found = {word for group in _groups() if wanted & group for word in group - wanted}
    # “cut off” and “break” are said of thresholds and of lists far more often than of a defect.
    return tuple(sorted(one for one in found if not all(word in known for word in one.split())))


@cache
def _groups() -> tuple[frozenset[str], ...]:
    lines = TERMS_FILE.read_text(encoding="utf-8").splitlines()
    return tuple(frozenset(_entries(line.split(","))) for line in lines if line.strip() and not line.startswith("#"))


def _entries(words: Iterable[str]) -> list[str]:
    bare = [word.strip().casefold().removesuffix("-") for word in words]
    return [word for word in bare if len(re.sub(r"\s", "", word)) >= 2]
