"""Approvals: the school's head and the host say yes or no, places are held meanwhile, and everybody hears what they must."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking import clock
from booking.actions.approve_booking import approve_booking
from booking.actions.book_places import Terms, book_places
from booking.actions.confirm_booking import confirm_booking
from booking.actions.limits import Limiter
from booking.actions.refuse_booking import refuse_booking
from booking.db import db, in_transaction
from booking.errors import WrongState
from booking.models import HEAD, Actor, Booking, Event, HeldFor, HistoryEntry, Kind, Message, OrganisationKind, Party, Status, Who
from booking.queries import doctor, fetch
from tests.conftest import NOW
from tests.workspaces import an_organisation
from tests.world import World, a_class

UNLIMITED = Limiter(secret="s", network="127.0.0.1", on=False)
HOST = Who(Actor.HOST)
UAI = "0921234S"
MAILBOX = "direction@college-du-port.example"


def party(label: str, pupils: int = 20, **more: Any) -> Party:
    return a_class(pupils, 2, label=label, email=f"{label}@college.example", school_uai=UAI, **more)


def book(slot_id: int, who: Party, **more: Any) -> str:
    terms = Terms(**({"key": who.label, "locale": "fr", "limiter": UNLIMITED, "proven": True} | more))
    return in_transaction(lambda: book_places(slot_id, who, terms)).reference


def asks(world: World, *, host: bool = False, head: bool = False) -> None:
    event = db.session.get_one(Event, world.visit)
    event.host_approval, event.head_approval = host, head
    an_organisation("college", OrganisationKind.SCHOOL, uai=UAI, email=MAILBOX)
    db.session.commit()


def found(reference: str) -> Booking:
    db.session.rollback()
    return fetch.booking(reference)


def mails(reference: str) -> list[tuple[Kind, str]]:
    one = found(reference)
    rows = db.session.execute(select(Message.kind, Message.recipient).where(Message.booking_id == one.id).order_by(Message.id))
    return [(kind, recipient) for kind, recipient in rows]


def kinds(reference: str) -> list[Kind]:
    return [kind for kind, _recipient in mails(reference)]


def actions(reference: str) -> list[tuple[str, Actor]]:
    lines = select(HistoryEntry.action, HistoryEntry.actor).where(HistoryEntry.booking_id == found(reference).id)
    return [(action, actor) for action, actor in db.session.execute(lines.order_by(HistoryEntry.id))]


def taken(slot_id: int) -> int:
    db.session.rollback()
    return fetch.slot(slot_id).taken


@pytest.fixture(autouse=True)
def _all_rules_hold(request: pytest.FixtureRequest) -> Iterator[None]:
    with_app = "world" in request.fixturenames
    if with_app:
        request.getfixturevalue("world")  # so that the application outlives this question
    yield
    if with_app:
        db.session.rollback()
        assert [finding for finding in doctor.examine() if finding.broken] == []


def test_a_request_goes_from_address_to_head_to_host_and_each_has_its_time(world: World) -> None:
    asks(world, host=True, head=True)
    reference = book(world.visit_slot, party("3A"), proven=False)
    in_transaction(lambda: confirm_booking(reference))
    one = found(reference)
    assert (one.held_for, one.expires_at) == (HeldFor.HEAD, NOW + timedelta(days=7))
    with clock.clock_at(NOW + timedelta(hours=5)):
        for _ in range(2):
            in_transaction(lambda: approve_booking(reference, HEAD))
        one = found(reference)
        assert (one.held_for, one.expires_at) == (HeldFor.HOST, NOW + timedelta(hours=5 + 72))
        assert one.head_approved_at == NOW + timedelta(hours=5)
    with clock.clock_at(NOW + timedelta(hours=9)):
        for _ in range(2):
            in_transaction(lambda: approve_booking(reference, HOST))
        with pytest.raises(WrongState):
            in_transaction(lambda: refuse_booking(reference, HOST, "Trop tard."))
    assert found(reference).status is Status.CONFIRMED
    booker = "3A@college.example"
    assert mails(reference) == [
        (Kind.BOOKING_TO_PROVE, booker),
        (Kind.HEAD_ASKED, MAILBOX),
        (Kind.BOOKING_PENDING, booker),
        (Kind.HOST_APPROVAL_ASKED, "accueil@port.example"),
        (Kind.BOOKING_PENDING, booker),
        (Kind.BOOKING_CONFIRMED, booker),
        (Kind.HOST_BOOKING_CONFIRMED, "accueil@port.example"),
    ]
    assert actions(reference) == [
        ("booked", Actor.BOOKER), ("confirmed", Actor.BOOKER), ("head_approved", Actor.HEAD), ("host_approved", Actor.HOST),
    ]  # fmt: skip
