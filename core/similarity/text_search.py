"""Searching images by words, where the embedder of the indexes knows English: so Korean is brought to it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from sqlmodel import Session, select

from core.access import WORKER, require_role
from core.errors import BadInput, NotReady, from_lower
from core.models.kinds import SIMILARITY_INDEX
from core.models.options import find_option
from core.registry.versions import active_version
from core.services import Services
from core.similarity.matches import Match, Similar, describe_matches, live_types
from core.similarity.questions import MAX_TOP_K
from core.transactions import reading, writing
from inference.errors import InferenceError, ModelError
from storage.object_store import ObjectStoreError
from storage.tables import DefectType, ModelVersion, SearchHistory

if TYPE_CHECKING:
    from core.access import Person

MAX_TEXT_CHARS = 200
_HANGUL = re.compile(r"[가-힣]+")
_SPARE = 16
# The words of visual inspection that stand in nobody's list of defect types. Longer ones are replaced first.
_WORDS: dict[str, str] = {
    "긁힘": "scratch",
    "스크래치": "scratch",
    "찍힘": "dent",
    "눌림": "dent",
    "패임": "gouge",
    "균열": "crack",
    "크랙": "crack",
    "깨짐": "breakage",
    "파손": "breakage",
    "구멍": "hole",
    "기공": "blowhole",
    "기포": "bubble",
    "얼룩": "stain",
    "오염": "contamination",
    "이물": "foreign matter",
    "변색": "discoloration",
    "녹": "rust",
    "부식": "corrosion",
    "버": "burr",
    "휨": "bent part",
    "주름": "wrinkle",
    "실밥": "loose thread",
    "끊김": "broken line",
    "미성형": "short shot",
    "누락": "missing part",
    "가장자리": "edge",
    "모서리": "corner",
    "가운데": "centre",
    "중앙": "centre",
    "표면": "surface",
    "근처": "near",
    "옆": "beside",
    "위쪽": "top",
    "아래쪽": "bottom",
    "왼쪽": "left",
    "오른쪽": "right",
    "작은": "small",
    "큰": "large",
    "긴": "long",
    "검은": "black",
    "흰": "white",
    "밝은": "bright",
    "어두운": "dark",
    "둥근": "round",
    "정상": "normal part",
    "불량": "defect",
}
# Particles that may follow a noun.
_PARTICLES = {
    "의",
    "에",
    "에서",
    "이",
    "가",
    "은",
    "는",
    "을",
    "를",
    "과",
    "와",
    "도",
    "로",
    "으로",
    "있는",
    "에있는",
    "난",
    "된",
}


def searchable_version(services: Services, product_id: int, image_type: str, view: str = "") -> ModelVersion | None:
    """Return the active index of this kind (of a view) if it can be searched by text, else None."""
    with reading(services) as session:
        version = active_version(session, SIMILARITY_INDEX, product_id, image_type, view)
    option = find_option(version.model_name) if version is not None else None
    return version if option is not None and option.embeds_text else None


def to_english(session: Session, text: str) -> str:
    """Return the words in English: the names of defect types by their English names, common words by our list.

    Raises BadInput: `text_search_empty`, `text_search_too_long`, or `text_search_untranslated` with the words that
    it does not know.
    """
    asked = " ".join(text.split())
    if not asked:
        raise BadInput("text_search_empty")
    if len(asked) > MAX_TEXT_CHARS:
        raise BadInput("text_search_too_long", limit=MAX_TEXT_CHARS)
    if not _HANGUL.search(asked):
        return asked
    names = {row.name_ko: row.name_en or row.code for row in session.exec(select(DefectType)).all() if row.name_ko}
    words = {**_WORDS, **names}
    for korean in sorted(words, key=len, reverse=True):
        asked = asked.replace(korean, f" {words[korean]} ") if len(korean) > 1 else _replace_word(asked, korean, words)
    left = [word for word in _HANGUL.findall(asked) if word not in _PARTICLES]
    if left:
        raise BadInput("text_search_untranslated", words=", ".join(dict.fromkeys(left)))
    return " ".join(_HANGUL.sub(" ", asked).split())


def _replace_word(text: str, korean: str, words: dict[str, str]) -> str:
    # A single syllable stands in many words: only where it stands alone.
    return re.sub(rf"(?<![가-힣]){korean}(?![가-힣])", f" {words[korean]} ", text)


def search_text(
    services: Services, person: Person, *, product_id: int, text: str, image_type: str, top_k: int, view: str = ""
) -> tuple[str, tuple[Similar, ...]]:
    """Return the English words that were searched, and the images of this kind that fit them best; record the search.

    Raises BadInput as `to_english`, NotReady(`text_search_needs_clip`) for an index of another embedder, and what an
    index or its model reports.
    """
    require_role(services, person, WORKER)
    started = time.perf_counter()
    with reading(services) as session:
        english = to_english(session, text)
    version = searchable_version(services, product_id, image_type, view)
    if version is None:
        raise NotReady("text_search_needs_clip")
    k = max(1, min(top_k, MAX_TOP_K))
    try:
        index = services.models.similarity_index(version)
        embedder = services.models.text_embedder(version.model_name)
        if embedder is None or index.metadata.get("embedder_key") != embedder.key:
            raise ModelError("index_of_other_embedder", name=version.model_name)
        query = embedder.embed_texts([english])[0]
        count = k + _SPARE
        while True:
            found = index.search(query, k=count)
            with reading(services) as session:
                live = live_types(session, [match.id for match in found], image_type)
            matches = [Match(one.id, one.similarity) for one in found if one.id in live][:k]
            if len(matches) >= k or len(found) < count:
                break
            count *= 4
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    with writing(services) as session:
        session.add(
            SearchHistory(
                product_id=product_id,
                image_type=image_type,
                model_version_id=version.id,
                query_text=text.strip(),
                top_k=k,
                results=[match.to_json() for match in matches],
                latency_ms=(time.perf_counter() - started) * 1000.0,
                created_by=person.id,
            )
        )
        session.commit()
    with reading(services) as session:
        return english, describe_matches(session, matches)
