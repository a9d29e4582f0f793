"""Whether a word belongs to the tasks in any of its forms: what is left over is what a person looks for in a manual."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from core.assistant.offline.evidence.concepts import correct_spelling
from core.assistant.offline.evidence.examples import list_example_words
from core.assistant.offline.words.text import HANGUL

# Verbs that say nothing by themselves, in whatever form: 하죠, 되나요, 났을때, 있습니까.
_EMPTY_VERB = re.compile(
    r"(?:하|한|할|함|합|해|했|되|된|될|됩|돼|됐|있|없|주|줄|줘|줬|봐|봤|볼|나|난|날|났|나오|나온|나왔|생기|생긴|생겨|생겼|뜨|뜬|뜰|떠|떴"
    r"|어쩌|어쩔|어떡)"
)
_LONGEST_EMPTY, _SHORTEST_BASE = 4, 4
_FORMS = re.compile(r"(?:'s|s|es|ed|d|ing|er|ly)$")


@lru_cache(maxsize=4096)
def is_familiar(word: str) -> bool:
    """Return whether a word of normalized text is one of the tasks, or is made of such."""
    known = list_example_words()
    if word in known or correct_spelling(word) != word:
        return True
    if HANGUL.match(word) is None:
        return any(_FORMS.sub("", word) == base or word.startswith(base) for base in _bases() if base[0] == word[0])
    if _EMPTY_VERB.match(word) and len(word) <= _LONGEST_EMPTY:
        return True
    # 조치방법 is 조치 and 방법: what follows a known word is one too, or an ending.
    return any(word.startswith(known_one) and _is_rest(word[len(known_one) :]) for known_one in _korean())


def _is_rest(rest: str) -> bool:
    is_verb = len(rest) <= _LONGEST_EMPTY and _EMPTY_VERB.match(rest) is not None
    return len(rest) <= 2 or is_verb or rest in list_example_words() or any(rest.startswith(one) for one in _korean())


@cache
def _bases() -> frozenset[str]:
    found = (_FORMS.sub("", one) for one in list_example_words() if one.isascii())
    return frozenset(one for one in found if len(one) >= _SHORTEST_BASE)


@cache
def _korean() -> tuple[str, ...]:
    return tuple(sorted(one for one in list_example_words() if HANGUL.match(one) and len(one) >= 2))
