"""A full disk: writes 507, reads 200, and full service again without a restart (reliability: P17, F14, F15)."""

import os

import pytest
from gateway import until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mount needs root")


class Filler:
    """A file that takes whatever room is left on a file system."""

    def __init__(self, directory):
        self.path = directory / "filler"

    def fill(self):
        with open(self.path, "ab", buffering=0) as f:
            for size in (1 << 20, 1 << 16, 1 << 12, 1 << 9, 1):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass

    def free(self):
        self.path.unlink()


@pytest.fixture
def small(gateways, mounts):
    """A gateway whose state lives on a small file system of its own, and the filler of that."""
    disk = mounts("12m")
    gateway = gateways(florus__state_dir=disk / "state", florus__launch__max_running=2)
    gateway.state = disk / "state"
    return gateway, Filler(disk)


def post_until_507(gateway, filler):
    """Posts with the disk full until one is refused for it; the ids that were accepted meanwhile."""
    accepted = []
    for _ in range(400):
        filler.fill()
        answer = gateway.post("/batches", gateway.body(conf={"spark.ballast": "x" * 20_000}))
        if answer.status == 507:
            assert answer.raw and answer.header("Content-Type") == "application/json;charset=utf-8"
            return accepted
        assert answer.status == 201, answer
        accepted.append(answer.body["id"])
    raise AssertionError("the disk is full and everything is accepted")


def test_posts_are_507_reads_go_on_and_all_is_well_when_room_is_back(small):
    gateway, filler = small
    gateway.start(florus__launch__hold="true")
    kept = [gateway.submit(f"mark=k{n}") for n in range(5)]
    kept += post_until_507(gateway, filler)
    for path in ("/batches", "/batches/0", "/batches/0/state", "/batches/0/log", "/version", "/livez"):
        assert gateway.get(path).status == 200, path
    assert gateway.get("/batches").body["total"] == len(kept), "what was refused is not there"
    filler.free()
    until(lambda: gateway.post("/batches", gateway.body("mark=later")).status == 201, 15, "room is back, posts are 201")
    total = gateway.get("/batches").body["total"]
    gateway.restart(florus__launch__hold="false")
    assert gateway.get("/batches").body["total"] == total, "what was accepted is there, what was refused is not"
    for batch in kept[:5]:
        assert gateway.wait(batch, timeout=60) == "success"
    starts = gateway.ledger.started()
    assert len(starts) == len(set(starts)), "none runs twice"


def test_a_job_that_ends_while_the_disk_is_full_keeps_its_end(small):
    gateway, filler = small
    gateway.start()
    go = gateway.root / "go"
    good, bad = gateway.submit("mark=good", f"wait={go}", "exit=0"), gateway.submit("mark=bad", f"wait={go}", "exit=7")
    for batch in (good, bad):
        gateway.wait(batch, "running")
    filler.fill()
    go.touch()
    until(lambda: sum(word == "exit" for word, *_ in gateway.ledger.lines()) == 2, 10, "both end")
    filler.free()
    assert gateway.wait(good, timeout=20) == "success"
    assert gateway.wait(bad, timeout=20) == "dead"
    gateway.kill9()
    gateway.start()
    assert (gateway.state_of(good), gateway.state_of(bad)) == ("success", "dead")
    assert sorted(gateway.ledger.started()) == ["bad", "good"]


def test_killed_with_a_full_disk_it_starts_again_once_there_is_room(small):
    gateway, filler = small
    gateway.start(florus__launch__hold="true")
    kept = [gateway.submit() for _ in range(3)]
    kept += post_until_507(gateway, filler)
    gateway.kill9()
    filler.free()
    gateway.start(florus__launch__hold="false")
    assert gateway.get("/batches").body["total"] >= len(kept)
    assert gateway.wait(kept[0], timeout=60) == "success"
