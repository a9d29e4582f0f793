"""What the child process of text recognition runs: it limits itself, then becomes the engine.

    python -I limited_run.py MEMORY_BYTES CPU_S COMMAND ARGUMENT …

Imports nothing of the product.
"""

from __future__ import annotations

import os
import sys


def main(arguments: list[str]) -> None:
    """Limit this process and become the command."""
    memory_bytes, cpu_s, command, *rest = arguments
    try:
        import resource
    except ImportError:  # Windows: the parent's clock is the only limit there
        pass
    else:
        resource.setrlimit(resource.RLIMIT_AS, (int(memory_bytes), int(memory_bytes)))
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s), int(cpu_s) + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(command, [command, *rest])  # noqa: S606 - the engine that was looked up, no shell  # nosec B606


if __name__ == "__main__":
    main(sys.argv[1:])
