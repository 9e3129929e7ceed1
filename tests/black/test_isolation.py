"""Whom jobs run as, and that one who means harm gets nowhere: neither at the server nor at another user's job."""

import ctypes
import json
import os
import pwd
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from conftest import factory, tear_down
from gateway import BIN_DIR, FAKES, REPO, alive, until

HOSTILE = Path(__file__).with_name("hostile.py")
REFUSED = {"EACCES", "EPERM"}
# Users that every Debian has. Their uids are below what jobs may have by default, but for nobody's.
ALICE, BOB, MARVIN = "nobody", "daemon", "bin"
AS_ALICE, AS_BOB = {"X-User": ALICE}, {"X-User": BOB}


def test_only_root_can_give_jobs_another_user(request):
    """Whoever runs these tests: florusd is not root here."""
    if os.geteuid() == 0:
        gateway = request.getfixturevalue("as_nobody")(florus__launch__run_as=MARVIN, start=False)
    else:
        gateway = request.getfixturevalue("gateways")(florus__launch__run_as=MARVIN)
    status, lines = gateway.refusal()
    assert status == 78 and "needs root" in lines[-1], lines


@pytest.fixture(scope="module")
def public():
    """A directory that other users reach, unlike those that pytest makes."""
    path = Path(tempfile.mkdtemp(prefix="florus-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def isolated(public):
    """Makes gateways whose jobs are Python programs of other users."""
    make, made = factory(Path(tempfile.mkdtemp(dir=public)))

    def prepare(start=True, **options):
        gateway = make(
            **{
                "livy__server__auth__type": "proxy",
                "florus__auth__proxy_header": "X-User",
                "florus__auth__proxy_peers": "127.0.0.1",
                "florus__launch__min_uid": 1,
                **options,
            }
        )
        for path in (gateway.root.parent, gateway.root, gateway.files):
            path.chmod(0o755)
        shutil.copy(FAKES / "spark-submit-python", gateway.spark_home / "bin" / "spark-submit")
        shutil.copy(HOSTILE, gateway.job)
        return gateway.start() if start else gateway

    yield prepare
    tear_down(made)


def submit(gateway, headers, *args, **fields):
    answer = gateway.post("/batches", {"file": str(gateway.job), "args": list(args), **fields}, headers=headers)
    assert answer.status == 201, answer
    return answer.body["id"]


def text_of(gateway, batch, headers):
    until(
        lambda: gateway.get(f"/batches/{batch}/state", headers=headers).body["state"] in ("success", "dead"),
        30,
        "the job ends",
    )
    return gateway.get(f"/batches/{batch}/log?size=-1", headers=headers).body["log"]


def hostile(gateway, headers, targets, **fields):
    """What the hostile job found."""
    log = text_of(gateway, submit(gateway, headers, json.dumps(targets), **fields), headers)
    line = next((line for line in log if line.startswith("HOSTILE ")), None)
    assert line, log
    return json.loads(line[len("HOSTILE ") :])


def pids_of(gateway):
    """florusd, its launcher, and the shim of the job that asks."""
    florusd = gateway.process.pid
    launcher = Path(f"/proc/{florusd}/task/{florusd}/children").read_text().split()[0]
    return {"florusd": florusd, "launcher": int(launcher), "shim": "parent"}


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another user's job needs root; without, the refusal is tested")


@needs_root
def test_a_hostile_job_reaches_neither_the_server_nor_another_users_job(isolated):
    gateway = isolated(florus__launch__run_as="owner")
    users = gateway.root / "users"
    users.write_text("x:y\n")
    users.chmod(0o640)
    other = submit(gateway, AS_BOB, "{}")
    text_of(gateway, other, AS_BOB)
    waiting = gateway.files / "waits.py"
    waiting.write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n")
    living = submit(gateway, AS_BOB, file=str(waiting))
    until(lambda: len(gateway.get(f"/batches/{living}/log", headers=AS_BOB).body["log"]) > 2, 10, "bob's job runs")
    bobs_pid = int(gateway.get(f"/batches/{living}/log", headers=AS_BOB).body["log"][1])
    run = gateway.state / "run"
    others = [next(run.glob(f"{batch}.*")) for batch in (other, living)]
    files = [path for other_dir in others for path in (other_dir, *other_dir.rglob("*"))]
    assert {"log", "exit", "shim", "work", "mine"} <= {path.name for path in files}
    targets = {
        "read": [str(p) for p in [*gateway.state.glob("florus.db*"), gateway.state / "lock", users, *files] if p.is_file()],
        "write": [str(p) for p in [*gateway.state.glob("florus.db*"), *files] if p.is_file()],
        "list": [str(p) for p in [gateway.state, run, *files] if p.is_dir()],
        "make": [str(p / "planted") for p in [gateway.state, run, *others]] + ["../planted"],
        "processes": {**pids_of(gateway), "bob's": bobs_pid, "bob's shim": parent_of(bobs_pid)},
    }
    assert len(targets["read"]) > 12 and len(targets["processes"]) == 5
    found = hostile(gateway, AS_ALICE, targets)
    wrong = {what: how for what, how in found["tried"].items() if how not in REFUSED}
    assert not wrong and len(found["tried"]) > 50
    assert alive(bobs_pid) and gateway.get("/batches", headers=AS_BOB).status == 200
    assert gateway.delete(f"/batches/{living}", headers=AS_BOB).status == 200


@needs_root
def test_a_job_is_its_owner_in_every_respect_and_has_what_it_needs(isolated):
    gateway = isolated(florus__launch__run_as="owner")
    for name in (ALICE, BOB):
        account = pwd.getpwnam(name)
        found = hostile(gateway, {"X-User": name}, {})
        assert found["uids"] == [str(account.pw_uid)] * 4 and found["gids"] == [str(account.pw_gid)] * 4
        assert sorted(map(int, found["groups"])) == sorted(os.getgrouplist(name, account.pw_gid))
        assert set(found["caps"]) == {"0" * 16} and found["no_new_privs"] == ["1"] and found["root_again"] == "EPERM"
        env = found["env"]
        assert (env["HOME"], env["USER"], env["LOGNAME"]) == (account.pw_dir, name, name)
        assert found["cwd_writable"] == "done" and found["stderr_again"] == "done"
        work = Path(found["cwd"])
        assert work.name == "work" and work.parents[1] == gateway.state / "run"
        assert (work.stat().st_uid, work.stat().st_mode & 0o777) == (account.pw_uid, 0o700)
        assert (work.parent.stat().st_uid, work.parent.stat().st_mode & 0o777) == (0, 0o711)
        assert set(found["descriptors"]) == {"200"} and found["descriptors"]["200"].endswith("/tree.lock")
    batch = gateway.get("/batches", headers=AS_ALICE).body["sessions"][0]["id"]
    assert gateway.delete(f"/batches/{batch}", headers=AS_ALICE).status == 200
    until(lambda: not list((gateway.state / "run").glob(f"{batch}.*")), 10, "its directory goes, the job's files with it")


@needs_root
def test_defaults_that_the_user_may_not_read_do_not_reach_him_through_us(isolated):
    gateway = isolated(florus__launch__run_as="owner")
    conf = gateway.spark_home / "conf"
    conf.mkdir()
    defaults = conf / "spark-defaults.conf"
    defaults.write_text("spark.test.token  of-the-house\n")
    defaults.chmod(0o600)
    batch = submit(gateway, AS_ALICE, "{}", conf={"spark.my.password": "x"})
    until(lambda: "spark-defaults.conf: Permission denied" in gateway.log_text(), 10, "the start is refused")
    assert gateway.delete(f"/batches/{batch}", headers=AS_ALICE).status == 200
    shutil.chown(defaults, group=pwd.getpwnam(ALICE).pw_gid)
    defaults.chmod(0o640)
    found = hostile(gateway, AS_ALICE, {"read": ["../spark.conf"]}, conf={"spark.my.password": "x"})
    assert found["tried"] == {"read ../spark.conf": "done"}


@needs_root
def test_it_is_the_effective_user_that_counts_and_spark_is_not_asked_to_be_him(isolated):
    gateway = isolated(
        florus__launch__run_as="owner", livy__impersonation__enabled="true", livy__superusers=f"{BOB},airflow"
    )
    for sender in (BOB, "airflow"):  # who has no account here need not have one
        found = hostile(gateway, {"X-User": sender}, {}, proxyUser=ALICE)
        assert found["uids"] == [str(pwd.getpwnam(ALICE).pw_uid)] * 4 and found["env"]["USER"] == ALICE
        assert found["submitted"].count("--proxy-user") == 0 and "--conf" in found["submitted"]
    answer = gateway.post("/batches", {"file": str(gateway.job), "proxyUser": "no-such-user"}, headers=AS_BOB)
    assert answer.status == 403 and "this host has no user 'no-such-user'" in answer.body["msg"]


def as_root_with(gateway, capabilities):
    bounding = ",".join(["-all", *(f"+{name.lower().removeprefix('cap_')}" for name in capabilities)])
    command = gateway.command
    gateway.command = lambda more=None: ["setpriv", f"--bounding-set={bounding}", *command(more)]
    return gateway


@needs_root
def test_the_capabilities_that_the_unit_names_are_enough_and_all_are_needed(isolated):
    unit = (REPO / "data" / "florusd.service.in").read_text()
    named = re.search(r"CapabilityBoundingSet=(CAP_.*)", unit).group(1).split()
    gateway = as_root_with(isolated(start=False, florus__launch__run_as="owner"), named).start()
    found = hostile(gateway, AS_ALICE, {"read": [str(gateway.state / "florus.db")]})
    assert found["uids"] == [str(pwd.getpwnam(ALICE).pw_uid)] * 4 and set(found["tried"].values()) == {"EACCES"}
    batch = gateway.get("/batches", headers=AS_ALICE).body["sessions"][0]["id"]
    assert gateway.delete(f"/batches/{batch}", headers=AS_ALICE).status == 200
    until(lambda: not list((gateway.state / "run").glob(f"{batch}.*")), 10, "its directory goes")
    gateway.stop()
    for name in set(named) - {"CAP_SYS_PTRACE"}:  # without that one a killed shim's job is found by its ancestry only
        lacking = isolated(start=False, florus__launch__run_as="owner")
        status, lines = as_root_with(lacking, [other for other in named if other != name]).refusal()
        assert status == 78 and f"needs {name}" in lines[-1], lines


@needs_root
def test_all_jobs_can_run_as_one_user(isolated):
    gateway = isolated(florus__launch__run_as=MARVIN, florus__launch__min_uid=60000)
    for headers in (AS_ALICE, AS_BOB):
        assert hostile(gateway, headers, {})["uids"] == [str(pwd.getpwnam(MARVIN).pw_uid)] * 4


@needs_root
def test_who_cannot_run_here_is_refused_at_once(isolated):
    gateway = isolated(florus__launch__run_as="owner")
    body = {"file": str(gateway.job)}
    for user, why in ("no-such-user", "this host has no user 'no-such-user'"), ("root", "user 'root' has the uid 0"):
        answer = gateway.post("/batches", body, headers={"X-User": user})
        assert answer.status == 403 and why in answer.body["msg"], answer
    gateway.restart(florus__launch__min_uid=1000)
    answer = gateway.post("/batches", body, headers=AS_BOB)
    assert answer.status == 403 and "jobs run with 1000 or more only" in answer.body["msg"]
    assert gateway.get("/batches", headers=AS_BOB).body["total"] == 0


@needs_root
def test_who_is_gone_when_it_is_his_turn_has_a_dead_job_that_says_so(isolated):
    gateway = isolated(florus__launch__run_as="self", florus__launch__hold="true")
    batch = submit(gateway, {"X-User": "no-such-user"}, "{}")
    gateway.restart(florus__launch__run_as="owner", florus__launch__hold="false")
    log = text_of(gateway, batch, AS_ALICE)
    assert any("this host has no user 'no-such-user'" in line for line in log)


@needs_root
def test_a_kill_reaches_another_users_job_and_all_it_left(isolated):
    gateway = isolated(florus__launch__run_as="owner", florus__kill__grace="200ms")
    gateway.job.write_text(
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "print('pid', os.getpid(), flush=True)\n"
        "time.sleep(600)\n"
    )
    batch = submit(gateway, AS_ALICE)

    def pids():
        log = gateway.get(f"/batches/{batch}/log", headers=AS_ALICE).body["log"]
        return [int(line.split()[1]) for line in log if line.startswith("pid ")]

    until(lambda: len(pids()) == 2, 10, "both run")
    both = pids()
    assert all(map(alive, both))
    assert gateway.delete(f"/batches/{batch}", headers=AS_ALICE).status == 200
    assert not any(map(alive, both))


@needs_root
@pytest.mark.parametrize(
    "options, why",
    [
        ({"florus.launch.run-as": "no-such-user"}, "this host has no user 'no-such-user'"),
        ({"florus.launch.run-as": "root"}, "uid 0"),
        ({"florus.launch.run-as": ""}, "is empty"),
        ({"florus.launch.run-as": "owner", "livy.server.auth.type": ""}, "set livy.server.auth.type"),
    ],
)
def test_what_cannot_hold_refuses_to_start(isolated, options, why):
    gateway = isolated()
    gateway.stop()
    status, lines = gateway.refusal(options)
    assert status == 78 and why in lines[-1], lines


@needs_root
def test_a_state_directory_that_jobs_cannot_reach_refuses_to_start(gateways, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o700)
    status, lines = gateways(
        florus__launch__run_as=MARVIN, florus__state_dir=tmp_path / "closed" / "state"
    ).refusal()
    assert status == 78 and "chmod o+x" in lines[-1] and "cannot pass through" in lines[-1]


# --- jobs of florusd's own user ---


@pytest.fixture
def as_nobody(isolated, public):
    """Makes gateways whose florusd is not root, started with no_new_privs as its unit does; state: where its state is."""
    public.chmod(0o755)
    programs = public / "bin"
    if not programs.exists():
        programs.mkdir()
        for name in ("florusd", "florus-shim"):
            shutil.copy(BIN_DIR / name, programs)
    homes = []

    def prepare(under=None, start=True, **options):
        gateway = isolated(start=False, **options)
        if under:
            homes.append(Path(tempfile.mkdtemp(prefix="florus-test-", dir=under)))
            homes[-1].chmod(0o755)
            gateway.state = homes[-1] / "state"
            gateway.options["florus.state-dir"] = gateway.state
        gateway.state.mkdir()
        shutil.chown(gateway.state, ALICE)
        gateway.options["florus.launch.shim"] = programs / "florus-shim"
        command = gateway.command
        become = ["setpriv", f"--reuid={ALICE}", "--regid=nogroup", "--clear-groups", "--no-new-privs"]
        gateway.command = lambda more=None: [*become, programs / "florusd", *command(more)[1:]]
        return gateway.start() if start else gateway

    yield prepare
    for home in homes:
        shutil.rmtree(home)


def targets_of(gateway, batch):
    other = next((gateway.state / "run").glob(f"{batch}.*"))
    files = [path for path in other.rglob("*") if path.is_file()]
    assert {"log", "exit", "mine"} <= {path.name for path in files}
    return {
        "read": [*map(str, gateway.state.glob("florus.db*")), str(gateway.state / "lock"), *map(str, files)],
        "write": [*map(str, gateway.state.glob("florus.db*")), *map(str, files), "../exit.tmp", "../started"],
        "make": [str(gateway.state / "planted"), str(other / "planted"), "../planted"],
        "processes": pids_of(gateway),
    }


def look_around(gateway):
    first = submit(gateway, AS_BOB, "{}")
    text_of(gateway, first, AS_BOB)
    return hostile(gateway, AS_ALICE, targets_of(gateway, first))


@needs_root
def test_a_job_of_the_same_user_cannot_look_into_our_processes(as_nobody):
    found = look_around(as_nobody(florus__launch__landlock="off"))
    kinds = ("environ", "mem", "maps", "fd", "trace")
    into = {what: how for what, how in found["tried"].items() if what.endswith(kinds) and not what.startswith("read")}
    assert len(into) >= 15 and set(into.values()) <= REFUSED
    assert found["tried"]["florusd signal"] == "done", "it is not a wall: the same user may end us"


def test_none_of_us_dumps_core(gateway):
    gateway.submit("mark=m", f"wait={gateway.root}/go")
    pid = gateway.wait_started("m")
    florusd = gateway.process.pid
    for who in (florusd, parent_of(parent_of(pid)), parent_of(pid)):
        limit = next(x for x in Path(f"/proc/{who}/limits").read_text().splitlines() if x.startswith("Max core"))
        assert limit.split()[4] == "0", limit


def check_kept_out(found):
    tried = found["tried"]
    signals = {how for what, how in tried.items() if what.endswith(" signal")}
    wrong = {what: how for what, how in tried.items() if how not in REFUSED and not what.endswith(" signal")}
    assert not wrong and len(tried) > 30
    assert signals == {"EPERM"} or landlock_abi() < 6
    assert found["cwd_writable"] == "done" and found["stderr_again"] == "done" and found["no_new_privs"] == ["1"]
    assert set(found["descriptors"]) == {"200"}


def landlock_abi():
    return ctypes.CDLL(None).syscall(444, None, 0, 1)


@needs_root
def test_landlock_keeps_a_job_of_the_same_user_out_of_the_state_directory(as_nobody):
    gateway = as_nobody(florus__launch__landlock="on")
    check_kept_out(look_around(gateway))
    beside = gateway.root / "beside"
    beside.write_text("x")
    beside.chmod(0o644)
    kept = {"read": [str(beside), "/etc/passwd", "/dev/null", "/usr/bin/env"], "list": ["/", "/tmp", "/etc"]}
    found = hostile(gateway, AS_ALICE, kept)
    assert set(found["tried"].values()) == {"done"}, "all else stays as it is"


@needs_root
def test_landlock_is_used_by_itself_where_jobs_do_not_notice(as_nobody):
    check_kept_out(look_around(as_nobody(under="/var/lib")))


@needs_root
def test_landlock_is_not_used_by_itself_where_others_make_files(as_nobody):
    assert look_around(as_nobody())["tried"]["make ../planted"] == "done"


@needs_root
def test_landlock_that_cannot_work_refuses_to_start(as_nobody):
    gateway = as_nobody(florus__launch__landlock="on", start=False)
    gateway.root.chmod(0o711)
    status, lines = gateway.refusal()
    gateway.root.chmod(0o755)
    assert status == 78 and "list the directories on the way to" in lines[-1], lines
