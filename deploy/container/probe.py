"""Asks the process of this container whether it lives or can work; the exit status is the answer.

probe.py app        the app responds          (GET /health on 8501)
probe.py app-ready  the app can work          (GET /ready on 8501)
probe.py api        the REST interface answers (GET /api/v1/health/live on 8502)
probe.py api-ready  it can work               (GET /api/v1/health/ready on 8502)
probe.py worker     the worker does something, be it waiting for the database
"""

from __future__ import annotations

import http.client
import os
import sys
from pathlib import Path

ADDRESSES = {
    "app": (8501, "/health"),
    "app-ready": (8501, "/ready"),
    "api": (8502, "/api/v1/health/live"),
    "api-ready": (8502, "/api/v1/health/ready"),
}
TIMEOUT_S = 8.0


def main(arguments: list[str]) -> int:
    """Ask what the one argument names; return 0 where the answer is yes."""
    if arguments == ["worker"]:
        return _ask_worker()
    if len(arguments) != 1 or arguments[0] not in ADDRESSES:
        sys.stderr.write(f"usage: probe.py {' | '.join([*ADDRESSES, 'worker'])}\n")
        return 2
    port, path = ADDRESSES[arguments[0]]
    # A process on another port: systemd units and tests.
    port = int(os.environ.get("GEOMSA_PROBE_PORT", port))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        sys.stdout.write(answer.read(4000).decode("utf-8", "replace") + "\n")
        return 0 if answer.status == http.client.OK else 1
    except OSError as error:
        sys.stderr.write(f"no answer on port {port}: {error}\n")
        return 1
    finally:
        connection.close()


def _ask_worker() -> int:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from core.worker.sign_of_life import read_signs

    signs = read_signs(Path(os.environ.get("GEOMSA_DATA_DIR", "data")))
    for sign in signs:
        sys.stdout.write(
            f"{sign.pid} last sign {sign.age_s:.0f} s ago, job {sign.job_id}, waits for {sign.waits_for}\n"
        )
    return 0 if any(sign.is_alive for sign in signs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
