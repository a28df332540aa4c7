"""The label: the queue by age, what machines check, the answer, and what it leaves alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking import clock
from booking.actions.decide_label import STEPS, Verdict, decide_label, verdicts_for
from booking.db import db, in_transaction
from booking.errors import Invalid, WrongLabelState
from booking.models import (
    Actor,
    Event,
    HistoryEntry,
    Kind,
    Label,
    LabelDecision,
    Message,
    OrganisationKind,
    Publication,
    Role,
    Who,
)
from booking.queries import label_queue
from booking.queries.label_checks import seen_of
from tests.conftest import NOW
from tests.workspaces import Staff, a_member, an_organisation, authority_of, manager_of
from tests.world import World

AUTHORITY = Who(Actor.AUTHORITY, None, None)
THURSDAY = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)


def ask(event_id: int, when: datetime = NOW, decision: LabelDecision = LabelDecision.REQUESTED, **more: Any) -> Label:
    """An event whose label was asked for."""
    label = Label(event_id=event_id, decision=decision, requested_at=when, **more)
    db.session.add(label)
    db.session.commit()
    return label


def the_event(number: int) -> Event:
    return db.session.get_one(Event, number, populate_existing=True)


def seen(number: int) -> str:
    db.session.rollback()
    return label_queue.fingerprint(the_event(number))


def answer(staff: Staff, number: int, verdict: str, remarks: str = "", **more: str) -> Any:
    form = {"verdict": verdict, "remarks": remarks, "seen": seen(number)} | more
    return staff.client.post(f"/authority/labels/{number}/decision", data=form)


def letters() -> list[tuple[Kind, str, str]]:
    rows = db.session.scalars(select(Message).where(Message.booking_id.is_(None)).order_by(Message.recipient))
    return [(row.kind, row.recipient, row.facts.get("remarks", "")) for row in rows]


def actions() -> list[str]:
    return list(db.session.scalars(select(HistoryEntry.action).where(HistoryEntry.subject == "label").order_by(HistoryEntry.id)))


@pytest.mark.parametrize(
    ("since", "now", "left", "overdue"),
    [
        (THURSDAY, datetime(2026, 11, 12, 20, 0, tzinfo=UTC), 4, False),
        (THURSDAY, datetime(2026, 11, 16, 9, 0, tzinfo=UTC), 3, False),  # Friday has ended, Monday has not
        (THURSDAY, datetime(2026, 11, 18, 16, 59, tzinfo=UTC), 1, False),
        (THURSDAY, datetime(2026, 11, 18, 17, 1, tzinfo=UTC), 0, True),  # 18:01 in Paris, the fourth working day
    ],
)
def test_the_authority_has_four_working_days(since: datetime, now: datetime, left: int, overdue: bool) -> None:
    found = label_queue.clock_of(since, now)
    assert (found.left, found.overdue) == (left, overdue)


def test_the_queue_is_ordered_by_age_and_marks_what_is_late(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    ask(world.visit, NOW - timedelta(days=1))
    ask(world.boat, NOW - timedelta(days=12))
    ask(world.dating, NOW - timedelta(days=30), LabelDecision.LABELLED, review_since=NOW - timedelta(days=3))
    ask(world.debate, decision=LabelDecision.REFUSED, decided_at=NOW)
    authority = the_event(world.visit).edition.authority_id
    page = staff.client.get(f"/authority/{authority}/labels").text
    order = [
        page.index(title) for title in ("Le port vu du fleuve", "Rencontres de l&#39;emploi", "Visite des activités portuaires")
    ]
    assert order == sorted(order)
    assert page.count("En retard") == 1
    assert "Réunion-débat" not in page
    assert page.count("4 jours ouvrés") == 2
    assert "Réunion-débat" in staff.client.get(f"/authority/{authority}/labels?state=refused").text
    review = staff.client.get(f"/authority/{authority}/labels?state=review").text
    assert "Rencontres" in review
    assert "Le port vu" not in review
    english = staff.client.get(f"/authority/{authority}/labels?lang=en").text
    assert "Overdue" in english


def test_a_label_is_given_and_nothing_else_changes(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    a_member("patronne@port.example", db.session.get_one(Event, world.visit).host)
    event = the_event(world.visit)
    event.publication, event.more_contacts = Publication.DRAFT, "PATRONNE@port.example\nquai@port.example"
    db.session.commit()
    ask(world.visit)
    before = the_event(world.visit).version
    assert answer(staff, world.visit, "grant", "Bravo.").status_code == 303
    event = the_event(world.visit)
    assert event.label is not None
    assert (event.label.decision, event.label.decided_at, event.label.decided_by_id) == (
        LabelDecision.LABELLED,
        NOW,
        staff.account.id,
    )
    assert event.label.seen == seen_of(event)
    assert event.publication is Publication.DRAFT, "the label publishes nothing"
    assert event.version == before, "who is writing the event is not overtaken"
    assert letters() == [
        (Kind.LABEL_GRANTED, "accueil@port.example", "Bravo."),
        (Kind.LABEL_GRANTED, "patronne@port.example", "Bravo."),
        (Kind.LABEL_GRANTED, "quai@port.example", "Bravo."),
    ]
    assert actions() == ["label_granted"]
    line = db.session.scalars(select(HistoryEntry).where(HistoryEntry.subject == "label")).one()
    assert (line.actor, line.account_id, line.event_id) == (Actor.AUTHORITY, staff.account.id, world.visit)


def test_the_public_page_shows_the_seal_at_once(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    ask(world.visit)
    public = app.test_client()
    assert "Labellisé 2026" not in public.get(f"/events/{world.visit}").text
    answer(staff, world.visit, "grant")
    assert "Labellisé 2026" in public.get(f"/events/{world.visit}").text


@pytest.mark.parametrize(
    ("verdict", "decision", "kind"), [("return", "returned", "label_returned"), ("refuse", "refused", "label_refused")]
)
def test_returning_and_refusing_need_words(app: Flask, world: World, verdict: str, decision: str, kind: str) -> None:
    staff = authority_of(app, world.edition)
    ask(world.visit)
    silent = answer(staff, world.visit, verdict, "  ")
    assert silent.status_code == 422
    assert "Ce champ est nécessaire" in silent.text
    assert letters() == []
    assert answer(staff, world.visit, "no such").status_code == 422
    assert answer(staff, world.visit, verdict, "Dites où l’on se retrouve.\nEt quand.").status_code == 303
    event = the_event(world.visit)
    assert event.label is not None
    assert event.label.decision == decision
    assert event.is_public, "it stays where it was"
    assert letters() == [(Kind(kind), "accueil@port.example", "Dites où l’on se retrouve.\nEt quand.")]
    page = staff.client.get(f"/authority/labels/{world.visit}").text
    assert "Dites où l’on se retrouve." in page
    assert 'name="verdict"' not in page, "nothing waits any more"


def test_a_changed_event_is_shown_as_a_difference_and_keeps_its_label(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    event = the_event(world.visit)
    was = seen_of(event) | {"commune": "Clichy", "days": ["2026-11-25"], "free": False}
    ask(
        world.visit,
        NOW - timedelta(days=20),
        LabelDecision.LABELLED,
        seen=was,
        review_since=NOW - timedelta(days=1),
        decided_at=NOW,
    )
    page = staff.client.get(f"/authority/labels/{world.visit}").text
    assert "Ce qui a changé depuis le label" in page
    for before, after in (("Clichy", "Gennevilliers"), ("mercredi 25 novembre", "mardi 24 novembre"), ("non", "oui")):
        assert before in page
        assert after in page
    assert 'value="keep"' in page
    assert 'value="grant"' not in page
    assert "Labellisé 2026" in app.test_client().get(f"/events/{world.visit}").text
    assert answer(staff, world.visit, "keep").status_code == 303
    label = the_event(world.visit).label
    assert label is not None
    assert label.review_since is None
    assert label.seen == seen_of(the_event(world.visit))
    assert actions() == ["label_kept"]
    assert letters() == []


def test_the_steps_of_a_label(app: Flask, world: World) -> None:
    for decision, review, allowed in (
        (LabelDecision.REQUESTED, None, {Verdict.GRANT, Verdict.RETURN, Verdict.REFUSE}),
        (LabelDecision.LABELLED, NOW, {Verdict.KEEP, Verdict.RETURN, Verdict.REFUSE}),
        (LabelDecision.LABELLED, None, set()),
        (LabelDecision.RETURNED, None, set()),
        (LabelDecision.REFUSED, None, set()),
    ):
        db.session.execute(Label.__table__.delete())
        label = ask(world.visit, decision=decision, review_since=review)
        assert set(verdicts_for(label)) == allowed
        for verdict in set(STEPS) - allowed:
            with pytest.raises(WrongLabelState):
                in_transaction(
                    lambda verdict=verdict: decide_label(world.visit, verdict, "Non.", seen(world.visit), AUTHORITY, NOW)
                )
    assert verdicts_for(None) == []


def test_the_second_of_two_who_decide_is_told(app: Flask, world: World) -> None:
    first, second = authority_of(app, world.edition), authority_of(app, world.edition, "autre@prefecture.example")
    ask(world.visit)
    looked = seen(world.visit)
    assert answer(first, world.visit, "grant").status_code == 303
    late = answer(second, world.visit, "refuse", "Trop loin.", seen=looked)
    assert late.status_code == 409
    assert "Quelqu’un a déjà répondu" in late.text
    label = the_event(world.visit).label
    assert label is not None
    assert label.decision is LabelDecision.LABELLED
    assert actions() == ["label_granted"]


def test_nobody_decides_about_an_event_that_changed_before_their_eyes(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    ask(world.visit)
    looked = seen(world.visit)
    the_event(world.visit).commune = "Nanterre"
    db.session.commit()
    late = answer(staff, world.visit, "grant", "Très bien.", seen=looked)
    assert late.status_code == 409
    assert "a changé pendant que vous le regardiez" in late.text
    assert "Très bien." in late.text, "what was typed is still there"
    assert actions() == []
    assert answer(staff, world.visit, "grant").status_code == 303


def test_the_page_shows_what_the_company_wrote_and_what_machines_checked(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    event = the_event(world.visit)
    event.description, event.free, event.price = "## Le port\n**Grand**<script>alert(1)</script>", False, "5 euros"
    event.conditions, event.partners = "Venez tôt.", "Voies navigables"
    db.session.commit()
    ask(world.visit)
    page = staff.client.get(f"/authority/labels/{world.visit}").text
    for text in (
        "<strong>Grand</strong>",
        "&lt;script&gt;",
        "5 euros",
        "Venez tôt.",
        "Voies navigables",
        "L’événement est payant",
        "À vous de juger",
    ):
        assert text in page
    assert "<script>alert" not in page
    assert "Price" in staff.client.get(f"/authority/labels/{world.visit}?lang=en").text


def test_who_only_reads_sees_and_cannot_decide(app: Flask, world: World) -> None:
    reader = authority_of(app, world.edition, "lecture@prefecture.example", Role.READER)
    ask(world.visit)
    page = reader.client.get(f"/authority/labels/{world.visit}")
    assert page.status_code == 200
    assert "<textarea" not in page.text
    assert answer(reader, world.visit, "grant").status_code == 404
    assert actions() == []


def test_another_authority_and_a_company_see_nothing(app: Flask, world: World) -> None:
    authority_of(app, world.edition)
    ask(world.visit)
    other = an_organisation("prefecture-93", OrganisationKind.AUTHORITY)
    stranger = manager_of(app, other.id, "semaine@prefecture-93.example")
    host = manager_of(app, world.port)
    mine = the_event(world.visit).edition.authority_id
    for staff in (stranger, host):
        assert staff.client.get(f"/authority/labels/{world.visit}").status_code == 404
        assert staff.client.get(f"/authority/{mine}/labels").status_code == 404
        assert answer(staff, world.visit, "grant").status_code == 404
    assert "Visite des activités" not in stranger.client.get(f"/authority/{other.id}/labels").text
    assert "Visite des activités" not in stranger.client.get(f"/authority/{other.id}").text
    assert staff.client.get(f"/authority/labels/{world.boat}").status_code == 404, "it never asked"


def test_remarks_are_text_and_no_longer_than_a_page(app: Flask, world: World) -> None:
    ask(world.visit)
    for wrong in ("x" * 2001, "bas\u202ehaut"):
        with pytest.raises(Invalid):
            in_transaction(
                lambda wrong=wrong: decide_label(world.visit, Verdict.RETURN, wrong, seen(world.visit), AUTHORITY, clock.now())
            )
    assert actions() == []
