#include "cluster/yarn/confzip.h"
#include "base/str.h"
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

struct confzip {
	zip_source_t *memory; /* where the archive comes to be; NULL: could not be made */
	zip_t *zip;
	bool failed;
};

struct confzip *confzip_new(void)
{
	struct confzip *z = xcalloc(1, sizeof *z);
	zip_error_t e;

	zip_error_init(&e);
	z->memory = zip_source_buffer_create(NULL, 0, 0, &e);
	if (z->memory)
		zip_source_keep(z->memory); /* it is read after the archive is closed */
	z->zip = z->memory ? zip_open_from_source(z->memory, ZIP_TRUNCATE, &e) : NULL;
	z->failed = !z->zip;
	zip_error_fini(&e);
	return z;
}

struct confzip *confzip_free(struct confzip *z)
{
	if (!z)
		return NULL;
	if (z->zip)
		zip_discard(z->zip);
	if (z->memory)
		zip_source_free(z->memory);
	free(z);
	return NULL;
}

void confzip_add(struct confzip *z, const char *name, const void *bytes, size_t n)
{
	if (z->failed || zip_name_locate(z->zip, name, 0) >= 0)
		return;
	void *copy = n ? xmalloc(n) : NULL; /* of nothing, libzip would keep the memory for ever */

	if (n)
		memcpy(copy, bytes, n);
	zip_source_t *source = zip_source_buffer(z->zip, copy, n, 1);
	zip_int64_t at = source ? zip_file_add(z->zip, name, source, ZIP_FL_ENC_UTF_8) : -1;
	if (at < 0) {
		if (source)
			zip_source_free(source); /* and the copy */
		else
			free(copy);
		z->failed = true;
		return;
	}
	z->failed = zip_set_file_compression(z->zip, (zip_uint64_t)at, ZIP_CM_STORE, 0) < 0;
}

static bool read_all(zip_source_t *memory, struct sbuf *out)
{
	zip_int64_t n;
	char *to;

	if (zip_source_open(memory) < 0)
		return false;
	while ((to = sbuf_reserve(out, 65536)) != NULL && (n = zip_source_read(memory, to, 65536)) > 0)
		sbuf_grew(out, (size_t)n);
	zip_source_close(memory);
	return to && n == 0;
}

bool confzip_write(struct confzip *z, struct sbuf *out, struct error *e)
{
	if (!z->failed && zip_close(z->zip) == 0) {
		z->zip = NULL;
		if (read_all(z->memory, out))
			return true;
	}
	return error_set(e, sbuf_ok(out) ? ERR_INTERNAL : ERR_TOO_LARGE, "the job's configuration cannot be archived");
}

static bool add_jar(zip_t *zip, const char *dir, const char *name)
{
	_sbuf_ struct sbuf path = SBUF_INIT(PATH_MAX);

	sbuf_addf(&path, "%s/%s", dir, name);
	zip_source_t *source = zip_source_file(zip, sbuf_str(&path), 0, -1);
	zip_int64_t at = source ? zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8) : -1;
	if (at < 0 && source)
		zip_source_free(source);
	return at >= 0 && zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE, 0) == 0;
}

static bool add_jars(zip_t *zip, const char *dir)
{
	const struct dirent *entry;
	DIR *d = opendir(dir);
	bool ok = d != NULL;

	while (ok && (entry = readdir(d)) != NULL)
		if (str_ends(entry->d_name, ".jar"))
			ok = add_jar(zip, dir, entry->d_name);
	if (d)
		(void)closedir(d);
	return ok;
}

bool confzip_directory(const char *dir, const char *path, struct error *e)
{
	zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);

	if (zip && add_jars(zip, dir) && zip_close(zip) == 0)
		return true;
	int system = zip ? zip_error_code_system(zip_get_error(zip)) : 0;
	if (zip)
		zip_discard(zip);
	if (system)
		return error_errno(e, system, "the archive of Spark's jars cannot be written");
	return error_set(e, ERR_INTERNAL, "the archive of Spark's jars cannot be made");
}
