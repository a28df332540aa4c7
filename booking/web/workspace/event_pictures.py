"""The picture of an event: sent, described, taken away."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.datastructures import FileStorage

from booking.actions.set_picture import remove_picture, set_picture
from booking.db import in_transaction
from booking.errors import Invalid, Refusal
from booking.models import Event
from booking.permissions import Act
from booking.picture import MOST_BYTES, read_picture
from booking.web.authorise import needs, who
from booking.web.forms.event import PictureForm
from booking.web.workspace.event_page import Answer, event_page, fresh, refuse_public

bp = Blueprint("workspace_event_pictures", __name__)
LARGEST_UPLOAD = 9 * 1024**2
"""Bytes of the whole request, so that a picture of 8 MB fits with its text around it."""


@bp.url_value_preprocessor
def _let_pictures_in(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Before anything reads the form, the search for its CSRF token included, larger requests are admitted here alone."""
    if endpoint == f"{bp.name}.send":
        request.max_content_length = LARGEST_UPLOAD


@bp.post("/workspace/events/<int:event_id>/picture")
@needs(Act.WRITE_EVENTS, Event)
def send(event: Event) -> Answer:
    """Set the picture, or the text for those who cannot see it."""
    refuse_public(event)
    form = PictureForm()
    sent = form.picture.data
    try:
        # Pictures are read outside the transaction: it takes a moment, and others are waiting to write.
        upload = read_picture(sent.read(MOST_BYTES + 1)) if isinstance(sent, FileStorage) and sent.filename else None
        in_transaction(lambda: set_picture(event.id, upload, form.alt.data or "", who()))
    except Invalid as refusal:
        form.show(refusal.fields, g.locale)
        return event_page(fresh(event.id), refusal, picture_form=form)
    except Refusal as refusal:
        return event_page(fresh(event.id), refusal)
    return redirect(url_for("workspace_events.show", event_id=event.id, note="picture", _anchor="image"), 303)


@bp.post("/workspace/events/<int:event_id>/picture/removal")
@needs(Act.WRITE_EVENTS, Event)
def remove(event: Event) -> Answer:
    """Take the picture away."""
    refuse_public(event)
    try:
        in_transaction(lambda: remove_picture(event.id, who()))
    except Refusal as refusal:
        return event_page(fresh(event.id), refusal)
    return redirect(url_for("workspace_events.show", event_id=event.id, note="picture_removed", _anchor="image"), 303)
