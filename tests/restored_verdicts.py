"""What a deployed product says of the same parts, to the last bit: before its system was lost and after."""

from __future__ import annotations

from core.catalog.products import find_product
from core.inspections import inspection
from core.services import Services
from tests.plates import encode, plate, seed_of

PARTS = {
    "good.png": encode(plate(seed_of("test", "good", 71))),
    "spot.png": encode(plate(seed_of("test", "spot", 72), "spot")),
}
Said = tuple[str, float, float, float, bytes]


def give_verdicts(services: Services) -> list[Said]:
    """Return verdict, score, both thresholds and the anomaly map of each part, with the version in use."""
    product_id = find_product(services, "plate").id
    found: list[Said] = []
    for name, data in PARTS.items():
        one = inspection.examine(services, product_id=product_id, data=data, file_name=name)
        limits, seen = one.judges.threshold, one.detection
        found.append((one.verdict, seen.score, limits.review_at, limits.reject_at, seen.anomaly_map.tobytes()))
    return found
