"""The demo's mailbox answers an invitation as its reader's calendar would: with a mail, which takes the way of every other."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.app_settings import settings
from booking.db import in_transaction
from booking.errors import NotFound
from booking.mail.calendar_reply import calendar_reply
from booking.mail.inbox import take_in
from booking.mail.opened import open_mail
from booking.models import Answer, Message
from booking.web.mailbox import LARGEST_ID, is_to_answer, message_to_show

bp = Blueprint("mailbox_answer", __name__)


@bp.post(f"/mailbox/<int(max={LARGEST_ID}):message_id>/answer")
def send(message_id: int) -> Response:
    """Let the calendar's answer (`answer`: accepted, tentative or declined) arrive; the worker reads it and decides."""
    answer, now = _answer_in(request.form), clock.now()
    message = _invitation(message_id)
    calendar = open_mail(message.content or b"").calendar or b""
    ours = settings().inbox_authserv_id or ""
    reply = calendar_reply(calendar, answer, message.locale, ours, str(message.message_id), now)
    in_transaction(lambda: take_in(reply, now))
    return redirect(url_for("mailbox_answer.sent", message_id=message_id, answer=answer.value), 303)


@bp.get(f"/mailbox/<int(max={LARGEST_ID}):message_id>/answered")
def sent(message_id: int) -> str:
    """What becomes of the answer, and where that can be seen."""
    return render_template("mailbox/answered.html", message=_invitation(message_id), answer=_answer_in(request.args))


def _answer_in(given: Mapping[str, str]) -> Answer:
    try:
        return Answer(given.get("answer", ""))
    except ValueError:
        raise NotFound from None


def _invitation(message_id: int) -> Message:
    message = message_to_show(message_id)
    if not is_to_answer(message):
        raise NotFound
    return message
