"""Approvals: the school's head and the host say yes or no, places are held meanwhile, and everybody hears what they must."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from booking import clock
from booking.actions.answer_headcount import accept_headcount, refuse_headcount
from booking.actions.answer_offer import accept_offer
from booking.actions.approve_booking import approve_booking
from booking.actions.ask_headcount import ask_headcount
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.actions.expire_holds import due_holds, expire_hold
from booking.actions.join_waiting_list import join_waiting_list
from booking.actions.limits import Limiter
from booking.actions.refuse_booking import refuse_booking
from booking.actions.remind_heads import due_reminders, remind_at, remind_head
from booking.db import db, in_transaction
from booking.errors import BookingClosed, Invalid, NothingAsked, SlotFull, WrongState
from booking.links import CONFIRM, MANAGE, make_token
from booking.links import HEAD as HEAD_LINK
from booking.mail.compose import compose
from booking.models import (
    HEAD,
    Actor,
    Booking,
    Event,
    HeldFor,
    HistoryEntry,
    Kind,
    Message,
    OrganisationKind,
    Party,
    Role,
    Status,
    Who,
)
from booking.queries import doctor, fetch
from booking.worker import Worker
from tests.conftest import NOW
from tests.mails import body, opened
from tests.workspaces import an_organisation, manager_of
from tests.world import World, a_class

UNLIMITED = Limiter(secret="s", network="127.0.0.1", on=False)
HOST = Who(Actor.HOST)
UAI = "0921234S"
MAILBOX = "direction@college-du-port.example"


def party(label: str, pupils: int = 20, **more: Any) -> Party:
    return a_class(pupils, 2, label=label, email=f"{label}@college.example", school_uai=UAI, **more)


def book(slot_id: int, who: Party, **more: Any) -> str:
    terms = Terms(**({"key": who.label, "locale": "fr", "limiter": UNLIMITED, "proven": True} | more))
    return in_transaction(lambda: book_places(slot_id, who, terms)).reference


def asks(world: World, *, host: bool = False, head: bool = False) -> None:
    event = db.session.get_one(Event, world.visit)
    event.host_approval, event.head_approval = host, head
    an_organisation("college", OrganisationKind.SCHOOL, uai=UAI, email=MAILBOX)
    db.session.commit()


def found(reference: str) -> Booking:
    db.session.rollback()
    return fetch.booking(reference)


def mails(reference: str) -> list[tuple[Kind, str]]:
    one = found(reference)
    rows = db.session.execute(select(Message.kind, Message.recipient).where(Message.booking_id == one.id).order_by(Message.id))
    return [(kind, recipient) for kind, recipient in rows]


def kinds(reference: str) -> list[Kind]:
    return [kind for kind, _recipient in mails(reference)]


def actions(reference: str) -> list[tuple[str, Actor]]:
    lines = select(HistoryEntry.action, HistoryEntry.actor).where(HistoryEntry.booking_id == found(reference).id)
    return [(action, actor) for action, actor in db.session.execute(lines.order_by(HistoryEntry.id))]


def token(app: Flask, reference: str, purpose: str) -> str:
    return make_token(app.config["SETTINGS"].secret_key, purpose, found(reference).link_nonce)


def taken(slot_id: int) -> int:
    db.session.rollback()
    return fetch.slot(slot_id).taken


@pytest.fixture(autouse=True)
def _all_rules_hold(request: pytest.FixtureRequest) -> Iterator[None]:
    with_app = "world" in request.fixturenames
    if with_app:
        request.getfixturevalue("world")  # so that the application outlives this question
    yield
    if with_app:
        db.session.rollback()
        assert [finding for finding in doctor.examine() if finding.broken] == []


def test_a_request_goes_from_address_to_head_to_host_and_each_has_its_time(world: World) -> None:
    asks(world, host=True, head=True)
    reference = book(world.visit_slot, party("3A"), proven=False)
    assert db.session.scalars(select(Message.facts).where(Message.kind == Kind.BOOKING_TO_PROVE)).one()["then"] == "head"
    in_transaction(lambda: confirm_booking(reference))
    one = found(reference)
    assert (one.held_for, one.expires_at) == (HeldFor.HEAD, NOW + timedelta(days=7))
    with clock.clock_at(NOW + timedelta(hours=5)):
        for _ in range(2):
            in_transaction(lambda: approve_booking(reference, HEAD))
        one = found(reference)
        assert (one.held_for, one.expires_at) == (HeldFor.HOST, NOW + timedelta(hours=5 + 72))
        assert one.head_approved_at == NOW + timedelta(hours=5)
    with clock.clock_at(NOW + timedelta(hours=9)):
        for _ in range(2):
            in_transaction(lambda: approve_booking(reference, HOST))
        with pytest.raises(WrongState):
            in_transaction(lambda: refuse_booking(reference, HOST, "Trop tard."))
    assert found(reference).status is Status.CONFIRMED
    booker = "3A@college.example"
    assert mails(reference) == [
        (Kind.BOOKING_TO_PROVE, booker),
        (Kind.HEAD_ASKED, MAILBOX),
        (Kind.BOOKING_PENDING, booker),
        (Kind.HOST_APPROVAL_ASKED, "accueil@port.example"),
        (Kind.BOOKING_PENDING, booker),
        (Kind.BOOKING_CONFIRMED, booker),
        (Kind.HOST_BOOKING_CONFIRMED, "accueil@port.example"),
    ]
    assert actions(reference) == [
        ("booked", Actor.BOOKER), ("confirmed", Actor.BOOKER), ("head_approved", Actor.HEAD), ("host_approved", Actor.HOST),
    ]  # fmt: skip


def test_an_answer_comes_before_bookings_close_so_that_others_can_still_have_the_places(world: World) -> None:
    asks(world, host=True)
    closes_at = fetch.slot(world.visit_slot).closes_at
    with clock.clock_at(closes_at - timedelta(hours=5)):
        assert found(book(world.visit_slot, party("3A", 15))).expires_at == closes_at


def test_the_host_who_confirms_on_the_telephone_has_looked_at_the_request(world: World) -> None:
    asks(world, host=True)
    reference = book(world.visit_slot, party("3A"), proven=False)
    in_transaction(lambda: confirm_booking(reference, HOST))
    assert found(reference).status is Status.CONFIRMED


def test_deadlines_tell_who_must_know_and_give_the_places_back(world: World) -> None:
    asks(world, host=True, head=True)
    silent_head = book(world.visit_slot, party("3A", 10))
    silent_host = book(world.visit_slot, party("3B", 10))
    in_transaction(lambda: approve_booking(silent_host, HEAD))
    assert taken(world.visit_slot) == 20
    with clock.clock_at(NOW + timedelta(hours=72)):
        for verb in (approve_booking, refuse_booking):
            with pytest.raises(WrongState) as late:
                in_transaction(lambda verb=verb: verb(silent_host, HOST))
            assert late.value.found == "expired"
        assert due_holds() == [silent_host]
        in_transaction(lambda: expire_hold(silent_host))
    assert mails(silent_host)[-2:] == [
        (Kind.BOOKING_EXPIRED, "3B@college.example"), (Kind.HOST_REQUEST_EXPIRED, "accueil@port.example"),
    ]  # fmt: skip
    with clock.clock_at(NOW + timedelta(days=7)):
        with pytest.raises(WrongState):
            in_transaction(lambda: approve_booking(silent_head, HEAD))
        in_transaction(lambda: expire_hold(silent_head))
    assert mails(silent_head)[-1] == (Kind.BOOKING_EXPIRED, "3A@college.example")
    assert Kind.HOST_REQUEST_EXPIRED not in kinds(silent_head)
    assert taken(world.visit_slot) == 0


def test_a_refusal_gives_the_places_to_who_waits_and_says_why_once(world: World) -> None:
    asks(world, host=True, head=True)
    refused = book(world.visit_slot, party("3A", 31))
    waiting = in_transaction(
        lambda: join_waiting_list(
            world.visit_slot, party("4A", 31), Terms(key="w", locale="fr", limiter=UNLIMITED, proven=True), None, ()
        )
    ).reference
    for actor, why in ((Who(Actor.BOOKER), ""), (HOST, "Trop tôt.")):
        with pytest.raises(WrongState):  # neither is asked
            in_transaction(lambda actor=actor, why=why: refuse_booking(refused, actor, why))
        with pytest.raises(WrongState):
            in_transaction(lambda actor=actor: approve_booking(refused, actor))
    for _ in range(2):
        in_transaction(lambda: refuse_booking(refused, HEAD))
    with pytest.raises(WrongState):
        in_transaction(lambda: approve_booking(refused, HEAD))
    one = found(refused)
    assert (one.status, one.ended_by, one.end_reason) == (Status.REFUSED, Actor.HEAD, "")
    assert kinds(refused).count(Kind.BOOKING_REFUSED) == 1
    assert actions(refused)[-1] == ("head_refused", Actor.HEAD)
    # What came free was offered; accepted, it goes to the head and to the host like any other request.
    assert found(waiting).held_for is HeldFor.OFFER
    in_transaction(lambda: accept_offer(waiting))
    assert (found(waiting).held_for, found(waiting).expires_at) == (HeldFor.HEAD, NOW + timedelta(days=7))
    in_transaction(lambda: approve_booking(waiting, HEAD))
    assert found(waiting).held_for is HeldFor.HOST
    with pytest.raises(Invalid):
        in_transaction(lambda: refuse_booking(waiting, HOST, " "))
    in_transaction(lambda: refuse_booking(waiting, HOST, "Trop de monde ce jour-là."))
    facts = db.session.scalars(select(Message.facts).where(Message.kind == Kind.BOOKING_REFUSED).order_by(Message.id)).all()
    assert [(fact["by"], fact["why"]) for fact in facts] == [("head", ""), ("host", "Trop de monde ce jour-là.")]
    assert taken(world.visit_slot) == 0


def test_both_halves_of_a_class_are_decided_by_one_answer(world: World) -> None:
    asks(world, host=True)
    halves = [book(world.visit_slot, party(label, 10)) for label in ("3A", "3B")]
    others = [book(world.visit_slot, party(label, 3)) for label in ("3C", "3D")]
    for pair, key in ((halves, "one"), (others, "two")):
        for reference in pair:
            found(reference).group_key = key
            db.session.commit()
    in_transaction(lambda: approve_booking(halves[1], HOST))
    in_transaction(lambda: refuse_booking(others[1], HOST, "Complet."))
    assert [found(reference).status for reference in (*halves, *others)] == [Status.CONFIRMED] * 2 + [Status.REFUSED] * 2
    assert taken(world.visit_slot) == 20


def test_a_reminder_leaves_the_first_half_and_where_there_is_plenty_all_but_two_days() -> None:
    asked = NOW
    for days, after in ((14, 12.0), (7, 5.0), (3, 1.5), (1, 0.5)):
        assert remind_at(asked, asked + timedelta(days=days)) == asked + timedelta(days=after)
    night = datetime(2026, 10, 24, 12, tzinfo=UTC)  # clocks go back between this and the deadline
    assert remind_at(night, night + timedelta(days=1)) == night + timedelta(hours=12)


def test_the_head_is_reminded_once_whatever_the_clock_does(app: Flask, world: World) -> None:
    asks(world, head=True)
    reference = book(world.visit_slot, party("3A"))
    other = book(world.visit_slot, party("3B", 5))
    for jump, due in ((-5, 0), (4.9, 0), (5, 2), (6.9, 0), (5, 0), (8, 0)):
        with clock.clock_at(NOW + timedelta(days=jump)):
            db.session.rollback()
            assert len(due_reminders()) == due
            Worker(app, None)._keep_deadlines()  # type: ignore[arg-type]  # no mail leaves
    assert kinds(reference).count(Kind.HEAD_REMINDED) == 1
    assert [action for action, _actor in actions(reference)].count("head_reminded") == 1
    assert found(reference).head_reminded_at == NOW + timedelta(days=5)
    assert found(other).status is Status.EXPIRED
    assert not in_transaction(lambda: remind_head(reference))


def test_after_the_last_moment_the_host_is_asked_and_what_it_accepts_is_changed(world: World) -> None:
    full, reference = book(world.visit_slot, party("3B", 15)), book(world.visit_slot, party("3A", 10))
    in_transaction(lambda: ask_headcount(reference, "11", "2"))  # not late yet: it is simply changed
    assert (found(reference).pupils, kinds(reference)[-1]) == (11, Kind.HOST_BOOKING_CHANGED)
    late = found(reference).slot.headcount_until
    with clock.clock_at(late):
        with pytest.raises(Invalid):
            in_transaction(lambda: ask_headcount(reference, "many", "2"))
        for pupils in (20, 20, 17, 11):  # the last takes it back
            in_transaction(lambda pupils=pupils: ask_headcount(reference, pupils, 2))
        assert found(reference).change_asked is None
        in_transaction(lambda: ask_headcount(reference, 17, 2))
        question = found(reference).change_asked
        assert question is not None
        assert (question["pupils"], taken(world.visit_slot)) == (17, 26)
        assert kinds(reference).count(Kind.HOST_CHANGE_ASKED) == 3
        with pytest.raises(NothingAsked):
            in_transaction(lambda: accept_headcount(reference, "another question", HOST))
        with pytest.raises(SlotFull):
            in_transaction(lambda: accept_headcount(reference, question["at"], HOST))
        assert found(reference).change_asked == question
        in_transaction(lambda: cancel_booking(full, HOST, "Place."))
        in_transaction(lambda: accept_headcount(reference, question["at"], HOST))
        assert (found(reference).pupils, found(reference).change_asked, found(reference).sequence) == (17, None, 2)
        assert kinds(reference)[-2:] == [Kind.BOOKING_CHANGED, Kind.HOST_BOOKING_CHANGED]
        in_transaction(lambda: ask_headcount(reference, 30, 2))
        question = found(reference).change_asked
        assert question is not None
        with pytest.raises(Invalid):
            in_transaction(lambda: refuse_headcount(reference, question["at"], "", HOST))
        in_transaction(lambda: refuse_headcount(reference, question["at"], "Trop nombreux.", HOST))
    one = found(reference)
    assert (one.pupils, one.change_asked) == (17, None)
    refused = db.session.scalars(select(Message).where(Message.kind == Kind.CHANGE_REFUSED)).one()
    assert (refused.facts["asked"], refused.facts["why"]) == ({"pupils": 30, "adults": 2}, "Trop nombreux.")
    assert ("change_refused", Actor.HOST) in actions(reference)
    with clock.clock_at(one.slot.starts_at), pytest.raises(BookingClosed):
        in_transaction(lambda: ask_headcount(reference, 18, 2))


def test_the_link_of_the_heads_mail_opens_its_page_and_nothing_else(app: Flask, client: FlaskClient, world: World) -> None:
    asks(world, head=True)
    reference, other = book(world.visit_slot, party("3A", needs={"motor": 1})), book(world.visit_slot, party("3B", 5))
    page = f"/bookings/{reference}/head-approval"
    wrong = [token(app, reference, MANAGE), token(app, reference, CONFIRM), token(app, other, HEAD_LINK), "", "x"]
    for given in wrong:
        for method in ("GET", "POST"):
            answer = client.open(page, method=method, query_string={"token": given}, data={"token": given, "decision": "approve"})
            assert answer.status_code == 404, given
    link = token(app, reference, HEAD_LINK)
    shown = client.get(page, query_string={"token": link})
    assert shown.headers["Cache-Control"] == "no-store"
    assert "3A, Collège du Port" in shown.text
    assert "23 novembre" in shown.text, "until when the places are held"
    assert "3A@college.example" in shown.text, "the address is proven: the head sees who really asks"
    for private in ("01 23 45 67 89", reference + "</", "Besoins d’accessibilité"):
        assert private not in shown.text.replace(page, "")
    asked = db.session.scalars(select(Message).where(Message.kind == Kind.HEAD_ASKED).order_by(Message.id)).first()
    assert asked is not None
    sent = opened(compose(asked, found(reference).link_nonce, [], app.config["SETTINGS"]).content)
    mail = body(sent, "plain") + body(sent, "html")
    assert f"{page}?token={link}" in mail
    for private in ("01 23 45 67 89", "Besoins d’accessibilité", token(app, reference, MANAGE)):
        assert private not in mail
    assert found(reference).head_approved_at is None, "a page shows, a button acts"
    assert client.post(page, data={"token": link}).status_code == 422
    seen = match[1] if (match := re.search('name="seen" value="([^"]+)"', shown.text)) else ""
    in_transaction(lambda: change_headcount(reference, 22, 2))
    stale = client.post(page, data={"token": link, "decision": "approve", "seen": seen})
    assert (stale.status_code, "a changé depuis" in stale.text, "22 élèves" in stale.text.replace("\xa0", " ")) == (
        422,
        True,
        True,
    )
    assert found(reference).head_approved_at is None, "nobody approves what they have not read"
    too_long = client.post(page, data={"token": link, "decision": "refuse", "why": "x" * 401})
    assert (too_long.status_code, "x" * 401 in too_long.text) == (422, True)
    for _ in range(2):
        assert client.post(page, data={"token": link, "decision": "approve"}).status_code == 303
    assert "Vous avez donné votre accord" in client.get(page, query_string={"token": link}).text
    assert client.post(page, data={"token": link, "decision": "refuse"}).status_code == 409
    assert found(reference).status is Status.CONFIRMED
    for closed in (f"/bookings/{reference}", f"/bookings/{reference}/cancellation", f"/bookings/{reference}/invitation.ics"):
        assert client.get(closed).status_code == 404
        assert client.get(closed, query_string={"token": link}).status_code == 404
    link = token(app, other, HEAD_LINK)
    client.post(f"/bookings/{other}/head-approval", data={"token": link, "decision": "refuse", "why": "Examens ce jour."})
    assert found(other).end_reason == "Examens ce jour."
    assert "Examens ce jour." in client.get(f"/bookings/{other}/head-approval", query_string={"token": link}).text
    plain = book(world.boat_slot, party("3C", 5))
    assert client.get(f"/bookings/{plain}/head-approval?token={token(app, plain, HEAD_LINK)}").status_code == 404


def test_the_booker_sees_where_the_request_stands(app: Flask, client: FlaskClient, world: World) -> None:
    asks(world, head=True, host=True)
    reference = book(world.visit_slot, party("3A"))

    def page(**more: str) -> str:
        return client.get(f"/bookings/{reference}", query_string={"token": token(app, reference, MANAGE)} | more).text

    shown = page()
    assert "Votre demande est envoyée" in shown
    assert MAILBOX in shown
    assert "Ouvrez votre messagerie" not in shown
    assert "Rappel envoyé" not in shown
    with clock.clock_at(NOW + timedelta(days=5)):
        in_transaction(lambda: remind_head(reference))
        assert "Rappel envoyé" in page()
    assert "has to approve" in page(lang="en")
    client.get("/?lang=fr")
    with clock.clock_at(NOW + timedelta(days=8)):
        assert "Le chef d’établissement n’a pas répondu à temps" in page()
    in_transaction(lambda: approve_booking(reference, HEAD))
    assert "L’organisateur examine votre demande" in page()
    with clock.clock_at(NOW + timedelta(days=8)):
        assert "L’organisateur n’a pas répondu à temps" in page()
    in_transaction(lambda: refuse_booking(reference, HOST, "Quai en travaux."))
    shown = page()
    assert "L’organisateur n’a pas pu accepter votre demande" in shown
    assert "Quai en travaux." in shown


def test_the_booker_asks_late_on_the_page_and_the_host_answers_there(app: Flask, client: FlaskClient, world: World) -> None:
    reference = book(world.visit_slot, party("3A", 10))
    mine = {"token": token(app, reference, MANAGE)}
    staff = manager_of(app, world.port)
    before = client.get(f"/bookings/{reference}", query_string=mine).text
    assert "Demander à l’organisateur" not in before
    here = f"/workspace/bookings/{reference}"
    with clock.clock_at(found(reference).slot.headcount_until):
        assert "Demander à l’organisateur" in client.get(f"/bookings/{reference}", query_string=mine).text
        wrong = client.post(f"/bookings/{reference}/headcount", data=mine | {"ask": "yes", "pupils": "99x", "adults": "2"})
        assert (wrong.status_code, "99x" in wrong.text) == (422, True)
        done = client.post(f"/bookings/{reference}/headcount", data=mine | {"ask": "yes", "pupils": "14", "adults": "3"})
        assert "note=asked" in done.location
        assert "14 élèves + 3 adultes" in client.get(done.location).text.replace("\xa0", " ")
        assert "1 classe demande un autre effectif" in staff.client.get(f"/workspace/organisations/{world.port}").text
        assert "14 élèves" in staff.client.get(f"/workspace/organisations/{world.port}/requests").text
        question = found(reference).change_asked
        assert question is not None
        answer = {"asked_at": question["at"], "decision": "refuse"}
        assert staff.client.post(f"{here}/headcount-request", data=answer | {"decision": "", "why": "?"}).status_code == 422
        missing = staff.client.post(f"{here}/headcount-request", data=answer)
        assert (missing.status_code, "Ce champ est nécessaire" in missing.text) == (422, True)
        kept = staff.client.post(f"{here}/headcount-request", data=answer | {"why": "Bateau petit."})
        assert "L’effectif reste comme il est" in staff.client.get(kept.location).text
        with clock.clock_at(found(reference).slot.headcount_until + timedelta(hours=1)):
            client.post(f"/bookings/{reference}/headcount", data=mine | {"ask": "yes", "pupils": "14", "adults": "3"})
        stale = staff.client.post(f"{here}/headcount-request", data=answer | {"decision": "approve"})
        assert (stale.status_code, "n’attend plus de réponse" in stale.text) == (409, True)
        question = found(reference).change_asked
        assert question is not None
        staff.client.post(f"{here}/headcount-request", data={"asked_at": question["at"], "decision": "approve"})
    assert found(reference).pupils == 14


def test_many_requests_are_answered_at_once_and_each_says_what_became_of_it(app: Flask, world: World) -> None:
    asks(world, host=True)
    references = [book(world.visit_slot, party(label, 5)) for label in ("3A", "3B", "3C", "3D", "3E")]
    first, second, third, gone, last = references
    foreign = book(world.boat_slot, party("4A", 5))
    staff, reader = manager_of(app, world.port), manager_of(app, world.port, "lecture@port.example", Role.READER)
    here = f"/workspace/organisations/{world.port}/requests"
    assert "5 demandes attendent votre réponse" in staff.client.get(f"/workspace/organisations/{world.port}").text
    with clock.clock_at(NOW - timedelta(hours=1)):
        found(last).expires_at = NOW + timedelta(hours=1)
        db.session.commit()
    page = staff.client.get(here).text
    assert page.index(f'value="{last}"') < page.index(f'value="{first}"'), "the nearest deadline first"
    assert 'type="checkbox"' not in reader.client.get(here).text
    assert reader.client.post(here, data={"references": [first], "decision": "approve"}).status_code == 404
    nothing = staff.client.post(here, data={"decision": "approve"})
    assert (nothing.status_code, "Cochez au moins une demande" in nothing.text) == (422, True)
    no_reason = staff.client.post(here, data={"references": [second], "decision": "refuse", "why": ""})
    assert no_reason.status_code == 422
    assert f'value="{second}" checked' in no_reason.text
    seen = dict(re.findall('name="(seen-[^"]+)" value="([^"]+)"', page))
    in_transaction(lambda: change_headcount(third, 4, 2))
    stale = staff.client.post(here, data=seen | {"references": [third], "decision": "approve"})
    assert (stale.status_code, "a changé depuis" in stale.text) == (409, True)
    accepted = staff.client.post(here, data=seen | {"references": [first, second], "decision": "approve"})
    assert accepted.status_code == 303
    assert "2 réponses enregistrées" in staff.client.get(accepted.location).text
    in_transaction(lambda: cancel_booking(gone))
    with clock.clock_at(NOW + timedelta(hours=2)):
        mixed = staff.client.post(here, data={"references": [third, gone, last], "decision": "refuse", "why": "Travaux."})
    assert mixed.status_code == 409
    assert "la personne a annulé entre-temps" in mixed.text
    assert "le délai est passé" in mixed.text
    assert "Réponse enregistrée" in mixed.text
    assert [found(one).status for one in references] == [
        Status.CONFIRMED, Status.CONFIRMED, Status.REFUSED, Status.CANCELLED, Status.HELD,
    ]  # fmt: skip
    assert staff.client.post(here, data={"references": ["ZZZZ-ZZZZ"], "decision": "approve"}).status_code == 404
    single = f"/workspace/bookings/{foreign}/decision"
    assert staff.client.post(single, data={"decision": "approve"}).status_code == 409, "it is confirmed already"
