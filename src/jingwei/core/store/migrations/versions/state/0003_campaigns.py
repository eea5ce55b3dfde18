"""Purple-team campaigns: targets that may be attacked, campaigns, tries, finds."""

import sqlalchemy as sa
from alembic import op

revision = "state_0003"
down_revision = "state_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaign_target",
        sa.Column("system_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("locator", sa.String(length=500), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["system_id"], ["system.id"], name=op.f("fk_campaign_target_system_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_target")),
    )
    op.create_index(op.f("ix_campaign_target_system_id"), "campaign_target", ["system_id"], unique=False)
    op.create_table(
        "campaign",
        sa.Column("system_id", sa.String(length=64), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("leaderboard", sa.Boolean(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("started_by", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["system_id"], ["system.id"], name=op.f("fk_campaign_system_id")),
        sa.ForeignKeyConstraint(["target_id"], ["campaign_target.id"], name=op.f("fk_campaign_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_index(op.f("ix_campaign_system_id"), "campaign", ["system_id"], unique=False)
    op.create_index(op.f("ix_campaign_target_id"), "campaign", ["target_id"], unique=False)
    op.create_table(
        "campaign_try",
        sa.Column("campaign_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("prompt_digest", sa.String(length=64), nullable=False),
        sa.Column("prompt_length", sa.Integer(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("answer_digest", sa.String(length=64), nullable=False),
        sa.Column("answer_length", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_try_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_try")),
    )
    op.create_index(op.f("ix_campaign_try_account_id"), "campaign_try", ["account_id"], unique=False)
    op.create_index(op.f("ix_campaign_try_campaign_id"), "campaign_try", ["campaign_id"], unique=False)
    op.create_index("uq_campaign_try_number", "campaign_try", ["campaign_id", "number"], unique=True)
    op.create_table(
        "campaign_find",
        sa.Column("campaign_id", sa.String(length=64), nullable=False),
        sa.Column("system_id", sa.String(length=64), nullable=False),
        sa.Column("try_id", sa.String(length=64), nullable=False),
        sa.Column("submitted_by", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("like_id", sa.String(length=64), nullable=False),
        sa.Column("likeness", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("duplicate_of", sa.String(length=64), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("triaged_by", sa.String(length=64), nullable=False),
        sa.Column("triaged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mend", sa.Text(), nullable=False),
        sa.Column("mended_by", sa.String(length=64), nullable=False),
        sa.Column("mended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_find_campaign_id")),
        sa.ForeignKeyConstraint(["system_id"], ["system.id"], name=op.f("fk_campaign_find_system_id")),
        sa.ForeignKeyConstraint(["try_id"], ["campaign_try.id"], name=op.f("fk_campaign_find_try_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_find")),
        sa.UniqueConstraint("try_id", name=op.f("uq_campaign_find_try_id")),
    )
    op.create_index(op.f("ix_campaign_find_campaign_id"), "campaign_find", ["campaign_id"], unique=False)
    op.create_index(op.f("ix_campaign_find_state"), "campaign_find", ["state"], unique=False)
    op.create_index(op.f("ix_campaign_find_system_id"), "campaign_find", ["system_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_campaign_find_system_id"), table_name="campaign_find")
    op.drop_index(op.f("ix_campaign_find_state"), table_name="campaign_find")
    op.drop_index(op.f("ix_campaign_find_campaign_id"), table_name="campaign_find")
    op.drop_table("campaign_find")
    op.drop_index("uq_campaign_try_number", table_name="campaign_try")
    op.drop_index(op.f("ix_campaign_try_campaign_id"), table_name="campaign_try")
    op.drop_index(op.f("ix_campaign_try_account_id"), table_name="campaign_try")
    op.drop_table("campaign_try")
    op.drop_index(op.f("ix_campaign_target_id"), table_name="campaign")
    op.drop_index(op.f("ix_campaign_system_id"), table_name="campaign")
    op.drop_table("campaign")
    op.drop_index(op.f("ix_campaign_target_system_id"), table_name="campaign_target")
    op.drop_table("campaign_target")
