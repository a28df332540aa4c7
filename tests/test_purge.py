"""Personal data has an end date: each kind goes at its second, by itself, without a trace, and nothing else goes with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, inspect, select, text, update

from booking import clock, worker
from booking.actions import purge as purging
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.actions.feeds import follow_bookings, follow_organisation
from booking.actions.purge import purge
from booking.db import db, in_transaction
from booking.links import CONFIRM, MANAGE, make_token
from booking.mail.opened import open_mail
from booking.models import (
    OPERATOR,
    Answer,
    Arrived,
    Booking,
    Decision,
    Delivery,
    Feed,
    Feedback,
    HistoryEntry,
    Inbound,
    Kind,
    Message,
    Occasion,
    Party,
    Status,
)
from booking.queries.personal_data import PersonalData, months_before, says_something
from booking.worker import Worker
from tests import test_doctor
from tests.history_guard import by_hand
from tests.test_booking import book
from tests.test_worker import Post
from tests.world import World, a_class

lived_in = test_doctor.lived_in

VISIT_ENDS = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
WEEK_AFTER = VISIT_ENDS + timedelta(days=7)
MONTHS_AFTER = datetime(2027, 2, 24, 15, 0, tzinfo=UTC)
LONG_AFTER = datetime(2027, 6, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEPT = "slot_id status pupils adults places level commune audience uid sequence reference confirmed_at created_at locale"
OF_BOOKINGS = (PersonalData.BOOKINGS, PersonalData.LINKS, PersonalData.MAILS, PersonalData.CONTACTS)
"""What these tests are about; accounts have theirs in `test_members`."""
MARK = "Zqx7Mark"
"""Stands nowhere by chance, and fits into a school's identifier."""


def deliver(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["worker", "--once"])
    assert result.exit_code == 0, result.output


def purged(app: Flask, at: datetime, *options: str) -> dict[str, int]:
    """What the command says it took, by kind."""
    with clock.clock_at(at):
        result = app.test_cli_runner().invoke(args=["purge", *options])
    assert result.exit_code == 0, result.output
    db.session.rollback()
    db.session.expire_all()
    lines = [line.split() for line in result.output.splitlines() if not line.startswith("A rehearsal")]
    return {words[0]: int(words[1]) for words in lines if words[1] != "0"}


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    names = inspect(db.session.connection()).get_table_names()
    found = {name: [tuple(row) for row in db.session.execute(text(f"SELECT * FROM {name}"))] for name in sorted(names)}
    db.session.rollback()
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def holding(trace: str) -> set[str]:
    """The tables in which a text stands, in whatever case and kind of column."""
    wanted = trace.casefold()
    return {name for name, rows in everything().items() if any(wanted in repr(row).casefold() for row in rows)}


def doctor_is_content(app: Flask, at: datetime = LONG_AFTER) -> bool:
    with clock.clock_at(at):
        result = app.test_cli_runner().invoke(args=["doctor"])
    assert (result.exit_code, "attention" in result.output) == (0, False), result.output
    return True


def abandoned(world: World) -> Booking:
    """A booking nobody confirmed, whose mails have gone."""
    booking = book(world.visit_slot, a_class(5, 1, label="abandoned"), "abandoned")
    in_transaction(lambda: cancel_booking(booking.reference))
    return booking


def again(booking: Booking) -> Booking:
    """A booking as the database has it now."""
    return db.session.get_one(Booking, booking.id, populate_existing=True)


def count(table: type[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_a_booking_never_confirmed_is_deleted_seven_days_after_the_visit_to_the_second(app: Flask, world: World) -> None:
    abandoned(world)
    deliver(app)
    assert "bookings" not in purged(app, WEEK_AFTER - SECOND)
    assert (count(Booking), count(HistoryEntry), count(Message)) == (1, 2, 1)
    assert purged(app, WEEK_AFTER) == {"bookings": 1}
    assert (count(Booking), count(HistoryEntry), count(Message)) == (0, 0, 0)


@pytest.mark.parametrize("status", [Status.EXPIRED, Status.REFUSED, Status.WAITING])
def test_so_is_one_that_expired_was_refused_or_still_waits(app: Flask, world: World, status: Status) -> None:
    booking = abandoned(world)
    deliver(app)
    by_hand(lambda: db.session.execute(update(Booking).where(Booking.id == booking.id).values(status=status)))
    assert purged(app, WEEK_AFTER) == {"bookings": 1}


def test_what_is_held_expires_first_and_then_goes(app: Flask, world: World) -> None:
    book(world.visit_slot, a_class(5, 1))
    assert "bookings" not in purged(app, WEEK_AFTER)
    assert count(Booking) == 1
    with clock.clock_at(WEEK_AFTER):
        deliver(app)
    assert count(Booking) == 0
    assert db.session.scalars(text("SELECT SUM(taken) FROM pools")).one() == 0


def test_a_mail_under_way_ends_before_its_booking_goes(app: Flask, world: World) -> None:
    abandoned(world)
    assert "bookings" not in purged(app, WEEK_AFTER)
    in_transaction(lambda: db.session.execute(update(Message).values(delivery=Delivery.DEAD)))
    assert purged(app, WEEK_AFTER) == {"bookings": 1}


def test_nothing_that_holds_places_is_ever_deleted(app: Flask, world: World) -> None:
    """A hand in the tables is the doctor's case: without its booking nobody could say whose places these are."""
    booking = book(world.visit_slot, a_class(5, 1))
    deliver(app)
    by_hand(lambda: db.session.execute(update(Booking).where(Booking.id == booking.id).values(status=Status.EXPIRED)))
    assert "bookings" not in purged(app, LONG_AFTER)
    assert count(Booking) == 1


def test_a_confirmed_booking_is_pseudonymised_three_months_after_the_visit_to_the_second(app: Flask, world: World) -> None:
    booking = book(world.visit_slot, a_class(20, 2, needs={"motor": 1}, school_uai="0921234A"), proven=True)
    deliver(app)
    keeps = KEPT.split()
    before = {name: getattr(booking, name) for name in keeps}
    party_key = booking.party_key
    assert "contacts" not in purged(app, MONTHS_AFTER - SECOND)
    assert again(booking).email == "prof@college.example"
    assert purged(app, MONTHS_AFTER) == {"contacts": 1}
    booking = again(booking)
    assert {name: getattr(booking, name) for name in keeps} == before
    contact = ["email", "name", "phone", "school_name", "school_uai", "class_label", "end_reason"]
    assert {getattr(booking, name) for name in contact} == {""}
    assert (booking.needs, booking.idempotency_key, booking.request_hash) == ({}, None, None)
    assert booking.party_key not in {party_key, ""}


def test_so_is_one_that_was_cancelled_after_it_was_confirmed_and_its_reason_goes(app: Flask, world: World) -> None:
    booking = book(world.visit_slot, a_class(5, 1), proven=True)
    in_transaction(lambda: change_headcount(booking.reference, 6, 1))
    in_transaction(lambda: cancel_booking(booking.reference, why=MARK))
    deliver(app)
    assert purged(app, WEEK_AFTER) == {"links": 1, "mails": 6}
    assert purged(app, MONTHS_AFTER) == {"contacts": 1}
    assert (again(booking).status, again(booking).end_reason) == (Status.CANCELLED, "")
    details = db.session.execute(select(HistoryEntry.action, HistoryEntry.details).order_by(HistoryEntry.id)).all()
    assert [tuple(row) for row in details] == [
        ("booked", {}),
        ("headcount_changed", {"before": {"pupils": 5, "adults": 1, "places": 5}}),
        ("cancelled", {}),
        ("links_closed", {}),
        ("pseudonymised", {}),
    ]


@pytest.mark.parametrize("status", [Status.ATTENDED, Status.NO_SHOW])
def test_whether_they_came_remains(app: Flask, world: World, status: Status) -> None:
    booking = book(world.visit_slot, a_class(5, 1), proven=True)
    deliver(app)
    by_hand(lambda: db.session.execute(update(Booking).values(status=status)))
    assert purged(app, MONTHS_AFTER)["contacts"] == 1
    booking = again(booking)
    assert (booking.status, booking.name, booking.pupils) == (status, "", 5)


def test_a_late_mail_goes_with_the_contact_it_was_sent_to(app: Flask, world: World) -> None:
    booking = book(world.visit_slot, a_class(5, 1), proven=True)
    deliver(app)
    in_transaction(lambda: db.session.execute(update(Message).values(sent_at=MONTHS_AFTER - SECOND)))
    assert purged(app, MONTHS_AFTER) == {"links": 1, "contacts": 1}
    assert holding(booking.uid) == {"bookings", "messages"}
    assert holding("college.example") == set()


def test_what_somebody_said_of_a_visit_goes_with_the_contact_and_the_rating_and_the_calendars_answer_stay(
    app: Flask, world: World
) -> None:
    booking = book(world.visit_slot, a_class(5, 1), proven=True)
    deliver(app)
    answered = {"answer": Answer.ACCEPTED, "answered_at": VISIT_ENDS - timedelta(days=3), "answered_sequence": 0}
    by_hand(lambda: db.session.execute(update(Booking).values(answered)))
    db.session.add(Feedback(booking_id=booking.id, rating=4, comment=MARK, given_at=VISIT_ENDS))
    db.session.commit()
    purged(app, MONTHS_AFTER - SECOND)
    assert holding(MARK) == {"feedback"}
    assert purged(app, MONTHS_AFTER) == {"contacts": 1}
    assert holding(MARK) == set()
    assert (db.session.scalars(select(Feedback)).one().rating, again(booking).answer) == (4, Answer.ACCEPTED)
    late = update(Feedback).values(comment=MARK)
    in_transaction(lambda: db.session.execute(late))
    assert purged(app, MONTHS_AFTER) == {"contacts": 1}, "words that came late go as well"
    assert holding(MARK) == set()


def test_a_mail_that_came_in_is_emptied_thirty_days_after_to_the_second_once_somebody_decided(
    app: Flask, world: World, frozen: datetime
) -> None:
    booking = book(world.visit_slot, a_class(5, 1), proven=True)
    deliver(app)
    for number, decided_at in enumerate((frozen, None)):
        mail = Inbound(
            fingerprint=f"{number}" * 64, received_at=frozen, size=7, raw=MARK.encode(), sender=f"{MARK}@demo.example",
            subject=MARK, arrived=Arrived.REPLY, decision=Decision.NOTED, decided_at=decided_at, booking_id=booking.id,
            details={"answer": "accepted"},
        )  # fmt: skip
        db.session.add(mail)
    db.session.commit()
    month = frozen + timedelta(days=30)
    assert "inbound_mails" not in purged(app, month - SECOND)
    assert purged(app, month)["inbound_mails"] == 1
    emptied, waits = db.session.scalars(select(Inbound).order_by(Inbound.id))
    assert (emptied.raw, emptied.sender, emptied.subject) == (None, "", "")
    assert (emptied.decision, emptied.details, emptied.booking_id) == (Decision.NOTED, {"answer": "accepted"}, booking.id)
    assert (waits.raw, waits.subject) == (MARK.encode(), MARK), "nobody has decided about it yet"
    waits.decided_at = month
    db.session.commit()
    assert purged(app, month)["inbound_mails"] == 1
    assert holding(MARK) == set()


def test_a_feed_goes_with_the_last_booking_of_its_address_and_no_other(app: Flask, world: World) -> None:
    book(world.visit_slot, a_class(5, 1, email="Prof@college.example"), proven=True)
    abandoned(world)
    by_hand(
        lambda: db.session.execute(update(Booking).where(Booking.confirmed_at.is_(None)).values(email="autre@college.example"))
    )
    deliver(app)
    for email in ("prof@college.example", "autre@college.example", "personne@college.example"):
        in_transaction(lambda email=email: follow_bookings(email))  # type: ignore[misc]
    in_transaction(lambda: follow_organisation(world.port, OPERATOR))

    def left() -> list[str | None]:
        return list(db.session.scalars(select(Feed.email).order_by(Feed.id)))

    assert purged(app, WEEK_AFTER - SECOND)["feeds"] == 1
    assert left() == ["prof@college.example", "autre@college.example", None]
    assert purged(app, WEEK_AFTER)["feeds"] == 1
    assert purged(app, MONTHS_AFTER - SECOND) == {}
    assert left() == ["prof@college.example", None]
    assert purged(app, MONTHS_AFTER, "--dry-run") == purged(app, MONTHS_AFTER) == {"contacts": 1, "feeds": 1}
    assert left() == [None], "an organisation's own stays"


def test_what_was_done_once_is_forgotten_after_two_years(app: Flask, world: World, frozen: datetime) -> None:
    db.session.add_all(Occasion(key=f"visit_soon:{n}:2026-11-14", at=frozen + n * SECOND) for n in range(2))
    db.session.commit()
    assert purged(app, datetime(2028, 11, 16, 9, 0, tzinfo=UTC)) == {"occasions": 1}
    assert list(db.session.scalars(select(Occasion.key))) == ["visit_soon:1:2026-11-14"]


def test_months_are_those_of_the_calendar_in_paris() -> None:
    assert months_before(MONTHS_AFTER, 3) == VISIT_ENDS
    spring = datetime(2027, 4, 24, 13, 0, tzinfo=UTC)
    assert months_before(spring, 3) == datetime(2027, 1, 24, 14, 0, tzinfo=UTC), "15:00 on both days, by the clock on the wall"
    assert months_before(datetime(2027, 5, 31, 10, tzinfo=UTC), 3) == datetime(2027, 2, 28, 11, tzinfo=UTC)
    assert months_before(datetime(2027, 3, 1, 9, tzinfo=UTC), 3) == datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("outcome", [Delivery.SENT, Delivery.DEAD])
def test_a_mail_is_emptied_seven_days_after_its_end_to_the_second(
    app: Flask, world: World, frozen: datetime, outcome: Delivery
) -> None:
    booking = book(world.visit_slot, a_class(5, 1))
    deliver(app)
    ended = frozen + timedelta(days=1)
    times = {"sent_at": ended} if outcome is Delivery.SENT else {"sent_at": None, "next_attempt_at": ended, "last_error": MARK}
    in_transaction(lambda: db.session.execute(update(Message).values(delivery=outcome, **times)))
    week = ended + timedelta(days=7)
    assert purged(app, week - SECOND) == {}
    assert purged(app, week) == {"mails": 1}
    message = db.session.scalars(select(Message)).one()
    assert (message.recipient, message.facts, message.content, message.last_error) == ("", {}, None, "")
    assert (message.kind, message.delivery, message.booking_id) == (Kind.BOOKING_TO_PROVE, outcome, booking.id)
    assert message.message_id
    assert message.created_at == frozen


def test_a_mail_still_to_be_sent_is_left_alone_however_old(app: Flask, world: World) -> None:
    book(world.visit_slot, a_class(5, 1), proven=True)
    assert purged(app, LONG_AFTER) == {"links": 1}
    assert set(db.session.scalars(select(Message.recipient))) == {"prof@college.example", "accueil@port.example"}


def test_a_mail_given_up_remembers_when(app: Flask, world: World, frozen: datetime) -> None:
    book(world.visit_slot, a_class(5, 1))
    in_transaction(lambda: db.session.execute(update(Message).values(recipient="no address")))
    with clock.clock_at(frozen + timedelta(hours=1)):
        deliver(app)
    dead = db.session.scalars(select(Message).where(Message.delivery == Delivery.DEAD)).one()
    assert dead.next_attempt_at == frozen + timedelta(hours=1)


def test_a_cancel_still_reaches_the_calendar_when_the_invitation_was_emptied(app: Flask, world: World, frozen: datetime) -> None:
    booking = book(world.visit_slot, a_class(5, 1), proven=True)
    deliver(app)
    invited, told = db.session.scalars(select(Message.message_id).order_by(Message.id))
    assert purged(app, frozen + timedelta(days=7)) == {"mails": 2}
    with clock.clock_at(frozen + timedelta(days=7)):
        in_transaction(lambda: cancel_booking(booking.reference))
        deliver(app)
        assert doctor_is_content(app, clock.now())
    late = db.session.scalars(select(Message).where(Message.content.is_not(None)).order_by(Message.id)).all()
    to_booker, to_host = (message.content or b"" for message in late)
    assert b"METHOD:CANCEL" in (open_mail(to_booker).calendar or b"")
    assert f"References: {invited}".encode() in to_booker
    assert f"References: {told}".encode() in to_host


def test_secret_links_open_nothing_seven_days_after_the_visit_to_the_second(
    app: Flask, world: World, client: FlaskClient
) -> None:
    booking = book(world.visit_slot, a_class(5, 1), proven=True)
    deliver(app)
    secret = app.config["SETTINGS"].secret_key
    manage = f"/bookings/{booking.reference}?token={make_token(secret, MANAGE, booking.link_nonce)}"
    confirm = f"/bookings/{booking.reference}/confirmation?token={make_token(secret, CONFIRM, booking.link_nonce)}"
    assert "links" not in purged(app, WEEK_AFTER - SECOND)
    assert [client.get(link).status_code for link in (manage, confirm)] == [200, 200]
    assert purged(app, WEEK_AFTER)["links"] == 1
    assert [client.get(link).status_code for link in (manage, confirm)] == [404, 404]
    assert len(again(booking).link_nonce) == 16


def test_the_pages_of_a_pseudonymised_booking_open_for_a_browser_that_remembers_it(
    app: Flask, world: World, client: FlaskClient
) -> None:
    bookings = [book(world.visit_slot, a_class(5, 1), proven=True), book(world.boat_slot, a_class(6, 1), "k2", proven=True)]
    in_transaction(lambda: cancel_booking(bookings[1].reference, why=MARK))
    deliver(app)
    assert purged(app, LONG_AFTER)["contacts"] == 2
    with client.session_transaction() as session:
        session["mine"] = [booking.reference for booking in bookings]
    with clock.clock_at(LONG_AFTER):
        for booking in bookings:
            for page in ("", "/cancellation", "/invitation.ics", "/qr.svg"):
                answer = client.get(f"/bookings/{booking.reference}{page}")
                assert answer.status_code == 200
                assert MARK not in answer.text
                assert "Camille" not in answer.text


def test_the_demos_mailbox_shows_emptied_mails_or_leaves_them_out(app: Flask, world: World, client: FlaskClient) -> None:
    book(world.visit_slot, a_class(5, 1), proven=True)
    deliver(app)
    dead = update(Message).where(Message.kind == Kind.BOOKING_CONFIRMED).values(delivery=Delivery.DEAD, sent_at=None)
    in_transaction(lambda: db.session.execute(dead))
    assert purged(app, WEEK_AFTER)["mails"] == 2
    [shown] = client.get("/mailbox.json").get_json()["messages"]
    assert (shown["to"], shown["state"]) == ("", "dead")
    assert client.get("/mailbox").status_code == 200
    assert client.get(f"/mailbox/{shown['id']}").status_code == 200


MOMENTS = (WEEK_AFTER, VISIT_ENDS + timedelta(days=30), MONTHS_AFTER, LONG_AFTER)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_rehearsal_foretells_the_purge_a_second_one_changes_nothing_more_and_the_doctor_is_content(
    app: Flask, lived_in: World, moment: datetime
) -> None:
    with clock.clock_at(VISIT_ENDS - timedelta(hours=2)):
        deliver(app)
    before = everything()
    foretold = purged(app, moment, "--dry-run")
    assert everything() == before, "a rehearsal changes nothing"
    assert purged(app, moment) == foretold
    assert foretold
    after = everything()
    assert after != before
    assert purged(app, moment) == {}
    assert everything() == after
    assert doctor_is_content(app, moment)


def test_purged_step_by_step_a_lived_in_world_keeps_no_address_but_the_hosts(app: Flask, lived_in: World) -> None:
    with clock.clock_at(VISIT_ENDS - timedelta(hours=2)):
        deliver(app)
    taken = [purged(app, moment) for moment in MOMENTS]
    numbers = [sum(step.get(kind, 0) for step in taken) for kind in OF_BOOKINGS if kind != PersonalData.MAILS]
    assert numbers == [4, 5, 5]
    assert list(db.session.scalars(select(Message.kind).where(says_something()))) == []
    assert doctor_is_content(app)
    assert [holding(trace) for trace in ("college.example", "demo.example", "Martin", "accueil@")] == [
        set(),
        set(),
        set(),
        {"organisations"},
    ]


def test_it_works_in_small_transactions_and_goes_on_after_an_interruption(
    app: Flask, lived_in: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock.clock_at(VISIT_ENDS - timedelta(hours=2)):
        deliver(app)
    foretold = purged(app, LONG_AFTER, "--dry-run")
    monkeypatch.setattr(purging, "A_BATCH", 2)
    batches: list[int] = []

    def commit(work: Any) -> int:
        batches.append(in_transaction(work))
        return batches[-1]

    first = purge(LONG_AFTER, commit, lambda: len(batches) == 4)
    assert doctor_is_content(app, VISIT_ENDS)
    rest = purge(LONG_AFTER, commit)
    assert max(batches) == 2
    assert {what.value: number for what, number in (first + rest).items() if number} == foretold
    assert purged(app, LONG_AFTER) == {}


def test_a_batch_that_fails_takes_nothing_with_it(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    book(world.visit_slot, a_class(5, 1), proven=True)
    deliver(app)
    before = everything()

    def fail(*_: Any) -> None:
        raise RuntimeError("in the middle of it")

    monkeypatch.setattr(purging, "record", fail)
    with pytest.raises(RuntimeError):
        purge(LONG_AFTER, in_transaction)
    assert everything() == before


def test_the_worker_purges_by_itself_once_an_hour(app: Flask, world: World) -> None:
    served = Worker(app, Post())
    book(world.visit_slot, a_class(5, 1), proven=True)
    with clock.clock_at(WEEK_AFTER - timedelta(minutes=30)):
        served.empty()
    assert served.counts["purged"] == 0
    with clock.clock_at(WEEK_AFTER + timedelta(minutes=29)):
        served.empty()
    assert served.counts["purged"] == 0, "the hour is not over"
    with clock.clock_at(WEEK_AFTER + timedelta(minutes=30)):
        served.empty()
    assert served.counts["purged"] == 1
    assert doctor_is_content(app, WEEK_AFTER + timedelta(minutes=30))


def test_a_purge_in_trouble_does_not_keep_the_mail(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(worker, "purge", fail)
    book(world.visit_slot, a_class(5, 1))
    post = Post()
    Worker(app, post).empty()
    assert len(post.sent) == 1
    assert "the purge failed" in caplog.text


def test_the_doctor_asks_for_the_worker_when_data_outlives_its_end_by_a_day(app: Flask, world: World) -> None:
    book(world.visit_slot, a_class(5, 1), proven=True)
    deliver(app)
    purged(app, WEEK_AFTER - SECOND)

    def said(at: datetime) -> str:
        with clock.clock_at(at):
            return app.test_cli_runner().invoke(args=["doctor"]).output

    assert "attention" not in said(WEEK_AFTER + timedelta(hours=23))
    assert "attention   1 links hold personal data more than a day past its end" in said(WEEK_AFTER + timedelta(hours=24))


def mark_everywhere(world: World) -> set[str]:
    """Bookings of every fate with the mark in every personal field; answers with what else could betray somebody."""

    def party(**more: Any) -> Party:
        return a_class(5, 1, **({"email": f"{MARK}@demo.example", "name": MARK, "phone": MARK, "school_name": MARK} | more))

    fates = {
        "deleted": book(world.visit_slot, party(label=f"{MARK} a", school_uai=MARK), "a"),
        "expired": book(world.visit_slot, party(label=f"{MARK} b"), "b"),
        "kept": book(world.visit_slot, party(label=f"{MARK} c", school_uai=MARK, needs={"motor": 2}), "c"),
        "cancelled": book(world.visit_slot, party(label=f"{MARK} d"), "d", proven=True),
        "alone": book(
            world.dating_slot, Party("jobseeker", email=f"{MARK}@demo.example", name=MARK, phone=MARK), "e", proven=True
        ),
    }
    in_transaction(lambda: cancel_booking(fates["deleted"].reference, why=MARK))
    in_transaction(lambda: confirm_booking(fates["kept"].reference))
    in_transaction(lambda: change_headcount(fates["kept"].reference, 6, 2))
    in_transaction(lambda: cancel_booking(fates["cancelled"].reference, why=MARK))
    return {
        name for booking in fates.values() for name in (booking.party_key, booking.request_hash, booking.idempotency_key) if name
    }


def in_files(database_url: str, trace: bytes) -> bool:
    path = Path(database_url.removeprefix("sqlite:///"))
    return any(trace.lower() in file.read_bytes().lower() for file in path.parent.glob(f"{path.name}*"))


def test_after_a_purge_no_trace_of_an_erased_person_is_found(
    app: Flask, world: World, frozen: datetime, database_url: str
) -> None:
    hashes = mark_everywhere(world)
    nonces = list(db.session.scalars(select(Booking.link_nonce)))
    with clock.clock_at(frozen + timedelta(hours=3)):
        deliver(app)
    errors = update(Message).where(Message.kind == Kind.HOST_BOOKING_CONFIRMED).values(last_error=MARK)
    in_transaction(lambda: db.session.execute(errors))
    sqlite = db.engine.dialect.name == "sqlite"
    assert holding(MARK) == {"bookings", "history", "messages"}, "the control: the mark is there to be found"
    assert not sqlite or in_files(database_url, MARK.encode())
    taken = [sum(part) for part in zip(*(_by_kind(purged(app, moment)) for moment in (WEEK_AFTER, LONG_AFTER)), strict=True)]
    assert taken == [2, 3, 11, 3]
    assert holding(MARK) == set()
    assert [trace for trace in sorted(hashes) if holding(trace)] == []
    assert not set(nonces) & set(db.session.scalars(select(Booking.link_nonce)))
    assert doctor_is_content(app)
    if sqlite:
        db.session.remove()
        assert [trace for trace in [MARK, *hashes] if in_files(database_url, trace.encode())] == []
        assert not any(in_files(database_url, nonce) for nonce in nonces)


def _by_kind(taken: dict[str, int]) -> list[int]:
    return [taken.get(kind, 0) for kind in OF_BOOKINGS]
