/* SPDX-License-Identifier: Apache-2.0
 *
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
#ifndef TESTS_SUPPORT_API_STEPS_H
#define TESTS_SUPPORT_API_STEPS_H

#include "support/api_rig.h"

struct api_step {
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

#endif
