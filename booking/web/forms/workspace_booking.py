"""The forms of bookings in a workspace: the public ones, in the words of whoever writes for somebody else."""

from __future__ import annotations

from wtforms import StringField

from booking.i18n import _
from booking.models.reason import read_reason
from booking.web.forms.booking import BookingForm, HouseForm


class BookingForSomebodyForm(BookingForm):
    """A booking made on the telephone: the same questions, about another person."""

    audience = StringField(_("Public"))
    name = StringField(_("Prénom et nom"))
    email = StringField(_("Adresse électronique"))
    phone = StringField(_("Téléphone"))


class HostCancellationForm(HouseForm):
    """Why the host cancels: the booker reads it."""

    why = StringField(_("Motif"))

    def reason(self) -> str:
        """The reason as one line. Raises `Invalid` where there is none or too much of it."""
        return read_reason(self.raw(), required=True)


class ResendForm(HouseForm):
    """Which mail is to be sent again."""

    message = StringField()
