"""An S3 server behind a network that refuses, cuts, delays, damages and forgets: nothing acknowledged is lost."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.objects import ObjectStoreError, S3Objects
from tests.services.conftest import open_s3
from tests.services.faulty_proxy import Fault, FaultyProxy, Request, refuse_as_naver
from tests.services.moto_server import MotoServer
from tests.services.servers import S3Server

pytestmark = pytest.mark.services

READ_TIMEOUT_S = 2.0
# What went wrong somewhere between us and the store is told as one of these, and an object that is there never missing.
TOLD = {"object_store_unavailable"}
BEFORE = (
    Fault("drop"),
    Fault("cut_upload"),
    Fault("delay", seconds=READ_TIMEOUT_S + 0.6),
    Fault("error", 503, "SlowDown"),
    Fault("error", 500, "InternalError"),
    Fault("error", 429, "TooManyRequests"),
    Fault("error", 504, "GatewayTimeout"),
)
AFTER = (
    Fault("drop_after"),
    Fault("delay_after", seconds=READ_TIMEOUT_S + 0.6),
    Fault("error_after", 500, "InternalError"),
)
DOWNLOAD = (Fault("cut"), Fault("flip"), Fault("short"))


def _fits(fault: Fault, request: Request) -> bool:
    if fault.kind in {"cut", "short"}:
        return request.method == "GET"
    if fault.kind == "flip":
        # Over plain HTTP a damaged listing cannot be told from a right one: that is what TLS is for.
        return request.method == "GET" and not request.query
    if fault.kind == "cut_upload":
        return request.method == "PUT" and bool(request.body)
    if fault.kind == "error_in_200":
        return request.is_copy
    return True


def _open(server: S3Server | MotoServer, proxy: FaultyProxy) -> S3Objects:
    return open_s3(server, endpoint=proxy.endpoint, read_timeout_s=READ_TIMEOUT_S)


def _name(fault: Fault) -> str:
    return f"{fault.kind}-{fault.status}" if fault.kind.startswith("error") else fault.kind


def _content(store: S3Objects) -> dict[str, bytes]:
    return {info.key: store.get(info.key) for info in store.list()}


ONCE = [*BEFORE, *AFTER, *DOWNLOAD, Fault("error_in_200", 200, "InternalError")]
# On the second server those that differ from server to server; all of them in the full tests.
ON_BOTH = {"drop_after", "flip", "error_in_200"}
# These wait out a time limit again and again.
SLOW = {"delay", "delay_after"}


@pytest.mark.parametrize(
    ("server_name", "fault"),
    [
        *(
            pytest.param("s3", fault, id=f"rclone-{_name(fault)}", marks=pytest.mark.full if fault.kind in SLOW else ())
            for fault in ONCE
        ),
        *(
            pytest.param(
                "moto", fault, id=f"moto-{_name(fault)}", marks=() if fault.kind in ON_BOTH else pytest.mark.full
            )
            for fault in ONCE
        ),
    ],
)
def test_what_goes_wrong_once_is_got_over(
    request: pytest.FixtureRequest, server_name: str, fault: Fault, tmp_path: Path
) -> None:
    """Every call meets the fault at its first request: it is done all the same, once, and with the right bytes."""
    each_s3_server: S3Server | MotoServer = request.getfixturevalue(f"{server_name}_server")
    for left in [info.key for info in open_s3(each_s3_server).list()]:
        open_s3(each_s3_server).delete(left)
    met: list[bool] = []

    def choose(request: Request) -> Fault | None:
        if met or not _fits(fault, request):
            return None
        met.append(True)
        return fault

    data = bytes(range(256)) * 700
    file = tmp_path / "file"
    file.write_bytes(data[::-1])
    with FaultyProxy(each_s3_server.port, choose) as proxy:
        store = _open(each_s3_server, proxy)
        calls: list[Callable[[], object]] = [
            lambda: store.put("a/1", data, content_type="image/png"),
            lambda: store.put_file("a/2", file),
            lambda: store.get("a/1"),
            lambda: store.get_to_file("a/2", tmp_path / "copy"),
            lambda: store.copy("a/1", "b/1"),
            lambda: store.move("a/2", "b/2"),
            lambda: [info.key for info in store.list("b/")],
            lambda: store.sha256("b/1"),
            lambda: store.delete("a/1"),
        ]
        results = []
        for call in calls:
            met.clear()
            results.append(call())
        assert proxy.done[fault.kind] >= 1
    assert results[2] == data
    assert (tmp_path / "copy").read_bytes() == data[::-1]
    assert results[6] == ["b/1", "b/2"]
    assert _content(open_s3(each_s3_server)) == {"b/1": data, "b/2": data[::-1]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "file"]


@pytest.mark.parametrize("fault", [*BEFORE, *AFTER, *DOWNLOAD], ids=_name)
@pytest.mark.full
def test_what_stays_wrong_is_told_and_leaves_no_half(empty_s3_server: S3Server, fault: Fault, tmp_path: Path) -> None:
    data = b"old" * 50_000
    plain = open_s3(empty_s3_server)
    plain.put("k", data)
    with FaultyProxy(empty_s3_server.port, lambda request: fault if _fits(fault, request) else None) as proxy:
        store = _open(empty_s3_server, proxy)
        calls: list[Callable[[], object]] = [lambda: store.get_to_file("k", tmp_path / "copy")]
        if fault.kind not in {"cut", "flip", "short"}:
            calls += [lambda: store.put("k", b"new" * 50_000), lambda: store.copy("k", "l"), lambda: store.delete("k")]
        if fault.kind == "cut_upload":
            calls = [calls[1]]
        if fault.seconds:
            calls = calls[:2]  # each takes three timeouts
        for call in calls:
            began = time.monotonic()
            with pytest.raises(ObjectStoreError) as told:
                call()
            assert told.value.code in TOLD
            # Three tries, each as long as a timeout, and the pauses between them.
            assert time.monotonic() - began < 60
    assert list(tmp_path.iterdir()) == []
    assert set(_content(plain).values()) <= {data, b"new" * 50_000}


def test_naver_cloud_serves_all_we_ask_for(empty_s3_server: S3Server, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"file")
    with FaultyProxy(empty_s3_server.port, refuse_as_naver) as proxy:
        store = _open(empty_s3_server, proxy)
        store.check()
        assert store.put_many([(f"한글/{number}", bytes([number])) for number in range(20)]) == {}
        store.put_file("models/1", file)
        store.copy("models/1", "models/2")
        store.move("models/2", "trash/20260101/models/2")
        assert store.sha256("models/1") == store.sha256("trash/20260101/models/2")
        assert [content for _key, content in store.get_many(["한글/3", "models/1"])] == [b"\x03", b"file"]
        assert store.delete_prefix("한글/") == 20
        assert [info.key for info in store.list()] == ["models/1", "trash/20260101/models/2"]
        assert set(proxy.done) == {"passed"}
        # The proxy does refuse: what newer clients send by themselves is not let in.
        import boto3

        newer = boto3.client(
            "s3", endpoint_url=proxy.endpoint, aws_access_key_id=empty_s3_server.access_key,
            aws_secret_access_key=empty_s3_server.secret_key, region_name="kr-standard",
        )  # fmt: skip
        for call in (
            lambda: newer.put_object(Bucket=empty_s3_server.bucket, Key="k", Body=b"1"),
            lambda: newer.list_objects_v2(Bucket=empty_s3_server.bucket),
            lambda: newer.delete_objects(Bucket=empty_s3_server.bucket, Delete={"Objects": [{"Key": "models/1"}]}),
        ):
            with pytest.raises(newer.exceptions.ClientError):
                call()  # type: ignore[no-untyped-call]


class _Client:
    """One of several who work at once, each on keys of its own; `may` is what can lie under each key by now."""

    def __init__(self, store: S3Objects, seed: int, folder: Path) -> None:
        self._store = store
        self._chance = random.Random(seed)
        self._folder = folder
        self.keys = [f"{seed}/{name}" for name in ("a", "b", "c", "d/e")]
        self.may: dict[str, set[bytes | None]] = {key: {None} for key in self.keys}
        self.problems: list[str] = []
        self.acknowledged = 0

    def work(self, steps: int) -> None:
        try:
            for _ in range(steps):
                self._step()
        except AssertionError as error:
            self.problems.append(repr(error))

    def _step(self) -> None:
        key, other = self._chance.sample(self.keys, 2)
        name = self._chance.choice(("put", "put", "put_file", "get", "get_to_file", "delete", "move", "copy", "list"))
        data = self._chance.randbytes(self._chance.choice((0, 3, 5_000, 400_000)))
        before = {one: set(self.may[one]) for one in (key, other)}
        self._expect_either(name, key, other, data)
        try:
            self._call(name, key, other, data, before)
        except ObjectStoreError as error:
            if error.code == "object_missing":
                assert None in before[key], f"{name} {key}: missing"
                # Nothing lay there, so nothing was changed.
                self.may.update(before)
                return
            if error.code not in TOLD:
                self.problems.append(f"{name} {key}: {error}")
            return
        self.acknowledged += 1
        there = before[key] - {None}
        if name in {"put", "put_file"}:
            self.may[key] = {data}
        elif name == "delete":
            self.may[key] = {None}
        elif name == "move":
            self.may[key], self.may[other] = {None}, set(there)
        elif name == "copy":
            self.may[other] = set(there)

    def _expect_either(self, name: str, key: str, other: str, data: bytes) -> None:
        """Until it is acknowledged, a change may have been made or not."""
        if name in {"put", "put_file"}:
            self.may[key] |= {data}
        elif name == "delete":
            self.may[key] |= {None}
        elif name in {"move", "copy"}:
            self.may[other] |= self.may[key] - {None}
            self.may[key] |= {None} if name == "move" else set()

    def _call(self, name: str, key: str, other: str, data: bytes, before: dict[str, set[bytes | None]]) -> None:
        path = self._folder / key.replace("/", "-")
        if name == "put":
            self._store.put(key, data)
        elif name == "put_file":
            path.write_bytes(data)
            self._store.put_file(key, path)
        elif name == "get":
            assert self._store.get(key) in before[key], f"get {key}: other bytes"
        elif name == "get_to_file":
            path.unlink(missing_ok=True)
            try:
                self._store.get_to_file(key, path)
            except ObjectStoreError:
                assert not path.exists()
                raise
            assert path.read_bytes() in before[key], f"get_to_file {key}: other bytes"
        elif name == "list":
            found = {info.key for info in self._store.list(f"{key.split('/')[0]}/")}
            for one in self.keys:
                assert (one in found) or None in self.may[one], f"list: {one} is not there"
                assert (one not in found) or self.may[one] != {None}, f"list: {one} is there"
        else:
            getattr(self._store, name)(*((key, other) if name in {"move", "copy"} else (key,)))


@pytest.mark.parametrize(
    ("seed", "steps"), [(1, 25), *(pytest.param(seed, 120, marks=pytest.mark.full) for seed in range(2, 5))]
)
def test_nothing_acknowledged_is_lost_however_the_network_fails(
    each_s3_server: S3Server | MotoServer, seed: int, steps: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)

    def choose(request: Request) -> Fault | None:
        if chance.random() > 0.2:
            return None
        fault = chance.choice((*BEFORE, *AFTER, *DOWNLOAD, Fault("error_in_200", 200, "InternalError")))
        return fault if _fits(fault, request) else None

    with FaultyProxy(each_s3_server.port, choose) as proxy:
        store = _open(each_s3_server, proxy)
        clients = [_Client(store, seed * 100 + number, tmp_path) for number in range(5)]
        threads = [threading.Thread(target=client.work, args=(steps,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            # Each step ends by itself: three tries of a few seconds.
            thread.join(60 * steps)
        assert not any(thread.is_alive() for thread in threads)
        assert sum(count for kind, count in proxy.done.items() if kind != "passed") > steps / 5
    assert [problem for client in clients for problem in client.problems] == []
    assert sum(client.acknowledged for client in clients) > 2 * steps
    lying = _content(open_s3(each_s3_server))
    for client in clients:
        for key, may in client.may.items():
            assert lying.pop(key, None) in may, key
    assert lying == {}
