"""SIRET and UAI, as people write them."""

from __future__ import annotations

import pytest

from booking.numbers import read_siret, read_uai


@pytest.mark.parametrize("written", ["73282932000074", "732 829 320 00074", " 732\u00a0829\u202f320 000 74\n"])
def test_a_siret_is_read_whatever_its_spaces(written: str) -> None:
    assert read_siret(written) == "73282932000074"


def test_a_siret_of_the_post_office_has_a_check_of_its_own() -> None:
    assert read_siret("356 000 000 49837") == "35600000049837"
    assert read_siret("356 000 000 49838") is None


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "7328293200007",
        "732829320000740",
        "73282932000075",
        "732.829.320.00074",
        "FR73282932000074",
        "0" * 14,
        "٧٣٢٨٢٩٣٢٠٠٠٠٧٤",
    ],
)
def test_what_is_no_siret_is_refused(wrong: str) -> None:
    assert read_siret(wrong) is None


def test_a_siret_needs_the_right_siren_too() -> None:
    assert read_siret("73282932100064") is None, "its fourteen digits agree, its first nine do not"


@pytest.mark.parametrize("written", ["0751234J", "0751234j", " 075 1234 J "])
def test_a_uai_is_read_in_small_letters_and_with_spaces(written: str) -> None:
    assert read_uai(written) == "0751234J"


def test_control_letters_leave_out_i_o_and_q() -> None:
    letters = "".join(
        found[7] for n in range(23) for sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if (found := read_uai(f"{n:07}{sign}"))
    )
    assert letters == "ABCDEFGHJKLMNPRSTUVWXYZ"


@pytest.mark.parametrize("wrong", ["", "0751234K", "751234J", "07512345", "0751234JJ", "٠٧٥١٢٣٤J", "0751234-J"])
def test_what_is_no_uai_is_refused(wrong: str) -> None:
    assert read_uai(wrong) is None
