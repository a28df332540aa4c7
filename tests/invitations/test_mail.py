"""When an invitation is right, rules 1 to 4: the mail around the calendar."""

from __future__ import annotations

import re

import pytest
from icalendar import Calendar

from booking.models import Kind
from tests.invitations.hard_cases import HARD_NAMES, HARD_TIMES
from tests.mails import METHODS, calendar_bytes, entry, opened, written

INVITING = tuple(METHODS)


@pytest.mark.parametrize("kind", INVITING)
def test_rule_1_mixed_holds_alternative_with_the_calendar_last_and_one_attachment(kind: Kind) -> None:
    mail = opened(written(kind))
    assert mail.get_content_type() == "multipart/mixed"
    alternative, attachment = mail.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in alternative.iter_parts()] == ["text/plain", "text/html", "text/calendar"]
    assert (attachment.get_content_type(), attachment.get_filename()) == ("application/ics", "invite.ics")
    assert attachment.get_content_disposition() == "attachment"


@pytest.mark.parametrize("kind", INVITING)
def test_rule_2_the_calendar_part_names_its_method_and_travels_as_base64(kind: Kind) -> None:
    mail = opened(written(kind))
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    assert part["Content-Transfer-Encoding"] == "base64"
    assert part.get_content_disposition() is None
    assert part.get_param("charset") == "utf-8"
    assert part.get_param("method") == METHODS[kind] == Calendar.from_ical(calendar_bytes(mail))["METHOD"]


@pytest.mark.parametrize("title", HARD_NAMES)
def test_rule_3_both_calendars_are_the_same_bytes_with_crlf_and_short_lines(title: str) -> None:
    mail = opened(written(Kind.BOOKING_CONFIRMED, event={"title": title, "conditions": title}, booking={"name": title[:120]}))
    calendar = calendar_bytes(mail)
    [attachment] = mail.iter_attachments()
    assert attachment.get_payload(decode=True) == calendar
    lines = calendar.split(b"\r\n")
    assert lines[-1] == b""
    for line in lines:
        assert len(line) <= 75
        assert b"\r" not in line
        assert b"\n" not in line
        line.decode()  # a fold never cuts a character in two


@pytest.mark.parametrize("kind", INVITING)
def test_rule_4_one_calendar_with_one_event_and_nothing_else(kind: Kind) -> None:
    calendar = calendar_bytes(opened(written(kind)))
    assert re.findall(rb"BEGIN:(\w+)", calendar) == [b"VCALENDAR", b"VEVENT"]
    event = entry(calendar)
    assert not {"RRULE", "RECURRENCE-ID", "VALARM"} & set(event)
    for needed in ("UID", "DTSTAMP", "SEQUENCE", "ORGANIZER", "ATTENDEE", "DTSTART", "DTEND", "SUMMARY", "STATUS"):
        assert needed in event
        assert not isinstance(event[needed], list)


@pytest.mark.parametrize("hours", HARD_TIMES)
@pytest.mark.parametrize("kind", INVITING)
def test_rule_4_whatever_the_hours_no_time_zone_and_nothing_that_recurs(kind: Kind, hours: str) -> None:
    starts, ends = HARD_TIMES[hours]
    calendar = calendar_bytes(opened(written(kind, starts=starts, ends=ends)))
    assert re.findall(rb"BEGIN:(\w+)", calendar) == [b"VCALENDAR", b"VEVENT"]
    assert not {"RRULE", "RDATE", "EXDATE", "DURATION", "RECURRENCE-ID"} & set(entry(calendar))
