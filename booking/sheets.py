"""CSV as people's spreadsheets write and open it (RFC 4180, with the semicolon that French spreadsheets expect).

What is written can be opened without harm: no text becomes a formula. What is read may come from any of the usual
programs; an apostrophe that `write_csv` put in front of a text is taken away again.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from io import StringIO
from itertools import chain

from booking.errors import Invalid, Problem

MOST_BYTES = 2 * 1024 * 1024
MOST_LINES = 5_000
_FORMULA = frozenset("=+-@＝＋－＠")
"""What a formula begins with; some programs take the full-width forms for the narrow ones."""
_DELIMITERS = ";,\t"


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """A table as CSV, line by line: UTF-8 with a byte order mark, semicolons, CRLF.

    Numbers stay numbers (with a decimal comma), None is an empty cell, anything else is text on one line without
    control characters. Text that a spreadsheet could take for a formula gets a leading apostrophe.
    """
    yield b"\xef\xbb\xbf"
    for row in chain([header], rows):
        line = StringIO(newline="")
        csv.writer(line, delimiter=";", lineterminator="\r\n").writerow([_cell(value) for value in row])
        yield line.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(value).replace(".", ",")
    text = "".join(" " if sign.isspace() else sign for sign in str(value) if sign.isspace() or not _is_control(sign)).strip()
    return f"'{text}" if _could_be_formula(text) else text


def _is_control(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Cs"}


def _could_be_formula(text: str) -> bool:
    """Whether the first sign that can be seen begins a formula: programs differ in what they skip before it."""
    return next((sign for sign in text if not sign.isspace() and unicodedata.category(sign) != "Cf"), "") in _FORMULA


def read_csv(content: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file, each by the names of its header. See `read_lines`, which also says where they stand."""
    return [row for _, row in read_lines(content)]


def read_lines(content: bytes) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with the number of the line each begins on (the header is line 1); empty ones are left out.

    UTF-8 with or without a byte order mark, or else Windows-1252; semicolons, commas or tabs, as the header shows.
    Cells are trimmed, those missing at the end of a row are empty.

    Raises `Invalid` for the field `file`: `csv_empty` (no row under a header), `csv_too_large` (2 MB, 5 000 lines),
    `csv_unreadable` (no CSV at all), `csv_line_unreadable` (`line`: a quote left open, more cells than names),
    `csv_header_twice` (`name`).
    """
    if len(content) > MOST_BYTES:
        raise _too_large()
    lines = _parsed(_decoded(content))
    if len(lines) < 2:
        raise Invalid({"file": Problem("csv_empty")})
    (first, names), *rows = lines
    if not any(names):
        raise _unreadable(first)
    _check_names(names)
    return [(number, _named(number, names, cells)) for number, cells in rows]


def _too_large() -> Invalid:
    return Invalid({"file": Problem("csv_too_large", {"megabytes": MOST_BYTES // 1024**2, "lines": MOST_LINES})})


def _unreadable(line: int) -> Invalid:
    return Invalid({"file": Problem("csv_line_unreadable", {"line": line})})


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:  # a workbook, or another encoding
            break
        return text
    raise Invalid({"file": Problem("csv_unreadable")})


def _parsed(text: str) -> list[tuple[int, list[str]]]:
    """The rows that hold something, with the line each begins on."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    found: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        for row in reader:
            cells = [_freed(cell.strip()) for cell in row]
            if any(cells):
                found.append((begins, cells))
            begins = reader.line_num + 1
            if begins > MOST_LINES + 2 or len(found) > MOST_LINES + 1:
                raise _too_large()
    except csv.Error:
        raise _unreadable(begins) from None
    return found


def _delimiter(text: str) -> str:
    """The sign that parts the cells of the first line that holds something, outside its quotes."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    bare = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=bare.count)


def _freed(cell: str) -> str:
    """A text without the apostrophe that kept it from being a formula."""
    return cell[1:] if cell.startswith("'") and _could_be_formula(cell[1:]) else cell


def _check_names(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in filter(None, names):
        if name.casefold() in seen:
            raise Invalid({"file": Problem("csv_header_twice", {"name": name})})
        seen.add(name.casefold())


def _named(number: int, names: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """A row by its names. A cell under no name would be lost without a word, so it makes the line unreadable."""
    if any(cells[len(names) :]) or any(cell for name, cell in zip(names, cells, strict=False) if not name):
        raise _unreadable(number)
    padded = [*cells, *[""] * (len(names) - len(cells))]
    return {name: cell for name, cell in zip(names, padded, strict=False) if name}
