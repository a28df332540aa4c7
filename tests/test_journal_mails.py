"""The message journal: what became of every mail of a booking and of an event, and addresses that do not work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from booking import clock
from booking.actions.cancel_booking import cancel_booking
from booking.actions.flag_address import flag_address
from booking.actions.resend_message import Again, resend_message, way_again
from booking.db import db, in_transaction
from booking.errors import NothingToSend
from booking.mail.delivery import deliver_next
from booking.models import Delivery, Kind, Message, Role
from booking.models.inbound import Arrived, Decision
from booking.queries import workspace_bookings
from booking.queries.workspace_home import home
from tests.test_booking import book
from tests.test_catalogue import statements
from tests.test_received_mail import HOSTILE, a_mail
from tests.test_workspace_bookings import Post, broken_rules, deliver, fresh, mails, text
from tests.workspaces import Staff, manager_of
from tests.world import World, a_class

UNKNOWN = "user unknown"


@pytest.fixture
def host(app: Flask, world: World) -> Staff:
    return manager_of(app, world.port)


def bounce(message: Message, at: datetime | None = None) -> None:
    """A server wrote back that this mail of ours cannot be delivered."""
    in_transaction(lambda: flag_address(message.message_id or "", message.recipient, "5.1.1", UNKNOWN, at or clock.now()))


def journal(world: World, query: str = "", event: Callable[[World], int] = lambda world: world.visit) -> str:
    return f"/workspace/events/{event(world)}/messages{query}"


def test_a_mail_that_came_back_is_shown_everywhere_until_a_later_one_gets_through(app: Flask, host: Staff, world: World) -> None:
    booking = book(world.visit_slot, a_class(12), "k", proven=True)
    other = book(world.boat_slot, a_class(3, email="autre@college.example"), "o", proven=True)
    post = Post()
    deliver(app, post)
    page, listing = f"/workspace/bookings/{booking.reference}", f"/workspace/organisations/{world.port}/bookings"
    assert "ne fonctionne pas" not in host.client.get(page).text
    [confirmation] = mails(booking, Kind.BOOKING_CONFIRMED)
    bounce(confirmation)
    said = text(host.client.get(page))
    for words in (
        "L’adresse de cette réservation ne fonctionne pas", "téléphonez au 01 23 45 67 89", "Revenu le lundi 16 novembre",
        "Pris par le serveur le lundi 16 novembre", "Cette adresse n’existe pas, ou plus.", UNKNOWN, "à la personne qui a réservé",
    ):  # fmt: skip
        assert words in said, words
    listed = host.client.get(listing).text
    assert listed.count("Courriel en panne") == 1
    assert booking.reference in host.client.get(f"{listing}?state=unreached").text
    assert other.reference not in host.client.get(f"{listing}?state=unreached").text
    assert [(one.code, one.count) for one in home(world.port, clock.now()).waiting] == [("bounced", 1)]
    # It is sent again as a new mail: what has bounced once would be thrown away as a copy of itself.
    answer = host.client.post(f"{page}/messages", data={"message": str(confirmation.id)})
    assert answer.status_code == 303
    first, again = mails(booking, Kind.BOOKING_CONFIRMED)
    assert (first.delivery, again.delivery, again.copy) == (Delivery.SENT, Delivery.QUEUED, 1)
    with clock.clock_at(clock.now() + timedelta(minutes=5)):
        deliver(app, post)
    [_, again] = mails(booking, Kind.BOOKING_CONFIRMED)
    assert again.message_id != first.message_id
    assert host.client.get(listing).text.count("Courriel en panne") == 1, "a server may take it only to return it"
    with clock.clock_at(clock.now() + timedelta(days=1, minutes=6)):
        assert "Courriel en panne" not in host.client.get(listing).text, "a later one got through"
    bounce(again, clock.now() + timedelta(minutes=6))
    with clock.clock_at(clock.now() + timedelta(days=1, minutes=6)):
        assert host.client.get(listing).text.count("Courriel en panne") == 1, "it came back, too"
    assert broken_rules() == []


def test_a_mail_to_the_host_that_came_back_is_not_written_anew_nor_the_booker_s_fault(
    app: Flask, host: Staff, world: World
) -> None:
    booking = book(world.visit_slot, a_class(12), "k", proven=True)
    deliver(app, Post())
    [notice] = mails(booking, Kind.HOST_BOOKING_CONFIRMED)
    bounce(notice)
    everything = workspace_bookings.messages_of(booking.id)
    assert not workspace_bookings.is_unreached(fresh(booking), everything)
    said = text(host.client.get(f"/workspace/bookings/{booking.reference}"))
    assert "à l’organisateur, accueil@port.example" in said
    assert "ne fonctionne pas" not in said
    [notice] = mails(booking, Kind.HOST_BOOKING_CONFIRMED)
    assert way_again(fresh(booking), notice, everything, clock.now()) is None
    with pytest.raises(NothingToSend):
        in_transaction(lambda: resend_message(booking.reference, notice.id, host.who))


def test_a_mail_that_is_given_up_after_a_bounce_goes_as_a_copy_and_every_try_is_told(
    app: Flask, host: Staff, world: World
) -> None:
    booking = book(world.visit_slot, a_class(12), "k", proven=True)
    [mail] = mails(booking, Kind.BOOKING_CONFIRMED)
    first, now = clock.now(), clock.now() + timedelta(hours=3)
    tried = {
        "attempts": 4,
        "first_tried_at": first,
        "last_error": "451 4.2.0 try later",
        "next_attempt_at": now + timedelta(hours=1),
    }
    db.session.execute(update(Message).where(Message.id == mail.id).values(**tried))
    db.session.commit()
    said = text(host.client.get(f"/workspace/bookings/{booking.reference}"))
    assert "Nouvel essai le lundi 16 novembre, 14 h" in said
    assert "4 essais, le premier le lundi 16 novembre, 10 h" in said
    dead = {"delivery": Delivery.DEAD, "bounced_at": now}
    db.session.execute(update(Message).where(Message.id == mail.id).values(**dead))
    db.session.commit()
    [mail] = mails(booking, Kind.BOOKING_CONFIRMED)
    assert way_again(fresh(booking), mail, mails(booking), now) is Again.COPY


def test_the_first_try_is_kept_through_all_others_and_begins_anew_when_a_dead_mail_is_sent_again(
    app: Flask, host: Staff, world: World
) -> None:
    booking = book(world.visit_slot, a_class(12), "k", proven=True)
    post, started = Post(), clock.now()
    post.refuses = "prof@college.example"
    deliver(app, post)
    [mail] = mails(booking, Kind.BOOKING_CONFIRMED)
    assert (mail.delivery, mail.first_tried_at) == (Delivery.DEAD, started)
    in_transaction(lambda: resend_message(booking.reference, mail.id, host.who))
    [mail] = mails(booking, Kind.BOOKING_CONFIRMED)
    assert (mail.delivery, mail.first_tried_at) == (Delivery.QUEUED, None)
    with clock.clock_at(started + timedelta(hours=1)):
        assert deliver_next(app.config["SETTINGS"], Post())
    [mail] = mails(booking, Kind.BOOKING_CONFIRMED)
    assert mail.first_tried_at == started + timedelta(hours=1)


def test_what_came_in_stands_between_our_own_mails_and_harms_nobody(app: Flask, host: Staff, world: World) -> None:
    booking = book(world.visit_slot, a_class(12), "k", proven=True)
    deliver(app, Post())
    at = clock.now() + timedelta(hours=1)
    came = a_mail(
        booking=booking, received_at=at, subject=HOSTILE, sender='"><script>alert(2)</script>@x.example',
        arrived=Arrived.REPLY, decision=Decision.NOTED, details={"answer": "tentative", "sequence": 0},
    )  # fmt: skip
    db.session.commit()
    with clock.clock_at(at + timedelta(hours=1)):
        in_transaction(lambda: cancel_booking(booking.reference, host.who, "Grève"))
    page = host.client.get(f"/workspace/bookings/{booking.reference}").text.replace("\u00a0", " ")
    places = [
        page.index(words) for words in ('<h2 id="mails">', "Annulation", "Réponse d’un agenda : Peut-être", "Confirmation, avec")
    ]
    assert places == sorted(places), "the latest first"
    assert f"/workspace/mail/{came.id}" in page
    assert "Noté avec la réservation." in page
    assert "<script>alert" not in page


def test_an_event_s_mails_are_counted_filtered_and_sent_again(app: Flask, host: Staff, world: World) -> None:
    first = book(world.boat_slot, a_class(3), "a", proven=True)
    second = book(world.second_boat_slot, a_class(4, email="autre@college.example", label="4e C"), "b", proven=True)
    elsewhere = book(world.visit_slot, a_class(5, email="tiers@college.example", label=HOSTILE[:30]), "c", proven=True)
    post = Post()
    post.refuses = "autre@college.example"
    deliver(app, post)
    waiting = book(world.boat_slot, a_class(2, email="quatre@college.example", label="4e D"), "d", proven=True)
    in_transaction(lambda: _of_slot(world.boat_slot))
    bounce(mails(first, Kind.BOOKING_CONFIRMED)[0])
    page = f"/workspace/events/{world.boat}/messages"
    shown = host.client.get(page).text.replace("\u00a0", " ")
    assert f'href="{page}"' in host.client.get(f"/workspace/events/{world.boat}").text
    for booking in (first, second, waiting):
        assert booking.reference in shown
    assert elsewhere.reference not in shown
    assert "À l’organisateur : où en est le créneau" in shown
    # Delivered: two notices to the host; waiting: a confirmation, its notice, the slot's; failed: one came back, one given up.
    assert [part.split("<")[0] for part in shown.split("<b>")[1:4]] == ["2", "3", "2"]
    failed = host.client.get(f"{page}?state=failed").text
    assert failed.count("<tr>") == 1 + 2
    assert waiting.reference not in failed
    of_slot = host.client.get(f"{page}?slot={world.boat_slot}&kind=booking_confirmed").text
    assert (first.reference in of_slot, second.reference in of_slot) == (True, False)
    assert host.client.get(f"{page}?state=nonsense&kind=%00&slot=99999999999&page=-1").status_code == 200
    [gone] = mails(second, Kind.BOOKING_CONFIRMED)
    answer = host.client.post(f"/workspace/bookings/{second.reference}/messages", data={"message": str(gone.id), "back": "event"})
    assert answer.headers["Location"].endswith(f"{page}?note=again")
    assert "Le message part de nouveau." in host.client.get(answer.headers["Location"]).text
    assert mails(second, Kind.BOOKING_CONFIRMED)[0].delivery is Delivery.QUEUED


def _of_slot(slot_id: int) -> None:
    now = clock.now()
    db.session.add(
        Message(
            slot_id=slot_id, kind=Kind.HOST_SLOT, recipient="accueil@port.example", locale="fr", facts={}, created_at=now,
            next_attempt_at=now,
        )
    )  # fmt: skip


def test_who_only_reads_sees_the_journal_and_no_button_and_fifty_mails_cost_what_one_does(
    app: Flask, host: Staff, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from booking.queries import event_messages

    monkeypatch.setattr(event_messages, "A_PAGE", 4)
    reader = manager_of(app, world.port, "lecture@port.example", Role.READER)
    page, costs = f"/workspace/events/{world.boat}/messages", []
    for number in range(5):
        book(world.boat_slot, a_class(1, label=f"3e {number}", email=f"p{number}@college.example"), f"k{number}", proven=True)
        deliver(app, Post())
        db.session.rollback()
        with statements() as sent:
            shown = reader.client.get(page).text
        costs.append(len(sent))
    # The session, its account's seats and what it asked for, the event, its slots, their pools; the counts, the mails, those of
    # the same bookings, which say what can be sent again.
    assert set(costs) == {9}
    assert 'value="Renvoyer"' not in shown
    assert "csrf_token" not in shown
    assert "Page 1 sur 3" in shown
    assert "Page 3 sur 3" in reader.client.get(f"{page}?page=9").text
    total = db.session.scalar(select(func.count()).select_from(Message))
    assert sum(reader.client.get(f"{page}?page={number}").text.count("<tr>") - 1 for number in (1, 2, 3)) == total
