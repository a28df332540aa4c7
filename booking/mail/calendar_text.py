"""TEXT as RFC 5545 writes it (section 3.3.11), for what people typed."""

from __future__ import annotations

from icalendar import vText

_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


class Text(vText):
    r"""Text that comes out as it went in. The library's own takes a typed `\N` for a line break: « Chez\Nous » is torn."""

    def to_ical(self) -> bytes:
        """The escaped value, without folding."""
        return self.translate(_ESCAPES).encode()
