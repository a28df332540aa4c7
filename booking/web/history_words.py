"""The history in words: what was done, to what and by whom, in the reader's language. What changed is in `history_values`.

Every action the verbs record has its words here; a test walks the verbs and fails where one has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from booking.i18n import _, translate
from booking.models import Actor, HistoryEntry, Subject
from booking.models.event import plain
from booking.web.history_values import DECISIONS, FIELDS, Change, changes_said, differences_said, value_said

__all__ = (
    "ACTIONS",
    "ACTORS",
    "DECISIONS",
    "FIELDS",
    "SUBJECTS",
    "Change",
    "action_said",
    "actions_like",
    "actor_said",
    "changes_said",
    "differences_said",
    "subject_said",
    "value_said",
    "words_of",
)
"""Templates are handed this module as `said`: what they need of the values is reached through it."""

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
        "answer_doubted": _("Réponse d’agenda sans preuve : confirmation demandée"),
        "answered": _("Réponse dans l’agenda"),
        "archived": _("Édition archivée"),
        "asked": _("Accès demandé"),
        "authority_named": _("Autorité désignée"),
        "booked": _("Places réservées"),
        "booked_again": _("Rétablie après un « non » dans l’agenda"),
        "bookings_closed": _("Réservations closes"),
        "bookings_reopened": _("Réservations rouvertes"),
        "cancelled": _("Annulé"),
        "change_asked": _("Changement d’effectif demandé à l’organisateur"),
        "change_refused": _("Changement d’effectif refusé"),
        "changed_slot": _("Réservation passée sur un autre créneau"),
        "confirmed": _("Confirmé"),
        "declined": _("Déclinée dans l’agenda, places rendues"),
        "duplicated": _("Dupliqué"),
        "edited": _("Modifié"),
        "ended": _("Accès retiré"),
        "expired": _("Délai passé, places rendues"),
        "feed_opened": _("Agenda secret : adresse donnée"),
        "feed_renewed": _("Agenda secret : adresse changée"),
        "given": _("Mandat donné"),
        "head_approved": _("Accord du chef d’établissement"),
        "head_refused": _("Refus du chef d’établissement"),
        "head_reminded": _("Rappel au chef d’établissement"),
        "feedback_given": _("Avis donné"),
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
        "mail_bounced": _("Message revenu : l’adresse ne reçoit pas"),
        "mail_handled": _("Courriel reçu : vu"),
        "mail_sent_again": _("Message renvoyé"),
        "mandate_ended": _("Mandat terminé"),
        "meeting_point_moved": _("Rendez-vous changé"),
        "moved": _("Déplacé"),
        "offer_accepted": _("Proposition acceptée"),
        "offer_declined": _("Proposition déclinée"),
        "offered": _("Places proposées"),
        "operator_ended": _("N’exploite plus le service"),
        "operator_named": _("Exploite désormais le service"),
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


def words_of(entry: HistoryEntry) -> str:
    """What somebody wrote with it: the reason of a cancellation, the remarks of a decision. Empty where nothing was."""
    return str(entry.details.get("remarks") or entry.details.get("why") or "")
