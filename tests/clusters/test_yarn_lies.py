"""A resource manager that says what no real one says on demand. Jobs are given to it by a false spark-submit."""

import pytest
from false_yarn import ALL, APPS, FalseYarn
from gateway import until


@pytest.fixture
def managers():
    made = []

    def make():
        made.append(FalseYarn())
        return made[-1]

    yield make
    for manager in made:
        manager.liar.stop()


@pytest.fixture
def manager(managers):
    return managers()


@pytest.fixture
def florus(gateways, manager):
    florus = gateways()
    florus.options.update(manager.options())
    return florus.start()


@pytest.mark.parametrize("which", ["all", "one", "none"])
def test_a_list_leaves_out_as_much_as_the_manager_can(florus, manager, which):
    manager.knows = {"all": ALL, "one": ALL[:1], "none": []}[which]
    batch = florus.submit()
    florus.wait(batch, "running")
    before = len(manager.left_out)
    until(lambda: len(manager.left_out) > before + 3, 20, "more lists")
    asked = {"all": [ALL], "one": [ALL, ALL[:1]], "none": [ALL, ALL[:1], []]}
    assert list(dict.fromkeys(manager.left_out)) == [",".join(words) or None for words in asked[which]]
    assert len(manager.left_out) - manager.left_out.count(",".join(manager.knows) or None) == len(asked[which]) - 1
    manager.set_all("KILLED")
    assert florus.wait(batch) == "killed"


def test_a_kill_that_a_dead_manager_got_goes_to_the_next_one_at_once(gateways, managers):
    first, second = managers(), managers()
    second.apps = first.apps
    florus = gateways()
    florus.options.update(first.options(second))
    florus.start()
    batch = florus.submit()
    florus.wait(batch, "running")
    first.liar.tell(APPS + "/", "error")
    assert florus.delete(f"/batches/{batch}").status == 200
    (app,) = first.apps.values()
    until(lambda: app["state"] == "KILLED", 1.5, "the second manager is told before the kill is due again")
    assert (first.liar.count(APPS, "PUT"), second.liar.count(APPS, "PUT")) == (1, 1)
