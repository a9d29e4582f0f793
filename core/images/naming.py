"""The names that images are stored under."""

from __future__ import annotations

import re

from sqlmodel import Session, col, select

from storage.tables import Image, Product, TrashedImage


def number_after(session: Session, prefix: str) -> int:
    """Return the first number above those of all names `{prefix}{number}.…`, stored or in the trash.

    A name in the trash is still somebody's: the image may be put back under it.
    """
    pattern = re.compile(re.escape(prefix) + r"(\d+)\.\w+", re.IGNORECASE)
    highest = 0
    for column in (col(Image.stored_name), col(TrashedImage.stored_name)):
        for name in session.exec(select(column).where(column.startswith(prefix, autoescape=True))):
            if found := pattern.fullmatch(name):
                highest = max(highest, int(found.group(1)))
    return highest + 1


def name_prefix(product: Product, defect_code: str | None) -> str:
    """Return `{product_code}_{defect_code|normal}_`: what stored names begin with."""
    return f"{product.code}_{defect_code or 'normal'}_"
