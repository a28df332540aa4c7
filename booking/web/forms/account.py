"""The forms of accounts: signing in, the second factor, joining, members."""

from __future__ import annotations

from wtforms import StringField

from booking.i18n import _
from booking.web.forms.booking import HouseForm


class SignInForm(HouseForm):
    """Who wants to sign in."""

    email = StringField(_("Votre adresse électronique"))


class CodeForm(HouseForm):
    """A code that was sent, or that a device shows."""

    code = StringField(_("Code"))


class ProfileForm(HouseForm):
    """What an account says of its person."""

    name = StringField(_("Vos prénom et nom"))
    locale = StringField(_("Langue de nos messages"))


class JoinForm(HouseForm):
    """The organisation somebody asks for."""

    kind = StringField(_("Vous êtes"))
    name = StringField(_("Nom de l’organisme"))
    siret = StringField(_("SIRET"))
    uai = StringField(_("Code UAI"))
    commune = StringField(_("Commune"))


class InvitationForm(HouseForm):
    """Who is invited, and what for."""

    email = StringField(_("Adresse électronique de la personne"))
    role = StringField(_("Rôle"))


class RoleForm(HouseForm):
    """Another role for a member."""

    role = StringField(_("Rôle"))


class MandateForm(HouseForm):
    """The chamber that may act for the organisation."""

    chamber = StringField(_("Chambre"))


class ParticularsForm(HouseForm):
    """What an organisation says of itself."""

    name = StringField(_("Nom de l’organisme"))
    commune = StringField(_("Commune"))
    email = StringField(_("Adresse où lire les réservations"))
    website = StringField(_("Site"))
