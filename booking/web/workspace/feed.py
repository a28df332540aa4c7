"""The organisation's slots in calendars: for everybody, and with who comes for its own members."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.actions.feeds import follow_organisation, renew_organisation_feed
from booking.db import in_transaction
from booking.errors import NotFound
from booking.models import Organisation, Who
from booking.permissions import Act
from booking.queries import feeds
from booking.web.authorise import may, needs, who
from booking.web.subscriptions import secret_subscription, subscription

bp = Blueprint("workspace_feed", __name__)


@bp.get("/workspace/organisations/<int:organisation_id>/feed")
@needs(Act.READ_BOOKINGS, Organisation)
def show(organisation: Organisation) -> str:
    """Both addresses. The secret one lasts longer than a mandate or an hour of help, and is for members alone."""
    feed = feeds.feed_of_organisation(organisation.id) if _is_member() else None
    note, public = request.args.get("note", ""), url_for("feeds.organisation", organisation_id=organisation.id)
    return render_template(
        "workspace/feed.html",
        organisation=organisation,
        public=subscription(public) if feeds.shown_organisation(organisation.id) else None,
        feed=secret_subscription(feed) if feed else None,
        is_member=_is_member(),
        runs=_is_member() and may(Act.HANDLE_BOOKINGS),
        note=note if note == "renewed" else "",
    )


@bp.post("/workspace/organisations/<int:organisation_id>/feed")
@needs(Act.HANDLE_BOOKINGS, Organisation)
def open_one(organisation: Organisation) -> Response:
    """Give the secret address; where there is one it stays."""
    number, member = organisation.id, _member_who()
    in_transaction(lambda: follow_organisation(number, member))
    return _back(number)


@bp.post("/workspace/organisations/<int:organisation_id>/feed/renewal")
@needs(Act.HANDLE_BOOKINGS, Organisation)
def renew(organisation: Organisation) -> Response:
    """Take the secret address back and give another one."""
    number, member = organisation.id, _member_who()
    in_transaction(lambda: renew_organisation_feed(number, member))
    return _back(number, "renewed")


def _is_member() -> bool:
    """Whether this visitor acts here as a member, and not for a while or by a mandate."""
    return who().acting_for_id is None


def _member_who() -> Who:
    if not _is_member():
        raise NotFound
    return who()


def _back(organisation_id: int, note: str | None = None) -> Response:
    return redirect(url_for("workspace_feed.show", organisation_id=organisation_id, note=note), 303)
