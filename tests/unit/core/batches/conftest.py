"""Batches of plates, inspected by toy models in this process as a worker's child would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from core.access import Person
from core.accounts.people import open_person
from core.batches.starting import BatchOrder, start_with_files
from core.batches.working import work_off
from core.catalog.products import find_product
from core.errors import AppError
from core.images.records import IncomingFile
from core.inspections.part_details import PartDetails
from core.jobs import claims
from core.jobs.terms import Claim
from core.services import Services
from storage.tables import Product
from tests.plates import encode, plate, seed_of

KINDS = ("good", "spot", "scratch")


def plate_file(number: int, name: str | None = None) -> IncomingFile:
    """Return plate number `number`: a good one, one with a spot, one with a scratch, and so on."""
    kind = KINDS[number % 3]
    data = encode(plate(seed_of("test", kind, number), kind))
    return IncomingFile(name or f"LINE3_{number:04d}.png", lambda: data)


def bytes_file(name: str, data: bytes) -> IncomingFile:
    return IncomingFile(name, lambda: data)


@dataclass
class Line:
    """What a test of batches works with."""

    services: Services
    product: Product
    person: Person

    def start(self, files: list[IncomingFile], *, serial_rule: str = "", **more: str) -> int:
        details = PartDetails(line="L3", lot="LOT-7", shift="night")
        order = BatchOrder(self.product.id, details, serial_rule=serial_rule, **more)
        return start_with_files(self.services, self.person, order, files)

    def claim(self, *, lease_s: float = 60.0) -> Claim:
        found = claims.claim_next(self.services, "tests", lease_s=lease_s)
        assert found is not None
        return found

    def work_off(self) -> AppError | None:
        """Work the next job off, as the child of a worker does."""
        claim = self.claim()
        error = work_off(self.services, claim, wait=lambda _: None)
        claims.finish(self.services, claim, state="failed" if error else "succeeded", error=error)
        return error


@pytest.fixture
def line(toy_services: Services) -> Line:
    return Line(toy_services, find_product(toy_services, "plate"), open_person(toy_services, "worker"))


@pytest.fixture
def make_files() -> Callable[[int], list[IncomingFile]]:
    return lambda count: [plate_file(number) for number in range(count)]
