"""Attacks on places: on pools, waiting lists, offers, approvals, moves and splits, by people who do not mean well."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from booking import clock
from booking.actions.book_places import book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.limits import PER_ASKER_AND_HOUR, PER_BOOKING_AND_HOUR, Limiter
from booking.db import db, in_transaction
from booking.errors import TooMany
from booking.links import CONFIRM, HEAD, MANAGE
from booking.models import Booking, HeldFor, HistoryEntry, Kind, Message
from booking.queries import doctor
from tests.test_approvals import UAI, asks, token
from tests.test_moving import book, fresh, party, terms, wait
from tests.workspaces import manager_of
from tests.world import World, a_form


@pytest.fixture(autouse=True)
def _all_rules_hold(app: object) -> Any:
    yield
    db.session.rollback()
    assert [finding for finding in doctor.examine() if finding.broken] == []


def test_what_is_no_reference_is_looked_for_nowhere(app: Flask, world: World) -> None:
    host = manager_of(app, world.port)
    page = f"/workspace/organisations/{world.port}/requests"
    assert host.client.get(f"{page}?done=%00&done=x").status_code == 200
    for reference in ("\x00", "x" * 5000, "²AAA-AAAA"):
        answer = host.client.post(page, data={"references": reference, "decision": "approve"})
        assert answer.status_code == 404, reference


def test_the_other_language_keeps_the_secret_that_opened_the_page_and_no_public_page_takes_one_up(
    app: Flask, world: World
) -> None:
    asks(world, head=True)
    reference = book(world.visit_slot, replace(party("3A", 20), school_uai=UAI))
    for path, purpose in (
        ("", MANAGE),
        ("/slot", MANAGE),
        ("/split", MANAGE),
        ("/confirmation", CONFIRM),
        ("/head-approval", HEAD),
    ):
        visitor = app.test_client()
        answer = visitor.get(f"/bookings/{reference}{path}?token={token(app, reference, purpose)}")
        [english] = re.findall(r'href="([^"]*lang=en)"|href="([^"]*lang=en&[^"]*)"', answer.text)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        there = visitor.get(unescape("".join(english)))
        assert there.status_code == 200, path
        assert '<html lang="en">' in there.text
        assert there.headers["Cache-Control"] == "no-store"
    public = app.test_client().get(f"/events/{world.visit}?token=a-secret")
    assert "a-secret" not in public.text


def test_the_form_of_a_split_class_is_kept_by_nobody(client: FlaskClient, world: World) -> None:
    answer = client.post(f"/slots/{world.boat_slot}/bookings/split/new", data=a_form())
    assert "prof@college.example" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]


def test_a_booking_that_changes_without_end_fills_nobodys_mailbox(app: Flask, client: FlaskClient, world: World) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], rate_limits=True)
    reference = book(world.boat_slot, party("3A", 10, 2))
    secret = token(app, reference, MANAGE)
    to_host = select(func.count()).select_from(Message).where(Message.kind == Kind.HOST_BOOKING_CHANGED)
    page, api = f"/bookings/{reference}", f"/api/v1/bookings/{reference.lower()}"
    bearer = {"Authorization": f"Bearer {secret}"}

    def change(number: int) -> TestResponse:
        match number % 4:
            case 0:
                slot = world.boat_slot if number % 8 else world.second_boat_slot
                return client.post(f"{page}/slot", data={"token": secret, "slot": str(slot)})
            case 1:
                return client.post(f"{page}/headcount", data={"token": secret, "pupils": str(10 + number % 8), "adults": "2"})
            case 2:
                slot = world.boat_slot if number % 8 == 6 else world.second_boat_slot
                return client.post(f"{api}/slot", json={"slot_id": slot}, headers=bearer)
        return client.patch(api, json={"pupils": 20 + number % 8}, headers=bearer)

    done = [change(number).status_code for number in range(PER_BOOKING_AND_HOUR)]
    assert set(done) <= {200, 303}
    told = db.session.scalar(to_host)
    refused = [change(number) for number in range(4)]
    assert [answer.status_code for answer in refused] == [429] * 4
    assert refused[3].json is not None
    assert refused[3].json["scope"] == "booking"
    now = fresh(reference)
    other = world.second_boat_slot if now.slot_id == world.boat_slot else world.boat_slot
    halves = {"staying_pupils": 5, "pupils": now.pupils - 5, "staying_adults": 1, "adults": 1, "slot": other, "token": secret}
    assert client.post(f"{page}/split", data=halves).status_code == 429
    db.session.rollback()
    assert db.session.scalar(to_host) == told
    assert client.post(f"{page}/cancellation", data={"token": secret}).status_code == 303
    with clock.clock_at(clock.now() + timedelta(hours=1)):
        assert change(0).status_code == 409, "it is cancelled, and no longer limited"


def test_one_proven_address_does_not_write_to_every_head_of_the_country(world: World) -> None:
    asks(world)
    limited = Limiter(secret="s", network="198.51.100.7")
    asked = replace(party("3A", 1, 1), email="prof@college.example", school_uai=UAI, head_asked=True)
    for number in range(PER_ASKER_AND_HOUR):
        one = replace(asked, label=f"3e {number}")
        in_transaction(lambda: book_places(world.visit_slot, one, terms(one.label, limiter=limited)))
    one_more = replace(asked, label="4e A")
    with pytest.raises(TooMany):
        in_transaction(lambda: book_places(world.visit_slot, one_more, terms("one more", limiter=limited)))
    without = replace(one_more, head_asked=False)
    assert in_transaction(lambda: book_places(world.visit_slot, without, terms("without", limiter=limited))).is_live
    told = db.session.scalar(select(func.count()).select_from(Message).where(Message.kind == Kind.HEAD_ASKED))
    assert told == PER_ASKER_AND_HOUR


def lines_of_history() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(HistoryEntry)) or 0


def test_no_button_works_from_another_sites_page_whoever_is_signed_in_and_whatever_link_they_have(
    app: Flask, world: World
) -> None:
    booked, waiting = book(world.visit_slot, party("3A", 31)), wait(world.visit_slot, party("3B", 20))
    host, before = manager_of(app, world.port), lines_of_history()
    app.config["WTF_CSRF_ENABLED"] = True
    here = {"slot_id": world.visit_slot, "organisation_id": world.port, "event_id": world.boat, "pool_id": 1}
    tried = 0
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.rule.startswith("/api/") or not rule.arguments <= {*here, "reference"}:
            continue
        for reference in (booked, waiting) if "reference" in rule.arguments else (booked,):
            path = re.sub(r"<(?:[^:>]+:)?(\w+)>", lambda name: str((here | {"reference": reference})[name[1]]), rule.rule)
            answer = host.client.post(path, data={"token": token(app, reference, MANAGE)})
            assert answer.status_code >= 400, path
            tried += 1
    assert tried > 50
    assert lines_of_history() == before


def test_scanners_of_mails_decide_nothing(app: Flask, world: World) -> None:
    asks(world, head=True)
    asked = book(world.visit_slot, replace(party("3A", 15), school_uai=UAI))
    going = book(world.boat_slot, party("3C", 35))
    offered = wait(world.boat_slot, party("3D", 30))
    in_transaction(lambda: cancel_booking(going))
    links = [f"/bookings/{asked}/head-approval?token={token(app, asked, HEAD)}"]
    links += [f"/bookings/{asked}/confirmation?token={token(app, asked, CONFIRM)}"]
    links += [f"/bookings/{offered}{page}?token={token(app, offered, MANAGE)}" for page in ("", "/waiting", "/slot", "/split")]

    def world_now() -> tuple[object, ...]:
        mails = db.session.scalar(select(func.count()).select_from(Message))
        states = db.session.execute(select(Booking.reference, Booking.status, Booking.version).order_by(Booking.id))
        return lines_of_history(), mails, *(row.tuple() for row in states)

    before = world_now()
    for link in links * 4:
        scanner = app.test_client()
        assert scanner.get(link).status_code in {200, 409}
        assert scanner.head(link).status_code in {200, 409}
        assert scanner.open(link, method="OPTIONS").status_code == 200
    assert world_now() == before
    assert fresh(offered).held_for is HeldFor.OFFER
    assert fresh(asked).held_for is HeldFor.HEAD
