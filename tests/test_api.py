"""The JSON API: what a program can read, book, change and cancel, and how it is told no."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from unittest.mock import patch

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from booking import clock
from booking.actions.limits import PER_RECIPIENT_AND_HOUR
from booking.api.problems import TITLES
from booking.config import Settings
from booking.db import db
from booking.i18n import catalogue
from booking.links import CONFIRM, MANAGE, make_token
from booking.models import Booking, Event, Message, Publication, Slot
from tests.test_catalogue import statements
from tests.world import World

CLASS: dict[str, Any] = {
    "audience": "school",
    "email": "prof@college.example",
    "name": "Camille Martin",
    "phone": "01 23 45 67 89",
    "locale": "fr",
    "group": {
        "school_name": "Collège du Port", "school_uai": "0751234J", "commune": "Gennevilliers", "level": "3e", "label": "3e B",
        "pupils": 31, "adults": 3,
    },
}  # fmt: skip
PERSON: dict[str, Any] = {"audience": "jobseeker", "email": "lou@personne.example", "name": "Lou Petit", "person": {}}


def with_value(path: str, value: Any, base: dict[str, Any] = CLASS) -> dict[str, Any]:
    """The request with one value changed; `group.pupils` names a value inside."""
    body = copy.deepcopy(base)
    *outer, last = path.split(".")
    inside = body
    for name in outer:
        inside = inside[name]
    inside[last] = value
    return body


def book(client: FlaskClient, slot_id: int, body: object = None, key: str | None = "k1", **headers: str) -> TestResponse:
    sent = ({} if key is None else {"Idempotency-Key": key}) | {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"/api/v1/slots/{slot_id}/bookings", json=CLASS if body is None else body, headers=sent)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def mail_token(client: FlaskClient, reference: str) -> str:
    settings: Settings = client.application.config["SETTINGS"]
    nonce = db.session.scalar(select(Booking.link_nonce).where(Booking.reference == reference))
    db.session.commit()
    assert nonce is not None
    return make_token(settings.secret_key, CONFIRM, nonce)


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response.mimetype) == (status, "application/problem+json"), response.text
    body: dict[str, Any] = response.json
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:coulisses:problem:{code}")
    assert body["title"]
    assert body["detail"]
    assert "Set-Cookie" not in response.headers
    return body


def remaining(client: FlaskClient, slot_id: int) -> int:
    left: int = client.get(f"/api/v1/slots/{slot_id}").json["remaining"]
    return left


# Booking


def test_a_class_is_held_until_the_address_is_proven(client: FlaskClient, world: World) -> None:
    response = book(client, world.visit_slot)
    assert response.status_code == 201
    body = response.json
    assert (body["status"], body["held_for"], body["places"], body["pupils"], body["adults"]) == ("held", "email", 31, 31, 3)
    assert (body["created_at"], body["expires_at"]) == ("2026-11-16T09:00:00Z", "2026-11-16T11:00:00Z")
    assert body["slot"] == {"id": world.visit_slot, "starts_at": "2026-11-24T13:30:00Z", "ends_at": "2026-11-24T15:00:00Z"}
    assert body["event"] == {"id": world.visit, "title": "Visite des activités portuaires"}
    assert response.headers["Location"] == body["links"]["self"] == f"http://127.0.0.1:8000/api/v1/bookings/{body['reference']}"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Idempotency-Replayed" not in response.headers
    slot = client.get(f"/api/v1/slots/{world.visit_slot}").json
    assert (slot["capacity"], slot["taken"], slot["remaining"]) == (31, 31, 0)


def test_a_person_takes_one_place_with_or_without_an_empty_person(client: FlaskClient, world: World) -> None:
    assert book(client, world.dating_slot, PERSON).json["places"] == 1
    without = {name: value for name, value in PERSON.items() if name != "person"} | {"name": "Sam Grand"}
    assert book(client, world.dating_slot, without, "k2").json["audience"] == "jobseeker"
    assert remaining(client, world.dating_slot) == 10


def test_a_group_without_an_audience_is_a_class(client: FlaskClient, world: World) -> None:
    body = {name: value for name, value in CLASS.items() if name != "audience"}
    assert book(client, world.visit_slot, body).json["audience"] == "school"


def test_needs_are_kept_by_kind(client: FlaskClient, world: World) -> None:
    assert book(client, world.visit_slot, CLASS | {"needs": {"motor": 2, "visual": 0, "hearing": None}}).status_code == 201
    assert db.session.scalars(select(Booking)).one().needs == {"motor": 2}


def test_the_same_request_again_gets_the_same_answer_and_books_once(client: FlaskClient, world: World) -> None:
    first = book(client, world.visit_slot)
    again = book(client, world.visit_slot)
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert remaining(client, world.visit_slot) == 0


@pytest.mark.parametrize("change", [("group.pupils", 30), ("email", "other@college.example"), ("needs", {"motor": 1})])
def test_another_request_under_the_same_key_is_refused(client: FlaskClient, world: World, change: tuple[str, Any]) -> None:
    book(client, world.visit_slot)
    problem(book(client, world.visit_slot, with_value(*change)), 422, "idempotency_key_reused")
    problem(book(client, world.boat_slot), 422, "idempotency_key_reused")


@pytest.mark.parametrize("key", [None, "", "é", "x" * 201, "a\tb"])
def test_a_booking_needs_a_printable_key(client: FlaskClient, world: World, key: str | None) -> None:
    problem(book(client, world.visit_slot, key=key), 422, "idempotency_key_missing")
    assert remaining(client, world.visit_slot) == 31


def test_a_full_slot_tells_how_many_places_remain(client: FlaskClient, world: World) -> None:
    book(client, world.visit_slot, with_value("group.pupils", 20))
    body = with_value("group.label", "3e C", with_value("group.pupils", 12))
    refused = problem(book(client, world.visit_slot, body, "k2"), 409, "slot_full")
    assert (refused["remaining"], refused["wanted"]) == (11, 12)


def test_a_closed_slot_says_why_and_when(client: FlaskClient, world: World) -> None:
    with clock.clock_at(datetime(2026, 11, 24, 12, tzinfo=UTC)):
        refused = problem(book(client, world.visit_slot), 409, "booking_closed")
    assert (refused["why"], refused["at"]) == ("too_late", "2026-11-24T11:30:00Z")


def test_the_same_class_twice_is_told_so_without_the_other_bookings_name(client: FlaskClient, world: World) -> None:
    made = book(client, world.visit_slot, with_value("group.pupils", 10)).json
    refused = problem(book(client, world.visit_slot, with_value("group.pupils", 10), "k2"), 409, "already_booked")
    assert made["reference"] not in json.dumps(refused)


def test_a_flooded_mailbox_is_protected_and_says_when_to_come_back(client: FlaskClient, world: World) -> None:
    for n in range(PER_RECIPIENT_AND_HOUR):
        small = CLASS | {"group": CLASS["group"] | {"label": str(n), "pupils": 1, "adults": 1}}
        assert book(client, world.boat_slot, small, str(n)).status_code == 201
    response = book(client, world.visit_slot, key="one too many")
    refused = problem(response, 429, "too_many_requests")
    assert response.headers["Retry-After"] == "3600" == str(refused["retry_after"])
    assert refused["scope"] == "recipient"


def test_booking_costs_nine_statements(client: FlaskClient, world: World) -> None:
    with statements() as sent:
        assert book(client, world.visit_slot).status_code == 201
    assert len(sent) == 9, "one of them reads what the class has booked already"


def test_a_booking_from_the_api_is_never_proven(client: FlaskClient, world: World) -> None:
    book(client, world.visit_slot)
    assert [message.kind for message in db.session.scalars(select(Message))] == ["booking_to_prove"]


def test_no_answer_sets_a_cookie(client: FlaskClient, world: World) -> None:
    made = book(client, world.visit_slot)
    for response in (
        made,
        client.get("/api/v1/events"),
        client.get(f"/api/v1/bookings/{made.json['reference']}", headers=bearer(made.json["token"])),
    ):
        assert "Set-Cookie" not in response.headers
    assert not client._cookies


def test_forms_are_protected_against_forgery_and_the_api_needs_no_such_token(client: FlaskClient, world: World) -> None:
    client.application.config["WTF_CSRF_ENABLED"] = True
    assert client.post(f"/slots/{world.visit_slot}/bookings", data={}).status_code == 400
    made = book(client, world.visit_slot)
    assert made.status_code == 201
    path = f"/api/v1/bookings/{made.json['reference']}/cancellation"
    assert client.post(path, headers=bearer(made.json["token"])).status_code == 200


# Hostile values

LONG, CONTROL, BREAK, EMOJI, TURNED = "x" * 10_000, "a\x00b", "a\r\nBcc: b", "🚢", "a\u202eb"
WRONG_TYPES: list[Any] = [["a"], {"a": 1}, True]
TEXTS = ("email", "name", "group.school_name", "group.commune", "group.label", "group.level", "audience")
NUMBERS = ("group.pupils", "group.adults")
HOSTILE = [
    *((field, value) for field in TEXTS for value in (0, -1, 10**9, "", LONG, CONTROL, BREAK, TURNED, None, 1.5, *WRONG_TYPES)),
    *((field, value) for field in ("phone", "group.school_uai") for value in (0, 10**9, LONG, CONTROL, BREAK, EMOJI, TURNED, *WRONG_TYPES)),
    *(
        (field, value)
        for field in NUMBERS
        for value in (0, -1, 10**9, 10**30, 10**100, "", "31", "0x1f", LONG, EMOJI, None, 1.5, 31.0, *WRONG_TYPES)
    ),
    *(("email", value) for value in ("x", "x@", "@x.example", "a b@x.example", "a@b", "a@b.example,c@d.example", EMOJI, "é@x.example")),
    *(("group.level", value) for value in ("7e", EMOJI, "3e'; --")),
    *(("audience", value) for value in ("nobody", EMOJI, "SCHOOLS")),
    *(("locale", value) for value in ("de", "", "FR", 1, *WRONG_TYPES)),
    *(("group.school_uai", value) for value in ("0751234A", "0751234", "J0751234")),
    *(("phone", value) for value in ("12", "+", "call me")),
    *(("group", value) for value in (None, 1, "x", [], True)),
    *(("person", value) for value in ({}, 1, "x", [])),
    *(("needs", value) for value in (1, "x", [1], True)),
]  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_hostile_values_are_refused_beside_their_field(client: FlaskClient, world: World) -> None:
    for field, value in HOSTILE:
        refused = problem(book(client, world.visit_slot, with_value(field, value)), 422, "invalid")
        assert set(refused["fields"]) == {field}, (field, value, refused["fields"])
        assert refused["fields"][field]["message"]
    assert db.session.scalar(select(func.count()).select_from(Booking)) == 0


@pytest.mark.parametrize(
    ("needs", "field"),
    [({"motor": -1}, "needs.motor"), ({"motor": "2"}, "needs.motor"), ({"motor": True}, "needs.motor"), ({"motor": 10**9}, "needs.motor"),
     ({"diabetes": 1}, "needs.diabetes")],
)  # fmt: skip
def test_needs_are_counted_by_kinds_we_know(client: FlaskClient, world: World, needs: dict[str, Any], field: str) -> None:
    assert set(problem(book(client, world.visit_slot, CLASS | {"needs": needs}), 422, "invalid")["fields"]) == {field}


@pytest.mark.parametrize(
    "raw", ["1e400", "-1e400", "1" * 5000, "-" + "9" * 41], ids=["1e400", "-1e400", "five thousand digits", "forty-one digits"]
)
def test_a_number_beyond_measure_is_no_number(client: FlaskClient, world: World, raw: str) -> None:
    text = json.dumps(with_value("group.pupils", "HERE")).replace('"HERE"', raw)
    refused = problem(send(client, world.visit_slot, text.encode()), 422, "invalid")
    assert refused["fields"]["group.pupils"]["code"] == "not_a_number"


def test_unknown_fields_are_named_and_bounded(client: FlaskClient, world: World) -> None:
    body = CLASS | {"pupils": 31, "group": CLASS["group"] | {"colour": "red"}, "x" * 500: 1} | {f"z{n}": n for n in range(500)}
    fields = problem(book(client, world.visit_slot, body), 422, "invalid")["fields"]
    assert {"pupils", "group.colour"} < set(fields)
    assert {value["code"] for value in fields.values()} == {"unknown_field"}
    assert len(fields) < 50
    assert max(map(len, fields)) <= 80


def test_a_class_has_a_group_and_a_person_has_none(client: FlaskClient, world: World) -> None:
    contact = {name: CLASS[name] for name in ("email", "name")}
    cases: list[tuple[dict[str, Any], str]] = [
        (contact, "group"),
        (contact | {"audience": "school"}, "group"),
        (contact | {"audience": "school", "person": {}, "group": CLASS["group"]}, "person"),
        (contact | {"audience": "public", "group": CLASS["group"]}, "group"),
        (contact | {"person": {}}, "audience"),
        (PERSON | {"person": {"age": 30}}, "person.age"),
    ]
    for body, field in cases:
        assert set(problem(book(client, world.boat_slot, body), 422, "invalid")["fields"]) == {field}, body


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        (("group.level", "6e"), "group.level", "level_not_admitted"),
        (("audience", "press"), "audience", "audience_not_admitted"),
    ],
)
def test_what_the_slot_does_not_admit_is_refused_beside_its_field(
    client: FlaskClient, world: World, change: tuple[str, Any], field: str, code: str
) -> None:
    body = with_value(*change)
    if change[0] == "audience":
        del body["group"]
    assert problem(book(client, world.visit_slot, body), 422, "invalid")["fields"][field]["code"] == code


def test_a_party_of_the_wrong_size_is_refused_beside_the_pupils(client: FlaskClient, world: World) -> None:
    db.session.execute(update(Slot).where(Slot.id == world.visit_slot).values(max_party=30))
    db.session.commit()
    fields = problem(book(client, world.visit_slot), 422, "invalid")["fields"]
    assert fields["group.pupils"]["code"] == "party_too_large"
    assert "30" in fields["group.pupils"]["message"]


# JSON and HTTP


def send(client: FlaskClient, slot_id: int, data: bytes, content_type: str = "application/json") -> TestResponse:
    headers = {"Idempotency-Key": "k"}
    return client.post(f"/api/v1/slots/{slot_id}/bookings", data=data, content_type=content_type, headers=headers)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'"x"', b"1", b"\xff\xfe{}", b'{"name": NaN}', b'{"name": Infinity}', b'{"name": -Infinity}',
     b'{"name": "a", "name": "b"}', b'{"group": {"pupils": 1, "pupils": 2}}', b'{"name": "\\ud800"}', b'{"\\udfff": 1}', b'{"a": 1} x',
     b"[" * 30_000, b'{"a":' * 10_000, b'{"group": ' + b"[" * 20 + b"]" * 20 + b"}", b"\xef\xbb\xbf{}"],
    ids=range(19),
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_json_that_two_readers_could_understand_differently_is_refused(client: FlaskClient, world: World, data: bytes) -> None:
    problem(send(client, world.visit_slot, data), 400, "malformed_json")


def test_a_body_of_another_type_or_too_long_is_refused(client: FlaskClient, world: World) -> None:
    good = json.dumps(CLASS).encode()
    problem(send(client, world.visit_slot, good, "text/plain"), 415, "unsupported_media_type")
    problem(send(client, world.visit_slot, good, "application/x-www-form-urlencoded"), 415, "unsupported_media_type")
    for spaces in (70_000, 64 * 1024 + 1 - len(good)):
        problem(send(client, world.visit_slot, good + b" " * spaces), 413, "body_too_large")
    chunked = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    path, headers = f"/api/v1/slots/{world.visit_slot}/bookings", {"Idempotency-Key": "k"}
    stream = BytesIO(good + b" " * 70_000)
    response = client.post(path, input_stream=stream, content_type="application/json", headers=headers, environ_overrides=chunked)
    problem(response, 413, "body_too_large")
    assert send(client, world.visit_slot, good, "application/json; charset=utf-8").status_code == 201


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v2/events", "/api/v1/nothing", "/api/v1/slots/x", "/api/v1/slots/-1",
                                  "/api/v1/slots/0", "/api/v1/slots/99999999999999999999", "/api/v1/events/999999", "/api/v1/slots/999999"])  # fmt: skip
def test_an_unknown_address_is_a_problem_not_a_page(client: FlaskClient, world: World, path: str) -> None:
    problem(client.get(path), 404, "not_found")


def test_booking_an_unknown_or_unpublished_slot_is_not_found(client: FlaskClient, world: World) -> None:
    problem(book(client, 999_999), 404, "not_found")
    db.session.execute(update(Event).where(Event.id == world.visit).values(publication=Publication.DRAFT))
    db.session.commit()
    problem(book(client, world.visit_slot), 404, "not_found")
    problem(client.get(f"/api/v1/slots/{world.visit_slot}"), 404, "not_found")
    problem(client.get(f"/api/v1/events/{world.visit}"), 404, "not_found")


def test_a_method_an_address_does_not_know_is_refused_with_those_it_knows(client: FlaskClient, world: World) -> None:
    response = client.delete("/api/v1/events")
    problem(response, 405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]


def test_a_crash_is_a_problem_too_and_tells_nothing(client: FlaskClient, world: World) -> None:
    with patch("booking.api.events.catalogue.search", side_effect=RuntimeError("secret detail")):
        response = client.get("/api/v1/events")
    problem(response, 500, "internal_error")
    assert "secret detail" not in response.text


def test_sentences_follow_the_bookings_language_then_accept_language_then_french(client: FlaskClient, world: World) -> None:
    def said(body: dict[str, Any], **headers: str) -> str:
        response = book(client, world.visit_slot, body, **headers)
        return f"{response.headers['Content-Language']}: {response.json['title']}"

    wrong = with_value("group.pupils", 0)
    no_locale = {name: value for name, value in wrong.items() if name != "locale"}
    french, english = "fr: Champs à revoir", "en: Fields to correct"
    assert said(no_locale) == french
    assert said(no_locale, Accept_Language="en-GB,fr;q=0.5") == english
    assert said(no_locale, Accept_Language="fr;q=0.5, en;q=0") == french
    assert said(no_locale, Accept_Language="de") == french
    assert said(wrong, Accept_Language="en") == french
    assert said(wrong | {"locale": "en"}) == english


def test_mails_are_written_in_the_language_of_the_booking(client: FlaskClient, world: World) -> None:
    book(client, world.visit_slot, {name: value for name, value in CLASS.items() if name != "locale"}, Accept_Language="en")
    assert [booking.locale for booking in db.session.scalars(select(Booking))] == ["en"]


def test_every_sentence_of_the_api_is_in_english_too() -> None:
    from booking.api import problems
    from booking.wording import PROBLEMS

    english = catalogue("en")
    own = (PROBLEMS[code] for code in ("unknown_field", "not_an_object", "not_a_day"))
    for message in (*TITLES.values(), *problems._DETAILS.values(), *own):
        assert english.gettext(message) != message


# With the token


def test_the_token_opens_the_booking_and_nothing_else_does(client: FlaskClient, world: World) -> None:
    made = book(client, world.visit_slot, with_value("group.pupils", 10)).json
    other = book(client, world.dating_slot, PERSON, "k2").json
    path = f"/api/v1/bookings/{made['reference']}"
    shown = client.get(path, headers=bearer(made["token"]))
    assert shown.json == {name: value for name, value in made.items() if name != "token"}
    assert shown.headers["Cache-Control"] == "no-store"
    assert (
        client.get(path.lower().replace("/api/v1/bookings", "/api/v1/bookings"), headers=bearer(made["token"])).status_code == 200
    )
    wrong = (other["token"], "x", "é", mail_token(client, made["reference"]), made["token"] + "A")
    for token in wrong:
        foreign = problem(client.get(path, headers=bearer(token)), 404, "not_found")
        assert foreign == problem(client.get("/api/v1/bookings/2222-2222", headers=bearer(token)), 404, "not_found")


@pytest.mark.parametrize("reference", ["x", "0000-0000", "%00", "AAAA-AAA%00", "A" * 5000, "%F0%9F%9A%A2"])
def test_a_reference_that_is_none_is_not_found(client: FlaskClient, world: World, reference: str) -> None:
    problem(client.get(f"/api/v1/bookings/{reference}", headers=bearer("x")), 404, "not_found")


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer  "}]
)
def test_without_a_token_nothing_is_told(client: FlaskClient, world: World, headers: dict[str, str]) -> None:
    made = book(client, world.visit_slot).json
    for reference in (made["reference"], "2222-2222"):
        path = f"/api/v1/bookings/{reference}"
        for response in (
            client.get(path, headers=headers),
            client.patch(path, headers=headers, json={"pupils": 1}),
            client.post(f"{path}/cancellation", headers=headers),
            client.post(f"{path}/confirmation", headers=headers),
        ):
            problem(response, 401, "unauthorized")
            assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_old_tokens_open_after_a_rotation_of_the_key(client: FlaskClient, world: World) -> None:
    made = book(client, world.visit_slot).json
    settings: Settings = client.application.config["SETTINGS"]
    client.application.config["SETTINGS"] = replace(
        settings, secret_key="another key, long enough", secret_key_fallbacks=(settings.secret_key,)
    )
    assert client.get(f"/api/v1/bookings/{made['reference']}", headers=bearer(made["token"])).status_code == 200


def test_headcount_changes_one_number_or_both(client: FlaskClient, world: World) -> None:
    made = book(client, world.boat_slot, with_value("group.pupils", 20)).json
    path, headers = f"/api/v1/bookings/{made['reference']}", bearer(made["token"])
    assert client.patch(path, headers=headers, json={"pupils": 25}).json["places"] == 28
    assert client.patch(path, headers=headers, json={"adults": 2}).json["places"] == 27
    changed = client.patch(path, headers=headers, json={"pupils": 10, "adults": 1})
    assert (changed.status_code, changed.json["pupils"], changed.json["adults"], changed.json["places"]) == (200, 10, 1, 11)
    assert remaining(client, world.boat_slot) == 29
    refused = problem(client.patch(path, headers=headers, json={"pupils": 60}), 409, "slot_full")
    assert refused["remaining"] == 29
    assert remaining(client, world.boat_slot) == 29


def test_our_own_address_can_be_nobodys(client: FlaskClient, world: World) -> None:
    answer = book(client, world.boat_slot, with_value("email", "Reservations@coulisses.example"))
    assert problem(answer, 422, "invalid")["fields"]["email"]["code"] == "own_address"


def test_a_headcount_may_stand_inside_its_group_as_it_was_booked(client: FlaskClient, world: World) -> None:
    made = book(client, world.boat_slot, with_value("group.pupils", 20)).json
    path, headers = f"/api/v1/bookings/{made['reference']}", bearer(made["token"])
    assert client.patch(path, headers=headers, json={"group": {"pupils": 12, "adults": 2}}).json["places"] == 14
    assert set(problem(client.patch(path, headers=headers, json={"group": {"pupils": 0}}), 422, "invalid")["fields"]) == {
        "group.pupils"
    }
    assert set(problem(client.patch(path, headers=headers, json={"group": {"label": "x"}}), 422, "invalid")["fields"]) == {
        "group.label"
    }
    assert set(problem(client.patch(path, headers=headers, json={"group": {}}), 422, "invalid")["fields"]) == {"pupils"}


def test_a_wrong_headcount_is_refused_beside_its_field(client: FlaskClient, world: World) -> None:
    made = book(client, world.visit_slot).json
    path, headers = f"/api/v1/bookings/{made['reference']}", bearer(made["token"])
    for field in ("pupils", "adults"):
        for value in (0, -1, 10**9, 10**30, "", "3", None, 1.5, True, [], {}, EMOJI):
            fields = problem(client.patch(path, headers=headers, json={field: value}), 422, "invalid")["fields"]
            assert set(fields) == {field}, value
    assert set(problem(client.patch(path, headers=headers, json={}), 422, "invalid")["fields"]) == {"pupils"}
    assert set(problem(client.patch(path, headers=headers, json={"email": "x"}), 422, "invalid")["fields"]) == {"email"}
    problem(client.patch(path, headers=headers, data=b"["), 415, "unsupported_media_type")
    problem(client.patch(path, headers=headers, data=b"[", content_type="application/json"), 400, "malformed_json")


def test_a_person_has_no_headcount(client: FlaskClient, world: World) -> None:
    made = book(client, world.dating_slot, PERSON).json
    response = client.patch(f"/api/v1/bookings/{made['reference']}", headers=bearer(made["token"]), json={"pupils": 2})
    assert problem(response, 422, "invalid")["fields"]["pupils"]["code"] == "not_a_class"


def test_headcount_too_late_says_until_when(client: FlaskClient, world: World) -> None:
    made = book(client, world.visit_slot).json
    path = f"/api/v1/bookings/{made['reference']}"
    client.post(f"{path}/confirmation", headers=bearer(mail_token(client, made["reference"])))
    with clock.clock_at(datetime(2026, 11, 23, 8, tzinfo=UTC)):
        refused = problem(client.patch(path, headers=bearer(made["token"]), json={"pupils": 3}), 409, "too_late")
    assert (refused["what"], refused["at"]) == ("headcount", "2026-11-22T13:30:00Z")


def test_the_token_of_the_mail_confirms_and_no_other_does(client: FlaskClient, world: World) -> None:
    made = book(client, world.visit_slot).json
    path, token = f"/api/v1/bookings/{made['reference']}/confirmation", mail_token(client, made["reference"])
    problem(client.post(path, headers=bearer(made["token"])), 404, "not_found")
    problem(client.post(path, json={"token": made["token"]}), 404, "not_found")
    for value in (1, [], {}, True):
        assert set(problem(client.post(path, json={"token": value}), 422, "invalid")["fields"]) == {"token"}
    assert client.get(path, headers=bearer(token)).status_code == 405
    confirmed = client.post(path, headers=bearer(token))
    assert (confirmed.status_code, confirmed.json["status"], confirmed.json["confirmed_at"]) == (
        200,
        "confirmed",
        "2026-11-16T09:00:00Z",
    )
    assert confirmed.json["links"]["invitation"]
    again = client.post(path, json={"token": token})
    assert (again.status_code, again.json) == (200, confirmed.json)


def test_cancelling_gives_the_places_back_once(client: FlaskClient, world: World) -> None:
    made = book(client, world.visit_slot).json
    path, headers = f"/api/v1/bookings/{made['reference']}/cancellation", bearer(made["token"])
    for value in (1, [], "x" * 401, CONTROL, BREAK, TURNED):
        assert set(problem(client.post(path, headers=headers, json={"reason": value}), 422, "invalid")["fields"]) == {"reason"}
    assert set(problem(client.post(path, headers=headers, json={"why": "x"}), 422, "invalid")["fields"]) == {"why"}
    for _ in range(2):
        response = client.post(path, headers=headers, json={"reason": "Grève"})
        assert (response.status_code, response.json["status"], response.json["ended_at"]) == (
            200,
            "cancelled",
            "2026-11-16T09:00:00Z",
        )
    assert remaining(client, world.visit_slot) == 31
    assert db.session.scalars(select(Booking)).one().end_reason == "Grève"
    refused = problem(client.patch(path.removesuffix("/cancellation"), headers=headers, json={"pupils": 1}), 409, "wrong_state")
    assert refused["booking_status"] == "cancelled"


def test_cancelling_needs_no_body(client: FlaskClient, world: World) -> None:
    made = book(client, world.visit_slot).json
    response = client.post(f"/api/v1/bookings/{made['reference']}/cancellation", headers=bearer(made["token"]))
    assert response.json["status"] == "cancelled"


def test_a_hold_that_ran_out_cannot_be_confirmed(client: FlaskClient, world: World, frozen: datetime) -> None:
    made = book(client, world.visit_slot).json
    token = mail_token(client, made["reference"])
    with clock.clock_at(frozen + timedelta(hours=2)):
        response = client.post(f"/api/v1/bookings/{made['reference']}/confirmation", headers=bearer(token))
    assert problem(response, 409, "wrong_state")["booking_status"] == "expired"


def test_the_token_is_the_one_of_the_booking_page(client: FlaskClient, world: World) -> None:
    made = book(client, world.visit_slot).json
    booking = db.session.scalars(select(Booking)).one()
    assert made["token"] == make_token(client.application.config["SETTINGS"].secret_key, MANAGE, booking.link_nonce)
    assert made["links"]["page"] == f"http://127.0.0.1:8000/bookings/{made['reference']}?token={made['token']}"


# The catalogue


def test_events_are_filtered_like_the_catalogue(client: FlaskClient, world: World) -> None:
    def titles(query: str) -> list[int]:
        return [item["id"] for item in client.get(f"/api/v1/events?{query}").json["items"]]

    everything = [world.debate, world.visit, world.dating, world.boat]
    assert titles("") == titles("edition=2026") == titles("q=&day=&places=&page=") == everything
    assert titles("q=fleuve") == titles("audience=school&places=32") == [world.boat]
    assert titles("day=2026-11-24&level=3e&type=company_visit&commune=Gennevilliers&places=31&audience=college") == [world.visit]
    assert titles("commune=Paris") == []
    assert titles("some_future_parameter=1") == everything


def test_an_item_carries_its_slots_and_the_next_one(client: FlaskClient, world: World) -> None:
    item = client.get("/api/v1/events?q=fleuve").json["items"][0]
    assert [slot["id"] for slot in item["slots"]] == [world.boat_slot, world.second_boat_slot]
    assert item["next_slot"] == item["slots"][0]
    assert item["next_slot"]["remaining"] == 40


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"), ("page=-1", "page"), ("page=x", "page"), ("page=99999999999999999999", "page"), ("page=1.5", "page"),
        ("per_page=0", "per_page"), ("per_page=101", "per_page"), ("places=0", "places"), ("places=501", "places"), ("places=%00", "places"),
        ("day=2026-02-30", "day"), ("day=24/11/2026", "day"), ("day=20261124", "day"), ("day=%F0%9F%9A%A2", "day"), ("type=x", "type"),
        ("audience=all", "audience"), ("level=3", "level"), ("edition=1789", "edition"), ("edition=%00", "edition"), ("q=" + "x" * 81, "q"),
        ("commune=" + "x" * 81, "commune"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(client: FlaskClient, world: World, query: str, field: str) -> None:
    assert set(problem(client.get(f"/api/v1/events?{query}"), 422, "invalid")["fields"]) == {field}


@pytest.mark.parametrize(
    "query", ["q=%00", "q=%FF", "q=%25_%5C", "commune=%00", "commune=%ED%A0%80", "day=0001-01-01", "day=9999-12-31"]
)
def test_strange_values_find_nothing_or_everything_but_never_crash(client: FlaskClient, world: World, query: str) -> None:
    assert client.get(f"/api/v1/events?{query}").status_code == 200


def test_pages_link_to_each_other_with_the_same_filters(client: FlaskClient, world: World) -> None:
    first = client.get("/api/v1/events?q=port&per_page=1").json
    assert (first["total"], first["page"], first["pages"], first["links"]["prev"]) == (3, 1, 3, None)
    assert first["links"]["next"] == "http://127.0.0.1:8000/api/v1/events?q=port&per_page=1&page=2"
    second = client.get(first["links"]["next"]).json
    assert second["links"]["prev"].endswith("page=1")
    last = client.get(second["links"]["next"]).json
    assert last["links"]["next"] is None
    assert len({page["items"][0]["id"] for page in (first, second, last)}) == 3
    past = client.get("/api/v1/events?q=port&per_page=1&page=9").json
    assert (past["items"], past["page"], past["links"]) == (
        [],
        9,
        {"next": None, "prev": first["links"]["next"].replace("page=2", "page=3")},
    )


def test_events_cost_the_same_statements_whatever_is_found(client: FlaskClient, world: World) -> None:
    for query in ("q=fleuve", ""):
        with statements() as sent:
            client.get(f"/api/v1/events?{query}")
        assert len(sent) == 5, query


def test_one_event_tells_what_its_page_tells(client: FlaskClient, world: World) -> None:
    visit = client.get(f"/api/v1/events/{world.visit}").json
    assert visit["parent"] == {"id": world.debate, "title": "Réunion-débat sur le canal Seine-Nord"}
    assert visit["levels"] == ["4e", "3e", "2de"]
    assert visit["slots"][0]["arrive_at"] == "2026-11-24T13:15:00Z"
    assert client.get(f"/api/v1/events/{world.debate}").json["children"] == [{"id": world.visit, "title": visit["title"]}]


def test_a_slot_says_why_it_is_closed(client: FlaskClient, world: World) -> None:
    assert client.get(f"/api/v1/slots/{world.visit_slot}").json["closed"] is None
    with clock.clock_at(datetime(2026, 11, 24, 14, tzinfo=UTC)):
        assert client.get(f"/api/v1/slots/{world.visit_slot}").json["closed"] == {"why": "past", "at": None}


def test_editions_say_which_is_current(client: FlaskClient, world: World) -> None:
    editions = client.get("/api/v1/editions").json["items"]
    assert [(edition["key"], edition["current"], edition["past"]) for edition in editions] == [("2026", True, False)]
    assert client.get(editions[0]["links"]["events"]).json["total"] == 4


def test_without_any_edition_the_catalogue_is_empty(client: FlaskClient) -> None:
    assert client.get("/api/v1/events").json["total"] == 0
    assert client.get("/api/v1/editions").json == {"items": []}


def test_what_has_not_changed_is_not_sent_again(client: FlaskClient, world: World) -> None:
    for path in ("editions", "events", f"events/{world.visit}", f"slots/{world.visit_slot}", "openapi.json"):
        first = client.get(f"/api/v1/{path}")
        again = client.get(f"/api/v1/{path}", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b""), path
    seen = client.get(f"/api/v1/slots/{world.visit_slot}").headers["ETag"]
    book(client, world.visit_slot)
    assert client.get(f"/api/v1/slots/{world.visit_slot}", headers={"If-None-Match": seen}).status_code == 200


def test_reading_writes_nothing(client: FlaskClient, world: World) -> None:
    made = book(client, world.visit_slot).json
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().startswith(("SELECT", "BEGIN", "PRAGMA")):
            written.append(statement)

    sqlalchemy_event.listen(db.engine, "before_cursor_execute", note)
    for path in ("editions", "events", f"events/{world.visit}", f"slots/{world.visit_slot}", f"bookings/{made['reference']}"):
        assert client.get(f"/api/v1/{path}", headers=bearer(made["token"])).status_code == 200
        assert client.head(f"/api/v1/{path}", headers=bearer(made["token"])).status_code == 200
    sqlalchemy_event.remove(db.engine, "before_cursor_execute", note)
    assert written == []
