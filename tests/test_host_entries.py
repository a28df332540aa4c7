"""The host's side of the calendar: one entry a slot, told at each booking or once a day, and who comes tomorrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from icalendar import Event as Entry
from sqlalchemy import func, select, update

from booking import clock
from booking.actions.answer_headcount import accept_headcount
from booking.actions.ask_headcount import ask_headcount
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.cancel_event import cancel_event
from booking.actions.cancel_slot import cancel_slot
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.actions.host_entries import due_at
from booking.actions.limits import Limiter
from booking.actions.move_booking import move_booking
from booking.actions.move_slot import move_slot
from booking.actions.resend_message import Again, way_again
from booking.actions.split_booking import split_booking
from booking.actions.tell_host import due_host_entries, tell_host
from booking.actions.tell_hosts_of_day import HostDay, due_host_days, tell_hosts_of_day
from booking.actions.write_event import write_event
from booking.db import db, in_transaction
from booking.mail.delivery import PermanentFailure, deliver_next
from booking.mail.timely import is_of_use
from booking.models import (
    Actor,
    Booking,
    Delivery,
    Edition,
    Event,
    HostEntry,
    HostMails,
    Kind,
    Message,
    Occasion,
    Party,
    Slot,
    Who,
)
from booking.queries import doctor, fetch
from booking.worker import Worker
from tests.event_forms import newest, text, the, typed
from tests.mails import body, calendar_bytes, entry, opened
from tests.workspaces import manager_of
from tests.world import World, a_class

HOST = Who(Actor.HOST)
NOTICES = (Kind.HOST_BOOKING_CONFIRMED, Kind.HOST_BOOKING_CHANGED, Kind.HOST_BOOKING_CANCELLED)
SIX = datetime(2026, 11, 16, 17, tzinfo=UTC)
"""18:00 in Paris on the day the tests' clock stands at."""
EVE = datetime(2026, 11, 23, 15, tzinfo=UTC)
"""16:00 in Paris on the day before the visit."""


class Post:
    """A transport that keeps what it is given, and refuses the addresses it is told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, EmailMessage]] = []
        self.refused: set[str] = set()

    def send(self, _envelope_from: str, recipient: str, content: bytes) -> None:
        if recipient in self.refused:
            raise PermanentFailure("550 no such user")
        self.sent.append((recipient, opened(content)))


@pytest.fixture(autouse=True)
def _all_rules_hold(app: Flask) -> Iterator[None]:
    yield
    db.session.rollback()
    assert [finding for finding in doctor.examine() if finding.broken] == []


@pytest.fixture
def digest(world: World) -> World:
    """The same world, where the port's hosts wish for one mail a day."""
    wish(HostMails.DIGEST)
    return world


def wish(mails: HostMails) -> None:
    db.session.execute(update(Event).values(host_mails=mails, more_contacts=""))
    db.session.commit()


def book(slot_id: int, party: Party, key: str = "k", *, proven: bool = True) -> str:
    terms = Terms(key=f"{slot_id}{key}", locale="fr", limiter=Limiter("s", "127.0.0.1", on=False), proven=proven)
    return in_transaction(lambda: book_places(slot_id, party, terms)).reference


def a_person(n: int) -> Party:
    return Party(audience="public", email=f"p{n}@demo.example", name=f"Personne {n}", old_enough=True)


def tell(at: datetime | None = None) -> list[int]:
    """Let the worker's verb tell whoever is due; says of which slots there was something to tell."""
    with clock.clock_at(at or clock.now()):
        return [slot_id for slot_id in due_host_entries() if in_transaction(lambda slot_id=slot_id: tell_host(slot_id))]  # type: ignore[misc]


def messages(*kinds: Kind) -> list[Message]:
    db.session.rollback()
    return list(db.session.scalars(select(Message).where(Message.kind.in_(kinds)).order_by(Message.id)))


def entry_of(slot_id: int) -> HostEntry:
    db.session.rollback()
    return db.session.get_one(HostEntry, slot_id, populate_existing=True)


def deliver(app: Flask, post: Post | None = None) -> list[tuple[EmailMessage, Entry | None]]:
    """Deliver what is due; the mails to the hosts, each with its calendar's entry."""
    post = post or Post()
    db.session.rollback()
    queued = db.session.scalar(select(func.max(Message.created_at)))
    with clock.clock_at(max(clock.now(), queued or clock.now())):
        while deliver_next(app.config["SETTINGS"], post):
            pass
    to_host = [mail for to, mail in post.sent if to.endswith("@port.example")]
    return [(mail, entry(calendar_bytes(mail)) if _carries(mail) else None) for mail in to_host]


def _carries(mail: EmailMessage) -> bool:
    return any(part.get_content_type() == "text/calendar" for part in mail.walk())


def identity(found: Entry) -> tuple[str, int, datetime]:
    return str(found["UID"]), int(found["SEQUENCE"]), found["DTSTAMP"].dt


def summary(found: Entry) -> str:
    return str(found["SUMMARY"]).replace("\u00a0", " ")


def test_at_each_booking_the_notice_carries_the_slots_one_entry_and_updates_it_quietly(app: Flask, world: World) -> None:
    first = book(world.visit_slot, a_class(20, 2))
    book(world.visit_slot, a_class(8, 1, label="b", email="b@college.example"), "b")
    in_transaction(lambda: change_headcount(first, 21, 2))
    in_transaction(lambda: cancel_booking(first))
    in_transaction(lambda: cancel_booking(messages(Kind.HOST_BOOKING_CONFIRMED)[-1].facts["booking"]["reference"]))
    assert (tell(), messages(Kind.HOST_SLOT)) == ([], []), "everything was told with the notices"
    mails = deliver(app)
    entries = [found for _, found in mails if found]
    said = [summary(found).partition(" :")[0] for found in entries]
    assert said == [
        "20 élèves et 2 adultes",
        "28 élèves et 3 adultes",
        "29 élèves et 3 adultes",
        "8 élèves et 1 adulte",
        "0 personne",
    ]
    assert {(str(found["UID"]), int(found["SEQUENCE"])) for found in entries} == {(entry_of(world.visit_slot).uid, 0)}
    stamps = [found["DTSTAMP"].dt for found in entries]
    assert stamps == sorted(set(stamps)), "five mails in one second, and each is later than the one before"
    for (mail, found), before in zip(mails[1:], mails, strict=False):
        assert found is not None
        assert mail["In-Reply-To"] == before[0]["Message-ID"]
        assert mail["References"].split()[0] == mails[0][0]["Message-ID"]
        assert found["STATUS"] == "CONFIRMED", "the last booking is gone, the slot is not"
    assert "En tout, sur ce créneau : 28 élèves et 3 adultes." in body(mails[1][0], "plain").replace("\u00a0", " ")


def test_the_entry_travels_as_the_rules_say_asks_nobody_and_names_nobody(app: Flask, world: World) -> None:
    reference = book(world.visit_slot, a_class(20, 2))
    [(mail, found)] = deliver(app)
    assert found is not None
    assert mail.get_content_type() == "multipart/mixed"
    alternative, attached = mail.iter_parts()  # type: ignore[misc]
    assert [part.get_content_type() for part in alternative.iter_parts()] == ["text/plain", "text/html", "text/calendar"]
    calendar = list(alternative.iter_parts())[-1]
    assert (calendar.get_param("method"), calendar["Content-Transfer-Encoding"]) == ("REQUEST", "base64")
    assert (calendar.get_content_disposition(), attached.get_filename()) == (None, "invite.ics")
    data = calendar_bytes(mail)
    assert attached.get_payload(decode=True) == data
    assert data.count(b"\n") == data.count(b"\r\n")
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert mail["X-MICROSOFT-DISALLOW-COUNTER"] == "TRUE"
    attendee = found["ATTENDEE"]
    assert (str(attendee), attendee.params["PARTSTAT"], attendee.params["RSVP"]) == (
        "mailto:accueil@port.example", "ACCEPTED", "FALSE",
    )  # fmt: skip
    assert str(found["ORGANIZER"]) == f"mailto:{app.config['SETTINGS'].sender_address}"
    assert (found["DTSTART"].dt, found["DTEND"].dt) == (
        datetime(2026, 11, 24, 13, 30, tzinfo=UTC),
        datetime(2026, 11, 24, 15, tzinfo=UTC),
    )
    written = found.to_ical().decode()
    for name in ("Camille", "Martin", "prof@", "Collège", "01 23", reference, "token"):
        assert name not in written
    assert f"/workspace/slots/{world.visit_slot}/day-sheet" in written.replace("\r\n ", "")


def test_nobody_is_invited_at_the_address_we_send_from(app: Flask, world: World) -> None:
    ours = app.config["SETTINGS"].sender_address
    db.session.execute(update(Event).values(contact_email=ours.upper()))
    db.session.commit()
    book(world.visit_slot, a_class(20, 2))
    post = Post()
    deliver(app, post)
    [to_us] = [mail for to, mail in post.sent if to.lower() == ours]
    assert not _carries(to_us)


def test_in_a_digest_nothing_is_sent_for_each_booking_and_one_mail_at_six_says_where_the_slot_stands(
    app: Flask, digest: World
) -> None:
    first = book(digest.visit_slot, a_class(20, 2))
    second = book(digest.visit_slot, a_class(8, 1, label="b", email="b@college.example"), "b")
    assert messages(*NOTICES) == []
    assert (entry_of(digest.visit_slot).due_at, entry_of(digest.visit_slot).stamp) == (SIX, None)
    assert tell(SIX - timedelta(seconds=1)) == []
    assert tell(SIX) == [digest.visit_slot]
    [(mail, found)] = deliver(app)
    assert found is not None
    assert summary(found) == "28 élèves et 3 adultes : Visite des activités portuaires"
    assert (int(found["SEQUENCE"]), "2 réservations confirmées" in str(found["DESCRIPTION"])) == (0, True)
    text = body(mail, "plain").replace("\u00a0", " ")
    assert "Voici qui vient." in text
    assert f"{first} : 3e, Collège du Port, Gennevilliers, 20 élèves et 2 adultes" in text
    for part in ("plain", "html"):
        for name in ("Camille", "Martin", "prof@", "b@college", "01 23", "3e B"):
            assert name not in body(mail, part)
    later = clock.now() + timedelta(days=1)
    with clock.clock_at(later):
        in_transaction(lambda: change_headcount(first, 21, 2))
        in_transaction(lambda: cancel_booking(second))
        third = book(digest.visit_slot, a_class(5, 1, label="c", email="c@college.example"), "c")
        assert entry_of(digest.visit_slot).due_at == SIX + timedelta(days=1)
    assert tell(SIX + timedelta(days=1)) == [digest.visit_slot]
    [(update_mail, updated)] = deliver(app)
    assert updated is not None
    assert (updated["UID"], int(updated["SEQUENCE"])) == (found["UID"], 0)
    assert updated["DTSTAMP"].dt > found["DTSTAMP"].dt
    assert update_mail["In-Reply-To"] == mail["Message-ID"]
    text = body(update_mail, "plain").replace("\u00a0", " ")
    assert (
        f"Changée : 3e, Collège du Port, Gennevilliers, 21 élèves et 2 adultes au lieu de 20 élèves et 2 adultes ({first})"
        in text
    )
    assert f"Nouvelle : 3e, Collège du Port, Gennevilliers, 5 élèves et 1 adulte ({third})" in text
    assert f"Annulée ou passée à un autre créneau : 8 élèves et 1 adulte ({second})" in text


def test_what_came_back_to_what_was_told_is_no_news_and_who_never_came_enters_no_calendar(app: Flask, digest: World) -> None:
    reference = book(digest.visit_slot, a_class(20, 2))
    in_transaction(lambda: cancel_booking(reference))
    book(digest.boat_slot, a_person(1))
    assert tell(SIX) == [digest.boat_slot]
    in_transaction(lambda: cancel_slot(digest.visit_slot, "Crue", HOST))
    other = book(digest.boat_slot, a_person(2), "b")
    in_transaction(lambda: cancel_booking(other))
    assert tell(SIX + timedelta(days=1)) == []
    assert (entry_of(digest.visit_slot).stamp, entry_of(digest.visit_slot).due_at) == (None, None)
    [sent] = messages(Kind.HOST_SLOT)
    assert (sent.facts["entry"]["persons"], sent.facts["parties"][0]["audience"]) == (1, "public")
    [(mail, found)] = deliver(app)
    assert found is not None
    assert summary(found) == "1 personne : Le port vu du fleuve"
    assert "Personne 1" not in mail.as_string()


def test_a_visit_before_the_next_digest_is_told_of_at_once_and_one_that_is_over_not_at_all(app: Flask, digest: World) -> None:
    morning = datetime(2026, 11, 24, 9, tzinfo=UTC)
    with clock.clock_at(morning):
        book(digest.visit_slot, a_class(20, 2))
        assert entry_of(digest.visit_slot).due_at == morning
    assert tell(datetime(2026, 11, 24, 15, tzinfo=UTC)) == []
    assert (entry_of(digest.visit_slot).due_at, messages(Kind.HOST_SLOT)) == (None, [])


def test_a_clock_that_went_ahead_for_a_moment_holds_back_neither_digest_nor_mail(
    app: Flask, digest: World, frozen: datetime
) -> None:
    with clock.clock_at(frozen + timedelta(days=3)):
        book(digest.visit_slot, a_class(20, 2))
        later = book(digest.boat_slot, a_class(5, 1, label="b", email="b@college.example"), "b")
        in_transaction(lambda: cancel_booking(later))
    assert tell() == [digest.visit_slot]
    post = Post()
    while deliver_next(app.config["SETTINGS"], post):
        pass
    assert Counter(to for to, _ in post.sent) == {"accueil@port.example": 1, "prof@college.example": 1, "b@college.example": 2}


def test_six_in_paris_is_six_on_both_sides_of_a_clock_change() -> None:
    slot = Slot(starts_at=datetime(2027, 4, 20, 8, tzinfo=UTC), event=Event(host_mails=HostMails.DIGEST))
    for now, at in (
        (datetime(2026, 10, 24, 15, 59, tzinfo=UTC), datetime(2026, 10, 24, 16, tzinfo=UTC)),
        (datetime(2026, 10, 24, 16, 1, tzinfo=UTC), datetime(2026, 10, 25, 17, tzinfo=UTC)),
        (datetime(2027, 3, 27, 17, 0, 1, tzinfo=UTC), datetime(2027, 3, 28, 16, tzinfo=UTC)),
        (datetime(2026, 11, 16, 23, 30, tzinfo=UTC), datetime(2026, 11, 17, 17, tzinfo=UTC)),
    ):
        assert due_at(slot, now) == at
    slot.event.host_mails = HostMails.EACH
    assert due_at(slot, SIX) == SIX


@pytest.mark.parametrize("mails", HostMails)
def test_a_slot_that_moves_is_told_of_at_once_with_the_next_sequence_and_a_cancelled_one_leaves_the_calendar_once(
    app: Flask, world: World, mails: HostMails
) -> None:
    wish(mails)
    book(world.visit_slot, a_class(20, 2))
    tell(SIX)
    uid, _, stamp = identity(next(found for _, found in deliver(app) if found))
    raw = {"day": "2026-11-25", "time": "10:00", "minutes": "90"}
    in_transaction(lambda: move_slot(world.visit_slot, raw, "", HOST))
    assert tell() == [world.visit_slot]
    words = {"title": "Visite du port", "address": "Quai n° 2"}
    in_transaction(lambda: write_event(world.visit, words, db.session.get_one(Event, world.visit).version, HOST))
    assert tell() == [world.visit_slot]
    in_transaction(lambda: cancel_event(world.visit, "Crue de la Seine", HOST))
    assert tell() == [world.visit_slot]
    assert tell(SIX + timedelta(days=1)) == []
    mails_sent = deliver(app)
    assert [(identity(found)[0], identity(found)[1]) for _, found in mails_sent if found] == [(uid, 1), (uid, 2), (uid, 3)]
    stamps = [stamp, *(identity(found)[2] for _, found in mails_sent if found)]
    assert stamps == sorted(set(stamps))
    (moved, at), (_, renamed), (gone, cancelled) = mails_sent
    assert at is not None
    assert renamed is not None
    assert cancelled is not None
    assert at["DTSTART"].dt == datetime(2026, 11, 25, 9, tzinfo=UTC)
    text = body(moved, "plain").replace("\u00a0", " ")
    assert "Créneau changé" in text
    assert "Ne vaut plus : mardi 24 novembre, 14 h 30 – 16 h" in text
    assert summary(renamed) == "20 élèves et 2 adultes : Visite du port"
    assert cancelled["STATUS"] == "CANCELLED"
    assert "METHOD:CANCEL" in calendar_bytes(gone).decode()
    assert "Crue de la Seine" in body(gone, "plain")
    assert messages(Kind.HOST_BOOKING_CANCELLED) == [], "the host did it"


def test_a_contact_who_never_got_the_entry_is_told_without_a_cancel(app: Flask, world: World) -> None:
    db.session.execute(update(Event).values(more_contacts="quai@port.example"))
    db.session.commit()
    book(world.visit_slot, a_class(20, 2))
    post = Post()
    post.refused = {"quai@port.example"}
    deliver(app, post)
    in_transaction(lambda: cancel_slot(world.visit_slot, "Crue", HOST))
    tell()
    post = Post()
    deliver(app, post)
    assert {to: _carries(mail) for to, mail in post.sent if to.endswith("port.example")} == {
        "accueil@port.example": True,
        "quai@port.example": False,
    }


def test_each_verb_that_changes_who_comes_is_in_the_entry(app: Flask, digest: World) -> None:
    told: dict[int, dict[str, Any]] = {}

    def told_of(*slots: int) -> None:
        assert tell(SIX) == sorted(slots)
        for slot_id in slots:
            told[slot_id] = entry_of(slot_id).told

    boat = book(digest.boat_slot, a_class(20, 4), "x", proven=False)
    assert db.session.scalar(select(func.count()).select_from(HostEntry)) == 0, "held places are nobody's yet"
    in_transaction(lambda: confirm_booking(boat))
    told_of(digest.boat_slot)
    in_transaction(lambda: move_booking(boat, digest.second_boat_slot))
    told_of(digest.boat_slot, digest.second_boat_slot)
    assert (told[digest.boat_slot]["pupils"], told[digest.second_boat_slot]["pupils"]) == (0, 20)
    half = in_transaction(lambda: split_booking(boat, digest.boat_slot, "8", "2")).reference
    told_of(digest.boat_slot, digest.second_boat_slot)
    assert told[digest.boat_slot]["bookings"] == {half: [8, 2]}
    assert told[digest.second_boat_slot]["bookings"] == {boat: [12, 2]}
    with clock.clock_at(datetime(2026, 11, 26, 8, tzinfo=UTC)):
        in_transaction(lambda: ask_headcount(boat, "14", "2"))
        assert [message.kind for message in messages(Kind.HOST_CHANGE_ASKED, *NOTICES)] == [Kind.HOST_CHANGE_ASKED], "a question"
        asked = fetch.booking(boat).change_asked
        assert asked is not None
        in_transaction(lambda: accept_headcount(boat, asked["at"], HOST))
        in_transaction(lambda: cancel_booking(half, HOST, "Trop de monde"))
        assert entry_of(digest.boat_slot).due_at == datetime(2026, 11, 26, 17, tzinfo=UTC)
    assert tell(datetime(2026, 11, 26, 17, tzinfo=UTC)) == [digest.boat_slot, digest.second_boat_slot]
    assert entry_of(digest.second_boat_slot).told["pupils"] == 14
    assert entry_of(digest.boat_slot).told["bookings"] == {}
    assert messages(*NOTICES) == []


def test_who_moves_is_in_both_slots_entries_where_each_booking_is_told_of(app: Flask, world: World) -> None:
    boat = book(world.boat_slot, a_class(20, 4))
    in_transaction(lambda: move_booking(boat, world.second_boat_slot))
    assert tell() == [world.boat_slot], "the other one went with the notice"
    entries = [found for _, found in deliver(app) if found]
    assert [(summary(found)[:10], int(found["SEQUENCE"])) for found in entries] == [
        ("20 élèves ", 0), ("20 élèves ", 0), ("0 personne", 0),
    ]  # fmt: skip
    assert str(entries[0]["UID"]) == str(entries[2]["UID"]) != str(entries[1]["UID"])


def test_a_request_the_host_never_answered_is_taken_back_with_a_notice_and_no_entry(app: Flask, digest: World) -> None:
    db.session.execute(update(Event).values(host_approval=True))
    db.session.commit()
    reference = book(digest.visit_slot, a_class(20, 2))
    in_transaction(lambda: cancel_booking(reference))
    found = messages(Kind.HOST_APPROVAL_ASKED, *NOTICES)
    assert [(message.kind, message.slot_id) for message in found] == [
        (Kind.HOST_APPROVAL_ASKED, None),
        (Kind.HOST_BOOKING_CANCELLED, None),
    ]
    assert [carried for _, carried in deliver(app)] == [None, None]


def test_mails_of_one_entry_leave_in_order_and_a_dead_one_blocks_nobody(app: Flask, world: World) -> None:
    first = book(world.visit_slot, a_class(20, 2))
    book(world.visit_slot, a_class(8, 1, label="b", email="b@college.example"), "b")
    [early, late] = messages(Kind.HOST_BOOKING_CONFIRMED)
    later = clock.now() + timedelta(minutes=9)
    early.next_attempt_at = later
    db.session.commit()
    assert deliver(app) == [], "another booking's notice, but the same entry"
    db.session.execute(update(Message).where(Message.id == early.id).values(delivery=Delivery.DEAD, next_attempt_at=later))
    db.session.commit()
    [(mail, found)] = deliver(app)
    assert found is not None
    assert (summary(found)[:9], mail["In-Reply-To"]) == ("28 élèves", None)
    assert late.id > early.id
    assert fetch.booking(first).places == 20


def test_two_at_once_make_one_entry_and_tell_it_once(app: Flask, digest: World) -> None:
    def at_once(*works: Any) -> list[Any]:
        barrier = Barrier(len(works))
        db.session.rollback()  # an open read would keep the others from writing

        def run(work: Any) -> Any:
            with app.app_context():
                barrier.wait()
                return in_transaction(work)

        with ThreadPoolExecutor(len(works)) as threads:
            return list(threads.map(run, works))

    def booking(n: int) -> Any:
        terms = Terms(key=f"r{n}", locale="fr", limiter=Limiter("s", "127.0.0.1", on=False), proven=True)
        return lambda: book_places(digest.boat_slot, a_person(n), terms).reference

    with clock.clock_at(SIX - timedelta(minutes=1)):
        at_once(*(booking(n) for n in range(4)))
    with clock.clock_at(SIX):
        assert sorted(at_once(*[lambda: tell_host(digest.boat_slot)] * 3)) == [False, False, True]
    assert (len(messages(Kind.HOST_SLOT)), entry_of(digest.boat_slot).told["persons"]) == (1, 4)
    friday = HostDay(digest.port, datetime(2026, 11, 27, tzinfo=UTC).date())
    with clock.clock_at(friday.told_at):
        assert sorted(at_once(*[lambda: tell_hosts_of_day(friday)] * 3)) == [False, False, True]
    assert len(messages(Kind.HOST_DAY)) == 1


def test_the_day_before_each_contact_reads_once_who_comes_with_numbers_and_needs(app: Flask, world: World) -> None:
    db.session.execute(update(Event).where(Event.id == world.debate).values(more_contacts="debat@port.example"))
    db.session.commit()
    book(world.visit_slot, a_class(20, 2, needs={"motor": 1}))
    book(world.visit_slot, a_class(8, 1, label="b", email="b@college.example", needs={"motor": 2, "visual": 1}), "b")
    book(world.debate_slot, a_person(1))
    deliver(app)
    post = Post()
    worker = Worker(app, post)
    for at in (EVE - timedelta(minutes=1), EVE, EVE - timedelta(hours=3), EVE + timedelta(hours=3)):
        with clock.clock_at(at):
            worker.empty()
            Worker(app, post).empty()
    to = [to for to, mail in post.sent if "chez vous" in str(mail["Subject"])]
    assert sorted(to) == ["accueil@port.example", "debat@port.example"]
    whole = next(mail for to, mail in post.sent if to == "accueil@port.example" and "chez vous" in str(mail["Subject"]))
    assert str(whole["Subject"]).replace("\u00a0", " ") == "Mardi 24 novembre, 28 élèves et 3 adultes, et 1 personne chez vous"
    text = body(whole, "plain").replace("\u00a0", " ")
    for said in (
        "14 h 30 – 16 h", "28 élèves et 3 adultes, 2 réservations confirmées", "Rendez-vous à 14 h 15 : Accueil, bâtiment A",
        "mobilité réduite : 3", "déficience visuelle : 1", f"/workspace/slots/{world.visit_slot}/day-sheet",
    ):  # fmt: skip
        assert said in text
    assert not _carries(whole)
    for name in ("Camille", "Collège", "prof@", "Personne 1"):
        assert name not in whole.as_string()
    own = next(mail for to, mail in post.sent if to == "debat@port.example" and "chez vous" in str(mail["Subject"]))
    assert "Visite des activités" not in body(own, "plain")


def test_no_digest_for_nobody_when_switched_off_too_late_or_booked_after_its_hour(app: Flask, world: World) -> None:
    def due(at: datetime) -> list[int]:
        db.session.rollback()
        with clock.clock_at(at):
            return [one.organisation_id for one in due_host_days()]

    assert due(EVE) == []
    reference = book(world.visit_slot, a_class(20, 2))
    begins = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
    assert (due(EVE), due(begins - timedelta(seconds=1)), due(begins)) == ([world.port], [world.port], [])
    tuesday = HostDay(world.port, begins.date())
    with clock.clock_at(begins):
        assert in_transaction(lambda: tell_hosts_of_day(tuesday)) is False
    db.session.execute(update(Edition).values(digests=False))
    db.session.commit()
    assert due(EVE) == []
    db.session.execute(update(Edition).values(digests=True))
    db.session.execute(update(Booking).values(confirmed_at=EVE + timedelta(minutes=1)))
    db.session.commit()
    assert due(EVE + timedelta(hours=1)) == [], "the slot's own mail tells of it"
    in_transaction(lambda: cancel_booking(reference))
    assert due(EVE) == []
    assert db.session.scalar(select(func.count()).select_from(Occasion)) == 0


def test_a_lost_notice_is_not_sent_again_after_a_later_one_of_the_same_entry(app: Flask, world: World) -> None:
    first = book(world.visit_slot, a_class(20, 2))
    post = Post()
    post.refused = {"accueil@port.example"}
    deliver(app, post)
    [lost] = messages(Kind.HOST_BOOKING_CONFIRMED)
    booking = fetch.booking(first)
    assert way_again(booking, lost, [lost], clock.now()) is Again.SAME_BYTES
    book(world.visit_slot, a_class(8, 1, label="b", email="b@college.example"), "b")
    assert way_again(fetch.booking(first), lost, [lost], clock.now()) is None, "a calendar would go back to 20"


def test_the_letter_of_the_day_before_that_the_server_kept_waiting_is_not_sent_once_the_first_are_there(
    app: Flask, world: World
) -> None:
    book(world.visit_slot, a_class(20, 2))
    deliver(app)
    with clock.clock_at(EVE):
        assert in_transaction(lambda: tell_hosts_of_day(due_host_days()[0])) is True
    begins = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
    [letter] = messages(Kind.HOST_DAY)
    assert (is_of_use(letter, begins - timedelta(seconds=1)), is_of_use(letter, begins)) == (True, False)


def test_a_host_chooses_how_to_hear_of_bookings_and_the_choice_is_kept_copied_and_in_the_history(
    app: Flask, world: World
) -> None:
    host = manager_of(app, world.port).client
    new = f"/workspace/organisations/{world.port}/events/new"
    wish(HostMails.DIGEST)
    assert typed(host.get(new))["host_mails"] == ["digest"]
    assert "Ce qui attend votre réponse arrive toujours aussitôt" in text(host.get(new))
    page = host.get(f"/workspace/events/{world.visit}/edit")
    sent = typed(page, host_mails="each", min_age="13", contact_email="accueil@port.example")
    assert host.post(f"/workspace/events/{world.visit}/edit", data=sent).status_code == 303
    assert the(world.visit).host_mails is HostMails.EACH
    history = text(host.get(f"/workspace/organisations/{world.port}/history"))
    assert "Être prévenu des réservations" in history
    assert "À chaque réservation" in history
    host.post(f"/workspace/events/{world.visit}/copies", data={"edition_id": str(world.edition)})
    assert newest().host_mails is HostMails.EACH
    refused = host.post(f"/workspace/events/{world.visit}/edit", data=sent | {"host_mails": "never"})
    assert refused.status_code == 422
