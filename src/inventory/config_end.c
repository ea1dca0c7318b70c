/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a configuration without a next one. */
#include "inventory/config.h"
#include "inventory/json.h"

enum { LOCK, END };

static const struct store_query queries[] = {
    [LOCK] = {"config.end_lock", "SELECT id FROM storage_locations WHERE id = ?1 {for_update}", "i",
              "i"},
    /* a row that began in the same millisecond is over at once */
    [END] = {"config.end",
             "UPDATE storage_location_configs SET active = FALSE, updated_at = ?2,"
             " valid_to = CASE WHEN valid_from > ?2 THEN valid_from ELSE ?2 END"
             " WHERE storage_location_id = ?1 AND active RETURNING id",
             "iT", "i"},
};
STORE_QUERIES(config_end_queries, queries);

struct call {
    const struct inv_ctx *c;
    int64_t location_id, id;
};

static int no_config(int64_t location_id, struct dm_err *e)
{
    DM_REFUSE(e, INV_CONFIG_NOT_FOUND, DM_FIELDS(DM_I("location_id", location_id)),
              "claro %lld has no configuration", (long long)location_id);
}

static int end_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct call *call = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(inv_json_freep) json_t *was = json_pack("{s:b}", "active", 1);
    DM_CLEANUP(inv_json_freep) json_t *is = json_pack("{s:b}", "active", 0);
    const struct store_value *row;
    const int locked =
        store_maybe(tx, &queries[LOCK], STORE_ARGS(store_i(call->location_id)), &a, &row, e);
    if (locked <= 0) {
        return locked ? locked : no_config(call->location_id, e);
    }
    const int ended =
        store_maybe(tx, &queries[END],
                    STORE_ARGS(store_i(call->location_id), store_at(call->c->now_ms)), &a, &row, e);
    if (ended <= 0) {
        return ended ? ended : no_config(call->location_id, e);
    }
    call->id = row[0].i;
    return audit_write(tx, call->c, "deactivate", "storage_location_configs", call->id, was, is, e);
}

int config_end(const struct inv_ctx *c, int64_t location_id, int64_t *ret_id, struct dm_err *e)
{
    struct call call = {.c = c, .location_id = location_id};
    DM_TRY(inv_permit(c, INV_DO_CONFIGURE, e));
    DM_TRY(store_run(c->store, STORE_WRITE, end_in, &call, e));
    *ret_id = call.id;
    return DM_OK;
}
