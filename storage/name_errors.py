"""Whether a connection failed because no address was found for a host's name."""

from __future__ import annotations

import re
import socket

# How the drivers of databases and of object stores say it, without the exception behind it.
_SAID = re.compile(
    r"getaddrinfo|NameResolutionError|[Nn]ame or service not known|[Tt]emporary failure in name resolution|"
    r"could not translate host name|failed to resolve host|No address associated with hostname|Errno -[235]\b"
)


def is_name_error(error: BaseException) -> bool:
    """Return whether the name service is behind an error, by what caused it or by what it says."""
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            return False
        if isinstance(seen, socket.gaierror) or _SAID.search(str(seen)):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
