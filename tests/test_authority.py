"""The authority's workspace: its home, its editions, the organisations, the journal, and reading along to help."""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking import clock
from booking.actions.decide_label import Verdict, decide_label
from booking.config import ROOT
from booking.db import db, in_transaction
from booking.errors import Invalid
from booking.i18n import LOCALES
from booking.models import (
    Actor,
    Edition,
    Event,
    HistoryEntry,
    Kind,
    Label,
    LabelDecision,
    Mandate,
    Member,
    MemberState,
    Message,
    OrganisationKind,
    Publication,
    Role,
    Session,
    Subject,
    Who,
)
from booking.models.edition_words import read_edition
from booking.queries import catalogue, journal, label_queue
from booking.web import history_words
from tests.conftest import NOW
from tests.test_booking import book
from tests.workspaces import Staff, a_member, an_organisation, authority_of, manager_of, sign_in
from tests.world import World, a_class

WORDS = {
    "name": "Semaine de l’industrie 2027", "number": "16", "year": "2027", "theme": "", "starts_on": "2027-11-22", "ends_on": "2027-11-28",
    "territory": "Hauts-de-Seine", "department": "92", "label_from": "2027-11-08", "label_until": "2027-12-12", "label_deadline": "",
    "bookings_open_at": "2027-10-01T08:00", "conditions": "Gratuit, **ouvert**, sur l’industrie.",
    "reminds_week": "1", "reminds_soon": "1", "thanks": "1", "digests": "1",
}  # fmt: skip


def authority_id(world: World) -> int:
    return db.session.get_one(Edition, world.edition, populate_existing=True).authority_id or 0


def lines(subject: str) -> list[HistoryEntry]:
    db.session.rollback()
    return list(db.session.scalars(select(HistoryEntry).where(HistoryEntry.subject == subject).order_by(HistoryEntry.id)))


def stranger(app: Flask) -> Staff:
    """Somebody of another authority."""
    other = an_organisation("prefecture-93", OrganisationKind.AUTHORITY, name="Préfecture voisine")
    return manager_of(app, other.id, "semaine@prefecture-93.example")


def test_the_home_says_what_waits_and_where_the_edition_stands(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    db.session.add(Label(event_id=world.visit, requested_at=NOW - timedelta(days=9)))
    db.session.add(Label(event_id=world.boat, decision=LabelDecision.LABELLED, requested_at=NOW, review_since=NOW))
    db.session.commit()
    a_member("nouveau@neuf.example", an_organisation("neuf", name="Atelier neuf"), state=MemberState.ASKED)
    book(world.visit_slot, a_class(31))
    home = f"/authority/{authority_id(world)}"
    page = staff.client.get(home).text
    for text in ("Visite des activités portuaires", "En retard", "Le port vu du fleuve", "Atelier neuf", "nouveau@neuf.example"):
        assert text in page
    assert "<b>31</b>place" in page
    assert "<b>243</b>place" in page, "120 + 31 + 40 + 40 + 12: what is shared is not counted twice"
    booked = staff.client.get(f"/authority/editions/{world.edition}/events?show=booked").text
    assert "Visite des activités portuaires" in booked
    assert "Réunion-débat" not in booked
    assert "What waits for you" in staff.client.get(f"{home}?lang=en").text


def test_an_edition_is_made_from_its_year_and_prepared_without_anybody_noticing(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    base = f"/authority/{authority_id(world)}/editions"
    assert 'value="2027"' in staff.client.get(f"{base}/new").text
    made = staff.client.post(base, data=WORDS)
    assert made.status_code == 303
    again = staff.client.post(base, data=WORDS | {"name": "Encore une"})
    first, second = db.session.scalars(select(Edition).where(Edition.year == 2027).order_by(Edition.id))
    assert (first.key, second.key) == ("2027", "2027-2")
    assert first.labels_until == date(2027, 11, 15), "a week before the week"
    assert first.bookings_open_at == datetime(2027, 10, 1, 6, 0, tzinfo=UTC)
    assert "Encore une" in staff.client.get(again.location).text
    assert [line.action for line in lines("edition")] == ["written", "written"]
    assert catalogue.current_edition() is not None
    assert catalogue.current_edition().id == world.edition  # type: ignore[union-attr]
    assert "lundi 23" in app.test_client().get("/").text


def test_the_edition_at_hand_is_the_earliest_with_something_to_show(world: World) -> None:
    def edition(key: str, monday: date) -> Edition:
        made = Edition(
            key=key, number=1, year=monday.year, name=key, starts_on=monday, ends_on=monday + timedelta(days=6),
            label_from=monday - timedelta(days=14), label_until=monday + timedelta(days=20), department="92", territory="92",
        )  # fmt: skip
        db.session.add(made)
        db.session.commit()
        return made

    def current(now: datetime = NOW) -> str:
        with clock.clock_at(now):
            found = catalogue.current_edition()
        assert found is not None
        return found.key

    empty, later = edition("empty", date(2026, 11, 16)), edition("later", date(2027, 11, 22))
    assert current() == "2026", "an earlier one without events is not shown"
    event = db.session.get_one(Event, world.boat)
    event.edition = later
    db.session.commit()
    assert current() == "2026"
    assert current(NOW + timedelta(days=20)) == "2026", "its window is still open, and the next one's has not opened"
    assert current(NOW + timedelta(days=60)) == "later"
    assert current(NOW + timedelta(days=900)) == "later", "all are over: the latest"
    db.session.get_one(Edition, world.edition).archived_at = NOW
    db.session.commit()
    assert current() == "later"
    for other in db.session.scalars(select(Event)):
        other.publication = Publication.DRAFT
    db.session.commit()
    assert current() == empty.key, "none has anything to show: the earliest not over"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"), ({"number": "0"}, "number"), ({"starts_on": "2027-02-30"}, "starts_on"), ({"ends_on": "2027-11-21"}, "ends_on"),
        ({"ends_on": "2028-02-01", "label_until": "2028-03-01"}, "ends_on"), ({"label_from": "2027-11-23"}, "label_from"), ({"label_until": "2027-11-27"}, "label_until"),
        ({"label_until": "2029-01-01"}, "label_until"), ({"label_deadline": "2027-12-13"}, "label_deadline"), ({"year": "2026"}, "year"),
        ({"department": "00"}, "department"), ({"bookings_open_at": "2027-10-01 25:00"}, "bookings_open_at"), ({"conditions": "x" * 20_001}, "conditions"),
        ({"starts_on": "0001-01-01"}, "starts_on"), ({"starts_on": "20271122"}, "starts_on"),
    ],
)  # fmt: skip
def test_an_edition_is_read_as_it_must_be(wrong: dict[str, str], field: str) -> None:
    assert read_edition(WORDS).name == WORDS["name"]
    with pytest.raises(Invalid) as refused:
        read_edition(WORDS | wrong)
    assert list(refused.value.fields) == [field]


def the_form(world: World, **more: str) -> dict[str, str]:
    edition = db.session.get_one(Edition, world.edition, populate_existing=True)
    words = {name: str(getattr(edition, name) or "") for name in WORDS}
    return words | {"version": str(edition.version)} | more


def test_an_edition_is_written_anew_and_the_second_of_two_is_told(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    address = f"/authority/editions/{world.edition}"
    opened = the_form(world)
    assert staff.client.post(address, data=opened | {"theme": "Le fleuve"}).status_code == 303
    assert staff.client.post(address, data=the_form(world)).status_code == 303, "nothing changed"
    assert [(line.action, line.details["changes"]) for line in lines("edition")] == [
        ("edited", {"theme": ["Les métiers du fleuve", "Le fleuve"]})
    ]
    late = staff.client.post(address, data=opened | {"theme": "Le port"})
    assert late.status_code == 409
    for text in ("Le fleuve", "Le port", "Enregistré maintenant", "Votre version"):
        assert text in late.text
    assert db.session.get_one(Edition, world.edition, populate_existing=True).theme == "Le fleuve"
    unticked = the_form(world, theme="Le port")
    del unticked["reminds_week"]
    assert staff.client.post(address, data=unticked).status_code == 303
    assert lines("edition")[-1].details["changes"]["reminds_week"] == [True, False]
    wrong = staff.client.post(address, data=the_form(world, label_from="2026-11-30", theme="Gardé"))
    assert wrong.status_code == 422
    assert "doit contenir toute la semaine" in wrong.text
    assert "Gardé" in wrong.text


def test_booked_slots_outside_a_new_window_are_warned_of_and_not_lost(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    booking = book(world.boat_slot, a_class(10, 1))
    address = f"/authority/editions/{world.edition}"
    shorter = {"ends_on": "2026-11-25", "label_until": "2026-11-26"}
    asked = staff.client.post(address, data=the_form(world, **shorter))
    assert asked.status_code == 422
    assert "Un créneau réservé est hors de la période" in asked.text
    assert "Le port vu du fleuve" in asked.text
    assert 'name="confirmed" value="yes"' in asked.text
    assert lines("edition") == []
    assert staff.client.post(address, data=the_form(world, **shorter, confirmed="yes")).status_code == 303
    assert "Leurs réservations restent valables" in staff.client.get(address).text
    db.session.refresh(booking)
    assert booking.is_live
    assert staff.client.post(address, data=the_form(world, **shorter, theme="Autre")).status_code == 303, "warned once is enough"


def test_an_edition_is_archived_and_opened_again(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    book(world.boat_slot, a_class(10, 1))
    address = f"/authority/editions/{world.edition}"
    assert "Un créneau à venir est réservé" in staff.client.get(f"{address}/archive").text
    for _ in range(2):
        assert staff.client.post(f"{address}/archive").status_code == 303
    public = app.test_client()
    assert "Cette édition est terminée" in public.get(f"/events/{world.visit}").text
    assert "Archivée" in staff.client.get(f"/authority/{authority_id(world)}/editions").text
    for _ in range(2):
        assert staff.client.post(f"{address}/reopen").status_code == 303
    assert "Cette édition est terminée" not in public.get(f"/events/{world.visit}").text
    assert [line.action for line in lines("edition")] == ["archived", "reopened"]


def test_who_only_reads_sees_everything_and_can_do_nothing(app: Flask, world: World) -> None:
    reader = authority_of(app, world.edition, "lecture@prefecture.example", Role.READER)
    mine, port = authority_id(world), world.port
    for path in ("", "/labels", "/editions", "/organisations", f"/organisations/{port}", "/journal"):
        page = reader.client.get(f"/authority/{mine}{path}")
        assert page.status_code == 200, path
        assert '<form method="post"' not in page.text, path
    assert "<form" not in reader.client.get(f"/authority/editions/{world.edition}").text
    member = a_member("x@neuf.example", an_organisation("neuf"), state=MemberState.ASKED)
    for path in (
        f"{mine}/editions", f"editions/{world.edition}", f"editions/{world.edition}/archive", f"editions/{world.edition}/reopen",
        f"{mine}/organisations", f"members/{member.id}/accept", f"members/{member.id}/refuse", f"{mine}/organisations/{port}/mandates",
        f"{mine}/organisations/{port}/help", f"{mine}/organisations/{port}/help/end",
    ):  # fmt: skip
        assert reader.client.post(f"/authority/{path}", data=WORDS).status_code == 404, path
    assert reader.client.get(f"/authority/{mine}/editions/new").status_code == 404
    assert reader.client.get(f"/authority/{mine}/organisations/new").status_code == 404


def test_two_authorities_never_see_each_other(app: Flask, world: World) -> None:
    authority_of(app, world.edition)
    mine, other = authority_id(world), stranger(app)
    own = an_organisation("prefecture-93").id
    for path in (
        f"{mine}", f"{mine}/labels", f"{mine}/editions", f"{mine}/editions/new", f"{mine}/organisations", f"{mine}/journal", f"editions/{world.edition}",
        f"editions/{world.edition}/events", f"editions/{world.edition}/archive", f"{own}/organisations/{mine}",
    ):  # fmt: skip
        assert other.client.get(f"/authority/{path}").status_code == 404, path
    assert other.client.post(f"/authority/editions/{world.edition}", data=the_form(world)).status_code == 404
    assert other.client.post(f"/authority/{own}/organisations/{mine}/help").status_code == 404
    asks = a_member("intruse@ailleurs.example", an_organisation("prefecture"), state=MemberState.ASKED)
    assert other.client.post(f"/authority/members/{asks.id}/accept").status_code == 404
    for path in ("", "/labels", "/editions", "/organisations", "/journal"):
        page = other.client.get(f"/authority/{own}{path}").text
        assert "2026</" not in page, path
        assert "Visite des activités" not in page, path
        assert ">Préfecture<" not in page, path
    assert "semaine@prefecture.example" not in other.client.get(f"/authority/{own}/journal").text


def test_the_journal_is_searched_in_words_and_shows_what_changed(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    mine = authority_id(world)
    staff.client.post(f"/authority/editions/{world.edition}", data=the_form(world, theme="<b>Fleuve</b>"))
    db.session.add(Label(event_id=world.visit, requested_at=NOW))
    db.session.commit()
    db.session.expire_all()
    seen = label_queue.fingerprint(db.session.get_one(Event, world.visit))
    who = Who(Actor.AUTHORITY, staff.account.id, mine)
    in_transaction(lambda: decide_label(world.visit, Verdict.RETURN, "Où se retrouve-t-on ?", seen, who, NOW))
    book(world.visit_slot, a_class(31))

    def found(query: str = "") -> str:
        return staff.client.get(f"/authority/{mine}/journal?{query}").text

    page = found()
    for text in (
        "Les métiers du fleuve → &lt;b&gt;Fleuve&lt;/b&gt;",
        "Demande de label renvoyée",
        "Où se retrouve-t-on",
        "semaine@prefecture.example",
        "Places réservées",
    ):
        assert text in page
    for query, here, missing in (
        ("q=renvoyee+remarques", "Demande de label renvoyée", "Places réservées"),
        ("q=SEMAINE%40prefecture", "Demande de label renvoyée", "Places réservées"),
        ("q=activités+portuaires", "Demande de label renvoyée", "Les métiers du fleuve"),
        ("subject=booking", "Places réservées", "Demande de label renvoyée"),
        ("actor=booker", "Places réservées", "Demande de label renvoyée"),
        (f"organisation={mine}", "Les métiers du fleuve", "Demande de label renvoyée"),
        ("from=2026-11-17", "Aucune ligne", "Places réservées"),
        ("to=2026-11-15", "Aucune ligne", "Places réservées"),
        ("q=100%25_", "Aucune ligne", "Places réservées"),
    ):
        page = found(query)
        assert here in page, query
        assert missing not in page, query
    for nonsense in (
        "page=999",
        "page=x",
        "organisation=99999999999",
        "from=9999-12-31&to=0001-01-01",
        "q=%00%F0%9F%92%A9",
        "subject=x&actor=y",
    ):
        assert staff.client.get(f"/authority/{mine}/journal?{nonsense}").status_code == 200, nonsense
    english = found("lang=en")
    assert "Label request returned with remarks" in english
    assert "Theme" in english


def test_the_journal_has_pages_of_fifty_newest_first(app: Flask, world: World) -> None:
    authority_of(app, world.edition)
    mine = authority_id(world)
    for n in range(60):
        db.session.add(
            HistoryEntry(
                at=NOW + timedelta(minutes=n),
                actor=Actor.AUTHORITY,
                action="edited",
                subject=Subject.EDITION,
                subject_id=1,
                name=f"n° {n}",
                edition_id=world.edition,
            )
        )
    db.session.commit()
    first, second = (journal.of_authority(mine, journal.JournalFilters(), page) for page in (1, 9))
    assert [line.entry.name for line in first.lines][:2] == ["n° 59", "n° 58"]
    assert (len(first.lines), len(second.lines), second.page, second.pages, second.total) == (50, 10, 2, 2, 60)


def test_organisations_are_listed_started_and_their_people_let_in(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    base = f"/authority/{authority_id(world)}/organisations"
    asks = a_member(
        "nouveau@neuf.example", an_organisation("neuf", name="Atelier neuf", commune="Clichy"), state=MemberState.ASKED
    )
    other = a_member("autre@neuf.example", asks.organisation, state=MemberState.ASKED)
    page = staff.client.get(f"{base}?q=clichy&kind=company").text
    assert "Atelier neuf" in page
    assert "Port de Gennevilliers" not in page
    assert "Aucun organisme" in staff.client.get(f"{base}?q=%25&kind=x").text
    accepted = staff.client.post(f"/authority/members/{asks.id}/accept")
    assert "La demande est acceptée" in staff.client.get(accepted.location).text
    refused = staff.client.post(f"/authority/members/{other.id}/refuse")
    assert refused.status_code == 303
    late = staff.client.post(f"/authority/members/{asks.id}/refuse")
    assert "avait déjà sa réponse" in staff.client.get(late.location).text
    states = {
        member.account.email: member.state
        for member in db.session.scalars(select(Member).where(Member.organisation_id == asks.organisation_id))
    }
    assert states == {"nouveau@neuf.example": MemberState.ACTIVE, "autre@neuf.example": MemberState.REFUSED}
    wrong = staff.client.post(
        base, data={"kind": "company", "name": "Fonderie", "commune": "Bagneux", "siret": "1", "email": "x"}
    )
    assert wrong.status_code == 422
    assert "Fonderie" in wrong.text
    started = staff.client.post(
        base, data={"kind": "media", "name": "Le Journal du fleuve", "commune": "Clichy", "email": "une@journal.example"}
    )
    assert started.status_code == 303
    assert "une@journal.example" in staff.client.get(started.location).text
    kinds = [message.kind for message in db.session.scalars(select(Message).where(Message.recipient == "une@journal.example"))]
    assert kinds == [Kind.MEMBER_INVITED]


def test_a_chamber_gets_a_mandate(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    chamber = an_organisation("cci", OrganisationKind.CHAMBER, name="Chambre de commerce")
    a_member("cci@chambre.example", chamber)
    address = f"/authority/{authority_id(world)}/organisations/{world.port}"
    assert staff.client.post(f"{address}/mandates", data={"chamber": "x"}).status_code == 422
    assert staff.client.post(f"{address}/mandates", data={"chamber": str(chamber.id)}).status_code == 303
    assert db.session.scalars(select(Mandate.chamber_id)).all() == [chamber.id]
    assert "Chambre de commerce" in staff.client.get(address).text


def test_reading_along_is_told_shown_logged_and_changes_nothing(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    host = manager_of(app, world.port)
    mine = authority_id(world)
    address = f"/authority/{mine}/organisations/{world.port}"
    workspace = f"/workspace/organisations/{world.port}"
    assert staff.client.get(workspace).status_code == 404
    started = staff.client.post(f"{address}/help")
    assert started.location == workspace
    assert staff.client.post(f"{address}/help").status_code == 303, "twice is once"
    page = staff.client.get(workspace).text
    assert "Vous lisez l’espace de Port de Gennevilliers" in page
    assert "agit pour cet organisme" not in page, "who reads along acts for nobody"
    assert "Terminer la consultation" in page
    assert "Vous lisez" in staff.client.get(f"/authority/{mine}").text
    assert staff.client.get(f"/workspace/events/{world.visit}").status_code == 200
    assert staff.client.post(f"/workspace/events/{world.visit}/withdraw").status_code == 404, "a reader changes nothing"
    told = db.session.scalars(select(Message).where(Message.kind == Kind.HELP_STARTED)).all()
    assert [message.recipient for message in told] == [host.account.email]
    ended = staff.client.post(f"{address}/help/end")
    assert ended.status_code == 303
    assert staff.client.get(workspace).status_code == 404
    assert "Vous lisez" not in staff.client.get(f"/authority/{mine}").text
    entries = [line for line in lines("organisation") if line.organisation_id == world.port]
    assert [(line.action, line.acting_for_id) for line in entries] == [("help_started", mine), ("help_ended", mine)]


def test_help_ends_with_the_session_and_belongs_to_one_browser(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    staff.client.post(f"/authority/{authority_id(world)}/organisations/{world.port}/help")
    elsewhere = sign_in(app, staff.account.email)
    assert elsewhere.client.get(f"/workspace/organisations/{world.port}").status_code == 404
    assert db.session.scalars(select(Session.helping_id).order_by(Session.id)).all() == [world.port, None]


_ACTION_AT = {"record_change": 1, "record": 2, "step": 3, "event_changed": 2, "slot_changed": 2}
"""Where the functions that write history take the action."""


def actions_of_the_code() -> set[str]:
    """Every action the verbs record: written out where it is recorded, in a constant, or handed to a helper."""
    found: set[str] = set()
    for path in sorted((ROOT / "booking").rglob("*.py")):
        tree = ast.parse(path.read_text())
        functions = {
            node.name: [arg.arg for arg in node.args.args] for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        }
        at = _ACTION_AT | {name: args.index("action") for name, args in functions.items() if "action" in args}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > at.get(node.func.id, 99):
                found |= words_in(node.args[at[node.func.id]], tree)
    return found


def words_in(given: ast.expr, tree: ast.Module) -> set[str]:
    if isinstance(given, ast.Constant):
        return {str(given.value)}
    if isinstance(given, ast.IfExp):
        return words_in(given.body, tree) | words_in(given.orelse, tree)
    named = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for one in node.targets
        if isinstance(given, ast.Name) and isinstance(one, ast.Name) and one.id == given.id
    ]
    return {str(value.value) for value in named if isinstance(value, ast.Constant)}


def test_every_action_of_the_code_has_its_words() -> None:
    found = actions_of_the_code() | {"label_granted", "label_kept", "label_returned", "label_refused"}
    assert len(found) > 40
    assert {"help_started", "import_sent", "resized", "moved", "letter_sent", "accepted"} <= found
    assert not found - set(history_words.ACTIONS), "an action without words"
    assert all(len(action) <= 32 for action in found)
    for locale in LOCALES:
        said = [history_words.action_said(action, locale) for action in history_words.ACTIONS]
        assert all(said)
    assert {history_words.subject_said(subject, "en") for subject in Subject}
    assert {history_words.actor_said(actor, "en") for actor in Actor}


def test_values_are_said_as_people_say_them(frozen: datetime) -> None:
    said: Any = history_words.value_said
    assert said("free", True, "fr") == "oui"
    assert said("audiences", ["college", "press"], "fr") == "Collégiens, Presse"
    assert said("starts_at", "2026-11-24T13:30:00+00:00", "fr") == "mardi 24 novembre, 14\u00a0h\u00a030"
    assert said("starts_on", "2026-11-24", "en") == "Tuesday 24 November"
    assert said("starts_on", "2027-11-23", "en") == "Tuesday 23 November 2027"
    assert said("theme", "", "fr") == "—"
    assert said("starts_on", "2026-99-99", "fr") == "2026-99-99"
    assert said("description", "x" * 500, "fr").endswith("…")
    assert history_words.differences_said({"unheard_of": [1, 2], "theme": "no pair"}, "fr") == []
