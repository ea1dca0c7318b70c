/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON between the rows of the store and the callers of inventory/. Private to it. */
#ifndef INVENTORY_JSON_H
#define INVENTORY_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"
#include "store/store.h"

DM_UNUSED static inline void inv_json_freep(json_t **p)
{
    json_decref(*p);
}

/* The value as compact text in a. DM_ENOMEM. */
DM_MUST_CHECK int inv_json_text(const json_t *value, struct dm_arena *a, const char **ret,
                                struct dm_err *e);

/* A column of a row as JSON, new reference: T as RFC 3339, D, u and t as text, j parsed, x never.
 * NULL when out of memory. */
json_t *inv_json_of_value(const struct store_value *v);

/* Set a member; takes the value also on failure. DM_ENOMEM (also for value NULL). */
DM_MUST_CHECK int inv_json_set(json_t *object, const char *name, json_t *value, struct dm_err *e);

/* The same by a path: "a", or "a.b" for member b of an object a, which is made when it is missing.
 */
DM_MUST_CHECK int inv_json_put(json_t *row, const char *name, json_t *value, struct dm_err *e);

/* Member as an integer, a text (borrowed); 0 and NULL when it is not there or of another kind. */
int64_t inv_json_int(const json_t *object, const char *name);
const char *inv_json_str(const json_t *object, const char *name);

#endif
