"""Nouns: tables, and the rules of one row."""

from booking.models.booking import Actor, Booking, HeldFor, Holding, Status
from booking.models.edition import Edition
from booking.models.event import Audience, Event, EventType, Label, LabelDecision, Publication
from booking.models.history import HistoryEntry
from booking.models.limit import LimitCounter
from booking.models.message import Delivery, Kind, Message
from booking.models.organisation import Organisation, OrganisationKind
from booking.models.party import Party, read_party
from booking.models.slot import Pool, Slot, slot_pools

__all__ = [
    "Actor",
    "Audience",
    "Booking",
    "Delivery",
    "Edition",
    "Event",
    "EventType",
    "HeldFor",
    "HistoryEntry",
    "Holding",
    "Kind",
    "Label",
    "LabelDecision",
    "LimitCounter",
    "Message",
    "Organisation",
    "OrganisationKind",
    "Party",
    "Pool",
    "Publication",
    "Slot",
    "Status",
    "read_party",
    "slot_pools",
]
