/* yarn-upload - the files of a job, into HDFS. Private to the YARN backend. */
#pragma once
#include "cluster/yarn/making.h"

/* Brings the files of the plan there, and learns their sizes and times; then done(), or the job was refused. */
void yarn_upload(struct cluster_app *app, yarn_making_fn *done);
