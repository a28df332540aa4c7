"""The forms of the waiting list."""

from __future__ import annotations

from wtforms import SelectMultipleField, StringField

from booking.errors import Invalid, Problem
from booking.i18n import _
from booking.models import Party
from booking.models.party import LARGEST_CLASS, read_number
from booking.web.forms.booking import BookingForm, HouseForm

_MOST_SLOTS = 100


class WaitingForm(BookingForm):
    """Who would come, and with how few, to which slots."""

    at_least = StringField(_("Nous pourrions aussi venir à au moins"))
    also = SelectMultipleField(_("Ces créneaux nous iraient aussi"), choices=[], validate_choice=False)

    def wish(self, party: Party) -> tuple[int | None, list[int]]:
        """The fewest pupils who would come, and the other slots. Raises `Invalid`."""
        return read_at_least(self.at_least.data, party), slot_numbers(self.also.data)


class WaitChangeForm(HouseForm):
    """What a party that waits already would come to, and with how few."""

    at_least = StringField(_("Nous pourrions aussi venir à au moins"))
    also = SelectMultipleField(_("Créneaux attendus"), choices=[], validate_choice=False)


class OfferByHandForm(HouseForm):
    """What the host offers to somebody who waits."""

    slot = StringField(_("Créneau"))
    pupils = StringField(_("Élèves"))


class DeclineForm(HouseForm):
    """Whether somebody who declines goes on waiting."""

    stay = StringField()


def read_at_least(given: str | None, party: Party) -> int | None:
    """The fewest pupils a class would come with; None where all come or nobody. Raises `Invalid`."""
    if not party.is_class or not (given or "").strip():
        return None
    read = read_number(given, 1, LARGEST_CLASS)
    if isinstance(read, Problem):
        raise Invalid({"at_least": read})
    return read


def slot_numbers(given: list[str] | None) -> list[int]:
    """The slots a form names; what is no number names none."""
    numbers = [one for one in given or [] if one.isascii() and one.isdigit() and len(one) < 10]
    return [int(one) for one in numbers[:_MOST_SLOTS]]
