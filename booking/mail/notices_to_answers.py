"""What bookers read about what they answered in their calendar."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from booking.i18n import _
from booking.mail.notice import Notice, ngettext
from booking.models import Kind

_STILL_YOURS = ngettext(
    "Votre réservation pour %(people)s reste confirmée, et la place vous attend.",
    "Votre réservation pour %(people)s reste confirmée, et les places vous attendent.",
)
_COMING = _("Vous venez ? Ne faites rien.")
_SAY_SO = _("Dire si je viens")
_NOT_COMING = ngettext(
    "Vous ne venez plus ? Annulez d’un clic : la place servira à quelqu’un d’autre.",
    "Vous ne venez plus ? Annulez d’un clic : les places serviront à d’autres.",
)

TO_WHO_ANSWERED: Mapping[Kind, Mapping[str, Notice]] = MappingProxyType(
    {
        Kind.BOOKING_DECLINED: {
            "": Notice(
                subject=ngettext("Place rendue : %(title)s, %(when)s", "Places rendues : %(title)s, %(when)s"),
                state=ngettext("Invitation déclinée, place rendue", "Invitation déclinée, places rendues"),
                tone="full",
                says=(
                    _("Vous avez décliné l’invitation dans votre agenda : votre réservation pour %(people)s est annulée."),
                    ngettext("La place est rendue à d’autres.", "Les places sont rendues à d’autres."),
                    _("C’était une erreur ? Tant qu’il reste de la place, un clic rétablit la réservation."),
                ),
                button=_("Rétablir ma réservation"),
                link="manage",
                after=(_("L’organisateur est prévenu. Il ne vous reste rien à faire."),),
            )
        },
        Kind.REPLY_UNSURE: {
            "unproven": Notice(
                subject=_("Venez-vous toujours ? %(title)s, %(when)s"),
                state=_("Toujours confirmée"),
                tone="signal",
                says=(
                    _("Nous avons reçu un « non » à votre invitation, sans pouvoir vérifier qu’il vient de vous."),
                    _STILL_YOURS,
                    _NOT_COMING,
                ),
                button=_SAY_SO,
                link="manage",
                after=(_COMING,),
            ),
            "outdated": Notice(
                subject=_("Venez-vous toujours ? %(title)s, %(when)s"),
                state=_("Toujours confirmée"),
                tone="signal",
                says=(
                    _("Vous avez répondu « non » dans votre agenda, mais à une version de l’invitation qui a changé depuis."),
                    _STILL_YOURS,
                    _NOT_COMING,
                ),
                button=_SAY_SO,
                link="manage",
                after=(_COMING,),
                details=("practical",),
            ),
            "accepted": Notice(
                subject=_("Voulez-vous revenir ? %(title)s, %(when)s"),
                state=ngettext("Invitation déclinée, place rendue", "Invitation déclinée, places rendues"),
                tone="signal",
                says=(
                    _("Vous aviez décliné cette invitation. Un « oui » nous arrive, sans preuve qu’il vient de vous."),
                    _("Vous voulez venir ? Tant qu’il reste de la place, un clic rétablit la réservation."),
                ),
                button=_("Rétablir ma réservation"),
                link="manage",
                after=(_("Vous ne venez pas ? Ne faites rien."),),
            ),
        },
        Kind.RESTORE_REFUSED: {
            "full": Notice(
                subject=_("Il ne reste plus assez de place : %(title)s, %(when)s"),
                state=_("Non rétablie"),
                tone="error",
                says=(
                    _("Vous avez accepté cette invitation après l’avoir déclinée. Entre-temps, d’autres ont pris la place."),
                    _("Il ne reste pas assez de place pour %(people)s : rien n’est réservé, quoi que dise votre agenda."),
                    _("Un autre créneau ou la liste d’attente vous va peut-être."),
                ),
                button=_("Voir les autres créneaux"),
                link="event",
            ),
            "rule": Notice(
                subject=_("Réservation non rétablie : %(title)s, %(when)s"),
                state=_("Non rétablie"),
                tone="error",
                says=(
                    _("Vous avez accepté cette invitation après l’avoir déclinée. Entre-temps, les conditions ont changé."),
                    _("La réservation n’a pas pu être rétablie : rien n’est réservé, quoi que dise votre agenda."),
                    _("Écrivez à l’organisateur, ou choisissez un autre créneau."),
                ),
                button=_("Voir les autres créneaux"),
                link="event",
            ),
        },
    }
)
"""By kind, and by what `booking.actions.answer_in_calendar` found."""
