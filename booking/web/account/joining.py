"""Join an organisation: say which, and go straight on to its first event where nobody works for it yet."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from booking.actions.join_organisation import JOINABLE, join_organisation, read_wanted
from booking.db import in_transaction
from booking.errors import Invalid, Refusal
from booking.models import MemberState
from booking.permissions import Act
from booking.queries import accounts
from booking.vocabulary import ORGANISATION_KINDS
from booking.web.account import way_in
from booking.web.authorise import needs, signed_in
from booking.web.forms.account import JoinForm
from booking.web.templating import gettext

bp = Blueprint("joining", __name__)


@bp.get("/account/organisations/new")
@needs()
def show() -> str:
    """Which organisation?"""
    return _page(JoinForm(formdata=None), None)


@bp.post("/account/organisations/new")
@needs()
def ask() -> Response | tuple[str, int]:
    """Ask. The answer never tells whether somebody works for the organisation already."""
    form = JoinForm()
    account_id = signed_in().account.id
    try:
        wanted = read_wanted(form.raw())
        in_transaction(lambda: join_organisation(account_id, wanted, way_in.this_network()))
    except Refusal as refusal:
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
        return _page(form, refusal), refusal.status
    return redirect(url_for("joining.asked"), 303)


@bp.get("/account/organisations/asked")
@needs()
def asked() -> Response | str:
    """What happens now, and for each organisation whether its first event can be written meanwhile."""
    visitor = signed_in()
    waiting = [seat for seat in accounts.seats_of(visitor.account.id) if seat.state is MemberState.ASKED]
    if not waiting:
        return redirect(url_for("workspace.show"), 303)
    open_to = {seat.organisation_id for seat in waiting if visitor.may(Act.WRITE_EVENTS, seat.organisation_id)}
    return render_template("account/asked.html", waiting=waiting, open_to=open_to)


def _page(form: JoinForm, refusal: Refusal | None) -> str:
    kinds = {kind.value: gettext(ORGANISATION_KINDS[kind]) for kind in JOINABLE}
    return render_template("account/join.html", form=form, refusal=refusal, kinds=kinds)
