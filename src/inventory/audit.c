/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit trail: one row for each change, with the members that differ. */
#include <inttypes.h>
#include <string.h>

#include "inventory/inventory.h"
#include "inventory/json.h"
#include "store/store.h"

enum { APPEND };

static const struct store_query queries[] = {
    [APPEND] = {"audit.append",
                "INSERT INTO audit_log (user_id, action, entity_type, entity_id, before, after,"
                " request_id, remote_address, created_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                "itttjjttT", ""},
};
STORE_QUERIES(audit_queries, queries);

/* A member whose name has one of these holds a secret or something made of one. */
static bool is_secret(const char *name)
{
    static const char *const words[] = {"password", "token", "secret"};
    for (size_t i = 0; i < DM_COUNT(words); i++) {
        if (strstr(name, words[i])) {
            return true;
        }
    }
    return false;
}

/* Members of from that other does not have alike; all of them when other is NULL. NULL when out of
 * memory. */
static json_t *differing(const json_t *from, const json_t *other)
{
    json_t *kept = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)from, name, value)
    {
        const json_t *old = other ? json_object_get(other, name) : NULL;
        if (old && json_equal(old, value)) {
            continue;
        }
        json_t *shown = is_secret(name) ? json_string("(changed)") : json_incref(value);
        if (json_object_set_new(kept, name, shown)) {
            json_decref(kept);
            return NULL;
        }
    }
    return kept;
}

static int append(struct store_tx *tx, const struct inv_ctx *c, const char *action,
                  const char *entity, const char *entity_id, const char *before, const char *after,
                  struct dm_err *e)
{
    return store_exec(tx, &queries[APPEND],
                      STORE_ARGS(store_ref(c->user_id), store_t(action),
                                 store_t(entity ? entity : ""), store_t(entity_id), store_j(before),
                                 store_j(after), store_t(c->request_id), store_t(c->remote_address),
                                 store_at(c->now_ms)),
                      NULL, e);
}

int audit_write_named(struct store_tx *tx, const struct inv_ctx *c, const char *action,
                      const char *entity, const char *entity_id, const json_t *before,
                      const json_t *after, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *old = before ? differing(before, after) : NULL;
    DM_CLEANUP(inv_json_freep) json_t *new = after ? differing(after, before) : NULL;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const char *old_text = NULL;
    const char *new_text = NULL;
    if ((before && !old) || (after && !new)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the audit trail");
    }
    if (before && after && !json_object_size(old) && !json_object_size(new)) {
        return DM_OK;
    }
    if (old) {
        DM_TRY(inv_json_text(old, &a, &old_text, e));
    }
    if (new) {
        DM_TRY(inv_json_text(new, &a, &new_text, e));
    }
    return append(tx, c, action, entity, entity_id, old_text, new_text, e);
}

int audit_write(struct store_tx *tx, const struct inv_ctx *c, const char *action,
                const char *entity, int64_t entity_id, const json_t *before, const json_t *after,
                struct dm_err *e)
{
    char id[24];
    (void)snprintf(id, sizeof(id), "%" PRId64, entity_id);
    return audit_write_named(tx, c, action, entity, entity_id ? id : NULL, before, after, e);
}
