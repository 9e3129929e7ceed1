#include "base/cleanup.h"
#include "model/redact.h"
#include "t.h"

TEST(keys_of_secrets_are_known_by_their_names)
{
	static const char *const secret[] = {
		"spark.ssl.keyPassword",
		"spark.hadoop.fs.s3a.secret.key",
		"spark.hadoop.fs.s3a.access.key",
		"spark.hadoop.fs.s3a.accessKey",
		"AWS_ACCESS_KEY_ID",
		"access key",
		"accesskey",
		"spark.access.access-key",
		"accessaccesskey",
		"spark.yarn.access.token",
		"x.CREDENTIALS.y",
		"spark.authenticate.SECRET",
		"token",
	};

	for (size_t i = 0; i < ARRAY_LEN(secret); i++)
		if (!redact_is_secret(secret[i]))
			t_fail(__FILE__, __LINE__, "%s holds a secret", secret[i]);
}

TEST(other_keys_are_not)
{
	static const char *const open[] = {
		"",
		"spark.executor.memory",
		"spark.access",
		"access..key",
		"access",
		"access.",
		"access.ke",
		"accesske",
		"keyaccess",
		"spark.yarn.access.hadoopFileSystems",
		"spark.passwd",
		"tok.en",
	};

	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		if (redact_is_secret(open[i]))
			t_fail(__FILE__, __LINE__, "%s holds no secret", open[i]);
}

TEST(a_secret_value_is_not_shown)
{
	CHECK_STR(redact_value("spark.app.password", "hunter2"), "[redacted]");
	CHECK_STR(redact_value("spark.app.name", "hunter2"), "hunter2");
}
