/* SPDX-License-Identifier: Apache-2.0
 *
 * The demo nursery: what is asked, one transaction around all of it, writing in bulk. */
#include "inventory/seed.h"

#include <string.h>

#include "base/alloc.h"
#include "inventory/seed_priv.h"

enum { OUT_ROWS = 1000, CLAROS_MAX = 100000, MONTHS_MAX = 60, EMPTY = 0, USERS };

static const struct store_query queries[] = {
    [EMPTY] = {"seed.empty",
               "SELECT (SELECT COUNT(*) FROM warehouses) + (SELECT COUNT(*) FROM products)"
               " + (SELECT COUNT(*) FROM images)",
               "", "i", false},
    [USERS] = {"seed.users", "SELECT COALESCE(MAX(id), 0) FROM users", "", "i", false},
};
STORE_QUERIES(seed_queries, queries);

int seed_out_begin(struct seed_out *o, struct store_tx *tx, const struct store_bulk *bulk,
                   struct dm_arena *a, struct dm_err *e)
{
    *o = (struct seed_out){.tx = tx, .bulk = bulk, .width = strlen(bulk->types), .a = a};
    o->row = dm_calloc(OUT_ROWS, o->width * sizeof(*o->row));
    if (!o->row) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the demo nursery");
    }
    return DM_OK;
}

static int flush(struct seed_out *o, struct dm_err *e)
{
    int code = o->n ? store_insert(o->tx, o->bulk, o->row, o->n, e) : DM_OK;
    o->n = 0;
    dm_arena_clear(o->a);
    return code;
}

int seed_out_row(struct seed_out *o, struct store_value **ret, struct dm_err *e)
{
    if (o->n == OUT_ROWS) {
        const int code = flush(o, e);
        if (code < 0) {
            dm_free(o->row);
            o->row = NULL;
            return code;
        }
    }
    *ret = o->row + o->n++ * o->width;
    for (size_t i = 0; i < o->width; i++) {
        (*ret)[i] = store_null();
    }
    return DM_OK;
}

/* Rows that bring their ids leave PostgreSQL's counter behind; SQLite looks at the table itself. */
static int fix_numbers(struct seed_out *o, struct dm_err *e)
{
    char sql[256];
    int64_t last;
    (void)snprintf(sql, sizeof(sql),
                   "SELECT \n--@sqlite\nMAX(id)\n--@postgresql\n"
                   "setval(pg_get_serial_sequence('%s', 'id'), MAX(id))\n--@both\n FROM %s",
                   o->bulk->table, o->bulk->table);
    const struct store_query q = {
        .name = "seed.numbers", .sql = sql, .params = "", .cols = "i", .built = true};
    return store_int(o->tx, &q, STORE_NO_ARGS, &last, e);
}

int seed_out_end(struct seed_out *o, struct dm_err *e)
{
    int code = flush(o, e);
    dm_free(o->row);
    o->row = NULL;
    return code < 0 || strncmp(o->bulk->columns, "id,", 3) != 0 ? code : fix_numbers(o, e);
}

struct store_value seed_text(struct seed_out *o, const char *text)
{
    return store_t(dm_arena_strdup(o->a, text));
}

struct store_value seed_uuid(struct seed_out *o, const uint64_t uuid[2])
{
    char *text = dm_arena_alloc(o->a, STORE_UUID_SIZE);
    if (text) {
        seed_uuid_text(uuid, text);
    }
    return store_u(text);
}

static void forget(struct seed_world *w)
{
    dm_free(w->claro.at);
    dm_free(w->image.at);
    dm_free(w->session.at);
    dm_free(w->period.at);
    dm_free(w->batch.at);
    dm_free(w->movement.at);
    dm_free(w->recon.at);
    dm_free(w->line.at);
    dm_free(w);
}

static int fill(struct store_tx *tx, struct seed_world *w, struct dm_err *e)
{
    int64_t there;
    DM_TRY(store_int(tx, &queries[EMPTY], STORE_NO_ARGS, &there, e));
    if (there > 0) {
        DM_FAIL(e, DM_ECONFLICT,
                "the database holds a nursery already; the demo wants an empty one");
    }
    DM_TRY(store_int(tx, &queries[USERS], STORE_NO_ARGS, &w->base[SEED_USERS], e));
    DM_TRY(seed_site(w, e));
    DM_TRY(seed_year(w, e));
    DM_TRY(seed_write_site(tx, w, e));
    return seed_write_year(tx, w, e);
}

int seed_demo(struct store *s, const struct seed_params *p, struct seed_result *ret,
              struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const int64_t claros = p->claros ? p->claros : 1290;
    if (p->plants < 10 * claros || p->plants > INT64_C(1000000000) || claros < 2 ||
        claros > CLAROS_MAX || p->months < 0 || p->months > MONTHS_MAX) {
        DM_FAIL(e, DM_EBADINPUT,
                "a demo has 2 to %d claros with at least 10 plants each, and at most"
                " %d months",
                CLAROS_MAX, MONTHS_MAX);
    }
    struct seed_world *w = dm_calloc(1, sizeof(*w));
    if (!w) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the demo nursery");
    }
    w->p = p;
    w->rng.s = p->seed;
    int code = store_begin(s, STORE_WRITE, &tx, e);
    code = code < 0 ? code : fill(tx, w, e);
    code = code < 0 ? code : store_commit(&tx, e);
    *ret = (struct seed_result){.claros = (int64_t)w->claro.n,
                                .plants = p->plants,
                                .periods = (int64_t)w->period.n,
                                .batches = (int64_t)w->batch.n,
                                .movements = (int64_t)w->movement.n,
                                .sessions = (int64_t)w->session.n};
    for (size_t i = 0; i < w->session.n; i++) {
        ret->detections += w->session.at[i].detected;
    }
    forget(w);
    return code;
}
