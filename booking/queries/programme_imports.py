"""Imports of a programme, for the pages that show them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, undefer

from booking.db import db
from booking.errors import NotFound
from booking.models import Edition, ProgrammeImport

A_PAGE = 100
SHOWN = ("wrong", "create", "update", "unchanged")
_LATEST = 20


def of_authority(authority_id: int) -> list[ProgrammeImport]:
    """The latest imports into an authority's editions, the newest first."""
    statement = (
        select(ProgrammeImport)
        .join(ProgrammeImport.edition)
        .where(Edition.authority_id == authority_id)
        .options(joinedload(ProgrammeImport.edition, innerjoin=True))
        .order_by(ProgrammeImport.id.desc())
        .limit(_LATEST)
    )
    return list(db.session.scalars(statement))


def fresh(import_id: int) -> ProgrammeImport:
    """One import as it is now, with its report. Raises `NotFound`."""
    statement = select(ProgrammeImport).where(ProgrammeImport.id == import_id).options(undefer(ProgrammeImport.report))
    found = db.session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
    if found is None:
        raise NotFound
    return found


def rows_of(programme: ProgrammeImport, shown: str, page: int) -> tuple[list[dict[str, Any]], int, int]:
    """One page of a report's lines, all or those that do one thing; which page it is, and how many there are."""
    rows = [row for row in programme.report if shown not in SHOWN or row["does"] == shown]
    pages = max(1, -(-len(rows) // A_PAGE))
    page = min(max(page, 1), pages)
    return rows[(page - 1) * A_PAGE : page * A_PAGE], page, pages
