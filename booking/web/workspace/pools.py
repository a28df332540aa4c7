"""The places of an event as one picture: which slots draw on what, who has taken how much, and what another number would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.pool_places import drawing_on
from booking.actions.remove_pool import remove_pool
from booking.actions.write_pool import change_pool, write_pool
from booking.db import in_transaction
from booking.errors import Invalid, NotFound, PoolChanged, Problem, Refusal
from booking.models import Audience, Booking, Event, Pool, PoolKind, Slot
from booking.models.pool_words import pool_said
from booking.models.slot_words import read_capacity
from booking.permissions import Act
from booking.queries import pools
from booking.queries.pool_preview import Preview, preview
from booking.queries.pools import Picture
from booking.web.authorise import needs, who
from booking.web.forms.booking import ActForm
from booking.web.forms.pool import PoolForm, WhatIfForm
from booking.web.workspace.pools_drawing import drawing, letters

bp = Blueprint("workspace_pools", __name__)

Answer = Response | str | tuple[str, int]
_NOTES = frozenset({"written", "changed", "removed"})


@bp.get("/workspace/events/<int:event_id>/places")
@needs(Act.READ_EVENTS, Event)
def show(event: Event) -> str:
    """The picture; with `?pool=3&capacity=40` also what that number would do, before anything is saved."""
    picture = pools.picture(event)
    form = WhatIfForm(formdata=None)
    asked = _asked_pool(picture)
    form.pool.data = str(asked) if asked else ""
    form.capacity.data = request.args.get("capacity", "")[:20]
    note = request.args.get("note", "")
    return render_template(
        "workspace/pools.html",
        organisation=event.host,
        event=event,
        picture=picture,
        letters=letters(picture),
        drawing=drawing(picture),
        what_if=_what_if(picture, asked, form),
        form=form,
        choices=[one for one in picture.pools.values() if any(pools.can_draw(slot, clock.now()) for slot in one.slots)],
        note=note if note in _NOTES else "",
    )


@bp.get("/workspace/events/<int:event_id>/places/new")
@needs(Act.RUN_SLOTS, Event)
def new(event: Event) -> str:
    """The form for places shared by several slots or, with `?kind=reserved`, for some audiences only."""
    form = PoolForm(formdata=None)
    form.begin(_asked_kind(), [slot.id for slot in pools.admitted(event, clock.now())])
    return _form_page(event, form, None, None)


@bp.post("/workspace/events/<int:event_id>/places/new")
@needs(Act.RUN_SLOTS, Event)
def create(event: Event) -> Answer:
    """Make the pool, once."""
    form = PoolForm()
    raw, key = form.raw(), str(form.key.data or "")[:64]
    return _acted(event, None, form, lambda: write_pool(event.id, raw, key, who()), "written")


@bp.get("/workspace/events/<int:event_id>/places/<int:pool_id>")
@needs(Act.RUN_SLOTS, Event)
def edit(event: Event, pool_id: int) -> str:
    """The form of one pool; `?capacity=40` proposes that number."""
    pool = pools.pool_of(event.id, pool_id)
    form = PoolForm(formdata=None)
    form.fill(pool, drawing_on(pool.id))
    form.capacity.data = request.args.get("capacity", "")[:20] or form.capacity.data
    return _form_page(event, form, pool, None)


@bp.post("/workspace/events/<int:event_id>/places/<int:pool_id>")
@needs(Act.RUN_SLOTS, Event)
def change(event: Event, pool_id: int) -> Answer:
    """Change the pool; whoever began with another one is told, and overwrites nothing."""
    pool = pools.pool_of(event.id, pool_id)
    form = PoolForm()
    raw, seen = form.raw(), str(form.seen.data or "")
    return _acted(event, pool, form, lambda: change_pool(event.id, pool_id, raw, seen, who()), "changed")


@bp.post("/workspace/events/<int:event_id>/places/<int:pool_id>/removal")
@needs(Act.RUN_SLOTS, Event)
def remove(event: Event, pool_id: int) -> Answer:
    """Take the pool away."""
    pool = pools.pool_of(event.id, pool_id)
    form = PoolForm(formdata=None)
    form.fill(pool, drawing_on(pool.id))
    return _acted(event, pool, form, lambda: remove_pool(event.id, pool_id, who()), "removed")


def _asked_kind() -> PoolKind:
    return PoolKind.RESERVED if request.args.get("kind") == PoolKind.RESERVED else PoolKind.SHARED


def _asked_pool(picture: Picture) -> int | None:
    given = request.args.get("pool", "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 11 else 0
    return number if number in picture.pools else None


def _what_if(picture: Picture, asked: int | None, form: WhatIfForm) -> Preview | None:
    """What the number asked about would do; None where none is asked about, and what is wrong with it stands beside the field."""
    if not form.capacity.data:
        return None
    if asked is None:
        form.show({"pool": Problem("required")}, g.locale)
        return None
    try:
        return preview(picture.pools[asked], read_capacity(form.raw()), clock.now())
    except Invalid as invalid:
        form.show(invalid.fields, g.locale)
        return None


def _acted(event: Event, pool: Pool | None, form: PoolForm, act: Callable[[], object], note: str) -> Answer:
    """Do it and go back to the picture; refused, the form comes back as it was filled in, with why."""
    try:
        in_transaction(act)
    except NotFound:
        raise
    except Refusal as refusal:
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
        if isinstance(refusal, PoolChanged) and pool:
            form.seen.data = str(pool_said(pool, drawing_on(pool.id))["seen"])  # sent once more, it is meant
        return _form_page(event, form, pool, refusal), refusal.status
    return redirect(url_for("workspace_pools.show", event_id=event.id, note=note), 303)


def _form_page(event: Event, form: PoolForm, pool: Pool | None, refusal: Refusal | None) -> str:
    picture = pools.picture(event)
    now = clock.now()
    may_draw = pools.admitted(event, now)
    one = picture.pools.get(pool.id) if pool else None
    drawing_now: list[Slot] = one.slots if one else []
    return render_template(
        "workspace/pools_form.html",
        organisation=event.host,
        event=event,
        form=form,
        act=ActForm(formdata=None),
        pool=pool,
        reserved=(pool.kind if pool else form.kind.data) == PoolKind.RESERVED,
        may_draw=sorted({*may_draw, *(slot for slot in drawing_now if pools.can_draw(slot, now))}, key=_when),
        fixed=[slot for slot in drawing_now if not pools.can_draw(slot, now)],
        audiences=[word for word in Audience if word in _admitted_audiences(event, may_draw, pool)],
        refusal=refusal,
        holders=_holders(refusal, picture),
    )


def _admitted_audiences(event: Event, slots: list[Slot], pool: Pool | None) -> set[str]:
    return {*event.audiences, *(word for slot in slots for word in slot.event.audiences), *(pool.audiences if pool else ())}


def _when(slot: Slot) -> tuple[object, int]:
    return slot.starts_at, slot.id


def _holders(refusal: Refusal | None, picture: Picture) -> Mapping[str, Booking]:
    """By its reference, each booking a refusal names."""
    if not getattr(refusal, "bookings", ()):
        return {}
    return {taker.booking.reference: taker.booking for one in picture.pools.values() for taker in one.takers}
