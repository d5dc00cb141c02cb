"""The schema's history; `workbench.store.migrate` runs it."""
