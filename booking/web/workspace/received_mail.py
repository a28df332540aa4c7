"""What came in about an organisation's bookings: answers from calendars, mails of people, what servers sent back."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.actions.handle_mail import handle_mail
from booking.db import db, in_transaction
from booking.models import Inbound, Organisation
from booking.permissions import Act
from booking.queries import received_mail
from booking.web.authorise import needs, who
from booking.web.mail_words import received_said, written_in
from booking.web.reading import asked_page

bp = Blueprint("workspace_mail", __name__)


@bp.get("/workspace/organisations/<int:organisation_id>/mail")
@needs(Act.READ_BOOKINGS, Organisation)
def listing(organisation: Organisation) -> str:
    """When, from whom, what it was and what was done, newest first, fifty a page; with `?show=to_see` what waits for somebody."""
    only_to_see = request.args.get("show") == "to_see"
    return render_template(
        "workspace/received_mail.html",
        organisation=organisation,
        found=received_mail.of_organisation(organisation.id, asked_page(), only_to_see=only_to_see),
        said=lambda mail: received_said(mail, g.locale),
        only_to_see=only_to_see,
    )


@bp.get("/workspace/mail/<int:mail_id>")
@needs(Act.READ_BOOKINGS, Inbound)
def show(mail: Inbound) -> str:
    """One mail, with what a person wrote."""
    return render_template(
        "workspace/received_mail_one.html",
        organisation=db.session.get_one(Organisation, mail.organisation_id),
        mail=mail,
        said=received_said(mail, g.locale),
        written=written_in(mail),
        note=request.args.get("note") == "seen",
    )


@bp.post("/workspace/mail/<int:mail_id>/seen")
@needs(Act.HANDLE_BOOKINGS, Inbound)
def see(mail: Inbound) -> Response:
    """Say that one has seen to it; twice is once."""
    in_transaction(lambda: handle_mail(mail.id, who()))
    return redirect(url_for("workspace_mail.show", mail_id=mail.id, note="seen"), 303)
