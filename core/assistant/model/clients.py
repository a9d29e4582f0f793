"""LangChain's chat models on connections of our own: limited in time and size, no redirects, no second attempts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from core.assistant.model.choice import CLAUDE, ChosenModel
from inference.errors import WriterError
from inference.language.model_servers.connection import NO_KEY, limited_client, mapping_errors

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

MOST_OUTPUT_TOKENS = 1200
_CLAUDE_URL = "https://api.anthropic.com"


@contextmanager
def open_chat_model(chosen: ChosenModel, *, timeout_s: float) -> Iterator[BaseChatModel]:
    """Open the model for one turn: all its requests together end after `timeout_s`. Raises WriterError."""
    if chosen.server == CLAUDE:
        import anthropic

        with mapping_errors(anthropic), limited_client(timeout_s, url=chosen.base_url or _CLAUDE_URL) as http:
            yield _open_claude(chosen, http, timeout_s)
    else:
        import openai

        url = chosen.base_url or ""
        with mapping_errors(openai), limited_client(timeout_s, url=url, silence_s=timeout_s) as http:
            yield _open_compatible(chosen, http, timeout_s)


def _open_claude(chosen: ChosenModel, http: Any, timeout_s: float) -> BaseChatModel:
    import anthropic
    from langchain_anthropic import ChatAnthropic
    from langchain_core.utils import convert_to_secret_str

    client = anthropic.Anthropic(
        api_key=chosen.api_key or NO_KEY, base_url=chosen.base_url, max_retries=0, http_client=http
    )

    class Claude(ChatAnthropic):
        # LangChain makes a client that follows redirects, and would carry the key along.
        @property
        def _client(self) -> Any:
            return client

    made: BaseChatModel = Claude(  # type: ignore[call-arg]
        model=chosen.name,
        api_key=convert_to_secret_str(chosen.api_key or NO_KEY),
        base_url=chosen.base_url,
        max_tokens=MOST_OUTPUT_TOKENS,
        timeout=timeout_s,
        max_retries=0,
        streaming=True,
    )
    return made


def _open_compatible(chosen: ChosenModel, http: Any, timeout_s: float) -> BaseChatModel:
    import openai
    from langchain_core.utils import convert_to_secret_str
    from langchain_openai import ChatOpenAI

    root = openai.OpenAI(
        api_key=chosen.api_key or NO_KEY, base_url=chosen.base_url, max_retries=0, timeout=timeout_s, http_client=http
    )
    made: BaseChatModel = ChatOpenAI(
        model=chosen.name,
        api_key=convert_to_secret_str(chosen.api_key or NO_KEY),
        base_url=chosen.base_url,
        client=root.chat.completions,
        root_client=root,
        # The older name: llama.cpp, Ollama and vLLM all know it.
        extra_body={"max_tokens": MOST_OUTPUT_TOKENS},
        temperature=0.0,
        timeout=timeout_s,
        max_retries=0,
        streaming=True,
        use_responses_api=False,
    )
    return made


def broken_off() -> WriterError:
    """Return the error of a model that said nothing that can be used."""
    return WriterError("writer_broken_off")
