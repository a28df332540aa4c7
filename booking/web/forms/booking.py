"""The forms of a booking."""

from __future__ import annotations

from collections.abc import Mapping

from flask_wtf import FlaskForm
from wtforms import StringField

from booking.errors import Invalid, Problem
from booking.models import Party, read_party
from booking.models.event import AccessKind
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
    audience = StringField()
    school_name = StringField()
    commune = StringField()
    school_uai = StringField()
    level = StringField()
    label = StringField()
    pupils = StringField()
    adults = StringField()
    name = StringField()
    email = StringField()
    phone = StringField()
    needs_motor = StringField()
    needs_hearing = StringField()
    needs_visual = StringField()
    needs_intellectual = StringField()
    needs_psychic = StringField()

    def party(self, locale: str, own_address: str) -> Party | None:
        """The party this form describes; None when something is off, which is then said beside the fields."""
        try:
            party = read_party(self.raw())
        except Invalid as invalid:
            self.show(invalid.fields, locale)
            return None
        if party.email.casefold() == own_address.casefold():
            self.show({"email": Problem("own_address")}, locale)
            return None
        return party


class HeadcountForm(HouseForm):
    """How many come."""

    pupils = StringField()
    adults = StringField()


class CancellationForm(HouseForm):
    """Why it is cancelled, if the visitor likes to say."""

    why = StringField()


class ActForm(HouseForm):
    """A button and its CSRF token."""
