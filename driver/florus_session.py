"""What spark-submit runs for a session: see docs/session-protocol.md.

Settings come as Spark configuration, so that they reach a driver on any cluster: spark.florus.session.address,
.certificate, .id, .secret, .kind, .output-max, .orphan-timeout, .sql-rows.
"""

import os
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from florus.output import StatementError, no_r  # noqa: E402
from florus.python import Python  # noqa: E402
from florus.scala import Scala  # noqa: E402
from florus.session import Session  # noqa: E402
from florus.sql import Sql  # noqa: E402

PREFIX = "spark.florus.session."


class Settings:
    def __init__(self, conf):
        self.address = conf.get(PREFIX + "address")
        self.session = int(conf.get(PREFIX + "id"))
        self.secret = conf.get(PREFIX + "secret")
        self.certificate = conf.get(PREFIX + "certificate", None)
        self.kind = conf.get(PREFIX + "kind", "shared")
        self.output_max = int(conf.get(PREFIX + "output-max", str(1 << 20)))
        self.orphan_timeout_s = float(conf.get(PREFIX + "orphan-timeout", "86400"))
        self.sql_rows = int(conf.get(PREFIX + "sql-rows", "1000"))
        self.hive = conf.get(PREFIX + "hive", "false") == "true"


def build_spark(conf, settings, class_dir):
    from pyspark.sql import SparkSession

    conf.set("spark.repl.class.outputDir", class_dir)  # where executors find the classes of Scala statements
    builder = SparkSession.builder.config(conf=conf)
    return (builder.enableHiveSupport() if settings.hive else builder).getOrCreate()


def names_for_python(spark):
    from pyspark.sql import SQLContext

    return {"spark": spark, "sc": spark.sparkContext, "sqlContext": SQLContext(spark.sparkContext, spark)}


def main():
    from pyspark import SparkConf, SparkContext

    SparkContext._ensure_initialized()
    conf = SparkConf()
    settings = Settings(conf)
    work_dir = os.getcwd()
    class_dir = os.path.join(work_dir, "classes")
    os.makedirs(class_dir, exist_ok=True)
    session = Session(settings)
    session.start()
    try:
        spark = build_spark(conf, settings, class_dir)
    except Exception as error:
        traceback.print_exc()
        session.fail(str(error).split("\n")[0])
        return 1
    makers = {
        "pyspark": lambda: Python(names_for_python(spark)),
        "sql": lambda: Sql(spark, settings.sql_rows),
        "sparkr": no_r,
        "spark": lambda: Scala(spark, class_dir, work_dir, settings.output_max),
    }
    context = spark.sparkContext
    try:
        session.prepare(spark, makers, settings.kind)
    except StatementError as error:
        session.fail(str(error))
        return 1
    session.ready({"app_id": context.applicationId, "spark": context.version, "ui": context.uiWebUrl})
    session.run()
    spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
