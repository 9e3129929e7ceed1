#include "service/confdir.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES_MAX = 1024 };

struct found {
	char name[NAME_MAX + 1];
	off_t size;
};

bool confdir_skips_in_spark(const char *name)
{
	return str_ends(name, ".template") ||
	       (str_starts(name, "spark") && (str_ends(name, "conf") || str_ends(name, "properties")));
}

/* As a key of a config map. */
static bool is_plain(const char *name)
{
	return !str_starts(name, "..") &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

static int by_size(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->size == y->size ? strcmp(x->name, y->name) : (x->size > y->size) - (x->size < y->size);
}

static size_t list(DIR *dir, bool (*skip)(const char *name), struct found *ret)
{
	const struct dirent *entry;
	size_t count = 0;

	while (count < ENTRIES_MAX && (entry = readdir(dir)) != NULL) {
		struct stat st;

		if (fstatat(dirfd(dir), entry->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode) ||
		    (skip && skip(entry->d_name)))
			continue;
		(void)snprintf(ret[count].name, sizeof ret[count].name, "%s", entry->d_name);
		ret[count++].size = st.st_size;
	}
	qsort(ret, count, sizeof *ret, by_size);
	return count;
}

/* NULL: it goes along; else why not. */
static const char *take(struct arena *a, int dirfd, const struct found *f, size_t room, struct submission_file *ret)
{
	_sbuf_ struct sbuf text = SBUF_INIT(room);
	struct error e;

	if (!is_plain(f->name))
		return "its name cannot be that of a file in a config map";
	if (!fdio_read_plain_file(dirfd, f->name, &text, &e))
		return e.code == ERR_TOO_LARGE ? "all together are too much" : "it cannot be read";
	if (memchr(sbuf_str(&text), '\0', text.len) || !str_utf8_ok(sbuf_str(&text), text.len))
		return "it is not a text in UTF-8";
	*ret = (struct submission_file){ arena_strdup(a, f->name), arena_strndup(a, sbuf_str(&text), text.len) };
	return ret->name && ret->text ? NULL : "there is no room for it";
}

static void read_files(struct arena *a, const char *path, DIR *dir, bool (*skip)(const char *name),
		       struct submission_files *ret)
{
	struct submission_file *items = arena_alloc(a, CONFDIR_FILES_MAX * sizeof *items);
	_free_ struct found *found = xcalloc(ENTRIES_MAX, sizeof *found);
	size_t count = items ? list(dir, skip, found) : 0, bytes = 0;

	ret->items = items;
	for (size_t i = 0; i < count; i++) {
		const char *why = ret->count == CONFDIR_FILES_MAX ? "there are very many"
								  : take(a, dirfd(dir), &found[i],
									 CONFDIR_BYTES_MAX - bytes, &items[ret->count]);

		if (why)
			log_warn("file does not go along with jobs for Kubernetes", LOG_STR("dir", path),
				 LOG_STR("file", found[i].name), LOG_STR("why", why));
		else
			bytes += strlen(items[ret->count++].text);
	}
}

void confdir_read(struct arena *a, const char *path, bool (*skip)(const char *name), struct submission_files *ret)
{
	DIR *dir = opendir(path);

	*ret = (struct submission_files){ 0 };
	if (!dir)
		return;
	read_files(a, path, dir, skip, ret);
	(void)closedir(dir);
}
