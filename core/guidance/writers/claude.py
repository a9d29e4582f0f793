"""Claude, at its maker or behind a gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.guidance.writers.specification import TIMEOUT_S, ChosenModel, WriterSetting, WriterSpecification
from core.i18n import N_

if TYPE_CHECKING:
    from core.settings import Settings
    from inference.language.model_servers.interface import ModelServer
    from inference.language.writers import Writer


def _connect(settings: Settings) -> ModelServer:
    from inference.language.model_servers.claude import ClaudeServer

    return ClaudeServer(api_key=settings.anthropic_api_key, base_url=settings.anthropic_base_url, timeout_s=TIMEOUT_S)


def _open(settings: Settings, chosen: ChosenModel) -> Writer:
    from inference.language.chat_writer import ChatWriter

    return ChatWriter(chosen.model, _connect(settings), sees_pictures=chosen.sees_pictures, secrets=chosen.secrets)


def _prepare() -> None:
    from inference.language.model_servers.claude import ClaudeServer

    ClaudeServer.import_sdk()


def _read_address(settings: Settings) -> str:
    from inference.language.model_servers.claude import CLAUDE_URL

    return settings.anthropic_base_url or CLAUDE_URL


CLAUDE = WriterSpecification(
    name="claude",
    title=N_("Claude"),
    description=N_(
        "Claude writes the steps from the manual's passages. What it is told leaves this network: product, defect, "
        "scores, past actions and the passages."
    ),
    open=_open,
    settings=(
        WriterSetting(
            N_("Key ({variable})"),
            "ANTHROPIC_API_KEY",
            lambda settings: settings.anthropic_api_key,
            is_secret=True,
            missing_code="text_model_needs_key",
        ),
        WriterSetting(N_("Sent to"), "ANTHROPIC_BASE_URL", _read_address),
    ),
    facts=((N_("Cost"), N_("by tokens, see System status")),),
    connect=_connect,
    prepare=_prepare,
    reads_history=True,
    default_rank=1,
)
