"""The forms that move a booking and split a class."""

from __future__ import annotations

from collections.abc import Sequence

from wtforms import StringField

from booking.actions.book_split import Part
from booking.errors import Invalid, Problem
from booking.i18n import _
from booking.models import Booking, Party
from booking.models.party import LARGEST_CLASS, MOST_ADULTS, read_number
from booking.queries.other_slots import Halves
from booking.web.forms.booking import BookingForm, HouseForm


class MoveForm(HouseForm):
    """Which slot instead."""

    slot = StringField(_("Nouveau créneau"))

    def slot_id(self) -> int:
        """The slot that was chosen. Raises `Invalid` where none was."""
        return slot_number(self.slot.data, "slot")


class HostMoveForm(MoveForm):
    """Which slot instead, and why: the booker reads it."""

    why = StringField(_("Motif"))


class SplitForm(HouseForm):
    """Of a booked class: who stays, and who comes to another slot."""

    staying_pupils = StringField(_("Élèves qui restent"))
    staying_adults = StringField(_("Adultes qui restent"))
    slot = StringField(_("Autre créneau"))
    pupils = StringField(_("Élèves sur l’autre créneau"))
    adults = StringField(_("Adultes sur l’autre créneau"))

    def suggest(self, halves: Halves) -> None:
        """Fill the form in with halves that fit."""
        self.slot.data = str(halves.slot.id)
        self.staying_pupils.data, self.staying_adults.data = map(str, halves.first)
        self.pupils.data, self.adults.data = map(str, halves.second)

    def going(self, booking: Booking) -> tuple[int, int, int]:
        """The other slot, and the pupils and adults who come to it. Raises `Invalid` where they do not add up to the class."""
        problems: dict[str, Problem] = {}
        pupils = _numbers(self, ("staying_pupils", "pupils"), LARGEST_CLASS, problems)
        adults = _numbers(self, ("staying_adults", "adults"), MOST_ADULTS, problems)
        slot = _slot(self, "slot", problems)
        for name, given, whole in (("pupils", pupils, booking.pupils), ("adults", adults, booking.adults)):
            if len(given) == 2 and sum(given) != whole:
                problems[name] = Problem("halves_do_not_add_up", {"sum": sum(given), "whole": whole})
        if problems:
            raise Invalid(problems)
        return slot, pupils[1], adults[1]


class BookSplitForm(BookingForm):
    """A class that books two slots at once."""

    first_pupils = StringField(_("Élèves sur ce créneau"))
    first_adults = StringField(_("Adultes sur ce créneau"))
    second_slot = StringField(_("Autre créneau"))
    second_pupils = StringField(_("Élèves sur l’autre créneau"))
    second_adults = StringField(_("Adultes sur l’autre créneau"))

    def suggest(self, halves: Halves) -> None:
        """Fill the form in with halves that fit."""
        self.second_slot.data = str(halves.slot.id)
        self.first_pupils.data, self.first_adults.data = map(str, halves.first)
        self.second_pupils.data, self.second_adults.data = map(str, halves.second)

    def parts(self, slot_id: int, party: Party) -> Sequence[Part]:
        """What comes to this slot and to the other. Raises `Invalid` where they do not add up to the class."""
        problems: dict[str, Problem] = {}
        pupils = _numbers(self, ("first_pupils", "second_pupils"), LARGEST_CLASS, problems)
        adults = _numbers(self, ("first_adults", "second_adults"), MOST_ADULTS, problems)
        other = _slot(self, "second_slot", problems)
        for name, given, whole in (("second_pupils", pupils, party.pupils), ("second_adults", adults, party.adults)):
            if len(given) == 2 and sum(given) != whole:
                problems[name] = Problem("halves_do_not_add_up", {"sum": sum(given), "whole": whole})
        if problems:
            raise Invalid(problems)
        return Part(slot_id, pupils[0], adults[0]), Part(other, pupils[1], adults[1])


def slot_number(given: object, name: str) -> int:
    """The slot a form names. Raises `Invalid`."""
    text = str(given or "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid({name: Problem("not_a_choice")})
    return int(text)


def _slot(form: HouseForm, name: str, problems: dict[str, Problem]) -> int:
    try:
        return slot_number(form.raw()[name], name)
    except Invalid as invalid:
        problems.update(invalid.fields)
        return 0


def _numbers(form: HouseForm, names: Sequence[str], most: int, problems: dict[str, Problem]) -> list[int]:
    """What was typed into these fields; what is no number is left out and said to be wrong."""
    read = {name: read_number(form.raw()[name], 1, most) for name in names}
    problems.update({name: found for name, found in read.items() if isinstance(found, Problem)})
    return [found for found in read.values() if isinstance(found, int)]
