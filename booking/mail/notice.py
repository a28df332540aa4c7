"""What a notice is made of: a mail about a booking that waits, is offered places, needs somebody's yes, or got a no.

A message names facts by their names in `booking.mail.notices.facts_said`; one whose fact is empty is left out of the mail, so
that a sentence about an open question is there only with the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from booking.i18n import _


class Plural(NamedTuple):
    """A message in two forms; the number of places decides."""

    one: str
    many: str


Says = str | Plural


@dataclass(frozen=True)
class Notice:
    """What one mail says, top to bottom: the band with the state, the words, one button, and the details under it."""

    subject: Says
    state: Says
    tone: str
    """The colour of the band: signal, open, full or error."""
    says: tuple[Says, ...]
    button: str
    link: str
    """Where the button leads: the name of an address of `booking.mail.render.Links`."""
    then: tuple[Says, ...] = ()
    """What follows the reason somebody gave."""
    after: tuple[Says, ...] = ()
    """What stands under the button."""
    greeting: str = _("Bonjour %(name)s,")
    details: tuple[str, ...] = ()
    """Which pieces follow: rule, last_moments, asked_by, booker, practical."""
    footer: str = _("Une question ? Répondez simplement à ce message.")


def ngettext(one: str, many: str) -> Plural:
    """Mark a message of two forms where it is written."""
    return Plural(one, many)
