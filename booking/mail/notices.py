"""Notices in words: which one a message is, and what it says with its facts filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from booking.i18n import _, hours, instant_day, moment, translate, translate_plural
from booking.mail import words
from booking.mail.facts import Facts, one_line
from booking.mail.notice import Notice, Plural, Says
from booking.mail.notices_to_answers import TO_WHO_ANSWERED
from booking.mail.notices_to_bookers import TO_BOOKERS
from booking.mail.notices_to_others import TO_HEADS, TO_HOSTS
from booking.mail.notices_to_visitors import TO_VISITORS
from booking.models import Kind

_NAMED = re.compile(r"%\((\w+)\)s")


def notice_of(kind: Kind, facts: Facts) -> Notice | None:
    """The notice a message of this kind is, or None where the kind has templates of its own."""
    if kind in TO_VISITORS:
        return TO_VISITORS[kind]["class" if facts.is_class else "person"]
    alone = TO_HEADS.get(kind) or TO_HOSTS.get(kind)
    variants = TO_BOOKERS.get(kind) or TO_WHO_ANSWERED.get(kind)
    if alone or variants is None:
        return alone
    given = facts.more.get("held_for") or facts.more.get("by") or facts.booking.get("held_for") or ""
    return variants.get("stranger" if facts.to_stranger else given) or next(iter(variants.values()))


def notice_subject(notice: Notice, facts: Facts, locale: str) -> str:
    """The subject of a notice, one line without controls."""
    return one_line(_always(notice.subject, facts_said(facts, locale), facts, locale))


def notice_words(notice: Notice, facts: Facts, locale: str) -> dict[str, Any]:
    """What the template of notices names beside the facts every mail has."""
    said = facts_said(facts, locale)

    def all_of(messages: Iterable[Says]) -> list[str]:
        return [text for message in messages if (text := _fill(message, said, facts, locale))]

    return {
        "state": _always(notice.state, said, facts, locale),
        "tone": notice.tone,
        "greeting": _fill(notice.greeting, said, facts, locale) if notice.greeting else "",
        "says": all_of(notice.says),
        "then": all_of(notice.then),
        "button": translate(locale, notice.button),
        "link": notice.link,
        "after": all_of(notice.after),
        "details": notice.details,
        "footer": translate(locale, notice.footer),
    }


def facts_said(facts: Facts, locale: str) -> dict[str, str]:
    """The facts a notice may name, as they are said; empty where there is nothing to say."""
    booking, places = facts.booking, facts.booking["places"]
    whole, least, others = booking.get("asked_pupils"), booking.get("at_least"), booking.get("other_slots")
    return {
        "name": facts.booker_name,
        "title": facts.title,
        "host": facts.event["host"],
        "when": words.when(facts, locale),
        "people": words.people(facts, locale),
        "places": _counted(places, translate_plural(locale, "%(num)s place", "%(num)s places", places)),
        "deadline": moment(facts.expires_at, locale) if facts.expires_at else "",
        "whole": _pupils(whole, locale),
        "offered": str(booking["pupils"]) if whole else "",
        "least": _pupils(least, locale),
        "other_slots": _counted(
            others, translate_plural(locale, "%(num)s autre créneau", "%(num)s autres créneaux", others or 0)
        ),
        "asked": _heads(facts.more.get("asked"), locale),
        "before": _heads(facts.more.get("before"), locale),
        "closed": moment(datetime.fromisoformat(str(facts.more["closed"])), locale) if facts.more.get("closed") else "",
        "mailbox": booking.get("head_email", ""),
        "other_half": other_half(facts, locale),
        "other_meeting": words.other_meeting(facts, locale),
        "all_people": words.all_people(facts, locale),
        "queue": _counted(facts.more.get("queue"), _requests(facts, locale)),
        "contact": _contact(facts),
    }


def other_half(facts: Facts, locale: str) -> str:
    """The other half of a split class, in one line: when, and how many. Empty for everybody else."""
    half = facts.more.get("other_half")
    if not half:
        return ""
    start, end = (datetime.fromisoformat(half[name]) for name in ("starts_at", "ends_at"))
    day, heads = instant_day(start, locale), _heads(half, locale)
    return words.say(locale, _("%(day)s, %(hours)s, %(people)s"), day=day, hours=hours(start, end, locale), people=heads)


def _always(message: Says, said: Mapping[str, str], facts: Facts, locale: str) -> str:
    """A message no mail goes without. Raises `ValueError` where one of its facts is missing."""
    filled = _fill(message, said, facts, locale)
    if not filled:
        raise ValueError(f"a fact is missing for {message!r}")
    return filled


def _fill(message: Says, said: Mapping[str, str], facts: Facts, locale: str) -> str:
    """A message with its facts; empty where one of them is."""
    if not all(said[name] for name in _NAMED.findall(message.many if isinstance(message, Plural) else message)):
        return ""
    if isinstance(message, Plural):
        return translate_plural(locale, message.one, message.many, facts.booking["places"]) % said
    return translate(locale, message) % said


def _counted(number: int | None, pattern: str) -> str:
    return pattern % {"num": number} if number else ""


def _contact(facts: Facts) -> str:
    """The host's telephone, in one piece, and address; whichever there is."""
    phone = str(facts.event.get("contact_phone") or "").replace(" ", "\u00a0")
    return ", ".join(filter(None, (phone, facts.event["contact_email"])))


def _requests(facts: Facts, locale: str) -> str:
    return translate_plural(locale, "%(num)s demande", "%(num)s demandes", facts.more.get("queue") or 0)


def _pupils(number: int | None, locale: str) -> str:
    return _counted(number, translate_plural(locale, "%(num)s élève", "%(num)s élèves", number or 0))


def _heads(given: Mapping[str, int] | None, locale: str) -> str:
    return words.count_people(given["pupils"], given["adults"], locale) if given else ""
