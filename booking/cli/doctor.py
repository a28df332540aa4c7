"""`flask --app wsgi doctor`: are the rules kept? Exit status 1 when one is broken."""

from __future__ import annotations

import sys

import click
from flask import Flask

from booking.logs import redact
from booking.queries import doctor

_NAMED_AT_MOST = 10


def init_app(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(check)


@click.command("doctor")
def check() -> None:
    """Check every rule of the house against the data; exit with 1 if one is broken."""
    doctor.open_snapshot()
    broken = 0
    readable = True
    for finding in doctor.examine():
        click.echo(_line(finding))
        broken += bool(finding.broken)
        readable = readable and not (finding.broken and finding.rule is doctor.RULES[0])
    if readable:
        for sentence in doctor.attention():
            click.echo(f"attention   {redact(sentence)}")
    click.echo(f"{broken} of {len(doctor.RULES)} rules broken." if broken else f"All {len(doctor.RULES)} rules are kept.")
    sys.exit(1 if broken else 0)


def _line(finding: doctor.Finding) -> str:
    if not finding.broken:
        return f"ok          {finding.rule.name}: {finding.rule.says}"
    more = len(finding.broken) - _NAMED_AT_MOST
    named = "; ".join(finding.broken[:_NAMED_AT_MOST]) + (f"; and {more} more" if more > 0 else "")
    return f"BROKEN      {finding.rule.name}: {finding.rule.says} – {len(finding.broken)} found: {named}"
