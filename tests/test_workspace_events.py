"""Events in a company's workspace: written, previewed, changed by two people, put into another; and what hostile words become."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from booking import clock
from booking.actions.write_event import write_event
from booking.db import db, in_transaction
from booking.errors import EditConflict
from booking.models import (
    Edition,
    HistoryEntry,
    Kind,
    LabelDecision,
    MemberState,
    Organisation,
    Publication,
)
from booking.queries.label_checks import checks
from tests.conftest import NOW
from tests.event_forms import WORDS, a_picture, actions, add_slot, confirmed, field, label, letters, newest, text, the, typed
from tests.test_languages import assert_english
from tests.workspaces import a_member, an_organisation, authority_of, manager_of, sign_in
from tests.world import World


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
    assert "Avant de demander le label, il manque : le résumé, la description, le public, le lieu et la commune" in page
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

    assert "Il manque : le résumé, la description" in text(refused)
    edit = staff.client.get(f"{show}/edit")
    saved = staff.client.post(f"{show}/edit", data=typed(edit, **WORDS, levels=["3e"]))
    assert saved.status_code == 303
    assert (the(event.id).levels, the(event.id).commune) == (("3e",), "Gennevilliers")
    assert "peniches" in the(event.id).search_text
    assert "grues" in the(event.id).search_text
    add_slot(event.id)
    page = staff.client.get(show).text
    assert "Avant de demander le label" not in page
    assert 'button-main">Demander le label' in page
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


def test_who_waits_to_be_accepted_prepares_and_never_touches_what_others_made(app: Flask, world: World) -> None:
    staff = sign_in(app, "nouveau@quai.example")
    own, port = an_organisation("quai"), db.session.get_one(Organisation, world.port)
    a_member("nouveau@quai.example", own, state=MemberState.ASKED, founding=True)
    a_member("nouveau@quai.example", port, state=MemberState.ASKED)
    new = f"/workspace/organisations/{own.id}/events/new"
    assert staff.client.post(new, data=WORDS | {"edition_id": world.edition}).status_code == 303
    draft = newest().id
    home = staff.client.get(f"/workspace/organisations/{own.id}?lang=fr").text
    assert "Votre demande attend une réponse." in home
    assert home.count('aria-hidden="true">!</span>') == 1, "the draft waits; the own request is no line without words"
    assert staff.client.post(f"/workspace/events/{draft}/edit", data=WORDS | {"version": "9"}).status_code == 303
    assert staff.client.post(f"/workspace/events/{draft}/publication").status_code == 404
    for path in (f"organisations/{world.port}", f"events/{world.visit}", f"slots/{world.visit_slot}"):
        assert staff.client.get(f"/workspace/{path}").status_code == 404, "an organisation somebody else has made"
    the(draft).publication = Publication.PUBLISHED
    db.session.commit()
    for path in (f"events/{draft}", f"events/{draft}/edit", f"events/{draft}/slots/new"):
        assert staff.client.get(f"/workspace/{path}").status_code == 404, "an authority has published it meanwhile"


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
        f"/workspace/events/{world.boat}/cancellation": ("Cancel this event?", "Cancel and tell everybody"),
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
