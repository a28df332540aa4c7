"""What the catalogue's search reads of an event; `booking.queries.catalogue` compares the visitor's words with it."""

from __future__ import annotations

from booking.i18n import LOCALES, translate
from booking.markdown import plain_text
from booking.models import Event
from booking.models.event import plain
from booking.vocabulary import AUDIENCES, TYPES


def search_text_for(event: Event) -> str:
    """Everything a visitor might type to find this event, as `plain()` words parted by spaces.

    Title, summary, the words of the description, host, commune, place, partners and levels as they stand; type and audiences in
    every language of the interface. Write it to `event.search_text` whenever one of these changes.
    """
    own = [event.title, event.summary, event.host.name, event.commune, event.place_name, event.partners, *event.levels]
    own.append(plain_text(event.description))
    named = [TYPES[event.type], *(AUDIENCES[audience] for audience in event.audiences)]
    words = plain(" ".join([*own, *(translate(locale, name) for locale in LOCALES for name in named)])).split()
    return " ".join([*words, *_with_the_other_apostrophe(words)])


def _with_the_other_apostrophe(words: list[str]) -> list[str]:
    """Both « l'usine » and « l’usine » are typed; neither must miss."""
    swapped = str.maketrans("'’", "’'")
    return [word.translate(swapped) for word in words if "'" in word or "’" in word]
