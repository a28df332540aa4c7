"""When an invitation is right, rules 5, 19 and 20 to 25: what comes back from calendars, and feeds, one way round for each.

From the mail as a calendar writes it (`tests/replies`) to the mail that follows. `tests/test_reading.py`, `tests/test_inbox.py`,
`tests/test_calendar_answers.py` and `tests/test_feeds.py` look at every corner of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from booking import clock
from booking.actions.change_headcount import change_headcount
from booking.actions.feeds import follow_bookings, unfollow_bookings
from booking.db import db, in_transaction
from booking.links import FEED, make_token
from booking.mail.inbox import BEGINNING, LARGEST, decide_next, take_in
from booking.models import Booking, Decision, Inbound, Kind, Message, Offer, Status
from booking.queries import doctor, fetch
from tests import replies
from tests.invitations.postman import Postman
from tests.invitations.test_envelope import reservation
from tests.mails import SETTINGS, opened
from tests.test_booking import book
from tests.test_waiting_list import wait
from tests.world import World, a_class

BELIEVING = replace(SETTINGS, inbox_authserv_id=replies.AUTHSERV)
TEACHER = "prof@college.example"
LATER = replies.STAMP + timedelta(minutes=1)


def confirmed(world: World) -> Booking:
    return fetch.booking(book(world.visit_slot, a_class(31), proven=True).reference)


def answer(booking: Booking, partstat: str = "DECLINED", client: str = "thunderbird", **more: Any) -> bytes:
    given = {"uid": booking.uid, "attendee": booking.email, "sequence": booking.sequence} | more
    return replies.reply(client, partstat, **given)


def came(*mails: bytes) -> list[Decision | None]:
    """Let mails arrive, and a reader decide about each; what it decided."""
    found = []
    for raw in mails:
        taken = in_transaction(lambda raw=raw: take_in(raw, clock.now()))  # type: ignore[misc]
        found.append(decide_next(BELIEVING) if taken else None)
    db.session.rollback()
    return found


def count(what: Any, *where: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(what).where(*where)) or 0


def queued(*kinds: Kind) -> int:
    return count(Message, Message.kind.in_(kinds))


def expect_sound() -> None:
    assert [finding for finding in doctor.examine() if finding.broken] == []


def test_rule_20_a_no_frees_the_places_once_offers_them_once_and_tells_the_booker(world: World) -> None:
    booking = confirmed(world)
    waiting = wait(world.visit_slot, a_class(20, label="4e A", email="attend@college.example"))
    said = answer(booking)
    assert came(said, said) == [Decision.PLACES_FREED, None], "the same mail again is no other mail"
    assert came(answer(booking, client="outlook")) == [Decision.OVERTAKEN], (
        "nor is the same answer in another mail another answer"
    )
    assert fetch.booking(booking.reference).status is Status.CANCELLED
    assert fetch.booking(waiting).status is Status.HELD
    assert (count(Offer), queued(Kind.BOOKING_DECLINED), queued(Kind.HOST_BOOKING_CANCELLED)) == (1, 1, 1)
    postman = Postman()
    postman.bring()
    [told] = [content for _, to, content in postman.sent if to == TEACHER and b"ld+json" in content][1:]
    mail = opened(told)
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert f"/bookings/{booking.reference}?token=" in plain.get_content(), "a way to take it back"
    assert reservation(mail)["reservationStatus"] == "https://schema.org/ReservationCancelled"
    expect_sound()


@pytest.mark.parametrize("client", replies.CLIENTS)
def test_rule_21_every_calendar_is_understood(world: World, client: str) -> None:
    booking = confirmed(world)
    assert came(answer(booking, "DECLINED", client)) == [Decision.PLACES_FREED]
    assert fetch.slot(world.visit_slot).remaining == 31


WRONG: dict[str, tuple[Callable[[Booking], bytes], Decision]] = {
    "unknown UID": (lambda one: answer(one, uid="11111111-1111-4111-8111-111111111111"), Decision.UNKNOWN_UID),
    "altered UID": (lambda one: answer(one, uid=f"{one.uid[:-1]}x"), Decision.UNKNOWN_UID),
    "another attendee": (lambda one: answer(one, attendee="autre@college.example"), Decision.OTHER_ATTENDEE),
    "failed authentication": (lambda one: answer(one, result="fail"), Decision.ASKED),
    "another server's word": (lambda one: answer(one, authserv="mx.ailleurs.example", stamp=LATER), Decision.ASKED),
    "a stale SEQUENCE": (lambda one: answer(one, sequence=0), Decision.ASKED),
    "perhaps": (lambda one: answer(one, "TENTATIVE"), Decision.NOTED),
    "another time": (lambda one: answer(one, "TENTATIVE", "outlook", method="COUNTER"), Decision.NOT_POSSIBLE),
    "somebody else comes": (lambda one: answer(one, "DELEGATED"), Decision.NOT_POSSIBLE),
    "an older DTSTAMP": (lambda one: answer(one, stamp=replies.STAMP - timedelta(minutes=4)), Decision.OVERTAKEN),
}


def test_rule_22_nothing_else_frees_anything(world: World, frozen: datetime) -> None:
    booking = confirmed(world)
    in_transaction(lambda: change_headcount(booking.reference, 30, 3))
    booking = fetch.booking(booking.reference)
    for what, (mail, decision) in WRONG.items():
        assert came(mail(booking)) == [decision], what
        booking = fetch.booking(booking.reference)
        assert booking.status is Status.CONFIRMED, what
    assert fetch.slot(world.visit_slot).remaining == 1
    with clock.clock_at(booking.slot.starts_at):
        assert came(answer(booking, stamp=booking.slot.starts_at)) == [Decision.TOO_LATE]
    assert queued(Kind.BOOKING_DECLINED) == 0
    assert queued(Kind.REPLY_UNSURE) > 0, "a link that asks to confirm"
    with clock.clock_at(frozen + timedelta(hours=1)):
        assert came(answer(booking, stamp=frozen + timedelta(hours=1))) == [Decision.PLACES_FREED], "the genuine one still does"


def test_rules_5_19_23_a_yes_after_a_no_is_the_same_entry_again_while_places_remain(world: World) -> None:
    postman = Postman()
    booking = confirmed(world)
    [first] = postman.bring()
    assert came(answer(booking)) == [Decision.PLACES_FREED]
    assert postman.bring() == [], "who declined gets no CANCEL"
    assert came(answer(booking, "ACCEPTED", stamp=LATER)) == [Decision.BOOKED_AGAIN]
    [again] = postman.bring()
    assert again.method == "REQUEST"
    assert [again.entry[name] for name in ("UID", "ORGANIZER", "ATTENDEE")] == [
        first.entry[name] for name in ("UID", "ORGANIZER", "ATTENDEE")
    ]
    assert (int(first.entry["SEQUENCE"]), int(again.entry["SEQUENCE"])) == (0, 1)
    assert again.entry.decoded("DTSTAMP") > first.entry.decoded("DTSTAMP")
    assert reservation(again.mail)["reservationStatus"] == "https://schema.org/ReservationConfirmed"
    booking = fetch.booking(booking.reference)
    assert came(answer(booking, stamp=LATER + timedelta(minutes=1))) == [Decision.PLACES_FREED]
    book(world.visit_slot, a_class(5, label="4e C", email="autre@college.example"), "k3", proven=True)
    assert came(answer(booking, "ACCEPTED", stamp=LATER + timedelta(minutes=2))) == [Decision.NO_ROOM]
    assert queued(Kind.RESTORE_REFUSED) == 1, "otherwise it says so"
    assert postman.bring() == []
    expect_sound()


def test_rule_24_what_is_no_answer_frees_nothing_and_causes_none(world: World) -> None:
    booking = confirmed(world)
    postman = Postman()
    [asked] = postman.bring()
    sent = str(asked.mail["Message-ID"])
    garbage = [
        b"",
        b"\x00\xff" * 500,
        b"BEGIN:VCALENDAR\r\nMETHOD:REPLY",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n" * 3000,
        answer(booking) + b"x" * LARGEST,
    ]
    written = [replies.sample(name, recipient=TEACHER, original_id=sent, tag=booking.reference) for name in replies.SAMPLES]
    decided = dict(zip([*replies.SAMPLES, *range(len(garbage))], came(*written, *garbage), strict=True))
    assert fetch.booking(booking.reference).status is Status.CONFIRMED
    assert set(decided.values()) <= {
        Decision.NOTHING,
        Decision.ADDRESS_FLAGGED,
        Decision.DELAYED,
        Decision.PASSED_ON,
        Decision.UNKNOWN_UID,
    }
    assert decided["dsn_postfix"] is Decision.ADDRESS_FLAGGED, "a permanent bounce"
    assert decided["dsn_postfix_delayed"] is Decision.DELAYED
    assert decided["human"] is Decision.PASSED_ON, "to a person"
    assert {decided[name] for name in decided if str(name).startswith("away")} == {Decision.NOTHING}
    assert count(Inbound, Inbound.decided_at.is_(None)) == 0
    assert len(db.session.scalars(select(Inbound).order_by(Inbound.id.desc())).first().raw) <= BEGINNING  # type: ignore[union-attr, arg-type]
    assert postman.bring() == [], "no new invitation"
    assert count(Message, Message.recipient == TEACHER, Message.kind != Kind.BOOKING_CONFIRMED) == 0, (
        "nor any answer to who wrote"
    )


def test_rule_25_a_feed_keeps_its_bytes_names_nobody_and_is_nowhere_once_revoked(
    app: Flask, client: FlaskClient, world: World, frozen: datetime
) -> None:
    path = "/events/calendar.ics"
    empty = client.get(path)
    confirmed(world)
    with clock.clock_at(frozen + timedelta(hours=20)):
        later = client.get(path)
        assert (later.data, later.headers["ETag"]) == (empty.data, empty.headers["ETag"]), (
            "who books changes nothing of the programme"
        )
        assert client.get(path, headers={"If-None-Match": empty.headers["ETag"]}).status_code == 304
    for hint in (b"REFRESH-INTERVAL;VALUE=DURATION:PT1H", b"X-PUBLISHED-TTL:PT1H"):
        assert hint in empty.data.split(b"\r\n")
    for private in (b"ATTENDEE", b"Camille", b"college.example", b"port.example"):
        assert private not in empty.data.replace(b"\r\n ", b"")
    feed = in_transaction(lambda: follow_bookings(TEACHER))
    secret = f"/feeds/{feed.id}-{make_token(app.config['SETTINGS'].secret_key, FEED, feed.nonce)}.ics"
    assert client.get(secret).data.count(b"BEGIN:VEVENT") == 1
    in_transaction(lambda: unfollow_bookings(TEACHER))
    assert client.get(secret).status_code == 404
