/* SPDX-License-Identifier: Apache-2.0
 *
 * What this program is: number, commit, processor, libraries. */
#ifndef CMD_VERSION_H
#define CMD_VERSION_H

#include "base/library.h"
#include "cmd/cmd.h"

/* "0.1.0" */
const char *version_number(void);

/* Commit it was built from, "unknown" outside a checkout. */
const char *version_commit(void);

#define VERSION_LIBRARIES_MAX (4 * DM_LIBRARIES_MAX)

/* Libraries in the order of the rooms. Fills ret; returns how many. */
size_t version_libraries(struct dm_library ret[static VERSION_LIBRARIES_MAX]);

/* Features of the processor that the networks use, of those the system reports ("avx2 avx512f
 * amx_bf16"); "" when it reports none. In r->arena. */
const char *version_cpu_features(struct cmd_run *r);
const char *version_cpu_name(struct cmd_run *r);

#endif
