"""A model that names types by a second look is asked for it where there is a defect to name, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from core.inspections.examination import examine_group, find_judges
from core.services import Services
from inference.vision.detection.detector import Detector
from inference.vision.images.decode import decode
from storage.tables import Product
from tests.toy_models import ToyDetection, ToyDetector
from tests.unit.core.inspections.conftest import GOOD, SCRATCH, SPOT


class _ClosingIn(ToyDetector):
    """Notes the scores of the images that it looked at twice, and says so in the nearest key."""

    def __init__(self) -> None:
        super().__init__("image:1")
        self.scores: list[float] = []

    def look_closer(self, image: Any, detection: ToyDetection) -> ToyDetection:
        assert image.ndim == 3
        self.scores.append(detection.score)
        return replace(detection, nearest_key="image:2")


def test_defects_alone_are_looked_at_closer_and_replays_of_scores_look_at_none(
    toy_services: Services, product: Product
) -> None:
    judges = find_judges(toy_services, product.id)
    model = _ClosingIn()
    judges = replace(judges, model=cast("Detector", model))
    images = [decode(data) for data in (GOOD, SPOT, SCRATCH)]
    good, *bad = examine_group(toy_services, judges, images)
    assert good.verdict == "ok"
    assert good.detection.nearest_key == "image:1"
    assert all(one.verdict != "ok" and one.detection.nearest_key == "image:2" for one in bad)
    assert model.scores == [one.detection.score for one in bad]
    alone = examine_group(toy_services, replace(judges, indexes={}), images)
    assert len(model.scores) == 2
    assert [one.verdict for one in alone] == [one.verdict for one in (good, *bad)]
