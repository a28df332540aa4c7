"""Put an event on the programme. Its label is another matter: none is needed."""

from __future__ import annotations

from booking import clock
from booking.actions.event_ground import event_changed, event_to_change, publication_change
from booking.errors import EventNotReady
from booking.models import Event, Publication, Who
from booking.queries.label_checks import missing_for_publication


def publish_event(event_id: int, who: Who) -> Event:
    """Publish an event. Publishing what is public changes nothing.

    Raises `EventNotReady` (`missing`: names of what it lacks), `EventFixed` or `NotFound`.
    """
    event = event_to_change(event_id)
    if event.is_public:
        return event
    if missing := missing_for_publication(event):
        raise EventNotReady("publication", missing)
    before, event.publication = event.publication, Publication.PUBLISHED
    event_changed(event, who, "published", clock.now(), publication_change(before, event.publication))
    return event
