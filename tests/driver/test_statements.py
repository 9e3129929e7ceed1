"""What statements of each kind answer (livy.md 7.3, 7.4): one row per rule."""

import pytest
from standin import REPO  # noqa: F401

TABLE = "application/vnd.livy.table.v1+json"
JSON = "application/json"

# kind, code, what is printed
TEXTS = [
    ("pyspark", "1+1", "2"),
    ("pyspark", 'print("a\\n\\n")', "a"),
    ("pyspark", "kept = 3", ""),
    ("pyspark", "kept", "3"),
    ("pyspark", "_", "3"),
    ("pyspark", "None", ""),
    ("pyspark", "", ""),
    ("pyspark", "# nothing", ""),
    ("pyspark", "for i in range(2):\n    print(i)\n", "0\n1"),
    ("pyspark", "1\n2", "2"),
    ("pyspark", "import sys\nprint('out')\nprint('err', file=sys.stderr)", "out\nerr"),
    ("pyspark", "def twice(x):\n    return 2 * x\n\ntwice(21)", "42"),
    ("pyspark", "class Point:\n    def __init__(self, x):\n        self.x = x\n", ""),
    ("pyspark", "sc.parallelize([1, 2, 3]).map(lambda i: Point(twice(i)).x).sum()", "12"),
    ("pyspark", "spark.range(4).createOrReplaceTempView('four')", ""),
    ("pyspark", "sqlContext.sql('select count(*) from four').collect()[0][0]", "4"),
    ("pyspark", "for row in spark.range(2).toDF('n').toJSON(use_unicode=True).take(2): print(row)", '{"n":0}\n{"n":1}'),
    ("pyspark", "'é \\u2028 \\x00'", "'é \\u2028 \\x00'"),
    ("pyspark", "'''\n%json absent\n'''", "'\\n%json absent\\n'"),
    ("pyspark", "17 \\\n% 5", "2"),
    ("spark", "", ""),
    ("spark", "// nothing", ""),
    ("spark", 'println("Hello World")', "Hello World\n"),
    ("spark", 'if (spark.table("four").count() == 4L) {\n  println("yes")\n}', "yes\n"),
    ("spark", "println(sc.parallelize(Seq(1, 2, 3)).map(_ * 2).reduce(_ + _))", "12\n"),
]

# kind, code, the data
DATA = [
    ("pyspark", "rows = [[1, 'a'], [3, None]]\n%table rows",
     {TABLE: {"headers": [{"name": "0", "type": "INT_TYPE"}, {"name": "1", "type": "STRING_TYPE"}],
              "data": [[1, "a"], [3, None]]}}),
    ("pyspark", "%json rows", {JSON: [[1, "a"], [3, None]]}),
    ("pyspark", "cells = [{'b': {'x': 1}, 'a': [1]}]\n%table cells",
     {TABLE: {"headers": [{"name": "a", "type": "ARRAY_TYPE"}, {"name": "b", "type": "MAP_TYPE"}],
              "data": [[[1], {"x": 1}]]}}),
    ("pyspark", "from pyspark.sql import Row\nfound = [Row(b=1, a='x'), Row(b=2, a='y')]\n%table found",
     {TABLE: {"headers": [{"name": "a", "type": "STRING_TYPE"}, {"name": "b", "type": "INT_TYPE"}],
              "data": [["x", 1], ["y", 2]]}}),
    ("pyspark", "import decimal\nexact = [[decimal.Decimal('1.50'), [decimal.Decimal('2.0')]]]\n%table exact",
     {TABLE: {"headers": [{"name": "0", "type": "DECIMAL_TYPE"}, {"name": "1", "type": "ARRAY_TYPE"}],
              "data": [["1.50", ["2.0"]]]}}),
    ("pyspark", "strange = [[{7}, [b'z']]]\n%table strange",
     {TABLE: {"headers": [{"name": "0", "type": "STRING_TYPE"}, {"name": "1", "type": "ARRAY_TYPE"}],
              "data": [["{7}", ["b'z'"]]]}}),
    ("pyspark", "far = sc.parallelize(range(100))\n%json far", {JSON: list(range(10))}),
    ("pyspark", "print('said')\n%json kept", {JSON: 3, "text/plain": "said"}),
    ("sql", "select * from four where id > 1",
     {JSON: {"schema": {"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": False, "metadata": {}}]},
             "data": [[2], [3]]}}),
    ("spark", 'val m = List(Map("a" -> 1))\n%json m', {JSON: [{"a": 1}]}),
    ("spark", "%table m", {TABLE: {"headers": [{"type": "BIGINT_TYPE", "name": "a"}], "data": [[1]]}}),
]

# kind, code, ename, evalue, the last line of the traceback (None: there is none)
ERRORS = [
    ("pyspark", "1/0", "ZeroDivisionError", "division by zero", "ZeroDivisionError: division by zero\n"),
    ("pyspark", "import sys\nsys.exit(3)", "SystemExit", "3", "SystemExit: 3\n"),
    ("pyspark", "raise KeyboardInterrupt", "KeyboardInterrupt", "", "KeyboardInterrupt\n"),
    ("pyspark", "%json absent", "NameError", "name 'absent' is not defined", None),
    ("pyspark", "%json", "SyntaxError", "%json needs the name of a variable", None),
    ("pyspark", "%magic kept", "UnknownMagic", "unknown magic command 'magic'",
     "UnknownMagic: unknown magic command 'magic'\n"),
    ("pyspark", "%", "UnknownMagic", "magic command not specified", "UnknownMagic: magic command not specified\n"),
    ("pyspark", "mixed = [[1], ['a']]\n%table mixed", "TypeError", "table rows have different types", None),
    ("pyspark", "odd = object()\n%json odd", "ValueError", "cannot be written as JSON: object has no form in JSON", None),
    ("spark", "val x =", "Error", "incomplete statement", None),
    ("spark", 'throw new Exception("bad")', "Error", "java.lang.Exception: bad", "elided\n"),
    ("spark", "%json absent", "NameError", "Value absent does not exist", None),
    ("spark", "%magic m", "UnknownMagic", "Unknown magic command magic", None),
    ("sparkr", "1", "InterpreterError", "Fail to start interpreter: this driver runs Python, Scala and SQL, not R. "
     "An R program can be submitted as a batch", None),
]


@pytest.mark.parametrize("kind, code, text", TEXTS, ids=range(len(TEXTS)))
def test_text(driver, kind, code, text):
    assert driver.text(code, kind) == text


def test_executors_know_the_classes_of_statements(driver):
    text = driver.text("case class P(a: Int)\nprintln(Seq(P(1)).toDS.map(p => P(p.a + 1)).collect().head.a)", "spark")
    assert "class P" in text and text.endswith("\n2\n")


def test_the_repl_says_what_it_made(driver):
    text = driver.text("val x = 1\nval y = 2\nx + y", "spark").replace("val ", "")
    assert text.startswith("x: Int = 1\ny: Int = 2\nres") and text.endswith(": Int = 3\n")


@pytest.mark.parametrize("kind, code, data", DATA, ids=range(len(DATA)))
def test_data(driver, kind, code, data):
    output = driver.run(code, kind)
    assert output["status"] == "ok" and output["data"] == data


def test_sql_writes_rows_as_livy_does(driver):
    output = driver.run("select timestamp'2019-07-24 01:02:03.5 Europe/Berlin', timestamp_ntz'2019-07-24 01:02:03', x'61ff', "
                        "double('nan'), array(timestamp'2019-07-24 01:02:03Z')", "sql")
    assert output["data"][JSON]["data"] == [["2019-07-23T23:02:03Z", "2019-07-24 01:02:03", [97, -1], None,
                                             ["2019-07-24T01:02:03Z"]]]


@pytest.mark.parametrize("kind, code, ename, evalue, last", ERRORS, ids=range(len(ERRORS)))
def test_error(driver, kind, code, ename, evalue, last):
    output = driver.run(code, kind)
    assert (output["status"], output["ename"], output["evalue"]) == ("error", ename, evalue)
    assert list(output) == ["status", "execution_count", "ename", "evalue", "traceback"]
    assert output["traceback"][-1].endswith(last) if last else output["traceback"] == []


def test_a_traceback_begins_in_the_statement(driver):
    output = driver.run("def f():\n    raise ValueError('bad')\nf()")
    assert output["traceback"] == ["Traceback (most recent call last):\n", '  File "<stdin>", line 2, in f\n',
                                   "ValueError: bad\n"]
    assert driver.run("x =")["traceback"][0] == '  File "<stdin>", line 1\n'
    # A text that the statement compiles as it runs has been reached by a call, as any other error.
    assert driver.run("eval('1 +')")["traceback"][:2] == ["Traceback (most recent call last):\n", '  File "<string>", line 1\n']


def test_what_was_printed_before_an_error_stays_with_its_statement(driver):
    assert driver.run("print('mine')\n1/0")["status"] == "error"
    assert driver.text("'next'") == "'next'"


def test_sql_says_what_spark_says(driver):
    output = driver.run("select * from nowhere", "sql")
    assert output["ename"] == "Error" and "nowhere" in output["evalue"] and output["traceback"]


def test_sql_rows_are_bounded(driver):
    assert len(driver.run("select * from range(5000)", "sql")["data"][JSON]["data"]) == 1000


def test_completion(driver):
    for kind, code, found in (("pyspark", "spark.ra", "range"), ("spark", "spark.ra", "range"), ("sql", "sel", "SELECT")):
        driver.florusd.send(type="complete", request=kind, kind=kind, code=code, cursor=len(code))
        assert found in driver.florusd.wait_for("completion", request=kind)["candidates"]


def test_what_is_added_is_there(driver, tmp_path):
    (tmp_path / "added_module.py").write_text("answer = 42")
    (tmp_path / "added.txt").write_text("text")

    def add(what, name):
        driver.florusd.send(type="add", request=name, what=what, uri=f"file://{tmp_path}/{name}")
        return driver.florusd.wait_for("added", request=name)["error"]

    assert add("pyfile", "added_module.py") is None
    assert driver.text("import added_module\nadded_module.answer") == "42"
    assert driver.text("sc.parallelize([1]).map(lambda _: __import__('added_module').answer).collect()") == "[42]"
    assert add("file", "added.txt") is None
    assert driver.text("from pyspark import SparkFiles\nopen(SparkFiles.get('added.txt')).read()") == "'text'"
    assert "no-such" in add("pyfile", "no-such.py")
    assert driver.text("1") == "1"


def test_a_job_of_the_python_client(driver):
    import base64
    import pickle

    program = "def job(context):\n    return context.sc.parallelize([1, 2, 3]).sum()\n"
    made = driver.text(f"{program}\nimport base64\nfrom pyspark import cloudpickle\nbase64.b64encode(cloudpickle.dumps(job)).decode()")
    driver.florusd.send(type="job", id=1, job=made.strip("'"))
    end = driver.florusd.wait_for("job", id=1, state="SUCCEEDED")
    assert pickle.loads(base64.b64decode(base64.b64decode(end["result"]))) == 6
    driver.florusd.send(type="job", id=2, job="!!!")
    assert "Traceback" in driver.florusd.wait_for("job", id=2, state="FAILED")["error"]
