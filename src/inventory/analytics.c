/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs planned reports: which rows each kind reads, its measures, and what is computed from them.
 * Kinds that need two sources (mortality: stock at the start and movements; occupancy: plants and
 * room) read both in one snapshot and match them by their groups. */
#include "inventory/analytics.h"

#include <string.h>

#include "inventory/analytics_priv.h"

#define SELLABLE "(s.is_sellable AND k.category IN ('box', 'segment', 'pot'))"
#define MOVED    "m.role NOT IN ('opening', 'closing')"
#define OF_TYPE(type)                                                                              \
    "COALESCE(SUM(CASE WHEN " MOVED " AND m.movement_type = '" type                                \
    "' THEN m.quantity ELSE 0 END), 0)"
#define SUM_OF(x) "COALESCE(SUM(" x "), 0)"

const char *const analytics_kind_names[] = {"stock",     "stock_at",  "movements",
                                            "mortality", "occupancy", "density",
                                            "value",     "empties",   NULL};

enum { MEASURES_MAX = 16, SOURCES_MAX = 2, COLUMNS_MAX = 2 * ANALYTICS_GROUPS_MAX + MEASURES_MAX };

struct source {
    enum plan_base base;
    const struct plan_measure *measure;
    size_t n;
};

/* One kind of report. The columns are the measures of its sources one after the other, then the
 * derived one. */
struct kind {
    const char *name, *title;
    struct source source[SOURCES_MAX];
    size_t n_source;
    struct plan_measure derived; /* name NULL = none; sql unused */
    /* value[0..] are the measures; returns the derived one, null when it cannot be told */
    struct sheet_cell (*derive)(const struct sheet_cell *value);
};

static const struct plan_measure stock[] = {
    {"plants", SUM_OF("b.quantity_current"), SHEET_INT, false, 0},
    {"pots", SUM_OF(ANALYTICS_POTS), SHEET_INT, false, 0},
    {"sellable_plants", SUM_OF("CASE WHEN " SELLABLE " THEN b.quantity_current ELSE 0 END"),
     SHEET_INT, false, PLAN_NEED_BIN | PLAN_NEED_STATE},
    {"batches", "COUNT(*)", SHEET_INT, false, 0},
};
static const struct plan_measure stock_at[] = {
    {"plants", PLAN_SUM_AT, SHEET_INT, false, 0},
};
static const struct plan_measure movements[] = {
    {"quantity_in", SUM_OF("CASE WHEN " MOVED " AND m.quantity > 0 THEN m.quantity ELSE 0 END"),
     SHEET_INT, false, 0},
    {"quantity_out", SUM_OF("CASE WHEN " MOVED " AND m.quantity < 0 THEN -m.quantity ELSE 0 END"),
     SHEET_INT, false, 0},
    {"net", SUM_OF("CASE WHEN " MOVED " THEN m.quantity ELSE 0 END"), SHEET_INT, false, 0},
    {"plantar", OF_TYPE("plantar"), SHEET_INT, false, 0},
    {"sembrar", OF_TYPE("sembrar"), SHEET_INT, false, 0},
    {"transplante", OF_TYPE("transplante"), SHEET_INT, false, 0},
    {"muerte", OF_TYPE("muerte"), SHEET_INT, false, 0},
    {"ventas", OF_TYPE("ventas"), SHEET_INT, false, 0},
    {"ventas_calculated",
     SUM_OF("CASE WHEN m.movement_type = 'ventas' AND m.reconciliation_id IS NOT NULL THEN"
            " m.quantity ELSE 0 END"),
     SHEET_INT, false, 0},
    {"ajuste", OF_TYPE("ajuste"), SHEET_INT, false, 0},
    {"movements", "COUNT(*)", SHEET_INT, false, 0},
    {"sales_value",
     SUM_OF("CASE WHEN m.movement_type <> 'ventas' THEN 0 WHEN m.quantity < 0 THEN"
            " COALESCE(m.total_price_cents, 0) ELSE -COALESCE(m.total_price_cents, 0) END"),
     SHEET_MONEY, true, 0},
};
static const struct plan_measure at_start[] = {
    {"stock_at_start", PLAN_SUM_AT, SHEET_INT, false, 0},
};
static const struct plan_measure deaths[] = {
    {"inflow",
     SUM_OF("CASE WHEN " MOVED " AND m.quantity > 0 AND m.movement_type NOT IN ('muerte',"
            " 'ventas') THEN m.quantity ELSE 0 END"),
     SHEET_INT, false, 0},
    {"deaths", SUM_OF("CASE WHEN m.movement_type = 'muerte' THEN -m.quantity ELSE 0 END"),
     SHEET_INT, false, 0},
};
static const struct plan_measure plants[] = {
    {"plants", SUM_OF("b.quantity_current"), SHEET_INT, false, 0},
};
static const struct plan_measure ground[] = {
    {"area_m2", "SUM(l.area_m2)", SHEET_REAL, false, 0},
};
/* Plants where nobody knows how much room there is would make the rest look fuller. */
static const struct plan_measure housed[] = {
    {"plants", SUM_OF("CASE WHEN room.capacity IS NULL THEN 0 ELSE b.quantity_current END"),
     SHEET_INT, false, PLAN_NEED_ROOM},
};
static const struct plan_measure room[] = {
    {"capacity", "SUM(room.capacity)", SHEET_REAL, false, PLAN_NEED_ROOM},
};
static const struct plan_measure value[] = {
    {"plants", SUM_OF("b.quantity_current"), SHEET_INT, false, 0},
    {"pots", SUM_OF(ANALYTICS_POTS), SHEET_INT, false, 0},
    {"sellable_pots", SUM_OF("CASE WHEN " SELLABLE " THEN " ANALYTICS_POTS " ELSE 0 END"),
     SHEET_INT, false, PLAN_NEED_BIN | PLAN_NEED_STATE},
    {"wholesale_value",
     SUM_OF("CASE WHEN " SELLABLE " THEN " ANALYTICS_POTS " * COALESCE(price.net, 0) ELSE 0 END"),
     SHEET_MONEY, true, PLAN_NEED_BIN | PLAN_NEED_STATE | PLAN_NEED_PRICE},
    {"retail_value",
     SUM_OF("CASE WHEN " SELLABLE " THEN " ANALYTICS_POTS
            " * COALESCE(price.retail, 0) ELSE 0 END"),
     SHEET_MONEY, true, PLAN_NEED_BIN | PLAN_NEED_STATE | PLAN_NEED_PRICE},
    {"potential_value", SUM_OF(ANALYTICS_POTS " * COALESCE(price.net, 0)"), SHEET_MONEY, true,
     PLAN_NEED_PRICE},
    {"unpriced_plants", SUM_OF("CASE WHEN price.net IS NULL THEN b.quantity_current ELSE 0 END"),
     SHEET_INT, false, PLAN_NEED_PRICE},
};
static const struct plan_measure empties[] = {
    {"empties", SUM_OF("b.quantity_empty_containers"), SHEET_INT, false, 0},
    {"pots", SUM_OF(ANALYTICS_POTS), SHEET_INT, false, 0},
};

static struct sheet_cell percent(double part, double whole)
{
    return whole > 0 ? sheet_r(100.0 * part / whole) : sheet_null();
}

static struct sheet_cell derive_mortality(const struct sheet_cell *v)
{
    return percent((double)v[2].i, (double)v[0].i + (double)v[1].i);
}

static struct sheet_cell derive_occupancy(const struct sheet_cell *v)
{
    return v[1].null ? sheet_null() : percent((double)v[0].i, v[1].r);
}

static struct sheet_cell derive_density(const struct sheet_cell *v)
{
    return v[1].null || v[1].r <= 0 ? sheet_null() : sheet_r((double)v[0].i / v[1].r);
}

static struct sheet_cell derive_empties(const struct sheet_cell *v)
{
    return percent((double)v[0].i, (double)v[0].i + (double)v[1].i);
}

#define SOURCE(base, list)                                                                         \
    {                                                                                              \
        (base), (list), DM_COUNT(list)                                                             \
    }

static const struct kind kinds[] = {
    [ANALYTICS_STOCK] = {"stock", "Current stock", {SOURCE(PLAN_ACTIVE, stock)}, 1, {0}, NULL},
    [ANALYTICS_STOCK_AT] =
        {"stock_at", "Stock at a date", {SOURCE(PLAN_AT, stock_at)}, 1, {0}, NULL},
    [ANALYTICS_MOVEMENTS] =
        {"movements", "Movements", {SOURCE(PLAN_RANGE, movements)}, 1, {0}, NULL},
    [ANALYTICS_MORTALITY] = {"mortality",
                             "Mortality",
                             {SOURCE(PLAN_AT, at_start), SOURCE(PLAN_RANGE, deaths)},
                             2,
                             {"mortality_pct", NULL, SHEET_PERCENT, false, 0},
                             derive_mortality},
    [ANALYTICS_OCCUPANCY] = {"occupancy",
                             "Occupancy",
                             {SOURCE(PLAN_ACTIVE, housed), SOURCE(PLAN_CLAROS, room)},
                             2,
                             {"occupancy_pct", NULL, SHEET_PERCENT, false, 0},
                             derive_occupancy},
    [ANALYTICS_DENSITY] = {"density",
                           "Plants per square metre",
                           {SOURCE(PLAN_ACTIVE, plants), SOURCE(PLAN_CLAROS, ground)},
                           2,
                           {"plants_per_m2", NULL, SHEET_REAL, false, 0},
                           derive_density},
    [ANALYTICS_VALUE] = {"value", "Value of the stock", {SOURCE(PLAN_ACTIVE, value)}, 1, {0}, NULL},
    [ANALYTICS_EMPTIES] = {"empties",
                           "Empty containers",
                           {SOURCE(PLAN_OPEN, empties)},
                           1,
                           {"empty_pct", NULL, SHEET_PERCENT, false, 0},
                           derive_empties},
};

/* ---- one answer --------------------------------------------------------------------------- */

struct answer {
    struct dm_arena *a;
    const struct kind *kind;
    const struct analytics_ask *ask;
    struct store_table table[SOURCES_MAX];
    size_t group_columns, n_measure;
};

/* A row of one source on its way to the row of its group. */
struct entry {
    const char *key;
    const struct store_value *row;
    size_t source;
};

static const char *key_of(const struct answer *w, const struct store_value *row)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf b = dm_buf_init(1 << 12);
    for (size_t i = 0; i < w->group_columns; i++) {
        if (row[i].null) {
            dm_buf_puts(&b, "-");
        } else if (row[i].type == 'i') {
            dm_buf_printf(&b, "%lld", (long long)row[i].i);
        } else {
            dm_buf_puts(&b, row[i].t);
        }
        dm_buf_putc(&b, '\x1f');
    }
    return dm_arena_strdup(w->a, dm_buf_str(&b));
}

static int by_key(const void *x, const void *y)
{
    const struct entry *p = x;
    const struct entry *q = y;
    const int order = strcmp(p->key, q->key);
    return order ? order : (int)p->source - (int)q->source;
}

static struct sheet_cell cell_of(const struct store_value *v)
{
    struct sheet_cell c = {.null = v->null};
    if (v->null) {
        return c;
    }
    if (v->type == 'r') {
        c.r = v->r;
    } else if (v->type == 'i') {
        c.i = v->i;
    } else {
        c.t = v->t;
    }
    return c;
}

/* Zero, so that a group that only one source knows has figures; unknown ground stays unknown. */
static struct sheet_cell zero_of(enum sheet_type type)
{
    return type == SHEET_REAL || type == SHEET_PERCENT ? sheet_null() : sheet_i(0);
}

static size_t first_measure(const struct kind *k, size_t source)
{
    size_t at = 0;
    for (size_t i = 0; i < source; i++) {
        at += k->source[i].n;
    }
    return at;
}

static void zero_measures(const struct answer *w, struct sheet_cell *out)
{
    for (size_t s = 0; s < w->kind->n_source; s++) {
        for (size_t i = 0; i < w->kind->source[s].n; i++) {
            *out++ = zero_of(w->kind->source[s].measure[i].type);
        }
    }
}

static int fold(const struct answer *w, struct sheet *s, struct dm_err *e)
{
    size_t n = 0;
    for (size_t k = 0; k < w->kind->n_source; k++) {
        n += w->table[k].n;
    }
    struct entry *list = dm_arena_calloc(w->a, n, sizeof(*list));
    if (!list) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    n = 0;
    for (size_t k = 0; k < w->kind->n_source; k++) {
        for (size_t i = 0; i < w->table[k].n; i++, n++) {
            const struct store_value *row = store_row(&w->table[k], i);
            list[n] = (struct entry){key_of(w, row), row, k};
            if (!list[n].key) {
                DM_FAIL(e, DM_ENOMEM, "no memory for a report");
            }
        }
    }
    if (w->kind->n_source > 1 && n) {
        qsort(list, n, sizeof(*list), by_key);
    }
    struct sheet_cell *row = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!row || strcmp(list[i].key, list[i - 1].key) != 0) {
            row = sheet_add(s, w->a);
            if (!row) {
                DM_FAIL(e, DM_ENOMEM, "no memory for a report");
            }
            for (size_t k = 0; k < w->group_columns; k++) {
                row[k] = cell_of(&list[i].row[k]);
            }
            zero_measures(w, row + w->group_columns);
        }
        const size_t at = w->group_columns + first_measure(w->kind, list[i].source);
        for (size_t k = 0; k < w->kind->source[list[i].source].n; k++) {
            row[at + k] = cell_of(&list[i].row[w->group_columns + k]);
        }
    }
    return DM_OK;
}

/* The setting says how much more the plants are worth once grown. */
static void uplift(const struct inv_ctx *c, struct sheet *s)
{
    const int column = sheet_find(s, "potential_value");
    for (size_t i = 0; column >= 0 && i < s->n_rows; i++) {
        struct sheet_cell *v = &s->cell[i * s->n_columns + (size_t)column];
        v->i += (int64_t)((double)v->i * c->settings->growth_uplift_percent / 100.0);
    }
}

static void add_to(struct sheet_cell *total, const struct sheet_cell *v, enum sheet_type type)
{
    if (v->null) {
        return;
    }
    if (type == SHEET_REAL) {
        *total = sheet_r((total->null ? 0 : total->r) + v->r);
    } else {
        *total = sheet_i((total->null ? 0 : total->i) + v->i);
    }
}

/* Totals, and what is computed from the measures of each row and of the total. */
static int finish(const struct answer *w, struct sheet *s, struct dm_err *e)
{
    const size_t first = w->group_columns;
    s->total = dm_arena_calloc(w->a, s->n_columns, sizeof(*s->total));
    if (!s->total) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    for (size_t k = 0; k < s->n_columns; k++) {
        s->total[k] = sheet_null();
    }
    zero_measures(w, s->total + first);
    for (size_t i = 0; i < s->n_rows; i++) {
        struct sheet_cell *row = s->cell + i * s->n_columns;
        for (size_t k = 0; k < w->n_measure; k++) {
            add_to(&s->total[first + k], &row[first + k], s->column[first + k].type);
        }
        if (w->kind->derive) {
            row[first + w->n_measure] = w->kind->derive(row + first);
        }
    }
    if (w->kind->derive) {
        s->total[first + w->n_measure] = w->kind->derive(s->total + first);
    }
    return DM_OK;
}

static struct sheet_column column_of(const struct plan_measure *m)
{
    return (struct sheet_column){.name = m->name, .type = m->type, .money = m->money};
}

static int columns(const struct inv_ctx *c, struct answer *w, struct sheet **ret, struct dm_err *e)
{
    struct sheet_column *column = dm_arena_calloc(w->a, COLUMNS_MAX, sizeof(*column));
    if (!column) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    size_t n = w->group_columns = plan_group_columns(w->ask, column, w->a);
    for (size_t s = 0; s < w->kind->n_source; s++) {
        for (size_t i = 0; i < w->kind->source[s].n; i++) {
            column[n++] = column_of(&w->kind->source[s].measure[i]);
        }
    }
    w->n_measure = n - w->group_columns;
    if (w->kind->derived.name) {
        column[n++] = column_of(&w->kind->derived);
    }
    *ret = sheet_begin(c, w->kind->name, w->kind->title, column, n, w->a);
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    return DM_OK;
}

/* Rows without anything to say: groups that came to nothing, claros with few empty pots. */
static void drop_rows(const struct answer *w, struct sheet *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct sheet_cell *row = s->cell + i * s->n_columns;
        const struct sheet_cell *v = row + w->group_columns;
        bool drop = w->ask->kind == ANALYTICS_STOCK_AT && w->ask->n_group && v[0].i == 0;
        if (w->ask->kind == ANALYTICS_EMPTIES && w->ask->n_group) {
            drop = v[0].i == 0 || (v[2].r < 100.0 * w->ask->min_ratio - 1e-9);
        }
        if (!drop) {
            memmove(s->cell + kept++ * s->n_columns, row, s->n_columns * sizeof(*row));
        }
    }
    s->n_rows = kept;
}

static int describe(const struct inv_ctx *c, const struct analytics_ask *ask, struct sheet *s,
                    struct dm_arena *a, struct dm_err *e)
{
    char at[DM_DATE_SIZE];
    if (ask->kind == ANALYTICS_MOVEMENTS || ask->kind == ANALYTICS_MORTALITY) {
        dm_zone_date(c->zone, ask->from_ms, at);
        DM_TRY(sheet_filter(s, a, e, "from", "%s", at));
        dm_zone_date(c->zone, ask->to_ms - 1, at);
        DM_TRY(sheet_filter(s, a, e, "to", "%s", at));
    } else if (ask->kind == ANALYTICS_STOCK_AT) {
        char text[STORE_TIME_SIZE];
        DM_TRY(sheet_filter(s, a, e, "at", "%s", store_time_text(ask->at_ms, text)));
    }
    for (size_t i = 0; i < ask->n_filter; i++) {
        const struct analytics_filter *f = &ask->filter[i];
        DM_CLEANUP(dm_buf_clear) struct dm_buf b = dm_buf_init(1 << 9);
        for (size_t k = 0; k < f->n; k++) {
            if (plan_has_label(f->dim)) {
                dm_buf_printf(&b, "%s%lld", k ? ", " : "", (long long)f->id[k]);
            } else {
                dm_buf_printf(&b, "%s%s", k ? ", " : "", f->text[k]);
            }
        }
        DM_TRY(sheet_filter(s, a, e, analytics_dim_name(f->dim), "%s", dm_buf_str(&b)));
    }
    return DM_OK;
}

static int check_ask(const struct analytics_ask *ask, struct dm_err *e)
{
    const bool ranged = ask->kind == ANALYTICS_MOVEMENTS || ask->kind == ANALYTICS_MORTALITY;
    if (ask->n_group > ANALYTICS_GROUPS_MAX || ask->n_filter > ANALYTICS_FILTERS_MAX) {
        DM_FAIL(e, INV_VALIDATION, "at most %d groups and %d filters", ANALYTICS_GROUPS_MAX,
                ANALYTICS_FILTERS_MAX);
    }
    for (size_t i = 0; i < ask->n_group; i++) {
        for (size_t k = 0; k < i; k++) {
            if (ask->group[i] == ask->group[k]) {
                DM_FAIL(e, INV_VALIDATION, "grouped twice by %s",
                        analytics_dim_name(ask->group[i]));
            }
        }
    }
    if (ranged && ask->to_ms <= ask->from_ms) {
        DM_FAIL(e, INV_VALIDATION, "the range ends before it begins");
    }
    return DM_OK;
}

static int sort_it(const struct answer *w, struct sheet *s, struct dm_err *e)
{
    int column = (int)w->group_columns;
    if (w->ask->sort) {
        column = sheet_find(s, w->ask->sort);
        if (column < 0) {
            DM_FAIL(e, INV_VALIDATION, "the report has no column '%.40s'", w->ask->sort);
        }
    }
    DM_TRY(sheet_sort(s, (size_t)column, w->ask->ascending, w->a, e));
    if (w->ask->limit && s->n_rows > w->ask->limit) {
        s->n_rows = w->ask->limit;
    }
    return DM_OK;
}

int analytics_run_in(struct store_tx *tx, const struct inv_ctx *c, const struct analytics_ask *ask,
                     struct dm_arena *a, struct sheet **ret, struct dm_err *e)
{
    struct answer w = {.a = a, .kind = &kinds[ask->kind], .ask = ask};
    struct sheet *s;
    struct analytics_ask own = *ask;
    DM_TRY(check_ask(ask, e));
    if (ask->kind == ANALYTICS_MORTALITY) {
        own.at_ms = ask->from_ms - 1;
    }
    DM_TRY(columns(c, &w, &s, e));
    for (size_t i = 0; i < w.kind->n_source; i++) {
        const struct source *src = &w.kind->source[i];
        struct plan p;
        DM_TRY(plan_build(&p, &own, src->base, src->measure, src->n, c->zone, a, e));
        DM_TRY(plan_run(&p, tx, &w.table[i], e));
    }
    DM_TRY(fold(&w, s, e));
    uplift(c, s);
    DM_TRY(finish(&w, s, e));
    drop_rows(&w, s);
    DM_TRY(describe(c, ask, s, a, e));
    DM_TRY(sort_it(&w, s, e));
    if (inv_grant_of(c->role, INV_DO_SEE_PRICES) == INV_GRANT_NO) {
        DM_TRY(sheet_hide_money(s, a, e));
    }
    *ret = s;
    return DM_OK;
}

int analytics_run(const struct inv_ctx *c, const struct analytics_ask *ask, struct dm_arena *a,
                  struct sheet **ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(inv_permit(c, INV_DO_ANALYTICS, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    return analytics_run_in(tx, c, ask, a, ret, e);
}
