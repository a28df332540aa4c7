"""The workspaces of the demo world for the browser tests: who is signed in, and every page that can be seen."""

from __future__ import annotations

from email.message import EmailMessage

from sqlalchemy import select

from booking import clock
from booking.actions.flag_address import flag_address
from booking.actions.name_operator import name_operator
from booking.actions.open_session import open_session
from booking.app_settings import settings
from booking.db import db, in_transaction
from booking.mail.inbox import decide_all, take_in
from booking.models import (
    OPERATOR,
    Account,
    Booking,
    Delivery,
    Edition,
    Event,
    Feedback,
    HeldFor,
    Label,
    LabelDecision,
    Message,
    Organisation,
    Session,
    Slot,
    Status,
    Wait,
)

SEATS = {
    "port": "visites@port-gennevilliers.example",
    "greeter": "accueil@port-gennevilliers.example",
    "authority": "semaine-industrie@prefecture-92.example",
    "chamber": "industrie@cci-92.example",
    "operator": "exploitation@coulisses.example",
}


def seats() -> dict[str, str]:
    """Everybody signed in, second factor shown; the cookie of each."""
    return {name: in_transaction(lambda email=email: _signed_in(email)) for name, email in SEATS.items()}  # type: ignore[misc]


def _signed_in(email: str) -> str:
    account = db.session.scalars(select(Account).where(Account.email == email)).one()
    token = open_session(account, "Firefox, Linux", clock.now())
    newest = select(Session).where(Session.account_id == account.id).order_by(Session.id.desc())
    session = db.session.scalars(newest).first()
    assert session is not None
    session.second_factor_at = clock.now()
    return token


def pages() -> dict[str, tuple[str, str]]:
    """By its name, the seat a page is seen from and its address."""
    port, authority = _organisation("port-gennevilliers"), _organisation("prefecture-92")
    edition = db.session.scalars(select(Edition).where(Edition.invented).order_by(Edition.starts_on.desc())).first()
    assert edition is not None
    event = db.session.scalars(select(Event).where(Event.key == f"{edition.key}-activites-portuaires")).one()
    booked = select(Booking).join(Slot).join(Event).where(Event.host_id == port, Booking.status == Status.CONFIRMED)
    booking = db.session.scalars(booked.order_by(Booking.id)).first()
    asked = select(Label).where(Label.decision == LabelDecision.REQUESTED).order_by(Label.id)
    label = db.session.scalars(asked).first()
    assert booking is not None
    request = db.session.scalars(select(Booking.reference).where(Booking.held_for == HeldFor.HOST)).first()
    wait = db.session.scalars(select(Wait).order_by(Wait.rank)).first()
    assert wait is not None
    slot, of_port = booking.slot_id, f"/workspace/organisations/{port}"
    received, unmatched = _mails(booking)
    over = db.session.scalars(select(Booking.slot_id).join(Feedback, Feedback.booking_id == Booking.id)).first()
    company = {
        "home": of_port,
        "events": f"{of_port}/events",
        "new event": f"{of_port}/events/new",
        "event": f"/workspace/events/{event.id}",
        "event, edited": f"/workspace/events/{event.id}/edit",
        "event, cancelled": f"/workspace/events/{event.id}/cancellation",
        "new slots": f"/workspace/events/{event.id}/slots/new",
        "places": f"/workspace/events/{event.id}/places",
        "places, reserved": f"/workspace/events/{event.id}/places/new?kind=reserved",
        "slot": f"/workspace/slots/{slot}",
        "slot, over": f"/workspace/slots/{over}",
        "slot, moved": f"/workspace/slots/{slot}/time",
        "slot, terms": f"/workspace/slots/{slot}/terms",
        "slot, cancelled": f"/workspace/slots/{slot}/cancellation",
        "letter": f"/workspace/slots/{slot}/letter",
        "bookings": f"{of_port}/bookings?audience=school",
        "booking": f"/workspace/bookings/{booking.reference}",
        "booking, to decide": f"/workspace/bookings/{request}",
        "messages of an event": f"/workspace/events/{booking.slot.event_id}/messages",
        "mail received": f"{of_port}/mail",
        "mail received, one": f"/workspace/mail/{received}",
        "requests": f"{of_port}/requests",
        "waiting list": f"/workspace/slots/{wait.slot_id}/waiting",
        "waiting list, offered by hand": f"/workspace/bookings/{wait.booking.reference}/offer?slot={wait.slot_id}",
        "booking, waiting": f"/workspace/bookings/{wait.booking.reference}",
        "booking, another slot": f"/workspace/bookings/{booking.reference}/slot",
        "booking for somebody": f"/workspace/slots/{slot}/bookings/new",
        "day sheet": f"/workspace/slots/{slot}/day-sheet",
        "slots in a calendar": f"{of_port}/feed",
        "members": f"{of_port}/members",
        "history": f"{of_port}/history?actor=operator",
        "account": "/account",
        "joining": "/account/organisations/new",
    }
    office = {
        "authority": f"/authority/{authority}",
        "labels": f"/authority/{authority}/labels",
        "editions": f"/authority/{authority}/editions",
        "edition": f"/authority/editions/{edition.id}",
        "imports": f"/authority/{authority}/imports",
        "organisations": f"/authority/{authority}/organisations",
        "organisation": f"/authority/{authority}/organisations/{port}",
        "journal": f"/authority/{authority}/journal?subject=label",
        "second factor": "/sign-in/second-factor",
    } | ({"label": f"/authority/labels/{label.event_id}"} if label else {})
    return (
        {name: ("port", path) for name, path in company.items()}
        | {name: ("authority", path) for name, path in office.items()}
        | {
            "operation, mail": ("operator", "/operation/mail"),
            "operation, one mail": ("operator", f"/operation/mail/{unmatched}"),
        }
        | {"door": ("greeter", f"{of_port}/door"), "spaces": ("chamber", "/workspace"), "sign-in": ("", "/sign-in")}
    )


def _organisation(key: str) -> int:
    return db.session.scalars(select(Organisation.id).where(Organisation.key == key)).one()


def _mails(booking: Booking) -> tuple[int, int]:
    """Mail comes in: of a booking's booker, and of somebody nobody knows; the numbers of both. One of ours has come back."""
    in_transaction(lambda: name_operator(SEATS["operator"], True, OPERATOR))
    in_transaction(lambda: _comes_back(booking))
    tagged = settings().sender_address.replace("@", f"+{booking.reference}@")
    numbers = [
        in_transaction(lambda sender=sender, to=to: take_in(_mail(sender, to), clock.now()))  # type: ignore[misc]
        for sender, to in ((booking.email, tagged), ("maire@commune.example", settings().sender_address))
    ]
    decide_all(settings())
    return numbers[0], numbers[1]


def _mail(sender: str, recipient: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Camille Martin <{sender}>", recipient, "Une question avant la visite"
    mail["Message-ID"], mail["Date"] = f"<question-{sender}>", clock.now()
    mail.set_content("Bonjour,\n\npouvons-nous arriver un quart d’heure plus tôt ?\n\nMerci d’avance\n")
    return mail.as_bytes()


def _comes_back(booking: Booking) -> None:
    message = db.session.scalars(select(Message).where(Message.booking_id == booking.id).order_by(Message.id)).first()
    assert message is not None
    message.delivery, message.sent_at, message.attempts = Delivery.SENT, clock.now(), 1
    message.message_id = message.message_id or "<comes-back@coulisses.example>"
    flag_address(message.message_id, booking.email, "5.1.1", "user unknown", clock.now())
