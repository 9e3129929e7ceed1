/*
 * hdfs-token - what is inside a delegation token as WebHDFS writes it (Token.urlString). Pure.
 *
 * base64url, without padding, of Hadoop's Writables: identifier, password, kind, service, each with its length before
 * it. The identifier of a name node's token begins with a version and with whom it is for.
 */
#pragma once
#include <stdbool.h>

enum { HDFS_TOKEN_MAX = 8 * 1024 /* bytes, encoded */, HDFS_TOKEN_WORD_MAX = 256 /* with the NUL */ };

#define HDFS_TOKEN_KIND "HDFS_DELEGATION_TOKEN" /* what Hadoop's own clients look for; WebHDFS's have another one */

struct hdfs_token {
	char owner[HDFS_TOKEN_WORD_MAX]; /* its short name; "" when it is of another kind */
	char kind[HDFS_TOKEN_WORD_MAX];
	char service[HDFS_TOKEN_WORD_MAX]; /* "10.0.0.1:8020", "ha-hdfs:ns" */
};

/* False: it is none, or longer than any. */
bool hdfs_token_read(const char *text, struct hdfs_token *ret);
