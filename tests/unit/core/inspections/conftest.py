"""The product "plate" with toy models: made once, then copied for each test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import find_product
from core.inspections.inspection import InspectionResult, inspect
from core.inspections.part_details import PartDetails
from core.services import Services
from storage.tables import Product
from tests.plates import encode, plate, seed_of

Inspect = Callable[..., InspectionResult]

GOOD = encode(plate(seed_of("test", "good", 50)))
SPOT = encode(plate(seed_of("test", "spot", 50), "spot"))
SCRATCH = encode(plate(seed_of("test", "scratch", 50), "scratch"))


@pytest.fixture
def product(toy_services: Services) -> Product:
    return find_product(toy_services, "plate")


@pytest.fixture
def person(toy_services: Services) -> Person:
    return open_person(toy_services, "worker")


@pytest.fixture
def inspect_part(toy_services: Services, product: Product, person: Person) -> Inspect:
    """Inspect a plate with a spot, or another file; keyword arguments beyond those of `inspect` are part details."""

    def inspect_one(
        data: bytes = SPOT, file_name: str = "part.png", *, top_k: int = 6, **details: Any
    ) -> InspectionResult:
        return inspect(
            toy_services,
            person,
            product_id=product.id,
            data=data,
            file_name=file_name,
            part=PartDetails(**details),
            top_k=top_k,
        )

    return inspect_one
