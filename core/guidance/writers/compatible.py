"""A server of one's own with the interface of OpenAI's chat completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.guidance.writers.specification import TIMEOUT_S, ChosenModel, WriterSetting, WriterSpecification
from core.i18n import N_

if TYPE_CHECKING:
    from core.settings import Settings
    from inference.language.model_servers.interface import ModelServer
    from inference.language.writers import Writer


def _connect(settings: Settings) -> ModelServer:
    from inference.language.model_servers.compatible import CompatibleServer

    return CompatibleServer(api_key=settings.llm_api_key, base_url=settings.llm_base_url or "", timeout_s=TIMEOUT_S)


def _open(settings: Settings, chosen: ChosenModel) -> Writer:
    from inference.language.chat_writer import ChatWriter

    return ChatWriter(chosen.model, _connect(settings), sees_pictures=chosen.sees_pictures, secrets=chosen.secrets)


def _prepare() -> None:
    from inference.language.model_servers.compatible import CompatibleServer

    CompatibleServer.import_sdk()


COMPATIBLE = WriterSpecification(
    name="compatible",
    title=N_("A server of your own"),
    description=N_(
        "Any server with the interface of OpenAI's chat completions writes the steps: vLLM, Ollama, llama.cpp "
        "and others."
    ),
    open=_open,
    settings=(
        WriterSetting(
            N_("Address ({variable})"),
            "GEOMSA_LLM_BASE_URL",
            lambda settings: settings.llm_base_url,
            missing_code="text_model_needs_address",
        ),
        WriterSetting(
            N_("Key ({variable})"), "GEOMSA_LLM_API_KEY", lambda settings: settings.llm_api_key, is_secret=True
        ),
    ),
    connect=_connect,
    prepare=_prepare,
    reads_history=True,
    default_rank=2,
)
