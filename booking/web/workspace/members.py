"""Who works for an organisation, which chambers may act for it, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.actions.change_particulars import change_particulars, read_particulars
from booking.actions.decide_member import accept_member, refuse_member
from booking.actions.invite_member import invite_member
from booking.actions.mandates import end_mandate, give_mandate
from booking.actions.members import change_role, end_membership
from booking.app_settings import settings
from booking.db import in_transaction
from booking.errors import Invalid, Refusal
from booking.models import Mandate, Member, Organisation, Role
from booking.models.party import Reader, read_number
from booking.permissions import Act
from booking.queries import accounts
from booking.vocabulary import ORGANISATION_KINDS, ROLES
from booking.web.account import way_in
from booking.web.authorise import needs, signed_in, who
from booking.web.forms.account import InvitationForm, MandateForm, ParticularsForm, RoleForm
from booking.web.templating import gettext

bp = Blueprint("workspace_members", __name__)

_ROLE_WORDS = tuple(role.value for role in Role)
_NOTES = {"invited", "member_already", "role", "ended", "accepted", "refused", "given", "mandate_ended", "saved"}


@bp.get("/workspace/organisations/<int:organisation_id>/members")
@needs(Act.READ_MEMBERS, Organisation)
def listing(organisation: Organisation) -> str:
    """The members, those who ask to be, and the mandates."""
    return _page(organisation)


@bp.post("/workspace/organisations/<int:organisation_id>/members")
@needs(Act.MANAGE_MEMBERS, Organisation)
def invite(organisation: Organisation) -> Response | tuple[str, int]:
    """Invite somebody by address."""
    form = InvitationForm()
    try:
        email, role = _read_invitation(form)
        _, changed = in_transaction(
            lambda: invite_member(organisation.id, email, role, who(), way_in.this_network(), settings().sender_address)
        )
    except Refusal as refusal:
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
        return _page(organisation, invitation=form, refusal=refusal), refusal.status
    return _back(organisation.id, "invited" if changed else "member_already")


@bp.post("/workspace/members/<int:member_id>/role")
@needs(Act.MANAGE_MEMBERS, Member)
def set_role(member: Member) -> Response | tuple[str, int]:
    """Give a member another role."""
    form = RoleForm()
    if form.role.data not in _ROLE_WORDS:
        return _back(member.organisation_id, "")
    return _act(member, "role", lambda: change_role(member.id, Role(form.role.data), who()))


@bp.post("/workspace/members/<int:member_id>/end")
@needs(Act.MANAGE_MEMBERS, Member)
def end(member: Member) -> Response | tuple[str, int]:
    """End a membership."""
    return _act(member, "ended", lambda: end_membership(member.id, who()))


@bp.post("/workspace/members/<int:member_id>/accept")
@needs(Act.MANAGE_MEMBERS, Member)
def accept(member: Member) -> Response | tuple[str, int]:
    """Let somebody in who asked."""
    return _act(member, "accepted", lambda: accept_member(member.id, who()))


@bp.post("/workspace/members/<int:member_id>/refuse")
@needs(Act.MANAGE_MEMBERS, Member)
def refuse(member: Member) -> Response | tuple[str, int]:
    """Refuse somebody who asked."""
    return _act(member, "refused", lambda: refuse_member(member.id, who()))


@bp.post("/workspace/organisations/<int:organisation_id>/mandates")
@needs(Act.MANAGE_MEMBERS, Organisation)
def mandate(organisation: Organisation) -> Response | tuple[str, int]:
    """Let a chamber act for the organisation."""
    form = MandateForm()
    chosen = read_number(form.chamber.data, 1, 2**31 - 1)
    try:
        in_transaction(lambda: give_mandate(organisation.id, chosen if isinstance(chosen, int) else 0, who()))
    except Invalid as invalid:
        form.show(invalid.fields, g.locale)
        return _page(organisation, choice=form), invalid.status
    return _back(organisation.id, "given")


@bp.post("/workspace/mandates/<int:mandate_id>/end")
@needs(Act.MANAGE_MEMBERS, Mandate)
def end_one(mandate: Mandate) -> Response:
    """Let a chamber no longer act for it."""
    in_transaction(lambda: end_mandate(mandate.id, who()))
    return _back(mandate.organisation_id, "mandate_ended")


@bp.get("/workspace/organisations/<int:organisation_id>/particulars")
@needs(Act.MANAGE_MEMBERS, Organisation)
def particulars(organisation: Organisation) -> str:
    """What the organisation says of itself."""
    form = ParticularsForm(formdata=None)
    for field in (form.name, form.commune, form.email, form.website):
        field.data = getattr(organisation, field.name)
    return render_template("workspace/members_particulars.html", organisation=organisation, form=form, kinds=ORGANISATION_KINDS)


@bp.post("/workspace/organisations/<int:organisation_id>/particulars")
@needs(Act.MANAGE_MEMBERS, Organisation)
def save(organisation: Organisation) -> Response | tuple[str, int]:
    """Change it."""
    form = ParticularsForm()
    try:
        wanted = read_particulars(form.raw())
    except Invalid as invalid:
        form.show(invalid.fields, g.locale)
        page = render_template(
            "workspace/members_particulars.html", organisation=organisation, form=form, kinds=ORGANISATION_KINDS
        )
        return page, invalid.status
    in_transaction(lambda: change_particulars(organisation.id, wanted, who()))
    return _back(organisation.id, "saved")


def _read_invitation(form: InvitationForm) -> tuple[str, Role]:
    reader = Reader(form.raw())
    email, role = reader.email("email"), reader.choice("role", _ROLE_WORDS)
    if reader.problems:
        raise Invalid(reader.problems)
    return email, Role(role)


def _act(member: Member, note: str, work: Callable[[], bool]) -> Response | tuple[str, int]:
    try:
        in_transaction(work)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return _page(member.organisation, refusal=refusal), refusal.status
    if note in {"role", "ended"} and member.account_id == signed_in().account.id:
        return redirect(url_for("account.show"), 303)  # who changes their own seat may no longer see this page
    return _back(member.organisation_id, note)


def _back(organisation_id: int, note: str) -> Response:
    return redirect(url_for("workspace_members.listing", organisation_id=organisation_id, note=note or None), 303)


def _page(
    organisation: Organisation,
    *,
    invitation: InvitationForm | None = None,
    choice: MandateForm | None = None,
    refusal: Refusal | None = None,
) -> str:
    note = request.args.get("note", "")
    mandates = accounts.mandates_of(organisation.id)
    given = {mandate.chamber_id for mandate in mandates}
    return render_template(
        "workspace/members.html",
        organisation=organisation,
        members=accounts.members_of(organisation.id),
        mandates=mandates,
        chambers={str(one.id): one.name for one in accounts.chambers_for(organisation.id) if one.id not in given},
        invitation=invitation or InvitationForm(formdata=None),
        choice=choice or MandateForm(formdata=None),
        refusal=refusal,
        own=signed_in().account.id,
        roles=ROLES,
        role_names={role.value: gettext(ROLES[role]) for role in Role},
        note=note if note in _NOTES else "",
    )
