/*
 * livykeys - the keys of Livy that are not options here: old names, and those this server has no use for. Pure.
 */
#pragma once

/* The name of today for a deprecated one; NULL: not deprecated. */
const char *livykeys_renamed(const char *key);

/* Why a key of Livy has no effect here; NULL: Livy does not know it either. */
const char *livykeys_unused(const char *key);

/* The i-th key (or "prefix.*") of the table behind livykeys_unused(); NULL past the end. */
const char *livykeys_at(int i);
