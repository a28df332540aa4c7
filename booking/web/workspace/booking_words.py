"""A booking's history and messages in words: who did what and when, which mail went out, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row

from booking import clock, vocabulary
from booking.actions.resend_message import Again, way_again
from booking.i18n import _, moment, translate, translate_plural
from booking.models import Booking, Delivery, HistoryEntry, Kind, Message
from booking.web.history_words import action_said, actor_said, words_of

KINDS: Mapping[Kind, str] = {
    Kind.BOOKING_TO_PROVE: _("Adresse à confirmer"),
    Kind.BOOKING_CONFIRMED: _("Confirmation, avec l’invitation d’agenda"),
    Kind.BOOKING_CHANGED: _("Nouvel effectif, avec l’invitation mise à jour"),
    Kind.BOOKING_RESCHEDULED: _("Visite déplacée, avec l’invitation mise à jour"),
    Kind.BOOKING_CANCELLED: _("Annulation"),
    Kind.BOOKING_EXPIRED: _("Délai passé"),
    Kind.BOOKER_LETTER: _("Message de l’organisateur"),
    **vocabulary.NOTICES,
    Kind.HOST_BOOKING_CONFIRMED: _("À l’organisateur : nouvelle réservation"),
    Kind.HOST_BOOKING_CHANGED: _("À l’organisateur : effectif changé"),
    Kind.HOST_BOOKING_CANCELLED: _("À l’organisateur : annulation"),
}
_REASONS = (
    (r"cannot be rendered", _("Le message n’a pas pu être écrit : la faute est chez nous.")),
    (r"\b[45]\.2\.2\b|quota|mailbox (is )?full|over ?quota", _("La boîte de réception est pleine.")),
    (r"\b[45]\.3\.4\b|too (big|large)", _("Le serveur a trouvé le message trop lourd.")),
    (r"\b[45]\.7\.\d+\b|spam|policy|blocked|blacklist", _("Le serveur du destinataire a refusé notre message.")),
    (
        r"\b5\.[14]\.\d+\b|user unknown|unknown user|no such|does not exist|not found|no mailbox",
        _("Cette adresse n’existe pas, ou plus."),
    ),
    (r"^55[0134]\b", _("Le serveur du destinataire ne reçoit pas pour cette adresse.")),
    (r"^4\d\d\b|timed out|refused|unreachable|Timeout|Connection", _("Le serveur du destinataire ne répond pas.")),
)
"""What servers say (RFC 3463 names the codes), in words; the first that fits."""
_UNKNOWN_REASON = _("Le serveur du destinataire n’a pas pris le message.")


class Line(NamedTuple):
    """One line of a booking's history."""

    at: datetime
    said: str
    who: str
    account: str
    """The address of the account that acted; empty where it is not for this reader."""
    acting_for: str
    more: str
    """What changed, in words."""
    wrote: str
    """What somebody wrote with it, in their own language."""


class Mail(NamedTuple):
    """One mail about a booking, and what became of it."""

    message: Message
    said: str
    state: str
    tone: str
    """The class of the state's mark: good, waits or bad."""
    reason: str
    answer: str
    """What the server said, word for word."""
    again: Again | None


def lines_of(booking: Booking, rows: Sequence[Row[Any]], locale: str, *, with_accounts: bool) -> list[Line]:
    """The history in words, the latest first."""
    pupils, adults = booking.pupils, booking.adults
    found: list[Line] = []
    for entry, address, organisation in reversed(rows):
        before = entry.details.get("before") if entry.action in {"headcount_changed", "split"} else None
        more = _moved(entry, locale)
        if before:
            more = f"{_heads(before['pupils'], before['adults'], locale)} → {_heads(pupils, adults, locale)}"
            pupils, adults = before["pupils"], before["adults"]
        if entry.action == "offered":
            more = _offered(entry, locale)
        kind = entry.details.get("kind")
        if kind in KINDS:
            more = translate(locale, KINDS[Kind(kind)])
        account = address if with_accounts and address else ""
        who = actor_said(entry.actor, locale)
        found.append(Line(entry.at, action_said(entry.action, locale), who, account, organisation or "", more, words_of(entry)))
    return found


def mails_of(booking: Booking, messages: Sequence[Message], locale: str) -> list[Mail]:
    """The messages in words, the latest first, each with the way to send it again."""
    now = clock.now()
    return [_mail(message, way_again(booking, message, messages, now), locale) for message in reversed(messages)]


def reason_said(error: str, locale: str) -> str:
    """Why a mail did not arrive, in plain words; empty where nothing went wrong."""
    if not error:
        return ""
    fitting = (words for pattern, words in _REASONS if re.search(pattern, error, re.IGNORECASE))
    return translate(locale, next(fitting, _UNKNOWN_REASON))


def _mail(message: Message, again: Again | None, locale: str) -> Mail:
    said = translate(locale, KINDS.get(message.kind, str(message.kind)))
    state, tone = _state(message, locale)
    return Mail(message, said, state, tone, reason_said(message.last_error, locale), message.last_error, again)


def _state(message: Message, locale: str) -> tuple[str, str]:
    if message.delivery is Delivery.SENT and message.sent_at:
        return translate(locale, _("Remis le %(at)s")) % {"at": moment(message.sent_at, locale)}, "good"
    if message.delivery is Delivery.DEAD:
        return translate(locale, _("Non remis, abandonné le %(at)s")) % {"at": moment(message.next_attempt_at, locale)}, "bad"
    if message.attempts:
        return translate(locale, _("Nouvel essai le %(at)s")) % {"at": moment(message.next_attempt_at, locale)}, "waits"
    return translate(locale, _("En attente d’envoi")), "waits"


def _moved(entry: HistoryEntry, locale: str) -> str:
    """Where a booking stood before its slot was moved."""
    was = entry.details.get("was")
    if not isinstance(was, Mapping) or not was.get("starts_at"):
        return ""
    return translate(locale, _("C’était le %(at)s")) % {"at": moment(datetime.fromisoformat(was["starts_at"]), locale)}


def _offered(entry: HistoryEntry, locale: str) -> str:
    """How many places, and how many who had waited longer did not get them."""
    places, passed = entry.places_after, entry.details.get("passed_over", 0)
    said = translate_plural(locale, "%(num)s place", "%(num)s places", places) % {"num": places}
    over = translate_plural(locale, "%(num)s demande plus ancienne passée", "%(num)s demandes plus anciennes passées", passed)
    return f"{said}, {over % {'num': passed}}" if passed else said


def _heads(pupils: int, adults: int, locale: str) -> str:
    children = translate_plural(locale, "%(num)s élève", "%(num)s élèves", pupils) % {"num": pupils}
    grown = translate_plural(locale, "%(num)s adulte", "%(num)s adultes", adults) % {"num": adults}
    return f"{children} + {grown}"
