"""Name who runs the installation, or end that: they see what came in that is no organisation's affair."""

from __future__ import annotations

from booking import clock
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import Invalid, Problem
from booking.models import Account, Who
from booking.queries.accounts import account_of


def name_operator(email: str, operates: bool, who: Who, own_address: str = "") -> bool:
    """Give or take the operator's part by address; who gets it gets an account, too. Says whether anything changed.

    Raises `Invalid` for the address our own mail comes from.
    """
    now, address = clock.now(), email.casefold()
    if address == own_address.casefold():
        raise Invalid({"email": Problem("own_address")})
    account = account_of(address)
    if account is None and operates:
        account = Account(email=address, created_at=now)
        db.session.add(account)
        db.session.flush()
        record_change(who, "account_opened", account, now)
    if account is None or account.operates == operates:
        return False
    account.operates = operates
    record_change(who, "operator_named" if operates else "operator_ended", account, now)
    return True
