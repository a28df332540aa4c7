"""The way out for mail: Flask-Mail's settings and test outbox, with a connection that can be relied on.

Flask-Mail 0.10 opens connections without a timeout, starts TLS without checking the certificate, throws refused
recipients away and reports a mail as failed when only the good-bye failed. The connection below mends that, and it
sends the frozen bytes instead of writing the mail once more.
"""

from __future__ import annotations

import smtplib
import ssl
import time
from types import TracebackType
from typing import Any

import flask_mail
from flask import Flask

from booking.config import Settings
from booking.mail.delivery import PermanentFailure, TemporaryFailure
from booking.mail.opened import open_mail

IMPLICIT_TLS_PORT = 465
_OUR_FAULT = frozenset({530, 534, 535, 538})
"""Answers that ask us to authenticate: they say nothing about the recipient."""


def init_app(app: Flask) -> None:
    """Configure Flask-Mail from our settings. Without MAIL_SERVER (the demo) nothing leaves the machine."""
    settings: Settings = app.config["SETTINGS"]
    app.config.update(
        MAIL_SERVER=settings.mail_server,
        MAIL_PORT=settings.mail_port,
        MAIL_USERNAME=settings.mail_username,
        MAIL_PASSWORD=settings.mail_password,
        MAIL_USE_TLS=settings.mail_use_tls,
        MAIL_USE_SSL=settings.mail_port == IMPLICIT_TLS_PORT,
        MAIL_DEFAULT_SENDER=settings.mail_default_sender,
        MAIL_SUPPRESS_SEND=settings.mail_server is None,
    )
    flask_mail.Mail(app)


def transport_for(app: Flask) -> MailTransport:
    """The transport of this application's settings.

    Without MAIL_SERVER a mail counts as delivered to /mailbox, which shows the content of the outbox's row.
    """
    return MailTransport(app)


class MailTransport:
    """Sends each mail over a connection of its own, so that one mail's trouble is not the next one's."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._timeout = app.config["SETTINGS"].mail_timeout

    def send(self, envelope_from: str, recipient: str, content: bytes) -> None:
        """Hand the bytes over, to one recipient. Raises `TemporaryFailure` or `PermanentFailure`."""
        with self._app.app_context():
            connection = MailConnection(self._app.extensions["mail"], self._timeout)
            try:
                connection.__enter__()
            except (smtplib.SMTPException, OSError) as error:
                raise TemporaryFailure(_said(error), unreachable=True) from error
            with connection:
                connection.send_bytes(envelope_from, recipient, content)


class MailConnection(flask_mail.Connection):
    """Flask-Mail's connection with timeouts, verified TLS, and answers that are listened to."""

    def __init__(self, mail: Any, timeout: float) -> None:
        super().__init__(mail)
        self._timeout = timeout
        self._is_open = False
        self._latest = 0.0

    def __enter__(self) -> MailConnection:
        if not self._is_open:
            self._is_open = True
            self._latest = time.monotonic() + 4 * self._timeout
            super().__enter__()
        return self

    def configure_host(self) -> smtplib.SMTP:
        """Connect, turn TLS on and authenticate. A certificate nobody vouches for ends the conversation."""
        context = ssl.create_default_context()
        host: smtplib.SMTP
        if self.mail.use_ssl:
            host = smtplib.SMTP_SSL(self.mail.server, self.mail.port, timeout=self._timeout, context=context)
        else:
            host = smtplib.SMTP(self.mail.server, self.mail.port, timeout=self._timeout)
        try:
            if self.mail.use_tls and not self.mail.use_ssl:
                host.starttls(context=context)
            if self.mail.username and self.mail.password:
                host.login(self.mail.username, self.mail.password)
        except BaseException:
            host.close()
            raise
        return host

    def send_bytes(self, envelope_from: str, recipient: str, content: bytes) -> None:
        """Send, and tell Flask-Mail's listeners (its test outbox is one of them)."""
        if self.host is not None:
            if time.monotonic() > self._latest:
                raise TemporaryFailure("the server was too slow to greet us", unreachable=True)
            _converse(self.host, envelope_from, recipient, content)
        flask_mail.email_dispatched.send(self._app(), message=FrozenMessage(content))

    @staticmethod
    def _app() -> Flask:
        from flask import current_app

        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        return app

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        tb: TracebackType | None = None,
    ) -> None:
        """Say good-bye. The mail is taken over or refused by now: a failing QUIT changes nothing."""
        if self.host is None:
            return
        try:
            self.host.quit()
        except (smtplib.SMTPException, OSError):
            self.host.close()


class FrozenMessage(flask_mail.Message):
    """What Flask-Mail's listeners get: the mail's fields to look at, and its bytes as they were sent."""

    def __init__(self, content: bytes) -> None:
        opened = open_mail(content)
        super().__init__(
            subject=opened.subject,
            sender=opened.sender,
            recipients=[opened.recipient],
            body=opened.text,
            html=opened.html,
        )
        self._content = content

    def as_bytes(self) -> bytes:
        """The frozen bytes."""
        return self._content

    def as_string(self) -> str:
        """The frozen bytes, which are ASCII."""
        return self._content.decode("ascii")


def _converse(host: smtplib.SMTP, envelope_from: str, recipient: str, content: bytes) -> None:
    try:
        host.sendmail(envelope_from, [recipient], content)
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        _fail(code, answer, error)
    except smtplib.SMTPDataError as error:
        _fail(error.smtp_code, error.smtp_error, error)
    except smtplib.SMTPSenderRefused as error:
        # Ours is the only sender there is: a refusal is a wrong setting, and no reason to give a mail up.
        raise TemporaryFailure(_said(error), unreachable=True) from error
    except (smtplib.SMTPException, OSError) as error:
        raise TemporaryFailure(_said(error), unreachable=isinstance(error, OSError)) from error


def _fail(code: int, answer: bytes | str, error: Exception) -> None:
    if code in _OUR_FAULT:
        raise TemporaryFailure(_answer(code, answer), unreachable=True) from error
    if code >= 500:
        raise PermanentFailure(_answer(code, answer)) from error
    raise TemporaryFailure(_answer(code, answer)) from error


def _answer(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {text}"


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"
