"""Mail that comes in: kept before the mailbox hears of it, decided about once, and what each kind of mail leads to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking import clock
from booking.config import Settings
from booking.db import db, in_transaction
from booking.mail import inbox, reading
from booking.mail.inbox import BEGINNING, Arrival, Undecided, decide_all, decide_next, read_inbox, take_in
from booking.mailboxes import Maildir
from booking.models import Arrived, Booking, Decision, HistoryEntry, HostEntry, Inbound, Kind, Message, Status
from booking.queries.doctor import attention
from tests.imap import deliver, maildir
from tests.incoming import OUR_SERVER, US, bounce, letter, reply
from tests.replies import CLIENTS, SAMPLES, sample
from tests.replies import reply as genuine
from tests.test_booking import book, taken
from tests.test_waiting_list import state, wait
from tests.world import World, a_class


@pytest.fixture
def own(app: Flask) -> Settings:
    """Settings that believe our own server."""
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], inbox_authserv_id=OUR_SERVER)
    settings: Settings = app.config["SETTINGS"]
    return settings


class Pile:
    """A mailbox that hands over what it is given, and remembers what was said to be done."""

    def __init__(self, *mails: bytes) -> None:
        self.mails = [Arrival(raw, len(raw), number) for number, raw in enumerate(mails)]

    def new(self) -> Iterator[Arrival]:
        yield from list(self.mails)

    def done(self, arrival: Arrival) -> None:
        assert db.session.scalar(select(func.count()).where(Inbound.size == arrival.size)), "not kept yet"
        self.mails.remove(arrival)


def came(settings: Settings, *mails: bytes) -> list[Inbound]:
    """Let mails come in and be decided about, one after the other; their rows."""
    before = db.session.scalar(select(func.max(Inbound.id))) or 0
    for mail in mails:
        read_inbox(settings, Pile(mail))
    return list(db.session.scalars(select(Inbound).where(Inbound.id > before).order_by(Inbound.id)))


def decisions(settings: Settings, *mails: bytes) -> list[Decision | None]:
    return [mail.decision for mail in came(settings, *mails)]


def confirmed(world: World, **more: str) -> Booking:
    return book(world.visit_slot, a_class(**more), f"k{more}", proven=True)


def sent(booking: Booking, kind: Kind = Kind.BOOKING_CONFIRMED) -> Message:
    """The mail of one kind about a booking, as if it had been sent."""
    message = db.session.scalars(select(Message).where(Message.booking_id == booking.id, Message.kind == kind)).one()
    message.message_id = f"<{message.id}abc@coulisses.example>"
    db.session.commit()
    return message


def kinds_queued() -> Counter[Kind]:
    db.session.commit()
    return Counter(db.session.scalars(select(Message.kind)))


def test_a_no_frees_the_places_once_however_often_and_wherever_it_arrives(world: World, own: Settings, tmp_path: Path) -> None:
    booking = confirmed(world)
    waiting = wait(world.visit_slot, a_class(20, label="4e A", email="autre@college.example"))
    raw = reply(booking)
    boxes = [maildir(tmp_path / name) for name in ("first", "second")]
    for box in boxes:
        deliver(box, raw, "1.a")
        deliver(box, raw.replace(b"\n", b"\r\n"), "2.a")
    deliver(
        boxes[1],
        reply(booking, top="Received: from elsewhere by mx2.coulisses.example; Mon, 16 Nov 2026 09:00:00 +0000\n"),
        "3.b",
    )
    counts = [read_inbox(own, Maildir(box)) for box in (*boxes, *boxes)]
    assert counts == [{"taken": 1, Decision.PLACES_FREED: 1}, {"taken": 1, Decision.OVERTAKEN: 1}, {}, {}]
    assert [sorted(path.name for path in (box / "cur").iterdir()) for box in boxes] == [
        ["1.a:2,S", "2.a:2,S"],
        ["1.a:2,S", "2.a:2,S", "3.b:2,S"],
    ]
    assert state(booking.reference)[0] is Status.CANCELLED
    assert state(waiting) == (Status.HELD, 20)
    assert taken(world.visit_slot) == [20]
    queued = kinds_queued()
    assert (queued[Kind.BOOKING_DECLINED], queued[Kind.PLACES_OFFERED], queued[Kind.HOST_BOOKING_CANCELLED]) == (1, 1, 1)
    first, again = db.session.scalars(select(Inbound).order_by(Inbound.id))
    assert first.details == {"method": "reply", "answer": "declined", "sequence": 0, "believed": True}
    assert {(mail.booking_id, mail.organisation_id, mail.arrived) for mail in (first, again)} == {
        (booking.id, world.port, Arrived.REPLY)
    }
    assert (first.sender, first.subject, first.attempts, bytes(first.raw or b"")) == (booking.email, "Declined: Visite", 1, raw)


def test_the_answers_of_every_client_free_note_and_book_again_once(world: World, own: Settings) -> None:
    bookings = {
        client: book(world.visit_slot, a_class(5, 1, label=client, email=f"{client}@college.example"), client, proven=True)
        for client in CLIENTS
    }
    assert taken(world.visit_slot) == [30]
    for minute, (answer, decision) in enumerate(
        (("TENTATIVE", Decision.NOTED), ("DECLINED", Decision.PLACES_FREED), ("ACCEPTED", Decision.BOOKED_AGAIN))
    ):
        at = clock.now() + timedelta(minutes=minute)
        for client, booking in bookings.items():
            raw = genuine(client, answer, uid=booking.uid, attendee=booking.email, stamp=at, sequence=booking.sequence)
            elsewhere = b"Received: from a by mx2.coulisses.example; Mon, 16 Nov 2026 09:00:00 +0000\r\n" + raw
            assert decisions(own, raw, raw, elsewhere) == [decision, Decision.OVERTAKEN], (client, answer)
        assert taken(world.visit_slot) == [0 if answer == "DECLINED" else 30]
        db.session.expire_all()
    queued = kinds_queued()
    assert (queued[Kind.BOOKING_DECLINED], queued[Kind.HOST_BOOKING_CANCELLED], queued[Kind.BOOKING_CANCELLED]) == (6, 6, 0)
    assert {booking.status for booking in bookings.values()} == {Status.CONFIRMED}


def test_what_is_no_answer_frees_nothing_and_finds_its_end(world: World, own: Settings) -> None:
    booking = confirmed(world)
    number = str(sent(booking).message_id)
    rows = {
        name: came(own, sample(name, recipient=booking.email, original_id=number, tag=booking.reference))[0] for name in SAMPLES
    }
    ends = {name: row.decision for name, row in rows.items() if row.decision is not Decision.NOTHING}
    assert ends == {
        "bounce_qmail": Decision.ADDRESS_FLAGGED,
        "dsn_exchange": Decision.ADDRESS_FLAGGED,
        "dsn_gmail": Decision.ADDRESS_FLAGGED,
        "dsn_postfix": Decision.ADDRESS_FLAGGED,
        "dsn_postfix_delayed": Decision.DELAYED,
        "human": Decision.PASSED_ON,
        "human_html": Decision.PASSED_ON,
        "spam_request": Decision.PASSED_ON,
    }
    about_nothing = {name for name, row in rows.items() if row.booking_id is None}
    assert about_nothing == {"away_exchange_old", "receipt", "spam_request"}  # which name neither a mail nor a booking of ours
    assert (state(booking.reference)[0], taken(world.visit_slot)) == (Status.CONFIRMED, [31])


def test_every_answer_finds_its_end_and_what_is_not_vouched_for_asks(world: World, own: Settings) -> None:
    booking = confirmed(world)
    at = clock.now()
    entry = db.session.get(HostEntry, world.visit_slot) or HostEntry(slot_id=world.visit_slot)
    db.session.add(entry)
    db.session.commit()
    later = iter(at + timedelta(minutes=n) for n in range(1, 20))
    assert decisions(
        own,
        reply(booking, "ACCEPTED", stamp=next(later)),
        reply(booking, "TENTATIVE", stamp=next(later)),
        reply(booking, "DELEGATED", stamp=next(later)),
        reply(booking, "TENTATIVE", method="COUNTER", stamp=next(later)),
        reply(booking, uid="nobody-s", stamp=next(later)),
        reply(booking, attendee="autre@college.example", stamp=next(later)),
        reply(booking, "DECLINED", believed=False, stamp=next(later)),
        reply(booking, "DECLINED", uid=entry.uid, stamp=next(later)),
    ) == [
        Decision.NOTED,
        Decision.NOTED,
        Decision.NOT_POSSIBLE,
        Decision.NOT_POSSIBLE,
        Decision.UNKNOWN_UID,
        Decision.OTHER_ATTENDEE,
        Decision.ASKED,
        Decision.NOTHING,
    ]
    of_host = db.session.scalars(select(Inbound).order_by(Inbound.id.desc()).limit(1)).one()
    assert (of_host.details["host_entry"], of_host.organisation_id, of_host.booking_id) == (True, world.port, None)
    assert taken(world.visit_slot) == [31]
    unbelieving = replace(own, inbox_authserv_id=None)
    assert decisions(unbelieving, reply(booking, stamp=next(later))) == [Decision.ASKED]
    assert decisions(own, reply(booking, stamp=next(later))) == [Decision.PLACES_FREED]


def test_a_permanent_bounce_flags_the_address_once_and_only_that_of_the_mail_it_names(world: World, own: Settings) -> None:
    booking = confirmed(world)
    message = sent(booking)
    number = str(message.message_id)
    assert decisions(
        own,
        bounce("<forged@coulisses.example>", booking.email),
        bounce(number, "autre@college.example"),
        bounce(number, booking.email, status="4.2.2", action="delayed"),
    ) == [Decision.NOTHING, Decision.NOTHING, Decision.DELAYED]
    assert message.bounced_at is None
    flagged, again = came(own, bounce(number, booking.email.upper()), bounce(number, booking.email, status="5.1.10"))
    assert [mail.decision for mail in (flagged, again)] == [Decision.ADDRESS_FLAGGED] * 2
    assert (flagged.message_id, flagged.booking_id, flagged.organisation_id) == (message.id, booking.id, world.port)
    assert flagged.details == {"status": "5.1.1", "permanent": True}
    assert message.bounced_at == clock.now()
    assert message.last_error.startswith("5.1.1 ")
    assert "User unknown" in message.last_error
    assert "@" not in message.last_error
    lines = list(db.session.scalars(select(HistoryEntry).where(HistoryEntry.action == "mail_bounced")))
    assert [(line.booking_id, line.details) for line in lines] == [(booking.id, {"kind": "booking_confirmed", "status": "5.1.1"})]
    assert state(booking.reference)[0] is Status.CONFIRMED
    assert kinds_queued()[Kind.MAIL_RECEIVED] == 0


def test_a_bounce_that_names_nobody_is_believed_for_its_number_and_a_letter_has_no_history(world: World, own: Settings) -> None:
    booking = confirmed(world)
    message = sent(booking)
    about_nobody = Message(
        kind=Kind.SIGN_IN, recipient="a@port.example", locale="fr", facts={}, created_at=clock.now(), next_attempt_at=clock.now(),
        message_id="<letter@coulisses.example>",
    )  # fmt: skip
    db.session.add(about_nobody)
    db.session.commit()
    mails = came(own, bounce(str(message.message_id), None), bounce("<letter@coulisses.example>", "a@port.example"))
    assert [(mail.decision, mail.booking_id, mail.organisation_id) for mail in mails] == [
        (Decision.ADDRESS_FLAGGED, booking.id, world.port),
        (Decision.ADDRESS_FLAGGED, None, None),
    ]
    assert about_nobody.bounced_at
    assert db.session.scalar(select(func.count()).where(HistoryEntry.action == "mail_bounced")) == 1


def test_what_a_person_writes_reaches_the_host_of_the_visit_it_is_about_or_the_operator(world: World, own: Settings) -> None:
    booking = confirmed(world)
    number = sent(booking).message_id
    tagged = f"reservations+{booking.reference.lower()}@coulisses.example"
    mails = came(
        own,
        letter("gestion@college.example", top=f"In-Reply-To: {number}\n"),
        letter(booking.email, to=tagged),
        letter("autre@college.example", to=tagged),
        letter("quelqu-un@ailleurs.example"),
    )
    assert {(mail.arrived, mail.decision) for mail in mails} == {(Arrived.HUMAN, Decision.PASSED_ON)}
    assert [mail.booking_id for mail in mails] == [booking.id, booking.id, None, None]
    assert [mail.organisation_id for mail in mails] == [world.port, world.port, None, None]
    passed_on = list(db.session.scalars(select(Message).where(Message.kind == Kind.MAIL_RECEIVED).order_by(Message.id)))
    assert [message.recipient for message in passed_on] == ["accueil@port.example"] * 2 + [own.operator_email] * 2
    assert "venir plus tôt" in str(passed_on[0].facts)


def test_programs_garbage_and_our_own_words_lead_to_nothing(world: World, own: Settings) -> None:
    booking = confirmed(world)
    before = kinds_queued()
    away = letter(booking.email, to=f"reservations+{booking.reference}@coulisses.example", top="Auto-Submitted: auto-replied\n")
    ours = reply(booking).replace(f"<{booking.email}>".encode(), f"<{US}>".encode())
    tagged = letter(f"Coulisses <reservations+{booking.reference}@coulisses.example>")
    broken = [b"", b"\x00\xff\xfe" * 2000, reply(booking)[:500]]
    mails = came(own, away, ours, tagged, *broken)
    assert {mail.decision for mail in mails} <= {Decision.NOTHING, Decision.PASSED_ON}
    assert [(mail.arrived, mail.decision) for mail in mails[:3]] == [(Arrived.AUTOMATIC, Decision.NOTHING)] * 3
    assert [mail.booking_id for mail in mails[:3]] == [booking.id, None, None]
    assert all(mail.decided_at and mail.organisation_id is None for mail in mails[3:])
    assert state(booking.reference)[0] is Status.CONFIRMED
    assert kinds_queued() - before <= Counter({Kind.MAIL_RECEIVED: 3})


def test_of_what_is_too_large_the_beginning_is_kept_and_no_answer_believed(world: World, own: Settings) -> None:
    booking = confirmed(world)
    ballast = b"X-Ballast: " + b"x" * 900 + b"\n"
    answer, written = came(own, reply(booking) + ballast * 2400, letter(booking.email) + ballast * 2400)
    assert (answer.arrived, answer.decision) == (Arrived.UNREADABLE, Decision.NOTHING)
    assert (written.arrived, written.decision) == (Arrived.HUMAN, Decision.PASSED_ON)
    assert all(mail.size > 2_000_000 and len(mail.raw or b"") == BEGINNING for mail in (answer, written))
    assert taken(world.visit_slot) == [31]
    cut = in_transaction(lambda: take_in(reply(booking), clock.now(), 3_000_000))
    assert cut is not None
    assert decide_next(own) is Decision.NOTHING


def test_a_mail_that_stops_its_reader_is_given_time_then_laid_aside_and_can_be_brought_back(
    app: Flask, world: World, own: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, frozen: datetime
) -> None:
    booking, read, command = confirmed(world), inbox.read_mail, app.test_cli_runner()

    def troubled(raw: bytes) -> object:
        if b"stop" in raw:
            raise RecursionError
        return read(raw)

    at = [frozen]
    with monkeypatch.context() as patched, clock.clock_at(lambda: at[0]):
        patched.setattr(inbox, "read_mail", troubled)
        for raw in (letter("stop@college.example", "stop"), reply(booking)):
            in_transaction(lambda raw=raw: take_in(raw, clock.now()))  # type: ignore[misc]
        with pytest.raises(Undecided):
            decide_next(own)
        # A bug of an hour costs no mail: tried at once, then after 2 and 30 minutes and 6 hours, aside a day later.
        found, hour = [decide_all(own)], timedelta(hours=1)
        for wait_for in (timedelta(minutes=1), timedelta(minutes=1), hour / 2, 6 * hour, 23 * hour, hour):
            at[0] += wait_for
            found += [decide_all(own), decide_all(own)]
        assert found == [{Decision.PLACES_FREED: 1}, *[{}] * 10, {Decision.NOTHING: 1}, {}]
    aside = db.session.scalars(select(Inbound).order_by(Inbound.id).limit(1)).one()
    assert (aside.arrived, aside.decision, aside.attempts, aside.is_laid_aside) == (Arrived.UNREADABLE, Decision.NOTHING, 5, True)
    assert "college.example" not in caplog.text
    assert [note for note in attention() if f"received mail {aside.id} was laid aside" in note]
    assert "laid aside" in command.invoke(args=["inbox", "show"]).output
    wrong = command.invoke(args=["inbox", "again", str(aside.id + 1)])
    assert (wrong.exit_code, wrong.output.count(str(aside.id + 1))) == (1, 1)
    assert command.invoke(args=["inbox", "again"]).output.endswith("1 brought back; 1 passed on.\n")
    db.session.expire_all()
    assert (aside.decision, aside.details, aside.attempts) == (Decision.PASSED_ON, {}, 1)
    assert not [note for note in attention() if "laid aside" in note]


def test_what_could_not_be_read_is_read_again_by_a_reader_that_was_mended_and_nothing_else_is(
    app: Flask, world: World, own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = confirmed(world)
    with monkeypatch.context() as patched:
        patched.setattr(reading, "leaves", lambda *_: 1 / 0)
        [unread] = came(own, reply(booking))
    assert (unread.arrived, unread.decision, taken(world.visit_slot)) == (Arrived.UNREADABLE, Decision.NOTHING, [31])
    command, again = app.test_cli_runner(), ["inbox", "again", str(unread.id)]
    assert command.invoke(args=["inbox", "again"]).output.endswith("0 brought back; nothing decided.\n")
    assert command.invoke(args=again).output.endswith("1 brought back; 1 places freed.\n")
    assert command.invoke(args=again).exit_code == 1, "what did something is decided once"


def test_an_address_that_only_folds_into_another_is_somebody_else_s(world: World, own: Settings) -> None:
    booking = confirmed(world, email="weiss@college.example")
    raw = reply(booking).decode().replace("weiss@", "weiß@").encode()
    assert decisions(own, raw) == [Decision.OTHER_ATTENDEE]


def test_a_pause_that_a_clock_gone_back_made_endless_is_none(world: World, own: Settings) -> None:
    number = in_transaction(lambda: take_in(reply(confirmed(world)), clock.now()))
    db.session.get_one(Inbound, number).next_attempt_at = clock.now() + timedelta(days=2)
    db.session.commit()
    assert decide_all(own) == {Decision.PLACES_FREED: 1}


def test_effect_and_decision_are_there_together_or_not_at_all(
    world: World, own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking, deciding = confirmed(world), inbox.decide
    before = kinds_queued()

    def half(*args: object) -> None:
        deciding(*args)  # type: ignore[arg-type]
        raise RuntimeError("bug")

    with monkeypatch.context() as patched:
        patched.setattr(inbox, "decide", half)
        assert decisions(own, reply(booking)) == [None]
        assert (taken(world.visit_slot), kinds_queued()) == ([31], before)
    assert decide_all(own) == {Decision.PLACES_FREED: 1}
    assert taken(world.visit_slot) == [0]
