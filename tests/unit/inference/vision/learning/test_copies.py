"""Fingerprints of pictures, the pairs worth a look, and what decides."""

from __future__ import annotations

import cv2
import numpy as np

from inference.vision.learning import copies
from inference.vision.learning.copies import find_candidates, group_copies, take_details
from inference.vision.learning.difference_hash import count_differences, difference_hash


def _picture(seed: int) -> np.ndarray:
    return np.kron(np.random.default_rng(seed).integers(0, 256, (8, 9, 3), np.uint8), np.ones((12, 12, 1), np.uint8))


def test_a_fingerprint_fits_into_a_signed_number_and_stays_when_the_picture_shrinks() -> None:
    rising = np.tile(np.arange(0, 250, 2, dtype=np.uint8)[None, :, None], (40, 1, 3))
    assert difference_hash(rising) == -1
    assert difference_hash(rising[:, ::-1]) == 0
    for seed in range(20):
        first = _picture(seed)
        small = np.asarray(cv2.resize(first, (54, 48), interpolation=cv2.INTER_AREA), np.uint8)
        assert -(1 << 63) <= difference_hash(first) < 1 << 63
        assert count_differences(difference_hash(first), difference_hash(small)) <= 4
    assert count_differences(-1, 0) == 64


def test_pairs_are_found_alike_however_many_pictures_there_are(monkeypatch: object) -> None:
    random = np.random.default_rng(1)
    hashes = [int(value) - (1 << 63) for value in random.integers(0, 1 << 63, 60, dtype=np.uint64)]
    hashes += [hashes[7] ^ 0b1001, hashes[20]]
    expected = [(20, 61, 0), (7, 60, 2)]
    assert find_candidates(hashes) == expected
    monkeypatch.setattr(copies, "MOST_COMPARED", 10)  # type: ignore[attr-defined]
    assert find_candidates(hashes) == expected
    assert find_candidates([]) == []


def test_a_plain_surface_is_no_copy_of_another() -> None:
    plain = take_details(np.full((64, 64, 3), 128, np.uint8))
    assert group_copies({1: plain, 2: plain}, [(1, 2)], []) == []
    own = take_details(_picture(1))
    (found,) = group_copies({1: own, 2: own}, [(1, 2)], [])
    assert (found.keys, found.likeness > 0.99) == ((1, 2), True)


def test_a_copy_stands_out_from_parts_that_are_much_alike_and_these_are_none() -> None:
    random = np.random.default_rng(5)
    shared = random.normal(0.0, 1.0, (128, 128))
    details = {
        key: np.asarray(shared * (key % 2) + 0.35 * random.normal(0.0, 1.0, (128, 128)), np.float16)
        for key in range(30)
    }
    pairs = [(one, other) for one in range(30) for other in range(one + 1, 30)]
    assert group_copies(details, pairs, list(range(30))) == []
    details[30] = np.asarray(details[7] + 0.05 * random.normal(0.0, 1.0, (128, 128)), np.float16)
    (found,) = group_copies(details, [*pairs, (7, 30)], list(range(30)))
    assert found.keys == (7, 30)
