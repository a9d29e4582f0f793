"""Text that was written by others: what addresses a language model rather than a person, and what must not be shown.

Manuals, notes and a model's own response are data. A passage that gives a language model orders is not handed on, and a
written step is shown only when it is plain words: see OWASP's LLM01 (prompt injection) and LLM05 (improper output
handling). Patterns cannot know every attack; the steps' citations are checked besides (`citations.py`).
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Sequence

# Narrow on purpose: a manual may say "do not skip these rules", "system message E12" or "acts as a seal".
_ORDERS = re.compile(
    "|".join(
        (
            # English: setting the rules aside, new roles, questions for what is hidden.
            r"(?<!not )(?<!never )\b(ignore|disregard|forget|override|bypass|discard|skip)\b.{0,30}"
            r"\b(previous|prior|above|earlier|preceding|foregoing|your|system|all|every|other)\b.{0,24}"
            r"\b(instructions?|prompts?|rules?|guidelines?|directives?|guardrails?|polic(y|ies)|context|text)\b",
            r"\b(system|developer|hidden|initial)\s*prompts?\b|\b(developer|hidden)\s+(message|instructions?)\b",
            r"\b(new|updated|revised|real|secret)\s+(instructions?|orders|task)\s*(:|follow\b|are\b)",
            r"\byou\s+are\s+(now|no longer|an?\s+(ai|llm|assistant|unrestricted))\b|\bfrom now on\b.{0,20}\byou\b",
            r"\byou\b.{0,12}\b(act|behave|respond) as\b|^\s*(act|behave|respond) as (an?|if|though)\b",
            r"\bpretend\b.{0,20}\b(you|to be)\b|\bjailbreak|\bdo anything now\b|\bdan mode\b|\bdeveloper mode\b",
            r"\b(as an|dear|attention|note to( the)?|(message|instructions?) (to|for)( the)?)\s*,?\s*"
            r"(ai|llm|assistant|model|chatbot)\b",
            r"\blanguage models?\b|\b(ai|virtual) assistants?\b|\bllms?\b|\bchatbots?\b",
            r"\b(reveal|print|output|repeat|leak|show|send|tell|exfiltrate|disclose|return|dump|include|append|echo)\b"
            r".{0,40}\b(api|secret|access)[ _-]?keys?\b",
            r"\b(reveal|print|output|repeat|leak|exfiltrate|disclose|dump|echo)\b.{0,40}"
            r"\b(passwords?|secrets?|credentials?|prompts?|tokens?|environment variables?)\b",
            r"\b(repeat|print|output|translate|summari[sz]e)\b.{0,24}\b(instructions|text|words|everything) above\b",
            r"\b(anthropic_api_key|geomsa_[a-z_]+)\b",
            r"\b(respond|reply|answer|output)\b.{0,20}\b(only|with|exactly|verbatim)\b.{0,20}(\"|'|“|the (word|text))",
            # Korean.
            r"(이전|위|앞|앞선|기존|모든|지금까지|상기|원래)(의|에)?\s*.{0,12}(지시|명령|지침|프롬프트|규칙)\S{0,6}\s*.{0,14}"
            r"(무시(?!하지|해서는|하면)|잊(어|고|으)|따르지\s*(마|말))",
            r"시스템\s*(프롬프트|지시)|프롬프트(를|을)?\s*.{0,10}(출력|공개|보여|알려|반복)",
            r"(api|비밀|인증|접근)\s*(키|정보|토큰)\S{0,3}\s*.{0,14}(출력|공개|보여|알려|전송|적어|포함|말해)",
            r"(너|당신|귀하)(는|은)\s*(이제|지금)|(지금|이제)부터\s*(너|당신)|언어\s*모델|(ai|인공지능)\s*(어시스턴트|비서|도우미)|챗봇",
            r"인 척\s*(해|하)|탈옥|개발자\s*모드|새로운\s*(지시|명령)\s*(사항)?\s*:",
            # The seams of chat formats.
            r"<\|[a-z_]+\|>|\[/?inst\]|<</?sys>>|^\s*#{2,}\s*(system|instructions?|assistant|user)\b",
            r"^\s*(assistant|human|어시스턴트)\s*:|\bsystem\s*:\s*(you|ignore|new|override)\b",
            r"</?\s*(system|instructions?|passages?|finding|data|prompt|user|assistant)\b",
        )
    ),
    re.IGNORECASE | re.MULTILINE,
)
# The commonest orders with everything but their letters taken away: between them may stand what nobody sees.
_SQUEEZED_ORDERS = re.compile(
    r"(?<!not)(?<!never)(ignore|disregard|forget)(all|any)?(of)?(the|your|my)?(previous|prior|above|earlier)"
    r"(instructions?|rules|prompts?|guidelines)|(reveal|print|show)(the|your)(systemprompt|apikey)|이전지시를?모?두?무시하고"
)
_ACTIVE = re.compile(
    "|".join(
        (
            r"!?\[[^\]]*\]\s*\([^)]*\)?",  # a link or an image of Markdown
            r"!\[|\]\s*\[|^\s*\[[^\]]+\]:\s",  # by reference
            r"<\s*/?\s*[a-z!?][^>]*>?",  # a tag, closed or not
            r"&(#\d+|#x[0-9a-f]+|lt|gt|quot|amp);?",  # a tag in disguise
            r"\b[a-z][a-z0-9+.-]{1,12}:\s*//\S*|\bwww\s*\.\S*|\b(javascript|vbscript|data|file|mailto|blob)\s*:\s*\S+",
            r"\b[\w-]+\.(com|net|org|io|dev|app|ru|cn|xyz|site|top|info|biz|me|co|ly|gg|evil|example|test)\b(/\S*)?",
            r"\bon(error|load|click|mouseover|focus)\s*=",
            r"\\u00[0-9a-f]{2}|%3c|%3e",
        )
    ),
    re.IGNORECASE | re.MULTILINE,
)
_MAIL = re.compile(r"[-.\w+]+@[-\w]+(\.[-\w]+)+")
_SECRETS = re.compile(
    r"\b(sk|ghp|gho|xox[abps])[-_][A-Za-z0-9_-]{8,}|\b(AKIA|ASIA)[A-Z0-9]{12,}|-----BEGIN|eyJ[A-Za-z0-9_-]{16,}"
    r"|[A-Za-z0-9+/=_-]{48,}",
)
_EMPHASIS = re.compile(r"(\*\*|__|`+|~~)")
_SPACE = re.compile(r"\s+")
_ECHO_WORDS = 7


def plain(text: str) -> str:
    """Return `text` as one line of plain characters: no control, invisible or direction marks, no emphasis signs."""
    composed = unicodedata.normalize("NFC", text)
    visible = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in composed if _is_visible(c))
    return _SPACE.sub(" ", _EMPHASIS.sub("", visible)).strip()


def _is_visible(character: str) -> bool:
    # Cf: zero-width and direction marks, and the "tag" letters that smuggle text; Co, Cn: no agreed look.
    return unicodedata.category(character) not in {"Cf", "Co", "Cn", "Cs"}


def gives_orders(text: str) -> bool:
    """Return whether `text` speaks to a language model: sets rules aside, gives it a role, asks for what is hidden."""
    # Compatibility forms: full-width and other look-alike letters are read as what they look like.
    read = unicodedata.normalize("NFKC", "".join(c for c in text if _is_visible(c)))
    spaced = re.sub(r"(?<=\b\w)[ .\-_*](?=\w\b)", "", read)  # i g n o r e
    one_line = _SPACE.sub(" ", read)
    return any(_ORDERS.search(form) for form in (read, spaced, one_line)) or bool(
        _SQUEEZED_ORDERS.search(_squeeze(text))
    )


def has_active_markup(text: str) -> bool:
    """Return whether `text` holds anything that a browser could act upon: links, images, tags, addresses."""
    return bool(_ACTIVE.search(unicodedata.normalize("NFKC", "".join(c for c in text if _is_visible(c)))))


def without_markup(text: str) -> str:
    """Return `text` without links, tags and addresses: a browser makes links of bare addresses by itself."""
    return _MAIL.sub("…", _ACTIVE.sub("…", text))


def holds_secret(text: str, secrets: Sequence[str] = ()) -> bool:
    """Return whether `text` holds one of `secrets` (as it is, spaced, reversed or in base64) or looks like a key."""
    if _SECRETS.search(text):
        return True
    squeezed = _squeeze(text)
    for secret in secrets:
        if not secret:
            continue
        bare = _squeeze(secret)
        encoded = _squeeze(base64.b64encode(secret.encode()).decode())
        # A part suffices: a key that is given away in pieces is given away.
        pieces = {bare[i : i + 12] for i in range(0, max(1, len(bare) - 11), 4)} if len(bare) >= 12 else {bare}
        if any(piece in squeezed or piece[::-1] in squeezed for piece in pieces) or encoded[:16] in squeezed:
            return True
    return False


def echoes(text: str, original: str) -> bool:
    """Return whether `text` repeats seven words in a row of `original`."""
    words, known = _words(text), _words(original)
    runs = {tuple(known[i : i + _ECHO_WORDS]) for i in range(len(known) - _ECHO_WORDS + 1)}
    return any(tuple(words[i : i + _ECHO_WORDS]) in runs for i in range(len(words) - _ECHO_WORDS + 1))


def fence(text: str) -> str:
    """Return `text` so that it cannot end the marks it is put between: angle brackets become harmless ones."""
    visible = "".join(c for c in text if c == "\n" or (_is_visible(c) and unicodedata.category(c) != "Cc"))
    return visible.replace("<", "‹").replace(">", "›")


def _squeeze(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
