"""Attacks on the workspaces: addresses, forms, files and words that their writers did not mean well."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from threading import Barrier

import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import func, select

from booking.actions.cancel_booking import cancel_booking
from booking.actions.limits import Limiter
from booking.actions.withdraw_event import withdraw_event
from booking.db import db, in_transaction
from booking.errors import NotFound
from booking.links import SIGN_IN, make_code
from booking.models import (
    OPERATOR,
    Account,
    Booking,
    Edition,
    Event,
    HistoryEntry,
    Label,
    Member,
    MemberState,
    Message,
    Organisation,
    Publication,
    Session,
)
from booking.queries import label_queue
from tests.conftest import NOW
from tests.event_forms import WORDS, newest
from tests.test_booking import book
from tests.test_import import a_file, a_line, applied, checked, imported
from tests.workspaces import Staff, authority_of, manager_of, sign_in
from tests.world import World, a_class


def authority_id(world: World) -> int:
    db.session.expire_all()
    found = db.session.get_one(Edition, world.edition).authority_id
    assert found is not None
    return found


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found is not None
    return found[1]


def rewritten(staff: Staff, event_id: int, **words: str) -> int:
    db.session.expire_all()
    version = str(db.session.get_one(Event, event_id).version)
    return staff.client.post(
        f"/workspace/events/{event_id}/edit", data=WORDS | {"levels": ["4e"]} | words | {"version": version}
    ).status_code


def test_names_and_numbers_in_an_address_lead_nowhere_else_and_break_nothing(
    app: Flask, client: FlaskClient, world: World
) -> None:
    staff, host = authority_of(app, world.edition), manager_of(app, world.port)
    mine, ours = f"/authority/{authority_id(world)}", f"/workspace/organisations/{world.port}"
    names = "_external=1&_scheme=javascript&_anchor=x&_method=PUT&endpoint=x&values=x&event_id=x&organisation_id=x&edition_id=x&lang=xx"
    for visitor, paths in (
        (client, ("/", "/events", f"/events/{world.visit}", "/sign-in", f"/slots/{world.visit_slot}/bookings/new")),
        (staff.client, (mine, f"{mine}/labels", f"{mine}/journal", f"{mine}/organisations", f"/authority/editions/{world.edition}/events")),
        (host.client, (ours, f"{ours}/bookings", f"{ours}/history", f"/workspace/events/{world.visit}", "/account")),
    ):  # fmt: skip
        for path in paths:
            answer = visitor.get(f"{path}?{names}")
            assert answer.status_code == 200, path
            assert "javascript:" not in answer.text, path
    for query in (
        "day=%20&places=%20&type=%20",
        "places=00000000199999999999999999999",
        "page=000000001999999999999999999",
        "day=%00",
    ):
        assert client.get(f"/events?{query}").status_code == 200, query
    for digest in ("aaaaaaaaaaaaaaa%00", "%C3%A9aaaaaaaaaaaaaaa", "A" * 16, "%25" * 16):
        assert client.get(f"/events/{world.visit}/picture/{digest}.jpg").status_code == 404, digest


def test_words_that_look_like_instants_nobody_lives_in_do_not_break_the_history(app: Flask, world: World) -> None:
    host, staff = manager_of(app, world.port), authority_of(app, world.edition)
    pages = ((host, f"/workspace/organisations/{world.port}/history"), (staff, f"/authority/{authority_id(world)}/journal"))
    for title in (
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01",
        "%(x)s {x} {{ 7 * 7 }} %",
        "2026-11-24T10:00Z",
    ):
        assert rewritten(host, world.visit, title=title) == 303
        for somebody, page in pages:
            assert somebody.client.get(page).status_code == 200, title


def test_a_programme_as_large_as_promised_passes_with_its_token_and_no_larger_one(app: Flask, world: World) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    staff, path = authority_of(app, world.edition), f"/authority/{authority_id(world)}/imports"
    token = token_in(staff.client.get(path).text)
    lines = "".join(f"r{n};Titre {n};Port de Gennevilliers;{'x' * 900}\n" for n in range(900))

    def sent(content: str, **more: str) -> int:
        data = {"edition_id": str(world.edition), "file": (BytesIO(content.encode()), "programme.csv")} | more
        return staff.client.post(path, data=data).status_code

    assert sent("reference;titre;organisateur;description\n" + lines, csrf_token=token) == 303
    assert sent("reference;titre;organisateur;description\n" + lines) == 400
    assert sent("x" * (3 * 1024 * 1024), csrf_token=token) == 413


def test_a_form_of_another_site_is_never_offered_to_be_sent_from_ours(app: Flask, world: World) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    host = manager_of(app, world.port)
    path, typed = (
        f"/workspace/organisations/{world.port}/members",
        {"email": "mechant@evil.example", "role": "manager", '"><b>': "<i>"},
    )
    for headers in (
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8000"},
    ):  # fmt: skip
        for visitor in (host.client, app.test_client()):
            answer = visitor.post(path, data=typed, headers=headers)
            assert answer.status_code == 400, headers
            assert "mechant@evil.example" not in answer.text, headers
            assert "csrf_token" not in answer.text, headers
            assert "Set-Cookie" not in answer.headers, "nor does it put our own session aside"
    for headers in ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": app.config["SETTINGS"].base_url}, {}):
        answer = host.client.post(path, data=typed, headers=headers)
        assert 'value="mechant@evil.example"' in answer.text
        assert f'action="{path}"' in answer.text
        assert "<b>" not in answer.text.split("<main", 1)[1]
        assert "<i>" not in answer.text
    again = host.client.post(path, data=typed | {"csrf_token": token_in(answer.text)}, headers={"Sec-Fetch-Site": "same-origin"})
    assert again.status_code == 303


def test_a_draft_is_not_read_in_the_authoritys_journal(app: Flask, world: World) -> None:
    host, staff = manager_of(app, world.port), authority_of(app, world.edition)
    words = WORDS | {"title": "Secret de fabrication", "edition_id": str(world.edition)}
    host.client.post(f"/workspace/organisations/{world.port}/events/new", data=words)
    draft = newest().id
    assert rewritten(host, draft, title="Secret encore") == 303
    journal = f"/authority/{authority_id(world)}/journal"
    assert "Secret" not in staff.client.get(journal).text
    assert "0 ligne" in re.sub(r"<[^>]+>", "", staff.client.get(f"{journal}?q=secret").text)
    assert "Secret" in host.client.get(f"/workspace/organisations/{world.port}/history").text


def test_the_key_of_a_second_factor_somebody_began_before_is_not_confirmed_by_its_owner(app: Flask, world: World) -> None:
    intruder = manager_of(app, world.port)
    intruder.client.post("/sign-in/second-factor/begin")
    key = intruder.client.get("/sign-in/second-factor/key.svg").data
    assert key
    owner = sign_in(app, intruder.account.email, second_factor=False)
    assert owner.client.get("/sign-in/second-factor/key.svg").status_code == 404
    owner.client.post("/sign-in/second-factor/begin")
    assert owner.client.get("/sign-in/second-factor/key.svg").data not in {b"", key}


def test_what_a_booker_wrote_is_read_by_the_host_and_not_in_the_authoritys_journal(app: Flask, world: World) -> None:
    host, staff = manager_of(app, world.port), authority_of(app, world.edition)
    booking = book(world.visit_slot, a_class(), proven=True)
    in_transaction(lambda: cancel_booking(booking.reference, why="Madame Martin est souffrante"))
    assert "souffrante" in host.client.get(f"/workspace/organisations/{world.port}/history").text
    journal = staff.client.get(f"/authority/{authority_id(world)}/journal?subject=booking").text
    assert booking.reference in journal
    assert "souffrante" not in journal


def at_once(app: Flask, acts: Sequence[Callable[[FlaskClient], int]], clients: Sequence[FlaskClient]) -> list[int]:
    """Do all of it in the same instant, each in a thread of its own; the answers' statuses."""
    start = Barrier(len(acts))

    def one(act: Callable[[FlaskClient], int], client: FlaskClient) -> int:
        start.wait(timeout=10)
        return act(client)

    with ThreadPoolExecutor(len(acts)) as pool:
        running = [pool.submit(one, act, client) for act, client in zip(acts, clients, strict=True)]
        return [one.result(timeout=60) for one in running]


def test_of_two_who_act_at_once_one_acts(app: Flask, world: World) -> None:
    first = manager_of(app, world.port, "un@port.example")
    second = manager_of(app, world.port, "deux@port.example")
    seats = {member.account_id: member.id for member in db.session.scalars(select(Member))}
    numbers = [seats[other.account.id] for other in (second, first)]
    removals = [lambda c, n=number: c.post(f"/workspace/members/{n}/end").status_code for number in numbers]
    db.session.rollback()  # a read that stays open keeps writers of SQLite waiting
    answers = at_once(app, removals, (first.client, second.client))
    db.session.expire_all()
    left = [member for member in db.session.scalars(select(Member)) if member.state is MemberState.ACTIVE]
    assert len(left) == 1, answers

    a, b = authority_of(app, world.edition, "a@prefecture.example"), authority_of(app, world.edition, "b@prefecture.example")
    db.session.add(Label(event_id=world.visit, requested_at=NOW))
    db.session.commit()
    seen = label_queue.fingerprint(db.session.get_one(Event, world.visit))
    db.session.rollback()
    path = f"/authority/labels/{world.visit}/decision"
    verdicts = [
        lambda c, v=v: c.post(path, data={"verdict": v, "remarks": "Non.", "seen": seen}).status_code
        for v in ("return", "refuse")
    ]
    assert sorted(at_once(app, verdicts, (a.client, b.client))) == [303, 409]
    decisions = select(HistoryEntry).where(HistoryEntry.action.in_(["label_returned", "label_refused"]))
    assert len(db.session.scalars(decisions).all()) == 1

    code, asker = asked_code(app, "trois@port.example")
    codes = [lambda c: c.post("/sign-in/code", data={"code": code}).status_code] * 3
    cookie = asker.get_cookie("session")
    assert cookie is not None
    twins = [app.test_client() for _ in codes]
    for twin in twins:
        twin.set_cookie("session", cookie.value)
    assert sorted(at_once(app, codes, twins)) == [303, 422, 422]
    opened = select(Session).join(Account).where(Account.email == "trois@port.example")
    assert len(db.session.scalars(opened).all()) == 1


def asked_code(app: Flask, email: str) -> tuple[str, FlaskClient]:
    client = app.test_client()
    client.post("/sign-in", data={"email": email})
    letter = db.session.scalars(select(Message).where(Message.recipient == email).order_by(Message.id.desc())).first()
    assert letter is not None
    nonce = bytes.fromhex(letter.facts["nonce"])
    db.session.rollback()
    return make_code(app.config["SETTINGS"].secret_key, SIGN_IN, nonce), client


def test_no_form_of_a_workspace_acts_without_its_token(app: Flask, world: World) -> None:
    host, staff = manager_of(app, world.port), authority_of(app, world.edition)
    app.config["WTF_CSRF_ENABLED"] = True
    lines = db.session.scalar(select(func.count()).select_from(HistoryEntry))
    things = {"organisation_id": world.port, "event_id": world.visit, "slot_id": world.visit_slot, "edition_id": world.edition}
    routes = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/")]
    assert len(routes) > 60
    for rule in routes:
        of_authority = rule.rule.startswith("/authority")
        own = things | ({"organisation_id": authority_id(world)} if of_authority else {})
        built = rule.build({name: own.get(name, 1) for name in rule.arguments})
        assert built is not None
        for typed in ({}, {"csrf_token": "x\0"}):
            answer = (staff if of_authority else host).client.post(built[1], data={"why": "x", "email": "x@y.example"} | typed)
            assert answer.status_code == 400, rule
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(HistoryEntry)) == lines


def test_who_takes_a_companys_name_first_does_not_get_what_the_authority_imports_for_it(app: Flask, world: World) -> None:
    staff, squatter = authority_of(app, world.edition), sign_in(app, "vite@squat.example")
    wanted = {"kind": "company", "siret": "73282932000074", "name": "Ateliers de la Seine", "commune": "Clichy"}
    squatter.client.post("/account/organisations/new", data=wanted)
    organisation = db.session.scalars(select(Organisation).where(Organisation.siret == wanted["siret"])).one()
    events = f"/workspace/organisations/{organisation.id}/events"
    assert squatter.client.get(events).status_code == 200
    line = a_line(reference="atelier", titre="Atelier ouvert", organisateur="Ateliers de la Seine", siret="", publie="")
    applied(staff, checked(staff, world, a_file(line)))
    draft = imported("atelier")
    assert draft.host_id == organisation.id
    for path in (events, f"/workspace/events/{draft.id}", f"/workspace/events/{draft.id}/edit"):
        assert squatter.client.get(path).status_code == 404, path
    theft = WORDS | {"contact_email": "vite@squat.example", "version": str(draft.version)}
    assert squatter.client.post(f"/workspace/events/{draft.id}/edit", data=theft).status_code == 404


def test_a_place_to_go_to_that_no_cookie_holds_keeps_nobody_out(app: Flask) -> None:
    client = app.test_client()
    noise = "".join(sha256(b"%d" % n).hexdigest() for n in range(200))  # what cannot be compressed
    client.post(f"/sign-in?next=/workspace?{noise}", data={"email": "quatre@port.example"})
    cookie = client.get_cookie("session")
    assert cookie is not None
    assert len(cookie.value) < 4000
    assert client.get("/sign-in/code").status_code == 200


class Meanwhile(Limiter):
    """Somebody else is faster: what a booking has read is no longer true when it comes to writing."""

    def count(self, recipient: str | None, now: datetime) -> None:
        if db.engine.dialect.name == "postgresql" and not DONE:  # SQLite has one writer, who is nobody else
            DONE.append(True)
            app, event_id = current_app._get_current_object(), int(self.secret)  # type: ignore[attr-defined]

            def withdraw() -> None:
                with app.app_context():
                    in_transaction(lambda: withdraw_event(event_id, OPERATOR))

            with ThreadPoolExecutor(1) as pool:
                pool.submit(withdraw).result(timeout=30)


DONE: list[bool] = []


def test_nobody_books_an_event_that_is_withdrawn_meanwhile(app: Flask, world: World) -> None:
    DONE.clear()
    if db.engine.dialect.name == "sqlite":
        in_transaction(lambda: withdraw_event(world.dating, OPERATOR))
    person = a_class(audience="jobseeker", school_name="", label="", level="", pupils=0, adults=0)
    with pytest.raises(NotFound):
        book(world.dating_slot, person, limiter=Meanwhile(str(world.dating), "127.0.0.1"))
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Booking)) == 0
    assert db.session.get_one(Event, world.dating).publication is Publication.WITHDRAWN
