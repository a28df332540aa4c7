"""The waiting list through its pages: joining, standing in the queue, answering offers, and the host's side."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from booking import clock
from booking.actions.book_places import book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.close_slot import close_slot
from booking.actions.confirm_booking import confirm_booking
from booking.actions.expire_holds import expire_hold
from booking.actions.join_waiting_list import join_waiting_list
from booking.actions.set_capacity import set_capacity
from booking.actions.waiting_ends import end_wait
from booking.db import db, in_transaction
from booking.links import CONFIRM, MANAGE, make_token
from booking.models import Actor, Booking, Event, HeldFor, HistoryEntry, Kind, Message, Offer, Status, Wait, Who
from booking.offer_times import DAY_BEGINS, DAY_ENDS, OFFER_FOR
from booking.queries import fetch, waiting_pages
from tests.test_waiting_list import party, terms
from tests.workspaces import manager_of
from tests.world import World, a_form


def text(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))).replace("\u00a0", " ")


def book(slot_id: int, label: str, pupils: int, adults: int = 3) -> str:
    return in_transaction(lambda: book_places(slot_id, party(label, pupils, adults), terms(label))).reference


def wait(slot_id: int, label: str, pupils: int, at_least: int | None = None, also: tuple[int, ...] = (), adults: int = 3) -> str:
    who = party(label, pupils, adults)
    return in_transaction(lambda: join_waiting_list(slot_id, who, terms(label), at_least, also)).reference


def cancel(reference: str) -> None:
    in_transaction(lambda: cancel_booking(reference))


def fresh(reference: str) -> Booking:
    db.session.rollback()
    return fetch.booking(reference)


def newest() -> Booking:
    db.session.rollback()
    reference = db.session.scalars(select(Booking.reference).order_by(Booking.id.desc())).first()
    assert reference
    return fetch.booking(reference)


def token(app: Flask, reference: str, purpose: str = MANAGE) -> str:
    return make_token(app.config["SETTINGS"].secret_key, purpose, fresh(reference).link_nonce)


def page_of(app: Flask, reference: str, client: FlaskClient | None = None) -> str:
    """The owner's page through the secret link, in a browser that knows nothing."""
    answer = (client or app.test_client()).get(f"/bookings/{reference}?token={token(app, reference)}")
    assert answer.status_code == 200
    return text(answer)


def act(app: Flask, reference: str, what: str, **more: str) -> TestResponse:
    return app.test_client().post(f"/bookings/{reference}/{what}", data={"token": token(app, reference), **more})


def everything() -> list[tuple[object, ...]]:
    """What a request could have changed."""
    db.session.rollback()
    tables = (Booking, Wait, Offer, Message, HistoryEntry)
    counts = [(table.__name__, db.session.scalar(select(func.count()).select_from(table))) for table in tables]
    return [
        *counts,
        *((row.id, row.status, row.version) for row in db.session.execute(select(Booking.id, Booking.status, Booking.version))),
    ]


def test_the_whole_story_from_the_full_slot_to_the_invitation(app: Flask, client: FlaskClient, world: World) -> None:
    booked, before = book(world.visit_slot, "3A", 31), wait(world.visit_slot, "4Z", 28)
    event = client.get(f"/events/{world.visit}")
    assert f'href="/slots/{world.visit_slot}/waiting/new"' in event.text
    refused = client.post(f"/slots/{world.visit_slot}/bookings", data=a_form(pupils=20, label="3e « D » & co"))
    assert refused.status_code == 409
    assert f'formaction="/slots/{world.visit_slot}/waiting/new"' in refused.text
    carried = client.post(f"/slots/{world.visit_slot}/waiting/new", data=a_form(pupils=20, label="3e « D » & co"))
    assert carried.status_code == 200
    assert 'value="3e « D » &amp; co"' in carried.text
    assert 'name="at_least"' in carried.text
    assert "à revoir" not in text(carried)
    for _ in range(2):  # sent twice, it joins once
        joined = client.post(
            f"/slots/{world.visit_slot}/waiting", data=a_form(pupils=20, label="4e D", level="4e", at_least="12")
        )
        assert joined.status_code == 303
    mine = newest()
    assert (mine.status, mine.at_least, mine.rank) == (Status.WAITING, 12, None)
    assert "Plus qu’une étape" in text(client.get(joined.location))
    confirm = f"/bookings/{mine.reference}/confirmation"
    asked = text(client.get(f"{confirm}?token={token(app, mine.reference, CONFIRM)}"))
    assert "Prendre rang" in asked
    assert "rien n’est encore réservé" in asked
    assert fresh(mine.reference).rank is None, "looking changes nothing"
    client.post(confirm, data={"token": token(app, mine.reference, CONFIRM)})
    shown = text(client.get(f"/bookings/{mine.reference}?note=confirmed"))
    assert "2e 1 groupe avant vous, 28 places" in shown
    assert "Aucune place n’est libre en ce moment." in shown
    in_transaction(lambda: change_headcount(booked, 15, 3))
    offered = text(client.get(f"/bookings/{mine.reference}"))
    assert "16 places pour 20 élèves" in offered
    assert "Vous aviez dit : à 12 au moins." in offered
    assert "Décliner et rester sur la liste" in offered
    assert fresh(before).status is Status.WAITING
    accepted = client.post(f"/bookings/{mine.reference}/offer/acceptance")
    assert accepted.status_code == 303
    assert "Vous avez accepté : les places sont à vous." in text(client.get(accepted.location))
    mine = fresh(mine.reference)
    assert (mine.status, mine.places) == (Status.CONFIRMED, 16)
    assert mine.is_invited
    told = select(Message.kind).where(Message.booking_id == mine.id, Message.recipient == mine.email)
    kinds = list(db.session.scalars(told.order_by(Message.id)))
    assert kinds == [Kind.WAITING_TO_PROVE, Kind.WAITING_JOINED, Kind.PLACES_OFFERED, Kind.BOOKING_CONFIRMED]
    assert client.post(f"/bookings/{mine.reference}/offer/acceptance").status_code == 303, "twice accepts once"


def test_who_could_come_now_is_told_so_first_and_loses_nothing(client: FlaskClient, world: World) -> None:
    book(world.visit_slot, "3A", 20)
    assert "/waiting/new" not in client.get(f"/events/{world.visit}").text
    assert "/waiting/new" in client.get(f"/events/{world.visit}?places=28").text, "for a class of 28 it is full"
    form = client.get(f"/slots/{world.visit_slot}/waiting/new?places=28")
    assert "Il reste 11 places" in text(form)
    roomy = client.post(f"/slots/{world.visit_slot}/waiting", data=a_form(pupils=11))
    assert roomy.status_code == 409
    assert "Il y a assez de places pour vous" in text(roomy)
    assert f'formaction="/slots/{world.visit_slot}/bookings/new"' in roomy.text
    back = client.post(f"/slots/{world.visit_slot}/bookings/new", data=a_form(pupils=11, school_name="Collège du Quai"))
    assert back.status_code == 200
    assert 'value="Collège du Quai"' in back.text
    assert db.session.scalar(select(func.count()).select_from(Booking)) == 1
    wrong = client.post(f"/slots/{world.visit_slot}/waiting", data=a_form(pupils=20, at_least="21"))
    assert wrong.status_code == 422
    assert 'href="#at_least"' in wrong.text
    never = client.post(f"/slots/{world.visit_slot}/waiting", data=a_form(pupils=40))
    assert "n’aura jamais plus de 31 places" in text(never)


def test_a_form_whose_time_is_over_comes_back_filled_in(app: Flask, client: FlaskClient, world: World) -> None:
    book(world.visit_slot, "3A", 31)
    app.config["WTF_CSRF_ENABLED"] = True
    late = client.post(f"/slots/{world.visit_slot}/waiting", data=a_form(label="3e « D »", at_least="12"))
    assert late.status_code == 400
    assert 'value="3e « D »"' in late.text
    assert 'name="at_least" type="text" value="12"' in late.text
    assert f'action="/slots/{world.visit_slot}/waiting"' in late.text


def test_positions_are_true_in_each_queue_and_say_why_free_places_are_not_offered(app: Flask, world: World) -> None:
    book(world.boat_slot, "3A", 28, 2)
    book(world.second_boat_slot, "3B", 28, 2)
    first = wait(world.boat_slot, "4A", 20, adults=2)
    second = wait(world.second_boat_slot, "4B", 12, adults=1)
    either = wait(world.boat_slot, "4C", 15, also=(world.second_boat_slot,), adults=1)
    places = {place.slot.id: place for place in waiting_pages.places_in_queues(fresh(either), clock.now())}
    assert {number: (place.position, place.places_before) for number, place in places.items()} == {
        world.boat_slot: (2, 22),
        world.second_boat_slot: (2, 13),
    }
    said = page_of(app, either)
    assert "2e 1 groupe avant vous, 22 places" in said
    assert "2e 1 groupe avant vous, 13 places" in said
    cancel(second)
    assert "1er aucun groupe avant vous" in page_of(app, either)
    assert "1st no group before you" in text(app.test_client().get(f"/bookings/{either}?lang=en&token={token(app, either)}"))
    assert fresh(first).status is Status.WAITING
    in_transaction(lambda: close_slot(world.second_boat_slot, Who(Actor.HOST)))
    assert "Rien n’est proposé, sauf si l’organisateur les rouvre." in page_of(app, either)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waiting_pages, "stands_already", lambda *_: "7KQ4-M9TX")
        assert "une autre de vos demandes porte sur ce créneau" in page_of(app, either)


def test_too_few_places_are_said_to_be_too_few_and_a_change_of_mind_is_served_at_once(app: Flask, world: World) -> None:
    booked = book(world.visit_slot, "3A", 31)
    mine = wait(world.visit_slot, "4A", 28)
    in_transaction(lambda: change_headcount(booked, 20, 3))
    said = page_of(app, mine)
    assert "11 places sont libres, c’est trop peu pour vous : il en faut 28." in said
    form = app.test_client().get(f"/bookings/{mine}/waiting?token={token(app, mine)}")
    assert form.status_code == 200
    wrong = act(app, mine, "waiting", at_least="29", also=str(world.visit_slot))
    assert (wrong.status_code, 'id="at_least-wrong"' in wrong.text) == (422, True)
    foreign = act(app, mine, "waiting", at_least="10", also=str(world.boat_slot))
    assert foreign.status_code == 404
    changed = act(app, mine, "waiting", at_least="10", also=str(world.visit_slot))
    assert changed.status_code == 303
    booking = fresh(mine)
    assert (booking.held_for, booking.pupils, booking.asked_pupils, booking.rank) == (HeldFor.OFFER, 11, 28, 1)
    assert act(app, mine, "waiting", at_least="9", also=str(world.visit_slot)).status_code == 409, "first comes the answer"


def test_who_declines_a_part_may_stay_and_who_says_nothing_leaves(app: Flask, world: World, frozen: datetime) -> None:
    booked = book(world.visit_slot, "3A", 31)
    mine, next_one = wait(world.visit_slot, "4A", 28, at_least=10), wait(world.visit_slot, "4B", 11)
    in_transaction(lambda: change_headcount(booked, 20, 3))
    stayed = act(app, mine, "offer/refusal", stay="1")
    assert stayed.status_code == 303
    said = text(app.test_client().get(f"{stayed.location}&token={token(app, mine)}"))
    assert "Vous gardez votre rang et vous attendez toujours." in said
    assert (fresh(mine).status, fresh(mine).rank) == (Status.WAITING, 1)
    assert fresh(next_one).held_for is HeldFor.OFFER
    until = fresh(next_one).expires_at
    assert until is not None
    with clock.clock_at(until + timedelta(minutes=1)):
        assert "La proposition n’est plus valable" in page_of(app, next_one), "also before the worker has been round"
        late = act(app, next_one, "offer/acceptance")
        assert late.status_code == 409
        assert "Rien n’a changé" in text(late)
        assert in_transaction(lambda: expire_hold(next_one))
        said = page_of(app, next_one)
    assert "La proposition n’est plus valable" in said
    assert "Voir les places libres" in said
    cancel(booked)
    assert act(app, mine, "offer/refusal").status_code == 303
    assert "Vous avez décliné la proposition" in page_of(app, mine)
    assert fresh(mine).status is Status.CANCELLED


def test_the_end_of_a_list_is_told_and_leaving_it_asks_first(app: Flask, world: World) -> None:
    book(world.visit_slot, "3A", 31)
    mine, other = wait(world.visit_slot, "4A", 28), wait(world.visit_slot, "4B", 5)
    asked = text(app.test_client().get(f"/bookings/{other}/cancellation?token={token(app, other)}"))
    assert "Quitter la liste d’attente ?" in asked
    assert fresh(other).status is Status.WAITING
    assert act(app, other, "cancellation").status_code == 303
    left = page_of(app, other)
    assert "Vous avez quitté la liste d’attente" in left
    assert "Rien de réservé" in left
    assert left.count("Revoir la visite") == 1
    ends = fresh(mine).expires_at
    assert ends is not None
    with clock.clock_at(ends + timedelta(seconds=1)):
        assert in_transaction(lambda: end_wait(mine))
        assert "La liste d’attente est close" in page_of(app, mine)
        assert "/waiting/new" not in app.test_client().get(f"/events/{world.visit}").text


def test_one_person_waits_for_one_place_and_what_was_accepted_is_no_wait_any_more(app: Flask, world: World) -> None:
    client = app.test_client()
    alone = {"audience": "jobseeker", "name": "Lou Petit", "phone": "", "key": "k"}
    slot = fetch.slot(world.dating_slot)
    in_transaction(lambda: set_capacity(slot.id, {"capacity": "1"}, Who(Actor.HOST)))
    first = client.post(f"/slots/{slot.id}/bookings", data=alone | {"email": "lou@personne.example"})
    form = client.get(f"/slots/{slot.id}/waiting/new")
    assert "Prendre rang sur la liste" in text(form)
    assert "at_least" not in form.text
    client.post(f"/slots/{slot.id}/waiting", data=alone | {"email": "ana@personne.example", "name": "Ana"})
    mine = newest().reference
    in_transaction(lambda: confirm_booking(mine))
    assert "1er aucune personne avant vous" in page_of(app, mine)
    event = db.session.get_one(Event, world.dating)
    event.host_approval = True
    db.session.commit()
    cancel(first.location.rpartition("/")[2])
    said = page_of(app, mine)
    assert "Une place est libre pour vous" in said
    assert "Votre demande part aussitôt vers qui doit l’approuver" in said
    for _ in range(2):
        assert act(app, mine, "offer/acceptance").status_code == 303
    assert fresh(mine).held_for is HeldFor.HOST
    until = fresh(mine).expires_at
    assert until is not None
    with clock.clock_at(until):
        assert in_transaction(lambda: expire_hold(mine))
        assert "liste d’attente est close" not in page_of(app, mine)


def test_looking_changes_nothing_and_strangers_find_nothing(app: Flask, world: World) -> None:
    booked = book(world.visit_slot, "3A", 31)
    waiting, offered = wait(world.visit_slot, "4A", 20), wait(world.visit_slot, "4B", 10)
    in_transaction(lambda: change_headcount(booked, 21, 3))
    before = everything()
    for reference in (waiting, offered):
        for path in ("", "/waiting", "/cancellation"):
            assert app.test_client().get(f"/bookings/{reference}{path}?token={token(app, reference)}").status_code in {200, 409}
    app.test_client().get(f"/slots/{world.visit_slot}/waiting/new")
    app.test_client().post(f"/slots/{world.visit_slot}/waiting/new", data=a_form())
    for what in ("offer/acceptance", "offer/refusal", "waiting", "cancellation"):
        assert app.test_client().get(f"/bookings/{offered}/offer/acceptance").status_code in {404, 405}
        stranger = app.test_client().post(f"/bookings/{offered}/{what}", data={"token": token(app, waiting)})
        assert stranger.status_code == 404, what
    assert everything() == before


def test_the_host_reads_the_queue_offers_by_hand_and_removes(app: Flask, world: World) -> None:
    booked = book(world.visit_slot, "3A", 31)
    large = wait(world.visit_slot, "4A", 28)
    small = wait(world.visit_slot, "4B", 6)
    by_hand = wait(world.visit_slot, "4C", 25, at_least=15)
    in_transaction(lambda: change_headcount(booked, 25, 3))
    host = manager_of(app, world.port).client
    queue = f"/workspace/slots/{world.visit_slot}/waiting"
    said = text(host.get(queue))
    assert "Passé 1 fois : trop peu de places" in said
    assert "1 demande plus ancienne passée" in said
    assert "Pas encore assez de places" in said
    assert "2 groupes ou personnes attendent une place" in text(host.get(f"/workspace/slots/{world.visit_slot}"))
    assert "rang 2" in text(host.get(f"/workspace/bookings/{by_hand}"))
    assert "Places proposées" in text(host.get(f"/workspace/organisations/{world.port}/bookings"))
    offer = f"/workspace/bookings/{by_hand}/offer"
    assert "1 demande plus ancienne est passée" in text(host.get(f"{offer}?slot={world.visit_slot}"))
    cannot = host.get(f"{offer}?slot={world.visit_slot}")
    assert "seraient tenues" not in text(cannot), "nothing can be held"
    assert f'href="/workspace/slots/{world.visit_slot}/capacity"' in cannot.text
    too_few = host.post(offer, data={"slot": world.visit_slot, "pupils": "15"})
    assert (too_few.status_code, "Ce créneau est complet" in text(too_few)) == (409, True)
    in_transaction(lambda: close_slot(world.visit_slot, Who(Actor.HOST)))
    in_transaction(lambda: change_headcount(booked, 5, 3, Who(Actor.HOST)))
    assert fresh(by_hand).status is Status.WAITING, "while bookings are closed the rule offers nothing"
    wrong = host.post(offer, data={"slot": world.visit_slot, "pupils": "14"})
    assert (wrong.status_code, "15" in text(wrong)) == (422, True)
    assert host.post(offer, data={"slot": world.boat_slot, "pupils": "20"}).status_code == 404
    done = host.post(offer, data={"slot": world.visit_slot, "pupils": "20"})
    assert done.status_code == 303
    booking = fresh(by_hand)
    assert (booking.held_for, booking.pupils, booking.asked_pupils) == (HeldFor.OFFER, 20, 25)
    line = db.session.scalars(
        select(HistoryEntry).where(HistoryEntry.booking_id == booking.id).order_by(HistoryEntry.id.desc())
    ).first()
    assert line is not None
    assert (line.action, line.actor, line.details["passed_over"]) == ("offered", Actor.HOST, 1)
    assert line.account_id is not None
    history = text(host.get(f"/workspace/bookings/{by_hand}"))
    assert re.search(r"Places proposées : 20 places, 1 demande plus ancienne passée – [^–]*\(visites@port\.example\)", history), (
        history
    )
    said = text(host.get(queue))
    assert "à la main" in said
    assert "Passé 1 fois : proposition à la main" in said
    assert act(app, by_hand, "offer/acceptance").status_code == 303
    assert fresh(by_hand).status is Status.CONFIRMED, "closed bookings do not bind who was offered places"
    removed = host.post(f"/workspace/bookings/{large}/cancellation", data={"why": "La visite se fera au printemps."})
    assert removed.status_code == 303
    told = select(Message.kind).where(Message.booking_id == fresh(large).id)
    assert Kind.BOOKING_CANCELLED in set(db.session.scalars(told))
    assert "La visite se fera au printemps." in page_of(app, large)
    assert host.post(f"/workspace/bookings/{small}/offer/acceptance").status_code == 303, "said on the telephone"
    assert fresh(small).status is Status.CONFIRMED


def test_the_queue_of_thousands_is_read_a_page_at_a_time(app: Flask, world: World) -> None:
    book(world.visit_slot, "3A", 31)
    for number in range(3):
        wait(world.visit_slot, f"4{number}", 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waiting_pages, "A_PAGE", 2)
        page = waiting_pages.queue_of(fetch.slot(world.visit_slot), 2, clock.now())
        assert ([line.position for line in page.lines], page.parties, page.places, page.pages) == ([3], 3, 30, 2)
        host = manager_of(app, world.port).client
        assert "Page 2 sur 2" in text(host.get(f"/workspace/slots/{world.visit_slot}/waiting?page=9"))


def test_the_rule_is_published_with_the_numbers_it_runs_by(client: FlaskClient, world: World) -> None:
    hours = int(OFFER_FOR.total_seconds() // 3600)
    french, english = text(client.get("/waiting-list?lang=fr")), text(client.get("/waiting-list?lang=en"))
    assert f"Une proposition tient {hours} heures." in french
    assert f"entre {DAY_BEGINS.hour} h et {DAY_ENDS.hour} h" in french
    assert f"An offer stands for {hours} hours." in english
    assert 'href="/waiting-list"' in client.get("/").text
