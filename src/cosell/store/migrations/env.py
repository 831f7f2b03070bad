"""Runs the steps on the connection that `store.schema` hands over, inside its transaction."""

from alembic import context

from cosell.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # The caller has begun a transaction already: all steps, or none.
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
