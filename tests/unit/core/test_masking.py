"""Secrets in what a process writes: logs, traces, errors, the audit log."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from core.audit import record
from core.errors import BadInput, Unavailable, from_lower
from core.masking import MASK, mask, mask_all, mask_log, remember
from core.services import Services
from core.settings import read_settings
from core.transactions import writing

ROOT = Path(__file__).resolve().parents[3]
KEY = "gms_0123456789ab_" + "Ab3-_" * 8 + "xyz"
HEAD_OF_A_KEY = "gms_0123456789ab_"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"sent {KEY}.", f"sent {HEAD_OF_A_KEY}{MASK}."),
        ("mysql+pymysql://geomsa:hunter2@db:3306/x", f"mysql+pymysql://geomsa:{MASK}@db:3306/x"),
        ("http://u:p@ss@mlflow/ and more", f"http://u:{MASK}@mlflow/ and more"),
        ("Authorization: Bearer abc123def456ghi", f"Authorization: Bearer {MASK}"),
        ("key AKIAIOSFODNN7EXAMPLE here", f"key AKIA{MASK} here"),
        ("sk-ant-api03-" + "x1" * 20, f"sk-{MASK}"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", f"eyJ{MASK}"),
        ("https://s3/x?X-Amz-Signature=0a1b2c&y=1", f"https://s3/x?X-Amz-Signature={MASK}&y=1"),
        ("geomsa_session_0123abcd=secret.value; b=c", f"geomsa_session_0123abcd={MASK}; b=c"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----", None),
    ],
)
def test_what_has_the_form_of_a_secret_is_masked(text: str, masked: str | None) -> None:
    found = mask(text)
    assert found == masked if masked is not None else "MII" not in found


@pytest.mark.parametrize(
    "text",
    [
        "Only one part at http://localhost:8501/inspect?x=1, says a@b.example.",
        "Basic inspection of parts",
        "Image “gms_part_1.png” has 12:30 in it",
        "s3://bucket:8080/folder/a@b.png",
        "Wrong password. Try again.",
    ],
)
def test_ordinary_sentences_stay(text: str) -> None:
    assert mask_log(text) == text


def test_what_is_configured_is_masked_wherever_it_turns_up(tmp_path: Path) -> None:
    read_settings(
        {
            "GEOMSA_DATA_DIR": str(tmp_path),
            "GEOMSA_DATABASE_URL": "postgresql+psycopg://geomsa:telling%2Fdatabase@db/geomsa",
            "GEOMSA_LLM_API_KEY": "telling-language-key",
            "GEOMSA_MLFLOW_URI": "http://me:telling-tracking@mlflow:5000",
        }
    )
    text = "telling/database telling%2Fdatabase telling-language-key telling-tracking"
    assert mask(text) == " ".join([MASK] * 4)
    remember(["short"])
    assert mask("a short word") == "a short word"


def test_an_error_carries_no_secret_to_pages_programs_and_rows() -> None:
    remember(["telling-answer-key"])
    error = Unavailable("writer_failed", reason="Incorrect API key telling-answer-key", more=[{"a": KEY}])
    assert "telling" not in repr(error) + str(error) + json.dumps(error.params)
    assert KEY not in repr(error)
    lower = type("Lower", (Exception,), {"code": "writer_failed", "params": {"reason": "telling-answer-key"}})()
    assert "telling" not in repr(from_lower(lower))
    assert mask_all(("telling-answer-key", 3, None)) == (MASK, 3, None)
    assert BadInput("not_found", name={"ko": "가", "en": "a"}).params == {"name": {"ko": "가", "en": "a"}}


def test_the_audit_log_keeps_no_secret(services: Services) -> None:
    remember(["telling-audit-key"])
    with writing(services) as session:
        row = record(session, None, "test.done", "test", None, changes={"url": ["", "http://a:telling-audit-key@b"]})
        session.commit()
        assert row.details == {"changes": {"url": ["", f"http://a:{MASK}@b"]}}


def test_logs_and_traces_of_a_process_are_masked() -> None:
    code = """
import logging, sys, threading
from core.masking import mask_logs, remember
remember(["telling-process-key"])
mask_logs(); mask_logs()
logging.basicConfig(stream=sys.stdout, format="%(name)s %(message)s")
log = logging.getLogger("third.party")
log.warning("sent %s to %s", "telling-process-key", "http://me:telling@host/x")
log.warning("password=telling, api_key: 'telling2', plain %d", 3)
log.warning("name %s", "a\\n2026-01-01 INFO forged \\x1b[2J")
log.warning("wrong arguments stay the handler's %s %s", 1)
try:
    raise ValueError("telling-process-key")
except ValueError:
    log.exception("failed")
def work():
    raise ValueError("in a thread telling-process-key")
one = threading.Thread(target=work, name="T1"); one.start(); one.join()
raise RuntimeError("at the end telling-process-key")
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    written = ran.stdout + ran.stderr
    assert ran.returncode == 1
    assert "telling" not in written.replace('File "<string>"', "")
    assert "third.party sent *** to http://me:***@host/x" in written
    assert "password=***, api_key: '***', plain 3" in written
    assert r"name a\n2026-01-01 INFO forged \x1b[2J" in written
    assert "ValueError: ***" in written
    assert "in a thread ***" in written
    assert "RuntimeError: at the end ***" in written
    assert written.count("Traceback") >= 3


def test_masking_keeps_the_arguments_of_ordinary_records() -> None:
    made = logging.getLogRecordFactory()("a", logging.INFO, "f", 1, "%s has %d", ("one", 2), None)
    assert (made.args, made.getMessage()) == (("one", 2), "one has 2")
