"""What is done with a whole event: label, publication, cancellation, copies, its picture, and who is told."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from booking import clock
from booking.actions.label_changes import note_label_changes
from booking.db import db, in_transaction
from booking.models import (
    Booking,
    Edition,
    Event,
    Kind,
    Label,
    LabelDecision,
    Picture,
    Publication,
    Slot,
    Status,
)
from booking.queries.label_checks import checks
from tests.conftest import NOW
from tests.event_forms import WORDS, a_picture, actions, add_slot, confirmed, label, letters, newest, text, the, typed
from tests.test_booking import book
from tests.workspaces import an_organisation, authority_of, manager_of
from tests.world import World, a_class


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
    authority_of(app, world.edition)
    label(world.boat)
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
    assert letters(Kind.LABEL_REVIEW) == [], "nobody has to look at what does not take place"
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
