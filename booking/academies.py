"""Académies and their mail: which domain serves a school, where its head is written to, and who is proven staff.

Which département belongs to which académie is the Code de l'éducation, R222-2, as it stands in 2026. Overseas
collectivities outside every académie have the mail of their vice-rectorat or education service.
"""

from __future__ import annotations

from collections.abc import Mapping

from booking.numbers import read_uai

_PREFIXES: Mapping[str, str] = {
    "ac-aix-marseille.fr": "004 005 013 084",
    "ac-amiens.fr": "002 060 080",
    "ac-besancon.fr": "025 039 070 090",
    "ac-bordeaux.fr": "024 033 040 047 064",
    "ac-clermont.fr": "003 015 043 063",
    "ac-corse.fr": "620 720",  # 2A and 2B: a UAI is digits alone
    "ac-creteil.fr": "077 093 094",
    "ac-dijon.fr": "021 058 071 089",
    "ac-grenoble.fr": "007 026 038 073 074",
    "ac-guadeloupe.fr": "971 977 978",  # with Saint-Barthélemy and Saint-Martin
    "ac-guyane.fr": "973",
    "ac-lille.fr": "059 062",
    "ac-limoges.fr": "019 023 087",
    "ac-lyon.fr": "001 042 069",
    "ac-martinique.fr": "972",
    "ac-mayotte.fr": "976",
    "ac-montpellier.fr": "011 030 034 048 066",
    "ac-nancy-metz.fr": "054 055 057 088",
    "ac-nantes.fr": "044 049 053 072 085",
    "ac-nice.fr": "006 083",
    "ac-normandie.fr": "014 027 050 061 076",  # Caen and Rouen, one académie since 2020
    "ac-orleans-tours.fr": "018 028 036 037 041 045",
    "ac-paris.fr": "075",
    "ac-poitiers.fr": "016 017 079 086",
    "ac-reims.fr": "008 010 051 052",
    "ac-rennes.fr": "022 029 035 056",
    "ac-reunion.fr": "974",
    "ac-strasbourg.fr": "067 068",
    "ac-toulouse.fr": "009 012 031 032 046 065 081 082",
    "ac-versailles.fr": "078 091 092 095",
    "ac-noumea.nc": "983",  # Nouvelle-Calédonie; its UAI are older than its INSEE code 988
    "ac-polynesie.pf": "984",  # INSEE 987
    "ac-spm.fr": "975",  # Saint-Pierre-et-Miquelon
    "ac-wf.wf": "986",  # Wallis-et-Futuna
}
"""The mail domain of each académie, and the first three digits of the UAI of its schools."""

_DOMAINS: Mapping[str, str] = {prefix: domain for domain, prefixes in _PREFIXES.items() for prefix in prefixes.split()}


def mail_domain_of(uai: str) -> str | None:
    """The mail domain of the académie a school belongs to, or None for a wrong UAI or one from nowhere we know.

    The UAI is forgiven what `read_uai` forgives.
    """
    right = read_uai(uai)
    return _DOMAINS.get(right[:3]) if right else None


def head_mailbox(uai: str) -> str | None:
    """The official mailbox of a school's head (for example ce.0751234j@ac-paris.fr), or None as `mail_domain_of`.

    It says how such mailboxes are named, not that this one exists: a right UAI may belong to no school.
    """
    right, domain = read_uai(uai), mail_domain_of(uai)
    return f"ce.{right.lower()}@{domain}" if right and domain else None


def is_academic(email: str) -> bool:
    """Whether an address is one of an académie, which proves its owner to be staff once they have answered from it.

    The domain has to be the académie's own: a name below it may serve anybody, pupils too.
    """
    # The first @ decides, so that an address with two of them never passes.
    name, _, domain = email.partition("@")
    return bool(name) and domain.lower() in _PREFIXES
