"""`move-objects` on real servers: from the folder to a bucket and back, killed in the midst, refused where it must."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from sqlmodel import select

from core import identity
from core.access import Person
from core.accounts.people import command_line_person, open_person
from core.catalog import products
from core.errors import AppError
from core.images import records, uploads
from core.jobs import heartbeats
from core.operations.repair import repair
from core.operations.stored_objects import find_missing
from core.services import Services, build_services, open_bucket
from core.settings import read_s3_settings
from core.store_moves import moving
from core.store_moves.content_types import content_type_of
from inference.vision.images.encoding import encode_png
from storage.objects import LocalObjects, ObjectStore
from storage.tables import AuditLog
from tests.plates import folder_settings
from tests.services.conftest import open_s3
from tests.services.faulty_proxy import Fault, FaultyProxy, Request
from tests.services.moto_server import MotoServer
from tests.services.servers import S3Server
from tests.stored import stored_keys

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("worker")]
ROOT = Path(__file__).resolve().parents[2]
AnyServer = S3Server | MotoServer


def _bucket(server: AnyServer, endpoint: str | None = None) -> dict[str, str]:
    return {
        "GEOMSA_S3_ENDPOINT": endpoint or server.endpoint,
        "GEOMSA_S3_BUCKET": server.bucket,
        "GEOMSA_S3_ACCESS_KEY": server.access_key,
        "GEOMSA_S3_SECRET_KEY": server.secret_key,
    }


def _environment(services: Services, more: dict[str, str]) -> dict[str, str]:
    own = {"GEOMSA_DATA_DIR": str(services.settings.data_dir), "GEOMSA_DEVICE": "cpu", "GEOMSA_LANGUAGE": "en"}
    return {**os.environ, **own, **more}


def _run(services: Services, more: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "core", "move-objects", *arguments], cwd=ROOT, env=_environment(services, more),
        capture_output=True, text=True, check=False, timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def _tell(_number: int, _progress: object) -> None:
    """Say nothing."""


def _contents(objects: ObjectStore) -> dict[str, bytes]:
    return {info.key: objects.get(info.key) for info in objects.list() if info.key != identity.OBJECT_KEY}


def _fill(services: Services, count: int = 60) -> dict[str, bytes]:
    """Put objects of every folder and size, among them a large one and one in the trash."""
    chance = random.Random(3)
    folders = ("images/normal/1", "inspections/2026/11/27", "thumbnails/1", "trash/20260101/images/normal/1", "한글")
    contents = {
        f"{folders[number % len(folders)]}/{number:03}{chance.choice(('.png', '.jpg', '.json', ''))}":
            chance.randbytes(chance.choice((0, 1, 900, 40_000)))
        for number in range(count)
    }  # fmt: skip
    contents["models/memory_bank/1-1/tensors.safetensors"] = chance.randbytes(17 << 20)
    for key, data in contents.items():
        services.objects.put(key, data)
    return contents


@contextmanager
def _worker_alive(services: Services) -> Iterator[None]:
    """Let a worker's heart beat as long as it takes."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.is_set():
            heartbeats.beat(services, "tests", host="here", pid=1, job_id=None)
            stop.wait(2)

    heartbeats.beat(services, "tests", host="here", pid=1, job_id=None)
    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        heartbeats.remove_heartbeat(services, "tests")


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Services]:
    built = build_services(folder_settings(tmp_path / "data"), migrate=True)
    yield built
    built.database.dispose()


@pytest.fixture
def admin_of(local: Services) -> Person:
    return command_line_person(local)


def _upload(services: Services) -> None:
    engineer = open_person(services, "engineer")
    product = products.create_product(services, engineer, name="x", code="x")
    pictures = [encode_png(np.full((30, 20, 3), shade, np.uint8)) for shade in (10, 90, 200)]
    files = [records.IncomingFile(f"{n}.png", lambda data=data: data) for n, data in enumerate(pictures)]  # type: ignore[misc]
    list(uploads.add_images(services, engineer, product_id=product.id, image_type="normal", files=files))


def test_there_and_back_again_is_the_same_byte_for_byte(local: Services, each_s3_server: AnyServer) -> None:
    """The command is killed twice on the way there; the old folder is refused afterwards, and taken up again."""
    _upload(local)
    _fill(local)
    before = _contents(local.objects)
    bucket = _bucket(each_s3_server)
    with FaultyProxy(each_s3_server.port, _slow) as proxy:
        for stop_at in (30, 60):
            _kill_after(local, _bucket(each_s3_server, proxy.endpoint), proxy, stop_at)
    early = build_services(
        folder_settings(local.settings.data_dir, GEOMSA_OBJECT_STORE="s3", **bucket), verify_store=False
    )
    with pytest.raises(AppError) as refused:
        identity.require_pair(early)
    assert refused.value.code == "store_moving"
    done = _run(local, bucket, "--to", "s3", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["moved"], report["objects"], report["settings"]) == (
        True,
        len(before),
        {"GEOMSA_OBJECT_STORE": "s3"},
    )
    assert 0 < report["copied"] < len(before)
    assert _contents(open_s3(each_s3_server)) == before
    with pytest.raises(AppError) as left:
        identity.require_pair(local)
    assert left.value.code == "store_moved"
    on_s3 = build_services(folder_settings(local.settings.data_dir, GEOMSA_OBJECT_STORE="s3", **bucket))
    assert find_missing(on_s3) == []
    assert not identity.require_pair(on_s3).is_behind
    with on_s3.database.reading() as session:
        actions = [row.action for row in session.exec(select(AuditLog)) if row.action.startswith("store.")]
    assert actions == ["store.move_began"] * 3 + ["store.moved"]
    # Meanwhile one object came and one went; a folder of its own for the way back, then the old one.
    on_s3.objects.put("images/normal/1/new.png", b"new")
    on_s3.objects.delete(
        "한글/004.png" if on_s3.objects.exists("한글/004.png") else next(k for k in before if k.startswith("한글"))
    )
    now = _contents(on_s3.objects)
    back = _run(local, {"GEOMSA_OBJECT_STORE": "s3", **bucket}, "--to", "local")
    assert back.returncode == 0, back.stderr
    assert back.stdout.strip() == "GEOMSA_OBJECT_STORE=local"
    again = build_services(local.settings)
    # What the bucket no longer had is not in a folder of ours, so the old file stays.
    assert {key: data for key, data in _contents(again.objects).items() if key in now} == now
    assert set(_contents(again.objects)) - set(now) <= set(before)
    assert find_missing(again) == []
    for services in (early, on_s3, again):
        services.database.dispose()


def _slow(request: Request) -> Fault | None:
    time.sleep(0.02)
    return None


def _kill_after(services: Services, more: dict[str, str], proxy: FaultyProxy, requests: int) -> None:
    before = proxy.done["passed"]
    with subprocess.Popen(
        [sys.executable, "-m", "core", "move-objects", "--to", "s3"], cwd=ROOT, env=_environment(services, more),
        stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        deadline_s = time.monotonic() + 120
        while proxy.done["passed"] < before + requests and process.poll() is None and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert process.poll() is None, "it was done before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_bucket_is_given_the_types_that_an_upload_gives(local: Services, empty_s3_server: S3Server) -> None:
    _upload(local)
    target = open_s3(empty_s3_server)
    done = moving.move_objects(local, command_line_person(local), target, tell=_tell)
    assert done.switched
    import boto3

    client = boto3.client(
        "s3", endpoint_url=empty_s3_server.endpoint, aws_access_key_id=empty_s3_server.access_key,
        aws_secret_access_key=empty_s3_server.secret_key, region_name="kr",
    )  # fmt: skip
    kinds = {
        key: client.head_object(Bucket=empty_s3_server.bucket, Key=key)["ContentType"] for key in stored_keys(local)
    }
    assert len(kinds) == 6
    assert {kind for key, kind in kinds.items() if key.startswith("images/")} == {"image/png"}
    assert {kind for key, kind in kinds.items() if key.startswith("thumbnails/")} == {"image/jpeg"}
    assert content_type_of("manuals/1/a.PDF") == "application/pdf"


def test_the_store_changes_only_once_no_worker_is_alive_and_nothing_that_came_is_left(
    local: Services, admin_of: Person, empty_s3_server: S3Server
) -> None:
    _fill(local, 20)
    target = open_s3(empty_s3_server)
    stop = threading.Event()
    put: list[str] = []

    def work() -> None:
        while not stop.is_set():
            key = f"images/normal/2/{len(put):04}.png"
            local.objects.put(key, key.encode())
            put.append(key)
            if len(put) % 3 == 0:
                local.objects.delete(put[-2])
            time.sleep(0.01)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        with _worker_alive(local):
            waiting = moving.move_objects(local, admin_of, target, tell=_tell)
    finally:
        stop.set()
        worker.join()
    assert (waiting.switched, waiting.workers) == (False, 1)
    assert not identity.require_pair(local).is_behind
    done = moving.move_objects(local, admin_of, target, tell=_tell)
    assert done.switched
    assert {key for key in _contents(target) if not key.startswith("trash/")} == {
        key for key in _contents(local.objects) if not key.startswith("trash/")
    }
    # A process that was not stopped puts something into the old store: the command, given again, takes it too.
    local.objects.put("images/normal/2/late.png", b"late")
    target.put("images/normal/2/0000.png", b"newer")
    late = moving.move_objects(local, admin_of, target, tell=_tell)
    assert (late.switched, late.copied) == (True, 1)
    assert (target.get("images/normal/2/late.png"), target.get("images/normal/2/0000.png")) == (b"late", b"newer")


def test_what_differs_is_found_and_mended(local: Services, admin_of: Person, empty_s3_server: S3Server) -> None:
    contents = _fill(local, 12)
    keys = sorted(key for key, data in contents.items() if len(data) > 1)
    target = open_s3(empty_s3_server)
    with _worker_alive(local):
        moving.move_objects(local, admin_of, target, tell=_tell)
    target.put(keys[0], contents[keys[0]][::-1])  # as long as the right one
    target.delete(keys[1])
    target.put("images/normal/1/extra.png", b"extra")
    found = _run(local, _bucket(empty_s3_server), "--to", "s3", "--check", "--json")
    assert found.returncode == 1, found.stderr
    report = json.loads(found.stdout)
    assert (report["different"], report["missing"], report["extra"]) == (
        [keys[0]], [keys[1]], ["images/normal/1/extra.png"],
    )  # fmt: skip
    done = moving.move_objects(local, admin_of, target, tell=_tell)
    assert (done.copied, done.removed) == (2, 1)
    lying = _contents(target)
    (trashed,) = set(lying) - set(contents)
    assert trashed.endswith("images/normal/1/extra.png")
    assert {key: lying[key] for key in contents} == contents


def test_a_place_that_is_another_s_is_refused_and_left_as_it_was(
    local: Services, admin_of: Person, empty_s3_server: S3Server, tmp_path: Path
) -> None:
    _fill(local, 5)
    target = open_s3(empty_s3_server)

    def refused(store: ObjectStore) -> str:
        with pytest.raises(AppError) as error:
            moving.move_objects(local, admin_of, store, tell=_tell)
        assert error.value.sentence("ko") != error.value.sentence("en")
        return error.value.code

    target.put("somebody/s.txt", b"1")
    assert refused(target) == "move_target_not_empty"
    identity.put_mark(target, identity.Mark("another", 3))
    assert refused(target) == "move_target_foreign"
    assert set(_contents(target)) == {"somebody/s.txt"}
    assert refused(LocalObjects(local.settings.objects_folder)) == "move_same_store"
    with FileLock(local.settings.data_dir / "move-objects.lock"):
        assert refused(target) == "move_running"
    with pytest.raises(AppError) as denied:
        moving.move_objects(local, open_person(local, "engineer"), target, tell=_tell)
    assert denied.value.code == "role_too_low"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"GEOMSA_S3_SECRET_KEY": "Wrong-Secret"}, "refused the access key"),
        ({"GEOMSA_S3_BUCKET": "nobody"}, "refused the access key or the bucket"),
        ({"GEOMSA_S3_ENDPOINT": "http://127.0.0.1:9"}, "does not answer"),
    ],
)
def test_a_store_that_cannot_be_used_is_told_by_its_name(
    local: Services, empty_s3_server: S3Server, wrong: dict[str, str], words: str
) -> None:
    done = _run(local, {**_bucket(empty_s3_server), **wrong}, "--to", "s3")
    assert done.returncode == 1
    assert words in done.stderr
    assert "http://127.0.0.1" in done.stderr
    assert "Wrong-Secret" not in done.stderr
    assert not identity.require_pair(local).is_behind


def test_a_store_that_fills_up_on_the_way_stops_the_move_and_the_next_one_goes_on(
    local: Services, admin_of: Person, empty_s3_server: S3Server
) -> None:
    contents = _fill(local, 30)
    full = [False]

    def choose(request: Request) -> Fault | None:
        full[0] = full[0] or request.number > 50
        return Fault("error", 507, "QuotaExceeded") if full[0] and request.method == "PUT" else None

    with FaultyProxy(empty_s3_server.port, choose) as proxy:
        target = open_s3(empty_s3_server, endpoint=proxy.endpoint)
        with pytest.raises(AppError) as error:
            moving.move_objects(local, admin_of, target, tell=_tell)
        assert error.value.code == "move_target_failed"
        assert "no space left" in error.value.sentence("en")
        assert not identity.require_pair(local).is_behind
        choices: list[Fault] = [Fault("drop_after"), Fault("flip"), Fault("error", 503, "SlowDown"), Fault("cut")]
        chance = random.Random(5)
        proxy.choose = lambda request: (
            chance.choice(choices)
            if request.number % 7 == 0 and not request.query and request.method == "GET"
            else None
        )
        done = moving.move_objects(local, admin_of, target, tell=_tell)
    assert done.switched
    assert _contents(open_s3(empty_s3_server)) == contents


def test_repair_is_the_same_after_the_move(local: Services, admin_of: Person, empty_s3_server: S3Server) -> None:
    _upload(local)
    moving.move_objects(local, admin_of, open_s3(empty_s3_server), tell=_tell)
    on_s3 = build_services(
        folder_settings(local.settings.data_dir, GEOMSA_OBJECT_STORE="s3", **_bucket(empty_s3_server))
    )
    thumbnail = next(key for key in stored_keys(on_s3) if key.startswith("thumbnails/"))
    before = on_s3.objects.get(thumbnail)
    on_s3.objects.delete(thumbnail)
    done: Any = repair(on_s3, command_line_person(on_s3), ask=lambda _count, _total: False)
    assert (done.remade, done.missing) == ([thumbnail], [])
    assert on_s3.objects.get(thumbnail) == before
    assert open_bucket(read_s3_settings(_bucket(empty_s3_server))).exists(thumbnail)
    on_s3.database.dispose()
