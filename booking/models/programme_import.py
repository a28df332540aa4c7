"""An import of a programme: one file, checked line by line, then written whole, in part, or not at all."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from booking.db import Base, UtcDateTime, Word
from booking.models.edition import Edition


class ImportState(StrEnum):
    """Where an import stands. The worker does what is `queued` or `applying`; a person decides in between."""

    QUEUED = "queued"
    CHECKED = "checked"
    APPLYING = "applying"
    DONE = "done"
    FAILED = "failed"


class ProgrammeImport(Base):
    """One file of events for one edition."""

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int] = mapped_column(ForeignKey("editions.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    acting_for_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    file_name: Mapped[str] = mapped_column(String(120))
    lines: Mapped[list[dict[str, str]]] = deferred(mapped_column(JSON, nullable=False))
    """What the file says, a mapping of column names a line; emptied a day after the import has ended."""
    state: Mapped[ImportState] = mapped_column(Word(ImportState), default=ImportState.QUEUED, index=True)
    only_good: Mapped[bool] = mapped_column(default=False)
    """Whether the good lines are to be written although others are not good."""
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    """Lines worked on so far in the state at hand."""
    report: Mapped[list[dict[str, Any]]] = deferred(mapped_column(JSON, default=list, nullable=False))
    """For each line what it would do or did, and what is wrong with it."""
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    edition: Mapped[Edition] = relationship()
