/*
 * libmicrohttpd asks two public functions of its own for a status' words, and has later ones than Jetty for some. They
 * are defined here instead: both being known already, the linker takes none from the library's archive.
 */
#include "http/reason.h"
#include "base/cleanup.h"
#include <microhttpd.h>
#include <string.h>

static const struct {
	int status;
	const char *words;
} reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 302, "Found" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 411, "Length Required" },
	{ 413, "Payload Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Entity" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
	{ 507, "Insufficient Storage" },
};

const char *http_reason(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].words;
	return "Unknown";
}

const char *MHD_get_reason_phrase_for(unsigned status)
{
	return http_reason((int)(status & 0xffff)); /* the bits above are flags of the library's */
}

size_t MHD_get_reason_phrase_len_for(unsigned status)
{
	return strlen(MHD_get_reason_phrase_for(status));
}
