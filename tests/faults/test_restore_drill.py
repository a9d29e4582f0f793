"""The restore drill: what was deployed inspects the same after it was backed up, lost and restored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.accounts.people import open_person
from core.backups.backing_up import back_up
from core.backups.drilling import run_drill
from core.backups.restoring import restore_backup
from core.operations.health import check
from core.services import build_services
from tests.plates import copy_data, folder_settings
from tests.restored_verdicts import give_verdicts

KEY = "a key for the drill"


def test_the_same_parts_get_the_same_scores_thresholds_and_verdicts(tiny_template: Path, tmp_path: Path) -> None:
    source = replace(folder_settings(copy_data(tiny_template, tmp_path / "source")), backup_key=KEY)
    services = build_services(source)
    before = give_verdicts(services)
    assert {said[0] for said in before} >= {"ok"}
    (tmp_path / "backups").mkdir()
    made = back_up(services, open_person(services, "admin"), tmp_path / "backups").made
    drill = run_drill(services, made.path)
    assert drill.error is None
    assert (drill.models, drill.objects) == (1, made.manifest.objects)
    services.database.dispose()
    settings = folder_settings(tmp_path / "target")
    restore_backup(settings, made.path, KEY)
    again = build_services(settings)
    try:
        assert give_verdicts(again) == before
        assert [(one.name, one.code) for one in check(again) if not one.ok] == []
    finally:
        again.database.dispose()
