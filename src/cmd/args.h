/* SPDX-License-Identifier: Apache-2.0
 *
 * Command line to flags and operands: GNU long options (--flag VALUE, --flag=VALUE, --flag and
 * --no-flag for switches), short letters (-j4, -j 4, -qv), "--" ends the flags. */
#ifndef CMD_ARGS_H
#define CMD_ARGS_H

#include "cmd/cmd.h"

/* A setting given as a flag; applied after file and environment. */
struct args_setting {
    size_t set, index;
    const char *text;
    const char *flag;
};

struct args_parsed {
    struct args_setting *setting; /* [n_setting], in r->arena */
    size_t n_setting;
};

/* Parse argv[n] (without the command's words) for r->cmd: general flags into r->general, its own
 * into r->flags, operands into r->args, settings into ret. DM_EUSAGE: unknown flag (with the
 * nearest one), value missing, not wanted or out of bounds, too few or too many operands (not
 * checked with --help). DM_ENOMEM. */
DM_MUST_CHECK int args_parse(struct cmd_run *r, int n, char **argv, struct args_parsed *ret,
                             struct dm_err *e);

/* Apply the settings parsed before. */
DM_MUST_CHECK int args_apply(struct cmd_run *r, const struct args_parsed *p, struct dm_err *e);

#endif
