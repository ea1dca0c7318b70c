/* SPDX-License-Identifier: Apache-2.0
 *
 * The demo's year: claro by claro, month by month. Between two counts plants are planted, die, are
 * moved and sold; a count finds what is left, explains the difference as sales, losses or surplus,
 * closes the period and opens the next (domain.md section 11.1, in the order of its steps).
 *
 * Movements happen on days 6 to 23; counts on days 24 to 28, or 1 to 4 of the next month, which
 * then still complete the month before. Transplants of the same month therefore meet two open
 * periods. */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "inventory/seed_priv.h"

enum { MONTHS_DEFAULT = 12, WORKER_FIRST = 3, SUPERVISOR = 1 };

void *seed_grow(void *at, size_t *n, size_t *capacity, size_t size)
{
    if (*n == *capacity) {
        const size_t more = *capacity ? 2 * *capacity : 256;
        void *grown = more > SIZE_MAX / 2 / size ? NULL : dm_realloc(at, more * size);
        if (!grown) {
            dm_free(at);
            *n = *capacity = 0;
            return NULL;
        }
        at = grown;
        *capacity = more;
    }
    memset((char *)at + *n * size, 0, size);
    (*n)++;
    return at;
}

void seed_uuid_text(const uint64_t uuid[2], char ret[static STORE_UUID_SIZE])
{
    const uint64_t a = uuid[0];
    const uint64_t b = uuid[1];
    (void)snprintf(ret, STORE_UUID_SIZE, "%08x-%04x-4%03x-%04x-%04x%08x", (unsigned)(a >> 32),
                   (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
                   (unsigned)(0x8000 | (b >> 48 & 0x3fff)), (unsigned)(b >> 32 & 0xffff),
                   (unsigned)(b & 0xffffffff));
}

static void new_uuid(struct seed_world *w, uint64_t uuid[2])
{
    uuid[0] = seed_next(&w->rng);
    uuid[1] = seed_next(&w->rng);
}

/* ---- time --------------------------------------------------------------------------------- */

/* Working hours of a day of the k-th month (0 = the first of the year, -1 the one before). */
static int64_t some_time(struct seed_world *w, int month, int day_low, int day_high)
{
    struct dm_civil c = dm_zone_civil(w->p->zone, w->p->until_ms);
    const int months = w->p->months ? w->p->months : MONTHS_DEFAULT;
    c.month += month - months;
    c.day = (int)seed_between(&w->rng, day_low, day_high);
    c.hour = (int)seed_between(&w->rng, 7, 17);
    c.minute = (int)seed_between(&w->rng, 0, 59);
    c.second = (int)seed_between(&w->rng, 0, 59);
    c.millisecond = (int)seed_between(&w->rng, 0, 999);
    return dm_zone_instant(w->p->zone, &c);
}

/* ---- rows --------------------------------------------------------------------------------- */

struct act {
    const char *type, *role;
    int64_t quantity, at;
    size_t recon, session; /* index + 1 */
    const uint64_t *group;
    size_t source_claro, target_claro; /* of a transplant, index + 1 */
    const char *reason;
    bool ia;
};

static int64_t pots_of(int64_t plants, int per_pot)
{
    return (plants + per_pot - 1) / per_pot;
}

static int64_t net_price(const struct seed_world *w, const struct seed_claro *c)
{
    if (c->pot < 0) {
        return -1;
    }
    const int64_t cents =
        w->pot[c->pot].price_cents[w->family[w->product[c->product].family].category];
    return cents ? cents : -1;
}

static int move(struct seed_world *w, size_t batch, const struct act *x, struct dm_err *e)
{
    struct seed_movement *m = SEED_ADD(w->movement);
    if (!m) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the demo nursery");
    }
    struct seed_batch *b = &w->batch.at[batch];
    const struct seed_claro *c = &w->claro.at[b->claro];
    const int64_t freed = pots_of(b->current, c->plants_per_pot) -
                          pots_of(b->current + x->quantity, c->plants_per_pot);
    *m = (struct seed_movement){.batch = batch,
                                .type = x->type,
                                .role = x->role,
                                .reason = x->reason,
                                .ia = x->ia,
                                .quantity = x->quantity,
                                .at = x->at,
                                .session = x->session,
                                .recon = x->recon,
                                .unit_cents = -1,
                                .user = (int)seed_between(&w->rng, WORKER_FIRST, SEED_PEOPLE - 1)};
    new_uuid(w, m->uuid);
    if (x->group) {
        memcpy(m->group, x->group, sizeof(m->group));
    }
    if (x->source_claro) {
        m->source_bin = x->source_claro;
        m->target_bin = x->target_claro;
    } else {
        *(x->quantity > 0 ? &m->target_bin : &m->source_bin) = b->claro + 1; /* one bin a claro */
    }
    if (!strcmp(x->type, "ventas")) {
        m->unit_cents = net_price(w, c);
        m->total_cents = m->unit_cents < 0 ? 0 : m->unit_cents * freed;
    }
    if (!strcmp(x->type, "muerte") && c->pot >= 0) {
        b->empties += freed;
    }
    b->current += x->quantity;
    return DM_OK;
}

/* A batch of the claro's open period with its first movement. */
static int open_batch(struct seed_world *w, size_t claro, const struct act *x, size_t previous,
                      size_t parent, struct dm_err *e)
{
    struct seed_batch *b = SEED_ADD(w->batch);
    if (!b) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the demo nursery");
    }
    struct seed_claro *c = &w->claro.at[claro];
    b->period = c->period;
    b->claro = claro;
    b->initial = x->quantity;
    b->at = x->at;
    b->quality = -1;
    b->previous = previous;
    b->parent = parent;
    dm_zone_date(w->p->zone, x->at, b->planted);
    int seq = 1; /* of the batches of this claro and day: all in the same period */
    for (size_t i = 0; i < c->n_own; i++) {
        char day[DM_DATE_SIZE];
        dm_zone_date(w->p->zone, w->batch.at[c->own[i]].at, day);
        seq += strcmp(day, b->planted) == 0;
    }
    (void)snprintf(b->code, sizeof(b->code), "LOC%lld-PROD%lld-%.4s%.2s%.2s-%03d",
                   (long long)seed_id(w, SEED_CLAROS, claro),
                   (long long)seed_id(w, SEED_PRODUCTS, (size_t)c->product), b->planted,
                   b->planted + 5, b->planted + 8, seq);
    c->own[c->n_own++] = w->batch.n - 1;
    if (previous) {
        memcpy(b->planted, w->batch.at[previous - 1].planted, sizeof(b->planted));
    }
    if (parent) {
        memcpy(b->moved, b->planted, sizeof(b->moved));
        memcpy(b->planted, w->batch.at[parent - 1].planted, sizeof(b->planted));
    }
    return move(w, w->batch.n - 1, x, e);
}

/* ---- photos ------------------------------------------------------------------------------- */

static uint32_t crc32_of(const unsigned char *p, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) {
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
        }
    }
    return ~crc;
}

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (unsigned char)(v >> (24 - 8 * i));
    }
}

static size_t chunk(unsigned char *p, const char *type, const unsigned char *data, size_t n)
{
    put32(p, (uint32_t)n);
    memcpy(p + 4, type, 4);
    memcpy(p + 8, data, n);
    put32(p + 8 + n, crc32_of(p + 4, n + 4));
    return n + 12;
}

/* A picture of 4 x 3 pixels in greens that follow from its number: a valid PNG of some 150 bytes,
 * stored without compression (RFC 2083, RFC 1950). */
static void draw(struct seed_image *image)
{
    enum { W = 4, H = 3, LINE = 1 + 3 * W };
    static const unsigned char head[13] = {0, 0, 0, W, 0, 0, 0, H, 8, 2, 0, 0, 0};
    unsigned char raw[H * LINE];
    unsigned char z[2 + 5 + sizeof(raw) + 4];
    uint32_t a = 1;
    uint32_t b = 0;
    for (size_t i = 0; i < sizeof(raw); i++) {
        const unsigned noise = (unsigned)(image->uuid[i % 2] >> (i % 8 * 8)) & 0x3f;
        raw[i] = (unsigned char)(i % LINE == 0         ? 0
                                 : (i % LINE) % 3 == 2 ? 120 + noise
                                                       : 40 + noise);
        a = (a + raw[i]) % 65521;
        b = (b + a) % 65521;
    }
    const size_t n = sizeof(raw);
    const unsigned char zlib[7] = {0x78,
                                   0x01,
                                   0x01,
                                   (unsigned char)(n & 255),
                                   (unsigned char)(n >> 8),
                                   (unsigned char)(~n & 255),
                                   (unsigned char)(~n >> 8 & 255)};
    memcpy(z, zlib, sizeof(zlib));
    memcpy(z + 7, raw, n);
    put32(z + 7 + n, b << 16 | a);
    memcpy(image->png, "\x89PNG\r\n\x1a\n", 8);
    size_t at = 8;
    char name[STORE_UUID_SIZE + 8] = "Title";
    seed_uuid_text(image->uuid, name + 6);
    at += chunk(image->png + at, "IHDR", head, sizeof(head));
    at += chunk(image->png + at, "tEXt", (const unsigned char *)name, 6 + STORE_UUID_SIZE - 1);
    at += chunk(image->png + at, "IDAT", z, sizeof(z));
    at += chunk(image->png + at, "IEND", head, 0);
    image->png_n = at;
    dm_sha256_hex(image->png, at, image->sha);
}

/* A photo of the claro in which so many plants are counted; *ret is the session's index + 1. */
static int photograph(struct seed_world *w, size_t claro, int64_t at, int64_t counted, size_t *ret,
                      struct dm_err *e)
{
    struct seed_image *image = SEED_ADD(w->image);
    struct seed_session *s = image ? SEED_ADD(w->session) : NULL;
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the demo nursery");
    }
    image->at = at;
    image->user = (int)seed_between(&w->rng, WORKER_FIRST, SEED_PEOPLE - 1);
    new_uuid(w, image->uuid);
    draw(image);
    s->image = w->image.n - 1;
    s->claro = claro;
    s->at = at;
    new_uuid(w, s->uuid);
    s->estimated = counted;
    s->confidence = 0.62 + 0.3 * seed_unit(&w->rng);
    s->validated = seed_chance(&w->rng, 0.3);
    *ret = w->session.n;
    return DM_OK;
}

/* ---- counts ------------------------------------------------------------------------------- */

/* What the count finds, compared to what should be there. */
static int64_t found_at(struct seed_world *w, const struct seed_claro *c, int64_t expected)
{
    const double u = seed_unit(&w->rng);
    if (u < 0.06) { /* counted more than was known */
        return expected + seed_between(&w->rng, 1, DM_MAX(expected / 60, 2));
    }
    if (u < 0.16) {
        return expected;
    }
    const double most = c->kind == SEED_SELLABLE ? 0.22 : 0.03;
    const int64_t gone = (int64_t)((double)expected * most * seed_unit(&w->rng));
    return DM_MAX(expected - gone, 1);
}

static bool sellable(const struct seed_claro *c)
{
    return c->kind == SEED_SELLABLE;
}

/* Steps 6, 7 and 9: what is missing is sold or lost, oldest batches first. */
static int explain(struct seed_world *w, size_t claro, size_t recon, size_t session,
                   int64_t difference, int64_t at, struct dm_err *e)
{
    const struct seed_claro *c = &w->claro.at[claro];
    uint64_t group[2];
    new_uuid(w, group);
    struct act x = {.role = "regular",
                    .at = at,
                    .recon = recon,
                    .session = session,
                    .group = group,
                    .ia = true,
                    .type = sellable(c) && difference > 0 ? "ventas" : "ajuste",
                    .reason = "difference found by the count"};
    for (size_t i = 0; i < c->n_own && difference > 0; i++) {
        const size_t b = c->own[i];
        if (w->batch.at[b].current == 0) {
            continue;
        }
        const int64_t part = DM_MIN(difference, w->batch.at[b].current);
        x.quantity = -part;
        difference -= part;
        DM_TRY(move(w, b, &x, e));
    }
    return DM_OK;
}

static int add_recon(struct seed_world *w, size_t claro, size_t session, int64_t at,
                     int64_t expected, int64_t observed, struct dm_err *e)
{
    const struct seed_claro *c = &w->claro.at[claro];
    struct seed_recon *r = SEED_ADD(w->recon);
    struct seed_line *l = r ? SEED_ADD(w->line) : NULL;
    if (!l) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the demo nursery");
    }
    const int64_t difference = expected - observed;
    r->period = c->period;
    r->claro = claro;
    r->session = session;
    r->at = at;
    r->expected = expected;
    r->observed = observed;
    r->sales = sellable(c) ? DM_MAX(difference, 0) : 0;
    r->losses = sellable(c) ? 0 : DM_MAX(difference, 0);
    r->surplus = DM_MAX(-difference, 0);
    r->accepted = w->p->until_ms - at > INT64_C(45) * 86400000;
    struct dm_civil d = dm_zone_civil(w->p->zone, at);
    d.month -= d.day <= 5; /* the setting month_close_grace_days */
    d.year -= d.month < 1;
    d.month += d.month < 1 ? 12 : 0;
    (void)snprintf(r->month, sizeof(r->month), "%04d-%02d", d.year, d.month);
    const int64_t price = net_price(w, c);
    *l = (struct seed_line){.recon = w->recon.n - 1,
                            .claro = claro,
                            .sellable = sellable(c),
                            .outcome = difference == 0  ? "match"
                                       : difference < 0 ? "surplus"
                                       : sellable(c)    ? "sale"
                                                        : "loss",
                            .opening = c->opening,
                            .planted = c->planted,
                            .in = c->in,
                            .out = c->out,
                            .deaths = c->deaths,
                            .logged = c->logged,
                            .adjusted = c->adjusted,
                            .expected = expected,
                            .observed = observed,
                            .price_cents = price};
    return DM_OK;
}

static int open_period(struct seed_world *w, size_t claro, int64_t at, int64_t count,
                       size_t session, size_t previous, struct dm_err *e)
{
    struct seed_claro *c = &w->claro.at[claro];
    struct seed_period *p = SEED_ADD(w->period);
    if (!p) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the demo nursery");
    }
    const bool photo = session != 0;
    p->claro = claro;
    p->seq = previous ? w->period.at[c->period].seq + 1 : 1;
    p->by_photo = photo;
    p->opened_at = at;
    p->count = count;
    p->session = photo ? session - 1 : 0;
    c->period = w->period.n - 1;
    c->n_own = 0;
    c->counted_at = at;
    c->opening = count;
    c->planted = c->in = c->out = c->deaths = c->logged = c->adjusted = 0;
    const struct act x = {.type = photo ? "foto" : "manual_init",
                          .role = "opening",
                          .quantity = count,
                          .at = at,
                          .session = session,
                          .reason = photo ? NULL : "initial manual count by a worker",
                          .ia = photo};
    DM_TRY(open_batch(w, claro, &x, previous, 0, e));
    if (photo) {
        struct seed_batch *b = &w->batch.at[w->batch.n - 1];
        const double confidence = w->session.at[session - 1].confidence;
        b->quality = (double)(int)(500 * confidence + 0.5) / 100.0;
        b->empties = c->pot < 0 ? 0 : seed_between(&w->rng, 0, count / 40);
        w->session.at[session - 1].empties = b->empties;
    }
    return DM_OK;
}

/* Steps 10 and 12. */
static int close_period(struct seed_world *w, size_t claro, int64_t at, int64_t count,
                        size_t session, struct dm_err *e)
{
    const struct seed_claro *c = &w->claro.at[claro];
    struct seed_period *p = &w->period.at[c->period];
    const bool photo = session != 0;
    p->closed = true;
    p->closed_by_photo = photo;
    p->closed_at = at;
    p->closing_count = count;
    p->closing_session = photo ? session - 1 : 0;
    for (size_t i = 0; i < c->n_own; i++) {
        const size_t b = c->own[i];
        if (w->batch.at[b].current == 0) {
            continue;
        }
        const struct act x = {.type = photo ? "foto" : "manual_init",
                              .role = "closing",
                              .quantity = -w->batch.at[b].current,
                              .at = at,
                              .session = session,
                              .reason = photo ? NULL : "manual recount by a supervisor",
                              .ia = photo};
        DM_TRY(move(w, b, &x, e));
    }
    return DM_OK;
}

static int64_t stock_of(const struct seed_claro *c)
{
    return c->opening + c->planted + c->in - c->out - c->deaths - c->logged + c->adjusted;
}

static int count_claro(struct seed_world *w, size_t claro, int64_t at, int64_t most,
                       struct dm_err *e)
{
    struct seed_claro *c = &w->claro.at[claro];
    const int64_t expected = stock_of(c);
    const int64_t found = found_at(w, c, expected);
    const int64_t observed = DM_MIN(found, most);
    size_t session = 0;
    if (!seed_chance(&w->rng, 0.06)) {
        DM_TRY(photograph(w, claro, at, observed, &session, e));
    }
    DM_TRY(add_recon(w, claro, session, at, expected, observed, e));
    if (expected < observed) {
        const struct act x = {.type = "ajuste",
                              .role = "regular",
                              .quantity = observed - expected,
                              .at = at,
                              .recon = w->recon.n,
                              .session = session,
                              .ia = true,
                              .reason = "surplus found by the count"};
        DM_TRY(move(w, c->own[c->n_own - 1], &x, e));
    } else if (expected > observed) {
        DM_TRY(explain(w, claro, w->recon.n, session, expected - observed, at, e));
    }
    const size_t before = c->own[0] + 1;
    DM_TRY(close_period(w, claro, at, observed, session, e));
    return open_period(w, claro, at, observed, session, before, e);
}

/* ---- between counts ----------------------------------------------------------------------- */

static int plant(struct seed_world *w, size_t claro, int64_t at, int64_t n, struct dm_err *e)
{
    struct seed_claro *c = &w->claro.at[claro];
    const struct act x = {.type = c->kind == SEED_PLUG ? "sembrar" : "plantar",
                          .role = "regular",
                          .quantity = n,
                          .at = at};
    c->planted += n;
    return open_batch(w, claro, &x, 0, 0, e);
}

/* n plants leave the batch that the count opened. */
static int take(struct seed_world *w, size_t claro, const char *type, int64_t at, int64_t n,
                struct dm_err *e)
{
    struct seed_claro *c = &w->claro.at[claro];
    const struct act x = {.type = type,
                          .role = "regular",
                          .quantity = -n,
                          .at = at,
                          .reason = strcmp(type, "ajuste") == 0 ? "trays counted again" : NULL};
    *(strcmp(type, "muerte") == 0   ? &c->deaths
      : strcmp(type, "ventas") == 0 ? &c->logged
                                    : &c->out) += n;
    if (!strcmp(type, "ajuste")) {
        c->out -= n;
        c->adjusted -= n;
    }
    return move(w, c->own[0], &x, e);
}

static int transplant(struct seed_world *w, size_t from, size_t to, int64_t at, int64_t n,
                      struct dm_err *e)
{
    uint64_t group[2];
    new_uuid(w, group);
    struct act x = {.type = "transplante",
                    .role = "regular",
                    .quantity = -n,
                    .at = at,
                    .group = group,
                    .source_claro = from + 1,
                    .target_claro = to + 1};
    const size_t source = w->claro.at[from].own[0];
    DM_TRY(move(w, source, &x, e));
    x.quantity = n;
    w->claro.at[from].out += n;
    w->claro.at[to].in += n;
    return open_batch(w, to, &x, 0, source + 1, e);
}

static int64_t left_in_main(const struct seed_world *w, const struct seed_claro *c)
{
    return w->batch.at[c->own[0]].current;
}

/* A claro with plants in pots that can take plants from claro i: the next one of the same product,
 * among the following 400. */
static size_t partner_of(const struct seed_world *w, size_t i)
{
    for (size_t k = 1; k < 400 && k < w->claro.n; k++) {
        const size_t j = (i + k) % w->claro.n;
        if (w->claro.at[j].product == w->claro.at[i].product && w->claro.at[j].kind != SEED_PLUG &&
            w->claro.at[j].n_own < SEED_BATCHES_OF_PERIOD / 2) {
            return j;
        }
    }
    return i;
}

static int month_of_claro(struct seed_world *w, size_t i, int month, struct dm_err *e)
{
    struct seed_claro *c = &w->claro.at[i];
    const int64_t have = left_in_main(w, c);
    const double mean = c->kind == SEED_PLUG ? 0.03 : 0.012;
    const int64_t dead = (int64_t)((double)have * mean * 2 * seed_unit(&w->rng));
    if (dead > 0 && seed_chance(&w->rng, 0.55)) {
        DM_TRY(take(w, i, "muerte", some_time(w, month, 6, 23), dead, e));
    }
    if (sellable(c) && have > 20 && seed_chance(&w->rng, 0.2)) {
        DM_TRY(take(w, i, "ventas", some_time(w, month, 6, 23), seed_between(&w->rng, 5, have / 8),
                    e));
    }
    if (have > 50 && seed_chance(&w->rng, 0.02)) {
        DM_TRY(take(w, i, "ajuste", some_time(w, month, 6, 23), seed_between(&w->rng, 1, 5), e));
    }
    const size_t partner = c->kind == SEED_SELLABLE ? i : partner_of(w, i);
    if (partner != i && have > 40 && seed_chance(&w->rng, 0.4)) {
        DM_TRY(transplant(w, i, partner, some_time(w, month, 6, 23),
                          seed_between(&w->rng, 10, have / 4), e));
    }
    const int64_t missing = c->target - stock_of(c);
    if (missing > c->target / 10 && seed_chance(&w->rng, 0.7)) {
        DM_TRY(plant(w, i, some_time(w, month, 6, 23), missing, e));
    }
    return DM_OK;
}

/* The last weeks: whatever the claro lacks is planted, what it has too much was found missing by
 * the last count already. */
static int settle(struct seed_world *w, size_t i, struct dm_err *e)
{
    const struct seed_claro *c = &w->claro.at[i];
    const int64_t missing = c->target - stock_of(c);
    const int64_t span = w->p->until_ms - c->counted_at;
    if (missing > 0) {
        const int64_t at = c->counted_at + 1 + (int64_t)((double)(span - 1) * seed_unit(&w->rng));
        return plant(w, i, at, missing, e);
    }
    return DM_OK;
}

/* A count is on one of the last days of the month or one of the first of the next, but not in the
 * future. */
static int64_t count_time(struct seed_world *w, int month, bool last)
{
    const bool early = !last && seed_chance(&w->rng, 0.3);
    return early ? some_time(w, month + 1, 1, 4) : some_time(w, month, 24, 28);
}

static int baseline(struct seed_world *w, size_t i, struct dm_err *e)
{
    const struct seed_claro *c = &w->claro.at[i];
    const double share = 0.8 + 0.3 * seed_unit(&w->rng);
    const int64_t n = (int64_t)((double)c->target * share); /* a target is 10 or more */
    const int64_t at = some_time(w, -1, 24, 28);
    size_t session = 0;
    if (!seed_chance(&w->rng, 0.12)) {
        DM_TRY(photograph(w, i, at, n, &session, e));
    }
    return open_period(w, i, at, n, session, 0, e);
}

int seed_year(struct seed_world *w, struct dm_err *e)
{
    const int months = w->p->months ? w->p->months : MONTHS_DEFAULT;
    for (size_t i = 0; i < w->claro.n; i++) {
        DM_TRY(baseline(w, i, e));
    }
    for (int month = 0; month < months; month++) {
        for (size_t i = 0; i < w->claro.n; i++) {
            DM_TRY(month_of_claro(w, i, month, e));
        }
        const bool last = month == months - 1;
        for (size_t i = 0; i < w->claro.n; i++) {
            if (last || !seed_chance(&w->rng, 0.05)) { /* some claros are skipped */
                DM_TRY(count_claro(w, i, count_time(w, month, last),
                                   last ? w->claro.at[i].target : INT64_MAX, e));
            }
        }
    }
    for (size_t i = 0; i < w->claro.n; i++) {
        DM_TRY(settle(w, i, e));
    }
    return DM_OK;
}
