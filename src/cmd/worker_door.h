/* SPDX-License-Identifier: Apache-2.0
 *
 * Health and metrics of a worker. The keeper has neither threads nor a database, so that forking is
 * always safe; a child of its own answers on metrics.listen. */
#ifndef CMD_WORKER_DOOR_H
#define CMD_WORKER_DOOR_H

#include "cmd/cmd.h"
#include "telemetry/telemetry.h"

/* Fork that child; it waits for the database, answers until this process ends, however that ends,
 * and never counts or takes a job. Before any thread exists. t (NULL allowed) was made before, so
 * that it shows what all processes count. No metrics.listen: no child. What goes wrong in the child
 * is a warning in the log. DM_EBADINPUT, DM_EIO. */
DM_MUST_CHECK int worker_door_fork(struct cmd_run *r, struct telemetry *t, struct dm_err *e);

#endif
