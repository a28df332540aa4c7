"""The forms of a booking."""

from __future__ import annotations

from collections.abc import Mapping

from flask_wtf import FlaskForm
from wtforms import StringField

from booking.errors import Invalid, Problem
from booking.i18n import _
from booking.models import Party, read_party
from booking.models.event import AccessKind
from booking.vocabulary import ACCESS
from booking.wording import problem_sentence

NEEDS = tuple(f"needs_{kind}" for kind in AccessKind)


class HouseForm(FlaskForm):
    """A form whose fields keep what was typed, and whose problems become sentences beside them."""

    def raw(self) -> dict[str, object]:
        """What was typed, by field name."""
        return {name: field.data for name, field in self._fields.items() if name != "csrf_token"}

    def show(self, problems: Mapping[str, Problem], locale: str) -> None:
        """Put a sentence beside each field that has a problem."""
        for name, problem in problems.items():
            field = self._fields.get(name) or next(iter(self._fields.values()))
            field.errors = [*field.errors, problem_sentence(problem, locale)]


class BookingForm(HouseForm):
    """Who comes: a class and the adult to write to, or a person alone."""

    key = StringField()
    audience = StringField(_("Vous êtes"))
    pupils = StringField(_("Élèves"))
    adults = StringField(_("Adultes avec eux"))
    school_name = StringField(_("Établissement"))
    commune = StringField(_("Commune de l’établissement"))
    school_uai = StringField(_("Code UAI"))
    level = StringField(_("Niveau"))
    label = StringField(_("Nom de la classe"))
    head_asked = StringField(_("Accord du chef d’établissement"))
    old_enough = StringField(_("Âge minimum"))
    name = StringField(_("Vos prénom et nom"))
    email = StringField(_("Votre adresse électronique"))
    phone = StringField(_("Votre téléphone"))
    needs_motor = StringField(ACCESS[AccessKind.MOTOR])
    needs_hearing = StringField(ACCESS[AccessKind.HEARING])
    needs_visual = StringField(ACCESS[AccessKind.VISUAL])
    needs_intellectual = StringField(ACCESS[AccessKind.INTELLECTUAL])
    needs_psychic = StringField(ACCESS[AccessKind.PSYCHIC])

    def party(self, locale: str) -> Party | None:
        """The party this form describes; None when something is off, which is then said beside the fields."""
        try:
            return read_party(self.raw())
        except Invalid as invalid:
            self.show(invalid.fields, locale)
            return None


class HeadcountForm(HouseForm):
    """How many come."""

    pupils = StringField(_("Élèves"))
    adults = StringField(_("Adultes avec eux"))
    ask = StringField()
    """Filled where the host is asked for it, because it is late to change it alone."""


class CancellationForm(HouseForm):
    """Why it is cancelled, if the visitor likes to say; of a split class, whether both halves are."""

    why = StringField(_("Pourquoi ?"))
    both = StringField()


class ActForm(HouseForm):
    """A button and its CSRF token."""
