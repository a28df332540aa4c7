"""Numbers that name organisations in France, read as people write them and checked by their own control signs."""

from __future__ import annotations

import re

from stdnum.fr import siret

_UAI_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
"""The 23 control letters: the alphabet without I, O and Q."""


def read_siret(text: str) -> str | None:
    """The 14 digits of a SIRET (an establishment, INSEE), or None where its check digits are wrong.

    Spaces of any kind are forgiven. Zeros alone would pass the check and name nobody.
    """
    given = _without_spaces(text)
    return given if re.fullmatch(r"[0-9]{14}", given) and given.strip("0") and siret.is_valid(given) else None


def read_uai(text: str) -> str | None:
    """The code of a school (UAI: seven digits and their control letter, for example 0751234J), or None.

    Spaces and small letters are forgiven. The letter stands at the place of the number modulo 23.
    """
    given = _without_spaces(text).upper()
    right = re.fullmatch(r"[0-9]{7}[A-Z]", given) and _UAI_LETTERS[int(given[:7]) % 23] == given[7]
    return given if right else None


def _without_spaces(text: str) -> str:
    return "".join(text.split())
