"""Delivery against a real SMTP server that misbehaves: nothing is lost, nothing is sent twice after a 250."""

from __future__ import annotations

import smtplib
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import flask_mail
import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from booking import clock, transport
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.config import Settings
from booking.db import db, in_transaction
from booking.mail import delivery, outbox
from booking.mail.delivery import Attempt, Outcome, PermanentFailure, TemporaryFailure, deliver_next, lease_time, scrubbed
from booking.models import Booking, Delivery, Event, Kind, Message
from tests.history_guard import by_hand
from tests.mails import calendar_bytes, entry, opened
from tests.smtp import KEY_AND_CERTIFICATE, Server, free_port, smtp_server
from tests.test_booking import book
from tests.world import World, a_class


@pytest.fixture
def server() -> Iterator[Server]:
    with smtp_server() as running:
        yield running


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "server.pem"
    path.write_text(KEY_AND_CERTIFICATE)
    return path


def connect(app: Flask, port: int, **more: Any) -> Settings:
    """Point an application at a test server."""
    values: dict[str, Any] = {"mail_server": "127.0.0.1", "mail_port": port, "mail_timeout": 5, "mail_use_tls": False}
    settings: Settings = replace(app.config["SETTINGS"], **(values | more))
    app.config["SETTINGS"] = settings
    transport.init_app(app)
    return settings


def deliver(app: Flask) -> Attempt | None:
    return deliver_next(app.config["SETTINGS"], transport.transport_for(app))


def deliver_all(app: Flask) -> list[Outcome]:
    outcomes: list[Outcome] = []
    while attempt := deliver(app):
        outcomes.append(attempt.outcome)
    return outcomes


def messages() -> list[Message]:
    db.session.commit()
    return list(db.session.scalars(select(Message).order_by(Message.id).execution_options(populate_existing=True)))


def only_message() -> Message:
    [message] = messages()
    return message


def held(world: World, **more: Any) -> Booking:
    """A booking with one mail in the queue."""
    return book(world.visit_slot, a_class(**more))


def test_a_message_is_sent_once_and_marked(app: Flask, world: World, server: Server, frozen: datetime) -> None:
    connect(app, server.port)
    booking = held(world)
    assert deliver_all(app) == [Outcome.SENT]
    assert deliver(app) is None
    [mail] = server.received
    assert mail.sender == f"reservations+{booking.reference}@coulisses.example"
    assert mail.recipients == ("prof@college.example",)
    message = only_message()
    assert mail.content == message.content
    assert opened(mail.content)["Message-ID"] == message.message_id
    assert (message.delivery, message.sent_at, message.attempts, message.lease, message.last_error) == (
        Delivery.SENT, frozen, 1, None, "",
    )  # fmt: skip


def test_rule_16_a_server_that_dies_after_the_final_dot_gets_the_same_bytes_again(
    app: Flask, world: World, server: Server, frozen: datetime
) -> None:
    connect(app, server.port)
    held(world)
    server.behaviour.dies_after_final_dot = 1
    assert deliver_all(app) == [Outcome.LATER]
    with clock.clock_at(frozen + timedelta(minutes=2)):
        assert deliver_all(app) == [Outcome.SENT]
    first, second = server.received
    assert first.content == second.content


def test_rule_16_a_retry_never_follows_a_250_even_when_quit_fails(
    app: Flask, world: World, server: Server, frozen: datetime
) -> None:
    connect(app, server.port)
    held(world)
    server.behaviour.dies_at_quit = True
    assert deliver_all(app) == [Outcome.SENT]
    with clock.clock_at(frozen + timedelta(days=1)):
        assert deliver(app) is None
    assert len(server.received) == 1


def test_killed_between_250_and_commit_one_identical_copy_follows(
    app: Flask, world: World, server: Server, frozen: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(app, server.port)
    held(world)

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "mark_sent", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver(app)
    assert deliver(app) is None, "the lease still holds"
    with clock.clock_at(frozen + timedelta(minutes=6)):
        assert deliver_all(app) == [Outcome.SENT]
    first, second = server.received
    assert first == second
    assert only_message().attempts == 2


def test_a_database_that_is_away_for_a_moment_does_not_make_a_second_copy(
    app: Flask, world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(app, server.port)
    held(world)
    monkeypatch.setattr(delivery, "_MARK_PAUSES", (0.01, 0.01, 0))
    marking, failures = outbox.mark_sent, [1, 1]

    def flaky(*given: Any) -> bool:
        if failures:
            failures.pop()
            raise OperationalError("UPDATE", {}, Exception("server closed the connection"))
        return marking(*given)

    monkeypatch.setattr(outbox, "mark_sent", flaky)
    assert deliver_all(app) == [Outcome.SENT]
    assert only_message().delivery is Delivery.SENT
    assert len(server.received) == 1


def test_a_server_that_is_down_is_tried_later_and_nothing_is_lost(app: Flask, world: World, frozen: datetime) -> None:
    connect(app, free_port(), mail_timeout=1)
    held(world)
    attempt = deliver(app)
    assert attempt is not None
    assert (attempt.outcome, attempt.unreachable) == (Outcome.LATER, True)
    message = only_message()
    assert message.next_attempt_at == frozen + timedelta(minutes=1)
    assert "ConnectionRefusedError" in message.last_error


def test_a_server_that_does_not_answer_is_left_after_the_timeout(app: Flask, world: World, server: Server) -> None:
    connect(app, server.port, mail_timeout=1)
    held(world)
    server.behaviour.slow = 3
    assert deliver_all(app) == [Outcome.LATER]
    assert only_message().delivery is Delivery.QUEUED


def test_a_4xx_is_tried_again_from_one_minute_doubling_to_four_hours(
    app: Flask, world: World, server: Server, frozen: datetime
) -> None:
    connect(app, server.port)
    held(world)
    server.behaviour.data.extend(["451 4.7.1 greylisted"] * 100)
    now, pauses = frozen, []
    while True:
        with clock.clock_at(now):
            [outcome] = deliver_all(app)
        if outcome is Outcome.DEAD:
            break
        pauses.append(only_message().next_attempt_at - now)
        now = only_message().next_attempt_at
    assert pauses[:9] == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 16, 32, 64, 128, 240)]
    assert max(pauses) == timedelta(hours=4)
    assert now == frozen + timedelta(hours=72)
    assert only_message().last_error == "451 4.7.1 greylisted"


def test_a_4xx_and_then_a_250_is_sent(app: Flask, world: World, server: Server, frozen: datetime) -> None:
    connect(app, server.port)
    held(world)
    server.behaviour.rcpt.append("450 4.2.1 come back")
    server.behaviour.data.extend([None, "452 4.3.1 full"])
    assert deliver_all(app) == [Outcome.LATER]
    with clock.clock_at(frozen + timedelta(minutes=1)):
        assert deliver_all(app) == [Outcome.SENT]


@pytest.mark.parametrize(("stage", "answer"), [("data", "554 5.7.1 looks like spam"), ("rcpt", "550 5.1.1 no such user")])
def test_a_5xx_and_a_refused_recipient_are_final_and_visible(
    app: Flask, world: World, server: Server, frozen: datetime, stage: str, answer: str
) -> None:
    connect(app, server.port)
    held(world)
    getattr(server.behaviour, stage).append(answer)
    assert deliver_all(app) == [Outcome.DEAD]
    assert (only_message().delivery, only_message().last_error) == (Delivery.DEAD, answer)
    with clock.clock_at(frozen + timedelta(days=4)):
        assert deliver(app) is None
    assert not server.received


@pytest.mark.parametrize(("stage", "answer"), [("mail", "550 5.7.1 sender not ours"), ("rcpt", "530 5.7.0 authenticate first")])
def test_our_own_misconfiguration_kills_no_mail(app: Flask, world: World, server: Server, stage: str, answer: str) -> None:
    connect(app, server.port)
    held(world)
    getattr(server.behaviour, stage).append(answer)
    attempt = deliver(app)
    assert attempt is not None
    assert (attempt.outcome, attempt.unreachable) == (Outcome.LATER, True)
    assert only_message().last_error == answer


def test_a_refused_password_kills_no_mail(app: Flask, world: World, server: Server) -> None:
    connect(app, server.port, mail_username="u", mail_password="wrong")
    held(world)
    assert deliver_all(app) == [Outcome.LATER]
    assert "SMTPNotSupportedError" in only_message().last_error


def test_what_is_kept_of_an_error_names_nobody(app: Flask, world: World, server: Server) -> None:
    connect(app, server.port)
    held(world)
    server.behaviour.rcpt.append(
        "550 5.1.1 <prof@college.example>: user prof unknown; ask postmaster@college.example " + "x" * 400
    )
    deliver(app)
    error = only_message().last_error
    assert error.startswith("550 5.1.1 (address): user (address) unknown; ask (address)")
    assert len(error) <= 300
    assert "prof" not in error
    assert scrubbed("a\r\nb\x00c\u2028d", "x@y.example") == "a bc d"


def test_tls_nobody_vouches_for_is_refused_and_nothing_goes_out_in_clear(
    app: Flask, world: World, certificate: Path, frozen: datetime
) -> None:
    with smtp_server(certificate) as server:
        connect(app, server.port, mail_use_tls=True)
        held(world)
        assert deliver_all(app) == [Outcome.LATER]
        assert "certificate" in only_message().last_error.lower()
        assert (server.received, server.clear_commands) == ([], [])


def test_a_server_without_tls_gets_nothing_where_tls_is_asked_for(app: Flask, world: World, server: Server) -> None:
    connect(app, server.port, mail_use_tls=True)
    held(world)
    assert deliver_all(app) == [Outcome.LATER]
    assert (server.received, server.clear_commands) == ([], [])


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit TLS"])
def test_tls_that_is_vouched_for_is_used(
    app: Flask, world: World, certificate: Path, monkeypatch: pytest.MonkeyPatch, implicit: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with smtp_server(certificate, implicit=implicit) as server:
        if implicit:
            monkeypatch.setattr(transport, "IMPLICIT_TLS_PORT", server.port)
        connect(app, server.port, mail_use_tls=True)
        held(world)
        assert deliver_all(app) == [Outcome.SENT]
        assert implicit or server.clear_commands == []
        assert implicit or server.received[0].over_tls


def test_implicit_tls_nobody_vouches_for_is_refused(
    app: Flask, world: World, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with smtp_server(certificate, implicit=True) as server:
        monkeypatch.setattr(transport, "IMPLICIT_TLS_PORT", server.port)
        connect(app, server.port)
        held(world)
        assert deliver_all(app) == [Outcome.LATER]
        assert server.received == []


def test_two_workers_never_send_the_same_message(app: Flask, world: World, server: Server) -> None:
    connect(app, server.port)
    for n in range(12):
        book(world.dating_slot, a_class(audience="jobseeker", pupils=0, adults=0, level="", name=f"Personne {n}"), f"k{n}")
    db.session.remove()
    failures: list[BaseException] = []

    def work() -> None:
        with app.app_context():
            try:
                deliver_all(app)
            except BaseException as error:  # noqa: BLE001 - asserted on below
                failures.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert failures == []
    assert Counter(opened(mail.content)["Message-ID"] for mail in server.received) == Counter(
        message.message_id for message in messages()
    )
    assert [message.attempts for message in messages()] == [1] * 12


def test_a_claim_nobody_finished_is_free_again_after_its_lease(
    app: Flask, world: World, server: Server, frozen: datetime
) -> None:
    settings = connect(app, server.port)
    held(world)
    claim = in_transaction(lambda: outbox.claim_next("dead worker", clock.now(), lease_time(settings)))
    assert claim is not None
    assert deliver(app) is None
    with clock.clock_at(frozen + timedelta(minutes=4, seconds=59)):
        assert deliver(app) is None
    with clock.clock_at(frozen + timedelta(minutes=5)):
        assert deliver_all(app) == [Outcome.SENT]
    assert not in_transaction(lambda: outbox.mark_dead(claim, "late")), "who lost the lease marks nothing"
    assert only_message().delivery is Delivery.SENT


def test_a_worker_that_slept_past_its_lease_does_not_send(
    app: Flask, world: World, server: Server, frozen: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(app, server.port)
    held(world)
    composing, now = delivery.compose, [frozen]

    def slow(*given: Any, **more: Any) -> Any:
        now[0] = frozen + timedelta(minutes=6)
        return composing(*given, **more)

    with clock.clock_at(lambda: now[0]):
        with monkeypatch.context() as patched:
            patched.setattr(delivery, "compose", slow)
            attempt = deliver(app)
        assert attempt is not None
        assert attempt.outcome is Outcome.LOST
        assert server.received == []
        assert deliver_all(app) == [Outcome.SENT]


def test_a_worker_whose_message_was_taken_over_does_not_send(
    app: Flask, world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(app, server.port)
    held(world)
    freezing = outbox.freeze

    def taken_over(*given: Any) -> bool:
        frozen_now = freezing(*given)
        db.session.execute(text("UPDATE messages SET lease = 'somebody else'"))
        return frozen_now

    monkeypatch.setattr(outbox, "freeze", taken_over)
    attempt = deliver(app)
    assert attempt is not None
    assert attempt.outcome is Outcome.LOST
    assert server.received == []


def test_mails_of_one_booking_leave_in_order_even_when_the_first_is_delayed(
    app: Flask, world: World, server: Server, frozen: datetime
) -> None:
    connect(app, server.port)
    booking = book(world.visit_slot, a_class(20), proven=True)
    in_transaction(lambda: change_headcount(booking.reference, 21, 3))
    in_transaction(lambda: cancel_booking(booking.reference))
    server.behaviour.rcpt.extend(["450 later", "450 later"])
    assert deliver_all(app) == [Outcome.LATER, Outcome.LATER], "the booker's first and the host's first; the others wait"
    assert server.received == []
    with clock.clock_at(frozen + timedelta(minutes=1)):
        assert deliver_all(app) == [Outcome.SENT] * 6
    mails = [opened(mail.content) for mail in server.received if mail.recipients == ("prof@college.example",)]
    assert [entry(calendar_bytes(mail))["SEQUENCE"] for mail in mails] == [0, 1, 2]
    ids = [mail["Message-ID"] for mail in mails]
    assert mails[0]["References"] is None
    assert [mail["In-Reply-To"] for mail in mails[1:]] == ids[:2]
    assert mails[2]["References"] == f"{ids[0]} {ids[1]}"


def test_a_dead_mail_holds_nobody_up_and_a_cancel_follows_no_unsent_invitation(app: Flask, world: World, server: Server) -> None:
    connect(app, server.port)
    booking = book(world.visit_slot, a_class(20), proven=True)
    in_transaction(lambda: cancel_booking(booking.reference))
    server.behaviour.rcpt.append("550 5.1.1 gone")
    assert Counter(deliver_all(app)) == {Outcome.DEAD: 1, Outcome.SENT: 3}
    [mail] = [opened(mail.content) for mail in server.received if mail.recipients == ("prof@college.example",)]
    assert mail.get_content_type() == "multipart/alternative", "no CANCEL for what was never asked"
    assert mail["References"] is None


def test_a_mail_that_cannot_be_written_is_dead_and_stops_nobody(
    app: Flask, world: World, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    connect(app, server.port)
    held(world)
    book(world.boat_slot, a_class(5), "k2")
    broken = messages()[0]
    broken.facts = {"booking": {}}
    db.session.commit()
    assert deliver_all(app) == [Outcome.DEAD, Outcome.SENT]
    assert messages()[0].last_error == "cannot be rendered: KeyError"
    assert "cannot be rendered" in caplog.text


def test_a_host_address_that_is_none_is_dead_and_visible(app: Flask, world: World, server: Server) -> None:
    connect(app, server.port)
    db.session.get_one(Event, world.visit).contact_email = "port@x.example, mairie@x.example"
    db.session.commit()
    book(world.visit_slot, a_class(20), proven=True)
    assert deliver_all(app) == [Outcome.SENT, Outcome.DEAD]


def test_nothing_is_sent_inside_a_transaction_and_the_bytes_are_frozen_before(app: Flask, world: World, server: Server) -> None:
    connect(app, server.port)
    held(world)
    seen: list[Any] = []

    def look() -> None:
        with app.app_context():
            by_hand(lambda: seen.append(db.session.execute(text("UPDATE bookings SET phone = '1'")).rowcount))
            seen.append(db.session.scalar(select(Message.content)))
            db.session.remove()

    server.behaviour.on_data = look
    assert deliver_all(app) == [Outcome.SENT]
    assert seen == [1, server.received[0].content]


def test_in_the_demo_a_mail_counts_as_delivered_to_the_mailbox(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("nothing leaves the machine")

    monkeypatch.setattr(smtplib, "SMTP", forbidden)
    transport.init_app(app)
    held(world)
    with flask_mail._MailMixin().record_messages() as sent:
        assert deliver_all(app) == [Outcome.SENT]
    assert only_message().content is not None
    [mail] = sent
    assert mail.recipients == ["prof@college.example"]
    assert mail.subject.startswith("Confirmez avant 12\u00a0h\u00a0: 31 places tenues")
    assert mail.as_bytes() == only_message().content


def test_flask_mails_outbox_sees_what_went_over_the_wire(app: Flask, world: World, server: Server) -> None:
    connect(app, server.port)
    held(world)
    with flask_mail._MailMixin().record_messages() as sent:
        deliver(app)
    assert [mail.as_bytes() for mail in sent] == [mail.content for mail in server.received]


def test_a_lease_outlives_the_slowest_conversation() -> None:
    from tests.mails import SETTINGS

    assert lease_time(SETTINGS) == timedelta(minutes=5)
    assert lease_time(replace(SETTINGS, mail_timeout=240)) > timedelta(seconds=8 * 240)


def test_a_fault_of_the_transport_itself_loses_no_mail(app: Flask, world: World) -> None:
    class Broken:
        def send(self, envelope_from: str, recipient: str, content: bytes) -> None:
            raise RuntimeError("bug")

    held(world)
    attempt = deliver_next(app.config["SETTINGS"], Broken())
    assert attempt is not None
    assert attempt.outcome is Outcome.LATER
    assert issubclass(TemporaryFailure, Exception)
    assert issubclass(PermanentFailure, Exception)


def test_the_whole_way_of_a_booking_reaches_the_mailbox(app: Flask, world: World, server: Server) -> None:
    connect(app, server.port)
    booking = held(world)
    in_transaction(lambda: confirm_booking(booking.reference))
    assert deliver_all(app) == [Outcome.SENT] * 3
    assert [message.kind for message in messages()] == [
        Kind.BOOKING_TO_PROVE,
        Kind.BOOKING_CONFIRMED,
        Kind.HOST_BOOKING_CONFIRMED,
    ]
    assert [mail.recipients[0] for mail in server.received] == ["prof@college.example"] * 2 + ["accueil@port.example"]
