"""Estimates pi by throwing darts at a square: the first job to try on a new server.

Usage: pi.py [PARTITIONS]
"""

import random
import sys

from pyspark.sql import SparkSession

DARTS_PER_PARTITION = 100_000
PARTITIONS_MAX = 10_000


def darts_inside(partition):
    """How many of this partition's darts land inside the circle."""
    dice = random.Random(partition)
    return sum(dice.random() ** 2 + dice.random() ** 2 <= 1.0 for _ in range(DARTS_PER_PARTITION))


def main():
    partitions = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    if not 1 <= partitions <= PARTITIONS_MAX:
        sys.exit(f"pi.py: the number of partitions is {partitions}, but must be 1 to {PARTITIONS_MAX}")

    spark = SparkSession.builder.appName("pi").getOrCreate()
    try:
        print(f"Spark {spark.version} as {spark.sparkContext.applicationId}", flush=True)
        print(f"throwing {partitions * DARTS_PER_PARTITION} darts in {partitions} partitions", flush=True)
        inside = spark.sparkContext.parallelize(range(partitions), partitions).map(darts_inside).sum()
        print(f"{inside} of them are inside", flush=True)
        print(f"pi is roughly {4.0 * inside / (partitions * DARTS_PER_PARTITION):.5f}", flush=True)
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
