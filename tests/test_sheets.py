"""CSV files: what is written opens without harm, and what people's spreadsheets write is read."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal

import pytest

from booking.errors import Invalid, Problem
from booking.sheets import MOST_BYTES, MOST_LINES, read_csv, read_lines, write_csv


def written(*rows: list[object]) -> str:
    whole = b"".join(write_csv(["a", "b"], rows))
    assert whole.startswith(b"\xef\xbb\xbfa;b\r\n")
    return whole.decode("utf-8-sig").removeprefix("a;b\r\n")


def problem(content: bytes) -> Problem:
    with pytest.raises(Invalid) as refused:
        read_csv(content)
    assert set(refused.value.fields) == {"file"}
    return refused.value.fields["file"]


def test_a_table_is_written_for_a_french_spreadsheet() -> None:
    assert written(["Collège du Port", 31], [None, Decimal("1.5")], ['dit "le port"; ici', date(2026, 11, 24)]) == (
        'Collège du Port;31\r\n;1,5\r\n"dit ""le port""; ici";2026-11-24\r\n'
    )


def test_lines_are_written_as_they_come() -> None:
    taken: list[int] = []

    def rows() -> list[list[object]]:
        for number in range(3):
            taken.append(number)
            yield [number, ""]

    lines = write_csv(["a", "b"], rows())
    assert [next(lines), next(lines), next(lines)] == [b"\xef\xbb\xbf", b"a;b\r\n", b"0;\r\n"]
    assert taken == [0]


@pytest.mark.parametrize(
    "start",
    ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t=", "\r=", "\n=", " =", "\u200b=", "\ufeff=", "\x00=", "\u00a0 +", "\u202e="],
)
def test_no_text_becomes_a_formula(start: str) -> None:
    cell = written([f"{start}SUM(A1)", 1]).partition(";")[0]
    assert cell.startswith("'")
    assert cell.endswith(f"{start[-1]}SUM(A1)")


def test_headers_are_made_harmless_too() -> None:
    assert b"".join(write_csv(["=a"], [])) == b"\xef\xbb\xbf'=a\r\n"


def test_numbers_stay_numbers_and_text_stays_text() -> None:
    assert written([-5, -1.25], [True, "-5"], ["a=b", "5 - 3"]) == "-5;-1,25\r\nTrue;'-5\r\na=b;5 - 3\r\n"


def test_control_characters_and_line_breaks_leave_a_row_on_its_line() -> None:
    assert written(["a\x00\x07\x1b[31mb\ud800", "un\r\ndeux\ttrois\u2028quatre"]) == "a[31mb;un  deux trois quatre\r\n"
    assert written(["👩‍🏫 é", "שלום"]) == "👩‍🏫 é;שלום\r\n"


def test_what_was_written_is_read_back() -> None:
    rows = [
        {"nom": "Collège « du Port »; Gennevilliers", "téléphone": "+33 1 23 45 67 89"},
        {"nom": "'quoted'", "téléphone": "=1+1"},
    ]
    content = b"".join(write_csv(["nom", "téléphone"], [list(row.values()) for row in rows]))
    assert read_csv(content) == rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("sign", [";", ",", "\t"])
@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r"])
def test_files_of_the_usual_programs_are_read(encoding: str, sign: str, ending: str) -> None:
    text = ending.join([f"titre{sign}été{sign}prix", f'"Port{sign} l’été"{sign}œuvre{sign}5 €', f"a{sign} b {sign}", ""])
    assert read_csv(text.encode(encoding)) == [
        {"titre": f"Port{sign} l’été", "été": "œuvre", "prix": "5 €"},
        {"titre": "a", "été": "b", "prix": ""},
    ]


def test_the_sign_between_cells_is_looked_for_outside_quotes() -> None:
    assert read_csv(b'"a,b,c,d";e\n1;2') == [{"a,b,c,d": "1", "e": "2"}]
    assert read_csv(b"titre\nPort") == [{"titre": "Port"}]


def test_rows_know_their_lines_whatever_stands_between() -> None:
    found = read_lines(b'\n\na;b\n1;"x\ny"\n;;\n\n2\n3;4;;\n')
    assert found == [(4, {"a": "1", "b": "x\ny"}), (8, {"a": "2", "b": ""}), (9, {"a": "3", "b": "4"})]


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n \n;;\n", b"a;b", b"a;b\r\n;\r\n"])
def test_a_file_without_a_row_is_empty(content: bytes) -> None:
    assert problem(content).code == "csv_empty"


@pytest.mark.parametrize("content", [b"PK\x03\x04\x00\x00", "a;b\n1;2".encode("utf-16"), b"a;b\n1;\x81\n"])
def test_what_is_no_csv_is_unreadable(content: bytes) -> None:
    assert problem(content) == Problem("csv_unreadable")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'a;b\n1;2\n1;"2\n', 3),
        (b'a;b\n"1"x;2\n', 2),
        (b"a;b\n1;2;3\n", 2),
        (b"a;;b\n1;2;3\n", 2),
        (b"a\n" + b"x" * 200_000, 2),
    ],
)
def test_a_line_that_cannot_be_read_is_named(content: bytes, line: int) -> None:
    assert problem(content) == Problem("csv_line_unreadable", {"line": line})


def test_a_column_without_name_and_content_is_left_out() -> None:
    assert read_csv(b"a;;b;\n1;;2;\n") == [{"a": "1", "b": "2"}]


def test_a_header_that_names_a_column_twice_is_refused() -> None:
    assert problem("Titre;été;titre\n1;2;3".encode()) == Problem("csv_header_twice", {"name": "titre"})


def test_files_are_read_to_their_limits() -> None:
    assert len(read_csv(b"a\n" + b"1\n" * MOST_LINES)) == MOST_LINES
    assert problem(b"a\n" + b"1\n" * (MOST_LINES + 1)).code == "csv_too_large"
    assert problem(b"a\n" + b"\n" * (MOST_LINES + 1)).code == "csv_too_large"
    assert problem(b"a\n" + b"1" * MOST_BYTES) == Problem("csv_too_large", {"megabytes": 2, "lines": MOST_LINES})


@pytest.mark.parametrize("piece", [b'"', b";", b",", b"'", b'""', b"\xff", b'";'])
def test_two_megabytes_of_one_sign_take_no_time(piece: bytes) -> None:
    begun = time.perf_counter()
    with pytest.raises(Invalid):
        read_csv(b"a;b\n" + piece * (MOST_BYTES // len(piece) - 4))
    assert time.perf_counter() - begun < 3
