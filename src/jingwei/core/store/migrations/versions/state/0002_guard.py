"""What the guard keeps: live lexicons, approvals, watching people, candidate policies, terms of keys."""

import sqlalchemy as sa
from alembic import op

revision = "state_0002"
down_revision = "state_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lexicon_change",
        sa.Column("lexicon", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("words_digest", sa.String(length=64), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lexicon_change")),
    )
    op.create_index(op.f("ix_lexicon_change_lexicon"), "lexicon_change", ["lexicon"], unique=False)
    op.create_index("uq_lexicon_change_number", "lexicon_change", ["lexicon", "number"], unique=True)
    op.create_table(
        "watch",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("system_id", sa.String(length=64), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch")),
    )
    op.create_index(op.f("ix_watch_system_id"), "watch", ["system_id"], unique=False)
    op.create_table(
        "approval",
        sa.Column("system_id", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.String(length=120), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("server", sa.String(length=120), nullable=False),
        sa.Column("tool", sa.String(length=120), nullable=False),
        sa.Column("effect", sa.String(length=20), nullable=False),
        sa.Column("why", sa.String(length=80), nullable=False),
        sa.Column("arguments_digest", sa.String(length=64), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("policy_digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["system_id"], ["system.id"], name=op.f("fk_approval_system_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index(op.f("ix_approval_state"), "approval", ["state"], unique=False)
    op.create_index(op.f("ix_approval_system_id"), "approval", ["system_id"], unique=False)
    op.create_table(
        "policy_candidate",
        sa.Column("system_id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("proposed_by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("false_positive_budget", sa.Float(), nullable=False),
        sa.Column("trial", sa.JSON(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["system_id"], ["system.id"], name=op.f("fk_policy_candidate_system_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_candidate")),
    )
    op.create_index(op.f("ix_policy_candidate_digest"), "policy_candidate", ["digest"], unique=False)
    op.create_index(op.f("ix_policy_candidate_system_id"), "policy_candidate", ["system_id"], unique=False)
    op.create_table(
        "candidate_signature",
        sa.Column("candidate_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("covered_digest", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["policy_candidate.id"], name=op.f("fk_candidate_signature_candidate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate_signature")),
    )
    op.create_index(op.f("ix_candidate_signature_candidate_id"), "candidate_signature", ["candidate_id"], unique=False)
    op.create_index("uq_candidate_signature_person", "candidate_signature", ["candidate_id", "account_id"], unique=True)
    op.create_table(
        "key_terms",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=80), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.id"], name=op.f("fk_key_terms_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_terms")),
    )
    op.create_index(op.f("ix_key_terms_key_id"), "key_terms", ["key_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_key_terms_key_id"), table_name="key_terms")
    op.drop_table("key_terms")
    op.drop_index("uq_candidate_signature_person", table_name="candidate_signature")
    op.drop_index(op.f("ix_candidate_signature_candidate_id"), table_name="candidate_signature")
    op.drop_table("candidate_signature")
    op.drop_index(op.f("ix_policy_candidate_system_id"), table_name="policy_candidate")
    op.drop_index(op.f("ix_policy_candidate_digest"), table_name="policy_candidate")
    op.drop_table("policy_candidate")
    op.drop_index(op.f("ix_approval_system_id"), table_name="approval")
    op.drop_index(op.f("ix_approval_state"), table_name="approval")
    op.drop_table("approval")
    op.drop_index(op.f("ix_watch_system_id"), table_name="watch")
    op.drop_table("watch")
    op.drop_index("uq_lexicon_change_number", table_name="lexicon_change")
    op.drop_index(op.f("ix_lexicon_change_lexicon"), table_name="lexicon_change")
    op.drop_table("lexicon_change")
