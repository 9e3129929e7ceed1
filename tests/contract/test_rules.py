"""Every rule of the tables, on every mount it is for."""

import pytest
from rules import HERE, all_rules, read_rules
from runner import play
from setups import SETUPS

CASES = [(rule, mount) for rule in all_rules() for mount in rule.mounts]


def total_of(gateway, rule):
    """How many batches it knows, asked as the rule's set-up wants to be asked."""
    base = gateway.options.get("florus.http.base-path", "")
    headers = {"Authorization": "Basic YWxpY2U6c2VjcmV0"} if rule.setup == "password" else {}
    return lambda: gateway.get(f"{base}/batches", headers=headers).body["total"]


@pytest.mark.parametrize("rule, mount", CASES, ids=[f"{rule.id} [{mount or '/'}]" for rule, mount in CASES])
def test_rule(gateway_for, rule, mount):
    gateway = gateway_for(rule.setup)
    play(rule, mount, gateway, total_of(gateway, rule))


def test_no_refusal_burns_an_id_or_starts_anything(session_gateways):
    gateway = SETUPS["plain"](session_gateways)
    refusals = read_rules(HERE / "refusals.rules")
    for rule in refusals:
        play(rule, "", gateway, total_of(gateway, rule))
    assert len(refusals) > 50
    assert gateway.submit("mark=only") == 0
    gateway.wait(0)
    assert gateway.ledger.started() == ["only"]
    gateway.restart()
    assert gateway.get("/batches").body["total"] == 1
