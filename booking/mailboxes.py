"""Where answers arrive: a folder on an IMAP server, or a Maildir.

Both hand mails over one by one and mark a mail only once they are told that it is kept. A mail met twice does no harm: the
inbox knows it by its bytes. Nothing here ever says the password, nor what a server said about it.
"""

from __future__ import annotations

import imaplib
import logging
import os
import ssl
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError

from booking import clock
from booking.config import ImapFolder, inbox_address
from booking.mail.inbox import BEGINNING, LARGEST, Arrival, Mailbox, take_all

log = logging.getLogger("coulisses.inbox")

TIMEOUT = 10.0
"""Seconds every wait for a server may last."""
TAKEN = "$CoulissesTaken"
"""The keyword of a mail we have taken, where the server keeps keywords; where it does not, we see to those not seen."""
LOOK_BACK = timedelta(days=30)
BATCH = 50
MAILS_A_VISIT = 50
"""Mails the worker takes before anything else has its turn again."""
LOOK_EVERY = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=10)
_SEEN = "\\Seen"
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class MailboxTrouble(Exception):
    """The mailbox cannot be read just now. Its words may be shown and logged."""


@contextmanager
def open_mailbox(url: str, timeout: float = TIMEOUT) -> Iterator[Mailbox]:
    """The mailbox an INBOX_URL names, open inside the block. `timeout` is in seconds, of each wait.

    Raises `MailboxTrouble`, also out of its methods, and `ValueError` where the URL names no mailbox.
    """
    address = inbox_address(url)
    if isinstance(address, Path):
        yield Maildir(address)
        return
    mailbox = Imap(address, timeout)
    try:
        yield mailbox
        mailbox.say_goodbye()
    finally:
        mailbox.hang_up()


class Maildir:
    """A Maildir: new mails in new/, those somebody has looked at in cur/, with flags in their names.

    A mail is taken once its flag S (seen) is there; a mail reader that moved it to cur/ without that did not take it from us.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self) -> Iterator[Arrival]:
        """The mails without our flag, in the order of their names, which begin with the time of delivery."""
        found = [name for name in self._names("cur") if "S" not in _flags(name)]
        for part, names in (("cur", found), ("new", self._names("new"))):
            for name in sorted(names):
                if arrival := self._read(Path(part, name)):
                    yield arrival

    def done(self, arrival: Arrival) -> None:
        """Move the mail to cur/ with flag S, in one step. Another reader may have been faster."""
        name = arrival.handle.name.partition(":2,")[0]
        flags = "".join(sorted({*_flags(arrival.handle.name), "S"}))
        try:
            Path(self._folder, arrival.handle).rename(self._folder / "cur" / f"{name}:2,{flags}")
        except FileNotFoundError:
            return
        except OSError as error:
            raise MailboxTrouble(f"A mail cannot be moved inside the maildir {self._folder}: {error.strerror}.") from None

    def _names(self, part: str) -> list[str]:
        try:
            return [entry.name for entry in os.scandir(self._folder / part) if not entry.name.startswith(".")]
        except OSError as error:
            raise MailboxTrouble(f"The maildir {self._folder} has no {part}/ that can be read: {error.strerror}.") from None

    def _read(self, handle: Path) -> Arrival | None:
        try:
            # A link could lead anywhere, and a pipe would be waited for.
            number = os.open(self._folder / handle, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("a mail in the maildir cannot be read: %s", error.strerror)
            return None
        with os.fdopen(number, "rb") as file:
            about = os.fstat(number)
            if not stat.S_ISREG(about.st_mode):
                return None
            if about.st_size > LARGEST:
                return Arrival(file.read(BEGINNING), about.st_size, handle)
            raw = file.read(LARGEST)
            return Arrival(raw, len(raw), handle)


def _flags(name: str) -> str:
    return name.partition(":2,")[2]


class Imap:
    """A folder on an IMAP server (RFC 3501). Mails are looked at without being marked as seen, as far as keywords are kept."""

    def __init__(self, address: ImapFolder, timeout: float) -> None:
        self._where = f"{address.host}:{address.port}"
        self._keyword: str | None = None
        with self._conversation():
            self._client = IMAPClient(
                address.host,
                address.port,
                ssl=address.tls,
                ssl_context=ssl.create_default_context(),
                timeout=SocketTimeout(timeout, timeout),
            )
        try:
            self._enter(address)
        except BaseException:
            self.hang_up()
            raise

    def _enter(self, address: ImapFolder) -> None:
        with self._conversation():
            if not address.tls and address.host not in _HERE and self._client.has_capability("STARTTLS"):
                self._client.starttls(ssl.create_default_context())
            if self._client.has_capability("AUTH=PLAIN"):  # which carries every sign, in UTF-8
                self._client.plain_login(address.user, address.password)
            else:
                self._client.login(_quoted(address.user), address.password)
        with self._conversation():
            try:
                told = self._client.select_folder(address.folder)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error:
                raise MailboxTrouble(f"The mailbox at {self._where} has no folder {address.folder!r} to read.") from None
            kept = {flag.lower() for flag in told.get(b"PERMANENTFLAGS", ())}
            self._keyword = TAKEN if kept & {b"\\*", TAKEN.lower().encode()} else None

    def new(self) -> Iterator[Arrival]:
        """The mails of the last 30 days that we have not taken. Each is fetched when its turn comes."""
        with self._conversation():
            not_taken = ["UNKEYWORD", self._keyword] if self._keyword else ["UNSEEN"]
            numbers = iter(sorted(self._client.search([*not_taken, "SINCE", clock.paris_day(clock.now() - LOOK_BACK)])))
        while batch := list(islice(numbers, BATCH)):
            for number, size in self._sizes(batch):
                if arrival := self._fetch(number, size):
                    yield arrival

    def _sizes(self, numbers: Sequence[int]) -> list[tuple[int, int]]:
        with self._conversation():
            told = self._client.fetch(numbers, ["RFC822.SIZE"])
            return [(number, int(told[number][b"RFC822.SIZE"])) for number in numbers if b"RFC822.SIZE" in told.get(number, {})]

    def _fetch(self, number: int, size: int) -> Arrival | None:
        wanted = f"BODY.PEEK[]<0.{BEGINNING}>" if size > LARGEST else "BODY.PEEK[]"
        with self._conversation():
            told = self._client.fetch([number], [wanted]).get(number, {})
        raw = next((value for name, value in told.items() if name.startswith(b"BODY[]")), None)
        if not isinstance(raw, bytes):
            return None
        return Arrival(raw, size if size > LARGEST else len(raw), number)  # some servers guess how large a mail is

    def done(self, arrival: Arrival) -> None:
        """Mark the mail as taken, on the server."""
        with self._conversation():
            self._client.add_flags([arrival.handle], [self._keyword or _SEEN], silent=True)

    def say_goodbye(self) -> None:
        """Log out. Everything is done by now: a failure changes nothing."""
        with suppress(Exception):
            self._client.logout()

    def hang_up(self) -> None:
        """Close the connection, whatever it is in."""
        with suppress(Exception):
            self._client.shutdown()

    @contextmanager
    def _conversation(self) -> Iterator[None]:
        """Turn whatever goes wrong with a server into words. What it said may quote the password, and is not passed on."""
        try:
            yield
        except MailboxTrouble:
            raise
        except Exception as error:  # noqa: BLE001 - a server may say anything, and the libraries fail over it in many ways
            raise MailboxTrouble(f"The mailbox at {self._where} {_said_of(error)}.") from None


def _said_of(error: Exception) -> str:
    if isinstance(error, LoginError) and isinstance(error.__context__, imaplib.IMAP4.abort):
        error = error.__context__
    match error:
        case LoginError() | UnicodeEncodeError():
            return "refuses the user or the password of INBOX_URL"
        case ssl.SSLCertVerificationError():
            return "shows a certificate that nobody vouches for"
        case TimeoutError():
            return "does not answer in time"
        case imaplib.IMAP4.abort() | ConnectionResetError() | BrokenPipeError():
            return "hung up in the middle"
        case _:
            return f"does not answer as it should ({type(error).__name__})"


class Watch:
    """Looks into a mailbox every minute; while it does not answer, more and more seldom, and says so in the log."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._looked_at: datetime | None = None
        self._pause = LOOK_EVERY

    def look(self, stopping: Callable[[], bool]) -> int:
        """Take what is new, if it is time, up to a number of mails; says how many. Whatever ails the mailbox is logged."""
        now, taken = clock.now(), 0
        just_looked = self._looked_at is not None and abs(now - self._looked_at) < self._pause  # clocks may go back
        if self._url is None or just_looked or stopping():
            return 0
        try:
            with open_mailbox(self._url) as mailbox:
                for _ in islice(take_all(mailbox), MAILS_A_VISIT):
                    taken += 1
                    if stopping():
                        break
        except MailboxTrouble as trouble:
            self._looked_at, self._pause = now, min(self._pause * 2, LONGEST_PAUSE)
            log.warning("%s The next look is in %d seconds.", trouble, self._pause.total_seconds())
        else:
            self._looked_at, self._pause = (now if taken < MAILS_A_VISIT else None), LOOK_EVERY
        return taken


def _quoted(text: str) -> str:
    """A quoted string of IMAP; the library quotes the password alone."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
