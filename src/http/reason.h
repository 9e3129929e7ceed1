/* reason - what stands behind a status on the first line of an answer. */
#pragma once

/* Jetty's words, which Livy's clients look for (livy.md 1.0, 1.1). */
const char *http_reason(int status);
