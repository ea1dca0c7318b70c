/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the demo's photos, periods, batches and movements. */
#include <math.h>
#include <string.h>

#include "inventory/seed_priv.h"

static const struct store_bulk images = {
    "seed.images", "images",
    "id, uuid, original_filename, content_type, file_size_bytes, width_px, height_px, sha256,"
    " captured_at, captured_at_source, upload_source, uploaded_by_user_id, status, created_at",
    "iuttiiitTttitT"};
static const struct store_bulk blobs = {
    "seed.blobs", "image_blobs",
    "id, image_id, variant, store, data, content_type, size_bytes, sha256, width_px, height_px",
    "iittxtitii"};
static const struct store_bulk sessions = {
    "seed.sessions", "photo_processing_sessions",
    "id, uuid, image_id, storage_location_id, location_source, config_id, captured_at, status,"
    " total_detected, total_estimated, total_empty_containers, avg_confidence, category_counts,"
    " model_version, processing_ms, posting_status, posted_at, validated, validated_by_user_id,"
    " validated_at, created_at",
    "iuiitiTtiiirjtitTbiTT"};
static const struct store_bulk segments = {
    "seed.segments", "session_segments",
    "id, session_id, storage_bin_id, category, ordinal, polygon, bbox, mask_area_px, area_cm2,"
    " confidence, detected_count, estimated_count, empty_count",
    "iiitijjirriii"};
static const struct store_bulk periods = {
    "seed.periods", "stock_periods",
    "id, storage_location_id, seq, status, opened_kind, opened_at, opening_session_id,"
    " opening_count, config_id, closed_at, closed_kind, closing_session_id, closing_count",
    "iiittTiiiTtii"};
static const struct store_bulk batches = {
    "seed.batches", "stock_batches",
    "id, batch_code, stock_period_id, storage_bin_id, product_id, product_state_id,"
    " packaging_catalog_id, has_packaging, plants_per_container, quantity_initial,"
    " quantity_current, quantity_empty_containers, status, quality_score, planting_date,"
    " transplant_date, expected_ready_date, parent_batch_id, previous_batch_id, created_at",
    "itiiiiibiiiitrDDDiiT"};
static const struct store_bulk counters = {"seed.counters", "batch_code_counters",
                                           "storage_location_id, product_id, code_date, last_seq",
                                           "iiDi"};
static const struct store_bulk recons = {
    "seed.recons", "reconciliations",
    "id, stock_period_id, storage_location_id, session_id, counted_at, accounting_month, status,"
    " expected_total, observed_total, sales_total, loss_total, surplus_total, flags,"
    " reviewed_by_user_id, reviewed_at",
    "iiiiTttiiiiijiT"};
static const struct store_bulk lines = {
    "seed.lines", "reconciliation_lines",
    "id, reconciliation_id, product_id, packaging_catalog_id, line_group, outcome, opening,"
    " planted, transfer_in, transfer_out, deaths, logged_sales, adjustments, expected, observed,"
    " difference, unit_price_cents",
    "iiiittiiiiiiiiiii"};
static const struct store_bulk movements = {
    "seed.movements", "stock_movements",
    "id, uuid, stock_batch_id, movement_type, source_type, role, quantity, is_inbound,"
    " source_bin_id, destination_bin_id, group_uuid, session_id, reconciliation_id,"
    " unit_price_cents, total_price_cents, user_id, reason, occurred_at, created_at",
    "iuitttibiiuiiiiitTT"};
static const struct store_bulk estimations = {
    "seed.estimations", "estimations",
    "id, session_id, session_segment_id, stock_movement_id, band, detected_area_cm2,"
    " estimated_count, calculation_method, confidence, used_density_parameters",
    "iiiiiritrb"};
static const struct store_bulk detections = {
    "seed.detections", "detections",
    "session_id, session_segment_id, center_x_px, center_y_px, width_px, height_px, confidence,"
    " is_empty_container, is_alive",
    "iirrrrrbb"};

enum { LATEST, STATES };
static const struct store_query queries[] = {
    [LATEST] = {"seed.latest",
                "UPDATE storage_locations SET latest_session_id = (SELECT MAX(s.id) FROM"
                " photo_processing_sessions s WHERE s.storage_location_id = storage_locations.id)",
                "", "", false},
    [STATES] = {"seed.states", "SELECT 'state', code, id FROM product_states", "", "tti", false},
};
STORE_QUERIES(seed_year_queries, queries);

struct year {
    struct store_tx *tx;
    struct seed_world *w;
    struct store_table states;
    struct dm_arena rows;
};

static struct store_value user(const struct seed_world *w, int index)
{
    return store_i(seed_id(w, SEED_USERS, (size_t)index));
}

static struct store_value opt(const struct seed_world *w, enum seed_table t, size_t plus_one)
{
    return plus_one ? store_i(seed_id(w, t, plus_one - 1)) : store_null();
}

/* Which plants become rows of their own: those of the last photo, everywhere or in one claro of
 * twenty. All others stay estimates. */
static void choose_detections(struct seed_world *w)
{
    for (size_t i = 0; i < w->period.n; i++) {
        const struct seed_period *p = &w->period.at[i];
        if (p->closed && p->by_photo) {
            w->session.at[p->session].empties = 0;
        }
        if (!p->closed && p->by_photo && (w->p->detections || p->claro % 20 == 0)) {
            struct seed_session *s = &w->session.at[p->session];
            s->detected = s->estimated - s->estimated / 25;
            s->estimated -= s->detected;
        }
    }
}

static int write_images(struct year *y, struct dm_err *e)
{
    const struct seed_world *w = y->w;
    struct seed_out o;
    struct store_value *v;
    DM_TRY(seed_out_begin(&o, y->tx, &images, &y->rows, e));
    for (size_t i = 0; i < w->image.n; i++) {
        const struct seed_image *m = &w->image.at[i];
        char name[32];
        (void)snprintf(name, sizeof(name), "IMG_%06zu.png", i + 1);
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_IMAGES, i));
        v[1] = seed_uuid(&o, m->uuid);
        v[2] = seed_text(&o, name);
        v[3] = store_t("image/png");
        v[4] = store_i((int64_t)m->png_n);
        v[5] = store_i(4);
        v[6] = store_i(3);
        v[7] = store_t(m->sha);
        v[8] = store_at(m->at);
        v[9] = store_t("exif");
        v[10] = store_t("mobile");
        v[11] = user(w, m->user);
        v[12] = store_t("ready");
        v[13] = store_at(m->at);
    }
    DM_TRY(seed_out_end(&o, e));
    DM_TRY(seed_out_begin(&o, y->tx, &blobs, &y->rows, e));
    for (size_t i = 0; i < w->image.n; i++) {
        const struct seed_image *m = &w->image.at[i];
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_BLOBS, i));
        v[1] = store_i(seed_id(w, SEED_IMAGES, i));
        v[2] = store_t("original");
        v[3] = store_t("db");
        v[4] = store_x(m->png, m->png_n);
        v[5] = store_t("image/png");
        v[6] = store_i((int64_t)m->png_n);
        v[7] = store_t(m->sha);
        v[8] = store_i(4);
        v[9] = store_i(3);
    }
    return seed_out_end(&o, e);
}

static int write_sessions(struct year *y, struct dm_err *e)
{
    const struct seed_world *w = y->w;
    struct seed_out o;
    struct store_value *v;
    DM_TRY(seed_out_begin(&o, y->tx, &sessions, &y->rows, e));
    for (size_t i = 0; i < w->session.n; i++) {
        const struct seed_session *s = &w->session.at[i];
        const char *category = w->claro.at[s->claro].kind == SEED_PLUG ? "plug" : "segment";
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_SESSIONS, i));
        v[1] = seed_uuid(&o, s->uuid);
        v[2] = store_i(seed_id(w, SEED_IMAGES, s->image));
        v[3] = store_i(seed_id(w, SEED_CLAROS, s->claro));
        v[4] = store_t("qr");
        v[5] = store_i(seed_id(w, SEED_CONFIGS, s->claro));
        v[6] = store_at(s->at);
        v[7] = store_t("completed");
        v[8] = store_i(s->detected);
        v[9] = store_i(s->estimated);
        v[10] = store_i(s->empties);
        v[11] = store_r(s->confidence);
        v[12] = store_j(dm_arena_printf(o.a, "{\"by_category\":{\"%s\":%lld},\"by_container\":{}}",
                                        category, (long long)(s->detected + s->estimated)));
        v[13] = store_t("demo");
        v[14] = store_i(1200 + (int64_t)(s->uuid[0] % 900));
        v[15] = store_t("posted");
        v[16] = store_at(s->at + 60000);
        v[17] = store_b(s->validated);
        v[18] = s->validated ? user(w, 1) : store_null();
        v[19] = s->validated ? store_at(s->at + 3600000) : store_null();
        v[20] = store_at(s->at);
    }
    DM_TRY(seed_out_end(&o, e));
    DM_TRY(seed_out_begin(&o, y->tx, &segments, &y->rows, e));
    for (size_t i = 0; i < w->session.n; i++) {
        const struct seed_session *s = &w->session.at[i];
        const struct seed_claro *c = &w->claro.at[s->claro];
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_SEGMENTS, i));
        v[1] = store_i(seed_id(w, SEED_SESSIONS, i));
        v[2] = store_i(seed_id(w, SEED_BINS, s->claro));
        v[3] = store_t(c->kind == SEED_PLUG ? "plug" : "segment");
        v[4] = store_i(1);
        v[5] = store_j("[[100,100],[3900,100],[3900,2900],[100,2900]]");
        v[6] = store_j("[100,100,3900,2900]");
        v[7] = store_i(3800 * 2800);
        v[8] = store_r(c->area_m2 * 10000);
        v[9] = store_r(s->confidence);
        v[10] = store_i(s->detected);
        v[11] = store_i(s->estimated);
        v[12] = store_i(s->empties);
    }
    return seed_out_end(&o, e);
}

static int write_periods(struct year *y, struct dm_err *e)
{
    const struct seed_world *w = y->w;
    struct seed_out o;
    struct store_value *v;
    DM_TRY(seed_out_begin(&o, y->tx, &periods, &y->rows, e));
    for (size_t i = 0; i < w->period.n; i++) {
        const struct seed_period *p = &w->period.at[i];
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_PERIODS, i));
        v[1] = store_i(seed_id(w, SEED_CLAROS, p->claro));
        v[2] = store_i(p->seq);
        v[3] = store_t(p->closed ? "closed" : "open");
        v[4] = store_t(p->by_photo ? "foto" : "manual_init");
        v[5] = store_at(p->opened_at);
        v[6] = p->by_photo ? store_i(seed_id(w, SEED_SESSIONS, p->session)) : store_null();
        v[7] = store_i(p->count);
        v[8] = store_i(seed_id(w, SEED_CONFIGS, p->claro));
        if (p->closed) {
            v[9] = store_at(p->closed_at);
            v[10] = store_t(p->closed_by_photo ? "foto" : "manual_init");
            v[11] = p->closed_by_photo ? store_i(seed_id(w, SEED_SESSIONS, p->closing_session))
                                       : store_null();
            v[12] = store_i(p->closing_count);
        }
    }
    return seed_out_end(&o, e);
}

/* "YYYY-MM-DD" so many days later, in the arena. */
static const char *later(struct seed_out *o, const char *day, int days)
{
    struct dm_civil c;
    char *text = dm_arena_alloc(o->a, DM_DATE_SIZE);
    if (!text || !dm_date_parse(day, &c)) {
        return NULL;
    }
    c.day += days;
    dm_zone_date(NULL, dm_zone_instant(NULL, &c), text);
    return text;
}

static int write_batches(struct year *y, struct dm_err *e)
{
    const struct seed_world *w = y->w;
    struct seed_out o;
    struct store_value *v;
    DM_TRY(seed_out_begin(&o, y->tx, &batches, &y->rows, e));
    for (size_t i = 0; i < w->batch.n; i++) {
        const struct seed_batch *b = &w->batch.at[i];
        const struct seed_claro *c = &w->claro.at[b->claro];
        const bool closed = w->period.at[b->period].closed;
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_BATCHES, i));
        v[1] = store_t(b->code);
        v[2] = store_i(seed_id(w, SEED_PERIODS, b->period));
        v[3] = store_i(seed_id(w, SEED_BINS, b->claro));
        v[4] = store_i(seed_id(w, SEED_PRODUCTS, (size_t)c->product));
        v[5] = store_i(seed_lookup(&y->states, "state", seed_state(c)));
        v[6] = c->pot < 0 ? store_null() : store_i(seed_id(w, SEED_POTS, (size_t)c->pot));
        v[7] = store_b(c->pot >= 0);
        v[8] = store_i(c->plants_per_pot);
        v[9] = store_i(b->initial);
        v[10] = store_i(b->current);
        v[11] = store_i(b->empties);
        v[12] = store_t(closed ? "closed" : b->current ? "active" : "depleted");
        v[13] = b->quality < 0 ? store_null() : store_r(b->quality);
        v[14] = store_d(b->planted[0] ? b->planted : NULL);
        v[15] = store_d(b->moved[0] ? b->moved : NULL);
        v[16] = store_d(b->planted[0] ? later(&o, b->planted, w->product[c->product].growth_days)
                                      : NULL);
        v[17] = opt(w, SEED_BATCHES, b->parent);
        v[18] = opt(w, SEED_BATCHES, b->previous);
        v[19] = store_at(b->at);
    }
    return seed_out_end(&o, e);
}

/* The last number of each claro, product and day, so that codes go on from there. */
static int by_code(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static int write_counters(struct year *y, struct dm_err *e)
{
    const struct seed_world *w = y->w;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct seed_out o;
    struct store_value *v;
    const char **code = dm_arena_calloc(&a, w->batch.n, sizeof(*code));
    if (!code) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the demo nursery");
    }
    for (size_t i = 0; i < w->batch.n; i++) {
        code[i] = w->batch.at[i].code;
    }
    qsort(code, w->batch.n, sizeof(*code), by_code);
    DM_TRY(seed_out_begin(&o, y->tx, &counters, &y->rows, e));
    for (size_t i = 0; i < w->batch.n; i++) {
        const size_t stem = strlen(code[i]) - 3;
        if (i + 1 < w->batch.n && !strncmp(code[i], code[i + 1], stem)) {
            continue; /* not the last of its day */
        }
        char *rest; /* "LOC15-PROD42-20250107-001" */
        const long long claro = strtoll(code[i] + 3, &rest, 10);
        const long long product = strtoll(rest + 5, &rest, 10);
        const char *day = rest + 1;
        const long seq = strtol(code[i] + stem, NULL, 10);
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(claro);
        v[1] = store_i(product);
        v[2] = store_d(dm_arena_printf(o.a, "%.4s-%.2s-%.2s", day, day + 4, day + 6));
        v[3] = store_i(seq);
    }
    return seed_out_end(&o, e);
}

static const char *flags_of(const struct seed_recon *r, bool sells)
{
    return r->surplus ? "[\"surplus\"]" : r->losses > 0 && !sells ? "[\"unexplained_loss\"]" : "[]";
}

static int write_recons(struct year *y, struct dm_err *e)
{
    const struct seed_world *w = y->w;
    struct seed_out o;
    struct store_value *v;
    DM_TRY(seed_out_begin(&o, y->tx, &recons, &y->rows, e));
    for (size_t i = 0; i < w->recon.n; i++) {
        const struct seed_recon *r = &w->recon.at[i];
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_RECONS, i));
        v[1] = store_i(seed_id(w, SEED_PERIODS, r->period));
        v[2] = store_i(seed_id(w, SEED_CLAROS, r->claro));
        v[3] = opt(w, SEED_SESSIONS, r->session);
        v[4] = store_at(r->at);
        v[5] = seed_text(&o, r->month);
        v[6] = store_t(r->accepted ? "accepted" : "posted");
        v[7] = store_i(r->expected);
        v[8] = store_i(r->observed);
        v[9] = store_i(r->sales);
        v[10] = store_i(r->losses);
        v[11] = store_i(r->surplus);
        v[12] = store_j(flags_of(r, w->claro.at[r->claro].kind == SEED_SELLABLE));
        v[13] = r->accepted ? user(w, 1) : store_null();
        v[14] = r->accepted ? store_at(r->at + INT64_C(5) * 86400000) : store_null();
    }
    DM_TRY(seed_out_end(&o, e));
    DM_TRY(seed_out_begin(&o, y->tx, &lines, &y->rows, e));
    for (size_t i = 0; i < w->line.n; i++) {
        const struct seed_line *l = &w->line.at[i];
        const struct seed_claro *c = &w->claro.at[l->claro];
        const int64_t figures[] = {
            l->opening, l->planted,  l->in,       l->out,      l->deaths,
            l->logged,  l->adjusted, l->expected, l->observed, l->expected - l->observed};
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_LINES, i));
        v[1] = store_i(seed_id(w, SEED_RECONS, l->recon));
        v[2] = store_i(seed_id(w, SEED_PRODUCTS, (size_t)c->product));
        v[3] = c->pot < 0 ? store_null() : store_i(seed_id(w, SEED_POTS, (size_t)c->pot));
        v[4] = store_t(l->sellable ? "sellable" : "nursery");
        v[5] = store_t(l->outcome);
        for (size_t k = 0; k < DM_COUNT(figures); k++) {
            v[6 + k] = store_i(figures[k]);
        }
        v[16] = l->price_cents < 0 ? store_null() : store_i(l->price_cents);
    }
    return seed_out_end(&o, e);
}

static int write_movements(struct year *y, struct dm_err *e)
{
    const struct seed_world *w = y->w;
    struct seed_out o;
    struct store_value *v;
    DM_TRY(seed_out_begin(&o, y->tx, &movements, &y->rows, e));
    for (size_t i = 0; i < w->movement.n; i++) {
        const struct seed_movement *m = &w->movement.at[i];
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_MOVEMENTS, i));
        v[1] = seed_uuid(&o, m->uuid);
        v[2] = store_i(seed_id(w, SEED_BATCHES, m->batch));
        v[3] = store_t(m->type);
        v[4] = store_t(m->ia ? "ia" : "manual");
        v[5] = store_t(m->role);
        v[6] = store_i(m->quantity);
        v[7] = store_b(m->quantity > 0);
        v[8] = opt(w, SEED_BINS, m->source_bin);
        v[9] = opt(w, SEED_BINS, m->target_bin);
        v[10] = m->group[0] || m->group[1] ? seed_uuid(&o, m->group) : store_null();
        v[11] = !strcmp(m->type, "manual_init") ? store_null() : opt(w, SEED_SESSIONS, m->session);
        v[12] = opt(w, SEED_RECONS, m->recon);
        v[13] = m->unit_cents < 0 ? store_null() : store_i(m->unit_cents);
        v[14] = m->unit_cents < 0 ? store_null() : store_i(m->total_cents);
        v[15] = user(w, m->user);
        v[16] = store_t(m->reason);
        v[17] = store_at(m->at);
        v[18] = store_at(m->at);
    }
    return seed_out_end(&o, e);
}

/* Four bands a segment, the rest in the last. */
static int write_estimations(struct year *y, struct dm_err *e)
{
    enum { BANDS = 4 };
    const struct seed_world *w = y->w;
    struct seed_out o;
    struct store_value *v;
    size_t n = 0;
    DM_TRY(seed_out_begin(&o, y->tx, &estimations, &y->rows, e));
    for (size_t i = 0; i < w->session.n; i++) {
        const struct seed_session *s = &w->session.at[i];
        int64_t left = s->estimated;
        for (int band = 1; band <= BANDS; band++) {
            const int64_t part = band == BANDS ? left : s->estimated / BANDS;
            left -= part;
            DM_TRY(seed_out_row(&o, &v, e));
            v[0] = store_i(seed_id(w, SEED_ESTIMATIONS, n++));
            v[1] = store_i(seed_id(w, SEED_SESSIONS, i));
            v[2] = store_i(seed_id(w, SEED_SEGMENTS, i));
            v[4] = store_i(band);
            v[5] = store_r(w->claro.at[s->claro].area_m2 * 10000 / BANDS);
            v[6] = store_i(part);
            v[7] = store_t("density_estimation");
            v[8] = store_r(0.5);
            v[9] = store_b(true);
        }
    }
    return seed_out_end(&o, e);
}

/* Plants in rows, empties after them, in a picture of 4000 x 3000. */
static int write_detections(struct year *y, struct dm_err *e)
{
    struct seed_world *w = y->w;
    struct seed_out o;
    struct store_value *v;
    DM_TRY(seed_out_begin(&o, y->tx, &detections, &y->rows, e));
    for (size_t i = 0; i < w->session.n; i++) {
        const struct seed_session *s = &w->session.at[i];
        const int64_t all = s->detected + s->empties;
        const double side = sqrt(3800.0 * 2800.0 / (double)DM_MAX(all, 1));
        const int64_t in_row = DM_MAX((int64_t)(3800.0 / side), 1);
        for (int64_t k = 0; k < all; k++) {
            const int64_t row = k / in_row;
            const int64_t column = k - row * in_row;
            DM_TRY(seed_out_row(&o, &v, e));
            v[0] = store_i(seed_id(w, SEED_SESSIONS, i));
            v[1] = store_i(seed_id(w, SEED_SEGMENTS, i));
            v[2] = store_r(100 + side * ((double)column + 0.5));
            v[3] = store_r(100 + side * ((double)row + 0.5));
            v[4] = store_r(side * 0.8);
            v[5] = store_r(side * 0.8);
            v[6] = store_r(s->confidence + 0.05 * seed_unit(&w->rng)); /* below 0.97 */
            v[7] = store_b(k >= s->detected);
            v[8] = store_b(true);
        }
    }
    return seed_out_end(&o, e);
}

int seed_write_year(struct store_tx *tx, struct seed_world *w, struct dm_err *e)
{
    static int (*const steps[])(struct year *, struct dm_err *) = {
        write_images, write_sessions,  write_periods,     write_batches,    write_counters,
        write_recons, write_movements, write_estimations, write_detections,
    };
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct year y = {.tx = tx, .w = w};
    choose_detections(w);
    DM_TRY(store_all(tx, &queries[STATES], STORE_NO_ARGS, &a, &y.states, e));
    int code = DM_OK;
    for (size_t i = 0; code >= 0 && i < DM_COUNT(steps); i++) {
        code = steps[i](&y, e);
    }
    dm_arena_clear(&y.rows);
    DM_TRY(code);
    return store_exec(tx, &queries[LATEST], STORE_NO_ARGS, NULL, e);
}
