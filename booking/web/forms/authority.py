"""The forms of an authority's workspace."""

from __future__ import annotations

from wtforms import StringField, TextAreaField

from booking.i18n import _
from booking.models import Edition
from booking.models.edition_words import SWITCHES, EditionWords, say_schools
from booking.models.form_reader import say_moment
from booking.web.forms.booking import HouseForm


class EditionForm(HouseForm):
    """The words of an edition. Days as a browser sends them, the opening of bookings on the wall clock in Paris."""

    version = StringField()
    confirmed = StringField()
    name = StringField(_("Nom"))
    number = StringField(_("Numéro"))
    year = StringField(_("Année"))
    theme = StringField(_("Thème"))
    starts_on = StringField(_("Premier jour de la semaine"))
    ends_on = StringField(_("Dernier jour de la semaine"))
    territory = StringField(_("Territoire"))
    department = StringField(_("Département"))
    label_from = StringField(_("Début de la période de label"))
    label_until = StringField(_("Fin de la période de label"))
    label_deadline = StringField(_("Dernier jour pour demander le label"))
    bookings_open_at = StringField(_("Ouverture des réservations"))
    conditions = TextAreaField(_("Conditions du label"))
    school_limit = StringField(_("Réservations par établissement"))
    priority_until = StringField(_("Priorité aux établissements REP, REP+ et QPV jusqu’au"))
    priority_schools = TextAreaField(_("Établissements prioritaires"))

    reminds_week = StringField(_("Rappel une semaine avant"))
    reminds_soon = StringField(_("Rappel deux jours avant"))
    thanks = StringField(_("Remerciement et avis, le lendemain"))
    digests = StringField(_("Liste de la veille, pour les organisateurs"))

    def switch_all_on(self) -> None:
        """What a new edition begins with: every mail goes out."""
        for name in SWITCHES:
            self[name].data = "1"

    def fill(self, edition: Edition) -> None:
        """Write what an edition says into the empty form."""
        for name in EditionWords.__dataclass_fields__:
            value = getattr(edition, name)
            self[name].data = "" if value is None else str(value)
        for name in ("bookings_open_at", "priority_until"):
            moment = getattr(edition, name)
            self[name].data = say_moment(moment) if moment else ""
        self.priority_schools.data = say_schools(edition.priority_schools)
        for name in SWITCHES:
            self[name].data = "1" if getattr(edition, name) else ""
        self.version.data = str(edition.version)


class VerdictForm(HouseForm):
    """What the authority answers to a request for the label."""

    seen = StringField()
    verdict = StringField(_("Réponse"))
    remarks = TextAreaField(_("Remarques"))


class ImportForm(HouseForm):
    """A file of events."""

    edition_id = StringField(_("Édition"))
    file = StringField(_("Fichier CSV"))


class OrganisationForm(HouseForm):
    """An organisation to start, and its first manager."""

    kind = StringField(_("Genre d’organisme"))
    name = StringField(_("Nom"))
    commune = StringField(_("Commune"))
    siret = StringField(_("SIRET"))
    uai = StringField(_("Code UAI"))
    email = StringField(_("Adresse de la première personne"))
