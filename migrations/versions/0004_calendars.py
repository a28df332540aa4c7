"""Mail that comes in, the host's calendar entries, feeds, reminders and what bookers thought.

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_NEW = {
    "accounts": {"operates": (sa.Boolean(), sa.false())},
    "editions": {name: (sa.Boolean(), sa.true()) for name in ("reminds_week", "reminds_soon", "thanks", "digests")},
    # Whoever was told of each booking at once goes on to be; for events to come a mail a day is enough.
    "events": {"outdoors": (sa.Boolean(), sa.false()), "host_mails": (sa.String(length=32), "each")},
}
"""Columns that are never empty, with what the rows of the version before get."""
_IS_DUE = sa.text("due_at IS NOT NULL")
_UNDECIDED = sa.text("decided_at IS NULL")


def upgrade() -> None:
    _make_tables()
    _make_inbox()
    for table, columns in _NEW.items():
        with op.batch_alter_table(table) as batch_op:
            for name, (kind, given) in columns.items():
                batch_op.add_column(sa.Column(name, kind, nullable=False, server_default=given))
    for table, columns in _NEW.items():
        with op.batch_alter_table(table) as batch_op:
            for name, (kind, _) in columns.items():
                batch_op.alter_column(name, existing_type=kind, existing_nullable=False, server_default=None)
    with op.batch_alter_table("bookings") as batch_op:
        batch_op.add_column(sa.Column("answer", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("answered_at", _MOMENT, nullable=True))
        batch_op.add_column(sa.Column("answered_sequence", sa.Integer(), nullable=True))
    with op.batch_alter_table("messages") as batch_op:
        batch_op.add_column(sa.Column("slot_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("bounced_at", _MOMENT, nullable=True))
        batch_op.add_column(sa.Column("first_tried_at", _MOMENT, nullable=True))
        batch_op.create_index(batch_op.f("ix_messages_slot_id"), ["slot_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_messages_slot_id_slots"), "slots", ["slot_id"], ["id"], ondelete="CASCADE")


def _make_tables() -> None:
    op.create_table(
        "occasions",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_occasions")),
    )
    op.create_table(
        "feeds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("nonce", sa.LargeBinary(length=16), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.CheckConstraint("(email IS NULL) <> (organisation_id IS NULL)", name=op.f("ck_feeds_of_one_owner")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_feeds_organisation_id_organisations")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feeds")),
        sa.UniqueConstraint("email", name=op.f("uq_feeds_email")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_feeds_organisation_id")),
    )
    op.create_table(
        "host_entries",
        sa.Column("slot_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("stamp", _MOMENT, nullable=True),
        sa.Column("due_at", _MOMENT, nullable=True),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["slot_id"], ["slots.id"], name=op.f("fk_host_entries_slot_id_slots"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("slot_id", name=op.f("pk_host_entries")),
        sa.UniqueConstraint("uid", name=op.f("uq_host_entries_uid")),
    )
    with op.batch_alter_table("host_entries") as batch_op:
        batch_op.create_index("ix_host_entries_due", ["due_at"], unique=False, sqlite_where=_IS_DUE, postgresql_where=_IS_DUE)
    op.create_table(
        "feedback",
        sa.Column("booking_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("comment", sa.String(length=1000), nullable=False),
        sa.Column("given_at", _MOMENT, nullable=False),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_feedback_rating_on_the_scale")),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_feedback_booking_id_bookings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("pk_feedback")),
    )


def _make_inbox() -> None:
    op.create_table(
        "inbound_mails",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("sender", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("arrived", sa.String(length=32), nullable=True),
        sa.Column("decision", sa.String(length=32), nullable=True),
        sa.Column("decided_at", _MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", _MOMENT, nullable=True),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("handled_at", _MOMENT, nullable=True),
        sa.Column("handled_by_id", sa.Integer(), nullable=True),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_inbound_mails_{column}_{table}"), ondelete=gone)
            for column, table, gone in (
                ("booking_id", "bookings", "SET NULL"),
                ("handled_by_id", "accounts", "SET NULL"),
                ("message_id", "messages", "SET NULL"),
                ("organisation_id", "organisations", None),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_mails")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_inbound_mails_fingerprint")),
    )
    with op.batch_alter_table("inbound_mails") as batch_op:
        for column in ("booking_id", "message_id", "received_at"):
            batch_op.create_index(batch_op.f(f"ix_inbound_mails_{column}"), [column], unique=False)
        batch_op.create_index("ix_inbound_mails_organisation", ["organisation_id", "received_at"], unique=False)
        batch_op.create_index(
            "ix_inbound_mails_undecided", ["id"], unique=False, sqlite_where=_UNDECIDED, postgresql_where=_UNDECIDED
        )
