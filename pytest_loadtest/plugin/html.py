"""--load-html: the page of all load tests, written anew after each of them.

What is on it is `report.html`'s affair, which is imported when there is something to show.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.plugin.output_file import OutputFile
from pytest_loadtest.results.files import replace_text

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pytest_loadtest.report.html.page import Page
    from pytest_loadtest.results.run import Run

HOW_TO_INSTALL = "pip install 'pytest-loadtest[html]'"


class HtmlPage(OutputFile):
    """The file of --load-html."""

    option = "--load-html"
    what = "page with charts"

    def __init__(self, template: str) -> None:
        super().__init__(template)
        self._page: Page | None = None

    @classmethod
    def check(cls, template: str, source: str) -> None:
        """It also needs what makes pages."""
        super().check(template, source)
        if find_spec("jinja2") is None:
            raise ConfigurationError(f"{source} needs jinja2: {HOW_TO_INSTALL}")

    def write(self, run: Run, path: Path) -> None:
        """As HTML. The page keeps what it has drawn of the earlier load tests."""
        from pytest_loadtest.report.html.page import Page

        if self._page is None:
            self._page = Page()
        replace_text(path, self._page.html(run))


def outputs_of(config: pytest.Config) -> list[HtmlPage]:
    """What the options ask for. Raises ConfigurationError."""
    page = HtmlPage.asked_for(config)
    return [page] if page else []
