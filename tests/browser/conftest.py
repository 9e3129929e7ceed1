"""Fixtures of the browser suite: one chromedriver for all, a browser and gateways for each test."""

import pytest
from gateway import Gateway
from webdriver import Browser, Driver


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    driver = Driver(tmp_path_factory.mktemp("driver"))
    yield driver
    driver.stop()


@pytest.fixture
def browser(driver, tmp_path):
    browser = Browser(driver, tmp_path / "profile")
    yield browser
    browser.close()


@pytest.fixture
def gateways(tmp_path):
    """Makes gateways that are not started yet: gateways(florus__launch__hold="true")."""
    made = []

    def make(**options):
        options = {key.replace("__", ".").replace("_", "-"): value for key, value in options.items()}
        made.append(Gateway(tmp_path / f"g{len(made)}", options))
        return made[-1]

    yield make
    for gateway in made:
        gateway.tear_down()


@pytest.fixture
def gateway(gateways):
    return gateways().start()


@pytest.fixture
def url(gateway):
    return f"http://{gateway.host}:{gateway.port}"
