"""What a build takes is said before it starts, and one that cannot fit is refused with the figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.__main__ import main
from core.accounts.people import open_person
from core.deployments import capacity, estimates, pipeline
from core.deployments.capacity import DISK_RESERVE_BYTES, GIB, Capacity, measure_capacity, refuse_too_large
from core.deployments.costs import cost_of_model
from core.deployments.kinds.registry import find_steps
from core.jobs import views
from core.models.kinds import MEMORY_BANK
from core.models.options import DETECTION, default_option, list_options
from core.registry.versions import list_versions
from core.services import Services
from core.settings import Settings
from storage.tables import Job, Product
from tests.plates import submit_and_claim

BANK = MEMORY_BANK


def _proc(folder: Path, *, available_kib: int, group: str) -> Path:
    (folder / "self").mkdir(parents=True)
    (folder / "meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable: {available_kib} kB\n")
    (folder / "self" / "cgroup").write_text(group)
    return folder


def _write(folder: Path, **files: int | str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name.replace("__", ".")).write_text(f"{value}\n")


def test_memory_is_what_the_narrowest_group_leaves(settings: Settings, tmp_path: Path) -> None:
    proc = _proc(tmp_path / "proc", available_kib=8 * 1024 * 1024, group="0::/app/worker\n")
    groups = tmp_path / "groups"
    _write(groups / "app" / "worker", memory__max="max", memory__current=GIB)
    _write(groups / "app", memory__max=4 * GIB, memory__current=3 * GIB, memory__stat=f"inactive_file {GIB}")
    found = measure_capacity(settings, proc=proc, groups=groups)
    assert (found.memory_bytes, found.memory_limit_bytes) == (2 * GIB, 4 * GIB)
    assert found.disk_bytes > 0


def test_older_control_groups_and_none_at_all_are_read_too(settings: Settings, tmp_path: Path) -> None:
    proc = _proc(tmp_path / "old", available_kib=8 * 1024 * 1024, group="4:memory:/not/seen/here\n1:cpu:/\n")
    groups = tmp_path / "groups"
    _write(groups / "memory", memory__limit_in_bytes=3 * GIB, memory__usage_in_bytes=GIB)
    assert measure_capacity(settings, proc=proc, groups=groups).memory_bytes == 2 * GIB
    _write(groups / "memory", memory__limit_in_bytes=2**63 - 4096)
    without_limit = measure_capacity(settings, proc=proc, groups=groups)
    assert (without_limit.memory_bytes, without_limit.memory_limit_bytes) == (8 * GIB, None)
    nothing = measure_capacity(settings, proc=tmp_path / "none", groups=tmp_path / "none")
    assert (nothing.memory_bytes, nothing.memory_limit_bytes) == (None, None)


@pytest.mark.parametrize(
    ("free", "limit", "disk", "code"),
    [
        (3 * GIB, None, 9 * GIB, None),
        (None, None, 9 * GIB, None),
        (GIB, None, 9 * GIB, "memory_too_small"),
        (GIB, 8 * GIB, 9 * GIB, "memory_too_small"),
        (GIB, int(1.5 * GIB), 9 * GIB, "memory_limit_too_low"),
        (3 * GIB, None, GIB + DISK_RESERVE_BYTES - 1, "disk_too_small"),
    ],
)
def test_a_refusal_names_what_is_short_and_what_to_do(
    free: int | None, limit: int | None, disk: int, code: str | None, tmp_path: Path
) -> None:
    found = refuse_too_large(Capacity(free, limit, disk), memory_bytes=2 * GIB, disk_bytes=GIB, folder=tmp_path)
    assert (found.code if found else None) == code
    if found is not None:
        assert any(figure in str(found) for figure in ("2.00", "1.28"))


def test_every_model_costs_more_than_the_standard_where_it_is_larger() -> None:
    standard = find_steps(BANK).cost
    default = default_option(DETECTION)
    assert default.network is not None
    base = cost_of_model(standard, default, {})
    # The standard's figures are those of the size that the network was trained with.
    own_size = {"input_size_px": default.network.input_size_px}
    at_own_size = cost_of_model(standard, default, own_size)
    assert at_own_size == replace(standard, bundle_bytes=base.bundle_bytes)
    on_networks = [option for option in list_options(DETECTION) if option.network is not None]
    for option in on_networks:
        assert option.network is not None
        cost = cost_of_model(standard, option, {"input_size_px": option.network.input_size_px})
        assert cost.image_s >= at_own_size.image_s, option.name
        assert cost.base_bytes >= at_own_size.base_bytes, option.name
        assert cost.image_bytes >= at_own_size.image_bytes, option.name
    larger = cost_of_model(standard, default, {"input_size_px": 2 * default.input_size_px, "max_bank_size": 8192})
    assert larger.image_s == pytest.approx(4 * base.image_s)
    assert larger.image_bytes == 4 * base.image_bytes
    assert larger.bundle_bytes > base.bundle_bytes


def test_estimates_follow_the_pace_of_earlier_builds(plate_services: Services, plate_product: Product) -> None:
    product_id = plate_product.id
    job_id = views.list_jobs(plate_services, kind=BANK)[0].id

    def seconds_at(pace: float) -> float:
        with plate_services.database.unit_of_work() as session:
            job = session.get(Job, job_id)
            assert job is not None
            (outcome,) = job.result["outcomes"]
            # What the build itself has noted, at this pace.
            assert outcome["work_s"] > 0
            assert outcome["cost_s"] == pytest.approx(estimates.product_cost_s(session, BANK, product_id), abs=0.01)
            job.result = {"outcomes": [{**outcome, "work_s": pace * outcome["cost_s"]}]}
            session.add(job)
            session.commit()
        return estimates.estimate(plate_services, BANK, [product_id]).seconds - estimates.START_S

    assert seconds_at(8.0) == pytest.approx(4 * seconds_at(2.0))
    assert seconds_at(1e9) <= 50 * seconds_at(1.0)


def test_a_build_that_does_not_fit_fails_by_name_and_leaves_the_active_version(
    plate_services: Services, plate_product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimates, "measure_capacity", lambda _settings: Capacity(GIB // 8, None, 99 * GIB))
    job_id, claim = submit_and_claim(plate_services, open_person(plate_services, "engineer"), BANK, plate_product.id)
    error = pipeline.work_off(plate_services, claim)
    assert error is not None
    assert error.code == "memory_too_small"
    (outcome,) = views.view(plate_services, job_id).outcomes
    assert outcome.outcome == "failed"
    assert outcome.error is not None
    assert outcome.error.code == "memory_too_small"
    assert len(list_versions(plate_services, BANK, plate_product.id)) == 1


def test_the_command_line_refuses_before_the_start(
    plate_services: Services,
    plate_product: Product,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(plate_services.settings.data_dir))
    monkeypatch.setattr(estimates, "measure_capacity", lambda _settings: Capacity(99 * GIB, None, capacity.GIB // 10))
    n_jobs = len(views.list_jobs(plate_services))
    assert main(["deploy", "memory-bank", "--product", "plate"]) == 1
    told = capsys.readouterr()
    answer = json.loads(told.out.splitlines()[-1])
    assert answer["error"]["code"] == "disk_too_small"
    assert "0.10 GiB" in answer["error"]["message"]
    assert len(views.list_jobs(plate_services)) == n_jobs
