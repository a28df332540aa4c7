"""The waiting list for programs: join, read the position, accept and decline, as the description says."""

from __future__ import annotations

from flask.testing import FlaskClient

from booking.actions.confirm_booking import confirm_booking
from booking.db import in_transaction
from booking.queries.waiting_pages import NotOffered
from tests.test_api import CLASS, PERSON, bearer
from tests.test_openapi import SCHEMAS, matches
from tests.test_waiting_pages import book, cancel, wait
from tests.world import World

BOOKING, ANSWER = "/bookings/{reference}", "/bookings/{reference}/offer/"


def test_a_program_joins_reads_where_it_stands_and_answers(client: FlaskClient, world: World) -> None:
    booked = [book(world.visit_slot, "4A", 20), book(world.visit_slot, "4B", 11)]
    before = wait(world.visit_slot, "4Z", 31)
    address = f"/api/v1/slots/{world.visit_slot}/waiting"
    asked = CLASS | {"at_least": 10}

    def join(key: str, **more: object) -> object:
        headers = {"Idempotency-Key": key}
        return matches(client.post(address, json=asked | more, headers=headers), "/slots/{id}/waiting", "post")

    made = join("k1")
    assert made.status_code == 201  # type: ignore[attr-defined]
    body = made.json  # type: ignore[attr-defined]
    assert (body["status"], body["waiting"]) == ("waiting", {"at_least": 10, "slots": [world.visit_slot], "queues": []})
    again = join("k1")
    assert (again.json["reference"], again.headers["Idempotency-Replayed"]) == (body["reference"], "true")  # type: ignore[attr-defined]
    assert join("k1", at_least=11).json["code"] == "idempotency_key_reused"  # type: ignore[attr-defined]
    assert set(join("k2", at_least="10", also=[True]).json["fields"]) == {"at_least", "also"}  # type: ignore[attr-defined]
    keyless = matches(client.post(address, json=asked), "/slots/{id}/waiting", "post")
    assert keyless.json is not None
    assert keyless.json["code"] == "idempotency_key_missing"
    in_transaction(lambda: confirm_booking(body["reference"]))
    own, auth = f"/api/v1/bookings/{body['reference']}", bearer(body["token"])
    place = matches(client.get(own, headers=auth), BOOKING).json["waiting"]["queues"][0]  # type: ignore[index]
    assert (place["position"], place["before"], place["places_before"], place["why_not"]) == (2, 1, 31, None)
    cancel(booked[0])
    offer = matches(client.get(own, headers=auth), BOOKING).json["offer"]  # type: ignore[index]
    assert (offer["pupils"], offer["asked_pupils"], offer["may_stay"]) == (20, 31, True)
    refused = f"{own}/offer/refusal"
    wrong = matches(client.post(refused, json={"stay": "yes"}, headers=auth), f"{ANSWER}refusal", "post")
    assert wrong.status_code == 422
    assert matches(client.post(refused, json={"stay": True}), f"{ANSWER}refusal", "post").status_code == 401
    stayed = matches(client.post(refused, json={"stay": True}, headers=auth), f"{ANSWER}refusal", "post")
    assert (stayed.json["status"], stayed.json["waiting"]["at_least"]) == ("waiting", None)  # type: ignore[index]
    cancel(before)
    cancel(booked[1])
    for _ in range(2):
        taken = matches(client.post(f"{own}/offer/acceptance", headers=auth), f"{ANSWER}acceptance", "post")
        assert (taken.status_code, taken.json["status"], taken.json["pupils"]) == (200, "confirmed", 31)  # type: ignore[index]
    late = matches(client.post(refused, headers=auth), f"{ANSWER}refusal", "post")
    assert (late.status_code, late.json["code"]) == (409, "wrong_state")  # type: ignore[index]


def test_who_finds_room_is_told_to_book_and_a_person_has_no_smallest_number(client: FlaskClient, world: World) -> None:
    def join(slot_id: int, key: str, body: object) -> dict[str, object]:
        answer = client.post(f"/api/v1/slots/{slot_id}/waiting", json=body, headers={"Idempotency-Key": key})
        found = matches(answer, "/slots/{id}/waiting", "post").json
        assert found is not None
        return found

    assert join(world.visit_slot, "k1", CLASS)["code"] == "not_full"
    fields = join(world.dating_slot, "k2", PERSON | {"at_least": 2})["fields"]
    assert isinstance(fields, dict)
    assert set(fields) == {"at_least"}
    assert join(999_999, "k3", CLASS)["code"] == "not_found"


def test_the_reasons_are_the_houses_own() -> None:
    assert SCHEMAS["PlaceInQueue"]["properties"]["why_not"]["enum"] == [*NotOffered, None]
