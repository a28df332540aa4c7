"""The sentences of the house: one for every problem and refusal, in the reader's language.

Codes come from `booking.errors`, `booking.models.party` and `booking.models.slot`; a test walks them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from booking.errors import Problem, Refusal
from booking.i18n import _, moment, translate
from booking.models.admission import Caution
from booking.vocabulary import AUDIENCES, LEVELS

PROBLEMS: Mapping[str, str] = {
    "required": _("Ce champ est nécessaire."),
    "rating_missing": _("Choisissez une note de 1 à 5."),
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
    "request_changed": _("Cette demande a changé depuis que la page s’est ouverte. Relisez-la, puis répondez de nouveau."),
    "none_ticked": _("Cochez au moins une demande."),
    "not_a_choice": _("Choisissez une des réponses proposées."),
    "not_an_email": _("Cette adresse électronique ne semble pas complète ; elle ressemble à prenom.nom@college.example."),
    "not_a_phone": _("Écrivez un numéro de téléphone, par exemple 01 23 45 67 89."),
    "not_a_uai": _("Un code UAI a sept chiffres et une lettre de contrôle, par exemple 0751234J. Vérifiez-le ou laissez vide."),
    "party_too_small": _("Ce créneau accueille des groupes de %(smallest)s places au moins ; le vôtre en prendrait %(places)s."),
    "party_too_large": _("Ce créneau accueille des groupes de %(largest)s places au plus ; le vôtre en prendrait %(places)s."),
    "level_not_admitted": _("Cette visite n’est pas ouverte à ce niveau. Niveaux admis : %(levels)s."),
    "audience_not_admitted": _("Cette visite n’est pas ouverte à ce public. Elle est ouverte à : %(audiences)s."),
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
    "not_a_postcode": _("Un code postal a cinq chiffres, par exemple 92230."),
    "not_degrees": _("Écrivez des degrés, par exemple 48.9385, entre −%(most)s et %(most)s."),
    "not_true_or_false": _("La valeur JSON true ou false est attendue ici."),
    "not_yes_or_no": _("Écrivez oui ou non."),
    "too_many_lines": _("C’est trop : %(most)s lignes au plus."),
    "parent_not_here": _("Cet événement ne peut pas en contenir un autre, ou n’est pas de la même édition."),
    "parent_loop": _("Cet événement se déroule déjà pendant celui que vous écrivez."),
    "edition_over": _("Cette édition est terminée, ou n’existe pas ; choisissez une édition à venir."),
    "not_a_department": _("Écrivez le numéro du département, par exemple 92 ou 2A."),
    "not_a_moment": _("Écrivez un jour et une heure ainsi : 2026-11-24T14:30."),
    "week_too_long": _("C’est trop long : %(days)s jours au plus."),
    "window_misses_week": _("La période de label doit contenir toute la semaine."),
    "window_too_long": _("La période de label dure un an au plus."),
    "deadline_after_window": _("Le label se demande au plus tard le dernier jour de la période."),
    "not_its_year": _("La semaine commence en %(year)s."),
    "wrong_code": _("Ce code n’est pas le bon. Vérifiez-le et retapez-le."),
    "code_over": _("Ce code ne sert plus : il est trop ancien, déjà utilisé ou remplacé par un autre. Demandez-en un nouveau."),
    "too_many_codes": _("Trop de codes faux. Par sécurité, attendez une heure avant de réessayer."),
    "not_a_siret": _("Un SIRET a 14 chiffres, dont un de contrôle ; celui-ci n’est pas juste. Il figure sur vos factures."),
    "uai_wrong": _("Un code UAI a sept chiffres et une lettre de contrôle, par exemple 0751234J. Vérifiez-le."),
    "by_invitation": _("L’espace d’une autorité ne s’ouvre que sur invitation. Écrivez à l’exploitant du service."),
    "not_a_website": _("Écrivez une adresse de site entière, par exemple https://www.usine.example."),
    "in_the_past": _("Ce moment est déjà passé."),
    "closes_after_start": _("Les réservations doivent être closes au plus tard quand le créneau commence."),
    "opens_after_closing": _("Les réservations ouvriraient après leur clôture."),
    "largest_below_smallest": _("Le groupe le plus grand serait plus petit que le plus petit."),
    "counted_already": _("Des réservations ont été comptées ainsi : ce choix ne peut plus changer."),
    "nobody_to_write_to": _("Personne n’a de réservation confirmée sur ce créneau."),
    "import_unknown_column": _("La colonne « %(name)s » n’est pas connue ; comparez avec le modèle."),
    "import_missing_columns": _("Il manque ces colonnes : %(names)s."),
    "import_reference": _("Une référence a des lettres sans accent, des chiffres, des points ou des tirets : 40 signes au plus."),
    "import_reference_taken": _("Cette référence est déjà celle d’un événement d’une autre édition."),
    "import_not_a_time": _("Écrivez un jour et une heure : 24/11/2026 14:30, ou 2026-11-24 14:30."),
    "import_end_not_after_start": _("Écrivez une heure de fin après le début : 16:00, ou 24/11/2026 16:00."),
    "import_first_line_wrong": _("La première ligne de cet événement, ligne %(line)s, est à corriger d’abord."),
    "import_not_as_first": _("Cette case ne dit pas la même chose que la ligne %(line)s, la première de cet événement."),
    "import_same_slot": _("Le même créneau est déjà à la ligne %(line)s."),
    "import_other_host": _("Cet événement est celui de %(host)s : un fichier ne change pas l’organisateur."),
    "import_other_authority": _("Cet organisme est une autre autorité ; ses événements ne s’importent pas ici."),
    "import_booked_place": _(
        "Des personnes ont déjà réservé : changez le lieu dans l’espace de l’organisme, elles seront prévenues."
    ),
    "import_booked_slot": _(
        "%(places)s places sont déjà prises : changez ce créneau dans l’espace de l’organisme, les groupes seront prévenus."
    ),
    "import_below_taken": _("%(taken)s places sont déjà prises : il ne peut pas y en avoir moins."),
    "import_cancelled": _("C’est annulé : un fichier n’y change rien."),
    "import_needed_to_publish": _("C’est nécessaire pour publier l’événement."),
    "schools_line_wrong": _("Ligne %(line)s : écrivez un code UAI puis REP, REP+ ou QPV, par exemple « 0920001B REP »."),
    "schools_line_uai": _("Ligne %(line)s : le code UAI « %(given)s » n’est pas juste ; vérifiez ses chiffres et sa lettre."),
    "schools_line_twice": _("Ligne %(line)s : le code UAI %(given)s est déjà à la ligne %(first)s."),
    "schools_lines": _("Plusieurs lignes sont à revoir. %(lines)s"),
    "schools_missing": _("Sans liste d’établissements, personne n’aurait la priorité : écrivez-la, ou videz la date."),
    "adults_for_how_many": _("Dites pour combien d’élèves le site exige un adulte."),
    "too_young": _("Cette visite est ouverte à partir de %(age)s ans : ce niveau est trop jeune."),
    "age_not_said": _("Cette visite est ouverte à partir de %(age)s ans. Cochez la case si c’est votre cas."),
    "adults_missing": _("Le site demande au moins %(wanted)s adultes pour cet effectif : il en manque %(missing)s."),
    "uai_for_head": _("Indiquez le code UAI : c’est à l’adresse officielle de l’établissement que nous demandons l’accord."),
    "head_unknown": _("Nous ne connaissons pas l’adresse officielle de cet établissement ; vérifiez le code UAI."),
    "too_few_to_split": _("Une classe d’un seul élève ne se répartit pas."),
    "adult_for_each_half": _("Il faut un adulte avec chaque moitié : ajoutez d’abord un adulte à l’effectif."),
    "halves_do_not_add_up": _("Les deux moitiés font %(sum)s ensemble : il en faut %(whole)s."),
    "never_fits": _("Ce créneau n’aura jamais plus de %(most)s places pour vous. Dites avec combien vous pourriez venir."),
    "needs_too_many": _("Vous annoncez plus de besoins que de personnes."),
}

REFUSALS: Mapping[str, str] = {
    "invalid": _("Quelques réponses sont à revoir."),
    "not_found": _("Cette page n’existe pas, ou n’existe plus."),
    "slot_full": _("Il reste %(remaining)s places, il en faudrait %(wanted)s."),
    "slot_full_none": _("Ce créneau est complet : toutes les places sont prises."),
    "slot_full_one": _("Il reste une seule place, il en faudrait %(wanted)s."),
    "feedback_closed_not_yet": _("La visite n’a pas commencé. Revenez dire comment c’était à partir du %(at)s."),
    "feedback_closed_over": _("On pouvait répondre jusqu’à une semaine après la visite ; ce temps est passé."),
    "feedback_closed_no_visit": _("Cette réservation n’a pas donné lieu à une visite : il n’y a rien à noter."),
    "already_booked": _(
        "Ce groupe a déjà une réservation sur ce créneau. Le lien pour la modifier est dans le message que nous avons envoyé."
    ),
    "class_booked": _(
        "Cette classe a déjà une réservation à cet événement, peut-être faite par un collègue ; une seule est possible. "
        "Elle peut changer d’effectif ou de créneau sur sa page."
    ),
    "already_split": _("Cette classe est déjà répartie sur deux créneaux ; chaque moitié se change sur cette page."),
    "school_limit": _(
        "Votre établissement a déjà %(limit)s réservations dans cette édition : c’est le maximum. "
        "Une autre classe pourra venir si l’une d’elles est annulée."
    ),
    "school_limit_one": _(
        "Votre établissement a déjà une réservation dans cette édition : c’est le maximum. "
        "Une autre classe pourra venir si cette réservation est annulée."
    ),
    "priority_only": _(
        "Jusqu’au %(at)s, seules les classes des établissements REP, REP+ et des quartiers prioritaires réservent, "
        "et le vôtre n’est pas sur la liste. Revenez après cette date."
    ),
    "priority_only_uai_missing": _(
        "Jusqu’au %(at)s, seules les classes des établissements REP, REP+ et des quartiers prioritaires réservent. "
        "Si c’est votre cas, indiquez le code UAI ; sinon, revenez après cette date."
    ),
    "not_full": _("Il y a assez de places pour vous : inutile d’attendre, réservez."),
    "slot_changed": _("Quelqu’un a modifié ce créneau pendant que vous écriviez. Rien n’est enregistré, rien n’est perdu."),
    "capacity_taken": _("Ces places sont déjà prises par des réservations : il en faut au moins %(smallest)s."),
    "pool_in_use_held": _("Des places réservées y sont tenues. Elles restent à celles et ceux qui les ont."),
    "pool_in_use_only": _("Un créneau n’a pas d’autres places que celles-ci."),
    "pool_changed": _("Quelqu’un a modifié ces places pendant que vous écriviez. Rien n’est enregistré, rien n’est perdu."),
    "too_many_letters_slot": _("Ce créneau a déjà reçu %(most)s messages aujourd’hui. Écrivez le suivant demain."),
    "too_many_letters_organisation": _("Vous avez déjà envoyé %(most)s messages aujourd’hui. Écrivez le suivant demain."),
    "idempotency_key_reused": _("Ce formulaire a déjà servi pour une autre demande. Rouvrez-le pour en faire une nouvelle."),
    "too_many_requests": _("Trop de demandes ont été faites pour cette adresse ou depuis ce réseau. Réessayez dans une heure."),
    "too_many_requests_booking": _(
        "Cette réservation a changé souvent depuis une heure, et d’autres en reçoivent chaque fois un message. "
        "Réessayez plus tard."
    ),
    "booking_closed_cancelled": _("Ce créneau a été annulé par l’organisateur."),
    "booking_closed_archived": _("Cette édition est terminée."),
    "booking_closed_past": _("Cette visite a déjà commencé."),
    "booking_closed_not_yet": _("Les réservations ouvriront le %(at)s."),
    "booking_closed_too_late": _("Les réservations sont closes depuis le %(at)s."),
    "too_late_headcount": _(
        "L’effectif se changeait librement jusqu’au %(at)s. Demandez-le à l’organisateur sur la page de la réservation."
    ),
    "too_late_cancellation": _("L’annulation en ligne n’était possible que jusqu’au %(at)s. Écrivez à l’organisateur."),
    "too_late_move": _("Le créneau ne pouvait être changé que jusqu’au %(at)s. Écrivez à l’organisateur."),
    "wrong_state_cancelled": _("Cette réservation a été annulée ; ses places ont été rendues."),
    "wrong_state_expired": _("Le délai est passé : les places tenues pour vous ont été rendues."),
    "wrong_state_refused": _("Cette réservation a été refusée."),
    "form_expired": _(
        "Cette page est restée ouverte trop longtemps, ou votre navigateur refuse nos cookies. "
        "Rien n’est perdu : vérifiez et envoyez de nouveau."
    ),
    "last_manager": _("C’est la dernière personne qui gère cet organisme. Donnez d’abord ce rôle à quelqu’un d’autre."),
    "second_factor_needed": _("Les comptes d’une autorité et de l’exploitant gardent toujours leur second facteur."),
    "signed_out": _("Vous n’êtes pas connecté, ou ne l’êtes plus."),
    "too_late_label": _("Le label ne pouvait être demandé que jusqu’au %(at)s. Vous pouvez publier l’événement sans label."),
    "edit_conflict": _("Quelqu’un a modifié cet événement pendant que vous écriviez. Rien n’est enregistré, rien n’est perdu."),
    "event_not_ready_label": _("Le label ne peut pas encore être demandé."),
    "event_not_ready_publication": _("L’événement ne peut pas encore être publié."),
    "event_fixed_over": _(
        "Cette édition est terminée : l’événement ne change plus. Vous pouvez le dupliquer pour une autre édition."
    ),
    "event_fixed_cancelled": _("Cet événement est annulé. Vous pouvez le dupliquer pour en écrire un nouveau."),
    "event_fixed_label_refused": _("Le label a été refusé à cet événement. Vous pouvez le publier sans label."),
    "event_fixed_no_authority": _(
        "Personne n’attribue encore de label pour cette édition. Vous pouvez publier l’événement sans label."
    ),
    "still_booked": _(
        "Cet événement a %(bookings)s réservations : le retirer laisserait ces personnes sans nouvelles. "
        "Annulez-le, et nous les préviendrons."
    ),
    "still_booked_one": _(
        "Cet événement a une réservation : le retirer laisserait cette personne sans nouvelles. "
        "Annulez-le, et nous la préviendrons."
    ),
    "wrong_label_state_decided": _("Quelqu’un a déjà répondu à cette demande : rien n’attend plus de décision ici."),
    "wrong_label_state_changed": _(
        "L’événement a changé pendant que vous le regardiez. Relisez-le ci-dessous, puis décidez : rien n’est encore décidé."
    ),
    "wrong_import_state_state": _("Cette importation n’attend plus de décision."),
    "wrong_import_state_lines": _(
        "Toutes les lignes ne sont pas bonnes : choisissez « les bonnes lignes », ou corrigez le fichier."
    ),
    "wrong_state": _("Cette réservation ne peut plus être changée."),
    "nothing_asked": _("Cette demande n’attend plus de réponse : elle a changé, ou quelqu’un y a déjà répondu."),
    "nothing_to_send": _("Ce message est déjà en route, ou ne dit plus ce qui est vrai : il n’y a rien à renvoyer."),
    "sent_enough_today": _(
        "Pour cette réservation, %(most)s messages ont déjà été renvoyés aujourd’hui. Téléphonez, ou reprenez demain."
    ),
    "sent_enough_ever": _(
        "Nous avons déjà renvoyé ce message %(most)s fois. "
        "Vérifiez l’adresse ; si elle est fausse, annulez et réservez de nouveau."
    ),
}


CAUTIONS: Mapping[str, str] = {
    "adults_missing": _("Le site demande %(wanted)s adultes pour cet effectif : il en manque %(missing)s."),
    "some_too_young": _("La visite est ouverte à partir de %(age)s ans : vérifiez l’âge de chaque élève."),
    "overlap": _("Cette classe a une autre visite à la même heure, réservée par quelqu’un d’autre."),
    "overlap_own": _("Cette classe a une autre visite à la même heure : « %(title)s », le %(at)s."),
}
"""What a party should know though it may book."""

_WORDS: Mapping[str, Mapping[str, str]] = {"levels": LEVELS, "audiences": AUDIENCES}


def problem_sentence(problem: Problem, locale: str) -> str:
    """What is wrong with one field, said to its reader."""
    facts = {name: value for name, value in problem.facts.items() if isinstance(value, str | int)}
    if isinstance(lines := problem.facts.get("lines"), tuple):
        facts["lines"] = " ".join(problem_sentence(line, locale) for line in lines)
    facts |= {name: _listed(name, words, locale) for name, words in problem.facts.items() if name in _WORDS}
    return translate(locale, PROBLEMS[problem.code]) % facts


def _listed(name: str, words: object, locale: str) -> str:
    """Words of a vocabulary, in the reader's language."""
    return ", ".join(translate(locale, _WORDS[name][str(word)]) for word in (words if isinstance(words, tuple) else ()))


def caution_sentence(caution: Caution, locale: str) -> str:
    """What a party should know before it comes, said to its reader."""
    return translate(locale, CAUTIONS[caution.code]) % _said(caution.facts, locale)


def refusal_sentence(refusal: Refusal, locale: str) -> str:
    """Why something was refused, said to its reader."""
    facts = dict(refusal.facts)
    key = refusal.code
    for variant in (
        facts.get("why"),
        "uai_missing" if facts.get("uai_missing") else None,
        facts.get("what"),
        facts.get("scope"),
        facts.get("status"),
        {0: "none", 1: "one"}.get(_int(facts.get("remaining", facts.get("limit")))),
    ):
        if variant and f"{refusal.code}_{variant}" in REFUSALS:
            key = f"{refusal.code}_{variant}"
    return translate(locale, REFUSALS[key]) % _said(facts, locale)


def _said(facts: Mapping[str, object], locale: str) -> dict[str, object]:
    return {name: moment(value, locale) if isinstance(value, datetime) else value for name, value in facts.items()}


def _int(value: object) -> int:
    return value if isinstance(value, int) else -1
