"""The forms of a slot: opening new ones, its terms, and what a host does while it runs."""

from __future__ import annotations

import secrets

from wtforms import StringField

from booking import clock
from booking.i18n import _
from booking.models import Slot
from booking.models.slot_words import terms_of
from booking.web.forms.booking import HouseForm
from booking.web.forms.event import WordsField

_FIRST_TERMS = {
    "minutes": "90",
    "arrive_minutes_before": "0",
    "min_party": "1",
    "closes_hours": "2",
    "headcount_hours": "48",
    "cancel_hours": "0",
}


class TermsForm(HouseForm):
    """On which terms a slot is booked, and the version they began with."""

    version = StringField()
    counts_adults = StringField(_("Les adultes prennent aussi des places"))
    min_party = StringField(_("Groupe le plus petit"))
    max_party = StringField(_("Groupe le plus grand"))
    pupils_per_adult = StringField(_("Élèves pour un adulte"))
    adults_required = StringField(_("Exiger ces adultes, et non seulement les conseiller"))
    opens_at = StringField(_("Ouverture des réservations"))
    opens_hours = StringField(_("Ouverture, en heures avant"))
    closes_hours = StringField(_("Clôture, en heures avant"))
    closes_at = StringField(_("Clôture à un moment précis"))
    headcount_hours = StringField(_("Changer l’effectif, jusqu’à"))
    cancel_hours = StringField(_("Annuler en ligne, jusqu’à"))

    def fill(self, slot: Slot) -> None:
        """Put a slot's terms into the fields, as if they had been typed."""
        for name, said in terms_of(slot).items():
            if name in self:
                self[name].data = said
        self.version.data = str(slot.version)


class SlotsForm(TermsForm):
    """When new slots take place, how many may come, and on which terms."""

    key = StringField()
    anyway = StringField()
    first = StringField(_("Jour"))
    times = StringField(_("Heures de début"))
    minutes = StringField(_("Durée en minutes"))
    days = WordsField(_("Jours de la semaine"))
    last = StringField(_("Jusqu’au"))
    capacity = StringField(_("Nombre de places"))
    meeting_point = StringField(_("Point de rendez-vous"))
    arrive_minutes_before = StringField(_("Arriver avant, en minutes"))

    def begin(self, like: Slot | None) -> None:
        """Propose what the event's last slot had, so that nothing is asked twice."""
        self.key.data = secrets.token_urlsafe(16)
        for name, said in _FIRST_TERMS.items():
            self[name].data = said
        if like:
            self.fill(like)
            self.opens_at.data = self.closes_at.data = ""  # moments of another day
            self.closes_hours.data = self.closes_hours.data or _FIRST_TERMS["closes_hours"]
            self.minutes.data = minutes_of(like)
            self.capacity.data = str(like.capacity)


class MoveForm(HouseForm):
    """When a slot takes place from now on."""

    anyway = StringField()
    day = StringField(_("Jour"))
    time = StringField(_("Heure de début"))
    minutes = StringField(_("Durée en minutes"))
    why = StringField(_("Pourquoi ?"))

    def fill(self, slot: Slot) -> None:
        """Put the present time into the fields."""
        starts_at = clock.in_paris(slot.starts_at)
        self.day.data, self.time.data = starts_at.date().isoformat(), starts_at.strftime("%H:%M")
        self.minutes.data = minutes_of(slot)


class MeetingForm(HouseForm):
    """Where a slot meets from now on."""

    meeting_point = StringField(_("Point de rendez-vous"))
    arrive_minutes_before = StringField(_("Arriver avant, en minutes"))
    why = StringField(_("Pourquoi ?"))

    def fill(self, slot: Slot) -> None:
        """Put the present point into the fields."""
        self.meeting_point.data, self.arrive_minutes_before.data = slot.meeting_point, str(slot.arrive_minutes_before)


class CapacityForm(HouseForm):
    """How many may come."""

    capacity = StringField(_("Nombre de places"))


class ReopeningForm(HouseForm):
    """Until when bookings are open again."""

    closes_at = StringField(_("Réservations ouvertes jusqu’à"))


class SlotCancellationForm(HouseForm):
    """Why a slot is cancelled."""

    why = StringField(_("Pourquoi ?"))


class LetterForm(HouseForm):
    """What a host writes to everybody who has booked."""

    key = StringField()
    letter = StringField(_("Votre message"))


def minutes_of(slot: Slot) -> str:
    """How long a slot lasts, as a form shows it."""
    return str(round((slot.ends_at - slot.starts_at).total_seconds() / 60))
