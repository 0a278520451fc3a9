"""Tests in a browser run wherever there is one; where there is none, the last lines of a run say so."""

import pytest
from browser import Browser, find_browser

_LEFT_OUT = pytest.StashKey[int]()


def pytest_collection_modifyitems(config, items):
    left_out = [] if find_browser() else [item for item in items if item.get_closest_marker("browser")]
    config.stash[_LEFT_OUT] = len(left_out)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter, config):
    if left_out := config.stash.get(_LEFT_OUT, 0):
        terminalreporter.write_line(
            f"{left_out} tests of pages were not run: they need Chromium or Chrome (CHROME names one)", yellow=True
        )


@pytest.fixture(scope="session")
def running_browser():
    with Browser() as running:
        yield running


@pytest.fixture
def browser(running_browser):
    """A browser without pages of other tests."""
    yield running_browser
    running_browser.close_pages()
