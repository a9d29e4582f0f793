"""Settings: what a wrong value says, what is understood, and what nobody ever sees. Languages and roles."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.access import ADMIN, ENGINEER, ROLES, WORKER, reaches
from core.errors import BadSetting
from core.i18n import choose_language
from core.settings import GIB, Settings, read_settings

ROOT = Path(__file__).resolve().parents[3]
SECRETS = {
    "GEOMSA_DATABASE_URL": "postgresql+psycopg://geomsa:db-secret@db.factory/geomsa",
    "GEOMSA_S3_ACCESS_KEY": "access-secret",
    "GEOMSA_S3_SECRET_KEY": "key-secret",
    "ANTHROPIC_API_KEY": "llm-secret",
    "GEOMSA_BACKUP_KEY": "backup-secret",
}
S3 = {
    "GEOMSA_OBJECT_STORE": "s3",
    "GEOMSA_S3_ENDPOINT": "https://kr.object.example.com",
    "GEOMSA_S3_BUCKET": "inspection",
    "GEOMSA_S3_ACCESS_KEY": "a",
    "GEOMSA_S3_SECRET_KEY": "s",
}
OIDC = {
    "GEOMSA_AUTH": "oidc",
    "GEOMSA_OIDC_ISSUER": "https://id.factory.example/realms/plant/",
    "GEOMSA_OIDC_CLIENT_ID": "geomsa",
    "GEOMSA_OIDC_CLIENT_SECRET": "oidc-secret",
    "GEOMSA_OIDC_ADDRESS": "https://geomsa.factory.example/",
}
WRONG = [
    ("GEOMSA_DATABASE_URL", "geomsa.db"),
    ("GEOMSA_DATABASE_URL", "oracle://user:db-secret@host/db"),
    ("GEOMSA_DATABASE_URL", "mysql+pymysql:///geomsa"),
    ("GEOMSA_DATABASE_URL", "mysql+pymysql://user:db-secret@[::1/geomsa"),
    ("GEOMSA_DATABASE_URL", "postgresql+psycopg://user:db-secret@host:port/geomsa"),
    ("GEOMSA_DATABASE_URL", "sqlite://"),
    ("GEOMSA_DATABASE_URL", "sqlite:///:memory:"),
    ("GEOMSA_OBJECT_STORE", "ftp"),
    ("GEOMSA_AUTH", "none"),
    ("GEOMSA_WORKER", "yes"),
    ("GEOMSA_DEVICE", "tpu"),
    ("GEOMSA_EXECUTOR", "kubernetes"),
    ("GEOMSA_RAY_ADDRESS", "auto"),
    ("GEOMSA_RAY_ADDRESS", "10.0.0.5"),
    ("GEOMSA_RAY_ADDRESS", ":6379"),
    ("GEOMSA_RAY_ADDRESS", "10.0.0.5:70000"),
    ("GEOMSA_RAY_ADDRESS", "ray://10.0.0.5:10001"),
    ("GEOMSA_LANGUAGE", "fr"),
    ("GEOMSA_MEMORY_BUDGET_GIB", "much"),
    ("GEOMSA_MEMORY_BUDGET_GIB", "0"),
    ("GEOMSA_MEMORY_BUDGET_GIB", "nan"),
    ("GEOMSA_UPLOAD_MEMORY_GIB", "0.1"),
    ("GEOMSA_UPLOAD_MEMORY_GIB", "all"),
    ("GEOMSA_BACKUP_KEY", "too short"),
    ("GEOMSA_BACKUP_KEY_FILE", "/there/is/no/such/file"),
    ("GEOMSA_TRASH_DAYS", "0"),
    ("GEOMSA_TRASH_DAYS", "366"),
    ("GEOMSA_TRASH_DAYS", "3.5"),
    ("GEOMSA_TRASH_DAYS", "-1"),
    ("GEOMSA_TRASH_DAYS", "１"),
    ("GEOMSA_LLM_BASE_URL", "localhost:8000"),
    ("GEOMSA_LLM_BASE_URL", "http://"),
    ("GEOMSA_LLM_BASE_URL", "http://[::1/v1"),
    ("GEOMSA_VLM_BASE_URL", "localhost:8000"),
    ("GEOMSA_WEIGHTS_DIR", "/etc/hostname"),
    ("GEOMSA_WEIGHTS_DIR", "~nobody-of-this-name/weights"),
    ("GEOMSA_DATA_DIR", "/proc/nowhere"),
    ("GEOMSA_DATA_DIR", "/etc/hostname"),
    ("GEOMSA_DATA_DIR", "x" * 300),
]


def _read(tmp_path: Path, **env: str) -> Settings:
    return read_settings({"GEOMSA_DATA_DIR": str(tmp_path / "data"), **env})


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_named_with_what_it_may_be(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as refused:
        _read(tmp_path, **{name: value})
    for language in ("en", "ko"):
        sentence = refused.value.sentence(language)
        assert name in sentence
        assert "{" not in sentence
        assert "secret" not in sentence
        assert "\n" not in sentence


@pytest.mark.parametrize("missing", sorted(set(S3) - {"GEOMSA_OBJECT_STORE"}))
def test_an_object_store_that_is_half_set_up_is_told_what_is_missing(missing: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=missing):
        _read(tmp_path, **{name: value for name, value in S3.items() if name != missing})


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        *(({name: ""}, name) for name in sorted(set(OIDC) - {"GEOMSA_AUTH"})),
        ({"GEOMSA_OIDC_ISSUER": "id.factory.example"}, "GEOMSA_OIDC_ISSUER"),
        ({"GEOMSA_OIDC_ISSUER": "http://id.factory.example"}, "GEOMSA_OIDC_ISSUER"),
        ({"GEOMSA_OIDC_ADDRESS": "https://user@geomsa.factory.example"}, "GEOMSA_OIDC_ADDRESS"),
        ({"GEOMSA_OIDC_ROLE_CLAIM": "groups"}, "GEOMSA_OIDC_ROLES"),
        ({"GEOMSA_OIDC_ROLES": "quality=engineer"}, "GEOMSA_OIDC_ROLE_CLAIM"),
        ({"GEOMSA_OIDC_ROLE_CLAIM": "groups", "GEOMSA_OIDC_ROLES": "quality=boss"}, "quality=boss"),
        ({"GEOMSA_OIDC_ROLE_CLAIM": "groups", "GEOMSA_OIDC_ROLES": "=admin"}, "GEOMSA_OIDC_ROLES"),
    ],
)
def test_a_provider_that_is_half_set_up_is_told_what_is_wrong(
    changed: dict[str, str], named: str, tmp_path: Path
) -> None:
    with pytest.raises(BadSetting, match=named) as refused:
        _read(tmp_path, **OIDC | changed)
    assert "oidc-secret" not in refused.value.sentence("ko")


def test_a_provider_is_read_with_its_roles_and_only_where_it_is_used(tmp_path: Path) -> None:
    roles = {"GEOMSA_OIDC_ROLE_CLAIM": "groups", "GEOMSA_OIDC_ROLES": "cn=quality staff = engineer, it=admin,"}
    settings = _read(tmp_path, **OIDC | roles)
    assert settings.oidc is not None
    assert settings.oidc.address == "https://geomsa.factory.example"
    assert settings.oidc.roles == (("cn=quality staff", "engineer"), ("it", "admin"))
    assert "oidc-secret" not in repr(settings)
    assert _read(tmp_path, **OIDC | {"GEOMSA_AUTH": "accounts"}).oidc is None


def test_an_endpoint_that_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="GEOMSA_S3_ENDPOINT"):
        _read(tmp_path, **S3 | {"GEOMSA_S3_ENDPOINT": "kr.object.example.com"})


def test_the_names_of_naver_cloud_are_understood_and_ours_go_first(tmp_path: Path) -> None:
    naver = {"NCP_BUCKET": "naver", "NCP_ACCESS_KEY": "na", "NCP_SECRET_KEY": "ns"}
    env = {name: S3[name] for name in ("GEOMSA_OBJECT_STORE", "GEOMSA_S3_ENDPOINT")} | naver
    found = _read(tmp_path, **env).s3
    assert found is not None
    assert (found.bucket, found.access_key, found.secret_key) == ("naver", "na", "ns")
    both = _read(tmp_path, **S3 | naver).s3
    assert both is not None
    assert both.bucket == "inspection"


def test_an_executor_that_is_not_installed_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(BadSetting) as caught:
        _read(tmp_path, GEOMSA_EXECUTOR="ray")
    assert "make setup EXTRA=ray" in caught.value.sentence("en")
    assert _read(tmp_path).executor == "local"


def test_no_secret_is_ever_in_the_settings_words(tmp_path: Path) -> None:
    settings = _read(tmp_path, **S3 | SECRETS)
    assert settings.s3 is not None
    assert settings.anthropic_api_key == "llm-secret"
    words = f"{settings!r} {settings} {settings.s3!r}"
    assert not [secret for secret in ("db-secret", "access-secret", "key-secret", "llm-secret") if secret in words]


def test_nothing_set_is_a_working_installation_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_settings({})
    assert settings.data_dir == tmp_path / "data"
    assert settings.data_dir.is_dir()
    assert settings.database_url == f"sqlite:///{tmp_path / 'data' / 'geomsa.db'}"
    assert (settings.object_store, settings.s3, settings.auth) == ("local", None, "open")
    assert (settings.worker, settings.device, settings.language) == ("embedded", "auto", None)
    assert settings.memory_budget_bytes == 2 * GIB
    assert settings.trash_days == 7
    assert settings.weights_dir == tmp_path / "data" / "weights"


def test_blank_and_upper_case_values_are_forgiven(tmp_path: Path) -> None:
    settings = _read(tmp_path, GEOMSA_DEVICE=" CPU ", GEOMSA_AUTH="", GEOMSA_LANGUAGE="KO", GEOMSA_TRASH_DAYS=" 30 ")
    assert (settings.device, settings.auth, settings.language) == ("cpu", "open", "ko")
    assert settings.trash_days == 30


@pytest.mark.parametrize(("command", "name"), [("migrate", "GEOMSA_DATABASE_URL"), ("doctor", "GEOMSA_DEVICE")])
def test_a_wrong_value_stops_every_command_with_one_sentence_and_status_2(
    command: str, name: str, tmp_path: Path
) -> None:
    env = {**os.environ, "GEOMSA_DATA_DIR": str(tmp_path), "GEOMSA_LANGUAGE": "en", name: "abacus"}
    done = subprocess.run(
        [sys.executable, "-m", "core", command], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert name in done.stderr


@pytest.mark.parametrize(
    ("saved", "browser", "chosen"),
    [
        ("ko", "en-US,en;q=0.9", "ko"),
        (None, "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        (None, "fr-FR,fr;q=0.9,ko;q=0.5", "ko"),
        (None, "EN_gb", "en"),
        (None, "de", "en"),
        (None, None, "en"),
        (None, "", "en"),
        ("fr", "ko", "ko"),
    ],
)
def test_the_language_is_the_saved_one_then_the_browsers_then_english(
    saved: str | None, browser: str | None, chosen: str
) -> None:
    assert choose_language(saved=saved, browser=browser) == chosen


def test_a_higher_role_may_do_what_a_lower_one_may_and_never_the_reverse() -> None:
    assert [[reaches(role, needed) for needed in ROLES] for role in (WORKER, ENGINEER, ADMIN)] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]
    assert not reaches("owner", WORKER)


def test_a_secret_may_come_as_a_file_and_the_variable_itself_wins(tmp_path: Path) -> None:
    secret = tmp_path / "database_url"
    secret.write_text("postgresql+psycopg://geomsa:s3cret@db/geomsa\n")
    env = {"GEOMSA_DATA_DIR": str(tmp_path / "data"), "GEOMSA_DATABASE_URL_FILE": str(secret)}
    assert read_settings(env).database_url == "postgresql+psycopg://geomsa:s3cret@db/geomsa"
    own = f"sqlite:///{tmp_path / 'own.db'}"
    assert read_settings({**env, "GEOMSA_DATABASE_URL": own}).database_url == own


@pytest.mark.parametrize("content", [None, b"", b"two\nlines", b"\xff\xfe"])
def test_a_secret_file_that_cannot_be_used_stops_the_start_and_is_not_shown(
    tmp_path: Path, content: bytes | None
) -> None:
    secret = tmp_path / "key"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(BadSetting) as raised:
        read_settings({"GEOMSA_DATA_DIR": str(tmp_path), "GEOMSA_S3_SECRET_KEY_FILE": str(secret)})
    assert raised.value.code == "setting_secret_file"
    assert "GEOMSA_S3_SECRET_KEY_FILE" in str(raised.value)
    assert "two" not in str(raised.value)
