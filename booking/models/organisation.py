"""An organisation: who hosts, teaches, labels or reports."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from booking.db import Base, Word


class OrganisationKind(StrEnum):
    """What an organisation is."""

    COMPANY = "company"
    SCHOOL = "school"
    AUTHORITY = "authority"
    CHAMBER = "chamber"
    PROFESSIONAL_BODY = "professional_body"
    EMPLOYMENT_AGENCY = "employment_agency"
    MEDIA = "media"


class Organisation(Base):
    """A company (SIRET), school (UAI), authority, chamber, professional body, employment agency or medium."""

    __tablename__ = "organisations"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    kind: Mapped[OrganisationKind] = mapped_column(Word(OrganisationKind))
    name: Mapped[str] = mapped_column(String(160))
    siret: Mapped[str | None] = mapped_column(String(14), unique=True)
    uai: Mapped[str | None] = mapped_column(String(8), unique=True)
    commune: Mapped[str] = mapped_column(String(80), default="")
    email: Mapped[str | None] = mapped_column(String(254))
    """Where notices about bookings go when the event names no contact of its own."""
    website: Mapped[str | None] = mapped_column(String(200))
    invented: Mapped[bool] = mapped_column(default=False)
