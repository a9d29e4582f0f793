"""The terms that a text is searched by, Korean and English, without a dictionary.

Korean words carry their particles and endings, so a word is searched by its pairs of syllables; a noun of one syllable
is freed of its particle. Misspelt words still share most of their letters: a second kind of term are groups of letters
(of jamo in Korean), which count less.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_WORD = re.compile(r"[가-힣]+|[a-z]+|\d+(?:[.,]\d+)*|[^\W\d_]+")
_GROUP_MARK = "~"
_LETTERS = 3
_JAMO = 3
_PARTICLES = (
    "에서는", "으로는", "이라면", "에서", "으로", "에게", "부터", "까지", "이나", "이면", "하면", "마다", "처럼",
    "은", "는", "이", "가", "을", "를", "의", "에", "로", "와", "과", "도", "만",
)  # fmt: skip
_ASKING_WORDS = (
    "어떻게 어떤 무엇 무엇인가요 무엇을 무슨 언제 누구 누구에게 얼마 얼마나 얼마로 얼마인가요 어디 어디를 왜 몇 "
    "하나요 되나요 인가요 합니까 됩니까 있나요 있는데 있을 있어요 해야 하죠 하려면 때 것 수 좀 알려 알려줘 주세요 되면 "
    "나오면 나왔을 나왔어요 이미 방법 알고 싶어요 궁금 관련 대해 "
    "a an and any are at be by can do does for from had has have how i if in is it its may me must my not of on or our "
    "should so than that the then there these this to up was we were what when where which who why will with would you "
    "your"
)
_ASKING = frozenset(_ASKING_WORDS.split())
# Words of talk that a manual does not use and that no passage need say; how they end does not matter.
_TALK = re.compile(
    "(나오|나왔|나온|나와|난다|났|생기|생겼|생긴|생겨|발견|있으|있는|있나|있어|있을|없으|되나|되는|됐|되었|되요|돼|하나|하는|하면|하려|하죠|하지|해야|해요|했|"
    "이래|이러|그래|그러|그냥|이거|그거|이런|그런|다른|아직|벌써|계속|자꾸|너무|좀|많이|혹시|제가|우리|저희|어느|어디|어떡|뭐|뭘|뭔|무슨|누가|얼마|몇|언제|"
    "괜찮|좋은|좋나|좋아|알려|알고|궁금|싶|가능|필요|문제|경우|정도|때문|않|못하|못해|둬야|둬도|놓고|놓은|놓았|놨|버렸|들어가|들어갔|들어오|들어왔|"
    "들어있|지났|지나면|만들|만든|말고|같은|같아|같이|이렇|그렇|어떤|것들|거야|거예|건가|건지|될까|될지|된다|되고|되죠|되지|이미|아예|엄청|되게|"
    "약간|살짝|진짜|완전|여기|거기|저기|이쪽|그쪽|이번|아무)[가-힣]*|"
    "[거건게걸것데때난날나내수안줄지참중쪽해봐한번또더못된될갔왔돼줘푹쩍뻥쫙확막꼭딱쭉]|것[가-힣]|"
    "(해도|해서|할까|할지|하고|하게|하니|한다|합니다|하여|하자|봐요|봐도|보죠|보나|보니|봤는데|봤어|봤더니|갔어|갔는데|가요|가나|와요|"
    "줘요|주면|위에|뒤에|앞에|안에|밖에|옆에|속에|밑에|사이에|두고|두면|개나|일이|일은|끝난|끝나고|부터|에서|도가)|"
    "[이가은는을를의에로와과도만]|까지|마다|이나|이면|"
    "ok|okay|please|found|find|find|happen\\w*|get\\w*|got|go\\w*|went|come\\w*|give|make\\w*|need\\w*|want\\w*|put|already|still|just"
    "|there|here|some|something|anything|anybody|somebody|about|after|before|then|too|very|much|many|long|kind|right|like"
    "|us|me|they|them|he|she|while|during|each|also|only|no|yes|more|most|less|let|see|off|out|up|down|into|over"
    "|next|now|again|ever|even|once|bit|away|back|such|other|another|both|all|every|everywhere|anywhere|somewhere|whose|which"
    "|whom|again|say|said|know|think|mean|mine|maybe|always|never|really|same|through|onto|because|since|without|thing\\w*"
    "|little|lot|lots|bring|brought|keeps|kept|does|don|doesn|did|didn|isn|aren|won|wasn|[sdt]|re|ve|ll|as|being|whether|instead"
)


@dataclass(frozen=True)
class Terms:
    """Terms of a text with repetitions: `words` mean something, `letters` forgive a misspelling."""

    words: tuple[str, ...]
    letters: tuple[str, ...]


def is_letter_group(term: str) -> bool:
    """Return whether the term is one of the groups of letters and not a word."""
    return term.startswith(_GROUP_MARK)


def cut_words(text: str) -> list[str]:
    """Return the words of a text, of one script each, in small letters."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def is_korean(word: str) -> bool:
    """Return whether a word begins with a Korean syllable."""
    return "가" <= word[:1] <= "힣"


def only_asks(word: str) -> bool:
    """Return whether a word of a question only asks and tells nothing of what is asked about."""
    return word in _ASKING or _TALK.fullmatch(word) is not None


def stem_of(word: str) -> str:
    """Return a Korean word without its particle, an English one without its ending."""
    if is_korean(word):
        return _without_particle(word)
    return word if word[:1].isdigit() else _stem(word)


def letter_groups(stem: str, *, closed: bool = True) -> list[str]:
    """Return the terms for a stem's groups of letters (of jamo: NFD); without those of its end unless `closed`."""
    groups = _groups(stem, _JAMO if "\u1100" <= stem[:1] <= "\u11ff" else _LETTERS)
    return [f"{_GROUP_MARK}{group}" for group in groups if closed or not group.endswith("$")]


def split_terms(text: str, *, question: bool = False) -> Terms:
    """Return the terms of a text; those of a question are without the words that only ask."""
    words: list[str] = []
    letters: list[str] = []
    for word in cut_words(text):
        if question and word in _ASKING:
            continue
        if is_korean(word):
            stem = _without_particle(word)
            words += [stem] if len(stem) == 1 else [stem[at : at + 2] for at in range(len(stem) - 1)]
            letters += _groups(unicodedata.normalize("NFD", stem), _JAMO)
        elif word[0].isdigit():
            words.append(word)
        else:
            words.append(_stem(word))
            letters += _groups(word, _LETTERS)
    return Terms(tuple(words), tuple(f"{_GROUP_MARK}{group}" for group in letters))


def _without_particle(word: str) -> str:
    for particle in _PARTICLES:
        if word.endswith(particle) and len(word) > len(particle):
            return word[: -len(particle)]
    return word


def _stem(word: str) -> str:
    """Return an English word without its commonest endings; only likeness counts, so a wrong stem does no harm."""
    for ending, least in (("ing", 6), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _groups(letters: str, size: int) -> list[str]:
    framed = f"^{letters}$"
    if len(framed) <= size:
        return [framed]
    return [framed[at : at + size] for at in range(len(framed) - size + 1)]
