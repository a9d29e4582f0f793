"""What the gate and the check of rights cost: page runs with and without them, in turns, in one go.

    python -m benchmarks.bench_gate [--runs N]

Three servers on one empty data folder: Streamlit's application by itself, behind the gate in open mode, and behind the
gate with a signed-in administrator. The last line is JSON: medians in ms of a run of each page, and of the parts alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from core.access import WORKER, require_role
from core.accounts import people, sessions
from core.services import build_services
from core.settings import read_settings
from tests.app_server import ROOT, run_app
from tests.streamlit_client import StreamlitClient

PAGES = ("products", "dashboard", "normal_images")
PASSWORD = "correct horse battery"
LAUNCHER = "import streamlit as st\n\napp = st.App({home!r})\n"


def _median_ms(times_s: list[float]) -> float:
    return round(statistics.median(times_s) * 1000.0, 2)


def main() -> None:
    """Measure, print what was measured to standard error, and the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        settings = read_settings({"GEOMSA_DATA_DIR": str(folder / "data"), "GEOMSA_DEVICE": "cpu"})
        services = build_services(settings, migrate=True)
        admin = people.command_line_person(services)
        people.create_user(services, admin, login="kim", display_name="Kim", role="admin", password=PASSWORD)
        launcher = folder / "bare.py"
        launcher.write_text(LAUNCHER.format(home=str(ROOT / "Home.py")), encoding="utf-8")
        clients = {}
        for kind, script, auth in (
            ("bare", str(launcher), "open"),
            ("open", "Home.py", "open"),
            ("accounts", "Home.py", "accounts"),
        ):
            app = stack.enter_context(run_app(folder / "data", folder / f"{kind}.log", script=script, GEOMSA_AUTH=auth))
            client = clients[kind] = stack.enter_context(StreamlitClient(app))
            if auth == "accounts":
                client.sign_in("kim", PASSWORD)
            client.connect()
            client.run()
        times: dict[str, dict[str, list[float]]] = {page: {kind: [] for kind in clients} for page in PAGES}
        for number in range(runs + 3):
            for page in PAGES:
                for kind, client in clients.items():
                    started = time.perf_counter()
                    client.run(page=page)
                    if number >= 3:
                        times[page][kind].append(time.perf_counter() - started)
        cookie = sessions.begin(services, admin, address="")
        parts: dict[str, list[float]] = {"require_role": [], "find_session": []}
        for _ in range(20 * runs):
            started = time.perf_counter()
            require_role(services, admin, WORKER)
            between = time.perf_counter()
            sessions.find(services, cookie)
            parts["require_role"].append(between - started)
            parts["find_session"].append(time.perf_counter() - between)
        services.database.dispose()
    figures = {page: {kind: _median_ms(found) for kind, found in kinds.items()} for page, kinds in times.items()}
    # Paired: each run beside the bare one of the same turn, so that a busy moment weighs on both.
    added = {
        page: {
            kind: _median_ms([one - bare for one, bare in zip(kinds[kind], kinds["bare"], strict=True)])
            for kind in ("open", "accounts")
        }
        for page, kinds in times.items()
    }
    sys.stdout.write(
        json.dumps(
            {
                "runs": runs,
                "page_ms": figures,
                "added_ms": added,
                "part_ms": {k: _median_ms(v) for k, v in parts.items()},
            }
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
