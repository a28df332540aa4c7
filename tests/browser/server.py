"""A server for the browser tests, as a process of its own: `python -m tests.browser.server sqlite:////a/migrated/file`.

It loads the demo world, makes one booking in each state, says on standard output where everything is (one line of
JSON), and serves. A line on standard input asks for a round of the worker; the end of standard input ends it.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Engine, event, select
from werkzeug.serving import WSGIRequestHandler, make_server

from booking import clock
from booking.actions.approve_booking import approve_booking
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.give_feedback import give_feedback
from booking.actions.join_waiting_list import join_waiting_list
from booking.actions.limits import Limiter
from booking.actions.set_capacity import set_capacity
from booking.actions.split_booking import split_booking
from booking.app import create_app
from booking.db import db, in_transaction
from booking.demo import load_demo
from booking.links import CONFIRM, MANAGE, make_token
from booking.links import HEAD as HEAD_LINK
from booking.models import HEAD, Actor, Booking, Event, Kind, Message, Organisation, OrganisationKind, Party, Slot, Status, Who
from booking.queries import catalogue, fetch
from booking.transport import transport_for
from booking.worker import Worker
from tests.browser import workspaces
from tests.databases import settings_for

MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
"""The Monday before the demo's week, 10:00 in Paris: where the server's clock starts."""
_NO_LIMIT = Limiter(secret="", network="", on=False)


class _Quiet(WSGIRequestHandler):
    """Keeps connections open, as a server in earnest does, and says nothing of each request."""

    protocol_version = "HTTP/1.1"

    def log(self, *_words: Any) -> None:
        """Say nothing."""


def main(database_url: str) -> None:
    """Serve until standard input ends."""
    door = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{door.getsockname()[1]}"
    app = create_app(settings_for(database_url, BASE_URL=base, RATE_LIMITS="off"))
    event.listen(Engine, "connect", _never_wait_for_the_disk)
    started = time.monotonic()
    with clock.clock_at(lambda: MONDAY + timedelta(seconds=time.monotonic() - started)), app.app_context():
        pages = prepare(app)
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet, fd=door.fileno())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _say({"base": base, "pages": pages, "workspaces": workspaces.pages(), "seats": workspaces.seats()})
        for _ in sys.stdin:
            Worker(app, transport_for(app)).empty()
            _say("done")
        server.shutdown()


def _never_wait_for_the_disk(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug on a test


def prepare(app: Flask) -> dict[str, str]:
    """Load the demo world and one booking in each state. Returns the address of every page, by its name."""
    load_demo()
    current = catalogue.current_edition()
    assert current is not None
    visit, boat, game, printer = (
        _event(f"{current.key}-{name}") for name in ("activites-portuaires", "port-en-bateau", "jeu-video", "imprimerie")
    )
    for number, slot in enumerate(slot for slot in game.slots if slot.remaining):
        _book(slot.id, f"{game.levels[0]} {number}", slot.remaining, proven=True)
    pages = {
        "home": "/",
        "catalogue": "/events",
        "catalogue, filtered": "/events?places=31&level=3e",
        "catalogue, nothing found": "/events?q=girafe&places=400",
        "event, open": f"/events/{visit.id}",
        "event, for 31": f"/events/{visit.id}?places=31",
        "event, full": f"/events/{game.id}",
        "event, cancelled": f"/events/{printer.id}",
        "event, archive": f"/events/{_event('2011-activites-portuaires').id}",
        "edition 2011": "/editions/2011",
        "edition 2023": "/editions/2023",
        "form": f"/slots/{visit.slots[0].id}/bookings/new",
        "form, with adults counted": f"/slots/{boat.slots[0].id}/bookings/new?places=12",
        "form, alone": f"/slots/{boat.slots[0].id}/bookings/new?party=person",
        "form, full": f"/slots/{_full_slot(visit).id}/bookings/new",
        "not found": "/nowhere",
        "mailbox": "/mailbox",
        "mailbox, nothing found": "/mailbox?to=nobody",
        "accessibility": "/accessibility",
        "privacy": "/privacy",
        "legal": "/legal",
        "companies": "/companies",
        "waiting list, the rule": "/waiting-list",
        "waiting list, the form": f"/slots/{_full_slot(visit).id}/waiting/new?places=12",
    }
    pages |= _waiting(app, _full_slot(visit).id, visit.slots[0].id)
    pages |= _visited(app, _event(f"{current.key}-presse-plateforme").slots[0], visit.slots[1])
    return pages | _bookings(app, visit.slots[1].id, boat.slots[1].id, boat.slots[0].id) | _requests(app, boat.id)


def _visited(app: Flask, slot: Slot, to_come: Slot) -> dict[str, str]:
    """A visit that is over, too long for the thanks and not for the answers: some have said how it was, and one has not yet."""
    slot.starts_at, slot.ends_at = MONDAY - timedelta(days=6, hours=14), MONDAY - timedelta(days=6, hours=12)
    slot.closes_at = slot.headcount_until = slot.cancel_until = slot.starts_at
    db.session.commit()
    first, *others = db.session.scalars(select(Booking).where(Booking.slot_id == slot.id, Booking.status == Status.CONFIRMED))
    for number, one in enumerate(others):
        words = "Les grues, vues de si près !\nIl manquait un peu de temps au quai des matériaux." if number % 4 == 0 else ""
        in_transaction(lambda one=one, number=number, words=words: give_feedback(one.reference, 5 - number % 3, words))  # type: ignore[misc]
    early = _book(to_come.id, "4e Z", 1, proven=True)
    key = app.config["SETTINGS"].secret_key

    def address(booking: Booking, more: str = "") -> str:
        return f"/bookings/{booking.reference}/feedback?token={make_token(key, MANAGE, booking.link_nonce)}{more}"

    return {
        "feedback, asked": address(first, "&rating=4"),
        "feedback, given": address(others[0], "&note=given"),
        "feedback, too early": address(early),
    }


def _event(key: str) -> Event:
    return db.session.scalars(select(Event).where(Event.key == key)).one()


def _full_slot(of: Event) -> Slot:
    return next(slot for slot in of.slots if not slot.remaining)


def _bookings(app: Flask, visit_slot: int, boat_slot: int, other_boat_slot: int) -> dict[str, str]:
    """One booking in each state, its mails delivered, and the addresses where they can be seen and acted upon."""
    with clock.clock_at(MONDAY - timedelta(hours=3)):
        expired = _book(visit_slot, "4e A", 8)
    Worker(app, transport_for(app)).empty()
    held = _book(visit_slot, "4e B", 6, proven=False)
    confirmed = _book(boat_slot, "3e C", 10, proven=True)
    cancelled = _book(boat_slot, "3e D", 10, proven=True)
    in_transaction(lambda: cancel_booking(cancelled.reference, why="Sortie reportée au printemps."))
    split = _book(boat_slot, "3e H", 2, proven=True)
    in_transaction(lambda: split_booking(split.reference, other_boat_slot, 1, 1))
    Worker(app, transport_for(app)).empty()
    key = app.config["SETTINGS"].secret_key

    def address(booking: Booking, act: str = "", purpose: str = MANAGE) -> str:
        return f"/bookings/{booking.reference}{act}?token={make_token(key, purpose, booking.link_nonce)}"

    return {
        "booking, held": address(held),
        "booking, confirmed": address(confirmed),
        "booking, cancelled": address(cancelled),
        "booking, expired": address(expired),
        "confirm": address(held, "/confirmation", CONFIRM),
        "confirm, already": address(confirmed, "/confirmation", CONFIRM),
        "confirm, too late": address(expired, "/confirmation", CONFIRM),
        "cancel": address(confirmed, "/cancellation"),
        "cancel, nothing left": address(cancelled, "/cancellation"),
        "booking, in two halves": address(split),
        "cancel, one half or both": address(split, "/cancellation"),
        "move": address(confirmed, "/slot"),
        "split": address(confirmed, "/split"),
        "mailbox, an invitation": f"/mailbox/{_invitation_of(confirmed)}",
        "mailbox, answered": f"/mailbox/{_invitation_of(confirmed)}/answered?answer=declined",
    }


def _invitation_of(booking: Booking) -> int:
    of_booking = Message.booking_id == booking.id, Message.kind == Kind.BOOKING_CONFIRMED
    return db.session.scalars(select(Message.id).where(*of_booking)).one()


def _waiting(app: Flask, full_slot: int, other_slot: int) -> dict[str, str]:
    """One party that waits, one that has not confirmed its address, and one that is offered a part."""
    large, part, late = (
        in_transaction(lambda given=given: join_waiting_list(full_slot, *given))  # type: ignore[misc]
        for given in (
            (*_asked("4e W", 25, proven=True), 20, (other_slot,) if fetch.slot(other_slot).remaining < 25 else ()),
            (*_asked("3e W", 9, proven=True), 3),
            (*_asked("4e X", 7, proven=False),),
        )
    )
    more = str(fetch.slot(full_slot).capacity + 4)
    in_transaction(lambda: set_capacity(full_slot, {"capacity": more}, Who(Actor.HOST)))
    key = app.config["SETTINGS"].secret_key

    def address(booking: Booking, act: str = "", purpose: str = MANAGE) -> str:
        return f"/bookings/{booking.reference}{act}?token={make_token(key, purpose, booking.link_nonce)}"

    return {
        "booking, waiting": address(large),
        "booking, waiting, changed": address(large, "/waiting"),
        "booking, leaving the list": address(large, "/cancellation"),
        "booking, offered a part": address(part),
        "booking, waiting, unproven": address(late),
        "confirm, waiting": address(late, "/confirmation", CONFIRM),
    }


def _requests(app: Flask, event_id: int) -> dict[str, str]:
    """A request the school's head has to approve, and one the host has to; both stay open."""
    boat = db.session.get_one(Event, event_id)
    college = Organisation(
        key="college-moquet",
        kind=OrganisationKind.SCHOOL,
        name="Collège Guy-Môquet",
        uai="0921234S",
        email="tete@college.example",
    )
    db.session.add(college)
    boat.host_approval = boat.head_approval = True
    db.session.commit()
    for_head, for_host = (_book(boat.slots[2].id, label, 1, proven=True) for label in ("4e F", "4e G"))
    in_transaction(lambda: approve_booking(for_host.reference, HEAD))
    boat.host_approval = boat.head_approval = False
    db.session.commit()
    Worker(app, transport_for(app)).empty()
    key = app.config["SETTINGS"].secret_key
    head = make_token(key, HEAD_LINK, for_head.link_nonce)
    answered = make_token(key, HEAD_LINK, for_host.link_nonce)
    return {
        "booking, held for the head": f"/bookings/{for_head.reference}?token={make_token(key, MANAGE, for_head.link_nonce)}",
        "head's approval": f"/bookings/{for_head.reference}/head-approval?token={head}",
        "head's approval, given": f"/bookings/{for_host.reference}/head-approval?token={answered}",
    }


def _book(slot_id: int, label: str, pupils: int, *, proven: bool = False) -> Booking:
    party, terms = _asked(label, pupils, proven=proven)
    return in_transaction(lambda: book_places(slot_id, party, terms))


def _asked(label: str, pupils: int, *, proven: bool) -> tuple[Party, Terms]:
    party = Party(
        audience="school", email="prof@college.example", name="Camille Martin", phone="01 23 45 67 89",
        school_name="Collège Guy-Môquet", school_uai="0921234S", commune="Gennevilliers", level=label.split()[0], label=label, pupils=pupils, adults=2,
    )  # fmt: skip
    return party, Terms(key=f"prepared-{label}", locale="fr", limiter=_NO_LIMIT, proven=proven)


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
