"""Quiet pictures drawn by code, for events without a photograph: one motif for each type, in four variations."""

from __future__ import annotations

from flask import Blueprint, abort
from werkzeug.wrappers import Response

from booking.models.event import EventType

bp = Blueprint("drawings", __name__)

VARIATIONS = 4
_GROUNDS = ("#0B5C7A", "#14213D", "#2B6E3F", "#7A4A0B")
_LINES = ("#8CC4D8", "#9DB2DE", "#A5D6B2", "#EBC48A")
_MOTIFS = {
    EventType.COMPANY_VISIT: '<path d="M4 44V22l12 8v-8l12 8v-8l12 8V12h6v32z"/><path d="M4 50h42"/>',
    EventType.OPEN_DAY: '<path d="M10 46V8h22v38M32 8l10 6v32H32M26 27h2"/><path d="M4 46h44"/>',
    EventType.WORKSHOP: '<circle cx="25" cy="25" r="8"/><path d="M25 5v8M25 37v8M5 25h8M37 25h8M11 11l6 6M33 33l6 6M39 11l-6 6M17 33l-6 6"/>',  # noqa: E501
    EventType.SCHOOL_TALK: '<path d="M6 8h38v24H6zM25 32v12M15 44h20M12 16h18M12 23h12"/>',
    EventType.ROUND_TABLE: '<circle cx="25" cy="25" r="9"/><circle cx="25" cy="7" r="3"/><circle cx="25" cy="43" r="3"/><circle cx="7" cy="25" r="3"/><circle cx="43" cy="25" r="3"/>',  # noqa: E501
    EventType.FORUM: '<path d="M5 42V18h12v24M19 42V10h12v32M33 42V22h12v20M2 42h46"/>',
    EventType.EXHIBITION: '<path d="M6 8h16v20H6zM28 8h16v13H28zM28 27h16v17H28zM6 34h16v10H6z"/>',
    EventType.JOB_DATING: '<circle cx="13" cy="17" r="5"/><circle cx="37" cy="17" r="5"/><path d="M4 40c0-14 18-14 18 0M28 40c0-14 18-14 18 0"/>',  # noqa: E501
    EventType.ONLINE: '<path d="M5 9h40v26H5zM18 43h14M25 35v8M21 17l9 5-9 5z"/>',
}


@bp.get("/drawings/<kind>-<int:variation>.svg")
def show(kind: str, variation: int) -> Response:
    """The drawing of one event type."""
    if kind not in set(EventType) or variation >= VARIATIONS:
        abort(404)
    answer = Response(draw(EventType(kind), variation), mimetype="image/svg+xml")
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def draw(kind: EventType, variation: int) -> str:
    """A tile of the type's motif on a ground of the house, larger and smaller by variation."""
    size = 44 + 5 * variation
    turn = (0, -8, 6, -4)[variation]
    ground, line = _GROUNDS[variation], _LINES[variation]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="200" viewBox="0 0 640 200" preserveAspectRatio="xMidYMid slice">'  # noqa: E501
        f'<defs><pattern id="m" width="{size}" height="{size}" patternUnits="userSpaceOnUse" patternTransform="rotate({turn})">'
        f'<g fill="none" stroke="{line}" stroke-width="2" stroke-linejoin="round" stroke-linecap="round" opacity=".55" '
        f'transform="translate({size / 2 - 16:g} {size / 2 - 16:g}) scale(.64)">{_MOTIFS[kind]}</g></pattern></defs>'
        f'<rect width="640" height="200" fill="{ground}"/><rect width="640" height="200" fill="url(#m)"/></svg>'
    )
