/* hostport - an address as people write it: host:port, 10.1.2.3:port or [::1]:port. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { HOSTPORT_HOST_MAX = 256 };

/* Without the brackets; the port is 1 to 65535. False: it is not such an address. */
bool hostport_parse(const char *text, char host[HOSTPORT_HOST_MAX], int *ret_port);
