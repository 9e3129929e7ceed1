/*
 * yarn-spec - what a Spark job on YARN is made of: the files its containers get, its configuration's archive, and the
 * context that the resource manager takes. Pure; all texts belong to the arena given.
 *
 * As Spark's own client makes them in cluster mode (yarn/Client.scala, ClientDistributedCacheManager.scala, 3.3-4.x).
 */
#pragma once
#include "base/error.h"
#include "base/sbuf.h"
#include "model/submission.h"

enum {
	YARN_FILES_MAX = 2048,            /* of one job */
	YARN_CONTEXT_MAX = 1024 * 1024,   /* bytes of the context; the resource manager keeps it in its state store */
	YARN_CONF_MAX = 16 * 1024 * 1024, /* bytes of the archive of the configuration */
	YARN_ARGUMENT_MAX = 128 * 1024,   /* bytes: the command is one argument of a shell on the node */
};

/*
 * For all files: read by the node as the job's user. PUBLIC would need that everybody may read them and all directories
 * above.
 */
#define YARN_VISIBILITY "PRIVATE"

/* What is the same for all jobs of a cluster. Strings are borrowed. */
struct yarn_site {
	const char *fs; /* its default file system: "hdfs://host:port" or "hdfs://nameservice", no slash at the end */
	const char *version; /* of its Spark; NULL: unknown */
	const char
		*python_dir; /* of this host: where pyspark.zip and py4j lie, $SPARK_HOME/python/lib; NULL: nowhere */
	const char *pyspark_kept, *py4j_kept; /* see yarn_file.kept */
	const char *py4j;                     /* the name there: "py4j-0.10.9.9-src.zip"; NULL: none */
	bool secure;           /* it wants Kerberos: containers read HDFS by a token that goes along with the job */
	const char *others[2]; /* secure: whose tokens, too, Spark's client would get, by Java alone: "hive"; or NULL */
	const char *libs; /* name of the archive of our Spark's jars, for jobs that name none; NULL: there is none */
	struct spec_pair
		env[3]; /* PYSPARK_PYTHON and its like, as spark-submit would pass them on; key NULL: not set */
};

/* A file that the containers get. */
struct yarn_file {
	const char *local; /* its path on this host, when it must be uploaded; NULL: it is in HDFS, or made (kept) */
	const char *path;  /* in HDFS; NULL: not yet, as it is local */
	const char *link;  /* its name in the container's directory */
	bool archive;      /* unpacked there */
	bool am_only;      /* the driver's alone */
	const char *
		kept; /* its name among the files that many jobs share and that are brought once; NULL: it is not one */
	/* As HDFS has it, exact to the millisecond and the byte, else YARN refuses it. */
	int64_t size, mtime_ms;
};

struct yarn_plan {
	struct yarn_file *files;
	size_t count;
	const char *app_jar;     /* "local:" URI of the program, or NULL */
	const char *jar;         /* the program as it was given; NULL: Python */
	const char *python;      /* the name of the program in the container; NULL: not Python */
	const char *class_path;  /* "local:" entries of spark.yarn.jars, "<CPS>" before each; "" */
	const char *own_jars;    /* the same, separated by commas */
	const char *secondary;   /* spark.yarn.secondary.jars; "" */
	const char *python_path; /* PYTHONPATH of driver and executors; NULL: not Python */
};

/*
 * Which files, and how they are called. ERR_INVALID with what only spark-submit can do, as cluster_native_reason()
 * words it; ERR_TOO_LARGE when the arena is full.
 */
MUST_CHECK bool yarn_plan(struct arena *a, const struct submission *s, const struct yarn_site *site,
			  struct yarn_plan *ret, struct error *e);

/* --- of one job, once it has an id --- */

struct yarn_job {
	const struct submission *s;
	const struct yarn_site *site;
	const struct yarn_plan *plan;
	const char *app_id;
	const char *user;      /* whose it is: SPARK_USER */
	const char *us;        /* who gives it: may see and kill it, too */
	const char *staging;   /* path in HDFS of its own directory */
	const char *tags;      /* "a,b" */
	struct yarn_file conf; /* the archive of its configuration, in place */
	const char *token;     /* for HDFS, as WebHDFS writes it; NULL: none goes along */
	const char *token_service;
};

/* The text of __spark_conf__.properties, and of __spark_dist_cache__.properties; plan's files are in place by then. */
void yarn_properties(struct arena *a, const struct yarn_job *job, struct sbuf *out);
void yarn_dist_cache(const struct yarn_job *job, struct sbuf *out);

/* The XML that is POSTed. False: over YARN_CONTEXT_MAX, or a size of memory is none. */
MUST_CHECK bool yarn_context(const struct yarn_job *job, struct sbuf *out);

void yarn_xml_text(struct sbuf *out, const char *s);

/* --- shell.c --- */

/*
 * As one word of the command that YARN gives to bash -c "…". Spark's client lets `…` be executed there, and loses
 * backslashes.
 */
void yarn_shell_word(struct sbuf *out, const char *word);
/*
 * The same for what reaches the program as it is: nodes replace {{X}}, <CPS> and <LOG_DIR> in a command, so that ''
 * keeps these apart.
 */
void yarn_shell_argument(struct sbuf *out, const char *word);
/* Splits options as Spark does (Utils.splitCommandString) and appends each as a word, with a blank before. */
void yarn_shell_options(struct sbuf *out, const char *options);
