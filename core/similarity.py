"""Similar images: what has this looked like before, what was it, and what was done then."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlmodel import Session, col, select

from core.jobs import SIMILARITY_INDEX
from core.services import Services
from core.transactions import reading
from core.versions import PARTS, active_version
from storage.tables import DefectType, Image, Inspection, ModelVersion, SearchHistory

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_TOP_K = 20
# A vote counts half when it is this much less similar (cosine) than the nearest image.
HALF_VOTE_AT = 0.03
VOTERS = 5


@dataclass(frozen=True)
class Similar:
    """One image that looks alike. `similarity` is the cosine, at most 1; `last_action` what was done about it."""

    image_id: int
    stored_name: str
    similarity: float
    image_type: str
    defect_type: DefectType | None
    created_at: datetime
    thumbnail: bytes | None = field(repr=False)
    last_action: str | None = None


@dataclass(frozen=True)
class Suggestion:
    """The defect type that the nearest defect images vote for; `confidence` is its share of the vote, 0 to 1."""

    defect_type: DefectType
    confidence: float


@dataclass(frozen=True)
class SearchAnswer:
    """The answer for one kind of images; `version` is None when there is no index of them."""

    image_type: str
    version: ModelVersion | None
    matches: tuple[tuple[int, float], ...] = ()
    latency_ms: float = 0.0


def search(
    services: Services,
    *,
    product_id: int,
    pixels: NDArray[np.uint8],
    top_k: int,
    defective: NDArray[np.uint8] | None = None,
) -> dict[str, SearchAnswer]:
    """Ask the active indexes of the product. `pixels` is the image and `defective` its defective place, cut out.

    Answers one SearchAnswer for `normal` and one for `defect`: a whole image mostly looks like the product, so the
    defects are searched by the defective place where there is one and an index of such places. RGB uint8 (H, W, 3).
    Raises the lower errors of a model that cannot load.
    """
    with reading(services) as session:
        versions = {
            part: active_version(session, SIMILARITY_INDEX, product_id, part) for part in PARTS[SIMILARITY_INDEX]
        }
    region = versions.pop("region")
    by_region = defective is not None and region is not None
    if by_region:
        versions["defect"] = region
    answers: dict[str, SearchAnswer] = {}
    queries: dict[tuple[str, bool], NDArray[np.float32]] = {}
    for part, version in versions.items():
        if version is None:
            answers[part] = SearchAnswer(part, None)
            continue
        started = time.perf_counter()
        index = services.models.similarity_index(version)
        cut = defective if by_region and part == "defect" else None
        key = (version.model_name, cut is not None)
        if key not in queries:
            queries[key] = services.models.embedder(version.model_name).embed([pixels if cut is None else cut])[0]
        found = index.search(queries[key], k=max(1, min(top_k, MAX_TOP_K)))
        answers[part] = SearchAnswer(
            part,
            version,
            tuple((int(match.id), float(match.similarity)) for match in found),
            (time.perf_counter() - started) * 1000.0,
        )
    return answers


def describe_matches(services: Services, session: Session, matches: Sequence[tuple[int, float]]) -> list[Similar]:
    """The rows behind the matches, in order. An image that was deleted since the index was built does not come back."""
    ids = [image_id for image_id, _ in matches]
    if not ids:
        return []
    rows = {row.id: row for row in session.exec(select(Image).where(col(Image.id).in_(ids))).all()}
    type_ids = {row.defect_type_id for row in rows.values() if row.defect_type_id is not None}
    types = {row.id: row for row in session.exec(select(DefectType).where(col(DefectType.id).in_(type_ids))).all()}
    hashes = {row.content_sha256 for row in rows.values()}
    actions = {
        sha256: note
        for sha256, note in session.exec(
            select(Inspection.image_sha256, Inspection.action_note)
            .where(col(Inspection.image_sha256).in_(hashes), Inspection.action_status == "done")
            .order_by(col(Inspection.id))
        ).all()
        if note
    }
    keys = [rows[image_id].thumbnail_key for image_id in ids if image_id in rows]
    thumbnails = {key: data if isinstance(data, bytes) else None for key, data in services.objects.get_many(keys)}
    return [
        Similar(
            image_id=image_id,
            stored_name=rows[image_id].stored_name,
            similarity=similarity,
            image_type=rows[image_id].image_type,
            defect_type=types.get(rows[image_id].defect_type_id),
            created_at=rows[image_id].created_at,
            thumbnail=thumbnails.get(rows[image_id].thumbnail_key),
            last_action=actions.get(rows[image_id].content_sha256),
        )
        for image_id, similarity in matches
        if image_id in rows
    ]


def suggest_type(session: Session, matches: Sequence[tuple[int, float]]) -> Suggestion | None:
    """The defect type that the nearest defect images vote for, nearer ones with more weight. None without images."""
    nearest = list(matches[:VOTERS])
    if not nearest:
        return None
    type_of = dict(
        session.exec(
            select(Image.id, Image.defect_type_id).where(col(Image.id).in_([image_id for image_id, _ in nearest]))
        ).all()
    )
    return _vote(session, [(type_of[i], s) for i, s in nearest if type_of.get(i) is not None])


def _vote(session: Session, voters: list[tuple[Any, float]]) -> Suggestion | None:
    if not voters:
        return None
    best = max(similarity for _, similarity in voters)
    votes: dict[int, float] = {}
    for type_id, similarity in voters:
        votes[type_id] = votes.get(type_id, 0.0) + math.exp2(-(best - similarity) / HALF_VOTE_AT)
    winner = max(votes, key=lambda type_id: votes[type_id])
    row = session.get(DefectType, winner)
    if row is None or not row.is_active:
        return None
    return Suggestion(row, votes[winner] / sum(votes.values()))


def history_rows(
    answers: dict[str, SearchAnswer], *, inspection_id: int, product_id: int, person_id: int, top_k: int
) -> list[SearchHistory]:
    """The rows that keep what was answered."""
    return [
        SearchHistory(
            inspection_id=inspection_id,
            product_id=product_id,
            image_type=answer.image_type,
            model_version_id=answer.version.id,
            top_k=top_k,
            results=[{"image_id": image_id, "similarity": similarity} for image_id, similarity in answer.matches],
            latency_ms=answer.latency_ms,
            created_by=person_id,
        )
        for answer in answers.values()
        if answer.version is not None
    ]
