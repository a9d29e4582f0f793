"""The restore drill: what was deployed inspects the same after it was backed up, lost and restored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.accounts.people import open_person
from core.backups.backing_up import back_up
from core.backups.drilling import run_drill
from core.backups.restoring import restore_backup
from core.catalog.products import find_product
from core.inspections import inspection
from core.operations.health import check
from core.services import Services, build_services
from core.settings import S3Settings, Settings
from tests.faults.deployed_state import REFERENCE_PART
from tests.plates import copy_data, encode, folder_settings, plate, seed_of
from tests.services.servers import S3Server

_PARTS = {
    "reference.png": REFERENCE_PART,
    "good.png": encode(plate(seed_of("test", "good", 71))),
    "spot.png": encode(plate(seed_of("test", "spot", 72), "spot")),
}


def _verdicts(services: Services) -> list[tuple[str, float, float, float, bytes]]:
    """Return verdict, score, both thresholds and the map of each part, as the version in use gives them."""
    product_id = find_product(services, "plate").id
    found = []
    for name, data in _PARTS.items():
        one = inspection.examine(services, product_id=product_id, data=data, file_name=name)
        found.append(
            (one.verdict, one.detection.score, one.threshold.review_at, one.threshold.reject_at,
             one.detection.anomaly_map.tobytes())
        )  # fmt: skip
    return found


def _target(request: pytest.FixtureRequest, folder: Path, database: str, store: str) -> Settings:
    settings = replace(folder_settings(folder), backup_key="a key for the drill")
    if database != "sqlite":
        settings = replace(settings, database_url=request.getfixturevalue(f"{database}_url"))
    if store == "s3":
        server: S3Server = request.getfixturevalue("empty_s3_server")
        s3 = S3Settings(server.endpoint, S3Server.bucket, "kr-standard", S3Server.access_key, S3Server.secret_key)
        settings = replace(settings, object_store="s3", s3=s3)
    return settings


@pytest.mark.parametrize(
    ("database", "store"),
    [
        ("sqlite", "local"),
        pytest.param("postgresql", "s3", marks=pytest.mark.full),
        pytest.param("mariadb", "local", marks=pytest.mark.full),
    ],
)
def test_the_same_parts_get_the_same_scores_thresholds_and_verdicts(
    request: pytest.FixtureRequest, tiny_template: Path, tmp_path: Path, database: str, store: str
) -> None:
    source = replace(folder_settings(copy_data(tiny_template, tmp_path / "source")), backup_key="a key for the drill")
    services = build_services(source)
    before = _verdicts(services)
    (tmp_path / "backups").mkdir()
    made = back_up(services, open_person(services, "admin"), tmp_path / "backups").made
    if database == "sqlite":
        drill = run_drill(services, made.path)
        assert drill.error is None
        assert (drill.models, drill.objects) == (1, made.manifest.objects)
    services.database.dispose()
    settings = _target(request, tmp_path / "target", database, store)
    restore_backup(settings, made.path, settings.backup_key)
    again = build_services(settings)
    try:
        assert _verdicts(again) == before
        assert [(one.name, one.code) for one in check(again) if not one.ok] == []
    finally:
        again.database.dispose()
