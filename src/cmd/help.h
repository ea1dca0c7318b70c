/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything a person reads about commands and settings, made from the tables: --help, man pages,
 * docs/CONFIG.md. */
#ifndef CMD_HELP_H
#define CMD_HELP_H

#include <stdio.h>

#include "base/buf.h"
#include "cmd/cmd.h"

/* List of commands. Returns exit status 0. */
DM_MUST_CHECK int help_overview(struct cmd_run *r, FILE *to, struct dm_err *e);

/* Help of r->cmd on r->out. Returns exit status 0. */
DM_MUST_CHECK int help_command(struct cmd_run *r, struct dm_err *e);

/* Man page in roff: "demeter", "demeter-count", "demeter.conf". DM_ENOTFOUND. */
DM_MUST_CHECK int help_man(struct cmd_run *r, const char *page, struct dm_buf *out,
                           struct dm_err *e);

/* docs/CONFIG.md. */
DM_MUST_CHECK int help_config_markdown(struct cmd_run *r, struct dm_buf *out, struct dm_err *e);

/* "--jobs N", "--[no-]skip-black-tiles", "--overlay-format jpeg|png" without what letter adds. */
const char *help_flag(struct cmd_run *r, const struct dm_opt *o);

/* Words of an exit status, MSG_EMPTY-terminated list for help and man pages. */
struct help_exit {
    int status;
    enum msg text;
};
extern const struct help_exit help_exits[];
extern const size_t help_exits_count;

/* Visible rows of a table for a command: own flags always, settings by cmd_uses_setting. */
bool help_shows(const struct cmd *c, const struct dm_opt *o, bool with_hidden);

#endif
