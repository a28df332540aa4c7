"""Mail nobody would write: whatever the bytes, reading ends soon, raises nothing and gives values a database takes.

`FUZZ_EXAMPLES=20000 pytest tests/test_reading_fuzz.py` plays longer, and then other examples each time.
"""

from __future__ import annotations

import base64
import os
import time
import tracemalloc
from dataclasses import astuple
from datetime import datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from booking.mail import reading
from booking.mail.reading import ReadMail, is_authentic, read_mail
from booking.models.inbound import Arrived
from tests.replies import AUTHSERV, CLIENTS, SAMPLES, reply, sample

LONG = int(os.environ.get("FUZZ_EXAMPLES", "0"))
CAMILLE = "camille@school.example"
SEEDS = [
    *(
        reply(client, partstat, uid="u-1@coulisses.example", attendee=CAMILLE)
        for client in CLIENTS
        for partstat in ("ACCEPTED", "DECLINED")
    ),
    *map(sample, SAMPLES),
]
MOST_SECONDS = 2.0
MOST_MEMORY = 30_000_000
MEGABYTE = 1_000_000


@pytest.fixture(autouse=True)
def _shown(monkeypatch):
    """What `read_mail` would only write into the log is a failure here."""

    def fail(*_: object) -> None:
        raise

    monkeypatch.setattr(reading._log, "exception", fail)


def check(raw: bytes) -> ReadMail:
    begun = time.process_time()
    read = read_mail(raw)
    is_authentic(read, CAMILLE, AUTHSERV)
    spent = time.process_time() - begun
    assert spent < MOST_SECONDS, f"{spent:.1f} s"
    assert_fit(astuple(read))
    assert len(read.answers) <= 5
    assert len(read.text) <= 20_000
    assert len(read.subject) <= 300
    assert (read.bounce is None) is (read.arrived is not Arrived.BOUNCE)
    assert bool(read.answers) is (read.arrived in {Arrived.REPLY, Arrived.COUNTER})
    return read


def assert_fit(value: object) -> None:
    """Texts PostgreSQL takes, numbers an INTEGER holds, times with their zone."""
    if isinstance(value, str):
        value.encode()
        assert all(sign.isprintable() or sign in "\n\u00ad" or sign.isspace() or ord(sign) > 127 for sign in value), repr(value)
    elif isinstance(value, tuple):
        for one in value:
            assert_fit(one)
    elif isinstance(value, datetime):
        assert value.utcoffset() is not None
    elif isinstance(value, int):
        assert 0 <= value < 2**31


LINES = [
    b"", b"\x00", b"\r", b" ", b"\t\t", b"--", b"BEGIN:VEVENT", b"END:VEVENT", b"END:VCALENDAR", b"BEGIN:VCALENDAR", b"METHOD:REPLY",
    b"METHOD:COUNTER", b"SEQUENCE:-1", b"SEQUENCE:9999999999999999999", b"SEQUENCE:\xff", b"DTSTAMP:99999999T999999Z", b"DTSTAMP:00000101T000000Z",
    b"DTSTAMP;TZID=/etc/passwd:20260101T000000", b"DTSTAMP;TZID=\x00:20260101T000000", b"RRULE:FREQ=SECONDLY;COUNT=999999999", b"ATTENDEE:", b"ATTENDEE;PARTSTAT:x",
    b'ATTENDEE;CN=";PARTSTAT=DECLINED:mailto:a@b.example', b"ATTENDEE;PARTSTAT=A;PARTSTAT=B,C:mailto:a@b.example", b"ATTENDEE;EMAIL=a@b,c@d:x", b"UID;X", b"UID:",
    b"COMMENT:\\\\\\n\\", b"Content-Type: multipart/mixed; boundary=", b'Content-Type: multipart/mixed; boundary="a', b"Content-Type: message/rfc822",
    b"Content-Type: text/calendar; charset=utf-7", b"Content-Type: text/html; charset*=x''%ff; charset*0*=y''z; charset*1=q", b"Content-Type: ;;;===\"", b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: quoted-printable", b"Content-Type: message/delivery-status", b"Content-Disposition: attachment; filename*=utf-8'%", b"From: <<<>>>@\"(", b"From: a@b.example",
    b"Subject: =?utf-16?b?////?= =?x?q?=?=", b"Message-ID: <<<", b"Authentication-Results: mx.coulisses.example; dkim=pass ((\\( header.d=", b'Authentication-Results: mx.coulisses.example 1; spf=pass reason="x smtp.mailfrom=',
    b"Status: 5.1.1", b"Action: failed", b"Final-Recipient: rfc822;+ZZ+2B+", b"Return-Path: <>", b"=", b"=3D=", b"====", b"&#x110000;&#99999999999;&", b"<a <b <!-- <style>",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sample with bytes, lines or parts changed, some of them inside what is encoded."""
    raw = draw(st.sampled_from(SEEDS))
    if draw(st.booleans()):
        raw = opened(raw)
    for _ in range(draw(st.integers(1, 6))):
        raw = draw(st.sampled_from([of_bytes, of_lines, of_structure]))(draw, raw)
    return raw


def opened(raw: bytes) -> bytes:
    """With its calendar written plainly, so that changes reach it."""
    for block in raw.split(b"\r\n\r\n"):
        if block.startswith(b"QkVHSU46VkNBTEVOREFS"):
            raw = raw.replace(block.split(b"\r\n--")[0], base64.b64decode(block.split(b"\r\n--")[0]))
    return raw.replace(b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: 8bit")


def of_bytes(draw: st.DrawFn, raw: bytes) -> bytes:
    at = draw(st.integers(0, len(raw)))
    length = draw(st.sampled_from([0, 1, 2, 40]))
    return raw[:at] + draw(st.binary(max_size=6)) * draw(st.sampled_from([1, 1, 1, 300])) + raw[at + length :]


def of_lines(draw: st.DrawFn, raw: bytes) -> bytes:
    lines = raw.split(b"\r\n")
    at = draw(st.integers(0, len(lines)))
    how = draw(st.sampled_from(["new", "new", "twice", "gone", "swap", "many"]))
    other = draw(st.sampled_from(LINES))
    if how == "new":
        lines.insert(at, other)
    elif how == "many":
        lines[at:at] = [other] * draw(st.sampled_from([3, 200]))
    elif how == "twice":
        lines[at:at] = lines[at : at + draw(st.integers(1, 30))]
    elif how == "gone":
        del lines[at : at + draw(st.integers(1, 10))]
    else:
        lines.reverse() if at % 7 == 0 else lines.insert(0, lines.pop(at - 1))
    return draw(st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r"])).join(lines)


def of_structure(draw: st.DrawFn, raw: bytes) -> bytes:
    how = draw(st.sampled_from(["cut", "inside", "attached", "joined", "encoded"]))
    if how == "cut":
        return raw[: draw(st.integers(0, len(raw)))]
    if how == "joined":
        return raw + draw(st.sampled_from(SEEDS))
    if how == "encoded":
        return (
            b"From: a@b.example\r\nContent-Type: text/calendar\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(raw)
        )
    kind = b"multipart/mixed; boundary=zz" if how == "inside" else b"message/rfc822"
    inner = b"--zz\r\n" + raw + b"\r\n--zz--" if how == "inside" else raw
    return b"From: a@b.example\r\nContent-Type: " + kind + b"\r\n\r\n" + inner


@settings(
    max_examples=LONG or 250,
    derandomize=not LONG,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate, *([Phase.shrink] if LONG else [])],
    suppress_health_check=list(HealthCheck),
)
@given(mutated())
def test_a_changed_mail_is_read_or_laid_aside(raw):
    check(raw)


@settings(max_examples=LONG or 80, derandomize=not LONG, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    st.text(alphabet=st.sampled_from('()\\"; =.@,<>/:-_ \tadkimprsfenohlxt1é\x00'), max_size=400),
    st.sampled_from(["", "; dkim=pass ", "; spf=pass smtp.mailfrom="]),
)
def test_any_result_header_is_believed_or_not(found, begun):
    check(f"Authentication-Results: {AUTHSERV}{begun}{found}\r\nFrom: {found}\r\n\r\n".encode())


def nested(depth: int, line: bytes = b"") -> bytes:
    opening = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    return b"From: a@b.example\r\n" + opening + b"\r\n" + line


def calendar(inside: bytes, head: bytes = b"") -> bytes:
    return (
        b"From: a@b.example\r\n"
        + head
        + b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:u\r\n"
        + inside
    ) + b"\r\nATTENDEE;PARTSTAT=DECLINED:mailto:a@b.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


def html(inside: bytes) -> bytes:
    return b"From: a@b.example\r\nContent-Type: text/html\r\n\r\n" + inside


def many(piece: bytes, size: int = MEGABYTE) -> bytes:
    return (piece * (size // len(piece) + 1))[:size]


def headed(value: bytes, name: bytes = b"Subject") -> bytes:
    return b"From: a@b.example\r\n" + name + b": " + value + b"\r\n\r\nbody"


WORST = {
    "nested in ten thousand": lambda: nested(10_000),
    "nested and long": lambda: nested(300, many(b"\r\n")),
    "one boundary for all depths": lambda: b"From: a@b.example\r\n" + many(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"),
    "a million boundaries": lambda: nested(1, many(b"--b0\r\n", 1_900_000)),
    "almost boundaries": lambda: nested(9, many(b"--b8 \t \t x\r\n", 1_900_000)),
    "a boundary and spaces": lambda: nested(1, b"--b0" + many(b" ", 1_900_000) + b"x"),
    "mails in mails": lambda: b"From: a@b.example\r\n" + many(b"Content-Type: message/rfc822\r\n\r\n"),
    "ten thousand headers": lambda: many(b"X-A: b\r\nReceived: x\r\n", 200_000) + headed(b"x"),
    "a header name for each": lambda: b"".join(b"X-%d: y\r\n" % n for n in range(100_000)) + headed(b"x"),
    "endless folding": lambda: headed(many(b"\r\n a")),
    "folding of nothing": lambda: headed(many(b"\r\n ")),
    "a line of a megabyte": lambda: headed(many(b"x")),
    "no line end at all": lambda: many(b"a:", 1_900_000),
    "only line ends": lambda: b"a: b" + many(b"\n", 1_900_000),
    "only returns": lambda: headed(many(b"\r")),
    "encoded words": lambda: headed(many(b"=?a?q?")),
    "encoded words of other charsets": lambda: headed(many(b"=?punycode?q?a-b?= ")),
    "parameters": lambda: headed(many(b'; a="\\"', 200_000), b"Content-Type"),
    "semicolons": lambda: headed(b"multipart/mixed" + many(b";"), b"Content-Type"),
    "numbered parameters": lambda: headed(b"text/plain" + many(b"; charset*0*=a''b; charset*1=c", 200_000), b"Content-Type"),
    "comments": lambda: headed(many(b"(", 200_000), b"From"),
    "addresses": lambda: headed(many(b"<a@b>,", 200_000), b"Reply-To"),
    "ids": lambda: headed(many(b"<a@b>", 200_000), b"References"),
    "results": lambda: headed(AUTHSERV.encode() + many(b"; dkim=pass (", 3900), b"Authentication-Results"),
    "results in comments": lambda: headed(AUTHSERV.encode() + b"; a=b " + many(b"(", 3900), b"Authentication-Results"),
    "results of results": lambda: headed(AUTHSERV.encode() + many(b"; a=b x.y=z", 3900), b"Authentication-Results"),
    "quoted results": lambda: headed(AUTHSERV.encode() + b'; a=b smtp.x="' + many(b"\\", 3900), b"Authentication-Results"),
    "spaces in results": lambda: headed(AUTHSERV.encode() + b"; a=b" + many(b" ", 3900) + b"x", b"Authentication-Results"),
    "a rule that never ends": lambda: calendar(b"RRULE:FREQ=SECONDLY;UNTIL=99991231T235959Z\r\n" * 1000),
    "a zone that never ends": lambda: calendar(b"").replace(b"BEGIN:VEVENT", b"BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\nBEGIN:STANDARD\r\nDTSTART:00010101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+9999\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT", 1),
    "a description of a megabyte": lambda: calendar(b"DESCRIPTION:" + many(b"x")),
    "a comment of a quarter": lambda: calendar(b"COMMENT:" + many(b"\\n,", 250_000)),
    "attendees": lambda: calendar(many(b"ATTENDEE;X=:y\r\n", 250_000)),
    "parameters of an attendee": lambda: calendar(b"ATTENDEE" + many(b';A="', 250_000) + b":mailto:a@b.example"),
    "spaces of an attendee": lambda: calendar(b"ATTENDEE;A=" + many(b" \t", 250_000) + b":mailto:a@b.example"),
    "uids": lambda: calendar(many(b"UID:x\r\n", 250_000)),
    "components": lambda: calendar(many(b"BEGIN:VEVENT\r\n", 250_000)),
    "components side by side": lambda: calendar(many(b"END:VEVENT\r\nBEGIN:VEVENT\r\n", 250_000)),
    "folded to pieces": lambda: calendar(b"COMMENT:" + many(b"\r\n x", 250_000)),
    "calendars": lambda: nested(1) + (b"\r\n--b0\r\n" + calendar(many(b"X:y\r\n", 250_000))) * 7,
    "base64 of nothing": lambda: calendar(many(b"=\r\n"), b"Content-Transfer-Encoding: base64\r\n"),
    "base64 of anything": lambda: calendar(many(b"\xff*A"), b"Content-Transfer-Encoding: base64\r\n"),
    "quoted-printable": lambda: calendar(many(b"=\r\n=4"), b"Content-Transfer-Encoding: quoted-printable\r\n"),
    **{f"html {piece!r}": (lambda piece=piece: html(many(piece))) for piece in (b"<a ", b"<a/", b"<a =", b"<a b='", b"<!--", b"<![CDATA[", b"</", b"<style>", b"<script", b"&", b"&#1", b"<p>\n", b"<a" + b"b" * 3000, b"\n ")},
    "a bounce for everybody": lambda: b"From: MAILER-DAEMON@b.example\r\nContent-Type: message/delivery-status\r\n\r\n" + many(b"Action: failed\r\nFinal-Recipient: rfc822;a+2B@b.example\r\n\r\n"),
    "a letter of codes": lambda: b"From: MAILER-DAEMON@b.example\r\n\r\n" + many(b"5.1.1.1 Message-ID: <a"),
}  # fmt: skip


@pytest.mark.parametrize("name", WORST)
def test_the_worst_mail_takes_a_moment(name):
    check(WORST[name]())


def test_memory_stays_bounded():
    for name in ("one boundary for all depths", "only line ends", "folded to pieces"):
        raw = WORST[name]()
        tracemalloc.start()
        try:
            read_mail(raw)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < MOST_MEMORY, f"{name}: {peak / 1e6:.0f} MB"
