"""POST /batches: what reaches spark-submit (livy.md 1.3, 4.1-4.3)."""

import pytest

AWKWARD = [
    "",
    " ",
    "a b",
    '"quoted"',
    "'",
    "\\",
    "\\n",
    "é",
    "😀",
    "two\nlines",
    "cr\rlf\r\n",
    "\t",
    "*",
    "~",
    "$HOME",
    "$(touch canary)",
    "`touch canary`",
    "; touch canary",
    "| cat",
    "%n%s",
    "${jndi:ldap://x/y}",
    "{{ENV}}",
    "--conf",
    "-c",
    "--master",
    "local",
    "--proxy-user",
    "root",
    "\u2028",
    "x" * 1000,
]


def split(argv):
    """The argv of the fake as (options other than conf, conf pairs, the rest)."""
    options, conf, rest = [], [], list(argv)
    while rest and rest[0].startswith("--"):
        flag, value = rest.pop(0), rest.pop(0)
        if flag == "--conf":
            conf.append(tuple(value.split("=", 1)))
        else:
            options.append((flag, value))
    return options, conf, rest


def launch(gateway, mark, **fields):
    gateway.submit(f"mark={mark}", **fields)
    return split(gateway.argv(mark))


def test_sixteen_fields_reach_spark_submit(shared):
    for name in ("a.jar", "b.jar", "m.py", "n.zip", "x.txt", "y.tgz"):
        (shared.files / name).write_text("")
    at = f"{shared.files}/"
    body = {
        "file": at + "a.jar",
        "proxyUser": "alice",
        "args": ["do:mark=sixteen", "two words"],
        "className": "org.example.Main",
        "jars": [at + "b.jar", "hdfs://nn/c.jar"],
        "pyFiles": [at + "m.py", at + "n.zip"],
        "files": [at + "x.txt#alias"],
        "archives": [at + "y.tgz"],
        "driverMemory": "1g",
        "driverCores": 2,
        "executorMemory": "2g",
        "executorCores": 3,
        "numExecutors": 4,
        "queue": "default",
        "name": "all sixteen",
        "conf": {"spark.eventLog.enabled": "false", "spark.executor.memory": "9g", "spark.jars": at + "a.jar"},
    }
    assert shared.post("/batches", body).status == 201
    options, conf, rest = split(shared.argv("sixteen"))
    files = f"file://{at}"
    assert options == [
        ("--name", "all sixteen"),
        ("--class", "org.example.Main"),
        ("--py-files", f"{files}m.py,{files}n.zip"),
        ("--queue", "default"),
    ]
    assert len(conf) == len(dict(conf)), "no conf key twice"
    assert dict(conf) == {
        "spark.master": "local",
        "spark.eventLog.enabled": "false",
        "spark.jars": f"{files}b.jar,hdfs://nn/c.jar,{files}a.jar",
        "spark.files": f"{files}x.txt#alias",
        "spark.yarn.dist.archives": f"{files}y.tgz",
        "spark.archives": f"{files}y.tgz",
        "spark.driver.memory": "1g",
        "spark.driver.cores": "2",
        "spark.executor.memory": "2g",
        "spark.executor.cores": "3",
        "spark.executor.instances": "4",
    }
    assert rest == [f"{files}a.jar", "do:mark=sixteen", "two words"]


def test_a_bare_job_gets_the_master_and_nothing_else(shared):
    assert launch(shared, "bare") == ([], [("spark.master", "local")], [f"file://{shared.job}", "do:mark=bare"])


def test_the_options_stand_in_livys_order(shared):
    (shared.files / "m.py").write_text("")
    shared.submit(
        "mark=order", name="n", className="C", queue="q", pyFiles=[f"{shared.files}/m.py"], conf={"spark.a": "b"}
    )
    flags = [a for a in shared.argv("order") if a.startswith("--")]
    assert flags[:2] == ["--name", "--class"]
    assert flags[-1] == "--queue"
    assert sorted(flags[2:-1]) == ["--conf", "--conf", "--py-files"]


def test_args_are_delivered_byte_for_byte(shared):
    answer = shared.post("/batches", {"file": str(shared.job), "args": ["do:mark=bytes", *AWKWARD]})
    assert answer.status == 201, answer
    assert split(shared.argv("bytes"))[2][2:] == AWKWARD
    shared.wait(answer.body["id"])
    assert not list(shared.root.rglob("canary"))


def test_conf_values_and_names_are_delivered_byte_for_byte(shared):
    conf = {f"spark.awkward.k{i}": text for i, text in enumerate(AWKWARD)}
    options, got, _ = launch(shared, "confs", conf=conf, name="é 😀 $(touch canary) `x`; 'q' \"p\" %n")
    assert {k: v for k, v in got if k.startswith("spark.awkward.")} == conf
    assert options == [("--name", "é 😀 $(touch canary) `x`; 'q' \"p\" %n")]


def test_args_that_look_like_options_stay_behind_the_file(shared):
    _, conf, rest = launch(shared, "options", conf={})
    shared.post(
        "/batches", {"file": str(shared.job), "args": ["do:mark=behind", "--master", "yarn", "--proxy-user", "root"]}
    )
    options, conf, rest = split(shared.argv("behind"))
    assert options == [] and conf == [("spark.master", "local")]
    assert rest == [f"file://{shared.job}", "do:mark=behind", "--master", "yarn", "--proxy-user", "root"]


def test_scalars_become_text(shared):
    body = (
        f'{{"file":"{shared.job}","args":["do:mark=scalars",5,true,false,2.50,-0,1e3],"driverMemory":512,'
        '"conf":{"spark.i":4,"spark.b":true,"spark.d":1.50,"spark.n":null,"spark.e":""}}'
    )
    assert shared.post("/batches", body).status == 201
    _, conf, rest = split(shared.argv("scalars"))
    assert rest[2:] == ["5", "true", "false", "2.50", "-0", "1e3"]
    assert {k: v for k, v in conf if k != "spark.master"} == {
        "spark.i": "4",
        "spark.b": "true",
        "spark.d": "1.50",
        "spark.n": "null",
        "spark.e": "",
        "spark.driver.memory": "512",
    }


def test_null_means_absent(shared):
    body = dict.fromkeys(
        (
            "proxyUser",
            "className",
            "jars",
            "pyFiles",
            "files",
            "archives",
            "driverMemory",
            "driverCores",
            "executorMemory",
            "executorCores",
            "numExecutors",
            "queue",
            "name",
            "conf",
        )
    )
    assert launch(shared, "nulls", **body)[:2] == ([], [("spark.master", "local")])
    assert shared.post("/batches", {"file": str(shared.job), "args": None}).status == 201


def test_empty_lists_and_empty_strings_in_them_are_nothing(shared):
    _, conf, _ = launch(shared, "empties", jars=[], files=["", ""], pyFiles=[""], archives=[], conf={})
    assert conf == [("spark.master", "local")]


def test_counts_may_be_numeric_strings(shared):
    _, conf, _ = launch(shared, "counts", driverCores="1", executorCores="2", numExecutors="3")
    assert dict(conf) == {
        "spark.master": "local",
        "spark.driver.cores": "1",
        "spark.executor.cores": "2",
        "spark.executor.instances": "3",
    }


def test_fields_beat_conf_and_the_server_beats_both(shared):
    _, conf, _ = launch(
        shared,
        "beats",
        driverMemory="3g",
        driverCores=2,
        conf={"spark.driver.memory": "1g", "spark.driver.cores": "9", "spark.master": "yarn"},
    )
    assert sorted(conf) == [("spark.driver.cores", "2"), ("spark.driver.memory", "3g"), ("spark.master", "local")]


def test_the_deploy_mode_and_the_master_come_from_the_configuration(gateways):
    gateway = gateways(livy__spark__master="spark://nowhere:7077", livy__spark__deploy_mode="client").start()
    _, conf, _ = launch(gateway, "mode")
    assert dict(conf) == {"spark.master": "spark://nowhere:7077", "spark.submit.deployMode": "client"}


def test_remote_paths_pass_unchanged(shared):
    paths = [
        "hdfs://nn:8020/a.jar",
        "s3a://b/c%20d.jar",
        "wasb://c@a.blob.core.windows.net/x.jar",
        "https://github.com/x.jar?raw=true#y.jar",
    ]
    shared.post("/batches", {"file": paths[0], "args": ["do:mark=remote"], "jars": paths})
    _, conf, rest = split(shared.argv("remote"))
    assert rest[0] == paths[0]
    assert dict(conf)["spark.jars"] == ",".join(paths)


def test_livy_keys_in_conf_are_accepted_and_dropped(shared):
    _, conf, _ = launch(shared, "livykeys", conf={"livy.uri": "http://u:p@h/", "livy.client.x": "1", "spark.x": "y"})
    assert sorted(conf) == [("spark.master", "local"), ("spark.x", "y")]


def test_the_proxy_user_is_ignored_without_impersonation(shared):
    answer = shared.post("/batches?doAs=bob", shared.body("mark=proxy", proxyUser="alice"))
    assert (answer.status, answer.body["proxyUser"]) == (201, None)
    assert "--proxy-user" not in shared.argv("proxy")


def test_ids_count_up_from_zero(gateway):
    assert [gateway.submit() for _ in range(5)] == [0, 1, 2, 3, 4]


def test_jobs_get_listed_variables_only(gateways):
    gateway = gateways(env={"AWS_SECRET_ACCESS_KEY": "hidden", "FLORUS_X": "1", "LANG": "C.UTF-8"}).start()
    gateway.submit("mark=env")
    gateway.argv("env")
    env = dict(part.decode().split("=", 1) for part in gateway.record("env", "env").split(b"\0") if part)
    assert "PATH" in env and env["LANG"] == "C.UTF-8"
    assert "AWS_SECRET_ACCESS_KEY" not in env and not [key for key in env if key.startswith("FLORUS_X")]


def test_the_list_of_passed_variables_is_configuration(gateways):
    gateway = gateways(florus__job__env_pass="PATH,MINE", env={"MINE": "a b=c", "LANG": "C.UTF-8"}).start()
    gateway.submit("mark=pass")
    gateway.argv("pass")
    env = dict(part.decode().split("=", 1) for part in gateway.record("pass", "env").split(b"\0") if part)
    assert env["MINE"] == "a b=c" and "LANG" not in env


def test_a_job_reads_no_stdin_and_inherits_nothing_of_the_servers(shared):
    _, state, lines = shared.run("mark=inherit", "stdin")
    assert (state, lines) == ("success", ["stdin has 0 bytes"])
    targets = [
        line.split(" -> ")[1] for line in shared.record("inherit", "fds").decode().splitlines() if " -> " in line
    ]
    foreign = [t for t in targets if t.startswith(("socket:", "anon_inode:", "pipe:", "/memfd:")) or "florus.db" in t]
    assert not foreign, targets
    assert "/dev/null" in targets


def test_a_file_of_the_job_may_be_given_with_a_file_scheme(shared):
    shared.post("/batches", {"file": f"file://{shared.job}", "args": ["do:mark=scheme"]})
    assert split(shared.argv("scheme"))[2][0] == f"file://{shared.job}"


@pytest.mark.parametrize("args", [["x" * 100] * 8000, ["x"] * 100_000], ids=["long", "many"])
def test_big_argument_lists_run_or_are_refused_at_once(shared, args):
    answer = shared.post("/batches", {"file": str(shared.job), "args": args})
    assert answer.status in (201, 400), answer
    if answer.status == 201:
        assert shared.wait(answer.body["id"]) == "success"
