"""Events in a workspace, for tests: their form as a browser sends it back, and what became of them."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from io import BytesIO
from typing import Any

from PIL import Image
from sqlalchemy import select
from werkzeug.test import TestResponse

from booking.db import db
from booking.models import (
    Booking,
    Event,
    HistoryEntry,
    Kind,
    Label,
    LabelDecision,
    Message,
    Pool,
    Slot,
    Subject,
)
from booking.queries.label_checks import seen_of
from tests.conftest import NOW
from tests.test_booking import book
from tests.world import a_class

WORDS = {
    "title": "Visite du port", "type": "company_visit", "summary": "Grues et péniches.", "audiences": ["college", "lycee"],
    "place_name": "Port", "address": "Route de la Seine", "postcode": "92230", "commune": "Gennevilliers", "meeting_point": "Accueil",
    "description": "On voit **les grues**.", "contact_email": "accueil@port.example", "free": "1", "equipment": "none",
}  # fmt: skip


def text(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))).replace("\u00a0", " ")


def the(event_id: int) -> Event:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Event, event_id)


def newest() -> Event:
    db.session.rollback()
    return db.session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()


def letters(kind: Kind) -> list[Message]:
    db.session.rollback()
    return list(db.session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id)))


def actions(event_id: int) -> list[str]:
    db.session.rollback()
    lines = select(HistoryEntry).where(
        HistoryEntry.event_id == event_id, HistoryEntry.subject.in_([Subject.EVENT, Subject.LABEL])
    )
    return [line.action for line in db.session.scalars(lines.order_by(HistoryEntry.id))]


def field(page: TestResponse, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page.text) or re.search(
        rf'<textarea[^>]*name="{name}"[^>]*>\n?(.*?)</textarea>', page.text, re.DOTALL
    )
    assert found, f"{name} is in the form"
    return unescape(found[1])


def typed(page: TestResponse, **more: Any) -> dict[str, Any]:
    """The form as a browser sends it back from a page, with some fields typed over."""
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", page.text):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attributes.get("type") in {"checkbox", "radio"} and " checked" not in tag:
            continue
        if "name" in attributes and attributes["name"] != "csrf_token":
            sent.setdefault(attributes["name"], []).append(unescape(attributes.get("value", "")))
    for name, value in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\n?(.*?)</textarea>', page.text, re.DOTALL):
        sent[name] = unescape(value)
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', page.text, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        sent[name] = chosen[1] if chosen else ""
    return sent | more


def add_slot(event_id: int, day: int = 24, **more: Any) -> Slot:
    starts = NOW.replace(day=day, hour=13)
    slot = Slot(
        event_id=event_id, starts_at=starts, ends_at=starts + timedelta(minutes=90), pools=[Pool(capacity=31)],
        closes_at=starts, headcount_until=starts, cancel_until=starts, **more,
    )  # fmt: skip
    db.session.add(slot)
    db.session.commit()
    return slot


def label(event_id: int, decision: LabelDecision = LabelDecision.LABELLED, **more: Any) -> None:
    event = the(event_id)
    event.label = Label(decision=decision, requested_at=NOW, decided_at=NOW, seen=seen_of(event), **more)
    db.session.commit()


def confirmed(slot_id: int, **more: Any) -> Booking:
    return book(slot_id, a_class(10, 1, **more), f"k-{slot_id}-{more}", proven=True)


def a_picture(width: int = 800, height: int = 500, colour: str = "navy", kind: str = "PNG", noise: int = 0) -> BytesIO:
    file = BytesIO()
    Image.effect_noise((width, height), noise).convert("RGB").save(file, kind) if noise else Image.new(
        "RGB", (width, height), colour
    ).save(file, kind)
    file.seek(0)
    return file
