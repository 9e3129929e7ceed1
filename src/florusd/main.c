/*
 * florusd - wiring only: read the configuration, build the parts in order, run the loop, take them down in reverse.
 */
#include "api/api.h"
#include "auth/auth.h"
#include "base/log.h"
#include "base/str.h"
#include "florusd/statedir.h"
#include "service/rules.h"
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { OVERRIDES_MAX = 256, GO_TIMEOUT_MS = 30000, STATE_PATH_MAX = 4096, HEADER_PAIRS = 6 };
/* What is freed and as large as this goes back to the system; glibc would come to keep blocks of up to 32 MiB. */
enum { LARGE_BLOCK_BYTES = 1024 * 1024 };

/* Where one kind of job is kept. */
struct place {
	char path[STATE_PATH_MAX];
	struct statedir dir;
	struct runner *runner;
	struct store *store;
};

struct florusd {
	struct config *config;
	struct loop *loop;
	struct place of_batches, of_sessions; /* the second below the first */
	struct access *access;
	struct batches *batches;
	struct sessions *sessions;
	struct api api;
	struct http_server *server;
	const char *headers[2 * HEADER_PAIRS + 1];
	bool stopping, failed;
};

/* --- command line --- */

struct options {
	const char *file;
	const char *overrides[OVERRIDES_MAX + 1];
	int override_count;
	bool check, dump;
};

static const char usage[] =
	"usage: florusd [-c FILE] [-o KEY=VALUE]... [--check | --dump-config | --help-config | --version]\n"
	"  -c FILE         read options from FILE (a Livy livy.conf works as it is)\n"
	"  -o KEY=VALUE    set one option; wins over the file and the environment\n"
	"  --check         say whether the configuration is good, and stop\n"
	"  --dump-config   print the options in force and where each came from, and stop\n"
	"  --help-config   print every option with its default, and stop\n";

static int complain(const char *what)
{
	(void)fprintf(stderr, "florusd: %s\n%s", what, usage);
	return 2;
}

/* -1: go on; otherwise the exit status. */
static int parse_args(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (str_eq(arg, "--version"))
			return printf("florusd %s\n", FLORUS_VERSION) < 0;
		if (str_eq(arg, "--help") || str_eq(arg, "-h"))
			return fputs(usage, stdout) < 0;
		if (str_eq(arg, "--help-config")) {
			config_help(stdout);
			return 0;
		}
		if (str_eq(arg, "--check")) {
			o->check = true;
		} else if (str_eq(arg, "--dump-config")) {
			o->dump = true;
		} else if (str_eq(arg, "-c") && value) {
			o->file = value;
			i++;
		} else if (str_eq(arg, "-o") && value) {
			if (o->override_count == OVERRIDES_MAX)
				return complain("too many -o options");
			o->overrides[o->override_count++] = value;
			i++;
		} else {
			return complain(str_eq(arg, "-c") || str_eq(arg, "-o") ? "-c and -o need a value"
									       : "unknown option");
		}
	}
	return -1;
}

/* --- building up --- */

static void warn_config(void *arg, const char *text)
{
	(void)arg;
	log_warn("configuration", LOG_STR("note", text));
}

static void stop(void *arg)
{
	struct florusd *d = arg;

	loop_stop(d->loop);
}

static void on_term(void *arg)
{
	struct florusd *d = arg;

	if (d->stopping)
		return;
	d->stopping = d->api.draining = true;
	log_info("stopping: jobs go on");
	http_server_drain(d->server, stop, d);
}

static void on_store_lost(void *arg)
{
	struct florusd *d = arg;

	log_error("the store failed repeatedly: stopping, so that a fresh start can read what is on the disk");
	d->failed = true;
	loop_stop(d->loop);
}

static bool has_tls(const struct config *c)
{
	return !str_empty(c->florus_tls_cert);
}

static struct http_tls_files tls_files(const struct config *c)
{
	return (struct http_tls_files){ c->florus_tls_cert, c->florus_tls_key, c->florus_tls_client_ca,
					c->florus_tls_priorities };
}

static void tell_reread(bool ok, const char *fresh, const char *kept, const struct error *e)
{
	if (ok)
		log_info(fresh);
	else
		log_error(kept, LOG_STR("reason", e->msg));
}

static void on_hup(void *arg)
{
	struct florusd *d = arg;
	struct error e = { 0 };

	tell_reread(batches_reload(d->batches, &e) && batches_reload(sessions_jobs(d->sessions), &e),
		    "spark-blacklist.conf read anew; restart florusd to change options (jobs go on)",
		    "the denied conf keys stay as they were", &e);
	if (d->api.auth)
		tell_reread(auth_reload(d->api.auth, &e), "users and tokens read anew",
			    "users and tokens stay as they were", &e);
	if (has_tls(d->config))
		tell_reread(http_server_reload(d->server, &e), "certificate and key read anew",
			    "certificate and key stay as they were", &e);
}

/* As many descriptors as we may have: a connection is one, a running job two. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		log_warn("cannot raise the limit of open files", LOG_INT("limit", files.rlim_max));
}

/* Our memory holds secrets of all users: no core dump, no look into it for a job of the same user. */
static void keep_memory_private(void)
{
	struct rlimit core;

	(void)prctl(PR_SET_DUMPABLE, 0);
	if (getrlimit(RLIMIT_CORE, &core) == 0) {
		core.rlim_cur = 0;
		(void)setrlimit(RLIMIT_CORE, &core);
	}
}

static void security_headers(struct florusd *d)
{
	const struct config *c = d->config;
	const char *const pairs[][2] = {
		{ "X-Content-Type-Options", c->livy_server_http_header_x_content_type_options },
		{ "X-Frame-Options", c->livy_server_http_header_x_frame_options },
		{ "X-XSS-Protection", c->livy_server_http_header_x_xss_protection },
		{ "Content-Security-Policy", c->livy_server_http_header_content_security_policy },
		{ "Strict-Transport-Security",
		  has_tls(c) ? c->livy_server_http_header_strict_transport_security : NULL },
	};
	size_t n = 0;

	for (size_t i = 0; c->livy_server_security_headers_enabled && i < ARRAY_LEN(pairs); i++) {
		if (str_empty(pairs[i][1]))
			continue;
		d->headers[n++] = pairs[i][0];
		d->headers[n++] = pairs[i][1];
	}
}

static bool start_auth(struct florusd *d, struct error *e)
{
	const struct config *c = d->config;
	const struct auth_config auth = {
		.type = c->livy_server_auth_type,
		.users_file = c->florus_auth_users_file,
		.tokens_file = c->florus_auth_tokens_file,
		.proxy_header = c->florus_auth_proxy_header,
		.proxy_peers = c->florus_auth_proxy_peers,
		.cache_ms = c->florus_auth_cache_ms,
		.ldap_url = c->livy_server_auth_ldap_url,
		.ldap_base_dn = c->livy_server_auth_ldap_base_dn,
		.ldap_domain = c->livy_server_auth_ldap_username_domain,
		.ldap_start_tls = c->livy_server_auth_ldap_enable_start_tls,
		.kerberos_principal = c->livy_server_auth_kerberos_principal,
		.kerberos_keytab = c->livy_server_auth_kerberos_keytab,
		.kerberos_name_rules = c->livy_server_auth_kerberos_name_rules,
		.cookie_ms = c->florus_auth_cookie_ms,
		.cookie_only_tls = has_tls(c),
	};

	return str_empty(c->livy_server_auth_type) || auth_new(d->loop, &auth, &d->api.auth, e);
}

static void start_access(struct florusd *d)
{
	const struct config *c = d->config;
	const struct access_lists lists = {
		.control = c->livy_server_access_control_enabled,
		.impersonation = c->livy_impersonation_enabled,
		.superusers = c->livy_superusers,
		.modify_users = c->livy_server_access_control_modify_users,
		.view_users = c->livy_server_access_control_view_users,
		.allowed_users = c->livy_server_access_control_allowed_users,
	};

	d->access = access_new(&lists);
}

static bool start_http(struct florusd *d, struct error *e)
{
	const struct config *c = d->config;
	const struct http_config http = {
		.host = c->livy_server_host,
		.port = c->livy_server_port,
		.header_max_bytes = c->livy_server_request_header_size_bytes,
		.body_max_bytes = c->florus_http_body_max_bytes,
		.upload_max_bytes = c->livy_file_upload_max_size,
		.spool_dirfd = d->of_sessions.dir.run_fd,
		.connections_max = c->florus_http_connections_max,
		.connections_per_address = c->florus_http_connections_per_address,
		.courtesy = { api_is_exempt, api_is_urgent, api_is_upload },
		.header_timeout_ms = c->florus_http_header_timeout_ms,
		.body_timeout_ms = c->florus_http_body_timeout_ms,
		.reply_timeout_ms = c->florus_http_reply_timeout_ms,
		.idle_timeout_ms = c->florus_http_idle_timeout_ms,
		.tls = tls_files(c),
		.headers = d->headers,
	};

	security_headers(d);
	d->api.config = c;
	d->api.batches = d->batches;
	d->api.sessions = d->sessions;
	d->api.access = d->access;
	d->api.store = d->of_batches.store;
	d->api.sessions_store = d->of_sessions.store;
	return http_server_new(d->loop, &http, api_handle, &d->api, &d->server, e) &&
	       statedir_publish(&d->of_batches.dir, has_tls(c) ? "https" : "http", c->livy_server_host,
				http_server_port(d->server), c->florus_http_base_path, e);
}

static void warn_ids(const struct florusd *d)
{
	if (store_ids_lost(d->of_batches.store) > 0)
		log_warn(
			"the store is an older copy: ids that it knows nothing of were given before and are not given again",
			LOG_INT("lost", store_ids_lost(d->of_batches.store)),
			LOG_INT("next", store_next_id(d->of_batches.store)));
}

/* The store comes later: a launcher must not have it. */
static bool open_place(const struct florusd *d, const char *below, struct place *place, struct error *e)
{
	const struct config *c = d->config;

	if (snprintf(place->path, sizeof place->path, "%s%s", c->florus_state_dir, below) >= (int)sizeof place->path)
		return error_set(e, ERR_CONFIG, "florus.state-dir is too long");
	if (!statedir_open(place->path, &place->dir, e))
		return false;
	if (!str_eq(c->florus_launch_run_as, "self") && !statedir_let_pass(&place->dir, e))
		return false;
	const struct runner_config run = { c->florus_launch_shim, place->dir.run_fd, c->florus_kill_grace_ms,
					   GO_TIMEOUT_MS, c->florus_log_max_bytes };
	return runner_new(d->loop, &run, &place->runner, e);
}

static void close_place(struct place *place)
{
	if (place->dir.fd > 0)
		statedir_close(&place->dir);
}

static bool start_batches(struct florusd *d, const char *const *env, struct error *e)
{
	char instance[STATEDIR_INSTANCE_HEX + 1], key[STATEDIR_KEY_HEX + 1];
	bool shares = !str_empty(d->config->florus_share_url);
	const struct batches_setup setup = { .loop = d->loop,
					     .config = d->config,
					     .env = env,
					     .store = d->of_batches.store,
					     .runner = d->of_batches.runner,
					     .run_dirfd = d->of_batches.dir.run_fd,
					     .access = d->access,
					     .instance = instance,
					     .share_key = shares ? key : NULL,
					     .fatal = on_store_lost,
					     .fatal_arg = d };

	bool ok = (!shares || statedir_key(&d->of_batches.dir, key, e)) &&
		  statedir_instance(&d->of_batches.dir, instance, e) && batches_new(&setup, &d->batches, e);

	explicit_bzero(key, sizeof key);
	return ok;
}

static bool start_sessions(struct florusd *d, const char *const *env, struct error *e)
{
	char key[STATEDIR_KEY_HEX + 1];
	const struct sessions_setup setup = { .loop = d->loop,
					      .config = d->config,
					      .env = env,
					      .store = d->of_sessions.store,
					      .runner = d->of_sessions.runner,
					      .run_dirfd = d->of_sessions.dir.run_fd,
					      .access = d->access,
					      .dirfd = d->of_sessions.dir.fd,
					      .key = key,
					      .driver = d->config->florus_session_driver,
					      .fatal = on_store_lost,
					      .fatal_arg = d };
	bool ok = statedir_key(&d->of_sessions.dir, key, e) && sessions_new(&setup, &d->sessions, e);

	explicit_bzero(key, sizeof key);
	return ok;
}

/* The order matters: the launcher forks before there is a store, a thread or a listening socket. */
static bool start(struct florusd *d, const char *const *env, struct error *e)
{
	keep_memory_private();
	raise_limits();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGUSR1, SIG_IGN);
	(void)signal(SIGUSR2, SIG_IGN);
	d->loop = loop_new();
	if (!open_place(d, "", &d->of_batches, e) || !open_place(d, "/sessions", &d->of_sessions, e) ||
	    !store_open(d->of_sessions.path, &d->of_sessions.store, e) ||
	    !store_open(d->of_batches.path, &d->of_batches.store, e))
		return false;
	start_access(d);
	warn_ids(d);
	/* Before anybody can know that we are there; the callbacks only come when the loop turns. */
	loop_on_signal(d->loop, SIGTERM, on_term, d);
	loop_on_signal(d->loop, SIGINT, on_term, d);
	loop_on_signal(d->loop, SIGHUP, on_hup, d);
	if (!start_auth(d, e) || !start_batches(d, env, e) || !start_sessions(d, env, e) || !start_http(d, e))
		return false;
	return true;
}

static void take_down(struct florusd *d)
{
	sigset_t late; /* one more SIGTERM must not cut this short */

	(void)sigemptyset(&late);
	(void)sigaddset(&late, SIGTERM);
	(void)sigaddset(&late, SIGINT);
	(void)sigaddset(&late, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &late, NULL);
	identify_stop(&d->api);
	share_stop(&d->api);
	d->api.auth = auth_free(d->api.auth);
	if (d->batches)
		batches_stop(d->batches);
	if (d->sessions)
		sessions_stop(d->sessions);
	d->of_sessions.store = store_free(d->of_sessions.store);
	d->of_batches.store = store_free(d->of_batches.store); /* answers what was promised */
	d->server = http_server_free(d->server);
	d->sessions = sessions_free(d->sessions);
	d->batches = batches_free(d->batches);
	d->of_sessions.runner = runner_free(d->of_sessions.runner);
	d->of_batches.runner = runner_free(d->of_batches.runner);
	d->access = access_free(d->access);
	d->loop = loop_free(d->loop); /* ends what the pool still removes */
	close_place(&d->of_sessions);
	close_place(&d->of_batches);
	d->config = config_free(d->config);
}

static int serve(struct florusd *d, const char *const *env)
{
	struct error e = { 0 };

	if (!start(d, env, &e)) {
		log_error("cannot start", LOG_STR("reason", e.msg));
		take_down(d);
		return error_exit_status(e.code);
	}
	log_info("serving", LOG_STR("version", FLORUS_VERSION), LOG_STR("host", d->config->livy_server_host),
		 LOG_INT("port", http_server_port(d->server)), LOG_STR("state_dir", d->config->florus_state_dir));
	loop_run(d->loop);
	take_down(d);
	log_info("stopped");
	return d->failed;
}

/* What only shows in files is asked of them by --check; a start comes to it by itself. */
static bool check(const struct config *c, bool files_too, struct error *e)
{
	const struct http_tls_files tls = tls_files(c);
	_policy_ struct policy *rules = NULL; /* only to see that there can be one */

	if (!config_check(c, e) || !sessions_check(c, e) ||
	    (files_too && (!http_check_tls(&tls, e) || !rules_load(c, &rules, e))))
		return false;
	if (config_secrets_in_clear(c))
		warn_config(NULL,
			    "passwords and tokens cross the network in clear; set florus.tls.cert, or let a proxy "
			    "on this host do TLS and set livy.server.host = 127.0.0.1");
	return true;
}

int main(int argc, char **argv, char **env)
{
	struct florusd d = { 0 };
	struct options o = { 0 };
	struct error e = { 0 };
	const char *const *environment = (const char *const *)env;
	int status = parse_args(argc, argv, &o);

	if (status >= 0)
		return status;
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES); /* refused: more memory stays with us, nothing else */
	const struct config_sources sources = { o.file, environment, o.overrides };
	if (!config_load(&sources, warn_config, NULL, &d.config, &e) || !check(d.config, o.check, &e)) {
		log_error("configuration", LOG_STR("reason", e.msg));
		(void)config_free(d.config);
		return error_exit_status(e.code);
	}
	log_max_level = (enum log_level)d.config->florus_log_level;
	if (o.dump)
		config_dump(d.config, stdout);
	if (o.check && !o.dump)
		(void)puts("the configuration is good");
	if (o.dump || o.check) {
		(void)config_free(d.config);
		return 0;
	}
	return serve(&d, environment);
}
