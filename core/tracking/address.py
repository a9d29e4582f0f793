"""Where the tracking store is, what may be said of it, and what must not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from core.settings import Settings

DATABASE_NAME = "mlflow.db"
ARTIFACTS_NAME = "mlflow-artifacts"


@dataclass(frozen=True)
class StoreAddress:
    """A tracking store. `shown` names it without user and password, `key` is that as a hash, as rows keep it.

    `uri` is what MLflow is given: for a server without user and password, which travel apart. `artifacts` is the folder
    of the files where no server keeps them, None where one does.
    """

    uri: str = field(repr=False)
    shown: str
    key: str
    artifacts: Path | None
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def is_server(self) -> bool:
        """Return whether it is reached over HTTP."""
        return self.artifacts is None


def find_address(settings: Settings) -> StoreAddress:
    """Return where runs are tracked: the server or database of the settings, else a database in the data folder."""
    uri = settings.mlflow_uri or f"sqlite:///{settings.data_dir / DATABASE_NAME}"
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if parts.port is not None:
        host += f":{parts.port}"
    shown = urlunsplit((parts.scheme, host, parts.path, "", ""))
    if not host:
        # `urlunsplit` writes an address without a server with fewer slashes than it was given with.
        shown = f"{parts.scheme}://{parts.path}"
    key = hashlib.sha256(shown.encode()).hexdigest()
    if parts.scheme in ("http", "https"):
        bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
        return StoreAddress(bare, shown, key, None, unquote(parts.username or ""), unquote(parts.password or ""))
    if parts.scheme == "postgresql":
        # The driver that is installed, where SQLAlchemy would look for an older one.
        uri = f"postgresql+psycopg{uri.removeprefix('postgresql')}"
    return StoreAddress(uri, shown, key, settings.data_dir / ARTIFACTS_NAME)
