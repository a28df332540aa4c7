"""`flask --app wsgi inbox …`: read the mailbox where answers to invitations arrive, and show what was done about them."""

from __future__ import annotations

from collections import Counter
from functools import partial

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import select

from booking.app_settings import settings
from booking.clock import in_paris
from booking.db import db, in_transaction
from booking.mail.inbox import bring_back, decide_all, laid_aside, read_inbox
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
    click.echo(f"{counts['taken']} taken; {_decided(counts) or 'nothing to decide'}.")


def _decided(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[decision]} {decision.replace('_', ' ')}" for decision in Decision if counts[decision])


@group.command("again")
@click.argument("mail_ids", metavar="[NUMBER]...", nargs=-1, type=click.IntRange(1, 2**31 - 1))
def again(mail_ids: tuple[int, ...]) -> None:
    """Try once more to decide about mails that were laid aside: all of them, or those of these numbers.

    A number may also be that of a mail that could not be read. The raw mail is there for 30 days.
    """
    asked = mail_ids or tuple(laid_aside())
    back = [number for number in asked if in_transaction(partial(bring_back, number))]
    if left := [str(number) for number in asked if number not in back]:
        raise click.ClickException(
            f"Neither laid aside nor unreadable, or no longer kept: {', '.join(left)}. Brought back: {len(back)}."
        )
    counts = decide_all(settings())
    click.echo(f"{len(back)} brought back; {_decided(counts) or 'nothing decided'}.")


@group.command("show")
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many mails.")
def show(last: int) -> None:
    """Show the mails that came in last, with what was done: no name, no address, no subject."""
    latest = select(Inbound).order_by(Inbound.id.desc()).limit(last)
    for mail in reversed(list(db.session.scalars(latest))):
        at = in_paris(mail.received_at).strftime("%Y-%m-%d %H:%M")
        about = mail.booking.reference if mail.booking else "-"
        click.echo(f"{mail.id:>8}  {at}  {mail.size:>9}  {mail.arrived or '-':<10}  {_done_about(mail):<15}  {about}")


def _done_about(mail: Inbound) -> str:
    return "laid aside" if mail.is_laid_aside else mail.decision or "undecided"
