/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading sales files and comparing a month. Files have some hundred rows, at most 100,000; the
 * catalogue is read once and searched in memory. */
#include "inventory/sales.h"

#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/hash.h"

enum { PRODUCTS, POTS, ITEMS, TAKEN, INSERT, SYSTEM, LINE, KEPT, ROWS, ASSIGN, FIND };

static const struct store_query queries[] = {
    [PRODUCTS] = {"sales.products",
                  "SELECT r.sku, r.id, f.product_category_id, CAST(NULL AS {int}) FROM products r"
                  " JOIN product_families f ON f.id = r.product_family_id",
                  "", "tiii", false},
    [POTS] = {"sales.pots",
              "SELECT sku, id, CAST(NULL AS {int}), CAST(NULL AS {int}) FROM packaging_catalog", "",
              "tiii", false},
    [ITEMS] = {"sales.items",
               "SELECT sku, id, product_category_id, packaging_catalog_id, product_id FROM"
               " price_list_items",
               "", "tiiii", false},
    [TAKEN] = {"sales.taken",
               "SELECT COUNT(*) FROM sales_imports WHERE accounting_month IS NOT NULL AND"
               " CAST(file_sha256s AS TEXT) LIKE ?1",
               "t", "i", false},
    [KEPT] = {"sales.kept",
              "SELECT id, accounting_month, file_sha256s, row_count, bad_row_count FROM"
              " sales_imports WHERE uuid = ?1 {for_update}",
              "u", "itjii", false},
    [ROWS] = {"sales.rows",
              "SELECT product_id, product_category_id, packaging_catalog_id, quantity_sold FROM"
              " sales_import_rows WHERE sales_import_id = ?1 AND error IS NULL ORDER BY id",
              "i", "iiii", false},
    [FIND] = {"sales.find",
              "SELECT id, row_count, bad_row_count FROM sales_imports WHERE uuid = ?1", "u", "iii",
              false},
    [ASSIGN] = {"sales.assign",
                "UPDATE sales_imports SET accounting_month = ?2, updated_at = ?3 WHERE id = ?1",
                "itT", "", false},
    [INSERT] = {"sales.insert",
                "INSERT INTO sales_imports (uuid, accounting_month, file_names, file_sha256s,"
                " row_count, bad_row_count, user_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                " RETURNING id",
                "utjjiii", "i", false},
    [SYSTEM] = {"sales.system",
                "SELECT b.product_id, f.product_category_id, b.packaging_catalog_id,"
                " CAST(-SUM(CASE WHEN m.reconciliation_id IS NULL THEN m.quantity ELSE 0 END) AS"
                " {int}), CAST(-SUM(CASE WHEN m.reconciliation_id IS NULL THEN 0 ELSE m.quantity"
                " END) AS {int}) FROM stock_movements m JOIN stock_batches b ON b.id ="
                " m.stock_batch_id JOIN products r ON r.id = b.product_id"
                " JOIN product_families f ON f.id = r.product_family_id"
                " WHERE m.movement_type = 'ventas' AND m.occurred_at >= ?1 AND m.occurred_at < ?3"
                " AND CASE WHEN m.reconciliation_id IS NULL THEN m.occurred_at < ?2 ELSE (SELECT"
                " x.accounting_month FROM reconciliations x WHERE x.id = m.reconciliation_id) = ?4"
                " END GROUP BY b.product_id, f.product_category_id, b.packaging_catalog_id",
                "TTTt", "iiiii", false},
    [LINE] = {"sales.line",
              "INSERT INTO sales_validation_lines (sales_import_id, product_id,"
              " product_category_id, packaging_catalog_id, system_logged, system_calculated,"
              " external, difference, tolerance, result) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
              " ?9, ?10)",
              "iiiiiiiiit", "", false},
};
STORE_QUERIES(sales_queries, queries);

int64_t sales_tolerance(const struct inv_settings *s, int64_t external)
{
    const int64_t share = (int64_t)((double)external * s->sales_tolerance_percent / 100.0);
    return DM_MAX(share, (int64_t)s->sales_tolerance_plants);
}

const char *sales_verdict(int64_t system, int64_t external, int64_t tolerance)
{
    const int64_t off = system > external ? system - external : external - system;
    if (system == 0 && external > 0) {
        return "only_external";
    }
    if (external == 0 && system > 0) {
        return "only_system";
    }
    return off <= tolerance ? "match" : "mismatch";
}

const char *sales_status(int64_t stock, int64_t sold)
{
    const int64_t left = stock - sold;
    return left <= 0 ? "CRITICAL" : 5 * left < stock ? "LOW" : 2 * left < stock ? "MEDIUM" : "OK";
}

/* ---- reading ------------------------------------------------------------------------------ */

struct row {
    int file;
    int64_t line, quantity;
    int64_t product, category, pot, item; /* 0 = none */
    const char *date, *raw, *error;
    const char *invoice, *code; /* what makes a repeat */
    bool repeat;
};

struct reader {
    const struct inv_ctx *c;
    const struct sales_ask *ask;
    struct dm_arena *a;
    struct store_table products, pots, items; /* sorted by SKU, any case */
    struct row *row;
    size_t n, capacity;
    struct sales_error *error;
    struct sales_total *total;
    struct sales_result *r;
    char today[DM_DATE_SIZE];
};

enum column { QUANTITY, PRODUCT, POT, PRICE, DATE, NOTES, CUSTOMER, INVOICE, COLUMNS };

static const char *const h_quantity[] = {"quantity_sold", "cantidad", NULL};
static const char *const h_product[] = {"product_sku", "product_code", NULL};
static const char *const h_pot[] = {"packaging_sku", "packaging_code", NULL};
static const char *const h_price[] = {"price_sku", "codigo", NULL};
static const char *const h_date[] = {"sale_date", "fecha", NULL};
static const char *const h_notes[] = {"notes", NULL};
static const char *const h_customer[] = {"customer_name", NULL};
static const char *const h_invoice[] = {"invoice_number", NULL};
static const struct dm_csv_column columns[COLUMNS] = {
    [QUANTITY] = {"quantity_sold", h_quantity, true},
    [PRODUCT] = {"product_sku", h_product, false},
    [POT] = {"packaging_sku", h_pot, false},
    [PRICE] = {"price_sku", h_price, false},
    [DATE] = {"sale_date", h_date, false},
    [NOTES] = {"notes", h_notes, false},
    [CUSTOMER] = {"customer_name", h_customer, false},
    [INVOICE] = {"invoice_number", h_invoice, false}};

static int by_sku(const void *x, const void *y)
{
    return strcasecmp(((const struct store_value *)x)->t, ((const struct store_value *)y)->t);
}

static int read_catalogue(struct reader *w, struct store_tx *tx, struct dm_err *e)
{
    struct store_table *const tables[] = {&w->products, &w->pots, &w->items};
    for (int i = 0; i < 3; i++) {
        DM_TRY(store_all(tx, &queries[PRODUCTS + i], STORE_NO_ARGS, w->a, tables[i], e));
        struct store_value *copy =
            dm_arena_calloc(w->a, tables[i]->n, tables[i]->cols * sizeof(*copy));
        if (!copy) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the catalogue");
        }
        if (tables[i]->n) {
            memcpy(copy, tables[i]->v, tables[i]->n * tables[i]->cols * sizeof(*copy));
            qsort(copy, tables[i]->n, tables[i]->cols * sizeof(*copy), by_sku);
        }
        tables[i]->v = copy;
    }
    return DM_OK;
}

static const struct store_value *find(const struct store_table *t, const char *sku)
{
    const struct store_value key = {.t = sku};
    return t->n ? bsearch(&key, t->v, t->n, t->cols * sizeof(key), by_sku) : NULL;
}

static int64_t ref(const struct store_value *v)
{
    return v->null ? 0 : v->i;
}

/* What the row sells; NULL, or the column at fault. */
static const char *resolve(const struct reader *w, const struct dm_csv_row *in, const int *at,
                           struct row *out, const char **ret_issue)
{
    const char *product = dm_csv_cell(in, at[PRODUCT]);
    const char *pot = dm_csv_cell(in, at[POT]);
    const char *price = dm_csv_cell(in, at[PRICE]);
    out->code = *price ? price : product;
    if (*product && *pot) {
        const struct store_value *p = find(&w->products, product);
        const struct store_value *q = find(&w->pots, pot);
        *ret_issue = p ? "there is no such pot" : "there is no such product";
        if (p && q) {
            out->product = p[1].i;
            out->pot = q[1].i;
        }
        return p && q ? NULL : p ? "packaging_sku" : "product_sku";
    }
    const struct store_value *i = *price ? find(&w->items, price) : NULL;
    if (!i) {
        *ret_issue = *price ? "there is no such sales code"
                            : "neither product_sku with packaging_sku nor price_sku";
        return "price_sku";
    }
    out->item = i[1].i;
    out->pot = ref(&i[3]);
    out->product = ref(&i[4]);
    out->category = out->product ? 0 : ref(&i[2]);
    return NULL;
}

/* "2026-01-31", or "31/1/2026" as the nursery writes it; in the arena. NULL: neither. */
static const char *date_of(const struct reader *w, const char *text)
{
    struct dm_civil c = {0};
    char *end;
    if (!*text) {
        return w->today;
    }
    if (dm_date_parse(text, &c)) {
        return dm_arena_strdup(w->a, text);
    }
    const long day = strtol(text, &end, 10);
    const long month = *end == '/' ? strtol(end + 1, &end, 10) : 0;
    const long year = *end == '/' ? strtol(end + 1, &end, 10) : 0;
    const char *made = dm_arena_printf(w->a, "%04ld-%02ld-%02ld", year, month, day);
    return !*end && made && dm_date_parse(made, &c) ? made : NULL;
}

static bool quantity_of(const char *text, int64_t *ret)
{
    enum { QUANTITY_MAX = 999999 };
    char *end;
    *ret = strtoll(text, &end, 10);
    return *text && !*end && *ret >= 1 && *ret <= QUANTITY_MAX;
}

static const char *raw_json(const struct reader *w, const struct dm_csv_row *in, const int *at)
{
    json_t *o = json_object();
    for (int i = 0; o && i < COLUMNS; i++) {
        const char *cell = dm_csv_cell(in, at[i]);
        if (*cell && json_object_set_new(o, columns[i].name, json_string(cell)) < 0) {
            json_decref(o);
            o = NULL;
        }
    }
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    const char *copy = text ? dm_arena_strdup(w->a, text) : NULL;
    free(text);
    return copy;
}

/* Files name some hundred lines; sums beyond SALES_TOTALS_MAX are left out. */
static void add_total(struct reader *w, const struct dm_csv_row *in, const int *at,
                      int64_t quantity)
{
    const char *product = dm_csv_cell(in, at[PRODUCT]);
    const char *pot = *product ? dm_csv_cell(in, at[POT]) : "";
    product = *product ? product : dm_csv_cell(in, at[PRICE]);
    size_t i = 0;
    while (i < w->r->n_total && (strcasecmp(w->total[i].product_sku, product) != 0 ||
                                 strcasecmp(w->total[i].packaging_sku, pot) != 0)) {
        i++;
    }
    if (i == w->r->n_total && i < SALES_TOTALS_MAX) {
        w->total[w->r->n_total++] = (struct sales_total){product, pot, 0};
    }
    if (i < w->r->n_total) {
        w->total[i].quantity += quantity;
    }
}

static const char *cell_named(const struct dm_csv_row *in, const int *at, const char *column)
{
    int i = 0;
    while (i < COLUMNS && strcmp(columns[i].name, column) != 0) {
        i++;
    }
    return i < COLUMNS ? dm_csv_cell(in, at[i]) : "";
}

static int add_row(struct reader *w, struct row *out, const char *column, const char *issue,
                   const char *value, struct dm_err *e)
{
    if (w->n == w->capacity) {
        const size_t capacity = w->capacity ? 2 * w->capacity : 256;
        struct row *grown =
            capacity > 2 * SALES_ROWS_MAX ? NULL : dm_arena_calloc(w->a, capacity, sizeof(*grown));
        if (!grown) {
            DM_FAIL(e, DM_ELIMIT, "more than %d rows of sales", SALES_ROWS_MAX);
        }
        if (w->n) {
            memcpy(grown, w->row, w->n * sizeof(*grown));
        }
        w->row = grown;
        w->capacity = capacity;
    }
    if (column) {
        out->error = issue;
        out->product = out->category = out->pot = out->item = 0;
        w->r->bad++;
        if (w->r->n_error < SALES_ERRORS_MAX) {
            w->error[w->r->n_error++] =
                (struct sales_error){out->file, out->line, column, issue, value};
        }
    }
    w->r->rows++;
    w->row[w->n++] = *out;
    return DM_OK;
}

static int read_row(struct reader *w, const struct dm_csv_row *in, const int *at, int file,
                    struct dm_err *e)
{
    struct row out = {.file = file, .line = (int64_t)in->line};
    const char *issue = NULL;
    const char *column = NULL;
    if (!quantity_of(dm_csv_cell(in, at[QUANTITY]), &out.quantity)) {
        out.quantity = 0;
        column = "quantity_sold";
        issue = "not a whole number from 1 to 999,999";
    }
    column = column ? column : resolve(w, in, at, &out, &issue);
    out.date = date_of(w, dm_csv_cell(in, at[DATE]));
    if (!column && !out.date) {
        column = "sale_date";
        issue = "not a date such as 2026-01-31";
    }
    out.invoice = dm_csv_cell(in, at[INVOICE]);
    out.raw = raw_json(w, in, at);
    if (!out.raw) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a row of sales");
    }
    for (size_t i = 0; !column && *out.invoice && i < w->n; i++) {
        const struct row *o = &w->row[i];
        out.repeat = out.repeat || (!o->error && o->quantity == out.quantity &&
                                    !strcmp(o->invoice, out.invoice) && !strcmp(o->code, out.code));
    }
    w->r->repeats += out.repeat;
    if (!column) {
        add_total(w, in, at, out.quantity);
    }
    return add_row(w, &out, column, issue, column ? cell_named(in, at, column) : "", e);
}

static int read_file(struct reader *w, int file, struct dm_err *e)
{
    const struct sales_file *f = &w->ask->file[file - 1];
    struct dm_csv csv;
    struct dm_csv_row in;
    int at[COLUMNS];
    const int64_t bad_before = w->r->bad;
    const size_t before = w->n;
    DM_TRY(dm_csv_open(&csv, f->text, f->n, 0, w->a, e));
    int more = dm_csv_next(&csv, w->a, &in, e);
    DM_TRY(more);
    if (!more || dm_csv_columns(&in, columns, COLUMNS, at, w->a, e) < 0) {
        DM_FAIL(e, INV_VALIDATION, "%s: the column quantity_sold is missing", f->name);
    }
    if (at[PRICE] < 0 && (at[PRODUCT] < 0 || at[POT] < 0)) {
        DM_FAIL(e, INV_VALIDATION, "%s: product_sku with packaging_sku, or price_sku, is missing",
                f->name);
    }
    while ((more = dm_csv_next(&csv, w->a, &in, e)) > 0) {
        DM_TRY(read_row(w, &in, at, file, e));
    }
    DM_TRY(more);
    const int64_t bad = w->r->bad - bad_before;
    if (w->n == before || 2 * bad > (int64_t)(w->n - before)) {
        DM_FAIL(e, INV_VALIDATION, "%s: %lld of %zu rows are at fault", f->name, (long long)bad,
                w->n - before);
    }
    return DM_OK;
}

/* ---- comparing a month -------------------------------------------------------------------- */

struct line {
    int64_t product, category, pot; /* product or category, the other is 0 */
    int64_t logged, calculated, external;
};

struct month {
    struct line *line;
    size_t n, capacity;
};

static struct line *line_of(struct month *m, int64_t product, int64_t category, int64_t pot)
{
    for (size_t i = 0; i < m->n; i++) {
        struct line *l = &m->line[i];
        if (l->product == product && l->category == category && l->pot == pot) {
            return l;
        }
    }
    if (m->n == m->capacity) {
        return NULL;
    }
    m->line[m->n] = (struct line){.product = product, .category = category, .pot = pot};
    return &m->line[m->n++];
}

/* System sales go to the line of their product and pot; without one in the file to that of their
 * category and pot; else they get a line of their own. */
static int add_system(struct reader *w, struct month *m, struct store_tx *tx, struct dm_err *e)
{
    struct store_table rows;
    struct dm_civil first = {.day = 1};
    char *end;
    first.year = (int)strtol(w->ask->month, &end, 10);
    first.month = *end == '-' ? (int)strtol(end + 1, NULL, 10) : 0;
    struct dm_civil next = first;
    next.month++;
    struct dm_civil late = next;
    late.day += w->c->settings->month_close_grace_days;
    DM_TRY(
        store_all(tx, &queries[SYSTEM],
                  STORE_ARGS(store_at(dm_zone_instant(w->c->zone, &first)),
                             store_at(dm_zone_instant(w->c->zone, &next)),
                             store_at(dm_zone_instant(w->c->zone, &late)), store_t(w->ask->month)),
                  w->a, &rows, e));
    const size_t of_file = m->n;
    m->capacity = of_file + rows.n;
    struct line *line = dm_arena_calloc(w->a, m->capacity, sizeof(*line));
    if (!line) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the comparison");
    }
    if (of_file) {
        memcpy(line, m->line, of_file * sizeof(*line));
    }
    m->line = line;
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        struct line *l = NULL;
        for (size_t k = 0; k < of_file && !(l && l->product); k++) {
            struct line *o = &m->line[k];
            const bool own = o->product == v[0].i;
            if (o->pot == ref(&v[2]) && (own || o->category == v[1].i)) {
                l = o;
            }
        }
        l = l ? l : line_of(m, v[0].i, 0, ref(&v[2]));
        if (l && v[3].i + v[4].i != 0) {
            l->logged += v[3].i;
            l->calculated += v[4].i;
        }
    }
    return DM_OK;
}

static int compare_month(struct reader *w, struct store_tx *tx, struct dm_err *e)
{
    struct month m = {.capacity = w->n};
    m.line = dm_arena_calloc(w->a, w->n, sizeof(*m.line));
    if (!m.line) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the comparison");
    }
    for (size_t i = 0; i < w->n; i++) {
        const struct row *r = &w->row[i];
        if (!r->error) {
            line_of(&m, r->product, r->category, r->pot)->external += r->quantity;
        }
    }
    DM_TRY(add_system(w, &m, tx, e));
    for (size_t i = 0; i < m.n; i++) {
        const struct line *l = &m.line[i];
        const int64_t system = l->logged + l->calculated;
        const int64_t tolerance = sales_tolerance(w->c->settings, l->external);
        const char *verdict = sales_verdict(system, l->external, tolerance);
        *(!strcmp(verdict, "match")           ? &w->r->matched
          : !strcmp(verdict, "mismatch")      ? &w->r->mismatched
          : !strcmp(verdict, "only_external") ? &w->r->only_external
                                              : &w->r->only_system) += 1;
        if (!w->ask->dry_run) {
            DM_TRY(store_exec(tx, &queries[LINE],
                              STORE_ARGS(store_i(w->r->id), store_ref(l->product),
                                         store_ref(l->category), store_ref(l->pot),
                                         store_i(l->logged), store_i(l->calculated),
                                         store_i(l->external), store_i(system - l->external),
                                         store_i(tolerance), store_t(verdict)),
                              NULL, e));
        }
    }
    return DM_OK;
}

/* ---- writing ------------------------------------------------------------------------------ */

static int write_rows(struct reader *w, struct store_tx *tx, struct dm_err *e)
{
    static const struct store_bulk bulk = {
        "sales.rows", "sales_import_rows",
        "sales_import_id, file_no, line_no, product_id, product_category_id, packaging_catalog_id,"
        " price_list_item_id, quantity_sold, sale_date, raw, error, is_repeat",
        "iiiiiiiiDjtb"};
    enum { WIDTH = 12 };
    struct store_value *v = dm_arena_calloc(w->a, w->n, WIDTH * sizeof(*v));
    if (!v) {
        DM_FAIL(e, DM_ENOMEM, "no memory for rows of sales");
    }
    for (size_t i = 0; i < w->n; i++) {
        const struct row *r = &w->row[i];
        struct store_value *to = v + i * WIDTH;
        to[0] = store_i(w->r->id);
        to[1] = store_i(r->file);
        to[2] = store_i(r->line);
        to[3] = store_ref(r->product);
        to[4] = store_ref(r->category);
        to[5] = store_ref(r->pot);
        to[6] = store_ref(r->item);
        to[7] = store_ref(r->quantity);
        to[8] = store_d(r->date);
        to[9] = store_j(r->raw);
        to[10] = store_t(r->error);
        to[11] = store_b(r->repeat);
    }
    return store_insert(tx, &bulk, v, w->n, e);
}

static int refuse_taken(struct reader *w, struct store_tx *tx, const char *hash, const char *name,
                        struct dm_err *e)
{
    int64_t taken;
    const char *like = dm_arena_printf(w->a, "%%%s%%", hash);
    DM_TRY(store_int(tx, &queries[TAKEN], STORE_ARGS(store_t(like)), &taken, e));
    if (taken > 0) {
        DM_FAIL(e, INV_DUPLICATE_CODE, "%s: the same file was taken before", name);
    }
    return DM_OK;
}

static int check_taken(struct reader *w, struct store_tx *tx, json_t *names, json_t *hashes,
                       struct dm_err *e)
{
    for (size_t i = 0; i < w->ask->n_file; i++) {
        char hash[DM_SHA256_HEX_SIZE];
        dm_sha256_hex(w->ask->file[i].text, w->ask->file[i].n, hash);
        if (w->ask->month) {
            DM_TRY(refuse_taken(w, tx, hash, w->ask->file[i].name, e));
        }
        if (json_array_append_new(names, json_string(w->ask->file[i].name)) < 0 ||
            json_array_append_new(hashes, json_string(hash)) < 0) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the import");
        }
    }
    return DM_OK;
}

static int keep(struct reader *w, struct store_tx *tx, const json_t *names, const json_t *hashes,
                struct dm_err *e)
{
    char *n = json_dumps(names, JSON_COMPACT);
    char *h = json_dumps(hashes, JSON_COMPACT);
    store_uuid_new(w->r->uuid);
    int code =
        store_int(tx, &queries[INSERT],
                  STORE_ARGS(store_u(w->r->uuid), store_t(w->ask->month), store_j(n), store_j(h),
                             store_i(w->r->rows), store_i(w->r->bad), store_i(w->c->user_id)),
                  &w->r->id, e);
    free(n);
    free(h);
    DM_TRY(code);
    DM_TRY(write_rows(w, tx, e));
    json_t *after = json_pack("{s:I, s:I}", "rows", w->r->rows, "bad", w->r->bad);
    code = audit_write_named(tx, w->c, "sales.import", "sales_imports", w->r->uuid, NULL, after, e);
    json_decref(after);
    return code;
}

struct import_call {
    struct reader *w;
    json_t *names, *hashes;
};

static int import_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct import_call *x = ctx;
    struct reader *w = x->w;
    /* the call may be tried again */
    *w->r = (struct sales_result){.error = w->error, .total = w->total};
    w->n = 0;
    (void)json_array_clear(x->names);
    (void)json_array_clear(x->hashes);
    DM_TRY(check_taken(w, tx, x->names, x->hashes, e));
    DM_TRY(read_catalogue(w, tx, e));
    for (size_t i = 1; i <= w->ask->n_file; i++) {
        DM_TRY(read_file(w, (int)i, e));
    }
    if (!w->ask->dry_run) {
        DM_TRY(keep(w, tx, x->names, x->hashes, e));
    }
    return w->ask->month ? compare_month(w, tx, e) : DM_OK;
}

static bool month_ok(const char *month)
{
    struct dm_civil c;
    char day[16];
    (void)snprintf(day, sizeof(day), "%.8s-01", month);
    return strlen(month) == 7 && dm_date_parse(day, &c);
}

int sales_import(const struct inv_ctx *c, const struct sales_ask *ask, struct dm_arena *a,
                 struct sales_result *ret, struct dm_err *e)
{
    struct sales_result r = {0};
    struct reader w = {.c = c, .ask = ask, .a = a, .r = &r};
    DM_TRY(inv_permit(c, INV_DO_SALES_IMPORT, e));
    if (ask->n_file < 1 || ask->n_file > SALES_FILES_MAX || (ask->month && !month_ok(ask->month))) {
        DM_FAIL(e, INV_VALIDATION, "1 to %d files, and a month such as 2026-01", SALES_FILES_MAX);
    }
    dm_zone_date(c->zone, c->now_ms, w.today);
    w.error = dm_arena_calloc(a, SALES_ERRORS_MAX, sizeof(*w.error));
    w.total = dm_arena_calloc(a, SALES_TOTALS_MAX, sizeof(*w.total));
    struct import_call x = {.w = &w, .names = json_array(), .hashes = json_array()};
    int code = DM_ENOMEM;
    if (w.error && w.total && x.names && x.hashes) {
        code = store_run(c->store, STORE_WRITE, import_in, &x, e);
    }
    json_decref(x.names);
    json_decref(x.hashes);
    DM_TRY(code);
    *ret = r;
    return DM_OK;
}

/* ---- a file that was kept gets its month -------------------------------------------------- */

struct assign_call {
    struct reader *w;
    const char *uuid;
};

static int read_kept(struct reader *w, struct store_tx *tx, struct dm_err *e)
{
    struct store_table rows;
    DM_TRY(store_all(tx, &queries[ROWS], STORE_ARGS(store_i(w->r->id)), w->a, &rows, e));
    w->row = dm_arena_calloc(w->a, rows.n, sizeof(*w->row));
    if (!w->row) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the sales");
    }
    for (w->n = 0; w->n < rows.n; w->n++) {
        const struct store_value *v = store_row(&rows, w->n);
        w->row[w->n] = (struct row){
            .product = ref(&v[0]), .category = ref(&v[1]), .pot = ref(&v[2]), .quantity = v[3].i};
    }
    return DM_OK;
}

static int no_import(const char *uuid, struct dm_err *e)
{
    DM_REFUSE(e, INV_NOT_FOUND,
              DM_FIELDS(DM_S("resource", "sales_import"), DM_S("identifier", uuid)),
              "there is no sales file %.36s", uuid);
}

int sales_find(const struct inv_ctx *c, const char *uuid, struct sales_result *ret,
               struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value *v;
    DM_TRY(inv_permit(c, INV_DO_ANALYTICS, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int found = store_maybe(tx, &queries[FIND], STORE_ARGS(store_u(uuid)), &a, &v, e);
    DM_TRY(found);
    if (!found) {
        return no_import(uuid, e);
    }
    *ret = (struct sales_result){.id = v[0].i, .rows = v[1].i, .bad = v[2].i};
    (void)snprintf(ret->uuid, sizeof(ret->uuid), "%s", uuid);
    return DM_OK;
}

static int assign_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct assign_call *x = ctx;
    struct reader *w = x->w;
    const struct store_value *v;
    const int found = store_maybe(tx, &queries[KEPT], STORE_ARGS(store_u(x->uuid)), w->a, &v, e);
    DM_TRY(found);
    if (!found) {
        return no_import(x->uuid, e);
    }
    if (!v[1].null) {
        DM_FAIL(e, INV_DUPLICATE_CODE, "these sales belong to a month already");
    }
    *w->r = (struct sales_result){.id = v[0].i, .rows = v[3].i, .bad = v[4].i};
    (void)snprintf(w->r->uuid, sizeof(w->r->uuid), "%s", x->uuid);
    json_t *hashes = json_loads(v[2].t, 0, NULL);
    int code = DM_OK;
    for (size_t i = 0; i < json_array_size(hashes) && code >= 0; i++) {
        code = refuse_taken(w, tx, json_string_value(json_array_get(hashes, i)), "sales", e);
    }
    json_decref(hashes);
    DM_TRY(code);
    DM_TRY(read_kept(w, tx, e));
    DM_TRY(store_exec(tx, &queries[ASSIGN],
                      STORE_ARGS(v[0], store_t(w->ask->month), store_at(w->c->now_ms)), NULL, e));
    json_t *after = json_pack("{s:s}", "month", w->ask->month);
    code = audit_write_named(tx, w->c, "sales.assign", "sales_imports", x->uuid, NULL, after, e);
    json_decref(after);
    DM_TRY(code);
    return compare_month(w, tx, e);
}

int sales_assign(const struct inv_ctx *c, const char *uuid, const char *month, struct dm_arena *a,
                 struct sales_result *ret, struct dm_err *e)
{
    struct sales_result r = {0};
    const struct sales_ask ask = {.month = month};
    struct reader w = {.c = c, .ask = &ask, .a = a, .r = &r};
    struct assign_call x = {&w, uuid};
    DM_TRY(inv_permit(c, INV_DO_SALES_IMPORT, e));
    if (!month_ok(month)) {
        DM_FAIL(e, INV_VALIDATION, "a month such as 2026-01");
    }
    DM_TRY(store_run(c->store, STORE_WRITE, assign_in, &x, e));
    *ret = r;
    return DM_OK;
}
