"""Joining an organisation, its members, mandates and particulars, the command for operators, and accounts nobody uses."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from booking import clock
from booking.actions.decide_member import accept_member, refuse_member
from booking.db import db, in_transaction
from booking.models import (
    OPERATOR,
    Account,
    Edition,
    Event,
    HistoryEntry,
    Kind,
    Mandate,
    Member,
    MemberState,
    Message,
    Organisation,
    OrganisationKind,
    Role,
    Session,
    SignIn,
)
from tests.history_guard import by_hand
from tests.test_languages import assert_english
from tests.test_purge import deliver, doctor_is_content, holding, purged
from tests.workspaces import a_mandate, a_member, an_account, an_organisation, authority_of, manager_of, sign_in
from tests.world import World

SIRET, UAI = "732 829 320 00074", "0751234J"
SECOND = timedelta(seconds=1)


def text(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))).replace("\u00a0", " ")


def wanted(**more: str) -> dict[str, str]:
    return {"kind": "company", "name": "Usine du Canal", "siret": SIRET, "uai": "", "commune": "Nanterre"} | more


def join(client: FlaskClient, **more: str) -> TestResponse:
    return client.post("/account/organisations/new", data=wanted(**more))


def letters(kind: Kind) -> list[tuple[str, dict[str, Any]]]:
    db.session.rollback()
    statement = select(Message.recipient, Message.facts).where(Message.kind == kind).order_by(Message.id)
    return [(row.recipient, row.facts) for row in db.session.execute(statement)]


def member_of(email: str, organisation_id: int) -> Member:
    db.session.rollback()
    statement = select(Member).join(Account).where(Account.email == email, Member.organisation_id == organisation_id)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def count(table: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def last_line() -> HistoryEntry:
    db.session.rollback()
    return db.session.scalars(select(HistoryEntry).order_by(HistoryEntry.id.desc()).limit(1)).one()


def test_who_asks_for_an_organisation_nobody_works_for_prepares_while_the_authority_decides(app: Flask, world: World) -> None:
    authority = authority_of(app, world.edition)
    prefecture = db.session.scalars(select(Organisation).where(Organisation.key == "prefecture")).one()
    asker = sign_in(app, "amelie@usine.example")
    answer = join(asker.client)
    assert (answer.status_code, answer.location) == (303, "/account/organisations/asked")
    organisation = db.session.scalars(select(Organisation).where(Organisation.siret == "73282932000074")).one()
    assert (organisation.name, organisation.kind, organisation.key) == (
        "Usine du Canal",
        OrganisationKind.COMPANY,
        "usine-du-canal",
    )
    facts = {"organisation": "Usine du Canal", "path": f"/authority/{prefecture.id}/organisations"}
    assert letters(Kind.JOIN_ASKED) == [(authority.account.email, facts)]
    first_event = f"/workspace/organisations/{organisation.id}/events/new"
    assert first_event in asker.client.get(answer.location).text
    assert asker.client.get(first_event).status_code == 200
    assert asker.client.get(f"/workspace/organisations/{organisation.id}/members").status_code == 404
    before = (count(Member), count(HistoryEntry), count(Message), count(Organisation))
    assert join(asker.client).location == answer.location
    assert (count(Member), count(HistoryEntry), count(Message), count(Organisation)) == before, "asking twice changes nothing"
    member = member_of("amelie@usine.example", organisation.id)
    assert in_transaction(lambda: accept_member(member.id, authority.who))
    assert not in_transaction(lambda: accept_member(member.id, authority.who))
    assert not in_transaction(lambda: refuse_member(member.id, authority.who)), "what is decided stays"
    assert letters(Kind.JOIN_ACCEPTED) == [("amelie@usine.example", {"organisation": "Usine du Canal"})]
    assert asker.client.get(f"/workspace/organisations/{organisation.id}/members").status_code == 200


def test_the_answer_hides_whether_somebody_has_the_organisation_and_its_managers_decide(app: Flask, world: World) -> None:
    authority_of(app, world.edition)
    manager = manager_of(app, world.port)
    by_hand(lambda: db.session.execute(update(Organisation).where(Organisation.id == world.port).values(siret="73282932000074")))
    known, unknown = sign_in(app, "known@usine.example"), sign_in(app, "unknown@usine.example")
    answers = [join(known.client), join(unknown.client, siret="55208131766522")]
    assert len({(answer.status_code, answer.location, answer.text) for answer in answers}) == 1
    path = f"/workspace/organisations/{world.port}/members"
    assert letters(Kind.JOIN_ASKED)[0] == (manager.account.email, {"organisation": "Port de Gennevilliers", "path": path})
    assert known.client.get(f"/workspace/organisations/{world.port}").status_code == 404
    assert "premier événement" not in text(known.client.get("/account/organisations/asked"))
    page = manager.client.get(path)
    assert "1 personne demande un accès" in text(page)
    member = member_of("known@usine.example", world.port)
    assert manager.client.post(f"/workspace/members/{member.id}/refuse").location == f"{path}?note=refused"
    assert letters(Kind.JOIN_REFUSED) == [("known@usine.example", {"organisation": "Port de Gennevilliers"})]
    join(known.client)
    assert member_of("known@usine.example", world.port).state is MemberState.REFUSED, "who was refused is invited or not at all"
    assert len(letters(Kind.JOIN_ASKED)) == 2


def test_each_kind_is_told_by_its_number_or_its_name_and_no_authority_can_be_asked_for(app: Flask, world: World) -> None:
    asker = sign_in(app, "amelie@usine.example").client
    for more, wrong in (
        ({"siret": ""}, {"siret"}), ({"siret": "732 829 320 00075"}, {"siret"}), ({"siret": "0" * 14}, {"siret"}),
        ({"kind": "school", "uai": ""}, {"uai"}), ({"kind": "school", "uai": "0751234A"}, {"uai"}),
        ({"kind": "authority"}, {"kind"}), ({"kind": ""}, {"kind"}), ({"name": "", "commune": "a\nb"}, {"name", "commune"}),
        ({"name": "x" * 161, "siret": "1"}, {"siret", "name"}),
    ):  # fmt: skip
        answer = join(asker, **more)
        assert answer.status_code == 422
        assert set(re.findall(r'class="wrong" id="(\w+)-wrong"', answer.text)) == wrong, more
    assert count(Member) == 0
    an_organisation("prefecture", OrganisationKind.AUTHORITY, siret="73282932000074")
    answer = join(asker)
    assert (answer.status_code, "que sur invitation" in text(answer)) == (422, True)
    assert join(asker, kind="school", name="Collège du Port", uai="0751234 j").status_code == 303
    assert join(asker, kind="chamber", name="CCI des Hauts-de-Seine").status_code == 303
    other = sign_in(app, "other@usine.example").client
    assert join(other, kind="chamber", name="cci des  hauts-de-seine").status_code == 303
    found = {row.key: (row.kind, row.uai) for row in db.session.scalars(select(Organisation)) if row.siret is None}
    assert found["college-du-port"] == (OrganisationKind.SCHOOL, UAI)
    assert found["cci-des-hauts-de-seine"] == (OrganisationKind.CHAMBER, None)
    assert count(Member) == 3


def test_asking_is_limited(app: Flask) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], rate_limits=True)
    asker = sign_in(app, "amelie@usine.example").client
    codes = [join(asker, kind="media", name=f"Journal {n}").status_code for n in range(9)]
    assert codes == [303] * 8 + [429]


def test_a_manager_invites_and_an_invitation_repeated_changes_nothing(app: Flask, world: World) -> None:
    manager = manager_of(app, world.port)
    page = f"/workspace/organisations/{world.port}/members"
    data = {"email": "Greeter@Port.example", "role": "greeter"}
    assert manager.client.post(page, data=data).location == f"{page}?note=invited"
    assert letters(Kind.MEMBER_INVITED) == [("greeter@port.example", {"organisation": "Port de Gennevilliers"})]
    member = member_of("greeter@port.example", world.port)
    assert (member.role, member.state, member.account.last_seen_at) == (Role.GREETER, MemberState.ACTIVE, None)
    line = last_line()
    assert (line.action, line.account_id, line.organisation_id) == ("invited", manager.account.id, world.port)
    assert "pas encore venue" in text(manager.client.get(page))
    assert manager.client.post(page, data=data | {"role": "manager"}).location == f"{page}?note=member_already"
    assert member_of("greeter@port.example", world.port).role is Role.GREETER
    assert len(letters(Kind.MEMBER_INVITED)) == 1
    manager.client.post(f"/workspace/members/{member.id}/end")
    assert member_of("greeter@port.example", world.port).state is MemberState.ENDED
    manager.client.post(page, data=data | {"role": "reader"})
    again = member_of("greeter@port.example", world.port)
    assert (again.id, again.role, again.state) == (member.id, Role.READER, MemberState.ACTIVE), "who left comes back"
    wrong = manager.client.post(page, data={"email": "x", "role": "king"})
    assert (wrong.status_code, wrong.text.count('class="wrong"')) == (422, 2)
    own = manager.client.post(page, data={"email": "reservations@coulisses.example", "role": "reader"})
    assert own.status_code == 422


def test_an_organisation_never_loses_its_last_manager(app: Flask, world: World) -> None:
    manager = manager_of(app, world.port)
    member = member_of(manager.account.email, world.port)
    reader = a_member("reader@port.example", member.organisation, Role.READER)
    for path, data in (
        (f"/workspace/members/{member.id}/role", {"role": "reader"}), (f"/workspace/members/{member.id}/end", {}),
        (f"/account/seats/{member.id}/leave", {}),
    ):  # fmt: skip
        answer = manager.client.post(path, data=data)
        assert (answer.status_code, "la dernière personne" in text(answer)) == (409, True), path
    assert member_of(manager.account.email, world.port).role is Role.MANAGER
    assert manager.client.post(f"/workspace/members/{reader.id}/role", data={"role": "manager"}).status_code == 303
    assert last_line().details["changes"] == {"role": ["reader", "manager"]}
    assert manager.client.post(f"/workspace/members/{member.id}/role", data={"role": "reader"}).location == "/account"
    assert manager.client.post(f"/workspace/members/{reader.id}/end").status_code == 404, "a reader manages nobody"
    assert manager.client.post(f"/account/seats/{member.id}/leave").location == "/sign-in?note=left"


def test_who_loses_the_last_seat_is_signed_out_everywhere_and_nobody_else(app: Flask, world: World) -> None:
    manager = manager_of(app, world.port)
    agency = db.session.scalars(select(Organisation).where(Organisation.key == "agence")).one()
    port = db.session.get_one(Organisation, world.port)
    two, one = a_member("two@port.example", port, Role.READER), a_member("one@port.example", port, Role.READER)
    kept = a_member("two@port.example", agency, Role.READER)
    first, second = sign_in(app, "two@port.example"), sign_in(app, "one@port.example")
    for member in (two, one):
        manager.client.post(f"/workspace/members/{member.id}/end")
    assert [staff.client.get("/account").status_code for staff in (first, second, manager)] == [200, 303, 200]
    assert first.client.get(f"/workspace/organisations/{world.port}/members").status_code == 404
    assert first.client.post(f"/account/seats/{kept.id}/leave").status_code == 303
    assert first.client.get("/account").status_code == 303


def test_foreign_members_mandates_and_seats_do_not_exist(app: Flask, world: World) -> None:
    manager = manager_of(app, world.port)
    theirs, chamber = an_organisation("autre"), an_organisation("cci", OrganisationKind.CHAMBER)
    foreign = a_member("foreign@autre.example", theirs, Role.READER)
    mandate = a_mandate(chamber, theirs)
    paths = [
        *(f"/workspace/members/{number}/{act}" for number in (foreign.id, 999_999, 2**40) for act in ("role", "end", "accept", "refuse")),
        f"/workspace/mandates/{mandate.id}/end", f"/workspace/organisations/{theirs.id}/members",
        f"/workspace/organisations/{theirs.id}/mandates", f"/workspace/organisations/{theirs.id}/particulars",
        f"/account/seats/{foreign.id}/leave", "/account/seats/999999/leave", f"/account/sessions/{2**40}/end",
    ]  # fmt: skip
    before = count(HistoryEntry)
    assert {path: manager.client.post(path, data={"role": "manager"}).status_code for path in paths} == dict.fromkeys(paths, 404)
    reader = manager_of(app, world.port, "reader@port.example", Role.READER)
    member = member_of(manager.account.email, world.port)
    assert reader.client.get(f"/workspace/organisations/{world.port}/members").status_code == 200
    assert "Inviter" not in text(reader.client.get(f"/workspace/organisations/{world.port}/members"))
    for path in (f"/workspace/members/{member.id}/end", f"/workspace/organisations/{world.port}/members"):
        assert reader.client.post(path, data={"email": "x@y.example", "role": "manager"}).status_code == 404
    assert count(HistoryEntry) - before == 1, "the reader's own sign-in"


def test_a_chamber_acts_while_it_has_a_mandate_and_must_be_one_that_is_known(app: Flask, world: World) -> None:
    manager = manager_of(app, world.port)
    chamber, empty = an_organisation("cci", OrganisationKind.CHAMBER), an_organisation("fausse", OrganisationKind.CHAMBER)
    a_member("cci@cci.example", chamber)
    agent = sign_in(app, "cci@cci.example")
    page, mandates = (f"/workspace/organisations/{world.port}/{part}" for part in ("members", "mandates"))
    events = f"/workspace/organisations/{world.port}/events"
    assert agent.client.get(events).status_code == 404
    for wrong in (str(empty.id), str(world.port), "x", "", "999999"):
        assert manager.client.post(mandates, data={"chamber": wrong}).status_code == 422
    for _ in range(2):
        assert manager.client.post(mandates, data={"chamber": str(chamber.id)}).location == f"{page}?note=given"
    assert (count(Mandate), agent.client.get(events).status_code) == (1, 200)
    assert agent.client.post(page, data={"email": "x@y.example", "role": "manager"}).status_code == 404
    mandate = db.session.scalars(select(Mandate)).one()
    assert manager.client.post(f"/workspace/mandates/{mandate.id}/end").status_code == 303
    assert (last_line().action, agent.client.get(events).status_code) == ("mandate_ended", 404)
    manager.client.post(mandates, data={"chamber": str(chamber.id)})
    assert (count(Mandate), agent.client.get(events).status_code) == (1, 200), "and may again"


def test_particulars_are_checked_and_reach_the_pages_of_the_events(app: Flask, world: World) -> None:
    manager = manager_of(app, world.port)
    page = f"/workspace/organisations/{world.port}/particulars"
    assert "accueil@port.example" in manager.client.get(page).text
    good = {"name": "Port de Paris", "commune": "Gennevilliers", "email": "port@port.example", "website": "https://port.example"}
    for field, value in (
        ("name", ""),
        ("email", "x"),
        ("website", "javascript:alert(1)"),
        ("website", "http://a@b.example"),
        ("name", "a\x07"),
    ):
        wrong = manager.client.post(page, data=good | {field: value})
        assert (wrong.status_code, f'id="{field}-wrong"' in wrong.text) == (422, True)
    assert "Port de Gennevilliers" in app.test_client().get(f"/events/{world.visit}").text
    with clock.clock_at(clock.now() + timedelta(minutes=1)):
        assert manager.client.post(page, data=good).status_code == 303
        assert "Port de Paris" in app.test_client().get(f"/events/{world.visit}").text
    line = last_line()
    assert (line.action, line.details["changes"]["name"]) == ("edited", ["Port de Gennevilliers", "Port de Paris"])
    assert "port@port.example" not in str(line.details)
    assert "port de paris" in (db.session.scalar(select(Event.search_text).where(Event.id == world.visit)) or "")
    before = count(HistoryEntry)
    manager.client.post(page, data=good)
    assert count(HistoryEntry) == before
    manager.client.post(page, data=good | {"email": "", "website": ""})
    organisation = db.session.get_one(Organisation, world.port, populate_existing=True)
    assert (organisation.email, organisation.website) == (None, None)


def test_the_command_makes_the_first_authority_and_repeating_it_changes_nothing(app: Flask, world: World) -> None:
    run = app.test_cli_runner().invoke
    args = ["members", "invite", "Semaine@Prefecture.example", "--name", "Préfecture des Hauts-de-Seine", "--kind", "authority"]
    said = run(args=args)
    assert said.exit_code == 0
    for part in (
        "Organisation made",
        "is now the authority of Semaine de l'industrie 2026",
        "Invited semaine@prefecture.example",
    ):
        assert part in said.output
    authority = db.session.get_one(Edition, world.edition).authority
    assert authority is not None
    assert (authority.key, authority.kind) == ("prefecture-des-hauts-de-seine", OrganisationKind.AUTHORITY)
    assert [recipient for recipient, _ in letters(Kind.MEMBER_INVITED)] == ["semaine@prefecture.example"]
    before = count(HistoryEntry)
    assert "nothing was changed" in run(args=args).output
    assert (count(HistoryEntry), count(Organisation), count(Message)) == (before, 3, 1)
    assert "is manager" in run(args=[*args[:3], "--organisation", authority.key, "--role", "reader"]).output
    assert "Invited" in run(args=["members", "invite", "a@port.example", "--organisation", "port", "--role", "greeter"]).output
    listed = run(args=["members", "list"]).output
    assert [line.split()[:3] for line in listed.splitlines()] == [
        ["port", "greeter", "active"],
        ["prefecture-des-hauts-de-seine", "manager", "active"],
    ]
    for wrong, status in (
        (["nobody", "--organisation", "port"], 2), (["a@b.example"], 2), (["a@b.example", "--organisation", "x"], 1),
        (["a@b.example", "--organisation", "port", "--name", "Port"], 2), (["reservations@coulisses.example", "--organisation", "port"], 1),
    ):  # fmt: skip
        assert run(args=["members", "invite", *wrong]).exit_code == status, wrong
    assert count(Member) == 2


def test_requests_to_sign_in_and_sessions_are_deleted_in_their_time(app: Flask, frozen: datetime) -> None:
    client = app.test_client()
    client.post("/sign-in", data={"email": "a@port.example"})
    staff = sign_in(app, "b@port.example")
    staff.client.post("/account/sign-out")
    sign_in(app, "b@port.example")
    assert purged(app, frozen + timedelta(days=1) - SECOND) == {}
    assert purged(app, frozen + timedelta(days=1)) == {"sign_ins": 1}
    assert count(SignIn) == 0
    assert purged(app, frozen + timedelta(days=30) - SECOND) == {}
    assert purged(app, frozen + timedelta(days=30)) == {"sessions": 1}
    assert purged(app, frozen + timedelta(days=37)) == {"sessions": 1}, "one that ended by itself a week later"
    assert count(Session) == 0


def test_an_account_nobody_uses_is_warned_closed_and_deleted(app: Flask, world: World, frozen: datetime) -> None:
    used = manager_of(app, world.port)
    port = db.session.get_one(Organisation, world.port)
    a_member("invited@port.example", port, Role.READER)
    number, email = used.account.id, used.account.email
    warned, closed, deleted = (datetime(*day, 9, 0, tzinfo=UTC) for day in ((2027, 10, 16), (2027, 11, 16), (2028, 11, 16)))
    warned -= timedelta(hours=1)  # summer time: the same hour on the wall
    purged(app, frozen + timedelta(days=60))
    assert purged(app, warned - SECOND) == {}
    assert purged(app, warned, "--dry-run") == purged(app, warned) == {"unwarned_accounts": 2}
    facts = [facts for _, facts in letters(Kind.ACCOUNT_IDLE)]
    assert facts == [{"closes_at": closed.isoformat()}] * 2
    assert [recipient for recipient, _ in letters(Kind.ACCOUNT_IDLE)] == [email, "invited@port.example"]
    with clock.clock_at(warned + timedelta(days=1)):
        deliver(app)
        sign_in(app, "invited@port.example")
    assert "unclosed_accounts" not in purged(app, closed - SECOND)
    assert purged(app, closed)["unclosed_accounts"] == 1, "who came back is left alone"
    assert db.session.get_one(Account, number, populate_existing=True).closed_at == closed
    assert "accounts" not in purged(app, deleted - SECOND)
    assert purged(app, deleted)["accounts"] == 1
    assert [row.email for row in db.session.scalars(select(Account))] == ["invited@port.example"]
    lines = list(
        db.session.scalars(select(HistoryEntry).where(HistoryEntry.subject_id == number, HistoryEntry.subject == "account"))
    )
    assert {line.action for line in lines} == {"signed_in", "account_warned", "account_closed", "account_deleted"}
    assert {line.account_id for line in lines} == {None}
    assert db.session.scalar(select(HistoryEntry.actor).where(HistoryEntry.action == "ended")) == "clock", (
        "its organisation reads why"
    )
    assert holding(email) == set()
    assert count(Member) == 1
    assert purged(app, deleted, "--dry-run") == {}


def test_signing_in_opens_a_closed_account_again(app: Flask, frozen: datetime) -> None:
    account = an_account("late@port.example")
    by_hand(lambda: db.session.execute(update(Account).values(warned_at=frozen, closed_at=frozen)))
    sign_in(app, "late@port.example")
    db.session.refresh(account)
    assert (account.warned_at, account.closed_at) == (None, None)
    assert doctor_is_content(app, frozen)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_pages_of_accounts_and_members_in_english_say_nothing_in_french(app: Flask, world: World) -> None:
    stranger, manager = app.test_client(), manager_of(app, world.port, "office@port.example")
    a_member("asks@port.example", db.session.get_one(Organisation, world.port), state=MemberState.ASKED)
    chamber = an_organisation("cci", OrganisationKind.CHAMBER)
    a_member("cci@cci.example", chamber)
    for client in (stranger, manager.client):
        client.get("/?lang=en")
    assert_english(stranger.get("/sign-in").text, "There is no password.")
    assert_english(stranger.post("/sign-in", data={"email": "x"}).text, "does not look complete")
    stranger.post("/sign-in", data={"email": "a@port.example"})
    assert_english(stranger.get("/sign-in/code").text, "A message is on its way to a@port.example")
    assert_english(stranger.post("/sign-in/code", data={"code": "1"}).text, "That is not the right code.")
    assert_english(stranger.get("/sign-in/9?token=x").text, "This link belongs to another browser")
    members = f"/workspace/organisations/{world.port}/members"
    manager.client.post(members.replace("members", "mandates"), data={"chamber": str(chamber.id)})
    assert_english(manager.client.get(members).text, "1 person asks for access", "End the mandate")
    assert_english(manager.client.get(members.replace("members", "particulars")).text, "For example: https://www.factory.example")
    assert_english(manager.client.get("/account/organisations/new").text, "Who do you work for?")
    assert_english(manager.client.post("/account/organisations/new", data=wanted(siret="1")).text, "A SIRET has 14 digits")
    assert_english(manager.client.get(join(manager.client).location).text, "No need to wait")
    assert_english(manager.client.get("/account").text, "Where you are signed in", "Withdraw the request")
    assert_english(manager.client.get("/sign-in/second-factor").text, "Make your account safer")
    manager.client.post("/sign-in/second-factor/begin")
    assert_english(manager.client.get("/sign-in/second-factor").text, "Link your device")


def test_verbs_of_operators_find_nobody_where_nobody_is(app: Flask) -> None:
    from booking.actions.mandates import end_mandate
    from booking.actions.members import change_role, end_membership
    from booking.errors import NotFound

    for work in (
        lambda: accept_member(9, OPERATOR), lambda: end_mandate(9, OPERATOR), lambda: change_role(9, Role.READER, OPERATOR),
        lambda: end_membership(9, OPERATOR),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            in_transaction(work)
