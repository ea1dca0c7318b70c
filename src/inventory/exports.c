/* SPDX-License-Identifier: Apache-2.0
 *
 * Exports as jobs. */
#include "inventory/exports.h"

#include <string.h>

#include "inventory/json.h"

enum { NOTE, FILE_OF };

static const struct store_query queries[] = {
    [NOTE] = {"exports.note",
              "INSERT INTO export_files (job_id, user_id, report, format, filter, row_count,"
              " size_bytes, store, storage_key, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
              " ?9, ?10)",
              "iittjiittT", "", false},
    [FILE_OF] = {"exports.file",
                 "SELECT j.user_id, j.status, f.storage_key, f.report, f.format, f.expires_at FROM"
                 " jobs j LEFT JOIN export_files f ON f.job_id = j.id WHERE j.uuid = ?1 AND"
                 " j.kind = 'export'",
                 "u", "ittttT", false},
};
STORE_QUERIES(exports_queries, queries);

#define URL_OF(end) "'/api/v1/exports/' || CAST(j.uuid AS TEXT)" end
static const struct list_column columns[] = {
    {"export_format", "COALESCE(f.format, j.payload ->> 'format')", 't', LIST_AS_IS},
    {"file_url", "CASE WHEN f.id IS NOT NULL THEN " URL_OF(" || '/file'") " END", 't', LIST_AS_IS},
    {"file_size", "f.size_bytes", 'i', LIST_AS_IS},
    {"record_count", "COALESCE(f.row_count, 0)", 'i', LIST_AS_IS},
    {"generated_at", "COALESCE(f.created_at, j.created_at)", 'T', LIST_AS_IS},
    {"job_id", "j.uuid", 'u', LIST_AS_IS},
    {"status", "CASE j.status WHEN 'completed_with_warning' THEN 'completed' ELSE j.status END",
     't', LIST_AS_IS},
    {"poll_url", URL_OF(""), 't', LIST_AS_IS},
    {"report_type", "COALESCE(f.report, j.payload ->> 'report')", 't', LIST_AS_IS},
    {"expires_at", "f.expires_at", 'T', LIST_AS_IS},
};
static const struct list_filter filters[] = {
    {"job_id", "j.uuid = ?", 'u'},
    {"user_id", "j.user_id = ?", 'i'},
};
const struct list list_exports = {
    .name = "list.exports",
    .from = "jobs j LEFT JOIN export_files f ON f.job_id = j.id WHERE j.kind = 'export'",
    .order = "j.created_at DESC, j.id DESC",
    .action = INV_DO_EXPORT,
    .column = columns,
    .n_column = DM_COUNT(columns),
    .filter = filters,
    .n_filter = DM_COUNT(filters),
    .has_where = true,
};

static const struct list *report_of(const char *name)
{
    static const struct {
        const char *name;
        const struct list *list;
    } reports[] = {{"inventory", &list_export_inventory},
                   {"movements", &list_export_movements},
                   {"batches", &list_export_batches}};
    for (size_t i = 0; name && i < DM_COUNT(reports); i++) {
        if (strcmp(reports[i].name, name) == 0) {
            return reports[i].list;
        }
    }
    return NULL;
}

/* The first instant of a day of the nursery, or of the day after; null without a day. */
static int instant_of(const struct inv_ctx *c, const char *text, int after, struct store_value *ret,
                      struct dm_err *e)
{
    struct dm_civil day;
    *ret = store_null();
    if (text) {
        if (!dm_date_parse(text, &day)) {
            DM_FAIL(e, INV_VALIDATION, "%.20s is not a day such as 2026-01-31", text);
        }
        day.day += after;
        *ret = store_at(dm_zone_instant(c->zone, &day));
    }
    return DM_OK;
}

int exports_sheet(const struct inv_ctx *c, const struct export_ask *ask, int64_t max,
                  struct dm_arena *a, struct sheet **ret, struct dm_err *e)
{
    const struct list *l = report_of(ask->report);
    struct list_value value[] = {{"warehouse_id", store_ref(ask->warehouse_id)},
                                 {"product_id", store_ref(ask->product_id)},
                                 {"from", store_null()},
                                 {"before", store_null()}};
    const struct list_ask rows = {.value = value, .n_value = DM_COUNT(value), .limit = max};
    if (!l) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "report_type")),
                  "there is no such report");
    }
    DM_TRY(instant_of(c, ask->from, 0, &value[2].v, e));
    DM_TRY(instant_of(c, ask->to, 1, &value[3].v, e));
    return list_sheet(c, l, &rows, ask->report, ask->report, a, ret, e);
}

/* ---- the job ------------------------------------------------------------------------------ */

struct start {
    const struct inv_ctx *c;
    const char *payload, *uuid;
};

static int start_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct start *x = ctx;
    const struct queue_new n = {.kind = QUEUE_EXPORT,
                                .uuid = x->uuid,
                                .payload = x->payload,
                                .user_id = x->c->user_id,
                                .priority = QUEUE_ANY_PRIORITY};
    const int added = queue_push(tx, x->c->now_ms, &n, NULL, e);
    DM_TRY(added);
    return audit_write_named(tx, x->c, "export", "jobs", x->uuid, NULL, NULL, e);
}

int exports_start(const struct inv_ctx *c, const struct export_ask *ask,
                  char ret[static STORE_UUID_SIZE], struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct store_value unused;
    const char *text;
    DM_TRY(inv_permit(c, INV_DO_EXPORT, e));
    DM_TRY(instant_of(c, ask->from, 0, &unused, e));
    DM_TRY(instant_of(c, ask->to, 0, &unused, e));
    if (!report_of(ask->report)) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "report_type")),
                  "there is no such report");
    }
    DM_CLEANUP(inv_json_freep)
    json_t *payload =
        json_pack("{s:s, s:s, s:I, s:I, s:s?, s:s?}", "report", ask->report, "format", ask->format,
                  "warehouse_id", (json_int_t)ask->warehouse_id, "product_id",
                  (json_int_t)ask->product_id, "from", ask->from, "to", ask->to);
    DM_TRY(inv_json_text(payload, &a, &text, e));
    store_uuid_new(ret);
    struct start x = {c, text, ret};
    return store_run(c->store, STORE_WRITE, start_in, &x, e);
}

static enum sheet_format format_of(const char *name)
{
    int i = 0;
    while (sheet_format_names[i] && strcmp(sheet_format_names[i], name ? name : "") != 0) {
        i++;
    }
    return (enum sheet_format)i;
}

int exports_make(const struct inv_ctx *c, struct blob *place, const struct queue_job *j,
                 struct dm_arena *a, struct export_made *ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *p = json_loads(j->payload, 0, NULL);
    DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(EXPORTS_BYTES_MAX);
    const struct export_ask ask = {.report = inv_json_str(p, "report"),
                                   .format = inv_json_str(p, "format"),
                                   .warehouse_id = inv_json_int(p, "warehouse_id"),
                                   .product_id = inv_json_int(p, "product_id"),
                                   .from = inv_json_str(p, "from"),
                                   .to = inv_json_str(p, "to")};
    const enum sheet_format format = format_of(ask.format);
    struct export_made m = {.filter = j->payload};
    struct sheet *s;
    if (format >= SHEET_FORMAT_MAX_) {
        DM_FAIL(e, INV_VALIDATION, "there is no such kind of file");
    }
    DM_TRY(exports_sheet(c, &ask, EXPORTS_ROWS_MAX, a, &s, e));
    DM_TRY(sheet_write(s, format, NULL, &out, e));
    DM_TRY(dm_buf_ok(&out, e));
    m.report = dm_arena_strdup(a, ask.report);
    m.format = sheet_format_names[format];
    m.rows = (int64_t)s->n_rows;
    m.bytes = (int64_t)out.len;
    (void)snprintf(m.key, sizeof(m.key), "exports/%s.%s", j->uuid, m.format);
    DM_TRY(blob_put(place, m.key, sheet_media_types[format], dm_buf_str(&out), out.len, NULL, e));
    *ret = m;
    return DM_OK;
}

int exports_note(struct store_tx *tx, const struct inv_ctx *c, const struct queue_job *j,
                 const struct blob *place, const struct export_made *m, struct dm_err *e)
{
    const int64_t hours = c->settings->retention_exports_hours;
    return store_exec(tx, &queries[NOTE],
                      STORE_ARGS(store_i(j->id), store_i(j->user_id), store_t(m->report),
                                 store_t(m->format), store_j(m->filter), store_i(m->rows),
                                 store_i(m->bytes), store_t(blob_scheme(place)), store_t(m->key),
                                 store_at(c->now_ms + hours * 3600000)),
                      NULL, e);
}

int exports_file(const struct inv_ctx *c, const char *uuid, struct dm_arena *a,
                 struct export_file *ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value *v;
    DM_TRY(inv_permit(c, INV_DO_EXPORT, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int found = store_maybe(tx, &queries[FILE_OF], STORE_ARGS(store_u(uuid)), a, &v, e);
    DM_TRY(found);
    const bool own = found && (c->role == INV_ADMIN || v[0].i == c->user_id);
    const bool open = own && (strcmp(v[1].t, "pending") == 0 || strcmp(v[1].t, "processing") == 0);
    if (open) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the file is not ready yet");
    }
    if (!own || v[2].null || v[5].i < c->now_ms) {
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "export"), DM_S("identifier", uuid)),
                  "there is no such file, or its time is over");
    }
    *ret = (struct export_file){.key = v[2].t, .report = v[3].t, .format = v[4].t};
    return DM_OK;
}
