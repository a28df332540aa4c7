"""Two readers at once, and readers killed anywhere: each mail has its effect, and has it once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from booking.db import db
from booking.models import Booking, Decision, Inbound, Kind, Message, Offer, Status
from tests.incoming import bounce, letter, reply
from tests.race import deeds, readers, site
from tests.race.clients import Ask, act, book
from tests.race.conftest import Prepare
from tests.race.crowd import PATIENCE, forks, run
from tests.race.test_kill import sqlite_url  # noqa: F401 - a fixture

pytestmark = pytest.mark.race


def confirmed(slot_id: int, label: str, places: int = 5) -> Booking:
    """A confirmed booking, whose invitation has a Message-ID."""
    reference = book(Ask(slot_id, places, label, f"key {label}"))
    act(("confirm", reference, 0))
    booking = db.session.scalars(select(Booking).where(Booking.reference == reference)).one()
    sent = select(Message).where(Message.booking_id == booking.id, Message.kind == Kind.BOOKING_CONFIRMED)
    db.session.scalars(sent).one().message_id = f"<{booking.id}@coulisses.example>"
    db.session.commit()
    return booking


def test_four_readers_of_one_mailbox_free_places_once_offer_them_once_and_write_once(
    prepare: Prepare, database_url: str, tmp_path: Path
) -> None:
    (slot_id,) = prepare({"visit": 20}, [["visit"]])
    bookings = [confirmed(slot_id, f"3e {n}") for n in range(4)]
    waiting = {deeds.wait(Ask(slot_id, 5, f"4e {n}", f"wait-{n}")) for n in range(4)}
    mails = {f"{n}.a": reply(booking) for n, booking in enumerate(bookings)}
    mails |= {f"{n}.b": b"Received: by mx2.coulisses.example\n" + raw for n, raw in enumerate(mails.values())}
    mails |= {f"9{n}.c": letter(f"prof-{n}@college.example") for n in range(2)}
    folder = readers.filled(tmp_path / "mail", mails)
    answers = run(readers.through_quick_readers, database_url, [str(folder)] * 4, processes=2)
    assert {answer.word for answer in answers} == {"done"}, answers
    db.session.commit()
    assert Counter(db.session.scalars(select(Inbound.decision))) == {
        Decision.PLACES_FREED: 4, Decision.OVERTAKEN: 4, Decision.PASSED_ON: 2
    }  # fmt: skip
    states = site.states()
    assert {states[booking.reference] for booking in bookings} == {Status.CANCELLED}
    assert {states[reference] for reference in waiting} == {Status.HELD}
    assert db.session.scalar(select(func.count()).select_from(Offer)) == 4
    queued = Counter(db.session.scalars(select(Message.kind)))
    assert (queued[Kind.BOOKING_DECLINED], queued[Kind.PLACES_OFFERED], queued[Kind.MAIL_RECEIVED]) == (4, 4, 2)
    assert [path.name for path in (folder / "new").iterdir()] == []
    assert site.found_by_the_doctor() == []


def written_for_one_mail(clients: object, prepare: Prepare, url: str, folder: Path) -> int:
    """How often what one person wrote was passed on by four readers who met it at once."""
    prepare({"visit": 30}, [["visit"]])
    readers.filled(folder, {"1.a": letter("prof@college.example")})
    answers = run(clients, url, [str(folder)] * 4, processes=2)  # type: ignore[arg-type]
    assert {answer.word for answer in answers} == {"done"}, answers
    db.session.commit()
    return db.session.scalar(select(func.count()).where(Message.kind == Kind.MAIL_RECEIVED)) or 0


def test_four_readers_decide_one_mail_once(prepare: Prepare, database_url: str, tmp_path: Path) -> None:
    assert written_for_one_mail(readers.through_readers, prepare, database_url, tmp_path / "mail") == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_and_several_times_where_nobody_looks_again(prepare: Prepare, database_url: str, tmp_path: Path) -> None:
    assert written_for_one_mail(readers.through_readers_without_a_look, prepare, database_url, tmp_path / "mail") > 1


def test_killed_anywhere_a_reader_neither_loses_nor_repeats_an_effect(sqlite_url: str) -> None:  # noqa: F811
    with site.opened(sqlite_url):
        (slot_id,) = site.build({"visit": 10}, [["visit"]])
        first, second = confirmed(slot_id, "3e A"), confirmed(slot_id, "3e B")
        deeds.wait(Ask(slot_id, 5, "4e A", "wait-A"))
        mails = {
            "1.a": reply(first),
            "2.a": letter("gestion@college.example", top=f"In-Reply-To: <{second.id}@coulisses.example>\n"),
            "3.a": bounce(f"<{second.id}@coulisses.example>", second.email),
        }
    ear, mouth = forks.Pipe(duplex=False)
    process = forks.Process(target=readers.sweep_reader, args=(sqlite_url, mails, mouth))
    process.start()
    mouth.close()
    assert ear.poll(PATIENCE), "the sweep did not end"
    points, faults = ear.recv()
    process.join()
    assert faults == []
    assert points > 25
