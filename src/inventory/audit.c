/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit trail: one row for each change, with the members that differ. */
#include <inttypes.h>
#include <string.h>

#include "inventory/inventory.h"
#include "inventory/json.h"
#include "store/store.h"

enum { APPEND, SEARCH, COUNT };

/* Indexes: (entity_type, entity_id, created_at), (user_id, created_at). */
#define MATCHES                                                                                    \
    " FROM audit_log WHERE (?1 = 0 OR user_id = ?1) AND (?2 = '' OR action = ?2)"                  \
    " AND (?3 = '' OR entity_type = ?3) AND (?4 = '' OR entity_id = ?4)"                           \
    " AND created_at >= ?5 AND created_at < ?6"

static const struct store_query queries[] = {
    [APPEND] = {"audit.append",
                "INSERT INTO audit_log (user_id, action, entity_type, entity_id, before, after,"
                " request_id, remote_address, created_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                "itttjjttT", ""},
    [SEARCH] = {"audit.search",
                "SELECT id, created_at, user_id, action, entity_type, entity_id, before, after,"
                " request_id, remote_address" MATCHES
                " ORDER BY created_at DESC, id DESC LIMIT ?7 OFFSET ?8",
                "itttTTii", "iTitttjjtt"},
    [COUNT] = {"audit.count", "SELECT count(*)" MATCHES, "itttTT", "i"},
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

/* ---- search ---------------------------------------------------------------------------------- */

struct search {
    const struct audit_filter *filter;
    int64_t page, per_page;
    json_t *rows;
    int64_t total;
};

static const char *or_any(const char *text)
{
    return text ? text : "";
}

static int search_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    static const char *const names[] = {"id",          "created_at",    "user_id", "action",
                                        "entity_type", "entity_id",     "before",  "after",
                                        "request_id",  "remote_address"};
    static const int64_t last_ms = INT64_C(253402300799999); /* end of year 9999 */
    struct search *s = ctx;
    const struct audit_filter *f = s->filter;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(inv_json_freep) json_t *rows = json_array();
    struct store_table t;
    const struct store_value v[] = {
        store_i(f->user_id),        store_t(or_any(f->action)),
        store_t(or_any(f->entity)), store_t(or_any(f->entity_id)),
        store_at(f->from_ms),       store_at(f->to_ms ? f->to_ms : last_ms),
        store_i(s->per_page),       store_i((s->page - 1) * s->per_page)};
    const struct store_args matching = {v, 6};
    const struct store_args all = {v, DM_COUNT(v)};
    DM_TRY(store_int(tx, &queries[COUNT], matching, &s->total, e));
    DM_TRY(store_all(tx, &queries[SEARCH], all, &a, &t, e));
    for (size_t i = 0; i < t.n; i++) {
        json_t *row = json_object();
        if (json_array_append_new(rows, row)) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the audit trail");
        }
        for (size_t k = 0; k < DM_COUNT(names); k++) {
            DM_TRY(inv_json_set(row, names[k], inv_json_of_value(&store_row(&t, i)[k]), e));
        }
    }
    json_decref(s->rows);
    s->rows = DM_STEAL(rows);
    return DM_OK;
}

int audit_search(const struct inv_ctx *c, const struct audit_filter *filter, json_t **ret,
                 int64_t *ret_total, struct dm_err *e)
{
    enum { PER_PAGE = 50, MOST = 100 };
    struct search s = {.filter = filter,
                       .page = filter->page ? filter->page : 1,
                       .per_page = filter->per_page ? filter->per_page : PER_PAGE};
    DM_TRY(inv_permit(c, INV_DO_AUDIT_READ, e));
    if (s.page < 1 || s.page > INT64_C(1) << 40 || s.per_page < 1 || s.per_page > MOST) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "page")),
                  "pages count from 1 and have at most %d rows", MOST);
    }
    const int code = store_run(c->store, STORE_READ, search_in, &s, e);
    if (code < 0) {
        json_decref(s.rows);
        return code;
    }
    *ret = s.rows;
    if (ret_total) {
        *ret_total = s.total;
    }
    return DM_OK;
}
