"""Organisations: who they are, who works for them, who asks to; starting one, giving a mandate, reading along to help."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.decide_member import accept_member, refuse_member
from booking.actions.help_organisation import end_help, start_help
from booking.actions.join_organisation import JOINABLE, Wanted, read_wanted
from booking.actions.mandates import give_mandate
from booking.actions.start_organisation import start_organisation
from booking.app_settings import settings
from booking.db import db, in_transaction
from booking.errors import Invalid, NotFound, Refusal
from booking.models import Member, Organisation, OrganisationKind, Session
from booking.models.party import Reader
from booking.permissions import Act
from booking.queries import accounts, authority, journal
from booking.vocabulary import ORGANISATION_KINDS
from booking.web import history_words
from booking.web.authorise import current_session, needs, who
from booking.web.forms.account import MandateForm
from booking.web.forms.authority import OrganisationForm
from booking.web.reading import asked_page
from booking.web.templating import gettext

bp = Blueprint("authority_organisations", __name__)


@bp.app_template_global("helping")
def helping() -> Organisation | None:
    """The organisation whose workspace is read in this browser, to help."""
    session = current_session()
    return db.session.get(Organisation, session.helping_id) if session and session.helping_id else None


@bp.get("/authority/<int:organisation_id>/organisations")
@needs(Act.READ_JOURNAL, Organisation)
def listing(organisation: Organisation) -> str:
    """Every organisation but other authorities, by name; those who ask to join stand above."""
    words = request.args.get("q", "").strip()[: journal.LONGEST_WORDS]
    kind = request.args.get("kind", "")
    return render_template(
        "authority/organisations.html",
        organisation=organisation,
        found=authority.organisations(organisation.id, journal.words_of(words), kind, asked_page()),
        asking=authority.asking(organisation.id),
        words=words,
        kind=kind,
        kinds=ORGANISATION_KINDS,
    )


@bp.get("/authority/<int:organisation_id>/organisations/new")
@needs(Act.ACCEPT_ORGANISATIONS, Organisation)
def new(organisation: Organisation) -> str:
    """Which organisation, and who manages it first."""
    return _new_page(organisation, OrganisationForm(formdata=None))[0]


@bp.post("/authority/<int:organisation_id>/organisations")
@needs(Act.ACCEPT_ORGANISATIONS, Organisation)
def start(organisation: Organisation) -> Response | tuple[str, int]:
    """Start it, and write to its first manager."""
    form = OrganisationForm()
    read = _read(form)
    if read is None:
        return _new_page(organisation, form, 422)
    wanted, email = read
    try:
        made = in_transaction(lambda: start_organisation(wanted, email, who(), settings().sender_address))
    except Invalid as invalid:
        form.show(invalid.fields, g.locale)
        return _new_page(organisation, form, 422)
    return redirect(url_for(".show", organisation_id=organisation.id, other_id=made.id, note="started"), 303)


@bp.get("/authority/<int:organisation_id>/organisations/<int:other_id>")
@needs(Act.READ_JOURNAL, Organisation)
def show(organisation: Organisation, other_id: int) -> str:
    """One organisation: its people, who asks to join, its chambers, its events in this authority's editions."""
    return _page(organisation, other_id, MandateForm(formdata=None))[0]


@bp.post("/authority/members/<int:member_id>/accept")
@needs(Act.ACCEPT_ORGANISATIONS, Member)
def accept(member: Member) -> Response:
    """Let somebody in who asked. What was decided before stays as it is."""
    return _decided(member, in_transaction(lambda: accept_member(_own(member), who())), "accepted")


@bp.post("/authority/members/<int:member_id>/refuse")
@needs(Act.ACCEPT_ORGANISATIONS, Member)
def refuse(member: Member) -> Response:
    """Refuse somebody who asked."""
    return _decided(member, in_transaction(lambda: refuse_member(_own(member), who())), "refused")


@bp.post("/authority/<int:organisation_id>/organisations/<int:other_id>/mandates")
@needs(Act.ACCEPT_ORGANISATIONS, Organisation)
def mandate(organisation: Organisation, other_id: int) -> Response | tuple[str, int]:
    """Let a chamber act for an organisation that has asked for it."""
    authority.organisation(organisation.id, other_id)
    form = MandateForm()
    chosen = form.chamber.data or ""
    chamber_id = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 10 else 0
    try:
        in_transaction(lambda: give_mandate(other_id, chamber_id, who()))
    except Refusal as refusal:
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
            return _page(organisation, other_id, form, 422)
        raise
    return redirect(url_for(".show", organisation_id=organisation.id, other_id=other_id, note="mandate"), 303)


@bp.post("/authority/<int:organisation_id>/organisations/<int:other_id>/help")
@needs(Act.HELP, Organisation)
def help_(organisation: Organisation, other_id: int) -> Response:
    """Read an organisation's workspace in this browser. It is told, and its history says so."""
    authority.organisation(organisation.id, other_id)
    session_id = _session().id
    in_transaction(lambda: start_help(session_id, other_id, who(), clock.now()))
    return redirect(url_for("workspace.home", organisation_id=other_id), 303)


@bp.post("/authority/<int:organisation_id>/organisations/<int:other_id>/help/end")
@needs(Act.HELP, Organisation)
def end(organisation: Organisation, other_id: int) -> Response:
    """Close the workspace again."""
    session_id = _session().id
    in_transaction(lambda: end_help(session_id, who(), clock.now()))
    return redirect(url_for(".show", organisation_id=organisation.id, other_id=other_id, note="help_ended"), 303)


def _session() -> Session:
    found = current_session()
    if found is None:
        raise NotFound
    return found


def _own(member: Member) -> int:
    """Who joins another authority is that authority's affair."""
    if member.organisation.kind is OrganisationKind.AUTHORITY and member.organisation_id != g.organisation_id:
        raise NotFound
    return member.id


def _decided(member: Member, changed: bool, note: str) -> Response:
    said = note if changed else "decided"
    return redirect(url_for(".show", organisation_id=g.organisation_id, other_id=member.organisation_id, note=said), 303)


def _read(form: OrganisationForm) -> tuple[Wanted, str] | None:
    """What the form asks for; None when something is off, which is then said beside the fields."""
    reader = Reader(form.raw())
    email = reader.email("email")
    wanted, problems = None, dict(reader.problems)
    try:
        wanted = read_wanted(form.raw())
    except Invalid as invalid:
        problems |= invalid.fields
    form.show(problems, g.locale)
    return None if problems or wanted is None else (wanted, email)


def _new_page(organisation: Organisation, form: OrganisationForm, status: int = 200) -> tuple[str, int]:
    kinds = {kind.value: gettext(ORGANISATION_KINDS[kind]) for kind in JOINABLE}
    return render_template("authority/organisation_new.html", organisation=organisation, form=form, kinds=kinds), status


def _page(organisation: Organisation, other_id: int, form: MandateForm, status: int = 200) -> tuple[str, int]:
    line = authority.organisation(organisation.id, other_id)
    page = render_template(
        "authority/organisation.html",
        organisation=organisation,
        line=line,
        other=line.organisation,
        members=accounts.members_of(other_id),
        mandates=accounts.mandates_of(other_id),
        chambers={str(one.id): one.name for one in accounts.chambers_for(other_id)},
        events=authority.hosted(organisation.id, other_id),
        form=form,
        kinds=ORGANISATION_KINDS,
        said=history_words,
        note=request.args.get("note", ""),
    )
    return page, status
