/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame around every call of the ledger: transaction, repeated requests, result. */
#include "inventory/ledger_run.h"

#include <jansson.h>

#include "base/hash.h"
#include "base/text.h"
#include "inventory/bins.h"

#define LIMIT_CLOCK_SKEW_MS 60000
#define LIMIT_REPLY_BYTES   ((size_t)4 << 20) /* 10,000 rows of a transplante over all batches */

enum { CATALOGUE, NAMES };
static const struct store_query queries[] = {
    [CATALOGUE] = {"ledger.catalogue_has",
                   "SELECT (SELECT count(*) FROM products WHERE id = ?1),"
                   " (SELECT count(*) FROM packaging_catalog WHERE id = ?2),"
                   " (SELECT count(*) FROM product_sizes WHERE id = ?3),"
                   " (SELECT count(*) FROM product_states WHERE id = ?4)",
                   "iiii", "iiii"},
    [NAMES] = {"ledger.mismatch_names",
               "SELECT (SELECT common_name FROM products WHERE id = ?1),"
               " (SELECT common_name FROM products WHERE id = ?2),"
               " (SELECT name FROM packaging_catalog WHERE id = ?3),"
               " (SELECT name FROM packaging_catalog WHERE id = ?4)",
               "iiii", "tttt"},
};
STORE_QUERIES(ledger_run_queries, queries);

/* ---- the kept answer ---- */

static int result_of(struct work *w, const struct ledger_report *r, struct dm_arena *a,
                     struct ledger_result *ret, struct dm_err *e)
{
    (void)w;
    struct ledger_result out = {.n_row = r->n_row, .warnings = r->warnings};
    out.row = dm_arena_calloc(a, r->n_row, sizeof *out.row);
    if (!out.row) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the answer");
    }
    for (size_t i = 0; i < r->n_row; i++) {
        const struct book_row *row = r->row[i];
        struct ledger_row *to = &out.row[i];
        memcpy(to->uuid, row->uuid, sizeof to->uuid);
        to->batch_id = row->batch->id;
        to->type = row->type;
        to->quantity = row->quantity;
        to->batch_after = row->batch->current;
        for (size_t b = 0; b < w->n_book; b++) {
            if (w->book[b]->open == row->batch->period ||
                w->book[b]->previous == row->batch->period) {
                to->location_id = w->book[b]->location_id;
            }
        }
    }
    if (r->batch) {
        out.batch_id = r->batch->id;
        out.bin_id = r->batch->key.bin->id;
        memcpy(out.batch_code, r->batch->code, sizeof out.batch_code);
        out.empty_containers = (r->empties ? r->empties : r->batch)->empties;
    }
    out.location_total = r->book ? book_total(r->book) : 0;
    *ret = out;
    return DM_OK;
}

static int keep(struct work *w, const char *uuid, const char *sha,
                const struct ledger_result *result, struct dm_err *e)
{
    json_t *rows = json_array();
    for (size_t i = 0; rows && i < result->n_row; i++) {
        const struct ledger_row *r = &result->row[i];
        (void)json_array_append_new(rows,
                                    json_pack("[sIIiII]", r->uuid, (json_int_t)r->batch_id,
                                              (json_int_t)r->location_id, (int)r->type,
                                              (json_int_t)r->quantity, (json_int_t)r->batch_after));
    }
    json_t *j =
        json_pack("{s:o, s:I, s:I, s:s, s:I, s:I, s:I}", "rows", rows, "batch",
                  (json_int_t)result->batch_id, "bin", (json_int_t)result->bin_id, "code",
                  result->batch_code, "total", (json_int_t)result->location_total, "empties",
                  (json_int_t)result->empty_containers, "warnings", (json_int_t)result->warnings);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    json_decref(j);
    if (!text) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the answer");
    }
    const struct inv_reply reply = {.status = 201, .body = text};
    int r = inv_repeat_keep(w->tx, w->c, uuid, sha, &reply, e);
    free(text);
    return r;
}

static int kept(const char *body, struct dm_arena *a, struct ledger_result *ret, struct dm_err *e)
{
    json_t *j = json_loads(body, 0, NULL);
    struct ledger_result out = {.repeated = true};
    json_t *rows = NULL;
    const char *code = "";
    json_int_t n[5] = {0};
    int bad =
        json_unpack(j, "{s:o, s:I, s:I, s:s, s:I, s:I, s:I}", "rows", &rows, "batch", &n[0], "bin",
                    &n[1], "code", &code, "total", &n[2], "empties", &n[3], "warnings", &n[4]);
    out.n_row = bad ? 0 : json_array_size(rows);
    out.row = dm_arena_calloc(a, out.n_row, sizeof *out.row);
    for (size_t i = 0; out.row && !bad && i < out.n_row; i++) {
        const char *uuid;
        json_int_t v[4];
        int type;
        bad = json_unpack(json_array_get(rows, i), "[sIIiII]", &uuid, &v[0], &v[1], &type, &v[2],
                          &v[3]);
        if (!bad) {
            struct ledger_row *row = &out.row[i];
            (void)snprintf(row->uuid, sizeof row->uuid, "%s", uuid);
            row->batch_id = v[0];
            row->location_id = v[1];
            row->type = (enum ledger_type)type;
            row->quantity = v[2];
            row->batch_after = v[3];
        }
    }
    out.batch_id = n[0];
    out.bin_id = n[1];
    (void)snprintf(out.batch_code, sizeof out.batch_code, "%s", code);
    out.location_total = n[2];
    out.empty_containers = n[3];
    out.warnings = (uint32_t)n[4];
    json_decref(j);
    if (bad || !out.row) {
        DM_FAIL(e, bad ? DM_EINTERNAL : DM_ENOMEM, "the kept answer cannot be read");
    }
    *ret = out;
    return DM_OK;
}

/* ---- the frame ---- */

struct frame {
    const struct inv_ctx *c;
    const char *uuid;
    char sha[DM_SHA256_HEX_SIZE];
    ledger_work_fn fn;
    const void *in;
    struct dm_arena *a;
    struct ledger_result *ret;
    bool met; /* somebody answered the same uuid meanwhile, or took a code of ours */
};

static void work_clear(struct work *w)
{
    dm_arena_clear(&w->arena);
}

static int attempt(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct frame *f = ctx;
    DM_CLEANUP(work_clear) struct work w = {.c = f->c, .tx = tx};
    struct inv_reply reply;
    int found = inv_repeat_find(tx, f->c, f->uuid, f->sha, &w.arena, &reply, e);
    DM_TRY(found);
    if (found) {
        return f->ret ? kept(reply.body, f->a, f->ret, e) : DM_OK;
    }
    struct ledger_report report = {0};
    DM_TRY(f->fn(&w, f->in, &report, e));
    int r = book_write(&w, e);
    struct dm_arena own = {0};
    struct ledger_result result = {0};
    if (r >= 0) {
        r = result_of(&w, &report, f->a ? f->a : &own, &result, e);
    }
    if (r >= 0) {
        r = keep(&w, f->uuid, f->sha, &result, e);
    }
    dm_arena_clear(&own);
    f->met = r == INV_IDEMPOTENCY_CONFLICT ||
             (r == DM_ECONFLICT && store_fault(tx)->kind == STORE_FAULT_UNIQUE);
    DM_TRY(r);
    if (f->ret) {
        *f->ret = result;
    }
    return DM_OK;
}

static int frame_init(struct frame *f, const struct inv_ctx *c, const char *uuid,
                      const struct dm_buf *content, struct dm_err *e)
{
    *f = (struct frame){.c = c, .uuid = uuid};
    DM_TRY(ledger_check_uuid(uuid, e));
    DM_TRY(dm_buf_ok(content, e));
    dm_sha256_hex(dm_buf_str(content), content->len, f->sha);
    return DM_OK;
}

int ledger_run_in(struct store_tx *tx, const struct inv_ctx *c, const char *uuid,
                  const struct dm_buf *content, ledger_work_fn fn, const void *in,
                  struct dm_arena *a, struct ledger_result *ret, struct dm_err *e)
{
    struct frame f;
    DM_TRY(frame_init(&f, c, uuid, content, e));
    f.fn = fn;
    f.in = in;
    f.a = a;
    f.ret = ret;
    return attempt(tx, &f, e);
}

int ledger_run(const struct inv_ctx *c, const char *uuid, const struct dm_buf *content,
               ledger_work_fn fn, const void *in, struct dm_arena *a, struct ledger_result *ret,
               struct dm_err *e)
{
    struct frame f;
    DM_TRY(frame_init(&f, c, uuid, content, e));
    f.fn = fn;
    f.in = in;
    f.a = a;
    f.ret = ret;
    int r = store_run(c->store, STORE_WRITE, attempt, &f, e);
    if (r < 0 && f.met) { /* now its answer, or its row, is visible */
        r = store_run(c->store, STORE_WRITE, attempt, &f, e);
    }
    if (r == DM_ECONFLICT && f.met) {
        DM_FAIL(e, INV_IDEMPOTENCY_CONFLICT, "the number %s was used before", uuid);
    }
    return r;
}

int ledger_report_row(struct work *w, struct ledger_report *r, struct book_row *row,
                      struct dm_err *e)
{
    void **rows = (void **)r->row;
    DM_TRY(book_push(w, &rows, &r->n_row, row, e));
    r->row = (struct book_row **)rows;
    return DM_OK;
}

/* ---- checks ---- */

int ledger_check_uuid(const char *uuid, struct dm_err *e)
{
    if (!uuid || !store_uuid_valid(uuid)) {
        DM_FAIL(e, INV_VALIDATION, "a UUID is needed");
    }
    return DM_OK;
}

int ledger_check_reason(const char *reason, struct dm_err *e)
{
    if (!reason || dm_text_width(reason) < 5) {
        DM_FAIL(e, INV_VALIDATION, "a reason of at least five characters is needed");
    }
    return DM_OK;
}

int ledger_check_day(const struct inv_ctx *c, const char *day, struct dm_err *e)
{
    char today[LEDGER_DATE_SIZE];
    dm_zone_date(c->zone, c->now_ms, today);
    if (day && !store_date_valid(day)) {
        DM_FAIL(e, INV_VALIDATION, "\"%s\" is not a date", day);
    }
    if (day && strcmp(day, today) > 0) {
        DM_FAIL(e, INV_VALIDATION, "%s is in the future", day);
    }
    return DM_OK;
}

int ledger_check_time(const struct inv_ctx *c, int64_t at, struct dm_err *e)
{
    if (at > c->now_ms + LIMIT_CLOCK_SKEW_MS) {
        DM_FAIL(e, INV_VALIDATION, "the time is in the future");
    }
    return DM_OK;
}

int ledger_check_catalogue(struct work *w, int64_t product_id, int64_t packaging_id,
                           int64_t size_id, int64_t state_id, struct dm_err *e)
{
    static const char *const what[] = {"product", "packaging", "size", "state"};
    const int64_t id[] = {product_id, packaging_id, size_id, state_id};
    const struct store_value *v;
    DM_TRY(store_one(
        w->tx, &queries[CATALOGUE],
        STORE_ARGS(store_i(product_id), store_i(packaging_id), store_i(size_id), store_i(state_id)),
        &w->arena, &v, e));
    for (size_t i = 0; i < DM_COUNT(id); i++) {
        if (id[i] > 0 && v[i].i == 0) {
            DM_FAIL(e, INV_NOT_FOUND, "there is no %s %lld", what[i], (long long)id[i]);
        }
    }
    return DM_OK;
}

enum ledger_category ledger_infer_category(const struct work *w, int64_t packaging_id,
                                           int64_t state_id)
{
    const struct book_state *s = book_state(w, state_id);
    return bins_category_infer(LEDGER_CATEGORY_UNSAID, packaging_id > 0, s ? s->code : "");
}

int ledger_check_fit(struct work *w, const struct book *b, const struct book_key *k,
                     const struct ledger_fit *f, uint32_t *warnings, struct dm_err *e)
{
    const struct book_config *c = &b->config;
    bool product = f->product && c->id && c->product_id != k->product_id;
    bool packaging =
        f->packaging && c->id && !book_tray(k->bin->category) && c->packaging_id != k->packaging_id;
    if (!product && !packaging) {
        return DM_OK;
    }
    if (f->allowed) {
        *warnings |= LEDGER_WARN_MISMATCH;
        return DM_OK;
    }
    const struct store_value *v;
    DM_TRY(store_one(w->tx, &queries[NAMES],
                     STORE_ARGS(store_i(c->product_id), store_i(k->product_id),
                                store_i(c->packaging_id), store_i(k->packaging_id)),
                     &w->arena, &v, e));
    const char *expected = v[product ? 0 : 2].null ? "none" : v[product ? 0 : 2].t;
    const char *actual = v[product ? 1 : 3].null ? "none" : v[product ? 1 : 3].t;
    DM_FAIL(e, product ? INV_PRODUCT_MISMATCH : INV_PACKAGING_MISMATCH,
            "claro %s is configured for %s (%lld), not %s (%lld)", b->code, expected,
            (long long)(product ? c->product_id : c->packaging_id), actual,
            (long long)(product ? k->product_id : k->packaging_id));
}
