"""Every page of the workspaces, as axe, a narrow phone and the browser's own console see it."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import House, Visit
from tests.browser.test_pages import WAYS, opened, too_wide, violations


@pytest.mark.parametrize("way", WAYS)
def test_axe_finds_nothing_in_the_workspaces_and_nothing_scrolls_sideways(visit: Visit, house: House, way: str) -> None:
    visitor = visit(**WAYS[way])
    page, wrong = visitor.page, []
    page.add_init_script(Axe().axe_script)
    for name in house.workspaces:
        assert opened(page, house.enter(page, name)) == 200, name
        wrong += [f"{name}: {violation}" for violation in violations(page)]
        wrong += [f"{name}: {excess} px too wide at {width}" for width, excess in too_wide(page).items()]
    assert not wrong, "\n".join(wrong)
