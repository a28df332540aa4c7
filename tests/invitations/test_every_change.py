"""When an invitation is right, rules 5 to 7 and 13 to 18: every real verb that touches the entry, and the mail that results."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from sqlalchemy import select

from booking.actions.approve_booking import approve_booking
from booking.actions.cancel_booking import cancel_booking
from booking.actions.cancel_event import cancel_event
from booking.actions.cancel_slot import cancel_slot
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.actions.join_waiting_list import join_waiting_list
from booking.actions.move_booking import move_booking
from booking.actions.move_meeting_point import move_meeting_point
from booking.actions.move_slot import move_slot
from booking.actions.refuse_booking import refuse_booking
from booking.actions.resend_message import resend_message
from booking.actions.split_booking import split_booking
from booking.actions.write_event import write_event
from booking.db import db, in_transaction
from booking.models import HEAD, Actor, Booking, Event, Kind, Message, OrganisationKind, Who
from booking.queries import fetch
from tests.invitations.postman import Agenda, Postman, Received
from tests.test_booking import book
from tests.test_moving import terms
from tests.workspaces import an_organisation
from tests.world import World, a_class

HOST = Who(Actor.HOST)
QUAY = "Quai n° 3 ; derrière la grue, « B »"
Change = Callable[[str, World], object]


def _rewrite(**words: str) -> Change:
    def change(_reference: str, world: World) -> object:
        return write_event(world.boat, words, db.session.get_one(Event, world.boat).version, HOST)

    return change


def _move_slot(_reference: str, world: World) -> object:
    return move_slot(world.boat_slot, {"day": "2026-11-26", "time": "9 h 30", "minutes": "75"}, "Marée basse.", HOST)


def _meet(point: str, minutes: str) -> Change:
    where = {"meeting_point": point, "arrive_minutes_before": minutes}
    return lambda _reference, world: move_meeting_point(world.boat_slot, where, "", HOST)


CHANGES: dict[str, Change] = {
    "fewer come": lambda reference, _world: change_headcount(reference, 18, 3),
    "the host counts more": lambda reference, _world: change_headcount(reference, 22, 2, HOST),
    "the slot is moved": _move_slot,
    "it meets elsewhere": _meet(QUAY, "0"),
    "it meets earlier": _meet(QUAY, "20"),
    "the event has another title": _rewrite(title="Le fleuve, vu du port\\Nord"),
    "the event takes place elsewhere": _rewrite(place_name="Embarcadère", address="1, quai du Châtelier"),
    "the booker takes another slot": lambda reference, world: move_booking(reference, world.second_boat_slot),
    "the host moves the class back": lambda reference, world: move_booking(reference, world.boat_slot, HOST, "Panne."),
}
"""Every verb that touches the entry of a confirmed booking, in an order in which all of them can happen to one."""
ENDS: dict[str, Change] = {
    "the booker cancels": lambda reference, _world: cancel_booking(reference),
    "the host cancels the booking": lambda reference, _world: cancel_booking(reference, HOST, "Grève."),
    "the slot is cancelled": lambda _reference, world: cancel_slot(world.boat_slot, "Grève.", HOST),
    "the event is cancelled": lambda _reference, world: cancel_event(world.boat, "Grève.", HOST),
}


def expect_next(booking: Booking, one: Received, before: list[Received], method: str = "REQUEST", *, rises: int = 1) -> None:
    """The mail after those before it: the same entry, the next number, a later stamp, the times as booked, the same thread."""
    now, was, slot = one.entry, before[-1].entry, booking.slot
    assert one.method == method
    for same in ("UID", "ORGANIZER", "ATTENDEE"):
        assert now[same] == was[same]
        assert getattr(now[same], "params", None) == getattr(was[same], "params", None)
    assert int(now["SEQUENCE"]) == int(was["SEQUENCE"]) + rises
    assert now.decoded("DTSTAMP") > was.decoded("DTSTAMP"), "even within one second"
    assert (now.decoded("DTSTART"), now.decoded("DTEND")) == (slot.starts_at, slot.ends_at)
    assert str(now["STATUS"]) == {"REQUEST": "CONFIRMED", "CANCEL": "CANCELLED"}[method]
    ids = [str(other.mail["Message-ID"]) for other in before]
    raw = one.content.split(b"\r\n\r\n")[0].decode()
    assert f"\r\nIn-Reply-To: {ids[-1]}\r\n" in raw
    assert re.findall(r"\r\nReferences: (.*)", f"{raw}\r")[0].strip() == " ".join(ids)
    assert str(one.mail["Message-ID"]) not in ids
    assert one.envelope == f"reservations+{booking.reference}@coulisses.example"


def after(change: Callable[[], object], reference: str) -> Booking:
    in_transaction(change)
    db.session.rollback()
    return fetch.booking(reference)


def test_rules_5_6_7_17_18_every_change_of_the_entry_is_the_next_of_one_thread(world: World) -> None:
    postman = Postman()
    reference = book(world.boat_slot, a_class(20), proven=True).reference
    mails = postman.bring()
    for what, change in CHANGES.items():
        booking = after(lambda change=change: change(reference, world), reference)  # type: ignore[misc]
        found = postman.bring()
        assert len(found) == 1, what
        expect_next(booking, found[0], mails)
        mails += found
    last = db.session.scalars(select(Message).where(Message.kind == Kind.BOOKING_RESCHEDULED).order_by(Message.id.desc())).first()
    assert last is not None
    booking = after(lambda: resend_message(reference, last.id, HOST), reference)
    [again] = postman.bring()
    expect_next(booking, again, mails, rises=0)
    mails.append(again)
    booking = after(lambda: cancel_booking(reference), reference)
    [taken] = postman.bring()
    expect_next(booking, taken, mails, "CANCEL")
    assert [int(one.entry["SEQUENCE"]) for one in mails] == [*range(len(CHANGES) + 1), len(CHANGES)]
    uid = str(taken.entry["UID"])
    assert len(uid) >= 32, "unguessable"
    expect_one_entry_in_any_order([*mails, taken])


def expect_one_entry_in_any_order(mails: list[Received]) -> None:
    """A late older mail changes nothing, whichever is late."""
    dice = random.Random(1)
    for _ in range(5):
        shuffled = dice.sample(mails[:-1], len(mails) - 1)
        agenda = Agenda()
        for one in shuffled:
            agenda.receive(one)
        [shown] = agenda.shown
        assert shown.to_ical() == mails[-2].entry.to_ical()
        assert agenda.receive(mails[-1])
        assert not any(agenda.receive(one) for one in shuffled)
        assert agenda.shown == []


def test_rule_14_a_moved_visit_is_one_entry_that_an_older_mail_cannot_bring_back(world: World) -> None:
    postman = Postman()
    reference = book(world.boat_slot, a_class(20), proven=True).reference
    after(lambda: move_booking(reference, world.second_boat_slot), reference)
    booked, moved = postman.bring()
    assert [one.mail["To"] for one in (booked, moved)] == ["prof@college.example"] * 2
    agenda = Agenda()
    assert [agenda.receive(one) for one in (booked, moved, booked)] == [True, True, False]
    [shown] = agenda.shown
    assert shown.decoded("DTSTART") == fetch.slot(world.second_boat_slot).starts_at


@pytest.mark.parametrize("end", ENDS)
def test_rule_13_every_end_takes_the_very_entry_away(world: World, end: str) -> None:
    postman = Postman()
    reference = book(world.boat_slot, a_class(20), proven=True).reference
    held = book(world.second_boat_slot, a_class(5, label="4e A", email="autre@college.example"), "k2").reference
    mails = postman.bring()
    booking = after(lambda: ENDS[end](reference, world), reference)
    after(lambda: cancel_booking(held, HOST) if fetch.booking(held).is_live else None, held)
    [taken] = postman.bring()
    expect_next(booking, taken, mails, "CANCEL")
    assert postman.bring() == []
    told = [content for _, to, content in postman.sent if to == "autre@college.example"]
    assert b"text/calendar" not in b"".join(told), "no REQUEST went out, so no CANCEL does"


def test_rules_5_15_each_half_of_a_split_class_is_an_entry_of_its_own(world: World) -> None:
    postman = Postman()
    reference = book(world.boat_slot, a_class(20, 3), proven=True).reference
    mails = postman.bring()
    other = in_transaction(lambda: split_booking(reference, world.second_boat_slot, 8, 1))
    db.session.rollback()
    stays, goes = sorted(postman.bring(), key=lambda one: one.entry["UID"] != mails[0].entry["UID"])
    expect_next(fetch.booking(reference), stays, mails)
    half = fetch.booking(other.reference)
    assert (goes.method, int(goes.entry["SEQUENCE"])) == ("REQUEST", 0)
    assert str(goes.entry["UID"]) == half.uid != str(stays.entry["UID"])
    assert goes.entry.decoded("DTSTART") == half.slot.starts_at
    assert goes.mail["In-Reply-To"] is None, "it is another thread"
    agenda = Agenda()
    for one in (*mails, stays, goes):
        agenda.receive(one)
    assert len(agenda.shown) == 2


def test_rules_6_15_nothing_goes_to_a_calendar_before_everybody_has_agreed(world: World) -> None:
    postman = Postman()
    event = db.session.get_one(Event, world.visit)
    event.host_approval = event.head_approval = True
    an_organisation("college", OrganisationKind.SCHOOL, uai="0921234S", email="tete@college.example")
    db.session.commit()
    party = a_class(31, 3, school_uai="0921234S")
    reference = book(world.visit_slot, party).reference
    steps: list[Callable[[], object]] = [
        lambda: change_headcount(reference, 30, 3),
        lambda: confirm_booking(reference),
        lambda: approve_booking(reference, HEAD),
    ]
    for step in steps:
        after(step, reference)
        assert postman.bring() == []
    booking = after(lambda: approve_booking(reference, HOST), reference)
    [asked] = postman.bring()
    assert (asked.method, int(asked.entry["SEQUENCE"])) == ("REQUEST", 0)
    attendee = asked.entry["ATTENDEE"].params
    assert (attendee["PARTSTAT"], attendee["RSVP"]) == ("NEEDS-ACTION", "TRUE"), "a client offers Accept, Tentative, Decline"
    assert str(asked.entry["UID"]) == booking.uid


def test_rule_15_who_waits_is_refused_or_lets_it_expire_hears_of_no_entry(world: World) -> None:
    postman = Postman()
    event = db.session.get_one(Event, world.boat)
    event.host_approval = True
    db.session.commit()
    book(world.visit_slot, a_class(31), "full", proven=True)
    waiting = a_class(12, label="4e A", email="attend@college.example")
    in_transaction(lambda: join_waiting_list(world.visit_slot, waiting, terms("w")))
    refused = book(world.boat_slot, a_class(5, label="4e B", email="attend@college.example"), "r", proven=True).reference
    after(lambda: refuse_booking(refused, HOST, "Le quai est fermé."), refused)
    book(world.second_boat_slot, a_class(5, label="4e C", email="attend@college.example"), "l", proven=True)
    in_transaction(lambda: cancel_slot(world.second_boat_slot, "Grève.", HOST))
    assert postman.bring("attend@college.example") == []
    assert sum(to == "attend@college.example" for _, to, _ in postman.sent) >= 4
