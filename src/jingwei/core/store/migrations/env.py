"""Alembic's entry: runs inside the connection and transaction that `Database` hands over."""

from alembic import context

settings = context.config.attributes
context.configure(
    connection=settings["connection"],
    target_metadata=settings["metadata"],
    version_table=f"alembic_version_{settings['branch']}",  # both branches may share one PostgreSQL database
    transactional_ddl=True,  # SQLite can, since our connections begin their own transactions
    render_as_batch=settings["connection"].dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
