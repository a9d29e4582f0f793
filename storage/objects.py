"""The object stores: one protocol, a local folder, an S3 bucket. Importing this imports no cloud library."""

from storage.local_objects import LocalObjects
from storage.object_store import ObjectInfo, ObjectStore, ObjectStoreError, ObjectStoreErrorCode, check_key
from storage.s3_objects import S3Objects

__all__ = [
    "LocalObjects",
    "ObjectInfo",
    "ObjectStore",
    "ObjectStoreError",
    "ObjectStoreErrorCode",
    "S3Objects",
    "check_key",
]
