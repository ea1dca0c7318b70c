/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks that need more than SQL: polygons (20), bytes of files kept in the database (22), columns
 * that can hold files (25). Some 1,400 polygons are parsed, a few milliseconds. */
#include <math.h>
#include <stdarg.h>

#include "base/hash.h"
#include "geo/geo.h"
#include "inventory/verify_priv.h"

enum { WAREHOUSES, AREAS, CLAROS, BLOBS, COLUMNS };

#define GEOMETRY                                                                                   \
    "geojson, area_m2, centroid_lon, centroid_lat, bbox_min_lon, bbox_min_lat, bbox_max_lon,"      \
    " bbox_max_lat"

static const struct store_query queries[] = {
    [WAREHOUSES] = {"verify.warehouses",
                    "SELECT id, CAST(0 AS {int}), " GEOMETRY " FROM warehouses ORDER BY id", "",
                    "iijrrrrrrr", false},
    [AREAS] = {"verify.areas",
               "SELECT id, warehouse_id, " GEOMETRY " FROM storage_areas ORDER BY id", "",
               "iijrrrrrrr", false},
    [CLAROS] = {"verify.claros",
                "SELECT id, storage_area_id, " GEOMETRY " FROM storage_locations ORDER BY id", "",
                "iijrrrrrrr", false},
    [BLOBS] = {"verify.blobs",
               "SELECT id, sha256, size_bytes, data FROM image_blobs WHERE data IS NOT NULL"
               " ORDER BY id",
               "", "itix", false},
    [COLUMNS] = {"verify.columns",
                 "--@sqlite\n"
                 "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c"
                 " WHERE m.type = 'table' AND upper(c.type) = 'BLOB'"
                 "--@postgresql\n"
                 "SELECT table_name || '.' || column_name FROM information_schema.columns"
                 " WHERE table_schema = current_schema() AND data_type = 'bytea'"
                 "--@both\n"
                 " ORDER BY 1",
                 "", "t", false},
};
STORE_QUERIES(verify_deep_queries, queries);

struct place {
    int64_t id;
    struct geo_polygon polygon;
    bool valid;
};

struct level {
    size_t query;
    const char *entity;
};

DM_PRINTF(6, 7)
static int found(struct verify_run *r, int invariant, const char *check, const struct level *level,
                 int64_t id, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    const struct verify_violation v = {
        .invariant = invariant, .check = check, .entity = level->entity, .id = id, .detail = text};
    return verify_found(r, &v, NULL);
}

/* Derived numbers are written by the code that checks here: they agree to rounding. */
static bool agrees(double stored, double derived, double tolerance)
{
    return fabs(stored - derived) <= tolerance;
}

static int check_derived(struct verify_run *r, const struct level *level, const struct place *p,
                         const struct store_value *row)
{
    const struct geo_polygon *g = &p->polygon;
    const double degree = 1e-9; /* 0.1 mm */
    if (!agrees(row[3].r, g->area_m2, 1e-6 * g->area_m2)) {
        DM_TRY(found(r, 20, "geometry_area", level, p->id, "says %.3f m2, its polygon has %.3f",
                     row[3].r, g->area_m2));
    }
    if (!agrees(row[4].r, g->centroid.lon, degree) || !agrees(row[5].r, g->centroid.lat, degree)) {
        DM_TRY(found(r, 20, "geometry_centroid", level, p->id,
                     "its centroid is not that of its polygon"));
    }
    if (!agrees(row[6].r, g->box.min_lon, degree) || !agrees(row[7].r, g->box.min_lat, degree) ||
        !agrees(row[8].r, g->box.max_lon, degree) || !agrees(row[9].r, g->box.max_lat, degree)) {
        DM_TRY(found(r, 20, "geometry_box", level, p->id, "its box is not that of its polygon"));
    }
    return DM_OK;
}

static int by_id(const void *key, const void *element)
{
    const int64_t id = *(const int64_t *)key;
    const struct place *p = element;
    return (id > p->id) - (id < p->id);
}

/* Read a level of the map; parents[n_parents] are those it must lie in, by id. */
static int check_level(struct verify_run *r, const struct level *level, struct dm_arena *a,
                       const struct place *parents, size_t n_parents, struct place **ret,
                       size_t *ret_n, struct dm_err *e)
{
    struct store_table rows;
    DM_TRY(store_all(r->tx, &queries[level->query], STORE_NO_ARGS, a, &rows, e));
    struct place *place = dm_arena_calloc(a, rows.n, sizeof(*place));
    if (!place) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the map");
    }
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *row = store_row(&rows, i);
        struct place *p = &place[i];
        struct dm_err why = {0};
        p->id = row[0].i;
        const int code = geo_polygon_parse(row[2].t, row[2].n, a, &p->polygon, &why);
        if (code == DM_ENOMEM) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the map");
        }
        p->valid = code >= 0;
        if (!p->valid) {
            DM_TRY(found(r, 20, "geometry_valid", level, p->id, "%s", dm_err_text(&why)));
            continue;
        }
        DM_TRY(check_derived(r, level, p, row));
        const struct place *parent =
            n_parents ? bsearch(&row[1].i, parents, n_parents, sizeof(*parents), by_id) : NULL;
        double off = 0;
        if (parent && parent->valid &&
            geo_outside(&parent->polygon, &p->polygon, GEO_NESTING_TOLERANCE_M, &off) >= 0) {
            DM_TRY(
                found(r, 20, "geometry_nested", level, p->id, "leaves its parent by %.2f m", off));
        }
    }
    *ret = place;
    *ret_n = rows.n;
    return DM_OK;
}

static int check_map(struct verify_run *r, struct dm_err *e)
{
    static const struct level levels[] = {
        {WAREHOUSES, "warehouses"}, {AREAS, "storage_areas"}, {CLAROS, "storage_locations"}};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct place *parents = NULL;
    size_t n_parents = 0;
    r->listed = 0;
    for (size_t i = 0; i < DM_COUNT(levels); i++) {
        struct place *place = NULL;
        size_t n = 0;
        DM_TRY(check_level(r, &levels[i], &a, parents, n_parents, &place, &n, e));
        parents = place;
        n_parents = n;
    }
    return DM_OK;
}

static int check_blobs(struct verify_run *r, struct dm_err *e)
{
    static const struct level level = {BLOBS, "image_blobs"};
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    const struct store_value *row;
    r->listed = 0;
    DM_TRY(store_select(r->tx, &queries[BLOBS], STORE_NO_ARGS, &rows, e));
    for (;;) {
        const int more = store_next(rows, &row, e);
        if (more <= 0) {
            return more;
        }
        char hash[DM_SHA256_HEX_SIZE];
        dm_sha256_hex(row[3].x, row[3].n, hash);
        if (strcmp(hash, row[1].t) != 0 || (int64_t)row[3].n != row[2].i) {
            DM_TRY(found(r, 22, "blob_bytes", &level, row[0].i,
                         "its bytes are not those that were stored"));
        }
    }
}

/* Where the schema has room for bytes; anywhere else somebody has begun to keep files. */
static int check_columns(struct verify_run *r, struct dm_err *e)
{
    static const struct level level = {COLUMNS, "schema"};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct store_table rows;
    r->listed = 0;
    DM_TRY(store_all(r->tx, &queries[COLUMNS], STORE_NO_ARGS, &a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const char *name = store_row(&rows, i)[0].t;
        if (strcmp(name, "image_blobs.data") != 0 && strcmp(name, "export_files.data") != 0) {
            DM_TRY(found(r, 25, "blob_columns", &level, 0, "%s can hold files", name));
        }
    }
    return DM_OK;
}

int verify_deep(struct verify_run *r, int only, struct dm_err *e)
{
    static const struct {
        int invariant;
        int (*run)(struct verify_run *, struct dm_err *);
    } deep[] = {{20, check_map}, {22, check_blobs}, {25, check_columns}};
    for (size_t i = 0; i < DM_COUNT(deep); i++) {
        if (!only || only == deep[i].invariant) {
            DM_TRY(deep[i].run(r, e));
        }
    }
    return DM_OK;
}
