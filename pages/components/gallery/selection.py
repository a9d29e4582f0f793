"""Which images of a gallery are chosen: kept beside the tiles, with the row version under which each was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

_TOLD = "gallery_told_of_change"


def chosen_images(key: str) -> dict[int, int]:
    """Return the chosen images: row version, as it was seen, by id."""
    found: dict[int, int] = st.session_state.setdefault(f"{key}_chosen", {})
    return found


def note_seen(key: str, seen: Mapping[int, int]) -> None:
    """Note the images of the page that is drawn: row version by id.

    What is chosen counts as seen anew after a refusal, which has shown the page as it is now.
    """
    if st.session_state.pop(_TOLD, False):
        chosen = chosen_images(key)
        chosen.update({number: version for number, version in seen.items() if number in chosen})
    st.session_state[f"{key}_seen"] = dict(seen)


def note_told() -> None:
    """Note that the person was told that somebody else changed an image meanwhile: the next decision knows it."""
    st.session_state[_TOLD] = True


def choose_on_page(key: str, page: Sequence[int], on: Sequence[int]) -> None:
    """Take over which images of a page are chosen; those of other pages stay as they are."""
    chosen = chosen_images(key)
    seen: dict[int, int] = st.session_state.get(f"{key}_seen", {})
    wanted = set(on)
    for number in page:
        if number not in wanted:
            chosen.pop(number, None)
        elif number in seen:
            chosen.setdefault(number, seen[number])


def choose_page(key: str) -> None:
    """Choose every image of the page that is drawn."""
    seen: dict[int, int] = st.session_state.get(f"{key}_seen", {})
    chosen_images(key).update(seen)


def choose_all(key: str, versions: Mapping[int, int]) -> None:
    """Choose these images, beside those that are chosen."""
    chosen_images(key).update(versions)


def choose_none(key: str) -> None:
    """Choose no image any more."""
    st.session_state[f"{key}_chosen"] = {}


def deselect(key: str, image_id: int) -> None:
    """Deselect an image that may have left this gallery: it must not stay chosen unseen."""
    chosen_images(key).pop(image_id, None)
