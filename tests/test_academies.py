"""Académies: the mail domain behind a UAI, the mailbox of a head, and academic addresses."""

from __future__ import annotations

import pytest

from booking.academies import head_mailbox, is_academic, mail_domain_of
from booking.numbers import read_uai

METROPOLITAN = [f"{number:03}" for number in range(1, 96) if number != 20]
CORSICAN = ["620", "720"]
OVERSEAS = ["971", "972", "973", "974", "975", "976", "977", "978", "983", "984", "986"]


def uai_in(prefix: str) -> str:
    """A right UAI that begins with three given digits."""
    return next(f"{prefix}0001{letter}" for letter in "ABCDEFGHJKLMNPRSTUVWXYZ" if read_uai(f"{prefix}0001{letter}"))


def test_a_uai_of_every_departement_and_of_nowhere_else_has_a_domain() -> None:
    served = [prefix for prefix in (f"{number:03}" for number in range(1000)) if mail_domain_of(uai_in(prefix))]
    assert served == sorted(METROPOLITAN + CORSICAN + OVERSEAS)


@pytest.mark.parametrize(
    ("prefix", "domain"),
    [
        ("001", "ac-lyon.fr"),
        ("013", "ac-aix-marseille.fr"),
        ("014", "ac-normandie.fr"),
        ("025", "ac-besancon.fr"),
        ("063", "ac-clermont.fr"),
        ("071", "ac-dijon.fr"),
        ("074", "ac-grenoble.fr"),
        ("076", "ac-normandie.fr"),
        ("083", "ac-nice.fr"),
        ("092", "ac-versailles.fr"),
        ("094", "ac-creteil.fr"),
        ("620", "ac-corse.fr"),
        ("720", "ac-corse.fr"),
        ("978", "ac-guadeloupe.fr"),
        ("984", "ac-polynesie.pf"),
    ],
)
def test_a_school_has_the_domain_of_its_academie(prefix: str, domain: str) -> None:
    assert mail_domain_of(uai_in(prefix)) == domain


def test_the_mailbox_of_a_head_is_the_uai_in_small_letters() -> None:
    assert head_mailbox("0751234J") == "ce.0751234j@ac-paris.fr"
    assert head_mailbox(" 983 0003 l") == "ce.9830003l@ac-noumea.nc", "as people write it"


@pytest.mark.parametrize("wrong", ["", "0751234K", "075", uai_in("020"), uai_in("099"), uai_in("985")])
def test_a_wrong_uai_or_one_from_nowhere_has_no_mailbox(wrong: str) -> None:
    assert mail_domain_of(wrong) is None
    assert head_mailbox(wrong) is None


@pytest.mark.parametrize("email", ["marie.curie@ac-versailles.fr", "Marie.Curie@AC-Versailles.FR", "ce.9840001a@ac-polynesie.pf"])
def test_an_address_of_an_academie_is_academic(email: str) -> None:
    assert is_academic(email)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ac-paris.fr",
        "@ac-paris.fr",
        "marie@gmail.com",
        "marie@eleves.ac-paris.fr",
        "marie@ac-paris.fr.example.org",
        "marie@xac-paris.fr",
        "marie@ac-paris.fr@example.org",
        "marie@example.org@ac-paris.fr",
        "marie@ac-paris.fr ",
        "marie@ac-nowhere.fr",
    ],
)
def test_an_address_that_only_looks_like_it_is_not(email: str) -> None:
    assert not is_academic(email)
