/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests and the one member of the answer that is looked at, as rows of a table (longer stories:
 * support/api_steps.h):
 *
 *   {INV_WORKER, "POST", "/api/v1/stock/operations", "{'operation': 'muerte'...}", 201,
 *    "quantity_removed", "2"},
 *
 * in requests "'" stands for '"'. The rig checks every reply against its schema. */
#ifndef TESTS_SUPPORT_API_ROWS_H
#define TESTS_SUPPORT_API_ROWS_H

#include "support/api_rig.h"

struct api_row {
    enum inv_role as;
    const char *method, *path;
    const char *json; /* NULL: no body */
    int status;
    const char *at;     /* "items.0.name"; "" the whole; NULL: not looked at */
    const char *expect; /* as compact JSON; "~x": a text that has x in it; NULL: anything that is
                           there */
};

void api_rows(struct api_rig *g, const struct api_row *step, size_t n);
#define API_ROWS(g, steps) api_rows((g), (steps), DM_COUNT(steps))

/* The value at a path, borrowed; NULL: none. */
const json_t *api_at(const json_t *j, const char *path);

#endif
