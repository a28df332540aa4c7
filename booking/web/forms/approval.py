"""The forms of who answers a request: the school's head, and the host."""

from __future__ import annotations

from wtforms import StringField

from booking.i18n import _
from booking.web.forms.booking import HouseForm

APPROVE, REFUSE = "approve", "refuse"


class HeadAnswerForm(HouseForm):
    """Two buttons, and a reason if the head likes to give one."""

    decision = StringField(_("Votre réponse"))
    why = StringField(_("Motif d’un refus"))
    seen = StringField()
    """What the page has shown."""


class AnswerForm(HouseForm):
    """Two buttons, and the reason the booker reads where the answer is no."""

    decision = StringField(_("Votre réponse"))
    why = StringField(_("Motif d’un refus"))
    seen = StringField()
    """What the page has shown, where it is about a request."""
    asked_at = StringField()
    """Which question is answered, where it is about a headcount."""


class RequestsForm(HouseForm):
    """One answer to many requests; which ones, the ticked boxes say."""

    references = StringField(_("Demandes"))
    why = StringField(_("Motif d’un refus"))
    decision = StringField(_("Votre réponse"))
