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


HEAD, TAIL, YARN = "stdout: ", "\nstderr: ", "\nYARN Diagnostics: "


def wait_log(florus, batch, array):
    until(lambda: florus.log(batch) == array, 20, f"the log is {array}")


def test_what_yarn_says_is_a_section_of_the_log(florus, manager):
    batch = florus.submit()
    florus.wait(batch, "running")
    wait_log(florus, batch, [HEAD, TAIL, YARN])
    manager.set_all("ACCEPTED", "waiting\nfor room")
    wait_log(florus, batch, [HEAD, TAIL, YARN, "waiting", "for room"])
    manager.set_all("RUNNING", "")
    wait_log(florus, batch, [HEAD, TAIL, YARN])
    manager.set_all("FAILED", "".join(f"at line {i}\n" for i in range(40)) + "\n")
    assert florus.wait(batch, timeout=40) == "dead"
    array = [HEAD, TAIL, YARN, *(f"at line {i}" for i in range(40))]
    for _ in range(2):
        assert florus.log(batch) == array
        assert florus.get(f"/batches/{batch}").body["log"] == array[-10:]
        page = florus.get(f"/batches/{batch}/log?from=1&size=3").body
        assert page == {"id": batch, "from": 1, "total": len(array), "log": array[1:4]}
        florus.restart()
    florus.stop()
    florus.options["livy.spark.master"] = "local"
    del florus.options["livy.spark.deploy-mode"]
    for key in [key for key in florus.options if key.startswith("florus.cluster.")]:
        del florus.options[key]
    florus.start()
    assert florus.log(batch) == [HEAD, TAIL, *array[3:]]  # nobody knows any more whose words these are


def test_a_failed_submission_has_its_reason_in_the_section(florus, manager):
    manager.has = False
    batch = florus.submit("echo=hello", "exit=7")
    assert florus.wait(batch, timeout=40) == "dead"
    assert florus.log(batch) == [HEAD, "hello", TAIL, YARN, "spark-submit ended with status 7"]


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


def test_a_submitter_that_failed_while_its_cluster_is_away_ends_the_job_in_a_while(florus, manager):
    manager.liar.tell("/", "away")
    batch = florus.submit("exit=7")
    until(lambda: manager.liar.count(APPS) > 3, 30, "it is looked for")
    assert florus.state_of(batch) == "starting"
    assert florus.wait(batch, timeout=90) == "dead"
    reason = "\n".join(florus.log(batch))
    assert "status 7" in reason and "does not say" in reason and "tag florus-" in reason
    assert florus.ledger.lines()[0][0] == "start" and len(florus.ledger.started()) == 1


@pytest.mark.parametrize("has", [True, False])
def test_a_cluster_that_is_back_in_time_says_what_became_of_a_failed_submission(florus, manager, has):
    manager.liar.tell("/", "away")
    batch = florus.submit("exit=7")
    until(lambda: manager.liar.count(APPS) > 3, 30, "it is looked for")
    manager.has = has
    manager.liar.stop_lying()
    if has:
        florus.wait(batch, "running", timeout=60)
    else:
        assert florus.wait(batch, timeout=60) == "dead"
        assert "status 7" in "\n".join(florus.log(batch))


def test_a_job_that_is_deleted_is_looked_for_as_long_as_its_cluster_is_away(florus, manager):
    manager.liar.tell("/", "away")
    batch = florus.submit("exit=7")
    until(lambda: manager.liar.count(APPS) > 3, 30, "it is looked for")
    assert florus.delete(f"/batches/{batch}").status == 200
    asked_for = manager.liar.count(APPS)
    until(lambda: manager.liar.count(APPS) > asked_for + 3, 90, "it is still looked for")
    manager.liar.stop_lying()
    until(lambda: [app for app in manager.apps.values() if app["state"] == "KILLED"], 60, "it is killed")
