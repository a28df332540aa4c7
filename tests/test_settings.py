"""Settings: all of them documented, each wrong one explained, all at once, and never a traceback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest

from booking.config import ROOT, Settings, WrongSettings, read_settings

GOOD = {"SECRET_KEY": "a key for tests that is long enough", "DEMO": "on"}

WRONG = {
    "SECRET_KEY": ["", "short"],
    "DATABASE_URL": ["mysql://host/name", "sqlite://", "sqlite:///:memory:", "nonsense"],
    "BASE_URL": ["visites.example", "ftp://visites.example", "https://visites.example?a=b", "http://"],
    "PORT": ["http", "0", "65536", "-1", "8000.0", "9" * 30],
    "DEMO": ["maybe"],
    "MAIL_PORT": ["smtp", "0", "70000"],
    "MAIL_USE_TLS": ["starttls"],
    "MAIL_TIMEOUT": ["0", "3600"],
    "MAIL_DEFAULT_SENDER": ["nobody", "Coulisses <>", "a@b@c"],
    "INBOX_URL": [
        "pop3://host",
        "/var/mail",
        "imap://host/INBOX",
        "imaps://user@host",
        "imaps://user:pass@",
        "imaps://user:pa/ss@host",
        "imaps://user:pa%0D%0Ass@host",
        "imaps://user:pass@host:many/INBOX",
        "imaps://user:pa#ss@host",
        "imaps://us%FFer:pass@host",
        "imaps://user:p\u2100ss@host",
        "maildir://var/mail",
        "maildir:///",
    ],
    "RATE_LIMITS": ["some"],
    "HOLD_MINUTES": ["4", "2881", "two hours"],
    "WORKERS": ["0", "65", "many"],
    "TRUSTED_PROXIES": ["11", "all"],
}


class Recorder(dict[str, str]):
    """A mapping that remembers which names were asked for."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def documented() -> dict[str, str]:
    """Names and defaults of the tables in docs/settings.md."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| (.+) \|$", text, re.MULTILINE)
    assert all(meaning.strip() for _, _, meaning in rows)
    return {name: default for name, default, _ in rows}


def test_the_documentation_lists_exactly_what_is_read() -> None:
    recorder = Recorder(GOOD)
    read_settings(recorder)
    assert set(documented()) == recorder.asked
    assert {name.lower() for name in recorder.asked} == {field.name for field in fields(Settings)}


def test_the_documented_defaults_are_the_defaults() -> None:
    plain = {
        name: default[1:-1] for name, default in documented().items() if re.fullmatch(r"`[^`]+`", default) and name != "DEMO"
    }
    assert len(plain) >= 10
    assert read_settings({**GOOD, **plain}) == read_settings(GOOD)
    assert read_settings({**GOOD, "DEMO": "", "MAIL_SERVER": "mail.example"}).demo is False
    assert documented()["DEMO"] == "`off`"


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_setting_gets_a_sentence_that_names_it_and_says_what_to_set(name: str, value: str) -> None:
    with pytest.raises(WrongSettings) as wrong:
        read_settings({**GOOD, "MAIL_SERVER": "mail.example", name: value})
    assert len(wrong.value.sentences) == 1
    assert wrong.value.sentences[0].startswith(f"{name} ")
    assert "set it to" in wrong.value.sentences[0]


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(WrongSettings) as wrong:
        read_settings({**GOOD, **{name: values[0] for name, values in WRONG.items()}})
    named = [sentence.split()[0] for sentence in wrong.value.sentences]
    assert sorted(named) == sorted({*WRONG, "MAIL_SERVER"})  # a DEMO that is not on needs a mail server


def test_without_a_demo_a_mail_server_must_be_named() -> None:
    with pytest.raises(WrongSettings) as wrong:
        read_settings({**GOOD, "DEMO": "off"})
    (sentence,) = wrong.value.sentences
    assert sentence.startswith("MAIL_SERVER is missing: set it to ")
    assert "DEMO=on" in sentence


def test_a_wrong_value_is_shown_but_a_secret_is_not() -> None:
    with pytest.raises(WrongSettings) as wrong:
        read_settings(
            {
                **GOOD,
                "SECRET_KEY": "hunter2",
                "INBOX_URL": "pop3://me:hunter2@host",
                "DATABASE_URL": "mysql://me:hunter2@host/name",
            }
        )
    assert len(wrong.value.sentences) == 3
    assert "hunter2" not in str(wrong.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_reaches_the_same_driver(scheme: str) -> None:
    assert read_settings({**GOOD, "DATABASE_URL": f"{scheme}://u:p@h/n"}).database_url == "postgresql+psycopg://u:p@h/n"


def test_tls_is_the_default_except_towards_this_very_machine() -> None:
    assert read_settings({**GOOD, "MAIL_SERVER": "mail.example"}).mail_use_tls
    assert not read_settings({**GOOD, "MAIL_SERVER": "127.0.0.1"}).mail_use_tls
    assert read_settings({**GOOD, "MAIL_SERVER": "127.0.0.1", "MAIL_USE_TLS": "on"}).mail_use_tls


def test_https_makes_the_cookies_secure() -> None:
    assert read_settings({**GOOD, "BASE_URL": "https://visites.example"}).secure
    assert not read_settings(GOOD).secure


def test_a_command_with_wrong_settings_ends_with_the_sentences_and_no_traceback() -> None:
    environment = os.environ | GOOD | {"SECRET_KEY": "short", "PORT": "http"}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "doctor"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    said = ended.stderr + ended.stdout
    assert "Coulisses cannot start:\n- " in said
    assert "SECRET_KEY is missing or shorter" in said
    assert "PORT is 'http': set it to a whole number from 1 to 65535." in said
    assert "Traceback" not in said
