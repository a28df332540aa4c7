"""What the clients of a race do, each in a thread of another process: through the verbs, or through the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from types import SimpleNamespace

from booking import clock
from booking.actions import expire_holds
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.actions.limits import Limiter
from booking.db import db, in_transaction
from booking.errors import Refusal
from booking.models import Booking
from tests.race.crowd import PATIENCE, Answer, Client
from tests.race.site import open_app, party

NO_LIMIT = Limiter(secret="race", network="127.0.0.1", on=False)


@dataclass(frozen=True)
class Ask:
    """One client's wish: so many places on a slot for one class, under a key."""

    slot_id: int
    places: int
    label: str
    key: str


def book(ask: Ask) -> str:
    """Book, and return the reference. Needs an application context, as all that follow."""
    return in_transaction(lambda: _booking(ask)).reference


def book_both(asks: tuple[Ask, Ask]) -> str:
    """Book two slots in one transaction, in the order asked for."""
    return " ".join(in_transaction(lambda: [_booking(ask).reference for ask in asks]))


def act(deed: tuple[str, str, int]) -> str:
    """Do one thing to one booking: confirm, cancel, expire, or set its pupils to a number."""
    name, reference, pupils = deed
    if name == "confirm":
        return in_transaction(lambda: confirm_booking(reference)).status
    if name == "cancel":
        return in_transaction(lambda: cancel_booking(reference)).status
    if name == "expire":
        expire_holds.clock = SimpleNamespace(now=lambda: clock.now() + timedelta(hours=3))  # the hold is over for this one alone
        return str(in_transaction(lambda: expire_holds.expire_hold(reference)))
    return str(in_transaction(lambda: change_headcount(reference, pupils, 2)).places)


def _booking(ask: Ask) -> Booking:
    return book_places(ask.slot_id, party(ask.places, ask.label), Terms(key=ask.key, locale="fr", limiter=NO_LIMIT))


def inside(url: str, work: Callable[..., str]) -> Client:
    """Clients that do some work on this database, each in an application context of its own."""
    app = open_app(url)

    def client(ask: object) -> Answer:
        with app.app_context():
            try:
                return Answer(ask, "done", work(ask))
            except Refusal as refusal:
                return Answer(ask, refusal.code, json.dumps(refusal.facts, default=str))
            except Exception as error:  # noqa: BLE001 - whatever happened, it is told
                return Answer(ask, "error", repr(error))
            finally:
                db.session.remove()

    return client


def through_verbs(url: str) -> Client:
    """Clients that call the verb on this database."""
    return inside(url, book)


def through_pairs(url: str) -> Client:
    """Clients that book two slots at once."""
    return inside(url, book_both)


def through_acts(url: str) -> Client:
    """Clients that change bookings there are."""
    return inside(url, act)


def through_api(address: str) -> Client:
    """Clients that are programs and speak to the API at host:port."""

    def client(ask: Ask) -> Answer:
        asked = party(ask.places, ask.label)
        group = {name: getattr(asked, name) for name in ("school_name", "commune", "level", "label", "pupils", "adults")}
        body = json.dumps({"email": asked.email, "name": asked.name, "group": group})
        headers = {"Content-Type": "application/json", "Idempotency-Key": ask.key}
        connection = HTTPConnection(address, timeout=PATIENCE)
        try:
            connection.request("POST", f"/api/v1/slots/{ask.slot_id}/bookings", body, headers)
            response = connection.getresponse()
            told = json.loads(response.read())
        except Exception as error:  # noqa: BLE001 - whatever happened, it is told
            return Answer(ask, "error", repr(error))
        finally:
            connection.close()
        if response.status in {200, 201}:
            return Answer(ask, "done", told["reference"])
        return Answer(ask, told.get("code", "error") if response.status < 500 else "error", f"{response.status} {told}")

    return client
