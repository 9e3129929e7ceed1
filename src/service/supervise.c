/*
 * supervise - carries out what the state table decides: the queue, the attempts, the ends.
 *
 * Events come from here (a free slot), from attempts (reports) and from delete.c (kills). All go
 * through supervise_event(), the only place that changes a batch's state.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "service/registry.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* --- storing what happened --- */

enum { CHANGE_TEXTS = 7 };

/* A change of state on its way to the disk; given again until it is there. */
struct change {
	struct store_update up; /* first */
	struct entry *entry;
	struct change *next; /* in batches.unstored */
	char *owned[CHANGE_TEXTS];
};

static void change_free(struct change *c)
{
	registry_release(c->entry);
	for (size_t i = 0; i < ARRAY_LEN(c->owned); i++)
		free(c->owned[i]);
	free(c);
}

/* Oldest first, so that a batch's end does not overtake its beginning. */
void supervise_store_again(void *arg)
{
	struct batches *b = arg;
	struct change *c = b->unstored, *next;

	b->unstored = NULL;
	for (; c; c = next) {
		next = c->next;
		store_update(b->store, &c->up);
	}
}

static void keep_unstored(struct batches *b, struct change *c)
{
	struct change **last = &b->unstored;

	if (!*last)
		loop_timer_set(b->unstored_timer, STORE_RETRY_MS, 0);
	while (*last)
		last = &(*last)->next;
	c->next = NULL;
	*last = c;
}

void supervise_drop_unstored(struct batches *b)
{
	while (b->unstored) {
		struct change *c = b->unstored;

		b->unstored = c->next;
		change_free(c);
	}
}

static void change_stored(struct store_op *op)
{
	struct change *c = (struct change *)op;
	struct entry *en = c->entry;

	if (!op->ok && !en->of->stopping) {
		/* The exit record keeps the truth until the store takes it (P17, P27). */
		log_warn("state not stored yet", LOG_INT(en->of->kind.noun, en->shown.id),
			 LOG_STR("reason", op->error.msg));
		keep_unstored(en->of, c);
		return;
	}
	if (op->ok && c->up.finished_ms) {
		en->end_stored = true;
		deletion_finished(en);
	}
	if (op->ok && c->up.handle && en->app)
		cluster_noted(en->app);
	change_free(c);
}

void supervise_store(struct entry *en, const struct store_update *up)
{
	struct change *c = xcalloc(1, sizeof *c);
	const char **const texts[CHANGE_TEXTS] = { &c->up.why,    &c->up.app_id,   &c->up.handle,      &c->up.log_url,
						   &c->up.ui_url, &c->up.launcher, &c->up.launcher_why };

	registry_hold(en);
	c->entry = en;
	c->up = *up;
	c->up.op.done = change_stored;
	c->up.id = en->shown.id;
	for (size_t i = 0; i < CHANGE_TEXTS; i++)
		*texts[i] = c->owned[i] = xstrdup(*texts[i]);
	store_update(en->of->store, &c->up);
}

/* --- launching --- */

struct intent {
	struct store_intent in; /* first */
	struct entry *entry;
	struct cluster *reserved; /* its room there; NULL: it takes none */
};

static void intent_free(struct intent *it)
{
	if (it->reserved && !it->entry->of->stopping)
		cluster_release(it->reserved);
	registry_release(it->entry);
	free(it->in.out_request);
	free(it);
}

/* Nothing ran: tell the table, with the reason. */
static void came_to_nothing(struct entry *en, enum event event, const char *why)
{
	struct attempt_report report = { .event = ATTEMPT_NEVER_STARTED };

	(void)snprintf(report.why, sizeof report.why, "%.*s", (int)sizeof report.why - 1, why);
	supervise_event(en, event, &report);
}

/* The store cannot take an intent now: nobody starts for a while, and no try is counted. */
static void postpone(struct entry *en, const char *why)
{
	en->of->paused_until_ms = clock_now_ms() + STORE_RETRY_MS;
	came_to_nothing(en, EVENT_NEVER_STARTED, why);
}

/* A kill is on the disk: one that will be told of soon, or one whose commit was taken for a failure. */
static void forbidden(struct entry *en, const char *why)
{
	en->deleted |= !en->killed; /* by whom is not known any more: most likely by a DELETE */
	en->killed = true;
	supervise_event(en, EVENT_KILL, NULL);
	came_to_nothing(en, EVENT_NEVER_STARTED, why);
}

static enum event try_failed(struct entry *en)
{
	return ++en->tries < LAUNCH_TRIES_MAX ? EVENT_NEVER_STARTED : EVENT_GAVE_UP;
}

static void on_report(void *arg, const struct attempt_report *report);

/* Is the process that is supervised only the one that submits, not the driver? */
static bool is_submitter(const struct entry *en)
{
	return en->run && en->cluster;
}

static void forget_attempt(struct entry *en)
{
	en->run = attempt_forget(en->run);
	en->app = cluster_forget(en->app);
}

static enum event end_event(const struct entry *en, const struct attempt_report *report)
{
	if (en->failing)
		return EVENT_EXIT_BAD;
	if (report->end == ATTEMPT_END_APP && report->code == ATTEMPT_APP_KILLED)
		return EVENT_EXIT_KILLED;
	return (report->end == ATTEMPT_END_EXIT || report->end == ATTEMPT_END_APP) && report->code == 0
		       ? EVENT_EXIT_OK
		       : EVENT_EXIT_BAD;
}

/*
 * spark-submit is over, and the cluster has nothing of it, or does not say (cluster_expect_none()). The submitter's
 * failure is an answer of its own, so this is no state made from a question that failed (P12). Nor can it double
 * anything: what is dead is never started again (P4), and the reason says what is left to look for.
 */
static void submitted_nothing(struct entry *en, const struct attempt_report *report)
{
	_free_ struct attempt_report *submit = TAKE(en->submitted);
	bool exited = submit->end == ATTEMPT_END_EXIT, unknown = report->again == ATTEMPT_NEVER_AGAIN;

	if (exited && submit->code == 0)
		(void)snprintf(submit->why, sizeof submit->why,
			       "spark-submit ended well, but the cluster does not have the application");
	else if (exited)
		(void)snprintf(submit->why, sizeof submit->why, "spark-submit ended with status %d%s%.200s",
			       submit->code, unknown ? ", and " : "", unknown ? report->why : "");
	supervise_event(en, EVENT_EXIT_BAD, submit);
}

static void never_started(struct entry *en, const struct attempt_report *report)
{
	forget_attempt(en);
	if (en->native && report->again != ATTEMPT_NEVER_AGAIN) /* the next one has a directory of its own */
		deletion_remove_dir(en->of, en->shown.id, en->shown.attempt, en->shown.nonce);
	if (en->submitted)
		submitted_nothing(en, report);
	else if (report->again == ATTEMPT_NEVER_AGAIN)
		supervise_event(en, EVENT_GAVE_UP, report);
	else if (report->again == ATTEMPT_WAIT)
		supervise_event(en, EVENT_NEVER_STARTED, report);
	else if (report->again == ATTEMPT_BY_SUBMIT)
		supervise_event(en, remote_fall_back(en, report->why) ? EVENT_NEVER_STARTED : EVENT_GAVE_UP, report);
	else
		supervise_event(en, try_failed(en), report);
}

static void ended(struct entry *en, const struct attempt_report *report)
{
	bool submitter = is_submitter(en);

	forget_attempt(en);
	if (submitter)
		remote_hand_over(en, report, on_report);
	else
		supervise_event(en, end_event(en, report), report);
}

static void on_report(void *arg, const struct attempt_report *report)
{
	struct entry *en = arg;

	switch (report->event) {
	case ATTEMPT_KNOWN:
		remote_known(en, report);
		return;
	case ATTEMPT_STARTED:
		if (!is_submitter(en))
			supervise_event(en, EVENT_STARTED, report);
		return;
	case ATTEMPT_NEVER_STARTED:
		never_started(en, report);
		return;
	case ATTEMPT_ENDED:
		ended(en, report);
		return;
	}
}

static void start(struct entry *en, const struct store_intent *in, const struct account *account,
		  const struct error *no_account)
{
	struct error e = *no_account;

	if (en->shown.state == STATE_KILLING) {
		came_to_nothing(en, EVENT_NEVER_STARTED, "killed before it was started");
		return;
	}
	en->shown.attempt = in->attempt;
	excerpt_close(&en->excerpt); /* that of an earlier attempt, if anybody looked */
	if (e.code != ERR_NONE || !launch_start(en, in->out_request, in->out_request_len, account, on_report, &e))
		came_to_nothing(en, e.code == ERR_UNAVAILABLE ? try_failed(en) : EVENT_GAVE_UP, e.msg);
}

static void account_found(void *arg, const struct account *account, const struct error *e)
{
	struct intent *it = arg;
	struct entry *en = it->entry;

	if (!en->of->stopping)
		start(en, &it->in, account, e);
	intent_free(it);
}

static void intent_stored(struct store_op *op)
{
	struct intent *it = (struct intent *)op;
	struct entry *en = it->entry;

	if (!en->of->stopping) {
		if (op->ok) {
			runas_find(en->of, effective_user(&en->shown), account_found, it);
			return;
		}
		if (op->error.code == ERR_CONFLICT)
			forbidden(en, op->error.msg);
		else
			postpone(en, op->error.msg);
	}
	intent_free(it);
}

/* L3: the intent is on the disk before anything is started. */
static void launch(struct entry *en)
{
	struct intent *it = xcalloc(1, sizeof *it);

	registry_hold(en);
	it->entry = en;
	it->reserved = en->native ? en->cluster : NULL;
	if (it->reserved)
		cluster_reserve(it->reserved);
	it->in.op.done = intent_stored;
	it->in.id = en->shown.id;
	it->in.attempt = en->shown.attempt + 1;
	it->in.boot_id = attempt_boot_id();
	store_intent(en->of->store, &it->in);
}

/* --- ends --- */

static const char *end_name(const struct attempt_report *report)
{
	static const char *const names[] = { [ATTEMPT_END_EXIT] = "exit",
					     [ATTEMPT_END_SIGNAL] = "signal",
					     [ATTEMPT_END_EXEC] = "exec",
					     [ATTEMPT_END_LOST] = "lost",
					     [ATTEMPT_END_APP] = "app" };

	return report && report->event == ATTEMPT_ENDED ? names[report->end] : NULL;
}

/*
 * Why a batch ended, when it was not the driver who said so, belongs where people look: in the section of its log that
 * Livy has for what is said of a job, or else at the end of the log.
 */
static void log_reason(const struct entry *en, const char *why)
{
	char name[ATTEMPT_NAME_MAX], path[ATTEMPT_NAME_MAX + sizeof RECORD_LOG + 1];

	attempt_name(name, en->shown.id, en->shown.attempt, en->shown.nonce);
	if (en->cluster && cluster_diagnostics_head(en->cluster)) {
		diagnostics_add(en->of->run_dirfd, name, why);
		return;
	}
	(void)snprintf(path, sizeof path, "%s/" RECORD_LOG, name);
	(void)mkdirat(en->of->run_dirfd, name, 0700);
	_close_ int fd =
		openat(en->of->run_dirfd, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		       0600); /* a job may have put a pipe in its place */
	if (fd < 0 || dprintf(fd, "florus: %s\n", why) < 0)
		log_warn("reason not written to the log", LOG_INT(en->of->kind.noun, en->shown.id));
}

static void finish(struct entry *en, const struct attempt_report *report)
{
	struct batches *b = en->of;
	struct store_update up = { .state = state_name(en->shown.state), .end_kind = end_name(report) };
	_sbuf_ struct sbuf reason = SBUF_INIT(RECORD_WHY_MAX - 1);

	b->finished++;
	b->ended[en->shown.state]++;
	backlog_leave(b->live, effective_user(&en->shown));
	sbuf_adds(&reason, report ? report->why : "");
	if (report && b->kind.explain)
		b->kind.explain(b->kind.arg, &en->shown, report, &reason);
	const char *why = sbuf_str(&reason);
	en->shown.finished_ms = report && report->ended_wall_ms ? report->ended_wall_ms : clock_wall_ms();
	up.finished_ms = en->shown.finished_ms;
	up.started_ms = en->shown.started_ms;
	up.end_code = report ? report->code : 0;
	if (*why && en->shown.state != STATE_KILLED && en->shown.attempt > 0)
		log_reason(en, why);
	excerpt_close(&en->excerpt);
	up.why = *why ? why : NULL;
	supervise_store(en, &up);
	log_info("job finished", LOG_INT(b->kind.noun, en->shown.id), LOG_STR("state", state_name(en->shown.state)),
		 LOG_STR("end", up.end_kind), LOG_INT("code", up.end_code), LOG_STR("why", why));
	supervise_pump(b);
}

static void started(struct entry *en, const struct attempt_report *report)
{
	struct store_update up = { .state = state_name(en->shown.state) };

	if (en->shown.started_ms)
		return; /* taken up again: the store knows */
	en->shown.started_ms = report->started_wall_ms ? report->started_wall_ms : clock_wall_ms();
	up.started_ms = en->shown.started_ms;
	supervise_store(en, &up);
	log_info("job started", LOG_INT(en->of->kind.noun, en->shown.id), LOG_INT("attempt", en->shown.attempt),
		 LOG_INT("pid", report->driver_pid));
}

void batches_fail(struct batches *b, int64_t id)
{
	struct entry *en = registry_by_id(b, id);

	if (!en || en->shown.state != STATE_RUNNING || en->failing)
		return;
	en->failing = true;
	if (en->run)
		attempt_kill(en->run);
	if (en->app)
		cluster_kill(en->app);
}

void batches_set_app_id(struct batches *b, int64_t id, const char *app_id)
{
	struct entry *en = registry_by_id(b, id);
	struct store_update up = { 0 };

	if (!en || str_eq(en->shown.app_id, app_id))
		return;
	free((void *)(uintptr_t)en->shown.app_id);
	up.app_id = en->shown.app_id = xstrdup(app_id);
	supervise_store(en, &up);
}

/* --- the queue --- */

static void unqueue(struct entry *en)
{
	if (!en->queue_next)
		return;
	en->queue_prev->queue_next = en->queue_next;
	en->queue_next->queue_prev = en->queue_prev;
	en->queue_prev = en->queue_next = NULL;
	backlog_leave(en->of->backlog, en->shown.owner);
}

void supervise_enqueue(struct entry *en, bool at_head)
{
	struct entry *head = en->native ? &en->of->native_queue : &en->of->queue;
	struct entry *after = at_head ? head : head->queue_prev;

	en->queue_prev = after;
	en->queue_next = after->queue_next;
	after->queue_next = en;
	en->queue_next->queue_prev = en;
	backlog_enter(en->of->backlog, en->shown.owner);
}

static void requeue(struct entry *en, const struct attempt_report *report)
{
	int64_t wait_ms = (int64_t)LAUNCH_BACKOFF_MIN_MS << en->tries;

	wait_ms = wait_ms > LAUNCH_BACKOFF_MAX_MS ? LAUNCH_BACKOFF_MAX_MS : wait_ms;
	wait_ms = wait_ms < report->retry_ms ? report->retry_ms : wait_ms;
	en->not_before_ms = clock_now_ms() + wait_ms;
	supervise_enqueue(en, true);
	log_warn("start postponed", LOG_INT(en->of->kind.noun, en->shown.id), LOG_INT("retry_ms", wait_ms),
		 LOG_STR("why", report->why));
	supervise_pump(en->of);
}

static bool has_room(const struct entry *en)
{
	return en->native ? en->cluster && cluster_has_room(en->cluster) : en->of->slots < en->of->kind.max_running;
}

/*
 * First come, first served; one that waits out its back-off, or for a cluster that is full, lets others pass. Returns
 * in how many milliseconds the next back-off is over; 0: nobody waits for one.
 */
static int64_t pump_queue(struct batches *b, struct entry *head, int64_t now)
{
	int64_t next_ms = 0;
	int passed = 0;

	for (struct entry *en = head->queue_next, *next; en != head && passed < PUMP_PASSED_MAX; en = next) {
		next = en->queue_next;
		if (head == &b->queue && !has_room(en))
			break;
		if (!has_room(en))
			passed++;
		else if (en->not_before_ms <= now)
			supervise_event(en, EVENT_SLOT, NULL);
		else if (!next_ms || en->not_before_ms - now < next_ms)
			next_ms = en->not_before_ms - now;
	}
	return next_ms;
}

void supervise_pump(void *arg)
{
	struct batches *b = arg;
	int64_t now = clock_now_ms(), next_ms = b->paused_until_ms > now ? b->paused_until_ms - now : 0, other_ms;

	if (b->stopping || b->config->florus_launch_hold)
		return;
	if (next_ms) {
		loop_timer_set(b->pump_timer, next_ms, 0);
		return;
	}
	next_ms = pump_queue(b, &b->queue, now);
	other_ms = pump_queue(b, &b->native_queue, now);
	if (!next_ms || (other_ms && other_ms < next_ms))
		next_ms = other_ms;
	if (next_ms)
		loop_timer_set(b->pump_timer, next_ms, 0);
}

/* --- the one door --- */

/* A place of this host is taken by a process of this host: not by a job that a cluster has, or is about to have. */
void supervise_count_slot(struct entry *en)
{
	bool takes = state_has_slot(en->shown.state) && !en->native && !en->app;

	en->of->slots += takes - en->has_slot;
	en->has_slot = takes;
}

void supervise_event(struct entry *en, enum event event, const struct attempt_report *report)
{
	struct step step = state_step(en->shown.state, event);

	log_debug("event", LOG_INT(en->of->kind.noun, en->shown.id), LOG_STR("state", state_name(en->shown.state)),
		  LOG_STR("event", event_name(event)), LOG_STR("next", state_name(step.next)));
	en->shown.state = step.next;
	supervise_count_slot(en);
	if (step.next != STATE_QUEUED)
		unqueue(en);
	if (step.actions & ACTION_SHOW)
		registry_forget_view(en);
	if (event == EVENT_STARTED)
		started(en, report);
	if (step.actions & ACTION_LAUNCH)
		launch(en);
	if (step.actions & ACTION_REQUEUE && report) /* only a report says that nothing was started */
		requeue(en, report);
	if (step.actions & ACTION_SIGNAL && en->run)
		attempt_kill(en->run);
	if (step.actions & ACTION_SIGNAL && en->app)
		cluster_kill(en->app);
	if (step.actions & ACTION_FINISH)
		finish(en, report);
	if (step.actions & ACTION_SHOW)
		registry_tell_changed(en);
}

void supervise_adopt(struct entry *en, const char *boot_id, const char *handle)
{
	struct batches *b = en->of;

	if (en->shown.cluster && !en->cluster)
		log_error("job runs in a cluster that is not configured any more: it stays as it is until it is again",
			  LOG_INT(b->kind.noun, en->shown.id), LOG_STR("cluster", en->shown.cluster));
	else if (en->native || handle)
		remote_adopt(en, handle, on_report);
	else
		en->run = attempt_adopt(b->runner, en->shown.id, en->shown.attempt, en->shown.nonce, boot_id, on_report,
					en);
	supervise_count_slot(en);
	if (en->killed) {
		en->shown.state = STATE_KILLING;
		if (en->run)
			attempt_kill(en->run);
		if (en->app)
			cluster_kill(en->app);
		registry_tell_changed(en);
	}
}
