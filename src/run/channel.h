/*
 * channel - what session drivers and florusd say to each other (docs/session-protocol.md).
 *
 * Drivers dial an abstract unix socket or, from other hosts, a port where TLS is spoken (run/secure.h); both sides
 * prove to know the session's secret before anything else is listened to. Then messages come and go, each an object of
 * JSON. A session has one channel at most: a driver that dials anew replaces its old connection. Nothing is queued for
 * a driver that is not there: who must be heard repeats it in `up`.
 *
 * What a driver sends is hostile input (run/frames.h): frames, nesting and waiting bytes have ceilings, and whoever
 * passes one is hung up on. Loop thread only. Callbacks come from the loop, never from inside a function of this file.
 */
#pragma once
#include "base/error.h"
#include "base/json.h"
#include "loop/loop.h"

enum {
	CHANNEL_VERSION = 1,
	CHANNEL_FRAME_MAX = 128 * 1024,         /* bytes of a message of a driver's: read while all others wait */
	CHANNEL_TEXT_MAX = 32 * 1024 * 1024,    /* … of a text that comes in parts, a bit in each */
	CHANNEL_HELLO_MAX = 16 * 1024,          /* … until it has proven itself */
	CHANNEL_WAITING_MAX = 64 * 1024 * 1024, /* bytes that wait to be read by it */
	CHANNEL_STRANGERS_MAX = 64, /* at either door that have not proven themselves; a further one is hung up on */
	CHANNEL_HELLO_MS = 10000,   /* how long they may take for it */
	CHANNEL_PROOF_HEX = 64,
	CHANNEL_NAME_MAX = 100,
};

struct channels;
struct channel;

struct channels_setup {
	const char *name;         /* of the abstract socket */
	const char *network_host; /* NULL: nobody comes from the network */
	int network_port;
	int dirfd; /* where the certificate for the network is kept; borrowed for the call */
	void *arg;

	/* The HMAC-SHA256 of the text with the session's secret, in hexadecimal; false: there is no such session. */
	bool (*prove)(void *arg, int64_t session, const char *text, char to[CHANNEL_PROOF_HEX + 1]);
	void (*up)(void *arg, int64_t session, struct channel *c, const struct jr *hello);
	/* `text`: what came in parts ahead of it, to be taken, or empty. All else is borrowed. */
	void (*message)(void *arg, int64_t session, const char *type, const struct jr *message, struct sbuf *text);
	void (*refused)(void *arg, int64_t session, const char *why); /* it said more than may be; `down` follows */
	void (*down)(void *arg, int64_t session); /* c is gone; not when another `up` of the session has come since */
};

/* ERR_CONFIG: the name or port is taken, or the certificate damaged; ERR_NO_SPACE. */
MUST_CHECK bool channels_new(struct loop *l, const struct channels_setup *setup, struct channels **ret,
			     struct error *e);
/* Of the certificate that drivers from the network must see; NULL: none come. */
const char *channels_fingerprint(const struct channels *all);
struct channels *channels_free(struct channels *all); /* hangs up, calls nothing; takes NULL; returns NULL */

/* Sends a JSON object. What cannot be sent ends the connection, and `down` says so later. */
void channel_send(struct channel *c, const char *json, size_t n);
bool channel_is_network(const struct channel *c); /* the driver may be on another host */
void channel_close(struct channel *c);            /* `down` follows */
