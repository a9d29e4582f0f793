"""Passwords: which are taken, and their hashes (Argon2id, RFC 9106, with argon2-cffi's recommended parameters).

After NIST SP 800-63B a password must be long and must not be one of those that are tried first; which letters, digits
and signs it has is nobody's business. What is tried first is told by rules: a common word with digits and signs around
it, a row of the keyboard or of the digits, a short piece over and over, the name of the person or of the product.
"""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from core.errors import BadInput

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_CHARACTERS = 10
MAX_CHARACTERS = 1000
_PRODUCT = "geomsa"
# With whatever digits and signs around them. Korean ones are also typed on the English keyboard.
_COMMON_WORDS = frozenset(
    """
    password passwort passw passwd pass admin administrator administration root superuser user username guest test
    tester testing welcome login signin letmein changeme change secret master manager operator worker engineer quality
    inspection inspector factory company office system server database computer internet samsung hyundai korea seoul
    love iloveyou iloveu princess dragon monkey football baseball soccer superman batman sunshine shadow michael
    jordan charlie thomas daniel jessica ashley hello helloworld abc abcd abcdef default temp temporary qwer asdf zxcv
    qwerty qwertyuiop qazwsx asdfgh zxcvbn trustno whatever freedom starwars pokemon naruto flower cheese summer winter
    spring autumn monday january december google facebook naver kakao daum windows microsoft
    비밀번호 관리자 안녕하세요 사랑해 작업자 검사 품질 공장 대한민국 qlalfqjsgh rhksflwk dkssudgktpdy tkfkdgo
    """.split()  # noqa: SIM905 - read as words, not as code
)
_ROWS = ("01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz", "1qaz2wsx3edc4rfv5tgb")
_STAND_FOR = str.maketrans("@4301$5!7", "aaeoissit")
# A piece so short, or a row so long, is what people think of first.
_SHORTEST_PIECE, _LONGEST_RUN_LEFT = 4, 3


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def decoy_hash() -> str:
    """Return a hash that no password fits: checked for unknown logins, so that they take as long as others."""
    return _hasher().hash(secrets.token_urlsafe(32))


def hash_password(password: str, *, login: str = "") -> str:
    """Return the hash of a new password of the account `login`.

    Raises BadInput password_too_short, password_too_long, password_names_account, password_too_common.
    """
    password = _normalize(password)
    if len(password) < MIN_CHARACTERS:
        raise BadInput("password_too_short", lowest=MIN_CHARACTERS)
    if len(password) > MAX_CHARACTERS:
        raise BadInput("password_too_long", highest=MAX_CHARACTERS)
    folded = password.casefold()
    bare = _bare(folded)
    own = {_bare(name) for name in (login.casefold(), login.casefold().partition("@")[0])} - {""}
    if folded == login.casefold() or bare in own:
        raise BadInput("password_names_account")
    if bare == _PRODUCT or bare in _COMMON_WORDS or _is_pattern(folded):
        raise BadInput("password_too_common")
    return _hasher().hash(password)


def hash_again(password: str) -> str:
    """Return the hash of a password that is in use already, with today's parameters."""
    return _hasher().hash(_normalize(password))


def fits(hashed: str, password: str) -> bool:
    """Return whether `password` is the one that was hashed."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(hashed, _normalize(password)[:MAX_CHARACTERS])
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(hashed: str) -> bool:
    """Return whether the hash was made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(hashed)


def _normalize(password: str) -> str:
    # NIST SP 800-63B: one password must be one sequence of bytes, whatever keyboard and system it was typed on.
    return unicodedata.normalize("NFKC", password)


def _bare(folded: str) -> str:
    """Return the letters of a password alone, what stands at its ends left out and look-alike signs read as letters."""
    trimmed = folded.strip("".join({sign for sign in folded if not sign.isalpha()}))
    return "".join(letter for letter in trimmed.translate(_STAND_FOR) if letter.isalpha())


def _is_pattern(folded: str) -> bool:
    """Return whether the whole password is one short piece over and over, or rows of a keyboard or of the digits."""
    for size in range(1, _SHORTEST_PIECE + 1):
        piece = folded[:size]
        if (piece * (len(folded) // size + 1))[: len(folded)] == folded:
            return True
    rest = folded
    for row in _ROWS:
        for run in (row, row[::-1]):
            rest = _without_runs(rest, run)
    return len(rest) <= _LONGEST_RUN_LEFT


def _without_runs(text: str, row: str) -> str:
    kept = ""
    while text:
        length = next((size for size in range(len(row), 3, -1) if text[:size] in row and len(text) >= size), 0)
        kept += "" if length else text[0]
        text = text[length or 1 :]
    return kept
