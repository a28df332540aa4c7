"""Who may do and see what: the one place that decides. What somebody may not see does not exist for them.

A role gives acts; a seat is a role in one organisation, held directly, through a chamber's mandate, or for a while by an
authority's member who helps. Doors ask `Visitor.may`; what they may fetch follows from the same answer
(`booking.queries.workspace`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from booking.models import Account, Actor, OrganisationKind, Role, Who


class Act(StrEnum):
    """What can be done or seen in a workspace."""

    # For an organisation
    ENTER = "enter"
    READ_DOOR_LIST = "read_door_list"
    READ_EVENTS = "read_events"
    READ_BOOKINGS = "read_bookings"
    READ_MEMBERS = "read_members"
    READ_HISTORY = "read_history"
    WRITE_EVENTS = "write_events"
    RUN_SLOTS = "run_slots"
    PUBLISH = "publish"
    HANDLE_BOOKINGS = "handle_bookings"
    MANAGE_MEMBERS = "manage_members"
    # For an authority, over its editions and over all organisations
    READ_AUTHORITY = "read_authority"
    READ_LABELS = "read_labels"
    READ_JOURNAL = "read_journal"
    DECIDE_LABELS = "decide_labels"
    RUN_EDITIONS = "run_editions"
    IMPORT = "import"
    ACCEPT_ORGANISATIONS = "accept_organisations"
    HELP = "help"
    # For who runs the installation, over what is no organisation's affair
    OPERATE = "operate"


_GREETS = frozenset({Act.ENTER, Act.READ_DOOR_LIST})
_READS = _GREETS | {Act.READ_EVENTS, Act.READ_BOOKINGS, Act.READ_MEMBERS, Act.READ_HISTORY}
_RUNS = _READS | {Act.WRITE_EVENTS, Act.RUN_SLOTS, Act.PUBLISH, Act.HANDLE_BOOKINGS}
_READS_AUTHORITY = frozenset({Act.READ_AUTHORITY, Act.READ_LABELS, Act.READ_JOURNAL})
_RUNS_AUTHORITY = _READS_AUTHORITY | {
    Act.DECIDE_LABELS,
    Act.RUN_EDITIONS,
    Act.IMPORT,
    Act.ACCEPT_ORGANISATIONS,
    Act.HELP,
}

OF_ROLE: Mapping[Role, frozenset[Act]] = MappingProxyType(
    {Role.MANAGER: _RUNS | {Act.MANAGE_MEMBERS}, Role.READER: _READS, Role.GREETER: _GREETS}
)
"""What a member may do in the own organisation."""

OF_MANDATE: Mapping[Role, frozenset[Act]] = MappingProxyType(
    {Role.MANAGER: _RUNS, Role.READER: _READS, Role.GREETER: frozenset()}
)
"""What a chamber's member may do for a company that gave the chamber a mandate: the members stay the company's own affair."""

OF_CANDIDATE = frozenset({Act.ENTER, Act.READ_EVENTS, Act.WRITE_EVENTS, Act.RUN_SLOTS})
"""What somebody may do whose request to manage an organisation has made it: prepare everything, publish nothing."""

OF_AUTHORITY: Mapping[Role, frozenset[Act]] = MappingProxyType(
    {Role.MANAGER: _RUNS_AUTHORITY, Role.READER: _READS_AUTHORITY, Role.GREETER: frozenset()}
)
"""What an authority's member may do over its editions, besides the own organisation's workspace."""

AUTHORITY_ACTS = _RUNS_AUTHORITY


@dataclass(frozen=True)
class Seat:
    """What one account may do for one organisation, and how it comes to that."""

    organisation_id: int
    acts: frozenset[Act]
    acting_for_id: int | None = None
    """The chamber or authority whose member acts here; None in the own organisation."""


@dataclass(frozen=True)
class Visitor:
    """Somebody signed in: the account, and every seat it has at this moment."""

    account: Account
    seats: tuple[Seat, ...]
    authorities: Mapping[int, frozenset[Act]]
    """By the id of each authority the account belongs to, what it may do as such."""

    def seat(self, act: Act, organisation_id: int) -> Seat | None:
        """The seat that lets this visitor do something for an organisation; the own one before a borrowed one."""
        fitting = [seat for seat in self.seats if seat.organisation_id == organisation_id and act in seat.acts]
        return min(fitting, key=lambda seat: seat.acting_for_id is not None, default=None)

    def may(self, act: Act, organisation_id: int) -> bool:
        """Whether this visitor may do something for an organisation, or as an authority; an operator's act is about none."""
        if act is Act.OPERATE:
            return self.account.operates
        if act in AUTHORITY_ACTS:
            return act in self.authorities.get(organisation_id, frozenset())
        return self.seat(act, organisation_id) is not None

    def may_somewhere(self, act: Act) -> bool:
        """Whether there is anything this visitor may do this with."""
        return self.may(act, 0) or bool(self.organisations(act))

    def organisations(self, act: Act) -> list[int]:
        """The organisations for which this visitor may do something, or the authorities as which."""
        if act in AUTHORITY_ACTS:
            return [number for number, acts in self.authorities.items() if act in acts]
        return list(dict.fromkeys(seat.organisation_id for seat in self.seats if act in seat.acts))

    def who(self, act: Act, organisation_id: int) -> Who:
        """This visitor as the history names them when they do something for an organisation, or as an authority."""
        if act is Act.OPERATE:
            return Who(Actor.OPERATOR, self.account.id)
        if act in AUTHORITY_ACTS:
            return Who(Actor.AUTHORITY, self.account.id, organisation_id)
        seat = self.seat(act, organisation_id)
        return Who(Actor.HOST, self.account.id, seat.acting_for_id if seat else None)

    @property
    def needs_second_factor(self) -> bool:
        """Accounts of authorities and operators sign in with two factors, whatever their role."""
        return bool(self.authorities) or self.account.operates


def acts_of(role: Role, kind: OrganisationKind) -> frozenset[Act]:
    """Everything a role gives in an organisation of a kind, the authority's acts included."""
    return OF_ROLE[role] | (OF_AUTHORITY[role] if kind is OrganisationKind.AUTHORITY else frozenset())
