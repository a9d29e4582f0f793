"""Looking at batches: how far they are, the parts page by page, the scores, and what other thresholds would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, case, exists, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.catalog.names import DefectTypeName
from core.errors import AppError
from core.inspections.terms import VERDICTS
from core.jobs.stored_error import StoredError
from core.transactions import HasDatabase, reading
from storage.tables import BatchItem, DefectType, Inspection

Order = Literal["place", "highest", "lowest", "name"]
_AT_ONCE = 400
# What the table can be narrowed to, beside the verdicts.
FAILED, WAITING, CHANGED = "failed", "waiting", "changed"


@dataclass(frozen=True)
class Thresholds:
    """Two thresholds to judge kept scores by, float32 distances; see `core.registry.thresholds.check_thresholds`."""

    review_at: float
    reject_at: float

    def judge(self, score: float, *, held: bool = False) -> str:
        """Return the verdict on a score, as an inspection gives it; a part that is `held` back is never OK."""
        if score >= self.reject_at:
            return "reject"
        return "ok" if score < self.review_at and not held else "review"


@dataclass(frozen=True)
class BatchRow:
    """One file of a batch, or one part of a product with views: `state` is waiting, done or failed.

    `error` says why a file failed; of a part, why one of its pictures could not be judged. `names` are the files of a
    part in the order of the batch, `name` the first of them. Of what is done: its inspection, the verdict in force and
    the model's own (`model_verdict`), the score with the thresholds and the model version of then, and the defect type,
    `is_confirmed` where a person gave it.
    """

    place: int
    name: str
    state: str
    error: AppError | None = None
    inspection_id: int | None = None
    verdict: str = ""
    model_verdict: str = ""
    score: float | None = None
    review_at: float | None = None
    reject_at: float | None = None
    version_id: int | None = None
    defect_type: DefectTypeName | None = None
    is_confirmed: bool = False
    serial: str = ""
    created_at: datetime | None = None
    thumbnail_key: str = ""
    image_key: str = ""
    names: tuple[str, ...] = ()

    def judge(self, thresholds: Thresholds) -> str:
        """Return the verdict under other thresholds; "" for what has no score."""
        if self.score is None or self.review_at is None:
            return ""
        return thresholds.judge(self.score, held=_is_held(self.score, self.model_verdict, self.review_at))


@dataclass(frozen=True)
class RowFilter:
    """Which rows are wanted: `kind` is a verdict, FAILED, WAITING or CHANGED (under `thresholds`); empty for all.

    `name` is a part of the file's name, in large or small letters. With `thresholds`, verdicts are those under them.
    """

    kind: str = ""
    name: str = ""
    order: Order = "place"
    thresholds: Thresholds | None = None


@dataclass(frozen=True)
class ScoreList:
    """The scores of what is inspected, with the verdicts in force; `in_force` are the thresholds of the last part.

    `held` marks parts that are held back whatever their score is: a required view is missing. `is_mixed` where parts
    of the batch were judged by other thresholds or another version.
    """

    scores: tuple[float, ...] = field(repr=False)
    model_verdicts: tuple[str, ...] = field(repr=False)
    in_force: Thresholds | None
    is_mixed: bool
    held: tuple[bool, ...] = field(repr=False, default=())

    def count(self, thresholds: Thresholds | None = None) -> dict[str, int]:
        """Return how many parts have each verdict: the model's own of then, or under other thresholds."""
        counts = Counter(self.model_verdicts if thresholds is None else self._judge(thresholds))
        return {verdict: counts[verdict] for verdict in VERDICTS}

    def count_changed(self, thresholds: Thresholds) -> int:
        """Return how many parts would have another verdict."""
        return sum(one != verdict for one, verdict in zip(self._judge(thresholds), self.model_verdicts, strict=True))

    def _judge(self, thresholds: Thresholds) -> list[str]:
        held = self.held or (False,) * len(self.scores)
        return [thresholds.judge(score, held=own) for score, own in zip(self.scores, held, strict=True)]


def list_rows(
    services: HasDatabase, job_id: int, wanted: RowFilter, *, offset: int = 0, limit: int = 50
) -> tuple[list[BatchRow], int]:
    """Return the rows that are wanted from `offset` on, and how many there are in all."""
    narrowed = _narrow(select(BatchItem, Inspection, DefectType), job_id, wanted)
    counted = _narrow(select(func.count()), job_id, wanted, with_types=False)
    ordered = narrowed.order_by(*_order(wanted)).offset(offset).limit(limit)
    with reading(services) as session:
        total = int(session.exec(counted).one())
        found = session.exec(ordered).all()
        files = _read_files(session, job_id, [item.inspection_id for item, _, _ in found if item.inspection_id])
        rows = [
            _row(item, row, defect_type, files.get(item.inspection_id or 0, [])) for item, row, defect_type in found
        ]
    return rows, total


def _read_files(session: Session, job_id: int, inspection_ids: Sequence[int]) -> dict[int, list[BatchItem]]:
    """Return the files of each inspection, in the order of the batch."""
    files: dict[int, list[BatchItem]] = {}
    for start in range(0, len(inspection_ids), _AT_ONCE):
        query = select(BatchItem).where(
            BatchItem.job_id == job_id, col(BatchItem.inspection_id).in_(inspection_ids[start : start + _AT_ONCE])
        )
        for item in session.exec(query.order_by(col(BatchItem.place))).all():
            files.setdefault(item.inspection_id or 0, []).append(item)
    return files


def load_scores(services: HasDatabase, job_id: int) -> ScoreList:
    """Return all scores of a batch, in the order in which its files came."""
    query = (
        select(  # type: ignore[call-overload]
            Inspection.score,
            Inspection.verdict,
            Inspection.review_at,
            Inspection.reject_at,
            # What the deciding view's model is changes from part to part: the rule stands for all of them.
            func.coalesce(-col(Inspection.fusion_setting_id), col(Inspection.memory_bank_version_id)),
        )
        .join(BatchItem, col(BatchItem.inspection_id) == col(Inspection.id))
        .where(BatchItem.job_id == job_id, _is_first())
        .order_by(col(BatchItem.place))
    )
    with reading(services) as session:
        rows = session.exec(query).all()
    used = {(review_at, reject_at, version) for _, _, review_at, reject_at, version in rows}
    last = Thresholds(rows[-1][2], rows[-1][3]) if rows else None
    held = tuple(_is_held(score, verdict, review_at) for score, verdict, review_at, _, _ in rows)
    return ScoreList(tuple(row[0] for row in rows), tuple(row[1] for row in rows), last, len(used) > 1, held)


def _is_held(score: float, verdict: str, review_at: float) -> bool:
    """Return whether a part is Review although its score is below the threshold: a required view is missing."""
    return verdict == "review" and score < review_at


def _is_first() -> ColumnElement[bool]:
    """Return that a file is the first of its part, or has none: each part counts once."""
    before = aliased(BatchItem)
    return ~exists().where(
        col(before.job_id) == col(BatchItem.job_id),
        col(before.inspection_id) == col(BatchItem.inspection_id),
        col(before.place) < col(BatchItem.place),
    )


def _narrow(query: Any, job_id: int, wanted: RowFilter, *, with_types: bool = True) -> Any:
    narrowed = query.select_from(BatchItem).outerjoin(Inspection, col(Inspection.id) == col(BatchItem.inspection_id))
    if with_types:
        # The type that a person confirmed, else the suggested one.
        type_id = case(
            (col(Inspection.confirmed_at).is_not(None), col(Inspection.final_defect_type_id)),
            else_=col(Inspection.suggested_defect_type_id),
        )
        narrowed = narrowed.outerjoin(DefectType, col(DefectType.id) == type_id)
    narrowed = narrowed.where(col(BatchItem.job_id) == job_id, _is_first())
    if wanted.kind in (FAILED, WAITING):
        narrowed = narrowed.where(col(BatchItem.state) == wanted.kind)
    elif wanted.kind == CHANGED and wanted.thresholds is not None:
        under = _under(wanted.thresholds)
        narrowed = narrowed.where(col(BatchItem.state) == "done", under != col(Inspection.verdict))
    elif wanted.kind in VERDICTS:
        verdict = col(Inspection.final_verdict) if wanted.thresholds is None else _under(wanted.thresholds)
        narrowed = narrowed.where(col(BatchItem.state) == "done", verdict == wanted.kind)
    if wanted.name.strip():
        part = wanted.name.strip().lower()
        own = func.lower(col(BatchItem.name)).contains(part, autoescape=True)
        other = aliased(BatchItem)
        of_part = exists().where(
            col(other.job_id) == col(BatchItem.job_id),
            col(other.inspection_id) == col(BatchItem.inspection_id),
            func.lower(col(other.name)).contains(part, autoescape=True),
        )
        narrowed = narrowed.where(own | of_part)
    return narrowed


def _under(thresholds: Thresholds) -> ColumnElement[str]:
    score = col(Inspection.score)
    held = (col(Inspection.verdict) == "review") & (score < col(Inspection.review_at))
    return case(
        (score >= thresholds.reject_at, "reject"),
        ((score < thresholds.review_at) & ~held, "ok"),
        else_="review",
    )


def _order(wanted: RowFilter) -> list[Any]:
    place, score = col(BatchItem.place), col(Inspection.score)
    # What has no score comes last, whichever way: the databases disagree on where NULL belongs.
    scored = case((col(Inspection.id).is_(None), 1), else_=0)
    orders: dict[str, list[Any]] = {
        "place": [place],
        "highest": [scored, score.desc(), place],
        "lowest": [scored, score, place],
        "name": [col(BatchItem.name), place],
    }
    return orders[wanted.order]


def _row(
    item: BatchItem, inspection: Inspection | None, defect_type: DefectType | None, files: Sequence[BatchItem]
) -> BatchRow:
    failed = next((one for one in [item, *files] if one.error_code), item)
    stored = StoredError.from_json(failed.error_code, failed.error_params)
    error = stored.to_app_error() if stored is not None else None
    if inspection is None:
        return BatchRow(item.place, item.name, item.state, error, names=(item.name,))
    return BatchRow(
        place=item.place,
        name=item.name,
        state=item.state,
        error=error,
        inspection_id=inspection.id,
        verdict=inspection.final_verdict,
        model_verdict=inspection.verdict,
        score=inspection.score,
        review_at=inspection.review_at,
        reject_at=inspection.reject_at,
        version_id=inspection.memory_bank_version_id,
        defect_type=DefectTypeName.from_row(defect_type) if defect_type is not None else None,
        is_confirmed=inspection.confirmed_at is not None,
        serial=inspection.serial,
        created_at=inspection.created_at,
        thumbnail_key=inspection.thumbnail_key,
        image_key=inspection.image_key,
        names=tuple(one.name for one in files),
    )
