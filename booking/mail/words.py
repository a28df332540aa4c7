"""Phrases that mails and calendar entries share: who comes, when, where, and what to know before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from booking import clock
from booking.i18n import _, hour, hours, instant_day, moment, translate, translate_plural, typeset
from booking.mail.facts import Facts

_EQUIPMENT = {
    "lent": _("Équipement de protection prêté sur place."),
    "bring": _("Apportez votre équipement de protection."),
}
_OUTDOORS = _("Une partie de la visite est dehors, par tous les temps : prévoyez de quoi vous couvrir.")
_NEEDS = {
    "motor": _("mobilité réduite : %(number)s"),
    "hearing": _("surdité ou malentendance : %(number)s"),
    "visual": _("déficience visuelle : %(number)s"),
    "intellectual": _("handicap intellectuel : %(number)s"),
    "psychic": _("handicap psychique : %(number)s"),
}
_ENDED = {
    "booker": _("Vous avez annulé cette réservation."),
    "calendar": _("Vous avez décliné l’invitation dans votre agenda ; la réservation est annulée."),
    "host": _("%(host)s a dû annuler cette réservation."),
}
_REQUEST_ENDED = {
    "booker": _("Vous avez retiré cette demande."),
    "host": _("%(host)s a dû mettre fin à cette demande."),
}
_AUDIENCES = {
    "student": _("étudiante ou étudiant"),
    "jobseeker": _("en recherche d’emploi"),
    "teacher": _("enseignante ou enseignant"),
    "public": _("grand public"),
    "press": _("presse"),
    "official": _("élue ou élu"),
    "college": _("collège"),
    "lycee": _("lycée"),
    "apprentice": _("apprentissage"),
}


def say(locale: str, message: str, **values: object) -> str:
    """A message in the reader's language, with its values."""
    return translate(locale, message) % values


def count_people(pupils: int, adults: int, locale: str) -> str:
    """« 31 élèves et 3 adultes »."""
    children = translate_plural(locale, "%(num)s élève", "%(num)s élèves", pupils) % {"num": pupils}
    grown = translate_plural(locale, "%(num)s adulte", "%(num)s adultes", adults) % {"num": adults}
    return say(locale, _("%(pupils)s et %(adults)s"), pupils=children, adults=grown)


def count_expected(numbers: Mapping[str, int], locale: str) -> str:
    """Everybody who comes to one slot: « 62 élèves et 6 adultes », « 12 personnes », both, or « 0 personne »."""
    persons = numbers["persons"]
    alone = translate_plural(locale, "%(num)s personne", "%(num)s personnes", persons) % {"num": persons}
    if not numbers["pupils"]:
        return alone
    classes = count_people(numbers["pupils"], numbers["adults"], locale)
    return say(locale, _("%(classes)s, et %(alone)s"), classes=classes, alone=alone) if persons else classes


def people(facts: Facts, locale: str) -> str:
    """Who comes, in numbers: no pupil has a name here."""
    if not facts.is_class:
        return translate(locale, _("1 personne"))
    return count_people(facts.booking["pupils"], facts.booking["adults"], locale)


def all_people(facts: Facts, locale: str) -> str:
    """Who comes in all, of a class that comes in two halves on one day: both. Empty for a person."""
    if not facts.is_class:
        return ""
    half = facts.more.get("other_half") or {"pupils": 0, "adults": 0}
    return count_people(facts.booking["pupils"] + half["pupils"], facts.booking["adults"] + half["adults"], locale)


def span(facts: Facts, locale: str) -> str:
    """The hours of a slot: « 14 h 30 – 16 h »; the day of the end is named when it is another one."""
    if clock.paris_day(facts.starts_at) == clock.paris_day(facts.ends_at):
        return hours(facts.starts_at, facts.ends_at, locale)
    return f"{hour(facts.starts_at, locale)} – {moment(facts.ends_at, locale)}"


def when(facts: Facts, locale: str) -> str:
    """« mardi 24 novembre, 14 h 30 »."""
    return moment(facts.starts_at, locale)


def day_of(facts: Facts, locale: str) -> str:
    """The day of the visit, with a capital: it stands alone."""
    said = instant_day(facts.starts_at, locale)
    return said[:1].upper() + said[1:]


def meeting(facts: Facts, locale: str) -> str:
    """When and where to be: « Rendez-vous à 14 h 15, accueil, bâtiment A ». Empty when there is nothing to add."""
    point = facts.slot["meeting_point"]
    early = facts.arrive_at < facts.starts_at
    if point and early:
        return say(locale, _("Rendez-vous à %(hour)s : %(point)s"), hour=hour(facts.arrive_at, locale), point=point)
    if point:
        return say(locale, _("Rendez-vous : %(point)s"), point=point)
    return say(locale, _("Soyez là à %(hour)s."), hour=hour(facts.arrive_at, locale)) if early else ""


def other_meeting(facts: Facts, locale: str) -> str:
    """When and where the other half of a split class has to be: « 13 h 50, Quai n° 2 ». Empty where there is none."""
    half = facts.more.get("other_half") or {}
    if "arrive_at" not in half:
        return ""
    return ", ".join(filter(None, (hour(datetime.fromisoformat(half["arrive_at"]), locale), half["meeting_point"])))


def place_lines(facts: Facts) -> list[str]:
    """The address as one writes it on an envelope."""
    event = facts.event
    return [line for line in (event["place_name"], event["address"], f"{event['postcode']} {event['commune']}".strip()) if line]


def conditions(facts: Facts, locale: str) -> list[str]:
    """What to know before coming, one sentence each."""
    event = facts.event
    said = [
        say(locale, _("À partir de %(age)s ans."), age=event["min_age"]) if event["min_age"] else "",
        translate(locale, _("Chaussures fermées obligatoires.")) if event["closed_shoes"] else "",
        translate(locale, _("Pièce d’identité demandée à l’entrée.")) if event["identity_needed"] else "",
        translate(locale, _OUTDOORS) if event.get("outdoors") else "",
        translate(locale, _EQUIPMENT[event["equipment"]]) if event["equipment"] in _EQUIPMENT else "",
        typeset("fr", event["conditions"]),
        typeset("fr", event["accessibility_note"]),
    ]
    return [sentence for sentence in said if sentence]


def access(facts: Facts) -> str:
    """How to come, as the host wrote it."""
    return typeset("fr", facts.event["access_info"])


def party(facts: Facts, locale: str) -> str:
    """Who the host will meet: « 3e B, Collège du Port, Gennevilliers », or what brings one person."""
    return party_of(facts.booking, locale)


def party_of(booking: Mapping[str, Any], locale: str) -> str:
    """The same for the facts of one booking among others."""
    if booking["audience"] != "school":
        audience = _AUDIENCES.get(booking["audience"])
        return translate(locale, audience) if audience else ""
    return ", ".join(_school_words(booking))


def _school_words(words: Mapping[str, str]) -> list[str]:
    label = words.get("class_label", "")
    level = words.get("level", "")
    group = label if level.casefold() in label.casefold() else f"{level} {label}".strip()
    return [part for part in (group, words.get("school_name", ""), words.get("commune", "")) if part]


def needs(facts: Facts, locale: str) -> list[str]:
    """Accessibility needs by kind and number."""
    return needs_of(facts.booking.get("needs") or {}, locale)


def needs_of(given: Mapping[str, int], locale: str) -> list[str]:
    """The same for any numbers of them."""
    return [say(locale, _NEEDS[kind], number=number) for kind, number in given.items() if kind in _NEEDS]


def ended(facts: Facts, locale: str) -> str:
    """Who cancelled, said to the booker. Who was never invited had a request, and no booking yet."""
    by = facts.more.get("by", "")
    if facts.was_invited:
        pattern = _ENDED.get(by, _("Cette réservation a été annulée."))
    else:
        pattern = _REQUEST_ENDED.get(by, _("Cette demande a été annulée."))
    return say(locale, pattern, host=facts.event["host"])


def before_move(facts: Facts, locale: str) -> list[str]:
    """What no longer holds after the host moved a visit: its old time, its old place, one line each."""
    was = facts.more.get("was") or {}
    lines = []
    if "starts_at" in was:
        start, end = (datetime.fromisoformat(was[name]) for name in ("starts_at", "ends_at"))
        lines.append(f"{instant_day(start, locale)}, {hours(start, end, locale)}")
    return lines + [str(was[name]) for name in ("meeting_point", "place", "title") if was.get(name)]


def elsewhere(facts: Facts, locale: str) -> list[tuple[str, int]]:
    """Where there is still room: a day and an hour with the title of its event, and the event's id."""
    found = facts.more.get("elsewhere") or []
    return [
        (f"{moment(datetime.fromisoformat(one['starts_at']), locale)} – {typeset('fr', one['title'])}", one["event_id"])
        for one in found
    ]


def deadline(instant: datetime, queued_at: datetime, locale: str) -> tuple[str, bool]:
    """How to say a deadline, and whether the day is part of it: an hour is enough on the day of the mail."""
    if clock.paris_day(instant) == clock.paris_day(queued_at):
        return hour(instant, locale), False
    return moment(instant, locale), True
