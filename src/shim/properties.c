#include "base/fdio.h"
#include "shim/shim.h"
#include <errno.h>
#include <fcntl.h>

/* The file is read as the driver's user: what he may not read must not come to him through us. */
static bool read_defaults(const struct launch_spec *spec, struct sbuf *to, struct error *e)
{
	struct identity own;
	bool ok = identity_borrow(spec, &own) || error_errno(e, errno, "look at files as the job's user");

	ok = ok && (fdio_read_plain_file(AT_FDCWD, spec->defaults, to, e) || e->code == ERR_NOT_FOUND);
	if (!identity_restore(&own))
		_exit(1); /* half somebody else */
	return ok;
}

bool properties_write(const struct launch_spec *spec, int dir_fd, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(LAUNCH_DEFAULTS_BYTES_MAX + LAUNCH_SPEC_BYTES_MAX);
	_sbuf_ struct sbuf defaults = SBUF_INIT(LAUNCH_DEFAULTS_BYTES_MAX);

	if (!spec->properties[0])
		return true;
	if (spec->defaults[0] && !read_defaults(spec, &defaults, e))
		return false;
	sbuf_add(&text, defaults.data, defaults.len);
	sbuf_adds(&text, "\n\n"); /* a last line without an end, or one that would go on */
	sbuf_adds(&text, spec->properties);

	_close_ int fd = openat(dir_fd, RECORD_PROPERTIES, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(e, errno, "create %s", RECORD_PROPERTIES);
	if (!fdio_write_all(fd, text.data, text.len, e))
		return error_wrap(e, "%s", RECORD_PROPERTIES);
	if (spec->uid >= 0 && fchown(fd, (uid_t)spec->uid, (gid_t)spec->gid) < 0)
		return error_errno(e, errno, "give %s to the job's user", RECORD_PROPERTIES);
	return true;
}
