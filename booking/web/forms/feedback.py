"""The form that asks how a visit was."""

from __future__ import annotations

from wtforms import StringField

from booking.i18n import _
from booking.web.forms.booking import HouseForm


class FeedbackForm(HouseForm):
    """A rating, and a few words if its booker likes."""

    rating = StringField(_("Votre note"))
    comment = StringField(_("Quelques mots"))
