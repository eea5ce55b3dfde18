"""The store: one database for state and ledger, one for events."""

from jingwei.core.store.database import EventStore
from jingwei.core.store.store import Store
from jingwei.core.store.unit import append_entry

__all__ = ["EventStore", "Store", "append_entry"]
