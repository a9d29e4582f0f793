"""`user` and the scopes of `api-key`, as typed in a terminal."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from core.__main__ import main
from core.access import Person
from core.accounts.directory import find_account
from core.accounts.sessions import begin, find
from core.errors import NotAllowed
from core.services import Services
from tests.bound_people import add_worker
from tests.history_rows import add_product

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _in_folder(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_LANGUAGE", "en")


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    status = main(list(arguments))
    out, err = capsys.readouterr()
    return status, out.splitlines(), err


def _account(capsys: pytest.CaptureFixture[str], login: str) -> dict[str, Any]:
    _status, lines, _err = _run(capsys, "user", "list", "--json")
    found: dict[str, Any] = next(told for line in lines if (told := json.loads(line))["login"] == login)
    return found


def test_an_account_from_its_first_day_to_its_last(
    services: Services, admin: Person, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_product(services, admin)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert _run(capsys, "user", "add", "kim", "--role", "admin", "--must-change")[0] == 0
    assert _account(capsys, "kim") | {"id": 0} == {
        "id": 0,
        "login": "kim",
        "name": "kim",
        "role": "admin",
        "state": "active",
        "products": None,
        "lines": None,
        "last_seen_at": None,
        "locked_until": None,
        "invited_until": None,
        "sessions": 0,
        "must_change_password": True,
    }
    status, lines, err = _run(
        capsys, "user", "invite", "Lee", "--name", "이작업", "--product", "bracket", "--line", "1라인", "--json"
    )
    told = json.loads(lines[0])
    assert (status, told["path"]) == (0, f"/sign-in?code={told['code']}")
    assert "shown only now" in err
    lee = _account(capsys, "lee")
    assert (lee["state"], lee["products"], lee["lines"]) == ("invited", ["bracket"], ["1라인"])
    # Asked for again, the account stays and the code is another one.
    assert _run(capsys, "user", "invite", "lee")[1] != [told["code"]]
    assert _run(capsys, "user", "bind", "lee", "--line", "2라인")[0] == 0
    assert (_account(capsys, "lee")["products"], _account(capsys, "lee")["lines"]) == (None, ["2라인"])
    assert _run(capsys, "user", "bind", "lee")[0] == 1
    assert _run(capsys, "user", "bind", "lee", "--none")[0] == 0
    assert _run(capsys, "user", "set-role", "lee", "engineer")[0] == 0
    assert _run(capsys, "user", "disable", "lee")[0] == 0
    assert [line.split()[:3] for line in _run(capsys, "user", "list", "--state", "disabled")[1]] == [
        ["lee", "engineer", "disabled"]
    ]
    assert _run(capsys, "user", "enable", "lee")[0] == 0
    assert len(_run(capsys, "user", "reset", "lee")[1]) == 1
    assert _run(capsys, "user", "unlock", "lee")[0] == 0
    status, _lines, err = _run(capsys, "user", "set-role", "kim", "worker")
    assert (status, "last administrator" in err) == (1, True)
    status, _lines, err = _run(capsys, "user", "disable", "nobody")
    assert (status, "nobody" in err) == (1, True)


def test_sessions_are_listed_and_ended(services: Services, admin: Person, capsys: pytest.CaptureFixture[str]) -> None:
    who = add_worker(services, admin)
    cookies = [begin(services, who, address=f"10.0.0.{number}") for number in range(3)]
    told = [json.loads(line) for line in _run(capsys, "user", "sessions", "lee", "--json")[1]]
    assert {one["address"] for one in told} == {"10.0.0.0", "10.0.0.1", "10.0.0.2"}
    assert _run(capsys, "user", "sign-out", "lee", "--session", str(told[0]["id"]))[0] == 0
    assert find_account(services, admin, "lee").sessions == 2
    assert _run(capsys, "user", "sign-out", "lee")[0] == 0
    for cookie in cookies:
        with pytest.raises(NotAllowed):
            find(services, cookie)
    assert _run(capsys, "user", "sessions", "lee")[1] == []


def test_a_key_is_made_for_some_things_alone(
    services: Services, admin: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    add_product(services, admin)
    made = ("api-key", "add", "camera 3", "--role", "worker", "--scope", "inspect", "--scope", "read", "--json")
    told = json.loads(_run(capsys, *made, "--product", "bracket")[1][0])
    assert (told["scopes"], told["state"]) == (["inspect", "read"], "valid")
    (line,) = _run(capsys, "api-key", "list")[1]
    assert "inspect,read" in line
    assert told["key"] not in line
    # Only line workers are bound: of a key that cannot be made nothing is left.
    status, _lines, err = _run(capsys, "api-key", "add", "x", "--role", "engineer", "--line", "1")
    assert (status, "line workers" in err) == (1, True)
    assert len(_run(capsys, "api-key", "list")[1]) == 1
