"""The session driver without Spark, for the fast tests: the real protocol, queue and Python interpreter, no JVM.

Called by the fake spark-submit with spark-submit's own arguments. Kinds: pyspark; sql, which answers with its own text;
spark, which cannot be started. The conf key spark.test.start says how the start goes: ok, slow (until the file start in
the working directory is there), fail, exit (7), quit (0), elsewhere (as in a cluster:
writes its arguments into the file spark.test.submission, for a driver that somebody else runs, and waits).
"""

import json
import os
import signal
import sys
import time
from urllib.parse import unquote

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "driver"))

import pickle  # noqa: E402
import types  # noqa: E402

sys.modules["pyspark"] = types.SimpleNamespace(cloudpickle=pickle)  # as much of it as jobs want

from florus_session import Settings  # noqa: E402

from florus.output import StatementError, no_r  # noqa: E402
from florus.python import Python  # noqa: E402
from florus.session import Session  # noqa: E402


def conf_of(arguments):
    """What --conf and --properties-file say; later ones win."""
    conf, files = {}, []
    for option, value in zip(arguments, arguments[1:]):
        if option == "--conf":
            key, _, conf[key] = value.partition("=")
        elif option == "--properties-file":
            files.append(value)
    for file in files:
        for line in open(file, encoding="utf-8"):
            key, separator, value = line.rstrip("\n").partition("=")
            if separator:
                conf.setdefault(key, value)
    return conf


class Context:
    """As much of a SparkContext as the session asks for."""

    applicationId = f"local-{os.getpid()}"

    def setJobGroup(self, *_, **__):
        pass

    def cancelJobGroup(self, _group):
        pass

    def addPyFile(self, uri):
        sys.path.append(self.addFile(uri))

    def addFile(self, uri):
        path = unquote(uri.removeprefix("file://")) if uri.startswith("file://") else uri
        if not os.path.exists(path):
            raise FileNotFoundError(f"File {path} does not exist")
        return os.path.dirname(path)


class Rows:
    """A DataFrame, as far as pylivy and sparkmagic download one."""

    def __init__(self, *rows):
        self.rows = rows

    def toJSON(self, use_unicode=True):
        return self

    def collect(self):
        return [json.dumps(row) for row in self.rows]

    def take(self, count):
        return self.collect()[:count]


class Spark:
    sparkContext = Context()

    @staticmethod
    def rows(*rows):
        return Rows(*rows)

    @staticmethod
    def sql(count):
        return Rows(*({"id": n, "t": "x" * 200} for n in range(int(count))))


class Sql:
    def execute(self, code, _group):
        if code == "bad":
            raise StatementError("Error", "bad SQL")
        return {"application/json": {"schema": {"type": "struct", "fields": [{"name": "code", "type": "string", "nullable": True}]}, "data": [[code]]}}

    def complete(self, code, cursor):
        return [code[:cursor].upper()]


def no_scala():
    raise StatementError("InterpreterError", "Fail to start interpreter")


def submit(conf):
    """What spark-submit does in cluster mode."""
    with open(conf["spark.test.submission"] + ".new", "w", encoding="utf-8") as file:
        json.dump(sys.argv[1:], file)
    os.rename(file.name, conf["spark.test.submission"])
    while True:
        signal.pause()


def main():
    conf = conf_of(sys.argv[1:])
    if conf.get("spark.test.start") == "elsewhere" and "FLORUS_TEST_ELSEWHERE" not in os.environ:
        submit(conf)
    session = Session(Settings(conf))
    session.start()
    start = conf.get("spark.test.start", "ok")
    print("driver starts", flush=True)
    while start == "slow" and not os.path.exists(conf["spark.test.gate"]):
        time.sleep(0.02)
    if start in ("exit", "quit"):
        os._exit(7 if start == "exit" else 0)
    if start == "fail":
        session.fail("no cluster today")
        return 1
    spark = Spark()
    settings = Settings(conf)
    makers = {"pyspark": lambda: Python({"spark": spark}), "sql": Sql, "spark": no_scala, "sparkr": no_r}
    try:
        session.prepare(spark, makers, settings.kind if settings.kind == "sparkr" else None)
    except StatementError as error:
        session.fail(str(error))
        return 1
    session.ready({"app_id": Context.applicationId, "spark": "0", "ui": None})
    session.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
