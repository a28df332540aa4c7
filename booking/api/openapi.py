"""The description of the API, which a test holds against the routes and against real answers."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from werkzeug.wrappers import Response

from booking.api.door import PREFIX, bp, public_answer
from booking.app_settings import settings

_DESCRIPTION = Path(__file__).with_name("openapi.yaml")


@bp.get("/openapi.json")
def show_description() -> Response:
    """This API as OpenAPI 3.1."""
    return public_answer(description(settings().base_url))


@lru_cache(maxsize=4)
def description(base_url: str) -> dict[str, Any]:
    """The OpenAPI document of an installation that visitors reach at `base_url`."""
    described: dict[str, Any] = yaml.safe_load(_DESCRIPTION.read_text(encoding="utf-8"))
    return described | {"servers": [{"url": f"{base_url}{PREFIX}"}]}
