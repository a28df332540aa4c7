"""Bring the demo world into a database: all of it in one transaction, and only what is not there yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from booking import clock
from booking.db import db, in_transaction
from booking.demo import events, people
from booking.demo.arrivals import arrive
from booking.demo.files import next_week, read, read_programme
from booking.demo.parties import Parties
from booking.models import Edition, Event, Organisation, Pool, Slot

DEPARTMENT = "92"
TERRITORY = "Hauts-de-Seine"
_FIRST_COUNTED = (12, 2023)
"""The edition of 2023 was the twelfth; the demo counts on from there."""
_WINDOW = timedelta(days=14)
_ASKED_ABOUT = "activites-portuaires"
"""The event mail comes in about."""
_THEME = "L’industrie, côté coulisses"
_SUMMARY = (
    "Édition de démonstration : ses dates, son thème, ses événements et ses réservations sont inventés, sur le modèle des "
    "événements de 2011 et de 2023. Essayez tout : rien de ce que vous réservez ici n’engage personne."
)


@dataclass(frozen=True)
class Loaded:
    """What one loading added. All zero when everything was there."""

    current: str
    """Name and week of the current edition."""
    editions: int = 0
    events: int = 0
    slots: int = 0
    bookings: int = 0


def load_demo() -> Loaded:
    """Load the demo world, or find it loaded. When the latest demo week is over, the next one is added."""
    if (current := _current(clock.paris_day(clock.now()))) and not people.missing():
        return Loaded(_said(current))
    return in_transaction(_load)


def _current(today: date) -> Edition | None:
    statement = select(Edition).where(Edition.invented, Edition.ends_on >= today).order_by(Edition.starts_on.desc())
    return db.session.scalars(statement).first()


def _said(edition: Edition) -> str:
    return f"{edition.name}, {edition.starts_on:%d/%m/%Y} – {edition.ends_on:%d/%m/%Y}"


def _load() -> Loaded:
    today = clock.paris_day(clock.now())
    if current := _current(today):
        people.add()
        return Loaded(_said(current))  # another process was faster, or only people were missing
    loader = _Loader()
    loader.load_archives()
    current = loader.load_week(next_week(today))
    people.add()
    return Loaded(_said(current), len(loader.editions), len(loader.events), len(loader.slots), loader.parties.count)


class _Loader:
    """One loading. What has a row with the same key already is left as it is."""

    def __init__(self) -> None:
        files = read("organisations.yaml")
        self.communes: dict[str, Any] = files["communes"]
        self.hosts = {row.key: row for row in db.session.scalars(select(Organisation))}
        for key, data in files["organisations"].items():
            if key not in self.hosts:
                self.hosts[key] = events.organisation(key, data)
        db.session.add_all(self.hosts.values())
        self.editions: list[Edition] = []
        self.events: dict[str, Event] = {}
        self.slots: list[Slot] = []
        self.parties = Parties()

    def load_archives(self) -> None:
        """The editions of 2011 and 2023: their facts, and nobody's bookings."""
        known = set(db.session.scalars(select(Edition.key)))
        for data in read("archives.yaml")["editions"]:
            if data["key"] in known:
                continue
            edition = self._add_edition(_archive(data))
            for plan in data["events"]:
                self.slots += events.past_slots(self._add_event(edition, plan), plan)

    def load_week(self, monday: date) -> Edition:
        """The week to come, with its bookings."""
        edition = self._add_edition(_week(monday))
        shared: dict[str, Pool] = {}
        planned: list[tuple[Slot, Any]] = []
        for plan in read_programme():
            slots = events.coming_slots(self._add_event(edition, plan), plan, monday, shared)
            planned += zip(slots, plan["slots"], strict=True)
        self.slots += [slot for slot, _ in planned]
        db.session.flush()
        for plan in read_programme():
            events.tell_of_label(self.events[f"{edition.key}-{plan['key']}"], plan)
        for slot, plan in planned:
            self.parties.book(slot, plan.get("booked", ()))
            self.parties.wait(slot, plan.get("waiting", ()))
        self.parties.leave()
        self.parties.silence()
        arrive(self.events[f"{edition.key}-{_ASKED_ABOUT}"])
        return edition

    def _add_edition(self, edition: Edition) -> Edition:
        db.session.add(edition)
        self.editions.append(edition)
        return edition

    def _add_event(self, edition: Edition, plan: dict[str, Any]) -> Event:
        parent = self.events[f"{edition.key}-{plan['parent']}"] if "parent" in plan else None
        made = events.event(edition, self.hosts[plan["host"]], parent, plan, self.communes)
        self.events[made.key] = made
        return made


def _archive(data: dict[str, Any]) -> Edition:
    """An edition as its press release tells it. `facts["invented"]` names the values that are ours."""
    ours = {plan["key"]: plan["invented"] for plan in data["events"] if plan.get("invented")}
    return Edition(
        key=data["key"],
        number=data["number"],
        year=data["starts_on"].year,
        name=data["name"],
        theme=data.get("theme"),
        starts_on=data["starts_on"],
        ends_on=data["ends_on"],
        label_from=data["label_from"],
        label_until=data["label_until"],
        department=DEPARTMENT,
        territory=TERRITORY,
        summary=data["summary"],
        facts=data["facts"] | {"invented": {"edition": data["invented"], "events": ours}},
    )


def _week(monday: date) -> Edition:
    """The demo edition of one week. Its key is its Monday: a year may see several demo weeks."""
    number, year = _FIRST_COUNTED
    sunday = monday + timedelta(days=6)
    return Edition(
        key=monday.isoformat(),
        number=number + monday.year - year,
        year=monday.year,
        name=f"Semaine de l’industrie {monday.year}",
        theme=_THEME,
        starts_on=monday,
        ends_on=sunday,
        label_from=monday - _WINDOW,
        label_until=sunday + _WINDOW,
        department=DEPARTMENT,
        territory=TERRITORY,
        summary=_SUMMARY,
        invented=True,
    )
