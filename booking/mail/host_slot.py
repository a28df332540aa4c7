"""Mails to a host about whole slots: where one stands, with its calendar entry, and who comes tomorrow.

Neither names a person: the first goes with a calendar entry, and what the second needs stands on the day sheets it leads to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from booking.config import Settings
from booking.i18n import _, day, translate
from booking.mail import words
from booking.mail.facts import Facts, one_line, read_facts
from booking.mail.host_invitation import booked, day_sheet
from booking.mail.render import Rendered, visit_words, write

_NUMBERS = ("pupils", "adults", "persons")


def render_host_slot(facts: Facts, locale: str, settings: Settings) -> Rendered:
    """Where one slot stands: who comes in numbers, what changed since the last mail, each booking by its reference."""
    carried = facts.more["entry"]
    cancelled, was = carried["method"] == "CANCEL", words.before_move(facts, locale)
    people = words.count_expected(carried, locale)
    context = {
        "subject": _subject(facts, people, cancelled=cancelled, moved=bool(was), locale=locale),
        "state": translate(locale, _state(cancelled=cancelled, moved=bool(was))),
        "tone": "error" if cancelled else "open",
        **visit_words(facts, locale),
        "total": sum(carried[name] for name in _NUMBERS),
        "people": people,
        "bookings": booked(carried["bookings"], locale),
        "cancelled": cancelled,
        "first": facts.more["changes"] is None,
        "why": facts.more.get("why", ""),
        "was": was,
        "changes": [_change(change, locale) for change in facts.more["changes"] or []],
        "parties": [_party(party, locale) for party in facts.more["parties"]],
        "url": f"{settings.base_url}/workspace/slots/{facts.slot['id']}",
        "sheet": day_sheet(facts.slot["id"], settings),
    }
    return write("host_slot", context, locale)


def render_host_day(raw: Mapping[str, Any], locale: str, settings: Settings) -> Rendered:
    """Everybody who comes to one host on one day, slot by slot. Raises `KeyError` where a fact is missing."""
    slots = [_slot(slot, locale, settings) for slot in raw["slots"]]
    when = day(date.fromisoformat(raw["day"]), locale)
    heading = when[:1].upper() + when[1:]
    people = words.count_expected({name: sum(slot[name] for slot in raw["slots"]) for name in _NUMBERS}, locale)
    context = {
        "subject": one_line(words.say(locale, _("%(day)s, %(people)s chez vous"), day=heading, people=people)),
        "organisation": one_line(raw["organisation"]),
        "heading": heading,
        "day": when,
        "people": people,
        "slots": slots,
        "url": slots[0]["sheet"] if len(slots) == 1 else f"{settings.base_url}/workspace",
    }
    return write("host_day", context, locale)


def _subject(facts: Facts, people: str, *, cancelled: bool, moved: bool, locale: str) -> str:
    values = {"title": facts.title, "when": words.when(facts, locale), "people": people}
    pattern = _("%(people)s : %(title)s, %(when)s")
    if cancelled:
        pattern = _("Créneau annulé : %(title)s, %(when)s")
    elif moved:
        pattern = _("Créneau changé : %(people)s, %(title)s, %(when)s")
    return one_line(words.say(locale, pattern, **values))


def _state(*, cancelled: bool, moved: bool) -> str:
    if cancelled:
        return _("Créneau annulé")
    return _("Créneau changé") if moved else _("Où en est ce créneau")


def _change(change: Mapping[str, Any], locale: str) -> str:
    """One booking's news in one line: « Nouvelle : 3e, Collège du Port, 31 élèves et 3 adultes (7KQ4-M9TX) »."""
    reference = change["reference"]
    if change["what"] == "gone":
        return words.say(
            locale,
            _("Annulée ou passée à un autre créneau : %(people)s (%(reference)s)"),
            people=_heads(change["before"], locale),
            reference=reference,
        )
    who = words.party_of(change, locale)
    people = _heads([change["pupils"], change["adults"]], locale)
    values = {"who": who, "people": people, "reference": reference}
    if change["what"] == "new":
        return words.say(locale, _("Nouvelle : %(who)s, %(people)s (%(reference)s)"), **values)
    pattern = _("Changée : %(who)s, %(people)s au lieu de %(before)s (%(reference)s)")
    return words.say(locale, pattern, before=_heads(change["before"], locale), **values)


def _party(party: Mapping[str, Any], locale: str) -> dict[str, Any]:
    people = _heads([party["pupils"], party["adults"]], locale)
    needs = words.needs_of(party["needs"], locale)
    return {"who": words.party_of(party, locale), "people": people, "needs": needs, "reference": party["reference"]}


def _heads(numbers: list[int], locale: str) -> str:
    """A class's pupils and adults, or the one person who comes alone."""
    pupils, adults = numbers
    return words.count_people(pupils, adults, locale) if pupils else translate(locale, _("1 personne"))


def _slot(slot: Mapping[str, Any], locale: str, settings: Settings) -> dict[str, Any]:
    facts = read_facts({"booking": {}, "event": {}, "calendar": None, "slot": slot})
    return {
        "hours": words.span(facts, locale),
        "title": facts.slot["title"],
        "meeting": words.meeting(facts, locale),
        "place": facts.slot["place"],
        "people": words.count_expected(slot, locale),
        "bookings": booked(slot["bookings"], locale),
        "needs": words.needs_of(slot["needs"], locale),
        "sheet": day_sheet(slot["id"], settings),
    }
