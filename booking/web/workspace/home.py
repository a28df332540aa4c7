"""Where somebody signed in arrives: their workspaces, and the home of one."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from booking import clock
from booking.db import db
from booking.i18n import _
from booking.models import Member, MemberState, Organisation
from booking.permissions import Act
from booking.queries.workspace_home import home as home_of
from booking.web.authorise import may, needs, signed_in

bp = Blueprint("workspace", __name__)

WAITING: Mapping[str, str] = {
    "returned": _("L’autorité demande une correction."),
    "no_slots": _("Publié sans créneau : personne ne peut réserver."),
    "draft": _("Brouillon : à compléter et à soumettre."),
}
"""What waits at one event."""


@bp.get("/workspace")
@needs()
def show() -> Response | str:
    """The workspaces this visitor may enter; straight into the only one, and to the way in where there is none."""
    visitor = signed_in()
    numbers = [*visitor.organisations(Act.ENTER), *visitor.organisations(Act.READ_AUTHORITY)]
    organisations = {one.id: one for one in db.session.scalars(select(Organisation).where(Organisation.id.in_(numbers)))}
    asked = [seat.organisation for seat in _asked(visitor.account.id) if seat.organisation_id not in organisations]
    operates = visitor.may(Act.OPERATE, 0)
    if not organisations and not asked:
        return redirect(url_for("operation_mail.listing" if operates else "joining.show"), 303)
    if len(numbers) == 1 and not asked and not operates:
        return redirect(_entrance(numbers[0]), 303)
    own = [
        (organisations[seat.organisation_id], organisations.get(seat.acting_for_id or 0), _entrance(seat.organisation_id))
        for seat in visitor.seats
        if Act.ENTER in seat.acts
    ]
    authorities = [organisations[number] for number in visitor.organisations(Act.READ_AUTHORITY)]
    return render_template("workspace/spaces.html", own=own, authorities=authorities, asked=asked)


@bp.get("/workspace/organisations/<int:organisation_id>")
@needs(Act.ENTER, Organisation)
def home(organisation: Organisation) -> Response | str:
    """What is next, who is coming, what waits, what is nearly full or empty. Who only greets goes to the door."""
    if not may(Act.READ_EVENTS):
        return redirect(url_for("workspace_door.listing", organisation_id=organisation.id), 303)
    return render_template(
        "workspace/home.html",
        organisation=organisation,
        home=home_of(organisation.id, clock.now()),
        waiting_words=WAITING,
    )


def _entrance(organisation_id: int) -> str:
    return url_for("workspace.home", organisation_id=organisation_id)


def _asked(account_id: int) -> list[Member]:
    return list(db.session.scalars(select(Member).where(Member.account_id == account_id, Member.state == MemberState.ASKED)))
