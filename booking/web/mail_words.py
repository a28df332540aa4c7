"""Mails that came in, in words: what each was, what was done about it, and what a person wrote in it."""

from __future__ import annotations

from typing import NamedTuple

from booking import vocabulary
from booking.i18n import _, translate
from booking.mail.reading import read_mail
from booking.models import Arrived, Decision, Inbound


class Received(NamedTuple):
    """One mail that came in, in the reader's language."""

    was: str
    done: str
    to_see: bool
    """Whether somebody must read it, and nobody has said to have."""


class Written(NamedTuple):
    """What a person wrote: in the mail, and with an answer in the calendar. `kept` is false once the mail itself was emptied."""

    text: str
    comments: list[str]
    kept: bool


def received_said(mail: Inbound, locale: str) -> Received:
    """What a mail was and what was done, in words. It was decided about."""
    was = translate(locale, vocabulary.ARRIVED[mail.arrived or Arrived.UNREADABLE])
    answer = vocabulary.ANSWERS.get(str(mail.details.get("answer", "")))
    if answer and mail.arrived is Arrived.REPLY:
        was = translate(locale, _("Réponse d’un agenda : %(answer)s")) % {"answer": translate(locale, answer)}
    return Received(was, _done(mail, locale), mail.is_for_people and mail.handled_at is None)


def _done(mail: Inbound, locale: str) -> str:
    if mail.details.get("host_entry"):
        return translate(locale, _("Rien : c’est l’agenda de l’organisateur, qui n’a pas à répondre."))
    if mail.is_laid_aside:
        return translate(locale, _("Rien encore : l’application n’est pas parvenue à le traiter et l’a mis de côté."))
    if mail.details.get("held_back"):
        return translate(locale, _("À lire ici : trop de courriels ce jour-là pour transmettre celui-ci."))
    if mail.details.get("nobody_else"):
        return translate(
            locale, _("À lire ici : qui l’a écrit est seul à recevoir ces courriels, et il n’est allé à personne d’autre.")
        )
    if mail.decision is Decision.PASSED_ON and mail.organisation_id is None:
        return translate(locale, _("Transmis par courriel à l’exploitant."))
    if mail.decision is None:
        return ""
    return translate(locale, vocabulary.DECIDED[mail.decision])


def written_in(mail: Inbound) -> Written:
    """What a person wrote in a mail. What programs write (a server, an absence) is read too: it says why it came."""
    if mail.raw is None:
        return Written("", [], kept=False)
    read = read_mail(mail.raw)
    comments = dict.fromkeys(answer.comment.strip() for answer in read.answers if answer.comment.strip())
    return Written(read.text.strip(), list(comments), kept=True)
