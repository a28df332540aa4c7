"""Start an organisation by hand, and invite its first manager: for those who would never find the way in by themselves."""

from __future__ import annotations

from booking import clock
from booking.actions.invite_member import invite_member
from booking.actions.join_organisation import Wanted, find_organisation, make_organisation
from booking.errors import Invalid, Problem
from booking.models import Organisation, OrganisationKind, Role, Who


def start_organisation(wanted: Wanted, email: str, who: Who, own_address: str = "") -> Organisation:
    """The organisation, found by its number or name or made, with a manager who is written to. Raises `Invalid`."""
    organisation = find_organisation(wanted) or make_organisation(wanted, who, clock.now())
    if organisation.kind is OrganisationKind.AUTHORITY:
        raise Invalid({"siret": Problem("by_invitation")})
    invite_member(organisation.id, email, Role.MANAGER, who, own_address=own_address)
    return organisation
