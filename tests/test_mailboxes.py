"""Where mail arrives: a Maildir, a folder on a server, the command and the worker that read them, and their troubles."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from imapclient import IMAPClient

from booking import clock
from booking.config import Settings
from booking.db import in_transaction
from booking.logs import redact
from booking.mail.inbox import BEGINNING, take_in
from booking.mailboxes import MailboxTrouble, Watch, open_mailbox
from booking.worker import Worker
from tests.conftest import NOW
from tests.imap import ELSEWHERE, PASSWORD, cut_line, deliver, free_port, imap_server, maildir
from tests.incoming import OUR_SERVER, letter, reply
from tests.smtp import KEY_AND_CERTIFICATE
from tests.test_inbox import confirmed
from tests.test_worker import Post
from tests.world import World


def test_a_maildir_gives_each_mail_once_and_steps_over_what_is_none(tmp_path: Path) -> None:
    folder = maildir(tmp_path / "mail dir")
    with open_mailbox(f"maildir://{str(folder).replace(' ', '%20')}") as box:
        for n in range(3):
            deliver(folder, b"Subject: x\n\n%d" % n, f"{n}.x")
        (folder / "new/2.x").rename(folder / "cur/2.x:2,F")  # a mail reader looked at the list, and nobody at the mail
        deliver(folder, b"seen", "4.x")
        (folder / "new/4.x").rename(folder / "cur/4.x:2,RS")
        (folder / "new/5.x").symlink_to("/etc/passwd")
        os.mkfifo(folder / "new/6.x")
        (folder / "new/.hidden").write_bytes(b"x")
        found = box.new()
        first = next(found)
        assert (first.raw, first.size) == (b"Subject: x\n\n2", 13)
        (folder / "new/0.x").unlink()  # somebody was faster
        (second,) = found
        assert second.raw.endswith(b"1")
        for arrival in (first, second, second):
            box.done(arrival)
        assert sorted(path.name for path in (folder / "cur").iterdir()) == ["1.x:2,S", "2.x:2,FS", "4.x:2,RS"]
        assert list(box.new()) == []
        (folder / "cur").rename(folder / "away")
        with pytest.raises(MailboxTrouble, match=r"maildir .* has no cur/ that can be read"):
            list(box.new())


SMALL, LARGE = b"Subject: one\n\nx\n", b"Subject: two\n\n" + b"x" * 2_100_000


@pytest.mark.parametrize(("keywords", "flag"), [(True, "a"), (False, "S")])
def test_a_folder_on_a_server_gives_each_mail_until_it_is_said_to_be_done(tmp_path: Path, keywords: bool, flag: str) -> None:
    with imap_server(tmp_path, keywords=keywords) as server:
        server.deliver(SMALL, "1.a")
        server.deliver(LARGE, "2.a")
        with open_mailbox(server.url()) as box:
            found = {arrival.size: arrival for arrival in box.new()}
            assert server.flags() in ({}, {"1.a": "", "2.a": ""})  # nothing is marked by being looked at
            assert found[len(SMALL)].raw == SMALL
            assert found[len(LARGE)].raw == LARGE[:BEGINNING]
            box.done(found[len(SMALL)])
        assert server.flags()["1.a"] == flag
        with open_mailbox(server.url()) as box:
            (left,) = box.new()
            box.done(left)
            assert list(box.new()) == []


def test_a_server_that_hangs_up_refuses_or_is_away_is_told_of_in_words_without_the_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def told(url: str) -> str:
        with pytest.raises(MailboxTrouble) as trouble, open_mailbox(url) as box:
            list(box.new())
        return re.sub(r"^The mailbox at 127.0.0.1:\d+ ", "", str(trouble.value))

    with imap_server(tmp_path) as server:
        server.deliver(LARGE, "1.a")
        for after in (0, 330, 1500, 30_000):
            with cut_line(server.port, after) as port:
                assert told(server.url(port=port)) == "hung up in the middle.", after
        refused = "refuses the user or the password of INBOX_URL."
        assert told(server.url(password="another")) == refused
        assert told(server.url(folder="Elsewhere")) == "has no folder 'Elsewhere' to read."
        assert told(server.url(port=free_port())) == "does not answer as it should (ConnectionRefusedError)."
        with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(MailboxTrouble, match="does not answer in time"):  # noqa: SIM117
            with open_mailbox(server.url(port=mute.getsockname()[1]), 0.2):
                pass
    assert PASSWORD not in caplog.text
    assert redact(f"connecting to {server.url()}").count(":…@") == 1


def test_a_mail_is_whole_although_the_server_guessed_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = IMAPClient.fetch

    def guessed(self: IMAPClient, numbers: list[int], wanted: list[str]) -> dict[int, dict[bytes, object]]:
        told: dict[int, dict[bytes, object]] = asking(self, numbers, wanted)
        return {number: {**said, **({b"RFC822.SIZE": 999} if wanted == ["RFC822.SIZE"] else {})} for number, said in told.items()}

    monkeypatch.setattr(IMAPClient, "fetch", guessed)
    with imap_server(tmp_path) as server:
        server.deliver(b"Subject: one\n\nx\n", "1.a")
        with open_mailbox(server.url()) as box:
            assert [(arrival.raw, arrival.size) for arrival in box.new()] == [(b"Subject: one\n\nx\n", 16)]


def test_tls_is_asked_for_and_certificates_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "both.pem"
    certificate.write_text(KEY_AND_CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def told(url: str) -> str:
        try:
            with open_mailbox(url) as box:
                return f"{len(list(box.new()))} mail"
        except MailboxTrouble as trouble:
            return str(trouble)

    unknown = "shows a certificate that nobody vouches for."
    with imap_server(tmp_path, certificate=certificate) as server:
        server.deliver(b"Subject: one\n\nx\n", "1.a")
        with cut_line(server.port, 10**9, context) as port:
            assert told(server.url(scheme="imaps", port=port)).endswith(unknown)
        assert told(server.url(host=ELSEWHERE)).endswith(unknown)  # STARTTLS
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert told(server.url(host=ELSEWHERE)).endswith(unknown)  # known, and another machine's
        with cut_line(server.port, 10**9, context) as port:
            assert told(server.url(scheme="imaps", port=port)) == "1 mail"


@contextmanager
def set_inbox(app: Flask, url: str | None) -> Iterator[Settings]:
    before: Settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(before, inbox_url=url, inbox_authserv_id=OUR_SERVER)
    yield app.config["SETTINGS"]
    app.config["SETTINGS"] = before


def test_the_command_reads_says_what_it_did_and_what_is_wrong(app: Flask, world: World, tmp_path: Path) -> None:
    booking, folder = confirmed(world), maildir(tmp_path / "mail")
    deliver(folder, reply(booking), "1.a")
    deliver(folder, letter("curieux@ailleurs.example"), "2.a")
    run = app.test_cli_runner().invoke
    for url, said in (
        (None, "Error: INBOX_URL is missing: set it to "),
        (f"maildir://{tmp_path}/elsewhere", "has no cur/ that can be read: No such file or directory."),
        (f"imap://me:hunter2@127.0.0.1:{free_port()}/INBOX", "does not answer as it should (ConnectionRefusedError)."),
    ):
        with set_inbox(app, url):
            wrong = run(args=["inbox", "read"])
        assert wrong.exit_code == 1
        assert said in wrong.stderr
        assert "hunter2" not in wrong.output
    with set_inbox(app, f"maildir://{folder}"):
        assert run(args=["inbox", "read"]).stdout == "2 taken; 1 places freed, 1 passed on.\n"
        assert run(args=["inbox", "read"]).stdout == "0 taken; nothing to decide.\n"
    shown = run(args=["inbox", "show"]).stdout
    assert [line.split()[-2:] for line in shown.splitlines()] == [["places_freed", booking.reference], ["passed_on", "-"]]
    assert "@" not in shown
    assert "Question" not in shown


def test_a_mailbox_that_is_away_is_looked_for_more_and_more_seldom(caplog: pytest.LogCaptureFixture) -> None:
    looks: list[int] = []
    watch = Watch(f"imap://me:hunter2@127.0.0.1:{free_port()}/INBOX")
    for minute in range(46):
        with clock.clock_at(NOW + timedelta(minutes=minute)):
            assert watch.look(lambda: False) == 0
        looks += [minute] * (len(caplog.records) - len(looks))
    assert looks == [0, 2, 6, 14, 24, 34, 44]
    assert caplog.text.count("does not answer as it should (ConnectionRefusedError). The next look is in") == 7
    assert "hunter2" not in caplog.text
    with clock.clock_at(NOW - timedelta(days=1)):  # a clock that was wrong
        watch.look(lambda: False)
    assert len(caplog.records) == 8


def test_the_worker_reads_every_minute_and_does_all_the_rest_while_the_mailbox_is_away(
    app: Flask, world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    booking, at = confirmed(world), clock.now()
    in_transaction(lambda: take_in(letter(booking.email), clock.now()))  # as the demo's mailbox does
    with set_inbox(app, f"imap://me:hunter2@127.0.0.1:{free_port()}/INBOX"):
        running = Worker(app, Post())
    running.empty()
    assert caplog.text.count("does not answer as it should (ConnectionRefusedError). The next look is in 120 seconds.") == 1
    assert (running.counts["decided"], running.counts["sent"]) == (1, 3)  # to the booker and the host, and what was passed on
    folder = maildir(tmp_path / "mail")
    with set_inbox(app, f"maildir://{folder}"):
        running = Worker(app, Post())
    looks = []
    for seconds in (0, 30, 59, 61):
        deliver(folder, letter("curieux@ailleurs.example", str(seconds)), f"{seconds}.a")
        with clock.clock_at(at + timedelta(seconds=seconds)):
            running.empty()
        looks.append(running.counts["decided"])
    assert looks == [1, 1, 1, 4]
    assert running.summary.endswith(" 4 decided.")
