/* yarn-sweep - what a job leaves in HDFS. Private to the YARN backend. */
#pragma once
#include "cluster/backend.h"

/* backend.h's clean(): its staging directory may go. */
void yarn_clean(struct cluster_app *app);
