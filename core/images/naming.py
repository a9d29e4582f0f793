"""The names that images are stored under."""

from __future__ import annotations

import re

from sqlmodel import Session, col, select

from storage.tables import Image, Product


def number_after(session: Session, prefix: str) -> int:
    """Return the first number above those of all stored names `{prefix}{number}.…`."""
    names = session.exec(select(Image.stored_name).where(col(Image.stored_name).startswith(prefix, autoescape=True)))
    pattern = re.compile(re.escape(prefix) + r"(\d+)\.\w+", re.IGNORECASE)
    numbers = [int(found.group(1)) for name in names if (found := pattern.fullmatch(name))]
    return max(numbers, default=0) + 1


def name_prefix(product: Product, defect_code: str | None) -> str:
    """Return `{product_code}_{defect_code|normal}_`: what stored names begin with."""
    return f"{product.code}_{defect_code or 'normal'}_"
