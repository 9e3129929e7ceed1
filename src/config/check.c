#include "base/str.h"
#include "config/config.h"
#include "config/profiles.h"
#include "model/hostport.h"
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* True for what nobody outside this machine can reach. A name is not asked of the resolver: its answer may change. */
bool config_is_loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;
	char bare[INET6_ADDRSTRLEN];
	size_t n = strlen(host);

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	if (n > 2 && n - 2 < sizeof bare && host[0] == '[' && host[n - 1] == ']') {
		memcpy(bare, host + 1, n - 2);
		bare[n - 2] = '\0';
		host = bare;
	}
	if (inet_pton(AF_INET6, host, &six) != 1)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
}

/* Livy's key store is the one thing of TLS that cannot be read as it is. */
static bool check_tls(const struct config *c, struct error *e)
{
	if (!str_empty(c->florus_tls_cert))
		return true;
	if (!str_empty(c->livy_keystore))
		return error_set(
			e, ERR_CONFIG,
			"livy.keystore is set, and Florus reads PEM files. Convert it: keytool -importkeystore "
			"-srckeystore %.100s -destkeystore tls.p12 -deststoretype PKCS12 (a PKCS12 store needs no such "
			"step), then umask 077; openssl pkcs12 -in tls.p12 -nodes -out tls.pem; then set "
			"florus.tls.cert = /path/of/tls.pem",
			c->livy_keystore);
	const char *key = !str_empty(c->florus_tls_key)         ? "florus.tls.key"
			  : !str_empty(c->florus_tls_client_ca) ? "florus.tls.client-ca"
								: NULL;
	return !key ||
	       error_set(e, ERR_CONFIG,
			 "%s is set, and without florus.tls.cert there is no TLS; set that too, or unset %s", key, key);
}

/* Rights are those of users: without authentication there are none, and everybody would pass (D1, D21). */
static bool check_access(const struct config *c, struct error *e)
{
	const char *key = c->livy_server_access_control_enabled ? "livy.server.access-control.enabled"
			  : c->livy_impersonation_enabled       ? "livy.impersonation.enabled"
								: NULL;

	if (key && str_empty(c->livy_server_auth_type))
		return error_set(e, ERR_CONFIG,
				 "%s is true, and there is no authentication, so nobody has a name to go by; set "
				 "livy.server.auth.type, or %s = false",
				 key, key);
	return true;
}

static bool check_base_path(const char *path, struct error *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	size_t n = strlen(path);

	if (n == 0)
		return true;
	if (path[0] != '/' || path[n - 1] == '/' || strspn(path, allowed) != n || strstr(path, "//"))
		return error_set(e, ERR_CONFIG,
				 "florus.http.base-path = %.80s: expected nothing, or a path such as /spark: it "
				 "begins with /, does not end with /, and holds only letters, digits and -._~/",
				 path);
	return true;
}

static bool check_run_as(const struct config *c, struct error *e)
{
	if (str_empty(c->florus_launch_run_as))
		return error_set(e, ERR_CONFIG, "florus.launch.run-as is empty; self is what it is without being set");
	if (str_eq(c->florus_launch_run_as, "owner") && str_empty(c->livy_server_auth_type))
		return error_set(
			e, ERR_CONFIG,
			"florus.launch.run-as = owner, and nobody proves who he is; set livy.server.auth.type, "
			"or florus.launch.run-as to one user for all jobs");
	return true;
}

static bool check_address(const char *key, const char *text, struct error *e)
{
	char host[HOSTPORT_HOST_MAX];
	int port;

	return str_empty(text) || hostport_parse(text, host, &port) ||
	       error_set(e, ERR_CONFIG, "%s = %.80s: expected host:port, such as gateway.example.org:8999", key, text);
}

static bool check_sessions(const struct config *c, struct error *e)
{
	bool has_address = !str_empty(c->florus_session_address);

	if (!check_address("florus.session.address", c->florus_session_address, e) ||
	    !check_address("florus.session.listen", c->florus_session_listen, e))
		return false;
	const char *key = !str_empty(c->florus_session_listen)             ? "florus.session.listen"
			  : c->florus_session_dial == SESSION_DIAL_NETWORK ? "florus.session.dial = network"
									   : NULL;
	return has_address || !key ||
	       error_set(e, ERR_CONFIG, "%s needs florus.session.address, which is what drivers are told", key);
}

/* Each URL is this text with a path behind it, in a list by commas. */
static bool check_share(const struct config *c, struct error *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/[]";
	const char *url = c->florus_share_url, *host;

	if (str_empty(url))
		return true;
	host = strstr(url, "://");
	if ((!str_starts(url, "http://") && !str_starts(url, "https://")) || strchr("/:", host[3]) ||
	    strspn(url, allowed) != strlen(url) || str_ends(url, "/"))
		return error_set(
			e, ERR_CONFIG,
			"florus.share.url = %.200s: expected http://host:port or https://host:port, perhaps with a path, without a "
			"/ at its end",
			url);
	return str_eq(c->florus_launch_run_as, "self") ||
	       error_set(
		       e, ERR_CONFIG,
		       "florus.share.url needs florus.launch.run-as = self: florusd would read files for jobs whose user may not");
}

bool config_only_local(const struct config *c)
{
	return config_is_loopback(c->livy_server_host);
}

bool config_secrets_in_clear(const struct config *c)
{
	static const char *const with_secrets[] = { "basic", "ldap", "token" };

	if (config_only_local(c) || !str_empty(c->florus_tls_cert))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(with_secrets); i++)
		if (c->livy_server_auth_type && strstr(c->livy_server_auth_type, with_secrets[i]))
			return true;
	return false;
}

bool config_check(const struct config *c, struct error *e)
{
	if (str_empty(c->livy_server_host))
		return error_set(e, ERR_CONFIG, "livy.server.host is empty; 127.0.0.1 is the usual address");
	if (str_empty(c->livy_spark_master))
		return error_set(e, ERR_CONFIG, "livy.spark.master is empty; local[*] runs jobs on this machine");
	if (!check_tls(c, e) || !check_access(c, e) || !check_base_path(c->florus_http_base_path, e) ||
	    !check_run_as(c, e) || !check_sessions(c, e) || !check_share(c, e) || !profiles_check(c, e))
		return false;
	if (!config_is_loopback(c->livy_server_host) && !c->florus_auth_allow_none &&
	    str_empty(c->livy_server_auth_type))
		return error_set(
			e, ERR_CONFIG,
			"livy.server.host = %.80s lets everyone who reaches it run programs here, since "
			"there is no authentication; set livy.server.auth.type, or livy.server.host = 127.0.0.1, or "
			"florus.auth.allow-none = true if the network can be trusted",
			c->livy_server_host);
	return true;
}
