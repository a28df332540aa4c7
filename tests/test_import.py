"""Importing a programme: a dry run line by line, then all of it, the good lines, or nothing; twice changes nothing."""

from __future__ import annotations

import random
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as sql_event
from sqlalchemy import func, select

from booking import clock, sheets
from booking.actions import import_words
from booking.actions.import_programme import LINES_A_STEP, due_imports, import_step, tidy_imports
from booking.db import db, in_transaction
from booking.demo.files import read
from booking.errors import Invalid
from booking.models import (
    Booking,
    Edition,
    Event,
    HistoryEntry,
    ImportState,
    Label,
    LabelDecision,
    Message,
    Organisation,
    OrganisationKind,
    Pool,
    ProgrammeImport,
    Publication,
    Role,
    Slot,
)
from booking.queries import programme_imports
from booking.worker import Worker
from tests.conftest import NOW
from tests.test_booking import book
from tests.workspaces import Staff, an_organisation, authority_of, manager_of
from tests.world import World, a_class

SIRET = "55208131766522"
_TABLES = (Organisation, Event, Slot, Pool, HistoryEntry, Message)


def counts() -> list[int]:
    db.session.rollback()
    return [db.session.scalar(select(func.count()).select_from(table)) or 0 for table in _TABLES]


def a_line(**more: str) -> dict[str, str]:
    """One line that is good."""
    return {
        "reference": "port", "titre": "Visite du port", "organisateur": "Port de Gennevilliers", "type": "Visite d’entreprise",
        "resume": "Grues et péniches.", "publics": "Collégiens, Lycéens", "niveaux": "4e, 3e", "lieu": "Port de Gennevilliers",
        "commune": "Gennevilliers", "gratuit": "oui", "publie": "", "debut": "24/11/2026 14:30", "fin": "16:00", "places": "31",
    } | more  # fmt: skip


def a_file(*lines: dict[str, str]) -> bytes:
    header = list(dict.fromkeys(name for line in lines for name in line))
    return b"".join(sheets.write_csv(header, [[line.get(name, "") for name in header] for line in lines]))


def programme(events: int = 53) -> bytes:
    """The events of an edition as one file: those the archives tell of, and invented ones."""
    chance = random.Random(53)
    told = [
        (f"{edition['key']}-{one['key']}", one["title"], one["host"])
        for edition in read("archives.yaml")["editions"]
        for one in edition["events"]
    ]
    told += [(f"visite-{n}", f"Visite n° {n} d’un atelier", f"Atelier {n % 20}") for n in range(events - len(told))]
    lines = []
    for n, (reference, title, host) in enumerate(told):
        day = date(2026, 11, 23) + timedelta(days=n % 5)
        line = a_line(
            reference=reference, titre=title, organisateur=host, debut=f"{day:%d/%m/%Y} 9:00", fin="10:30", publie="oui"
        )
        lines.append(line | {"places": str(chance.randint(5, 60)), "siret": ""})
        hours = range(11, 11 + n % 3)
        lines += [
            {"reference": reference, "debut": f"{day:%d/%m/%Y} {hour}:00", "fin": f"{hour}:45", "places": "12"} for hour in hours
        ]
    return a_file(*lines)


def send(staff: Staff, world: World, content: bytes, name: str = "programme.csv") -> Any:
    authority = db.session.get_one(Edition, world.edition).authority_id
    data = {"edition_id": str(world.edition), "file": (BytesIO(content), name)}
    return staff.client.post(f"/authority/{authority}/imports", data=data, content_type="multipart/form-data")


def checked(staff: Staff, world: World, content: bytes) -> ProgrammeImport:
    """A file that was sent and that the worker has checked."""
    answer = send(staff, world, content)
    assert answer.status_code == 303, answer.text
    number = int(answer.location.rsplit("/", 1)[1])
    while in_transaction(lambda: import_step(number, clock.now())):
        pass
    return latest(number)


def latest(number: int) -> ProgrammeImport:
    db.session.rollback()
    return programme_imports.fresh(number)


def applied(staff: Staff, one: ProgrammeImport, which: str = "all") -> ProgrammeImport:
    """The same, approved and written."""
    answer = staff.client.post(f"/authority/imports/{one.id}/approve", data={"which": which})
    assert answer.status_code == 303, answer.text
    in_transaction(lambda: import_step(one.id, clock.now()))
    return latest(one.id)


def does(one: ProgrammeImport) -> list[str]:
    return [row["does"] for row in one.report]


def problems(one: ProgrammeImport) -> list[list[tuple[str, str]]]:
    return [[(said["column"], said["code"]) for said in row["problems"]] for row in one.report]


def imported(reference: str = "port") -> Event:
    db.session.expire_all()
    return db.session.scalars(select(Event).where(Event.key == f"2026-{reference}")).one()


def test_the_53_events_of_an_edition_come_in_as_one_file_and_a_second_time_change_nothing(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    before = counts()
    one = checked(staff, world, programme())
    assert one.state is ImportState.CHECKED
    assert counts()[:4] == before[:4], "a dry run writes nothing"
    assert "wrong" not in does(one), [row for row in one.report if row["does"] == "wrong"]
    assert staff.client.get(f"/authority/imports/{one.id}").text.count("à créer") > 50
    done = applied(staff, one)
    assert (done.state, done.done, done.error) == (ImportState.DONE, done.total, "")
    assert counts()[1] == before[1] + 53
    keys = [event.key for event in db.session.scalars(select(Event).where(Event.publication == Publication.PUBLISHED))]
    assert len(keys) == 53 + 4
    assert "Visite n° 3" in app.test_client().get("/events?q=atelier&places=5").text
    after = counts()
    again = checked(staff, world, programme())
    assert set(does(again)) == {"unchanged"}
    assert applied(staff, again).state is ImportState.DONE
    assert counts()[:4] == after[:4]
    assert counts()[4] == after[4] + 3, "that a file was sent, approved and written; and nothing else"
    lines = db.session.scalars(
        select(HistoryEntry).where(HistoryEntry.action == "imported", HistoryEntry.subject == "event")
    ).all()
    assert len(lines) == 53
    assert {line.account_id for line in lines} == {staff.account.id}


def test_an_organisation_is_found_by_its_siret_else_by_its_name_else_made(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    known = an_organisation("balas", name="Groupe Balas", siret=SIRET)
    one = checked(staff, world, a_file(
        a_line(reference="a", organisateur="Un autre nom", siret="552 081 317 66522"),
        a_line(reference="b", organisateur="PORT DE GENNEVILLIERS"),
        a_line(reference="c", organisateur="Fonderie neuve"),
        a_line(reference="d", organisateur="fonderie  neuve", debut="25/11/2026 9 h"),
    ))  # fmt: skip
    assert problems(one) == [[], [], [], []]
    report = staff.client.get(f"/authority/imports/{one.id}?lang=fr").text
    assert report.count("Nouvel organisme") == 2, "a name nobody has yet is said before it is written, on each line that has it"
    assert '<span lang="fr">Fonderie neuve</span>' in report
    applied(staff, one)
    assert imported("a").host_id == known.id
    assert imported("b").host_id == world.port
    assert imported("c").host.name == "Fonderie neuve"
    assert imported("d").host_id == imported("c").host_id
    assert imported("c").publication is Publication.DRAFT


def test_an_event_is_updated_and_its_other_words_stay(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    applied(
        staff,
        checked(
            staff,
            world,
            a_file(
                a_line(partenaires="Ville|Port"), {"reference": "port", "debut": "2026-11-25 9h", "fin": "10h", "places": "5"}
            ),
        ),
    )
    event = imported()
    assert event.partners == "Ville\nPort"
    assert [slot.capacity for slot in event.slots] == [31, 5]
    less = {
        "reference": "port",
        "titre": "Le port autrement",
        "organisateur": "Port de Gennevilliers",
        "debut": "24/11/2026 14:30",
        "fin": "16:00",
        "places": "40",
        "groupe_max": "35",
    }
    one = checked(staff, world, a_file(less))
    assert does(one) == ["update"]
    assert one.report[0]["changes"]["title"] == ["Visite du port", "Le port autrement"]
    assert one.report[0]["changes"]["capacity"] == [31, 40]
    page = staff.client.get(f"/authority/imports/{one.id}").text
    assert "Visite du port → Le port autrement" in page
    assert "Title" in staff.client.get(f"/authority/imports/{one.id}?lang=en").text
    staff.client.get("/?lang=fr")
    applied(staff, one)
    event = imported()
    assert (event.title, event.partners, event.summary) == ("Le port autrement", "Ville\nPort", "Grues et péniches.")
    assert [(slot.capacity, slot.max_party) for slot in event.slots] == [(40, 35), (5, None)]
    assert does(checked(staff, world, a_file(less))) == ["unchanged"]


def test_what_is_wrong_is_said_line_by_line_and_only_the_good_lines_are_written(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    one = checked(staff, world, a_file(
        a_line(reference="bon"),
        a_line(reference="mauvais", titre="", publics="Martiens", code_postal="92"),
        {"reference": "mauvais", "debut": "25/11/2026 9:00", "fin": "10:00", "places": "3"},
        {"reference": "bon", "debut": "31/11/2026 9:00", "fin": "8:00", "places": "beaucoup"},
        {"reference": "bon", "titre": "Autrement", "debut": "26/11/2026 9:00", "fin": "10:00", "places": "3"},
        {"reference": "bon", "debut": "24/11/2026 14:30", "fin": "16:00", "places": "31"},
        a_line(reference="hier", debut="2/11/2026 9:00"),
        a_line(reference="sans lieu", publie="oui"),
        a_line(reference="nu", publie="oui", resume="", lieu="", commune=""),
        a_line(reference="siret", siret="123"),
        {"reference": "", "titre": "Sans référence"},
    ))  # fmt: skip
    assert problems(one) == [
        [],
        [("titre", "required"), ("publics", "not_a_choice"), ("code_postal", "not_a_postcode")],
        [("reference", "import_first_line_wrong")],
        [("debut", "import_not_a_time"), ("fin", "import_end_not_after_start")],
        [("titre", "import_not_as_first")],
        [("debut", "import_same_slot")],
        [("debut", "in_the_past")],
        [("reference", "import_reference")],
        [("resume", "import_needed_to_publish"), ("lieu", "import_needed_to_publish")],
        [("siret", "not_a_siret")],
        [("reference", "required")],
    ]
    page = staff.client.get(f"/authority/imports/{one.id}")
    assert "La première ligne de cet événement, ligne 3" in page.text
    assert "must be corrected first" in staff.client.get(f"/authority/imports/{one.id}?lang=en").text
    staff.client.get("/?lang=fr")
    before = counts()
    refused = staff.client.post(f"/authority/imports/{one.id}/approve", data={"which": "all"})
    assert refused.status_code == 409
    assert "Toutes les lignes ne sont pas bonnes" in refused.text
    assert counts() == before
    done = applied(staff, one, "good")
    assert done.state is ImportState.DONE
    assert counts()[1] == before[1] + 1
    assert [slot.capacity for slot in imported("bon").slots] == [31]
    assert does(done).count("wrong") == 10
    late = staff.client.post(f"/authority/imports/{one.id}/approve", data={"which": "good"})
    assert late.status_code == 409


def test_all_or_nothing_writes_nothing_when_a_line_is_no_longer_good(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    one = checked(staff, world, a_file(a_line(reference="a"), a_line(reference="b", organisateur="Neuf")))
    db.session.get_one(ProgrammeImport, one.id).state = ImportState.APPLYING
    other = Edition(
        key="2026-x", number=1, year=2026, name="Autre", starts_on=date(2026, 11, 23), ends_on=date(2026, 11, 29), label_from=date(2026, 11, 23),
        label_until=date(2026, 11, 29), department="92", territory="92",
    )  # fmt: skip
    db.session.add(Event(key="2026-b", edition=other, host_id=world.port, title="Là", type="forum"))
    db.session.commit()
    before = counts()
    in_transaction(lambda: import_step(one.id, clock.now()))
    failed = latest(one.id)
    assert (failed.state, failed.error) == (ImportState.FAILED, "lines")
    assert problems(failed)[1] == [("reference", "import_reference_taken")]
    assert counts()[:4] == before[:4]
    assert "Rien n’a été écrit" in staff.client.get(f"/authority/imports/{one.id}").text


def test_an_import_takes_no_places_away_and_moves_nobody(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    applied(staff, checked(staff, world, a_file(a_line(publie="oui"))))
    slot = imported().slots[0]
    book(slot.id, a_class(31, 0, level="4e"))
    assert imported().slots[0].taken == 31
    less, longer, elsewhere, same = (
        checked(staff, world, a_file(a_line(publie="oui", **more)))
        for more in ({"places": "20"}, {"fin": "17:00", "rendez_vous_creneau": "Quai 2"}, {"lieu": "Ailleurs"}, {})
    )
    assert problems(less) == [[("places", "import_below_taken")]]
    assert problems(longer) == [[("fin", "import_booked_slot")]]
    assert problems(elsewhere) == [[("lieu", "import_booked_place")]]
    assert does(same) == ["unchanged"]
    assert "31 places sont déjà prises" in staff.client.get(f"/authority/imports/{less.id}").text
    one = checked(staff, world, a_file(a_line(publie="oui", places="40")))
    applied(staff, one)
    assert [one.capacity for one in imported().slots] == [40]
    moved = checked(staff, world, a_file(a_line(publie="oui", debut="24/11/2026 10:00", fin="11:00")))
    applied(staff, moved)
    assert len(imported().slots) == 2, "another hour is another slot; the booked one stays"
    assert db.session.scalar(select(func.count()).select_from(Booking)) == 1


def test_a_labelled_event_that_an_import_changes_goes_back_for_a_look(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    applied(staff, checked(staff, world, a_file(a_line(publie="oui"))))
    db.session.add(Label(event=imported(), decision=LabelDecision.LABELLED, requested_at=NOW, decided_at=NOW))
    db.session.commit()
    applied(staff, checked(staff, world, a_file(a_line(publie="oui", publics="Grand public"))))
    label = imported().label
    assert label is not None
    assert label.review_since == NOW
    assert label.decision is LabelDecision.LABELLED


def test_the_worker_checks_in_steps_that_show_and_can_be_done_again(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    answer = send(staff, world, programme())
    number = int(answer.location.rsplit("/", 1)[1])
    waiting = staff.client.get(answer.location)
    assert waiting.headers["Refresh"] == "3"
    assert "<progress" in waiting.text
    assert "Refresh" not in staff.client.get(f"{answer.location}?still=1").headers
    assert due_imports() == [number]

    def killed() -> None:
        import_step(number, clock.now())
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            in_transaction(killed)
        assert latest(number).done == 0
    assert in_transaction(lambda: import_step(number, clock.now()))
    assert latest(number).done == LINES_A_STEP == len(latest(number).report)
    assert f"{LINES_A_STEP} lignes vérifiées" in staff.client.get(answer.location).text
    Worker(app, None).empty()  # type: ignore[arg-type]
    assert latest(number).state is ImportState.CHECKED
    assert len(latest(number).report) == latest(number).total
    staff.client.post(f"/authority/imports/{number}/approve", data={"which": "all"})
    before = counts()
    with pytest.raises(KeyboardInterrupt):
        in_transaction(killed)
    assert counts() == before
    assert latest(number).state is ImportState.APPLYING
    in_transaction(lambda: import_step(number, clock.now()))
    assert not in_transaction(lambda: import_step(number, clock.now()))
    assert counts()[1] == before[1] + 53
    assert "Refresh" not in staff.client.get(answer.location).headers


def test_the_worker_gives_up_an_import_that_breaks_and_goes_on(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    staff = authority_of(app, world.edition)
    number = int(send(staff, world, a_file(a_line())).location.rsplit("/", 1)[1])
    monkeypatch.setattr("booking.actions.import_programme._check", lambda *_: 1 / 0)
    Worker(app, None).empty()  # type: ignore[arg-type]
    assert (latest(number).state, latest(number).error) == (ImportState.FAILED, "crashed")
    assert due_imports() == []
    assert "de notre côté" in staff.client.get(f"/authority/imports/{number}").text


def test_the_lines_are_emptied_a_day_after_the_end_and_no_answer_is_one_after_a_week(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    done = applied(staff, checked(staff, world, a_file(a_line())))
    open_ = checked(staff, world, a_file(a_line(reference="b")))

    def kept(one: ProgrammeImport) -> int:
        return len(db.session.scalars(select(ProgrammeImport.lines).where(ProgrammeImport.id == one.id)).one())

    for passed, left in (
        (timedelta(hours=23), [1, 1]),
        (timedelta(hours=25), [0, 1]),
        (timedelta(days=8), [0, 1]),
        (timedelta(days=10), [0, 0]),
    ):
        in_transaction(lambda passed=passed: tidy_imports(NOW + passed))
        assert [kept(done), kept(open_)] == left
    assert (latest(open_.id).state, latest(open_.id).error) == (ImportState.FAILED, "unanswered")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "aucune ligne"),
        (b"\xff\xfe\x00a\x00b", "pas un fichier CSV"),
        (b"reference;titre\nx;y\n", "Il manque ces colonnes"),
        (b"reference;titre;organisateur;mot de passe\na;b;c;d\n", "mot de passe"),
        (b"reference;titre;organisateur;Organisateur\na;b;c;d\n", "deux fois"),
        (b"reference;titre;organisateur\na;\"b;c\n", "ne se lit pas"),
        (b"reference;titre;organisateur\n" + b"a;b;c\n" * 5001, "trop long"),
        (b"x" * (2 * 1024 * 1024 + 1), "trop long"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_said_to_be_none(content: bytes, says: str, app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    answer = send(staff, world, content)
    assert answer.status_code == 422
    assert says in answer.text
    assert db.session.scalar(select(func.count()).select_from(ProgrammeImport)) == 0


def test_a_hostile_file_is_only_text(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    evil = a_line(
        titre="=HYPERLINK(\"http://evil\")<script>alert(1)</script>{{ 7*7 }}%(x)s", organisateur="'@SUM(1)", resume="+33", debut="24/11/2026 14:30",
        description="x" * 20_001,
    )  # fmt: skip
    one = checked(staff, world, a_file(evil, a_line(reference="windows", titre="été").copy()))
    assert problems(one)[0] == [("description", "too_long")]
    page = staff.client.get(f"/authority/imports/{one.id}").text
    assert "<script>alert" not in page
    assert "{{ 7*7 }}" in page
    latin = "reference;titre;organisateur\nlatin;Été à l’usine;Café\n".encode("cp1252")
    applied(staff, checked(staff, world, latin))
    assert (imported("latin").title, imported("latin").host.name) == ("Été à l’usine", "Café")
    applied(staff, checked(staff, world, a_file(evil | {"description": ""})))
    assert imported().title.startswith("=HYPERLINK")
    name = send(staff, world, a_file(a_line()), "../..\\\u202e<b>" + "n" * 300 + ".csv").location
    assert "<b>n" not in staff.client.get(name).text


def test_five_thousand_lines_are_checked_in_time_and_with_few_reads(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    lines = (f"ref-{n // 10};Titre;Atelier;{24 + n % 5}/11/2026 {8 + n % 10}:{n // 10 % 60:02d};19:00;5\n" for n in range(5000))
    content = ("reference;titre;organisateur;debut;fin;places\n" + "".join(lines)).encode()
    number = int(send(staff, world, content).location.rsplit("/", 1)[1])
    statements: list[str] = []
    sql_event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    in_transaction(lambda: import_step(number, clock.now()))
    assert latest(number).done == 200
    assert len(statements) < 25
    assert set(does(latest(number))) == {"create"}


def test_only_the_authority_of_the_edition_imports(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    one = checked(staff, world, a_file(a_line()))
    authority = one.edition.authority_id
    reader = authority_of(app, world.edition, "lecture@prefecture.example", Role.READER)
    other = an_organisation("prefecture-93", OrganisationKind.AUTHORITY)
    stranger = manager_of(app, other.id, "semaine@prefecture-93.example")
    host = manager_of(app, world.port)
    for somebody in (reader, stranger, host):
        assert somebody.client.get(f"/authority/{authority}/imports").status_code == 404
        assert somebody.client.get(f"/authority/{authority}/imports/template").status_code == 404
        assert somebody.client.get(f"/authority/imports/{one.id}").status_code == 404
        assert somebody.client.post(f"/authority/imports/{one.id}/approve").status_code == 404
        assert send(somebody, world, a_file(a_line())).status_code == 404
    data = {"edition_id": str(world.edition), "file": (BytesIO(a_file(a_line())), "x.csv")}
    wrong = stranger.client.post(f"/authority/{other.id}/imports", data=data, content_type="multipart/form-data")
    assert wrong.status_code == 422, "an edition of another authority is no choice"
    hostile = checked(
        staff, world, a_file(a_line(reference="x", organisateur="Ailleurs"), a_line(reference="y", organisateur=other.name))
    )
    assert does(hostile) == ["create", "create"]
    applied(staff, hostile)
    assert imported("y").host_id != other.id, "another authority hosts nothing that we import"


def test_the_template_is_a_file_that_can_be_sent(app: Flask, world: World) -> None:
    staff = authority_of(app, world.edition)
    authority = db.session.get_one(Edition, world.edition).authority_id
    answer = staff.client.get(f"/authority/{authority}/imports/template")
    assert answer.headers["Content-Type"].startswith("text/csv")
    one = checked(staff, world, answer.data)
    assert problems(one) == [[]]
    page = staff.client.get(f"/authority/{authority}/imports").text
    assert all(f"<code>{column}</code>" in page for column in import_words.COLUMNS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24/11/2026 14:30", "2026-11-24 14:30"), ("2026-11-24T14:30", "2026-11-24 14:30"), ("2026-11-24 14:30:00", "2026-11-24 14:30"),
        ("4/1/2027 à 9 h", "2027-01-04 09:00"), ("24/11/2026 9h05", "2026-11-24 09:05"), ("29/03/2026 2:30", "2026-03-29 03:30"),
        ("31/02/2026 9:00", ""), ("24/11/2026 25:00", ""), ("demain", ""), ("24/11/2026", ""), ("", ""), ("1/1/9999 1:00", ""),
    ],
)  # fmt: skip
def test_times_are_read_as_spreadsheets_write_them(text: str, expected: str) -> None:
    line = {"debut": text, "fin": "30/12/2099 10:00", "places": "3"}
    if not expected:
        with pytest.raises(Invalid) as refused:
            import_words.slot_text(line)
        assert "debut" in refused.value.fields
        return
    found = import_words.slot_text(line)
    assert found is not None
    assert f"{clock.in_paris(found.starts_at):%Y-%m-%d %H:%M}" == expected
