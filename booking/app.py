"""The application: settings, database, doors."""

from __future__ import annotations

import sys
from datetime import timedelta

from flask import Flask
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from booking import models  # noqa: F401 - the tables must be known before the first query
from booking.config import ROOT, Settings, WrongSettings, read_settings
from booking.db import db, engine_options, only_read
from booking.logs import configure_logs

MAX_BODY = 256 * 1024
PROVEN_FOR = timedelta(hours=12)


def create_app(settings: Settings | None = None) -> Flask:
    """The application for these settings, or for the environment's. Wrong settings end the process with a sentence each."""
    if settings is None:
        try:
            settings = read_settings()
        except WrongSettings as wrong:
            sys.exit("Coulisses cannot start:\n" + "\n".join(f"- {sentence}" for sentence in wrong.sentences))
    configure_logs()
    app = Flask(__name__, template_folder=str(ROOT / "templates"))
    _configure(app, settings)
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True, compare_type=True)
    app.before_request(lambda: only_read(True))
    app.teardown_request(lambda _error: only_read(False))
    _open_doors(app)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        MAX_CONTENT_LENGTH=MAX_BODY,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),  # our own files carry a fingerprint in their address
        MAX_FORM_PARTS=200,
        SESSION_COOKIE_NAME="__Host-session" if settings.secure else "session",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=PROVEN_FOR,
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_TIME_LIMIT=12 * 3600,
        WTF_CSRF_SSL_STRICT=False,
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n)  # type: ignore[method-assign]  # the way Flask wants it


def _open_doors(app: Flask) -> None:
    """Each door is a package with one function that opens it."""
    from booking import api, cli, web
    from booking.web.security import csrf

    web.init_app(app)
    csrf.exempt(api.bp)  # programs carry a token of their own and no cookie
    api.init_app(app)
    cli.init_app(app)
