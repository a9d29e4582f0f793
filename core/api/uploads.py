"""Files that are sent: read from the connection into a file on the disk as they come, and from there when wanted."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import IO, BinaryIO, ParamSpec, TypeVar, cast
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException

from core.api.limits import MIB
from core.api.problems import RefusedError
from core.errors import AppError, BadInput, Unavailable

MULTIPART = "multipart/form-data"
_IN_MEMORY_BYTES = MIB
_MOST_FIELDS = 30
_FIELD_BYTES = 64 * 1024
_PIECE = 256 * 1024


@dataclass(frozen=True, eq=False)
class SentFile:
    """One file of a request; `byte_size` is known without reading it."""

    name: str
    stream: BinaryIO = field(repr=False)
    byte_size: int = 0

    @property
    def read(self) -> Callable[[], bytes]:
        """Return what reads the whole file."""
        return self._read

    def digest(self) -> str:
        """Return the SHA-256 of the file, read in pieces."""
        found = hashlib.sha256()
        self.stream.seek(0)
        while piece := self.stream.read(_PIECE):
            found.update(piece)
        return found.hexdigest()

    def _read(self) -> bytes:
        try:
            self.stream.seek(0)
            return self.stream.read()
        except ValueError as error:  # closed: nobody waits for it any more
            raise Unavailable("api_busy") from error


@dataclass(eq=False)
class Sent:
    """What a request consists of: its text fields, and its files in the order in which they came."""

    fields: dict[str, str]
    files: list[tuple[str, SentFile]]
    form: FormData | None = None

    def files_of(self, *names: str) -> list[SentFile]:
        """Return the files of these form fields."""
        return [file for name, file in self.files if name in names]

    async def close(self) -> None:
        """Let the files on the disk go."""
        if self.form is not None:
            await self.form.close()
        for _, file in self.files:
            file.stream.close()


_Parameters = ParamSpec("_Parameters")
_Made = TypeVar("_Made")
# Long work of a few callers must leave threads to all others: those of the sign-in, too.
_UPLOADS_AT_ONCE = 4
_limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, CapacityLimiter] = WeakKeyDictionary()


async def run_upload(
    work: Callable[_Parameters, _Made], *args: _Parameters.args, **kwargs: _Parameters.kwargs
) -> _Made:
    """Run what takes in files in a thread; a few at a time, and the others wait for their turn."""
    limiter = _limiters.setdefault(asyncio.get_running_loop(), CapacityLimiter(_UPLOADS_AT_ONCE))
    return await to_thread.run_sync(partial(work, *args, **kwargs), limiter=limiter)


def content_type_of(request: Request) -> str:
    """Return the media type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_form(request: Request, *, most_files: int) -> Sent:
    """Return a multipart form. Raises BadInput api_media_type, api_bad_request; RefusedError for too large a body."""
    if content_type_of(request) != MULTIPART:
        raise BadInput("api_media_type")
    try:
        form = await request.form(max_files=most_files, max_fields=_MOST_FIELDS, max_part_size=_FIELD_BYTES)
    except RefusedError:
        raise
    except (MultiPartException, ValueError, KeyError, AssertionError) as error:
        raise BadInput("api_bad_request") from error
    except Exception as error:
        # Starlette turns what its parser finds into an HTTPException of its own.
        if getattr(error, "status_code", None) == 400:
            raise BadInput("api_bad_request") from error
        raise
    fields: dict[str, str] = {}
    files: list[tuple[str, SentFile]] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files.append((name, SentFile(value.filename or "", value.file, value.size or 0)))
        else:
            fields[name] = value
    return Sent(fields, files, form)


async def read_raw(request: Request, *, name: str, field_name: str) -> Sent:
    """Return a body that is one file."""
    spooled: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by Sent
    size = 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > _IN_MEMORY_BYTES:
                await run_in_threadpool(spooled.write, piece)
            else:
                spooled.write(piece)
    except BaseException:
        spooled.close()
        raise
    return Sent({}, [(field_name, SentFile(name, cast("BinaryIO", spooled), size))])


def require_file(sent: Sent, field_name: str) -> SentFile:
    """Return the only file of a request. Raises BadInput api_file_missing, api_one_file_only."""
    files = sent.files_of(field_name)
    if not files:
        raise BadInput("api_file_missing", field=field_name)
    if len(files) > 1:
        raise BadInput("api_one_file_only")
    return files[0]


def check_image_size(file: SentFile) -> AppError | None:
    """Return why an image file is too large to be read, or None."""
    from inference.vision.images.decode import MAX_BYTES

    if file.byte_size <= MAX_BYTES:
        return None
    return BadInput("image_too_many_bytes", name=file.name or "image", limit=MAX_BYTES)
