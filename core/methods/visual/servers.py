"""Where a vision-language model may be asked: a server of one's own, or Claude. Nothing is sent before a choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import NotReady
from core.i18n import N_

if TYPE_CHECKING:
    from core.settings import Settings
    from inference.language.model_servers.interface import ModelServer

# How long a server may take for one picture, whatever it sends.
TIMEOUT_S = 60.0
OFF = "off"


@dataclass(frozen=True)
class ServerVariable:
    """A variable of the environment that a server needs; `label` is a msgid, a secret's value is shown nowhere.

    `missing_code` is the error where the server cannot be reached without it.
    """

    label: str
    variable: str
    read: Callable[[Settings], str | None]
    is_secret: bool = False
    missing_code: str = ""


@dataclass(frozen=True)
class VisualServer:
    """A server that can be chosen. `title`, `description` and `privacy` are msgids; the last says what goes where."""

    name: str
    title: str
    description: str
    privacy: str
    variables: tuple[ServerVariable, ...]
    connect: Callable[[Settings], ModelServer]

    def check_settings(self, settings: Settings) -> None:
        """Raise NotReady where a variable is missing that the server cannot be reached without."""
        for one in self.variables:
            if one.missing_code and not one.read(settings):
                raise NotReady(one.missing_code, variable=one.variable)


def _connect_own(settings: Settings) -> ModelServer:
    from inference.language.model_servers.compatible import CompatibleServer

    # Seconds that are no time of the model's.
    CompatibleServer.import_sdk()
    return CompatibleServer(api_key=settings.vlm_api_key, base_url=settings.vlm_base_url or "", timeout_s=TIMEOUT_S)


def _connect_claude(settings: Settings) -> ModelServer:
    from inference.language.model_servers.claude import ClaudeServer

    ClaudeServer.import_sdk()
    return ClaudeServer(api_key=settings.anthropic_api_key, base_url=settings.anthropic_base_url, timeout_s=TIMEOUT_S)


def _read_claude_address(settings: Settings) -> str:
    from inference.language.model_servers.claude import CLAUDE_URL

    return settings.anthropic_base_url or CLAUDE_URL


OWN = VisualServer(
    name="compatible",
    title=N_("A server of your own"),
    description=N_(
        "Any server with the interface of OpenAI's chat completions and a vision-language model: Qwen2.5-VL or "
        "Qwen3-VL under vLLM, Ollama, llama.cpp. The picture, and the names of the product and its types, go to this "
        "server and no further."
    ),
    privacy=N_(
        "The picture, good parts shown for comparison, and the names of product and types go to your own server."
    ),
    variables=(
        ServerVariable(
            N_("Address ({variable})"),
            "GEOMSA_VLM_BASE_URL",
            lambda settings: settings.vlm_base_url,
            missing_code="vlm_needs_address",
        ),
        ServerVariable(
            N_("Key ({variable})"), "GEOMSA_VLM_API_KEY", lambda settings: settings.vlm_api_key, is_secret=True
        ),
    ),
    connect=_connect_own,
)
CLAUDE = VisualServer(
    name="claude",
    title=N_("Claude"),
    description=N_(
        "The picture, the reference pictures, and the names and descriptions of the product and its types leave this "
        "network for Anthropic with every question."
    ),
    privacy=N_(
        "The picture, good parts shown for comparison, and the names of product and types leave this network for "
        "Anthropic."
    ),
    variables=(
        ServerVariable(
            N_("Key ({variable})"),
            "ANTHROPIC_API_KEY",
            lambda settings: settings.anthropic_api_key,
            is_secret=True,
            missing_code="vlm_needs_key",
        ),
        ServerVariable(N_("Sent to"), "ANTHROPIC_BASE_URL", _read_claude_address),
    ),
    connect=_connect_claude,
)
SERVERS: tuple[VisualServer, ...] = (OWN, CLAUDE)


def find_server(name: str) -> VisualServer | None:
    """Return the server of this name, or None."""
    return next((found for found in SERVERS if found.name == name), None)


def list_secrets(settings: Settings) -> tuple[str, ...]:
    """Return what must never come back in a model's words."""
    keys = (settings.vlm_api_key, settings.llm_api_key, settings.anthropic_api_key)
    s3 = (settings.s3.access_key, settings.s3.secret_key) if settings.s3 is not None else ()
    return tuple(found for found in (*keys, *s3) if found)
