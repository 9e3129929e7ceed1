#include "base/launch.h"
#include "t.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

static char word_a[] = "/bin/x", word_b[] = "two words", word_c[] = "", word_d[] = "HOME=/home/alice";
static char *const argv[] = { word_a, word_b, word_c, NULL };
static char *const envp[] = { word_d, NULL };
static const gid_t groups[] = { 1500, 27, 4294967294U };

static const struct launch_spec full = {
	.name = "7.1.abc",
	.cwd = "",
	.argv = argv,
	.envp = envp,
	.uid = 4294967294LL,
	.gid = 1500,
	.groups = groups,
	.group_count = ARRAY_LEN(groups),
	.properties = "spark.a.password=x\n",
	.defaults = "/conf/spark-defaults.conf",
	.hidden = "/var/lib/florus",
	.log_max_bytes = 1,
	.grace_ms = 2,
	.go_timeout_ms = 3,
};

TEST(a_launch_arrives_as_it_was_sent)
{
	struct launch_spec got;
	struct error e;
	int fd;

	CHECK_OK(launch_spec_write(&full, &fd, &e), e);
	CHECK_OK(launch_spec_open(fd, &got, &e), e);
	CHECK_STR(got.name, full.name);
	CHECK_STR(got.cwd, "");
	CHECK_STR(got.properties, full.properties);
	CHECK_STR(got.defaults, full.defaults);
	CHECK_STR(got.hidden, full.hidden);
	for (size_t i = 0; i < ARRAY_LEN(argv) - 1; i++)
		CHECK_STR(got.argv[i], argv[i]);
	CHECK(!got.argv[ARRAY_LEN(argv) - 1]);
	CHECK_STR(got.envp[0], envp[0]);
	CHECK(!got.envp[1]);
	CHECK_INT(got.uid, full.uid);
	CHECK_INT(got.gid, full.gid);
	CHECK_INT(got.group_count, ARRAY_LEN(groups));
	CHECK(memcmp(got.groups, groups, sizeof groups) == 0);
	CHECK(got.log_max_bytes == 1 && got.grace_ms == 2 && got.go_timeout_ms == 3);
	launch_spec_done(&got);
	(void)close(fd);
}

TEST(a_launch_without_a_user_names_none)
{
	struct launch_spec plain = full, got;
	struct error e;
	int fd;

	plain.uid = plain.gid = -1;
	plain.groups = NULL;
	plain.group_count = 0;
	CHECK_OK(launch_spec_write(&plain, &fd, &e), e);
	CHECK_OK(launch_spec_open(fd, &got, &e), e);
	CHECK(got.uid == -1 && got.gid == -1 && got.group_count == 0);
	launch_spec_done(&got);
	(void)close(fd);
}

/* Seals `n` bytes as a spec and opens it. */
static bool opens(const char *bytes, size_t n)
{
	struct launch_spec got;
	struct error e;
	_close_ int fd = memfd_create("spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	if (!launch_spec_open(fd, &got, &e))
		return false;
	CHECK(strlen(got.name) > 0 && got.argv[0] && got.group_count <= LAUNCH_GROUPS_MAX);
	launch_spec_done(&got);
	return true;
}

TEST(a_damaged_launch_is_refused_or_at_least_well_formed)
{
	enum { SIZE_MAX_HERE = 4096 };
	char bytes[SIZE_MAX_HERE];
	struct error e;
	int fd;

	CHECK_OK(launch_spec_write(&full, &fd, &e), e);
	ssize_t n = pread(fd, bytes, sizeof bytes, 0);
	CHECK(n > 0 && opens(bytes, (size_t)n));
	for (size_t cut = 1; cut < (size_t)n; cut++)
		CHECK(!opens(bytes, cut));
	for (size_t i = 0; i < (size_t)n; i++)
		for (int bit = 0; bit < 8; bit++) {
			bytes[i] ^= (char)(1 << bit);
			(void)opens(bytes, (size_t)n); /* what it says may be wrong, never where it points */
			bytes[i] ^= (char)(1 << bit);
		}
	(void)close(fd);
}
