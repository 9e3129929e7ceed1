/*
 * secure - TLS for session drivers that dial over the network.
 *
 * The certificate is one of our own, made once for a state directory, and no authority is asked about it: a driver is
 * told its fingerprint beside its secret, and speaks to nobody else. So nobody has to set up anything, and nobody
 * between can read or change what is said. Who the driver is, its proof says (run/channel.h).
 *
 * Keys outlive what is made of them. Nothing here blocks, but secure_keys_new(), which is for the start. Loop thread
 * only.
 */
#pragma once
#include "base/error.h"
#include <sys/types.h>

enum { SECURE_FINGERPRINT_HEX = 64 };

struct secure_keys;
struct secure;

/* Reads the file drivers.pem of the directory, or makes it. ERR_CONFIG: it is damaged; ERR_NO_SPACE, ERR_INTERNAL. */
MUST_CHECK bool secure_keys_new(int dirfd, struct secure_keys **ret, struct error *e);
struct secure_keys *secure_keys_free(struct secure_keys *k); /* takes NULL; returns NULL */
const char *secure_fingerprint(const struct secure_keys *k); /* SHA-256 of the certificate, in hexadecimal */

/*
 * A connection that was accepted; the descriptor stays the caller's, and is closed after it. NULL: there is no memory.
 */
struct secure *secure_new(const struct secure_keys *k, int fd);
struct secure *secure_free(struct secure *s); /* says nothing more; takes NULL; returns NULL */

/* To be called whenever the descriptor is ready, until it says SECURE_DONE or SECURE_FAILED. */
enum secure_step { SECURE_MORE, SECURE_DONE, SECURE_FAILED };
enum secure_step secure_shake_hands(struct secure *s);

/* As recv() and send() on a descriptor that does not block; errno is EAGAIN or EPROTO. */
ssize_t secure_recv(struct secure *s, void *to, size_t n);
ssize_t secure_send(struct secure *s, const void *bytes, size_t n);

bool secure_has_more(const struct secure *s);    /* bytes to receive that the descriptor does not tell of */
bool secure_wants_write(const struct secure *s); /* it waits until the descriptor can be written */
