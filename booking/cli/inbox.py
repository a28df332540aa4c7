"""`flask --app wsgi inbox …`: read the mailbox where answers to invitations arrive, and show what was done about them."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import select

from booking.app_settings import settings
from booking.clock import in_paris
from booking.db import db
from booking.mail.inbox import read_inbox
from booking.mailboxes import MailboxTrouble, open_mailbox
from booking.models import Decision, Inbound

group = AppGroup("inbox", help="Mail that comes in: answers of calendars, bounces, what people write.")


def init_app(app: Flask) -> None:
    """Add the command group."""
    app.cli.add_command(group)


@group.command("read")
def read() -> None:
    """Take what is new in the mailbox of INBOX_URL and decide about it. The worker does it by itself every minute."""
    own = settings()
    if own.inbox_url is None:
        raise click.ClickException("INBOX_URL is missing: set it to imaps://user:password@host/INBOX or maildir:///path.")
    try:
        with open_mailbox(own.inbox_url) as mailbox:
            counts = read_inbox(own, mailbox)
    except MailboxTrouble as trouble:
        raise click.ClickException(str(trouble)) from None
    decided = [f"{counts[decision]} {decision.replace('_', ' ')}" for decision in Decision if counts[decision]]
    click.echo(f"{counts['taken']} taken; {', '.join(decided) or 'nothing to decide'}.")


@group.command("show")
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many mails.")
def show(last: int) -> None:
    """Show the mails that came in last, with what was done: no name, no address, no subject."""
    latest = select(Inbound).order_by(Inbound.id.desc()).limit(last)
    for mail in reversed(list(db.session.scalars(latest))):
        at = in_paris(mail.received_at).strftime("%Y-%m-%d %H:%M")
        about = mail.booking.reference if mail.booking else "-"
        click.echo(f"{mail.id:>8}  {at}  {mail.size:>9}  {mail.arrived or '-':<10}  {mail.decision or 'undecided':<15}  {about}")
