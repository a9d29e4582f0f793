"""The files of deploy/, by the tools of those who read them. What is not installed is skipped, and says so.

Nothing here builds an image or starts a cluster: that takes a daemon, which this does not assume.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.settings import read_settings
from tests.tls_server import make_certificate

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def _program(name: str) -> str:
    """Return the path of a program beside Python, or of the system. Skips the test where there is none."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"{name} is not installed: its files were not checked")
    return found


def _run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))
    return found


def test_the_container_file_has_nothing_that_hadolint_minds() -> None:
    assert _run(_program("hadolint"), DEPLOY / "container" / "Containerfile").strip() == ""


def test_the_compose_file_is_whole_with_the_example_settings_and_made_secrets(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    folder = tmp_path / "deploy" / "compose"
    _run("sh", folder / "make-secrets.sh")
    kept = (folder / "secrets" / "database_password").read_text()
    _run("sh", folder / "make-secrets.sh")
    assert (folder / "secrets" / "database_password").read_text() == kept
    assert kept.strip() in (folder / "secrets" / "database_url").read_text()
    assert (folder / "secrets").stat().st_mode & 0o077 == 0
    settings = (folder / ".env.example").read_text(encoding="utf-8")
    (folder / ".env").write_text(settings.replace("GEOMSA_STICKY=\n", "GEOMSA_STICKY=abc\n"), encoding="utf-8")
    written = _run(_program("docker-compose"), "-f", "compose.yaml", "config", cwd=folder)
    services = yaml.safe_load(written[written.index("networks:") :])["services"]
    assert {"app", "api", "worker", "migrate", "database", "store", "proxy"} <= set(services)


def test_every_service_is_shut_in_and_bounded() -> None:
    for name, service in _compose()["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "memory" in service["deploy"]["resources"]["limits"], name
        assert "healthcheck" in service, name
        assert re.fullmatch(r".+:.+", service["image"]), name


def test_the_settings_that_the_files_name_are_ones_that_geomsa_reads(tmp_path: Path) -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "core").rglob("*.py"))
    for path in [*DEPLOY.rglob("*.yaml"), *UNITS, DEPLOY / "systemd" / "geomsa.env.example"]:
        own = {
            "GEOMSA_HOST", "GEOMSA_PORT", "GEOMSA_TLS", "GEOMSA_TLS_DIR", "GEOMSA_APPS", "GEOMSA_APIS", "GEOMSA_STICKY",
            "GEOMSA_IMAGE", "GEOMSA_TARGET",
        }  # fmt: skip
        named = set(re.findall(r"GEOMSA_[A-Z0-9_]+", path.read_text(encoding="utf-8"))) - own
        unknown = {name for name in named if f'"{name.removesuffix("_FILE")}"' not in source}
        assert unknown <= {"GEOMSA_TRUSTED_PROXIES", "GEOMSA_BACKUP_DIR", "GEOMSA_BACKUP_KEY_FILE"}, path
    lines = (DEPLOY / "systemd" / "geomsa.env.example").read_text(encoding="utf-8").splitlines()
    env = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    keys = {"GEOMSA_S3_ACCESS_KEY": "a", "GEOMSA_S3_SECRET_KEY": "b", "GEOMSA_DATA_DIR": str(tmp_path)}
    assert read_settings({**env, **keys}).auth == "accounts"


def test_no_file_of_deploy_names_a_secret() -> None:
    paths = [path for path in DEPLOY.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    assert re.findall(r"(?i)(?:password|secret_key|token)\s*[:=]\s*['\"]?[0-9a-f]{16,}", text) == []
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[1] == "*", "an image takes only what is named"
    assert not {"!deploy", "!data", "!.env"} & set(ignored)


def test_caddy_reads_its_file(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "tls.pem", days=3)
    for tls in ("internal", f"{certificate} {certificate}"):
        told = _run(
            _program("caddy"), "validate", "--adapter", "caddyfile", "--config", DEPLOY / "caddy" / "Caddyfile",
            GEOMSA_TLS=tls, GEOMSA_APPS="a:8501 b:8501", XDG_DATA_HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path),
        )  # fmt: skip
        assert "Valid configuration" in told
        assert "not formatted" not in told


def test_nginx_reads_its_file(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "tls.pem", days=3)
    text = (DEPLOY / "nginx" / "geomsa.conf").read_text(encoding="utf-8")
    text = text.replace("/etc/nginx/tls/tls.crt", str(certificate)).replace("/etc/nginx/tls/tls.key", str(certificate))
    (tmp_path / "geomsa.conf").write_text(text, encoding="utf-8")
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; include {tmp_path}/geomsa.conf; }}\n"
    )
    _run(_program("nginx"), "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf")


def test_prometheus_reads_its_files_and_the_alerts_go_off_when_they_should() -> None:
    tool, folder = _program("promtool"), DEPLOY / "prometheus"
    for name in ("prometheus.yml", "compose.yml"):
        _run(tool, "check", "config", "--syntax-only", folder / name)
    _run(tool, "check", "rules", folder / "alerts.yml")
    _run(tool, "test", "rules", folder / "alerts_test.yml", cwd=folder)


def test_the_runbooks_say_what_to_do_about_every_alert() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    names = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    for name in ("runbook.md", "runbook.ko.md"):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert {alert for alert in names if f"`{alert}`" not in text} == set(), name


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_reads_the_units_and_finds_them_shut_in(unit: Path, tmp_path: Path) -> None:
    tool = _program("systemd-analyze")
    for other in (DEPLOY / "systemd").iterdir():
        text = other.read_text(encoding="utf-8")
        (tmp_path / other.name).write_text(text.replace("/opt/geomsa/.venv", str(tmp_path / "venv")), encoding="utf-8")
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    for program in ("python", "streamlit"):
        (tmp_path / "venv" / "bin" / program).symlink_to("/bin/true")
    assert _run(tool, "verify", "--man=no", f"./{unit.name}", cwd=tmp_path).strip() == ""
    # 0 is shut in, 10 is open; most units of a distribution are above 9.
    _run(tool, "security", "--offline=yes", "--threshold=25", f"./{unit.name}", cwd=tmp_path)


@pytest.mark.parametrize("folder", ["base", "ray"])
def test_kubernetes_knows_every_field_of_the_manifests(folder: str, tmp_path: Path) -> None:
    built = _run(_program("kubectl"), "kustomize", DEPLOY / "kubernetes" / folder)
    (tmp_path / "built.yaml").write_text(built, encoding="utf-8")
    _run(_program("kubernetes-validate"), "--strict", "-k", "1.31", tmp_path / "built.yaml")
    for resource in yaml.safe_load_all(built):
        if resource["kind"] not in {"Deployment", "Job"}:
            continue
        pod = resource["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            shut_in = container["securityContext"]
            assert shut_in["readOnlyRootFilesystem"] is True
            assert shut_in["allowPrivilegeEscalation"] is False
            assert "memory" in container["resources"]["limits"]


def test_the_probe_of_the_containers_asks_the_process(tmp_path: Path) -> None:
    probe = [sys.executable, str(DEPLOY / "container" / "probe.py")]
    env = {**os.environ, "GEOMSA_PROBE_PORT": "9", "GEOMSA_DATA_DIR": str(tmp_path)}
    for argument, status in (("app", 1), ("api-ready", 1), ("worker", 1), ("what", 2)):
        ran = subprocess.run([*probe, argument], env=env, capture_output=True, timeout=60)
        assert ran.returncode == status, argument
