"""Whose word a calendar's answer is: our own mail server's findings decide, and nothing a sender can write."""

from __future__ import annotations

import pytest

from booking.mail.reading import is_authentic, read_mail
from tests.replies import AUTHSERV, CLIENTS, GOOGLE, reply, results
from tests.replies.bare import CAMILLE, OBJECT, mail

UID = "5f1c-unguessable@coulisses.example"


def believed(
    found: str, *, sender: str = CAMILLE, authserv: str | None = AUTHSERV, attendee: str = CAMILLE, **headers: str
) -> bool:
    return is_authentic(mail(OBJECT, From=sender, Authentication_Results=f"{AUTHSERV}; {found}", **headers), attendee, authserv)


@pytest.mark.parametrize(
    ("found", "yes"),
    [
        ("dmarc=pass (p=none) header.from=SCHOOL.example", True),
        ("dmarc=pass header.from=evil.example", False),
        ("dmarc=pass", False),
        ("dkim=pass header.d=school.example", True),
        ("dkim=pass header.i=@School.example", True),
        ("dkim=pass header.d=evil.example header.i=@school.example", False),
        ("dkim=pass header.d=evil.example", False),
        ("dkim=fail header.d=school.example", False),
        ("dkim=pass header.d=example", False),
        ("dkim=pass header.d=ool.example", False),
        ("dkim=pass header.d=mail.school.example", False),
        ("dkim=fail header.d=school.example; dkim=pass header.d=evil.example; dkim=pass header.d=school.example", True),
        ("spf=pass smtp.mailfrom=bounce@school.example", True),
        ("spf=pass smtp.mailfrom=school.example", True),
        ("spf=pass smtp.mailfrom=bounce@mail.school.example", False),
        ("spf=pass smtp.helo=school.example", False),
        ("spf=softfail smtp.mailfrom=a@school.example", False),
        ("dkim=pass header.d=school.example; dmarc=fail (p=none) header.from=school.example", False),
        ("dkim=pass header.d=school.example; spf=pass smtp.mailfrom=a@school.example; dmarc=FAIL", False),
        ("dkim=pass header.d=school.example; dmarc=none header.from=school.example;", True),
        ('spf=pass smtp.mailfrom="x; dkim=pass header.d=school.example"@evil.example', False),
        ("spf=fail (x; dkim=pass header.d=school.example) smtp.mailfrom=a@evil.example", False),
        ("dkim=pass (unclosed header.d=school.example", False),
        ("none", False),
        ("dkim=pass header.d=school.example " + "x" * 4000, False),
        ("dkim=pass header.d=scho\x00ol.example", False),
        ("((((" * 900, False),
    ],
)
def test_what_our_own_server_found_decides(found, yes):
    assert believed(found) is yes


def test_only_the_topmost_result_of_our_own_server_is_believed():
    good = "dmarc=pass header.from=school.example"
    assert believed(good)
    assert not believed(good, authserv=None)
    assert not believed(good, authserv="")
    assert not believed(good, authserv="other.example")
    assert not believed(good, authserv=f"sub.{AUTHSERV}")
    forged = results(AUTHSERV, "pass", "school.example", CAMILLE).encode()
    for on_top in (
        results(AUTHSERV, "fail", "school.example", CAMILLE),
        f"Authentication-Results: {AUTHSERV}; none\n",
        "Authentication-Results: relay.example; none\n",
        "Authentication-Results:\n",
    ):
        raw = on_top.encode() + forged + f"From: {CAMILLE}\nContent-Type: text/calendar\n\n{OBJECT}".encode()
        read = read_mail(raw)
        assert len(read.results) == 2
        assert not is_authentic(read, CAMILLE, AUTHSERV), on_top
    for client in CLIENTS:
        for how in ({"authserv": None}, {"result": "fail"}, {"result": "none"}, {"authserv": "mx.evil.example"}):
            assert not is_authentic(read_mail(reply(client, "DECLINED", uid=UID, attendee=CAMILLE, **how)), CAMILLE, AUTHSERV)


def test_from_must_be_the_attendee_or_a_service_that_answers_for_them():
    good = "dkim=pass header.d=school.example; dmarc=pass header.from=school.example"
    assert not believed(good, sender="colleague@school.example")
    assert not believed(good, sender="camille+alias@school.example")
    assert not believed(good, sender="colleague@school.example", Reply_To=CAMILLE)
    assert not believed(good, sender="colleague@school.example", Sender=CAMILLE)
    assert not believed(good, sender=f"{CAMILLE}, colleague@school.example")
    assert not believed(good, sender=f'"{CAMILLE}" <colleague@school.example>')
    assert not believed(good, attendee="")
    assert not believed("dkim=pass header.d=evil.example; dmarc=pass header.from=evil.example", sender=CAMILLE)
    assert believed(
        "dkim=pass header.d=school.example", sender="camille@lycee.school.example", attendee="camille@lycee.school.example"
    )
    assert believed(
        "dkim=pass header.d=xn--cole-9oa.example", sender="camille@école.example", attendee="camille@xn--cole-9oa.example"
    )


GOOD_GOOGLE = "dkim=pass header.i=@google.com header.s=20230601; spf=pass smtp.mailfrom=3Zk@calendar-server.bounces.google.com; dmarc=pass header.from=google.com"


def test_google_answers_for_the_person_in_reply_to_and_nobody_pretends_to_be_google():
    assert believed(GOOD_GOOGLE, sender=GOOGLE, Reply_To=CAMILLE)
    assert not believed(GOOD_GOOGLE, sender=GOOGLE, Reply_To="other@school.example")
    assert not believed(GOOD_GOOGLE, sender=GOOGLE)
    assert not believed(GOOD_GOOGLE, sender="calendar-notifications@google.com", Reply_To=CAMILLE)
    assert not believed("dkim=pass header.d=evil.example; dmarc=pass header.from=evil.example", sender=GOOGLE, Reply_To=CAMILLE)
    assert not believed("dkim=pass header.d=com", sender=GOOGLE, Reply_To=CAMILLE)
    assert not believed(GOOD_GOOGLE.replace("dmarc=pass", "dmarc=fail"), sender=GOOGLE, Reply_To=CAMILLE)
    for fake in ("calendar-notification@google.com.evil.example", "calendar-notification@evilgoogle.com"):
        domain = fake.partition("@")[2]
        assert not believed(f"dkim=pass header.d={domain}; dmarc=pass header.from={domain}", sender=fake, Reply_To=CAMILLE)
    as_person = "dkim=pass header.d=google.com; dmarc=none header.from=school.example"
    assert believed(as_person, Sender=GOOGLE, Reply_To=CAMILLE)
    assert not believed(as_person, Sender=GOOGLE)
    assert not believed(as_person, sender="other@school.example", Sender=GOOGLE, Reply_To=CAMILLE)
    assert not believed("dkim=pass header.d=evil.example", Sender=GOOGLE, Reply_To=CAMILLE)
