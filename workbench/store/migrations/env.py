"""Runs one upgrade inside the transaction that `workbench.store.store` has opened.

A new step is a file in `versions/`, numbered, with the SQL of its day written out: a step never
imports `tables`, for that changes later. The tests compare the models with what the steps build.
"""

from alembic import context

from workbench.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite cannot alter a column in place
)
with context.begin_transaction():
    context.run_migrations()
