"""Reads calendar objects with libical, as Evolution, Cyrus and KOrganizer do, and checks each against RFC 5546 by its METHOD.

Runs with the system's Python, which has the bindings (Debian: python3-gi and gir1.2-ical-3.0). Standard input is JSON, objects
by name; standard output is JSON, what was understood of each: `method`, `problems`, and of every `event` its uid, sequence,
summary, starts and ends (seconds since 1970), status, organizer and attendees.
"""

import json
import sys
from typing import Any

import gi

gi.require_version("ICalGLib", "3.0")
from gi.repository import ICalGLib  # noqa: E402


def read(text: str) -> dict[str, Any]:
    """What libical understands of one object."""
    component = ICalGLib.Component.new_from_string(text)
    unreadable = component.count_errors()
    keeps_rules = ICalGLib.restriction_check(component)
    problems = [line for line in unfolded(component.as_ical_string()) if line.startswith("X-LIC-ERROR")]
    if (unreadable or not keeps_rules) and not problems:
        problems = [f"{unreadable} errors, restrictions kept: {keeps_rules}"]
    method = ICalGLib.Property.method_to_string(component.get_method()) if has_method(component) else ""
    return {"method": method, "problems": problems, "events": [event(one) for one in events(component)]}


def unfolded(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\n ", "").split("\n")


def has_method(component: Any) -> bool:
    return component.get_first_property(ICalGLib.PropertyKind.METHOD_PROPERTY) is not None


def events(component: Any) -> list[Any]:
    kind, found = ICalGLib.ComponentKind.VEVENT_COMPONENT, []
    one = component.get_first_component(kind)
    while one is not None:
        found.append(one)
        one = component.get_next_component(kind)
    return found


def event(one: Any) -> dict[str, Any]:
    return {
        "uid": one.get_uid(),
        "sequence": one.get_sequence(),
        "summary": one.get_summary(),
        "starts": instant(one.get_dtstart()),
        "ends": instant(one.get_dtend()),
        "status": ICalGLib.Property.status_to_string(one.get_status()),
        "organizer": addresses(one, ICalGLib.PropertyKind.ORGANIZER_PROPERTY, "get_organizer"),
        "attendees": addresses(one, ICalGLib.PropertyKind.ATTENDEE_PROPERTY, "get_attendee"),
    }


def instant(time: Any) -> int | None:
    """Seconds since 1970; None for what is no time in UTC."""
    return int(time.as_timet()) if time.is_utc() else None


def addresses(one: Any, kind: Any, getter: str) -> list[str]:
    found, prop = [], one.get_first_property(kind)
    while prop is not None:
        found.append(getattr(prop, getter)())
        prop = one.get_next_property(kind)
    return found


if __name__ == "__main__":
    objects = json.load(sys.stdin)
    json.dump({name: read(text) for name, text in objects.items()}, sys.stdout)
