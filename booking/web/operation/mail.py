"""What came in, for the operator: mails that are no organisation's affair in full, and of every other what was done about it."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.actions.handle_mail import handle_mail
from booking.app_settings import settings
from booking.db import in_transaction
from booking.models import Inbound
from booking.permissions import Act
from booking.queries import received_mail
from booking.web.authorise import needs, who
from booking.web.mail_words import received_said, written_in
from booking.web.reading import asked_page

bp = Blueprint("operation_mail", __name__)
_SHOWS = ("unmatched", "to_see", "all")


@bp.get("/operation/mail")
@needs(Act.OPERATE)
def listing() -> str:
    """What is no organisation's affair, and whether the inbox is read; with `?show=all` the record of all that was done."""
    shows = request.args.get("show", "")
    shows = shows if shows in _SHOWS else "unmatched"
    return render_template(
        "operation/mail.html",
        found=received_mail.of_operator(asked_page(), only_unmatched=shows != "all", only_to_see=shows == "to_see"),
        said=lambda mail: received_said(mail, g.locale),
        shows=shows,
        state=received_mail.state(),
        reads=settings().inbox_url is not None,
    )


@bp.get("/operation/mail/<int:mail_id>")
@needs(Act.OPERATE, Inbound)
def show(mail: Inbound) -> str:
    """One mail that is no organisation's affair, with what was written."""
    return render_template(
        "operation/mail_one.html",
        mail=mail,
        said=received_said(mail, g.locale),
        written=written_in(mail),
        note=request.args.get("note") == "seen",
    )


@bp.post("/operation/mail/<int:mail_id>/seen")
@needs(Act.OPERATE, Inbound)
def see(mail: Inbound) -> Response:
    """Say that one has seen to it; twice is once."""
    in_transaction(lambda: handle_mail(mail.id, who()))
    return redirect(url_for("operation_mail.show", mail_id=mail.id, note="seen"), 303)
