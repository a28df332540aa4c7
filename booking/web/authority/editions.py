"""Editions: the list, one's form, its events, its archive."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.archive_edition import archive_edition, reopen_edition
from booking.actions.record_change import changes_between
from booking.actions.write_edition import columns_of, create_edition, rewrite_edition
from booking.db import in_transaction
from booking.errors import EditConflict, Invalid
from booking.models import Edition, Organisation, Slot
from booking.models.edition_words import SWITCHES, EditionWords, read_edition
from booking.permissions import Act
from booking.queries import authority, feedback
from booking.web.authorise import needs, who
from booking.web.forms.authority import EditionForm
from booking.web.forms.booking import ActForm
from booking.web.history_words import Change, differences_said
from booking.web.reading import asked_page
from booking.web.subscriptions import subscription

bp = Blueprint("authority_editions", __name__)


@bp.get("/authority/<int:organisation_id>/editions")
@needs(Act.READ_AUTHORITY, Organisation)
def listing(organisation: Organisation) -> str:
    """Every edition of the authority, the newest first."""
    found = authority.editions(organisation.id)
    current = authority.current_edition(organisation.id)
    return render_template("authority/editions.html", organisation=organisation, editions=found, current=current)


@bp.get("/authority/<int:organisation_id>/editions/new")
@needs(Act.RUN_EDITIONS, Organisation)
def new(organisation: Organisation) -> str:
    """An empty form that counts on from the latest edition."""
    form = EditionForm(formdata=None)
    form.switch_all_on()
    known = authority.editions(organisation.id)
    if known:
        latest = max((edition for edition, _ in known), key=lambda edition: (edition.year, edition.id))
        form.number.data, form.year.data = str(latest.number + 1), str(latest.year + 1)
        form.territory.data, form.department.data = latest.territory, latest.department
        form.conditions.data = latest.conditions
    return _page(organisation, None, form)[0]


@bp.post("/authority/<int:organisation_id>/editions")
@needs(Act.RUN_EDITIONS, Organisation)
def create(organisation: Organisation) -> Response | tuple[str, int]:
    """Make an edition; nothing of it is public before an event is."""
    form = EditionForm()
    words = _words(form)
    if words is None:
        return _page(organisation, None, form, 422)
    made = in_transaction(lambda: create_edition(organisation.id, words, who(), clock.now()))
    return redirect(url_for("authority_editions.show", edition_id=made.id, note="created"), 303)


@bp.get("/authority/editions/<int:edition_id>")
@needs(Act.READ_AUTHORITY, Edition)
def show(edition: Edition) -> str:
    """An edition's form; for who only reads, its words."""
    form = EditionForm(formdata=None)
    form.fill(edition)
    return _page(_authority(edition), edition, form)[0]


@bp.post("/authority/editions/<int:edition_id>")
@needs(Act.RUN_EDITIONS, Edition)
def save(edition: Edition) -> Response | tuple[str, int]:
    """Write its words anew. Who edits an older version is told, and so is who leaves booked slots outside the window."""
    form = EditionForm()
    words = _words(form)
    if words is None:
        return _page(_authority(edition), edition, form, 422)
    stranded = authority.booked_outside(edition.id, words.label_from, words.label_until)
    before = {slot.id for slot in authority.booked_outside(edition.id, edition.label_from, edition.label_until)}
    if not form.confirmed.data and any(slot.id not in before for slot in stranded):
        return _page(_authority(edition), edition, form, 422, stranded=stranded, ask=True)
    version = _number(form.version.data)
    try:
        in_transaction(lambda: rewrite_edition(edition.id, version, words, who(), clock.now()))
    except EditConflict as conflict:
        form.version.data = str(conflict.version)
        return _page(_authority(edition), edition, form, conflict.status, theirs=_differences(edition, words))
    return redirect(url_for("authority_editions.show", edition_id=edition.id, note="saved"), 303)


@bp.get("/authority/editions/<int:edition_id>/archive")
@needs(Act.RUN_EDITIONS, Edition)
def ask(edition: Edition) -> str:
    """What archiving or opening again will do, and the button that does it."""
    today = clock.paris_day(clock.now())
    coming = authority.booked_outside(edition.id, date(2000, 1, 1), today) if edition.archived_at is None else []
    return render_template(
        "authority/edition_archive.html", organisation=_authority(edition), edition=edition, coming=coming, form=ActForm()
    )


@bp.post("/authority/editions/<int:edition_id>/archive")
@needs(Act.RUN_EDITIONS, Edition)
def archive(edition: Edition) -> Response:
    """Close it: nobody books any more, and everything stays readable."""
    in_transaction(lambda: archive_edition(edition.id, who(), clock.now()))
    return redirect(url_for("authority_editions.show", edition_id=edition.id, note="archived"), 303)


@bp.post("/authority/editions/<int:edition_id>/reopen")
@needs(Act.RUN_EDITIONS, Edition)
def reopen(edition: Edition) -> Response:
    """Open an archived one again."""
    in_transaction(lambda: reopen_edition(edition.id, who(), clock.now()))
    return redirect(url_for("authority_editions.show", edition_id=edition.id, note="reopened"), 303)


@bp.get("/authority/editions/<int:edition_id>/events")
@needs(Act.READ_AUTHORITY, Edition)
def events(edition: Edition) -> str:
    """Its events that are published or asked for their label, with how full they are: what the figures count."""
    shown = request.args.get("show", "all")
    page = asked_page()
    found, total, pages = authority.events(edition.id, shown, page)
    return render_template(
        "authority/events.html",
        organisation=_authority(edition),
        edition=edition,
        events=found,
        shown=shown if shown in authority.SHOWN else "all",
        total=total,
        page=min(page, pages),
        pages=pages,
        shows=tuple(authority.SHOWN),
    )


def _words(form: EditionForm) -> EditionWords | None:
    try:
        return read_edition(form.raw())
    except Invalid as invalid:
        form.show(invalid.fields, g.locale)
        return None


def _differences(edition: Edition, words: EditionWords) -> list[Change]:
    """What is stored now beside what was typed."""
    plain = {
        name: tuple(value.isoformat() if hasattr(value, "isoformat") else value for value in pair)
        for name, pair in changes_between(columns_of(edition), asdict(words)).items()
    }
    return differences_said(plain, g.locale)


def _page(
    organisation: Organisation,
    edition: Edition | None,
    form: EditionForm,
    status: int = 200,
    *,
    stranded: list[Slot] | None = None,
    ask: bool = False,
    theirs: list[Change] | None = None,
) -> tuple[str, int]:
    if stranded is None and edition is not None:
        stranded = authority.booked_outside(edition.id, edition.label_from, edition.label_until)
    page = render_template(
        "authority/edition.html",
        organisation=organisation,
        edition=edition,
        form=form,
        stranded=stranded or [],
        ask=ask,
        theirs=theirs,
        note=request.args.get("note", ""),
        switches=SWITCHES,
        ratings=feedback.of_edition(edition) if edition else None,
        feed=subscription(url_for("feeds.edition", key=edition.key)) if edition else None,
    )
    return page, status


def _authority(edition: Edition) -> Organisation:
    assert edition.authority is not None  # `needs` gives nobody an edition without one
    return edition.authority


def _number(given: str | None) -> int:
    return int(given) if given and given.isascii() and given.isdigit() and len(given) < 10 else 0
