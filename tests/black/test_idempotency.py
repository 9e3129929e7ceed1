"""Idempotency-Key on create: the same order twice is one batch (differences.md)."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest


def key(value):
    return {"Idempotency-Key": value}


def test_the_same_key_and_body_give_the_first_answer(gateway):
    body = gateway.body("mark=once", "exit=0")
    first = gateway.post("/batches", body, headers=key("k1"))
    second = gateway.post("/batches", body, headers=key("k1"))
    assert (first.status, second.status) == (201, 201)
    assert second.body["id"] == first.body["id"] == 0
    assert second.header("Location") == first.header("Location") == "/batches/0"
    assert list(second.body) == list(first.body)
    gateway.wait(0)
    third = gateway.post("/batches", body, headers=key("k1"))
    assert (third.status, third.body["id"]) == (201, 0)
    assert gateway.ledger.started() == ["once"]
    assert gateway.get("/batches").body["total"] == 1


def test_other_keys_and_no_key_are_other_batches(gateway):
    body = gateway.body()
    ids = [gateway.post("/batches", body, headers=h).body["id"] for h in (key("a"), key("b"), None, None, key("A"))]
    assert ids == [0, 1, 2, 3, 4]


def test_a_key_outlives_restart_and_death(gateway):
    body = gateway.body("mark=once")
    gateway.post("/batches", body, headers=key("night-1"))
    gateway.wait(0)
    gateway.restart()
    assert gateway.post("/batches", body, headers=key("night-1")).body["id"] == 0
    gateway.kill9()
    gateway.start()
    assert gateway.post("/batches", body, headers=key("night-1")).body["id"] == 0
    assert gateway.post("/batches", gateway.body(), headers=key("night-1")).status == 422
    assert gateway.submit() == 1
    assert gateway.ledger.started().count("once") == 1


def test_a_storm_of_the_same_key_is_one_batch(gateway):
    body = gateway.body("mark=storm")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: gateway.post("/batches", body, headers=key("storm")), range(64)))
    assert {a.status for a in answers} <= {201, 409}
    assert {a.body["id"] for a in answers if a.status == 201} == {0}
    gateway.wait(0)
    assert gateway.get("/batches").body["total"] == 1
    assert gateway.ledger.started() == ["storm"]


def test_a_client_that_vanishes_before_the_answer_may_ask_again(gateway):
    body = json.dumps(gateway.body("mark=gone")).encode()
    head = b"POST /batches HTTP/1.1\r\nHost: x\r\nIdempotency-Key: gone\r\nContent-Length: %d\r\n\r\n" % len(body)
    for _ in range(5):
        gateway.wire().send(head + body).reset()
    answer = gateway.post("/batches", body, headers=key("gone"))
    while answer.status == 409:
        answer = gateway.post("/batches", body, headers=key("gone"))
    assert (answer.status, answer.body["id"]) == (201, 0)
    gateway.wait(0)
    assert gateway.ledger.started() == ["gone"]


@pytest.mark.parametrize("value", ["", "x" * 201, "tab\there", "é"], ids=["empty", "long", "tab", "not ASCII"])
def test_a_bad_key_is_400(shared, value):
    total = shared.get("/batches").body["total"]
    answer = shared.post("/batches", shared.body(), headers=key(value.encode()))
    assert answer.status == 400 and answer.raw
    assert shared.get("/batches").body["total"] == total
