"""Secrets that come as files, as container platforms and systemd hand them over: `NAME_FILE` names the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.errors import BadSetting

# What holds a secret, and may therefore come as a file instead of standing in the environment.
SECRET_NAMES = (
    "GEOMSA_DATABASE_URL",
    "GEOMSA_S3_ACCESS_KEY",
    "GEOMSA_S3_SECRET_KEY",
    "GEOMSA_OIDC_CLIENT_SECRET",
    "GEOMSA_LLM_API_KEY",
    "GEOMSA_VLM_API_KEY",
    "GEOMSA_MLFLOW_URI",
    "ANTHROPIC_API_KEY",
)
_MOST_CHARACTERS = 10_000


def with_secret_files(env: Mapping[str, str]) -> Mapping[str, str]:
    """Return `env` with each secret that a file holds, without the line end. What the variable itself says wins.

    Raises BadSetting `setting_secret_file` for a file that cannot be read, is empty or is no text of one line.
    """
    found: dict[str, str] = {}
    for name in SECRET_NAMES:
        path = env.get(f"{name}_FILE", "").strip()
        if path and not env.get(name, "").strip():
            found[name] = _read(path, name=f"{name}_FILE")
    rest = {name: value for name, value in env.items() if name.removesuffix("_FILE") not in found}
    return {**rest, **found}


def _read(path: str, *, name: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as stream:
            text = stream.read(_MOST_CHARACTERS).strip()
    except (OSError, ValueError) as error:
        raise BadSetting("setting_secret_file", name=name, path=path) from error
    if not text or not text.isprintable():
        raise BadSetting("setting_secret_file", name=name, path=path)
    return text
