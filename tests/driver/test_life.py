"""Cancelling, lost connections, and statements that mean no good."""

import time

import pytest
from standin import Florusd

ENDLESS = {
    "python": ("pyspark", "while True:\n    pass"),
    "sleep": ("pyspark", "import time\ntime.sleep(600)"),
    "spark job": ("pyspark", "sc.parallelize(range(2), 2).map(lambda _: __import__('time').sleep(600)).count()"),
    "scala": ("spark", "Thread.sleep(600000)"),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_cancel_stops_it(driver, what):
    kind, code = ENDLESS[what]
    driver.text("1" if kind == "pyspark" else "", kind)  # the interpreter is there
    number = driver.start(code, kind)
    driver.florusd.wait_for("started", id=number)
    driver.florusd.send(type="cancel", id=number)
    assert driver.result(number, 30)["state"] == "cancelled"
    assert driver.text("'lives'") == "'lives'"


def test_cancel_of_one_that_waits(driver):
    first = driver.start("import time\ntime.sleep(600)")
    second = driver.start("ran = True")
    driver.florusd.wait_for("started", id=first)
    driver.florusd.send(type="cancel", id=second)
    driver.florusd.send(type="cancel", id=first)
    assert driver.result(first, 30)["state"] == "cancelled"
    waited = driver.result(second, 30)
    assert (waited["state"], waited["output"]) == ("cancelled", None)
    assert driver.run("ran")["ename"] == "NameError"


def test_output_comes_while_it_runs(driver):
    number = driver.start("import time\nprint('early', flush=True)\ntime.sleep(600)")
    assert driver.florusd.wait_for("output", id=number)["text"] == "early\n"
    driver.florusd.send(type="cancel", id=number)
    driver.result(number, 30)


def test_a_result_waits_for_the_connection_and_nothing_runs_twice(driver):
    driver.text("runs = 0")
    number = driver.start("import time\ntime.sleep(0.5)\nruns += 1\nruns")
    driver.florusd.wait_for("started", id=number)
    driver.florusd.hang_up()
    assert driver.result(number, 30)["output"]["data"]["text/plain"] == "1"
    assert driver.florusd.up.wait(30)
    driver.florusd.send(type="execute", id=number, kind="pyspark", code="runs += 1\nruns")
    assert driver.result(number, 30)["output"]["data"]["text/plain"] == "1"
    driver.florusd.send(type="ack", id=number)
    driver.florusd.send(type="execute", id=number, kind="pyspark", code="runs += 1\nruns")
    assert driver.text("runs") == "1"


def test_output_is_bounded(driver):
    text = driver.text("for _ in range(1000):\n    print('x' * 100000)")
    assert len(text) < 110000 and text.endswith("more characters were dropped]")
    assert driver.run("big = 'y' * 1000000\n%json big")["ename"] == "OutputTooLarge"
    assert driver.text("'lives'") == "'lives'"


@pytest.mark.parametrize("code", [
    "import os\nos.fork() and None",
    "import os\nos.close(0)\nos.close(1)\nos.close(2)",
    "import sys\nsys.stdout.close()\nsys.stderr.close()",
    "import sys\nsys.stdout = None\nsys.displayhook = None",
    "import sys\nsys.exit()",
    "import signal\nsignal.raise_signal(signal.SIGINT)",
    "class Bad:\n    def __repr__(self):\n        raise RuntimeError('no')\nBad()",
    "class Worse(Exception):\n    def __str__(self):\n        raise RuntimeError('no')\nraise Worse()",
    "def deep(n):\n    return deep(n + 1)\ndeep(0)",
])
def test_a_hostile_statement_breaks_only_itself(driver, code):
    driver.run(code)
    assert driver.text("'lives'") == "'lives'"


def test_the_driver_ends_when_told(own_driver):
    driver = own_driver()
    driver.wait_idle()
    driver.start("import time\ntime.sleep(600)")
    driver.florusd.send(type="shutdown")
    assert driver.process.wait(60) == 0


def test_a_statement_may_end_the_process(own_driver):
    driver = own_driver()
    driver.wait_idle()
    driver.start("import os\nos._exit(9)")
    assert driver.process.wait(60) != 0


def test_nobody_without_the_secret_is_obeyed(own_driver):
    impostor = Florusd(secret="guess")
    driver = own_driver(florusd=impostor, conf={"spark.florus.session.secret": "real"})
    end = time.monotonic() + 60
    while len(impostor.hellos) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert len(impostor.hellos) >= 2 and not impostor.up.is_set()
    assert driver.process.poll() is None


def test_a_session_that_nobody_asks_for_ends(own_driver):
    driver = own_driver(conf={"spark.florus.session.orphan-timeout": "1"})
    driver.wait_idle()
    driver.florusd.listener.close()
    driver.florusd.hang_up()
    assert driver.process.wait(60) != 0


def test_a_spark_that_does_not_start_says_why(own_driver):
    driver = own_driver(conf={"spark.driver.bindAddress": "203.0.113.1"})
    state = driver.florusd.wait_for("state", 90, state="error")
    assert state["reason"]
    assert driver.process.wait(60) != 0
