/* sessions-priv - what sessions.c, statements.c, requests.c, jobs.c and questions.c share. */
#pragma once
#include "auth/secret.h"
#include "run/channel.h"
#include "service/sessions.h"
#include "service/spares.h"

/* A statement in memory: one that is not over, or one of the latest. */
struct kept_statement {
	struct statement shown; /* its texts are owned */
	struct kept_statement *next;
	bool ending; /* its result is on its way to the disk */
	struct blob *view;
	char progress[24];
};

struct session {
	struct sessions *of;
	int64_t id;
	char key[24]; /* the id as text, for the map */
	char *kind, *app_id, *ui_url;
	char *fault; /* why it is ended, in the words of its log; NULL: it is not */
	enum state job;
	enum driver_state driver;
	bool in_cluster;                         /* its driver is on another host */
	bool ready;                              /* its driver has been idle once */
	int64_t starting_ms;                     /* clock_now_ms() since when it runs without being ready */
	struct channel *channel;                 /* NULL: not there now */
	bool loading, loaded;                    /* its statements are being read, were read */
	int64_t heartbeat_ms, idle_ms, ttl_ms;   /* 0: never too long */
	int64_t created_ms, touched_ms, used_ms; /* clock_now_ms(): made, last asked for, last statement */
	struct kept_statement *first, **last;
	int kept, unfinished;
	size_t kept_bytes, unfinished_bytes; /* of the code and output of all, of the code of those that are not over */
	bool trimmed;                        /* older ones are in the store alone */
	int64_t next_statement;
	struct question *questions; /* that wait for the driver */
	int questions_count;
	int64_t next_question;
	struct kept_job *jobs; /* the newest first */
	int jobs_count;
	size_t jobs_bytes; /* of their results and errors */
	int64_t next_job;
};

struct sessions {
	struct loop *loop;
	const struct config *config;
	struct store *store;
	struct batches *jobs;
	struct channels *channels;
	struct spares *spares;
	struct map *by_id;
	char *key, *driver, *socket_name;
	struct loop_timer *timer;
	struct copy *uploads;  /* that are being written */
	struct ending *judged; /* results that a thread of the pool looks at */
	bool stopping;
};

struct session *session_by_id(const struct sessions *s, int64_t id);
void session_used_at(struct session *en, int64_t wall_ms); /* known from the store: it was used then, if not later */

/* session-start.c */
void session_secret(const struct sessions *s, int64_t id, const char *nonce, char to[SECRET_DIGEST_HEX + 1]);
/* batches_kind.complete. ERR_INVALID: its driver could not reach us; ERR_TOO_LARGE. */
MUST_CHECK bool session_complete(void *arg, struct arena *a, const struct batch *job, bool in_cluster,
				 struct spec *spec, struct error *e);

/* session-ends.c */
const char *session_overdue(const struct session *en, int64_t now_ms); /* which limit it is over; NULL: none */
void session_end_if_late(struct session *en, int64_t now_ms);
void session_end_faulty(struct session *en, const char *why); /* its driver did what no honest one does */
/* batches_kind.explain */
void session_explain(void *arg, const struct batch *job, const struct attempt_report *end, struct sbuf *why);

/* statements.c */
struct kept_statement *statement_in_memory(const struct session *en, int64_t id);
struct kept_statement *statements_keep(struct session *en, int64_t id, const char *kind, const char *code);
void session_send_about(struct session *en, const char *type, int64_t id); /* {type, id}, if the driver is there */
void statements_send(struct session *en, const struct kept_statement *k);
void statements_load(struct session *en);     /* sets en->loaded, in the end */
void statements_send_all(struct session *en); /* to a driver that has come */
/* started, progress, result; `text`: what came in parts */
void statements_take(struct session *en, const char *type, const struct jr *message, struct sbuf *text);
void statements_end_all(struct session *en); /* the session is over: none of them will end by itself */
void statements_free_all(struct session *en);
void statements_stop(struct sessions *s); /* nothing more is stored of what the pool looks at */

/* requests.c; both in Livy's words (livy.md 1.2) */
/* The session, if statements may be sent to it now. */
struct session *session_find_active(struct sessions *s, const struct batch *job, struct error *e);
bool session_has_kind(const struct session *en, const char *kind, struct error *e); /* so that code can be run */

/* jobs.c */
void jobs_take(struct session *en, const struct jr *message, struct sbuf *text); /* job */
bool jobs_wait(const struct session *en);                                        /* is one not over? */
void jobs_expire(struct session *en, int64_t now_ms);
void jobs_disconnect(struct session *en); /* the driver is gone: whoever waits for its answer gets an error */
void jobs_end_all(struct session *en);    /* the session is over */
void jobs_free_all(struct session *en);

/* questions.c */
void questions_take(struct session *en, const struct jr *message); /* completion, added */
/* questions_add() of a path that is ours: it is not judged. */
void questions_add_resolved(struct sessions *s, int64_t session, const char *what, const char *uri, question_fn *fn,
			    void *arg);
void questions_expire(struct session *en, int64_t now_ms);
void questions_end_all(struct session *en); /* the driver is gone: it will not answer them */
