#include "cluster/kube/kubeconfig.h"
#include "base/base64.h"
#include "base/fdio.h"
#include "base/str.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount/"

/* --- YAML --- */

static const char *text_of(const yaml_node_t *node)
{
	return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static yaml_node_t *member(yaml_document_t *d, const yaml_node_t *map, const char *key)
{
	if (!map || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++)
		if (str_eq(text_of(yaml_document_get_node(d, p->key)), key))
			return yaml_document_get_node(d, p->value);
	return NULL;
}

static const char *text_in(yaml_document_t *d, const yaml_node_t *map, const char *key)
{
	const char *text = text_of(member(d, map, key));

	return str_empty(text) ? NULL : text;
}

/* `list` of the file is a list of { name: NAME, WHAT: {…} }. */
static yaml_node_t *named(yaml_document_t *d, const yaml_node_t *root, const char *list, const char *what,
			  const char *name)
{
	const yaml_node_t *items = member(d, root, list);

	if (!items || items->type != YAML_SEQUENCE_NODE || !name)
		return NULL;
	for (const yaml_node_item_t *i = items->data.sequence.items.start; i < items->data.sequence.items.top; i++) {
		const yaml_node_t *item = yaml_document_get_node(d, *i);

		if (str_eq(text_in(d, item, "name"), name))
			return member(d, item, what);
	}
	return NULL;
}

/* --- a context --- */

struct reading {
	yaml_document_t *d;
	struct arena *a;
	const char *dir;
};

static const char *path_in(const struct reading *r, const yaml_node_t *map, const char *key)
{
	const char *path = text_in(r->d, map, key);
	char whole[4096];

	if (!path || *path == '/')
		return arena_strdup(r->a, path);
	(void)snprintf(whole, sizeof whole, "%s/%s", r->dir, path);
	return arena_strdup(r->a, whole);
}

/* `key`-data in base64 goes before the file `key`. */
static bool pem_in(const struct reading *r, const yaml_node_t *map, const char *key, const char **ret_file,
		   const char **ret_pem, struct error *e)
{
	char data_key[64];
	size_t n;

	(void)snprintf(data_key, sizeof data_key, "%s-data", key);
	const char *data = text_in(r->d, map, data_key);
	if (!data) {
		*ret_file = path_in(r, map, key);
		return true;
	}
	size_t room = strlen(data);
	char *pem = arena_alloc(r->a, room + 1);
	if (!pem || !base64_decode(data, room, pem, room, &n))
		return error_set(e, ERR_CONFIG, "%s is not base64", data_key);
	*ret_pem = pem;
	return true;
}

static bool read_server(const struct reading *r, const yaml_node_t *cluster, struct kube_access *ret, struct error *e)
{
	ret->server = arena_strdup(r->a, text_in(r->d, cluster, "server"));
	ret->tls_server_name = arena_strdup(r->a, text_in(r->d, cluster, "tls-server-name"));
	ret->insecure = str_eq(text_in(r->d, cluster, "insecure-skip-tls-verify"), "true");
	return pem_in(r, cluster, "certificate-authority", &ret->ca_file, &ret->ca_pem, e);
}

static bool read_user(const struct reading *r, const yaml_node_t *user, struct kube_access *ret, struct error *e)
{
	if (member(r->d, user, "exec") || member(r->d, user, "auth-provider"))
		return error_set(e, ERR_CONFIG,
				 "its user gets credentials from a program, which is not supported: give a token file "
				 "(tokenFile), a certificate, or florus.cluster.NAME.secret-file");
	ret->token = arena_strdup(r->a, text_in(r->d, user, "token"));
	ret->token_file = path_in(r, user, "tokenFile");
	ret->user = arena_strdup(r->a, text_in(r->d, user, "username"));
	ret->password = arena_strdup(r->a, text_in(r->d, user, "password"));
	return pem_in(r, user, "client-certificate", &ret->cert_file, &ret->cert_pem, e) &&
	       pem_in(r, user, "client-key", &ret->key_file, &ret->key_pem, e);
}

static bool read_context(const struct reading *r, const char *context, struct kube_access *ret, struct error *e)
{
	yaml_node_t *root = yaml_document_get_root_node(r->d);
	const char *name = context ? context : text_in(r->d, root, "current-context");
	yaml_node_t *found = named(r->d, root, "contexts", "context", name);

	if (!found)
		return error_set(e, ERR_CONFIG, "there is no context '%.64s' in it", name ? name : "");
	yaml_node_t *cluster = named(r->d, root, "clusters", "cluster", text_in(r->d, found, "cluster"));
	yaml_node_t *user = named(r->d, root, "users", "user", text_in(r->d, found, "user"));
	if (!cluster)
		return error_set(e, ERR_CONFIG, "the cluster of its context '%.64s' is not in it", name);
	ret->ns = arena_strdup(r->a, text_in(r->d, found, "namespace"));
	return read_server(r, cluster, ret, e) && (!user || read_user(r, user, ret, e));
}

bool kubeconfig_read(struct arena *a, const char *text, size_t n, const char *dir, const char *context,
		     struct kube_access *ret, struct error *e)
{
	yaml_parser_t parser;
	yaml_document_t document;
	struct reading r = { &document, a, dir };

	*ret = (struct kube_access){ 0 };
	if (!yaml_parser_initialize(&parser))
		return error_set(e, ERR_CONFIG, "out of memory for YAML");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
	bool ok = yaml_parser_load(&parser, &document);
	if (!ok)
		(void)error_set(e, ERR_CONFIG, "it is not YAML: %s in line %zu",
				parser.problem ? parser.problem : "trouble", parser.problem_mark.line + 1);
	yaml_parser_delete(&parser);
	if (!ok)
		return false;
	ok = read_context(&r, context, ret, e);
	yaml_document_delete(&document);
	return ok && (arena_ok(a) || error_set(e, ERR_CONFIG, "it is too large"));
}

bool kubeconfig_in_pod(struct arena *a, struct kube_access *ret)
{
	_sbuf_ struct sbuf ns = SBUF_INIT(256);
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
	char server[300];
	struct error e;

	if (str_empty(host) || str_empty(port))
		return false;
	(void)snprintf(server, sizeof server, strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port);
	*ret = (struct kube_access){
		.server = arena_strdup(a, server),
		.ca_file = ACCOUNT_DIR "ca.crt",
		.token_file = ACCOUNT_DIR "token",
	};
	if (fdio_read_plain_file(AT_FDCWD, ACCOUNT_DIR "namespace", &ns, &e))
		ret->ns = arena_strdup(a, sbuf_str(&ns));
	return true;
}

/* "https://host:port/" in two: the length of all before the port, and the port. */
static size_t split_port(const char *url, const char **port)
{
	size_t n = strcspn(url + strlen("https://"), "/") + strlen("https://"), host = n;

	while (host > 0 && url[host - 1] >= '0' && url[host - 1] <= '9')
		host--;
	*port = host < n && url[host - 1] == ':' ? url + host : "443";
	return *port == url + host ? host - 1 : n;
}

static bool same_digits(const char *a, const char *b)
{
	size_t n = strspn(a, "0123456789");

	return n == strspn(b, "0123456789") && strncmp(a, b, n) == 0;
}

bool kubeconfig_is_pods_own(const struct kube_access *in_pod, const char *url)
{
	const char *const names[] = { "https://kubernetes", "https://kubernetes.default",
				      "https://kubernetes.default.svc", in_pod->server };
	static const char with_domain[] = "https://kubernetes.default.svc.";
	const char *port, *own_port;

	if (!str_starts(url, "https://"))
		return false;
	size_t n = split_port(url, &port), own = split_port(in_pod->server, &own_port);
	if (!same_digits(port, own_port) || memchr(url, '@', n))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t len = names[i] == in_pod->server ? own : strlen(names[i]);

		if (n == len && strncmp(url, names[i], n) == 0)
			return true;
	}
	return n > sizeof with_domain - 1 && str_starts(url, with_domain);
}
