/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of the demo nursery. Rows are kept as compact structs and turned into values
 * table by table when they are written: 70,000 movements are 12 MB so, and 40 MB as values. Ids are
 * known beforehand: base of the table + position + 1. */
#ifndef INVENTORY_SEED_PRIV_H
#define INVENTORY_SEED_PRIV_H

#include "inventory/seed.h"

enum {
    SEED_CATEGORIES = 4,
    SEED_PRODUCTS_MAX = 160,
    SEED_POTS_MAX = 32,
    SEED_BATCHES_OF_PERIOD = 48,
    SEED_PEOPLE = 6, /* admin, supervisor, viewer, three workers */
};

enum seed_table {
    SEED_USERS,
    SEED_FAMILIES,
    SEED_PRODUCTS,
    SEED_POTS,
    SEED_PRICES,
    SEED_WAREHOUSES,
    SEED_AREAS,
    SEED_CLAROS,
    SEED_BINS,
    SEED_CONFIGS,
    SEED_DENSITIES,
    SEED_IMAGES,
    SEED_BLOBS,
    SEED_SESSIONS,
    SEED_SEGMENTS,
    SEED_PERIODS,
    SEED_BATCHES,
    SEED_RECONS,
    SEED_LINES,
    SEED_MOVEMENTS,
    SEED_ESTIMATIONS,
    SEED_DETECTIONS,
    SEED_SALES_IMPORTS,
    SEED_TABLE_MAX_
};

/* splitmix64: Steele, Lea, Flood 2014. */
struct seed_rng {
    uint64_t s;
};
uint64_t seed_next(struct seed_rng *r);
int64_t seed_between(struct seed_rng *r, int64_t low, int64_t high); /* both included */
double seed_unit(struct seed_rng *r);
static inline bool seed_chance(struct seed_rng *r, double p)
{
    return seed_unit(r) < p;
}

struct seed_family {
    int category; /* 0..3: cactus, succulent, grafted, agave */
    const char *name;
};
struct seed_product {
    int family;
    char sku[21], name[64];
    int growth_days;
};
struct seed_pot {
    char sku[51], name[64];
    const char *type, *color;
    double diameter_cm;
    int64_t price_cents[SEED_CATEGORIES]; /* 0 = not in the list */
};

enum seed_kind { SEED_SELLABLE, SEED_GROWING, SEED_PLUG };

struct seed_claro {
    int warehouse, area, number;
    enum seed_kind kind;
    int product, pot; /* pot -1 = none */
    int plants_per_pot;
    double area_m2;
    int64_t target; /* plants at the end */
    bool flowering;
    /* state of the simulation */
    size_t period; /* index of the open period */
    size_t
        own[SEED_BATCHES_OF_PERIOD]; /* batches of the open period; [0] was opened by its count */
    size_t n_own;
    int64_t counted_at;
    /* what happened in the period, for the line */
    int64_t opening, planted, in, out, deaths, logged, adjusted;
};

struct seed_image {
    int64_t at;
    uint64_t uuid[2];
    int user;
    char sha[65];
    unsigned char png[200];
    size_t png_n;
};
struct seed_session {
    size_t image, claro;
    uint64_t uuid[2];
    int64_t at;
    int64_t detected, estimated, empties;
    double confidence;
    bool validated;
};
struct seed_period {
    size_t claro;
    int seq;
    bool closed, by_photo, closed_by_photo;
    int64_t opened_at, count, closed_at, closing_count;
    size_t session, closing_session; /* valid when by photo */
};
struct seed_batch {
    size_t period, claro;
    int64_t initial, current, empties;
    int64_t at;              /* made */
    char code[72];           /* at most 50 in truth: ids are small */
    char planted[11];        /* day, "" = unknown */
    char moved[11];          /* transplanted */
    size_t parent, previous; /* index + 1, 0 = none */
    double quality;          /* < 0 = none */
};
struct seed_movement {
    size_t batch;
    const char *type, *role, *reason;
    bool ia;
    int64_t quantity, at;
    size_t source_bin, target_bin;   /* index + 1 */
    uint64_t uuid[2], group[2];      /* group 0,0 = none */
    size_t session, recon;           /* index + 1 */
    int64_t unit_cents, total_cents; /* unit -1 = none */
    int user;
};
struct seed_recon {
    size_t period, claro, session; /* session index + 1 */
    int64_t at, expected, observed, sales, losses, surplus;
    char month[24];
    bool accepted;
};
struct seed_line {
    size_t recon, claro;
    const char *outcome;
    bool sellable;
    int64_t opening, planted, in, out, deaths, logged, adjusted, expected, observed, price_cents;
};

/* A growing array; elements are moved when it grows. */
#define SEED_LIST(type)                                                                            \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t n, capacity;                                                                        \
    }

struct seed_world {
    const struct seed_params *p;
    struct seed_rng rng;
    int64_t base[SEED_TABLE_MAX_]; /* highest id before */
    struct seed_family family[32];
    size_t n_family;
    struct seed_product product[SEED_PRODUCTS_MAX];
    size_t n_product;
    struct seed_pot pot[SEED_POTS_MAX];
    size_t n_pot;
    int n_warehouse, n_area;
    SEED_LIST(struct seed_claro) claro;
    SEED_LIST(struct seed_image) image;
    SEED_LIST(struct seed_session) session;
    SEED_LIST(struct seed_period) period;
    SEED_LIST(struct seed_batch) batch;
    SEED_LIST(struct seed_movement) movement;
    SEED_LIST(struct seed_recon) recon;
    SEED_LIST(struct seed_line) line;
};

/* Room for one more element, zeroed; NULL when out of memory. list is a SEED_LIST. */
void *seed_grow(void *at, size_t *n, size_t *capacity, size_t size);
#define SEED_ADD(list)                                                                             \
    ((list).at = seed_grow((list).at, &(list).n, &(list).capacity, sizeof(*(list).at)),            \
     (list).at ? &(list).at[(list).n - 1] : NULL)

/* Catalogue and claros, who holds how much at the end. */
DM_MUST_CHECK int seed_site(struct seed_world *w, struct dm_err *e);
/* The year. */
DM_MUST_CHECK int seed_year(struct seed_world *w, struct dm_err *e);
/* All rows into the database. */
DM_MUST_CHECK int seed_write_site(struct store_tx *tx, struct seed_world *w, struct dm_err *e);
DM_MUST_CHECK int seed_write_year(struct store_tx *tx, struct seed_world *w, struct dm_err *e);

/* Id of an element. */
static inline int64_t seed_id(const struct seed_world *w, enum seed_table t, size_t index)
{
    return w->base[t] + (int64_t)index + 1;
}

/* "00000000-0000-4000-8000-000000000000" from random bits. */
void seed_uuid_text(const uint64_t uuid[2], char ret[static STORE_UUID_SIZE]);

/* Corner of a claro, cantero or nave in metres, and size. */
struct seed_rect {
    double x, y, w, h;
};
struct seed_rect seed_rect_of_warehouse(const struct seed_world *w, int warehouse);
struct seed_rect seed_rect_of_area(const struct seed_world *w, int area);
struct seed_rect seed_rect_of_claro(const struct seed_world *w, const struct seed_claro *c);

/* Id of a reference value among rows of kind, code, id. */
int64_t seed_lookup(const struct store_table *known, const char *kind, const char *code);
/* State of the plants of a claro. */
const char *seed_state(const struct seed_claro *c);

extern const struct store_query_table seed_site_queries;
extern const struct store_query_table seed_year_queries;

/* Rows of a table, collected and written 1,000 at a time. */
struct seed_out {
    struct store_tx *tx;
    const struct store_bulk *bulk;
    size_t width;
    struct store_value *row; /* [1000][width] */
    struct dm_arena *a;      /* texts of the rows at hand */
    size_t n;
};
DM_MUST_CHECK int seed_out_begin(struct seed_out *o, struct store_tx *tx,
                                 const struct store_bulk *bulk, struct dm_arena *a,
                                 struct dm_err *e);
/* The next row to fill in. Writes when 1,000 are there. */
DM_MUST_CHECK int seed_out_row(struct seed_out *o, struct store_value **ret, struct dm_err *e);
DM_MUST_CHECK int seed_out_end(struct seed_out *o, struct dm_err *e);
/* A text in the arena of the rows at hand. */
struct store_value seed_text(struct seed_out *o, const char *text);
struct store_value seed_uuid(struct seed_out *o, const uint64_t uuid[2]);

#endif
