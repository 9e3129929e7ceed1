"""The set-ups, for the tables."""

import pytest
from setups import SETUPS


@pytest.fixture(scope="session")
def gateway_for(session_gateways):
    made = {}

    def find(name):
        if name not in made:
            made[name] = SETUPS[name](session_gateways)
        return made[name]

    return find
