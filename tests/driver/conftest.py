"""Session drivers under a real Spark: SPARK_HOME says which (tools/with-spark)."""

import pytest
from standin import Driver


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """One driver for many statements: they see each other's variables, as a user's do."""
    driver = Driver(tmp_path_factory.mktemp("driver"))
    try:
        driver.wait_idle()
        yield driver
    finally:
        driver.stop()


@pytest.fixture
def own_driver(tmp_path):
    """A driver for a test that breaks it. Call it with Spark configuration."""
    made = []

    def make(**more):
        made.append(Driver(tmp_path, **more))
        return made[-1]

    yield make
    for driver in made:
        driver.stop()
