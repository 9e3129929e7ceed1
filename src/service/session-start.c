/*
 * session-start - what the submission of a session says beyond its request: the program, and what that is told
 * (docs/session-protocol.md).
 */
#include "auth/secret.h"
#include "base/str.h"
#include "service/sessions-priv.h"
#include <stdio.h>
#include <string.h>

enum { SECRET_TEXT_MAX = 1024, ADDRESS_MAX = 512, TOLD_MAX = 16 };

/* Nothing is stored: who has the key of this state directory can derive it again. */
void session_secret(const struct sessions *s, int64_t id, const char *nonce, char to[SECRET_DIGEST_HEX + 1])
{
	_sbuf_ struct sbuf text = SBUF_INIT(SECRET_TEXT_MAX);
	struct digest d;

	sbuf_addf(&text, "session\n%s\n%lld\n%s", s->key, (long long)id, nonce);
	secret_sha256(text.data, text.len, &d);
	secret_to_hex(&d, to);
}

struct told {
	struct arena *arena;
	struct spec_pair pairs[TOLD_MAX];
	size_t count;
};

static void tell(struct told *t, const char *key, const char *value)
{
	t->pairs[t->count++] = (struct spec_pair){ key, arena_strdup(t->arena, value) };
}

static void tell_number(struct told *t, const char *key, int64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%lld", (long long)n);
	tell(t, key, text);
}

/* A driver on another host comes by the network; one here too, when that is how it must reach us. */
static bool tell_address(const struct sessions *s, struct told *t, bool in_cluster, struct error *e)
{
	_sbuf_ struct sbuf address = SBUF_INIT(ADDRESS_MAX);
	const char *fingerprint = channels_fingerprint(s->channels);
	bool by_network = in_cluster || s->config->florus_session_dial == SESSION_DIAL_NETWORK;

	if (by_network && !fingerprint)
		return error_set(
			e, ERR_INVALID,
			"Rejected, Reason: the driver of a session in cluster mode could not reach this server; set "
			"florus.session.address = host:port there, or ask for deploy mode client.");
	if (!by_network) {
		sbuf_addf(&address, "unix:@%s", s->socket_name);
	} else {
		sbuf_addf(&address, "tls:%s", s->config->florus_session_address);
		tell(t, "spark.florus.session.certificate", fingerprint);
	}
	tell(t, "spark.florus.session.address", sbuf_str(&address));
	return true;
}

/* Its end is known by that of spark-submit, which therefore has to wait for it. */
static void tell_cluster(struct told *t)
{
	tell(t, "spark.yarn.submit.waitAppCompletion", "true");
	tell(t, "spark.kubernetes.submission.waitAppCompletion", "true");
}

static bool tell_all(const struct sessions *s, struct told *t, const struct batch *job, const struct spec *spec,
		     bool in_cluster, struct error *e)
{
	char secret[SECRET_DIGEST_HEX + 1];

	if (!tell_address(s, t, in_cluster, e))
		return false;
	session_secret(s, job->id, job->nonce, secret);
	tell_number(t, "spark.florus.session.id", job->id);
	tell(t, "spark.florus.session.secret", secret);
	tell(t, "spark.florus.session.kind", spec->kind);
	tell_number(t, "spark.florus.session.output-max", s->config->florus_session_output_max_bytes);
	tell_number(t, "spark.florus.session.sql-rows", s->config->livy_rsc_sql_num_rows);
	tell(t, "spark.florus.session.hive", s->config->livy_repl_enable_hive_context ? "true" : "false");
	if (in_cluster)
		tell_cluster(t);
	return true;
}

static bool add_conf(struct arena *a, struct spec *spec, const struct told *t)
{
	struct spec_pair *all = arena_alloc(a, (spec->conf_count + t->count) * sizeof *all);

	if (!all)
		return false;
	if (spec->conf_count)
		memcpy(all, spec->conf, spec->conf_count * sizeof *all);
	memcpy(all + spec->conf_count, t->pairs, t->count * sizeof *all);
	spec->conf = all;
	spec->conf_count += t->count;
	return true;
}

/* What the program imports is beside it here, and has to travel there. */
static bool add_package(struct arena *a, struct spec *spec, const char *package)
{
	const char **all = arena_alloc(a, (spec->py_files.count + 1) * sizeof *all);

	if (!all)
		return false;
	all[0] = package; /* first: a user's module of the same name is not ours */
	if (spec->py_files.count)
		memcpy(all + 1, spec->py_files.items, spec->py_files.count * sizeof *all);
	spec->py_files.items = all;
	spec->py_files.count++;
	return true;
}

bool session_complete(void *arg, struct arena *a, const struct batch *job, bool in_cluster, struct spec *spec,
		      struct error *e)
{
	const struct sessions *s = arg;
	struct told told = { .arena = a };
	char name[64];

	if (!tell_all(s, &told, job, spec, in_cluster, e))
		return false;
	(void)snprintf(name, sizeof name, "livy-session-%lld", (long long)job->id);
	spec->file = s->driver;
	if (!spec->name)
		spec->name = arena_strdup(a, name);
	if (!add_conf(a, spec, &told) || (in_cluster && !add_package(a, spec, s->config->florus_session_package)) ||
	    !arena_ok(a))
		return error_set(e, ERR_TOO_LARGE, "the submission is too large");
	return true;
}
