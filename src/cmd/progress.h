/* SPDX-License-Identifier: Apache-2.0
 *
 * Progress bar on standard error, only on a terminal. It is redrawn in place and taken away before
 * anything else is printed. */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include "base/clock.h"
#include "cmd/cmd.h"

struct progress {
    bool on;
    dm_usec start, last_drawn;
    size_t n, done, failed;
};

/* total photos; off when stderr is no terminal, with --quiet, --no-progress, NO_COLOR, or when
 * there is only one. */
void progress_begin(struct progress *p, const struct cmd_run *r, size_t n);

/* Draw, at most ten times a second. */
void progress_draw(struct progress *p, struct cmd_run *r);

/* Take the bar away, so that something else may be printed. */
void progress_hide(struct progress *p, const struct cmd_run *r);

/* The words of the bar, for tests: " 12/46 [#####...............]  26 %   1,9 s/foto ..." */
const char *progress_line(const struct progress *p, struct cmd_run *r, double elapsed_s);

#endif
