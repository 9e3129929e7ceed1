#include "store/sqlite.h"
#include "base/fdio.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

enum {
	DB_APPLICATION_ID = 0x466c6f72, /* "Flor" */
	DB_HEADER_SIZE = 100,
	DB_VERSION = ARRAY_LEN(migrations),
	DB_BUSY_TIMEOUT_MS = 200,
	DB_CHECKPOINT_PAGES = 4000,
	DB_COPY_BYTES = 256 * 1024,
	DB_PATH_MAX = 4096,
};

static const char *const statement_texts[] = {
#define X(name, text) [name] = text,
	STATEMENTS(X)
#undef X
};

bool db_error(struct db *db, struct error *e, const char *doing)
{
	int rc = sqlite3_extended_errcode(db->handle);

	switch (rc & 0xff) {
	case SQLITE_FULL:
		return error_set(e, ERR_NO_SPACE, "%s: the disk of the state directory is full", doing);
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_BUSY:
	case SQLITE_NOMEM: /* rolls back as a whole, as the ones above may */
		return error_set(e, ERR_UNAVAILABLE, "%s: the store failed (%s)", doing, sqlite3_errmsg(db->handle));
	default:
		return error_set(e, ERR_INTERNAL, "%s: %s", doing, sqlite3_errmsg(db->handle));
	}
}

static uint32_t big_endian(const unsigned char *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof v);
	return ntohl(v);
}

static bool refuse_newer(uint32_t version, struct error *e)
{
	return error_set(e, ERR_CONFIG,
			 "florus.db was written by a newer Florus (schema %u, this one knows %d): start that version "
			 "or use another state directory; the file was left as it is",
			 version, DB_VERSION);
}

static bool refuse_damaged(const char *what, struct error *e)
{
	return error_set(e, ERR_CONFIG,
			 "florus.db is damaged (%s): restore it from a backup, or move it away to start empty; "
			 "the file was left as it is",
			 what);
}

static bool refuse_foreign(struct error *e)
{
	return error_set(
		e, ERR_CONFIG,
		"florus.db belongs to another program: use another state directory; the file was left as it is");
}

/* Looks at the header before SQLite may touch anything, so that a refused file stays byte for byte. */
static bool check_header(const char *path, struct error *e)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char h[DB_HEADER_SIZE];
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(e, ERR_CONFIG, "cannot read florus.db: %s", strerror(errno));
	if (st.st_size == 0)
		return true;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED); /* it is about to be checked: in one go, not page by page */
	if (pread(fd, h, sizeof h, 0) != (ssize_t)sizeof h || memcmp(h, "SQLite format 3", 16) != 0)
		return refuse_damaged("it is not an SQLite file", e);
	uint32_t page = (uint32_t)(h[16] << 8 | h[17]);
	page = page == 1 ? 65536 : page;
	if (page < 512 || st.st_size < (off_t)page || st.st_size % page != 0)
		return refuse_damaged("its size does not fit its pages", e);
	uint32_t application = big_endian(h + 68), version = big_endian(h + 60);
	if (application != DB_APPLICATION_ID && application != 0)
		return refuse_foreign(e);
	if (version > DB_VERSION)
		return refuse_newer(version, e);
	return true;
}

static bool run_text(struct db *db, const char *sql, struct error *e)
{
	return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK || db_error(db, e, "opening the store");
}

static bool ask_int(struct db *db, const char *sql, int64_t *ret, struct error *e)
{
	sqlite3_stmt *s = NULL;
	bool ok = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW;

	if (ok)
		*ret = sqlite3_column_int64(s, 0);
	else
		(void)db_error(db, e, "reading the store");
	(void)sqlite3_finalize(s);
	return ok;
}

static bool quick_check(struct db *db, struct error *e)
{
	sqlite3_stmt *s = NULL;
	char found[160] = "unreadable";

	if (sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		(void)snprintf(found, sizeof found, "%s", (const char *)sqlite3_column_text(s, 0));
	(void)sqlite3_finalize(s);
	return strcmp(found, "ok") == 0 || refuse_damaged(found, e);
}

bool db_refuse(struct db *db, struct error *e)
{
	switch (sqlite3_errcode(db->handle)) {
	case SQLITE_BUSY:
		return error_set(e, ERR_CONFIG,
				 "florus.db is in use by another process: stop it, or use another state directory");
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return refuse_damaged(sqlite3_errmsg(db->handle), e);
	case SQLITE_FULL:
		return error_set(e, ERR_CONFIG, "cannot open florus.db: the disk is full; free some space");
	default:
		return error_set(e, ERR_CONFIG, "cannot open florus.db: %s", sqlite3_errmsg(db->handle));
	}
}

/* A file of ours says so from its first transaction on. Asked before anything may be written. */
static bool check_identity(struct db *db, struct error *e)
{
	int64_t application = 0, tables = 0;

	if (!ask_int(db, "PRAGMA application_id", &application, e) ||
	    !ask_int(db, "SELECT count(*) FROM sqlite_master", &tables, e))
		return db_refuse(db, e);
	return application == DB_APPLICATION_ID || (application == 0 && tables == 0) || refuse_foreign(e);
}

static int note_wal_pages(void *arg, sqlite3 *handle, const char *schema, int pages)
{
	struct db *db = arg;

	(void)handle;
	(void)schema;
	db->wal_pages = pages;
	return SQLITE_OK;
}

static bool configure(struct db *db, struct error *e)
{
	(void)sqlite3_busy_timeout(db->handle, DB_BUSY_TIMEOUT_MS);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_wal_hook(db->handle, note_wal_pages, db); /* instead of a checkpoint inside the commit */
	if (!run_text(db, "PRAGMA locking_mode = EXCLUSIVE", e) || !check_identity(db, e))
		return false;
	return run_text(db,
			"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			"PRAGMA journal_size_limit = 67108864;"
			"PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192; BEGIN EXCLUSIVE; COMMIT",
			e) ||
	       db_refuse(db, e);
}

bool db_checkpoint_due(const struct db *db)
{
	return db->wal_pages >= DB_CHECKPOINT_PAGES;
}

bool db_checkpoint(struct db *db, struct error *e)
{
	if (sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL) != SQLITE_OK)
		return db_error(db, e, "bringing the write-ahead log home");
	db->wal_pages = 0;
	return true;
}

static bool migrate(struct db *db, struct error *e)
{
	int64_t version = 0;

	if (!ask_int(db, "PRAGMA user_version", &version, e))
		return false;
	if (version > DB_VERSION)
		return refuse_newer((uint32_t)version, e);
	if (version == DB_VERSION)
		return true;
	for (; version < DB_VERSION; version++) {
		_sbuf_ struct sbuf sql = SBUF_INIT(64 * 1024);

		sbuf_addf(&sql, "BEGIN; PRAGMA application_id = %d; PRAGMA user_version = %d;", DB_APPLICATION_ID,
			  (int)version + 1);
		sbuf_adds(&sql, migrations[version]);
		sbuf_adds(&sql, "COMMIT");
		if (!run_text(db, sbuf_str(&sql), e))
			return error_wrap(e, "migrating florus.db to schema %d", (int)version + 1);
	}
	return db_checkpoint(db, e); /* the file says whose it is, even should its log be lost */
}

static bool prepare_all(struct db *db, struct error *e)
{
	for (size_t i = 0; i < SQL_COUNT; i++)
		if (sqlite3_prepare_v3(db->handle, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT, &db->stmt[i],
				       NULL) != SQLITE_OK)
			return refuse_damaged(sqlite3_errmsg(db->handle), e);
	return true;
}

/* Ids only rise: the stored mark, or one past the largest id should the mark be behind. */
static bool read_next_id(struct db *db, struct error *e)
{
	int64_t mark = 0, max = 0;

	if (!ask_int(db, statement_texts[SQL_NEXT_ID], &mark, e) ||
	    !ask_int(db, "SELECT ifnull(max(id) + 1, 0) FROM batch", &max, e))
		return false;
	db->next_id = mark > max ? mark : max;
	return true;
}

/* Writes the same bytes to the same place, so that the kernel must take them to the disk. */
static bool write_again(int fd, struct error *e)
{
	_free_ char *bytes = xmalloc(DB_COPY_BYTES);
	ssize_t n;

	for (off_t at = 0; (n = pread(fd, bytes, DB_COPY_BYTES, at)) > 0; at += n) {
		ssize_t put = pwrite(fd, bytes, (size_t)n, at);

		if (put != n)
			return error_errno(e, put < 0 ? errno : ENOSPC, "writing florus.db-wal again");
	}
	return (n == 0 && fdatasync(fd) == 0) || error_errno(e, errno, "writing florus.db-wal again");
}

/*
 * What a WAL left behind may never have reached the disk: after an fdatasync that failed Linux takes the pages for
 * clean, so they can be read until a power loss, and the next fdatasync says all is well. What is read from it from now
 * on is promised, so it is written and synced once more. Called with the file locked.
 */
static bool harden_wal(const char *path, struct error *e)
{
	char wal[DB_PATH_MAX];

	if (snprintf(wal, sizeof wal, "%s-wal", path) >= (int)sizeof wal)
		return error_set(e, ERR_CONFIG, "florus.state-dir is too long");
	_close_ int fd = open(wal, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return true;
	return fd < 0 ? error_errno(e, errno, "opening florus.db-wal") : write_again(fd, e);
}

/*
 * Ours alone, whatever the umask: the directory may be one that others pass through. SQLite gives new ones the first
 * one's mode.
 */
static bool keep_private(const char *path, struct error *e)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char file[DB_PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (snprintf(file, sizeof file, "%s%s", path, suffixes[i]) >= (int)sizeof file ||
		    (chmod(file, 0600) < 0 && errno != ENOENT))
			return error_errno(e, errno, "make florus.db%s private", suffixes[i]);
	return true;
}

static bool open_checked(struct db *db, const char *path, struct error *e)
{
	if (!check_header(path, e))
		return false;
	if (sqlite3_open_v2(path, &db->handle,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			    NULL) != SQLITE_OK)
		return error_set(e, ERR_CONFIG, "cannot open florus.db in the state directory: %s",
				 db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
	return keep_private(path, e) && configure(db, e) && quick_check(db, e) && harden_wal(path, e) &&
	       migrate(db, e) && prepare_all(db, e) && read_next_id(db, e);
}

bool db_open(struct db *db, const char *path, struct error *e)
{
	*db = (struct db){ 0 };
	if (open_checked(db, path, e))
		return true;
	db_close(db);
	return false;
}

void db_close(struct db *db)
{
	for (size_t i = 0; i < SQL_COUNT; i++)
		(void)sqlite3_finalize(db->stmt[i]);
	(void)sqlite3_close(db->handle);
	*db = (struct db){ 0 };
}

sqlite3_stmt *db_bind(struct db *db, enum sql which, const char *types, ...)
{
	sqlite3_stmt *s = db->stmt[which];
	va_list ap;

	va_start(ap, types);
	for (int i = 1; types[i - 1]; i++) {
		if (types[i - 1] == 't') {
			(void)sqlite3_bind_text(s, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
			continue;
		}
		if (types[i - 1] == 'b') {
			const char *bytes = va_arg(ap, const char *);

			(void)sqlite3_bind_text(s, i, bytes, (int)va_arg(ap, size_t), SQLITE_STATIC);
			continue;
		}
		int64_t n = va_arg(ap, int64_t);
		if (types[i - 1] == 'z' && n == 0)
			(void)sqlite3_bind_null(s, i);
		else
			(void)sqlite3_bind_int64(s, i, n);
	}
	va_end(ap);
	return s;
}

bool db_run(struct db *db, sqlite3_stmt *s, struct error *e)
{
	int rc = sqlite3_step(s);
	bool ok = rc == SQLITE_DONE || rc == SQLITE_ROW || db_error(db, e, "writing the store");

	(void)sqlite3_reset(s);
	return ok;
}
