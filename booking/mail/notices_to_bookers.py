"""What bookers read while they wait, when places are offered, and when somebody else decides about their request."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from booking.i18n import _
from booking.mail.notice import Notice, ngettext
from booking.models import Kind

_NOT_ASKED = _("Vous n’avez rien demandé ? Ne faites rien : sans confirmation, la demande s’efface d’elle-même.")
_LAST = _("Vous n’avez rien demandé ? Ne faites rien : ce message est le dernier.")
_OTHER_HALF = _("L’autre moitié de la classe : %(other_half)s.")
_HELD_UNTIL = ngettext("Place tenue jusqu’au %(deadline)s", "Places tenues jusqu’au %(deadline)s")
_GIVEN_BACK_AFTER = ngettext(
    "La place est tenue jusqu’au %(deadline)s. Sans réponse d’ici là, elle est rendue.",
    "Les places sont tenues jusqu’au %(deadline)s. Sans réponse d’ici là, elles sont rendues.",
)
_TIMES, _OTHER_TIMES = _("Voir les créneaux"), _("Voir les autres créneaux")
_WHERE_IT_STANDS = _("Voir où en est la demande")
_FEWER = _("Votre classe compte %(whole)s, et il n’y a de place que pour %(offered)s. Acceptez seulement si cela vous va.")
_TALK_TO_HEAD = _("Parlez-en avec elle : tant qu’il reste de la place, vous pouvez faire une nouvelle demande.")
_MAYBE_ELSEWHERE = _("Il reste peut-être de la place sur un autre créneau ou à une autre visite.")

TO_BOOKERS: Mapping[Kind, Mapping[str, Notice]] = MappingProxyType(
    {
        Kind.WAITING_TO_PROVE: {
            "": Notice(
                subject=_("Confirmez avant le %(deadline)s : liste d’attente de « %(title)s »"),
                state=_("Liste d’attente : à confirmer avant le %(deadline)s"),
                tone="signal",
                says=(
                    _("Il n’y a pas assez de place pour %(people)s sur ce créneau, mais il a une liste d’attente."),
                    _("Pour prendre rang, il reste à montrer que cette adresse est bien la vôtre. Rien n’est encore réservé."),
                ),
                button=_("Prendre ma place dans la file"),
                link="confirm",
                after=(_("La page qui s’ouvre vous demande un dernier clic ; votre rang compte à partir de là."),),
                details=("practical",),
                footer=_NOT_ASKED,
            )
        },
        Kind.WAITING_JOINED: {
            "": Notice(
                subject=_("Sur liste d’attente : %(people)s, %(title)s, %(when)s"),
                state=_("Sur liste d’attente"),
                tone="full",
                says=(
                    _("Le créneau du %(closed)s est annulé. Vous gardez votre rang pour le reste de votre demande."),
                    _("Vous êtes sur la liste d’attente pour %(people)s. Rien n’est encore réservé."),
                    _("La demande vaut aussi pour %(other_slots)s du même événement."),
                    _("C’est noté : vous viendriez aussi à partir de %(least)s."),
                    _("Dès que ce sera votre tour, nous vous écrirons, et les places seront tenues le temps de votre réponse."),
                    _("La liste se ferme au plus tard le %(deadline)s."),
                ),
                button=_("Voir ma place dans la file"),
                link="manage",
                after=(_("Cette page dit à tout moment où vous en êtes. Vous pouvez aussi y quitter la liste."),),
                details=("rule",),
            )
        },
        Kind.PLACES_OFFERED: {
            "": Notice(
                subject=_("%(places)s pour vous, à accepter avant le %(deadline)s : « %(title)s »"),
                state=ngettext("Place proposée jusqu’au %(deadline)s", "Places proposées jusqu’au %(deadline)s"),
                tone="signal",
                says=(
                    _("C’est votre tour : nous tenons %(places)s pour vous (%(people)s) jusqu’au %(deadline)s."),
                    _FEWER,
                    ngettext(
                        "Sans réponse d’ici là, la place est proposée à la suite de la file et votre demande prend fin.",
                        "Sans réponse d’ici là, les places sont proposées à la suite de la file et votre demande prend fin.",
                    ),
                ),
                button=_("Accepter ou décliner"),
                link="manage",
                after=(_("La page qui s’ouvre vous demande un dernier clic."),),
                details=("practical", "rule"),
            )
        },
        Kind.WAITING_ENDED: {
            "": Notice(
                subject=_("Aucune place ne s’est libérée : %(title)s, %(when)s"),
                state=_("Liste d’attente close"),
                tone="full",
                says=(
                    _("Aucune place ne s’est libérée à temps pour %(people)s : la liste d’attente est close."),
                    _MAYBE_ELSEWHERE,
                ),
                button=_OTHER_TIMES,
                link="event",
            ),
            "stranger": Notice(
                subject=_("Délai passé, demande non confirmée : « %(title)s »"),
                state=_("Délai passé"),
                tone="full",
                says=(
                    _("Cette adresse n’a pas été confirmée à temps : la demande n’a pas pris rang sur la liste d’attente."),
                    _("Vous pouvez en faire une nouvelle."),
                ),
                button=_TIMES,
                link="event",
                footer=_LAST,
            ),
        },
        Kind.BOOKING_PENDING: {
            "head": Notice(
                subject=_("Accord de la direction attendu : %(title)s, %(when)s"),
                state=_HELD_UNTIL,
                tone="signal",
                says=(
                    _("Votre demande pour %(people)s attend l’accord de la direction de votre établissement."),
                    _("Nous lui avons écrit à son adresse officielle, %(mailbox)s."),
                    _OTHER_HALF,
                    _GIVEN_BACK_AFTER,
                    _("Dites-lui un mot de cette visite : la réponse viendra plus vite."),
                ),
                button=_WHERE_IT_STANDS,
                link="manage",
            ),
            "host": Notice(
                subject=_("Réponse de l’organisateur attendue : %(title)s, %(when)s"),
                state=_HELD_UNTIL,
                tone="signal",
                says=(
                    _("%(host)s examine votre demande pour %(people)s et répond au plus tard le %(deadline)s."),
                    _OTHER_HALF,
                    ngettext(
                        "La place est tenue jusque-là. Nous vous écrivons dès que la réponse est là.",
                        "Les places sont tenues jusque-là. Nous vous écrivons dès que la réponse est là.",
                    ),
                ),
                button=_WHERE_IT_STANDS,
                link="manage",
            ),
        },
        Kind.BOOKING_REFUSED: {
            "host": Notice(
                subject=_("Demande refusée : %(title)s, %(when)s"),
                state=_("Demande refusée"),
                tone="error",
                says=(_("%(host)s n’a pas pu accepter votre demande pour %(people)s. Rien n’est réservé."),),
                then=(_MAYBE_ELSEWHERE,),
                button=_OTHER_TIMES,
                link="event",
            ),
            "head": Notice(
                subject=_("Accord refusé par la direction : %(title)s, %(when)s"),
                state=_("Accord refusé"),
                tone="error",
                says=(_("La direction de votre établissement n’a pas donné son accord pour %(people)s. Rien n’est réservé."),),
                then=(_TALK_TO_HEAD,),
                button=_TIMES,
                link="event",
            ),
        },
        Kind.CHANGE_REFUSED: {
            "": Notice(
                subject=_("Effectif inchangé : %(people)s, %(title)s, %(when)s"),
                state=_("Confirmée, effectif inchangé"),
                tone="open",
                says=(
                    _("Vous aviez demandé à venir avec %(asked)s."),
                    _("%(host)s n’a pas pu accepter ce changement."),
                ),
                then=(_("Votre réservation reste confirmée, pour %(people)s."),),
                button=_("Voir, changer ou annuler"),
                link="manage",
                details=("last_moments", "practical"),
            )
        },
        Kind.BOOKING_EXPIRED: {
            "email": Notice(
                subject=_("Délai passé, réservation non confirmée : « %(title)s »"),
                state=_("Délai passé"),
                tone="full",
                says=(
                    ngettext(
                        "Sans confirmation à temps, nous avons rendu la place.",
                        "Sans confirmation à temps, nous avons rendu les places.",
                    ),
                    _("S’il en reste, vous pouvez réserver de nouveau."),
                ),
                button=_TIMES,
                link="event",
                footer=_LAST,
            ),
            "offer": Notice(
                subject=_("Proposition restée sans réponse : %(title)s, %(when)s"),
                state=_("Délai passé"),
                tone="full",
                says=(
                    ngettext(
                        "Sans réponse à temps, la place que nous tenions pour vous va à la suite de la file.",
                        "Sans réponse à temps, les places que nous tenions pour vous vont à la suite de la file.",
                    ),
                    _("Votre demande prend fin."),
                    _("Vous voulez toujours venir ? Réservez s’il reste de la place, ou reprenez rang sur la liste d’attente."),
                ),
                button=_TIMES,
                link="event",
            ),
            "head": Notice(
                subject=_("Sans réponse de la direction : %(title)s, %(when)s"),
                state=_("Délai passé"),
                tone="full",
                says=(
                    ngettext(
                        "La direction de votre établissement n’a pas répondu à temps : nous avons rendu la place.",
                        "La direction de votre établissement n’a pas répondu à temps : nous avons rendu les places.",
                    ),
                    _TALK_TO_HEAD,
                ),
                button=_TIMES,
                link="event",
            ),
            "host": Notice(
                subject=_("Sans réponse de l’organisateur : %(title)s, %(when)s"),
                state=_("Délai passé"),
                tone="full",
                says=(
                    ngettext(
                        "%(host)s n’a pas répondu à temps à votre demande : nous avons rendu la place.",
                        "%(host)s n’a pas répondu à temps à votre demande : nous avons rendu les places.",
                    ),
                    _MAYBE_ELSEWHERE,
                ),
                button=_OTHER_TIMES,
                link="event",
            ),
        },
    }
)
"""By kind, and where it has several by what the booking waited for, who decided, or `stranger`; the first one otherwise."""
