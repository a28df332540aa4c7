"""A small world for tests: one edition, two hosts, a debate, the visit inside it, a boat and a job dating."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from booking import clock
from booking.db import db
from booking.models import (
    Audience,
    Edition,
    Event,
    EventType,
    HostMails,
    Organisation,
    OrganisationKind,
    Party,
    Pool,
    PoolKind,
    Publication,
    Slot,
)
from booking.models.event import plain


@dataclass
class World:
    """Identifiers of what was built."""

    edition: int
    port: int
    debate: int
    visit: int
    boat: int
    dating: int
    debate_slot: int
    visit_slot: int
    boat_slot: int
    second_boat_slot: int
    dating_slot: int

    @classmethod
    def build(cls, visit_places: int = 31) -> World:
        edition = Edition(
            key="2026", number=15, year=2026, name="Semaine de l'industrie 2026", theme="Les métiers du fleuve",
            starts_on=date(2026, 11, 23), ends_on=date(2026, 11, 29), label_from=date(2026, 11, 9), label_until=date(2026, 12, 13),
            department="92", territory="Hauts-de-Seine",
        )  # fmt: skip
        port = Organisation(
            key="port",
            kind=OrganisationKind.COMPANY,
            name="Port de Gennevilliers",
            commune="Gennevilliers",
            email="accueil@port.example",
        )
        agency = Organisation(
            key="agence",
            kind=OrganisationKind.EMPLOYMENT_AGENCY,
            name="Agence de l'emploi",
            commune="Nanterre",
            email="agence@emploi.example",
        )
        db.session.add_all([edition, port, agency])
        debate = _event(
            edition,
            port,
            "debate",
            "Réunion-débat sur le canal Seine-Nord",
            EventType.ROUND_TABLE,
            (Audience.PUBLIC, Audience.OFFICIAL, Audience.PRESS),
        )
        visit = _event(
            edition,
            port,
            "visit",
            "Visite des activités portuaires",
            EventType.COMPANY_VISIT,
            (Audience.COLLEGE, Audience.LYCEE),
            parent=debate,
            levels=("4e", "3e", "2de"),
        )
        boat = _event(
            edition,
            port,
            "boat",
            "Le port vu du fleuve",
            EventType.COMPANY_VISIT,
            (Audience.COLLEGE, Audience.LYCEE, Audience.PUBLIC),
        )
        dating = _event(
            edition, agency, "dating", "Rencontres de l'emploi industriel", EventType.JOB_DATING, (Audience.JOBSEEKER,)
        )
        day = Pool(key="boat-day", kind=PoolKind.SHARED, event=boat, name="60 places sur le bateau vendredi", capacity=60)
        slots = [
            _slot(debate, datetime(2026, 11, 24, 13, 30, tzinfo=UTC), 150, [Pool(capacity=120)]),
            _slot(
                visit,
                datetime(2026, 11, 24, 13, 30, tzinfo=UTC),
                90,
                [Pool(capacity=visit_places)],
                pupils_per_adult=15,
                arrive_minutes_before=15,
            ),
            _slot(boat, datetime(2026, 11, 27, 9, 0, tzinfo=UTC), 60, [Pool(capacity=40), day], counts_adults=True),
            _slot(boat, datetime(2026, 11, 27, 13, 0, tzinfo=UTC), 60, [Pool(capacity=40), day], counts_adults=True),
            _slot(dating, datetime(2026, 11, 26, 8, 0, tzinfo=UTC), 180, [Pool(capacity=12)]),
        ]
        db.session.add_all(slots)
        db.session.commit()
        return cls(edition.id, port.id, debate.id, visit.id, boat.id, dating.id, *(slot.id for slot in slots))


def _event(
    edition: Edition, host: Organisation, key: str, title: str, kind: EventType, audiences: tuple[str, ...], **more: Any
) -> Event:
    return Event(
        edition=edition, host=host, key=key, title=title, type=kind, host_mails=HostMails.EACH, audiences=audiences, publication=Publication.PUBLISHED,
        summary=f"{title} : ce que l'on ne voit pas d'habitude.", place_name="Port de Gennevilliers", address="Route de la Seine",
        postcode="92230", commune="Gennevilliers", meeting_point="Accueil, bâtiment A", search_text=plain(f"{title} {host.name} Gennevilliers"),
        updated_at=clock.now(), **more,
    )  # fmt: skip


def _slot(event: Event, starts_at: datetime, minutes: int, pools: list[Pool], **more: Any) -> Slot:
    return Slot(
        event=event, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=minutes), pools=pools,
        closes_at=starts_at - timedelta(hours=2), headcount_until=starts_at - timedelta(hours=48), cancel_until=starts_at, **more,
    )  # fmt: skip


def a_class(pupils: int = 31, adults: int = 3, **more: Any) -> Party:
    """A class of a collège in Gennevilliers."""
    values: dict[str, Any] = {
        "audience": "school", "email": "prof@college.example", "name": "Camille Martin", "phone": "01 23 45 67 89",
        "school_name": "Collège du Port", "commune": "Gennevilliers", "level": "3e", "label": "3e B",
    }  # fmt: skip
    return Party(**(values | {"pupils": pupils, "adults": adults} | more))


def a_form(**more: Any) -> dict[str, str]:
    """The fields of a class's booking form, as a browser sends them."""
    party = a_class()
    values = {
        name: getattr(party, name)
        for name in ("email", "name", "phone", "school_name", "commune", "level", "label", "pupils", "adults")
    }
    return {name: str(value) for name, value in (values | {"audience": "school", "key": "form-key-1"} | more).items()}
