"""Jobs of Livy's Python client: a function, pickled by cloudpickle, called with a context (livy.md 1.7)."""

import base64
import pickle
import traceback


class JobContext:
    """What a job is called with: the names of Livy's JobContext."""

    def __init__(self, session):
        self._spark = session.spark

    @property
    def sc(self):
        return self._spark.sparkContext

    @property
    def spark_session(self):
        return self._spark

    @property
    def sql_ctx(self):
        from pyspark.sql import SQLContext

        return SQLContext(self.sc, self._spark)

    hive_ctx = sql_ctx

    @property
    def local_tmp_dir_path(self):
        from pyspark import SparkFiles

        return SparkFiles.getRootDirectory()


def run(encoded, session):
    """The end of a job: state, result (base64 of base64 of the pickled value, as Livy has it) and error."""
    try:
        from pyspark import cloudpickle

        function = pickle.loads(base64.b64decode(encoded))
        value = cloudpickle.dumps(function(JobContext(session)))
        result = base64.b64encode(base64.b64encode(value)).decode()
        return {"state": "SUCCEEDED", "result": result, "error": None}
    except BaseException:
        return {"state": "FAILED", "result": None, "error": traceback.format_exc()}
