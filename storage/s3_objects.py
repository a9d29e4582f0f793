"""Objects in a bucket of any store that speaks S3's older, common part (Naver Cloud, MinIO, rclone, AWS)."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from storage.atomic_files import write_atomically
from storage.object_store import (
    NO_TYPES,
    PARALLEL_TRANSFERS,
    ObjectInfo,
    ObjectStoreError,
    check_key,
    check_prefix,
    transfer_in_parallel,
)
from storage.s3_errors import broken_off, translated

# Three tries and the pauses between them end before 15 s when nobody responds.
CONNECT_TIMEOUT_S = 4.0
READ_TIMEOUT_S = 30.0
CHECK_TIMEOUT_S = 5.0
ATTEMPTS = 3
CHUNK_BYTES = 1 << 20
PAGE_OBJECTS = 1000
# The pause before a download is begun again, in seconds, doubled each time.
_PAUSE_S = 0.2
# Every object carries the hashes of its content, as we knew it before it went over the network.
_SHA256, _MD5 = "geomsa-sha256", "geomsa-md5"

_Result = TypeVar("_Result")


class S3Objects:
    """An ObjectStore in one bucket, which must exist.

    Keeps to calls that Naver Cloud's Object Storage knows: the first version of the listing with markers, single PUTs
    (up to 5 GB), deletion one by one, no checksums beyond the signature's SHA-256 of the content. Hashes travel as the
    object's own metadata: what comes back and does not fit them is fetched again, and never taken for the content.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        bucket: str,
        region: str,
        access_key: str,
        secret_key: str,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        page_objects: int = PAGE_OBJECTS,
    ) -> None:
        self._endpoint = endpoint
        self._bucket = bucket
        self._region = region
        self._access_key = access_key
        self._secret_key = secret_key
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._page_objects = page_objects
        self._shared_client: Any = None
        self._client_lock = threading.Lock()
        self._etags_are_md5 = False

    def __repr__(self) -> str:
        return f"S3Objects({self.describe()!r})"

    def describe(self) -> str:
        address = urlsplit(self._endpoint)
        # An address may carry a name and password in front of the host.
        host = address.netloc.rpartition("@")[2]
        return f"{address.scheme}://{host}/{self._bucket}"

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        check_key(key)
        hashes = _Hashes()
        hashes.update(data)
        self._upload(key, data, hashes, content_type)

    def put_file(self, key: str, path: Path, *, content_type: str = "application/octet-stream") -> None:
        check_key(key)
        with path.open("rb") as source:
            hashes = _Hashes()
            while chunk := source.read(CHUNK_BYTES):
                hashes.update(chunk)
            source.seek(0)
            self._upload(key, source, hashes, content_type)

    def get(self, key: str) -> bytes:
        return self._download(key, b"".join)

    def get_to_file(self, key: str, path: Path) -> None:
        def write(chunks: Iterable[bytes]) -> None:
            write_atomically(path, chunks, temporary_folder=path.parent)

        self._download(key, write)

    def exists(self, key: str) -> bool:
        try:
            self.size(key)
        except ObjectStoreError as error:
            if error.code == "object_missing":
                return False
            raise
        return True

    def size(self, key: str) -> int:
        return int(self._head(key)["ContentLength"])

    def sha256(self, key: str) -> str:
        head = self._head(key)
        kept = _metadata(head)
        # The ETag of a single PUT is the MD5 that the server made of what it holds, but on buckets that it encrypts.
        if kept.get(_SHA256) and kept.get(_MD5) == _etag(head):
            return kept[_SHA256]
        found = _Hashes()

        def read(chunks: Iterable[bytes]) -> None:
            nonlocal found
            found = _Hashes()
            for chunk in chunks:
                found.update(chunk)

        self._download(key, read)
        return found.sha256

    def _head(self, key: str) -> Any:
        check_key(key)
        with translated(key):
            return self._client.head_object(Bucket=self._bucket, Key=key)

    def delete(self, key: str) -> None:
        check_key(key)
        try:
            with translated(key):
                self._client.delete_object(Bucket=self._bucket, Key=key)
        except ObjectStoreError as error:
            if error.code != "object_missing":
                raise

    def move(self, key: str, new_key: str) -> None:
        # When the deletion fails, the object is under both keys.
        self.copy(key, new_key)
        self.delete(key)

    def copy(self, key: str, new_key: str) -> None:
        check_key(key)
        check_key(new_key)
        with translated(key):
            # The server copies by itself.
            self._client.copy_object(Bucket=self._bucket, Key=new_key, CopySource={"Bucket": self._bucket, "Key": key})

    def list(self, prefix: str = "", *, after: str | None = None) -> Iterator[ObjectInfo]:
        check_prefix(prefix)
        marker = after or ""
        while True:
            with translated(prefix):
                page = self._client.list_objects(
                    Bucket=self._bucket, Prefix=prefix, Marker=marker, MaxKeys=self._page_objects
                )
            found = page.get("Contents", [])
            for entry in found:
                yield ObjectInfo(entry["Key"], int(entry["Size"]), entry["LastModified"].astimezone(UTC))
            if not page.get("IsTruncated"):
                return
            # Without a delimiter the next marker is the last key. Some servers name one all the same, and not a key.
            next_marker = found[-1]["Key"] if found else page.get("NextMarker", "")
            if next_marker <= marker:
                raise ObjectStoreError("object_store_unavailable", key=prefix, reason="listing")
            marker = next_marker

    def delete_prefix(self, prefix: str) -> int:
        if not prefix:
            raise ObjectStoreError("object_key_invalid", key="", reason="empty")
        # One by one: the call for many at once demands a checksum that not every store knows.
        keys = [info.key for info in self.list(prefix)]
        for _, outcome in transfer_in_parallel(self.delete, keys):
            if isinstance(outcome, ObjectStoreError):
                raise outcome
        return len(keys)

    def get_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | ObjectStoreError]]:
        return transfer_in_parallel(self.get, keys)

    def put_many(
        self,
        items: Iterable[tuple[str, bytes]],
        *,
        content_type: str = "application/octet-stream",
        content_types: Mapping[str, str] = NO_TYPES,
    ) -> dict[str, ObjectStoreError]:
        def put(item: tuple[str, bytes]) -> None:
            self.put(*item, content_type=content_types.get(item[0], content_type))

        outcomes = transfer_in_parallel(put, items)
        return {key: outcome for (key, _), outcome in outcomes if outcome is not None}

    def check(self) -> None:
        """Make one listing of one object, one try: it needs the address, the credentials and the bucket to be right."""
        with translated(""):
            client = self._make_client(CHECK_TIMEOUT_S, CHECK_TIMEOUT_S, attempts=1)
            try:
                client.list_objects(Bucket=self._bucket, MaxKeys=1)
            finally:
                client.close()

    def _upload(self, key: str, body: Any, hashes: _Hashes, content_type: str) -> None:
        """Put the object, and once more while the server says that it holds something else."""
        kept = {_SHA256: hashes.sha256, _MD5: hashes.md5}
        for attempt in range(1, ATTEMPTS + 1):
            with translated(key):
                done = self._client.put_object(
                    Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, Metadata=kept
                )
            if _etag(done) == hashes.md5:
                self._etags_are_md5 = True
                return
            # Where it was the MD5 until now, the content was damaged, or somebody has begun to encrypt the bucket.
            if not self._etags_are_md5:
                return
            if self._holds(key, hashes.sha256):
                self._etags_are_md5 = False
                return
            if attempt < ATTEMPTS and not isinstance(body, bytes):
                body.seek(0)
        raise ObjectStoreError("object_store_unavailable", key=key, reason="damaged")

    def _holds(self, key: str, sha256: str) -> bool:
        try:
            return self.sha256(key) == sha256
        except ObjectStoreError as error:
            if error.params.get("reason") == "damaged":
                return False
            raise

    def _download(self, key: str, take: Callable[[Iterable[bytes]], _Result]) -> _Result:
        """Pass the object's chunks to `take`, from the start again when they break off or do not fit their hash."""
        from botocore.exceptions import BotoCoreError

        check_key(key)
        with translated(key):
            for attempt in range(1, ATTEMPTS + 1):
                found = self._client.get_object(Bucket=self._bucket, Key=key)
                body = found["Body"]
                try:
                    with body:
                        return take(_checked(key, body.iter_chunks(CHUNK_BYTES), found))
                except (BotoCoreError, *broken_off(), ObjectStoreError) as error:
                    damaged = isinstance(error, ObjectStoreError) and error.params.get("reason") == "damaged"
                    if attempt == ATTEMPTS or (isinstance(error, ObjectStoreError) and not damaged):
                        raise
                    time.sleep(_PAUSE_S * 2**attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    @property
    def _client(self) -> Any:
        # Clients may be shared between threads, but not made by several at once.
        with self._client_lock:
            if self._shared_client is None:
                self._shared_client = self._make_client(
                    self._connect_timeout_s, self._read_timeout_s, attempts=ATTEMPTS
                )
            return self._shared_client

    def _make_client(self, connect_timeout_s: float, read_timeout_s: float, *, attempts: int) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=connect_timeout_s,
            read_timeout=read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=2 * PARALLEL_TRANSFERS,
        )
        try:
            session = boto3.session.Session(
                aws_access_key_id=self._access_key,
                aws_secret_access_key=self._secret_key,
                region_name=self._region,
            )
            return session.client("s3", endpoint_url=self._endpoint, config=config)
        except ValueError:
            # Without a cause: the message repeats the address, which may carry a password.
            raise ObjectStoreError("object_store_unavailable", reason="address") from None


class _Hashes:
    """What content hashes to."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, chunk: bytes) -> None:
        self._sha256.update(chunk)
        self._md5.update(chunk)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        return self._md5.hexdigest()


def _etag(response: Mapping[str, Any]) -> str:
    return str(response.get("ETag", "")).strip('"').lower()


def _metadata(response: Mapping[str, Any]) -> dict[str, str]:
    # Some servers give the names back in other letters.
    return {name.lower(): value for name, value in response.get("Metadata", {}).items()}


def _checked(key: str, chunks: Iterable[bytes], response: Mapping[str, Any]) -> Iterator[bytes]:
    """Pass the chunks on; raise after the last one when they are not what was put. Objects of others have no hash."""
    wanted = _metadata(response).get(_SHA256, "")
    found = _Hashes()
    for chunk in chunks:
        found.update(chunk)
        yield chunk
    # Metadata may be that of an earlier content, where files lie behind the server and somebody put others there; what
    # the server says of its own content counts then.
    if wanted and wanted != found.sha256 and _etag(response) != found.md5:
        raise ObjectStoreError("object_store_unavailable", key=key, reason="damaged")
