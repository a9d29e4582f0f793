"""The contract of an object store, on a local folder and on two real servers that speak S3."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.objects import ObjectStore, ObjectStoreError, S3Objects
from tests.services.conftest import open_s3
from tests.services.moto_server import MotoServer
from tests.services.servers import S3Server

pytestmark = pytest.mark.services

KEYS = ["a.x", "a/z", "b!", "b/1", "b/10/x", "b/2", "한글/나 다+%&=?#.png", "한글/라🔩"]


def _refusal(action: object, *arguments: object) -> ObjectStoreError:
    with pytest.raises(ObjectStoreError) as caught:
        action(*arguments)  # type: ignore[operator]
    return caught.value


@pytest.mark.parametrize("data", [b"", b"\x00", bytes(range(256)) * 9000])
def test_what_was_put_comes_back(objects: ObjectStore, data: bytes) -> None:
    objects.put("images/1/x.png", data, content_type="image/png")
    assert objects.get("images/1/x.png") == data
    assert objects.size("images/1/x.png") == len(data)
    assert objects.exists("images/1/x.png")


def test_a_later_put_replaces_the_whole_object(objects: ObjectStore) -> None:
    objects.put("k", b"long content")
    objects.put("k", b"short")
    assert objects.get("k") == b"short"


def test_a_missing_object_is_told_by_its_key(objects: ObjectStore, tmp_path: Path) -> None:
    assert not objects.exists("no/such")
    target = tmp_path / "copy"
    for action in (objects.get, objects.size, lambda key: objects.get_to_file(key, target)):
        refusal = _refusal(action, "no/such")
        assert (refusal.code, refusal.params["key"]) == ("object_missing", "no/such")
    assert list(tmp_path.glob("copy*")) == []
    assert list(tmp_path.glob("*.part")) == []


def test_deleting_twice_is_fine(objects: ObjectStore) -> None:
    objects.put("k/1", b"1")
    objects.delete("k/1")
    objects.delete("k/1")
    assert not objects.exists("k/1")
    assert list(objects.list()) == []


def test_a_moved_object_is_under_its_new_key_alone(objects: ObjectStore) -> None:
    objects.put("한글/나 다+%&=?#.png", b"1", content_type="image/png")
    objects.put("trash/20260101/한글/나 다+%&=?#.png", b"older")
    objects.move("한글/나 다+%&=?#.png", "trash/20260101/한글/나 다+%&=?#.png")
    assert [info.key for info in objects.list()] == ["trash/20260101/한글/나 다+%&=?#.png"]
    assert objects.get("trash/20260101/한글/나 다+%&=?#.png") == b"1"
    objects.move("trash/20260101/한글/나 다+%&=?#.png", "한글/back")
    assert [info.key for info in objects.list()] == ["한글/back"]


def test_what_is_not_there_cannot_be_moved_and_replaces_nothing(objects: ObjectStore) -> None:
    objects.put("kept", b"1")
    refusal = _refusal(objects.move, "no/such", "kept")
    assert (refusal.code, refusal.params["key"]) == ("object_missing", "no/such")
    assert objects.get("kept") == b"1"
    for pair in (("../kept", "new"), ("kept", "../new"), ("kept", "")):
        assert _refusal(objects.move, *pair).code == "object_key_invalid"
    assert [info.key for info in objects.list()] == ["kept"]


def test_a_copy_lies_under_both_keys_and_is_its_own(objects: ObjectStore) -> None:
    objects.put("a/1.png", b"1", content_type="image/png")
    objects.copy("a/1.png", "한글/2.png")
    objects.put("a/1.png", b"other")
    assert (objects.get("a/1.png"), objects.get("한글/2.png")) == (b"other", b"1")
    assert _refusal(objects.copy, "no/such", "a/1.png").code == "object_missing"
    assert objects.get("a/1.png") == b"other"
    assert _refusal(objects.copy, "a/1.png", "../out").code == "object_key_invalid"


def test_a_moved_object_is_at_every_moment_somewhere(objects: ObjectStore) -> None:
    objects.put("a/1", b"x" * 300_000)
    seen: list[bool] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            # The place it goes to is looked at last: on the way back it may have passed between the two looks.
            seen.append(objects.exists("a/1") or objects.exists("b/1") or objects.exists("a/1"))

    looker = threading.Thread(target=look)
    looker.start()
    for _ in range(10):
        objects.move("a/1", "b/1")
        time.sleep(0.01)  # there and back again within the three looks would be seen as never there
        objects.move("b/1", "a/1")
        time.sleep(0.01)
    done.set()
    looker.join()
    assert seen
    assert all(seen)


def test_large_files_go_both_ways_unchanged(objects: ObjectStore, tmp_path: Path) -> None:
    source, copy = tmp_path / "source.bin", tmp_path / "copy.bin"
    block = os.urandom(1 << 20)
    with source.open("wb") as file:
        for number in range(110):
            file.write(number.to_bytes(4, "big") + block)
    copy.write_bytes(b"old")
    objects.put_file("models/big", source)
    objects.get_to_file("models/big", copy)
    assert objects.size("models/big") == source.stat().st_size
    with source.open("rb") as one, copy.open("rb") as other:
        assert hashlib.file_digest(one, "sha256").digest() == hashlib.file_digest(other, "sha256").digest()


def test_the_listing_is_complete_and_in_order(objects: ObjectStore) -> None:
    for key in reversed(KEYS):
        objects.put(key, key.encode())
    listed = list(objects.list())
    assert [info.key for info in listed] == KEYS
    assert [info.byte_size for info in listed] == [len(key.encode()) for key in KEYS]
    for info in listed:
        assert info.modified_at.tzinfo is UTC
        assert abs(info.modified_at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("prefix", "after", "expected"),
    [
        ("b/1", None, ["b/1", "b/10/x"]),
        ("b/", None, ["b/1", "b/10/x", "b/2"]),
        ("", "b/1", ["b/10/x", "b/2", *KEYS[6:]]),
        ("b/", "b/10/x", ["b/2"]),
        ("", "b/15", ["b/2", *KEYS[6:]]),
        ("한글/", None, KEYS[6:]),
        ("nothing/", None, []),
    ],
)
def test_the_listing_begins_where_it_is_told(
    objects: ObjectStore, prefix: str, after: str | None, expected: list[str]
) -> None:
    assert objects.put_many((key, b"") for key in KEYS) == {}
    assert [info.key for info in objects.list(prefix, after=after)] == expected


def test_a_listing_of_many_pages_misses_nothing(objects: ObjectStore) -> None:
    keys = [f"images/{number:03}" for number in range(50)]
    assert objects.put_many((key, b"x") for key in keys) == {}
    assert [info.key for info in objects.list("images/")] == keys


def test_a_prefix_is_deleted_and_its_neighbors_stay(objects: ObjectStore) -> None:
    for key in ("v/1/a", "v/1/b/c", "v/10/a", "v/2"):
        objects.put(key, b"")
    assert objects.delete_prefix("v/1/") == 2
    assert [info.key for info in objects.list()] == ["v/10/a", "v/2"]
    assert _refusal(objects.delete_prefix, "").code == "object_key_invalid"


def test_many_are_fetched_in_order_and_a_missing_one_stops_nothing(objects: ObjectStore) -> None:
    keys = [f"k/{number}" for number in range(37)]
    assert objects.put_many((key, key.encode()) for key in keys if key != "k/17") == {}
    results = list(objects.get_many(keys))
    assert [key for key, _ in results] == keys
    for key, result in results:
        if key == "k/17":
            assert isinstance(result, ObjectStoreError)
            assert result.code == "object_missing"
        else:
            assert result == key.encode()


def test_many_are_stored_and_the_refused_ones_are_named(objects: ObjectStore) -> None:
    refused = objects.put_many([("good/1", b"1"), ("../bad", b"2"), ("good/2", b"3")])
    assert {key: error.code for key, error in refused.items()} == {"../bad": "object_key_invalid"}
    assert [info.key for info in objects.list()] == ["good/1", "good/2"]


def test_one_key_written_by_many_threads_is_always_whole(objects: ObjectStore) -> None:
    contents = [bytes([number]) * 300_000 for number in range(6)]
    objects.put("shared", contents[0])
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(objects.get("shared"))

    reader = threading.Thread(target=read)
    reader.start()
    refused = objects.put_many([("shared", content) for content in contents * 3])
    done.set()
    reader.join()
    assert refused == {}
    assert seen <= set(contents)


@pytest.mark.parametrize(
    "key",
    ["", "/a", "a/", "a//b", "../a", "a/../b", ".", "a/.b", "a\\b", "a\nb", "a\x00b", "x" * 256, "가" * 90, "\ud800"],
)
def test_unsafe_keys_are_refused_everywhere(objects: ObjectStore, key: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    for action in (
        lambda: objects.put(key, b""),
        lambda: objects.put_file(key, Path(__file__)),
        lambda: objects.get(key),
        lambda: objects.get_to_file(key, target),
        lambda: objects.exists(key),
        lambda: objects.size(key),
        lambda: objects.delete(key),
        lambda: objects.move(key, "other"),
    ):
        assert _refusal(action).code == "object_key_invalid"
    assert not target.exists()


def test_a_usable_store_passes_its_check_and_can_be_described(objects: ObjectStore) -> None:
    objects.check()
    assert objects.describe()
    assert list(objects.list()) == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"secret_key": "Wrong-Secret"}, "credentials"),
        ({"access_key": "nobody"}, "credentials"),
        ({"bucket": "no-such-bucket"}, "no_bucket"),
    ],
)
def test_wrong_credentials_and_buckets_are_denied(
    each_s3_server: S3Server | MotoServer, wrong: dict[str, str], reason: str
) -> None:
    store = open_s3(each_s3_server, **wrong)  # type: ignore[arg-type]
    for action in (store.check, lambda: store.get("k"), lambda: store.put("k", b""), lambda: list(store.list())):
        refusal = _refusal(action)
        assert (refusal.code, refusal.params["reason"]) == ("object_store_denied", reason)
        shown = f"{refusal} {store!r} {store.describe()}"
        assert "Wrong-Secret" not in shown
        assert each_s3_server.secret_key not in shown


def test_a_store_that_went_away_is_told_soon_and_used_again_when_back(s3_server: S3Server) -> None:
    store = open_s3(s3_server)
    store.put("kept", b"1")
    s3_server.stop()
    try:
        started_s = time.monotonic()
        codes = [_refusal(store.get, "kept").code, _refusal(store.check).code]
        waited_s = time.monotonic() - started_s
    finally:
        s3_server.start()
    assert codes == ["object_store_unavailable"] * 2
    assert waited_s < 10
    assert store.get("kept") == b"1"
    store.delete("kept")


def test_a_server_that_never_responds_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = S3Objects(
            endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}", bucket="b", region="kr", access_key="a",
            secret_key="s", read_timeout_s=0.3,
        )  # fmt: skip
        started_s = time.monotonic()
        refusal = _refusal(store.get, "k")
        assert time.monotonic() - started_s < 10
    assert (refusal.code, refusal.params["reason"]) == ("object_store_unavailable", "timeout")


def _serve_once(listener: socket.socket, response: bytes) -> None:
    for _ in range(6):
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(65536)
            connection.sendall(response)


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", "object_store_unavailable"),
        (b"HTTP/1.1 507 Full\r\nContent-Length: 0\r\n\r\n", "object_store_full"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut off", "object_store_unavailable"),
    ],
    ids=["no S3 store", "full", "cut off"],
)
def test_strange_responses_are_never_taken_for_content(response: bytes, code: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve_once, args=(listener, response), daemon=True)
        thread.start()
        store = S3Objects(
            endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}", bucket="b", region="kr", access_key="a",
            secret_key="s", read_timeout_s=2,
        )  # fmt: skip
        assert _refusal(store.get_to_file, "k", tmp_path / "copy").code == code
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert list(tmp_path.iterdir()) == []
