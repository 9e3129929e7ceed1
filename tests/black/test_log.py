"""GET /batches/{id}/log: Livy's array, over a log of any size (livy.md 3, D8, D30)."""

import json
import re

import pytest
from gateway import until

HEAD, TAIL = "stdout: ", "\nstderr: "
LINES = 15


def view(array, start=None, size=None):
    """The rule of livy.md section 3, in its own words: (from as answered, the slice)."""
    size = 100 if size is None else size
    size = len(array) if size < 0 else size
    start = -1 if start is None else start
    if start < 0:
        start = max(0, len(array) - size)
    return start, array[start : start + size]


@pytest.fixture(scope="module")
def fifteen(module_gateways):
    gateway = module_gateways().start()
    gateway.run(f"lines={LINES}", "exit=0")
    gateway.run("lines=300", "exit=0")
    return gateway


@pytest.mark.parametrize("start", [None, -1, -100, -2147483648, 0, 1, 5, 15, 16, 17, 18, 1000, 2147483647])
@pytest.mark.parametrize("size", [None, -1, -2147483648, 0, 1, 5, 16, 17, 18, 100, 2147483647])
def test_from_and_size(fifteen, start, size):
    for batch, lines in ((0, LINES), (1, 300)):
        array = [HEAD, *map(str, range(1, lines + 1)), TAIL]
        query = "&".join(f"{k}={v}" for k, v in (("from", start), ("size", size)) if v is not None)
        answer = fifteen.get(f"/batches/{batch}/log?{query}")
        assert answer.status == 200
        assert list(answer.body) == ["id", "from", "total", "log"]
        first, log = view(array, start, size)
        assert answer.body == {"id": batch, "from": first, "total": lines + 2, "log": log}


def test_objects_show_the_last_ten(fifteen):
    for item in (fifteen.get("/batches/0").body, fifteen.get("/batches").body["sessions"][0]):
        assert item["log"] == [str(n) for n in range(7, 16)] + [TAIL]


def test_stderr_is_merged_in_order(gateway):
    assert gateway.run("echo=one", "err=two", "echo=three", "exit=1")[2] == ["one", "two", "three"]


def test_a_job_that_says_nothing(gateway):
    batch, _, lines = gateway.run("exit=0")
    assert lines == []
    assert gateway.get(f"/batches/{batch}/log").body == {"id": batch, "from": 0, "total": 2, "log": [HEAD, TAIL]}
    assert gateway.get(f"/batches/{batch}").body["log"] == [HEAD, TAIL]


def test_lines_show_while_the_job_runs_and_their_numbers_never_shift(gateway):
    more, go = gateway.root / "more", gateway.root / "go"
    batch = gateway.submit("lines=500", f"wait={more}", "lines=1000", f"wait={go}", "exit=0")
    until(lambda: len(gateway.log(batch)) == 502, 10, "500 lines are there")
    page = gateway.log(batch, size=5, **{"from": 251})
    assert page == ["251", "252", "253", "254", "255"]
    more.touch()
    until(lambda: len(gateway.log(batch)) == 1502, 10, "1500 lines are there")
    assert gateway.log(batch, size=5, **{"from": 251}) == page
    assert gateway.log(batch, size=3, **{"from": 500}) == ["500", "1", "2"]
    go.touch()
    gateway.wait(batch)
    assert gateway.log(batch, size=5, **{"from": 251}) == page


def test_a_line_counts_once_its_end_was_seen(gateway):
    go = gateway.root / "go"
    batch = gateway.submit("echo=whole", "print=part", f"touch={gateway.root}/said", f"wait={go}", "exit=0")
    until((gateway.root / "said").exists, 10)
    until(lambda: gateway.log(batch) == [HEAD, "whole", TAIL], 5, "the whole line shows, the part does not")
    go.touch()
    gateway.wait(batch)
    assert gateway.log(batch) == [HEAD, "whole", "part", TAIL]


@pytest.mark.parametrize(
    "data, lines",
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\rb\r", ["a", "b"]),
        (b"a\n\nb", ["a", "", "b"]),
        (b"a\r\r\nb", ["a", "", "b"]),
        (b"\n\r\n\r", ["", "", ""]),
        (b"a\n\rb\n", ["a", "", "b"]),
        (b"x", ["x"]),
        (b"", []),
        ("é😀\u2028</script>\n".encode(), ["é😀\u2028</script>"]),
        (b"a\xffb\n", ["a\ufffdb"]),
        (b"a\0b\x1b[31m\t\x7f\n", ["a\0b\x1b[31m\t\x7f"]),
        (b"\xc0\xaf|\n", ["\ufffd\ufffd|"]),
        (b'"\\\n', ['"\\']),
        (b"\xf4\x90\n", ["\ufffd\ufffd"]),
    ],
    ids=repr,
)
def test_line_ends_and_bytes(shared, data, lines):
    path = shared.root / "bytes"
    path.write_bytes(data)
    assert shared.run(f"cat={path}", "exit=0")[2] == lines


def test_a_truncated_character_becomes_a_replacement(shared):
    path = shared.root / "cut"
    path.write_bytes(b"ok \xe2\x82\nnext \xf0\x9f\x98")
    first, second = shared.run(f"cat={path}", "exit=0")[2]
    assert re.fullmatch("ok \ufffd{1,2}", first) and re.fullmatch("next \ufffd{1,3}", second)


def test_control_characters_are_escaped_in_the_answer(shared):
    path = shared.root / "control"
    path.write_bytes(bytes(b for b in range(1, 32) if b not in (10, 13)) + b"\n")
    batch = shared.run(f"cat={path}", "exit=0")[0]
    raw = shared.get(f"/batches/{batch}/log?size=-1").raw
    assert not re.search(rb"[\x00-\x1f]", raw)
    assert json.loads(raw)["log"][1].encode() == path.read_bytes().rstrip(b"\n")


def test_a_line_of_fifty_megabytes_is_cut_and_the_next_one_is_whole(shared):
    path = shared.root / "long"
    path.write_bytes(b"x" * (50 << 20) + b"\nafter\n")
    batch, _, lines = shared.run(f"cat={path}", "exit=0")
    assert len(lines) == 2 and lines[1] == "after"
    assert lines[0].startswith("x" * 1000)
    assert len(lines[0]) < (1 << 20) + 200 and "52428800" in lines[0], lines[0][-200:]
    item = shared.get(f"/batches/{batch}")
    assert item.status == 200 and item.body["log"][-2:] == ["after", TAIL]


def test_300_000_lines_paged_give_each_line_once(shared):
    batch, state, _ = shared.run("lines=300000", "exit=0")
    assert state == "success"
    seen, start = [], 0
    while True:
        body = shared.get(f"/batches/{batch}/log?from={start}&size=5000").body
        assert (body["from"], body["total"]) == (start, 300_002)
        if not body["log"]:
            break
        seen += body["log"]
        start += len(body["log"])
    assert seen == [HEAD, *map(str, range(1, 300_001)), TAIL]


def test_airflows_way_of_paging_a_log_that_grows_sees_each_line_once(gateway):
    batch = gateway.submit(*[order for n in range(40) for order in (f"echo=line {n}", "sleep=0.02")], "exit=0")
    seen = []
    while True:
        final = gateway.state_of(batch) in ("success", "dead", "killed")
        body = gateway.get(f"/batches/{batch}/log?from={len(seen) + 1}&size=100").body
        seen += [line for line in body["log"] if line != TAIL]
        if final:
            break
    assert seen == [f"line {n}" for n in range(40)]


def test_a_log_of_64_mb_under_a_cap_keeps_head_and_tail(gateways):
    gateway = gateways(florus__log__max="1m").start()
    lines = (64 << 20) // 16
    batch = gateway.submit(f"spew={64 << 20}", "exit=0")
    assert gateway.wait(batch, timeout=60) == "success"
    (log,) = gateway.state.glob("run/*/log")
    assert log.stat().st_blocks * 512 <= (1 << 20) + (256 << 10), "the middle was given back"
    body = gateway.get(f"/batches/{batch}/log?from=0&size=5").body
    assert body["total"] == lines + 2
    assert body["log"] == [HEAD, *(f"{n:015}" for n in range(1, 5))]
    assert gateway.log(batch, size=3) == [f"{lines - 1:015}", f"{lines:015}", TAIL]
    everything = gateway.log(batch)
    markers = [i for i, line in enumerate(everything) if "florus" in line]
    assert len(markers) == 1, "one line says that something is missing"
    kept = sum(len(line) == 15 for line in everything)
    dropped = int(re.search(r"(\d+) lines", everything[markers[0]]).group(1))
    assert kept + dropped == lines
    for i, line in enumerate(everything[1:-1], 1):
        assert line in ("", f"{i:015}") or i == markers[0], "every kept line has its own number"


def test_a_log_is_whole_after_the_daemon_was_killed_and_started_again(gateway):
    go = gateway.root / "go"
    batch = gateway.submit("lines=100", f"wait={go}", "lines=200", "exit=0")
    gateway.wait(batch, "running")
    gateway.kill9()
    go.touch()
    gateway.start()
    assert gateway.wait(batch) == "success"
    assert gateway.log(batch)[1:-1] == [*map(str, range(1, 101)), *map(str, range(1, 201))]
    gateway.restart()
    assert len(gateway.log(batch)) == 302
