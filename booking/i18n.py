"""Languages: French first, English second; dates, hours and numbers as people in each language say them.

Messages are written in French in code and templates; `booking/translations/en/*.po` holds the English. The
catalogues are compiled in memory at the first use, so there is no build step to forget.
"""

from __future__ import annotations

import gettext
import re
from datetime import date, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from booking import clock

LOCALES = ("fr", "en")
DEFAULT_LOCALE = "fr"
_CATALOGUES = Path(__file__).parent / "translations"
_TIGHT_BEFORE = re.compile(r" ([:;?!»]|%(?!\())")  # a placeholder is no percent sign
_TIGHT_AFTER = re.compile(r"« ")


class _French(gettext.NullTranslations):
    """The source language: nothing to look up, but zero takes the singular."""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return msgid1 if abs(n) < 2 else msgid2


def _(message: str) -> str:
    """Mark a message for translation where it is written; `translate` renders it where it is read."""
    return message


@lru_cache(maxsize=8)
def catalogue(locale: str) -> gettext.NullTranslations:
    """The messages of a language. Every file of its folder is part of it."""
    found: gettext.NullTranslations = _French()
    for path in sorted((_CATALOGUES / locale).glob("*.po")):
        with path.open("rb") as source:
            compiled = BytesIO()
            write_mo(compiled, read_po(source, locale=locale))
        compiled.seek(0)
        loaded = gettext.GNUTranslations(compiled)
        if isinstance(found, _French):
            found = loaded
        else:
            found.add_fallback(loaded)
    return found


@lru_cache(maxsize=4096)
def translate(locale: str, message: str) -> str:
    """A message in a language, with the spaces its typography asks for."""
    return typeset(locale, catalogue(locale).gettext(message))


@lru_cache(maxsize=8192)
def translate_plural(locale: str, singular: str, plural: str, number: int) -> str:
    """The form of a message that goes with a number."""
    return typeset(locale, catalogue(locale).ngettext(singular, plural, number))


def typeset(locale: str, text: str) -> str:
    """French sets « guillemets » and double punctuation off with spaces that must not break."""
    if locale != "fr":
        return text
    return _TIGHT_AFTER.sub("«\u00a0", _TIGHT_BEFORE.sub("\u00a0\\1", text))


@lru_cache(maxsize=4096)
def figure(value: float, locale: str) -> str:
    """A number with its thousands apart, « 2 781 », "2,781", or with a decimal, « 4,2 », "4.2"."""
    return format_decimal(value, locale=_babel(locale)).replace("\u202f", "\u00a0")


def day(value: date, locale: str, *, year: bool = False) -> str:
    """« jeudi 26 novembre », "Thursday 26 November"; the year follows where asked for."""
    return _first(format_date(value, "EEEE d MMMM y" if year else "EEEE d MMMM", locale=_babel(locale)), locale)


def span_start(start: date, end: date, locale: str) -> str:
    """The first day of a span, without its month where the last day says it: « lundi 23 » (au dimanche 29 novembre)."""
    if (start.year, start.month) != (end.year, end.month):
        return day(start, locale, year=start.year != end.year)
    return _first(format_date(start, "EEEE d ", locale=_babel(locale)), locale).rstrip()


@lru_cache(maxsize=4096)
def short_day(value: date, locale: str) -> str:
    """« jeu. 26 nov. », "Thu 26 Nov"."""
    return _first(format_date(value, "EEE d MMM", locale=_babel(locale)), locale)


@lru_cache(maxsize=4096)
def hour(instant: datetime, locale: str) -> str:
    """The hour on a wall clock in Paris: « 14 h 30 », "2:30 pm"."""
    local = clock.in_paris(instant)
    if locale == "fr":
        return f"{local.hour}\u00a0h\u00a0{local.minute:02d}" if local.minute else f"{local.hour}\u00a0h"
    said = format_time(local.time(), "h:mm a" if local.minute else "h a", locale="en_GB")
    return said.replace("\u202f", "\u00a0")


def hours(start: datetime, end: datetime, locale: str) -> str:
    """« 14 h 30 – 16 h », "2:30 pm – 4 pm"."""
    return f"{hour(start, locale)}\u00a0–\u00a0{hour(end, locale)}"


def moment(instant: datetime, locale: str) -> str:
    """Day and hour as people say them, with the year when it is not this one."""
    return f"{instant_day(instant, locale)}, {hour(instant, locale)}"


def short_moment(instant: datetime, locale: str) -> str:
    """« jeu. 26 nov., 14 h 30 », for tables; in full with the year when it is not this one."""
    local = clock.paris_day(instant)
    if local.year != clock.paris_day(clock.now()).year:
        return moment(instant, locale)
    return f"{short_day(local, locale)}, {hour(instant, locale)}"


def instant_day(instant: datetime, locale: str) -> str:
    """The day of an instant in Paris, with the year when it is not this one."""
    local = clock.paris_day(instant)
    return day(local, locale, year=local.year != clock.paris_day(clock.now()).year)


def _first(said: str, locale: str) -> str:
    """The first of a month is « 1er » in French."""
    return said.replace(" 1 ", " 1er ") if locale == "fr" else said


def _babel(locale: str) -> str:
    return "en_GB" if locale == "en" else "fr_FR"
