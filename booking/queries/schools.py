"""Schools, as far as they are known: by their UAI."""

from __future__ import annotations

from sqlalchemy import select

from booking.academies import head_mailbox
from booking.db import db
from booking.models import Organisation, OrganisationKind


def head_mailbox_of(uai: str) -> str | None:
    """Where a school's head reads official mail: the address that is registered for it, else the one its académie gives it.

    None where the UAI is empty, wrong or of no known académie.
    """
    if not uai:
        return None
    of_school = Organisation.uai == uai, Organisation.kind == OrganisationKind.SCHOOL
    return db.session.scalar(select(Organisation.email).where(*of_school)) or head_mailbox(uai)
