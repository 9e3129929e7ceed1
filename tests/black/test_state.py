"""A batch's life as clients see it (livy.md 2.1)."""

import pytest
from gateway import alive


@pytest.mark.parametrize(
    "order, state",
    [
        ("exit=0", "success"),
        *[(f"exit={n}", "dead") for n in (1, 2, 3, 126, 127, 128, 143, 255)],
        *[(f"signal={name}", "dead") for name in ("TERM", "KILL", "SEGV", "ABRT", "HUP", "INT", "PIPE")],
    ],
)
def test_how_it_ends_decides(shared, order, state):
    assert shared.run(order)[1] == state


def test_starting_then_running_then_the_end(gateways):
    gateway = gateways(florus__launch__max_running=1).start()
    go = gateway.root / "go"
    first, second = gateway.submit(f"wait={go}"), gateway.submit("exit=0")
    assert gateway.wait(first, "running") == "running"
    assert gateway.state_of(second) == "starting"
    assert gateway.get(f"/batches/{first}").body["state"] == "running"
    go.touch()
    assert gateway.wait(first) == gateway.wait(second) == "success"


def test_every_view_tells_the_same(gateway):
    batch, _, _ = gateway.run("exit=3")
    item = gateway.get(f"/batches/{batch}").body
    assert item == gateway.get("/batches").body["sessions"][0]
    assert item["state"] == gateway.state_of(batch) == "dead"


def test_a_final_state_stays(gateway):
    batches = [gateway.run(order)[0] for order in ("exit=0", "exit=1")]
    states = [gateway.state_of(b) for b in batches]
    gateway.restart()
    gateway.restart()
    assert [gateway.state_of(b) for b in batches] == states == ["success", "dead"]


@pytest.mark.parametrize("spoil", ["unlink", "not executable", "no interpreter", "not a program"])
def test_a_spark_submit_that_cannot_run_ends_the_batch_and_says_why(gateway, spoil):
    program = gateway.spark_home / "bin" / "spark-submit"
    if spoil == "unlink":
        program.unlink()
    elif spoil == "not executable":
        program.chmod(0o644)
    elif spoil == "no interpreter":
        program.write_text("#!/nowhere/sh\n")
    else:
        program.write_bytes(b"\x7fELF but not really")
    batch = gateway.submit()
    assert gateway.wait(batch) == "dead"
    assert "spark-submit" in "\n".join(gateway.log(batch)), "the reason is in the log"


def test_the_next_batch_runs_once_spark_submit_is_back(gateway):
    program = gateway.spark_home / "bin" / "spark-submit"
    program.rename(program.with_suffix(".away"))
    assert gateway.wait(gateway.submit()) == "dead"
    program.with_suffix(".away").rename(program)
    assert gateway.run("exit=0")[1] == "success"


def test_what_a_finished_driver_leaves_behind_does_not_keep_it_running(gateway):
    left = gateway.root / "left"
    batch = gateway.submit(f"daemon={left}", f"wait={left}", "exit=0")
    assert gateway.wait(batch, timeout=20) == "success"
    assert not alive(gateway.pid_in(left))
