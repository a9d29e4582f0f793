"""The REST interface alone, in a process of its own: `python -m core api`."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from core import logs
from core.api.mounting import UnderRoot
from core.api.proxies import BehindProxies
from core.errors import BadSetting
from core.services import keep_services
from core.settings import read_settings

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8502
_KEEP_ALIVE_S = 30
_GOODBYE_S = 30


def serve(*, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT, before: Callable[[], object] | None = None) -> None:
    """Serve until the process is told to end; what is being worked on then is finished. `before` is called once all is
    open, and nothing is answered yet.

    Raises BadSetting(`api_host_needs_accounts`) for a host that others reach while there is no sign-in, and what
    opening the services raises.
    """
    settings = read_settings()
    if settings.auth == "open" and not _is_this_machine(host):
        raise BadSetting("api_host_needs_accounts", host=host)
    services = keep_services(settings)
    if before is not None:
        before()

    import uvicorn

    from core.api.application import build_application

    logs.set_up("api")
    uvicorn.run(
        BehindProxies(UnderRoot(build_application(services)), settings.trusted_proxies),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GOODBYE_S,
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
