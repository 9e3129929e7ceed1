/*
 * kubeconfig - where a Kubernetes API server is and how we prove who we are: from a kubeconfig file, or from the pod
 * that we run in.
 */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include <stddef.h>

enum { KUBECONFIG_MAX = 1024 * 1024 };

/* Strings are of the arena; NULL: not said. Of a pair of file and text at most one is set. */
struct kube_access {
	const char *server, *ns, *tls_server_name;
	const char *ca_file, *ca_pem;
	const char *cert_file, *cert_pem, *key_file, *key_pem;
	const char *token, *token_file;
	const char *user, *password;
	bool insecure;
};

/*
 * The context of that name; NULL: the current one. Relative paths are relative to `dir`. ERR_CONFIG says what is wrong
 * with the text, or which part of it is missing; credentials by a program (exec, auth-provider) are refused.
 */
MUST_CHECK bool kubeconfig_read(struct arena *a, const char *text, size_t n, const char *dir, const char *context,
				struct kube_access *ret, struct error *e);

/* Inside a pod: by its service account. False: we are in none. */
bool kubeconfig_in_pod(struct arena *a, struct kube_access *ret);
/* Is `url` the API server of that pod, by its address or by a name that each cluster has for it? */
bool kubeconfig_is_pods_own(const struct kube_access *in_pod, const char *url);
