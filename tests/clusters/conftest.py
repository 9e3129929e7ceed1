"""Real clusters, each with a fixture of its own beside its tests. What is missing is a failure, not a reason to skip."""

import shutil

import pytest
from parts import Part


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the parts of its cluster said."""
    report = yield
    if report.failed:
        for used in item.funcargs.values():
            for part in getattr(used, "parts", ()):
                if isinstance(part, Part):
                    report.sections.append((f"{part.name}, a part of the cluster", part.text()))
    return report


@pytest.fixture(scope="session", autouse=True)
def java():
    assert shutil.which("java"), "no Java on PATH: run tools/setup clusters"
