"""Alembic's entry: it runs on the connection that :mod:`worker.ledger.migrate` hands over."""

from __future__ import annotations

from alembic import context

from worker.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
