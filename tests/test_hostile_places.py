"""Attacks on places: on pools, waiting lists, offers, approvals, moves and splits, by people who do not mean well."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from booking.db import db
from booking.links import CONFIRM, HEAD, MANAGE
from booking.queries import doctor
from tests.test_approvals import UAI, asks, token
from tests.test_moving import book, party
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
