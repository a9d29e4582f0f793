"""Lets what Streamlit and its server log be written as all other lines are."""

from __future__ import annotations

import logging

from streamlit import config, logger

from core.logs import take_over

_SERVER = ("uvicorn", "uvicorn.access", "uvicorn.asgi", "uvicorn.error", "websockets")


def log_as_all_others_do() -> None:
    """Take Streamlit's own handlers away, now and when its settings are read again, and write no second access log.

    Streamlit gives each of its loggers a handler that writes text, also to those that it makes later.
    """
    config.on_config_parsed(_take_over)
    logger.setup_formatter = _leave_to_the_root  # type: ignore[assignment]
    _take_over()
    # Our own gate says of each request what there is to say, without its query.
    logging.getLogger("uvicorn.access").disabled = True


def _leave_to_the_root(found: logging.Logger) -> None:
    take_over([found.name])


def _take_over() -> None:
    own = [name for name in logging.Logger.manager.loggerDict if name.split(".")[0] == "streamlit"]
    take_over([*own, *_SERVER])
