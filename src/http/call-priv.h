/*
 * call-priv - what call.c (queue, deadlines), call-multi.c (libcurl on the loop), call-hop.c (one exchange of bytes),
 * call-follow.c (whether another follows) and call-ticket.c (Kerberos) share. A call is in one list at any time, or in
 * `done`; it has an easy handle of libcurl from its first hop on.
 */
#pragma once
#include "base/sbuf.h"
#include "http/call.h"
#include <curl/curl.h>
#include <sys/queue.h>

TAILQ_HEAD(call_list, http_call);

struct http_calls {
	struct loop *loop;
	CURLM *multi;
	CURLSH *share;            /* TLS sessions, and cookies for those who negotiate */
	struct loop_timer *timer; /* libcurl's */
	struct loop_timer *kick;  /* runs the queue on the loop's next turn */
	struct call_list waiting, running, ended;
	int waiting_count, running_count, ended_count;
	int busy;     /* inside an entry from the loop: frees are put off */
	bool in_curl; /* libcurl must not be called */
	bool dead;    /* http_calls_free() was called while busy */
	char *bearer;
	char **origins;              /* as call_origin() writes them; NULL-terminated */
	struct http_calls_options o; /* strings owned, origins unused */
};

struct http_call {
	TAILQ_ENTRY(http_call) entry;
	struct http_calls *owner;
	struct call_list *list; /* the one it is in; NULL: none */
	http_call_done_fn *done;
	void *arg;

	/* the request, as its present hop has it */
	char *method, *url, *origin;
	struct curl_slist *headers; /* the caller's */
	char *body;
	int body_fd; /* -1: none */
	int64_t body_len, body_at;
	int64_t deadline_ms, connect_ms, silence_ms; /* 0: none */
	int redirects_left, redirects_max;
	bool repeatable;
	bool ticket_anywhere;
	http_call_data_fn *data;
	struct loop_timer *timer;
	struct call_ticket *ticket; /* being fetched; NULL: none is */
	char *token;                /* NULL: not asked for */

	/* the present hop */
	CURL *easy;
	struct curl_slist *hop_headers, *connect_to;
	bool trusted;         /* its origin is given credentials */
	int64_t heard_ms;     /* when the last byte came or went */
	size_t headers_bytes; /* of this answer */
	bool headers_over, file_failed, resting, resume, cancelled;
	char why[CURL_ERROR_SIZE];

	struct sbuf answer_body;
	char *location;
	struct http_call_answer answer;
};

/* --- call-multi.c --- */

/* Around what calls `done` or `data`: in between, http_calls_free() only marks, and leaving frees. */
void calls_enter(struct http_calls *c);
void calls_leave(struct http_calls *c);

/* --- call.c --- */

void calls_run_queue(void *calls); /* ends what has ended, starts what may start */
void call_dispose_all(struct call_list *list);
bool call_is_word(const char *s); /* ASCII without blanks, not empty */

/* The answer is complete: `done` will be called by the queue. Takes the call out of libcurl. */
void call_end(struct http_call *call);

/* The same with an error. */
void call_fail(struct http_call *call, enum error_code code, const char *fmt, ...) PRINTF(3, 4);

void call_heard(struct http_call *call); /* a byte came or went */

/* --- call-hop.c --- */

/* "https://host:443" of a URL, to be freed; NULL: not an http or https one. */
char *call_origin(const char *url);

/* Sends the request as it stands. A failure is the end of the call. */
void hop_start(struct http_call *call);
void hop_leave(struct http_call *call); /* libcurl does no more for it; its header can still be asked for */
void hop_stop(struct http_call *call);  /* the same, and frees it. Both have no effect when there is none */

/* The absolute form of a Location, to be freed; NULL: there is none, or it makes no sense. */
char *hop_location(const struct http_call *call);

/* --- call-follow.c --- */

/* libcurl is through with the hop. */
void hop_ended(struct http_call *call, CURLcode code);

/* Takes the token; NULL: there is none, and e says why. */
void call_got_ticket(struct http_call *call, char *token, const struct error *e);

/* --- call-ticket.c --- */

/* Fetches one for the call's origin; call_got_ticket() is called later, unless it is forgotten. */
struct call_ticket *call_ticket_fetch(struct http_call *call);
struct call_ticket *call_ticket_forget(struct call_ticket *t); /* takes NULL; returns NULL */
char *call_token_free(char *token);                            /* takes NULL; returns NULL */
