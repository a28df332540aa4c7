"""Events in a company's workspace: written, submitted, published, changed by two people, duplicated, cancelled."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from werkzeug.test import TestResponse

from booking import clock
from booking.actions.label_changes import note_label_changes
from booking.actions.write_event import write_event
from booking.db import db, in_transaction
from booking.errors import EditConflict
from booking.models import (
    Booking,
    Edition,
    Event,
    HistoryEntry,
    Kind,
    Label,
    LabelDecision,
    MemberState,
    Message,
    Organisation,
    Picture,
    Pool,
    Publication,
    Slot,
    Status,
    Subject,
)
from booking.queries.label_checks import checks, seen_of
from tests.conftest import NOW
from tests.test_booking import book
from tests.test_languages import assert_english
from tests.workspaces import a_member, an_organisation, authority_of, manager_of, sign_in
from tests.world import World, a_class

WORDS = {
    "title": "Visite du port", "type": "company_visit", "summary": "Grues et péniches.", "audiences": ["college", "lycee"],
    "place_name": "Port", "address": "Route de la Seine", "postcode": "92230", "commune": "Gennevilliers", "meeting_point": "Accueil",
    "description": "On voit **les grues**.", "contact_email": "accueil@port.example", "free": "1", "equipment": "none",
}  # fmt: skip


def text(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))).replace("\u00a0", " ")


def the(event_id: int) -> Event:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Event, event_id)


def newest() -> Event:
    db.session.rollback()
    return db.session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()


def letters(kind: Kind) -> list[Message]:
    db.session.rollback()
    return list(db.session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id)))


def actions(event_id: int) -> list[str]:
    db.session.rollback()
    lines = select(HistoryEntry).where(
        HistoryEntry.event_id == event_id, HistoryEntry.subject.in_([Subject.EVENT, Subject.LABEL])
    )
    return [line.action for line in db.session.scalars(lines.order_by(HistoryEntry.id))]


def field(page: TestResponse, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page.text) or re.search(
        rf'<textarea[^>]*name="{name}"[^>]*>\n?(.*?)</textarea>', page.text, re.DOTALL
    )
    assert found, f"{name} is in the form"
    return unescape(found[1])


def typed(page: TestResponse, **more: Any) -> dict[str, Any]:
    """The form as a browser sends it back from a page, with some fields typed over."""
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", page.text):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attributes.get("type") in {"checkbox", "radio"} and " checked" not in tag:
            continue
        if "name" in attributes and attributes["name"] != "csrf_token":
            sent.setdefault(attributes["name"], []).append(unescape(attributes.get("value", "")))
    for name, value in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\n?(.*?)</textarea>', page.text, re.DOTALL):
        sent[name] = unescape(value)
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', page.text, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        sent[name] = chosen[1] if chosen else ""
    return sent | more


def add_slot(event_id: int, day: int = 24, **more: Any) -> Slot:
    starts = NOW.replace(day=day, hour=13)
    slot = Slot(
        event_id=event_id, starts_at=starts, ends_at=starts + timedelta(minutes=90), pools=[Pool(capacity=31)],
        closes_at=starts, headcount_until=starts, cancel_until=starts, **more,
    )  # fmt: skip
    db.session.add(slot)
    db.session.commit()
    return slot


def label(event_id: int, decision: LabelDecision = LabelDecision.LABELLED, **more: Any) -> None:
    event = the(event_id)
    event.label = Label(decision=decision, requested_at=NOW, decided_at=NOW, seen=seen_of(event), **more)
    db.session.commit()


def confirmed(slot_id: int, **more: Any) -> Booking:
    return book(slot_id, a_class(10, 1, **more), f"k-{slot_id}-{more}", proven=True)


def test_a_first_time_host_writes_submits_corrects_and_publishes_and_is_asked_nothing_twice(app: Flask, world: World) -> None:
    authority = authority_of(app, world.edition)
    company = an_organisation("chantier", name="Chantier naval", commune="Villeneuve-la-Garenne")
    staff = manager_of(app, company.id, "visites@chantier.example")
    listing, new = f"/workspace/organisations/{company.id}/events", f"/workspace/organisations/{company.id}/events/new"
    assert "Aucun événement pour l’édition à venir" in text(staff.client.get(listing))
    form = staff.client.get(new)
    assert (field(form, "commune"), field(form, "contact_email")) == ("Villeneuve-la-Garenne", "visites@chantier.example")
    assert staff.client.post(new, data=typed(form)).status_code == 422, "a title is needed"
    draft = staff.client.post(new, data={"title": "Visite du chantier", "edition_id": world.edition, "free": "1"})
    assert draft.status_code == 303, "and nothing else"
    event = newest()
    show = f"/workspace/events/{event.id}"
    assert (event.host_id, event.edition_id, event.publication) == (company.id, world.edition, Publication.DRAFT)
    page = text(staff.client.get(draft.location))
    assert "C’est enregistré." in page
    assert "Brouillon" in page
    assert "Ajouter des créneaux" in page
    refused = staff.client.post(f"{show}/publication")
    assert refused.status_code == 409
    assert "Il manque : le résumé, le public, le lieu et la commune, un créneau." in text(refused)
    refused = staff.client.post(f"{show}/submission")
    assert "Le label ne peut pas encore être demandé." in text(refused)
    assert "Pas encore : Tous les créneaux dans la période du label" in text(refused)
    assert not letters(Kind.LABEL_ASKED)

    edit = staff.client.get(f"{show}/edit")
    saved = staff.client.post(f"{show}/edit", data=typed(edit, **WORDS, levels=["3e"]))
    assert saved.status_code == 303
    assert (the(event.id).levels, the(event.id).commune) == (("3e",), "Gennevilliers")
    assert "peniches" in the(event.id).search_text
    assert "grues" in the(event.id).search_text
    add_slot(event.id)
    assert [check.met for check in checks(the(event.id))] == [True, True, True, True, None]
    sent = staff.client.post(f"{show}/submission")
    assert "La demande de label est partie. Réponse au plus tard vendredi 20 novembre, 18 h" in text(
        staff.client.get(sent.location)
    )
    [letter] = letters(Kind.LABEL_ASKED)
    assert letter.recipient == authority.account.email
    assert letter.facts["answer_by_at"] == "2026-11-20T17:00:00+00:00"
    assert letter.facts["event_id"] == event.id
    assert staff.client.post(f"{show}/submission").status_code == 303
    assert len(letters(Kind.LABEL_ASKED)) == 1, "asking twice is asking once"

    asked = the(event.id).label
    assert asked is not None
    asked.decision, asked.remarks, asked.decided_at = LabelDecision.RETURNED, "Le rendez-vous est <b>vague</b>.\n\nMerci.", NOW
    db.session.commit()
    page = staff.client.get(show)
    assert "Ce que dit l’autorité" in text(page)
    assert "<p>Le rendez-vous est &lt;b&gt;vague&lt;/b&gt;.</p><p>Merci.</p>" in page.text
    edit = staff.client.get(f"{show}/edit")
    staff.client.post(f"{show}/edit", data=typed(edit, meeting_point="Portail nord"))
    with clock.clock_at(NOW + timedelta(hours=1)):
        staff.client.post(f"{show}/submission")
    again = the(event.id).label
    assert again is not None
    assert (again.decision, again.requested_at) == (LabelDecision.REQUESTED, NOW + timedelta(hours=1))
    assert len(letters(Kind.LABEL_ASKED)) == 2

    assert app.test_client().get(f"/events/{event.id}").status_code == 404
    staff.client.post(f"{show}/publication")
    public = app.test_client().get(f"/events/{event.id}")
    assert "On voit <strong>les grues</strong>." in public.text
    assert 'href="mailto:accueil@port.example"' in public.text
    rows = text(staff.client.get(listing))
    assert "Visite du port" in rows
    assert "Label demandé Publié Places libres" in rows, "three things"
    staff.client.post(f"{show}/withdrawal")
    assert the(event.id).publication is Publication.WITHDRAWN
    assert actions(event.id) == ["written", "edited", "submitted", "edited", "submitted", "published", "withdrawn"]
    second = staff.client.get(new)
    assert [field(second, name) for name in ("address", "postcode", "commune", "meeting_point")] == [
        "Route de la Seine", "92230", "Gennevilliers", "Portail nord",
    ], "the place is known from the last event"  # fmt: skip


def test_what_a_form_has_no_business_to_say_is_not_heard(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    other, past = an_organisation("autre"), db.session.get_one(Edition, world.edition)
    over = Edition(
        key="2025", number=14, year=2025, name="2025", starts_on=past.starts_on.replace(year=2025), ends_on=past.ends_on.replace(year=2025),
        label_from=past.label_from.replace(year=2025), label_until=past.label_until.replace(year=2025), department="92", territory="92",
    )  # fmt: skip
    following = Edition(
        key="2027", number=16, year=2027, name="2027", starts_on=past.starts_on.replace(year=2027), ends_on=past.ends_on.replace(year=2027),
        label_from=past.label_from.replace(year=2027), label_until=past.label_until.replace(year=2027), department="75", territory="Paris",
        authority=an_organisation("autre-prefecture"),
    )  # fmt: skip
    db.session.add_all([over, following])
    db.session.commit()
    smuggled = {"host_id": other.id, "publication": "published", "cancelled_at": "2026-01-01", "invented": "1", "key": "x", "id": "1",
                "search_text": "x", "version": "1", "label": "labelled"}  # fmt: skip
    new = f"/workspace/organisations/{world.port}/events/new"
    assert staff.client.post(new, data=WORDS | smuggled | {"edition_id": world.edition}).status_code == 303
    made = newest()
    assert (made.host_id, made.publication, made.cancelled_at, made.invented, made.label) == (
        world.port, Publication.DRAFT, None, False, None,
    )  # fmt: skip
    assert made.key != "x"
    for edition in (over.id, 999, "x"):
        refused = staff.client.post(new, data=WORDS | {"edition_id": edition})
        assert refused.status_code == 422
        assert "Cette édition est terminée, ou n’existe pas" in text(refused)
    published = the(world.visit)
    form = typed(staff.client.get(f"/workspace/events/{world.visit}/edit"))
    answer = staff.client.post(
        f"/workspace/events/{world.visit}/edit", data=form | smuggled | {"edition_id": following.id, "version": published.version}
    )
    assert answer.status_code == 303
    assert (the(world.visit).host_id, the(world.visit).edition_id) == (world.port, world.edition), (
        "what is public stays in its edition"
    )
    foreign = sign_in(app, "personne@autre.example")
    a_member("personne@autre.example", other)
    for path in ("", "/edit", "/cancellation"):
        assert foreign.client.get(f"/workspace/events/{world.visit}{path}").status_code == 404


def test_who_waits_to_be_accepted_prepares_and_never_touches_what_is_public(app: Flask, world: World) -> None:
    staff = sign_in(app, "nouveau@port.example")
    a_member("nouveau@port.example", db.session.get_one(Organisation, world.port), state=MemberState.ASKED)
    new = staff.client.post(f"/workspace/organisations/{world.port}/events/new", data=WORDS | {"edition_id": world.edition})
    assert new.status_code == 303
    draft = newest().id
    assert staff.client.post(f"/workspace/events/{draft}/edit", data=WORDS | {"version": "9"}).status_code == 303
    assert staff.client.post(f"/workspace/events/{draft}/publication").status_code == 404
    before = the(world.visit).version
    for path, sent in (("edit", WORDS | {"version": before}), ("picture", {"alt": "x"}), ("picture/removal", {})):
        assert staff.client.post(f"/workspace/events/{world.visit}/{path}", data=sent).status_code == 404
    assert the(world.visit).version == before
    assert "Modifier" not in text(staff.client.get(f"/workspace/events/{world.visit}"))


def test_the_second_of_two_writers_is_shown_the_difference_and_overwrites_nothing_unseen(app: Flask, world: World) -> None:
    first, second = manager_of(app, world.port, "un@port.example"), manager_of(app, world.port, "deux@port.example")
    path = f"/workspace/events/{world.boat}/edit"
    one, two = typed(first.client.get(path)), typed(second.client.get(path))
    assert (
        first.client.post(
            path, data=one | {"summary": "De Camille.", "min_age": "12", "contact_email": "c@port.example"}
        ).status_code
        == 303
    )
    late = second.client.post(path, data=two | {"summary": "De Dominique.", "title": "Le port vu de l’eau"})
    assert late.status_code == 409
    assert "Quelqu’un a enregistré avant vous" in text(late)
    rows = dict(re.findall(r'<tr><td data-name="Champ"><a href="#(\w+)">.*?(.*?)</tr>', late.text, re.DOTALL))
    assert rows.keys() == {"summary", "min_age", "contact_email"}
    assert "De Camille." in rows["summary"]
    assert "Le port vu du fleuve : ce que l" in rows["summary"], "before and now"
    assert "votre texte" in rows["summary"]
    assert ">12</ins>" in rows["min_age"]
    assert "repris" in rows["min_age"]
    assert (field(late, "summary"), field(late, "title"), field(late, "min_age")) == (
        "De Dominique.",
        "Le port vu de l’eau",
        "12",
    )
    unchanged = the(world.boat)
    assert (unchanged.summary, unchanged.title) == ("De Camille.", "Le port vu du fleuve")
    line = db.session.scalars(select(HistoryEntry).where(HistoryEntry.event_id == world.boat)).one()
    assert "c@port.example" not in json.dumps(line.details), "addresses are not kept for ever"
    assert line.details["changes"]["min_age"] == [None, 12]

    knowing = second.client.post(path, data=typed(late))
    assert knowing.status_code == 303
    now = the(world.boat)
    assert (now.summary, now.title, now.min_age) == ("De Dominique.", "Le port vu de l’eau", 12)
    with pytest.raises(EditConflict):
        in_transaction(lambda: write_event(world.boat, {"title": "Encore"}, unchanged.version - 1, first.who))

    fresh = typed(first.client.get(path))
    the(world.boat).updated_at = NOW + timedelta(minutes=5)
    db.session.commit()
    assert first.client.post(path, data=fresh | {"summary": "Encore"}).status_code == 303, "a touched row is nobody's words"
    same = the(world.boat).version
    first.client.post(path, data=typed(first.client.get(path)))
    assert the(world.boat).version == same, "saving what is there changes nothing"


def test_a_preview_shows_markdown_and_changes_nothing(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    path = f"/workspace/events/{world.boat}/edit"
    form = typed(staff.client.get(path), title="Non enregistré", description="**Fort** <script>alert(1)</script>", preview="1")
    shown = staff.client.post(path, data=form)
    assert shown.status_code == 200
    assert "<p><strong>Fort</strong> &lt;script&gt;alert(1)&lt;/script&gt;</p>" in shown.text
    assert field(shown, "title") == "Non enregistré"
    assert field(shown, "description").startswith("**Fort**")
    assert the(world.boat).title == "Le port vu du fleuve"
    new = f"/workspace/organisations/{world.port}/events/new"
    before = newest().id
    assert staff.client.post(new, data=WORDS | {"preview": "1"}).status_code == 200
    assert newest().id == before


def test_a_labelled_event_that_changes_date_price_audience_or_place_goes_back_for_a_look(app: Flask, world: World) -> None:
    authority, staff = authority_of(app, world.edition), manager_of(app, world.port)
    label(world.boat)
    path = f"/workspace/events/{world.boat}/edit"

    def save(**more: Any) -> Label:
        assert staff.client.post(path, data=typed(staff.client.get(path), **more)).status_code == 303
        found = the(world.boat).label
        assert found is not None
        assert found.decision is LabelDecision.LABELLED
        return found

    assert save(title="Le fleuve", meeting_point="Quai 3").review_since is None
    assert save(commune="Nanterre").review_since == NOW
    [letter] = letters(Kind.LABEL_REVIEW)
    assert (letter.recipient, letter.facts["title"]) == (authority.account.email, "Le fleuve")
    with clock.clock_at(NOW + timedelta(hours=1)):
        assert save(audiences=["public"]).review_since == NOW, "once"
    assert len(letters(Kind.LABEL_REVIEW)) == 1
    assert "Labellisé" in text(app.test_client().get(f"/events/{world.boat}"))
    assert "Labellisé, changement à revoir" in text(staff.client.get(f"/workspace/events/{world.boat}"))
    assert save(commune="Gennevilliers", audiences=["college", "lycee", "public"]).review_since is None, "again as it was"
    assert save(free="0", price="5 euros").review_since is not None
    assert save(free="1").review_since is None

    def move() -> bool:
        slot = db.session.get_one(Slot, world.boat_slot)
        slot.starts_at, slot.ends_at = slot.starts_at + timedelta(days=1), slot.ends_at + timedelta(days=1)
        return note_label_changes(slot.event, NOW, staff.who)

    assert in_transaction(move)
    assert the(world.boat).label.review_since == NOW  # type: ignore[union-attr]
    assert actions(world.boat).count("label_review_asked") == 3
    label(world.debate, LabelDecision.REQUESTED)
    assert not in_transaction(lambda: note_label_changes(the(world.debate), NOW, staff.who))


def test_who_booked_gets_a_new_invitation_when_title_place_or_meeting_point_change(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    booked = confirmed(world.boat_slot)
    held = book(world.boat_slot, a_class(5, 1, label="4e A"), "held")
    own_point = add_slot(world.boat, day=26, meeting_point="Quai B")
    other = confirmed(own_point.id, label="4e C")
    past = add_slot(world.boat, day=15)
    path = f"/workspace/events/{world.boat}/edit"

    def save(**more: Any) -> list[tuple[int, Any]]:
        before = len(letters(Kind.BOOKING_RESCHEDULED))
        assert staff.client.post(path, data=typed(staff.client.get(path), **more)).status_code == 303
        return [(mail.booking_id or 0, mail.facts["was"]) for mail in letters(Kind.BOOKING_RESCHEDULED)[before:]]

    assert save(summary="Autrement.", conditions="Bottes") == []
    assert save(meeting_point="Quai A") == [(booked.id, {"meeting_point": "Accueil, bâtiment A"})], "the other slot has its own"
    place = "Port de Gennevilliers, Route de la Seine, 92230 Gennevilliers"
    assert save(title="Sur l’eau", address="Quai du Moulin") == [
        (booked.id, {"title": "Le port vu du fleuve", "place": place}),
        (other.id, {"title": "Le port vu du fleuve", "place": place}),
    ]
    assert db.session.get_one(Booking, booked.id).sequence == 2
    assert db.session.get_one(Booking, held.id).status is Status.HELD
    assert not db.session.scalars(select(Booking).where(Booking.slot_id == past.id)).all()
    the(world.boat).publication = Publication.DRAFT
    db.session.commit()
    assert save(title="En brouillon") == []


def test_the_label_is_not_asked_for_too_late_nor_where_a_check_is_not_met(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    show = f"/workspace/events/{world.boat}"
    assert "Personne n’attribue encore de label" in text(staff.client.post(f"{show}/submission"))
    authority_of(app, world.edition)
    event = the(world.boat)
    event.description, event.free, event.price, event.audiences = "Un mot.", False, "5 euros", ("press",)
    event.equipment = "bring"  # type: ignore[assignment]
    db.session.commit()
    add_slot(world.boat, day=3)
    found = {check.code: check for check in checks(the(world.boat))}
    assert [check.met for check in found.values()] == [False, False, False, False, None]
    assert [day.isoformat() for day in found["in_window"].facts["outside"]] == ["2026-11-03"]
    assert found["complete"].facts["missing"] == ["conditions"]
    refused = staff.client.post(f"{show}/submission")
    assert refused.status_code == 409
    assert "Pas encore : Gratuit pour les visiteurs" in text(refused)
    assert "En dehors : mar. 3 nov." in text(refused)
    assert "l’équipement à apporter" in text(refused)
    with clock.clock_at(NOW + timedelta(days=1)):
        late = staff.client.post(f"{show}/submission")
        assert late.status_code == 409
        assert "jusqu’au lundi 16 novembre, 23 h 59" in text(late)
        assert "Demander le label" not in text(late)
    label(world.debate, LabelDecision.REFUSED, remarks="Hors sujet.")
    refused = staff.client.post(f"/workspace/events/{world.debate}/submission")
    assert "Le label a été refusé à cet événement." in text(refused)
    assert "Hors sujet." in text(refused)
    assert not letters(Kind.LABEL_ASKED)
    the(world.boat).host_id = world.port
    prefecture = db.session.get_one(Edition, world.edition).authority
    assert prefecture is not None


def test_where_nobody_manages_the_authority_its_own_address_is_written_to(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    edition = db.session.get_one(Edition, world.edition)
    edition.authority = an_organisation("prefecture", email="label@prefecture.example")
    the_boat = db.session.get_one(Event, world.boat)
    the_boat.description = "On monte à bord."
    db.session.commit()
    assert staff.client.post(f"/workspace/events/{world.boat}/submission").status_code == 303
    assert [mail.recipient for mail in letters(Kind.LABEL_ASKED)] == ["label@prefecture.example"]


def test_an_event_with_bookings_is_cancelled_with_a_reason_and_everybody_is_told_once(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    bookings = [confirmed(world.boat_slot), confirmed(world.second_boat_slot, label="4e C")]
    past = add_slot(world.boat, day=15)
    show = f"/workspace/events/{world.boat}"
    refused = staff.client.post(f"{show}/withdrawal")
    assert refused.status_code == 409
    assert "Cet événement a 2 réservations" in text(refused)
    assert "Annulez-le" in text(refused)
    ask = text(staff.client.get(f"{show}/cancellation"))
    assert "2 créneaux à venir seront annulés." in ask
    assert "2 réservations" in ask
    assert the(world.boat).cancelled_at is None, "a page changes nothing"
    assert staff.client.post(f"{show}/cancellation", data={"why": " "}).status_code == 422
    done = staff.client.post(f"{show}/cancellation", data={"why": "Crue de la Seine"})
    assert done.status_code == 303
    event = the(world.boat)
    assert (event.cancelled_at, event.cancel_reason, event.publication) == (NOW, "Crue de la Seine", Publication.PUBLISHED)
    assert {slot.id: bool(slot.cancelled_at) for slot in event.slots} == {
        world.boat_slot: True, world.second_boat_slot: True, past.id: False,
    }  # fmt: skip
    mails = letters(Kind.BOOKING_CANCELLED)
    assert [mail.booking_id for mail in mails] == [booking.id for booking in bookings]
    for mail in mails:
        assert mail.facts["why"] == "Crue de la Seine"
        assert world.boat not in [other["event_id"] for other in mail.facts["elsewhere"]], (
            "no slot of what is cancelled is offered"
        )
    assert "Crue de la Seine" in text(app.test_client().get(f"/events/{world.boat}"))
    for path, sent in (
        ("cancellation", {"why": "Encore"}),
        ("edit", WORDS),
        ("publication", {}),
        ("submission", {}),
        ("withdrawal", {}),
    ):
        answer = staff.client.post(f"{show}/{path}", data=sent)
        assert answer.status_code == 409, path
        assert "Cet événement est annulé" in text(answer)
    assert len(letters(Kind.BOOKING_CANCELLED)) == 2
    assert "Annulé" in text(staff.client.get(f"/workspace/organisations/{world.port}/events"))


def test_an_event_is_duplicated_with_its_words_and_picture_and_nothing_that_happened_to_it(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    staff.client.post(f"/workspace/events/{world.visit}/picture", data={"picture": (a_picture(), "x.png"), "alt": "Une grue"})
    label(world.visit)
    confirmed(world.visit_slot)
    week = db.session.get_one(Edition, world.edition)
    following = Edition(
        key="2027", number=16, year=2027, name="Semaine 2027", starts_on=week.starts_on.replace(year=2027), department="92",
        ends_on=week.ends_on.replace(year=2027), label_from=week.label_from.replace(year=2027), territory="Hauts-de-Seine",
        label_until=week.label_until.replace(year=2027),
    )  # fmt: skip
    db.session.add(following)
    db.session.commit()
    path = f"/workspace/events/{world.visit}/copies"
    same = staff.client.post(path, data={"edition_id": world.edition})
    assert same.status_code == 303
    assert "Voici la copie" in text(staff.client.get(same.location))
    assert newest().parent_id == world.debate
    assert staff.client.post(path, data={"edition_id": following.id}).status_code == 303
    copy, original = newest(), the(world.visit)
    assert (copy.edition_id, copy.publication, copy.label, copy.slots, copy.parent_id) == (
        following.id,
        Publication.DRAFT,
        None,
        [],
        None,
    )
    assert (copy.title, copy.levels, copy.meeting_point, copy.host_id) == (
        original.title,
        original.levels,
        original.meeting_point,
        world.port,
    )
    assert copy.picture is not None
    assert original.picture is not None
    assert (copy.picture.alt, copy.picture.content) == ("Une grue", original.picture.content)
    assert "gennevilliers" in copy.search_text
    assert actions(copy.id) == ["duplicated"]
    week.archived_at = NOW
    db.session.commit()
    assert staff.client.post(path, data={"edition_id": following.id}).status_code == 303, "from a past edition too"
    refused = staff.client.post(path, data={"edition_id": world.edition})
    assert refused.status_code == 422
    assert "Cette édition est terminée" in text(refused)
    rows = text(staff.client.get(f"/workspace/organisations/{world.port}/events"))
    assert rows.index("Semaine 2027" if "Semaine 2027" in rows else "Cette édition") < rows.index("Éditions passées")
    gone = staff.client.post(f"/workspace/events/{world.visit}/edit", data=WORDS | {"version": "1"})
    assert "Cette édition est terminée : l’événement ne change plus." in text(gone)


def test_an_event_takes_place_in_its_hosts_own_or_in_a_published_gathering_and_never_in_itself(app: Flask, world: World) -> None:
    staff, agency = manager_of(app, world.port), manager_of(app, world.dating and the(world.dating).host_id, "a@emploi.example")
    path = f"/workspace/events/{world.dating}/edit"

    def into(client: FlaskClient, event_id: int, parent: object) -> tuple[int, str]:
        form = typed(client.get(f"/workspace/events/{event_id}/edit"), parent_id=parent)
        answer = client.post(f"/workspace/events/{event_id}/edit", data=form)
        return answer.status_code, text(answer)

    offered = agency.client.get(path).text
    assert f'<option value="{world.debate}"' in offered
    assert f'<option value="{world.boat}"' not in offered, "nobody is in somebody else's visit"
    assert into(agency.client, world.dating, world.debate)[0] == 303
    assert the(world.dating).parent_id == world.debate
    status, said = into(agency.client, world.dating, world.boat)
    assert status == 422
    assert "Cet événement ne peut pas en contenir un autre" in said
    for loop in (world.debate, world.visit):
        status, said = into(staff.client, world.debate, loop)
        assert status == 422
        assert "se déroule déjà pendant celui que vous écrivez" in said
    assert the(world.debate).parent_id is None
    the(world.debate).publication = Publication.WITHDRAWN
    db.session.commit()
    assert into(agency.client, world.dating, world.debate)[0] == 303, "where it is already it stays"
    assert into(agency.client, world.dating, "")[0] == 303
    assert into(agency.client, world.dating, world.debate)[0] == 422, "nobody's draft is known to others"
    assert into(staff.client, world.boat, 999_999)[0] == 422


def a_picture(width: int = 800, height: int = 500, colour: str = "navy", kind: str = "PNG", noise: int = 0) -> BytesIO:
    file = BytesIO()
    Image.effect_noise((width, height), noise).convert("RGB").save(file, kind) if noise else Image.new(
        "RGB", (width, height), colour
    ).save(file, kind)
    file.seek(0)
    return file


def test_a_picture_is_rewritten_described_served_for_ever_and_hidden_with_its_event(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    send, public = f"/workspace/events/{world.visit}/picture", app.test_client()

    def post(**data: Any) -> TestResponse:
        return staff.client.post(send, data=data)

    assert post(alt="Une grue").status_code == 422, "a picture is needed"
    assert post(picture=(a_picture(), "x.png"), alt=" ").status_code == 422, "and what it shows"
    unreadable = post(picture=(BytesIO(b"<svg onload=alert(1)>"), "x.png"), alt="Une grue")
    assert unreadable.status_code == 422
    assert "Nous ne pouvons pas lire cette image" in text(unreadable)
    assert post(picture=(a_picture(100, 100), "x.png"), alt="Une grue").status_code == 422
    before = the(world.visit).updated_at
    big = a_picture(1200, 900, noise=90)
    assert len(big.getvalue()) > 256 * 1024
    with clock.clock_at(NOW + timedelta(minutes=1)):
        assert post(picture=(big, "x.png"), alt="Une <grue>").status_code == 303, "larger than any other form may be"
    event = the(world.visit)
    assert event.picture is not None
    assert event.updated_at > before
    assert event.picture.content[:2] == b"\xff\xd8"
    address = f"/events/{world.visit}/picture/{event.picture.digest}.jpg"
    page = public.get(f"/events/{world.visit}").text
    assert f'src="{address}" alt="Une &lt;grue&gt;"' in page
    assert f'{address}"' in re.findall(r"ld\+json\">(.*?)</script>", page)[0]
    served = public.get(address)
    assert served.data == event.picture.content
    assert (served.mimetype, served.headers["Cache-Control"], served.headers["X-Content-Type-Options"]) == (
        "image/jpeg", "public, max-age=31536000, immutable", "nosniff",
    )  # fmt: skip
    assert public.get(address, headers={"If-None-Match": served.headers["ETag"]}).status_code == 304
    for wrong in (address.replace(event.picture.digest, "0" * 16), f"/events/{world.boat}/picture/{event.picture.digest}.jpg"):
        assert public.get(wrong).status_code == 404

    assert post(alt="Deux grues").status_code == 303, "another text needs no other picture"
    assert "Deux grues" in public.get(f"/events/{world.visit}").text
    event = the(world.visit)
    event.publication = Publication.DRAFT
    db.session.commit()
    assert public.get(address).status_code == 404
    hidden = staff.client.get(address)
    assert (hidden.status_code, hidden.headers["Cache-Control"]) == (200, "private, no-store")
    authority = authority_of(app, world.edition)
    assert authority.client.get(address).status_code == 404
    label(world.visit, LabelDecision.REQUESTED)
    assert authority.client.get(address).status_code == 200, "who is to label it sees it"
    assert staff.client.post(f"{send}/removal").status_code == 303
    assert staff.client.get(address).status_code == 404
    assert db.session.get(Picture, world.visit) is None
    assert actions(world.visit) == ["picture_set", "picture_set", "picture_removed"]
    assert post(picture=(BytesIO(b"x" * (9 * 1024**2 + 1)), "x.png"), alt="x").status_code == 413
    too_long = staff.client.post(f"/workspace/events/{world.visit}/edit", data={"title": "x" * 300_000})
    assert too_long.status_code == 413, "everywhere else forms stay small"


POLYGLOT = "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert() )//</stYle/</titLe/</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd=alert()//>"


def test_hostile_words_stay_words_on_every_page(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    authority_of(app, world.edition)
    path = f"/workspace/events/{world.boat}/edit"
    hostile = {
        "title": POLYGLOT[:100], "summary": POLYGLOT, "description": f"{POLYGLOT}\n\n[lien](javascript:alert(1)) <img src=x onerror=alert(1)>",
        "place_name": POLYGLOT[:118], "address": POLYGLOT, "commune": "\"><svg/onload=alert()>", "meeting_point": POLYGLOT,
        "access_info": POLYGLOT, "conditions": POLYGLOT, "accessibility_note": POLYGLOT, "partners": "</script><script>alert()</script>",
        "free": "0", "price": "<script>alert(1)</script>",
    }  # fmt: skip
    other = typed(staff.client.get(path))
    saved = staff.client.post(path, data=typed(staff.client.get(path), **hostile))
    assert saved.status_code == 303, text(saved)
    label(world.boat, LabelDecision.RETURNED, remarks=POLYGLOT)
    staff.client.post(f"/workspace/events/{world.boat}/picture", data={"picture": (a_picture(), "x.png"), "alt": POLYGLOT})
    event = the(world.boat)
    event.cancel_reason = POLYGLOT
    db.session.commit()
    show, public = f"/workspace/events/{world.boat}", f"/events/{world.boat}"
    pages = [
        staff.client.get(show), staff.client.get(path), staff.client.get(f"/workspace/organisations/{world.port}/events"),
        staff.client.get(f"{show}/cancellation"), app.test_client().get(public), app.test_client().get("/events"),
        staff.client.post(path, data=other | {"title": "Retard"}),
        staff.client.post(path, data=typed(staff.client.get(path), preview="1")),
    ]  # fmt: skip
    assert [page.status_code for page in pages] == [200] * 6 + [409, 200]
    for page in pages:
        body = re.sub(r'<script type="application/ld\+json">[^<]*</script>', "", page.text)
        assert not re.search(r"<(svg/|sVg|img src=x|script>)", body), "no tag of theirs"
        tags = re.findall(r"<[a-zA-Z][^>]*>", re.sub(r'="[^"]*"', "", body))
        assert not [tag for tag in tags if re.search(r"\bon\w+=|onload|onclick", tag, re.IGNORECASE)]
        assert 'href="javascript:' not in body.lower()
    [structured] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', pages[4].text, re.DOTALL)
    data = json.loads(structured)
    assert data["name"] == POLYGLOT[:100]
    assert data["isAccessibleForFree"] is False
    assert data["location"]["address"]["addressLocality"] == hostile["commune"]


def test_the_pages_of_an_event_in_english_say_nothing_in_french(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    authority_of(app, world.edition)
    confirmed(world.boat_slot)
    label(world.debate)
    staff.client.get("/?lang=en")
    pages = {
        f"/workspace/organisations/{world.port}/events": ("Where it stands", "No label", "Labelled"),
        f"/workspace/organisations/{world.port}/events/new": ("The essentials", "Save the draft"),
        f"/workspace/events/{world.boat}": ("Request the label", "Everything visitors need to know is written", "Less often"),
        f"/workspace/events/{world.debate}": ("the seal is on the public page",),
        f"/workspace/events/{world.boat}/edit": ("Save the changes", "everyone who booked gets a new invitation"),
        f"/workspace/events/{world.boat}/cancellation": ("Cancel this event?", "Cancel and tell the one booking"),
    }
    for path, expected in pages.items():
        assert_english(staff.client.get(path).text, *expected)
    form = typed(staff.client.get(f"/workspace/events/{world.boat}/edit"))
    manager = manager_of(app, world.port, "deux@port.example").client
    manager.post(f"/workspace/events/{world.boat}/edit", data=form | {"summary": "Autre"})
    late = staff.client.post(f"/workspace/events/{world.boat}/edit", data=form | {"summary": "Mien"})
    assert_english(late.text, "Somebody saved before you", "your text, which will replace it")
    assert_english(staff.client.post(f"/workspace/events/{world.boat}/withdrawal").text, "This event has one booking")
    wrong = staff.client.post(
        f"/workspace/organisations/{world.port}/events/new", data={"title": "", "postcode": "x", "latitude": "x"}
    )
    assert_english(wrong.text, "A French postcode has five digits", "Write degrees")
    empty = an_organisation("neuf")
    assert_english(
        manager_of(app, empty.id, "n@neuf.example").client.get(f"/workspace/organisations/{empty.id}/events?lang=en").text,
        "No event for the coming edition",
    )
