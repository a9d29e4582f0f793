"""What is written into the log: one JSON object a line, with what it is about, filtered in one place."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import logs
from core.services import Services
from tests.api_server import make_client, serve_api

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _as_at_the_start() -> Iterator[None]:
    """Undo what tests of commands have set up in this process: the mask of all logs, loggers that are silent."""
    made = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    logging.getLogger(logs.ACCESS_LOGGER).disabled = False
    yield
    logging.setLogRecordFactory(made)


@pytest.fixture
def json_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Write JSON, and put everything back afterwards: the log belongs to the whole process."""
    hooks = sys.excepthook, threading.excepthook
    root = logging.getLogger()
    before = list(root.handlers), root.level
    monkeypatch.setenv("GEOMSA_LOG_FORMAT", "json")
    logs.set_up("tests")
    yield
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook = hooks
    root.handlers[:], root.level = before[0], before[1]


def _lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.usefixtures("json_log")
def test_a_line_says_when_and_about_what_and_an_exception_is_one_field(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logs.about_request("r-1"):
        logs.note_person(7)
        try:
            raise ValueError("half\nlines")
        except ValueError:
            logging.getLogger("geomsa.parts").exception("part %s failed", "검사-1")
    logging.getLogger("geomsa.parts").warning("after")
    first, second = _lines(capsys.readouterr().err)
    assert first["time"].endswith("+00:00")  # type: ignore[attr-defined]
    told = (first["level"], first["logger"], first["message"], first["process"])
    assert told == ("error", "geomsa.parts", "part 검사-1 failed", "tests")
    assert (first["request_id"], first["person_id"]) == ("r-1", 7)
    assert "ValueError: half\nlines" in str(first["exception"])
    assert not {"request_id", "person_id", "exception"} & second.keys()


class _Masked(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = record.getMessage().replace("s3cret", "***"), ()
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info).replace("s3cret", "***")
        return True


@pytest.mark.usefixtures("json_log")
def test_a_filter_sees_messages_and_exceptions_of_every_logger(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    masked = _Masked()
    logs.add_filter(masked)
    for log_format in ("json", "text"):
        monkeypatch.setenv("GEOMSA_LOG_FORMAT", log_format)
        logs.set_up("tests")
        try:
            raise ValueError("the key is s3cret")
        except ValueError:
            logging.getLogger("some.library").exception("with %s", "s3cret")
        written = capsys.readouterr().err
        assert "s3cret" not in written
        assert written.count("***") >= 2
    logs.remove_filter(masked)


@pytest.mark.usefixtures("json_log")
def test_an_answer_of_the_api_has_the_id_under_which_it_is_logged(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve_api(services) as port:
        client = make_client(services, port, "worker")
        answer = client.get("/v1/products?limit=1", X_Request_Id="chosen-by-a-stranger")
    request_id = answer.headers["x-request-id"]
    assert request_id != "chosen-by-a-stranger"
    line = next(one for one in _lines(capsys.readouterr().err) if one["logger"] == logs.ACCESS_LOGGER)
    assert (line["request_id"], line["path"], line["status"]) == (request_id, "/api/v1/products", answer.status)
    assert isinstance(line["person_id"], int)


def test_a_trusted_proxy_gives_the_id_where_it_is_plain() -> None:
    from core.api.request_ids import read_request_id

    def read(peer: str, given: str) -> str:
        headers = [(b"x-request-id", given.encode())]
        return read_request_id({"type": "http", "client": (peer, 1), "headers": headers}, ("10.0.0.0/8", "::1"))

    assert read("10.1.2.3", "abc-1") == "abc-1"
    assert read("11.1.2.3", "abc-1") != "abc-1"
    assert read("10.1.2.3", 'a" level="x') != 'a" level="x'
    assert len(read("10.1.2.3", "x" * 65)) == 32


def test_a_process_of_the_command_line_logs_json_to_its_last_line(tmp_path: Path) -> None:
    env = {**os.environ, "GEOMSA_LOG_FORMAT": "json", "GEOMSA_DATA_DIR": str(tmp_path)}
    code = (
        "import sys, threading\nfrom core import logs\nlogs.set_up('worker')\nlogs.note_job(41)\n"
        "import warnings; warnings.warn('old')\n"
        "t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()\nraise RuntimeError('end')"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    lines = _lines(ran.stderr)
    assert [line["level"] for line in lines] == ["warning", "error", "critical"]
    assert {line["job_id"] for line in lines} == {41}
    assert "ZeroDivisionError" in str(lines[1]["exception"])
    assert "RuntimeError: end" in str(lines[2]["exception"])
