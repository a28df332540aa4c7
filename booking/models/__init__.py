"""Nouns: tables, and the rules of one row."""

from booking.models.account import Account, Session, SignIn
from booking.models.booking import Actor, Answer, Booking, HeldFor, Holding, Status
from booking.models.edition import Edition
from booking.models.event import Audience, Event, EventType, HostMails, Label, LabelDecision, Publication
from booking.models.feed import Feed
from booking.models.feedback import Feedback
from booking.models.history import BOOKER, CALENDAR, CLOCK, HEAD, OPERATOR, RULE, HistoryEntry, Subject, Who
from booking.models.host_entry import HostEntry
from booking.models.inbound import Arrived, Decision, Inbound
from booking.models.limit import LimitCounter
from booking.models.member import Mandate, Member, MemberState, Role
from booking.models.message import Delivery, Kind, Message
from booking.models.occasion import Occasion
from booking.models.organisation import Organisation, OrganisationKind
from booking.models.party import Party, read_party
from booking.models.picture import Picture
from booking.models.pool import Places, Pool, PoolKind, slot_pools
from booking.models.programme_import import ImportState, ProgrammeImport
from booking.models.slot import Slot
from booking.models.waiting import Offer, Outcome, Wait

__all__ = [
    "BOOKER",
    "CALENDAR",
    "CLOCK",
    "HEAD",
    "OPERATOR",
    "RULE",
    "Account",
    "Actor",
    "Answer",
    "Arrived",
    "Audience",
    "Booking",
    "Decision",
    "Delivery",
    "Edition",
    "Event",
    "EventType",
    "Feed",
    "Feedback",
    "HeldFor",
    "HistoryEntry",
    "Holding",
    "HostEntry",
    "HostMails",
    "ImportState",
    "Inbound",
    "Kind",
    "Label",
    "LabelDecision",
    "LimitCounter",
    "Mandate",
    "Member",
    "MemberState",
    "Message",
    "Occasion",
    "Offer",
    "Organisation",
    "OrganisationKind",
    "Outcome",
    "Party",
    "Picture",
    "Places",
    "Pool",
    "PoolKind",
    "ProgrammeImport",
    "Publication",
    "Role",
    "Session",
    "SignIn",
    "Slot",
    "Status",
    "Subject",
    "Wait",
    "Who",
    "read_party",
    "slot_pools",
]
