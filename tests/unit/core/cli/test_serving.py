"""The keys of the REST interface on the command line, and where the interface may listen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.__main__ import main
from core.accounts.api_keys import find_caller
from core.services import build_services
from core.settings import read_settings
from tests.databases import data_settings, place_database


@pytest.fixture
def data_dir(tmp_path: Path, database_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    place_database(database_template, folder)
    data_settings(folder)
    for name, value in (("DATA_DIR", str(folder)), ("DEVICE", "cpu"), ("LANGUAGE", "en"), ("WORKER", "external")):
        monkeypatch.setenv(f"GEOMSA_{name}", value)
    return folder


def test_a_key_is_made_listed_and_revoked(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["api-key", "add", "camera 3", "--role", "worker", "--expires", "2099-12-31"]) == 0
    shown = capsys.readouterr()
    key = shown.out.strip()
    assert "only now" in shown.err
    services = build_services(read_settings())
    assert find_caller(services, key).person.role == "worker"
    services.database.dispose()
    assert main(["api-key", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["revoked_at"]) == ("camera 3", None)
    assert key not in str(told)
    assert main(["api-key", "revoke", str(told["id"])]) == 0
    assert main(["api-key", "list"]) == 0
    assert "revoked" in capsys.readouterr().out
    assert main(["api-key", "revoke", str(told["id"])]) == 1
    assert "already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("day", "said"), [("tomorrow", "2027-12-31"), ("2020-01-01", "lie ahead"), ("9999-12-31", "2027-12-31")]
)
def test_a_day_that_will_not_do_makes_no_key(
    data_dir: Path, capsys: pytest.CaptureFixture[str], day: str, said: str
) -> None:
    assert main(["api-key", "add", "a", "--role", "worker", "--expires", day]) == 1
    assert said in capsys.readouterr().err
    assert main(["api-key", "list"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "factory.example"])
def test_without_sign_in_the_interface_listens_to_this_machine_alone(
    data_dir: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    assert main(["api", "--host", host]) == 1
    assert host in capsys.readouterr().err
