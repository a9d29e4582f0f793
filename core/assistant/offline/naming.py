"""Finding the names of products and defect types in what was said: whole, in part, and with a slip of the finger."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TypeVar

from core.assistant.names import NamedType, Names
from core.assistant.offline.evidence.examples import list_example_words
from core.assistant.offline.synonyms import inflect, synonyms_of
from core.assistant.offline.words.sounds import sound_alike
from core.assistant.offline.words.text import HANGUL, PARTICLES, list_words, normalize, normalize_name
from core.catalog.names import ProductName

Found = TypeVar("Found")
_SIMILAR_LATIN, _SIMILAR_KOREAN = 0.8, 0.74
# Words of the tasks: they are no part of a name, whatever a product is called.
_TASK_WORDS = frozenset(
    """
    a an the this that these it is are was were be on in of for to at by with and or me my we our us you please
    can could would show list tell give what which who why how when many much most often common frequent count
    number total last latest recent past week month day days today yesterday year line lot shift product
    products part parts piece defect defects defective type types kind ng ok review reject rejected rate trend
    trends inspect inspected inspection inspections model models train training trained retrain classifier
    classification detector detection segmentation segment fine tune tuning probe full epoch epochs batch size
    px pixel pixels minutes minute min hours hour within goal threshold thresholds manual manuals say says about
    open action actions corrective run runs dataset datasets version versions weak spot spots state status up
    date all any one ones something new make build want need using use from there their has have had do does did
    not no yes start now without asking delete old system prompt print key api image images network machine go
    let lets run quick quickly hmm hello hi seed learning rate cell cells 검사 제품 부품 불량 불량률 정상 보류
    유형 종류 모델 학습 훈련 분류 분류기 검출 검출기 분할 오늘 어제 이번 지난 지난주 지난달 최근 라인 로트 주간
    야간 교대 몇 얼마 가장 제일 많은 많이 자주 건수 개수 추이 추세 목록 보여 알려 해줘 해주세요 줘 주세요 매뉴얼
    조치 미조치 임계값 상태 데이터셋 버전 실행 결과 에폭 배치 크기 입력 목표 정확도 하나 그거 이거 저거 왜 무엇
    뭐 어떤 어떻게 전체 모두 이전 지시 무시 확인 없이 바로 시작 관리자 비밀번호 시켜 만들어 돌려 좀 지금 번 분
    시간 안에 이내 이미지 셀 타입 panel panels piece pieces unit units item items sample samples
    """.split()  # noqa: SIM905 - as a text it can be read
)


def find_products(text: str, names: Names) -> tuple[ProductName, ...]:
    """Return the products that the text names: several where it is not clear which, none where it names none."""
    return _find(normalize(text), _product_terms(names))


def find_types(text: str, types: Sequence[NamedType]) -> tuple[NamedType, ...]:
    """Return the defect types that the text names; whole names, and names with a slip of the finger."""
    text = normalize(text)
    for terms in (_type_terms(types), _type_terms(types, of_glossary=True)):
        whole = [one for one, _span in find_whole(text, terms)]
        if whole:
            return tuple(whole)
    return tuple(_best(_similar(text, _type_terms(types))))


def blank_products(text: str, names: Names, *, mark: str = " ") -> str:
    """Return normalized text with the whole names of products blanked, or marked: their digits are no settings."""
    return _mark_whole(text, _product_terms(names), mark)


def mark_products(text: str, names: Names, mark: str) -> str:
    """Return normalized text with `mark` for each product that it names, be it in part or with a slip."""
    return _mark(text, _product_terms(names), mark, in_part=True)


def mark_types(text: str, types: Sequence[NamedType], mark: str) -> str:
    """Return normalized text with `mark` for each defect type that it names."""
    marked = _mark_whole(text, _type_terms(types), mark)
    return marked if marked != text else _mark(text, _type_terms(types, of_glossary=True), mark, in_part=False)


def list_tokens(product: ProductName) -> list[str]:
    """Return the words of a product's names, those of one letter too."""
    return re.findall(r"[a-z0-9]+|[가-힣]+", normalize(f"{product.code} {product.name} {product.name_en}"))


def _product_terms(names: Names) -> list[tuple[ProductName, tuple[str, ...]]]:
    return [(one, (one.code, one.name, one.name_en)) for one in names.products]


def _type_terms(types: Sequence[NamedType], *, of_glossary: bool = False) -> list[tuple[NamedType, tuple[str, ...]]]:
    found = []
    for one in types:
        names = (one.name.code, one.name.name_ko, one.name.name_en)
        forms = (form for name in names for form in inflect(normalize_name(name)))
        found.append((one, (*synonyms_of(names), *forms) if of_glossary else names))
    return found


def _mark(text: str, terms: Sequence[tuple[Found, tuple[str, ...]]], mark: str, *, in_part: bool) -> str:
    marked = _mark_whole(text, terms, mark)
    if marked != text:
        return marked
    for word in list_own_words(text):
        own = [(one, score) for one, score in (_in_part(word, terms) if in_part else []) if score]
        if own or any(score for _one, score in _similar(word, terms)):
            text = text.replace(word, mark)
    return text


def _mark_whole(text: str, terms: Sequence[tuple[Found, tuple[str, ...]]], mark: str) -> str:
    for start, stop in sorted({span for _one, span in find_whole(text, terms)}, reverse=True):
        text = f"{text[:start]}{mark * (stop - start) if mark == ' ' else mark}{text[stop:]}"
    return text


def list_own_words(text: str) -> list[str]:
    """Return the words of normalized text that are no words of the tasks."""
    words = [word for word in list_words(text) if word not in _TASK_WORDS]
    return [word for word in words if len(word) >= 2 and not word.isdecimal()]


def _find(text: str, terms: list[tuple[ProductName, tuple[str, ...]]]) -> tuple[ProductName, ...]:
    whole = _drop_parts([one for one, _span in find_whole(text, terms)], terms)
    if len(whole) == 1 and (closer := _named_closer(text, whole[0], terms)):
        return closer
    if whole:
        return tuple(whole)
    in_part = _best(_in_part(text, terms))
    if len(in_part) > 1:
        # “모노 태양전지”: one word is in several names, and another tells them apart by ear.
        among = [(one, names) for one, names in terms if one in in_part]
        tokens = {token for _one, names in among for token in _tokens(names)}
        others = [word for word in list_own_words(text) if not any(_share(word, token) for token in tokens)]
        return tuple(_best(_similar(" ".join(others), among)) or in_part)
    return tuple(in_part or _best(_similar(text, terms)))


def _drop_parts(found: list[ProductName], terms: list[tuple[ProductName, tuple[str, ...]]]) -> list[ProductName]:
    """Return products without those that another one's name holds: a “solar-poly cell” is no “cell”."""
    words = {one.code: set(list_tokens(one)) for one, _names in terms}
    return [
        one for one in found if not any(other != one and normalize(one.code) in words[other.code] for other in found)
    ]


def _named_closer(
    text: str, found: ProductName, terms: list[tuple[ProductName, tuple[str, ...]]]
) -> tuple[ProductName, ...]:
    """Return the products that the words before a short name fit better: “solar cell” is none called “cell”."""
    words = set(normalize(text).split()) | set(list_words(text))

    def fit(names: tuple[str, ...]) -> int:
        return len(words & {word for name in names for word in re.findall(r"[a-z0-9]+|[가-힣]+", normalize_name(name))})

    own = next(fit(names) for one, names in terms if one == found)
    # Only those whose name holds the short one.
    near = [(one, names) for one, names in terms if any(found.code.casefold() in name.casefold() for name in names)]
    fits = [(one, fit(names)) for one, names in near]
    return tuple(_best([(one, score if score > own else 0) for one, score in fits]))


def find_whole(text: str, terms: Iterable[tuple[Found, tuple[str, ...]]]) -> list[tuple[Found, tuple[int, int]]]:
    """Return whose whole name stands in the normalized text, and where; a name within a longer one does not count."""
    hits = [
        (one, found.span())
        for one, names in terms
        for name in {normalize_name(name) for name in names if name.strip()}
        for found in pattern_of(name).finditer(text)
    ]
    kept: list[tuple[Found, tuple[int, int]]] = []
    for one, (start, stop) in hits:
        inside = any(begin <= start and stop <= end and end - begin > stop - start for _other, (begin, end) in hits)
        if not inside and all(one != other for other, _span in kept):
            kept.append((one, (start, stop)))
    return kept


@lru_cache(maxsize=65536)
def pattern_of(name: str) -> re.Pattern[str]:
    """Return the pattern of a normalized name: spaces and hyphens are free, Latin words stand alone."""
    pieces = re.findall(r"[a-z0-9]+|[가-힣]+|[^\sa-z0-9가-힣_-]+", name)
    body = r"[\s_-]*".join(re.escape(piece) for piece in pieces) or r"(?!)"
    if re.match(r"[a-z0-9]", name):
        body = rf"(?<![a-z0-9]){body}"
    if re.search(r"[a-z0-9]$", name):
        # A plural is the same name, a hyphen goes on with another one.
        return re.compile(rf"{body}(?:e?s)?(?![a-z0-9]|-[a-z0-9])")
    if HANGUL.search(name) and len(name) == 1:
        return re.compile(rf"(?<![가-힣]){body}(?=(?:{PARTICLES})?(?![가-힣]))")
    return re.compile(body)


def _in_part(text: str, terms: Iterable[tuple[Found, tuple[str, ...]]]) -> list[tuple[Found, int]]:
    words = list_own_words(text)
    found = []
    for one, names in terms:
        tokens = _tokens(names)
        score = sum(max((_share(word, token) for token in tokens), default=0) for word in words)
        found.append((one, score))
    return found


def _share(word: str, token: str) -> int:
    """Return how well a word stands for a part of a name: 2 the same, 1 its beginning."""
    if word == token:
        return 2
    least = 2 if HANGUL.match(word) else 4
    if len(word) >= least and token.startswith(word):
        return 1
    return 1 if HANGUL.match(token) and len(token) >= 2 and word.startswith(token) else 0


def _similar(text: str, terms: Iterable[tuple[Found, tuple[str, ...]]]) -> list[tuple[Found, float]]:
    known = list_example_words()
    own = [word for word in list_own_words(text) if word not in known]
    words = [word for word in own if len(word) >= (2 if HANGUL.match(word) else 4)]
    found: list[tuple[Found, float]] = []
    for one, names in terms:
        tokens = [token for token in _tokens(names) if len(token) >= 3]
        best = max((_likeness(word, token) for word in words for token in tokens), default=0.0)
        found.append((one, best))
    return found


def _likeness(word: str, token: str) -> float:
    if HANGUL.match(word) and token.isascii():
        return float(sound_alike(word, token))
    if abs(len(word) - len(token)) > 2 or len(word) < 3 or word[0] != token[0]:
        return 0.0
    least = _SIMILAR_KOREAN if HANGUL.match(word) else _SIMILAR_LATIN
    ratio = SequenceMatcher(None, word, token).ratio()
    return ratio if ratio >= least else 0.0


@lru_cache(maxsize=65536)
def _tokens(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(
        token
        for name in names
        for token in [*list_words(normalize_name(name)), *normalize_name(name).split()]
        if len(token) >= 2 and token not in _TASK_WORDS
    )


def _best(found: Sequence[tuple[Found, float]]) -> list[Found]:
    highest = max((score for _one, score in found), default=0)
    return [one for one, score in found if score == highest] if highest > 0 else []
