"""What bookers read before their visit: is it still right, where to be, what to bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from booking.i18n import _
from booking.mail.notice import Notice
from booking.models import Kind

_QUEUE = _("Sur la liste d’attente de ce créneau : %(queue)s. Une place rendue y est proposée aussitôt.")
_FOR_CLASSES = (
    _("L’autre moitié de la classe : %(other_half)s."),
    _("Pour cette moitié, soyez là à %(other_meeting)s."),
    _("Vous avez annoncé %(all_people)s. Est-ce toujours exact ?"),
    _("Moins nombreux, ou empêchés ? Rendez dès maintenant les places en trop."),
    _QUEUE,
)
_FOR_ONE = (_("Vous venez toujours ? Sinon, rendez votre place dès maintenant."), _QUEUE)
_NOTHING_TO_DO = _("Tout est exact ? Il n’y a rien à faire.")

_IN_A_WEEK = Notice(
    subject=_("Bientôt : %(title)s, %(when)s"),
    state=_("C’est bientôt"),
    tone="open",
    says=(_("%(host)s prépare votre venue."),),
    button=_("Voir, changer ou annuler"),
    link="manage",
    after=(_NOTHING_TO_DO,),
    details=("practical",),
)
_SOON = replace(
    _IN_A_WEEK,
    subject=_("Rappel : %(title)s, %(when)s"),
    state=_("On vous attend"),
    says=(_("%(host)s vous attend. Voici l’essentiel."),),
    after=(_NOTHING_TO_DO, _("Un imprévu le jour même ? %(host)s : %(contact)s")),
)


def _for_both(notice: Notice) -> Mapping[str, Notice]:
    return {
        "class": replace(notice, says=notice.says + _FOR_CLASSES),
        "person": replace(notice, says=notice.says + _FOR_ONE),
    }


TO_VISITORS: Mapping[Kind, Mapping[str, Notice]] = MappingProxyType(
    {Kind.VISIT_IN_A_WEEK: _for_both(_IN_A_WEEK), Kind.VISIT_SOON: _for_both(_SOON)}
)
"""By kind, and whether a class comes or a person."""
