"""Memory and load of NVIDIA GPUs, by the driver's own tool: nothing here touches CUDA, which would take memory."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable

from core.metrics.gauges import Gauge

TOOL = "nvidia-smi"
Sample = tuple[tuple[str, ...], float]
_ASKED = "index,name,memory.used,memory.total,utilization.gpu"
_TIMEOUT_S = 3.0
_KEPT_S = 5.0
_MIB = 1024**2


def ask_driver() -> str:
    """Return what the driver says of its GPUs as CSV, empty where there is no driver or it does not answer in time."""
    tool = shutil.which(TOOL)
    if tool is None:
        return ""
    command = [tool, f"--query-gpu={_ASKED}", "--format=csv,noheader,nounits"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout if ran.returncode == 0 else ""


def read_lines(told: str) -> list[Gauge]:
    """Return memory and load of each GPU in the driver's words; without a figure where it says `[N/A]`."""
    used: list[Sample] = []
    total: list[Sample] = []
    load: list[Sample] = []
    for line in told.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) != len(_ASKED.split(",")):
            continue
        labels = (parts[0], parts[1])
        for text, samples, factor in ((parts[2], used, _MIB), (parts[3], total, _MIB), (parts[4], load, 0.01)):
            if text.isdecimal():
                samples.append((labels, int(text) * factor))
    names = ("gpu", "name")
    return [
        Gauge("geomsa_gpu_memory_used_bytes", "Memory of the GPU that is in use.", names, tuple(used)),
        Gauge("geomsa_gpu_memory_total_bytes", "Memory of the GPU.", names, tuple(total)),
        Gauge("geomsa_gpu_utilization_ratio", "Share of the time in which the GPU computes.", names, tuple(load)),
    ]


class GpuReader:
    """Asks the driver at most every few seconds, however many ask here."""

    def __init__(self, ask: Callable[[], str] = ask_driver) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._told = ""
        self._told_at = -_KEPT_S

    def read(self) -> list[Gauge]:
        """Return memory and load of each GPU; gauges without samples where there is none."""
        with self._lock:
            if time.monotonic() - self._told_at >= _KEPT_S:
                self._told, self._told_at = self._ask(), time.monotonic()
            return read_lines(self._told)
