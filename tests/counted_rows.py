"""Random inspections of a small plant, and the counts that pandas makes of them: what every figure is compared with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd

from core.analytics.groups import Counts
from core.analytics.scope import Scope
from core.rollups.calendar import KEY, PlantCalendar, Shift
from storage.database import Database
from storage.tables import DefectType, Inspection, ModelVersion, Product, SystemConfig, ThresholdSetting

VERDICTS = ("ok", "review", "reject")
LINES, LOTS, SHIFTS = ("", "L1", "l1"), ("", "A-1", "a-1", "B"), ("", "", "Day")


@dataclass(frozen=True)
class Plant:
    """What inspections refer to: ids of products, of their memory banks and thresholds, and of their defect types."""

    products: tuple[int, ...]
    versions: tuple[int, ...]
    thresholds: tuple[int, ...]
    types: tuple[tuple[int, ...], ...]


def add_plant(database: Database, *, products: int = 2) -> Plant:
    """Add products with a memory bank and two defect types each."""
    with database.unit_of_work() as session:
        made = [Product(code=f"p{number}", name=f"Product {number}") for number in range(products)]
        session.add_all(made)
        session.flush()
        versions = [
            ModelVersion(
                kind="memory_bank", scope=f"product:{one.id}", product_id=one.id, number=1, model_name="m",
                object_prefix="p", manifest_sha256="0", fingerprint="0",
            )
            for one in made
        ]  # fmt: skip
        types = [
            [DefectType(product_id=one.id, code=f"t{number}", name_ko="유형") for number in range(2)] for one in made
        ]
        session.add_all([*versions, *(kind for kinds in types for kind in kinds)])
        session.flush()
        thresholds = [
            ThresholdSetting(model_version_id=one.id, review_at=20.0, reject_at=25.0, method="manual")
            for one in versions
        ]
        session.add_all(thresholds)
        session.flush()
        plant = Plant(
            tuple(one.id for one in made),
            tuple(one.id for one in versions),
            tuple(one.id for one in thresholds),
            tuple(tuple(kind.id for kind in kinds) for kinds in types),
        )
        session.commit()
    return plant


def set_calendar(database: Database, time_zone: str, *shifts: tuple[str, str]) -> PlantCalendar:
    """Keep a calendar as the plant's; each shift by its name and its beginning."""
    calendar = PlantCalendar(time_zone, tuple(Shift(name, time.fromisoformat(start)) for name, start in shifts))
    with database.unit_of_work() as session:
        session.merge(SystemConfig(key=KEY, value=calendar.to_json()))
        session.commit()
    return calendar


def make_row(plant: Plant, dice: random.Random, moment: datetime) -> Inspection:
    """Return a random inspection of that moment: overridden or not, with types confirmed, suggested and refused."""
    place = dice.randrange(len(plant.products))
    verdict = dice.choice(VERDICTS)
    is_confirmed = dice.random() < 0.4
    return Inspection(
        product_id=plant.products[place],
        created_at=moment,
        source="upload",
        original_name="part.png",
        image_key="inspections/part.png",
        thumbnail_key="inspections/part.png",
        heat_map_key="inspections/part.heat",
        image_sha256="0" * 64,
        width_px=80,
        height_px=60,
        score=dice.uniform(10, 30),
        review_at=20.0,
        reject_at=25.0,
        memory_bank_version_id=plant.versions[place],
        threshold_setting_id=plant.thresholds[place],
        regions=[{"x": 1}] * dice.randrange(4),
        verdict=verdict,
        final_verdict=verdict if dice.random() < 0.7 else dice.choice(VERDICTS),
        suggested_defect_type_id=dice.choice((None, *plant.types[place])),
        final_defect_type_id=dice.choice((None, *plant.types[place])) if is_confirmed else None,
        confirmed_at=moment if is_confirmed else None,
        line=dice.choice(LINES),
        lot=dice.choice(LOTS),
        shift=dice.choice(SHIFTS),
    )


def make_moments(dice: random.Random, days: Sequence[date], count: int) -> list[datetime]:
    """Return random moments (UTC) around some days, a third of them on a full quarter of an hour."""
    moments = []
    for _ in range(count):
        start = datetime.combine(dice.choice(days), time(0), tzinfo=UTC)
        moment = start + timedelta(seconds=dice.uniform(-86_400, 2 * 86_400))
        if dice.random() < 1 / 3:
            moment = moment.replace(minute=dice.choice((0, 15, 30, 45)), second=0, microsecond=0)
        moments.append(moment)
    return moments


_NUMBERS = tuple(field.name for field in fields(Counts))
_PLAIN = ("created_at", "product_id", "line", "lot", "memory_bank_version_id")


class Reference:
    """Counts by pandas, from nothing but the rows, the names of the time zone and the shifts."""

    def __init__(self, rows: Sequence[Inspection], calendar: PlantCalendar) -> None:
        frame = pd.DataFrame([row.model_dump() for row in rows])
        frame["created_at"] = pd.to_datetime(frame["created_at"], utc=True)
        first, last = frame["created_at"].min(), frame["created_at"].max()
        days = pd.date_range((first - pd.Timedelta(days=3)).date(), (last + pd.Timedelta(days=3)).date(), freq="D")
        shifts = calendar.shifts or (Shift("", time(0)),)
        starts = [
            pd.DataFrame({"start": self._moments(days, shift.starts_at, shifts[0], calendar), "day": days,
                          "shift_there": shift.name, "order": number})
            for number, shift in enumerate(shifts)
        ]  # fmt: skip
        sorted_starts = pd.concat(starts).sort_values(["start", "order"])
        sorted_starts["start"] = sorted_starts["start"].astype(frame["created_at"].dtype)
        merged = pd.merge_asof(frame.sort_values("created_at"), sorted_starts, left_on="created_at", right_on="start")
        merged["by_day"] = merged["day"].dt.date
        merged["by_shift"] = merged["shift"].where(merged["shift"] != "", merged["shift_there"])
        suggested = merged["suggested_defect_type_id"].where(merged["confirmed_at"].isna())
        merged["by_type"] = merged["final_defect_type_id"].fillna(suggested).fillna(0).astype(int)
        merged["n"] = 1
        for verdict in VERDICTS:
            merged[verdict] = (merged["final_verdict"] == verdict).astype(int)
        merged["overridden"] = (merged["verdict"] != merged["final_verdict"]).astype(int)
        merged["regions"] = merged["regions"].map(len) * merged["reject"]
        merged["score_sum"] = merged["score"] * merged["ok"]
        merged["score_square_sum"] = merged["score"] ** 2 * merged["ok"]
        merged = merged[[*_NUMBERS, "by_day", "by_shift", "by_type", *_PLAIN]]
        self._rows = merged

    @staticmethod
    def _moments(days: pd.DatetimeIndex, at: time, first: Shift, calendar: PlantCalendar) -> pd.DatetimeIndex:
        later = int(at < first.starts_at)
        wall = days + pd.Timedelta(days=later, hours=at.hour, minutes=at.minute)
        # The first time that clocks show it; where they skip it, the moment at which they skip it.
        local = wall.tz_localize(
            calendar.time_zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward"
        )
        return local.tz_convert("UTC")

    def count(self, scope: Scope, by: str) -> dict[Any, Counts]:
        """Return the counts of the scope by their keys."""
        rows = self._rows[self._rows["by_day"] <= scope.last]
        if scope.first is not None:
            rows = rows[rows["by_day"] >= scope.first]
        for column, wanted in (
            ("product_id", scope.product_id), ("line", scope.line), ("lot", scope.lot), ("by_shift", scope.shift),
            ("by_type", scope.defect_type_id), ("memory_bank_version_id", scope.version_id),
        ):  # fmt: skip
            if wanted is not None:
                rows = rows[rows[column] == wanted]
        day = pd.to_datetime(rows["by_day"])
        keys: dict[str, Any] = {
            "all": pd.Series(0, index=rows.index),
            "hour": rows["created_at"].dt.floor("h"),
            "day": rows["by_day"],
            "week": (day - pd.to_timedelta(day.dt.day_of_week, unit="D")).dt.date,
            "month": day.dt.to_period("M").dt.start_time.dt.date,
            "shift": pd.Series(list(zip(rows["by_day"], rows["by_shift"], strict=True)), rows.index, dtype=object),
            "line": rows["line"],
            "lot": rows["lot"],
            "product": rows["product_id"],
            "type": rows["by_type"],
            "version": rows["memory_bank_version_id"],
        }
        if rows.empty:
            return {}
        sums = rows[list(_NUMBERS)].groupby(keys[by].to_numpy()).sum()
        return {
            self._to_key(by, key): Counts(*(int(one) for one in counts[:-2]), *(float(one) for one in counts[-2:]))
            for key, counts in zip(sums.index, sums.itertuples(index=False), strict=True)
        }

    @staticmethod
    def _to_key(by: str, key: Any) -> Any:
        if by == "hour":
            return pd.Timestamp(key).tz_localize("UTC") if pd.Timestamp(key).tzinfo is None else pd.Timestamp(key)
        if by in {"product", "version", "type"}:
            return int(key) or None
        return None if by == "all" else key


def are_close(mine: Counts, theirs: Counts) -> bool:
    """Return whether two counts are the same, but for the last digits of their sums."""
    return all(
        abs(getattr(mine, field.name) - getattr(theirs, field.name)) <= (1e-6 if "score" in field.name else 0)
        for field in fields(Counts)
    )
