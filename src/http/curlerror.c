#include "http/curlerror.h"
#include <string.h>

/* A server that refuses our certificate says so only in the alert's name. */
enum error_code curl_error_code(CURLcode code, const char *why)
{
	if (code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM)
		return ERR_INVALID;
	if (code == CURLE_PEER_FAILED_VERIFICATION || strstr(why, "alert certificate required") ||
	    strstr(why, "alert bad certificate"))
		return ERR_FORBIDDEN;
	return ERR_UNAVAILABLE;
}

/* In TLS, whoever is there sends an alert at least. */
const char *curl_language_hint(bool tls, CURLcode code, const char *why)
{
	if (!tls && (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR))
		return "; does it speak https?";
	return tls && code == CURLE_SSL_CONNECT_ERROR && !strstr(why, "alert") ? "; does it speak http, without TLS?"
									       : "";
}
