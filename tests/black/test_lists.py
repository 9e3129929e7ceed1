"""GET /batches: order, from and size (livy.md 1.5)."""

import pytest
from gateway import until

COUNT = 12
BIG = 2147483647


@pytest.fixture(scope="module")
def twelve(module_gateways):
    gateway = module_gateways(florus__launch__hold="true").start()
    for _ in range(COUNT):
        gateway.submit()
    return gateway


def slice_of(ids, start, size):
    return ids[max(start, 0) : max(start + size, 0)]


@pytest.mark.parametrize("start", [None, 0, 1, 5, 11, 12, 13, 1000, -1, -5, -BIG - 1])
@pytest.mark.parametrize("size", [None, 0, 1, 3, 12, 100, 1_000_000, -1, -7])
def test_from_and_size(twelve, start, size):
    query = "&".join(f"{k}={v}" for k, v in (("from", start), ("size", size)) if v is not None)
    answer = twelve.get(f"/batches?{query}")
    start, size = 0 if start is None else start, 100 if size is None else size
    assert answer.status == 200
    assert list(answer.body) == ["from", "total", "sessions"]
    assert (answer.body["from"], answer.body["total"]) == (start, COUNT)
    assert [s["id"] for s in answer.body["sessions"]] == slice_of(list(range(COUNT)), start, size)


def test_the_mounts_list_the_same(twelve):
    assert twelve.get("/batches").raw == twelve.get("/livy/batches").raw == twelve.get("/batches/").raw


def test_a_page_is_a_hundred_unless_said_otherwise(gateways):
    gateway = gateways(florus__launch__hold="true").start()
    for _ in range(130):
        gateway.submit()
    assert [s["id"] for s in gateway.get("/batches").body["sessions"]] == list(range(100))
    assert [s["id"] for s in gateway.get("/batches?from=100").body["sessions"]] == list(range(100, 130))
    assert len(gateway.get("/batches?size=500").body["sessions"]) == 130


def test_finished_ones_leave_the_list_after_a_time_but_can_still_be_asked_for(gateways):
    gateway = gateways(livy__server__session__state_retain__sec="1s").start()
    batch, state, _ = gateway.run("echo=done", "exit=0")
    until(lambda: gateway.get("/batches").body["total"] == 0, 10, "the finished batch leaves the list")
    assert gateway.get(f"/batches/{batch}").body["state"] == state == "success"
    assert gateway.get(f"/batches/{batch}/state").body == {"id": batch, "state": "success"}
    assert gateway.log(batch) == ["stdout: ", "done", "\nstderr: "]
