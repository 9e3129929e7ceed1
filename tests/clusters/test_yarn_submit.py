"""Jobs that are given to YARN by its own API, and all that may fail on the way: one application in the end, or a reason."""

import io
import signal
import zipfile

import pytest
from false_yarn import APPS, FILES, HOME, NEW, FalseYarn, token
from gateway import until

STAGING = f"{HOME}/.sparkStaging"
LIBRARIES = ("pyspark.zip", "py4j-0.10.9.7-src.zip")


@pytest.fixture
def manager():
    manager = FalseYarn()
    yield manager
    manager.liar.stop()


@pytest.fixture
def florus(gateways, manager, tmp_path):
    florus = gateways()
    libraries = florus.spark_home / "python" / "lib"
    libraries.mkdir(parents=True)
    for name in LIBRARIES:
        (libraries / name).write_text(name)
    florus.options.update(manager.native(tmp_path / "conf"))
    return florus.start()


@pytest.fixture
def secure(florus, manager, tmp_path):
    florus.options.update(manager.secure(tmp_path / "conf"))
    florus.restart()
    return florus


def conf_of(manager, app):
    path = f"{STAGING}/{app}/__spark_conf__.zip"
    return zipfile.ZipFile(io.BytesIO(manager.files[path].encode(errors="surrogateescape")))


def the_only(manager):
    (app,) = manager.apps.values()
    return app["id"]


def finish(florus, manager, batch):
    florus.wait(batch, "running", timeout=60)
    manager.set_all("KILLED")
    assert florus.wait(batch) == "killed"


def test_what_a_job_needs_is_there_before_it_is_submitted(florus, manager):
    batch = florus.submit(args=["it's"], conf={"spark.my.key": "a:b"}, name="ünïcode")
    florus.wait(batch, "running")
    app = the_only(manager)
    assert manager.files[f"{STAGING}/{app}/1-job.py"] == florus.job.read_text()
    conf = conf_of(manager, app)
    assert "spark.my.key=a:b\n" in conf.read("__spark_conf__.properties").decode()
    assert "fs.defaultFS" in conf.read("__spark_hadoop_conf__.xml").decode()
    assert "core-site.xml" in "".join(conf.namelist())
    assert "--primary-py-file 'job.py'" in manager.contexts[app] and "--arg 'it'\\''s'" in manager.contexts[app]
    assert "launcher=native" in florus.log_text() and not florus.ledger.started()
    finish(florus, manager, batch)


def test_its_directory_goes_afterwards_and_what_jobs_share_stays(florus, manager):
    for _ in range(2):
        batch = florus.submit()
        finish(florus, manager, batch)
        manager.set_all("KILLED")
    until(lambda: not [path for path in manager.files if "/application_" in path], 10, "their directories are gone")
    kept = [path for path in manager.files if path.startswith(f"{STAGING}/florus-kept/")]
    assert sorted(path.rsplit("/", 1)[1] for path in kept) == sorted(LIBRARIES)
    brought = {path for method, path in manager.liar.seen if method == "PUT" and "florus-kept" in path and ".application" in path}
    assert len(brought) == 2, "once for both jobs"


@pytest.mark.parametrize("lie", ["lost", "garbage", "cut"])
def test_a_submission_whose_answer_is_lost_is_made_once(florus, manager, lie):
    manager.liar.tell(APPS, lie, 1, "POST")
    finish(florus, manager, florus.submit())
    assert len(manager.apps) == 1 and manager.liar.count(NEW, "POST") == 1


@pytest.mark.parametrize("lie", ["dropped", "error", "away", "page", "standby"])
def test_a_submission_that_got_lost_itself_is_made_again_once(florus, manager, lie):
    manager.liar.tell(APPS, lie, 1, "POST")
    finish(florus, manager, florus.submit())
    assert len(manager.apps) == 1 and manager.liar.count(NEW, "POST") == 2
    until(lambda: not [path for path in manager.files if "/application_" in path], 10, "both directories are gone")


@pytest.mark.parametrize("where", [NEW, FILES])
@pytest.mark.parametrize("lie", ["error", "away", "dropped", "garbage"])
def test_what_is_away_on_the_way_there_is_waited_for(florus, manager, where, lie):
    manager.liar.tell(where, lie)
    batch = florus.submit()
    until(lambda: manager.liar.count(where) > 2, 40, "it is asked again")
    assert florus.state_of(batch) == "starting" and not manager.apps
    manager.liar.stop_lying()
    finish(florus, manager, batch)
    assert len(manager.apps) == 1 and not florus.ledger.started()


@pytest.mark.parametrize("lie", ["error", "standby", "page"])
def test_one_manager_that_gives_no_id_is_passed_over_at_once(manager, florus, lie):
    other = FalseYarn()
    try:
        other.has, other.apps, other.files, other.contexts = False, manager.apps, manager.files, manager.contexts
        florus.restart(florus__cluster__default__rest=f"{manager.liar.url},{other.liar.url}")
        manager.liar.tell(NEW, lie)
        finish(florus, manager, florus.submit())
        assert (manager.liar.count(NEW, "POST"), other.liar.count(NEW, "POST")) == (1, 1)
        assert "gives no answer" not in florus.log_text(), "nothing waited"
    finally:
        other.liar.stop()


def test_a_manager_that_lets_nobody_submit_leaves_it_to_spark_submit(florus, manager):
    manager.liar.tell(NEW, "unauthorized")
    florus.submit()
    until(florus.ledger.started, 20, "spark-submit runs")
    assert "job is in its cluster" not in florus.log_text()


def test_a_file_that_is_not_there_ends_the_job_with_its_name(florus, manager):
    assert florus.wait(florus.submit(files=["hdfs:///absent.txt"])) == "dead"
    gone = florus.files / "gone.py"
    batch = florus.submit(file=str(gone))
    assert florus.wait(batch) == "dead"
    assert "gone.py" in "\n".join(florus.log(batch))
    assert not manager.contexts


@pytest.mark.parametrize("where", [f"{FILES}/", APPS])
def test_a_daemon_that_dies_on_the_way_there_begins_again(florus, manager, where):
    """Its id was on the disk; nothing of it is in the cluster when the daemon comes back."""
    manager.liar.tell(where, "hang", method=None if where != APPS else "POST")
    batch = florus.submit()
    until(lambda: manager.liar.count(where, None if where != APPS else "POST") > (where == APPS), 20, "it is on its way")
    florus.process.send_signal(signal.SIGKILL)
    florus.process.wait()
    manager.liar.stop_lying()
    florus.start()
    finish(florus, manager, batch)
    assert len(manager.apps) == 1 and manager.ids == 2


def test_a_kill_on_the_way_there_submits_nothing(florus, manager):
    manager.liar.tell(FILES, "away")
    batch = florus.submit()
    until(lambda: manager.liar.count(FILES) > 0, 20, "it is on its way")
    assert florus.delete(f"/batches/{batch}").status == 200
    manager.liar.stop_lying()
    until(lambda: florus.get(f"/batches/{batch}").status == 404, 20, "it is gone")
    assert not manager.contexts


def test_where_hdfs_wants_a_token_each_job_has_one_of_its_own(secure, manager):
    for _ in range(2):
        finish(secure, manager, secure.submit())
    assert len(manager.tokens) == 2
    asked = {"renewer": "rm/_HOST@FLORUS.TEST", "kind": "HDFS_DELEGATION_TOKEN", "service": "ha-hdfs:ns"}
    for query, context in zip(manager.tokens, manager.contexts.values(), strict=True):
        assert asked.items() <= query.items()
        value = token("etl", asked["kind"], asked["service"])
        assert f"<tokens><entry><key>ha-hdfs:ns</key><value>{value}</value></entry></tokens>" in context
        assert value not in secure.log_text()


def test_a_gateway_whose_tokens_are_not_hdfs_s_leaves_it_to_spark_submit(secure, manager):
    manager.kind = "HTTPFS_DELEGATION_TOKEN"
    secure.submit()
    until(secure.ledger.started, 20, "spark-submit runs")
    assert manager.tokens and not manager.contexts


def test_where_hive_wants_a_token_only_who_needs_none_is_given_natively(secure, manager, tmp_path):
    (tmp_path / "conf" / "hive-site.xml").write_text("<configuration/>")
    secure.restart()
    finish(secure, manager, secure.submit(conf={"spark.security.credentials.hive.enabled": "false"}))
    assert len(manager.contexts) == 1
    answer = secure.get(f"/batches/{secure.submit()}")
    assert answer.header("Florus-Launcher") == "submit" and "hive-site.xml" in answer.header("Florus-Launcher-Reason")


@pytest.mark.parametrize("where", [NEW, FILES, APPS])
def test_where_no_ticket_is_to_be_had_a_job_waits_for_one(secure, manager, tmp_path, where):
    secure.env.update(KRB5_CONFIG="/dev/null", KRB5CCNAME=f"FILE:{tmp_path}/none")
    secure.restart()
    manager.liar.tell(where, "challenge", method="POST" if where != FILES else None)
    batch = secure.submit()
    until(lambda: "no ticket for" in secure.log_text(), 20, "the log says so")
    assert secure.state_of(batch) == "starting" and not manager.apps
    manager.liar.stop_lying()
    finish(secure, manager, batch)
    assert len(manager.apps) == 1 and not secure.ledger.started()
