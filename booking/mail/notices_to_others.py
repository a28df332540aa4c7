"""What the school's head and the host read about a request. No pupil has a name in it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from booking.i18n import _
from booking.mail.notice import Notice, Says, ngettext
from booking.models import Kind

_OTHER_HALF = _("L’autre moitié de la classe : %(other_half)s.")


def _to_head(subject: str, *says: Says) -> Notice:
    return Notice(
        subject=subject,
        state=_("Accord demandé avant le %(deadline)s"),
        tone="signal",
        says=(
            *says,
            _OTHER_HALF,
            ngettext(
                "La place est tenue jusqu’au %(deadline)s. Sans réponse d’ici là, elle est rendue.",
                "Les places sont tenues jusqu’au %(deadline)s. Sans réponse d’ici là, elles sont rendues.",
            ),
        ),
        button=_("Lire la demande et répondre"),
        link="head",
        after=(
            _("Ouvrir la page ne décide de rien : c’est là que vous donnez ou refusez votre accord."),
            _("Aucun élève n’est nommé : seul l’effectif est transmis."),
        ),
        greeting=_("Madame, Monsieur,"),
        details=("asked_by", "practical"),
        footer=_("Ce message va à l’adresse officielle de l’établissement. Une question ? Répondez-y simplement."),
    )


def _to_host(subject: str, state: str, tone: str, button: str, *says: Says) -> Notice:
    return Notice(
        subject=subject,
        state=state,
        tone=tone,
        says=says,
        button=button,
        link="workspace",
        greeting="",
        details=("booker",),
        footer=_("Ces coordonnées servent à préparer cette visite, et à rien d’autre."),
    )


TO_HEADS: Mapping[Kind, Notice] = MappingProxyType(
    {
        Kind.HEAD_ASKED: _to_head(
            _("Accord demandé avant le %(deadline)s : sortie de %(people)s, %(title)s, %(when)s"),
            _("%(name)s demande votre accord pour cette sortie : « %(title)s », avec %(people)s. %(host)s les recevra."),
        ),
        Kind.HEAD_REMINDED: _to_head(
            _("Rappel, accord demandé avant le %(deadline)s : sortie de %(people)s, %(title)s, %(when)s"),
            _("%(name)s attend toujours votre réponse pour cette sortie : « %(title)s », avec %(people)s. %(host)s les recevra."),
            _("Ce rappel est le seul."),
        ),
    }
)
TO_HOSTS: Mapping[Kind, Notice] = MappingProxyType(
    {
        Kind.HOST_APPROVAL_ASKED: _to_host(
            _("À examiner avant le %(deadline)s : %(people)s, %(title)s, %(when)s"),
            _("Demande à examiner avant le %(deadline)s"),
            "signal",
            _("Examiner la demande"),
            _("Une demande attend votre réponse : %(people)s."),
            _OTHER_HALF,
            ngettext(
                "Acceptez ou refusez au plus tard le %(deadline)s. La place est tenue jusque-là, puis rendue.",
                "Acceptez ou refusez au plus tard le %(deadline)s. Les places sont tenues jusque-là, puis rendues.",
            ),
        ),
        Kind.HOST_REQUEST_EXPIRED: _to_host(
            _("Demande restée sans réponse : %(people)s, %(title)s, %(when)s"),
            _("Délai passé"),
            "full",
            _("Voir la demande"),
            ngettext(
                "Cette demande n’a pas reçu de réponse à temps : la place est rendue, et la personne en est avertie.",
                "Cette demande n’a pas reçu de réponse à temps : les places sont rendues, et la personne en est avertie.",
            ),
        ),
        Kind.HOST_CHANGE_ASKED: _to_host(
            _("Changement d’effectif demandé : %(asked)s, %(title)s, %(when)s"),
            _("Changement d’effectif demandé"),
            "signal",
            _("Répondre à la demande"),
            _("Demandé : %(asked)s (réservé : %(before)s)."),
            _("Le délai pour changer l’effectif en ligne est passé : c’est à vous d’accepter ou de refuser."),
            _("Sans réponse de votre part, la réservation reste comme elle est."),
        ),
    }
)
