"""`flask --app wsgi purge`: take away personal data that has reached its end. The worker does it by itself once an hour."""

from __future__ import annotations

from collections.abc import Mapping

import click
from flask import Flask

from booking import clock
from booking.actions.purge import purge
from booking.db import in_transaction
from booking.queries.personal_data import PersonalData, count_due

_SAYS = {
    PersonalData.BOOKINGS: "never confirmed, deleted with their history and messages",
    PersonalData.LINKS: "secret links of a booking, closed",
    PersonalData.MAILS: "emptied: kind, times and outcome remain",
    PersonalData.CONTACTS: "pseudonymised: visit, numbers, level, commune and attendance remain",
    PersonalData.FEEDS: "secret calendar addresses of people no booking names any more, deleted",
    PersonalData.INBOUND_MAILS: "mails that came in, emptied: what was done about them remains",
    PersonalData.SIGN_INS: "requests to sign in, deleted",
    PersonalData.SESSIONS: "ended a month ago, deleted",
    PersonalData.UNWARNED_ACCOUNTS: "nobody signed in for 11 months, warned by mail",
    PersonalData.UNCLOSED_ACCOUNTS: "nobody signed in for a month after that, closed until somebody does",
    PersonalData.ACCOUNTS: "closed for a year, deleted; the history keeps what was done, under no name",
    PersonalData.OCCASIONS: "what was done once, forgotten after two years",
}


def init_app(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(purge_now)


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Say what would be taken away, and change nothing.")
def purge_now(dry_run: bool) -> None:
    """Delete, empty or pseudonymise the personal data that has reached its end."""
    now = clock.now()
    if dry_run:
        _say(count_due(now))
        click.echo("A rehearsal: nothing was changed.")
        return
    _say(purge(now, in_transaction))


def _say(numbers: Mapping[PersonalData, int]) -> None:
    for what in PersonalData:
        click.echo(f"{what:<17} {numbers[what]:>6}  {_SAYS[what]}")
