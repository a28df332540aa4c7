"""The demo world: true to the releases, complete enough to see every state, and loaded as often as one likes."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking import clock
from booking.app import create_app
from booking.cli.demo import said
from booking.db import db
from booking.demo import load as loading
from booking.demo import load_demo, people
from booking.demo.files import next_week, read, read_programme
from booking.i18n import LOCALES, translate
from booking.mail.inbox import decide_all
from booking.models import (
    Account,
    Arrived,
    Audience,
    Booking,
    Decision,
    Delivery,
    Edition,
    Event,
    EventType,
    HeldFor,
    HistoryEntry,
    Holding,
    HostEntry,
    HostMails,
    Inbound,
    Label,
    Message,
    Organisation,
    Pool,
    PoolKind,
    Publication,
    Slot,
    Status,
)  # fmt: skip
from booking.models.event import plain
from booking.queries import doctor
from booking.queries.search_text import search_text_for
from booking.vocabulary import TYPES
from tests.conftest import NOW
from tests.databases import settings_for

_TABLES = (Edition, Organisation, Event, Label, Slot, Pool, Booking, Holding, HistoryEntry, Message)


@pytest.fixture(scope="module")
def loaded_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the demo world in it, loaded once: what it holds is no affair of the kind of database."""
    path = tmp_path_factory.mktemp("demo") / "demo.sqlite3"
    shutil.copy(sqlite_template, path)
    with clock.clock_at(NOW), opened(path):
        load_demo()
    return path


@contextmanager
def opened(path: Path) -> Iterator[Flask]:
    app = create_app(settings_for(f"sqlite:///{path}"))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def demo(loaded_file: Path, tmp_path: Path, frozen: datetime) -> Iterator[Flask]:
    shutil.copy(loaded_file, tmp_path / "demo.sqlite3")
    with opened(tmp_path / "demo.sqlite3") as app:
        yield app


def counts() -> list[int]:
    db.session.rollback()
    return [db.session.scalar(select(func.count()).select_from(table)) or 0 for table in _TABLES]


def current() -> Edition:
    return db.session.scalars(select(Edition).where(Edition.invented).order_by(Edition.starts_on.desc())).first()  # type: ignore[return-value]


def event(key: str, edition: str | None = None) -> Event:
    return db.session.scalars(select(Event).where(Event.key == f"{edition or current().key}-{key}")).one()


def slots() -> list[Slot]:
    return list(db.session.scalars(select(Slot).join(Event).where(Event.edition_id == current().id)))


def open_slots() -> list[Slot]:
    return [slot for slot in slots() if slot.closed_because() is None]


@pytest.mark.parametrize(
    ("today", "monday"),
    [
        (date(2026, 11, 16), date(2026, 11, 23)),  # a Monday
        (date(2026, 11, 20), date(2026, 11, 23)),  # Friday: three days are enough
        (date(2026, 11, 21), date(2026, 11, 30)),  # Saturday: headcounts could hardly be changed
        (date(2026, 12, 29), date(2027, 1, 4)),
    ],
)
def test_the_week_to_come_is_the_first_monday_at_least_three_days_away(today: date, monday: date) -> None:
    assert next_week(today) == monday


def test_the_releases_of_2011_and_2023_are_told_and_nothing_else(demo: Flask) -> None:
    first, twelfth = db.session.scalars(select(Edition).where(Edition.key.in_(["2011", "2023"])).order_by(Edition.year))
    assert (first.number, first.starts_on, first.ends_on, first.theme) == (1, date(2011, 4, 4), date(2011, 4, 10), None)
    assert (twelfth.number, twelfth.starts_on, twelfth.ends_on) == (12, date(2023, 11, 27), date(2023, 12, 3))
    assert twelfth.theme == "Avec l’industrie, fabrique ton avenir"
    assert twelfth.facts["labelled_events_in_department"] == 53
    assert twelfth.facts["key_figures"] == {
        "establishments": 1928,
        "employees": 95000,
        "share_of_department_employees_percent": 8.6,
    }
    assert not first.invented
    assert not twelfth.invented
    starts = {
        key: clock.in_paris(event(key, "2011").slots[0].starts_at).strftime("%m-%d %H:%M")
        for key in ("coca-cola", "canal-seine-nord", "activites-portuaires", "wizarbox")
    }
    assert starts == {
        "coca-cola": "04-04 14:00", "canal-seine-nord": "04-05 14:30", "activites-portuaires": "04-05 14:30", "wizarbox": "04-07 14:30",
    }  # fmt: skip
    assert event("activites-portuaires", "2011").parent is event("canal-seine-nord", "2011")
    assert clock.paris_day(event("port-en-bateau", "2011").slots[0].starts_at) == date(2011, 4, 8)
    assert event("lancement", "2023").host.name == "Groupe Balas"


def test_what_a_release_leaves_out_is_named_on_the_page_and_in_the_facts(demo: Flask) -> None:
    boat = event("port-en-bateau", "2011")
    assert not boat.invented
    assert "Inventé pour cette page" in boat.description
    assert "l’heure de début" in boat.description
    assert "starts_at" in boat.edition.facts["invented"]["events"]["port-en-bateau"]
    assert "l’heure de début" not in event("wizarbox", "2011").description


def test_every_value_a_release_leaves_out_has_a_name_for_the_page() -> None:
    for edition in read("archives.yaml")["editions"]:
        for plan in edition["events"]:
            assert {"ends_at", "capacity"} & set(plan["invented"]) or plan["key"] == "activites-portuaires"


def test_everything_of_the_week_to_come_says_that_it_is_invented(demo: Flask) -> None:
    edition = current()
    assert (edition.starts_on, edition.ends_on) == (date(2026, 11, 23), date(2026, 11, 29))
    assert (edition.number, edition.year) == (15, 2026)
    assert edition.label_from < edition.starts_on < edition.ends_on < edition.label_until
    assert "inventés" in edition.summary
    week = list(db.session.scalars(select(Event).where(Event.edition_id == edition.id)))
    assert all(event.invented for event in week)
    real = {"Port de Gennevilliers", "Préfecture des Hauts-de-Seine", "Académie de Versailles"}
    real.add("Chambre de commerce et d’industrie des Hauts-de-Seine")
    assert {event.host.name for event in week if not event.host.invented} <= real


def test_every_address_leads_nowhere(demo: Flask) -> None:
    addresses = [*db.session.scalars(select(Organisation.email)), *db.session.scalars(select(Booking.email))]
    addresses += db.session.scalars(select(Message.recipient))
    assert all(address.endswith(".example") for address in addresses if address)


def test_the_week_has_every_type_and_audience_and_every_day(demo: Flask) -> None:
    week = list(db.session.scalars(select(Event).where(Event.edition_id == current().id)))
    assert len(week) >= 24
    assert {event.type for event in week} == set(EventType)
    assert {audience for event in week for audience in event.audiences} == set(Audience)
    assert {clock.paris_day(slot.starts_at) for slot in slots()} == set(current().days)
    assert len(slots()) >= 60
    assert {event.publication for event in week} == {Publication.PUBLISHED}
    assert {event.is_labelled for event in week} == {True, False}


def test_the_visit_inside_the_debate_has_31_places_and_all_of_them_are_free(demo: Flask) -> None:
    debate, visit = event("canal-seine-nord"), event("activites-portuaires")
    assert visit.parent is debate
    assert debate.slots[0].capacity == 120
    slot = visit.slots[0]
    assert (slot.capacity, slot.taken, slot.counts_adults, slot.pupils_per_adult) == (31, 0, False, 15)
    assert clock.in_paris(slot.starts_at).strftime("%a %H:%M") == "Tue 14:30"
    assert debate.slots[0].starts_at <= slot.starts_at
    assert slot.ends_at <= debate.slots[0].ends_at
    assert slot.arrive_at == slot.starts_at - timedelta(minutes=15)
    assert set(visit.levels) == {"4e", "3e", "2de"}


def test_the_boat_of_friday_has_60_places_for_all_its_tours(demo: Flask) -> None:
    tours = event("port-en-bateau").slots
    shared = set.intersection(*({pool.id for pool in tour.pools} for tour in tours))
    pool = db.session.get_one(Pool, shared.pop())
    assert (pool.name, pool.capacity) == ("60 places sur le bateau vendredi", 60)
    assert all(tour.counts_adults and len(tour.pools) in {2, 3} for tour in tours)
    assert {clock.in_paris(tour.starts_at).strftime("%a") for tour in tours} == {"Fri"}
    assert pool.taken == sum(source.taken for tour in tours for source in tour.pools if source is not pool)


def test_every_state_can_be_seen(demo: Flask) -> None:
    left = [(slot.remaining, slot.capacity) for slot in open_slots()]
    assert any(remaining == capacity for remaining, capacity in left)
    assert any(0 < remaining <= 5 for remaining, _ in left)
    assert any(remaining == 0 for remaining, _ in left)
    assert any(remaining > 5 and remaining < capacity for remaining, capacity in left)
    closed = [refusal.why for slot in slots() if (refusal := slot.closed_because())]
    assert {"not_yet", "too_late", "cancelled"} == set(closed)
    assert db.session.scalar(select(func.count()).select_from(Event).where(Event.cancelled_at.is_not(None))) == 1
    states = set(db.session.scalars(select(Booking.status)))
    assert {Status.HELD, Status.WAITING, Status.CONFIRMED, Status.CANCELLED} == states
    assert set(HeldFor) == set(db.session.scalars(select(Booking.held_for).where(Booking.status == Status.HELD)))
    assert db.session.scalars(select(Pool).where(Pool.kind == PoolKind.RESERVED)).all()
    assert "headcount_changed" in set(db.session.scalars(select(HistoryEntry.action)))


@pytest.mark.parametrize("days", [4, 5], ids=["near, from a Friday", "far, from a Saturday"])
def test_every_state_can_be_seen_whatever_day_it_is_loaded(sqlite_template: Path, tmp_path: Path, days: int) -> None:
    shutil.copy(sqlite_template, tmp_path / "demo.sqlite3")
    with clock.clock_at(NOW + timedelta(days=days, hours=10)), opened(tmp_path / "demo.sqlite3") as app:
        load_demo()
        test_every_state_can_be_seen(app)
        assert event("activites-portuaires").slots[0].headcount_until > clock.now()


def test_no_mail_of_the_demo_world_is_left_for_an_smtp_server(demo: Flask) -> None:
    assert set(db.session.scalars(select(Message.delivery))) == {Delivery.SENT}
    assert db.session.scalar(select(func.count()).select_from(Message)) > 100
    assert set(db.session.scalars(select(HostEntry.due_at))) == {None}


def test_one_host_hears_of_each_booking_and_the_others_once_a_day(demo: Flask) -> None:
    wishes = select(Event.host_mails, func.count()).join(Edition).where(Edition.invented).group_by(Event.host_mails)
    assert dict(db.session.execute(wishes).all()).get(HostMails.EACH) == 1
    assert event("activites-portuaires").host_mails is HostMails.EACH


def test_it_breaks_no_rule_and_loading_it_again_changes_nothing(app: Flask) -> None:
    load_demo()
    doctor.open_snapshot()
    assert [finding.broken for finding in doctor.examine() if finding.broken] == []
    assert list(doctor.attention()) == []
    before = counts()
    loaded = load_demo()
    assert counts() == before
    assert (loaded.editions, loaded.events, loaded.slots, loaded.bookings) == (0, 0, 0, 0)
    assert said(loaded).startswith("The demo world is there already")


def test_two_that_load_at_once_load_once(demo: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    before = counts()
    answers: list[Edition | None] = [None]
    seen = loading._current
    monkeypatch.setattr(loading, "_current", lambda today: answers.pop() if answers else seen(today))
    load_demo()  # saw an empty database, and finds it loaded once it may write
    assert counts() == before


def test_the_second_load_is_quick(demo: Flask) -> None:
    begun = datetime.now()
    load_demo()
    assert (datetime.now() - begun).total_seconds() < 0.5


def test_when_its_week_is_over_the_next_load_adds_one(demo: Flask) -> None:
    before = counts()
    with clock.clock_at(NOW + timedelta(days=13)):  # Sunday, the last day
        assert load_demo().editions == 0
    with clock.clock_at(NOW + timedelta(days=14)):
        loaded = load_demo()
        assert loaded.editions == 1
        assert current().starts_on == date(2026, 12, 7)
        assert load_demo().editions == 0
    assert counts()[:2] == [before[0] + 1, before[1]]


def test_a_load_that_fails_leaves_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(loading.Parties, "book", fail)
    with pytest.raises(RuntimeError):
        load_demo()
    assert counts() == [0] * len(_TABLES)


def test_the_command_says_what_it_did(demo: Flask) -> None:
    result = demo.test_cli_runner().invoke(args=["demo", "load"])
    assert result.exit_code == 0
    assert (
        result.output
        == "The demo world is there already; nothing was changed. Current: Semaine de l’industrie 2026, 23/11/2026 – 29/11/2026.\n"
    )
    first = said(loading.Loaded("Semaine de l’industrie 2026", editions=3, events=31, slots=75, bookings=177))
    assert "3 editions, 31 events, 75 slots, 177 bookings" in first


def test_the_texts_fit_and_the_places_are_on_the_map() -> None:
    communes = read("organisations.yaml")["communes"]
    for plan in read_programme():
        assert len(plan["title"]) <= 140
        assert len(plan["summary"]) <= 300
        assert 2 <= len(plan["description"].strip().split("\n\n")) <= 4
        assert all(
            len(plan.get(name, "")) <= most
            for name, most in {"conditions": 400, "access_info": 400, "accessibility_note": 300}.items()
        )
        assert plan["type"] == "online" or plan["commune"] in communes
    assert all(48.7 < place["latitude"] < 49 and 2.1 < place["longitude"] < 2.4 for place in communes.values())
    assert all(place["postcode"].startswith("92") for place in communes.values())


def test_an_event_is_found_by_its_words_without_accents_in_both_languages(demo: Flask) -> None:
    found = event("memoire-usines").search_text
    for word in ("memoire des usines", "courbevoie", "exposition", "grand public", "boucle"):
        assert word in found
    visit = event("activites-portuaires")
    assert visit.search_text == search_text_for(visit)
    assert all(word in visit.search_text for word in plain("Collégiens d’entreprise d'entreprise").split())
    assert all(plain(translate(locale, TYPES[visit.type])) in visit.search_text for locale in LOCALES)


def test_mail_has_come_in_and_is_decided_like_any_other(demo: Flask) -> None:
    decided = decide_all(demo.config["SETTINGS"])
    assert decided == Counter({Decision.NOTED: 1, Decision.PASSED_ON: 2})
    said = {
        mail.organisation_id is None: mail.arrived for mail in db.session.scalars(select(Inbound).order_by(Inbound.id.desc()))
    }
    assert said == {True: Arrived.HUMAN, False: Arrived.REPLY}
    assert [account.email for account in db.session.scalars(select(Account).where(Account.operates))] == [people.OPERATOR_ADDRESS]
