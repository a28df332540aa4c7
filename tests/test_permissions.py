"""Who may do what: every route declares it, and every role is tried on its own, on a foreign and on a missing object.

What a role may do stands here a second time, in words of its own: whoever changes `booking.permissions` changes it here too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from booking import clock
from booking.db import Base, db
from booking.models import (
    Booking,
    Edition,
    Event,
    ImportState,
    Inbound,
    Label,
    Mandate,
    Member,
    MemberState,
    Organisation,
    OrganisationKind,
    ProgrammeImport,
    Role,
    Session,
    Slot,
)
from booking.permissions import Act
from booking.web import authorise, errors
from booking.web.authorise import Needs, needs
from booking.web.security import PERSONAL
from tests.test_booking import book
from tests.test_received_mail import a_mail
from tests.workspaces import a_mandate, a_member, an_account, an_organisation, sign_in
from tests.world import World, a_class

PUBLIC = {
    "home", "catalogue", "events", "feeds", "leaflet", "booking_feed", "booking_form", "bookings", "waiting", "waiting_answer", "waiting_form", "approvals", "moving", "moving_form", "feedback", "information", "drawings", "health", "mailbox", "mailbox_answer", "api",
    "bootstrap", "static", "sign_in", "second_factor",
}  # fmt: skip
"""Blueprints (and the static files) whose pages are for everybody; a booking's secret link is tested with the bookings."""
PUBLIC_ROUTES = {"account.sign_out", "pictures.show"}
"""Single routes for everybody."""

GREETER = {Act.ENTER, Act.READ_DOOR_LIST}
READER = GREETER | {Act.READ_EVENTS, Act.READ_BOOKINGS, Act.READ_MEMBERS, Act.READ_HISTORY}
RUNNER = READER | {Act.WRITE_EVENTS, Act.RUN_SLOTS, Act.PUBLISH, Act.HANDLE_BOOKINGS}
AUTHORITY_READER = {Act.READ_AUTHORITY, Act.READ_LABELS, Act.READ_JOURNAL}
AUTHORITY = AUTHORITY_READER | {Act.DECIDE_LABELS, Act.RUN_EDITIONS, Act.IMPORT, Act.ACCEPT_ORGANISATIONS, Act.HELP}
ROLES: dict[str, set[Act]] = {
    "manager": RUNNER | {Act.MANAGE_MEMBERS},
    "reader": READER,
    "greeter": GREETER,
    "candidate": set(),
    "chamber": RUNNER,
    "chamber_reader": READER,
    "helper": READER,
    "authority": set(),
    "authority_reader": set(),
    "nobody": set(),
    "operator": set(),
}
"""What each may do at the company of these tests."""
AT_THE_AUTHORITY = {"helper": AUTHORITY, "authority": AUTHORITY, "authority_reader": AUTHORITY_READER}
"""What each may do as the authority of these tests."""
OF_OPERATOR = {"operator": {Act.OPERATE}}
"""What each may do with what is no organisation's affair."""
OF_AUTHORITY = {Edition, ProgrammeImport}


@dataclass(frozen=True)
class Things:
    """One object of each kind, by the model's name, as it stands in an address."""

    of: dict[type[Base], Any]
    authority: int
    unmatched: int
    """A mail that came in and is nobody's: for an operator. The foreign one is an organisation's."""

    def named(self, need: Needs) -> Any:
        if need.of is Organisation and need.act in AUTHORITY:
            return self.authority
        if need.of is Inbound and need.act is Act.OPERATE:
            return self.unmatched
        return self.of[need.of] if need.of else None


@pytest.fixture
def stage(app: Flask, world: World, database_url: str) -> tuple[Flask, Things, Things, dict[str, FlaskClient]]:
    """Our company and a foreign one, each with one thing of every kind, and a client for every role."""
    company = db.session.get_one(Organisation, world.port)
    prefecture = an_organisation("prefecture", OrganisationKind.AUTHORITY)
    chamber = an_organisation("cci", OrganisationKind.CHAMBER)
    theirs, other_authority = an_organisation("autre"), an_organisation("autre-prefecture", OrganisationKind.AUTHORITY)
    own = _things(world.edition, world.port, world.visit, world.visit_slot, prefecture, chamber)
    edition, event, slot = _foreign_event(world, theirs)
    other_chamber = an_organisation("autre-cci", OrganisationKind.CHAMBER)
    foreign = _things(edition, theirs.id, event, slot, other_authority, other_chamber)
    foreign = replace(foreign, unmatched=foreign.of[Inbound])
    asked = an_organisation("candidate")
    for email, organisation, role in (
        ("manager", company, Role.MANAGER), ("reader", company, Role.READER), ("greeter", company, Role.GREETER),
        ("chamber", chamber, Role.MANAGER), ("chamber_reader", chamber, Role.READER), ("authority", prefecture, Role.MANAGER),
        ("helper", prefecture, Role.MANAGER), ("authority_reader", prefecture, Role.READER), ("nobody", theirs, Role.GREETER),
    ):  # fmt: skip
        a_member(f"{email}@seat.example", organisation, role)
    a_member("candidate@seat.example", company, Role.MANAGER, state=MemberState.ASKED, founding=True)
    a_member("candidate@seat.example", asked, Role.MANAGER, state=MemberState.ASKED, founding=True)
    an_account("operator@seat.example").operates = True
    db.session.commit()
    clients = {role: sign_in(app, f"{role}@seat.example").client for role in ROLES}
    _help(company.id)
    return app, own, foreign, clients


def _things(edition: int, organisation: int, event: int, slot: int, authority: Organisation, chamber: Organisation) -> Things:
    db.session.get_one(Edition, edition).authority = authority
    label = Label(event_id=event, requested_at=clock.now())
    imported = ProgrammeImport(
        edition_id=edition, file_name="x.csv", lines=[], total=0, state=ImportState.CHECKED, created_at=clock.now()
    )
    db.session.add_all([label, imported])
    db.session.commit()
    booking = book(slot, a_class(2, 1, email=f"prof-{slot}@college.example"), key=f"key-{slot}")
    member = a_member(f"somebody-{organisation}@seat.example", db.session.get_one(Organisation, organisation), Role.READER)
    mandate = a_mandate(chamber, db.session.get_one(Organisation, organisation))
    mail, nobodys = a_mail(booking=booking), a_mail()
    db.session.commit()
    return Things(
        {
            Edition: edition, Organisation: organisation, Event: event, Slot: slot, Booking: booking.reference, Inbound: mail.id,
            ProgrammeImport: imported.id, Member: member.id, Mandate: mandate.id,
        },
        authority.id,
        nobodys.id,
    )  # fmt: skip


def _foreign_event(world: World, host: Organisation) -> tuple[int, int, int]:
    """An event of another company in another authority's edition."""
    edition, event, slot = (
        db.session.get_one(Edition, world.edition), db.session.get_one(Event, world.boat), db.session.get_one(Slot, world.boat_slot),
    )  # fmt: skip
    copy = Edition(
        key="2027", number=edition.number + 1, year=2027, name="L’an prochain", starts_on=edition.starts_on, ends_on=edition.ends_on,
        label_from=edition.label_from, label_until=edition.label_until, department="75", territory="Paris",
    )  # fmt: skip
    event.edition, event.host = copy, host
    db.session.commit()
    return copy.id, event.id, slot.id


def _help(organisation_id: int) -> None:
    session = db.session.query(Session).filter(Session.account.has(email="helper@seat.example")).one()
    session.helping_id = organisation_id
    db.session.commit()


def guarded(app: Flask) -> Iterator[tuple[Rule, str, Needs]]:
    """Every route of a workspace with each of its methods and what it needs."""
    for rule in app.url_map.iter_rules():
        need = getattr(app.view_functions[rule.endpoint], "needs", None)
        if need is not None:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, need


def address(app: Flask, rule: Rule, thing: Any) -> str:
    """A route's address with the thing in it; whatever else it names is number 1."""
    way = authorise._WAYS.get(app.view_functions[rule.endpoint].needs.of)  # type: ignore[attr-defined]
    values = dict.fromkeys(rule.arguments, 1)
    if way:
        values[way.argument] = thing
    adapter = app.url_map.bind("127.0.0.1")
    return adapter.build(rule.endpoint, values, force_external=False)


def test_every_page_of_one_booking_is_kept_by_nobody_and_its_other_language_keeps_the_secret_link(app: Flask) -> None:
    """A blueprint that is not named there is cached on the way, and its language switch forgets the token."""
    of_one = {
        rule.endpoint for rule in app.url_map.iter_rules() if "reference" in rule.arguments and not rule.rule.startswith("/api")
    }
    not_kept = {one for one in of_one if one.partition(".")[0] in PERSONAL or hasattr(app.view_functions[one], "needs")}
    assert of_one - not_kept == set()


def test_every_route_says_who_may_use_it(app: Flask) -> None:
    undeclared = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint.split(".")[0] not in PUBLIC
        and rule.endpoint not in PUBLIC_ROUTES
        and not hasattr(app.view_functions[rule.endpoint], "needs")
    }
    assert undeclared == set()
    assert len(list(guarded(app))) > 40


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_role_reaches_what_it_may_and_nothing_else(
    stage: tuple[Flask, Things, Things, dict[str, FlaskClient]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a role may pass, a stand-in answers for the page, so that nothing is done; where it may not, the real route does."""
    app, own, foreign, clients = stage
    wrong: list[str] = []
    # Thousands of times the same page would be drawn to say that there is nothing.
    monkeypatch.setattr(errors, "_page", lambda status: ("", status, {}))
    for rule, method, need in list(guarded(app)):
        if need.act is None:
            continue
        stand_in = needs(need.act, need.of)(lambda *_things, **_named: "reached")
        real = app.view_functions[rule.endpoint]
        for role, client in clients.items():
            acts = AT_THE_AUTHORITY.get(role, set()) if need.act in AUTHORITY else ROLES[role] | OF_OPERATOR.get(role, set())
            allowed = need.act in acts
            for which, things in (("own", own), ("foreign", foreign), ("missing", None)):
                thing = things.named(need) if things else ("ZZZZ-ZZZZ" if need.of is Booking else 999_999)
                if need.of is Member and need.act in AUTHORITY and which == "foreign":
                    continue  # who asks to join an organisation is every authority's business
                if need.of is None and which != "own":
                    continue  # there is nothing to name: whoever may, reaches it
                reaches = allowed and which == "own"
                if which == "foreign" and role == "nobody" and need.act in GREETER:
                    continue  # the foreign company's own greeter
                monkeypatch.setitem(app.view_functions, rule.endpoint, stand_in if reaches else real)
                answer = client.open(address(app, rule, thing), method=method)
                if (answer.status_code == 200 and answer.text == "reached") is not reaches or (
                    not reaches and answer.status_code != 404
                ):
                    wrong.append(f"{role} {method} {rule} ({which}): {answer.status_code}, may: {reaches}")
        monkeypatch.setitem(app.view_functions, rule.endpoint, real)
    assert wrong == []


def test_who_is_not_signed_in_is_asked_to_and_an_authority_for_its_second_factor(app: Flask, world: World) -> None:
    prefecture = an_organisation("prefecture", OrganisationKind.AUTHORITY)
    a_member("half@seat.example", prefecture)
    an_account("runs@seat.example").operates = True
    db.session.commit()
    half, stranger = sign_in(app, "half@seat.example", second_factor=False).client, app.test_client()
    runs = sign_in(app, "runs@seat.example", second_factor=False).client
    assert runs.get("/operation/mail").headers["Location"] == "/sign-in/second-factor?next=/operation/mail"
    for rule, method, _need in guarded(app):
        if rule.endpoint == "account.sign_out":
            continue
        path = address(app, rule, "ZZZZ-ZZZZ" if "reference" in rule.arguments else 1)
        asked = stranger.open(path, method=method)
        assert (asked.status_code, asked.headers["Location"].split("?")[0]) == (303, "/sign-in"), f"{method} {rule}"
        asked = half.open(path, method=method)
        assert (asked.status_code, asked.headers["Location"].split("?")[0]) == (303, "/sign-in/second-factor"), f"{method} {rule}"


def test_a_mandate_that_ended_and_a_session_that_ended_open_nothing(app: Flask, world: World) -> None:
    company, chamber = db.session.get_one(Organisation, world.port), an_organisation("cci", OrganisationKind.CHAMBER)
    a_member("cci@seat.example", chamber)
    mandate = a_mandate(chamber, company)
    staff = sign_in(app, "cci@seat.example")
    page = f"/workspace/organisations/{company.id}"
    assert staff.client.get(page).status_code == 200
    mandate.ended_at = clock.now()
    db.session.commit()
    assert staff.client.get(page).status_code == 404
    session = db.session.query(Session).filter_by(account_id=staff.account.id).one()
    session.ended_at = clock.now()
    db.session.commit()
    assert staff.client.get(page).status_code == 303
