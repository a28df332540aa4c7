"""The doctor: well where all is well; and whatever a hand breaks in the tables, it names the rule and ends with 1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from booking import clock
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.actions.expire_holds import expire_hold
from booking.actions.join_waiting_list import join_waiting_list
from booking.actions.limits import Limiter
from booking.actions.sweep_waiting import offer_what_is_free, slots_to_look_at
from booking.app import create_app
from booking.db import db, in_transaction
from booking.models import Booking, Kind, Message, Party, Pool, PoolKind, Slot
from booking.queries import doctor
from tests.world import World, a_class

_UNLIMITED = Limiter(secret="s", network="127.0.0.1", on=False)


def _book(slot: int, party: Party, key: str, proven: bool = True) -> Booking:
    return in_transaction(lambda: book_places(slot, party, _terms(key, proven=proven)))


def _terms(key: str, *, proven: bool = True) -> Terms:
    return Terms(key=key, locale="fr", limiter=_UNLIMITED, proven=proven)


@pytest.fixture
def lived_in(world: World, frozen: datetime) -> World:
    """A world where everything that can happen to a booking has happened. Bookings 1 to 9, in the order they stand here."""
    _book(world.visit_slot, a_class(20), "confirmed and changed")
    _book(world.boat_slot, a_class(10, 2), "cancelled")
    _book(world.boat_slot, a_class(10, 1, label="b"), "expired", proven=False)
    _book(world.boat_slot, a_class(12, 1, label="c"), "held", proven=False)
    _book(world.visit_slot, a_class(5, 1, label="d"), "proven later", proven=False)
    _book(world.dating_slot, Party(audience="jobseeker", email="p@demo.example", name="P"), "a person")
    for reference, act in zip(_references(), (_change, _cancel, None, None, _confirm, None), strict=True):
        if act:
            act(reference)
    in_transaction(lambda: join_waiting_list(world.visit_slot, a_class(31, label="e"), _terms("waits")))
    in_transaction(lambda: join_waiting_list(world.visit_slot, a_class(20, label="f"), _terms("is offered a part"), 4))
    afternoon = db.session.get_one(Slot, world.second_boat_slot)
    afternoon.pools.append(Pool(kind=PoolKind.RESERVED, name="Collèges", capacity=5, audiences=("college",)))
    db.session.commit()
    _book(world.second_boat_slot, a_class(8, 1, label="g"), "draws on three pools")
    with clock.clock_at(frozen + timedelta(hours=2)):
        in_transaction(lambda: expire_hold(_references()[2]))
    return world


def _references() -> list[str]:
    return list(db.session.execute(text("SELECT reference FROM bookings ORDER BY id")).scalars())


def _change(reference: str) -> None:
    in_transaction(lambda: change_headcount(reference, 22, 2))


def _cancel(reference: str) -> None:
    in_transaction(lambda: cancel_booking(reference))


def _confirm(reference: str) -> None:
    in_transaction(lambda: confirm_booking(reference))


def _without_guards() -> None:
    """The database's own guards out of the way until the rollback, as after a restore from a broken file."""
    if db.engine.dialect.name == "sqlite":
        db.session.connection().exec_driver_sql("PRAGMA ignore_check_constraints=ON")
        return
    for guard in ("pools_taken_within_capacity", "pools_taken_not_negative", "bookings_held_expires"):
        db.session.execute(text(f"ALTER TABLE {guard.partition('_')[0]} DROP CONSTRAINT ck_{guard}"))
    db.session.execute(text("ALTER TABLE bookings DROP CONSTRAINT uq_bookings_uid"))


def _break(statement: str) -> None:
    assert db.session.execute(text(statement)).rowcount >= 1  # type: ignore[attr-defined]
    db.session.commit()


def _examined(app: Flask) -> tuple[int, str, set[str]]:
    result = app.test_cli_runner().invoke(args=["doctor"])
    broken = {line.split()[1].rstrip(":") for line in result.output.splitlines() if line.startswith("BROKEN")}
    return result.exit_code, result.output, broken


def test_a_world_where_everything_has_happened_keeps_every_rule(lived_in: World, app: Flask) -> None:
    code, output, broken = _examined(app)
    assert (code, broken) == (0, set())
    assert output.count("\nok ") + output.startswith("ok ") == len(doctor.RULES)
    assert "attention" not in output


_OF_NINE = "booking_id = 9 AND pool_id IN (SELECT id FROM pools WHERE kind = '{}')"

BREAKS: dict[str, tuple[str, str]] = {
    "a counter above what is held": ("places", "UPDATE pools SET taken = taken + 1 WHERE id = (SELECT pool_id FROM holdings WHERE booking_id = 6)"),
    "a counter below what is held": ("places", "UPDATE pools SET taken = taken - 1 WHERE id = (SELECT MIN(pool_id) FROM holdings)"),
    "a counter where nothing is held": ("places", "UPDATE pools SET taken = 1 WHERE id NOT IN (SELECT pool_id FROM holdings)"),
    "a holding that is gone": ("holdings", "DELETE FROM holdings WHERE booking_id = 1"),
    "a holding of another size": ("holdings", "UPDATE holdings SET places = places + 1 WHERE booking_id = 1"),
    "a cancelled booking that still holds": (
        "holdings", "INSERT INTO holdings (booking_id, pool_id, places) SELECT 2, MIN(pool_id), 3 FROM slot_pools",
    ),
    "one pool of two forgotten": (
        "holdings", "DELETE FROM holdings WHERE booking_id = 4 AND pool_id = (SELECT MAX(pool_id) FROM holdings WHERE booking_id = 4)",
    ),
    "a source that gives one too few": ("holdings", f"UPDATE holdings SET places = places - 1 WHERE {_OF_NINE.format('own')}"),
    "a source that gives nothing": ("holdings", f"DELETE FROM holdings WHERE {_OF_NINE.format('reserved')}"),
    "a limit nobody heeded": ("holdings", f"DELETE FROM holdings WHERE {_OF_NINE.format('shared')}"),
    "places from another slot's pool": (
        "holdings", "UPDATE holdings SET pool_id = (SELECT MIN(pool_id) FROM holdings WHERE booking_id = 1) "
        f"WHERE {_OF_NINE.format('own')}",
    ),
    "more pupils than places": ("headcount", "UPDATE bookings SET pupils = pupils + 1 WHERE id = 1"),
    "adults aboard who are not counted": ("headcount", "UPDATE bookings SET adults = adults + 1 WHERE id = 4"),
    "somebody who waits in no queue": ("waiting", "DELETE FROM waits WHERE booking_id = 7"),
    "somebody who waits without a rank": ("waiting", "UPDATE bookings SET rank = NULL WHERE id = 7"),
    "somebody who stands in the queue by another rank": ("waiting", "UPDATE waits SET rank = rank + 1 WHERE booking_id = 7"),
    "somebody in a queue who waits no more": (
        "waiting", "INSERT INTO waits (booking_id, slot_id, rank, smallest, largest, audience, since) "
        "SELECT 8, slot_id, 2, 4, 20, audience, since FROM waits WHERE booking_id = 7",
    ),
    "places that are offered by nobody": ("offers", "DELETE FROM offers WHERE booking_id = 8"),
    "an offer that ended while its places are held": (
        "offers", "UPDATE offers SET outcome = 'declined', ended_at = made_at WHERE booking_id = 8",
    ),
    "an offer of other places than are held": ("offers", "UPDATE offers SET places = places + 1 WHERE booking_id = 8"),
    "an offer that stands on though it was answered": ("offers", "UPDATE offers SET booking_id = 1 WHERE booking_id = 8"),
    "a booking without history": ("history", "DELETE FROM history WHERE booking_id = 1"),
    "a first line that is missing": ("history", "DELETE FROM history WHERE booking_id = 2 AND status_before IS NULL"),
    "a status the history does not reach": ("history", "UPDATE bookings SET status = 'confirmed' WHERE id = 3"),
    "a step nobody may take": ("history", "UPDATE history SET actor = 'clock' WHERE booking_id = 2 AND action = 'cancelled'"),
    "places the history does not know": ("history", "UPDATE history SET places_after = 2 WHERE booking_id = 6"),
    "a final state that was left": ("final", "UPDATE history SET status_before = 'refused' WHERE booking_id = 2 AND action = 'cancelled'"),
    "a confirmation that was never queued": ("messages", "DELETE FROM messages WHERE booking_id = 1 AND kind = 'booking_confirmed'"),
    "a request to prove that was never queued": ("messages", "DELETE FROM messages WHERE booking_id = 4 AND kind = 'booking_to_prove'"),
    "a cancellation that was never queued": ("messages", "DELETE FROM messages WHERE booking_id = 2 AND kind = 'booking_cancelled'"),
    "an expiry nobody was told of": ("messages", "DELETE FROM messages WHERE booking_id = 3 AND kind = 'booking_expired'"),
    "a change nobody was told of": ("messages", "DELETE FROM messages WHERE booking_id = 1 AND kind = 'booking_changed'"),
    "a SEQUENCE that does not rise": ("invitations", "UPDATE messages SET sequence = 0 WHERE booking_id = 1 AND kind = 'booking_changed'"),
    "a SEQUENCE beyond the booking's": ("invitations", "UPDATE bookings SET sequence = 7 WHERE id = 1"),
    "an answer that freed what nobody gave back": (
        "answers", "INSERT INTO inbound_mails (fingerprint, received_at, size, sender, subject, decision, attempts, booking_id, details) "
        "SELECT 'f', created_at, 1, '', '', 'places_freed', 1, 2, '{}' FROM bookings WHERE id = 2",
    ),
    "a reminder that nobody wrote": (
        "reminders", "INSERT INTO occasions (key, at, told) SELECT 'visit_soon:1:2026-11-24', created_at, TRUE FROM bookings WHERE id = 1",
    ),
    "a message sent at no time": ("sent", "UPDATE messages SET delivery = 'sent' WHERE booking_id = 1"),
    "a queued message with a time of sending": ("sent", "UPDATE messages SET sent_at = created_at WHERE booking_id = 1"),
}  # fmt: skip


def _named(statement: str) -> set[str]:
    """The rules the doctor finds broken after a statement, which is then taken back."""
    try:
        assert db.session.execute(text(statement)).rowcount >= 1  # type: ignore[attr-defined]
        return {finding.rule.name for finding in doctor.examine() if finding.broken}
    finally:
        db.session.rollback()


def test_it_names_the_rule_that_a_hand_broke(lived_in: World) -> None:
    missed = {what: rule for what, (rule, statement) in BREAKS.items() if rule not in _named(statement)}
    assert missed == {}


def test_a_broken_rule_ends_with_1_and_names_the_rows(lived_in: World, app: Flask) -> None:
    _break("UPDATE pools SET taken = taken + 1 WHERE id = (SELECT pool_id FROM holdings WHERE booking_id = 6)")
    code, output, broken = _examined(app)
    assert (code, broken) == (1, {"places"})
    assert re.search(r"BROKEN .*: pool \d+ \(counter \d+, held \d+, capacity \d+\)", output)
    assert "1 of 16 rules broken." in output


FACTS: dict[str, tuple[str, Any]] = {
    "DTSTAMP that does not rise": ("dtstamp", "2026-01-01T00:00:00+00:00"),
    "another UID": ("uid", "somebody-else"),
}


@pytest.mark.parametrize("what", FACTS)
def test_it_reads_the_invitations_themselves(lived_in: World, app: Flask, what: str) -> None:
    name, value = FACTS[what]
    _rewrite_calendar(1, "booking_changed", name, value)
    assert _examined(app)[2] == {"invitations"}


def test_nothing_may_follow_a_cancel(lived_in: World, app: Flask) -> None:
    _rewrite_calendar(1, "booking_confirmed", "method", "CANCEL")
    assert _examined(app)[2] == {"invitations"}


def test_it_reads_the_entries_of_hosts_too(lived_in: World) -> None:
    told = list(db.session.query(Message).filter_by(slot_id=lived_in.visit_slot).order_by(Message.id))
    assert [message.facts["entry"]["method"] for message in told] == ["REQUEST"] * 3
    first, second, _ = (message.facts["entry"] for message in told)
    for n, wrong in (
        (1, {"dtstamp": first["dtstamp"]}),
        (2, {"dtstamp": second["dtstamp"]}),
        (0, {"sequence": 1}),
        (0, {"method": "CANCEL"}),
        (1, {"uid": "somebody-else"}),
        (2, {"dtstamp": "2027-01-01T00:00:00+00:00"}),
    ):
        told[n].facts = told[n].facts | {"entry": told[n].facts["entry"] | wrong}
        db.session.flush()
        assert {finding.rule.name for finding in doctor.examine() if finding.broken} == {"host_entries"}, wrong
        db.session.rollback()


def _rewrite_calendar(booking: int, kind: str, name: str, value: str) -> None:
    message = db.session.query(Message).filter_by(booking_id=booking, kind=Kind(kind)).one()
    message.facts = message.facts | {"calendar": message.facts["calendar"] | {name: value}}
    db.session.commit()


GUARDED: dict[str, tuple[str, str]] = {
    "a pool past its capacity": ("places", "UPDATE pools SET capacity = 1 WHERE id = (SELECT MIN(pool_id) FROM holdings)"),
    "a pool below nothing": ("places", "UPDATE pools SET taken = -1 WHERE id NOT IN (SELECT pool_id FROM holdings)"),
    "a hold without end": ("holds", "UPDATE bookings SET expires_at = NULL WHERE held_for = 'email'"),
    "a hold without reason": ("holds", "UPDATE bookings SET held_for = NULL WHERE held_for = 'email'"),
}


def test_it_sees_what_the_databases_own_guards_would_have_refused(lived_in: World) -> None:
    for what, (rule, statement) in GUARDED.items():
        _without_guards()
        assert (what, _named(statement)) == (what, {rule})


def test_two_bookings_of_one_uid_are_seen(lived_in: World) -> None:
    if db.engine.dialect.name == "postgresql":  # SQLite cannot be asked to forget a UNIQUE
        _without_guards()
        assert "names" in _named("UPDATE bookings SET uid = (SELECT uid FROM bookings WHERE id = 4) WHERE id = 3")


def test_a_database_of_another_migration_is_named_and_nothing_else_is_read(app: Flask) -> None:
    newest = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    _break("UPDATE alembic_version SET version_num = '0000'")
    try:
        code, output, broken = _examined(app)
    finally:
        _break(f"UPDATE alembic_version SET version_num = '{newest}'")
    assert (code, broken) == (1, {"migrations"})
    assert "ok " not in output


def test_every_rule_is_broken_by_some_test() -> None:
    tried = {rule for rule, _ in (BREAKS | GUARDED).values()} | {"names", "migrations", "host_entries"}
    assert tried == {rule.name for rule in doctor.RULES}


def test_dead_mail_late_holds_and_waiting_mail_want_attention_but_break_nothing(
    lived_in: World, app: Flask, frozen: datetime
) -> None:
    _break(
        "UPDATE messages SET delivery = 'dead', last_error = '550 5.1.1 <prof@college.example> unknown' "
        "WHERE booking_id = 2 AND kind = 'booking_confirmed'"
    )
    with clock.clock_at(frozen + timedelta(hours=3)):
        code, output, _ = _examined(app)
    assert code == 0
    said = [line for line in output.splitlines() if line.startswith("attention")]
    assert len(said) == 3
    assert "booking_confirmed" in said[0]
    assert "550 5.1.1" in said[0]
    assert "past their deadline" in said[1]
    assert "waiting for more than an hour" in said[2]


def test_who_fits_beside_free_places_wants_attention_until_the_worker_has_swept(
    world: World, app: Flask, frozen: datetime
) -> None:
    _book(world.visit_slot, a_class(31), "takes all")
    in_transaction(lambda: join_waiting_list(world.visit_slot, a_class(5, label="e"), _terms("waits")))
    _break("UPDATE slots SET opens_at = closes_at")  # nobody may book, so that nothing is offered when places come free
    in_transaction(lambda: cancel_booking(_references()[0]))
    _break("UPDATE slots SET opens_at = NULL")
    asks = "attention  1 slots have places for somebody who has waited more than 10 minutes beside them: is the worker running?"
    code, output, _ = _examined(app)
    assert (code, asks in " ".join(output.split()).replace("attention ", "attention  ")) == (0, True)
    assert in_transaction(lambda: sum(offer_what_is_free(slot) for slot in slots_to_look_at())) == 1
    assert "attention" not in _examined(app)[1]


def test_it_never_shows_a_name_or_an_address(lived_in: World, app: Flask) -> None:
    for what in ("a counter above what is held", "more pupils than places", "a booking without history"):
        _break(BREAKS[what][1])
    _break("UPDATE messages SET delivery = 'dead', last_error = 'no mailbox prof@college.example here'")
    output = _examined(app)[1]
    assert "prof@" not in output
    assert "Martin" not in output
    assert "Collège" not in output


def test_people_may_book_while_it_reads(lived_in: World, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is booked between two reads of the doctor must not be seen by the second: it would be half of something."""
    if db.engine.dialect.name == "sqlite":
        return  # its readers keep writers waiting, or read one snapshot by nature
    other = create_app(app.config["SETTINGS"])
    seen: list[int] = []

    def count() -> Iterator[str]:
        seen.append(db.session.execute(text("SELECT COUNT(*) FROM bookings")).scalar_one())
        yield from ()

    def book_meanwhile() -> Iterator[str]:
        with other.app_context():
            _book(lived_in.dating_slot, Party(audience="jobseeker", email="q@demo.example", name="Q"), "meanwhile")
            db.session.remove()
            db.engine.dispose()
        yield from ()

    reads = [doctor.Rule("a read", "", count), doctor.Rule("a booking", "", book_meanwhile), doctor.Rule("another", "", count)]
    monkeypatch.setattr(doctor, "RULES", (doctor.RULES[0], *reads, *doctor.RULES[1:]))
    assert _examined(app)[2] == set()
    assert seen == [9, 9]
    db.session.rollback()
    assert db.session.execute(text("SELECT COUNT(*) FROM bookings")).scalar_one() == 10
