/* SPDX-License-Identifier: Apache-2.0
 *
<<<<<<< HEAD
 * Requests to the served API as rows: who asks what, which status comes, which part of the reply is
 * looked at, what is kept for later rows.
 *
 *   static const struct api_step steps[] = {
 *       {INV_ADMIN, "POST", "/api/v1/products/categories", "{'code':'FERN','name':'Ferns'}", 201,
 *        "{'code':'FERN'}", "c=id"},
 *       {INV_VIEWER, "GET", "/api/v1/products/categories/$c", NULL, 200, "{'family_count':0}"},
 *   };
 *
 * In paths and bodies "$c" is what was kept under that letter and "'" stands for '"'. */
=======
 * Requests and what they must answer, as rows of a table:
 *
 *   {INV_WORKER, "POST", "/api/v1/stock/operations", "{'operation': 'muerte'...}", 201,
 *    "quantity_removed", "2"},
 *
 * in requests "'" stands for '"'. The rig checks every reply against its schema. */
>>>>>>> 1570723 (api: the map, a claro in detail; tests of stock, reports and the office)
#ifndef TESTS_SUPPORT_API_STEPS_H
#define TESTS_SUPPORT_API_STEPS_H

#include "support/api_rig.h"

struct api_step {
<<<<<<< HEAD
    enum inv_role role; /* INV_ROLE_MAX_: nobody */
    const char *method, *path;
    const char *json; /* NULL: no body */
    int status;
    /* JSON that must be in the reply: of objects the members given, of arrays the first elements;
     * NULL: not looked at. */
    const char *want;
    const char *keep;   /* "c=id": member of the reply, kept as text; NULL: nothing */
    const char *header; /* "If-Match: $e"; NULL: none */
    const char *field;  /* "Location": must be there; "e=ETag": kept; NULL: none */
};

struct api_kept {
    char *text[26]; /* by letter */
};

/* Keep a text under a letter. */
void api_remember(struct api_kept *k, char letter, const char *text);
void api_kept_clear(struct api_kept *k);

/* All rows in order; the test fails at the first that is not as wanted, with its path and reply. */
void api_run_steps(struct api_rig *g, struct api_kept *k, const struct api_step *step, size_t n);

/* The newest row of the audit trail about this table says this. */
void api_audited(struct api_rig *g, const char *table, const char *action);
=======
    enum inv_role as;
    const char *method, *path;
    const char *json; /* NULL: no body */
    int status;
    const char *at;     /* "items.0.name"; "" the whole; NULL: not looked at */
    const char *expect; /* as compact JSON; "~x": a text that has x in it; NULL: anything that is
                           there */
};

void api_steps(struct api_rig *g, const struct api_step *step, size_t n);
#define API_STEPS(g, steps) api_steps((g), (steps), DM_COUNT(steps))

/* The value at a path, borrowed; NULL: none. */
const json_t *api_at(const json_t *j, const char *path);
>>>>>>> 1570723 (api: the map, a claro in detail; tests of stock, reports and the office)

#endif
