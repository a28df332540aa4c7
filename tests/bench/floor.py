"""The floor: a bare Flask application that does the same transaction with plain psycopg, and nothing else.

One page with one SELECT, and an order: a page with its form, a POST with CSRF token and idempotency key that runs seven
statements in one transaction with a conditional update as the last write, a receipt. What a framework, a style sheet,
a language and an ORM cost is the distance to it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading

import psycopg
from flask import Flask, abort, redirect, render_template_string, request, session
from werkzeug.wrappers import Response

SCHEMA = """
CREATE TABLE slots (id serial PRIMARY KEY, title text NOT NULL, capacity int NOT NULL,
  taken int NOT NULL DEFAULT 0 CHECK (taken BETWEEN 0 AND capacity));
CREATE TABLE bookings (id bigserial PRIMARY KEY, reference text UNIQUE NOT NULL, slot_id int NOT NULL REFERENCES slots,
  key text UNIQUE NOT NULL, email text NOT NULL, name text NOT NULL, school text NOT NULL, label text NOT NULL,
  pupils int NOT NULL, adults int NOT NULL, status text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (slot_id, email, label));
CREATE TABLE history (id bigserial PRIMARY KEY, booking_id bigint NOT NULL REFERENCES bookings, action text NOT NULL,
  at timestamptz NOT NULL DEFAULT now());
CREATE TABLE messages (id bigserial PRIMARY KEY, booking_id bigint NOT NULL REFERENCES bookings, kind text NOT NULL,
  facts jsonb NOT NULL, sent_at timestamptz);
CREATE TABLE holdings (booking_id bigint PRIMARY KEY REFERENCES bookings, places int NOT NULL);
"""

_PAGE = """<!doctype html><html lang="fr"><title>{{ title }}</title><h1>{{ title }}</h1><p>{{ left }} places sur {{ capacity }}.</p>
<a href="/slots/{{ id }}/bookings/new">Réserver</a></html>"""
_FORM = """<!doctype html><html lang="fr"><title>Réserver</title><h1>{{ title }}</h1>
<form method="post" action="/slots/{{ id }}/bookings"><input type="hidden" name="csrf_token" value="{{ token }}">
<input type="hidden" name="key" value="{{ key }}">{% for name in fields %}
<label>{{ name }} <input name="{{ name }}"></label>{% endfor %}<button>Réserver</button></form></html>"""
_RECEIPT = """<!doctype html><html lang="fr"><title>{{ reference }}</title><h1>{{ reference }}</h1>
<p>{{ title }} : {{ pupils }} élèves, {{ adults }} adultes, {{ status }}.</p></html>"""
_FIELDS = ("email", "name", "school_name", "label", "pupils", "adults")

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY", "")
_local = threading.local()


def _database() -> psycopg.Connection[tuple[object, ...]]:
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(os.environ["FLOOR_DATABASE"], autocommit=True)
    return _local.connection


def _slot(slot_id: int) -> tuple[object, ...]:
    row = _database().execute("SELECT title, capacity, taken FROM slots WHERE id = %s", [slot_id]).fetchone()
    return row or abort(404)


@app.get("/events/<int:slot_id>")
def page(slot_id: int) -> str:
    """A page with one SELECT."""
    title, capacity, taken = _slot(slot_id)
    return render_template_string(_PAGE, id=slot_id, title=title, capacity=capacity, left=int(capacity) - int(taken))


@app.get("/slots/<int:slot_id>/bookings/new")
def form(slot_id: int) -> str:
    """The form, with a CSRF token of this session and a fresh key."""
    title, *_ = _slot(slot_id)
    session.setdefault("csrf", secrets.token_urlsafe(16))
    return render_template_string(
        _FORM, id=slot_id, title=title, token=_sign(session["csrf"]), key=secrets.token_urlsafe(16), fields=_FIELDS
    )


@app.post("/slots/<int:slot_id>/bookings")
def book(slot_id: int) -> Response | tuple[str, int]:
    """The order: seven statements in one transaction, the places last."""
    if not hmac.compare_digest(request.form["csrf_token"], _sign(session.get("csrf", ""))):
        abort(400)
    given = {name: request.form[name] for name in _FIELDS}
    reference = _transaction(slot_id, given, request.form["key"])
    if reference is None:
        return "Complet", 409
    return redirect(f"/bookings/{reference}", 303)


@app.get("/bookings/<reference>")
def receipt(reference: str) -> str:
    """What was booked."""
    statement = """SELECT title, pupils, adults, status FROM bookings JOIN slots ON slots.id = slot_id WHERE reference = %s"""
    row = _database().execute(statement, [reference]).fetchone() or abort(404)
    title, pupils, adults, status = row
    return render_template_string(_RECEIPT, reference=reference, title=title, pupils=pupils, adults=adults, status=status)


def _sign(token: str) -> str:
    return hmac.new(app.secret_key.encode(), token.encode(), hashlib.sha256).hexdigest()


def _transaction(slot_id: int, given: dict[str, str], key: str) -> str | None:
    connection, places = _database(), int(given["pupils"])
    with connection.transaction(force_rollback=False):
        run = connection.execute
        title, capacity, taken = run("SELECT title, capacity, taken FROM slots WHERE id = %s", [slot_id]).fetchone() or abort(404)
        earlier = run("SELECT reference FROM bookings WHERE key = %s", [key]).fetchone()
        if earlier:
            return str(earlier[0])
        if int(taken) + places > int(capacity):
            return None
        reference = secrets.token_hex(4)
        values = [reference, slot_id, key, given["email"], given["name"], given["school_name"], given["label"], places]
        booking = run(
            """INSERT INTO bookings (reference, slot_id, key, email, name, school, label, pupils, adults, status)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'held') RETURNING id""",
            [*values, int(given["adults"])],
        ).fetchone()
        assert booking
        run("INSERT INTO history (booking_id, action) VALUES (%s, 'booked')", booking)
        facts = json.dumps({"title": title, "reference": reference} | given)
        run("INSERT INTO messages (booking_id, kind, facts) VALUES (%s, 'to_prove', %s)", [*booking, facts])
        run("INSERT INTO holdings (booking_id, places) VALUES (%s, %s)", [*booking, places])
        guard = "UPDATE slots SET taken = taken + %(n)s WHERE id = %(id)s AND taken + %(n)s <= capacity"
        if run(guard, {"n": places, "id": slot_id}).rowcount != 1:
            raise psycopg.Rollback
        return reference
    return None
