"""What one of several processes does to a database at once, and what it was told had been kept."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from pydantic import BaseModel

from core.access import Person
from core.accounts.back_off import keep_failure, login_limits
from core.accounts.people import open_person
from core.api.context import Context
from core.api.repeats import answer_once
from core.audit import record
from core.catalog.products import get_product, update_product
from core.errors import AppError, Conflict
from core.history.review_queue import confirm_all
from core.images.edits import relabel_images
from core.inspections.decisions import close_action, confirm_defect_type, override_verdict
from core.jobs import claims, queue
from core.registry.thresholds import find_threshold, save_thresholds
from core.services import Services, build_services
from core.settings import read_settings
from core.transactions import reading, writing
from storage.tables import Image, Inspection, utc_now
from tests.history_rows import add_rows

# What a person is told who was too late, and may be told in a load like this: never of a deadlock.
LATE = {"stale_save", "thresholds_changed", "review_not_waiting", "action_not_needed", "image_changed"}
KEYS = 40
# Whose password all of them guess.
GUESSED = "someone"
# So many things each process does at least.
LEAST = 60
# On a busy machine a shorter lease runs out, and the job is rightly taken by another.
LEASE_S = 600.0


@dataclass(frozen=True)
class World:
    """The rows that all processes work on."""

    variables: dict[str, str]
    product_ids: tuple[int, ...]
    version_ids: tuple[int, ...]
    inspection_ids: tuple[int, ...]
    image_ids: tuple[int, ...]
    key_id: int
    seconds: float


@dataclass
class Kept:
    """What one process was told: how often each thing was kept, what it was refused for, and what else went wrong."""

    done: Counter[str] = field(default_factory=Counter)
    edits: Counter[tuple[str, int]] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)
    longest_s: float = 0.0


class Answer(BaseModel):
    """What a request made."""

    number: int


def work(world: World, seed: int, ready: Any, outcomes: Any) -> None:
    """Work until the time is over, and tell the parent what was kept."""
    services = build_services(read_settings(world.variables))
    loader = Loader(services, world, seed)
    try:
        ready.wait(900)
        loader.run()
    finally:
        services.database.dispose()
        outcomes.put(loader.kept)


class Loader:
    """One process's work: things drawn by chance, each a use case that people, the API or workers use."""

    def __init__(self, services: Services, world: World, seed: int) -> None:
        self._services, self._world, self._dice = services, world, random.Random(seed)
        self._engineer: Person = open_person(services, "engineer")
        self.kept = Kept()

    def run(self) -> None:
        """Do one thing after the other until the time is over, and no fewer than `LEAST`."""
        actions: list[tuple[int, Callable[[], None]]] = [
            (6, self.inspect), (6, self.override), (3, self.confirm_type), (3, self.close), (2, self.confirm),
            (2, self.change_thresholds), (2, self.edit_product), (4, self.work_off), (3, self.answer),
            (2, self.relabel), (1, self.submit), (2, self.fail_to_sign_in),
        ]  # fmt: skip
        weights, doing = zip(*actions, strict=True)
        end_s, count = time.monotonic() + self._world.seconds, 0
        # On a busy machine the time alone would prove nothing.
        while time.monotonic() < end_s or count < LEAST:
            count += 1
            action = self._dice.choices(doing, weights)[0]
            began_s = time.monotonic()
            try:
                action()
            except Conflict as conflict:
                if conflict.code not in LATE:
                    self.kept.problems.append(f"{action.__name__}: {conflict.code} {conflict.params}")
                self.kept.late[conflict.code] += 1
            except AppError as error:
                self.kept.problems.append(f"{action.__name__}: {error.code} {error.params}")
            self.kept.longest_s = max(self.kept.longest_s, time.monotonic() - began_s)

    def fail_to_sign_in(self) -> None:
        keep_failure(
            self._services, login_limits(GUESSED, "10.0.0.9", None),
            action="user.sign_in_failed", address="10.0.0.9", login=GUESSED,
        )  # fmt: skip
        self.kept.done["failures"] += 1

    def _seen(self) -> Inspection:
        # Few of them, so that several meet at one.
        chosen = self._dice.choice(self._world.inspection_ids[:12])
        with reading(self._services) as session:
            row = session.get(Inspection, chosen)
        assert row is not None
        return row

    def _note(self, what: str, row_id: int) -> None:
        self.kept.done[what] += 1
        self.kept.edits[what, row_id] += 1

    def inspect(self) -> None:
        """Store some inspections with their counts."""
        product = get_product(self._services, self._dice.choice(self._world.product_ids))
        verdict = self._dice.choice(("ok", "review", "reject"))
        moment = utc_now() - timedelta(hours=self._dice.randrange(4))
        ids = add_rows(
            self._services, self._engineer, product, 3, verdict=verdict, final_verdict=verdict, created_at=moment,
            line=self._dice.choice(("L1", "L2")), review_state="waiting" if verdict == "review" else "none",
        )  # fmt: skip
        self.kept.done["inspections"] += len(ids)

    def override(self) -> None:
        """Overrule a verdict."""
        row = self._seen()
        verdict = self._dice.choice([one for one in ("ok", "review", "reject") if one != row.final_verdict])
        override_verdict(
            self._services, self._engineer, row.id, row_version=row.row_version, verdict=verdict, reason="load"
        )
        self._note("inspection", row.id)

    def confirm_type(self) -> None:
        """Say that it is none of the known types."""
        row = self._seen()
        confirm_defect_type(self._services, self._engineer, row.id, row_version=row.row_version, defect_type_id=None)
        self._note("inspection", row.id)

    def close(self) -> None:
        """Close a corrective action."""
        row = self._seen()
        close_action(self._services, self._engineer, row.id, row_version=row.row_version, status="done", note="load")
        self._note("inspection", row.id)

    def confirm(self) -> None:
        """Confirm several waiting ones at once, in no order."""
        seen = {row.id: row.row_version for row in (self._seen() for _ in range(5))}
        confirmed = confirm_all(self._services, self._engineer, seen)
        for one in confirmed.ids:
            self._note("inspection", one)
        for problem in confirmed.problems.values():
            self.kept.late[problem.code] += 1

    def change_thresholds(self) -> None:
        """Put other thresholds in force."""
        version_id = self._dice.choice(self._world.version_ids)
        seen = find_threshold(self._services, version_id)
        low = self._dice.uniform(10, 20)
        save_thresholds(self._services, self._engineer, version_id, low, low + 5, reason="load", seen_id=seen.id)
        self._note("thresholds", version_id)

    def edit_product(self) -> None:
        """Change a product's description."""
        product = get_product(self._services, self._dice.choice(self._world.product_ids))
        update_product(
            self._services, self._engineer, product.id, row_version=product.row_version, name=product.name,
            description=f"{self._dice.random()}",
        )  # fmt: skip
        self._note("product", product.id)

    def relabel(self) -> None:
        """Change the split of several images."""
        ids = self._dice.sample(self._world.image_ids, 4)
        with reading(self._services) as session:
            rows = [session.get(Image, one) for one in ids]
        seen = {row.id: row.row_version for row in rows if row is not None}
        wanted = self._dice.choice(("train", "test"))
        self.kept.done["relabeled"] += relabel_images(
            self._services, self._engineer, ids, split=wanted, row_versions=seen
        )

    def submit(self) -> None:
        """Ask for a job of which one may wait."""
        try:
            queue.submit(
                self._services, self._engineer, kind="memory_bank",
                product_ids=[self._dice.choice(self._world.product_ids)],
            )  # fmt: skip
        except Conflict as conflict:
            if conflict.code != "job_already_waiting":
                raise
        else:
            self.kept.done["jobs"] += 1

    def work_off(self) -> None:
        """Claim a job, report on it and end it."""
        claim = claims.claim_next(self._services, "load", lease_s=LEASE_S)
        if claim is None:
            return
        self.kept.jobs.append(claim.job_id)
        for number in range(3):
            claims.renew_lease(self._services, claim, lease_s=LEASE_S)
            claims.report(self._services, claim, done=number, total=3)
            claims.append_log(self._services, claim, "stage", number=number)
        assert claims.finish(self._services, claim, state="succeeded")
        self.kept.done["finished"] += 1

    def answer(self) -> None:
        """Send a request that others send too, with one idempotency key."""
        key = f"k{self._dice.randrange(KEYS)}"

        def make() -> Answer:
            with writing(self._services) as session:
                row = record(session, self._engineer, "load.answer", "key", None, key=key)
                session.commit()
                number = row.id
            self.kept.done["answers"] += 1
            return Answer(number=number)

        context = cast(
            "Context",
            SimpleNamespace(services=self._services, caller=SimpleNamespace(key_id=self._world.key_id), path="/load"),
        )
        try:
            answer_once(context, key, {"key": key}, make)
        except Conflict as conflict:
            if conflict.code != "idempotency_in_progress":
                raise
