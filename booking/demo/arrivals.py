"""What came in to the demo world's address: a calendar's Perhaps, a teacher's question, and a stranger's.

They are mails like any other: stored as they came, and decided about by the worker.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from sqlalchemy import select

from booking import clock
from booking.actions.queue_message import facts_of
from booking.app_settings import settings
from booking.db import db
from booking.mail.calendar_reply import calendar_reply
from booking.mail.compose import envelope_sender
from booking.mail.facts import read_facts
from booking.mail.inbox import take_in
from booking.mail.invitation import invitation
from booking.models import Answer, Booking, Event, Kind, Slot, Status

_QUESTION = (
    "Bonjour,\n\nNotre car peut-il se garer devant l’accueil, ou faut-il que la classe finisse à pied ?\n\nMerci d’avance.\n"
)
_STRANGER = "classes-prepa@lycee-inconnu.example"
_STRANGERS_QUESTION = "Bonjour,\n\nNous ne trouvons rien pour nos classes préparatoires. Une visite leur est-elle ouverte ?\n"


def arrive(event: Event) -> None:
    """Let mail of three kinds come in about an event to come. The event has two confirmed classes at least."""
    now, sender = clock.now(), settings().sender_address
    of_event = Slot.event_id == event.id, Booking.status == Status.CONFIRMED, Booking.audience == "school"
    unsure, asking = db.session.scalars(select(Booking).join(Slot).where(*of_event).order_by(Booking.id).limit(2))
    facts = read_facts(facts_of(unsure, Kind.BOOKING_CONFIRMED))
    invited = invitation(facts, unsure.email, unsure.locale, settings())
    believed = settings().inbox_authserv_id or ""
    take_in(calendar_reply(invited, Answer.TENTATIVE, "fr", believed, "<invitation@coulisses.example>", now), now)
    address = envelope_sender(sender, asking.reference)
    take_in(_letter(asking.email, address, "Où garer le car ?", _QUESTION, now - timedelta(hours=3)), now)
    take_in(_letter(_STRANGER, sender, "Classes préparatoires", _STRANGERS_QUESTION, now - timedelta(hours=1)), now)


def _letter(sender: str, recipient: str, subject: str, text: str, at: datetime) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"], mail["Date"] = sender, recipient, subject, format_datetime(at)
    mail["Message-ID"] = f"<{int(at.timestamp())}@{sender.rpartition('@')[2]}>"
    mail.set_content(text)
    return mail.as_bytes()
