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
from booking.models import Booking, Delivery, HistoryEntry, Inbound, Kind, Message
from booking.models.message import LETTERS, TO_HEAD, TO_HOSTS
from booking.web.history_words import action_said, actor_said, words_of
from booking.web.mail_words import Received, received_said

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
    """One mail of ours, and what became of it."""

    message: Message
    said: str
    whom: str
    """In which part who reads it stands."""
    state: str
    tone: str
    """The class of the state's mark: good, waits or bad."""
    steps: list[str]
    """What came before that state."""
    reason: str
    answer: str
    """What the server said, word for word."""
    again: Again | None


class Entry(NamedTuple):
    """One line of what was written to and fro: a mail of ours, or one that came in with what it was and what was done."""

    at: datetime
    mail: Mail | None = None
    came: Inbound | None = None
    received: Received | None = None


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
        if entry.details.get("answer") in vocabulary.ANSWERS:
            more = translate(locale, vocabulary.ANSWERS[entry.details["answer"]])
        kind = entry.details.get("kind")
        if kind in KINDS:
            more = translate(locale, KINDS[Kind(kind)])
        account = address if with_accounts and address else ""
        who = actor_said(entry.actor, locale)
        found.append(Line(entry.at, action_said(entry.action, locale), who, account, organisation or "", more, words_of(entry)))
    return found


def entries_of(booking: Booking, messages: Sequence[Message], received: Sequence[Inbound], locale: str) -> list[Entry]:
    """Our mails and those that came in, in words, in one line of time, the latest first."""
    now = clock.now()
    entries = [Entry(message.created_at, mail_said(message, messages, now, locale)) for message in messages]
    entries += [Entry(came.received_at, came=came, received=received_said(came, locale)) for came in received]
    return sorted(entries, key=lambda entry: entry.at)[::-1]


def mail_said(message: Message, messages: Sequence[Message], now: datetime, locale: str) -> Mail:
    """One mail in words, with the way to send it again; `messages` are all of its booking's, in the order they were queued."""
    state, tone = _state(message, locale)
    again = way_again(message.booking, message, messages, now) if message.booking else None
    reason, answer = reason_said(message.last_error, locale), message.last_error
    return Mail(
        message,
        kind_said(message.kind, locale),
        _whom(message.kind, locale),
        state,
        tone,
        _steps(message, locale),
        reason,
        answer,
        again,
    )


def kind_said(kind: Kind, locale: str) -> str:
    """What a mail of a kind is about."""
    return translate(locale, KINDS.get(kind, str(kind)))


def reason_said(error: str, locale: str) -> str:
    """Why a mail did not arrive, in plain words; empty where nothing went wrong."""
    if not error:
        return ""
    fitting = (words for pattern, words in _REASONS if re.search(pattern, error, re.IGNORECASE))
    return translate(locale, next(fitting, _UNKNOWN_REASON))


def _whom(kind: Kind, locale: str) -> str:
    if kind in TO_HOSTS or kind in LETTERS:
        return translate(locale, _("à l’organisateur"))
    if kind in TO_HEAD:
        return translate(locale, _("à la direction de l’établissement"))
    return translate(locale, _("à la personne qui a réservé"))


def _state(message: Message, locale: str) -> tuple[str, str]:
    if message.bounced_at:
        return translate(locale, _("Revenu le %(at)s")) % {"at": moment(message.bounced_at, locale)}, "bad"
    if message.delivery is Delivery.SENT and message.sent_at:
        return translate(locale, _("Remis le %(at)s")) % {"at": moment(message.sent_at, locale)}, "good"
    if message.delivery is Delivery.DEAD:
        return translate(locale, _("Non remis, abandonné le %(at)s")) % {"at": moment(message.next_attempt_at, locale)}, "bad"
    if message.attempts:
        return translate(locale, _("Nouvel essai le %(at)s")) % {"at": moment(message.next_attempt_at, locale)}, "waits"
    return translate(locale, _("En attente d’envoi")), "waits"


def _steps(message: Message, locale: str) -> list[str]:
    """The first try and how many there were, where one was not enough; when it was taken, where it came back."""
    steps = []
    if message.attempts > 1 or (message.attempts and message.delivery is not Delivery.SENT):
        tries = translate_plural(locale, "%(num)s essai", "%(num)s essais", message.attempts) % {"num": message.attempts}
        first = message.first_tried_at
        since = translate(locale, _("le premier le %(at)s")) % {"at": moment(first, locale)} if first else ""
        steps.append(", ".join(part for part in (tries, since) if part))
    if message.bounced_at and message.sent_at:
        steps.append(translate(locale, _("Pris par le serveur le %(at)s")) % {"at": moment(message.sent_at, locale)})
    return steps


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
