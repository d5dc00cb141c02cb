"""The schema's history; `workbench.store.store` runs it."""
