/* SPDX-License-Identifier: Apache-2.0
 *
 * Telemetry to a collector as otel.* says (docs/CONFIG.md): what to trace, and who sends it. */
#ifndef CMD_OTEL_H
#define CMD_OTEL_H

#include "cmd/cmd.h"
#include "telemetry/telemetry.h"

/* Begin to trace, before this process forks or has threads. *ret is NULL when nothing is to be
 * sent, or when the settings cannot be used: telemetry never stops a program, a line of the log
 * says why. service: OTEL_SERVICE_NAME when nobody set it; t NULL: no metrics. */
struct otel;
void otel_begin(struct cmd_run *r, const char *service, struct telemetry *t, struct otel **ret);
/* Send from a thread of this process, or from a process of its own. o NULL: nothing happens. */
void otel_send_thread(struct otel *o);
void otel_send_process(struct otel *o);
/* The last metrics, before the server and the books go. Accepts NULL. */
void otel_last_metrics(struct otel *o);
/* Send what is waiting, 2 s at most. Accepts NULL. */
void otel_end(struct otel *o);

#endif
