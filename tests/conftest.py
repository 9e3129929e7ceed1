"""Fixtures of the suites that start daemons: gateways that are stopped, and their processes counted, at the end."""

import subprocess

import pytest
from gateway import Gateway


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its daemons said."""
    report = yield
    if report.failed:
        for gateway in {id(g): g for g in item.funcargs.values() if isinstance(g, Gateway)}.values():
            report.sections.append((f"florusd of {gateway.root.name}", gateway.log_text()))
    return report


def factory(base):
    """A maker of gateways beneath base, and the list of those made."""
    made = []

    def make(**options):
        """Options with _ for - and __ for dots; env= and spark_home= are the Gateway's own."""
        own = {key: options.pop(key) for key in ("env", "spark_home", "root") if key in options}
        root = own.pop("root", base / f"g{len(made)}")
        gateway = Gateway(root, {key.replace("__", ".").replace("_", "-"): v for key, v in options.items()}, **own)
        made.append(gateway)
        return gateway

    return make, made


def tear_down(made):
    errors = []
    for gateway in made:
        try:
            gateway.tear_down()
        except AssertionError as e:
            errors.append(str(e))
    assert not errors, "\n".join(errors)


@pytest.fixture
def gateways(tmp_path):
    """Makes gateways that are not started yet: gateways(florus__launch__hold="true")."""
    make, made = factory(tmp_path)
    yield make
    tear_down(made)


@pytest.fixture
def gateway(gateways):
    """One gateway, started, for this test alone."""
    return gateways().start()


@pytest.fixture(scope="module")
def module_gateways(tmp_path_factory):
    """The same for gateways that live as long as the module's tests."""
    make, made = factory(tmp_path_factory.mktemp("module"))
    yield make
    tear_down(made)


@pytest.fixture(scope="session")
def session_gateways(tmp_path_factory):
    """The same for gateways that live as long as the worker."""
    make, made = factory(tmp_path_factory.mktemp("session"))
    yield make
    tear_down(made)


@pytest.fixture(scope="module")
def shared(module_gateways):
    """One gateway for the module's tests that only look or do not mind each other."""
    return module_gateways().start()


@pytest.fixture
def mounts(tmp_path):
    """Mounts small file systems (root only): mounts(size, read_only=False) gives the directory."""
    made = []

    def mount(size, read_only=False):
        at = tmp_path / f"mnt{len(made)}"
        at.mkdir()
        options = f"size={size},mode=700" + (",ro" if read_only else "")
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "florus-test", str(at)], check=True)
        made.append(at)
        return at

    yield mount
    for at in made:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@pytest.fixture
def read_only(mounts):
    return mounts("1m", read_only=True)
