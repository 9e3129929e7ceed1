"""A standalone master that fails in every way: no state is invented, nothing runs twice, nothing is lost."""

from pathlib import Path

import pytest
from false_master import FalseMaster
from gateway import until
from liar import Lies

CREATE, LIST, KILL = "/v1/submissions/create", "/json/", "/v1/submissions/kill/"


@pytest.fixture
def masters():
    made = []

    def make():
        made.append(FalseMaster())
        return made[-1]

    yield make
    for master in made:
        master.liar.stop()


@pytest.fixture
def master(masters):
    return masters()


@pytest.fixture
def florus(gateways, master):
    florus = gateways()
    florus.options.update(master.options())
    return florus.start()


def wait_polled(master, more=3):
    """So many more lists were asked for."""
    before = master.liar.count(LIST)
    until(lambda: master.liar.count(LIST) >= before + more, 30, "more lists")


def test_a_job_runs_to_its_end(florus, master):
    batch = florus.submit()
    florus.wait(batch, "running")
    master.set_all("FINISHED")
    assert florus.wait(batch) == "success"
    assert "Launch Command" in "\n".join(florus.log(batch))


def test_clients_see_who_gave_a_job_to_its_cluster_and_why(florus, master):
    made = florus.post("/batches", florus.body())
    told = {name: made.header(name) for name in ("Florus-Cluster", "Florus-Launcher", "Florus-Launcher-Reason")}
    assert told == {"Florus-Cluster": "default", "Florus-Launcher": "native", "Florus-Launcher-Reason": None}
    made = florus.post("/batches", florus.body(conf={"florus.launcher": "submit"}))
    for answer in (made, florus.get(f"/batches/{made.body['id']}")):
        assert answer.header("Florus-Launcher") == "submit"
        assert answer.header("Florus-Launcher-Reason") == "florus.launcher is submit"
    assert list(made.body) == list(florus.get("/batches").body["sessions"][0])


@pytest.mark.parametrize("lie", ["lost", "garbage", "cut"])
def test_a_create_whose_answer_is_lost_is_made_once(florus, master, lie):
    master.liar.tell(CREATE, lie, 1)
    batch = florus.submit()
    florus.wait(batch, "running")
    master.set_all("FINISHED")
    assert florus.wait(batch) == "success"
    assert len(master.drivers) == 1 and master.liar.count(CREATE) == 1


def test_a_create_that_got_lost_itself_is_made_again_once(florus, master):
    master.liar.tell(CREATE, "dropped", 1)
    batch = florus.submit()
    florus.wait(batch, "running", timeout=40)
    assert len(master.drivers) == 1 and master.liar.count(CREATE) == 2


@pytest.mark.parametrize("start", [True, False])
def test_a_driver_that_cannot_be_known_by_its_log_yet_is_not_taken_for_another(florus, master, start):
    """Its create went unanswered, and a worker has or has not begun with it: asked again, never made again."""
    master.start, master.logged = start, False
    master.liar.tell(CREATE, "lost", 1)
    batch = florus.submit()
    until(lambda: master.liar.count("/log/") >= 5 or master.liar.count(CREATE) > 1, 40)
    assert florus.state_of(batch) == "starting"
    master.logged = True
    master.set_all("RUNNING")
    florus.wait(batch, "running", timeout=40)
    assert len(master.drivers) == 1 and master.liar.count(CREATE) == 1


def test_drivers_of_others_without_a_log_hold_nothing_up_once_they_are_over(florus, master):
    master.drivers["driver-of-another"] = {"state": "ERROR", "log": ""}
    master.liar.tell(CREATE, "dropped", 1)
    batch = florus.submit()
    florus.wait(batch, "running", timeout=40)
    assert len(master.drivers) == 2


@pytest.mark.parametrize("lie", ["error", "away", "unauthorized", "dropped", "garbage", "cut"])
def test_a_list_that_fails_changes_no_state(florus, master, lie):
    batch = florus.submit()
    florus.wait(batch, "running")
    master.liar.tell(LIST, lie)
    wait_polled(master)
    assert florus.state_of(batch) == "running"
    master.liar.stop_lying()
    master.set_all("FINISHED")
    assert florus.wait(batch, timeout=40) == "success"


@pytest.mark.parametrize("lie", ["hang", "slow"])
def test_a_list_that_never_ends_holds_nothing_up(florus, master, lie):
    batch = florus.submit()
    florus.wait(batch, "running")
    master.liar.tell(LIST, lie, 1)
    wait_polled(master, 2)
    assert florus.state_of(batch) == "running"
    master.set_all("FINISHED")
    assert florus.wait(batch, timeout=40) == "success"


def test_lists_that_fail_now_and_then_change_nothing(florus, master):
    batch = florus.submit()
    florus.wait(batch, "running")
    for _ in range(4):
        master.liar.tell(LIST, "error", 1)
        wait_polled(master, 2)
        assert florus.state_of(batch) == "running"
    master.set_all("FAILED")
    assert florus.wait(batch, timeout=40) == "dead"


def test_a_driver_missing_in_lists_is_asked_for_itself(florus, master):
    """The list is stale or the master keeps fewer than it had; the driver's own status still knows."""
    batch = florus.submit()
    florus.wait(batch, "running")
    master.listed = False
    until(lambda: master.liar.count("/v1/submissions/status/") > 0, 30)
    assert florus.state_of(batch) == "running"
    master.set_all("FINISHED")
    assert florus.wait(batch, timeout=40) == "success"


def test_a_driver_that_the_master_has_forgotten_is_dead_not_success(florus, master):
    batch = florus.submit()
    florus.wait(batch, "running")
    master.drivers.clear()
    assert florus.wait(batch, timeout=60) == "dead"
    assert "forgotten" in "\n".join(florus.log(batch))


def test_a_kill_is_repeated_until_the_end_is_seen(florus, master):
    batch = florus.submit()
    florus.wait(batch, "running")
    master.liar.tell(KILL, "error", 1)
    assert florus.delete(f"/batches/{batch}").status == 200
    until(lambda: next(iter(master.drivers.values()))["state"] == "KILLED", 30)
    assert master.liar.count(KILL) == 2


@pytest.mark.parametrize("lie", ["error", "dropped"])
def test_a_kill_that_a_dead_master_got_goes_to_the_next_one_at_once(gateways, masters, lie):
    first, second = masters(), masters()
    second.drivers = first.drivers
    florus = gateways()
    florus.options.update(first.options(second))
    florus.start()
    batch = florus.submit()
    florus.wait(batch, "running")
    first.liar.tell("/", lie)
    assert florus.delete(f"/batches/{batch}").status == 200
    (driver,) = first.drivers.values()
    until(lambda: driver["state"] == "KILLED", 1.5, "the second master is told before the kill is due again")


def test_jobs_wait_while_all_masters_are_standby(florus, master):
    master.state = "STANDBY"
    batch = florus.submit()
    until(lambda: master.liar.count(CREATE) >= 2, 30)
    assert florus.state_of(batch) == "starting" and not master.drivers
    master.state = "ALIVE"
    florus.wait(batch, "running", timeout=40)
    assert len(master.drivers) == 1


def test_the_active_master_is_found_among_others(gateways, masters):
    standby, active = masters(), masters()
    standby.state = "STANDBY"
    florus = gateways()
    florus.options.update(standby.options(active))
    florus.start()
    batch = florus.submit()
    florus.wait(batch, "running", timeout=40)
    assert len(active.drivers) == 1 and not standby.drivers
    active.set_all("FINISHED")
    assert florus.wait(batch) == "success"


def test_one_list_asks_for_all_jobs(florus, master):
    batches = [florus.submit() for _ in range(20)]
    for batch in batches:
        florus.wait(batch, "running")
    assert master.liar.count("/v1/submissions/status/") == 0
    master.set_all("FINISHED")
    assert {florus.wait(batch) for batch in batches} == {"success"}


def test_the_defaults_are_those_that_spark_submit_would_read(gateways, master):
    florus = gateways()
    for conf, value in ((florus.spark_home / "conf", "of its home"), (florus.root / "conf", "of the variable")):
        conf.mkdir()
        (conf / "spark-defaults.conf").write_text(f"spark.whose {value}")
    florus.env["SPARK_CONF_DIR"] = str(florus.root / "conf")
    florus.options.update(master.options())
    florus.start()
    florus.wait(florus.submit(), "running")
    (driver,) = master.drivers.values()
    assert driver["request"]["sparkProperties"]["spark.whose"] == "of the variable"


def test_every_lie_is_told():
    told = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*_*.py"))
    assert all(f'"{lie}"' in told for lie in vars(Lies) if not lie.startswith("_"))


def test_a_crowd_goes_in_turn(florus, master):
    """All were posted while the master took none: as many as may be on their way go first, the others follow."""
    florus.restart(**{"florus.cluster.default.submissions-max": 2})
    with master.liar.lock:
        crowd = [florus.submit() for _ in range(9)]
    for batch in crowd:
        florus.wait(batch, "running")
    assert len(master.drivers) == len(crowd)


def test_no_more_are_on_their_way_than_may_be(florus, master):
    florus.restart(**{"florus.cluster.default.submissions-max": 2})
    master.liar.tell(CREATE, "hang")
    for _ in range(6):
        florus.submit()
    until(lambda: master.liar.count(CREATE) >= 2)
    wait_polled(master)
    assert master.liar.count(CREATE) == 2
