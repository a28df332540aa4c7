"""What one customer costs the database: statements, counted inside the process."""

from __future__ import annotations

import html
import re

from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from booking.app import create_app
from booking.db import db
from tests.bench.load import a_class
from tests.databases import settings_for


def counted(url: str, slot_id: int, event_id: int) -> dict[str, int]:
    """Statements of a warm order, step by step, of one call of the API and of the event page, kept and made anew."""
    app = create_app(settings_for(url, RATE_LIMITS="off"))
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    steps: dict[str, int] = {}
    for _ in range(2):  # the second is warm
        _walk(app.test_client(), slot_id, event_id, seen, steps)
    event.remove(Engine, "before_cursor_execute", note)
    with app.app_context():
        db.engine.dispose()
    return steps


def _walk(client: FlaskClient, slot_id: int, event_id: int, seen: list[str], steps: dict[str, int]) -> None:
    def step(name: str, method: str, path: str, **more: object) -> str:
        seen.clear()
        answer = client.open(path, method=method, **more)
        assert answer.status_code in {200, 201, 303}, (path, answer.status_code)
        steps[name] = len(seen)
        return answer.headers.get("Location") or answer.text

    form = step("form", "GET", f"/slots/{slot_id}/bookings/new")
    hidden = {name: html.unescape(re.findall(rf'name="{name}"[^>]*value="([^"]*)"', form)[0]) for name in ("csrf_token", "key")}
    receipt = step("order", "POST", f"/slots/{slot_id}/bookings", data=a_class() | hidden)
    step("booking page", "GET", receipt)
    fields = a_class()
    group = {name: fields[name] for name in ("school_name", "commune", "level", "label")} | {"pupils": 1, "adults": 2}
    body = {"email": fields["email"], "name": fields["name"], "group": group}
    step("API", "POST", f"/api/v1/slots/{slot_id}/bookings", json=body, headers={"Idempotency-Key": fields["email"]})
    client.get(f"/events/{event_id}")  # the orders have changed it; from here on it is kept
    step("event page", "GET", f"/events/{event_id}")
    step("event page made anew", "GET", f"/events/{event_id}?fresh=1")
