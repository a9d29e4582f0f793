"""Objects in a bucket of any store that speaks S3's older, common part (Naver Cloud, MinIO, rclone, AWS)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from storage.atomic_files import write_atomically
from storage.name_errors import is_name_error
from storage.object_store import (
    NO_TYPES,
    PARALLEL_TRANSFERS,
    ObjectInfo,
    ObjectStoreError,
    ObjectStoreErrorCode,
    check_key,
    check_prefix,
    transfer_in_parallel,
)

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

# Three tries and the pauses between them end before 15 s when nobody responds.
CONNECT_TIMEOUT_S = 4.0
READ_TIMEOUT_S = 30.0
CHECK_TIMEOUT_S = 5.0
ATTEMPTS = 3
CHUNK_BYTES = 1 << 20
PAGE_OBJECTS = 1000

_Result = TypeVar("_Result")
_Meaning = tuple[ObjectStoreErrorCode, str]

_CLIENT_ERRORS: dict[str, _Meaning] = {
    "NoSuchBucket": ("object_store_denied", "no_bucket"),
    "AccessDenied": ("object_store_denied", "permission"),
    "AllAccessDisabled": ("object_store_denied", "permission"),
    "InvalidAccessKeyId": ("object_store_denied", "credentials"),
    "SignatureDoesNotMatch": ("object_store_denied", "credentials"),
    "InvalidToken": ("object_store_denied", "credentials"),
    "AuthorizationHeaderMalformed": ("object_store_denied", "credentials"),
    "RequestTimeTooSkewed": ("object_store_denied", "clock"),
    "QuotaExceeded": ("object_store_full", "quota"),
    "XMinioStorageFull": ("object_store_full", "disk"),
    "EntityTooLarge": ("object_store_full", "too_large"),
}
_STATUSES: dict[int, _Meaning] = {
    401: ("object_store_denied", "credentials"),
    403: ("object_store_denied", "permission"),
    413: ("object_store_full", "too_large"),
    507: ("object_store_full", "disk"),
}


class S3Objects:
    """An ObjectStore in one bucket, which must exist.

    Keeps to calls that Naver Cloud's Object Storage knows: the first version of the listing with markers, single PUTs
    (up to 5 GB), deletion one by one, no checksums beyond the signature's SHA-256 of the content.
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

    def __repr__(self) -> str:
        return f"S3Objects({self.describe()!r})"

    def describe(self) -> str:
        address = urlsplit(self._endpoint)
        # An address may carry a name and password in front of the host.
        host = address.netloc.rpartition("@")[2]
        return f"{address.scheme}://{host}/{self._bucket}"

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        check_key(key)
        with _translated(key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)

    def put_file(self, key: str, path: Path, *, content_type: str = "application/octet-stream") -> None:
        check_key(key)
        with path.open("rb") as source, _translated(key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=source, ContentType=content_type)

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
        check_key(key)
        with _translated(key):
            return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])

    def delete(self, key: str) -> None:
        check_key(key)
        try:
            with _translated(key):
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
        with _translated(key):
            # The server copies by itself.
            self._client.copy_object(Bucket=self._bucket, Key=new_key, CopySource={"Bucket": self._bucket, "Key": key})

    def list(self, prefix: str = "", *, after: str | None = None) -> Iterator[ObjectInfo]:
        check_prefix(prefix)
        marker = after or ""
        while True:
            with _translated(prefix):
                page = self._client.list_objects(
                    Bucket=self._bucket, Prefix=prefix, Marker=marker, MaxKeys=self._page_objects
                )
            found = page.get("Contents", [])
            for entry in found:
                yield ObjectInfo(entry["Key"], int(entry["Size"]), entry["LastModified"].astimezone(UTC))
            if not page.get("IsTruncated"):
                return
            # Without a delimiter the response names no next marker: it is the last key.
            next_marker = page.get("NextMarker") or (found[-1]["Key"] if found else "")
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
        with _translated(""):
            client = self._make_client(CHECK_TIMEOUT_S, CHECK_TIMEOUT_S, attempts=1)
            try:
                client.list_objects(Bucket=self._bucket, MaxKeys=1)
            finally:
                client.close()

    def _download(self, key: str, take: Callable[[Iterable[bytes]], _Result]) -> _Result:
        """Pass the object's chunks to `take`, from the start again when the connection breaks in their midst."""
        from botocore.exceptions import BotoCoreError

        check_key(key)
        with _translated(key):
            for attempt in range(1, ATTEMPTS + 1):
                body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
                try:
                    with body:
                        return take(body.iter_chunks(CHUNK_BYTES))
                except BotoCoreError:
                    if attempt == ATTEMPTS:
                        raise
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


@contextmanager
def _translated(key: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _client_meaning(error, key) from error
    except BotoCoreError as error:
        raise _connection_meaning(error, key) from error
    except OSError as error:
        raise _local_meaning(error, key) from error


def _client_meaning(error: ClientError, key: str) -> ObjectStoreError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if meaning := _CLIENT_ERRORS.get(code):
        return ObjectStoreError(meaning[0], key=key, reason=meaning[1])
    # Only a HEAD has no body to name the error in; any other bare 404 comes from something that is no S3 store.
    if code == "NoSuchKey" or (status == 404 and error.operation_name == "HeadObject"):
        return ObjectStoreError("object_missing", key=key)
    if meaning := _STATUSES.get(status):
        return ObjectStoreError(meaning[0], key=key, reason=meaning[1])
    return ObjectStoreError("object_store_unavailable", key=key, reason=code or str(status))


def _connection_meaning(error: BotoCoreError, key: str) -> ObjectStoreError:
    from botocore import exceptions

    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return ObjectStoreError("object_store_denied", key=key, reason="credentials")
    if isinstance(error, exceptions.ParamValidationError | exceptions.InvalidRegionError):
        return ObjectStoreError("object_store_unavailable", key=key, reason="address")
    if isinstance(error, exceptions.ConnectTimeoutError | exceptions.ReadTimeoutError):
        return ObjectStoreError("object_store_unavailable", key=key, reason="timeout")
    if isinstance(error, exceptions.SSLError):
        return ObjectStoreError("object_store_unavailable", key=key, reason="tls")
    is_unknown = isinstance(error, exceptions.EndpointConnectionError) and is_name_error(error)
    return ObjectStoreError("object_store_unavailable", key=key, reason="name" if is_unknown else "unreachable")


def _local_meaning(error: OSError, key: str) -> ObjectStoreError:
    """Return the disk that a download is written to (uploads open the caller's file before they come here)."""
    import errno

    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return ObjectStoreError("object_store_full", key=key, reason="disk")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return ObjectStoreError("object_store_denied", key=key, reason="permission")
    return ObjectStoreError("object_store_unavailable", key=key, reason="io")
