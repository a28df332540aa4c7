"""What changed, in words: the fields of everything that has a history, and their values as people say them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple

from booking import clock, i18n, vocabulary
from booking.i18n import _, translate
from booking.models import EventType, HistoryEntry, LabelDecision, Publication
from booking.models.event import Equipment, HostMails

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
        "digests": _("Liste de la veille, pour les organisateurs"),
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
        "host_mails": _("Être prévenu des réservations"),
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
        "outdoors": _("En partie dehors, par tous les temps"),
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
        "reminds_soon": _("Rappel deux jours avant"),
        "reminds_week": _("Rappel une semaine avant"),
        "role": _("Rôle"),
        "school_limit": _("Réservations par établissement"),
        "slots": _("Créneaux"),
        "starts_at": _("Début"),
        "starts_on": _("Premier jour"),
        "summary": _("Résumé"),
        "territory": _("Territoire"),
        "thanks": _("Remerciement et avis, le lendemain"),
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
_HOST_MAILS: Mapping[str, str] = {
    HostMails.DIGEST: _("Une fois par jour et par créneau, à 18 h"),
    HostMails.EACH: _("À chaque réservation"),
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
    "host_mails": _HOST_MAILS,
    "publication": PUBLICATIONS,
    "decision": DECISIONS,
    "role": vocabulary.ROLES,
}


class Change(NamedTuple):
    """One field of a change, in words."""

    name: str
    before: str
    after: str


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
