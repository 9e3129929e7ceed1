"""/version, /healthz, /readyz, /livez (livy.md 1.9, D19, D24)."""

import re
import subprocess

import pytest


@pytest.mark.parametrize("path", ["/version", "/version/", "/livy/version"])
def test_version_is_what_clients_can_parse(shared, path):
    answer = shared.get(path)
    assert answer.status == 200
    assert answer.header("Content-Type") == "application/json;charset=utf-8"
    assert list(answer.body) == ["url", "branch", "revision", "version", "date", "user"]
    assert all(isinstance(value, str) for value in answer.body.values())
    assert answer.body["version"] == "0.9.0-florus"
    assert re.search(r"\d+\.\d+\.\d+", answer.body["revision"])


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez"])
def test_health_is_200(shared, path):
    answer = shared.get(path)
    assert answer.status == 200
    assert shared.request("HEAD", path).status == 200
    assert shared.post(path, {}).status == 405


def test_it_says_which_version_it_is(gateway):
    done = subprocess.run([gateway.command()[0], "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout)


def test_check_and_dump_config(gateways):
    gateway = gateways(florus__kill__grace="7s")
    check = subprocess.run([*gateway.command(), "--check"], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check
    assert not (gateway.state / "url").exists()
    dump = subprocess.run([*gateway.command(), "--dump-config"], capture_output=True, text=True, check=False)
    assert dump.returncode == 0
    assert re.search(r"^florus\.kill\.grace\s*=\s*7s", dump.stdout, re.M), dump.stdout
