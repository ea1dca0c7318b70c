/* SPDX-License-Identifier: Apache-2.0
 *
 * The inbox of refused notes. */
#include "inventory/inbox.h"

#include <string.h>

#include "inventory/json.h"

enum { ADD, OWNER, READ, RESOLVE };

static const struct store_query queries[] = {
    [ADD] = {"inbox.add",
             "INSERT INTO stock_inbox (uuid, user_id, operation, code, reason) VALUES (?1, ?2, ?3,"
             " ?4, ?5) ON CONFLICT (uuid) DO NOTHING",
             "uijtt", "", false},
    [OWNER] = {"inbox.owner", "SELECT user_id FROM stock_inbox WHERE uuid = ?1", "u", "i", false},
    [READ] = {"inbox.read",
              "SELECT id, status, operation FROM stock_inbox WHERE uuid = ?1 {for_update}", "u",
              "itj", false},
    [RESOLVE] = {"inbox.resolve",
                 "UPDATE stock_inbox SET status = ?2, movement_ids = ?3, note = ?4,"
                 " resolved_by_user_id = ?5, resolved_at = ?6, updated_at = ?6 WHERE id = ?1",
                 "itjtiT", "", false},
};
STORE_QUERIES(inbox_queries, queries);

static const struct list_column columns[] = {
    {"note_id", "n.uuid", 'u', LIST_AS_IS},
    {"user_id", "n.user_id", 'i', LIST_AS_IS},
    {"user_email", "u.email", 't', LIST_AS_IS},
    {"operation", "n.operation", 'j', LIST_AS_IS},
    {"code", "n.code", 't', LIST_AS_IS},
    {"reason", "n.reason", 't', LIST_AS_IS},
    {"status", "n.status", 't', LIST_AS_IS},
    {"movement_ids", "n.movement_ids", 'j', LIST_AS_IS},
    {"note", "n.note", 't', LIST_AS_IS},
    {"resolved_by_user_id", "n.resolved_by_user_id", 'i', LIST_AS_IS},
    {"resolved_at", "n.resolved_at", 'T', LIST_AS_IS},
    {"created_at", "n.created_at", 'T', LIST_AS_IS},
};
static const struct list_filter filters[] = {
    {"note_id", "n.uuid = ?", 'u'},
    {"status", "n.status = ?", 't'},
    {"user_id", "n.user_id = ?", 'i'},
};
const struct list list_inbox = {
    .name = "list.inbox",
    .from = "stock_inbox n JOIN users u ON u.id = n.user_id",
    .order = "n.id",
    .action = INV_DO_MOVE,
    .column = columns,
    .n_column = DM_COUNT(columns),
    .filter = filters,
    .n_filter = DM_COUNT(filters),
};

struct call {
    const struct inv_ctx *c;
    const struct inbox_note *n;
    const char *uuid, *note;
    const json_t *ids;
};

static int add_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct call *x = ctx;
    const char *operation;
    int64_t added;
    int64_t owner;
    DM_TRY(inv_json_text(x->n->operation, &a, &operation, e));
    DM_TRY(store_exec(tx, &queries[ADD],
                      STORE_ARGS(store_u(x->uuid), store_i(x->c->user_id), store_j(operation),
                                 store_t(x->n->code), store_t(x->n->reason)),
                      &added, e));
    DM_TRY(store_int(tx, &queries[OWNER], STORE_ARGS(store_u(x->uuid)), &owner, e));
    if (owner != x->c->user_id) {
        DM_REFUSE(e, INV_DUPLICATE_CODE, DM_FIELDS(DM_S("field", "note_id")),
                  "a note with this number is there already");
    }
    return added ? audit_write_named(tx, x->c, "create", "stock_inbox", x->uuid, NULL,
                                     x->n->operation, e)
                 : DM_OK;
}

int inbox_add(const struct inv_ctx *c, const struct inbox_note *n, char ret[static STORE_UUID_SIZE],
              struct dm_err *e)
{
    struct call x = {.c = c, .n = n, .uuid = ret};
    DM_TRY(inv_permit(c, INV_DO_MOVE, e));
    if (n->uuid) {
        (void)snprintf(ret, STORE_UUID_SIZE, "%s", n->uuid);
    } else {
        store_uuid_new(ret);
    }
    return store_run(c->store, STORE_WRITE, add_in, &x, e);
}

/* The row of a note that is open. */
static int read_open(struct store_tx *tx, const char *uuid, struct dm_arena *a,
                     const struct store_value **ret, struct dm_err *e)
{
    const int found = store_maybe(tx, &queries[READ], STORE_ARGS(store_u(uuid)), a, ret, e);
    DM_TRY(found);
    if (!found) {
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "note"), DM_S("identifier", uuid)),
                  "there is no such note");
    }
    if (strcmp((*ret)[1].t, "open") != 0) {
        DM_REFUSE(e, INV_INVALID_TRANSITION, DM_FIELDS(DM_S("current", (*ret)[1].t)),
                  "the note is not open any more");
    }
    return DM_OK;
}

int inbox_open(const struct inv_ctx *c, const char *uuid, json_t **ret_operation, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value *v;
    DM_TRY(inv_permit(c, INV_DO_COUNT_REVIEW, e));
    DM_TRY(store_begin(c->store, STORE_WRITE, &tx, e));
    DM_TRY(read_open(tx, uuid, &a, &v, e));
    json_t *operation = inv_json_of_value(&v[2]);
    if (!operation) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a note");
    }
    *ret_operation = operation;
    return DM_OK;
}

static int resolve_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct call *x = ctx;
    const struct store_value *v;
    const char *ids = "[]";
    const char *status = x->ids ? "booked" : "discarded";
    DM_TRY(read_open(tx, x->uuid, &a, &v, e));
    DM_TRY(x->ids ? inv_json_text(x->ids, &a, &ids, e) : DM_OK);
    DM_TRY(store_exec(tx, &queries[RESOLVE],
                      STORE_ARGS(v[0], store_t(status), store_j(ids), store_t(x->note),
                                 store_i(x->c->user_id), store_at(x->c->now_ms)),
                      NULL, e));
    return audit_write_named(tx, x->c, status, "stock_inbox", x->uuid, NULL, x->ids, e);
}

int inbox_resolve(const struct inv_ctx *c, const char *uuid, const json_t *movement_ids,
                  const char *note, struct dm_err *e)
{
    struct call x = {.c = c, .uuid = uuid, .ids = movement_ids, .note = note};
    DM_TRY(inv_permit(c, INV_DO_COUNT_REVIEW, e));
    return store_run(c->store, STORE_WRITE, resolve_in, &x, e);
}
