"""Change one's own account: the name others see, the language of its letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from booking import clock
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import Invalid
from booking.i18n import LOCALES
from booking.models import Account, Actor, Who
from booking.models.party import Reader


@dataclass(frozen=True)
class Profile:
    """What an account says of its person."""

    name: str
    locale: str


def read_profile(raw: Mapping[str, object]) -> Profile:
    """The profile a form describes. Raises `Invalid`. The name may be empty."""
    reader = Reader(raw)
    profile = Profile(reader.text("name", 120, required=False), reader.choice("locale", LOCALES))
    if reader.problems:
        raise Invalid(reader.problems)
    return profile


def edit_account(account_id: int, profile: Profile) -> bool:
    """Write it. Says whether anything changed. The history keeps that it happened, and no name."""
    account = db.session.get_one(Account, account_id, populate_existing=True)
    if (account.name, account.locale) == (profile.name, profile.locale):
        return False
    account.name, account.locale = profile.name, profile.locale
    record_change(Who(Actor.ACCOUNT, account.id), "edited", account, clock.now())
    return True
