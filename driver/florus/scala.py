"""Scala statements: a REPL in Spark's own JVM, made of a small source by the compiler that Spark brings (Repl.scala)."""

import json
import os
import pkgutil
import re

from florus.output import StatementError

PRELUDE = """
@transient val sc = spark.sparkContext
@transient val sqlContext = spark.sqlContext
import org.apache.spark.SparkContext._
import spark.implicits._
import spark.sql
import org.apache.spark.sql.functions._
"""
MAGIC = re.compile(r"%(\w+)\s*(\S*)")


class Scala:
    kind = "spark"

    def __init__(self, spark, class_dir, work_dir, output_max):
        self.spark = spark
        self.jvm, self.gateway = spark.sparkContext._jvm, spark.sparkContext._gateway
        self.repl = self._make(class_dir, work_dir, output_max)
        self.repl.bind("spark", "org.apache.spark.sql.SparkSession", spark._jsparkSession)
        for line in PRELUDE.strip().split("\n"):
            self.repl.quietly(line)

    def _array(self, kind, items):
        array = self.gateway.new_array(kind, len(items))
        for i, item in enumerate(items):
            array[i] = item
        return array

    def _make(self, class_dir, work_dir, output_max):
        jvm = self.jvm
        version = jvm.scala.util.Properties.versionNumberString()
        maker = "Maker%s.scala" % "".join(version.split(".")[:2])
        classes = os.path.join(work_dir, "repl")
        os.makedirs(classes, exist_ok=True)
        try:
            sources = [self._unpack(name, classes) for name in ("Repl.scala", maker)]
        except FileNotFoundError:
            raise StatementError("InterpreterError", f"Fail to start interpreter: Scala {version} is not known here") from None
        jvm.scala.tools.nsc.Main.process(self._array(jvm.java.lang.String, ["-usejavacp", "-nowarn", "-d", classes, *sources]))
        if jvm.scala.tools.nsc.Main.reporter().hasErrors():
            raise StatementError("InterpreterError", "Fail to start interpreter: its source does not compile; see the log")
        parent = jvm.java.lang.Thread.currentThread().getContextClassLoader()
        urls = self._array(jvm.java.net.URL, [jvm.java.io.File(classes + "/").toURI().toURL()])
        made = jvm.java.net.URLClassLoader(urls, parent).loadClass("florus.session.Repl").getConstructors()[0]
        return made.newInstance(self._array(jvm.java.lang.Object, [class_dir, self._user_jars(), output_max]))

    @staticmethod
    def _unpack(name, directory):
        """Beside this file, which is in an archive when it has travelled to another host."""
        path = os.path.join(directory, name)
        with open(path, "wb") as file:
            file.write(pkgutil.get_data("florus", name))
        return path

    def _user_jars(self):
        """Jars of the submission that are files here: the compiler must see them."""
        jars = self.spark.sparkContext.getConf().get("spark.jars", "") or ""
        files = [jar[len("file:"):] if jar.startswith("file:") else jar for jar in jars.split(",")]
        return os.pathsep.join(re.sub(r"^/+", "/", jar) for jar in files if jar.startswith("/"))

    def execute(self, code, group):
        data, texts, lines = {}, [], []

        def run_lines():
            if any(line.strip() for line in lines):
                texts.append(self._run("\n".join(lines), group))
            lines.clear()

        for line in code.split("\n"):
            if line.startswith("%"):
                run_lines()
                data = self._magic(line)
            else:
                lines.append(line)
        last_is_text = any(line.strip() for line in lines) or not data
        run_lines()
        # A result that is no text survives only as the last one (livy.md 7.3).
        return {"text/plain": "".join(texts)} if last_is_text else data

    def _run(self, code, group):
        self.spark.sparkContext.setJobGroup(group, "", interruptOnCancel=True)
        verdict, text = self.repl.run(code)
        if verdict == "ok":
            return text
        if verdict == "incomplete":
            raise StatementError("Error", "incomplete statement")
        lines = [line + "\n" for line in text.rstrip("\n").split("\n")]
        # Scala 2.13 draws its mark above the message.
        first = next((i for i, line in enumerate(lines) if line.strip(" ^\n")), 0)
        raise StatementError("Error", lines[first].strip(), lines[:first] + lines[first + 1 :])

    def _magic(self, line):
        command, name = MAGIC.match(line).groups() if MAGIC.match(line) else ("", "")
        if command not in ("json", "table"):
            raise StatementError("UnknownMagic", f"Unknown magic command {command}")
        value = self.repl.valueOf(name) if name else None
        if value is None:
            raise StatementError("NameError", f"Value {name} does not exist")
        rows = json.loads(self.repl.toJson(value))
        if isinstance(rows, dict) and "failed" in rows and len(rows) == 1:
            raise StatementError("ValueError", "Failed to convert value into a JSON value")
        return {"application/json": rows["value"]} if command == "json" else table(rows["value"])

    def fresh(self):
        return self.repl.fresh()

    def interrupt(self):
        self.repl.interrupt()

    def complete(self, code, cursor):
        return list(self.repl.complete(code, cursor))


def type_of(value):
    kinds = ((type(None), "NULL_TYPE"), (bool, "BOOLEAN_TYPE"), (int, "BIGINT_TYPE"), (float, "DOUBLE_TYPE"),
             (str, "STRING_TYPE"), (list, "ARRAY_TYPE"), (dict, "MAP_TYPE"))
    return next(name for kind, name in kinds if isinstance(value, kind))


def table(value):
    """Livy's table of a Scala value: columns sorted by name as text."""
    rows = value if isinstance(value, list) else [value]
    types, data = {}, []
    for row in rows:
        cells = row if isinstance(row, dict) else dict(enumerate(row if isinstance(row, list) else [row]))
        cells = {str(name): cell for name, cell in cells.items()}
        for name, cell in cells.items():
            known, found = types.setdefault(name, type_of(cell)), type_of(cell)
            if known != found and "NULL_TYPE" not in (known, found):
                raise StatementError("TypeError", "table rows have different types")
            types[name] = found if known == "NULL_TYPE" else known
        data.append(cells)
    names = sorted(types)
    return {"application/vnd.livy.table.v1+json": {"headers": [{"type": types[n], "name": n} for n in names],
                                                   "data": [[cells.get(n) for n in names] for cells in data]}}
