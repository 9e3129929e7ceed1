#include "cluster/kube/volumes.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PREFIX "spark.kubernetes.driver.volumes."
#define SECRETS "spark.kubernetes.driver.secrets."
#define LOCAL_VOLUME "spark-local-dir-"
#define LOCAL_DIR "/var/data/spark-local"
#define CLAIM "persistentVolumeClaim"

/* What an option is called in the conf and in a pod; `must`: there is no volume without it. */
struct option {
	const char *key, *field;
	bool must;
};

static const struct type {
	const char *name;
	struct option options[2];
} types[] = {
	{ "hostPath", { { "path", "path", true }, { "type", "type", false } } },
	{ "emptyDir", { { "medium", "medium", false }, { "sizeLimit", "sizeLimit", false } } },
	{ CLAIM, { { "claimName", "claimName", true }, { NULL, NULL, false } } },
	{ "nfs", { { "path", "path", true }, { "server", "server", true } } },
};

static const struct type *type_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(types[i].name, name))
			return &types[i];
	return NULL;
}

/* --- reading --- */

struct reading {
	struct arena *a;
	const struct submission *s;
	struct kube_volumes *to;
	const char *why;
};

static const char *conf_of(const struct reading *r, const struct kube_volume *v, const char *key)
{
	char whole[SPEC_KEY_MAX];

	(void)snprintf(whole, sizeof whole, PREFIX "%s.%s.%s", v->type, v->name, key);
	return submission_conf(r->s, whole);
}

/* Spark makes claims by itself: of this name, or of a storage class and a size. That takes rights of its own. */
static bool makes_claim(const struct reading *r, const struct kube_volume *v)
{
	return str_eq(v->type, CLAIM) && v->options[0] &&
	       (strstr(v->options[0], "OnDemand") || conf_of(r, v, "options.storageClass"));
}

static const char *read_options(const struct reading *r, const struct type *type, struct kube_volume *v)
{
	char key[32];

	for (size_t i = 0; i < ARRAY_LEN(type->options) && type->options[i].key; i++) {
		(void)snprintf(key, sizeof key, "options.%s", type->options[i].key);
		v->options[i] = conf_of(r, v, key);
		if (type->options[i].must && !v->options[i])
			return "a volume of the driver that lacks an option";
	}
	if (makes_claim(r, v))
		return "a volume of the driver whose claim is made for it";
	/* Spark takes a mere number for a unit that was forgotten */
	if (str_eq(v->type, "emptyDir") && v->options[1] && str_all_digits(v->options[1]) && strlen(v->options[1]) < 4)
		return "a size of a volume without a unit";
	return NULL;
}

static const char *read_volume(const struct reading *r, struct kube_volume *v)
{
	const struct type *type = type_of(v->type);
	const char *read_only = conf_of(r, v, "mount.readOnly");

	if (!type)
		return "a kind of volume that only Spark knows";
	v->path = conf_of(r, v, "mount.path");
	v->sub_path = conf_of(r, v, "mount.subPath");
	v->sub_path_expr = conf_of(r, v, "mount.subPathExpr");
	v->read_only = read_only && strcasecmp(read_only, "true") == 0;
	if (str_empty(v->path) || strchr(v->path, ','))
		return "a volume of the driver without a mount.path, or with several";
	if ((read_only && !v->read_only && strcasecmp(read_only, "false") != 0) || (v->sub_path && v->sub_path_expr))
		return "a volume of the driver that Spark refuses";
	for (size_t i = 0; i < r->to->count; i++)
		if (str_eq(r->to->items[i].path, v->path))
			return "two volumes of the driver in one place";
	return read_options(r, type, v);
}

/* "TYPE.NAME.…"; the keys come sorted, so those of one volume follow each other, or nearly so. */
static void each_key(void *arg, const char *rest, const char *value)
{
	struct reading *r = arg;
	const char *dot = strchr(rest, '.'), *end = dot ? strchr(dot + 1, '.') : NULL;
	struct kube_volume v = { 0 };

	(void)value;
	if (r->why || !end)
		return;
	v.type = arena_strndup(r->a, rest, (size_t)(dot - rest));
	v.name = arena_strndup(r->a, dot + 1, (size_t)(end - dot - 1));
	for (size_t i = 0; i < r->to->count; i++)
		if (str_eq(r->to->items[i].type, v.type) && str_eq(r->to->items[i].name, v.name))
			return;
	if (!v.type || !v.name || r->to->count == KUBE_VOLUMES_MAX)
		r->why = "very many volumes of the driver";
	else if (!(r->why = read_volume(r, &v)))
		r->to->items[r->to->count++] = v;
}

static bool add_local_dir(struct kube_volumes *v, const char *path)
{
	if (v->local_dirs_count == KUBE_LOCAL_DIRS_MAX)
		return false;
	v->local_dirs[v->local_dirs_count++] = path;
	return true;
}

/* Volumes with such a name are for Spark's own data, the template's first. */
static bool find_local_dirs(const struct jr *container, struct kube_volumes *v)
{
	const struct jr *mounts = container ? jr_get(container, "volumeMounts") : NULL;
	bool ok = true;

	for (size_t i = 0; mounts && mounts->type == JR_ARRAY && i < mounts->count; i++) {
		const struct jr *mount = &mounts->items[i];
		const char *name = mount->type == JR_OBJECT ? jr_text(mount, "name", JR_STRING) : NULL;
		const char *path = name ? jr_text(mount, "mountPath", JR_STRING) : NULL;

		if (path && str_starts(name, LOCAL_VOLUME))
			ok = ok && add_local_dir(v, path);
	}
	for (size_t i = 0; i < v->count; i++)
		if (str_starts(v->items[i].name, LOCAL_VOLUME))
			ok = ok && add_local_dir(v, v->items[i].path);
	return ok;
}

/* Where nothing is mounted, spark.local.dir says what is to be; without that it is a place of ours. */
static bool make_local_dirs(struct arena *a, const struct submission *s, struct kube_volumes *v)
{
	const char *given = submission_conf(s, "spark.local.dir");
	char *rest = arena_strdup(a, given), *dir;
	bool ok = true;

	v->make_local_dirs = true;
	while (given && (dir = strsep(&rest, ",")) != NULL)
		ok = ok && *dir == '/' && add_local_dir(v, dir);
	return ok && (given || add_local_dir(v, LOCAL_DIR));
}

const char *kube_volumes_read(struct arena *a, const struct submission *s, const struct jr *container,
			      struct kube_volumes *ret)
{
	struct reading r = { a, s, ret, NULL };

	*ret = (struct kube_volumes){ 0 };
	submission_each(s, PREFIX, each_key, &r);
	if (r.why)
		return r.why;
	if (!find_local_dirs(container, ret) || (ret->local_dirs_count == 0 && !make_local_dirs(a, s, ret)))
		return "local directories that are not paths, or very many";
	return NULL;
}

/* --- writing --- */

static void mount(struct jw *w, const char *name, const char *path)
{
	jw_open(w, NULL, '{');
	jw_str(w, "name", name);
	jw_str(w, "mountPath", path);
	jw_close(w, '}');
}

/* spark.kubernetes.driver.secrets.NAME = path */
static void each_secret_mount(void *arg, const char *rest, const char *value)
{
	char volume[300];

	(void)snprintf(volume, sizeof volume, "%.200s-volume", rest);
	mount(arg, volume, value);
}

static void each_secret(void *arg, const char *rest, const char *value)
{
	struct jw *w = arg;
	char volume[300];

	(void)value;
	(void)snprintf(volume, sizeof volume, "%.200s-volume", rest);
	jw_open(w, NULL, '{');
	jw_str(w, "name", volume);
	jw_open(w, "secret", '{');
	jw_str(w, "secretName", rest);
	jw_close(w, '}');
	jw_close(w, '}');
}

static void local_volume(char to[40], size_t i)
{
	(void)snprintf(to, 40, LOCAL_VOLUME "%zu", i + 1);
}

void kube_volumes_write_mounts(struct jw *w, const struct submission *s, const struct kube_volumes *v)
{
	char name[40];

	submission_each(s, SECRETS, each_secret_mount, w);
	for (size_t i = 0; i < v->count; i++) {
		const struct kube_volume *one = &v->items[i];

		jw_open(w, NULL, '{');
		jw_str(w, "name", one->name);
		jw_str(w, "mountPath", one->path);
		if (one->sub_path)
			jw_str(w, "subPath", one->sub_path);
		if (one->sub_path_expr)
			jw_str(w, "subPathExpr", one->sub_path_expr);
		if (one->read_only)
			jw_bool(w, "readOnly", true);
		jw_close(w, '}');
	}
	for (size_t i = 0; v->make_local_dirs && i < v->local_dirs_count; i++) {
		local_volume(name, i);
		mount(w, name, v->local_dirs[i]);
	}
}

static void source(struct jw *w, const struct kube_volume *v)
{
	const struct type *type = type_of(v->type);

	jw_open(w, v->type, '{');
	for (size_t i = 0; type && i < ARRAY_LEN(type->options); i++)
		if (v->options[i])
			jw_str(w, type->options[i].field, v->options[i]);
	if (v->read_only && str_eq(v->type, CLAIM))
		jw_bool(w, "readOnly", true);
	jw_close(w, '}');
}

void kube_volumes_write(struct jw *w, const struct submission *s, const struct kube_volumes *v)
{
	bool memory = str_eq(submission_conf(s, "spark.kubernetes.local.dirs.tmpfs"), "true");
	char name[40];

	submission_each(s, SECRETS, each_secret, w);
	for (size_t i = 0; i < v->count; i++) {
		jw_open(w, NULL, '{');
		jw_str(w, "name", v->items[i].name);
		source(w, &v->items[i]);
		jw_close(w, '}');
	}
	for (size_t i = 0; v->make_local_dirs && i < v->local_dirs_count; i++) {
		local_volume(name, i);
		jw_open(w, NULL, '{');
		jw_str(w, "name", name);
		jw_open(w, "emptyDir", '{');
		if (memory)
			jw_str(w, "medium", "Memory");
		jw_close(w, '}');
		jw_close(w, '}');
	}
}

void kube_volumes_local_dirs(const struct kube_volumes *v, struct sbuf *out)
{
	for (size_t i = 0; i < v->local_dirs_count; i++)
		sbuf_addf(out, "%s%s", i ? "," : "", v->local_dirs[i]);
}
