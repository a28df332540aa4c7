"""What mails that come in are, what calendars answer in them, and when that is believed. No database is needed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from booking.mail.reading import CalendarAnswer, ReadMail, is_authentic, read_mail
from booking.models.inbound import Arrived
from tests.replies import AUTHSERV, CLIENTS, GOOGLE, ORGANIZER, SAMPLES, STAMP, reply, sample
from tests.replies.bare import CAMILLE, OBJECT, mail

UID = "5f1c-unguessable@coulisses.example"


def answers(calendar: str) -> tuple[CalendarAnswer, ...]:
    return mail(calendar).answers


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("partstat", ["ACCEPTED", "DECLINED", "TENTATIVE"])
def test_what_each_calendar_answers_is_read_as_one_answer_and_believed(client, partstat):
    raw = reply(client, partstat, uid=UID, attendee="Camille@School.EXAMPLE", sequence=3)
    read = read_mail(raw)
    assert read.arrived is Arrived.REPLY
    assert [(a.method, a.uid, a.sequence, a.stamp, a.attendee, a.partstat) for a in read.answers] == [
        ("REPLY", UID, 3, STAMP, CAMILLE, partstat)
    ]
    assert is_authentic(read, "CAMILLE@school.example", AUTHSERV.upper())
    assert not is_authentic(read, "somebody@school.example", AUTHSERV)
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_the_samples_are_shaped_as_their_clients_write_them():
    parsed = {client: message_from_bytes(reply(client, "DECLINED", uid=UID, attendee=CAMILLE)) for client in CLIENTS}
    kinds = {client: [part.get_content_type() for part in mail.walk()] for client, mail in parsed.items()}
    assert kinds["thunderbird"].count("text/calendar") == kinds["thunderbird"].count("application/ics") == 1
    assert b"STATUS:CONFIRMED" in reply("thunderbird", "DECLINED", uid=UID, attendee=CAMILLE)
    assert parsed["google"]["Auto-Submitted"] == "auto-generated"
    assert GOOGLE in parsed["google"]["From"]
    assert [part.get_param("method") for part in parsed["proton"].walk() if part.get_content_type() == "text/calendar"] == [None]
    calendar = next(part for part in parsed["outlook"].walk() if part.get_content_type() == "text/calendar").get_payload(
        decode=True
    )
    assert b"ORGANIZER" not in calendar
    assert b"X-MICROSOFT-CDO-BUSYSTATUS" in calendar
    assert kinds["outlook-desktop"] == ["text/calendar"]
    assert b"CAMILLE@SCHOOL.EXAMPLE" in reply("cyrus", "DECLINED", uid=UID, attendee=CAMILLE)


def test_another_time_proposed_is_a_counter_and_no_decline():
    for method, partstat in (("COUNTER", "TENTATIVE"), ("DECLINECOUNTER", "DECLINED")):
        read = read_mail(reply("outlook", partstat, uid=UID, attendee=CAMILLE, method=method))
        assert (read.arrived, read.answers[0].method) == (Arrived.COUNTER, method)
    refresh = OBJECT.replace("REPLY", "REFRESH").replace(";PARTSTAT=DECLINED", "")
    assert (mail(refresh).arrived, answers(refresh)[0].partstat) == (Arrived.COUNTER, "")


@pytest.mark.parametrize("method", ["REQUEST", "PUBLISH", "CANCEL", "ADD", "NONSENSE"])
def test_what_an_organiser_sends_is_no_answer_whatever_the_content_type_says(method):
    read = mail(OBJECT.replace("METHOD:REPLY", f"METHOD:{method}"))
    assert (read.arrived, read.answers) == (Arrived.HUMAN, ())
    assert mail(OBJECT.replace("METHOD:REPLY", f"METHOD:{method}"), Auto_Submitted="auto-generated").arrived is Arrived.AUTOMATIC


def test_an_answer_is_found_wherever_and_however_it_is_sent():
    encoded = base64.encodebytes(OBJECT.encode()).decode()
    assert mail(encoded, "text/calendar", Content_Transfer_Encoding="BASE64").answers
    assert mail(encoded, 'application/octet-stream; name="Answer.ICS"', Content_Transfer_Encoding="base64").answers
    assert mail(encoded.rstrip("=\n"), "application/ics", Content_Transfer_Encoding="base64").answers
    assert mail(OBJECT.replace("=", "=3D"), "text/calendar", Content_Transfer_Encoding="quoted-printable").answers
    assert mail(OBJECT.encode("utf-16"), "text/calendar; charset=utf-16").answers
    assert mail(OBJECT, 'text/calendar; charset="no-such-thing"').answers
    assert mail(OBJECT, "text/plain", Content_Disposition="attachment; filename*=utf-8''r%C3%A9ponse.ics").answers
    assert (
        mail(OBJECT.replace("\n", "\r\n"), "text/calendar", Auto_Submitted="auto-replied", Precedence="bulk").arrived
        is Arrived.REPLY
    )
    assert mail(OBJECT.replace("METHOD:REPLY\n", "").replace("END:VCALENDAR", "METHOD:reply\nEND:VCALENDAR")).answers
    assert not mail(OBJECT, "text/plain").answers
    assert not mail(f"Subject: old\r\n\r\n{OBJECT}", "message/rfc822").answers, "an attached mail is not this mail's own word"


def test_properties_are_read_as_they_are_met_and_never_guessed():
    one = answers(OBJECT.replace("SEQUENCE:1\n", ""))[0]
    assert one.sequence == 0
    for broken in ("SEQUENCE:x", "SEQUENCE:-1", "SEQUENCE:99999999999", "SEQUENCE:", "SEQUENCE:1.5", "SEQUENCE:٣"):
        assert not answers(OBJECT.replace("SEQUENCE:1", broken)), f"{broken} names no version that anybody was sent"
    assert answers(OBJECT.replace("UID:u-1", "UID:  u-1\\,2 "))[0].uid == "u-1,2"
    assert not answers(OBJECT.replace("UID:u-1\n", ""))
    assert not answers(OBJECT.replace("UID:u-1\n", f"UID:{'u' * 300}\n"))
    assert answers(OBJECT.replace("DECLINED", "x-perhaps"))[0].partstat == "X-PERHAPS"
    assert answers(OBJECT.replace(";PARTSTAT=DECLINED", ""))[0].partstat == "NEEDS-ACTION"
    assert answers(OBJECT.replace("DECLINED", "DECLINED;PARTSTAT=ACCEPTED"))[0].partstat
    assert answers(OBJECT.replace("SEQUENCE:1", "SEQUENCE:1\nSEQUENCE:7\nUID:other"))[0].sequence == 1
    said = answers(OBJECT.replace("SEQUENCE:1", "SEQUENCE:1\nCOMMENT;LANGUAGE=fr:Pas là\\n\x00demain\nSTATUS:CANCELLED"))[0]
    assert said.comment == "Pas là\ndemain"


@pytest.mark.parametrize(
    ("stamp", "read"),
    [
        ("DTSTAMP:20261116T100500+0100", STAMP),
        ("DTSTAMP;TZID=Europe/Paris:20261116T100500", STAMP),
        ("DTSTAMP:20261116T090500", None),
        ("DTSTAMP;TZID=../../etc/passwd:20261116T100500", None),
        ("DTSTAMP;TZID=Nowhere:20261116T100500", None),
        ("DTSTAMP:20261199T090500Z", None),
        ("DTSTAMP:99991231T235959-2300", None),
        ("DTSTAMP;VALUE=DATE:20261116", None),
        ("DTSTAMP:", None),
        ("X-DTSTAMP:20261116T090500Z", None),
    ],
)
def test_a_stamp_is_an_instant_or_it_is_none(stamp, read):
    found = answers(OBJECT.replace("DTSTAMP:20261116T090500Z", stamp))
    assert [answer.stamp for answer in found] == [read]
    assert read is None or found[0].stamp.tzinfo is UTC


@pytest.mark.parametrize(
    "attendee",
    [
        "ATTENDEE;PARTSTAT=DECLINED:MAILTO:CAMILLE@SCHOOL.EXAMPLE",
        "ATTENDEE;PARTSTAT=DECLINED: mailto: camille@school.example ",
        'ATTENDEE;CN="Roche; Camille: \'x\'";PARTSTAT=DECLINED:"mailto:camille@school.example"',
        "ATTENDEE;PARTSTAT=DECLINED:mailto:<camille@school.example>",
        "ATTENDEE;PARTSTAT=DECLINED:camille@school.example",
        "ATTENDEE;PARTSTAT=DECLINED:mailto:camille%40school.example",
        "ATTENDEE;EMAIL=camille@school.example;PARTSTAT=DECLINED:urn:uuid:0f6f2b6e",
        "attendee ; partstat=declined:mailto:camille@\n school.example",
    ],
)
def test_an_attendee_is_a_bare_address(attendee):
    found = answers(OBJECT.replace("ATTENDEE;PARTSTAT=DECLINED:mailto:camille@school.example", attendee))
    assert [(answer.attendee, answer.partstat) for answer in found] == [(CAMILLE, "DECLINED")]


def test_several_answers_in_one_mail_are_several_and_at_most_five():
    many = "".join(f"ATTENDEE;PARTSTAT=DECLINED:mailto:a{n}@school.example\n" for n in range(9))
    found = answers(OBJECT.replace("ATTENDEE;", f"{many}ATTENDEE;"))
    assert [answer.attendee for answer in found] == [f"a{n}@school.example" for n in range(5)]
    second = OBJECT + OBJECT.replace("u-1", "u-2").replace("REPLY", "COUNTER")
    assert [(answer.method, answer.uid) for answer in answers(second)] == [("REPLY", "u-1"), ("COUNTER", "u-2")]
    assert mail(second).arrived is Arrived.REPLY


def test_objects_of_others_nested_and_cut_off_are_told_apart():
    alarm = "BEGIN:VALARM\nUID:wrong\nATTENDEE;PARTSTAT=ACCEPTED:mailto:other@school.example\nEND:VALARM\n"
    assert answers(OBJECT.replace("UID:", f"{alarm}UID:")) == answers(OBJECT)
    assert answers(OBJECT.replace("END:VEVENT\nEND:VCALENDAR\n", "")) == answers(OBJECT)
    assert not answers(OBJECT.replace("VEVENT", "VTODO"))
    assert not answers(OBJECT.replace("UID:", f"DESCRIPTION:{'x' * 300_000}\nUID:")), "larger than any answer is"
    assert not answers(OBJECT + "X" * 300_000)
    for depth, found in ((8, answers(OBJECT)), (30, ())):
        body = f"Content-Type: text/calendar\r\n\r\n{OBJECT}"
        for level in range(depth):
            body = f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n{body}"
        assert read_mail(f"From: {CAMILLE}\r\n{body}".encode()).answers == found
    assert not answers(OBJECT.replace("BEGIN:VEVENT", "BEGIN:X\n" * 20 + "BEGIN:VEVENT"))


EXPECTED = {
    name: Arrived.AUTOMATIC if name.startswith(("away", "receipt")) else Arrived.BOUNCE for name in SAMPLES
} | dict.fromkeys(("human", "human_html", "spam_request"), Arrived.HUMAN)


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_no_answer_is_told_apart(name):
    read = read_mail(sample(name))
    assert (read.arrived, read.answers) == (EXPECTED[name], ())
    assert (read.bounce is not None) is (read.arrived is Arrived.BOUNCE)
    assert read.text
    assert read.message_id.startswith("<") or name == "bounce_qmail"


@pytest.mark.parametrize(
    ("name", "permanent", "status", "reason"),
    [
        ("dsn_postfix", True, "5.1.1", "550 5.1.1 <camille@school.example>: Recipient address rejected: User unknown"),
        ("dsn_postfix_delayed", False, "4.4.1", "connect to mail.school.example[192.0.2.9]:25: Connection timed out"),
        ("dsn_exchange", True, "4.4.7", "550 4.4.7 QUEUE.Expired; message expired"),
        ("dsn_gmail", True, "5.1.1", "550-5.1.1 The email account that you tried to reach does not exist."),
        ("bounce_qmail", True, "5.1.1", "Sorry, no mailbox here by that name. (#5.1.1)"),
    ],
)
def test_a_bounce_says_whose_address_why_and_which_mail_of_ours(name, permanent, status, reason):
    read = read_mail(sample(name, original_id="<aa11@coulisses.example>"))
    bounce = read.bounce
    assert (bounce.permanent, bounce.status, bounce.recipient) == (permanent, status, CAMILLE)
    assert bounce.original_id == "<aa11@coulisses.example>"
    assert bounce.reason.startswith(reason)
    assert len(bounce.reason) <= 300
    assert read.tags == ("7KQ4-M9TX",)


def dsn(fields: str, **more: str) -> ReadMail:
    body = f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n{fields}\r\n--b--\r\n"
    return mail(body, "multipart/report; boundary=b", **({"From": "MAILER-DAEMON@mx.example", "Return_Path": "<>"} | more))


def test_reports_of_success_are_no_bounces_and_addresses_in_hexadecimal_are_read():
    for action in ("delivered", "relayed", "expanded"):
        assert dsn(f"Final-Recipient: rfc822; a@school.example\r\nAction: {action}\r\nStatus: 2.0.0").arrived is Arrived.AUTOMATIC
    bounce = dsn(
        "Final-Recipient: rfc822; list@x.example\r\nOriginal-Recipient: rfc822;a+2Bb+40school.example\r\nAction: Failed (x)"
    ).bounce
    assert (bounce.permanent, bounce.recipient, bounce.status) == (True, "a+b@school.example", "")
    assert dsn("Final-Recipient: x400; c=fr\r\nStatus: 5.7.1 (refused)").bounce.permanent
    late = dsn("Final-Recipient: rfc822; a@school.example\r\nStatus: 4.2.2").bounce
    assert (late.permanent, late.recipient) == (False, "a@school.example")
    both = dsn(
        "Final-Recipient: rfc822;a@x.example\r\nAction: relayed\r\nStatus: 2.0.0\r\n\r\nFinal-Recipient: rfc822;b@x.example\r\nAction: failed\r\nStatus: 5.0.0"
    )
    assert both.bounce.recipient == "b@x.example"
    assert dsn("garbage").arrived is Arrived.AUTOMATIC
    answered = dsn(f"Action: failed\r\nStatus: 5.1.1\r\n--b\r\nContent-Type: text/calendar\r\n\r\n{OBJECT}")
    assert (answered.arrived, answered.bounce) == (Arrived.REPLY, None)


def test_a_letter_of_a_server_is_permanent_only_where_its_code_says_so():
    letter = "<a@school.example>: mailbox full\n\nMessage-ID: <aa11@coulisses.example>\n"
    server = {"From": "Mail Delivery <MAILER-DAEMON@mx.example>"}
    assert mail(letter, "text/plain", **server).bounce.permanent is False
    full = mail(letter.replace("full", "gone 550 5.2.1 no"), "text/plain", **server).bounce
    assert (full.permanent, full.status, full.recipient) == (True, "5.2.1", "a@school.example")
    assert mail(letter.replace("full", "at 5.2.1.9"), "text/plain", **server).bounce.permanent is False, (
        "an address of the network"
    )
    exim = mail(
        letter.replace("<a@school.example>", "  b@school.example"), "text/plain", X_Failed_Recipients="B@school.example", **server
    ).bounce
    assert (exim.recipient, exim.status) == ("b@school.example", "")
    assert mail(letter.replace("Message-ID", "About"), "text/plain", **server).bounce is None
    assert mail(letter.replace("full", "5.2.1"), "text/plain").arrived is Arrived.HUMAN, "somebody quotes a bounce"


@pytest.mark.parametrize(
    ("headers", "arrived"),
    [
        ({"Auto_Submitted": "auto-notified; x"}, Arrived.AUTOMATIC),
        ({"Auto_Submitted": "no"}, Arrived.HUMAN),
        ({"Precedence": "Junk"}, Arrived.AUTOMATIC),
        ({"Precedence": "first-class"}, Arrived.HUMAN),
        ({"List_Id": "<l.example>"}, Arrived.AUTOMATIC),
        ({"X_Autorespond": "1"}, Arrived.AUTOMATIC),
        ({"Return_Path": "<>"}, Arrived.AUTOMATIC),
        ({"X_Auto_Response_Suppress": "OOF", "Subject": "Out of Office: x"}, Arrived.AUTOMATIC),
        ({"X_Auto_Response_Suppress": "OOF", "Subject": "Question"}, Arrived.HUMAN),
        ({"Content_Type": 'multipart/report; report-type="feedback-report"; boundary=b'}, Arrived.AUTOMATIC),
    ],
)
def test_programs_are_told_from_people(headers, arrived):
    body = "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n--b--\r\n"
    assert mail(body, "text/plain", **headers).arrived is arrived


def test_what_a_person_wrote_is_plain_text_in_any_charset():
    assert read_mail(sample("human_html")).text == "Où se gare le car ?\nMerci <b>\n\nCamille 🚌"
    human = read_mail(sample("human"))
    assert human.text.startswith("Bonjour,\n\nUn élève se déplace")
    assert human.subject == "Re: Réservation confirmée : Forges du Vercors"
    assert human.references == ("<aa11@coulisses.example>", "<first@coulisses.example>")
    assert mail("caf\u00e9".encode("latin-1"), "text/plain; charset=utf-8").text == "café"
    for charset in ("punycode", "zip", "unicode_escape", "x" * 3000, "utf-8\x00"):
        assert mail("plain", f"text/plain; charset={charset}").text == "plain"
    assert mail("a\x00b\x1b[1m\u202ec\r\n\td", "text/plain").text == "ab[1mc\n d"
    assert mail("a&#0;&#xd83d;&#x202e;&#27;b", "text/html").text.isprintable()
    assert len(mail("x" * 90_000, "text/plain").text) == 20_000
    assert mail("&#" + "9" * 9000 + ";<p>b", "text/html").text.endswith("b")


def test_headers_are_read_with_care():
    read = mail(
        "",
        "text/plain",
        Subject="=?utf-8?q?a=0D=0AInjected:_x=00?= =?nonsense?q?=E9?=",
        To='"r+7KQ4-M9TX@x" <reservations+abcd-2345@c.example>, r+OOOO-1111@x',
    )
    assert read.subject == "a Injected: xé"
    assert read.tags == ("7KQ4-M9TX", "ABCD-2345")
    for header, address in {
        '"a@evil.example" <Camille@school.example>': CAMILLE,
        "camille@school.example (a@evil.example)": CAMILLE,
        "a@evil.example, camille@school.example": "",
        "<a@evil.example> <camille@school.example>": "",
        "camille@school.example)<a@evil.example>": "a@evil.example",
        "=?utf-8?q?camille=40school.example?=": "",
        "Camille": "",
        "((((" * 500: "",
        "camille@school.example\r\nFrom: a@evil.example": "",
    }.items():
        assert mail("", "text/plain", From=header).sender == address, header


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"\x00" * 99, b"no mail at all", b"\xff\xfe: \xff\r\n", OBJECT.encode()])
def test_garbage_is_unreadable(raw):
    assert read_mail(raw).arrived is Arrived.UNREADABLE


def test_a_mail_too_large_is_not_looked_into_but_names_its_sender():
    large = reply("google", "DECLINED", uid=UID, attendee=CAMILLE) + b"x" * 2_000_000
    read = read_mail(large)
    assert (read.arrived, read.answers, read.text, read.sender) == (Arrived.UNREADABLE, (), "", GOOGLE)
    assert read.subject.startswith("Refusé")


def test_a_reply_written_to_our_plus_address_names_its_booking():
    read = mail("Merci", "text/plain", Delivered_To=ORGANIZER.replace("@", "+7KQ4-M9TX@"), X_Original_To="a+not-one@c.example")
    assert read.tags == ("7KQ4-M9TX",)
    assert answers(OBJECT)[0].stamp == datetime(2026, 11, 16, 9, 5, tzinfo=UTC)
