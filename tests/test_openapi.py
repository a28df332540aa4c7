"""The description of the API: valid, complete, and true of real answers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from booking.api.openapi import description
from booking.api.problems import TITLES
from booking.models import Audience, EventType, HeldFor, Status
from booking.models.booking import _ALPHABET
from booking.models.event import AccessKind, Equipment
from booking.models.party import LARGEST_CLASS, LEVELS
from tests.test_api import CLASS, PERSON, bearer, book, mail_token, with_value
from tests.world import World

DOCUMENT = description("http://127.0.0.1:8000")
SCHEMAS = DOCUMENT["components"]["schemas"]
PREFIX = "/api/v1"


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """A validator of one schema of the document, from which it can see the others."""
    return Draft202012Validator(schema | {"components": DOCUMENT["components"]}, format_checker=FormatChecker())


def check(instance: object, schema: dict[str, Any]) -> None:
    validator(schema).validate(instance)


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    methods = ("get", "post", "patch", "put", "delete")
    return {
        (path, method): operation
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method in methods
    }


def matches(response: TestResponse, path: str, method: str = "get") -> TestResponse:
    """Hold an answer against what the document says of its operation and status."""
    described = operations()[path, method]["responses"]
    answer = resolve(described.get(str(response.status_code)) or described["default"])
    if response.status_code == 304:
        return response
    check(response.json, answer["content"][response.mimetype]["schema"])
    for name in answer.get("headers", {}):
        assert name in response.headers or name == "Idempotency-Replayed"
    return response


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"] == "3.1.0"


def test_every_route_is_described_and_everything_described_is_a_route(app: Flask) -> None:
    def described(rule: str) -> str:
        path = re.sub(r"<(?:int[^:]*:)?(\w+)>", r"{\1}", rule.removeprefix(PREFIX))
        return path.replace("{event_id}", "{id}").replace("{slot_id}", "{id}")

    routes = {
        (described(rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == set(operations())


def test_the_served_document_is_this_one(client: FlaskClient) -> None:
    assert client.get(f"{PREFIX}/openapi.json").json == DOCUMENT


def test_vocabularies_are_the_houses_own() -> None:
    assert SCHEMAS["EventType"]["enum"] == list(EventType)
    assert SCHEMAS["Audience"]["enum"] == list(Audience)
    assert SCHEMAS["PartyAudience"]["enum"] == ["school", *Audience]
    assert SCHEMAS["Level"]["enum"] == list(LEVELS)
    assert SCHEMAS["AccessKind"]["enum"] == list(AccessKind)
    assert SCHEMAS["Status"]["enum"] == list(Status)
    assert SCHEMAS["BookingMembers"]["properties"]["held_for"]["enum"] == [*HeldFor, None]
    assert SCHEMAS["Event"]["properties"]["conditions"]["properties"]["equipment"]["enum"] == list(Equipment)
    assert set(SCHEMAS["Problem"]["properties"]["code"]["enum"]) == set(TITLES)
    assert SCHEMAS["Group"]["properties"]["pupils"]["maximum"] == LARGEST_CLASS
    assert all(re.fullmatch(SCHEMAS["Reference"]["pattern"], f"{sign * 4}-{sign * 4}") for sign in _ALPHABET)


def test_every_operation_has_a_name_of_its_own_and_a_problem() -> None:
    names = [operation["operationId"] for operation in operations().values()]
    assert len(names) == len(set(names))
    for operation in operations().values():
        assert "default" in operation["responses"]


def test_examples_follow_their_schemas() -> None:
    found = 0

    def walk(node: Any) -> None:
        nonlocal found
        if isinstance(node, list):
            for inner in node:
                walk(inner)
        if not isinstance(node, dict):
            return
        schema = node.get("schema")
        if schema is not None:
            examples = [example["value"] for example in node.get("examples", {}).values()]
            for example in examples + ([node["example"]] if "example" in node else []):
                check(example, schema)
                found += 1
        for inner in node.values():
            walk(inner)

    walk(DOCUMENT)
    assert found >= 10


def test_answers_of_the_catalogue_are_as_described(client: FlaskClient, world: World) -> None:
    matches(client.get(f"{PREFIX}/editions"), "/editions")
    matches(client.get(f"{PREFIX}/events"), "/events")
    matches(client.get(f"{PREFIX}/events?per_page=1&page=2"), "/events")
    matches(client.get(f"{PREFIX}/events?page=0"), "/events")
    for event in (world.debate, world.visit, 999_999):
        matches(client.get(f"{PREFIX}/events/{event}"), "/events/{id}")
    for slot in (world.visit_slot, world.boat_slot, 999_999):
        answer = matches(client.get(f"{PREFIX}/slots/{slot}"), "/slots/{id}")
    assert answer.status_code == 404
    served = matches(client.get(f"{PREFIX}/openapi.json"), "/openapi.json")
    matches(client.get(f"{PREFIX}/openapi.json", headers={"If-None-Match": served.headers["ETag"]}), "/openapi.json")


def test_answers_about_bookings_are_as_described(client: FlaskClient, world: World) -> None:
    path = "/slots/{id}/bookings"
    made = matches(book(client, world.visit_slot), path, "post")
    matches(book(client, world.visit_slot), path, "post")
    matches(book(client, world.visit_slot, key=None), path, "post")
    matches(book(client, world.visit_slot, with_value("group.label", "x"), "k2"), path, "post")
    matches(book(client, world.visit_slot, key="k3"), path, "post")
    matches(book(client, world.visit_slot, with_value("email", "x"), "k4"), path, "post")
    matches(book(client, world.dating_slot, PERSON, "k5"), path, "post")
    matches(client.post(f"{PREFIX}/slots/{world.visit_slot}/bookings", data=b"[", headers={"Idempotency-Key": "k"}), path, "post")
    for n in range(9):
        limited = book(
            client, world.boat_slot, CLASS | {"group": CLASS["group"] | {"label": str(n), "pupils": 1, "adults": 1}}, f"n{n}"
        )
        matches(limited, path, "post")
    assert limited.status_code == 429

    address, path = f"{PREFIX}/bookings/{made.json['reference']}", "/bookings/{reference}"
    token = bearer(made.json["token"])
    matches(client.get(address), path)
    matches(client.get(address, headers=bearer("x")), path)
    matches(client.get(address, headers=token), path)
    matches(client.patch(address, headers=token, json={"pupils": 30}), path, "patch")
    matches(client.patch(address, headers=token, json={"pupils": 32}), path, "patch")
    matches(client.patch(address, headers=token, json={"pupils": "x"}), path, "patch")
    mail = bearer(mail_token(client, made.json["reference"]))
    matches(client.post(f"{address}/confirmation", headers=mail), f"{path}/confirmation", "post")
    matches(client.post(f"{address}/confirmation"), f"{path}/confirmation", "post")
    matches(client.post(f"{address}/cancellation", headers=token, json={"reason": "x"}), f"{path}/cancellation", "post")
    matches(client.patch(address, headers=token, json={"pupils": 3}), path, "patch")
    matches(client.post(f"{address}/confirmation", headers=mail), f"{path}/confirmation", "post")


@pytest.mark.parametrize("body", [CLASS, PERSON, CLASS | {"needs": {"motor": 1}, "phone": None, "person": None}])
def test_what_is_booked_follows_the_described_request(client: FlaskClient, world: World, body: dict[str, Any]) -> None:
    check(body, SCHEMAS["BookingRequest"])
    slot = world.dating_slot if "group" not in body else world.visit_slot
    assert book(client, slot, body).status_code == 201


def test_what_the_described_request_forbids_is_refused(client: FlaskClient, world: World) -> None:
    group = validator(SCHEMAS["Group"])
    for name, value in (
        ("pupils", 0),
        ("pupils", 501),
        ("pupils", "31"),
        ("adults", 101),
        ("level", "7e"),
        ("label", "x" * 41),
        ("colour", "red"),
    ):
        body = with_value(f"group.{name}", value)
        assert not group.is_valid(body["group"])
        assert book(client, world.boat_slot, body).status_code == 422
