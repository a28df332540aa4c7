"""The forms of a pool."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from wtforms import StringField

from booking.i18n import _
from booking.models import Pool, PoolKind
from booking.models.pool_words import pool_said
from booking.web.forms.booking import HouseForm
from booking.web.forms.event import WordsField


class PoolForm(HouseForm):
    """How many places, for whom, and which slots draw on them."""

    key = StringField()
    seen = StringField()
    kind = StringField()
    name = StringField(_("Nom"))
    capacity = StringField(_("Nombre de places"))
    audiences = WordsField(_("Réservées à"))
    opens_at = StringField(_("Ouvertes à tous à partir de"))
    slots = WordsField(_("Créneaux qui y puisent"))

    def begin(self, kind: PoolKind, slot_ids: Iterable[int]) -> None:
        """An empty form, with the slots it was asked from."""
        self.key.data = secrets.token_urlsafe(16)
        self.kind.data = kind.value
        self.slots.data = [str(number) for number in slot_ids]

    def fill(self, pool: Pool, slot_ids: Iterable[int]) -> None:
        """Put a pool into the fields, as if it had been typed."""
        for name, said in pool_said(pool, slot_ids).items():
            self[name].data = said


class WhatIfForm(HouseForm):
    """Which number of places, and which other one to try."""

    pool = StringField(_("Quelles places"))
    capacity = StringField(_("Nombre de places"))
