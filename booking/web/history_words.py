"""The history in words: what was done, to what, by whom, and what changed, in the reader's language.

Every action the verbs record has its words here; a test walks the verbs and fails where one has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple

from booking import clock, i18n, vocabulary
from booking.i18n import _, translate
from booking.models import Actor, EventType, HistoryEntry, LabelDecision, Publication, Subject
from booking.models.event import Equipment, plain

SUBJECTS: Mapping[str, str] = MappingProxyType(
    {
        Subject.BOOKING: _("Réservation"),
        Subject.EVENT: _("Événement"),
        Subject.SLOT: _("Créneau"),
        Subject.LABEL: _("Label"),
        Subject.ORGANISATION: _("Organisme"),
        Subject.MEMBER: _("Membre"),
        Subject.MANDATE: _("Mandat"),
        Subject.EDITION: _("Édition"),
        Subject.ACCOUNT: _("Compte"),
        Subject.IMPORT: _("Importation"),
        Subject.POOL: _("Contingent"),
    }
)

ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "accepted": _("Demande acceptée"),
        "account_closed": _("Compte fermé, faute de connexion"),
        "account_deleted": _("Compte supprimé"),
        "account_opened": _("Compte ouvert"),
        "account_warned": _("Compte : fermeture annoncée"),
        "archived": _("Édition archivée"),
        "asked": _("Accès demandé"),
        "authority_named": _("Autorité désignée"),
        "booked": _("Places réservées"),
        "bookings_closed": _("Réservations closes"),
        "bookings_reopened": _("Réservations rouvertes"),
        "cancelled": _("Annulé"),
        "change_asked": _("Changement d’effectif demandé à l’organisateur"),
        "change_refused": _("Changement d’effectif refusé"),
        "changed_slot": _("Réservation passée sur un autre créneau"),
        "confirmed": _("Confirmé"),
        "duplicated": _("Dupliqué"),
        "edited": _("Modifié"),
        "ended": _("Accès retiré"),
        "expired": _("Délai passé, places rendues"),
        "given": _("Mandat donné"),
        "head_approved": _("Accord du chef d’établissement"),
        "head_refused": _("Refus du chef d’établissement"),
        "head_reminded": _("Rappel au chef d’établissement"),
        "headcount_changed": _("Effectif changé"),
        "help_ended": _("Consultation par l’autorité terminée"),
        "help_started": _("Espace consulté par l’autorité, pour aider"),
        "host_approved": _("Demande acceptée par l’organisateur"),
        "host_refused": _("Demande refusée par l’organisateur"),
        "import_applied": _("Importation terminée"),
        "import_approved": _("Importation lancée"),
        "import_failed": _("Importation abandonnée, rien n’a été écrit"),
        "import_sent": _("Fichier envoyé"),
        "imported": _("Ajouté par importation"),
        "invited": _("Accès ouvert"),
        "label_as_seen": _("Redevenu comme labellisé"),
        "label_granted": _("Label accordé"),
        "label_kept": _("Label maintenu après changement"),
        "label_refused": _("Label refusé"),
        "label_returned": _("Demande de label renvoyée avec des remarques"),
        "label_review_asked": _("Changé après le label : à revoir"),
        "letter_sent": _("Message envoyé"),
        "links_closed": _("Liens de la réservation fermés"),
        "list_closed": _("Attend pour d’autres créneaux, celui-ci n’ayant plus lieu"),
        "mail_sent_again": _("Message renvoyé"),
        "mandate_ended": _("Mandat terminé"),
        "meeting_point_moved": _("Rendez-vous changé"),
        "moved": _("Déplacé"),
        "offer_accepted": _("Proposition acceptée"),
        "offer_declined": _("Proposition déclinée"),
        "offered": _("Places proposées"),
        "picture_removed": _("Image retirée"),
        "picture_set": _("Image choisie"),
        "pool_changed": _("Contingent modifié"),
        "pool_drawn": _("Créneau rattaché au contingent"),
        "pool_left": _("Créneau détaché du contingent"),
        "pool_opened": _("Places réservées ouvertes à tous"),
        "pool_removed": _("Contingent supprimé"),
        "pool_written": _("Contingent créé"),
        "pseudonymised": _("Coordonnées effacées"),
        "published": _("Publié"),
        "queued": _("Inscrit sur la liste d’attente"),
        "recovery_code_used": _("Code de secours utilisé"),
        "refused": _("Demande refusée"),
        "reopened": _("Édition rouverte"),
        "rescheduled": _("Réservation déplacée avec son créneau"),
        "resized": _("Nombre de places changé"),
        "role_changed": _("Rôle changé"),
        "second_factor_begun": _("Second facteur préparé"),
        "second_factor_removed": _("Second facteur retiré"),
        "second_factor_reset": _("Second facteur remis à zéro"),
        "second_factor_set": _("Second facteur mis en place"),
        "second_factor_shown": _("Second facteur vérifié"),
        "sign_in_asked": _("Code de connexion demandé"),
        "signed_in": _("Connexion"),
        "signed_out": _("Déconnexion"),
        "split": _("Classe répartie sur deux créneaux"),
        "submitted": _("Label demandé"),
        "wait_changed": _("Demande d’attente modifiée"),
        "withdrawn": _("Retiré du programme"),
        "written": _("Créé"),
    }
)

ACTORS: Mapping[str, str] = MappingProxyType(
    {
        Actor.BOOKER: _("La personne qui réserve"),
        Actor.HOST: _("L’organisateur"),
        Actor.HEAD: _("Le chef d’établissement"),
        Actor.AUTHORITY: _("L’autorité"),
        Actor.CALENDAR: _("Un agenda"),
        Actor.CLOCK: _("Coulisses, tout seul"),
        Actor.OPERATOR: _("L’exploitant du service"),
        Actor.ACCOUNT: _("Une personne, pour son compte"),
        Actor.RULE: _("La règle de la liste d’attente"),
    }
)

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "access_info": _("Accès"),
        "accessibility_note": _("Précisions d’accessibilité"),
        "accessible_for": _("Accessible"),
        "address": _("Adresse"),
        "adults": _("Adultes"),
        "adults_required": _("Adultes exigés"),
        "alt": _("Texte de l’image"),
        "arrive_minutes_before": _("Arrivée avant le début, en minutes"),
        "audiences": _("Publics"),
        "bookings_open_at": _("Ouverture des réservations"),
        "cancel_until": _("Dernier moment pour annuler"),
        "cancelled_at": _("Annulé le"),
        "capacity": _("Places"),
        "closed_shoes": _("Chaussures fermées"),
        "closes_at": _("Clôture des réservations"),
        "commune": _("Commune"),
        "conditions": _("Conditions"),
        "contact_email": _("Adresse électronique"),
        "contact_phone": _("Téléphone"),
        "counts_adults": _("Adultes comptés"),
        "days": _("Jours"),
        "department": _("Département"),
        "description": _("Description"),
        "edition_id": _("Édition"),
        "ends_at": _("Fin"),
        "ends_on": _("Dernier jour"),
        "equipment": _("Équipement de protection"),
        "free": _("Gratuit"),
        "head_answer_days": _("Délai du chef d’établissement, en jours"),
        "head_approval": _("Accord du chef d’établissement demandé"),
        "headcount_until": _("Dernier moment pour changer l’effectif"),
        "host_answer_hours": _("Délai de réponse de l’organisateur, en heures"),
        "host_approval": _("Chaque demande est examinée"),
        "identity_needed": _("Pièce d’identité"),
        "label_deadline": _("Dernier jour pour demander le label"),
        "label_from": _("Début de la période de label"),
        "label_until": _("Fin de la période de label"),
        "latitude": _("Latitude"),
        "levels": _("Niveaux"),
        "longitude": _("Longitude"),
        "max_party": _("Groupe le plus grand"),
        "meeting_point": _("Point de rendez-vous"),
        "min_age": _("Âge minimum"),
        "min_party": _("Groupe le plus petit"),
        "more_contacts": _("Autres contacts"),
        "name": _("Nom"),
        "new_organisation": _("Nouvel organisme"),
        "number": _("Numéro"),
        "one_per_class": _("Une seule réservation par classe"),
        "opens_at": _("Ouverture des réservations"),
        "parent_id": _("Se déroule pendant"),
        "partners": _("Partenaires"),
        "picture": _("Image"),
        "place": _("Lieu et commune"),
        "place_name": _("Lieu"),
        "pool_opens_at": _("Ouverture à tous"),
        "postcode": _("Code postal"),
        "price": _("Prix"),
        "priority_schools": _("Établissements prioritaires"),
        "priority_until": _("Priorité aux établissements REP, REP+ et QPV jusqu’au"),
        "publication": _("Publication"),
        "pupils": _("Élèves"),
        "pupils_per_adult": _("Élèves par adulte"),
        "role": _("Rôle"),
        "school_limit": _("Réservations par établissement"),
        "slots": _("Créneaux"),
        "starts_at": _("Début"),
        "starts_on": _("Premier jour"),
        "summary": _("Résumé"),
        "territory": _("Territoire"),
        "theme": _("Thème"),
        "title": _("Titre"),
        "type": _("Type"),
        "website": _("Site"),
        "year": _("Année"),
    }
)

PUBLICATIONS: Mapping[str, str] = MappingProxyType(
    {
        Publication.DRAFT: _("Brouillon"),
        Publication.PUBLISHED: _("Publié"),
        Publication.WITHDRAWN: _("Retiré"),
    }
)
DECISIONS: Mapping[str, str] = MappingProxyType(
    {
        LabelDecision.REQUESTED: _("Demandé"),
        LabelDecision.LABELLED: _("Labellisé"),
        LabelDecision.RETURNED: _("Renvoyé"),
        LabelDecision.REFUSED: _("Refusé"),
    }
)
_EQUIPMENT: Mapping[str, str] = {
    Equipment.NONE: _("Aucun équipement"),
    Equipment.LENT: _("Équipement prêté sur place"),
    Equipment.BRING: _("Équipement à apporter"),
}
_YES, _NO, _NOTHING = _("oui"), _("non"), "—"
_LONGEST_VALUE = 240
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*(Z|[+-]\d{2}:\d{2})")
_WORDS: Mapping[str, Mapping[str, str]] = {
    "type": {kind.value: vocabulary.TYPES[kind] for kind in EventType},
    "audiences": vocabulary.AUDIENCES,
    "levels": vocabulary.LEVELS,
    "accessible_for": vocabulary.ACCESS,
    "equipment": _EQUIPMENT,
    "publication": PUBLICATIONS,
    "decision": DECISIONS,
    "role": vocabulary.ROLES,
}


class Change(NamedTuple):
    """One field of a change, in words."""

    name: str
    before: str
    after: str


def action_said(action: str, locale: str) -> str:
    """What was done: « Label accordé »."""
    return translate(locale, ACTIONS[action]) if action in ACTIONS else action.replace("_", " ")


def subject_said(subject: str, locale: str) -> str:
    """What a line is about: « Événement »."""
    return translate(locale, SUBJECTS[subject])


def actor_said(actor: str, locale: str) -> str:
    """In which part somebody acted: « L’organisateur »."""
    return translate(locale, ACTORS[actor])


def actions_like(words: list[str], locale: str) -> list[str]:
    """The actions whose words in this language hold all of these words, which are in `plain()` letters."""
    return [action for action in ACTIONS if words and all(word in plain(action_said(action, locale)) for word in words)]


def changes_said(entry: HistoryEntry, locale: str) -> list[Change]:
    """What changed with a line of the history, field by field. Fields nobody has words for are left out."""
    changes = entry.details.get("changes")
    return differences_said(changes, locale) if isinstance(changes, Mapping) else []


def differences_said(changes: Mapping[str, object], locale: str) -> list[Change]:
    """Differences as they are stored, `[before, after]` by field, in words."""
    found = []
    for name, pair in changes.items():
        if name in FIELDS and isinstance(pair, list | tuple) and len(pair) == 2:
            before, after = (value_said(name, value, locale) for value in pair)
            found.append(Change(translate(locale, FIELDS[name]), before, after))
    return found


def words_of(entry: HistoryEntry) -> str:
    """What somebody wrote with it: the reason of a cancellation, the remarks of a decision. Empty where nothing was."""
    return str(entry.details.get("remarks") or entry.details.get("why") or "")


def value_said(name: str, value: object, locale: str) -> str:
    """One value of a field, as stored in JSON, for people."""
    if isinstance(value, bool):
        return translate(locale, _YES if value else _NO)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {said}" for key, said in sorted(value.items())) or _NOTHING
    if isinstance(value, list | tuple):
        return ", ".join(value_said(name, part, locale) for part in value) or _NOTHING
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, str) and value in _WORDS.get(name, {}):
        return translate(locale, _WORDS[name][value])
    return _text_said(str(value), locale)


def _text_said(text: str, locale: str) -> str:
    try:
        if _INSTANT.fullmatch(text):
            return i18n.moment(datetime.fromisoformat(text), locale)
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            return i18n.day(day, locale, year=day.year != clock.paris_day(clock.now()).year)
    except (ValueError, OverflowError):  # a title may look like an instant of year 1
        return text
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE].rstrip()}…"
