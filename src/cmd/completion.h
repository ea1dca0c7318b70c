/* SPDX-License-Identifier: Apache-2.0
 *
 * Completion scripts: commands, flags, choices and file names of the tables for bash, zsh, fish. */
#ifndef CMD_COMPLETION_H
#define CMD_COMPLETION_H

#include "base/buf.h"
#include "cmd/cmd.h"

struct completion_shell {
    const char *name;
    void (*write)(struct cmd_run *r, struct dm_buf *out);
};

/* Ended by name NULL. */
extern const struct completion_shell completion_shells[];

#endif
