"""The lowest versions without a known fault that reaches us, and what is installed of them.

An audit tool may skip packages without a word; this list does not. It holds the direct requirements that have
advisories (PYSEC, GHSA or CVE numbers where we are sure of them) or that we need a version of, and the packages below
them that read what comes from outside: requests, images, XML, YAML, TLS.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass

LOWEST_VERSIONS: dict[str, str] = {
    # What the network reaches first.
    "streamlit": "1.67.0",  # serves the application that the gate stands in front of; 1.54.0 is the lowest safe one
    "starlette": "1.0.0",  # 0.40.0: CVE-2024-47874; 0.47.2: CVE-2025-54121; 0.49.1: CVE-2025-62727 (ranges of files)
    "fastapi": "0.160.0",  # 0.109.1: CVE-2024-24762 (forms)
    "uvicorn": "0.50.0",  # 0.11.7: CVE-2020-7694, CVE-2020-7695 (line ends in headers and logs)
    "h11": "0.16.0",  # CVE-2025-43859 (chunked bodies)
    "python-multipart": "0.0.30",  # 0.0.7: CVE-2024-24762; 0.0.18: CVE-2024-53981 (forms that take all the time)
    "jinja2": "3.1.6",  # CVE-2025-27516 (the sandbox); Streamlit's and torch's, no template of ours
    "itsdangerous": "2.2.0",
    "urllib3": "2.6.0",  # 2.5.0: CVE-2025-50181; 2.6.0: CVE-2025-66418, CVE-2025-66471 (decompression)
    "requests": "2.32.4",  # CVE-2024-47081 (.netrc)
    "httpx2": "2.10.0",
    "aiohttp": "3.13.3",  # LangChain's and Ray's; 3.12.14: CVE-2025-53643 (request smuggling)
    "idna": "3.7",  # CVE-2024-3651
    "certifi": "2024.7.4",  # CVE-2024-39689 (a root that is trusted no more)
    "cryptography": "44.0.1",  # CVE-2024-12797
    # What reads files.
    "pillow": "12.3.0",  # 11.3.0: CVE-2025-48379; 12.3.0 is the lowest safe version
    "opencv-python-headless": "4.8.1.78",  # CVE-2023-4863: carries the repaired libwebp
    "pypdfium2": "5.15.0",
    "reportlab": "5.0.0",  # 3.6.13: CVE-2023-33733 (markup that runs)
    "fonttools": "4.60.2",  # CVE-2025-66034 (files written by a font's description)
    "defusedxml": "0.7.1",
    "lxml": "5.0.0",
    "pyyaml": "6.0.2",  # 5.4: CVE-2020-14343
    "protobuf": "6.31.1",  # CVE-2025-4565 (nesting)
    "pyarrow": "14.0.1",  # CVE-2023-47248 (files that run)
    "numpy": "2.2.0",
    # What models are read and computed with.
    "torch": "2.11.0",  # 2.6.0: CVE-2025-32434 (weights_only); 2.11.0 is the lowest safe version
    "transformers": "5.20.0",  # 4.53.0: CVE-2025-6921 and others (patterns that take all the time)
    "safetensors": "0.6.0",
    "onnx": "1.20.0",  # 1.17.0: CVE-2024-5187; folders of external data
    "onnxruntime": "1.25.0",
    "lightning": "2.6.0",  # anomalib's; 2.4.0: CVE-2024-8019
    "mlflow-skinny": "3.9.0",  # 2.x: many; the server's faults do not reach a client
    "scikit-learn": "1.8.0",  # 1.5.0: CVE-2024-5206
    "tqdm": "4.66.3",  # CVE-2024-34062
    "faiss-cpu": "1.8.0",
    "openvino": "2024.4.0",
    "timm": "1.0.0",
    # What writes and searches text.
    "langchain": "1.0.0",
    "langchain-core": "1.3.3",  # 1.2.5: CVE-2025-68664 (objects from text); 1.3.3 is the lowest safe version
    "langchain-community": "0.4.0",  # 0.3.27: CVE-2025-6984 (XML)
    "anthropic": "2.0.0",
    "openai": "3.0.0",
    # What stores, signs and sends.
    "sqlalchemy": "2.1.0",
    "sqlmodel": "0.0.40",
    "alembic": "1.18.0",
    "pymysql": "1.2.0",  # 1.1.1: CVE-2024-36039 (keys of dictionaries in statements)
    "psycopg": "3.2.0",
    "boto3": "1.40.0",  # has the checksum options
    "argon2-cffi": "25.1.0",
    "paho-mqtt": "2.1.0",
    "gitpython": "3.1.41",  # Streamlit's; CVE-2024-22190
}
# Not of every installation: what an extra or another package brings.
_OPTIONAL = frozenset({"lxml", "httpx2", "aiohttp", "lightning", "requests", "h11"})
# Packages of which another one may stand in the place: the same module, built for a GPU.
_STAND_INS: dict[str, str] = {"faiss-cpu": "faiss-gpu"}


@dataclass(frozen=True)
class PackageVersion:
    """An installed package (None: it is missing) and the lowest version without a known fault that reaches us."""

    name: str
    version: str | None
    lowest: str

    @property
    def ok(self) -> bool:
        """Return whether it is here and new enough."""
        return self.version is not None and read_numbers(self.version) >= read_numbers(self.lowest)


def list_packages() -> list[PackageVersion]:
    """Return the packages whose version is watched, as they are installed."""
    found = []
    for package, lowest in LOWEST_VERSIONS.items():
        version = _installed_version(package)
        stand_in = _STAND_INS.get(package, "")
        if version is None and stand_in and (other := _installed_version(stand_in)) is not None:
            package, version = stand_in, other
        if version is not None or package not in _OPTIONAL:
            found.append(PackageVersion(package, version, lowest))
    return found


def read_numbers(version: str) -> tuple[int, ...]:
    """Return the release of a version as numbers without zeros at its end: "2.14.0+cpu" is (2, 14), as "2.14" is."""
    parts = version.split("+")[0].split(".")
    found = [int("".join(c for c in part if c.isdigit()) or 0) for part in parts]
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def _installed_version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
