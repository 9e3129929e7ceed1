"""The command florus against a stand-in server: what it sends, what it prints, how it ends."""

import base64
import json
import os
import signal

import pytest
import sanitizers
from cli import LIMIT_S, Cli
from standin import HEAD, TAIL, StandIn

COMMANDS = ["submit", "list", "show", "log", "kill", "wait", "passwd", "token", "version", "help"]


@pytest.fixture
def standin():
    s = StandIn().start()
    yield s
    if not s.stopped:
        s.stop()


@pytest.fixture
def lonely_cli(tmp_path):
    cli = Cli(tmp_path)
    cli.env["HOME"] = cli.env["XDG_STATE_HOME"] = str(tmp_path)
    yield cli
    for p in cli.started:
        if p.poll() is None:
            p.kill()
        p.communicate()
    sanitizers.check(tmp_path)


@pytest.fixture
def cli(lonely_cli, standin):
    lonely_cli.env["FLORUS_URL"] = standin.url
    return lonely_cli


@pytest.fixture
def program(cli):
    (cli.cwd / "job.py").write_text("print(1)\n")
    return "job.py"


def body(standin):
    return json.loads(standin.seen("POST")[0].body)


# --- help and usage ---

def test_help_names_every_command(lonely_cli):
    shown = lonely_cli("--help")
    assert shown.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in shown.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(lonely_cli, command):
    for args in ([command, "--help"], ["help", command]):
        shown = lonely_cli(*args)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert shown.stdout.startswith(f"usage: florus {command} ")


@pytest.mark.parametrize("args, why", [
    ([], "usage:"),
    (["frob"], "there is no command 'frob'"),
    (["help", "frob"], "there is no command 'frob'"),
    (["--frob", "list"], "unknown option --frob"),
    (["list", "--frob=1"], "unknown option --frob"),
    (["list", "-x"], "unknown option -x"),
    (["list", "extra"], "too many arguments"),
    (["list", "--json=yes"], "--json takes no value"),
    (["list", "--from", "x"], "--from wants a number"),
    (["list", "--from"], "--from wants a value"),
    (["list", "--all", "--size", "3"], "--all goes with neither"),
    (["log", "--retry-for", "soon", "7"], "--retry-for wants a time"),
    (["show"], "something is missing"),
    (["submit"], "something is missing"),
    (["submit", "--conf", "novalue", "/x.py"], "--conf wants KEY=VALUE"),
    (["submit", "--idempotency-key", "a b", "/x.py"], "an idempotency key has"),
    (["show", ""], "cannot be empty"),
])
def test_wrong_usage_is_explained_and_exits_2(cli, standin, args, why):
    said = cli(*args)
    assert said.returncode == 2
    assert why in said.stderr
    assert said.stdout == ""
    assert standin.requests == []


def test_show_has_what_only_headers_carry(cli, standin):
    view = standin.add(7, state="running").view()
    headers = {"Florus-Cluster": "night", "florus-launcher": "submit", "Florus-Launcher-Reason": "R \x1b[1mprograms"}
    standin.lie("GET", "/batches/7", status=200, body=view, headers=headers)
    shown = cli("show", "7").stdout
    assert "\ncluster        night\nlauncher       submit\nreason for it  R \\x1b[1mprograms\n" in shown
    assert "launcher" not in cli("show", "7").stdout


# --- submit: what is sent ---

def test_submit_sends_every_field(cli, standin):
    done = cli("submit", "--name", "n", "--class", "a.B", "--jars", "/a.jar,hdfs:/b.jar", "--jars=/c.jar",
               "--py-files", "/p.zip", "--files", "/f", "--archives", "/a.tgz#here", "--conf", "k=1=2", "-c", "l=a,b",
               "--driver-memory", "1g", "--driver-cores", "2", "--executor-memory", "3g", "--executor-cores", "4",
               "--num-executors", "5", "--queue", "q", "--proxy-user", "u", "/srv/job.jar", "x", "y")
    assert (done.returncode, done.stdout, done.stderr) == (0, "batch 0 starting\n", "")
    assert body(standin) == {
        "file": "/srv/job.jar", "args": ["x", "y"], "className": "a.B", "driverMemory": "1g", "executorMemory": "3g",
        "name": "n", "proxyUser": "u", "queue": "q", "driverCores": 2, "executorCores": 4, "numExecutors": 5,
        "jars": ["/a.jar", "hdfs:/b.jar", "/c.jar"], "pyFiles": ["/p.zip"], "files": ["/f"],
        "archives": ["/a.tgz#here"], "conf": {"k": "1=2", "l": "a,b"}}
    assert standin.seen("POST")[0].headers["X-Requested-By"]
    assert standin.seen("POST")[0].headers["Content-Type"] == "application/json"


def test_submit_without_options_sends_the_file_alone(cli, standin):
    assert cli("submit", "hdfs:///job.py").returncode == 0
    assert body(standin) == {"file": "hdfs:///job.py"}


def test_options_end_at_the_file(cli, standin, program):
    args = ["--json", "-f", "--", "a b", "", "ü🦆", 'q"\\', "l1\nl2\t", "--name=x"]
    assert cli("submit", program, *args).stdout == "batch 0 starting\n"
    assert body(standin) == {"file": str(cli.cwd / program), "args": args}


def test_two_dashes_let_a_file_begin_with_a_dash(cli, standin):
    (cli.cwd / "-job.py").write_text("")
    assert cli("submit", "--", "-job.py", "--", "-x").returncode == 0
    assert body(standin) == {"file": str(cli.cwd / "-job.py"), "args": ["--", "-x"]}


def test_the_last_of_equal_conf_keys_counts(cli, standin):
    assert cli("submit", "--conf", "a=1", "--conf", "ab=2", "--conf", "a=3", "/x.py").returncode == 0
    assert standin.seen("POST")[0].body == b'{"file":"/x.py","conf":{"ab":"2","a":"3"}}'


def test_local_files_become_absolute(cli, standin):
    for name in ("a.py", "b.zip", "c d.txt", "100%.tgz"):
        (cli.cwd / name).write_text("")
    assert cli("submit", "--py-files", "b.zip,s3a://k/b.zip", "--files", "c d.txt", "--archives", "100%.tgz#env",
               "./a.py").returncode == 0
    here = cli.cwd
    assert body(standin) == {
        "file": f"{here}/a.py", "pyFiles": [f"{here}/b.zip", "s3a://k/b.zip"], "files": [f"file://{here}/c%20d.txt"],
        "archives": [f"file://{here}/100%25.tgz#env"]}


def test_a_relative_path_to_nothing_is_refused_here(cli, standin):
    said = cli("submit", "nothing.py")
    assert (said.returncode, said.stderr) == (2, "florus: nothing.py: no such file here\n")
    assert standin.requests == []


def test_an_argument_that_is_not_utf8_is_refused_not_changed(cli, standin):
    said = cli("submit", "/x.py", os.fsdecode(b"\xff\xfe"))
    assert said.returncode == 2
    assert "not UTF-8" in said.stderr
    assert standin.requests == []


def test_submit_json_prints_the_object(cli, standin):
    assert json.loads(cli("submit", "--json", "/x.py").stdout) == standin.batches[0].view()


# --- submit: exactly once ---

def test_each_submission_has_a_key_of_its_own(cli, standin):
    cli("submit", "/x.py")
    cli("submit", "/x.py")
    first, second = (r.headers["Idempotency-Key"] for r in standin.seen("POST"))
    assert len(first) == len(second) == 32
    assert first != second


def test_a_given_key_is_used(cli, standin):
    cli("submit", "--idempotency-key", "nightly-2026-11-24", "/x.py")
    assert standin.seen("POST")[0].headers["Idempotency-Key"] == "nightly-2026-11-24"


def test_a_lost_answer_does_not_submit_twice(cli, standin):
    standin.lie("POST", "/batches", act=True, cut=True)
    done = cli("submit", "/x.py")
    assert (done.returncode, done.stdout) == (0, "batch 0 starting\n")
    assert "trying again" in done.stderr
    assert "the server is back" in done.stderr
    posts = standin.seen("POST")
    assert len(posts) > 1
    assert len({(r.headers["Idempotency-Key"], r.body) for r in posts}) == 1
    assert list(standin.batches) == [0]


@pytest.mark.parametrize("args", [["list"], ["show", "a b"], ["log", "0"], ["kill", "0"], ["submit", "/x.py"], ["version"]])
def test_do_as_goes_with_every_request(cli, standin, args):
    standin.add(0, name="a b", state="running", lines=["x"])
    cli("--do-as", "b&b ü", *args)
    assert standin.requests and all(request.query["doAs"] == "b&b ü" for request in standin.requests), standin.requests
    cli(*args, "--do-as=carol") if args[0] != "submit" else cli("submit", "--do-as=carol", "/x.py")
    assert standin.requests[-1].query["doAs"] == "carol"


@pytest.mark.parametrize("status", [409, 502, 503])
def test_a_server_that_cannot_yet_say_is_asked_again(cli, standin, status):
    standin.lie("POST", "/batches", times=2, status=status, body={"msg": "not yet"})
    done = cli("submit", "/x.py")
    assert (done.returncode, done.stdout) == (0, "batch 0 starting\n")
    assert len(standin.seen("POST")) == 3
    assert done.stderr.count("not yet; trying again") == 1


@pytest.mark.parametrize("status, reply, shown, code", [
    (400, {"msg": "Rejected, Reason: no"}, "Rejected, Reason: no", 2),
    (400, "Unrecognized field\n at [Source: x]", "Unrecognized field\n   at [Source: x]", 2),
    (403, {"msg": "not yours"}, "not yours", 4),
    (403, {}, "this is for the owner of the batch, and for those whom the server's configuration names", 4),
    (403, {"servlet": "x", "message": "User not authorised to use Livy.", "status": "403"},
     "User not authorised to use Livy.", 4),
    (413, {"msg": "too large"}, "too large", 2),
    (422, {"msg": "key was used"}, "key was used", 5),
    (429, {"msg": "Rejected, too many sessions are being created!"}, "Rejected, too many sessions are being created!", 6),
    (500, "oops", "oops", 1),
    (507, {"msg": "disk full"}, "disk full", 6),
])
def test_a_refusal_is_shown_and_not_repeated(cli, standin, status, reply, shown, code):
    standin.lie("POST", "/batches", status=status, body=reply)
    said = cli("submit", "/x.py")
    assert (said.returncode, said.stdout, said.stderr) == (code, "", f"florus: {shown}\n")
    assert len(standin.seen("POST")) == 1


def test_patience_has_an_end(cli, standin):
    standin.lie("POST", "/batches", times=1000, status=503, body={"msg": "starting"})
    said = cli("submit", "--retry-for", "500ms", "/x.py")
    assert said.returncode == 6
    assert said.stderr.endswith("florus: gave up waiting for the server: starting\n")
    assert len(standin.seen("POST")) > 2


def test_when_it_stays_unknown_the_user_gets_the_key(cli, standin):
    standin.lie("POST", "/batches", times=1000, act=True, cut=True)
    said = cli("submit", "--retry-for", "300ms", "/x.py")
    assert said.returncode == 6
    key = standin.seen("POST")[0].headers["Idempotency-Key"]
    assert f"--idempotency-key {key}" in said.stderr
    standin.lies.clear()
    again = cli("submit", "--idempotency-key", key, "/x.py")
    assert again.stdout == "batch 0 starting\n"
    assert list(standin.batches) == [0]


# --- submit --follow ---

def run_by_steps(standin, id, steps):
    """Each request about the batch does the next step."""
    steps = iter(steps)

    def before(request):
        if request.path.startswith(f"/batches/{id}/"):
            next(steps, lambda: None)()
    standin.before = before


def test_follow_prints_the_log_and_then_the_state(cli, standin, program):
    standin.lie("POST", "/batches", act=True)

    def say(line):
        def step():
            standin.batches[0].state = "running"
            standin.batches[0].lines = [*(standin.batches[0].lines or []), line]
        return step

    def end():
        standin.batches[0].lines.append("last")
        standin.batches[0].state = "success"
    quiet = [lambda: None] * 3
    run_by_steps(standin, 0, [*quiet, say("one"), say("two"), *quiet, say("three"), *quiet, end])
    done = cli("submit", "--follow", program)
    assert (done.returncode, done.stdout, done.stderr) == (
        0, "one\ntwo\nthree\nlast\n", "batch 0 starting\nbatch 0 success\n")


@pytest.mark.parametrize("state", ["dead", "killed", "error"])
def test_follow_of_what_does_not_succeed_exits_1(cli, standin, program, state):
    def end():
        standin.batches[0].lines = ["Traceback"]
        standin.batches[0].state = state
    run_by_steps(standin, 0, [lambda: None, end])
    done = cli("submit", "-f", program)
    assert (done.returncode, done.stdout) == (1, "Traceback\n")
    assert done.stderr.endswith(f"batch 0 {state}\n")


def test_follow_of_what_another_deletes_exits_1(cli, standin, program):
    def begin():
        standin.batches[0].state = "running"
        standin.batches[0].lines = ["working"]
    run_by_steps(standin, 0, [begin, *[lambda: None] * 3, standin.batches.clear])
    done = cli("submit", "-f", program)
    assert (done.returncode, done.stdout) == (1, "working\n")
    assert done.stderr == "batch 0 starting\nflorus: batch 0 was deleted meanwhile\n"


def test_follow_with_json_leaves_stdout_to_the_object(cli, standin, program):
    def end():
        standin.batches[0].lines = ["line"]
        standin.batches[0].state = "success"
    run_by_steps(standin, 0, [end])
    done = cli("submit", "--follow", "--json", program)
    assert done.returncode == 0
    assert json.loads(done.stdout) == standin.batches[0].view()
    assert "line\n" in done.stderr


def test_ctrl_c_while_following_detaches(cli, standin, program):
    def begin():
        standin.batches[0].state = "running"
        standin.batches[0].lines = ["working"]
    run_by_steps(standin, 0, [begin])
    p = cli.start("--url", standin.url, "submit", "--follow", program)
    assert p.stdout.readline() == "working\n"
    p.send_signal(signal.SIGINT)
    _, said = p.communicate(timeout=LIMIT_S)
    assert p.returncode == 130
    assert f"detached; batch 0 goes on\n  follow it again: florus --url {standin.url} log -f 0\n" in said
    assert f"kill it: florus --url {standin.url} kill 0\n" in said
    assert standin.batches[0].state == "running"
    assert standin.seen("DELETE") == []


def test_ctrl_c_while_the_server_is_away_detaches(cli, standin, program):
    def begin():
        standin.batches[0].state = "running"
        standin.batches[0].lines = ["working"]
    run_by_steps(standin, 0, [begin])
    p = cli.start("submit", "--follow", program)
    assert p.stdout.readline() == "working\n"
    standin.stop()
    while "trying again" not in (line := p.stderr.readline()):
        assert line
    p.send_signal(signal.SIGINT)
    _, said = p.communicate(timeout=LIMIT_S)
    assert p.returncode == 130
    assert "detached; batch 0 goes on" in said


# --- list and show ---

def test_list_is_an_aligned_table(cli, standin):
    standin.add(7, name="nightly", state="running", owner="ada")
    standin.add(12, state="success", app_id="application_1")
    assert cli("list").stdout == (
        "ID  NAME     STATE    OWNER  APP-ID\n"
        "7   nightly  running  ada    -\n"
        "12  -        success  -      application_1\n")


def test_an_empty_list_has_its_titles(cli, standin):
    assert cli("list").stdout == "ID  NAME  STATE  OWNER  APP-ID\n"
    assert json.loads(cli("list", "--json").stdout) == {"from": 0, "total": 0, "sessions": []}


def test_wide_characters_stay_aligned(cli, standin):
    standin.add(0, name="日本", state="dead")
    standin.add(1, name="éé", state="dead")
    assert cli("list").stdout.splitlines()[1:] == ["0   日本  dead   -      -", "1   éé    dead   -      -"]


def test_list_shows_the_newest_unless_asked_otherwise(cli, standin):
    for id in range(250):
        standin.add(id, state="success")

    def ids(*args):
        return [int(line.split()[0]) for line in cli("list", *args).stdout.splitlines()[1:]]
    assert ids() == list(range(150, 250))
    assert ids("--size", "3") == [247, 248, 249]
    assert ids("--from", "10", "--size", "3") == [10, 11, 12]
    assert ids("--all") == list(range(250))
    assert "newest 100 of 250" in cli("list").stderr
    assert json.loads(cli("list", "--json", "--from", "248").stdout) == {
        "from": 248, "total": 250, "sessions": [standin.batches[248].view(), standin.batches[249].view()]}


def test_list_all_misses_nobody_when_others_leave_meanwhile(cli, standin):
    for id in range(1200):
        standin.add(id, state="success")

    def before(request):
        if request.query.get("from") == "500":
            for id in range(3):
                standin.batches.pop(id, None)
    standin.before = before
    listed = json.loads(cli("list", "--all", "--json").stdout)
    assert [b["id"] for b in listed["sessions"]] == list(range(1200))


def test_a_name_cannot_move_the_cursor(cli, standin):
    standin.add(0, name="a\x1b[2J\nb\u202ec\x7f\x9b", state="running")
    for args in (["list"], ["show", "0"]):
        shown = cli(*args).stdout
        assert "a\\x1b[2J\\x0ab\\u202ec\\x7f\\x9b" in shown
        assert "\x1b" not in shown


def test_on_a_terminal_the_table_has_colour_and_fits(cli, standin):
    standin.add(0, name="n" * 200, state="dead", owner="o" * 60)
    shown = cli.on_a_terminal("list", columns=60)
    assert "\x1b[31mdead\x1b[0m" in shown
    assert "…" in shown
    plain = shown.replace("\x1b[31m", "").replace("\x1b[0m", "")
    assert max(len(line) for line in plain.splitlines()) <= 60


def test_no_color_is_heeded(cli, standin):
    standin.add(0, state="dead")
    cli.env["NO_COLOR"] = "1"
    assert "\x1b" not in cli.on_a_terminal("list")


def test_show_prints_keys_and_values(cli, standin):
    standin.add(3, name="n", state="running", lines=["one", "two"])
    assert cli("show", "3").stdout == (
        "id             3\nname           n\nowner          -\nproxy user     -\nstate          running\n"
        "application    -\ndriver log     -\nSpark UI       -\nexecutor logs  -\nlast lines\n  one\n  two\n")


def test_show_json_is_the_object(cli, standin):
    standin.add(3, name='q"\n', state="running", lines=["ü"])
    assert cli("show", "--json", "3").stdout == json.dumps(standin.batches[3].view(), ensure_ascii=False,
                                                           separators=(",", ":")) + "\n"


@pytest.mark.parametrize("name", ["a/b ü?#%", "..", "+"])
def test_names_are_percent_encoded(cli, standin, name):
    standin.add(3, name=name, state="running")
    assert json.loads(cli("show", "--json", name).stdout)["id"] == 3
    assert standin.requests[0].path.count("/") == 2


# --- log ---

def test_the_whole_log_is_read_by_pages(cli, standin):
    lines = [f"line {i}" for i in range(2345)]
    standin.add(0, state="success", lines=lines)
    assert cli("log", "0").stdout.splitlines() == lines
    assert max(int(r.query["size"]) for r in standin.requests) <= 1000


@pytest.mark.parametrize("count", [0, 1, 3, 998, 999, 1000, 1001, 2345])
def test_the_last_lines_are_exactly_so_many(cli, standin, count):
    lines = [f"line {i}" for i in range(1200)]
    standin.add(0, state="success", lines=lines)
    assert cli("log", "-n", str(count), "0").stdout.splitlines() == lines[max(0, 1200 - count):]


def test_headings_are_not_lines_but_a_driver_may_print_their_text(cli, standin):
    standin.add(0, state="success", lines=["stdout: ", "x", "", "stdout: "])
    assert cli("log", "0").stdout == "stdout: \nx\n\nstdout: \n"
    standin.batches[0].lines = [TAIL.strip(), HEAD, TAIL.strip()]
    assert cli("log", "-f", "0").stdout == f"{TAIL.strip()}\n{HEAD}\n{TAIL.strip()}\n"


@pytest.mark.parametrize("count", [0, 3, 5000])
@pytest.mark.parametrize("follow", [(), ("-f",)])
def test_what_a_cluster_says_comes_last(cli, standin, follow, count):
    lines = [str(i) for i in range(count)]
    standin.add(0, state="dead", lines=lines, said=["\nYARN Diagnostics: ", "out of", "memory"])
    assert cli("log", *follow, "0").stdout.splitlines() == [*lines, "out of", "memory"]
    assert cli("log", *follow, "-n", "2", "0").stdout.splitlines() == [*lines[-2:], "out of", "memory"]
    standin.batches[0].said = ["\nYARN Diagnostics: "]
    assert cli("log", *follow, "-n", "2", "0").stdout.splitlines() == lines[-2:]
    shown = cli("show", "0").stdout
    assert "\n  YARN Diagnostics: \n" in shown and "stderr: " not in shown


@pytest.mark.parametrize("lines", [None, []])
def test_a_log_without_lines_prints_nothing(cli, standin, lines):
    standin.add(0, state="success", lines=lines)
    for args in (["log", "0"], ["log", "-n", "5", "0"], ["log", "-f", "0"]):
        done = cli(*args)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_lines_are_raw_in_a_pipe_and_harmless_on_a_terminal(cli, standin):
    standin.add(0, state="success", lines=["a\x1b[2J\tb", "ü\u202e"])
    assert cli("log", "0").stdout == "a\x1b[2J\tb\nü\u202e\n"
    shown = cli.on_a_terminal("log", "0")
    assert shown.startswith("a\\x1b[2J")
    assert shown.endswith("ü\\u202e\n")


def test_a_nul_in_a_line_does_not_hide_the_log(cli, standin):
    standin.add(0, state="success", lines=["a\x00b", "c\\u0000d"])
    assert cli("log", "0").stdout == "a\ufffdb\nc\\u0000d\n"


def test_lines_too_long_for_one_page_come_in_smaller_ones(cli, standin):
    standin.add(0, state="success", lines=["x" * (1024 * 1024)] * 70)
    done = cli("log", "0")
    assert done.stderr == ""
    assert done.returncode == 0
    assert len(done.stdout) == 70 * (1024 * 1024 + 1)


def test_a_driver_that_prints_on_and_on_does_not_hold_a_plain_log(cli, standin):
    batch = standin.add(0, state="running", lines=["x"] * 1500)
    standin.before = lambda request: batch.lines.extend(["y"] * 1000)
    shown = cli("log", "0").stdout.splitlines()
    assert 1500 <= len(shown) <= 4500


def test_follow_across_a_restart_has_each_line_once(cli, standin):
    batch = standin.add(0, state="running", lines=["line 0"])
    p = cli.start("log", "-f", "0")
    assert p.stdout.readline() == "line 0\n"
    standin.stop()
    while "trying again" not in (line := p.stderr.readline()):
        assert line
    batch.lines += [f"line {i}" for i in range(1, 1500)]
    standin.lie("GET", "/batches/0/log", times=2, status=503, body={"msg": "starting"}, headers={"Retry-After": "0"})
    standin.lie("GET", "/batches/0/log", act=True, cut=True)
    standin.start()
    for i in range(1, 1500):
        assert p.stdout.readline() == f"line {i}\n"
    batch.lines.append("the end")
    batch.state = "success"
    out, said = p.communicate(timeout=LIMIT_S)
    assert (p.returncode, out) == (0, "the end\n")
    assert said == "florus: the server is back\n"


def test_follow_finds_a_restarted_server_on_another_port(lonely_cli, standin):
    state_dir = lonely_cli.cwd / ".florus"
    state_dir.mkdir()
    (state_dir / "url").write_text(standin.url + "\n")
    batch = standin.add(0, state="running", lines=["one"])
    p = lonely_cli.start("log", "-f", "0")
    assert p.stdout.readline() == "one\n"
    standin.stop()
    while "trying again" not in (line := p.stderr.readline()):
        assert line
    batch.lines.append("two")
    batch.state = "success"
    standin.start(port=0)
    (state_dir / "url").write_text(standin.url + "\n")
    assert p.communicate(timeout=LIMIT_S)[0] == "two\n"
    assert p.returncode == 0


def test_follow_gives_up_on_a_server_that_stays_away(cli, standin):
    standin.add(0, state="running", lines=["one"])
    p = cli.start("log", "-f", "--retry-for", "400ms", "0")
    assert p.stdout.readline() == "one\n"
    standin.stop()
    _, said = p.communicate(timeout=LIMIT_S)
    assert p.returncode == 6
    assert said.count("trying again") == 1
    assert "gave up waiting for the server" in said


def test_follow_from_the_end_shows_only_what_is_new(cli, standin):
    batch = standin.add(0, state="running", lines=["old"])

    def end():
        batch.lines.append("new")
        batch.state = "success"
    run_by_steps(standin, 0, [lambda: None, lambda: None, end])
    assert cli("log", "-f", "-n", "0", "0").stdout == "new\n"


def test_an_answer_for_another_part_of_the_log_is_not_printed(cli, standin):
    standin.add(0, state="success", lines=["x"])
    standin.lie("GET", "/batches/0/log", act=True)
    standin.lie("GET", "/batches/0/log", status=200, body={"id": 0, "from": 1, "total": 3, "log": ["x"]})
    said = cli("log", "0")
    assert (said.returncode, said.stdout) == (1, "")
    assert "not the part of the log" in said.stderr


# --- kill and wait ---

def test_kill_says_what_it_killed(cli, standin):
    standin.add(7, name="seven", state="running")
    standin.add(8, state="starting")
    done = cli("kill", "seven", "8")
    assert (done.returncode, done.stdout, done.stderr) == (0, "batch 7 killed\nbatch 8 killed\n", "")
    assert [r.path for r in standin.seen("DELETE")] == ["/batches/7", "/batches/8"]


def test_kill_leaves_alone_what_is_over(cli, standin):
    standin.add(7, state="success")
    done = cli("kill", "7")
    assert (done.returncode, done.stdout) == (0, "batch 7 was over already: success\n")
    assert standin.seen("DELETE") == []


def test_kill_does_not_claim_what_ended_by_itself(cli, standin):
    batch = standin.add(7, state="running")

    def before(request):
        if request.method == "DELETE":
            batch.state = "success"
    standin.before = before
    assert cli("kill", "7").stdout == "batch 7 success\n"


def test_kill_of_an_unknown_batch_exits_3_and_goes_on(cli, standin):
    standin.add(8, state="running")
    done = cli("kill", "7", "8")
    assert (done.returncode, done.stdout, done.stderr) == (
        3, "batch 8 killed\n", "florus: Session '7' not found.\n")


def test_wait_succeeds_only_if_all_do(cli, standin):
    batch = standin.add(1, state="running")
    standin.add(2, state="success")
    run_by_steps(standin, 1, [lambda: None, lambda: None, lambda: setattr(batch, "state", "success")])
    done = cli("wait", "1", "2")
    assert (done.returncode, done.stdout) == (0, "batch 2 success\nbatch 1 success\n")
    standin.add(3, state="dead")
    done = cli("wait", "3", "2")
    assert (done.returncode, done.stdout) == (1, "batch 3 dead\nbatch 2 success\n")


def test_wait_for_an_unknown_batch_exits_3_after_the_others(cli, standin):
    standin.add(2, state="success")
    done = cli("wait", "1", "2")
    assert (done.returncode, done.stdout) == (3, "batch 2 success\n")
    assert "Session '1' not found." in done.stderr


def test_wait_outlasts_a_restart(cli, standin):
    batch = standin.add(1, state="running")
    first = []
    standin.before = first.append
    p = cli.start("wait", "1")
    standin.lie("GET", "/batches/1/state", act=True, cut=True, times=3)
    while "trying again" not in (line := p.stderr.readline()):
        assert line
    batch.state = "success"
    assert p.communicate(timeout=LIMIT_S)[0] == "batch 1 success\n"
    assert p.returncode == 0


# --- finding the server, being known to it ---

def test_without_a_server_the_message_says_where_it_looked(lonely_cli):
    lonely_cli.env["FLORUS_STATE_DIR"] = "/nowhere/florus"
    said = lonely_cli("list")
    assert said.returncode == 6
    for place in ("--url", "FLORUS_URL", "/nowhere/florus", "./.florus", "make serve"):
        assert place in said.stderr


def test_the_address_comes_from_the_nearest_place(lonely_cli, standin, tmp_path):
    standin.add(0, state="success")
    dead_end = "http://127.0.0.1:1"
    for name, url in (("named", standin.url), ("env", standin.url), (".florus", standin.url), ("wrong", dead_end)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "url").write_text(url + "\n")
    assert lonely_cli("wait", "0").returncode == 0
    (tmp_path / ".florus" / "url").write_text(dead_end)
    lonely_cli.env["FLORUS_STATE_DIR"] = str(tmp_path / "env")
    assert lonely_cli("wait", "0").returncode == 0
    lonely_cli.env["FLORUS_STATE_DIR"] = str(tmp_path / "wrong")
    lonely_cli.env["FLORUS_URL"] = standin.url
    assert lonely_cli("wait", "0").returncode == 0
    lonely_cli.env["FLORUS_URL"] = dead_end
    assert lonely_cli("--state-dir", str(tmp_path / "named"), "wait", "0").returncode == 0
    assert lonely_cli("wait", "--url", standin.url, "--state-dir", str(tmp_path / "wrong"), "0").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_strangers_directory_does_not_say_where_the_server_is(lonely_cli, standin, tmp_path):
    (tmp_path / ".florus").mkdir()
    (tmp_path / ".florus" / "url").write_text(standin.url)
    os.chown(tmp_path / ".florus", 12345, 12345)
    assert lonely_cli("list").returncode == 6
    assert standin.requests == []


def test_nobody_listening_is_said_at_once(lonely_cli, standin):
    standin.stop()
    for args in (["list"], ["submit", "/x.py"], ["log", "-f", "0"], ["wait", "0"]):
        said = lonely_cli("--url", standin.url, *args)
        assert said.returncode == 6
        assert "is florusd running there?" in said.stderr
        assert "trying again" not in said.stderr


def test_a_base_path_is_kept(lonely_cli, standin):
    standin.add(0, state="success")
    assert lonely_cli("--url", standin.url + "/livy/", "wait", "0").returncode == 0
    assert standin.requests[0].path == "/livy/batches/0/state"


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_credentials_come_from_the_address_or_the_environment(lonely_cli, standin):
    lonely_cli.env.update(FLORUS_USER="env", FLORUS_PASSWORD="p:w")
    lonely_cli("--url", standin.url, "list")
    lonely_cli("--url", standin.url.replace("//", "//ada:s%40cret@"), "list")
    seen = [r.headers["Authorization"] for r in standin.requests]
    assert seen[0] == basic("env", "p:w")
    assert seen[-1] == basic("ada", "s@cret")


def test_a_password_is_never_shown(lonely_cli, standin):
    standin.stop()
    said = lonely_cli("--url", standin.url.replace("//", "//ada:hunter2@"), "list")
    assert said.returncode == 6
    assert "hunter2" not in said.stderr


def test_a_server_that_wants_a_user_says_how(cli, standin):
    standin.lie("GET", "/batches", status=401, body={"msg": "Authentication required"})
    said = cli("list")
    assert said.returncode == 4
    assert "Authentication required" in said.stderr
    assert "FLORUS_USER" in said.stderr


def test_redirects_are_reported_not_followed(lonely_cli, standin):
    other = StandIn().start()
    standin.lie("GET", "/batches", status=302, headers={"Location": other.url + "/batches"})
    said = lonely_cli("--url", standin.url.replace("//", "//ada:hunter2@"), "list")
    other.stop()
    assert said.returncode == 2
    assert other.url in said.stderr
    assert other.requests == []


def test_a_proxy_is_not_used_for_this_machine(cli, standin):
    cli.env.update(http_proxy="http://127.0.0.1:1", all_proxy="http://127.0.0.1:1")
    assert cli("list").returncode == 0


# --- odd servers, odd outputs ---

@pytest.mark.parametrize("reply", [b"<html>hello</html>", b"[]", b"", b'{"from":0,"total":"many"}',
                                   b'{"from":0,"total":1,"sessions":{}}', b'{"from":0,"total":1,"sessions":[3]}',
                                   b'{"from":0,"total":1,"sessions":[{}]}'])
def test_what_is_no_livy_server_is_called_so(cli, standin, reply):
    standin.lie("GET", "/batches", times=2, status=200, body=reply)
    said = cli("list", "--from", "0")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("florus: ")


def test_an_error_page_is_reduced_to_its_status(cli, standin):
    standin.lie("GET", "/batches/0", status=500, body=b"<html>stack trace</html>")
    said = cli("show", "0")
    assert (said.returncode, said.stderr) == (1, f"florus: {standin.url} answered with HTTP status 500\n")


def test_a_servers_message_cannot_move_the_cursor(cli, standin):
    standin.lie("GET", "/batches/0", status=404, body={"msg": "no \x1b[2J"})
    said = cli("show", "0")
    assert (said.returncode, said.stderr) == (3, "florus: no \\x1b[2J\n")


@pytest.mark.parametrize("args", [["list"], ["log", "0"], ["show", "0"], ["show", "--json", "0"], ["help"]])
def test_a_full_disk_is_an_error(cli, standin, args):
    standin.add(0, state="success", lines=["x"])
    with open("/dev/full", "w") as full:
        said = cli(*args, stdout=full)
    assert said.returncode == 6
    assert "cannot write the output" in said.stderr


def test_version_names_both_sides(cli, standin):
    done = cli("version")
    assert done.returncode == 0
    assert done.stdout == f"{cli('--version').stdout}server 0.9.0-florus at {standin.url}\n"
    both = json.loads(cli("version", "--json").stdout)
    assert (both["server"]["version"], "florus " + both["client"] + "\n") == ("0.9.0-florus", cli("--version").stdout)


def test_version_without_a_server_still_prints_its_own(lonely_cli):
    said = lonely_cli("version")
    assert said.returncode == 6
    assert said.stdout == lonely_cli("--version").stdout
    said = lonely_cli("version", "--json")
    assert said.returncode == 6
    assert json.loads(said.stdout)["server"] is None
