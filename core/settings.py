"""Settings: read once from the environment, validated, frozen; secrets never appear in their repr."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from core.errors import BadSetting
from core.i18n import LANGUAGES
from core.masking import remember
from core.secret_files import with_secret_files

DATABASE_SCHEMES = ("sqlite", "mysql+pymysql", "mariadb+pymysql", "postgresql+psycopg")
GIB = 1024**3
_ROLES = ("worker", "engineer", "admin")  # those of core.access, which lies above this module
SHORTEST_KEY = 12
# Databases that MLflow writes into without a server of its own.
MLFLOW_SCHEMES = ("sqlite", "postgresql", "mysql+pymysql", "file")


@dataclass(frozen=True)
class S3Settings:
    """Where the S3-compatible object store is, and the keys to it."""

    endpoint: str
    bucket: str
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class OidcSettings:
    """The OpenID provider that people sign in through (`GEOMSA_AUTH=oidc`).

    `roles` gives a role for a value of the claim `role_claim`; where no claim is named, the table of users decides.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    address: str
    role_claim: str = ""
    roles: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Settings:
    """The process's settings (spec, section 7)."""

    data_dir: Path
    database_url: str = field(repr=False)
    object_store: str
    s3: S3Settings | None
    auth: str
    worker: str
    device: Literal["auto", "cpu", "cuda"]
    language: str | None
    weights_dir: Path
    memory_budget_bytes: int
    upload_memory_bytes: int = 2 * GIB
    check_runtimes: Literal["auto", "all", "own"] = "auto"
    anthropic_api_key: str | None = field(default=None, repr=False)
    llm_model: str | None = None
    llm_base_url: str | None = None
    llm_api_key: str | None = field(default=None, repr=False)
    anthropic_base_url: str | None = None
    vlm_model: str | None = None
    vlm_base_url: str | None = None
    vlm_api_key: str | None = field(default=None, repr=False)
    executor: str = "local"
    ray_address: str | None = None
    trash_days: int = 7
    api_requests_per_minute: int = 6000
    report_folders: tuple[Path, ...] = ()
    import_folders: tuple[Path, ...] = ()
    ocr: Literal["auto", "off"] = "auto"
    mlflow_uri: str | None = field(default=None, repr=False)
    mlflow_tracking: Literal["on", "off"] = "on"
    adapter_mode: Literal["auto", "subprocess", "container"] = "auto"
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    oidc: OidcSettings | None = None
    idle_minutes: int = 720
    trusted_proxies: tuple[str, ...] = ()
    backup_dir: Path | None = None
    backup_key: str | None = field(default=None, repr=False)
    log_format: Literal["text", "json"] = "text"
    objects_dir: Path | None = None

    @property
    def objects_folder(self) -> Path:
        """The folder of the local object store."""
        return self.data_dir / "objects" if self.objects_dir is None else self.objects_dir

    @property
    def cache_dir(self) -> Path:
        """Files that can be fetched or made again: verified bundles, source images, cut-outs of defective places."""
        return self.data_dir / "cache"


def _one_of(env: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    value = env.get(name, "").strip().lower() or default
    if value not in choices:
        raise BadSetting("setting_not_one_of", name=name, value=value, choices=", ".join(choices))
    return value


def _database_url(env: Mapping[str, str], data_dir: Path) -> str:
    url = env.get("GEOMSA_DATABASE_URL", "").strip()
    if not url:
        return f"sqlite:///{data_dir / 'geomsa.db'}"
    scheme = url.split("://", 1)[0] if "://" in url else ""
    if scheme not in DATABASE_SCHEMES:
        # Never the URL itself: it may hold a password.
        raise BadSetting("setting_database_url", name="GEOMSA_DATABASE_URL", choices=", ".join(DATABASE_SCHEMES))
    if not (_names_a_file(url) if scheme == "sqlite" else _host_of(url)):
        raise BadSetting("setting_database_host", name="GEOMSA_DATABASE_URL")
    return url


def _names_a_file(url: str) -> bool:
    # A database in memory cannot be shared with the worker.
    return url.removeprefix("sqlite://").split("?")[0] not in {"", "/", "/:memory:"}


def _host_of(url: str) -> str | None:
    """Return the host of an address; None when there is none, or when the address cannot be read."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname


def _http_url(env: Mapping[str, str], name: str) -> str | None:
    value = env.get(name, "").strip()
    if not value:
        return None
    if not value.lower().startswith(("http://", "https://")) or not _host_of(value):
        raise BadSetting("setting_not_http_url", name=name)
    return value


def read_s3_settings(env: Mapping[str, str] | None = None) -> S3Settings:
    """Return where the S3-compatible store is, whichever store is in force. Raises BadSetting setting_s3_missing."""
    return _s3(os.environ if env is None else env)


def _s3(env: Mapping[str, str]) -> S3Settings:
    def first(*names: str) -> str:
        return next((env[name].strip() for name in names if env.get(name, "").strip()), "")

    found = S3Settings(
        endpoint=_http_url(env, "GEOMSA_S3_ENDPOINT") or "",
        bucket=first("GEOMSA_S3_BUCKET", "NCP_BUCKET"),
        region=first("GEOMSA_S3_REGION") or "kr-standard",
        access_key=first("GEOMSA_S3_ACCESS_KEY", "NCP_ACCESS_KEY"),
        secret_key=first("GEOMSA_S3_SECRET_KEY", "NCP_SECRET_KEY"),
    )
    names = {
        "GEOMSA_S3_ENDPOINT": found.endpoint,
        "GEOMSA_S3_BUCKET": found.bucket,
        "GEOMSA_S3_ACCESS_KEY": found.access_key,
        "GEOMSA_S3_SECRET_KEY": found.secret_key,
    }
    missing = [name for name, value in names.items() if not value]
    if missing:
        raise BadSetting("setting_s3_missing", names=", ".join(missing))
    return found


def _folder(env: Mapping[str, str], name: str, default: str) -> Path:
    text = env.get(name, "").strip() or default
    try:
        path = Path(text).expanduser().resolve()
        usable = not path.exists() or path.is_dir()
    except (OSError, RuntimeError) as error:  # a name that is too long; links in a circle, an unknown ~user
        raise BadSetting("setting_data_dir", name=name, value=text) from error
    if not usable:
        raise BadSetting("setting_data_dir", name=name, value=text)
    return path


def _data_dir(env: Mapping[str, str]) -> Path:
    path = _folder(env, "GEOMSA_DATA_DIR", "data")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting("setting_data_dir", name="GEOMSA_DATA_DIR", value=str(path)) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise BadSetting("setting_data_dir", name="GEOMSA_DATA_DIR", value=str(path))
    return path


def _folders(env: Mapping[str, str], name: str) -> tuple[Path, ...]:
    """Return the folders that a variable names, separated as in `PATH`, links resolved."""
    found = []
    for text in env.get(name, "").split(os.pathsep):
        if not text.strip():
            continue
        path = Path(text.strip())
        if not path.is_absolute():
            raise BadSetting("setting_not_absolute", name=name, value=text.strip())
        found.append(_folder({name: text}, name, text))
    return tuple(found)


def _gib(env: Mapping[str, str], name: str) -> int:
    text = env.get(name, "").strip() or "2"
    try:
        gib = float(text)
    except ValueError:
        gib = 0.0
    if not 0.25 <= gib <= 1024:
        raise BadSetting("setting_not_between", name=name, value=text, lowest="0.25", highest="1024")
    return int(gib * GIB)


def _whole(env: Mapping[str, str], name: str, *, default: int, highest: int) -> int:
    text = env.get(name, "").strip() or str(default)
    # No sign, no spaces between digits, no digits of other scripts: as it would be written on purpose.
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else 0
    if not 1 <= number <= highest:
        raise BadSetting("setting_not_whole", name=name, value=text, lowest="1", highest=str(highest))
    return number


def _executor(env: Mapping[str, str]) -> str:
    executor = _one_of(env, "GEOMSA_EXECUTOR", ("local", "ray"), "local")
    if executor == "ray" and importlib.util.find_spec("ray") is None:
        raise BadSetting("setting_ray_missing")
    return executor


def _ray_address(env: Mapping[str, str]) -> str | None:
    name = "GEOMSA_RAY_ADDRESS"
    value = env.get(name, "").strip()
    if not value:
        return None
    # Ray itself takes other words too, which would mean another cluster, or none, on every machine.
    host, _colon, port = value.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536 or _host_of(f"//{value}") != host.strip("[]").lower():
        raise BadSetting("setting_not_host_and_port", name=name)
    return value


def _mlflow_uri(env: Mapping[str, str]) -> str | None:
    """Return the address of the tracking store; None for the database in the data folder."""
    name = "GEOMSA_MLFLOW_URI"
    value = env.get(name, "").strip()
    if not value:
        return None
    scheme = value.split("://", 1)[0].lower() if "://" in value else ""
    whole = bool(_host_of(value)) if scheme in ("http", "https") else scheme in MLFLOW_SCHEMES and len(value) > 10
    if not whole:
        raise BadSetting("setting_mlflow_uri", name=name, choices=", ".join(("http", "https", *MLFLOW_SCHEMES)))
    return value


def _backup_key(env: Mapping[str, str]) -> str | None:
    """Return the passphrase that backups are encrypted with, from a variable or from a file; None without one."""
    name, file_name = "GEOMSA_BACKUP_KEY", "GEOMSA_BACKUP_KEY_FILE"
    key, file = env.get(name, "").strip(), env.get(file_name, "").strip()
    if key and file:
        raise BadSetting("setting_backup_key_both")
    if file:
        return read_key_file(Path(file), file_name)
    return _long_enough(key, name) if key else None


def read_key_file(path: Path, name: str) -> str:
    """Return the passphrase in a file, without the end of its line.

    Raises BadSetting setting_backup_key_file and setting_backup_key_short, which name where it was asked for.
    """
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting("setting_backup_key_file", name=name, value=str(path)) from error
    return _long_enough(key, name)


def _long_enough(key: str, name: str) -> str:
    if len(key) < SHORTEST_KEY:
        raise BadSetting("setting_backup_key_short", name=name, lowest=SHORTEST_KEY)
    return key


def _port(env: Mapping[str, str], name: str) -> int | None:
    return _whole(env, name, default=1, highest=65535) if env.get(name, "").strip() else None


def _host(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip() or "127.0.0.1"
    if _host_of(f"//{value}") != value.lower() or any(letter.isspace() for letter in value):
        raise BadSetting("setting_not_host", name=name)
    return value


def _oidc(env: Mapping[str, str]) -> OidcSettings:
    def text(name: str) -> str:
        return env.get(name, "").strip()

    if importlib.util.find_spec("authlib") is None:
        raise BadSetting("setting_oidc_package_missing")
    names = ("GEOMSA_OIDC_ISSUER", "GEOMSA_OIDC_CLIENT_ID", "GEOMSA_OIDC_CLIENT_SECRET", "GEOMSA_OIDC_ADDRESS")
    missing = [name for name in names if not text(name)]
    if missing:
        raise BadSetting("setting_oidc_missing", names=", ".join(missing))
    claim, roles = text("GEOMSA_OIDC_ROLE_CLAIM"), _oidc_roles(env, "GEOMSA_OIDC_ROLES")
    if bool(claim) != bool(roles):
        raise BadSetting("setting_oidc_role_pair")
    return OidcSettings(
        issuer=_outside_url(env, "GEOMSA_OIDC_ISSUER"),
        client_id=text("GEOMSA_OIDC_CLIENT_ID"),
        client_secret=text("GEOMSA_OIDC_CLIENT_SECRET"),
        address=_outside_url(env, "GEOMSA_OIDC_ADDRESS"),
        role_claim=claim,
        roles=roles,
    )


def _outside_url(env: Mapping[str, str], name: str) -> str:
    """Return an address without a slash at its end; without TLS only this machine's own."""
    value = (_http_url(env, name) or "").rstrip("/")
    parts = urlsplit(value)
    if parts.query or parts.fragment or parts.username is not None:
        raise BadSetting("setting_not_http_url", name=name)
    if parts.scheme.lower() == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise BadSetting("setting_not_https", name=name)
    return value


def _oidc_roles(env: Mapping[str, str], name: str) -> tuple[tuple[str, str], ...]:
    """Return the pairs of `value=role,value=role`; a value may have spaces and equals signs in it."""
    found = []
    for pair in env.get(name, "").split(","):
        if not pair.strip():
            continue
        value, _sign, role = (part.strip() for part in pair.rpartition("="))
        if not value or role not in _ROLES:
            raise BadSetting("setting_oidc_roles", name=name, value=pair.strip(), choices=", ".join(_ROLES))
        found.append((value, role))
    return tuple(found)


def _proxies(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the networks of the proxies that are believed, separated by commas."""
    found = []
    for text in env.get(name, "").split(","):
        if not text.strip():
            continue
        try:
            network = ip_network(text.strip())
        except ValueError as error:
            raise BadSetting("setting_not_addresses", name=name, value=text.strip()) from error
        if network.prefixlen == 0:  # everybody could be anybody
            raise BadSetting("setting_all_addresses", name=name, value=text.strip())
        found.append(str(network))
    return tuple(found)


def read_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Return the settings from `env` (default: the process's environment).

    Raises BadSetting with one sentence that names the variable and what it may be. Creates the data folder.
    """
    env = with_secret_files(os.environ if env is None else env)
    language = env.get("GEOMSA_LANGUAGE", "").strip().lower() or None
    if language is not None and language not in LANGUAGES:
        raise BadSetting("setting_not_one_of", name="GEOMSA_LANGUAGE", value=language, choices=", ".join(LANGUAGES))
    data_dir = _data_dir(env)
    object_store = _one_of(env, "GEOMSA_OBJECT_STORE", ("local", "s3"), "local")
    auth = _one_of(env, "GEOMSA_AUTH", ("open", "accounts", "oidc"), "open")
    settings = Settings(
        data_dir=data_dir,
        database_url=_database_url(env, data_dir),
        object_store=object_store,
        s3=_s3(env) if object_store == "s3" else None,
        auth=auth,
        oidc=_oidc(env) if auth == "oidc" else None,
        worker=_one_of(env, "GEOMSA_WORKER", ("embedded", "external"), "embedded"),
        device=cast(Literal["auto", "cpu", "cuda"], _one_of(env, "GEOMSA_DEVICE", ("auto", "cpu", "cuda"), "auto")),
        language=language,
        weights_dir=_folder(env, "GEOMSA_WEIGHTS_DIR", str(data_dir / "weights")),
        memory_budget_bytes=_gib(env, "GEOMSA_MEMORY_BUDGET_GIB"),
        upload_memory_bytes=_gib(env, "GEOMSA_UPLOAD_MEMORY_GIB"),
        check_runtimes=cast(
            Literal["auto", "all", "own"], _one_of(env, "GEOMSA_CHECK_RUNTIMES", ("auto", "all", "own"), "auto")
        ),
        anthropic_api_key=env.get("ANTHROPIC_API_KEY", "").strip() or None,
        llm_model=env.get("GEOMSA_LLM_MODEL", "").strip() or None,
        llm_base_url=_http_url(env, "GEOMSA_LLM_BASE_URL"),
        llm_api_key=env.get("GEOMSA_LLM_API_KEY", "").strip() or None,
        anthropic_base_url=_http_url(env, "ANTHROPIC_BASE_URL"),
        vlm_model=env.get("GEOMSA_VLM_MODEL", "").strip() or None,
        vlm_base_url=_http_url(env, "GEOMSA_VLM_BASE_URL"),
        vlm_api_key=env.get("GEOMSA_VLM_API_KEY", "").strip() or None,
        executor=_executor(env),
        ray_address=_ray_address(env),
        trash_days=_whole(env, "GEOMSA_TRASH_DAYS", default=7, highest=365),
        api_requests_per_minute=_whole(env, "GEOMSA_API_REQUESTS_PER_MINUTE", default=6000, highest=1_000_000),
        # None named: reports may go into any folder outside our own.
        report_folders=_folders(env, "GEOMSA_REPORT_FOLDERS"),
        # None named: nothing is imported from folders of the server, whose files are everybody's then.
        import_folders=_folders(env, "GEOMSA_IMPORT_FOLDERS"),
        ocr=cast(Literal["auto", "off"], _one_of(env, "GEOMSA_OCR", ("auto", "off"), "auto")),
        mlflow_uri=_mlflow_uri(env),
        mlflow_tracking=cast(Literal["on", "off"], _one_of(env, "GEOMSA_MLFLOW", ("on", "off"), "on")),
        adapter_mode=cast(
            Literal["auto", "subprocess", "container"],
            _one_of(env, "GEOMSA_ADAPTER_MODE", ("auto", "subprocess", "container"), "auto"),
        ),
        metrics_port=_port(env, "GEOMSA_METRICS_PORT"),
        metrics_host=_host(env, "GEOMSA_METRICS_HOST"),
        idle_minutes=_whole(env, "GEOMSA_IDLE_MINUTES", default=720, highest=7 * 24 * 60),
        trusted_proxies=_proxies(env, "GEOMSA_TRUSTED_PROXIES"),
        objects_dir=(_folder(env, "GEOMSA_OBJECTS_DIR", "") if env.get("GEOMSA_OBJECTS_DIR", "").strip() else None),
        backup_dir=_folder(env, "GEOMSA_BACKUP_DIR", str(data_dir / "backups")),
        backup_key=_backup_key(env),
        log_format=cast(Literal["text", "json"], _one_of(env, "GEOMSA_LOG_FORMAT", ("text", "json"), "text")),
    )
    remember(_secrets(settings))
    return settings


def _secrets(settings: Settings) -> list[str | None]:
    """Return what is secret in the settings: keys, and the passwords in addresses."""
    found = [settings.anthropic_api_key, settings.llm_api_key, settings.vlm_api_key, settings.backup_key]
    if settings.s3 is not None:
        found += [settings.s3.access_key, settings.s3.secret_key]
    if settings.oidc is not None:
        found.append(settings.oidc.client_secret)
    addresses = (
        settings.database_url, settings.mlflow_uri, settings.llm_base_url, settings.vlm_base_url,
        settings.anthropic_base_url, settings.s3.endpoint if settings.s3 is not None else None,
    )  # fmt: skip
    for address in addresses:
        # With a sign too many in it an address is still an address to whoever connects.
        named, at, _host = (address or "").partition("://")[2].rpartition("@")
        found.append(named.partition(":")[2] if at else None)
    return found
