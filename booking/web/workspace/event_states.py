"""Where an event stands, in words: its label, its publication and its availability are three different things."""

from __future__ import annotations

from typing import NamedTuple

from booking import clock
from booking.i18n import _
from booking.models import Event, LabelDecision, Publication
from booking.queries.label_checks import ABOUT_INDUSTRY, AUDIENCE, COMPLETE, FREE, IN_WINDOW


class State(NamedTuple):
    """A word, and how it is shown: good, waits, bad or nothing."""

    said: str
    tone: str = ""


_LABEL = {
    LabelDecision.REQUESTED: State(_("Label demandé"), "waits"),
    LabelDecision.LABELLED: State(_("Labellisé"), "good"),
    LabelDecision.RETURNED: State(_("Label : à corriger"), "waits"),
    LabelDecision.REFUSED: State(_("Label refusé"), "bad"),
}
_PUBLICATION = {
    Publication.DRAFT: State(_("Brouillon")),
    Publication.PUBLISHED: State(_("Publié"), "good"),
    Publication.WITHDRAWN: State(_("Retiré")),
}
CHECKS = {
    FREE: _("Gratuit pour les visiteurs"),
    IN_WINDOW: _("Tous les créneaux dans la période du label"),
    AUDIENCE: _("Ouvert au public, aux jeunes ou aux demandeurs d’emploi"),
    COMPLETE: _("Tout ce qu’il faut savoir est écrit"),
    ABOUT_INDUSTRY: _("En lien avec l’industrie : l’autorité en juge"),
}
MISSING = {
    "title": _("le titre"),
    "summary": _("le résumé"),
    "description": _("la description"),
    "audiences": _("le public"),
    "place": _("le lieu et la commune"),
    "meeting_point": _("le point de rendez-vous"),
    "conditions": _("l’équipement à apporter, dans « Autres conditions »"),
    "contact_email": _("une adresse de contact"),
    "price": _("le prix"),
    "slots": _("un créneau"),
}
"""What an event may lack, in the middle of a sentence."""


def states_of(event: Event) -> list[State]:
    """Label, publication and availability of an event with its slots, in this order."""
    return [_label_of(event), _PUBLICATION[event.publication], _availability_of(event)]


def _label_of(event: Event) -> State:
    if event.label is None:
        return State(_("Sans label"))
    if event.is_labelled and event.label.review_since is not None:
        return State(_("Labellisé, changement à revoir"), "waits")
    return _LABEL[event.label.decision]


def _availability_of(event: Event) -> State:
    if event.cancelled_at:
        return State(_("Annulé"), "bad")
    slots = [slot for slot in event.slots if not slot.cancelled_at]
    coming = [slot for slot in slots if slot.starts_at > clock.now()]
    if not slots:
        return State(_("Sans créneau"))
    if not coming or event.edition.is_past:
        return State(_("Passé"))
    return State(_("Places libres"), "good") if any(slot.remaining for slot in coming) else State(_("Complet"))
