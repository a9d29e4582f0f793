"""The command line: `python -m core …`. Data goes to standard output, progress and errors to standard error."""

from __future__ import annotations

import argparse
import io
import logging
import sys
from collections.abc import Callable, Sequence

from core import logs
from core.cli import (
    deploying,
    inspecting,
    manuals,
    network_weights,
    replaying,
    reporting,
    serving,
    set_up,
    thresholds,
    watching,
    working,
)
from core.cli.administration import auditing, backups, checking, keys, moving, people
from core.cli.arguments import build_parser
from core.cli.catalog import viewing
from core.cli.comparing import comparisons, datasets, fusing
from core.cli.images import exporting, importing, trash
from core.cli.terminal import language
from core.cli.training import adapter_commands, asking, runs, tracking, training
from core.cli.training import exporting as model_exporting
from core.errors import AppError
from core.masking import mask_logs

COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": set_up.demo,
    "migrate": set_up.migrate,
    "import": importing.import_images,
    "export": exporting.export,
    "trash": trash.trash,
    "deploy": deploying.deploy,
    "inspect": inspecting.inspect,
    "manual": manuals.manual,
    "guidance": manuals.guidance,
    "view": viewing.view,
    "evaluate": inspecting.evaluate,
    "replay": replaying.replay,
    "fuse": fusing.fuse,
    "thresholds": thresholds.thresholds,
    "report": reporting.report,
    "dataset": datasets.dataset,
    "compare": comparisons.compare,
    "ask": asking.ask_assistant,
    "train": training.train,
    "runs": runs.runs,
    "export-model": model_exporting.export_model,
    "adapters": adapter_commands.adapters,
    "watch": watching.watch,
    "targets": watching.targets,
    "run-watch": watching.run_watch,
    "worker": working.worker,
    "run-tracking": working.run_tracking,
    "tracking": tracking.tracking,
    "run-job": working.run_job,
    "prepare": working.prepare,
    "weights": network_weights.weights_command,
    "user": people.user,
    "api": serving.api,
    "api-key": keys.api_key,
    "audit": auditing.audit,
    "doctor": checking.doctor,
    "move-objects": moving.move_objects,
    "backup": backups.backup,
    "restore": backups.restore,
}


def _log_level(wanted: argparse.Namespace) -> int | str:
    """Return from which level on the command logs: processes that go on by themselves say what they do."""
    if wanted.command == "run-job":
        return str(wanted.log_level)
    return logging.INFO if wanted.command in {"worker", "run-watch", "run-tracking"} else logging.WARNING


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0 done, 1 failed, 2 wrong usage or setting, 3 in part (see --help)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file name in another encoding must not end the command; in JSON the escape is even the right one.
            stream.reconfigure(errors="backslashreplace")
    wanted = build_parser().parse_args(arguments)
    mask_logs()
    logs.set_up(wanted.command, level=_log_level(wanted))
    try:
        return COMMANDS[wanted.command](wanted)
    except AppError as error:
        print(error.sentence(language()), file=sys.stderr)  # noqa: T201 - this is the command line
        return 2 if error.code.startswith("setting_") else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has gone (`… | head`): there is nothing more to write, and no error to report at exit.
        sys.stderr.close()
        return 1


if __name__ == "__main__":
    sys.exit(main())
