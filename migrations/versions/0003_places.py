"""Pools of three kinds, rules of who may book, waiting list, approvals, split classes.

Revision 0003, after 0002.
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_NEW = {
    "bookings": {
        "school_key": (sa.String(length=210), ""),
        "class_key": (sa.String(length=280), ""),
        "wanted_slots": (sa.JSON(), "[]"),
        "head_needed": (sa.Boolean(), sa.false()),
        "head_email": (sa.String(length=254), ""),
    },
    "editions": {"priority_schools": (sa.JSON(), "{}")},
    "events": {
        "one_per_class": (sa.Boolean(), sa.true()),
        "host_approval": (sa.Boolean(), sa.false()),
        "host_answer_hours": (sa.Integer(), "72"),
        "head_approval": (sa.Boolean(), sa.false()),
        "head_answer_days": (sa.Integer(), "7"),
    },
    "pools": {"kind": (sa.String(length=32), "own"), "audiences": (sa.String(length=255), "|")},
    "slots": {"adults_required": (sa.Boolean(), sa.false())},
}
"""Columns that are never empty, with what the rows of the version before get."""
_TO_OPEN = sa.text("opens_at IS NOT NULL AND opened_at IS NULL")
_WAITING = sa.text("status = 'waiting'")
_OF_CLASS = sa.text("class_key <> ''")
_WITH_UAI = sa.text("school_uai <> ''")
_IS_OPEN = sa.text("outcome = 'open'")

_SHARED = """
UPDATE pools SET
    kind = 'shared',
    event_id = (
        SELECT min(slots.event_id) FROM slot_pools JOIN slots ON slots.id = slot_pools.slot_id WHERE slot_pools.pool_id = pools.id
    )
WHERE name <> ''
"""
# Until now a pool with a name was one that several slots drew on.


def upgrade() -> None:
    _make_waiting_list()
    for table, columns in _NEW.items():
        with op.batch_alter_table(table) as batch_op:
            for name, (kind, given) in columns.items():
                batch_op.add_column(sa.Column(name, kind, nullable=False, server_default=given))
    for table, columns in _NEW.items():
        with op.batch_alter_table(table) as batch_op:
            for name, (kind, _) in columns.items():
                batch_op.alter_column(name, existing_type=kind, existing_nullable=False, server_default=None)
    _widen_bookings()
    _widen_the_others()
    op.execute(_SHARED)
    op.execute("UPDATE bookings SET proven_at = confirmed_at")
    _name_classes()


def _make_waiting_list() -> None:
    op.create_table(
        "offers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("free", sa.Integer(), nullable=False),
        sa.Column("passed_over", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(length=32), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.CheckConstraint("(outcome = 'open') = (ended_at IS NULL)", name=op.f("ck_offers_ended_once")),
        sa.CheckConstraint("places > 0", name=op.f("ck_offers_places_positive")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_offers_booking_id_bookings"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["slot_id"], ["slots.id"], name=op.f("fk_offers_slot_id_slots")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
    )
    with op.batch_alter_table("offers") as batch_op:
        batch_op.create_index(batch_op.f("ix_offers_booking_id"), ["booking_id"], unique=False)
        batch_op.create_index("ix_offers_slot_made", ["slot_id", "made_at"], unique=False)
        batch_op.create_index("uq_offers_open", ["booking_id"], unique=True, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN)
    op.create_table(
        "waits",
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("smallest", sa.Integer(), nullable=False),
        sa.Column("largest", sa.Integer(), nullable=False),
        sa.Column("audience", sa.String(length=20), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.CheckConstraint("smallest > 0 AND smallest <= largest", name=op.f("ck_waits_sizes_have_an_order")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_waits_booking_id_bookings"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["slot_id"], ["slots.id"], name=op.f("fk_waits_slot_id_slots")),
        sa.PrimaryKeyConstraint("booking_id", "slot_id", name=op.f("pk_waits")),
    )
    with op.batch_alter_table("waits") as batch_op:
        batch_op.create_index("ix_waits_queue", ["slot_id", "rank", "smallest", "audience"], unique=False)


def _widen_bookings() -> None:
    with op.batch_alter_table("bookings") as batch_op:
        batch_op.add_column(sa.Column("group_key", sa.String(length=32), nullable=True))
        for name in ("asked_pupils", "at_least", "rank"):
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=True))
        for name in ("proven_at", "host_approved_at", "head_approved_at", "head_reminded_at"):
            batch_op.add_column(sa.Column(name, _MOMENT, nullable=True))
        batch_op.add_column(sa.Column("change_asked", sa.JSON(), nullable=True))
        batch_op.create_index("ix_bookings_class", ["class_key"], sqlite_where=_OF_CLASS, postgresql_where=_OF_CLASS)
        batch_op.create_index("ix_bookings_school", ["school_key"], sqlite_where=_OF_CLASS, postgresql_where=_OF_CLASS)
        batch_op.create_index("ix_bookings_uai", ["school_uai"], sqlite_where=_WITH_UAI, postgresql_where=_WITH_UAI)
        batch_op.create_index(batch_op.f("ix_bookings_group_key"), ["group_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_bookings_rank"), ["rank"], unique=False)
        batch_op.create_index("ix_bookings_wait", ["expires_at"], sqlite_where=_WAITING, postgresql_where=_WAITING)


def _widen_the_others() -> None:
    with op.batch_alter_table("editions") as batch_op:
        batch_op.add_column(sa.Column("school_limit", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("priority_until", _MOMENT, nullable=True))
    with op.batch_alter_table("events") as batch_op:
        batch_op.add_column(sa.Column("priority_until", _MOMENT, nullable=True))
    with op.batch_alter_table("pools") as batch_op:
        batch_op.add_column(sa.Column("event_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("opens_at", _MOMENT, nullable=True))
        batch_op.add_column(sa.Column("opened_at", _MOMENT, nullable=True))
        batch_op.create_check_constraint(batch_op.f("ck_pools_kind_known"), "kind IN ('own', 'shared', 'reserved')")
        batch_op.create_check_constraint(batch_op.f("ck_pools_only_reserved_ones_open"), "kind = 'reserved' OR opens_at IS NULL")
        batch_op.create_index(batch_op.f("ix_pools_event_id"), ["event_id"], unique=False)
        batch_op.create_index("ix_pools_to_open", ["opens_at"], sqlite_where=_TO_OPEN, postgresql_where=_TO_OPEN)
        batch_op.create_foreign_key(batch_op.f("fk_pools_event_id_events"), "events", ["event_id"], ["id"])


def _name_classes() -> None:
    """Say of every class booked so far which one it is, so that it counts under the rules that are new."""
    connection = op.get_bind()
    classes = connection.execute(
        sa.text(
            "SELECT id, school_name, commune, level, class_label FROM bookings WHERE audience = 'school' AND school_name <> ''"
        )
    ).all()
    for row in classes:
        school = "|".join(_letters(row.school_name, row.commune))
        label = re.sub(r"(?<=[0-9])(eme|ere|nde|de|e|nd|re)(?![a-z]{2})", "", _letters(row.class_label)[0].replace(" ", ""))
        connection.execute(
            sa.text("UPDATE bookings SET school_key = :school, class_key = :class_ WHERE id = :id"),
            {"school": school, "class_": f"{school}|{row.level}|{label}", "id": row.id},
        )


def _letters(*texts: str) -> list[str]:
    plain = (unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae")) for text in texts)
    return [" ".join(re.findall(r"[0-9a-z]+", "".join(c for c in text if not unicodedata.combining(c)))) for text in plain]
