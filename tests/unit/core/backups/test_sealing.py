"""What was changed, cut, moved or opened with another key is refused, each with its sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.access import Person
from core.backups.backing_up import back_up
from core.backups.restoring import restore_backup
from core.backups.sealing import PIECE_BYTES, TAG_BYTES, read_header
from core.backups.verifying import verify_backup
from core.errors import BadInput
from core.services import Services
from core.settings import Settings
from tests.stored import add_stored_images
from tests.unit.core.backups.conftest import KEY

WHOLE = PIECE_BYTES + TAG_BYTES


@pytest.fixture(params=["sealed", "open"])
def backup(
    request: pytest.FixtureRequest, services: Services, sealed: Services, administrator: Person, folder: Path
) -> tuple[Path, str | None]:
    """Return a backup of several pieces, with its key."""
    used = sealed if request.param == "sealed" else services
    keys = add_stored_images(used, 4)
    for key in keys:
        used.objects.put(key, bytes(700_000) + key.encode())
    return back_up(used, administrator, folder).made.path, used.settings.backup_key


def _start_of(data: bytes) -> int:
    """Return where the body begins."""
    head = len(b"GEOMSA-BACKUP-1\n")
    return head + 4 + int.from_bytes(data[head : head + 4], "big") + 32


def _flip(place: float) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        start = _start_of(data)
        at = start + int((len(data) - start) * place)
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    return change


def _swap(data: bytes) -> bytes:
    start = _start_of(data)
    first, second = data[start : start + WHOLE], data[start + WHOLE : start + 2 * WHOLE]
    return data[:start] + second + first + data[start + 2 * WHOLE :]


def _leave_out(data: bytes) -> bytes:
    start = _start_of(data)
    return data[: start + WHOLE] + data[start + 2 * WHOLE :]


def _cut_at_piece(data: bytes) -> bytes:
    return data[: _start_of(data) + 2 * WHOLE]


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        pytest.param(_flip(0.1), {"backup_changed"}, id="a bit of an object"),
        pytest.param(_flip(0.5), {"backup_changed"}, id="a bit in the middle"),
        pytest.param(_swap, {"backup_changed"}, id="two pieces swapped"),
        pytest.param(_leave_out, {"backup_changed", "backup_cut"}, id="a piece left out"),
        pytest.param(_cut_at_piece, {"backup_cut"}, id="cut between pieces"),
        pytest.param(lambda data: data[:-1], {"backup_cut"}, id="the last byte gone"),
        pytest.param(lambda data: data[: _start_of(data) - 40], {"backup_cut"}, id="cut in the header"),
        pytest.param(lambda data: data.replace(b'"full"', b'"fuII"', 1), {"backup_changed", "backup_key_wrong"},
                     id="the header"),
        pytest.param(lambda data: b"PK" + data[2:], {"backup_not_one"}, id="another kind of file"),
        pytest.param(lambda data: data + b"x", {"backup_cut"}, id="something added"),
    ],
)  # fmt: skip
def test_a_changed_file_is_refused_and_nothing_of_it_restored(
    backup: tuple[Path, str | None], elsewhere: Settings, change: Callable[[bytes], bytes], codes: set[str]
) -> None:
    path, key = backup
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadInput) as caught:
        restore_backup(elsewhere, path, key)
    assert caught.value.code in codes
    assert path.name in str(caught.value)
    assert not (elsewhere.data_dir / "geomsa.db").exists()
    assert not (elsewhere.data_dir / "objects").exists()


def test_another_key_none_and_the_same_letters_typed_on_another_system(
    sealed: Services, administrator: Person, folder: Path
) -> None:
    import unicodedata

    key = add_stored_images(sealed, 1)[0]
    sealed.objects.put(key, b"a picture that nobody else may see")
    path = back_up(sealed, administrator, folder).made.path
    data = path.read_bytes()
    assert b"a picture that" not in data
    assert b"products" not in data
    for wrong, code in ((None, "backup_key_missing"), ("another key altogether", "backup_key_wrong")):
        with pytest.raises(BadInput) as caught:
            verify_backup(path, wrong)
        assert caught.value.code == code
    assert verify_backup(path, unicodedata.normalize("NFD", KEY)).manifest.objects == 2
    # Two backups of the same have neither salt nor nonces in common.
    other = back_up(sealed, administrator, folder).made.path
    one, two = read_header(path)[0]["sealing"], read_header(other)[0]["sealing"]
    assert one["salt"] != two["salt"]
    assert one["nonce"] != two["nonce"]
