"""`flask --app wsgi members …`: the first person of an organisation, who works where, and a lost second factor."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from booking.actions.invite_member import invite_member
from booking.actions.name_operator import name_operator
from booking.actions.open_organisation import name_authority, open_organisation
from booking.actions.second_factor import reset_second_factor
from booking.app_settings import settings
from booking.db import db, in_transaction
from booking.errors import Invalid, NotFound
from booking.models import OPERATOR, Member, MemberState, OrganisationKind, Role
from booking.models.party import Reader

group = AppGroup("members", help="People who work for an organisation.")
_KINDS = click.Choice([kind.value for kind in OrganisationKind])
_ROLES = click.Choice([role.value for role in Role])


def init_app(app: Flask) -> None:
    """Add the command group."""
    app.cli.add_command(group)


@group.command("invite")
@click.argument("email")
@click.option("--organisation", "key", help="The key of an organisation that is there already.")
@click.option("--name", help="The name of the organisation; it is made where there is none of this kind and name.")
@click.option("--kind", type=_KINDS, default=OrganisationKind.COMPANY.value, show_default=True, help="What kind --name is of.")
@click.option("--role", type=_ROLES, default=Role.MANAGER.value, show_default=True, help="What the person may do.")
def invite(email: str, key: str | None, name: str | None, kind: str, role: str) -> None:
    """Give EMAIL a role and write to it. An authority takes every edition that has none. Safe to repeat."""
    if (key is None) == (not name):
        raise click.UsageError("Name the organisation: --organisation KEY, or --name NAME with --kind.")
    address = _address(email)
    own = settings().sender_address
    organisation_name = (name or "").strip()[:160]

    def work() -> list[str]:
        organisation, made = open_organisation(key, organisation_name, OrganisationKind(kind))
        said = [f"Organisation made: {organisation.name} ({organisation.kind}, key {organisation.key})."] if made else []
        said += [f"{organisation.name} is now the authority of {edition}." for edition in name_authority(organisation)]
        member, changed = invite_member(organisation.id, address, Role(role), OPERATOR, own_address=own)
        if changed:
            return [*said, f"Invited {address} to {organisation.name} as {member.role}; the letter is queued."]
        return [*said, f"{address} is {member.role} of {organisation.name} already; nothing was changed."]

    try:
        for line in in_transaction(work):
            click.echo(line)
    except NotFound:
        raise click.ClickException(f"There is no organisation with the key {key!r}; `members list` shows them.") from None
    except Invalid:
        raise click.ClickException("That is the address our own mail comes from.") from None


@group.command("list")
def show() -> None:
    """List who works where: organisation, key, role, state, address."""
    statement = select(Member).options(joinedload(Member.account), joinedload(Member.organisation))
    found = sorted(db.session.scalars(statement), key=lambda one: (one.organisation.name, one.id))
    for member in found:
        if member.state in {MemberState.ACTIVE, MemberState.ASKED}:
            organisation = member.organisation
            click.echo(
                f"{organisation.key:<28} {member.role:<8} {member.state:<7} {member.account.email:<40} {organisation.name}"
            )
    if not found:
        click.echo("Nobody works for any organisation yet. `members invite` makes the first one.")


@group.command("operator")
@click.argument("email")
@click.option("--no", "ends", is_flag=True, help="Take the part away.")
def operator(email: str, ends: bool) -> None:
    """Let EMAIL see, at /operation/mail, what came in that is no organisation's affair. Safe to repeat."""
    address, own = _address(email), settings().sender_address
    try:
        changed = in_transaction(lambda: name_operator(address, not ends, OPERATOR, own))
    except Invalid:
        raise click.ClickException("That is the address our own mail comes from.") from None
    if not changed:
        click.echo(f"{address} is {'no' if ends else 'an'} operator already; nothing was changed.")
    elif ends:
        click.echo(f"{address} is no operator any more.")
    else:
        click.echo(f"{address} is an operator now, and signs in with a second factor at {settings().base_url}/operation/mail.")


@group.command("reset-second-factor")
@click.argument("email")
def reset(email: str) -> None:
    """Take a lost second factor away. The person is signed out everywhere and sets up a new one after the next sign-in."""
    try:
        done = in_transaction(lambda: reset_second_factor(email.strip()))
    except NotFound:
        raise click.ClickException(f"There is no account with the address {email}.") from None
    click.echo(
        "The second factor is reset; every session is ended." if done else "There is no second factor; nothing was changed."
    )


def _address(email: str) -> str:
    reader = Reader({"email": email})
    address = reader.email("email")
    if reader.problems:
        raise click.UsageError(f"{email!r} is not an e-mail address.")
    return address.casefold()
