"""Certificates of the HTTPS addresses that Geomsa is set up with: whether they hold, and until when."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from core.operations.side_by_side import Lookout
from core.settings import Settings

SOON_DAYS = 30
TIMEOUT_S = 3.0
_DAY_S = 24 * 3600
# What OpenSSL calls it (x509_vfy.h): X509_V_ERR_CERT_HAS_EXPIRED.
_EXPIRED = 10
Problem = Literal["expired", "untrusted", "unreachable"]


@dataclass(frozen=True)
class Certificate:
    """The certificate of one address: `days_left` where it holds, else what is wrong with it."""

    host: str
    days_left: int | None = None
    problem: Problem | None = None


def list_addresses(settings: Settings) -> list[tuple[str, int]]:
    """Return host and port of each address that begins with https://, each once."""
    urls = (
        settings.s3.endpoint if settings.s3 is not None else None,
        settings.oidc.issuer if settings.oidc is not None else None,
        settings.llm_base_url,
        settings.vlm_base_url,
        settings.anthropic_base_url,
        settings.mlflow_uri,
    )
    found = []
    for url in urls:
        parts = urlsplit(url or "")
        if parts.scheme.lower() == "https" and parts.hostname:
            found.append((parts.hostname, parts.port or 443))
    return list(dict.fromkeys(found))


def look_at_certificates(settings: Settings, *, timeout_s: float = TIMEOUT_S) -> list[Certificate]:
    """Return the certificate of each address, asked side by side; it takes no longer than `timeout_s` and a bit."""
    looks: dict[str, Callable[[], Certificate]] = {
        f"{host}:{port}": lambda host=host, port=port: _look(host, port, timeout_s)  # type: ignore[misc]
        for host, port in list_addresses(settings)
    }
    lookout: Lookout[Certificate] = Lookout()
    found = lookout.look(
        looks, timeout_s=timeout_s, instead=lambda name: Certificate(name.rpartition(":")[0], problem="unreachable")
    )
    return list(found.values())


def check_certificates(settings: Settings) -> tuple[bool, str, dict[str, Any]]:
    """Return whether every certificate holds for a while, and the sentence that says so with its parameters."""
    found = look_at_certificates(settings)
    for one in found:
        if one.problem == "expired":
            return False, "check_certificates_expired", {"host": one.host}
        if one.problem == "untrusted":
            return False, "check_certificates_untrusted", {"host": one.host}
    soonest = min((one for one in found if one.days_left is not None), key=lambda one: one.days_left or 0, default=None)
    if soonest is not None and soonest.days_left is not None and soonest.days_left < SOON_DAYS:
        return False, "check_certificates_soon", {"host": soonest.host, "days": soonest.days_left}
    silent = [one.host for one in found if one.problem == "unreachable"]
    if silent:
        return False, "check_certificates_silent", {"hosts": ", ".join(silent)}
    if soonest is None:
        return True, "check_certificates_none", {}
    return True, "check_certificates", {"count": len(found), "days": soonest.days_left}


def _look(host: str, port: int, timeout_s: float) -> Certificate:
    try:
        with (
            socket.create_connection((host, port), timeout=timeout_s) as plain,
            _context().wrap_socket(plain, server_hostname=host) as secured,
        ):
            shown = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return Certificate(host, problem="expired" if error.verify_code == _EXPIRED else "untrusted")
    except (OSError, ValueError):
        return Certificate(host, problem="unreachable")
    ends_at = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    return Certificate(host, days_left=int((ends_at - time.time()) // _DAY_S))


def _context() -> ssl.SSLContext:
    """Return a context with the authorities that the clients of these addresses trust, those of a plant among them."""
    context = ssl.create_default_context()
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        if path := os.environ.get(name, "").strip():
            try:
                context.load_verify_locations(path)
            except OSError:
                continue
    return context
