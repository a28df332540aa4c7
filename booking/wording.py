"""The sentences of the house: one for every problem and refusal, in the reader's language.

Codes come from `booking.errors`, `booking.models.party` and `booking.models.slot`; a test walks them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from booking.errors import Problem, Refusal
from booking.i18n import _, moment, translate

PROBLEMS: Mapping[str, str] = {
    "required": _("Ce champ est nécessaire."),
    "not_text": _("Écrivez du texte ici."),
    "too_long": _("C’est trop long : %(longest)s caractères au plus."),
    "forbidden_character": _(
        "Ce champ contient un caractère qui ne s’imprime pas ou un retour à la ligne ; retapez-le simplement."
    ),
    "unknown_field": _("Ce champ n’a pas sa place ici ; vérifiez son nom."),
    "not_an_object": _("Un objet JSON est attendu ici."),
    "not_a_day": _("Écrivez un jour ainsi : 2026-11-24."),
    "not_a_number": _("Écrivez un nombre entier, par exemple 31."),
    "too_low": _("Il en faut au moins %(low)s."),
    "too_high": _("C’est plus que nous ne pouvons accepter : %(high)s au plus."),
    "not_a_choice": _("Choisissez une des réponses proposées."),
    "not_an_email": _("Cette adresse électronique ne semble pas complète ; elle ressemble à prenom.nom@college.example."),
    "not_a_phone": _("Écrivez un numéro de téléphone, par exemple 01 23 45 67 89."),
    "not_a_uai": _("Un code UAI a sept chiffres et une lettre de contrôle, par exemple 0751234J. Vérifiez-le ou laissez vide."),
    "party_too_small": _("Ce créneau accueille des groupes d’au moins %(smallest)s."),
    "party_too_large": _("Ce créneau accueille des groupes d’au plus %(largest)s."),
    "level_not_admitted": _("Cette visite n’est pas ouverte à ce niveau."),
    "audience_not_admitted": _("Cette visite n’est pas ouverte à ce public."),
    "not_a_class": _("Une personne seule occupe une place : il n’y a pas d’effectif à changer."),
    "own_address": _("C’est notre propre adresse ; écrivez la vôtre."),
    "not_a_time": _("Écrivez des heures, par exemple 10 h, 14 h 30."),
    "last_before_first": _("Le dernier jour vient avant le premier."),
    "series_empty": _("Aucun des jours choisis ne tombe entre ces deux dates."),
    "too_many_slots": _("Cela ferait plus de %(most)s créneaux ; choisissez une période plus courte."),
    "picture_unreadable": _("Nous ne pouvons pas lire cette image ; envoyez un fichier JPEG, PNG ou WebP."),
    "picture_too_large": _("Cette image est trop grande : %(megabytes)s Mo et %(megapixels)s millions de pixels au plus."),
    "picture_too_small": _(
        "Cette image est trop petite ou trop étroite : il faut au moins %(width)s pixels de large et %(height)s de haut."
    ),
    "csv_empty": _("Ce fichier n’a aucune ligne sous son en-tête."),
    "csv_too_large": _("Ce fichier est trop long : %(megabytes)s Mo et %(lines)s lignes au plus."),
    "csv_unreadable": _("Ce n’est pas un fichier CSV. Dans votre tableur, choisissez « Enregistrer sous », puis « CSV UTF-8 »."),
    "csv_line_unreadable": _(
        "La ligne %(line)s ne se lit pas : un guillemet n’est pas fermé, ou elle a plus de cases que l’en-tête."
    ),
    "csv_header_twice": _("L’en-tête nomme deux fois la colonne « %(name)s »."),
    "needs_too_many": _("Vous annoncez plus de besoins que de personnes."),
}

REFUSALS: Mapping[str, str] = {
    "invalid": _("Quelques réponses sont à revoir."),
    "not_found": _("Cette page n’existe pas, ou n’existe plus."),
    "slot_full": _("Il reste %(remaining)s places, et votre groupe en demande %(wanted)s."),
    "slot_full_none": _("Ce créneau est complet : toutes les places sont prises."),
    "slot_full_one": _("Il reste une seule place, et votre groupe en demande %(wanted)s."),
    "already_booked": _(
        "Ce groupe a déjà une réservation sur ce créneau. Le lien pour la modifier est dans le message que nous avons envoyé."
    ),
    "idempotency_key_reused": _("Ce formulaire a déjà servi pour une autre demande. Rouvrez-le pour en faire une nouvelle."),
    "too_many_requests": _("Trop de demandes ont été faites pour cette adresse ou depuis ce réseau. Réessayez dans une heure."),
    "booking_closed_cancelled": _("Ce créneau a été annulé par l’organisateur."),
    "booking_closed_archived": _("Cette édition est terminée."),
    "booking_closed_past": _("Cette visite a déjà commencé."),
    "booking_closed_not_yet": _("Les réservations ouvriront le %(at)s."),
    "booking_closed_too_late": _("Les réservations sont closes depuis le %(at)s."),
    "too_late_headcount": _("L’effectif ne pouvait être changé que jusqu’au %(at)s. Écrivez à l’organisateur."),
    "too_late_cancellation": _("L’annulation en ligne n’était possible que jusqu’au %(at)s. Écrivez à l’organisateur."),
    "wrong_state_cancelled": _("Cette réservation a été annulée ; ses places ont été rendues."),
    "wrong_state_expired": _("Le délai est passé : les places tenues pour vous ont été rendues."),
    "wrong_state_refused": _("Cette réservation a été refusée."),
    "form_expired": _(
        "Cette page est restée ouverte trop longtemps, ou votre navigateur refuse nos cookies. "
        "Rien n’est perdu : vérifiez et envoyez de nouveau."
    ),
    "signed_out": _("Vous n’êtes pas connecté, ou ne l’êtes plus."),
    "wrong_state": _("Cette réservation ne peut plus être changée."),
}


def problem_sentence(problem: Problem, locale: str) -> str:
    """What is wrong with one field, said to its reader."""
    facts = {name: value for name, value in problem.facts.items() if isinstance(value, str | int)}
    return translate(locale, PROBLEMS[problem.code]) % facts


def refusal_sentence(refusal: Refusal, locale: str) -> str:
    """Why something was refused, said to its reader."""
    facts = dict(refusal.facts)
    key = refusal.code
    for variant in (
        facts.get("why"),
        facts.get("what"),
        facts.get("status"),
        {0: "none", 1: "one"}.get(_int(facts.get("remaining"))),
    ):
        if variant and f"{refusal.code}_{variant}" in REFUSALS:
            key = f"{refusal.code}_{variant}"
    said = {name: moment(value, locale) if isinstance(value, datetime) else value for name, value in facts.items()}
    return translate(locale, REFUSALS[key]) % said


def _int(value: object) -> int:
    return value if isinstance(value, int) else -1
