"""The forms of an event: its words, its picture, why it is cancelled, where it is duplicated to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from wtforms import FileField, SelectMultipleField, StringField

from booking.errors import Invalid, Problem
from booking.i18n import _
from booking.models import Event
from booking.models.event_words import FLAGS, read_event
from booking.models.form_reader import say_moment
from booking.queries.event_history import FIELDS
from booking.web.forms.booking import HouseForm


class WordsField(SelectMultipleField):
    """Several boxes of one name. Which words there are is the business of `read_event`."""

    def __init__(self, label: str, **more: Any) -> None:
        super().__init__(label, choices=[], validate_choice=False, **more)


class EventForm(HouseForm):
    """An event's words, and the version they began with."""

    version = StringField()
    edition_id = StringField(_("Édition"))
    title = StringField(_("Titre"))
    type = StringField(_("Type d’événement"))
    summary = StringField(_("Résumé"))
    audiences = WordsField(_("Pour qui"))
    levels = WordsField(_("Niveaux scolaires"))
    place_name = StringField(_("Nom du lieu"))
    address = StringField(_("Adresse"))
    postcode = StringField(_("Code postal"))
    commune = StringField(_("Commune"))
    meeting_point = StringField(_("Point de rendez-vous"))
    access_info = StringField(_("Comment venir"))
    latitude = StringField(_("Latitude"))
    longitude = StringField(_("Longitude"))
    description = StringField(_("Description"))
    min_age = StringField(_("Âge minimum"))
    one_per_class = StringField(_("Une seule réservation par classe"))
    priority_until = StringField(_("Priorité aux établissements REP, REP+ et QPV jusqu’au"))
    host_approval = StringField(_("Examiner chaque demande avant de confirmer"))
    host_answer_hours = StringField(_("Votre délai de réponse, en heures"))
    head_approval = StringField(_("Demander l’accord du chef d’établissement"))
    head_answer_days = StringField(_("Son délai de réponse, en jours"))
    closed_shoes = StringField(_("Chaussures fermées exigées"))
    identity_needed = StringField(_("Pièce d’identité demandée"))
    outdoors = StringField(_("En partie dehors, par tous les temps"))
    equipment = StringField(_("Équipement de protection"))
    conditions = StringField(_("Autres conditions"))
    accessible_for = WordsField(_("Accessible"))
    accessibility_note = StringField(_("Précisions d’accessibilité"))
    contact_email = StringField(_("Adresse de contact"))
    more_contacts = StringField(_("Autres adresses"))
    contact_phone = StringField(_("Téléphone"))
    host_mails = StringField(_("Être prévenu des réservations"))
    partners = StringField(_("Partenaires"))
    parent_id = StringField(_("Se déroule pendant"))
    free = StringField(_("Participation"))
    price = StringField(_("Prix"))

    def values(self) -> dict[str, object]:
        """What `create_event` and `write_event` take. Raises `Invalid`."""
        problems: dict[str, Problem] = {}
        values: dict[str, object] = {}
        try:
            values = read_event(self.raw())
        except Invalid as invalid:
            problems = invalid.fields
        # An edition that cannot be chosen is not in the form; an event that is in none other is.
        if self.edition_id.data is not None:
            values["edition_id"] = _number(self.edition_id.data)
        values["parent_id"] = _number(self.parent_id.data) if self.parent_id.data else None
        if problems:
            raise Invalid(problems)
        return values

    def fill(self, event: Event) -> None:
        """Put an event's words into the fields, as if they had been typed."""
        for name in FIELDS:
            self[name].data = as_typed(name, getattr(event, name))
        self.version.data = str(event.version)
        self.edition_id.data = str(event.edition_id)
        self.parent_id.data = str(event.parent_id or "")


class PictureForm(HouseForm):
    """A picture, and what it shows."""

    picture = FileField(_("Image"))
    alt = StringField(_("Ce que montre l’image"))


class CancelEventForm(HouseForm):
    """Why an event is cancelled."""

    why = StringField(_("Motif"))


class DuplicateForm(HouseForm):
    """Where the copy goes."""

    edition_id = StringField(_("Édition"))


def as_typed(name: str, value: object) -> str | list[str]:
    """A value of an event as its field holds it."""
    if isinstance(value, list | tuple):
        return [str(word) for word in value]
    if isinstance(value, datetime):
        return say_moment(value)
    if name in FLAGS:
        return "1" if value else "0"
    return "" if value is None else str(value)


def edition_number(form: DuplicateForm) -> int:
    """The edition that was chosen; 0, which none has, for anything else."""
    return _number(form.edition_id.data or "")


def _number(given: str) -> int:
    text = given.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
