"""Room for `safe_answer`, the guard's sixth decision."""

import sqlalchemy as sa
from alembic import op

revision = "events_0002"
down_revision = "events_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("event") as batch:
        batch.alter_column("decision", existing_type=sa.String(length=10), type_=sa.String(length=12))


def downgrade() -> None:
    with op.batch_alter_table("event") as batch:
        batch.alter_column("decision", existing_type=sa.String(length=12), type_=sa.String(length=10))
