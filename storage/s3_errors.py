"""What the errors of boto3 and botocore mean for an object store."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storage.name_errors import is_name_error
from storage.object_store import ObjectStoreError, ObjectStoreErrorCode

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

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


def broken_off() -> tuple[type[Exception], ...]:
    """Return what is raised, unwrapped, when a response ends before its time."""
    from urllib3.exceptions import HTTPError

    return (HTTPError,)


@contextmanager
def translated(key: str) -> Iterator[None]:
    """Raise ObjectStoreError in the place of what boto3 raises about the object `key`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _client_meaning(error, key) from error
    except BotoCoreError as error:
        raise _connection_meaning(error, key) from error
    except broken_off() as error:
        raise ObjectStoreError("object_store_unavailable", key=key, reason="unreachable") from error
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
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return ObjectStoreError("object_store_full", key=key, reason="disk")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return ObjectStoreError("object_store_denied", key=key, reason="permission")
    return ObjectStoreError("object_store_unavailable", key=key, reason="io")
