"""The address of a feed as pages show it: for a click, and to be copied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import g

from booking.app_settings import secrets_of, settings
from booking.i18n import DEFAULT_LOCALE
from booking.links import FEED, make_token, opens
from booking.models import Feed

_FILTERS = ("audience", "commune", "day", "level", "places", "q", "type")
"""What the catalogue's address and its feed's have in common."""
_LONGEST = 80


@dataclass(frozen=True)
class Subscription:
    """Where one feed is read."""

    address: str
    """To be copied into any calendar."""

    @property
    def webcal(self) -> str:
        """The same under the scheme at which calendars open by themselves."""
        return f"webcal://{self.address.partition('://')[2]}"


def subscription(path: str, filters: Mapping[str, str] | None = None, locale: str | None = None) -> Subscription:
    """The feed at a path of ours; in this visitor's language, unless another is named."""
    asked = dict(filters or {})
    if (locale or g.locale) != DEFAULT_LOCALE:
        asked["lang"] = locale or g.locale
    return Subscription(f"{settings().base_url}{path}{'?' if asked else ''}{urlencode(asked)}")


def secret_subscription(feed: Feed) -> Subscription:
    """A secret feed's. Only who may read all that stands in it may be shown this."""
    token = make_token(settings().secret_key, FEED, feed.nonce)
    return subscription(f"/feeds/{feed.id}-{token}.ics")


def is_secret_of(feed: Feed, token: str) -> bool:
    """Whether a token opens a feed; one made before the feed was renewed does not."""
    return opens(token, secrets_of(settings()), FEED, feed.nonce)


def filters_in(query: Mapping[str, str]) -> dict[str, str]:
    """The catalogue's filters in an address, each under its name; what else stands there is no business of a feed's."""
    given = {name: query.get(name, "").strip()[:_LONGEST] for name in _FILTERS}
    return {name: value for name, value in given.items() if value}
