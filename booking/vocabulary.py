"""The words of the house as readers see them: types, audiences, levels, kinds of access, equipment, states, roles."""

from __future__ import annotations

from collections.abc import Mapping

from booking.i18n import _
from booking.models.booking import Status
from booking.models.event import AccessKind, Audience, EventType
from booking.models.inbound import Arrived, Decision
from booking.models.member import Role
from booking.models.message import Kind
from booking.models.organisation import OrganisationKind

TYPES: Mapping[str, str] = {
    EventType.COMPANY_VISIT: _("Visite d’entreprise"),
    EventType.OPEN_DAY: _("Portes ouvertes"),
    EventType.WORKSHOP: _("Atelier"),
    EventType.SCHOOL_TALK: _("Intervention en classe"),
    EventType.ROUND_TABLE: _("Débat"),
    EventType.FORUM: _("Forum"),
    EventType.EXHIBITION: _("Exposition"),
    EventType.JOB_DATING: _("Job dating"),
    EventType.ONLINE: _("En ligne"),
}

AUDIENCES: Mapping[str, str] = {
    "school": _("Classes"),
    Audience.COLLEGE: _("Collégiens"),
    Audience.LYCEE: _("Lycéens"),
    Audience.APPRENTICE: _("Apprentis"),
    Audience.STUDENT: _("Étudiants"),
    Audience.JOBSEEKER: _("Demandeurs d’emploi"),
    Audience.TEACHER: _("Enseignants"),
    Audience.PUBLIC: _("Grand public"),
    Audience.PRESS: _("Presse"),
    Audience.OFFICIAL: _("Élus"),
}

FOR_WHOM: Mapping[str, str] = {
    Audience.COLLEGE: _("les collégiens"),
    Audience.LYCEE: _("les lycéens"),
    Audience.APPRENTICE: _("les apprentis"),
    Audience.STUDENT: _("les étudiants"),
    Audience.JOBSEEKER: _("les demandeurs d’emploi"),
    Audience.TEACHER: _("les enseignants"),
    Audience.PUBLIC: _("le grand public"),
    Audience.PRESS: _("la presse"),
    Audience.OFFICIAL: _("les élus"),
}
"""Audiences in the middle of a sentence."""

PERSONS: Mapping[str, str] = {
    Audience.STUDENT: _("Étudiante ou étudiant"),
    Audience.JOBSEEKER: _("En recherche d’emploi"),
    Audience.TEACHER: _("Enseignante ou enseignant"),
    Audience.PUBLIC: _("Grand public"),
    Audience.PRESS: _("Journaliste"),
    Audience.OFFICIAL: _("Élue ou élu"),
}

LEVELS: Mapping[str, str] = {
    "6e": _("6e"),
    "5e": _("5e"),
    "4e": _("4e"),
    "3e": _("3e"),
    "2de": _("2de"),
    "1re": _("1re"),
    "terminale": _("Terminale"),
    "CAP": _("CAP"),
    "BTS": _("BTS"),
    "autre": _("Autre"),
}

ACCESS: Mapping[str, str] = {
    AccessKind.MOTOR: _("Fauteuil ou marche difficile"),
    AccessKind.HEARING: _("Surdité ou malentendance"),
    AccessKind.VISUAL: _("Cécité ou malvoyance"),
    AccessKind.INTELLECTUAL: _("Compréhension facilitée"),
    AccessKind.PSYCHIC: _("Besoin de calme ou de repères"),
}

STATES: Mapping[str, str] = {
    Status.HELD: _("Places tenues"),
    Status.WAITING: _("En liste d’attente"),
    Status.CONFIRMED: _("Confirmée"),
    Status.ATTENDED: _("Venue"),
    Status.NO_SHOW: _("Absente"),
    Status.CANCELLED: _("Annulée"),
    Status.REFUSED: _("Refusée"),
    Status.EXPIRED: _("Délai passé"),
}

ROLES: Mapping[str, str] = {
    Role.MANAGER: _("Responsable"),
    Role.READER: _("Lecture seule"),
    Role.GREETER: _("Accueil le jour même"),
}

ORGANISATION_KINDS: Mapping[str, str] = {
    OrganisationKind.COMPANY: _("Entreprise"),
    OrganisationKind.SCHOOL: _("Établissement scolaire"),
    OrganisationKind.CHAMBER: _("Chambre consulaire"),
    OrganisationKind.PROFESSIONAL_BODY: _("Organisation professionnelle"),
    OrganisationKind.EMPLOYMENT_AGENCY: _("Service de l’emploi"),
    OrganisationKind.MEDIA: _("Presse ou média"),
    OrganisationKind.AUTHORITY: _("Autorité"),
}

NOTICES: Mapping[Kind, str] = {
    Kind.WAITING_TO_PROVE: _("Liste d’attente : adresse à confirmer"),
    Kind.WAITING_JOINED: _("Sur liste d’attente"),
    Kind.WAITING_ENDED: _("Liste d’attente close"),
    Kind.PLACES_OFFERED: _("Places proposées"),
    Kind.BOOKING_PENDING: _("Accord attendu"),
    Kind.BOOKING_REFUSED: _("Demande refusée"),
    Kind.CHANGE_REFUSED: _("Effectif inchangé"),
    Kind.HEAD_ASKED: _("À la direction : accord demandé"),
    Kind.HEAD_REMINDED: _("À la direction : rappel"),
    Kind.HOST_APPROVAL_ASKED: _("À l’organisateur : demande à examiner"),
    Kind.HOST_REQUEST_EXPIRED: _("À l’organisateur : demande sans réponse"),
    Kind.HOST_CHANGE_ASKED: _("À l’organisateur : effectif à changer"),
    Kind.BOOKING_DECLINED: _("Invitation déclinée"),
    Kind.REPLY_UNSURE: _("Réponse de l’agenda à confirmer"),
    Kind.RESTORE_REFUSED: _("Acceptée trop tard"),
    Kind.VISIT_IN_A_WEEK: _("Rappel, une semaine avant"),
    Kind.VISIT_SOON: _("Rappel, deux jours avant"),
    Kind.VISIT_THANKS: _("Remerciement"),
    Kind.HOST_SLOT: _("À l’organisateur : où en est le créneau"),
    Kind.HOST_DAY: _("À l’organisateur : qui vient demain"),
    Kind.MAIL_RECEIVED: _("Courriel reçu, transmis"),
}
"""The mails of waiting lists, approvals, calendars and reminders, as lists of mails name them."""

ARRIVED: Mapping[Arrived, str] = {
    Arrived.REPLY: _("Réponse d’un agenda"),
    Arrived.COUNTER: _("Autre horaire proposé depuis un agenda"),
    Arrived.BOUNCE: _("Retour d’un serveur"),
    Arrived.AUTOMATIC: _("Réponse automatique"),
    Arrived.HUMAN: _("Courriel d’une personne"),
    Arrived.UNREADABLE: _("Courriel illisible"),
}
"""What a mail that came in turned out to be."""

ANSWERS: Mapping[str, str] = {
    "accepted": _("Oui"),
    "tentative": _("Peut-être"),
    "declined": _("Non"),
    "delegated": _("Une autre personne vient"),
}
"""What was answered in a calendar, as the details of a mail that came in name it."""

DECIDED: Mapping[Decision, str] = {
    Decision.PLACES_FREED: _("La réservation est annulée et ses places sont proposées à qui attend."),
    Decision.BOOKED_AGAIN: _("La réservation est rétablie : il restait des places."),
    Decision.NO_ROOM: _("Trop tard pour revenir : les places sont prises. La personne le sait."),
    Decision.NOTED: _("Noté avec la réservation. Rien d’autre ne change."),
    Decision.ASKED: _("Nous avons demandé à la personne de confirmer par un clic."),
    Decision.UNKNOWN_UID: _("Rien : cette invitation n’est pas une des nôtres."),
    Decision.OTHER_ATTENDEE: _("Rien : la réponse vient de quelqu’un qui n’était pas invité."),
    Decision.OVERTAKEN: _("Rien : une réponse plus récente compte déjà."),
    Decision.TOO_LATE: _("Rien : la visite avait déjà commencé."),
    Decision.ALREADY_ENDED: _("Rien : la réservation avait déjà pris fin."),
    Decision.NOT_POSSIBLE: _("Rien n’a changé : cela ne se fait pas dans un agenda. À vous de répondre."),
    Decision.ADDRESS_FLAGGED: _("L’adresse ne fonctionne pas : la réservation le signale."),
    Decision.DELAYED: _("Rien : le serveur du destinataire essaie encore."),
    Decision.PASSED_ON: _("Transmis par courriel à l’organisateur."),
    Decision.NOTHING: _("Rien : ce courriel ne demande rien."),
}
"""What was done about a mail that came in."""
