/*
 * hdfs - files in HDFS, by WebHDFS: of name nodes, of HttpFS, or behind a gateway that speaks it.
 *
 *     hdfs_put(h, &(struct hdfs_put){ .path = "/user/etl/x.zip", .mode = 0644, .bytes = zip, .len = n },
 *              "etl", on_put, me);
 *
 * Each question ends in exactly one `done`, unless it is cancelled; `done` is never called inside the function that
 * asks. Of several name nodes the one that answered last is asked first. One that is in standby, in safe mode, or does
 * not answer has the next one asked, until each was asked once. All questions but a rename may so be carried out twice,
 * which changes nothing.
 *
 * Paths are absolute and as people write them ("/a b/ü#1"): they are encoded here. One with an empty part, "." or ".."
 * is refused. Bytes go to the data node that the name node says. Credentials go to the name nodes only; what a data
 * node must know of the user is in the URL that the name node made.
 *
 * Loop thread only. All that is passed in is copied; a descriptor is duplicated, and its file must stay as it is until
 * `done`.
 */
#pragma once
#include "base/error.h"
#include "http/call.h"

enum {
	HDFS_NODES_MAX = 8,
	HDFS_PATH_MAX = 8000,      /* bytes; HDFS's own ceiling counts characters */
	HDFS_TIMEOUT_MS = 15000,   /* of a question to one name node */
	HDFS_SILENCE_MS = 60000,   /* of a data node that takes bytes: it may have to wait for others */
	HDFS_PUT_MS = 3600 * 1000, /* of all bytes of a file */
	HDFS_PUTS_MAX = 3,         /* data nodes that are tried, as the name node chooses them */
	HDFS_REDIRECTS_MAX = 3,
};

struct hdfs;
struct hdfs_call;

struct hdfs_options {
	const char *urls; /* of name nodes, separated by commas: "http://nn1:9870,http://nn2:9870" */
	const char *user; /* user.name of simple authentication; NULL: none is sent */
	const struct http_calls_options
		*http; /* loop, trust, credentials; its origins are not looked at, they are `urls` */
};

/* ERR_CONFIG: urls are none, or too many; and the errors of http_calls_new(). */
MUST_CHECK bool hdfs_new(const struct hdfs_options *o, struct hdfs **ret, struct error *e);
struct hdfs *hdfs_free(struct hdfs *h); /* cancels every question; also inside a `done`; takes NULL; returns NULL */

struct hdfs_status {
	int64_t length, modified_ms; /* exactly as HDFS says: YARN compares them */
	bool dir;
	int mode;                  /* permission bits, such as 0644 */
	const char *owner, *group; /* borrowed, until `done` returns */
};

struct hdfs_answer {
	/*
	 * ERR_NONE; ERR_INVALID: not a path, or HDFS does not take the question; ERR_FORBIDDEN: HDFS does not let that
	 * user, or does not know us; ERR_NOT_FOUND; ERR_CONFLICT: something else is there; ERR_NO_SPACE: a quota is
	 * used up; ERR_UNAVAILABLE: none of the name nodes can answer, or the data node did not; the others are those
	 * of http_call_answer.
	 */
	struct error error;
	bool yes;                  /* stat: it is there; remove: it was there; rename: it is done; else true */
	struct hdfs_status status; /* of stat, when it is there */
	const char *home;          /* of home: borrowed, until `done` returns */
	const char *token;         /* of token: the same; a secret */
};

/* The question is gone when this is called: it must not be cancelled any more. It may ask, and cancel, others. */
typedef void hdfs_done_fn(void *arg, const struct hdfs_answer *a);

/* In all of them, `as` is whom it is done for (doas); NULL: for ourselves. Never NULL. */
struct hdfs_call *hdfs_mkdirs(struct hdfs *h, const char *path, int mode, const char *as, hdfs_done_fn *done,
			      void *arg); /* with its parents; fine when it is there, whose mode is then left alone */
struct hdfs_call *hdfs_stat(struct hdfs *h, const char *path, const char *as, hdfs_done_fn *done, void *arg);
struct hdfs_call *hdfs_remove(struct hdfs *h, const char *path, bool recursive, const char *as, hdfs_done_fn *done,
			      void *arg);
struct hdfs_call *hdfs_home(struct hdfs *h, const char *as, hdfs_done_fn *done, void *arg);
/* Atomic. Not `yes` when HDFS says no: `to` is there as a file, or its directory or `path` is not. */
struct hdfs_call *hdfs_rename(struct hdfs *h, const char *path, const char *to, const char *as, hdfs_done_fn *done,
			      void *arg);

/*
 * A new delegation token for Hadoop's own clients, which `renewer` (a principal) may renew and cancel. service: whom it
 * is shown to, when that is not this one name node; NULL: what that calls itself.
 */
struct hdfs_call *hdfs_token(struct hdfs *h, const char *renewer, const char *service, const char *as,
			     hdfs_done_fn *done, void *arg);

struct hdfs_put {
	const char *path; /* replaced when it is there; directories above it are made */
	int mode;
	const void *bytes; /* the content; or, when fd_len > 0, */
	size_t len;
	int fd; /* the first fd_len bytes of this local file, which are never in memory at once */
	int64_t fd_len;
};
struct hdfs_call *hdfs_put(struct hdfs *h, const struct hdfs_put *put, const char *as, hdfs_done_fn *done, void *arg);

/* `done` is not called any more. HDFS may carry it out, or may have. Takes NULL. */
void hdfs_cancel(struct hdfs_call *call);
