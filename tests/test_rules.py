"""Who may book: each rule says no with the same words through every door, to the second, and to two who ask at once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from booking import clock
from booking.actions import book_places as verb
from booking.actions.book_places import Terms, book_places
from booking.actions.confirm_booking import confirm_booking
from booking.actions.import_words import event_text, slot_text
from booking.actions.limits import Limiter
from booking.db import db, in_transaction
from booking.errors import BookingClosed, ClassBooked, Invalid, PriorityOnly, Problem, Refusal, SchoolLimit, SlotFull
from booking.models import Audience, Booking, Edition, Event, HeldFor, HistoryEntry, Party, Pool, Slot, Status, Subject
from booking.models.admission import Overlap, Standing, levels_admitted, misfits, refusal_for, rule_against, warnings_for
from booking.models.edition_words import read_edition, say_schools
from booking.models.event_words import read_event
from booking.models.slot_words import read_terms
from booking.queries import fetch, standing
from booking.queries.standing import cautions_of
from booking.wording import caution_sentence, problem_sentence, refusal_sentence
from tests.conftest import NOW
from tests.event_forms import WORDS, newest, typed
from tests.workspaces import authority_of, manager_of
from tests.world import World, a_class, a_form

UAI, OTHER_UAI = "0920001B", "0920140C"
SECOND = timedelta(seconds=1)
START = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
UNLIMITED = Limiter(secret="s", network="127.0.0.1", on=False)


def a_slot(*, event: Mapping[str, Any] = {}, edition: Mapping[str, Any] = {}, **more: Any) -> Slot:
    """A slot nobody has stored, for 31 pupils in the middle of the week."""
    week = {"starts_on": date(2026, 11, 23), "ends_on": date(2026, 11, 29), "label_until": date(2026, 12, 13)}
    around = Edition(**(week | {"priority_schools": {}} | edition))
    held = {"audiences": (Audience.COLLEGE, Audience.LYCEE), "levels": (), "one_per_class": True}
    values: dict[str, Any] = {
        "starts_at": START, "ends_at": START + timedelta(minutes=90), "closes_at": START - timedelta(hours=2), "counts_adults": False,
        "min_party": 1, "adults_required": False, "pools": [Pool(id=1, capacity=31, taken=0)],
    }  # fmt: skip
    return Slot(event=Event(**(held | event), edition=around), **(values | more))


def code(refusal: Refusal | None) -> str | dict[str, str] | None:
    """A refusal as programs read it: its code, or those of its fields."""
    if isinstance(refusal, Invalid):
        return {name: problem.code for name, problem in refusal.fields.items()}
    return refusal.code if refusal else None


def text(answer: TestResponse) -> str:
    bare = re.sub(r"<[^>]+>", " ", re.sub(r"<script.*?</script>", "", answer.get_data(as_text=True), flags=re.DOTALL))
    return re.sub(r"\s+", " ", unescape(bare)).replace("\u00a0", " ")


def said(sentence: str) -> str:
    return " ".join(sentence.replace("\u00a0", " ").split())


# The rules themselves, without a database.


@pytest.mark.parametrize(
    ("audiences", "levels", "admitted"),
    [
        (("college",), (), ("6e", "5e", "4e", "3e", "autre")),
        (("lycee",), (), ("2de", "1re", "terminale", "CAP", "BTS", "autre")),
        (("apprentice",), (), ("CAP", "BTS", "autre")),
        (("college", "student"), (), ("6e", "5e", "4e", "3e", "BTS", "autre")),
        (("college",), ("4e", "3e", "2de"), ("4e", "3e", "2de")),
    ],
)
def test_levels_a_host_names_are_admitted_and_otherwise_those_of_its_audiences(
    audiences: tuple[str, ...], levels: tuple[str, ...], admitted: tuple[str, ...]
) -> None:
    slot = a_slot(event={"audiences": audiences, "levels": levels})
    assert levels_admitted(slot.event) == admitted
    for level in ("6e", "3e", "2de", "CAP", "BTS", "autre"):
        assert ("level" in misfits(slot, a_class(level=level))) == (level not in admitted)


def test_a_level_is_too_young_where_nobody_of_it_is_old_enough_and_only_warned_where_some_are() -> None:
    slot = a_slot(event={"min_age": 16})
    assert levels_admitted(slot.event) == ("2de", "1re", "terminale", "CAP", "BTS", "autre")
    assert code(rule_against(slot, a_class(level="3e"), NOW)) == {"level": "too_young"}
    assert [caution.code for caution in warnings_for(slot, a_class(level="2de"), Standing())] == ["some_too_young"]
    assert warnings_for(a_slot(event={"min_age": 14}), a_class(level="2de"), Standing()) == []


def test_a_pupil_alone_is_no_party_and_a_person_is_no_group() -> None:
    slot = a_slot(event={"audiences": ("college", "public")}, min_party=10)
    person = Party(audience="public", email="p@demo.example", name="P")
    assert code(rule_against(slot, person, NOW)) is None
    assert code(rule_against(slot, replace(person, audience="college"), NOW)) == {"audience": "audience_not_admitted"}


def test_sizes_are_counted_in_places() -> None:
    assert code(rule_against(a_slot(max_party=31), a_class(31, 3), NOW)) is None
    refused = rule_against(a_slot(max_party=31, counts_adults=True), a_class(31, 3), NOW)
    assert isinstance(refused, Invalid)
    assert refused.fields["pupils"] == Problem("party_too_large", {"largest": 31, "places": 34})


def test_missing_adults_are_refused_where_the_site_requires_them_and_warned_of_elsewhere() -> None:
    asked, required = (a_slot(pupils_per_adult=15, adults_required=strict) for strict in (False, True))
    assert code(rule_against(asked, a_class(31, 2), NOW)) is None
    assert [dict(caution.facts) for caution in warnings_for(asked, a_class(31, 2), Standing())] == [{"wanted": 3, "missing": 1}]
    assert code(rule_against(required, a_class(31, 2), NOW)) == {"adults": "adults_missing"}
    assert code(rule_against(required, a_class(31, 3), NOW)) is None


def test_booking_opens_and_closes_to_the_second() -> None:
    opens = NOW + timedelta(hours=1)
    for slot in (a_slot(opens_at=opens), a_slot(edition={"bookings_open_at": opens})):
        for now, expected in (
            (opens - SECOND, "not_yet"),
            (opens, None),
            (slot.closes_at - SECOND, None),
            (slot.closes_at, "too_late"),
        ):
            with clock.clock_at(now):
                refused = refusal_for(slot, a_class(), now)
            assert getattr(refused, "why", None) == expected
            assert refusal_for(slot, a_class(), now, by_host=True) is None, "hours do not bind the host"


def test_priority_schools_alone_book_until_the_later_of_two_moments() -> None:
    window = {"priority_until": NOW + timedelta(days=1), "priority_schools": {UAI: "REP"}}
    listed, other, unnamed = (a_class(school_uai=uai) for uai in (UAI, OTHER_UAI, ""))
    for own, until in ((None, 1), (NOW, 1), (NOW + timedelta(days=2), 2)):
        slot, end = a_slot(edition=window, event={"priority_until": own}), NOW + timedelta(days=until)
        assert slot.event.priority_ends == end
        assert rule_against(slot, listed, end - SECOND) is None
        refused = [rule_against(slot, party, end - SECOND) for party in (other, unnamed)]
        assert [(code(one), one and one.facts) for one in refused] == [
            ("priority_only", {"at": end, "uai_missing": False}), ("priority_only", {"at": end, "uai_missing": True}),
        ]  # fmt: skip
        assert rule_against(slot, other, end) is None
        assert rule_against(slot, other, NOW, by_host=True) is None
    assert rule_against(a_slot(edition=window | {"priority_schools": {}}), other, NOW) is None, "nobody to give priority to"


def test_a_class_and_a_school_have_their_number_and_a_person_has_none() -> None:
    has = Standing(school_bookings=2, same_class="7KQ4-M9TX")
    person = Party(audience="public", email="p@demo.example", name="P")
    strict = a_slot(edition={"school_limit": 2}, event={"audiences": ("college", "public")})
    assert code(rule_against(strict, a_class(), NOW, standing=has)) == "class_booked"
    assert code(rule_against(strict, a_class(), NOW, standing=Standing(school_bookings=2))) == "school_limit"
    assert rule_against(strict, a_class(), NOW, standing=Standing(school_bookings=1)) is None
    assert rule_against(a_slot(event={"one_per_class": False}), a_class(), NOW, standing=has) is None
    assert rule_against(strict, person, NOW, standing=has) is None


def test_an_overlap_names_the_other_visit_to_nobody_but_who_booked_it() -> None:
    other = Overlap("7KQ4-M9TX", "Le port vu du fleuve", 3, START, START)
    hidden, named = (warnings_for(a_slot(), a_class(), Standing(overlaps=(replace(other, own=own),)))[0] for own in (False, True))
    assert (hidden.code, dict(hidden.facts)) == ("overlap", {})
    assert (named.code, named.facts["event_id"]) == ("overlap_own", 3)
    assert "Le port vu du fleuve" in caution_sentence(named, "fr")


# Their words, as forms and files write them.


def test_what_a_form_says_of_the_rules_is_read_with_sensible_limits() -> None:
    read = read_event(
        {
            "title": "x",
            "host_answer_hours": "",
            "head_answer_days": "30",
            "one_per_class": None,
            "priority_until": "2026-11-20T08:00",
        }
    )
    assert (read["host_answer_hours"], read["head_answer_days"], read["one_per_class"]) == (72, 30, False)
    assert read["priority_until"] == datetime(2026, 11, 20, 7, tzinfo=UTC)
    with pytest.raises(Invalid) as refused:
        read_event({"title": "x", "host_answer_hours": "337", "head_answer_days": "0", "priority_until": "demain"})
    assert code(refused.value) == {
        "host_answer_hours": "too_high",
        "head_answer_days": "too_low",
        "priority_until": "not_a_moment",
    }
    with pytest.raises(Invalid) as refused:
        read_terms({"adults_required": "1"})
    assert code(refused.value) == {"pupils_per_adult": "adults_for_how_many"}
    assert read_terms({"adults_required": "oui", "pupils_per_adult": "15"}).adults_required


def test_a_file_says_the_rules_in_the_words_of_forms() -> None:
    line = {"titre": "x", "une_par_classe": "non", "accord_organisateur": "oui", "accord_chef_etablissement": "oui"}
    read = read_event(event_text(line))
    assert (read["one_per_class"], read["host_approval"], read["head_approval"]) == (False, True, True)
    slot = slot_text({"debut": "24/11/2026 14:30", "fin": "16:00", "adultes_exiges": "oui", "eleves_par_adulte": "15"})
    assert slot
    assert read_terms(slot.raw).adults_required


EDITION = {
    "number": "15", "year": "2026", "name": "Semaine", "starts_on": "2026-11-23", "ends_on": "2026-11-29", "territory": "Hauts-de-Seine",
    "department": "92", "label_from": "2026-11-09", "label_until": "2026-12-13",
}  # fmt: skip


def test_priority_schools_are_read_line_by_line_and_every_wrong_line_is_named() -> None:
    schools = f"{UAI.lower()} rep\n\n 092 0140 C ; REP+ \n0751234J\tQPV"
    words = read_edition(EDITION | {"priority_schools": schools, "priority_until": "2026-11-10T08:00", "school_limit": "3"})
    assert words.priority_schools == {UAI: "REP", OTHER_UAI: "REP+", "0751234J": "QPV"}
    assert words.school_limit == 3
    assert (
        read_edition(EDITION | {"priority_schools": say_schools(words.priority_schools)}).priority_schools
        == words.priority_schools
    )
    with pytest.raises(Invalid) as refused:
        read_edition(EDITION | {"priority_schools": f"{UAI} REP\n0920001A REP\n{UAI} QPV\ncollège du Port"})
    sentence = problem_sentence(refused.value.fields["priority_schools"], "en")
    assert all(
        part in sentence for part in ("Line 2: the UAI code “0920001A”", f"Line 3: the UAI code {UAI}", "on line 1", "Line 4")
    )
    with pytest.raises(Invalid) as refused:
        read_edition(EDITION | {"priority_until": "2026-11-10T08:00", "school_limit": "0"})
    assert code(refused.value) == {"priority_schools": "schools_missing", "school_limit": "too_low"}


# Each rule through each door.


@dataclass(frozen=True)
class Case:
    """A rule in the way of a class of 31 with 2 adults at the visit, or of whoever `typed` makes of it."""

    name: str
    refusal: Refusal
    set: Callable[[World], None]
    typed: Mapping[str, str] = field(default_factory=dict)
    slot: str = "visit_slot"
    binds_host: bool = True
    binds_who_waits: bool = True


def on(kind: type[Slot] | type[Event] | type[Edition], **values: Any) -> Callable[[World], None]:
    """Sets columns of the visit's slot, of the events or of the edition."""

    def set_them(world: World) -> None:
        for row in db.session.scalars(select(kind).where(kind.id == world.visit_slot if kind is Slot else kind.id > 0)):
            for name, value in values.items():
                setattr(row, name, value)
        db.session.commit()

    return set_them


def nothing(_world: World) -> None:
    """The world is as it is."""


def book(slot_id: int, party: Party, key: str, **more: Any) -> Booking:
    return in_transaction(lambda: book_places(slot_id, party, Terms(key=key, locale="fr", limiter=UNLIMITED, **more)))


def a_colleague_has_booked(world: World) -> None:
    party = a_class(5, 1, email="collegue@college.example", school_name="COLLEGE  du port", label="3eme b")
    book(world.visit_slot, party, "colleague")


def the_school_has_enough(world: World) -> None:
    on(Edition, school_limit=1)(world)
    party = a_class(5, 1, email="autre@college.example", label="4e A", level="4e")
    book(world.boat_slot, party, "school")


PERSON = {"audience": "public", "name": "Lou Petit", "email": "lou@personne.example"}
LATER = NOW + timedelta(days=1)
VISIT_LEVELS = ("4e", "3e", "2de")
CASES = [
    Case("a class where none is admitted", Invalid({"audience": Problem("audience_not_admitted", {"audiences": ("jobseeker",)})}),
         nothing, slot="dating_slot"),
    Case("a person where classes come", Invalid({"audience": Problem("audience_not_admitted", {"audiences": ("college", "lycee")})}),
         nothing, PERSON),
    Case("level", Invalid({"level": Problem("level_not_admitted", {"levels": VISIT_LEVELS})}), nothing, {"level": "6e"}),
    Case("age of a class", Invalid({"level": Problem("too_young", {"age": 16})}), on(Event, min_age=16)),
    Case("age of a person", Invalid({"old_enough": Problem("age_not_said", {"age": 16})}), on(Event, min_age=16), PERSON, "boat_slot"),
    Case("smallest party", Invalid({"pupils": Problem("party_too_small", {"smallest": 32, "places": 31})}), on(Slot, min_party=32)),
    Case("largest party", Invalid({"pupils": Problem("party_too_large", {"largest": 30, "places": 31})}), on(Slot, max_party=30)),
    Case("adults", Invalid({"adults": Problem("adults_missing", {"wanted": 3, "missing": 1})}), on(Slot, adults_required=True)),
    Case("one booking per class", ClassBooked(reference=""), a_colleague_has_booked),
    Case("bookings per school", SchoolLimit(limit=1), the_school_has_enough),
    Case("priority, without a UAI", PriorityOnly(at=LATER, uai_missing=True),
         on(Edition, priority_until=LATER, priority_schools={UAI: "REP"}), binds_host=False),
    Case("priority, for another school", PriorityOnly(at=LATER, uai_missing=False),
         on(Edition, priority_until=LATER, priority_schools={UAI: "REP"}), {"school_uai": OTHER_UAI}, binds_host=False),
    Case("head to ask, school unknown", Invalid({"school_uai": Problem("uai_for_head")}), on(Event, head_approval=True), binds_host=False, binds_who_waits=False),
    Case("head asked for, school unknown", Invalid({"school_uai": Problem("uai_for_head")}), nothing, {"head_asked": "1"}, binds_who_waits=False),
    Case("not open yet", BookingClosed("not_yet", at=LATER), on(Edition, bookings_open_at=LATER), binds_host=False),
    Case("closed", BookingClosed("too_late", at=NOW), on(Slot, closes_at=NOW), binds_host=False),
    Case("past", BookingClosed("past"), on(Slot, starts_at=NOW - SECOND, closes_at=NOW - SECOND)),
    Case("cancelled", BookingClosed("cancelled"), on(Slot, cancelled_at=NOW)),
    Case("archived", BookingClosed("archived"), on(Edition, archived_at=NOW)),
    Case("full", SlotFull(remaining=31, wanted=32), nothing, {"pupils": "32"}, binds_who_waits=False),
]  # fmt: skip


def sent_as_json(typed: Mapping[str, str]) -> dict[str, Any]:
    """What a form sends, as a program sends it."""
    body: dict[str, Any] = {name: typed[name] for name in ("audience", "email", "name")}
    if typed["audience"] != "school":
        return body | {"person": {}}
    group: dict[str, Any] = {name: typed[name] for name in ("school_name", "commune", "level", "label")}
    group |= {"pupils": int(typed["pupils"]), "adults": int(typed["adults"])}
    group |= {"school_uai": typed["school_uai"]} if "school_uai" in typed else {}
    return body | {"group": group | ({"head_asked": True} if "head_asked" in typed else {})}


def code_in_json(answer: TestResponse) -> str | dict[str, str] | None:
    if answer.status_code == 201:
        return None
    body: dict[str, Any] = answer.json
    found = {name.rpartition(".")[2]: one["code"] for name, one in body.get("fields", {}).items()}
    return found or str(body["code"])


def test_every_door_says_no_with_the_same_words(app: Flask, client: FlaskClient, world: World) -> None:
    """Whoever takes a rule out of `booking.models.admission`, or lets a door forget to ask, finds the case here."""
    hosts = {
        world.visit_slot: world.port,
        world.boat_slot: world.port,
        world.dating_slot: fetch.slot(world.dating_slot).event.host_id,
    }
    staff = {owner: manager_of(app, owner, f"{owner}@host.example").client for owner in set(hosts.values())}
    untouched, wrong = terms_of_the_world(), list[str]()
    for case in CASES:
        db.session.rollback()
        slot_id = getattr(world, case.slot)
        typed_in = a_form(**({"adults": "2", "key": case.name} | dict(case.typed)))
        case.set(world)
        before = list(db.session.scalars(select(Booking.reference)))
        json = {"Idempotency-Key": case.name, "Accept-Language": "fr"}
        told = client.post(f"/api/v1/slots/{slot_id}/bookings", json=sent_as_json(typed_in), headers=json)
        answers = {
            "form": client.post(f"/slots/{slot_id}/bookings", data=typed_in),
            "waiting list": client.post(f"/slots/{slot_id}/waiting", data=typed_in),
            "back office": staff[hosts[slot_id]].post(f"/workspace/slots/{slot_id}/bookings", data=typed_in),
        }
        if code_in_json(told) != code(case.refusal):
            wrong.append(f"{case.name}: API answers {told.status_code} {code_in_json(told)}")
        expected = sentence_of(case.refusal)
        for door, answer in answers.items():
            bound = {"back office": case.binds_host, "waiting list": case.binds_who_waits}.get(door, True)
            if bound and (answer.status_code != case.refusal.status or expected not in text(answer)):
                wrong.append(f"{case.name}: {door} answers {answer.status_code}, not « {expected} »")
            if door == "back office" and not bound and answer.status_code != 303:
                wrong.append(f"{case.name}: the host is bound, {answer.status_code}")
        assert not any(reference in told.get_data(as_text=True) for reference in before), case.name
        undo(untouched)
    assert not wrong, "\n".join(wrong)


def sentence_of(refusal: Refusal) -> str:
    if isinstance(refusal, Invalid):
        return said(problem_sentence(next(iter(refusal.fields.values())), "fr"))
    return said(refusal_sentence(refusal, "fr"))


Untouched = list[tuple[Any, dict[str, Any]]]


def terms_of_the_world() -> Untouched:
    """The columns cases may set, as they are."""
    rows = [row for kind in (Slot, Event, Edition) for row in db.session.scalars(select(kind))]
    kept = {"id", "version", "updated_at"}
    return [
        (row, {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key not in kept})
        for row in rows
    ]


def undo(untouched: Untouched) -> None:
    """Take away what a case has set, and who has booked."""
    db.session.rollback()
    for row, columns in untouched:
        for name, value in columns.items():
            setattr(row, name, value)
    for table in reversed(db.metadata.sorted_tables):
        if table.name in {"messages", "history", "holdings", "offers", "waits", "bookings", "limit_counters"}:
            db.session.execute(table.delete())
    db.session.execute(update(Pool).values(taken=0))
    db.session.commit()


def test_the_page_the_form_and_the_api_open_and_close_at_the_same_second(client: FlaskClient, world: World) -> None:
    opens, closes = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    on(Slot, opens_at=opens, closes_at=closes)(world)
    event_page, form_page = f"/events/{world.visit}", f"/slots/{world.visit_slot}/bookings/new"
    for now, why in ((opens - SECOND, "not_yet"), (opens, ""), (closes - SECOND, ""), (closes, "too_late")):
        with clock.clock_at(now):
            assert (f'href="{form_page}' in client.get(event_page).get_data(as_text=True)) == (not why), now
            assert ('id="send"' in client.get(form_page).get_data(as_text=True)) == (not why), now
            listed = client.get(f"/api/v1/slots/{world.visit_slot}").json["closed"]
            assert (listed or {"why": ""})["why"] == why
            small = {"pupils": "3", "adults": "1", "label": str(now.second), "email": f"{now:%H%M%S}@college.example"}
            answer = client.post(f"/slots/{world.visit_slot}/bookings", data=a_form(key=str(now), **small))
            assert answer.status_code == (409 if why else 303)
            if why:
                assert said(refusal_sentence(BookingClosed(why, at=opens if why == "not_yet" else closes), "fr")) in text(answer)
            told = client.post(
                f"/api/v1/slots/{world.visit_slot}/bookings",
                json=sent_as_json(a_form(**(small | {"label": f"api {now:%S}"}))),
                headers={"Idempotency-Key": str(now)},
            )
            assert code_in_json(told) == ("booking_closed" if why else None)


def test_the_priority_window_ends_at_its_second_and_the_page_says_when(client: FlaskClient, world: World) -> None:
    until = NOW + timedelta(hours=1)
    on(Edition, priority_until=until, priority_schools={UAI: "REP+"})(world)
    address = f"/slots/{world.visit_slot}/bookings"

    def answers(now: datetime, label: str, **typed: str) -> list[object]:
        with clock.clock_at(now):
            small = a_form(pupils="3", adults="1", label=label, key=label, email=f"{label}@college.example", **typed)
            form = client.post(address, data=small)
            told = client.post(
                f"/api/v1{address}", json=sent_as_json(small | {"label": f"{label} api"}), headers={"Idempotency-Key": label}
            )
            return [form.status_code, code_in_json(told)]

    assert answers(until - SECOND, "listed", school_uai=UAI) == [303, None]
    assert answers(until - SECOND, "unlisted", school_uai=OTHER_UAI) == [409, "priority_only"]
    assert answers(until - SECOND, "unnamed") == [409, "priority_only"]
    assert answers(until, "after") == [303, None]
    with clock.clock_at(until - SECOND):
        assert "Jusqu’au lundi 16 novembre, 11 h aux classes des établissements REP" in text(client.get(f"/events/{world.visit}"))
        assert "nécessaire pour réserver en priorité" in text(client.get(f"{address}/new"))
        beside = client.post(address, data=a_form())
        assert 'id="school_uai-wrong"' in beside.get_data(as_text=True), "what can be mended stands beside its field"
    with clock.clock_at(until):
        assert "aux classes des établissements REP" not in text(client.get(f"/events/{world.visit}"))


# Two who ask at once.


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("rule", ["class_booked", "school_limit"])
def test_two_colleagues_at_the_same_moment_are_not_both_the_first(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, rule: str, guarded: bool
) -> None:
    """Both look at what is booked before either books. Without taking turns, PostgreSQL lets both; SQLite has one writer."""
    on(Edition, school_limit=1 if rule == "school_limit" else None)(world)
    one_writer = db.engine.dialect.name == "sqlite"
    meeting = threading.Barrier(2)

    def looks_and_waits(*args: Any, **more: Any) -> Standing:
        found = standing.standing_of(*args, **more)
        with suppress(threading.BrokenBarrierError):  # the other one waits for its turn
            meeting.wait(timeout=0.5)
        return found

    monkeypatch.setattr(verb, "standing_of", looks_and_waits)
    if not guarded:
        monkeypatch.setattr(verb, "slot_in_turn", lambda slot_id, party: fetch.slot(slot_id))
    label = ("3e B", "3ème B") if rule == "class_booked" else ("3e B", "4e A")
    slots = (world.boat_slot, world.second_boat_slot)
    parties = [
        a_class(
            5,
            1,
            email=f"prof{n}@college.example",
            label=label[n],
            school_uai=UAI,
            school_name=("Collège du Port", "Clg du port")[n],
        )
        for n in (0, 1)
    ]
    answers: list[str] = []

    def asks(n: int) -> None:
        with app.app_context():
            try:
                answers.append(book(slots[n], parties[n], f"k{n}").status.value)
            except Refusal as refusal:
                answers.append(refusal.code)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=asks, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(["held", rule] if guarded or one_writer else ["held", "held"])


# What is said though nothing is in the way.


def test_warnings_stand_on_the_bookings_own_page_in_the_api_and_at_the_hosts(
    app: Flask, client: FlaskClient, world: World
) -> None:
    on(Event, min_age=15)(world)
    on(Slot, starts_at=datetime(2026, 11, 27, 9, 30, tzinfo=UTC), ends_at=datetime(2026, 11, 27, 11, 0, tzinfo=UTC))(world)
    theirs = book(world.boat_slot, a_class(5, 1, email="collegue@college.example"), "theirs", proven=True)
    mine = client.post(f"/slots/{world.visit_slot}/bookings", data=a_form(pupils="16", adults="1", school_uai=UAI))
    page = text(client.get(mine.location))
    for sentence in (
        "Le site demande 2 adultes pour cet effectif : il en manque 1.",
        "La visite est ouverte à partir de 15 ans : vérifiez l’âge de chaque élève.",
    ):
        assert sentence in page
    assert "à la même heure" not in page, "a stranger reads nothing of what a class has booked"
    reference = mine.location.split("/")[-1]
    in_transaction(lambda: confirm_booking(reference))
    page = text(client.get(mine.location))
    assert "Cette classe a une autre visite à la même heure, réservée par quelqu’un d’autre." in page
    assert "Le port vu du fleuve" not in page
    assert theirs.reference not in page
    host = manager_of(app, world.port).client
    form = a_form(pupils="3", adults="1", email="prof@college.example", key="telephone")
    again = host.post(f"/workspace/slots/{world.second_boat_slot}/bookings", data=form)
    assert again.status_code == 409
    booking = fetch.booking(reference)
    assert [caution.code for caution in cautions_of(booking, NOW, for_booker=True)] == [
        "adults_missing",
        "some_too_young",
        "overlap",
    ]
    of_host = text(host.get(f"/workspace/bookings/{reference}"))
    assert "il en manque 1" in of_host
    assert "à la même heure" not in of_host, "where else a class goes is no affair of this host"


def test_only_who_has_proven_the_address_reads_which_other_visit_it_is(client: FlaskClient, world: World) -> None:
    on(Slot, starts_at=datetime(2026, 11, 27, 9, 30, tzinfo=UTC), ends_at=datetime(2026, 11, 27, 11, 0, tzinfo=UTC))(world)
    first = book(world.boat_slot, a_class(5, 1), "first", proven=True)
    unproven = book(world.visit_slot, a_class(5, 1), "second")
    assert cautions_of(unproven, NOW, for_booker=True) == []
    first = fetch.booking(first.reference)
    assert cautions_of(first, NOW, for_booker=False) == []
    found = cautions_of(first, NOW, for_booker=True)
    assert [caution.code for caution in found] == ["overlap_own"]
    assert "Visite des activités portuaires" in caution_sentence(found[0], "fr")
    told = client.post(
        f"/api/v1/slots/{world.second_boat_slot}/bookings",
        json=sent_as_json(a_form(pupils="5")),
        headers={"Idempotency-Key": "k"},
    )
    assert told.json["code"] == "class_booked"
    with clock.clock_at(first.slot.ends_at):
        assert cautions_of(first, first.slot.ends_at, for_booker=True) == []


# Where the rules are written, and where they are said before anybody is refused.


def test_a_host_writes_the_rules_and_visitors_read_them_before_they_book(app: Flask, client: FlaskClient, world: World) -> None:
    host = manager_of(app, world.port).client
    page = host.get(f"/workspace/events/{world.visit}/edit")
    rules = {"one_per_class": "1", "host_approval": "1", "host_answer_hours": "48", "head_approval": "1", "head_answer_days": "5"}
    later = {"min_age": "13", "contact_email": "accueil@port.example", "priority_until": "2026-11-17T08:00"}
    assert host.post(f"/workspace/events/{world.visit}/edit", data=typed(page, **rules, **later)).status_code == 303
    line = db.session.scalars(
        select(HistoryEntry).where(HistoryEntry.action == "edited", HistoryEntry.subject == Subject.EVENT)
    ).one()
    assert line.details["changes"]["host_approval"] == [False, True]
    assert line.details["changes"]["priority_until"] == [None, "2026-11-17T07:00:00+00:00"]
    assert "Chaque demande est examinée" in text(host.get(f"/workspace/organisations/{world.port}/history"))
    again = host.get(f"/workspace/events/{world.visit}/edit")
    assert 'name="priority_until" type="datetime-local" value="2026-11-17T08:00"' in again.get_data(as_text=True)
    assert host.post(f"/workspace/events/{world.visit}/edit", data=typed(again)).status_code == 303
    assert len(list(db.session.scalars(select(HistoryEntry).where(HistoryEntry.action == "edited")))) == 1, "saving what is there"
    on(Edition, school_limit=2)(world)
    event = text(client.get(f"/events/{world.visit}"))
    for sentence in ("Une seule par classe", "2 par établissement", "Il répond sous 48 heures", "il a 5 jours pour répondre"):
        assert sentence in event
    form = text(client.get(f"/slots/{world.visit_slot}/bookings/new"))
    for sentence in (
        "Cette visite demande l’accord de votre chef d’établissement",
        "il répond au plus tard le samedi 21 novembre",
        "L’organisateur répond sous 48 heures, au plus tard le lundi 23 novembre",
    ):
        assert sentence in form
    rules_told = client.get(f"/api/v1/events/{world.visit}").json["rules"]
    assert rules_told == {
        "levels": ["4e", "3e", "2de"], "one_per_class": True, "school_limit": 2, "priority_until": None, "host_answer_hours": 48,
        "head_answer_days": 5,
    }  # fmt: skip


def test_a_new_event_begins_with_one_booking_per_class_and_a_copy_keeps_the_rules(app: Flask, world: World) -> None:
    host = manager_of(app, world.port).client
    fresh = typed(host.get(f"/workspace/organisations/{world.port}/events/new"))
    assert (fresh["one_per_class"], fresh["host_answer_hours"], fresh["head_answer_days"]) == (["1"], ["72"], ["7"])
    words = WORDS | {"edition_id": str(world.edition), "head_approval": "1", "head_answer_days": "3"}
    host.post(f"/workspace/organisations/{world.port}/events/new", data=words)
    made = newest()
    assert (made.one_per_class, made.host_approval, made.head_approval, made.head_answer_days) == (False, False, True, 3)
    host.post(f"/workspace/events/{made.id}/copies", data={"edition_id": str(world.edition)})
    copy = newest()
    assert copy.id != made.id
    assert (copy.one_per_class, copy.head_approval, copy.head_answer_days) == (False, True, 3)


def test_an_authority_writes_a_limit_and_a_priority_window(app: Flask, world: World) -> None:
    office = authority_of(app, world.edition).client
    address = f"/authority/editions/{world.edition}"
    sent = typed(
        office.get(address),
        school_limit="2",
        priority_until="2026-11-17T08:00",
        priority_schools=f"{UAI} REP\n{OTHER_UAI[:-1]}A REP",
    )
    refused = office.post(address, data=sent)
    assert refused.status_code == 422
    assert "Ligne 2 : le code UAI « 0920140A » n’est pas juste" in text(refused)
    assert office.post(address, data=sent | {"priority_schools": f"{UAI} REP"}).status_code == 303
    edition = db.session.get_one(Edition, world.edition, populate_existing=True)
    assert (edition.school_limit, edition.priority_schools) == (2, {UAI: "REP"})
    journal = text(office.get(f"/authority/{edition.authority_id}/journal"))
    assert f"{UAI} REP" in journal or "Établissements prioritaires" in journal
    assert office.post(address, data=typed(office.get(address))).status_code == 303
    edited = select(HistoryEntry).where(HistoryEntry.subject == Subject.EDITION, HistoryEntry.action == "edited")
    assert len(list(db.session.scalars(edited))) == 1, "saving what is there"


def test_who_comes_alone_says_to_be_old_enough_and_a_teacher_may_ask_for_the_head(
    app: Flask, client: FlaskClient, world: World
) -> None:
    on(Event, min_age=16)(world)
    address = f"/slots/{world.boat_slot}/bookings"
    assert "J’ai au moins 16 ans" in text(client.get(f"{address}/new?party=person"))
    refused = client.post(address, data=PERSON | {"key": "p"})
    assert 'id="old_enough-wrong"' in refused.get_data(as_text=True)
    assert client.post(address, data=PERSON | {"key": "p", "old_enough": "1"}).status_code == 303
    person = {"audience": "public", "name": "Max", "email": "max@personne.example", "person": {"old_enough": "yes"}}
    headers = {"Idempotency-Key": "k"}
    assert code_in_json(client.post(f"/api/v1{address}", json=person, headers=headers)) == {"old_enough": "not_true_or_false"}
    assert client.post(f"/api/v1{address}", json=person | {"person": {"old_enough": True}}, headers=headers).status_code == 201
    on(Event, min_age=None)(world)
    form = a_form(pupils="5", adults="2", head_asked="1", school_uai=UAI, key="head")
    asked = client.post(f"/slots/{world.visit_slot}/bookings", data=form)
    booking = fetch.booking(asked.location.split("/")[-1])
    assert (booking.head_needed, booking.head_email) == (True, "ce.0920001b@ac-versailles.fr")
    host = manager_of(app, world.port).client
    telephone = form | {"label": "3e C", "key": "telephone"}
    reference = host.post(f"/workspace/slots/{world.visit_slot}/bookings", data=telephone).location.split("/")[-1].split("?")[0]
    assert (fetch.booking(reference).status, fetch.booking(reference).held_for) == (Status.HELD, HeldFor.HEAD)
    vouched = host.post(
        f"/workspace/slots/{world.visit_slot}/bookings", data=telephone | {"label": "3e D", "key": "t2", "head_asked": ""}
    )
    assert fetch.booking(vouched.location.split("/")[-1].split("?")[0]).status is Status.CONFIRMED


def test_a_class_with_a_booking_of_this_browser_is_led_to_it(client: FlaskClient, world: World) -> None:
    first = client.post(f"/slots/{world.boat_slot}/bookings", data=a_form(pupils="5"))
    second = client.post(f"/slots/{world.second_boat_slot}/bookings", data=a_form(pupils="5", key="k2"))
    assert (second.status_code, second.location.split("?")[0]) == (303, first.location)
    elsewhere = client.application.test_client().post(
        f"/slots/{world.second_boat_slot}/bookings", data=a_form(pupils="5", key="k3")
    )
    assert elsewhere.status_code == 409
    assert first.location.split("/")[-1] not in elsewhere.get_data(as_text=True)
