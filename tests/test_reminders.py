"""Reminders before a visit and thanks after it: to whom, when, once, and what they say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from booking import clock
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.cancel_slot import cancel_slot
from booking.actions.change_headcount import change_headcount
from booking.actions.join_waiting_list import join_waiting_list
from booking.actions.limits import Limiter
from booking.actions.move_slot import move_slot
from booking.actions.remind_bookers import Reminder, due_visits, moment_of, remind_booker
from booking.actions.split_booking import split_booking
from booking.actions.thank_bookers import due_thanks, moment_of_thanks, thank_booker
from booking.clock import at_paris
from booking.db import db, in_transaction
from booking.mail.delivery import TemporaryFailure
from booking.models import (
    Actor,
    Booking,
    Edition,
    Event,
    Feedback,
    HistoryEntry,
    Kind,
    Message,
    Occasion,
    Party,
    Slot,
    Status,
    Who,
)
from booking.queries import doctor, fetch
from booking.worker import Worker
from tests.conftest import NOW
from tests.history_guard import by_hand
from tests.mails import body, opened, written
from tests.world import World, a_class

UNLIMITED = Limiter(secret="s", network="127.0.0.1", on=False)
HOST = Who(Actor.HOST)
WEEK, SOON, THANKS = Kind.VISIT_IN_A_WEEK, Kind.VISIT_SOON, Kind.VISIT_THANKS
REMINDERS = {WEEK, SOON, THANKS}
IN_A_WEEK = at_paris(date(2026, 11, 17), 9)
SOON_AT = at_paris(date(2026, 11, 22), 9)
"""The moments of the visit of Tuesday 24 November, which begins at 14:30 and wants people at 14:15."""
THANKED_AT = at_paris(date(2026, 11, 25), 10)
A_MOMENT = timedelta(seconds=1)


def book(slot_id: int, party: Party | None = None, **more: Any) -> str:
    who = party or a_class(10, 2)
    terms = Terms(**({"key": f"{slot_id}-{who.email}", "locale": "fr", "limiter": UNLIMITED, "proven": True} | more))
    return in_transaction(lambda: book_places(slot_id, who, terms)).reference


def look(at: datetime) -> list[Kind]:
    """What the worker's look at the clock queues, done as often as it finds something."""
    with clock.clock_at(at):
        before = len(told())
        while sum([*(in_transaction(lambda due=due: remind_booker(due)) for due in due_visits()),  # type: ignore[misc]
                   *(in_transaction(lambda due=due: thank_booker(due)) for due in due_thanks())]):  # type: ignore[misc]  # fmt: skip
            pass
        return told()[before:]


def told() -> list[Kind]:
    db.session.rollback()
    return list(db.session.scalars(select(Message.kind).where(Message.kind.in_(REMINDERS)).order_by(Message.id)))


def messages() -> list[Message]:
    db.session.rollback()
    return list(db.session.scalars(select(Message).where(Message.kind.in_(REMINDERS)).order_by(Message.id)))


def occasions() -> dict[str, bool]:
    db.session.rollback()
    return {one.key: one.told for one in db.session.scalars(select(Occasion))}


def found(reference: str) -> Booking:
    db.session.rollback()
    return fetch.booking(reference)


def change(model: type[Any], number: int, **values: Any) -> None:
    def write() -> None:
        thing = db.session.get_one(model, number, populate_existing=True)
        for name, value in values.items():
            setattr(thing, name, value)

    by_hand(write)


def to(slot_id: int, starts_at: datetime) -> None:
    """Let a slot begin at another time, as its host does."""
    local = clock.in_paris(starts_at)
    raw = {"day": local.date().isoformat(), "time": local.strftime("%H:%M"), "minutes": "90"}
    in_transaction(lambda: move_slot(slot_id, raw, "Marée", HOST))


def test_everybody_is_reminded_twice_and_thanked_once_each_at_its_moment(world: World) -> None:
    number = found(book(world.visit_slot)).id
    for moment, kind in ((IN_A_WEEK, WEEK), (SOON_AT, SOON), (THANKED_AT, THANKS)):
        assert look(moment - A_MOMENT) == []
        assert look(moment) == [kind]
        assert look(moment + timedelta(hours=5)) == []
    assert look(IN_A_WEEK) == [], "the clock went back"
    assert look(SOON_AT) == []
    assert look(THANKED_AT + timedelta(days=3)) == []
    assert occasions() == {
        f"visit_in_a_week:{number}:2026-11-24": True,
        f"visit_soon:{number}:2026-11-24": True,
        f"visit_thanks:{number}:2026-11-24": True,
    }
    assert {message.recipient for message in messages()} == {"prof@college.example"}


def test_a_clock_that_went_ahead_and_came_back_repeats_nothing(world: World) -> None:
    book(world.visit_slot)
    assert look(SOON_AT) == [SOON], "two days before: the week's reminder is passed over"
    assert look(IN_A_WEEK) == [], "and stays so when the clock goes back"
    assert look(SOON_AT) == []
    assert sorted(occasions().values()) == [False, True]


@pytest.mark.parametrize(
    ("at", "kinds"),
    [
        (SOON_AT - A_MOMENT, [WEEK]),
        (SOON_AT + timedelta(days=1), [SOON]),
        (datetime(2026, 11, 24, 10, 15, tzinfo=UTC) - A_MOMENT, [SOON]),
        (datetime(2026, 11, 24, 10, 15, tzinfo=UTC), []),
        (datetime(2026, 11, 24, 13, 15, tzinfo=UTC), []),
        (datetime(2026, 11, 24, 14, 0, tzinfo=UTC), []),
        (THANKED_AT, [THANKS]),
        (datetime(2026, 11, 30, 15, 0, tzinfo=UTC) - A_MOMENT, [THANKS]),
        (datetime(2026, 11, 30, 15, 0, tzinfo=UTC), []),
    ],
    ids=["week late", "soon late", "three hours", "nearer", "arriving", "under way", "after", "six days", "too late"],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_that_was_away_sends_what_is_of_use_still(world: World, at: datetime, kinds: list[Kind]) -> None:
    book(world.visit_slot)
    assert look(at) == kinds
    assert look(at) == []


def test_who_is_not_confirmed_is_told_nothing(world: World, app: Flask) -> None:
    book(world.visit_slot, a_class(11, 2), proven=False)
    gone = book(world.visit_slot, a_class(10, 2, email="b@college.example", label="4e B"))
    in_transaction(lambda: cancel_booking(gone))
    boat = book(world.boat_slot, a_class(30, 2, email="c@college.example", label="4e C"))
    terms = Terms(key="wait", locale="fr", limiter=UNLIMITED, proven=True)
    in_transaction(lambda: join_waiting_list(world.boat_slot, a_class(20, 2, email="d@college.example", label="4e D"), terms))
    refused = book(world.visit_slot, a_class(2, 1, email="e@college.example", label="4e E"))
    expired = book(world.visit_slot, a_class(2, 1, email="f@college.example", label="4e F"))
    declined = book(world.visit_slot, a_class(2, 1, email="g@college.example", label="4e G"))
    change(Booking, found(refused).id, status=Status.REFUSED)
    change(Booking, found(expired).id, status=Status.EXPIRED)
    change(Booking, found(declined).id, status=Status.CANCELLED, ended_by=Actor.CALENDAR)
    in_transaction(lambda: cancel_slot(world.boat_slot, "Crue", HOST))
    assert found(boat).status is Status.CANCELLED
    days = [NOW + timedelta(hours=6 * n) for n in range(4 * 20)]
    assert [kind for at in days for kind in look(at)] == []


def test_of_a_slot_or_event_that_is_cancelled_nobody_is_reminded(world: World) -> None:
    """Whatever state its bookings were left in."""
    book(world.visit_slot)
    change(Slot, world.visit_slot, cancelled_at=NOW)
    assert look(IN_A_WEEK) == []
    change(Slot, world.visit_slot, cancelled_at=None)
    due = in_transaction(
        lambda: [Reminder(WEEK, found_id, date(2026, 11, 24)) for found_id in db.session.scalars(select(Booking.id))]
    )
    change(Event, world.visit, cancelled_at=NOW)
    assert look(IN_A_WEEK) == []
    with clock.clock_at(IN_A_WEEK):
        assert not in_transaction(lambda: remind_booker(due[0])), "cancelled between the look and the mail"


def test_who_did_not_come_is_not_thanked_and_who_has_answered_is_not_asked(world: World) -> None:
    away, came, answered = (
        found(book(world.visit_slot, a_class(3, 1, email=f"{name}@college.example", label=name))).id for name in ("A", "B", "C")
    )
    change(Booking, away, status=Status.NO_SHOW)
    change(Booking, came, status=Status.ATTENDED)
    db.session.add(Feedback(booking_id=answered, rating=4, given_at=NOW))
    db.session.commit()
    assert look(THANKED_AT) == [THANKS]
    assert [message.booking_id for message in messages()] == [came]
    assert occasions() == {f"visit_thanks:{came}:2026-11-24": True, f"visit_thanks:{answered}:2026-11-24": False}


def test_who_books_after_the_moment_has_just_read_everything(world: World) -> None:
    with clock.clock_at(IN_A_WEEK - timedelta(minutes=1)):
        book(world.visit_slot, a_class(3, 1, email="before@college.example", label="A"))
    with clock.clock_at(IN_A_WEEK):
        book(world.visit_slot, a_class(3, 1, email="after@college.example", label="B"))
    assert look(IN_A_WEEK + timedelta(minutes=1)) == [WEEK]
    assert [message.recipient for message in messages()] == ["before@college.example"]
    assert look(SOON_AT) == [SOON, SOON], "but is reminded of the next one"


def test_a_visit_on_another_day_is_reminded_for_its_new_day_and_a_moved_hour_is_not(world: World) -> None:
    reference = book(world.visit_slot)
    assert look(IN_A_WEEK) == [WEEK]
    with clock.clock_at(IN_A_WEEK + timedelta(hours=1)):
        to(world.visit_slot, at_paris(date(2026, 11, 24), 9, 30))
    assert look(IN_A_WEEK + timedelta(hours=2)) == [], "the same day"
    with clock.clock_at(IN_A_WEEK + timedelta(hours=3)):
        to(world.visit_slot, at_paris(date(2026, 11, 26), 9, 30))
    assert look(at_paris(date(2026, 11, 19), 9) - A_MOMENT) == []
    assert look(at_paris(date(2026, 11, 19), 9)) == [WEEK]
    assert look(SOON_AT) == [], "nobody comes on the 24th any more"
    assert look(at_paris(date(2026, 11, 24), 9)) == [SOON]
    with clock.clock_at(at_paris(date(2026, 11, 24), 12)):
        to(world.visit_slot, at_paris(date(2026, 11, 25), 14))
    assert look(at_paris(date(2026, 11, 24), 13)) == [], "the move has just said everything"
    assert occasions()[f"visit_soon:{found(reference).id}:2026-11-25"] is False
    assert [message.facts["slot"]["starts_at"][:10] for message in messages()] == ["2026-11-24", "2026-11-26", "2026-11-26"]


def test_a_headcount_that_changes_takes_no_reminder_away(world: World) -> None:
    reference = book(world.visit_slot)
    with clock.clock_at(SOON_AT + timedelta(hours=1)):
        in_transaction(lambda: change_headcount(reference, "9", "2"))
    assert look(SOON_AT + timedelta(hours=2)) == [SOON]
    assert messages()[0].facts["booking"]["pupils"] == 9


@pytest.mark.parametrize(("name", "at"), [("reminds_week", IN_A_WEEK), ("reminds_soon", SOON_AT), ("thanks", THANKED_AT)])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_edition_switches_each_of_its_mails_off(world: World, name: str, at: datetime) -> None:
    book(world.visit_slot)
    change(Edition, world.edition, **{name: False})
    assert look(at) == []
    change(Edition, world.edition, **{name: True})
    assert look(at + timedelta(minutes=5)) == [], "passed over is passed over"
    assert set(occasions().values()) == {False}


def split(world: World, starts_at: datetime | None = None) -> tuple[Booking, Booking]:
    """A class of twelve, ten on the boat of Friday morning and two on that of the afternoon, or of another day."""
    if starts_at:
        change(Slot, world.second_boat_slot, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1),
               closes_at=starts_at - timedelta(hours=2))  # fmt: skip
    change(Slot, world.second_boat_slot, meeting_point="Quai n° 2", arrive_minutes_before=10)
    first = book(world.boat_slot, a_class(12, 3))
    second = in_transaction(lambda: split_booking(first, world.second_boat_slot, "2", "1")).reference
    return found(first), found(second)


def test_two_halves_on_one_day_share_one_mail_that_names_both(world: World) -> None:
    first, second = split(world)
    assert look(at_paris(date(2026, 11, 20), 9)) == [WEEK]
    assert look(at_paris(date(2026, 11, 25), 9)) == [SOON]
    assert look(at_paris(date(2026, 11, 28), 10)) == [THANKS]
    assert {message.booking_id for message in messages()} == {first.id}
    assert len(occasions()) == 6, "three for each half"
    facts = messages()[1].facts
    text = body(opened(written(SOON, slot=facts["slot"], booking=facts["booking"], other_half=facts["other_half"])), "plain")
    said = text.replace("\u00a0", " ")
    assert "L’autre moitié de la classe : vendredi 27 novembre, 14 h – 15 h, 2 élèves et 1 adulte." in said
    assert "Pour cette moitié, soyez là à 13 h 50, Quai n° 2." in said
    assert "Vous avez annoncé 12 élèves et 3 adultes." in said
    assert second.status is Status.CONFIRMED


def test_two_halves_on_two_days_have_a_mail_each(world: World) -> None:
    first, second = split(world, datetime(2026, 11, 26, 13, 0, tzinfo=UTC))
    assert look(at_paris(date(2026, 11, 19), 9)) == [WEEK]
    assert look(at_paris(date(2026, 11, 20), 9)) == [WEEK]
    assert [message.booking_id for message in messages()] == [second.id, first.id]
    assert not any("other_half" in message.facts for message in messages())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_days_are_counted_in_paris_whatever_its_clocks_do(world: World) -> None:
    """The 29 March and 25 October have 23 and 25 hours; a visit at half past midnight is on the new day; one may go over midnight."""
    assert moment_of(SOON, date(2026, 3, 31)) == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)
    assert moment_of(SOON, date(2026, 3, 30)) == datetime(2026, 3, 28, 8, 0, tzinfo=UTC)
    assert moment_of(WEEK, date(2026, 4, 2)) == datetime(2026, 3, 26, 8, 0, tzinfo=UTC)
    assert moment_of(SOON, date(2026, 10, 26)) == datetime(2026, 10, 24, 7, 0, tzinfo=UTC)
    assert moment_of(SOON, date(2026, 10, 27)) == datetime(2026, 10, 25, 8, 0, tzinfo=UTC)
    assert moment_of_thanks(date(2026, 10, 24)) == datetime(2026, 10, 25, 9, 0, tzinfo=UTC)
    number = found(book(world.visit_slot)).id
    change(Edition, world.edition, reminds_week=False)
    for starts_at, minutes, soon, thanks in (
        (at_paris(date(2027, 3, 30), 0, 30), 60, (28, 7), (31, 8)),
        (at_paris(date(2027, 3, 29), 23, 30), 90, (27, 8), (31, 8)),
    ):
        db.session.execute(delete(Occasion))
        db.session.execute(delete(Message))
        db.session.commit()
        ends_at = starts_at + timedelta(minutes=minutes)
        change(Slot, world.visit_slot, starts_at=starts_at, ends_at=ends_at, arrive_minutes_before=0)
        for kind, (day, hour) in ((SOON, soon), (THANKS, thanks)):
            moment = datetime(2027, 3, day, hour, 0, tzinfo=UTC)
            assert look(moment - A_MOMENT) == []
            assert look(moment) == [kind], (starts_at, kind)
        assert f"visit_soon:{number}:{clock.paris_day(starts_at)}" in occasions()


def test_two_workers_at_once_send_one_mail(app: Flask, world: World) -> None:
    references = [book(world.visit_slot, a_class(2, 1, email=f"{n}@college.example", label=f"{n}")) for n in range(5)]
    db.session.remove()
    start, troubles = threading.Barrier(2), list[Exception]()

    def work(of: Callable[[], list[Reminder]]) -> None:
        with app.app_context():
            try:
                due = of()
                db.session.commit()
                start.wait(10)
                for one in due:
                    in_transaction(lambda one=one: remind_booker(one))  # type: ignore[misc]
            except Exception as trouble:  # noqa: BLE001 - every trouble is shown
                troubles.append(trouble)
            finally:
                db.session.remove()

    with clock.clock_at(SOON_AT):
        threads = [threading.Thread(target=work, args=(due_visits,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert troubles == []
    assert told() == [SOON] * len(references)


class Away:
    """A mail server that takes nothing until it is back."""

    def __init__(self) -> None:
        self.away = True
        self.taken: list[bytes] = []

    def send(self, envelope_from: str, recipient: str, content: bytes) -> None:
        if self.away:
            raise TemporaryFailure("later")
        self.taken.append(content)


def test_the_worker_reminds_and_what_waited_too_long_for_the_mail_server_is_not_sent(app: Flask, world: World) -> None:
    kept, gone, moved = (
        book(slot, a_class(3, 1, email=f"{name}@college.example", label=name))
        for name, slot in (("kept", world.visit_slot), ("gone", world.visit_slot), ("moved", world.boat_slot))
    )
    server = Away()
    server.away = False
    worker = Worker(app, server)
    worker.empty()
    server.away, server.taken = True, []
    for at in (SOON_AT, at_paris(date(2026, 11, 25), 9)):
        with clock.clock_at(at):
            worker.empty()
        if at == SOON_AT:
            assert told() == [SOON, SOON, WEEK]
            with clock.clock_at(at + timedelta(hours=2)):
                in_transaction(lambda: cancel_booking(gone))
                to(world.boat_slot, at_paris(date(2026, 11, 28), 9))
            with clock.clock_at(at + timedelta(hours=5)):
                server.away = False
                worker.empty()
    subjects = [str(opened(content)["Subject"]).replace("\u00a0", " ") for content in server.taken if b"feedback" not in content]
    assert any(one.startswith("Rappel : Visite des activités portuaires") for one in subjects)
    assert len([one for one in subjects if one.startswith(("Rappel", "Bientôt"))]) == 1, "one is cancelled, the other moved"
    assert found(kept).status is Status.CONFIRMED
    assert found(moved).slot.starts_at == at_paris(date(2026, 11, 28), 9)


def test_a_reminder_held_back_until_the_visit_begins_is_dropped(app: Flask, world: World) -> None:
    book(world.visit_slot)
    server = Away()
    worker = Worker(app, server)
    with clock.clock_at(SOON_AT + timedelta(hours=1)):
        worker.empty()
    assert told() == [SOON]
    server.away = False
    with clock.clock_at(datetime(2026, 11, 24, 11, 0, tzinfo=UTC)):
        worker.empty()
    assert told() == []
    assert not any(b"Rappel" in content for content in server.taken)
    assert [one.told for one in db.session.scalars(select(Occasion).where(Occasion.key.startswith(SOON)))] == [False]
    assert [finding for finding in doctor.examine() if finding.broken] == []


def test_the_worker_looks_once_a_minute_and_goes_on_while_there_are_any(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[datetime] = []
    monkeypatch.setattr("booking.worker.due_visits", lambda: looks.append(clock.now()) or due_visits(1))
    for n in range(2):
        book(world.visit_slot, a_class(2, 1, email=f"{n}@college.example", label=f"{n}"))
    worker = Worker(app, Away())
    for seconds in (0, 1, 2, 30, 61, 65):
        with clock.clock_at(SOON_AT + timedelta(seconds=seconds)):
            worker._keep_deadlines()
    assert [(at - SOON_AT).seconds for at in looks] == [0, 1, 2, 65]
    assert told() == [SOON, SOON]


def test_what_a_reminder_asks_and_says(world: World) -> None:
    book(world.visit_slot)
    terms = Terms(key="wait", locale="fr", limiter=UNLIMITED, proven=True)
    in_transaction(lambda: join_waiting_list(world.visit_slot, a_class(25, 2, email="d@college.example", label="4e D"), terms))
    change(Event, world.visit, contact_phone="01 41 47 00 00", outdoors=True)
    assert look(SOON_AT) == [SOON]
    [message] = messages()
    assert message.facts["queue"] == 1
    assert message.facts["calendar"] is None
    assert message.facts["event"]["outdoors"] is True
    mail = opened(written(SOON, event={"contact_phone": "01 41 47 00 00"}, queue=1))
    said = body(mail, "plain").replace("\u00a0", " ")
    for words in (
        "Vous avez annoncé 31 élèves et 3 adultes. Est-ce toujours exact ?",
        "Rendez dès maintenant les places en trop.",
        "Sur la liste d’attente de ce créneau : 1 demande.",
        "Rendez-vous à 14 h 15 : Accueil, bâtiment A",
        "- Chaussures fermées obligatoires.",
        "- Pièce d’identité demandée à l’entrée.",
        "- Une partie de la visite est dehors, par tous les temps : prévoyez de quoi vous couvrir.",
        "RER C, puis bus 238",
        "Un imprévu le jour même ? Port de Gennevilliers : 01 41 47 00 00, accueil@port.example",
        "/bookings/7KQ4-M9TX?token=",
    ):
        assert words in said
    assert [part.get_content_type() for part in mail.walk() if "calendar" in part.get_content_type()] == []
    assert mail["List-Unsubscribe"] is None
    assert "liste d’attente" not in body(opened(written(WEEK, queue=0)), "plain")
    assert "Un imprévu" not in body(opened(written(WEEK)), "plain")
    alone = {"audience": "jobseeker", "pupils": 0, "adults": 0, "places": 1}
    assert "Vous venez toujours ?" in body(opened(written(WEEK, booking=alone)), "plain").replace("\u00a0", " ")


def test_thanks_ask_with_five_links_that_only_show(world: World) -> None:
    mail = opened(written(THANKS))
    for rating in range(1, 6):
        assert "/bookings/7KQ4-M9TX/feedback?token=" in body(mail, "plain")
        assert f"&rating={rating}\n" in body(mail, "plain")
        assert f'&amp;rating={rating}"' in body(mail, "html")
    assert "Comment était" in mail["Subject"]
    assert "mardi 1 décembre, 16 h" in body(mail, "plain").replace("\u00a0", " ").replace("1er", "1")


def test_reminders_write_nothing_of_the_booking(world: World) -> None:
    reference = book(world.visit_slot)
    before = found(reference).version
    lines = len(list(db.session.scalars(select(HistoryEntry.id))))
    assert look(IN_A_WEEK) == [WEEK]
    assert found(reference).version == before
    assert len(list(db.session.scalars(select(HistoryEntry.id)))) == lines
