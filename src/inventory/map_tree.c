/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole map as one tree of naves, canteros and claros, as every screen asks for it (api.md 5.9,
 * R49): one query for each level, figures of map_claros, matched by id. */
#include <string.h>

#include "inventory/json.h"
#include "inventory/map.h"

enum { WAREHOUSES, AREAS, LOCATIONS };

static const struct store_query queries[] = {
    [WAREHOUSES] = {"map.warehouses",
                    "SELECT id, code, name, warehouse_type, geojson, centroid_lon, centroid_lat,"
                    " area_m2 FROM warehouses WHERE active AND (?1 IS NULL OR id = ?1)"
                    " AND bbox_max_lon >= ?2 AND bbox_max_lat >= ?3 AND bbox_min_lon <= ?4"
                    " AND bbox_min_lat <= ?5 ORDER BY code",
                    "irrrr", "itttjrrr", false},
    [AREAS] = {"map.areas",
               "SELECT id, warehouse_id, code, name, position, geojson, area_m2 FROM"
               " storage_areas WHERE active AND (?1 IS NULL OR warehouse_id = ?1) ORDER BY code",
               "i", "iitttjr", false},
    [LOCATIONS] =
        {"map.locations",
         "SELECT l.id, l.storage_area_id, l.centroid_lon, l.centroid_lat, CASE WHEN ?2 THEN"
         " l.geojson END, s.status, s.captured_at, coalesce(s.category_counts -> 'by_category', "
         "'{}'), i.uuid,"
         " (SELECT q.name FROM stock_batches b JOIN storage_bins k ON k.id = b.storage_bin_id"
         " JOIN packaging_catalog q ON q.id = b.packaging_catalog_id WHERE"
         " k.storage_location_id = l.id AND b.status = 'active' GROUP BY q.name"
         " ORDER BY SUM(b.quantity_current) DESC, q.name LIMIT 1)"
         " FROM storage_locations l JOIN storage_areas a ON a.id = l.storage_area_id"
         " LEFT JOIN photo_processing_sessions s ON s.id = l.latest_session_id"
         " LEFT JOIN images i ON i.id = s.image_id AND i.deleted_at IS NULL"
         " WHERE l.active AND a.active AND (?1 IS NULL OR a.warehouse_id = ?1) ORDER BY l.id",
         "ib", "iirrjtTjut", false},
};
STORE_QUERIES(map_tree_queries, queries);

/* A nave while its claros are added: its objects, and sums. */
struct nave {
    int64_t id;
    json_t *areas; /* borrowed */
    json_t *out;
    int64_t canteros, claros, errors, plants, last_photo;
};

struct tree {
    const struct inv_ctx *c;
    struct dm_arena *a;
    struct nave *nave; /* [n_nave] */
    size_t n_nave;
    const struct map_claro *claro; /* [n_claro] by code */
    size_t n_claro;
    const struct map_claro **by_id;
    json_t *out;
    int64_t areas, locations;
};

static int full(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for the map");
}

static int by_id(const void *x, const void *y)
{
    const struct map_claro *const *p = x;
    const struct map_claro *const *q = y;
    return ((*p)->id > (*q)->id) - ((*p)->id < (*q)->id);
}

static const struct map_claro *claro_of(const struct tree *t, int64_t id)
{
    const struct map_claro key = {.id = id};
    const struct map_claro *k = &key;
    const struct map_claro *const *found =
        t->n_claro ? bsearch(&k, t->by_id, t->n_claro, sizeof(const struct map_claro *), by_id)
                   : NULL;
    return found ? *found : NULL;
}

static json_t *point(const struct store_value *v)
{
    return json_pack("{s:s, s:[f, f]}", "type", "Point", "coordinates", v[0].r, v[1].r);
}

static int read_naves(struct tree *t, struct store_tx *tx, int64_t warehouse_id,
                      const struct map_box *box, struct dm_err *e)
{
    struct store_table rows;
    DM_TRY(
        store_all(tx, &queries[WAREHOUSES],
                  STORE_ARGS(store_ref(warehouse_id), store_r(box->min_lon), store_r(box->min_lat),
                             store_r(box->max_lon), store_r(box->max_lat)),
                  t->a, &rows, e));
    t->nave = dm_arena_calloc(t->a, rows.n, sizeof(*t->nave));
    if (!t->nave) {
        return full(e);
    }
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        json_t *areas = json_array();
        json_t *out = json_pack(
            "{s:I, s:s, s:s, s:o, s:s, s:o, s:o, s:f}", "warehouse_id", (json_int_t)v[0].i, "code",
            v[1].t, "name", v[2].t, "storage_areas", areas, "warehouse_type", v[3].t, "geojson",
            inv_json_of_value(&v[4]), "centroid", point(&v[5]), "area_m2", v[7].r);
        if (json_array_append_new(json_object_get(t->out, "warehouses"), out)) {
            return full(e);
        }
        t->nave[t->n_nave++] = (struct nave){.id = v[0].i, .areas = areas, .out = out};
    }
    return DM_OK;
}

static struct nave *nave_of(struct tree *t, int64_t id)
{
    for (size_t i = 0; i < t->n_nave; i++) {
        if (t->nave[i].id == id) {
            return &t->nave[i];
        }
    }
    return NULL;
}

/* A cantero and where its claros go; by id of the table. */
struct cantero {
    int64_t id;
    struct nave *nave;
    json_t *locations;
};

static int read_canteros(struct tree *t, struct store_tx *tx, int64_t warehouse_id,
                         struct cantero **ret, size_t *ret_n, struct dm_err *e)
{
    struct store_table rows;
    DM_TRY(store_all(tx, &queries[AREAS], STORE_ARGS(store_ref(warehouse_id)), t->a, &rows, e));
    struct cantero *list = dm_arena_calloc(t->a, rows.n, sizeof(*list));
    if (!list) {
        return full(e);
    }
    *ret_n = 0;
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        struct nave *nave = nave_of(t, v[1].i);
        if (!nave) {
            continue;
        }
        json_t *locations = json_array();
        json_t *area = json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:f}", "storage_area_id",
                                 (json_int_t)v[0].i, "code", v[2].t, "name", v[3].t, "position",
                                 inv_json_of_value(&v[4]), "locations", locations, "geojson",
                                 inv_json_of_value(&v[5]), "area_m2", v[6].r);
        if (json_array_append_new(nave->areas, area)) {
            return full(e);
        }
        nave->canteros++;
        t->areas++;
        list[(*ret_n)++] = (struct cantero){v[0].i, nave, locations};
    }
    *ret = list;
    return DM_OK;
}

static json_t *thumbnail(const struct store_value *uuid)
{
    return uuid->null ? json_null() : json_sprintf("/api/v1/photos/%s/thumbnail", uuid->t);
}

static json_t *instant(int64_t ms)
{
    const struct store_value v = store_at(ms);
    return ms ? inv_json_of_value(&v) : json_null();
}

/* v: the row of LOCATIONS. */
static json_t *preview(const struct tree *t, const struct map_claro *m, const struct store_value *v)
{
    const bool money = inv_grant_of(t->c->role, INV_DO_SEE_PRICES) != INV_GRANT_NO;
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "current_quantity",
                     (json_int_t)m->plants, "previous_quantity",
                     m->has_change ? json_integer(m->opening_count - m->change) : json_null(),
                     "quantity_change", m->has_change ? json_integer(m->change) : json_null(),
                     "last_photo_date", instant(m->last_photo_at), "last_photo_thumbnail_url",
                     thumbnail(&v[8]), "status", inv_json_of_value(&v[5]), "quality_score",
                     m->quality >= 0 ? json_real(m->quality) : json_null(), "current_value",
                     money ? json_integer(m->value_cents) : json_null(), "potential_value",
                     money ? json_integer(m->potential_cents) : json_null(), "packaging_primary",
                     inv_json_of_value(&v[9]), "category_counts", inv_json_of_value(&v[7]));
}

static int add_claro(struct tree *t, struct cantero *cantero, const struct store_value *v,
                     bool polygons, struct dm_err *e)
{
    const struct map_claro *m = claro_of(t, v[0].i);
    struct nave *nave = cantero->nave;
    if (!m) {
        return DM_OK; /* made since the figures were read: the next answer has it */
    }
    json_t *out =
        json_pack("{s:I, s:s, s:s, s:o, s:o}", "location_id", (json_int_t)m->id, "code", m->code,
                  "name", m->name, "preview", preview(t, m, v), "centroid", point(&v[2]));
    if (json_array_append_new(cantero->locations, out)) {
        return full(e);
    }
    nave->claros++;
    nave->errors += m->open_photos;
    nave->plants += m->plants;
    nave->last_photo = DM_MAX(nave->last_photo, m->last_photo_at);
    t->locations++;
    return polygons ? inv_json_set(out, "polygon", inv_json_of_value(&v[4]), e) : DM_OK;
}

static int read_claros(struct tree *t, struct store_tx *tx, int64_t warehouse_id, bool polygons,
                       struct cantero *cantero, size_t n, struct dm_err *e)
{
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    const struct store_value *v;
    int more;
    DM_TRY(store_select(tx, &queries[LOCATIONS],
                        STORE_ARGS(store_ref(warehouse_id), store_b(polygons)), &rows, e));
    while ((more = store_next(rows, &v, e)) > 0) {
        size_t i = 0;
        while (i < n && cantero[i].id != v[1].i) {
            i++;
        }
        DM_TRY(i < n ? add_claro(t, &cantero[i], v, polygons, e) : DM_OK);
    }
    return more;
}

static int finish(struct tree *t, struct dm_err *e)
{
    for (size_t i = 0; i < t->n_nave; i++) {
        const struct nave *w = &t->nave[i];
        DM_TRY(inv_json_set(w->out, "metrics",
                            json_pack("{s:I, s:I, s:I, s:I, s:o}", "naves_count",
                                      (json_int_t)w->canteros, "claros_count",
                                      (json_int_t)w->claros, "errors_count", (json_int_t)w->errors,
                                      "total_plants", (json_int_t)w->plants, "last_photo_date",
                                      instant(w->last_photo)),
                            e));
    }
    return inv_json_set(t->out, "metadata",
                        json_pack("{s:I, s:I, s:I, s:o, s:i}", "total_warehouses",
                                  (json_int_t)t->n_nave, "total_storage_areas",
                                  (json_int_t)t->areas, "total_storage_locations",
                                  (json_int_t)t->locations, "cache_timestamp",
                                  instant(t->c->now_ms), "refresh_interval_minutes", 10),
                        e);
}

int map_tree(const struct inv_ctx *c, int64_t warehouse_id, const struct map_box *box,
             bool polygons, json_t **ret, struct dm_err *e)
{
    static const struct map_box everywhere = {-180, -90, 180, 90};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = json_pack("{s:[]}", "warehouses");
    struct tree t = {.c = c, .a = &a, .out = out};
    struct cantero *cantero = NULL;
    size_t n = 0;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(map_claros_in(tx, c, warehouse_id, false, &a, &t.claro, &t.n_claro, e));
    t.by_id = dm_arena_calloc(&a, t.n_claro, sizeof(const struct map_claro *));
    if (!t.by_id || !out) {
        return full(e);
    }
    for (size_t i = 0; i < t.n_claro; i++) {
        t.by_id[i] = &t.claro[i];
    }
    if (t.n_claro) {
        qsort(t.by_id, t.n_claro, sizeof(const struct map_claro *), by_id);
    }
    DM_TRY(read_naves(&t, tx, warehouse_id, box ? box : &everywhere, e));
    DM_TRY(read_canteros(&t, tx, warehouse_id, &cantero, &n, e));
    DM_TRY(read_claros(&t, tx, warehouse_id, polygons, cantero, n, e));
    DM_TRY(finish(&t, e));
    *ret = DM_STEAL(out);
    return DM_OK;
}
