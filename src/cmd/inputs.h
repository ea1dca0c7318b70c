/* SPDX-License-Identifier: Apache-2.0
 *
 * The photos of one run: files, folders and patterns of the command line, expanded and ordered. */
#ifndef CMD_INPUTS_H
#define CMD_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct inputs_item {
    const char *path; /* as it is shown; "-" is standard input */
    const char *stem; /* of the files written for it: unique in the run */
    int code;         /* DM_OK, or why it cannot even be opened (text in error) */
    const char *error;
};

struct inputs {
    struct inputs_item *item; /* [n], everything in the arena */
    size_t n;
    size_t repeated; /* files named more than once and counted once */
};

/* Expand args[n].
 *   file      taken whatever its name
 *   folder    its pictures (by the first bytes, or by a picture's extension), sorted with numbers
 *             in numeric order; folders inside only when recursive; hidden files and our own
 *             overlays (NAME__annotated.jpg ...) are left out
 *   pattern   with *, ? or [] and not the name of a file: as the shell would
 *   -         standard input
 * What does not exist becomes an item with a code, so that the run goes on. A stem that several
 * photos share gets -2, -3... in order. DM_ELIMIT above LIMIT_INPUT_FILES, DM_ENOMEM. */
DM_MUST_CHECK int inputs_expand(const char *const *args, size_t n, bool recursive,
                                struct dm_arena *a, struct inputs *ret, struct dm_err *e);

/* Path to open for an item. */
const char *inputs_file(const struct inputs_item *item);

#endif
