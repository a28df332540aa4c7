"""Accounts and members, decisions about labels, imports, and a history of everything.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


_WHOSE = """
UPDATE history SET
    subject_id = booking_id,
    name = (SELECT reference FROM bookings WHERE bookings.id = history.booking_id),
    event_id = (
        SELECT slots.event_id FROM bookings JOIN slots ON slots.id = bookings.slot_id WHERE bookings.id = history.booking_id
    ),
    organisation_id = (
        SELECT events.host_id FROM bookings JOIN slots ON slots.id = bookings.slot_id JOIN events ON events.id = slots.event_id
        WHERE bookings.id = history.booking_id
    ),
    edition_id = (
        SELECT events.edition_id FROM bookings JOIN slots ON slots.id = bookings.slot_id JOIN events ON events.id = slots.event_id
        WHERE bookings.id = history.booking_id
    )
"""
# Lines written before were all about bookings; now each says whose affair it is.


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_nonce", sa.LargeBinary(length=16), nullable=True),
        sa.Column("totp_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_step", sa.Integer(), nullable=True),
        sa.Column("recovery_codes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email", name=op.f("uq_accounts_email")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=16), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
    )
    with op.batch_alter_table("sign_ins") as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_ins_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "mandates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chamber_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("chamber_id <> organisation_id", name=op.f("ck_mandates_for_somebody_else")),
        sa.ForeignKeyConstraint(["chamber_id"], ["organisations.id"], name=op.f("fk_mandates_chamber_id_organisations")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_mandates_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandates")),
        sa.UniqueConstraint("chamber_id", "organisation_id", name=op.f("uq_mandates_chamber_id_organisation_id")),
    )
    with op.batch_alter_table("mandates") as batch_op:
        batch_op.create_index(batch_op.f("ix_mandates_chamber_id"), ["chamber_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_mandates_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "members",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("founding", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_members_account_id_accounts"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_members_organisation_id_organisations")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("account_id", "organisation_id", name=op.f("uq_members_account_id_organisation_id")),
    )
    with op.batch_alter_table("members") as batch_op:
        batch_op.create_index(batch_op.f("ix_members_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_factor_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("helping_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_sessions_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["helping_id"], ["organisations.id"], name=op.f("fk_sessions_helping_id_organisations")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    with op.batch_alter_table("sessions") as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sessions_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("acting_for_id", sa.Integer(), nullable=True),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("only_good", sa.Boolean(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_imports_account_id_accounts"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["acting_for_id"], ["organisations.id"], name=op.f("fk_imports_acting_for_id_organisations")),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_imports_edition_id_editions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    with op.batch_alter_table("imports") as batch_op:
        batch_op.create_index(batch_op.f("ix_imports_edition_id"), ["edition_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_imports_state"), ["state"], unique=False)

    op.create_table(
        "pictures",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("alt", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=16), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_pictures_event_id_events"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_pictures")),
    )
    with op.batch_alter_table("editions") as batch_op:
        batch_op.add_column(sa.Column("authority_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("label_deadline", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("bookings_open_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("conditions", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        batch_op.create_index(batch_op.f("ix_editions_authority_id"), ["authority_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_editions_authority_id_organisations"), "organisations", ["authority_id"], ["id"]
        )
    with op.batch_alter_table("editions") as batch_op:
        batch_op.alter_column("conditions", existing_type=sa.Text(), existing_nullable=False, server_default=None)
        batch_op.alter_column("version", existing_type=sa.Integer(), existing_nullable=False, server_default=None)

    with op.batch_alter_table("events") as batch_op:
        batch_op.add_column(sa.Column("cancel_reason", sa.String(length=400), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("more_contacts", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("contact_phone", sa.String(length=30), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("free", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column("price", sa.String(length=120), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("events") as batch_op:
        batch_op.alter_column("cancel_reason", existing_type=sa.String(length=400), existing_nullable=False, server_default=None)
        batch_op.alter_column("more_contacts", existing_type=sa.Text(), existing_nullable=False, server_default=None)
        batch_op.alter_column("contact_phone", existing_type=sa.String(length=30), existing_nullable=False, server_default=None)
        batch_op.alter_column("free", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("price", existing_type=sa.String(length=120), existing_nullable=False, server_default=None)
        batch_op.alter_column("version", existing_type=sa.Integer(), existing_nullable=False, server_default=None)

    with op.batch_alter_table("history") as batch_op:
        batch_op.add_column(sa.Column("account_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("acting_for_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("subject", sa.String(length=32), nullable=False, server_default="booking"))
        batch_op.add_column(sa.Column("subject_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("name", sa.String(length=160), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("organisation_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("edition_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("event_id", sa.Integer(), nullable=True))
        batch_op.alter_column("booking_id", existing_type=sa.INTEGER(), nullable=True)
        batch_op.alter_column("status_after", existing_type=sa.VARCHAR(length=32), nullable=True)
        batch_op.alter_column("places_after", existing_type=sa.INTEGER(), nullable=True)
        batch_op.create_index(batch_op.f("ix_history_edition_id"), ["edition_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_history_event_id"), ["event_id"], unique=False)
        batch_op.create_index("ix_history_organisation_at", ["organisation_id", "at"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_history_event_id_events"), "events", ["event_id"], ["id"])
        batch_op.create_foreign_key(
            batch_op.f("fk_history_organisation_id_organisations"), "organisations", ["organisation_id"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_history_acting_for_id_organisations"), "organisations", ["acting_for_id"], ["id"]
        )
        batch_op.create_foreign_key(batch_op.f("fk_history_edition_id_editions"), "editions", ["edition_id"], ["id"])
        batch_op.create_foreign_key(
            batch_op.f("fk_history_account_id_accounts"), "accounts", ["account_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_history_booking_lines_have_states"),
            "booking_id IS NULL OR (status_after IS NOT NULL AND places_after IS NOT NULL)",
        )
    op.execute(_WHOSE)
    with op.batch_alter_table("history") as batch_op:
        batch_op.alter_column("subject", existing_type=sa.String(length=32), existing_nullable=False, server_default=None)
        batch_op.alter_column("name", existing_type=sa.String(length=160), existing_nullable=False, server_default=None)

    with op.batch_alter_table("labels") as batch_op:
        batch_op.add_column(sa.Column("decided_by_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("remarks", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("seen", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("review_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_labels_decided_by_id_accounts"), "accounts", ["decided_by_id"], ["id"], ondelete="SET NULL"
        )
    with op.batch_alter_table("labels") as batch_op:
        batch_op.alter_column("remarks", existing_type=sa.Text(), existing_nullable=False, server_default=None)
        batch_op.alter_column("seen", existing_type=sa.JSON(), existing_nullable=False, server_default=None)

    with op.batch_alter_table("messages") as batch_op:
        batch_op.add_column(sa.Column("copy", sa.Integer(), nullable=False, server_default="0"))
        batch_op.alter_column("booking_id", existing_type=sa.INTEGER(), nullable=True)
        batch_op.drop_constraint(batch_op.f("uq_messages_booking_id_kind_sequence"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_messages_booking_id_kind_sequence_copy"), ["booking_id", "kind", "sequence", "copy"]
        )
    with op.batch_alter_table("messages") as batch_op:
        batch_op.alter_column("copy", existing_type=sa.Integer(), existing_nullable=False, server_default=None)

    with op.batch_alter_table("organisations") as batch_op:
        batch_op.create_unique_constraint(batch_op.f("uq_organisations_siret"), ["siret"])
        batch_op.create_unique_constraint(batch_op.f("uq_organisations_uai"), ["uai"])

    with op.batch_alter_table("slots") as batch_op:
        batch_op.add_column(sa.Column("cancel_reason", sa.String(length=400), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("slots") as batch_op:
        batch_op.alter_column("cancel_reason", existing_type=sa.String(length=400), existing_nullable=False, server_default=None)
        batch_op.alter_column("version", existing_type=sa.Integer(), existing_nullable=False, server_default=None)
