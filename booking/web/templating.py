"""What templates may say: translated sentences, dates as people say them, names of things, links."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, g, request, url_for
from markupsafe import Markup

from booking import clock, i18n, vocabulary
from booking.errors import Problem, Refusal
from booking.i18n import _
from booking.models import Audience, Slot
from booking.models.admission import Caution, levels_admitted
from booking.web.forms.booking import NEEDS
from booking.web.security import PERSONAL
from booking.wording import caution_sentence, problem_sentence, refusal_sentence


def init_app(app: Flask) -> None:
    """Give the templates their functions and filters."""
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.filters.update(
        day=_localized(i18n.day),
        short_day=_localized(i18n.short_day),
        span_start=lambda start, end: i18n.span_start(start, end, g.locale),
        instant_day=_localized(i18n.instant_day),
        hour=_localized(i18n.hour),
        moment=_localized(i18n.moment),
        short_moment=_localized(i18n.short_moment),
        figure=lambda number: i18n.figure(number, g.locale),
        paris_day=clock.paris_day,
        iso=lambda instant: clock.in_paris(instant).isoformat(timespec="minutes"),
        paragraphs=lambda text: [part.strip() for part in text.split("\n\n") if part.strip()],
        sentence=_sentence,
        fr=lambda text: i18n.typeset("fr", text),
    )
    env.globals.update(
        _=_said,
        gettext=_said,
        ngettext=_said_of,
        path=_path,
        bootstrap_css=_bootstrap_css,
        hours=lambda slot: Markup('<span class="nowrap">{}</span>').format(i18n.hours(slot.starts_at, slot.ends_at, g.locale)),
        type_name=lambda word: gettext(vocabulary.TYPES[word]),
        audience_name=lambda word: gettext(vocabulary.AUDIENCES[word]),
        person_name=lambda word: gettext(vocabulary.PERSONS[word]),
        level_name=lambda word: gettext(vocabulary.LEVELS.get(word, word)),
        state_name=lambda word: gettext(vocabulary.STATES[word]),
        for_whom=_for_whom,
        access_name=lambda word: gettext(vocabulary.ACCESS[word]),
        in_language=in_language,
        with_query=with_query,
        asset=_asset_finder(app),
        settings=app.config["SETTINGS"],
        now=clock.now,
        day_target=_day_target,
        as_is=lambda value: value,
        chosen_name=_chosen_name,
        levels_for=levels_admitted,
        answers_by=_answers_by,
        needs_open=lambda form: any(form[name].data or form[name].errors for name in NEEDS),
        hold_said=_hold_said,
    )


def gettext(message: str) -> str:
    """A message in this visitor's language."""
    return i18n.translate(g.get("locale", i18n.DEFAULT_LOCALE), message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """The form of a message that goes with a number, in this visitor's language."""
    return i18n.translate_plural(g.get("locale", i18n.DEFAULT_LOCALE), singular, plural, number)


def _for_whom(audiences: Iterable[str]) -> str:
    """Audiences in the middle of a sentence: « la presse et les élus »."""
    names = [gettext(vocabulary.FOR_WHOM[Audience(word)]) for word in audiences]
    return gettext(_(" et ")).join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


def _said(message: str, **facts: object) -> Markup:
    """A message for a template: itself trusted, the facts in it escaped."""
    return _trusted(g.locale, message) % facts if facts else _finished(g.locale, message)


def _said_of(singular: str, plural: str, number: int, **facts: object) -> Markup:
    """The form of a message that goes with a number, which it may call %(num)s."""
    return Markup(i18n.translate_plural(g.locale, singular, plural, number)) % {"num": number, **facts}  # noqa: S704 - ours


@lru_cache(maxsize=4096)
def _trusted(locale: str, message: str) -> Markup:
    return Markup(i18n.translate(locale, message))  # noqa: S704 - messages are written by us


@lru_cache(maxsize=4096)
def _finished(locale: str, message: str) -> Markup:
    return _trusted(locale, message) % ()


@lru_cache(maxsize=64)
def _path(endpoint: str) -> str:
    """The address of a page that has no parameter."""
    return url_for(endpoint)


@lru_cache(maxsize=1)
def _bootstrap_css() -> str:
    return url_for("bootstrap.static", filename="css/bootstrap.min.css", v=version("Bootstrap-Flask"))


def _localized(render: Callable[..., str]) -> Callable[[date | datetime], str]:
    return lambda value: render(value, g.get("locale", i18n.DEFAULT_LOCALE))


def _sentence(what: Problem | Refusal | Caution) -> str:
    say: Callable[[Any, str], str] = refusal_sentence
    if isinstance(what, Problem | Caution):
        say = problem_sentence if isinstance(what, Problem) else caution_sentence
    return say(what, g.locale)


def _answers_by(slot: Slot, hours: int) -> date:
    """The last day on which somebody answers who has so many hours, whatever the hour it is asked today."""
    last = clock.paris_day(clock.now()) + timedelta(days=math.ceil(hours / 24))
    return min(last, clock.paris_day(slot.answers_until(clock.now())))


def in_language(locale: str) -> str:
    """This page's address in another language. Who came by a booking's secret link keeps it: without it there would be no page.

    The address stays on this site, no other address on the page carries it, and no Referer does (`booking.web.security`). The
    link of a sign-in is not repeated: in another browser its page must show nothing that opens.
    """
    keeps = request.blueprint in PERSONAL and request.blueprint != "sign_in"
    return with_query(lang=locale, token=request.args.get("token") if keeps else None)


def with_query(**changes: object) -> str:
    """This page's address with some of its query changed; None removes a name."""
    if request.url_rule is None or request.method != "GET":
        return url_for("home.show", lang=changes.get("lang"))
    query = {name: value for name, value in request.args.items() if name not in {"token", "lang"}}
    query |= {name: str(value) for name, value in changes.items() if value is not None}
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
    # Names in an address are its writer's: `_scheme` or `event_id` among them must say nothing to `url_for`.
    path = url_for(request.endpoint or "home.show", **(request.view_args or {}))
    return f"{path}?{urlencode(query)}" if query else path


def _day_target(day: date) -> str:
    """Where a day of the week strip leads: the catalogue with that day, keeping the other filters."""
    if request.endpoint in {"catalogue.show", "catalogue.of_edition"}:
        return with_query(day=None if request.args.get("day") == day.isoformat() else day.isoformat(), page=None)
    return url_for("catalogue.show", day=day.isoformat())


def _chosen_name(name: str, value: str) -> str:
    """How a chosen filter is called in its chip; empty for a name that is no filter."""
    if name == "day":
        return i18n.short_day(date.fromisoformat(value), g.locale)
    if name == "places":
        return ngettext("%(n)s place", "%(n)s places", int(value)) % {"n": value}
    words = {"type": vocabulary.TYPES, "audience": vocabulary.AUDIENCES, "level": vocabulary.LEVELS}.get(name)
    if words is not None:
        return gettext(words[value])
    if name == "q":
        return gettext("« %(words)s »") % {"words": value}
    return value if name == "commune" else ""


def _hold_said(minutes: int) -> str:
    """How long places are held: « 2 heures », « 45 minutes »."""
    if minutes % 60:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    return ngettext("%(n)s heure", "%(n)s heures", minutes // 60) % {"n": minutes // 60}


def _asset_finder(app: Flask) -> Callable[[str], Markup]:
    """Addresses of our own files, with a fingerprint, so that a browser may keep them for a year."""

    @lru_cache(maxsize=64)
    def asset(name: str) -> Markup:
        path = Path(app.static_folder or "") / name
        print_ = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        return Markup(f"{app.static_url_path}/{name}?v={print_}")  # noqa: S704 - names come from our templates

    return asset
