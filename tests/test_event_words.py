"""The words of an event, read from a form or a file: no application is needed to say what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from booking.errors import Invalid
from booking.models.event import Audience, Equipment, EventType
from booking.models.event_words import read_event


def codes(raw: Mapping[str, object]) -> dict[str, str]:
    try:
        read_event(raw)
    except Invalid as invalid:
        return {name: problem.code for name, problem in invalid.fields.items()}
    return {}


def test_a_title_is_enough_and_what_is_not_named_is_left_out() -> None:
    assert read_event({"title": "  Visite du port ", "host_id": 3, "publication": "published"}) == {"title": "Visite du port"}
    assert codes({"summary": "Sans titre"}) == {"title": "required"}


def test_everything_is_read_into_columns() -> None:
    values = read_event(
        {
            "title": "Visite", "type": "", "summary": "Une ligne\r\net une autre", "description": "# Un\r\n\r\n- deux",
            "audiences": ["public", "college"], "levels": "3e, 4e;3e", "accessible_for": "motor|hearing", "min_age": "0",
            "free": "non", "price": " 5 euros ", "closed_shoes": "oui", "outdoors": "1", "identity_needed": None, "equipment": "BRING",
            "postcode": "92 230", "latitude": "48,9385", "longitude": 2.2731, "contact_email": "", "contact_phone": "01 23 45 67 89",
            "more_contacts": "a@port.example\n\n b@port.example \na@port.example", "partners": "CCI\r\nLycée\n",
        }
    )  # fmt: skip
    assert values == {
        "title": "Visite", "type": EventType.COMPANY_VISIT, "summary": "Une ligne et une autre", "description": "# Un\n\n- deux",
        "audiences": (Audience.COLLEGE, Audience.PUBLIC), "levels": ("4e", "3e"), "accessible_for": ("motor", "hearing"),
        "min_age": None, "free": False, "price": "5 euros", "closed_shoes": True, "outdoors": True, "identity_needed": False,
        "equipment": Equipment.BRING, "postcode": "92230", "latitude": 48.9385, "longitude": 2.2731, "contact_email": None,
        "contact_phone": "01 23 45 67 89", "more_contacts": "a@port.example\nb@port.example", "partners": "CCI\nLycée",
    }  # fmt: skip
    assert read_event({"title": "Visite", "free": "1", "price": "5 euros"})["price"] == "", "what is free has no price"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("title", "x" * 141, "too_long"),
        ("title", "Visite\ndu port", "forbidden_character"),
        ("title", "Visite\u202edu port", "forbidden_character"),
        ("title", ["Visite"], "not_text"),
        ("summary", "x" * 301, "too_long"),
        ("summary", "a\x00b", "forbidden_character"),
        ("description", "x" * 20_001, "too_long"),
        ("description", "a\x00b", "forbidden_character"),
        ("type", "party", "not_a_choice"),
        ("audiences", "pirates", "not_a_choice"),
        ("audiences", 7, "not_text"),
        ("levels", ["3e", "9e"], "not_a_choice"),
        ("accessible_for", ["wings"], "not_a_choice"),
        ("equipment", "armour", "not_a_choice"),
        ("min_age", "-1", "too_low"),
        ("min_age", "100", "too_high"),
        ("min_age", "dix", "not_a_number"),
        ("postcode", "9223", "not_a_postcode"),
        ("contact_email", "accueil@port", "not_an_email"),
        ("contact_phone", "appelez-nous", "not_a_phone"),
        ("more_contacts", "a@port.example\npas une adresse", "not_an_email"),
        ("more_contacts", "\n".join(f"a{n}@port.example" for n in range(6)), "too_many_lines"),
        ("partners", "x" * 121, "too_long"),
        ("closed_shoes", "peut-être", "not_yes_or_no"),
        ("conditions", "x" * 401, "too_long"),
    ],
)
def test_what_is_off_is_said_of_its_field(field: str, value: object, code: str) -> None:
    assert codes({"title": "Visite", field: value}) == {field: code}


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("", "", {}),
        ("-90", "180", {}),
        ("90.1", "2", {"latitude": "not_degrees"}),
        ("48", "-180.001", {"longitude": "not_degrees"}),
        ("nan", "inf", {"latitude": "not_degrees", "longitude": "not_degrees"}),
        ("1e1", "2", {"latitude": "not_degrees"}),
        ("48.9", "", {"longitude": "required"}),
        ("", "2.27", {"latitude": "required"}),
    ],
)
def test_coordinates_come_in_pairs_and_lie_on_the_globe(latitude: str, longitude: str, expected: dict[str, str]) -> None:
    assert codes({"title": "Visite", "latitude": latitude, "longitude": longitude}) == expected
