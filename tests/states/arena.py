"""The small world histories are played in: four events, seven slots with few places. Renewed by deleting rows, not by building."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.engine import Connection

from booking.db import db
from booking.models import (
    Audience,
    Booking,
    Edition,
    Event,
    EventType,
    HistoryEntry,
    Holding,
    HostEntry,
    Message,
    Offer,
    Organisation,
    OrganisationKind,
    Party,
    Pool,
    PoolKind,
    Publication,
    Slot,
    Wait,
    slot_pools,
)

BEGINS = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
"""A Monday, 10:00 in Paris; the first visit is a week later."""
ENDS = datetime(2026, 12, 5, 9, 0, tzinfo=UTC)
"""When every visit is over, and every deadline."""
PRESS_OPENS = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)
_MADE_BY_STEPS = tuple(model.__table__ for model in (Holding, Wait, Offer, Message, HostEntry, HistoryEntry, Booking))
_CHANGED_BY_STEPS = tuple(model.__table__ for model in (Event, Slot, Pool))

CLASSES = {
    "3A": ("prof-a@college.example", "Collège du Port", "0920001B"),
    "3A again": ("collegue-a@college.example", "Collège du Port", "0920001B"),  # the same class, another teacher
    "3B": ("prof-b@college.example", "Collège du Port", "0920001B"),
    "4A": ("prof-c@college.example", "Collège de l'Écluse", "0920002C"),
    "4B": ("prof-d@college.example", "Collège de l'Écluse", "0920002C"),
    "5A": ("prof-e@college.example", "Collège de la Rive", "0920003D"),
}
PEOPLE = {"Public": Audience.PUBLIC, "Press": Audience.PRESS, "Radio": Audience.PRESS}
NAMES = (*CLASSES, *PEOPLE)


def party(name: str, pupils: int, adults: int) -> Party:
    """Who comes: a class by its label, or a person alone."""
    if name in PEOPLE:
        return Party(audience=PEOPLE[name].value, email=f"{name.lower()}@demo.example", name=name)
    email, school, uai = CLASSES[name]
    return Party(
        audience="school", email=email, name="Camille Martin", school_name=school, school_uai=uai, commune="Gennevilliers",
        level="3e", label=name.removesuffix(" again"), pupils=pupils, adults=adults,
    )  # fmt: skip


@dataclass
class Arena:
    """The world of one database, built once; `renew` takes away what a history has made of it."""

    slots: list[int]
    """0 and 1 on the boat, 2 and 3 the visit, 4 and 5 where the host approves, 6 where the head does."""
    press: int
    """The pool reserved for the press on slot 2."""
    events: dict[int, int]
    """The event of each slot."""
    as_built: list[tuple[Table, list[dict[str, Any]]]]

    @classmethod
    def build(cls) -> Arena:
        edition = Edition(
            key="2026", number=15, year=2026, name="Semaine de l'industrie 2026", starts_on=date(2026, 11, 23),
            ends_on=date(2026, 11, 29), label_from=date(2026, 11, 9), label_until=date(2026, 12, 13), department="92",
            territory="Hauts-de-Seine", school_limit=4,
        )  # fmt: skip
        port = Organisation(key="port", kind=OrganisationKind.COMPANY, name="Port de Gennevilliers", email="accueil@port.example")
        boat = _event(edition, port, "boat", one_per_class=False)
        visit = _event(edition, port, "visit")
        workshop = _event(edition, port, "workshop", host_approval=True, host_answer_hours=48)
        talk = _event(edition, port, "talk", head_approval=True, head_answer_days=3)
        day = Pool(key="day", kind=PoolKind.SHARED, event=boat, name="12 places sur le bateau vendredi", capacity=12)
        press = Pool(
            key="press", kind=PoolKind.RESERVED, event=visit, name="Presse", capacity=3, audiences=(Audience.PRESS,),
            opens_at=PRESS_OPENS,
        )  # fmt: skip
        slots = [
            _slot(boat, 4, 9, 8, [day], counts_adults=True),
            _slot(boat, 4, 13, 8, [day], counts_adults=True),
            _slot(visit, 1, 13, 6, [press]),
            _slot(visit, 2, 13, 5, []),
            _slot(workshop, 0, 10, 6, []),
            _slot(workshop, 3, 10, 6, [], max_party=5),
            _slot(talk, 3, 14, 6, []),
        ]
        db.session.add_all(slots)
        db.session.commit()
        rows = [(table, [dict(row._mapping) for row in db.session.execute(select(table))]) for table in _CHANGED_BY_STEPS]
        rows.append((slot_pools, [dict(row._mapping) for row in db.session.execute(select(slot_pools))]))
        built = cls([slot.id for slot in slots], press.id, {slot.id: slot.event_id for slot in slots}, rows)
        db.session.remove()
        return built

    def renew(self) -> None:
        """Every row as it was built."""
        db.session.remove()
        with db.engine.begin() as connection:
            for table in (*_MADE_BY_STEPS, slot_pools):
                connection.execute(delete(table))
            for table, rows in self.as_built:
                if table is slot_pools:
                    connection.execute(insert(table), rows)
                else:
                    _put_back(connection, table, rows)


def _put_back(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    names = [column.name for column in table.columns if column.name != "id"]
    statement = update(table).where(table.c.id == bindparam("b_id")).values({name: bindparam(f"b_{name}") for name in names})
    connection.execute(statement, [{f"b_{name}": value for name, value in row.items()} for row in rows])


def _event(edition: Edition, host: Organisation, key: str, **more: Any) -> Event:
    return Event(
        edition=edition, host=host, key=key, title=key, type=EventType.COMPANY_VISIT, publication=Publication.PUBLISHED,
        audiences=(Audience.COLLEGE, Audience.PUBLIC, Audience.PRESS), commune="Gennevilliers", updated_at=BEGINS, **more,
    )  # fmt: skip


def _slot(event: Event, day: int, hour: int, capacity: int, pools: list[Pool], **more: Any) -> Slot:
    starts_at = datetime(2026, 11, 23 + day, hour, tzinfo=UTC)
    return Slot(
        event=event, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), closes_at=starts_at - timedelta(hours=2),
        pools=[Pool(key=f"own-{event.key}-{day}-{hour}", capacity=capacity), *pools],
        headcount_until=starts_at - timedelta(hours=48), cancel_until=starts_at, **more,
    )  # fmt: skip
