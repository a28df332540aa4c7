"""What is printed: PDFs set by Typst, tagged for screen readers (PDF/UA-1), from templates under `templates/paper`.

Data reaches a template as JSON and never becomes part of its source, so no text can turn into markup.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

from typst import Fonts, TypstError
from typst import compile as typeset

from booking import clock
from booking.config import ROOT

MOST_ROWS = 1_000
"""Bookings one sheet may list: typesetting cannot be stopped half-way, so its time is bounded by its input."""

_LONGEST = 200
"""Characters of one text; what is longer is cut."""
_TEXTS = ("title", "day", "hours", "meeting_point", "host", "contact", "places", "printed")
_LABELS = (
    *("places", "meeting_point", "host", "contact", "none", "total", "page"),
    *("came", "reference", "who", "level", "pupils", "adults", "needs", "present"),
)
_ROW_TEXTS = {"reference": 9, "who": 16, "level": 9, "contact_name": 16, "phone": 16}
"""The texts of a row, and how many signs without a space fit into their column."""


def day_sheet(data: Mapping[str, object]) -> bytes:
    """The A4 list of one slot for the gate, as a PDF.

    `data` holds `locale` ("fr" or "en") and, all as text ready to be read: `title`, `day`, `hours`, `meeting_point`,
    `host`, `contact`, `places` (« 28 sur 31 ») and `printed` (« Imprimé le … »); what is empty is left out.
    `labels` holds the words of the sheet: places, meeting_point, host, contact, came, reference, who, level, pupils,
    adults, needs, present, total, none (said when nobody is expected) and page (« Page %(page)s sur %(pages)s »).
    `bookings` are mappings with reference, who, level, contact_name and phone (text), pupils and adults (numbers) and
    needs (a list of texts). Totals are added up here. `held`, where given, are mappings like these for what nobody has confirmed
    yet: listed apart under `labels["held"]`, and part of no total.

    Raises `KeyError` where something is missing and `ValueError` for more than 1 000 bookings.
    """
    return _set("day_sheet", _day_sheet_facts(data))


def _day_sheet_facts(data: Mapping[str, object]) -> dict[str, object]:
    bookings, held, labels = data["bookings"], data.get("held", ()), data["labels"]
    if not isinstance(bookings, Sequence) or not isinstance(held, Sequence) or not isinstance(labels, Mapping):
        raise TypeError("bookings are a list, labels a mapping")
    if len(bookings) + len(held) > MOST_ROWS:
        raise ValueError(f"a sheet lists {MOST_ROWS} bookings at most")
    rows = [_row(booking) for booking in bookings]
    return {
        "locale": "en" if data["locale"] == "en" else "fr",
        "labels": {name: _printable(labels[name]) for name in (*_LABELS, *(["held"] if held else []))},
        "bookings": rows,
        "held": [_row(booking) for booking in held],
        "pupils": sum(int(booking["pupils"]) for booking in bookings),
        "adults": sum(int(booking["adults"]) for booking in bookings),
        **{name: _printable(data[name]) for name in _TEXTS},
    }


def _row(booking: Mapping[str, object]) -> dict[str, object]:
    needs = booking["needs"]
    return {
        "pupils": int(str(booking["pupils"])),
        "adults": int(str(booking["adults"])),
        "needs": [_printable(need) for need in needs] if isinstance(needs, Sequence) else [],
        **{name: _printable(booking[name], run) for name, run in _ROW_TEXTS.items()},
    }


def _printable(value: object, run: int = 16) -> str:
    """One line without control characters or signs that turn the direction of text, which may break after `run` signs."""
    line = " ".join(str(value)[:_LONGEST].split())
    shown = "".join(sign for sign in line if not _is_hidden(sign))
    return re.sub(rf"(\S{{{run}}})(?=\S)", "\\1\u200b", shown)


def _is_hidden(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Cs", "Co", "Cn"} or "\u202a" <= sign <= "\u202e" or "\u2066" <= sign <= "\u2069"


def _set(template: str, facts: Mapping[str, object]) -> bytes:
    """A template filled and set. PDF/UA asks for a glyph for every sign; without one the sheet is printed all the same."""
    folder = ROOT / "templates" / "paper"
    source, inputs = folder / f"{template}.typ", {"data": json.dumps(facts)}
    printed_at = clock.now().replace(microsecond=0)
    try:
        return typeset(
            source, root=folder, font_paths=_fonts(), format="pdf", sys_inputs=inputs, timestamp=printed_at, pdf_standards="ua-1"
        )
    except TypstError:
        return typeset(source, root=folder, font_paths=_fonts(), format="pdf", sys_inputs=inputs, timestamp=printed_at)


@lru_cache(maxsize=1)
def _fonts() -> Fonts:
    """The machine's fonts and those Typst brings along; looked for once."""
    return Fonts()
