"""What the address of *Dataset versions* says: which version is open, and which of its images are shown."""

from __future__ import annotations

import streamlit as st

from core.datasets.splits import SPLITS

VERSION = "dataset"
_OF_IMAGES = ("split", "label", "page")
_MOST_DIGITS = 18  # as many as every database's largest number has


def asked_version() -> int | None:
    """Return the id of the version that the address names; 0 for one that cannot be, None for none."""
    text = st.query_params.get(VERSION)
    return None if text is None else _number(text)


def open_version(dataset_id: int | None) -> None:
    """Name a version in the address, from a callback or before a rerun; None for the list."""
    for word in (VERSION, *_OF_IMAGES):
        st.query_params.pop(word, None)
    if dataset_id is not None:
        st.query_params[VERSION] = str(dataset_id)


def asked_images() -> tuple[str, str, int]:
    """Return split, label and page that the address names; empty words ask for all."""
    split = st.query_params.get("split", "")
    return (
        split if split in SPLITS else "",
        st.query_params.get("label", "")[:64],
        max(1, _number(st.query_params.get("page", "1"))),
    )


def ask_images(split: str, label: str, page: int = 1) -> None:
    """Put split, label and page into the address, from a callback."""
    for word, value in zip(_OF_IMAGES, (split, label, str(page) if page > 1 else ""), strict=True):
        if value:
            st.query_params[word] = value
        else:
            st.query_params.pop(word, None)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0
