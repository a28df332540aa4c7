"""Importing a programme: the file, its report while the worker checks it, the decision, what was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as Answer

from booking import clock, sheets
from booking.actions import import_words
from booking.actions.import_programme import approve_import, counts, send_import
from booking.db import in_transaction
from booking.errors import Invalid, Problem, Refusal
from booking.models import Edition, ImportState, Organisation, ProgrammeImport
from booking.permissions import Act
from booking.queries import authority, programme_imports
from booking.web import history_words
from booking.web.authorise import needs, who
from booking.web.forms.authority import ImportForm
from booking.web.reading import asked_page

bp = Blueprint("authority_imports", __name__)
_LARGEST_FORM = sheets.MOST_BYTES + 64 * 1024
_SECONDS = 3
_BEING_WORKED_ON = frozenset({ImportState.QUEUED, ImportState.APPLYING})
_SAMPLE = {
    "reference": "visite-du-port", "titre": "Visite du port", "organisateur": "Port de Gennevilliers",
    "type": "Visite d’entreprise", "resume": "Grues, conteneurs et péniches.", "publics": "Collégiens, Lycéens",
    "niveaux": "4e, 3e, 2de", "lieu": "Port de Gennevilliers", "adresse": "Route principale du port",
    "code_postal": "92230", "commune": "Gennevilliers", "gratuit": "oui",
    "contact": "visites@port.example", "debut": "24/11/2026 14:30", "fin": "16:00", "places": "31", "adultes_comptes": "non",
}  # fmt: skip


@bp.url_value_preprocessor
def _let_files_in(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """A programme is larger than a form. Said before anything reads the form, the search for its CSRF token included."""
    if endpoint == f"{bp.name}.send":
        request.max_content_length = _LARGEST_FORM


@bp.get("/authority/<int:organisation_id>/imports")
@needs(Act.IMPORT, Organisation)
def listing(organisation: Organisation) -> str:
    """The form for a file, its columns, and the imports before."""
    form = ImportForm(formdata=None)
    current = authority.current_edition(organisation.id)
    form.edition_id.data = str(current.id) if current else ""
    return _listing(organisation, form)[0]


@bp.get("/authority/<int:organisation_id>/imports/template")
@needs(Act.IMPORT, Organisation)
def template(organisation: Organisation) -> Response:
    """An empty file with every column, and one line that shows how they are filled in."""
    rows = [[_SAMPLE.get(column, "") for column in import_words.COLUMNS]]
    answer = Response(sheets.write_csv(import_words.COLUMNS, rows), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="programme.csv"'
    return answer


@bp.post("/authority/<int:organisation_id>/imports")
@needs(Act.IMPORT, Organisation)
def send(organisation: Organisation) -> Answer | tuple[str, int]:
    """Take in a file. The worker checks it; nothing is written yet."""
    form = ImportForm()
    chosen = _chosen(organisation, form.edition_id.data or "")
    file = request.files.get("file")
    try:
        lines = sheets.read_lines(_content(file))
        if chosen is None:
            raise Invalid({"edition_id": Problem("not_a_choice")})
        edition_id, name = chosen.id, (file.filename if file else "") or ""
        made = in_transaction(lambda: send_import(edition_id, name, lines, who(), clock.now()))
    except Invalid as invalid:
        form.show(invalid.fields, g.locale)
        return _listing(organisation, form, 422)
    return redirect(url_for("authority_imports.show", import_id=made.id), 303)


@bp.get("/authority/imports/<int:import_id>")
@needs(Act.IMPORT, ProgrammeImport)
def show(programme: ProgrammeImport) -> Answer:
    """Where it stands, and its report line by line.

    While the worker is at it the page comes again by itself, without any script, unless its reader wants it still (WCAG 2.2.1).
    """
    answer = make_response(_page(programme)[0])
    if programme.state in _BEING_WORKED_ON and "still" not in request.args:
        answer.headers["Refresh"] = str(_SECONDS)
    return answer


@bp.post("/authority/imports/<int:import_id>/approve")
@needs(Act.IMPORT, ProgrammeImport)
def approve(programme: ProgrammeImport) -> Answer | tuple[str, int]:
    """Let the worker write every line, or the good ones."""
    only_good = request.form.get("which") == "good"
    try:
        in_transaction(lambda: approve_import(programme.id, only_good, who(), clock.now()))
    except Refusal as refusal:
        return _page(programme_imports.fresh(programme.id), refusal)
    return redirect(url_for("authority_imports.show", import_id=programme.id), 303)


def _content(file: FileStorage | None) -> bytes:
    if file is None or not file.filename:
        raise Invalid({"file": Problem("required")})
    return file.stream.read(sheets.MOST_BYTES + 1)


def _chosen(organisation: Organisation, given: str) -> Edition | None:
    return next((edition for edition in _open_editions(organisation) if str(edition.id) == given), None)


def _open_editions(organisation: Organisation) -> list[Edition]:
    return [edition for edition, _ in authority.editions(organisation.id) if not edition.is_past]


def _listing(organisation: Organisation, form: ImportForm, status: int = 200) -> tuple[str, int]:
    page = render_template(
        "authority/imports.html",
        organisation=organisation,
        form=form,
        editions={str(edition.id): edition.name for edition in _open_editions(organisation)},
        imports=programme_imports.of_authority(organisation.id),
        columns=import_words.COLUMNS,
        needed=import_words.NEEDED,
        most_lines=sheets.MOST_LINES,
    )
    return page, status


def _problem(said: Mapping[str, Any]) -> Problem:
    """A problem as the report keeps it, to be said in the reader's language."""
    return replace(Problem("required"), code=said["code"], facts=said["facts"])


def _page(programme: ProgrammeImport, refusal: Refusal | None = None) -> tuple[str, int]:
    shown = request.args.get("show", "")
    rows, page, pages = programme_imports.rows_of(programme, shown, asked_page())
    page_ = render_template(
        "authority/import.html",
        organisation=programme.edition.authority,
        programme=programme,
        rows=rows,
        page=page,
        pages=pages,
        shown=shown,
        counts=counts(programme),
        problem=_problem,
        still="still" in request.args,
        running=programme.state in _BEING_WORKED_ON,
        refusal=refusal,
        said=history_words,
    )
    return page_, refusal.status if refusal else 200
