/* SPDX-License-Identifier: Apache-2.0
 *
 * The builder and the runner of lists. */
#include "inventory/list.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "inventory/analytics_priv.h"
#include "inventory/exports.h"
#include "inventory/inbox.h"
#include "inventory/jobs.h"
#include "inventory/json.h"
#include "inventory/photo.h"
#include "inventory/webhooks.h"

const struct list *const list_all[] = {&list_adjustments,
                                       &list_areas,
                                       &list_audit,
                                       &list_batches,
                                       &list_bin_types,
                                       &list_bins,
                                       &list_boxes,
                                       &list_calibrations,
                                       &list_categories,
                                       &list_category_counts,
                                       &list_claro_photos,
                                       &list_colors,
                                       &list_config_names,
                                       &list_config_states,
                                       &list_configs,
                                       &list_density,
                                       &list_detections,
                                       &list_drawn,
                                       &list_empties,
                                       &list_estimations,
                                       &list_export_batches,
                                       &list_export_inventory,
                                       &list_export_movements,
                                       &list_exports,
                                       &list_families,
                                       &list_gallery,
                                       &list_image,
                                       &list_import_reports,
                                       &list_imports,
                                       &list_inbox,
                                       &list_jobs,
                                       &list_known,
                                       &list_locations,
                                       &list_materials,
                                       &list_movements,
                                       &list_packaging,
                                       &list_packaging_types,
                                       &list_periods,
                                       &list_photo,
                                       &list_price_changes,
                                       &list_prices,
                                       &list_products,
                                       &list_progress,
                                       &list_recon_lines,
                                       &list_recons,
                                       &list_review,
                                       &list_sales_errors,
                                       &list_sales_imports,
                                       &list_sales_lines,
                                       &list_samples,
                                       &list_session,
                                       &list_session_batches,
                                       &list_session_bins,
                                       &list_sessions,
                                       &list_sizes,
                                       &list_states,
                                       &list_statistics,
                                       &list_utilization,
                                       &list_warehouses,
                                       &list_deliveries,
                                       &list_webhooks,
                                       NULL};

/* A statement under construction. */
struct build {
    const struct list *l;
    struct dm_arena *a;
    struct dm_buf sql;
    struct store_value arg[LIST_FILTERS_MAX + 2];
    char params[LIST_FILTERS_MAX + 3];
    size_t n_arg;
};

static void build_clear(struct build *b)
{
    dm_buf_clear(&b->sql);
}

static void argument(struct build *b, char letter, struct store_value v)
{
    b->params[b->n_arg] = letter;
    b->arg[b->n_arg++] = v;
    b->params[b->n_arg] = 0;
}

static const struct list_filter *filter_of(const struct list *l, const char *name)
{
    for (size_t i = 0; i < l->n_filter; i++) {
        if (strcmp(l->filter[i].name, name) == 0) {
            return &l->filter[i];
        }
    }
    return NULL;
}

/* "%part%" folded; what LIKE takes for more than itself is escaped. */
static const char *part(struct dm_arena *a, const char *given)
{
    const char *text = dm_text_fold(given, a);
    const size_t n = text ? strlen(text) : 0;
    char *out = dm_arena_alloc(a, 2 * n + 3);
    size_t at = 0;
    if (!out || !text) {
        return NULL;
    }
    out[at++] = '%';
    for (size_t i = 0; i < n; i++) {
        const char ch = text[i];
        if (ch == '%' || ch == '_' || ch == '\\') {
            out[at++] = '\\';
        }
        out[at++] = ch;
    }
    out[at++] = '%';
    out[at] = 0;
    return out;
}

static int condition(struct build *b, const struct list_filter *f, const struct store_value *v,
                     bool first, struct dm_err *e)
{
    const char *text = f->type == 'q' ? part(b->a, v->t) : NULL;
    if (f->type == 'q' && !text) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a list");
    }
    argument(b, f->type == 'q' ? 't' : f->type, f->type == 'q' ? store_t(text) : *v);
    dm_buf_puts(&b->sql, first ? " WHERE " : " AND ");
    for (const char *p = f->sql; *p; p++) {
        if (*p == '?') {
            dm_buf_printf(&b->sql, "?%zu", b->n_arg);
        } else {
            dm_buf_putc(&b->sql, *p);
        }
    }
    if (f->type == 'q') {
        dm_buf_puts(&b->sql, " ESCAPE '\\'");
    }
    return DM_OK;
}

static int conditions(struct build *b, const struct list_ask *ask, struct dm_err *e)
{
    bool first = !b->l->has_where;
    dm_buf_printf(&b->sql, " FROM %s", b->l->from);
    for (size_t i = 0; i < ask->n_value; i++) {
        const struct list_filter *f = filter_of(b->l, ask->value[i].name);
        DM_BUG_UNLESS(f);
        if (!ask->value[i].v.null) {
            DM_TRY(condition(b, f, &ask->value[i].v, first, e));
            first = false;
        }
    }
    return DM_OK;
}

static json_t *shown(const struct inv_ctx *c, const struct list_column *column,
                     const struct store_value *v)
{
    const bool hidden = (column->show == LIST_MONEY || column->show == LIST_CENTS) &&
                        inv_grant_of(c->role, INV_DO_SEE_PRICES) == INV_GRANT_NO;
    if (v->null || hidden) {
        return json_null();
    }
    switch (column->show) {
    case LIST_MONEY:
        return v->i % 100 ? json_real((double)v->i / 100) : json_integer(v->i / 100);
    case LIST_ROUND2:
        return json_real(round(v->r * 100) / 100);
    case LIST_ROUND4:
        return json_real(round(v->r * 10000) / 10000);
    case LIST_LON:
        return json_pack("{s:s, s:[f]}", "type", "Point", "coordinates", v->r);
    case LIST_AS_IS:
    case LIST_CENTS:
    case LIST_LAT:
    default:
        return inv_json_of_value(v);
    }
}

static int add_row(const struct inv_ctx *c, const struct list *l, const struct store_value *v,
                   json_t *rows, struct dm_err *e)
{
    json_t *row = json_object();
    if (!row || json_array_append_new(rows, row)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a list");
    }
    for (size_t i = 0; i < l->n_column; i++) {
        json_t *value = shown(c, &l->column[i], &v[i]);
        if (l->column[i].show == LIST_LAT) {
            json_t *point = json_object_get(row, l->column[i].name);
            if (json_array_append_new(json_object_get(point, "coordinates"), value) &&
                json_is_object(point)) {
                DM_FAIL(e, DM_ENOMEM, "no memory for a list");
            }
        } else {
            DM_TRY(inv_json_put(row, l->column[i].name, value, e));
        }
    }
    return DM_OK;
}

static int count(struct store_tx *tx, const struct list *l, const struct list_ask *ask,
                 struct dm_arena *a, int64_t *ret, struct dm_err *e)
{
    DM_CLEANUP(build_clear) struct build b = {.l = l, .a = a, .sql = dm_buf_init(LIST_SQL_MAX)};
    dm_buf_puts(&b.sql, "SELECT count(*)");
    DM_TRY(conditions(&b, ask, e));
    DM_TRY(dm_buf_ok(&b.sql, e));
    const struct store_query q = {l->name, dm_buf_str(&b.sql), b.params, "i", true};
    return store_int(tx, &q, (struct store_args){b.arg, b.n_arg}, ret, e);
}

static int order(struct build *b, const char *sort, struct dm_err *e)
{
    const bool down = sort && *sort == '-';
    dm_buf_puts(&b->sql, " ORDER BY ");
    for (size_t i = 0; sort && i < b->l->n_column; i++) {
        if (b->l->column[i].type != 'j' && strcmp(b->l->column[i].name, sort + down) == 0) {
            dm_buf_printf(&b->sql, "%s %s NULLS LAST, %s", b->l->column[i].sql,
                          down ? "DESC" : "ASC", b->l->order);
            return DM_OK;
        }
    }
    if (sort) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "sort"), DM_S("value", sort)),
                  "sort: there is no such field to sort by");
    }
    dm_buf_puts(&b->sql, b->l->order);
    return DM_OK;
}

static int statement(struct build *b, const struct list_ask *ask, char *cols, struct dm_err *e)
{
    const struct list *l = b->l;
    DM_BUG_UNLESS(l->n_column <= LIST_COLUMNS_MAX && ask->n_value <= LIST_FILTERS_MAX);
    for (size_t i = 0; i < l->n_column; i++) {
        dm_buf_printf(&b->sql, "%s%s", i ? ", " : "SELECT ", l->column[i].sql);
        cols[i] = l->column[i].type;
    }
    cols[l->n_column] = 0;
    DM_TRY(conditions(b, ask, e));
    DM_TRY(order(b, ask->sort, e));
    /* The limit in words: PostgreSQL plans a statement anew each time as long as the unknown number
     * could change its mind, which takes longer than a page. */
    if (ask->limit) {
        dm_buf_printf(&b->sql, " LIMIT %" PRId64, ask->limit);
    }
    if (ask->limit && ask->skip) {
        argument(b, 'i', store_i(ask->skip));
        dm_buf_printf(&b->sql, " OFFSET ?%zu", b->n_arg);
    }
    return dm_buf_ok(&b->sql, e);
}

int list_rows_in(struct store_tx *tx, const struct inv_ctx *c, const struct list *l,
                 const struct list_ask *ask, json_t **ret, int64_t *ret_total, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(build_clear) struct build b = {.l = l, .a = &a, .sql = dm_buf_init(LIST_SQL_MAX)};
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = json_array();
    char cols[LIST_COLUMNS_MAX + 1];
    const struct store_value *v;
    int more;
    if (!out) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a list");
    }
    DM_TRY(statement(&b, ask, cols, e));
    const struct store_query q = {l->name, dm_buf_str(&b.sql), b.params, cols, true};
    DM_TRY(store_select(tx, &q, (struct store_args){b.arg, b.n_arg}, &rows, e));
    while ((more = store_next(rows, &v, e)) > 0) {
        DM_TRY(add_row(c, l, v, out, e));
    }
    DM_TRY(more);
    const int64_t n = (int64_t)json_array_size(out);
    if (ret_total && ask->limit && (n == ask->limit || (!n && ask->skip))) {
        DM_TRY(count(tx, l, ask, &a, ret_total, e));
    } else if (ret_total) {
        *ret_total = ask->skip + n; /* the last page says it itself */
    }
    *ret = DM_STEAL(out);
    return DM_OK;
}

int list_rows(const struct inv_ctx *c, const struct list *l, const struct list_ask *ask,
              json_t **ret, int64_t *ret_total, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(inv_permit(c, l->action, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    return list_rows_in(tx, c, l, ask, ret, ret_total, e);
}

int list_one_in(struct store_tx *tx, const struct inv_ctx *c, const struct list *l,
                const char *name, struct store_value v, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    const struct list_value value = {name, v};
    const struct list_ask ask = {.value = &value, .n_value = 1, .limit = 1};
    DM_TRY(list_rows_in(tx, c, l, &ask, &rows, NULL, e));
    if (json_array_size(rows) != 1) {
        const char *dot = strchr(l->name, '.');
        const char *noun = dot ? dot + 1 : l->name;
        char id[STORE_UUID_SIZE];
        (void)snprintf(id, sizeof(id), "%" PRId64, v.type == 'i' ? v.i : 0);
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", noun), DM_S("identifier", v.type == 'i' ? id : v.t)),
                  "there is no such row of %s", noun);
    }
    *ret = json_incref(json_array_get(rows, 0));
    return DM_OK;
}

int list_one(const struct inv_ctx *c, const struct list *l, const char *name, struct store_value v,
             json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(inv_permit(c, l->action, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    return list_one_in(tx, c, l, name, v, ret, e);
}

/* ---- as a table --------------------------------------------------------------------------- */

static enum sheet_type sheet_type_of(const struct list_column *column)
{
    if (column->show == LIST_MONEY || column->show == LIST_CENTS) {
        return SHEET_MONEY;
    }
    switch (column->type) {
    case 'i':
        return SHEET_INT;
    case 'r':
        return SHEET_REAL;
    case 'b':
        return SHEET_BOOL;
    case 'T':
        return SHEET_INSTANT;
    case 'D':
        return SHEET_DATE;
    case 'j':
        return SHEET_JSON;
    default:
        return SHEET_TEXT;
    }
}

static struct sheet *begin_sheet(const struct inv_ctx *c, const struct list *l, const char *name,
                                 const char *title, struct dm_arena *a)
{
    struct sheet_column *column = dm_arena_calloc(a, l->n_column, sizeof(*column));
    for (size_t i = 0; column && i < l->n_column; i++) {
        const enum sheet_type type = sheet_type_of(&l->column[i]);
        column[i] = (struct sheet_column){
            .name = l->column[i].name, .title = "", .type = type, .money = type == SHEET_MONEY};
    }
    return column ? sheet_begin(c, name, title, column, l->n_column, a) : NULL;
}

int list_sheet(const struct inv_ctx *c, const struct list *l, const struct list_ask *ask,
               const char *name, const char *title, struct dm_arena *a, struct sheet **ret,
               struct dm_err *e)
{
    DM_CLEANUP(build_clear) struct build b = {.l = l, .a = a, .sql = dm_buf_init(LIST_SQL_MAX)};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct list_ask own = *ask;
    char cols[LIST_COLUMNS_MAX + 1];
    struct store_table rows;
    const int64_t most = ask->limit ? ask->limit : LIST_SHEET_MAX;
    own.limit = most + 1;
    DM_TRY(inv_permit(c, l->action, e));
    DM_TRY(inv_permit(c, INV_DO_EXPORT, e));
    struct sheet *s = begin_sheet(c, l, name, title, a);
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    DM_TRY(statement(&b, &own, cols, e));
    const struct store_query q = {l->name, dm_buf_str(&b.sql), b.params, cols, true};
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_all(tx, &q, (struct store_args){b.arg, b.n_arg}, a, &rows, e));
    if ((int64_t)rows.n > most) {
        DM_REFUSE(e, DM_ELIMIT, DM_FIELDS(DM_I("max_rows", most)),
                  "more than %lld rows: ask for the export as a job", (long long)most);
    }
    DM_TRY(sheet_take(s, &rows, a, e));
    *ret = s;
    return inv_grant_of(c->role, INV_DO_SEE_PRICES) == INV_GRANT_NO ? sheet_hide_money(s, a, e)
                                                                    : DM_OK;
}
