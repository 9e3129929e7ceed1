"""Batches on a real Spark, in local mode: what is computed, how it ends, how it is killed, what a restart does."""

import json
import os
import subprocess
import zipfile

from gateway import alive, until

SESSION = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n"


def javas(gateway):
    """The pids of the Java processes that run for this gateway."""
    found = []
    for pid in gateway.processes():
        try:
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "java":
                found.append(pid)
        except OSError:
            continue
    return found


def test_a_job_that_succeeds_computes_what_it_should(run, program):
    _, _, log = run(
        program(
            SESSION
            + """
total = spark.range(1, 1001).selectExpr("sum(id * id) as s").collect()[0]["s"]
print("the sum is", total)
spark.stop()
"""
        ),
        "success",
    )
    assert "the sum is 333833500" in log.splitlines()


def test_exit_status_3_is_dead(run, program):
    _, _, log = run(
        program(
            SESSION
            + """
print("rows:", spark.range(7).count(), flush=True)
import sys
sys.exit(3)
"""
        ),
        "dead",
    )
    assert "rows: 7" in log.splitlines()


def test_an_exception_is_dead_and_its_traceback_is_in_the_log(run, program):
    _, _, log = run(program(SESSION + "raise ValueError('no such luck: é😀')\n"), "dead")
    assert "ValueError: no such luck: é😀" in log


def test_a_failing_stage_is_dead(run, program):
    _, _, log = run(
        program(SESSION + "spark.sparkContext.parallelize([1, 0]).map(lambda n: 1 // n).collect()\n"), "dead"
    )
    assert "ZeroDivisionError" in log


def test_a_file_that_is_not_there_is_dead(run, spark):
    _, _, log = run(str(spark.files / "missing.py"), "dead")
    assert "missing.py" in log


def test_a_delete_leaves_no_java_behind(spark, program, submitted):
    batch = submitted(
        program(
            SESSION
            + """
print("counting", flush=True)
spark.sparkContext.parallelize(range(4), 4).foreach(lambda n: __import__("time").sleep(3600))
"""
        ),
        "counting",
    )
    pids = javas(spark)
    assert pids and spark.state_of(batch) == "running"
    answer = spark.delete(f"/batches/{batch}")
    assert (answer.status, answer.body) == (200, {"msg": "deleted"})
    assert not any(map(alive, pids)) and not javas(spark)
    assert spark.get(f"/batches/{batch}").status == 404


def test_py_files_conf_and_awkward_args_arrive(spark, run, program):
    helper = program("def double(n):\n    return 2 * n\n", "florus_helper.py")
    package = spark.files / "florus_package.zip"
    with zipfile.ZipFile(package, "w") as z:
        z.writestr("florus_package/__init__.py", "WORD = 'packed'\n")
    args = ["two words", "😀 é", "", '"quoted"', "$HOME `id` $(id)", "--master", "a=b;c", "*"]
    batch, _, log = run(
        program(
            SESSION
            + """
import json, sys
from florus_helper import double
from florus_package import WORD
conf = spark.sparkContext.getConf()
doubled = spark.sparkContext.parallelize([1, 2, 3]).map(double).sum()
print("SEEN " + json.dumps({
    "args": sys.argv[1:], "word": WORD, "doubled": doubled, "master": spark.sparkContext.master,
    "awkward": conf.get("spark.test.awkward"), "number": conf.get("spark.test.number"),
    "memory": conf.get("spark.driver.memory")}))
"""
        ),
        "success",
        args=args,
        pyFiles=[helper, str(package)],
        driverMemory="640m",
        name="awkward 😀",
        conf={"spark.test.awkward": "x = 'y' 😀", "spark.test.number": 5},
    )
    seen = json.loads(next(line for line in log.splitlines() if line.startswith("SEEN "))[5:])
    assert seen == {
        "args": args,
        "word": "packed",
        "doubled": 12,
        "awkward": "x = 'y' 😀",
        "number": "5",
        "master": "local[1]",
        "memory": "640m",
    }
    assert spark.get(f"/batches/{batch}").body["name"] == "awkward 😀"


def test_the_name_is_the_application_name(run, program):
    _, _, log = run(program(SESSION + 'print("app:", spark.sparkContext.appName)\n'), "success", name="nightly report")
    assert "app: nightly report" in log.splitlines()


def test_files_are_in_the_jobs_reach(spark, run, program):
    data = spark.files / "numbers.txt"
    data.write_text("1\n2\n39\n")
    _, _, log = run(
        program(
            SESSION
            + """
from pyspark import SparkFiles
print("sum:", sum(int(line) for line in open(SparkFiles.get("numbers.txt"))))
"""
        ),
        "success",
        files=[str(data)],
    )
    assert "sum: 42" in log.splitlines()


def test_a_jar_job(spark, spark_home, run):
    source = spark.files / "org" / "example" / "Count.java"
    source.parent.mkdir(parents=True)
    source.write_text("""package org.example;

import org.apache.spark.sql.SparkSession;

public final class Count {
	public static void main(String[] args) throws Exception {
		try (SparkSession spark = SparkSession.builder().getOrCreate()) {
			long even = spark.range(Long.parseLong(args[0])).filter("id % 2 = 0").count();
			System.out.println(args[1] + even);
		}
	}
}
""")
    subprocess.run(
        ["javac", "--release", "17", "-cp", f"{spark_home}/jars/*", "-d", str(spark.files), str(source)], check=True
    )
    jar = spark.files / "count.jar"
    with zipfile.ZipFile(jar, "w") as z:
        z.write(spark.files / "org" / "example" / "Count.class", "org/example/Count.class")
    _, _, log = run(str(jar), "success", className="org.example.Count", args=["1001", "even 😀: "])
    assert "even 😀: 501" in log.splitlines()


def test_a_class_that_is_not_in_the_jar_is_dead(spark, run):
    jar = spark.files / "empty.jar"
    with zipfile.ZipFile(jar, "w") as z:
        z.writestr("nothing.txt", "")
    _, _, log = run(str(jar), "dead", className="org.example.Missing")
    assert "org.example.Missing" in log


def test_a_job_outlives_the_death_of_the_daemon(spark, program, submitted):
    go = spark.root / "go"
    batch = submitted(
        program(
            SESSION
            + f"""
import os, time
print("line 0", flush=True)
while not os.path.exists({str(go)!r}):
    time.sleep(0.05)
for n in range(1, 301):
    print("line", n, spark.range(n).count() if n % 100 == 0 else n, flush=True)
"""
        ),
        "line 0",
    )
    spark.kill9()
    assert javas(spark), "Spark goes on"
    go.touch()
    spark.start()
    assert spark.wait(batch, timeout=60) == "success"
    lines = [line for line in spark.log(batch) if line.startswith("line ")]
    assert lines == ["line 0", *(f"line {n} {n}" for n in range(1, 301))]


def test_a_job_that_ends_while_the_daemon_is_away_keeps_its_end(spark, program, submitted):
    go = spark.root / "go-3"
    batch = submitted(
        program(
            SESSION
            + f"""
import os, sys, time
print("waiting", flush=True)
while not os.path.exists({str(go)!r}):
    time.sleep(0.05)
print("over", flush=True)
sys.exit(3)
"""
        ),
        "waiting",
    )
    spark.kill9()
    go.touch()
    until(lambda: not javas(spark), 30, "Spark ends")
    spark.start()
    assert spark.wait(batch) == "dead"
    assert "over" in spark.log(batch)
