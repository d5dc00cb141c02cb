"""The attribute store: LLM calls, the working draft, frozen versions, runs; nothing else knows SQL.

with open_store("sqlite:///attribute_db/workbench.sqlite") as store:
    version = store.versions.freeze(store.draft.attribute_set(), message="first", author="ann")
"""

from workbench.store.store import Store, open_store

__all__ = ["Store", "open_store"]
