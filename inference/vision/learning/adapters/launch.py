"""How an adapter is started: shut in as a process of this machine, or in a container; both without a network."""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from inference.errors import ModelError
from inference.vision.learning.adapters.manifest import PYTHON, AdapterManifest

Mode = Literal["subprocess", "container"]
ENGINES = ("docker", "podman")
_GUARD = Path(__file__).with_name("guard.py")
# What an interpreter and its libraries need to read; nothing of ours is below these.
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", "/opt", "/proc", "/sys", "/dev")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/shm", "/dev/dri", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia0")  # noqa: S108
_INNER_TMP = "/tmp"  # noqa: S108 - the container's own, in memory
_FILE_BYTES = 16 * 1024**3


@dataclass(frozen=True)
class AdapterLaunch:
    """An adapter as it is started: its folder and manifest, the way, and the interpreter or container engine."""

    folder: Path
    manifest: AdapterManifest
    mode: Mode
    runner: str
    sees_gpu: bool = False


@dataclass(frozen=True)
class Start:
    """A command line with its environment, and the command that ends what an engine runs; none of a process."""

    command: tuple[str, ...]
    environment: dict[str, str] = field(repr=False)
    ending: tuple[str, ...] = ()


def find_engine() -> str | None:
    """Return the container engine of this machine, None without one."""
    return next((path for name in ENGINES if (path := shutil.which(name)) is not None), None)


def choose_launch(folder: Path, manifest: AdapterManifest, mode: str, *, sees_gpu: bool = False) -> AdapterLaunch:
    """Return how the adapter is started here; `mode` is auto, subprocess or container.

    `auto` takes a container where the adapter names an image and the machine has an engine. Raises ModelError:
    `adapter_no_engine`, `adapter_no_image`, `adapter_no_interpreter`.
    """
    engine = find_engine()
    if mode == "container" or (mode == "auto" and manifest.image and (engine is not None or not manifest.python)):
        if not manifest.image:
            raise ModelError("adapter_no_image", name=manifest.name)
        if engine is None:
            raise ModelError("adapter_no_engine", name=manifest.name)
        return AdapterLaunch(folder, manifest, "container", engine, sees_gpu)
    python = folder / manifest.python if manifest.python else None
    # A link to an interpreter must stay one: it is how an environment knows itself.
    if python is None or not os.access(python, os.X_OK):
        raise ModelError("adapter_no_interpreter", name=manifest.name, path=str(python or folder))
    return AdapterLaunch(folder, manifest, "subprocess", str(python.absolute()), sees_gpu)


def make_start(launch: AdapterLaunch, arguments: Sequence[str], *, given: Path, made: Path, state: Path) -> Start:
    """Return the command line for `COMMAND… ARGUMENTS… GIVEN MADE STATE`, the folders being what it is handed.

    `given` is read-only; `made` is where its results go, `state` what it may keep for the next try.
    """
    if launch.mode == "container":
        return _contain(launch, arguments, given=given, made=made, state=state)
    command = [launch.runner if word == PYTHON else word for word in launch.manifest.command]
    command += [*arguments, str(given), str(made), str(state)]
    home = made.parent / "home"
    home.mkdir(exist_ok=True)
    allowed = {
        "read": [*_SYSTEM, str(launch.folder), *_environment_of(launch.runner), str(given)],
        "write": [str(made), str(state), str(home), *_DEVICES],
        "file_bytes": _FILE_BYTES,
        "parent": os.getpid(),
    }
    return Start((sys.executable, "-I", str(_GUARD), json.dumps(allowed), *command), _environment(home, launch))


def _contain(launch: AdapterLaunch, arguments: Sequence[str], *, given: Path, made: Path, state: Path) -> Start:
    name = f"geomsa-adapter-{uuid.uuid4().hex[:12]}"
    manifest = launch.manifest
    words = ["python3" if word == PYTHON else word for word in manifest.command]
    command = [
        launch.runner, "run", "--rm", "--name", name, "--network", "none", "--read-only", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--pids-limit", "512", "--memory", f"{manifest.memory_gib:g}g",
        "--user", f"{os.getuid()}:{os.getgid()}", "--tmpfs", _INNER_TMP, "--env", f"HOME={_INNER_TMP}",
        "--workdir", "/adapter",
        "--volume", f"{launch.folder}:/adapter:ro", "--volume", f"{given}:/given:ro",
        "--volume", f"{made}:/made", "--volume", f"{state}:/state",
        *(["--gpus", "all"] if launch.sees_gpu and manifest.gpu else []),
        manifest.image, *words, *arguments, "/given", "/made", "/state",
    ]  # fmt: skip
    kept = {one: os.environ[one] for one in ("PATH", "HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST") if one in os.environ}
    return Start(tuple(command), kept, (launch.runner, "kill", name))


def _environment_of(python: str) -> list[str]:
    """Return the folders that an interpreter lives in: its environment's, and that of the one it was made from."""
    found = {str(Path(python).parent.parent), str(Path(os.path.realpath(python)).parent.parent)}
    settings = Path(python).parent.parent / "pyvenv.cfg"
    if settings.is_file():
        for line in settings.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition("=")
            if key.strip() == "home":
                found.add(str(Path(os.path.realpath(value.strip())).parent))
    return sorted(found)


def _environment(home: Path, launch: AdapterLaunch) -> dict[str, str]:
    """Return what it may know of ours: nothing; no hub, no telemetry."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES") if name in os.environ}
    return {
        **kept,
        "PATH": f"{Path(launch.runner).parent}:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
        "YOLO_OFFLINE": "true",
        "YOLO_CONFIG_DIR": str(home),
        "MPLCONFIGDIR": str(home),
        "WANDB_MODE": "disabled",
    }
