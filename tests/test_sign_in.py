"""Signing in by mail: a code or a link, once, in time, in the browser that asked; sessions; the second factor."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select, update
from werkzeug.test import TestResponse

from booking import clock
from booking.actions import one_time_codes
from booking.actions.open_session import LASTS, LASTS_FOR_AUTHORITIES
from booking.db import db, in_transaction
from booking.links import SIGN_IN, make_code, make_token
from booking.mail.letters import render_letter
from booking.models import Account, HistoryEntry, Kind, Member, Message, OrganisationKind, Session, SignIn
from booking.web.account.browsers import browser_words
from booking.web.authorise import COOKIE
from tests.workspaces import a_member, an_organisation, sign_in
from tests.world import World, a_form

WHO = "amelie@port.example"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def text(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))).replace("\u00a0", " ")


def ask(client: FlaskClient, email: str = WHO, following: str | None = None) -> SignIn:
    """Ask for a code; answers with the request as it is stored."""
    answer = client.post("/sign-in", query_string={"next": following} if following else None, data={"email": email})
    assert (answer.status_code, answer.location) == (303, "/sign-in/code")
    return last()


def last() -> SignIn:
    db.session.rollback()
    statement = select(SignIn).order_by(SignIn.id.desc()).limit(1).execution_options(populate_existing=True)
    return db.session.scalars(statement).one()


def code_of(app: Flask, asked: SignIn) -> str:
    return make_code(app.config["SETTINGS"].secret_key, SIGN_IN, asked.nonce)


def wrong_code(app: Flask, asked: SignIn) -> str:
    return "000000" if code_of(app, asked) != "000000" else "000001"


def token_of(app: Flask, asked: SignIn) -> str:
    return make_token(app.config["SETTINGS"].secret_key, SIGN_IN, asked.nonce)


def enter(app: Flask, client: FlaskClient, email: str = WHO, following: str | None = None) -> TestResponse:
    """Sign in with the code."""
    return client.post("/sign-in/code", data={"code": code_of(app, ask(client, email, following))})


def the_account(email: str = WHO) -> Account:
    db.session.rollback()
    return db.session.scalars(select(Account).where(Account.email == email).execution_options(populate_existing=True)).one()


def is_in(client: FlaskClient) -> bool:
    answer = client.get("/account")
    assert answer.status_code == 200 or answer.location.startswith("/sign-in")
    return answer.status_code == 200


def actions() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(HistoryEntry.action).order_by(HistoryEntry.id)))


def test_a_code_signs_in_once_and_opens_an_account_where_there_was_none(app: Flask, world: World) -> None:
    client = app.test_client()
    asked = ask(client, "Amelie@PORT.example", "/account")
    letter = db.session.scalars(select(Message)).one()
    assert (letter.kind, letter.recipient) == (Kind.SIGN_IN, WHO)
    assert db.session.scalar(select(func.count()).select_from(Account)) == 0, "nobody has an account before the code is proven"
    code = code_of(app, asked)
    said = render_letter(letter.kind, letter.facts, "fr", app.config["SETTINGS"]).text
    assert f"{code[:3]} {code[3:]}" in said
    assert f"/sign-in/{asked.id}?token={token_of(app, asked)}" in said
    assert WHO in text(client.get("/sign-in/code"))
    with client.session_transaction() as kept:
        in_browser = kept["sign_in"]
    answer = client.post("/sign-in/code", data={"code": f" {code[:3]} {code[3:]} "}, headers={"User-Agent": FIREFOX})
    assert (answer.status_code, answer.location) == (303, "/account")
    cookie = answer.headers.getlist("Set-Cookie")
    [session_cookie] = [one for one in cookie if one.startswith(f"{COOKIE}=")]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/", f"Max-Age={int(LASTS.total_seconds())}"):
        assert part in session_cookie
    session = db.session.scalars(select(Session)).one()
    assert (session.browser, session.expires_at) == ("Firefox, Linux", clock.now() + LASTS)
    assert session.token_hash not in session_cookie
    assert is_in(client)
    with client.session_transaction() as kept:
        assert "sign_in" not in kept
    assert actions() == ["sign_in_asked", "account_opened", "signed_in"]
    client.delete_cookie(COOKIE)
    assert client.post(f"/sign-in/{asked.id}", data={"token": token_of(app, asked)}).status_code == 422, "used once"
    assert not is_in(client)
    with client.session_transaction() as kept:
        kept["sign_in"] = in_browser
    for path, proof in (("code", {"code": code}), (str(asked.id), {"token": token_of(app, asked)})):
        assert client.post(f"/sign-in/{path}", data=proof).status_code == 422, "nor with all this browser knew"
    assert not is_in(client)


def test_an_address_proven_by_signing_in_books_without_another_proof(app: Flask, world: World) -> None:
    client = app.test_client()
    enter(app, client, "prof@college.example")
    page = client.post(f"/slots/{world.visit_slot}/bookings", data=a_form()).location
    assert "Confirmée" in text(client.get(page))


@pytest.mark.parametrize("secure", [False, True])
def test_the_cookie_is_bound_to_its_host_behind_https(app: Flask, secure: bool) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], base_url="https://visites.example" if secure else "http://localhost")
    client = app.test_client()
    cookies = enter(app, client).headers.getlist("Set-Cookie")
    [cookie] = [one for one in cookies if one.partition("=")[0].endswith(COOKIE)]
    assert (cookie.startswith(f"__Host-{COOKIE}="), "Secure" in cookie, "Domain" in cookie) == (secure, secure, False)


def test_the_link_changes_nothing_until_its_button_is_pressed_and_only_here(app: Flask, world: World) -> None:
    client, elsewhere = app.test_client(), app.test_client()
    asked = ask(client)
    link = f"/sign-in/{asked.id}?token={token_of(app, asked)}"
    before = actions()
    for _ in range(20):
        page = client.get(link)
        assert page.headers["Cache-Control"] == "no-store"
        assert elsewhere.get(link).status_code == 200
    assert "C’est bien dans ce navigateur" in text(client.get(link))
    assert "autre navigateur" in text(elsewhere.get(link))
    assert token_of(app, asked) not in elsewhere.get(link).text
    assert (actions(), last().attempts, last().used_at) == (before, 0, None)
    assert elsewhere.post(link).status_code == 422
    assert not is_in(elsewhere)
    assert client.post(f"/sign-in/{asked.id}", data={"token": "wrong"}).status_code == 422
    answer = client.post(f"/sign-in/{asked.id}", data={"token": token_of(app, asked)})
    assert (answer.status_code, answer.location) == (303, "/workspace")
    assert is_in(client)
    for number in (asked.id, 999_999, 2**40):
        assert "autre navigateur" in text(elsewhere.get(f"/sign-in/{number}?token=x")), (
            "what is not here is told from nothing else"
        )
        assert elsewhere.post(f"/sign-in/{number}", data={"token": "x"}).status_code == 422


def test_a_code_ends_after_ten_minutes_and_when_another_is_asked_for(app: Flask, frozen: datetime) -> None:
    client = app.test_client()
    first, elsewhere = ask(client), app.test_client()
    replaced = ask(elsewhere)
    second = ask(client)
    assert last().id == second.id
    assert elsewhere.post("/sign-in/code", data={"code": code_of(app, replaced)}).status_code == 422, "wherever it was asked for"
    assert client.post(f"/sign-in/{first.id}", data={"token": token_of(app, first)}).status_code == 422
    wrong = client.post("/sign-in/code", data={"code": code_of(app, first)})
    assert (wrong.status_code, "n’est pas le bon" in text(wrong)) == (422, True)
    with clock.clock_at(frozen + timedelta(minutes=10)):
        late = client.post("/sign-in/code", data={"code": code_of(app, second)})
        assert (late.status_code, "ne sert plus" in text(late)) == (422, True)
        assert client.get("/sign-in/code").status_code == 303
        assert client.post(f"/sign-in/{second.id}", data={"token": token_of(app, second)}).status_code == 422
    with clock.clock_at(frozen + timedelta(minutes=10) - timedelta(seconds=1)):
        assert client.post("/sign-in/code", data={"code": code_of(app, second)}).status_code == 303


def test_after_five_wrong_codes_the_right_one_is_refused(app: Flask) -> None:
    client = app.test_client()
    asked = ask(client)
    for n in range(5):
        answer = client.post("/sign-in/code", data={"code": wrong_code(app, asked)})
        assert (answer.status_code, last().attempts) == (422, n + 1)
    assert "ne sert plus" in text(answer)
    assert client.post("/sign-in/code", data={"code": code_of(app, asked)}).status_code == 422
    assert client.post(f"/sign-in/{asked.id}", data={"token": token_of(app, asked)}).status_code == 422
    assert not is_in(client)
    assert enter(app, client).status_code == 303, "a new code serves"


def test_the_answer_is_the_same_for_a_known_and_an_unknown_address(app: Flask, world: World) -> None:
    a_member("known@port.example", an_organisation("port"))
    answers: list[tuple[Any, ...]] = []
    for email in ("known@port.example", "stranger@port.example"):
        client, statements = app.test_client(), []
        listener = lambda _c, _cursor, statement, *_rest: statements.append(statement)  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listener)
        answer = client.post("/sign-in", data={"email": email})
        page = client.get("/sign-in/code")
        wrong = client.post("/sign-in/code", data={"code": "12345"})
        event.remove(db.engine, "before_cursor_execute", listener)
        said = [text(one).replace(email, "") for one in (answer, page, wrong)]
        answers.append((answer.status_code, answer.location, said, statements))
    assert answers[0] == answers[1]
    assert "accounts" not in " ".join(answers[0][3])


def test_letters_are_limited_by_recipient_and_a_refused_one_leaves_no_trace(app: Flask) -> None:
    client = app.test_client()
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], rate_limits=True)
    for _ in range(8):
        ask(client)
    before = len(actions())
    answer = client.post("/sign-in", data={"email": WHO})
    assert (answer.status_code, "Trop de demandes" in text(answer)) == (429, True)
    assert WHO in answer.text, "what was typed is still there"
    assert len(actions()) == before
    assert client.post("/sign-in", data={"email": "other@port.example"}).status_code == 303


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_no_address_comes_back_with_a_sentence(app: Flask) -> None:
    own = "reservations@coulisses.example"
    for email in ("", "x", "a@b", "a\r\nBcc: x@y.example", own, own.upper(), "<script>@x.example", "x" * 9999):
        answer = app.test_client().post("/sign-in", data={"email": email})
        assert (answer.status_code, 'id="email-wrong"' in answer.text) == (422, True), email
    assert actions() == []


@pytest.mark.parametrize(
    "following",
    ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example/account", "/account//evil", "/acc\tount",
     "/account\\..\\evil", "javascript:alert(1)", "account", "/", ""],
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_signing_in_leads_to_no_other_site(app: Flask, following: str) -> None:
    answer = enter(app, app.test_client(), following=following)
    assert answer.location == "/workspace"


def test_signing_in_leads_back_to_the_page_that_asked_for_it(app: Flask, world: World) -> None:
    client = app.test_client()
    asked = client.get("/workspace?x=1")
    following = re.search(r"next=([^&]+)", asked.location)
    assert following
    shown = client.get(asked.location)
    assert f'action="/sign-in?next={following[1]}"' in unescape(shown.text)
    assert enter(app, client, following="/workspace?x=1").location == "/workspace?x=1"
    assert client.get("/sign-in?next=/account").location == "/account", "who is in goes straight on"


def test_the_host_header_reaches_no_link(app: Flask) -> None:
    client = app.test_client()
    client.post("/sign-in", data={"email": WHO}, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    letter = db.session.scalars(select(Message)).one()
    rendered = render_letter(letter.kind, letter.facts, "fr", app.config["SETTINGS"])
    assert "evil" not in rendered.text + rendered.html + str(letter.facts)
    assert app.config["SETTINGS"].base_url + "/sign-in/" in rendered.text


def test_a_key_that_was_replaced_still_opens_what_was_sent_under_it(app: Flask) -> None:
    client = app.test_client()
    asked = ask(client)
    code, token = code_of(app, asked), token_of(app, asked)
    with client.session_transaction() as kept:
        in_browser = dict(kept)
    new = replace(app.config["SETTINGS"], secret_key="another-key-of-enough-length", secret_key_fallbacks=(app.secret_key,))
    app.config["SETTINGS"] = new
    assert f'value="{token}"' in client.get(f"/sign-in/{asked.id}?token={token}").text
    assert client.post("/sign-in/code", data={"code": code}).status_code == 303
    app.config["SETTINGS"] = replace(new, secret_key_fallbacks=())
    other = app.test_client()
    with other.session_transaction() as kept:
        kept.update(in_browser)
    in_transaction(lambda: db.session.execute(update(SignIn).values(used_at=None)))
    assert other.post("/sign-in/code", data={"code": code}).status_code == 422


def test_a_session_ends_by_signing_out_by_time_and_by_its_owner_and_a_stolen_cookie_with_it(
    app: Flask, world: World, frozen: datetime
) -> None:
    here, there, thief = app.test_client(), app.test_client(), app.test_client()
    a_member(WHO, an_organisation("port"))
    for client in (here, there):
        enter(app, client)
    stolen = there.get_cookie(COOKIE)
    assert stolen is not None
    thief.set_cookie(COOKIE, stolen.value)
    assert is_in(thief)
    page = text(here.get("/account"))
    assert page.count("16 novembre, 10 h") >= 2
    assert there.post("/account/sign-out").location == "/sign-in?note=signed_out"
    assert [is_in(client) for client in (here, there, thief)] == [True, False, False]
    with there.session_transaction() as kept:
        assert dict(kept) == {}, "a shared computer forgets what was proven"
    assert there.post("/account/sign-out").status_code == 303, "signing out is open to everybody"
    enter(app, there)
    sessions = list(db.session.scalars(select(Session.id).where(Session.ended_at.is_(None)).order_by(Session.id)))
    assert here.post(f"/account/sessions/{sessions[1]}/end").status_code == 303
    assert [is_in(client) for client in (here, there)] == [True, False]
    assert here.post(f"/account/sessions/{sessions[1]}/end").status_code == 404
    enter(app, there)
    assert here.post("/account/sessions/end-others").status_code == 303
    assert [is_in(client) for client in (here, there)] == [True, False]
    stranger = sign_in(app, "stranger@port.example")
    assert stranger.client.post(f"/account/sessions/{sessions[0]}/end").status_code == 404
    assert is_in(here)
    with clock.clock_at(frozen + LASTS):
        assert not is_in(here)


def test_signing_in_again_ends_the_session_before_and_never_keeps_its_token(app: Flask) -> None:
    client = app.test_client()
    client.set_cookie(COOKIE, "chosen-by-somebody-else")
    enter(app, client)
    first = client.get_cookie(COOKIE)
    enter(app, client, "other@port.example")
    second = client.get_cookie(COOKIE)
    assert first
    assert second
    assert len({first.value, second.value, "chosen-by-somebody-else"}) == 3
    assert list(db.session.scalars(select(Session.ended_at.is_not(None)).order_by(Session.id))) == [True, False]


def test_the_account_keeps_a_name_and_a_language(app: Flask) -> None:
    client = app.test_client()
    enter(app, client)
    answer = client.post("/account", data={"name": "Amélie Rochefort", "locale": "en"})
    assert "You" in text(client.get(answer.location))
    assert (the_account().name, the_account().locale) == ("Amélie Rochefort", "en")
    wrong = client.post("/account", data={"name": "x" * 121, "locale": "de"})
    assert (wrong.status_code, wrong.text.count('-wrong"')) == (422, 2)
    assert actions()[-1] == "edited"
    assert "Rochefort" not in str(list(db.session.scalars(select(HistoryEntry.details)))), "no name stays for ever"


def key_of(app: Flask, account: Account) -> str:
    return one_time_codes.key_of(app.config["SETTINGS"].secret_key, account.totp_nonce or b"")


def enrolled(app: Flask, client: FlaskClient, email: str = WHO) -> list[str]:
    """Set up the second factor; answers with the recovery codes."""
    client.post("/sign-in/second-factor/begin")
    code = one_time_codes.code_at(key_of(app, the_account(email)), clock.now())
    page = client.post("/sign-in/second-factor", data={"code": code})
    assert page.status_code == 200
    return re.findall(r"<li>([a-z2-9]{5}-[a-z2-9]{5})</li>", page.text)


def test_the_second_factor_protects_once_a_first_code_was_shown(app: Flask, world: World, frozen: datetime) -> None:
    client = app.test_client()
    enter(app, client)
    before = client.get_cookie(COOKIE)
    assert "Commencer" in text(client.get("/sign-in/second-factor"))
    assert client.get("/sign-in/second-factor/key.svg").status_code == 404
    client.post("/sign-in/second-factor/begin")
    nonce = the_account().totp_nonce
    client.post("/sign-in/second-factor/begin")
    assert the_account().totp_nonce == nonce, "the key that was scanned stays"
    picture, page = client.get("/sign-in/second-factor/key.svg"), client.get("/sign-in/second-factor")
    key = key_of(app, the_account())
    assert (picture.mimetype, picture.headers["Cache-Control"], page.headers["Cache-Control"]) == (
        "image/svg+xml",
        "no-store",
        "no-store",
    )
    assert key in text(page).replace(" ", "")
    assert key.encode() not in b"".join(repr(row).encode() for row in db.session.execute(select(Account.__table__)))
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], demo=False)
    code = one_time_codes.code_at(key, clock.now())
    assert code not in client.get("/sign-in/second-factor").text, "only the demo tells the code"
    assert client.post("/sign-in/second-factor", data={"code": "000000" if code != "000000" else "1"}).status_code == 422
    assert not the_account().has_second_factor
    page = client.post("/sign-in/second-factor", data={"code": code})
    codes = re.findall(r"<li>([a-z2-9]{5}-[a-z2-9]{5})</li>", page.text)
    assert (len(set(codes)), page.headers["Cache-Control"]) == (10, "no-store")
    assert not any(code in repr(the_account().recovery_codes) for code in codes)
    after = client.get_cookie(COOKIE)
    assert before
    assert after
    assert before.value != after.value, "the token is exchanged"
    thief = app.test_client()
    thief.set_cookie(COOKIE, before.value)
    assert not is_in(thief)
    assert is_in(client)
    assert client.get("/sign-in/second-factor/key.svg").status_code == 404, "the key is never shown again"
    assert key not in text(client.get("/sign-in/second-factor")).replace(" ", "")

    second = app.test_client()
    assert enter(app, second).status_code == 303
    assert second.get("/account").location == "/sign-in/second-factor?next=/account"
    replayed = second.post("/sign-in/second-factor", data={"code": code})
    assert replayed.status_code == 422, "no code works twice"
    with clock.clock_at(frozen + timedelta(seconds=30)):
        answer = second.post("/sign-in/second-factor?next=/account", data={"code": one_time_codes.code_at(key, clock.now())})
        assert (answer.status_code, answer.location) == (303, "/account")
    assert is_in(second)
    assert "second_factor_shown" in actions()


def test_codes_of_the_steps_around_now_fit_each_once() -> None:
    key, now = one_time_codes.key_of("secret", b"nonce"), datetime.fromisoformat("2026-11-16T09:00:00+00:00")
    codes = {n: one_time_codes.code_at(key, now + n * timedelta(seconds=30)) for n in range(-2, 3)}
    fits = {n: one_time_codes.fitting_step(code, [key], None, now) for n, code in codes.items()}
    this = int(now.timestamp()) // 30
    assert fits == {-2: None, -1: this - 1, 0: this, 1: this + 1, 2: None}
    assert one_time_codes.fitting_step(codes[0], [key], this, now) is None
    assert one_time_codes.fitting_step(codes[1], ["GEZDGNBV" * 4, key], this, now) == this + 1
    assert (
        one_time_codes.code_at("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", datetime.fromisoformat("2005-03-18T01:58:29+00:00"))
        == "081804"
    )
    assert one_time_codes.key_of("secret", b"other") != key != one_time_codes.key_of("other", b"nonce")


def test_recovery_codes_replace_a_lost_device_once_each_and_wrong_codes_are_counted(app: Flask, frozen: datetime) -> None:
    client = app.test_client()
    enter(app, client)
    codes = enrolled(app, client)
    second = app.test_client()
    enter(app, second)
    assert second.post("/sign-in/second-factor", data={"code": codes[0].upper().replace("-", " ")}).status_code == 303
    assert len(the_account().recovery_codes) == 9
    third = app.test_client()
    enter(app, third)
    assert third.post("/sign-in/second-factor", data={"code": codes[0]}).status_code == 422
    for _ in range(4):
        assert third.post("/sign-in/second-factor", data={"code": "123"}).status_code == 422
    blocked = third.post("/sign-in/second-factor", data={"code": codes[1]})
    assert (blocked.status_code, "Trop de codes faux" in text(blocked)) == (422, True)
    assert len(the_account().recovery_codes) == 9
    with clock.clock_at(frozen + timedelta(hours=1)):
        assert third.post("/sign-in/second-factor", data={"code": codes[1]}).status_code == 303
    assert actions().count("recovery_code_used") == 2


def test_it_can_be_removed_with_a_code_but_not_by_an_authority(app: Flask, world: World) -> None:
    client = app.test_client()
    enter(app, client)
    codes = enrolled(app, client)
    assert client.post("/sign-in/second-factor/removal", data={"code": "1"}).status_code == 422
    a_member(WHO, an_organisation("prefecture", OrganisationKind.AUTHORITY))
    assert "S’en passer" not in text(client.get("/sign-in/second-factor"))
    refused = client.post("/sign-in/second-factor/removal", data={"code": codes[0]})
    assert (refused.status_code, "gardent toujours" in text(refused)) == (409, True)
    assert len(the_account().recovery_codes) == 10
    db.session.delete(db.session.scalars(select(Member)).one())
    db.session.commit()
    assert (
        client.post("/sign-in/second-factor/removal", data={"code": codes[0]}).location == "/account?note=second_factor_removed"
    )
    account = the_account()
    assert (account.totp_nonce, account.totp_since, account.recovery_codes) == (None, None, [])


def test_an_authority_without_its_second_factor_reaches_nothing(app: Flask, world: World) -> None:
    prefecture = an_organisation("prefecture", OrganisationKind.AUTHORITY)
    a_member(WHO, prefecture)
    client = app.test_client()
    assert enter(app, client).location == "/workspace"
    session = db.session.scalars(select(Session)).one()
    assert session.expires_at == clock.now() + LASTS_FOR_AUTHORITIES
    for path in ("/workspace", "/account", f"/authority/{prefecture.id}", f"/workspace/organisations/{prefecture.id}/members"):
        assert client.get(path).location == f"/sign-in/second-factor?next={path}"
    assert client.post("/account", data={"name": "x", "locale": "fr"}).location == "/sign-in/second-factor"
    assert "agit au nom d’une autorité" in text(client.get("/sign-in/second-factor"))
    enrolled(app, client)
    assert client.get(f"/workspace/organisations/{prefecture.id}/members").status_code == 200


def test_nobody_reaches_the_second_factor_signed_out_and_an_operator_resets_a_lost_one(app: Flask) -> None:
    stranger, client = app.test_client(), app.test_client()
    for method, path in (("GET", ""), ("POST", ""), ("POST", "/begin"), ("POST", "/removal")):
        answer = stranger.open(f"/sign-in/second-factor{path}", method=method)
        assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert stranger.get("/sign-in/second-factor/key.svg").status_code == 404
    enter(app, client)
    enrolled(app, client)
    run = app.test_cli_runner().invoke
    assert "reset" in run(args=["members", "reset-second-factor", WHO.upper()]).output
    assert not is_in(client)
    assert the_account().totp_nonce is None
    assert "nothing was changed" in run(args=["members", "reset-second-factor", WHO]).output
    assert run(args=["members", "reset-second-factor", "nobody@port.example"]).exit_code == 1


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox, Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15", "Safari, macOS"),
        ("curl/8", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_browser_is_named_in_words_its_owner_recognises(user_agent: str, words: str) -> None:
    assert browser_words(user_agent) == words
