"""The REST interface alone."""

from __future__ import annotations

import argparse

from core.cli.terminal import write_note


def api(wanted: argparse.Namespace) -> int:
    """Serve the REST interface until the process is told to end."""
    from core.api.server import serve
    from core.settings import read_settings
    from core.worker.embedded import start_embedded

    write_note(f"Geomsa REST: http://{wanted.host}:{wanted.port}/api/v1/docs")
    serve(host=wanted.host, port=wanted.port, before=lambda: start_embedded(read_settings()))
    return 0
