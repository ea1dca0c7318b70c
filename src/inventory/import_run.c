/* SPDX-License-Identifier: Apache-2.0
 *
 * Running an import: rows as steps of one transaction, the report, what undo needs, and undo. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "inventory/import_private.h"

enum { ROWS_LISTED = 1000 };

enum { ADD, ADD_CHANGE, FIND, CHANGES, UNDONE, LIST };

static const struct store_query queries[] = {
    [ADD] = {"import.add",
             "INSERT INTO imports (uuid, kind, file_name, file_sha256, user_id, created_count,"
             " updated_count, skipped_count, failed_count, report, created_at, updated_at)"
             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11) RETURNING id",
             "utttiiiiijT", "i"},
    [ADD_CHANGE] = {"import.add_change",
                    "INSERT INTO import_changes (import_id, table_name, row_id, before, after,"
                    " created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    "itijjT", ""},
    [FIND] = {"import.find", "SELECT id, kind, undone_at FROM imports WHERE uuid = ?1 {for_update}",
              "u", "itT"},
    [CHANGES] = {"import.changes",
                 "SELECT table_name, row_id, before, after FROM import_changes"
                 " WHERE import_id = ?1 ORDER BY id DESC",
                 "i", "tijj"},
    [UNDONE] = {"import.undone",
                "UPDATE imports SET undone_at = ?2, undone_by_user_id = ?3, updated_at = ?2"
                " WHERE id = ?1",
                "iTi", ""},
    [LIST] = {"import.list",
              "SELECT uuid, kind, file_name, file_sha256, user_id, created_count, updated_count,"
              " skipped_count, failed_count, created_at, undone_at FROM imports"
              " ORDER BY id DESC LIMIT ?1",
              "i", "utttiiiiiTT"},
};
STORE_QUERIES(import_queries, queries);

const char *const import_kind_names[] = {"map",
                                         "price_list",
                                         "products",
                                         "product_categories",
                                         "product_families",
                                         "packaging",
                                         "locations",
                                         "density_params",
                                         "stock",
                                         NULL};
const char *const import_level_names[] = {"auto", "warehouse", "area", "location", NULL};

static const import_format formats[] = {
    [IMPORT_MAP] = import_map,           [IMPORT_PRICE_LIST] = import_price_list,
    [IMPORT_PRODUCTS] = import_products, [IMPORT_CATEGORIES] = import_table,
    [IMPORT_FAMILIES] = import_table,    [IMPORT_PACKAGING] = import_table,
    [IMPORT_LOCATIONS] = import_table,   [IMPORT_DENSITY] = import_density,
    [IMPORT_STOCK] = import_stock,
};

static enum inv_action action_of(enum import_kind kind)
{
    const bool place = kind == IMPORT_MAP || kind == IMPORT_LOCATIONS || kind == IMPORT_DENSITY ||
                       kind == IMPORT_STOCK;
    return place ? INV_DO_PLACES_WRITE : INV_DO_CATALOGUE_WRITE;
}

int import_unreadable(const struct dm_err *why, struct dm_err *e)
{
    const char *column = "";
    int64_t line = 0;
    for (size_t i = 0; i < why->n_fields; i++) {
        column = strcmp(why->field[i].name, "column") ? column : why->field[i].s;
        line = strcmp(why->field[i].name, "line") ? line : why->field[i].i;
    }
    DM_REFUSE(e, INV_VALIDATION,
              DM_FIELDS(DM_S("field", "file"), DM_I("line", line), DM_S("column", column)), "%s",
              dm_err_text(why));
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int no_memory(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for the import");
}

/* A line of the report. */
static int list(struct import_run *r, json_t *to, int64_t line, const char *action, const char *key,
                const char *column, const char *message, struct dm_err *e)
{
    json_t *row =
        json_pack("{s:I, s:s, s:s, s:s?, s:s?, s:s?}", "line", (json_int_t)line, "action", action,
                  "key", key, "code", r->code, "column", column, "message", message);
    return !row || json_array_append_new(to, row) ? no_memory(e) : DM_OK;
}

/* A fault of the row, not of the machine. */
static bool is_refusal(int code)
{
    const int status = dm_code_info(code)->http_status;
    return status >= 400 && status < 500;
}

static int list_bad(struct import_run *r, int64_t line, const char *key, const struct dm_err *why,
                    struct dm_err *e)
{
    const char *column = NULL;
    for (size_t i = 0; i < why->n_fields && !column; i++) {
        const bool named =
            !strcmp(why->field[i].name, "field") || !strcmp(why->field[i].name, "column");
        column = named ? why->field[i].s : NULL;
    }
    r->result->failed++;
    return list(r, r->bad, line, "error", key, column, dm_err_text(why), e);
}

static int list_good(struct import_run *r, int64_t line, const char *key, struct dm_err *e)
{
    static const char *const words[] = {"skip", "create", "update"};
    int64_t *const counts[] = {&r->result->skipped, &r->result->created, &r->result->updated};
    (*counts[r->action])++;
    return list(r, r->good, line, words[r->action], key, NULL, r->message, e);
}

int import_row(struct import_run *r, int64_t line, const char *key, import_row_fn fn, void *row,
               struct dm_err *e)
{
    struct dm_err why = {0};
    const size_t mark = json_array_size(r->changes);
    r->result->total++;
    r->action = IMPORT_SKIP;
    r->code = r->message = NULL;
    DM_TRY(store_save(r->tx, e));
    const int code = fn(r, row, &why);
    if (code >= 0) {
        DM_TRY(store_release(r->tx, e));
        return list_good(r, line, key, e);
    }
    if (!is_refusal(code)) {
        if (e) {
            *e = why;
        }
        return code;
    }
    DM_TRY(store_restore(r->tx, e));
    while (json_array_size(r->changes) > mark) {
        (void)json_array_remove(r->changes, json_array_size(r->changes) - 1);
    }
    return list_bad(r, line, key, &why, e);
}

void import_say(struct import_run *r, const char *message)
{
    const char *both = r->message ? dm_arena_printf(r->a, "%s; %s", r->message, message) : message;
    r->message = both ? both : message;
}

int import_skip(struct import_run *r, int64_t line, const char *key, const char *message,
                struct dm_err *e)
{
    r->result->total++;
    r->result->skipped++;
    r->code = NULL;
    return list(r, r->good, line, "skip", key, NULL, message, e);
}

int import_keep(struct import_run *r, const char *table, int64_t id, const json_t *old,
                const json_t *now, struct dm_err *e)
{
    json_t *change = json_pack("{s:s, s:I, s:O?, s:O}", "table", table, "id", (json_int_t)id,
                               "before", old, "after", now);
    if (!change || json_array_append_new(r->changes, change)) {
        return no_memory(e);
    }
    return DM_OK;
}

/* Members of values that the existing row has otherwise. */
static bool differs(const json_t *existing, const json_t *values)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)values, name, value)
    {
        const json_t *old = json_object_get(existing, name);
        const bool numbers = json_is_number(old) && json_is_number(value);
        if (numbers ? json_number_value(old) != json_number_value(value)
                    : !json_equal(old, value)) {
            return true;
        }
    }
    return false;
}

static int write_row(struct import_run *r, enum master_kind kind, const json_t *existing,
                     const json_t *values, int64_t *ret_id, bool *ret_written,
                     const char **ret_code, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(master_op_clear)
    struct master_op op = {.c = r->c, .tx = r->tx, .a = &a, .kind = kind};
    DM_TRY(existing ? master_op_change(&op, inv_json_int(existing, "id"), values, e)
                    : master_op_create(&op, values, e));
    const char *code = inv_json_str(op.row, op.entity->code);
    *ret_code = code ? dm_arena_strdup(r->a, code) : NULL;
    *ret_id = op.id;
    *ret_written = !op.before || !json_equal(op.before, op.row);
    return *ret_written ? import_keep(r, op.entity->table, op.id, op.before, op.row, e) : DM_OK;
}

int import_put(struct import_run *r, enum master_kind kind, const json_t *existing,
               const json_t *values, bool main, int64_t *ret_id, struct dm_err *e)
{
    int64_t id = existing ? inv_json_int(existing, "id") : 0;
    bool written = false;
    const char *code = NULL;
    const bool other = existing && differs(existing, values);
    if (!existing || (other && r->o->update)) {
        DM_TRY(write_row(r, kind, existing, values, &id, &written, &code, e));
    } else if (other && main) {
        import_say(r, "it exists with other values");
    }
    if (main) {
        r->action = !written ? IMPORT_SKIP : existing ? IMPORT_UPDATE : IMPORT_CREATE;
        r->code = code ? code : r->code;
    }
    if (ret_id) {
        *ret_id = id;
    }
    return DM_OK;
}

/* ---- a run ----------------------------------------------------------------------------------- */

static int count_tables(struct import_run *r, struct dm_err *e)
{
    size_t i;
    json_t *change;
    json_array_foreach(r->changes, i, change)
    {
        const char *table = inv_json_str(change, "table");
        const int64_t n = inv_json_int(r->counts, table);
        DM_TRY(inv_json_set(r->counts, table, json_integer(n + 1), e));
    }
    return DM_OK;
}

/* Errors first, then the others as far as there is room. */
static int finish_report(struct import_run *r, dm_usec start, struct dm_err *e)
{
    size_t i;
    json_t *row;
    DM_CLEANUP(inv_json_freep) json_t *rows = json_array();
    json_t *const parts[] = {r->bad, r->good};
    for (size_t p = 0; p < DM_COUNT(parts); p++) {
        json_array_foreach(parts[p], i, row)
        {
            if (json_array_size(rows) < ROWS_LISTED && json_array_append(rows, row)) {
                return no_memory(e);
            }
        }
    }
    DM_TRY(count_tables(r, e));
    const struct import_result *n = r->result;
    json_t *report = json_pack(
        "{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:O, s:O, s:I}", "import_id", n->uuid, "kind",
        import_kind_names[r->o->kind], "dry_run", (int)r->o->dry_run, "total", (json_int_t)n->total,
        "created", (json_int_t)n->created, "updated", (json_int_t)n->updated, "skipped",
        (json_int_t)n->skipped, "failed", (json_int_t)n->failed, "rows", rows, "counts", r->counts,
        "duration_ms", (json_int_t)dm_ms_since(start));
    if (!report) {
        return no_memory(e);
    }
    json_decref(r->result->report);
    r->result->report = report;
    return DM_OK;
}

static int keep_change(struct import_run *r, int64_t import_id, const json_t *change,
                       struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const json_t *old = json_object_get(change, "before");
    const char *before = NULL;
    const char *after;
    if (old && !json_is_null(old)) {
        DM_TRY(inv_json_text(old, &a, &before, e));
    }
    DM_TRY(inv_json_text(json_object_get(change, "after"), &a, &after, e));
    return store_exec(r->tx, &queries[ADD_CHANGE],
                      STORE_ARGS(store_i(import_id), store_t(inv_json_str(change, "table")),
                                 store_i(inv_json_int(change, "id")), store_j(before),
                                 store_j(after), store_at(r->c->now_ms)),
                      NULL, e);
}

static int keep(struct import_run *r, struct dm_err *e)
{
    char sha[DM_SHA256_HEX_SIZE];
    const char *report;
    const struct import_result *n = r->result;
    int64_t id;
    size_t i;
    json_t *change;
    dm_sha256_hex(r->text, r->n, sha);
    DM_TRY(inv_json_text(n->report, r->a, &report, e));
    DM_TRY(store_int(r->tx, &queries[ADD],
                     STORE_ARGS(store_u(n->uuid), store_t(import_kind_names[r->o->kind]),
                                store_t(r->o->file_name), store_t(sha), store_i(r->c->user_id),
                                store_i(n->created), store_i(n->updated), store_i(n->skipped),
                                store_i(n->failed), store_j(report), store_at(r->c->now_ms)),
                     &id, e));
    json_array_foreach(r->changes, i, change)
    {
        DM_TRY(keep_change(r, id, change, e));
    }
    DM_CLEANUP(inv_json_freep)
    json_t *after = json_pack("{s:s, s:s?, s:I, s:I, s:I}", "kind", import_kind_names[r->o->kind],
                              "file_name", r->o->file_name, "created", (json_int_t)n->created,
                              "updated", (json_int_t)n->updated, "failed", (json_int_t)n->failed);
    if (!after) {
        return no_memory(e);
    }
    return audit_write_named(r->tx, r->c, "import", "imports", n->uuid, NULL, after, e);
}

static void run_clear(struct import_run *r)
{
    json_decref(r->good);
    json_decref(r->bad);
    json_decref(r->counts);
    json_decref(r->changes);
    json_decref(r->seen);
    r->good = r->bad = r->counts = r->changes = r->seen = NULL;
}

/* All or nothing: what was written is undone, and its rows say why. */
static int leave_out(struct import_run *r, struct dm_err *e)
{
    size_t i;
    json_t *row;
    json_array_foreach(r->good, i, row)
    {
        if (strcmp(inv_json_str(row, "action"), "skip") != 0) {
            DM_TRY(inv_json_set(row, "action", json_string("skip"), e));
            DM_TRY(
                inv_json_set(row, "message", json_string("left out: other rows are at fault"), e));
        }
    }
    r->result->skipped += r->result->created;
    r->result->created = 0;
    return json_array_clear(r->changes) ? no_memory(e) : DM_OK;
}

static int run_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct import_run *call = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(run_clear) struct import_run r = *call;
    const dm_usec start = dm_now();
    json_t *old_report = r.result->report;
    *r.result = (struct import_result){0};
    json_decref(old_report); /* of an attempt before */
    store_uuid_new(r.result->uuid);
    r.tx = tx;
    r.a = &a;
    r.good = json_array();
    r.bad = json_array();
    r.counts = json_object();
    r.changes = json_array();
    r.seen = json_object();
    if (!r.good || !r.bad || !r.counts || !r.changes || !r.seen) {
        return no_memory(e);
    }
    DM_TRY(store_save(tx, e));
    DM_TRY(formats[r.o->kind](&r, e));
    if (r.o->kind == IMPORT_STOCK && r.result->failed && !r.o->dry_run) {
        DM_TRY(store_restore(tx, e));
        DM_TRY(leave_out(&r, e));
    } else {
        DM_TRY(store_release(tx, e));
    }
    DM_TRY(finish_report(&r, start, e));
    return r.o->dry_run ? DM_OK : keep(&r, e);
}

/* Everything is done, and then undone. */
static int dry_run(struct import_run *r, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(store_begin(r->c->store, STORE_WRITE, &tx, e));
    return run_in(tx, r, e);
}

int import_run(const struct inv_ctx *c, const struct import_options *o, const char *text, size_t n,
               struct import_result *ret, struct dm_err *e)
{
    struct import_result result = {0};
    struct import_run r = {.c = c, .o = o, .text = text, .n = n, .result = &result};
    DM_TRY(inv_permit(c, action_of(o->kind), e));
    if (n > LIMIT_CSV_BYTES) {
        DM_REFUSE(e, INV_FILE_TOO_LARGE, DM_FIELDS(DM_I("max_bytes", (int64_t)LIMIT_CSV_BYTES)),
                  "a file has at most %zu MiB", LIMIT_CSV_BYTES >> 20);
    }
    const int code = o->dry_run ? dry_run(&r, e) : store_run(c->store, STORE_WRITE, run_in, &r, e);
    if (code < 0) {
        json_decref(result.report);
        return code;
    }
    *ret = result;
    return DM_OK;
}

/* ---- undo ------------------------------------------------------------------------------------ */

static bool kind_of_table(const char *table, enum master_kind *ret)
{
    for (enum master_kind kind = 0; kind < MASTER_MAX_; kind++) {
        if (!strcmp(master_table(kind), table)) {
            *ret = kind;
            return true;
        }
    }
    return false;
}

static int changed_since(const char *table, int64_t id, struct dm_err *e)
{
    DM_REFUSE(e, INV_IN_USE, DM_FIELDS(DM_S("table", table), DM_I("id", id)),
              "row %" PRId64 " of %s has changed since: undo that first", id, table);
}

/* The members of a row that people may set again, as they were. */
static json_t *old_values(enum master_kind kind, const json_t *before)
{
    const struct master_entity *entity = &master_entities[kind];
    json_t *values = json_object();
    for (size_t i = 0; i < entity->n_field; i++) {
        const struct master_field *f = &entity->field[i];
        if (!(f->flags & (MASTER_DERIVED | MASTER_FIXED)) &&
            json_object_set(values, f->name, json_object_get(before, f->name))) {
            json_decref(values);
            return NULL;
        }
    }
    return values;
}

/* Rows are equal but for the times and the version, which only ever grow. */
static bool same_row(const json_t *a, const json_t *b)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)a, name, value)
    {
        const bool counts = strcmp(name, "updated_at") != 0 && strcmp(name, "row_version") != 0;
        if (counts && !json_equal(value, json_object_get(b, name))) {
            return false;
        }
    }
    return true;
}

static int undo_one(struct store_tx *tx, const struct inv_ctx *c, const struct store_value *row,
                    struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(inv_json_freep) json_t *after = inv_json_of_value(&row[3]);
    DM_CLEANUP(inv_json_freep) json_t *now = NULL;
    DM_CLEANUP(inv_json_freep) json_t *before = row[2].null ? NULL : inv_json_of_value(&row[2]);
    enum master_kind kind;
    if (!after || (!before && !row[2].null)) {
        return no_memory(e);
    }
    if (!strcmp(row[0].t, "stock_movements")) {
        return import_undo_stock(tx, c, after, e);
    }
    if (!strcmp(row[0].t, "density_parameters")) {
        return import_undo_density(tx, c, row[1].i, before, after, e);
    }
    if (!kind_of_table(row[0].t, &kind)) {
        DM_FAIL(e, DM_EINTERNAL, "an import wrote to %s", row[0].t);
    }
    const int code = master_read(tx, kind, row[1].i, true, &a, &now, e);
    if (code == INV_NOT_FOUND || (code >= 0 && !same_row(after, now))) {
        return changed_since(row[0].t, row[1].i, e);
    }
    DM_TRY(code);
    if (!before) {
        return master_delete(tx, c, kind, row[1].i, &a, e);
    }
    DM_CLEANUP(inv_json_freep) json_t *values = old_values(kind, before);
    DM_CLEANUP(master_op_clear) struct master_op op = {.c = c, .tx = tx, .a = &a, .kind = kind};
    return values ? master_op_change(&op, row[1].i, values, e) : no_memory(e);
}

struct undo {
    const struct inv_ctx *c;
    const char *uuid;
    int64_t rows;
};

static int undo_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct undo *u = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *row;
    struct store_table changes;
    const int found = store_maybe(tx, &queries[FIND], STORE_ARGS(store_u(u->uuid)), &a, &row, e);
    if (found < 0) {
        return found;
    }
    if (!found) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "import"), DM_S("identifier", u->uuid)),
                  "there is no import %s", u->uuid);
    }
    if (!row[2].null) {
        DM_REFUSE(e, INV_INVALID_TRANSITION,
                  DM_FIELDS(DM_S("current", "undone"), DM_S("target", "undone")),
                  "this import was undone before");
    }
    enum import_kind kind = 0;
    while (kind + 1 < IMPORT_KIND_MAX_ && strcmp(row[1].t, import_kind_names[kind]) != 0) {
        kind++;
    }
    DM_TRY(inv_permit(u->c, action_of(kind), e));
    DM_TRY(store_all(tx, &queries[CHANGES], STORE_ARGS(store_i(row[0].i)), &a, &changes, e));
    for (size_t i = 0; i < changes.n; i++) {
        DM_TRY(undo_one(tx, u->c, store_row(&changes, i), e));
    }
    DM_TRY(store_exec(tx, &queries[UNDONE],
                      STORE_ARGS(store_i(row[0].i), store_at(u->c->now_ms), store_i(u->c->user_id)),
                      NULL, e));
    u->rows = (int64_t)changes.n;
    return audit_write_named(tx, u->c, "import.undo", "imports", u->uuid, NULL, NULL, e);
}

int import_undo(const struct inv_ctx *c, const char *uuid, int64_t *ret_rows, struct dm_err *e)
{
    struct undo u = {.c = c, .uuid = uuid};
    if (!store_uuid_valid(uuid)) {
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "import"), DM_S("identifier", uuid)),
                  "there is no import '%.40s'", uuid);
    }
    DM_TRY(store_run(c->store, STORE_WRITE, undo_in, &u, e));
    *ret_rows = u.rows;
    return DM_OK;
}

/* ---- list ------------------------------------------------------------------------------------ */

struct listing {
    int64_t limit;
    json_t *rows;
};

static int list_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    static const char *const names[] = {"import_id", "kind",       "file_name", "file_sha256",
                                        "user_id",   "created",    "updated",   "skipped",
                                        "failed",    "created_at", "undone_at"};
    struct listing *l = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(inv_json_freep) json_t *rows = json_array();
    struct store_table t;
    DM_TRY(store_all(tx, &queries[LIST], STORE_ARGS(store_i(l->limit)), &a, &t, e));
    for (size_t i = 0; i < t.n; i++) {
        json_t *row = json_object();
        if (json_array_append_new(rows, row)) {
            return no_memory(e);
        }
        for (size_t k = 0; k < DM_COUNT(names); k++) {
            DM_TRY(inv_json_set(row, names[k], inv_json_of_value(&store_row(&t, i)[k]), e));
        }
    }
    json_decref(l->rows);
    l->rows = DM_STEAL(rows);
    return DM_OK;
}

int import_list(const struct inv_ctx *c, int64_t limit, json_t **ret, struct dm_err *e)
{
    struct listing l = {.limit = DM_CLAMP(limit, 1, 1000)};
    DM_TRY(inv_permit(c, INV_DO_CATALOGUE_WRITE, e));
    const int code = store_run(c->store, STORE_READ, list_in, &l, e);
    if (code < 0) {
        json_decref(l.rows);
        return code;
    }
    *ret = l.rows;
    return DM_OK;
}
