/*
 * idmark - the file `ids` beside the store: how far ids have got, for the day an older copy of the store is put back.
 *
 * Written after commits, now and then and at the end, so it may lag behind the store, which then is what counts. Only a
 * store that is behind the file has lost something: its next id is taken from here (P20). In order and after a crash,
 * ids have no gaps. A file that cannot be had or read counts as absent. Private to store/; store thread only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { IDMARK_EVERY_IDS = 1000, IDMARK_EVERY_MS = 1000 };

struct idmark {
	int fd; /* -1: there is none */
	int64_t next, written_ms;
};

void idmark_open(const char *path, struct idmark *ret); /* ret->next: what was written last; 0: nothing */
void idmark_note(struct idmark *m, int64_t next_id, bool at_the_end);
void idmark_close(struct idmark *m);
