"""Rule 25: a feed says the same until something changes, shows everybody what everybody may see, and one's own to oneself alone."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from icalendar import Event as Entry
from sqlalchemy import event, select, update
from werkzeug.test import TestResponse

from booking import clock
from booking.actions.cancel_booking import cancel_booking
from booking.actions.cancel_slot import cancel_slot
from booking.actions.feeds import follow_bookings, follow_organisation, unfollow_bookings
from booking.actions.move_slot import move_slot
from booking.db import db, in_transaction
from booking.links import CONFIRM, FEED, MANAGE, make_token
from booking.models import (
    OPERATOR,
    Booking,
    Edition,
    Event,
    Feed,
    HistoryEntry,
    Label,
    LabelDecision,
    Organisation,
    OrganisationKind,
    Party,
    Publication,
    Role,
    Slot,
)
from tests.history_guard import by_hand
from tests.test_booking import book
from tests.workspaces import a_mandate, a_member, an_organisation, manager_of, sign_in
from tests.world import World, a_class, a_form

OUR_ADDRESS = "reservations@coulisses.example"
DAY_AFTER = datetime(2026, 11, 25, 12, tzinfo=UTC)
"""The day after the visit to the port."""


def label(event_id: int) -> None:
    db.session.add(Label(event_id=event_id, decision=LabelDecision.LABELLED, requested_at=clock.now()))
    db.session.commit()


def entries(answer: TestResponse) -> dict[str, Entry]:
    """The entries of a feed by their UIDs, once the feed has the shape every feed has."""
    body = answer.get_data()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    lines = body.split(b"\r\n")
    assert lines.pop() == b""
    assert not any(sign in line for line in lines for sign in (b"\r", b"\n"))
    assert max(map(len, lines)) <= 75
    for line in ("METHOD:PUBLISH", "REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H", "VERSION:2.0"):
        assert line.encode() in lines
    calendar = Calendar.from_ical(body)
    assert calendar["NAME"] == calendar["X-WR-CALNAME"] != ""
    found = {str(entry["UID"]): entry for entry in calendar.walk("VEVENT")}
    assert len(found) == body.count(b"BEGIN:VEVENT")
    assert all(entry.decoded("DTSTAMP") == entry.decoded("LAST-MODIFIED") for entry in found.values())
    assert all("ORGANIZER" in entry and "ATTENDEE" not in entry for entry in found.values())
    return found


def unfolded(answer: TestResponse) -> str:
    return answer.get_data().replace(b"\r\n ", b"").decode()


def titles(answer: TestResponse) -> list[str]:
    return [str(entry["SUMMARY"]) for entry in entries(answer).values()]


def uid(slot_id: int) -> str:
    return f"slot-{slot_id}@127.0.0.1"


def etag(client: FlaskClient, path: str) -> str:
    return client.get(path).headers["ETag"]


def statements(client: FlaskClient, path: str) -> int:
    spoken: list[str] = []
    event.listen(db.engine, "before_cursor_execute", listener := lambda *given: spoken.append(given[2]))
    db.session.remove()
    assert client.get(path).status_code == 200
    event.remove(db.engine, "before_cursor_execute", listener)
    return len([one for one in spoken if not one.startswith(("BEGIN", "PRAGMA"))])


def secret_path(app: Flask, feed: Feed) -> str:
    return f"/feeds/{feed.id}-{make_token(app.config['SETTINGS'].secret_key, FEED, feed.nonce)}.ics"


def test_public_feeds_keep_their_bytes_until_something_they_show_changes(app: Flask, client: FlaskClient, world: World) -> None:
    label(world.visit)
    paths = ("/events/calendar.ics", f"/organisations/{world.port}/calendar.ics", "/editions/2026/calendar.ics")
    before = {path: client.get(path) for path in paths}
    assert [len(entries(before[path])) for path in paths] == [5, 4, 1]
    booking = book(world.visit_slot, a_class(20, 2), proven=True)
    with clock.clock_at(clock.now() + timedelta(hours=9)):
        for path in paths:
            again = app.test_client().get(path)
            assert again.get_data() == before[path].get_data()
            assert again.headers["ETag"] == before[path].headers["ETag"]
            assert again.headers["Cache-Control"] == "public, max-age=900"
            assert "Set-Cookie" not in app.test_client().get(f"{path}?lang=en").headers
            said = unfolded(again)
            assert set(re.findall(r"[\w.+-]+@[\w.-]+\w", re.sub(r"UID:\S+", "", said))) == {OUR_ADDRESS}
            for private in (booking.reference, booking.uid, "Camille", "Martin", "prof@", "places", "token"):
                assert private not in said
    move = {"day": "2026-11-24", "time": "16 h", "minutes": "60"}
    in_transaction(lambda: move_slot(world.visit_slot, move, "Marée basse.", OPERATOR))
    in_transaction(lambda: cancel_slot(world.boat_slot, "Brume.", OPERATOR))
    after = {path: client.get(path) for path in paths}
    assert all(after[path].headers["ETag"] != before[path].headers["ETag"] for path in paths)
    was, now = (entries(answers[paths[0]])[uid(world.visit_slot)] for answers in (before, after))
    assert (was["STATUS"], now["STATUS"], now["TRANSP"]) == ("CONFIRMED", "CONFIRMED", "TRANSPARENT")
    assert now["SEQUENCE"] > was["SEQUENCE"]
    assert now.decoded("DTSTART") == datetime(2026, 11, 24, 15, tzinfo=UTC)
    assert entries(after[paths[1]])[uid(world.boat_slot)]["STATUS"] == "CANCELLED"
    with clock.clock_at(datetime(2026, 11, 27, 20, tzinfo=UTC)):
        assert uid(world.boat_slot) in entries(client.get(paths[1])), "it stays until its day is over"
    with clock.clock_at(datetime(2026, 11, 28, 8, tzinfo=UTC)):
        left = entries(client.get(paths[1]))
        assert uid(world.boat_slot) not in left
        assert uid(world.visit_slot) in left, "what took place stays a while"
    with clock.clock_at(datetime(2027, 1, 10, tzinfo=UTC)):
        assert len(entries(client.get(paths[1]))) == 0
        assert len(entries(client.get(paths[2]))) == 1, "an edition stays whole"


def test_who_has_it_already_is_told_so_and_who_wants_it_small_gets_it_small(client: FlaskClient, world: World) -> None:
    path = "/events/calendar.ics?q=port"
    whole = client.get(path)
    tag = whole.headers["ETag"]
    assert tag.startswith('W/"')
    assert whole.headers["Content-Disposition"] == 'inline; filename="programme.ics"'
    small = client.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert (small.headers["Content-Encoding"], small.headers["Vary"], small.headers["ETag"]) == ("gzip", "Accept-Encoding", tag)
    assert gzip.decompress(small.get_data()) == whole.get_data()
    assert small.get_data()[4:8] == bytes(4), "no hour of its making"
    assert len(small.get_data()) < len(whole.get_data())
    assert client.get(path, headers={"Accept-Encoding": "br, gzip"}).get_data() == small.get_data()
    assert "Content-Encoding" not in client.get(path, headers={"Accept-Encoding": "gzip;q=0, identity"}).headers
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        kept = client.get(path, headers={"If-None-Match": known, "Accept-Encoding": "gzip"})
        assert (kept.status_code, kept.get_data(), kept.headers["ETag"]) == (304, b"", tag)
        assert (kept.headers["Cache-Control"], kept.headers["Vary"]) == ("public, max-age=900", "Accept-Encoding")
    assert client.get(path, headers={"If-None-Match": 'W/"other"'}).status_code == 200
    head = client.head(path)
    assert (head.status_code, head.get_data(), head.headers["ETag"]) == (200, b"", tag)
    assert head.headers["Content-Length"] == str(len(whole.get_data()))
    assert client.post(path).status_code == 405


def test_a_programme_follows_the_filters_of_the_catalogue_and_shows_nothing_that_is_not_published(
    app: Flask, client: FlaskClient, world: World
) -> None:
    def found(query: str) -> set[str]:
        return set(entries(client.get(f"/events/calendar.ics?{query}")))

    boats = {uid(world.boat_slot), uid(world.second_boat_slot)}
    alone, rest = {uid(world.dating_slot)}, {uid(world.visit_slot), uid(world.debate_slot)}
    assert found("") == boats | alone | rest
    assert found("type=job_dating") == found("audience=jobseeker") == found("q=rencontres+emploi") == alone
    assert found("level=4e") == boats | {uid(world.visit_slot)}
    assert found("day=2026-11-27") == boats
    assert found("day=2026-11-23") == found("commune=Gennevilliers&q=girafe") == set()
    assert found("type=ufo&day=tomorrow&places=many&page=7") == found(""), "nonsense is left out, as in the catalogue"
    book(world.boat_slot, a_class(30, 2), proven=True)
    assert found("places=25&level=3e") == {uid(world.second_boat_slot), uid(world.visit_slot)}
    in_transaction(lambda: cancel_slot(world.second_boat_slot, "Brume.", OPERATOR))
    assert found("day=2026-11-27") == boats, "that it is cancelled is news for that day"
    assert found("places=25&level=3e") == {uid(world.visit_slot)}
    source = re.search(r"SOURCE;VALUE=URI:(\S+)", unfolded(client.get("/events/calendar.ics?lang=en&q=port&utm=x&token=y&day=")))
    assert source is not None
    assert source[1] == "http://127.0.0.1:8000/events/calendar.ics?q=port&lang=en"
    assert "sélection" in unfolded(client.get("/events/calendar.ics?q=port"))
    assert "selection" in unfolded(client.get("/events/calendar.ics?q=port&lang=en"))
    assert "Meeting point" in unfolded(client.get("/events/calendar.ics?lang=en"))
    catalogue = unescape(client.get("/events?q=port&lang=en&utm=x").text)
    assert f'href="{source[1]}">{source[1]}</a>' in catalogue, "the catalogue leads to its own filters"
    assert f'href="webcal{source[1].removeprefix("http")}"' in catalogue

    label(world.debate)
    for event_id, publication in ((world.debate, Publication.DRAFT), (world.boat, Publication.WITHDRAWN)):
        hidden = update(Event).where(Event.id == event_id).values(publication=publication)
        by_hand(lambda: db.session.execute(hidden))
    assert found("") == alone | {uid(world.visit_slot)}
    assert len(entries(client.get("/editions/2026/calendar.ics"))) == 0, "labelled, and not published"
    assert set(entries(client.get(f"/organisations/{world.port}/calendar.ics"))) == {uid(world.visit_slot)}
    quiet = an_organisation("discret")
    for path in (
        f"/organisations/{quiet.id}/calendar.ics",
        "/organisations/99999999999/calendar.ics",
        "/editions/1999/calendar.ics",
    ):
        assert client.get(path).status_code == 404


def test_hard_titles_break_no_line_of_a_feed(client: FlaskClient, world: World) -> None:
    title = 'Visite "du port", quai\r\nBEGIN:VALARM\n; \\ 🚢 ' + "é" * 90
    by_hand(
        lambda: db.session.execute(
            update(Event).where(Event.id == world.visit).values(title=title, meeting_point="Quai, 3; nord")
        )
    )
    entry = entries(client.get("/events/calendar.ics"))[uid(world.visit_slot)]
    assert str(entry["SUMMARY"]) == 'Visite "du port", quai BEGIN:VALARM ; \\ 🚢 ' + "é" * 90
    assert "Rendez-vous\u00a0: Quai, 3; nord" in str(entry["DESCRIPTION"])


def test_the_number_of_statements_does_not_grow_with_slots_or_bookings(app: Flask, client: FlaskClient, world: World) -> None:
    label(world.visit)
    book(world.boat_slot, a_class(2, 1), key="0", proven=True)
    mine, theirs = (
        secret_path(app, in_transaction(make))
        for make in (lambda: follow_bookings("prof@college.example"), lambda: follow_organisation(world.port, OPERATOR))
    )
    paths = (
        "/events/calendar.ics?places=2",
        f"/organisations/{world.port}/calendar.ics",
        "/editions/2026/calendar.ics",
        mine,
        theirs,
    )
    before = [statements(client, path) for path in paths]
    for number in range(1, 6):
        book(world.visit_slot, a_class(1, 1, label=f"3e {number}"), key=str(number), proven=True)
    known = db.session.get_one(Slot, world.visit_slot)
    kept = {name: getattr(known, name) for name in ("event_id", "closes_at", "headcount_until", "cancel_until")}
    db.session.add_all(
        Slot(starts_at=known.starts_at + timedelta(hours=n), ends_at=known.ends_at + timedelta(hours=n), **kept)
        for n in range(1, 9)
    )
    db.session.commit()
    assert [statements(client, path) for path in paths] == before
    assert max(before) <= 8


@pytest.fixture
def mine(app: Flask, client: FlaskClient, world: World) -> Booking:
    """A booking made and confirmed in this browser."""
    location = client.post(f"/slots/{world.visit_slot}/bookings", data=a_form(pupils=20, email="Prof@college.example")).location
    assert "feed" not in client.get(location).text, "offered to nobody who has not shown that the address is theirs"
    booking = db.session.scalars(select(Booking)).one()
    token = make_token(app.config["SETTINGS"].secret_key, CONFIRM, booking.link_nonce)
    assert client.post(f"/bookings/{booking.reference}/confirmation", data={"token": token}).status_code == 303
    return booking


def shown_address(page: TestResponse) -> str:
    """The path of the secret address a page shows."""
    found = re.search(r'href="http://127\.0\.0\.1:8000(/feeds/[^"]+)"', page.text)
    assert found is not None
    assert f'href="webcal://127.0.0.1:8000{found[1]}"' in page.text
    return unescape(found[1])


def test_ones_own_bookings_follow_until_the_address_is_taken_back(
    app: Flask, client: FlaskClient, world: World, mine: Booking
) -> None:
    page = f"/bookings/{mine.reference}/feed"
    assert f'href="{page}"' in client.get(f"/bookings/{mine.reference}").text
    assert "/feeds/" not in client.get(page).text, "opening the page makes nothing"
    assert client.post(page).status_code == client.post(page).status_code == 303
    path = shown_address(client.get(page))
    stranger = app.test_client()
    own = stranger.get(path)
    assert (own.headers["Cache-Control"], own.headers["X-Robots-Tag"]) == ("private, no-cache", "noindex, nofollow")
    assert own.headers["Referrer-Policy"] == "no-referrer"
    [entry] = entries(own).values()
    assert (entry["UID"], entry["STATUS"], entry["TRANSP"]) == (f"booking-{mine.reference}@127.0.0.1", "CONFIRMED", "OPAQUE")
    said = unfolded(own)
    for private in (mine.uid, "Camille", "Martin", "prof@", "Prof@", "token", path, "SOURCE"):
        assert private not in said
    assert "20 élèves" in said
    with clock.clock_at(clock.now() + timedelta(hours=5)):
        assert stranger.get(path, headers={"If-None-Match": own.headers["ETag"]}).status_code == 304

    held = book(world.boat_slot, a_class(3, 1, email="PROF@college.example", label="4e B"), key="held")
    others = book(world.boat_slot, a_class(4, 1, email="autre@college.example"), key="theirs", proven=True)
    abandoned = book(world.boat_slot, a_class(5, 1, label="4e D"), key="abandoned")
    in_transaction(lambda: cancel_booking(abandoned.reference))
    assert etag(stranger, path) == own.headers["ETag"], "what nobody proved and what is somebody else's is not there"
    by_hand(lambda: db.session.execute(update(Booking).where(Booking.id == held.id).values(proven_at=clock.now())))
    asked = entries(stranger.get(path))
    assert set(asked) == {f"booking-{one.reference}@127.0.0.1" for one in (mine, held)}
    assert others.reference not in unfolded(stranger.get(path))
    waits = asked[f"booking-{held.reference}@127.0.0.1"]
    assert (waits["STATUS"], str(waits["SUMMARY"])) == ("TENTATIVE", "Le port vu du fleuve (pas encore confirmée)")
    assert "not confirmed yet" in unfolded(stranger.get(f"{path}?lang=en"))

    in_transaction(lambda: cancel_booking(mine.reference))
    gone = entries(stranger.get(path))[f"booking-{mine.reference}@127.0.0.1"]
    assert (gone["STATUS"], gone["TRANSP"], gone["SEQUENCE"]) == ("CANCELLED", "TRANSPARENT", 1)
    with clock.clock_at(DAY_AFTER):
        assert mine.reference not in unfolded(stranger.get(path))
    assert client.post(f"{page}/end").status_code == 303
    assert stranger.get(path).status_code == 404
    assert "désactivée" in client.get(f"{page}?note=closed").text
    client.post(page)
    assert stranger.get(path).status_code == 404, "a new address is another one"
    assert stranger.get(shown_address(client.get(page))).status_code == 200


def test_the_link_of_one_booking_does_not_open_all_of_its_address(app: Flask, world: World, mine: Booking) -> None:
    """A confirmation is passed on to a colleague more easily than a mailbox."""
    token = make_token(app.config["SETTINGS"].secret_key, MANAGE, mine.link_nonce)
    other = app.test_client()
    assert other.get(f"/bookings/{mine.reference}?token={token}").status_code == 200
    assert f"{mine.reference}/feed" not in other.get(f"/bookings/{mine.reference}?token={token}").text
    for act in ("feed", "feed/end"):
        assert other.post(f"/bookings/{mine.reference}/{act}", data={"token": token}).status_code == 404
    assert other.get(f"/bookings/{mine.reference}/feed?token={token}").status_code == 404
    assert db.session.scalars(select(Feed)).all() == []


def test_a_wrong_address_opens_nothing_and_an_old_key_opens_still(app: Flask, client: FlaskClient, world: World) -> None:
    feed = in_transaction(lambda: follow_bookings("prof@college.example"))
    path = secret_path(app, feed)
    nonce, token = feed.nonce, path.partition("-")[2].removesuffix(".ics")
    settings = app.config["SETTINGS"]
    wrong = [
        make_token(settings.secret_key, MANAGE, nonce),
        make_token("another key of thirty-two letters!", FEED, nonce),
        token[:-1],
        f"{token}A",
        "é",
        "-",
    ]
    for path_ in [f"/feeds/{feed.id}-{one}.ics" for one in wrong] + [
        f"/feeds/{feed.id + 1}-{token}.ics", f"/feeds/99999999999999999999-{token}.ics", f"/feeds/0-{token}.ics",
        f"/feeds/-{token}.ics", f"/feeds/{feed.id}-{token}", f"/feeds/x-{token}.ics", "/feeds/", path.removesuffix(".ics") + ".ICS",
    ]:  # fmt: skip
        assert client.get(path_).status_code == 404, path_
    old = f"/feeds/{feed.id}-{make_token('the key before this one', FEED, nonce)}.ics"
    assert client.get(old).status_code == 404
    app.config["SETTINGS"] = type(settings)(**(vars(settings) | {"secret_key_fallbacks": ("the key before this one",)}))
    assert [client.get(one).status_code for one in (old, path)] == [200, 200]
    in_transaction(lambda: unfollow_bookings("Prof@College.example"))
    assert client.get(path).status_code == 404


def test_an_organisation_sees_who_comes_and_nobody_else_does(app: Flask, world: World) -> None:
    page = f"/workspace/organisations/{world.port}/feed"
    manager = manager_of(app, world.port)
    port = db.session.get_one(Organisation, world.port)
    a_member("lecture@port.example", port, Role.READER)
    chamber = an_organisation("cci", OrganisationKind.CHAMBER)
    a_mandate(chamber, port)
    a_member("cci@chambre.example", chamber)
    reader, mandated = (sign_in(app, email).client for email in ("lecture@port.example", "cci@chambre.example"))
    assert reader.post(page).status_code == mandated.post(page).status_code == 404
    assert "Personne n’a encore créé cette adresse" in reader.get(f"{page}?lang=fr").text
    assert manager.client.post(page).status_code == manager.client.post(page).status_code == 303
    path = shown_address(reader.get(page))
    assert shown_address(manager.client.get(page)) == path
    assert "/feeds/" not in mandated.get(page).text, "an address outlasts a mandate"
    assert f"{page}/renewal" not in reader.get(page).text

    anybody = app.test_client()
    before = entries(anybody.get(path))
    assert set(before) == {
        f"host-feed-{slot}@127.0.0.1" for slot in (world.debate_slot, world.visit_slot, world.boat_slot, world.second_boat_slot)
    }
    tag = etag(anybody, path)
    booking = book(world.visit_slot, a_class(20, 2), proven=True)
    book(
        world.dating_slot,
        Party(audience="jobseeker", email="alex@demandeur.example", name="Alex Durand"),
        key="theirs",
        proven=True,
    )
    after = anybody.get(path)
    assert after.headers["ETag"] != tag
    entry = entries(after)[f"host-feed-{world.visit_slot}@127.0.0.1"]
    assert "20 élèves" in str(entry["SUMMARY"])
    for private in (booking.reference, booking.uid, "Camille", "Martin", "prof@", "college", "Alex", "token", "Rencontres"):
        assert private not in unfolded(after)
    with clock.clock_at(clock.now() + timedelta(hours=2)):
        assert etag(anybody, path) == after.headers["ETag"]

    assert reader.post(f"{page}/renewal").status_code == mandated.post(f"{page}/renewal").status_code == 404
    assert manager.client.post(f"{page}/renewal").status_code == 303
    assert anybody.get(path).status_code == 404
    assert anybody.get(shown_address(reader.get(page))).status_code == 200
    told = db.session.scalars(select(HistoryEntry.action).where(HistoryEntry.action.like("feed_%")).order_by(HistoryEntry.id))
    assert list(told) == ["feed_opened", "feed_renewed"]


def test_an_edition_prepared_beside_this_one_has_a_feed_of_its_own(client: FlaskClient, world: World) -> None:
    this = db.session.get_one(Edition, world.edition)
    names = ("number", "starts_on", "ends_on", "label_from", "label_until", "department", "territory")
    other = Edition(key="autre", year=2027, name="Une autre", **{name: getattr(this, name) for name in names})
    db.session.get_one(Event, world.boat).edition = other
    db.session.add(other)
    db.session.commit()
    label(world.boat)
    label(world.visit)
    assert set(entries(client.get("/editions/2026/calendar.ics"))) == {uid(world.visit_slot)}
    assert set(entries(client.get("/editions/autre/calendar.ics"))) == {uid(world.boat_slot), uid(world.second_boat_slot)}
    assert uid(world.boat_slot) not in entries(client.get("/events/calendar.ics"))
