"""libical and ical.js understand every object we write exactly as it was meant, and libical finds no rule of RFC 5546 broken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from booking.config import ROOT
from tests.interop.objects import Written, every_object

HERE = Path(__file__).parent
PYTHON = "/usr/bin/python3"
ICAL_JS = Path(os.environ.get("ICAL_JS", ROOT / ".venv/calendars/node_modules/ical.js/dist/ical.js"))
_BINDINGS = "import gi; gi.require_version('ICalGLib', '3.0'); from gi.repository import ICalGLib"
Reader = Callable[[dict[str, str]], dict[str, Any]]


def _missing(why: str) -> None:
    if os.environ.get("CALENDARS_REQUIRED") == "1":
        pytest.fail(why)
    pytest.skip(why)


def _read(command: list[str], objects: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, input=json.dumps(objects), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def libical() -> Reader:
    if not Path(PYTHON).exists() or subprocess.run([PYTHON, "-c", _BINDINGS], capture_output=True).returncode:
        _missing("libical's bindings are not there (Debian: apt install python3-gi gir1.2-ical-3.0)")
    return lambda objects: _read([PYTHON, str(HERE / "read_with_libical.py")], objects)


@pytest.fixture(scope="module")
def ical_js() -> Reader:
    node = shutil.which("node")
    if node is None or not ICAL_JS.exists():
        _missing("ical.js is not there (npm install --no-save --prefix .venv/calendars ical.js), or no node to run it")
    return lambda objects: _read([str(node), str(HERE / "read_with_ical_js.mjs"), str(ICAL_JS)], objects)


@pytest.fixture(scope="module")
def objects() -> dict[str, Written]:
    return every_object()


@pytest.mark.parametrize("client", ["libical", "ical_js"])
def test_rules_4_5_6_11_12_13_every_object_means_the_same_to_who_did_not_write_it(
    request: pytest.FixtureRequest, client: str, objects: dict[str, Written]
) -> None:
    read = request.getfixturevalue(client)({name: one.text for name, one in objects.items()})
    assert {name: understood for name, understood in read.items() if understood != objects[name].understood} == {}
    assert len(read) == len(objects) > 200


def test_rule_4_the_check_finds_what_is_wrong(libical: Reader, objects: dict[str, Written]) -> None:
    def without(kind: str, prop: str) -> str:
        lines = objects[f"{kind}, winter"].text.split("\r\n")
        return "\r\n".join(line for line in lines if not line.startswith(prop))

    broken = {
        "a REQUEST of nobody": without("booking_confirmed", "ORGANIZER"),
        "a REQUEST without a beginning": without("booking_confirmed", "DTSTART"),
        "a CANCEL without its SEQUENCE": without("booking_cancelled", "SEQUENCE"),
        "a PUBLISH without a stamp": without("public feed", "DTSTAMP"),
    }
    read = libical(broken)
    assert [name for name, one in read.items() if not one["problems"]] == []
