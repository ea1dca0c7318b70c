/* SPDX-License-Identifier: Apache-2.0
 *
 * Name and password of the job monitor. */
#ifndef CMD_MONITOR_ACCESS_H
#define CMD_MONITOR_ACCESS_H

#include "cmd/cmd.h"

struct monitor_access {
    const char *user, *password; /* password NULL: nobody may use it, it is off */
};

/* monitor.user and monitor.password, else monitor.basic_auth ("user:password"); in the run's arena.
 * There is no password that comes with the program. DM_EBADINPUT: basic_auth has no colon. */
DM_MUST_CHECK int monitor_access(struct cmd_run *r, struct monitor_access *ret, struct dm_err *e);

#endif
