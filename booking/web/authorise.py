"""Who is signed in, and the one decorator that stands before every page of a workspace.

`@needs(act, of)` names what a route does and with which thing. It asks for a sign-in where there is none, fetches the thing
this visitor may do that with (else 404), and hands it to the view. A test walks all routes: each carries it or is public.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, cast

from flask import g, redirect, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.app_settings import settings
from booking.db import Base
from booking.errors import NotFound, SignedOut
from booking.models import (
    Booking,
    Edition,
    Event,
    Inbound,
    Mandate,
    Member,
    Organisation,
    ProgrammeImport,
    Session,
    Slot,
    Who,
)
from booking.permissions import AUTHORITY_ACTS, Act, Visitor
from booking.queries import workspace

COOKIE = "account"
_LONGEST_PATH = 1000
View = Callable[..., Any]


class Needs(NamedTuple):
    """What a route needs: an act, and the kind of thing it is done with. No act: to be signed in, and nothing more."""

    act: Act | None
    of: type[Base] | None


class _Way(NamedTuple):
    """How a thing is named in an address, how it is fetched, and whose it is."""

    argument: str
    fetch: Callable[[Visitor, Act, Any], Any]
    owner: Callable[[Any, Act], int]


_WAYS: dict[type[Base], _Way] = {
    Organisation: _Way("organisation_id", workspace.organisation, lambda thing, _act: thing.id),
    Event: _Way("event_id", workspace.event, workspace.owner_of),
    Slot: _Way("slot_id", workspace.slot, lambda thing, _act: thing.event.host_id),
    Booking: _Way("reference", workspace.booking, lambda thing, _act: thing.slot.event.host_id),
    Inbound: _Way("mail_id", workspace.received_mail, lambda thing, _act: thing.organisation_id or 0),
    Edition: _Way("edition_id", workspace.edition, lambda thing, _act: thing.authority_id),
    ProgrammeImport: _Way("import_id", workspace.programme_import, lambda thing, _act: thing.edition.authority_id),
    Member: _Way("member_id", workspace.member, lambda thing, act: _as_authority(act) or thing.organisation_id),
    Mandate: _Way("mandate_id", workspace.mandate, lambda thing, _act: thing.organisation_id),
}


def needs(act: Act | None = None, of: type[Base] | None = None) -> Callable[[View], View]:
    """Let a view be reached only by somebody signed in who may do this.

    With `of`, the thing named in the address is fetched for this visitor and becomes the view's first argument. Inside the view
    `who()` says who acts, for the history, and `g.organisation_id` for which organisation.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(**given: Any) -> Any:
            if way_in := _way_in():
                return way_in
            visitor = signed_in()
            if act is None:
                return view(**given)
            if of is None:
                if not visitor.may_somewhere(act):
                    raise NotFound
                _act_for(visitor, act, next(iter(visitor.organisations(act)), 0))
                return view(**given)
            way = _WAYS[of]
            thing = way.fetch(visitor, act, given.pop(way.argument))
            _act_for(visitor, act, way.owner(thing, act))
            return view(thing, **given)

        vars(guarded)["needs"] = Needs(act, of)  # read by the test that walks all routes
        return guarded

    return guard


def visitor() -> Visitor | None:
    """Who is signed in in this browser, or None."""
    if "visitor" not in g:
        session = current_session()
        g.visitor = workspace.visitor_of(session) if session else None
    return cast("Visitor | None", g.visitor)


def current_session() -> Session | None:
    """The session of this browser's cookie, while it lasts."""
    if "account_session" not in g:
        token = request.cookies.get(cookie_name(), "")
        g.account_session = workspace.open_session(token, clock.now()) if token else None
    return cast("Session | None", g.account_session)


def signed_in() -> Visitor:
    """Who is signed in; for views behind `needs`, where somebody is. Raises `NotFound` elsewhere."""
    found = visitor()
    if found is None:
        raise NotFound
    return found


def who() -> Who:
    """Who acts in this request, as the history names them. Only behind `needs` with an act."""
    return cast("Who", g.who)


def may(act: Act) -> bool:
    """Whether this visitor may also do something else for the organisation at hand: which buttons a page shows."""
    found = visitor()
    return found is not None and found.may(act, g.get("organisation_id", 0))


def cookie_name() -> str:
    """The session cookie's name: bound to this host where the site is served over TLS (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{COOKIE}" if settings().secure else COOKIE


def safe_next(path: str | None) -> str:
    """Where to go after signing in: a path of ours below a workspace, never another site's."""
    fine = path is not None and path.startswith(("/workspace", "/authority", "/operation", "/account")) and path.isprintable()
    fine = fine and len(str(path)) <= _LONGEST_PATH  # it waits in a cookie
    return str(path) if fine and "\\" not in str(path) and "//" not in str(path) else url_for("workspace.show")


def _way_in() -> Response | None:
    """Where somebody has to go first: to sign in, or to show their second factor; None where they may pass."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    found = visitor()
    if found is None:
        # What was typed is worth more than a clean address: it waits on a page until its writer has signed in again.
        if request.method == "POST" and request.form:
            raise SignedOut
        return redirect(url_for("sign_in.show", next=wanted), 303)
    session = current_session()
    owes = found.needs_second_factor or found.account.has_second_factor
    if owes and (session is None or session.second_factor_at is None):
        return redirect(url_for("second_factor.show", next=wanted), 303)
    return None


def _act_for(visitor: Visitor, act: Act, organisation_id: int) -> None:
    g.organisation_id = organisation_id
    g.who = visitor.who(act, organisation_id)


def _as_authority(act: Act) -> int:
    found = visitor()
    return found.organisations(act)[0] if found and act in AUTHORITY_ACTS else 0
