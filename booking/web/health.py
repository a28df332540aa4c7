"""Signs of life for whoever watches the service: alive, and ready. Neither touches the session or sets a cookie."""

from __future__ import annotations

from flask import Blueprint, Response, current_app
from sqlalchemy.exc import SQLAlchemyError

from booking.db import db
from booking.queries import schema

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> Response:
    """Alive: this process answers. Asks nothing of the database."""
    return _answer("ok")


@bp.get("/readyz")
def readyz() -> Response:
    """Ready: the database answers and has every migration. Otherwise 503 with the reason."""
    try:
        applied, newest = schema.applied_migration(), schema.newest_migration()
    except SQLAlchemyError as error:
        current_app.logger.error("the database does not answer: %s", type(error).__name__)
        return _answer("the database does not answer", 503)
    finally:
        db.session.rollback()
    if applied != newest:
        return _answer(f"the database is at migration {applied or 'none'}, this code needs {newest}: run db upgrade", 503)
    return _answer("ready")


def _answer(text: str, status: int = 200) -> Response:
    return Response(f"{text}\n", status, {"Cache-Control": "no-store"}, mimetype="text/plain")
