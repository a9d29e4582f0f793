"""Whether the demo is still wanted when the app is started for the first time."""

from __future__ import annotations

from sqlmodel import col, select

from core.services import Services
from core.transactions import reading, writing
from storage.tables import Product, SystemConfig

KEY = "first_start"


def wants_demo(services: Services) -> bool:
    """Return whether the demo is still to be built; one that was interrupted is. Never beside products of one's own."""
    with reading(services) as session:
        if session.get(SystemConfig, KEY) is not None:
            return False
        begun = session.exec(select(SystemConfig.key).where(col(SystemConfig.key).startswith("demo."))).first()
        return begun is not None or session.exec(select(Product.id).limit(1)).first() is None


def mark_done(services: Services) -> None:
    """Record that the demo is built: a later start leaves the data alone, even when the demo was removed since."""
    with writing(services) as session:
        if session.get(SystemConfig, KEY) is None:
            session.add(SystemConfig(key=KEY, value={"demo": True}))
        session.commit()
