"""Why something is cancelled or moved, in somebody's own words: one rule for every form.

The API shares the length. It refuses a line break that a form would forgive, as it does in every field: no finger slipped there.
"""

from __future__ import annotations

from collections.abc import Mapping

from booking.errors import Invalid
from booking.models.party import Reader

LONGEST_REASON = 400
"""Signs; as long as the columns that keep it."""


def read_reason(raw: Mapping[str, object], *, required: bool, name: str = "why") -> str:
    """A reason as one line, from the field `name`. Raises `Invalid` where it is missing, too long or holds signs nobody sees."""
    given = raw.get(name)
    reader = Reader({name: " ".join(given.split()) if isinstance(given, str) else given})
    reason = reader.text(name, LONGEST_REASON, required=required)
    if reader.problems:
        raise Invalid(reader.problems)
    return reason
