"""What search engines read of an event: schema.org `Event`, with its edition around it and its slots inside."""

from __future__ import annotations

from typing import Any

from booking import clock
from booking.markdown import plain_text
from booking.models import Event, EventType, Slot
from booking.vocabulary import AUDIENCES

_SCHEMA = "https://schema.org/"


def event_data(event: Event, base_url: str) -> dict[str, Any]:
    """The JSON-LD of an event. Places are the truth of this moment; instants carry the offset of Paris."""
    online = event.type is EventType.ONLINE
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "@id": f"{base_url}/events/{event.id}",
        "url": f"{base_url}/events/{event.id}",
        "name": event.title,
        "description": "\n\n".join(filter(None, [event.summary, plain_text(event.description)])),
        "inLanguage": "fr",
        "eventStatus": _SCHEMA + ("EventCancelled" if event.cancelled_at else "EventScheduled"),
        "eventAttendanceMode": _SCHEMA + ("OnlineEventAttendanceMode" if online else "OfflineEventAttendanceMode"),
        "isAccessibleForFree": event.free,
        "organizer": {"@type": "Organization", "name": event.host.name},
        "audience": [{"@type": "Audience", "audienceType": AUDIENCES[word]} for word in event.audiences],
        "superEvent": {
            "@type": "Event",
            "name": event.edition.name,
            "startDate": event.edition.starts_on.isoformat(),
            "endDate": event.edition.ends_on.isoformat(),
            "location": {"@type": "Place", "name": event.edition.territory},
        },
        "subEvent": [_slot_data(event, slot, base_url) for slot in event.slots],
    }
    if event.picture:
        data["image"] = f"{base_url}/events/{event.id}/picture/{event.picture.digest}.jpg"
    if event.contact_email or event.contact_phone:
        contact = {"@type": "ContactPoint", "email": event.contact_email, "telephone": event.contact_phone}
        data["organizer"]["contactPoint"] = {name: value for name, value in contact.items() if value}
    if event.min_age:
        data["typicalAgeRange"] = f"{event.min_age}-"
    if not online:
        data["location"] = _place(event)
    if event.slots:
        data["startDate"] = _local(event.slots[0], "starts_at")
        data["endDate"] = _local(event.slots[-1], "ends_at")
    return data


def _place(event: Event) -> dict[str, Any]:
    place: dict[str, Any] = {
        "@type": "Place",
        "name": event.place_name or event.commune,
        "address": {
            "@type": "PostalAddress",
            "streetAddress": event.address,
            "postalCode": event.postcode,
            "addressLocality": event.commune,
            "addressCountry": "FR",
        },
    }
    if event.latitude is not None and event.longitude is not None:
        place["geo"] = {"@type": "GeoCoordinates", "latitude": event.latitude, "longitude": event.longitude}
    return place


def _slot_data(event: Event, slot: Slot, base_url: str) -> dict[str, Any]:
    cancelled = bool(slot.cancelled_at or event.cancelled_at)
    data = {
        "@type": "Event",
        "name": event.title,
        "startDate": _local(slot, "starts_at"),
        "endDate": _local(slot, "ends_at"),
        "eventStatus": _SCHEMA + ("EventCancelled" if cancelled else "EventScheduled"),
        "maximumAttendeeCapacity": slot.capacity,
        "remainingAttendeeCapacity": 0 if cancelled else slot.remaining,
        "url": f"{base_url}/slots/{slot.id}/bookings/new",
    }
    if event.type is not EventType.ONLINE:
        data["location"] = _place(event)
    return data


def _local(slot: Slot, name: str) -> str:
    return clock.in_paris(getattr(slot, name)).isoformat(timespec="minutes")
