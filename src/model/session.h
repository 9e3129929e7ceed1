/*
 * session - what clients see of an interactive session and of a statement, as tables (livy.md 2.2, 2.3). Pure.
 */
#pragma once
#include "model/state.h"

/* What the driver has said of itself. */
enum driver_state { DRIVER_STARTING, DRIVER_IDLE, DRIVER_ERROR, DRIVER_STATE_COUNT };

bool driver_state_parse(const char *name, enum driver_state *ret); /* as on the wire: "starting", … */

/* The name of a session's state: starting, idle, busy, error, shutting_down, dead or killed. */
const char *session_state_name(enum state job, enum driver_state driver, bool busy);

/* May statements be sent to it? */
bool session_takes_statements(enum state job, enum driver_state driver);

/* --- statements --- */

enum statement_state {
	STATEMENT_WAITING,
	STATEMENT_RUNNING,
	STATEMENT_CANCELLING,
	STATEMENT_AVAILABLE,
	STATEMENT_CANCELLED,
	STATEMENT_STATE_COUNT
};

const char *statement_state_name(enum statement_state s); /* as stored and as shown */
bool statement_state_parse(const char *name, enum statement_state *ret);
bool statement_is_over(enum statement_state s);

/* The kind that a client names, as it is shown: "python" is "pyspark"; NULL when there is none such. */
const char *session_kind(const char *name);
