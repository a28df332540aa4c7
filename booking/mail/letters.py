"""Letters: mails about no booking. One line of a table each: what it says, its button, and which facts it needs.

Facts are frozen with the message (`booking.actions.queue_message.queue_letter`). Names that end in `_at` are instants in ISO 8601
and are read as people say them; `remarks` is somebody's own text and is quoted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from booking.config import Settings
from booking.i18n import _, moment, translate
from booking.links import SIGN_IN, make_code, make_token
from booking.mail.facts import one_line
from booking.mail.render import Rendered, write
from booking.models import Kind


@dataclass(frozen=True)
class Letter:
    """What one kind of letter says, as messages with the names of facts in them."""

    subject: str
    says: tuple[str, ...]
    button: str = ""
    path: str = ""
    """Where the button leads, below BASE_URL."""


LETTERS: Mapping[Kind, Letter] = MappingProxyType(
    {
        Kind.SIGN_IN: Letter(
            _("%(code)s est votre code de connexion"),
            (
                _("Voici le code pour vous connecter à Coulisses. Il sert une fois, jusqu’à %(expires_at)s."),
                _("Le bouton fait la même chose, dans le navigateur où vous avez demandé le code."),
                _("Vous n’avez rien demandé ? Ne faites rien : sans ce code, personne n’entre."),
            ),
            _("Se connecter"),
            "/sign-in/%(sign_in)s?token=%(token)s",
        ),
        Kind.MEMBER_INVITED: Letter(
            _("Votre accès à l’espace de %(organisation)s"),
            (
                _("%(organisation)s vous a ouvert son espace sur Coulisses, où se préparent ses visites."),
                _("Il n’y a pas de mot de passe : connectez-vous avec cette adresse, un code vous sera envoyé."),
            ),
            _("Ouvrir l’espace"),
            "/sign-in",
        ),
        Kind.JOIN_ASKED: Letter(
            _("%(organisation)s demande un espace"),
            (
                _("Une personne demande à gérer l’espace de %(organisation)s. Elle attend votre réponse."),
                _("Vérifiez qu’elle en fait bien partie avant d’accepter."),
            ),
            _("Répondre à la demande"),
            "%(path)s",
        ),
        Kind.JOIN_ACCEPTED: Letter(
            _("Bienvenue : l’espace de %(organisation)s est ouvert"),
            (_("Votre demande est acceptée. Vous pouvez écrire votre premier événement et ouvrir ses créneaux."),),
            _("Ouvrir l’espace"),
            "/workspace",
        ),
        Kind.JOIN_REFUSED: Letter(
            _("Votre demande pour %(organisation)s n’a pas été acceptée"),
            (_("Si c’est une erreur, répondez à ce message."),),
        ),
        Kind.LABEL_ASKED: Letter(
            _("Label demandé : %(title)s"),
            (_("%(organisation)s demande le label pour « %(title)s ». La réponse est attendue au plus tard %(answer_by_at)s."),),
            _("Examiner la demande"),
            "/authority/labels/%(event_id)s",
        ),
        Kind.LABEL_GRANTED: Letter(
            _("Labellisé : %(title)s"),
            (_("« %(title)s » porte désormais le label de la Semaine de l’industrie. Le sceau figure sur sa page."),),
            _("Voir l’événement"),
            "/workspace/events/%(event_id)s",
        ),
        Kind.LABEL_RETURNED: Letter(
            _("À compléter : %(title)s"),
            (
                _("« %(title)s » n’a pas encore le label : une correction est nécessaire."),
                _("Modifiez l’événement, puis soumettez-le de nouveau."),
            ),
            _("Corriger l’événement"),
            "/workspace/events/%(event_id)s",
        ),
        Kind.LABEL_REFUSED: Letter(
            _("Label refusé : %(title)s"),
            (_("« %(title)s » n’a pas reçu le label. Vous pouvez le publier sans label."),),
            _("Voir l’événement"),
            "/workspace/events/%(event_id)s",
        ),
        Kind.LABEL_REVIEW: Letter(
            _("Changé après le label : %(title)s"),
            (
                _("%(organisation)s a changé « %(title)s » après votre décision."),
                _("L’événement reste visible et attend votre regard."),
            ),
            _("Voir ce qui a changé"),
            "/authority/labels/%(event_id)s",
        ),
        Kind.HELP_STARTED: Letter(
            _("%(authority)s consulte votre espace pour vous aider"),
            (
                _("Une personne de %(authority)s lit l’espace de %(organisation)s pour vous aider. Elle ne peut rien y changer."),
                _("Chaque consultation est inscrite dans votre historique."),
            ),
            _("Voir l’historique"),
            "/workspace/organisations/%(organisation_id)s/history",
        ),
        Kind.ACCOUNT_IDLE: Letter(
            _("Votre compte sera fermé faute de visite"),
            (
                _("Vous ne vous êtes pas connecté depuis onze mois."),
                _("Sans connexion d’ici %(closes_at)s, votre compte sera fermé, puis supprimé un an plus tard."),
            ),
            _("Se connecter"),
            "/sign-in",
        ),
        Kind.MAIL_RECEIVED: Letter(
            _("%(sender)s a écrit : « %(title)s », %(visit_at)s"),
            (
                _("%(sender)s a écrit au sujet de la réservation %(reference)s : « %(title)s », %(visit_at)s."),
                _("Répondez à cette adresse, par un nouveau courriel : une réponse à celui-ci ne lui parviendrait pas."),
            ),
            _("Ouvrir la réservation"),
            "/workspace/bookings/%(reference)s",
        ),
    }
)  # fmt: skip
_ABOUT_NO_BOOKING = Letter(
    _("%(sender)s a écrit à l’adresse des réservations"),
    (
        _("%(sender)s a écrit à l’adresse des réservations. Nous n’avons pas trouvé de quelle visite il s’agit."),
        _("Répondez à cette adresse, par un nouveau courriel : une réponse à celui-ci ne lui parviendrait pas."),
    ),
    _("Voir les courriels reçus"),
    "/operation/mail",
)
"""A mail that came in, as the operator reads of it."""


def render_letter(kind: Kind, facts: Mapping[str, Any], locale: str, settings: Settings) -> Rendered:
    """The words of one letter. Raises `KeyError` where a fact is missing."""
    letter = _ABOUT_NO_BOOKING if kind is Kind.MAIL_RECEIVED and "reference" not in facts else LETTERS[kind]
    said = _said(facts, locale, settings)
    path = letter.path % said
    context = {
        "subject": one_line(translate(locale, letter.subject) % said),
        "says": [translate(locale, sentence) % said for sentence in letter.says],
        "button": translate(locale, letter.button),
        "url": settings.base_url + path if path else "",
        "code": said.get("code", ""),
        "remarks": [line for line in map(one_line, str(facts.get("remarks", "")).splitlines()) if line],
        "answerable": kind is not Kind.MAIL_RECEIVED,  # it says whom to answer: a reply would come back to us
    }
    return write("letter", context, locale)


def _said(facts: Mapping[str, Any], locale: str, settings: Settings) -> dict[str, object]:
    """Facts as they are said, each in one line; what only the key can tell is derived here, and never stored."""
    said: dict[str, object] = {name: one_line(value) if isinstance(value, str) else value for name, value in facts.items()}
    for name, value in facts.items():
        if name.endswith("_at"):
            said[name] = moment(datetime.fromisoformat(value), locale)
    if "nonce" in facts:
        nonce = bytes.fromhex(facts["nonce"])
        code = make_code(settings.secret_key, SIGN_IN, nonce)
        said |= {"code": f"{code[:3]} {code[3:]}", "token": make_token(settings.secret_key, SIGN_IN, nonce)}
    return said
