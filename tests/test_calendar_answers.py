"""What an answer in a calendar does: the verb alone, whatever mail it came in."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from booking import clock
from booking.actions.answer_in_calendar import MOST_QUESTIONS, answer_in_calendar
from booking.actions.book_again import book_again
from booking.actions.cancel_booking import cancel_booking
from booking.actions.cancel_slot import cancel_slot
from booking.actions.change_headcount import change_headcount
from booking.db import db, in_transaction
from booking.errors import AlreadyBooked, BookingClosed, SlotFull, WrongState
from booking.links import MANAGE, make_token
from booking.models import Actor, Answer, Booking, Decision, Kind, Message, Offer, Slot, Status, Who
from booking.queries import doctor, fetch
from tests.history_guard import by_hand
from tests.test_waiting_list import book, party, wait
from tests.world import World, a_class

HOST = Who(Actor.HOST)


def said(
    reference: str,
    answer: Answer | None = Answer.DECLINED,
    *,
    minutes: int = 0,
    sequence: int | None = None,
    believed: bool = True,
    uid: str | None = None,
    attendee: str | None = None,
    stamp: datetime | None = None,
) -> Decision:
    """An answer to the booking's invitation as it stands, `minutes` after now."""
    booking = fetch.booking(reference)
    at = stamp or clock.now() + timedelta(minutes=minutes)
    number = booking.sequence if sequence is None else sequence
    who = attendee or booking.email
    return in_transaction(lambda: answer_in_calendar(uid or booking.uid, who, answer, number, at, believed=believed)).decision


def stand(reference: str) -> Booking:
    db.session.rollback()
    return fetch.booking(reference)


def mails(reference: str, *kinds: Kind) -> list[Message]:
    rows = db.session.scalars(select(Message).join(Message.booking).where(Booking.reference == reference).order_by(Message.id))
    return [row for row in rows if not kinds or row.kind in kinds]


def remaining(slot_id: int) -> int:
    db.session.rollback()
    return fetch.slot(slot_id).remaining


def assert_sound() -> None:
    assert [finding for finding in doctor.examine() if finding.broken] == []


def test_a_no_frees_the_places_once_and_offers_them_once_and_no_cancel_follows(world: World) -> None:
    booked = book(world.visit_slot, party("a", 31))
    waiting = wait(world.visit_slot, party("b", 20))
    uid, sequence = stand(booked).uid, stand(booked).sequence
    assert said(booked, minutes=1) is Decision.PLACES_FREED
    found = stand(booked)
    assert (found.status, found.ended_by, found.sequence, found.uid) == (Status.CANCELLED, Actor.CALENDAR, sequence, uid)
    assert stand(waiting).status is Status.HELD
    assert said(booked, minutes=1) is Decision.OVERTAKEN, "the very same answer"
    assert said(booked, minutes=2) is Decision.ALREADY_ENDED, "another No changes nothing"
    assert len(db.session.scalars(select(Offer)).all()) == 1
    [declined] = mails(booked, Kind.BOOKING_DECLINED)
    assert declined.facts["calendar"] is None
    assert not mails(booked, Kind.BOOKING_CANCELLED)
    [told] = mails(booked, Kind.HOST_BOOKING_CANCELLED)
    assert told.facts["by"] == "calendar"
    assert_sound()


def test_what_frees_nothing(world: World) -> None:
    booked = book(world.visit_slot, party("a", 20))
    in_transaction(lambda: change_headcount(booked, 21, 3))
    before = len(mails(booked))
    assert said(booked, uid="11111111-1111-4111-8111-111111111111") is Decision.UNKNOWN_UID
    assert said(booked, uid="x\x00'; DROP TABLE bookings; --") is Decision.UNKNOWN_UID
    assert said(booked, uid=stand(booked).uid.upper()) is Decision.UNKNOWN_UID
    assert said(booked, attendee="other@college.example") is Decision.OTHER_ATTENDEE
    assert said(booked, Answer.TENTATIVE) is Decision.NOTED
    assert said(booked, None) is Decision.NOT_POSSIBLE
    assert said(booked, minutes=-1) is Decision.OVERTAKEN, "older than the Perhaps that was heard"
    assert len(mails(booked)) == before
    assert (stand(booked).status, stand(booked).answer) == (Status.CONFIRMED, Answer.TENTATIVE)
    assert said(booked, minutes=1, attendee=stand(booked).email.upper()) is Decision.PLACES_FREED, "addresses have no case"


def test_an_address_with_accents_in_its_domain_is_answered_as_it_was_mailed(world: World) -> None:
    """The invitation names the attendee as SMTP carries the address, and so does the answer."""
    booked = book(world.visit_slot, a_class(20, 3, email="prof@collège-du-port.example"))
    assert said(booked, attendee="prof@xn--collge-du-port-yjb.example") is Decision.PLACES_FREED


def test_a_visit_that_has_begun_is_not_declined_any_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    booked = book(world.visit_slot, party("a", 20))
    begins = stand(booked).slot.starts_at
    monkeypatch.setattr(clock, "now", lambda: begins)
    assert said(booked) is Decision.TOO_LATE
    monkeypatch.setattr(clock, "now", lambda: begins - timedelta(seconds=1))
    assert said(booked) is Decision.PLACES_FREED, "the last moment to cancel binds the page, not the truth"


@pytest.mark.parametrize(
    ("believed", "sequence", "minutes", "which"),
    [(False, 1, 0, "unproven"), (True, 0, 0, "outdated"), (True, 7, 0, "unproven"), (True, 1, 60 * 24 * 9, "unproven")],
)
def test_a_no_nobody_can_vouch_for_asks_for_a_click(
    world: World, believed: bool, sequence: int, minutes: int, which: str
) -> None:
    """Not authenticated; about an older version; with a SEQUENCE we never sent; from a calendar days ahead of the clock."""
    booked = book(world.visit_slot, party("a", 20))
    in_transaction(lambda: change_headcount(booked, 21, 3))
    at = clock.now() + timedelta(minutes=minutes)
    assert said(booked, sequence=sequence, believed=believed, stamp=at) is Decision.ASKED
    assert stand(booked).status is Status.CONFIRMED
    assert stand(booked).answered_at is None, "what is not believed makes no genuine answer look old"
    [asked] = mails(booked, Kind.REPLY_UNSURE)
    assert asked.facts["by"] == which
    assert said(booked, sequence=sequence, believed=believed, stamp=at) is Decision.OVERTAKEN, "asked once for one mail"
    for extra in range(1, 6):
        said(booked, sequence=sequence, believed=believed, stamp=at + timedelta(seconds=extra))
    assert len(mails(booked, Kind.REPLY_UNSURE)) == MOST_QUESTIONS
    assert said(booked, minutes=1) is Decision.PLACES_FREED


def test_who_cannot_be_vouched_for_and_says_yes_is_asked_only_where_it_changes_something(world: World) -> None:
    booked = book(world.visit_slot, party("a", 20))
    assert said(booked, Answer.ACCEPTED, believed=False) is Decision.NOTHING
    assert said(booked) is Decision.PLACES_FREED
    assert said(booked, Answer.ACCEPTED, believed=False, minutes=1) is Decision.ASKED
    assert stand(booked).status is Status.CANCELLED
    assert mails(booked, Kind.REPLY_UNSURE)[0].facts["by"] == "accepted"


def test_a_yes_after_a_no_books_again_with_the_same_uid_while_there_is_room(world: World) -> None:
    booked = book(world.visit_slot, party("a", 20))
    uid = stand(booked).uid
    assert said(booked) is Decision.PLACES_FREED
    assert said(booked, Answer.ACCEPTED, minutes=1) is Decision.BOOKED_AGAIN
    found = stand(booked)
    assert (found.status, found.uid, found.sequence, found.answer) == (Status.CONFIRMED, uid, 1, Answer.ACCEPTED)
    assert (found.ended_at, found.ended_by) == (None, None)
    assert remaining(world.visit_slot) == 11
    first, second = mails(booked, Kind.BOOKING_CONFIRMED)
    assert (first.facts["calendar"]["sequence"], second.facts["calendar"]["sequence"]) == (0, 1)
    assert second.facts["again"]
    assert said(booked, Answer.ACCEPTED, minutes=1, sequence=0) is Decision.OVERTAKEN
    assert said(booked, minutes=2, sequence=0) is Decision.ASKED, "a No to the invitation before"
    assert said(booked, minutes=3) is Decision.PLACES_FREED
    assert_sound()


def test_a_yes_after_a_no_without_room_says_so_and_books_nothing(world: World) -> None:
    booked = book(world.visit_slot, party("a", 20))
    assert said(booked) is Decision.PLACES_FREED
    book(world.visit_slot, party("b", 15))
    assert said(booked, Answer.ACCEPTED, minutes=1) is Decision.NO_ROOM
    assert stand(booked).status is Status.CANCELLED
    assert [mail.facts["by"] for mail in mails(booked, Kind.RESTORE_REFUSED)] == ["full"]
    assert said(booked, Answer.ACCEPTED, minutes=1) is Decision.OVERTAKEN, "told once"
    assert remaining(world.visit_slot) == 16
    assert_sound()


def test_what_others_ended_no_calendar_brings_back(world: World) -> None:
    booked, other = book(world.visit_slot, party("a", 10)), book(world.boat_slot, party("b", 10))
    in_transaction(lambda: cancel_booking(booked))
    in_transaction(lambda: cancel_slot(world.boat_slot, "Crue.", HOST))
    for reference in (booked, other):
        for answer in (Answer.ACCEPTED, Answer.DECLINED):
            assert said(reference, answer) is Decision.ALREADY_ENDED
        with pytest.raises(WrongState):
            in_transaction(lambda reference=reference: book_again(reference))  # type: ignore[misc]


def test_booking_again_keeps_the_rules_of_places_and_of_the_day(world: World) -> None:
    booked = book(world.visit_slot, party("a", 20))
    said(booked)
    book(world.visit_slot, party("b", 12))
    with pytest.raises(SlotFull):
        in_transaction(lambda: book_again(booked))
    in_transaction(lambda: cancel_slot(world.visit_slot, "Crue.", HOST))
    with pytest.raises(BookingClosed):
        in_transaction(lambda: book_again(booked))
    on_boat = book(world.boat_slot, party("c", 10))
    said(on_boat)
    anew = book(world.boat_slot, party("c", 10), again="anew")
    assert anew != on_boat
    with pytest.raises(AlreadyBooked):
        in_transaction(lambda: book_again(on_boat))
    assert_sound()


def test_who_waits_and_fits_comes_before_who_takes_a_no_back(world: World) -> None:
    booked, other = book(world.visit_slot, party("a", 21)), book(world.visit_slot, party("c", 10))
    waiting = wait(world.visit_slot, party("b", 15))
    said(booked)
    assert stand(waiting).status is Status.HELD
    with pytest.raises(SlotFull):
        in_transaction(lambda: book_again(booked))
    in_transaction(lambda: cancel_booking(other))
    assert remaining(world.visit_slot) == 16


def test_the_doctor_finds_what_came_back_without_a_no(world: World) -> None:
    booked = book(world.visit_slot, party("a", 10))
    in_transaction(lambda: cancel_booking(booked))

    def forge() -> None:
        fetch.booking(booked).ended_by = Actor.CALENDAR

    by_hand(forge)
    in_transaction(lambda: book_again(booked))
    assert {finding.rule.name for finding in doctor.examine() if finding.broken} == {"history", "invitations"}


def test_the_page_says_it_and_its_button_takes_it_back(client: FlaskClient, world: World) -> None:
    booked = book(world.visit_slot, party("a", 20))
    said(booked)
    token = make_token(client.application.config["SETTINGS"].secret_key, MANAGE, stand(booked).link_nonce)
    path = f"/bookings/{booked}"
    page = client.get(f"{path}?token={token}").get_data(as_text=True)
    assert "Vous avez décliné l’invitation" in page
    assert client.post(f"{path}/again", data={}).status_code == 404, "without the link it is nobody's"
    assert client.get(f"{path}/again?token={token}").status_code == 405, "GET changes nothing"
    answer = client.post(f"{path}/again", data={"token": token})
    assert answer.status_code == 303
    assert "La réservation est rétablie" in client.get(answer.location).get_data(as_text=True)
    assert stand(booked).status is Status.CONFIRMED
    assert client.post(f"{path}/again", data={"token": token}).status_code == 303, "twice is once"
    assert len(mails(booked, Kind.BOOKING_CONFIRMED)) == 2
    said(booked, minutes=1)
    book(world.visit_slot, party("b", 25))
    page = client.get(f"{path}?token={token}").get_data(as_text=True)
    assert "La réservation ne peut plus être rétablie." in page
    assert re.search(r"Il (reste|ne reste)", page), "and why"
    assert f"{path}/again" not in page
    refused = client.post(f"{path}/again", data={"token": token})
    assert refused.status_code == 409
    assert re.search(r"Rien n(’|&#39;)a changé", refused.get_data(as_text=True))


def test_the_page_offers_no_way_back_that_the_verb_would_refuse(client: FlaskClient, world: World) -> None:
    """One rule for both: a class that is booked elsewhere at the event meanwhile finds no button, and reads why."""
    booked = book(world.visit_slot, party("a", 10))
    said(booked)
    token = make_token(client.application.config["SETTINGS"].secret_key, MANAGE, stand(booked).link_nonce)
    path = f"/bookings/{booked}"
    assert f"{path}/again" in client.get(f"{path}?token={token}").get_data(as_text=True)
    anew = book(world.visit_slot, party("a", 12), again="anew")
    page = client.get(f"{path}?token={token}").get_data(as_text=True)
    assert f"{path}/again" not in page
    assert "La réservation ne peut plus être rétablie." in page
    assert client.post(f"{path}/again", data={"token": token}).status_code == 409
    in_transaction(lambda: cancel_booking(anew))
    assert f"{path}/again" in client.get(f"{path}?token={token}").get_data(as_text=True)


def test_it_is_too_late_to_take_it_back_once_the_visit_has_begun(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    booked = book(world.visit_slot, party("a", 20))
    said(booked)
    slot = db.session.get(Slot, world.visit_slot)
    assert slot is not None
    begins = slot.starts_at
    monkeypatch.setattr(clock, "now", lambda: begins)
    with pytest.raises(BookingClosed):
        in_transaction(lambda: book_again(booked))
