"""Subject lines: concrete enough to be understood in a list of mails."""

from __future__ import annotations

from datetime import datetime

from booking.i18n import _, translate_plural
from booking.mail import words
from booking.mail.facts import Facts, one_line
from booking.mail.notices import notice_of, notice_subject
from booking.models import Kind

_SUBJECTS = {
    Kind.BOOKING_CONFIRMED: _("Confirmé : %(title)s, %(when)s"),
    Kind.BOOKING_CHANGED: _("Modifié : %(title)s, %(when)s, %(people)s"),
    Kind.BOOKING_CANCELLED: _("Annulé : %(title)s, %(when)s"),
    Kind.BOOKING_RESCHEDULED: _("Changement de l’organisateur : %(title)s, %(when)s"),
    Kind.BOOKER_LETTER: _("Message de l’organisateur : %(title)s, %(when)s"),
    Kind.VISIT_THANKS: _("Comment était « %(title)s » ?"),
    Kind.HOST_BOOKING_CONFIRMED: _("Nouvelle réservation : %(people)s, %(title)s, %(when)s"),
    Kind.HOST_BOOKING_CHANGED: _("Effectif changé : %(people)s, %(title)s, %(when)s"),
    Kind.HOST_BOOKING_CANCELLED: _("Réservation annulée : %(people)s, %(title)s, %(when)s"),
}

_MOVED = _("Déplacé : %(title)s, %(when)s")
_HOST_RESTORED = _("Réservation rétablie : %(people)s, %(title)s, %(when)s")
_HOST_MOVED = _("Créneau changé : %(people)s, %(title)s, %(when)s")


def subject(kind: Kind, facts: Facts, queued_at: datetime, locale: str) -> str:
    """The subject of a mail, one line without controls."""
    if kind is Kind.BOOKING_TO_PROVE:
        return one_line(_to_prove(facts, queued_at, locale))
    if notice := notice_of(kind, facts):
        return notice_subject(notice, facts, locale)
    values = {"title": facts.title, "when": words.when(facts, locale), "people": words.people(facts, locale)}
    pattern = _SUBJECTS[kind]
    if kind is Kind.BOOKING_RESCHEDULED and facts.moved_by_booker:
        pattern = _MOVED
    elif kind is Kind.HOST_BOOKING_CONFIRMED and facts.more.get("again"):
        pattern = _HOST_RESTORED
    elif kind is Kind.HOST_BOOKING_CHANGED and facts.more.get("was"):
        pattern = _HOST_MOVED
    return one_line(words.say(locale, pattern, **values))


def _to_prove(facts: Facts, queued_at: datetime, locale: str) -> str:
    number = facts.places_of_class
    deadline, with_day = words.deadline(facts.expires_at or facts.starts_at, queued_at, locale)
    if with_day:
        pattern = translate_plural(
            locale,
            "Confirmez avant le %(deadline)s : %(num)s place tenue, « %(title)s »",
            "Confirmez avant le %(deadline)s : %(num)s places tenues, « %(title)s »",
            number,
        )
    else:
        pattern = translate_plural(
            locale,
            "Confirmez avant %(deadline)s : %(num)s place tenue, « %(title)s »",
            "Confirmez avant %(deadline)s : %(num)s places tenues, « %(title)s »",
            number,
        )
    return pattern % {"num": number, "title": facts.title, "deadline": deadline}
