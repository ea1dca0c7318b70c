/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the demo's people, catalogue, map and configurations. */
#include <math.h>
#include <string.h>

#include "geo/geo.h"
#include "inventory/density.h"
#include "inventory/seed_priv.h"

static const struct store_bulk users = {
    "seed.users", "users", "id, email, first_name, last_name, role, password_hash", "ittttt"};
static const struct store_bulk families = {"seed.families", "product_families",
                                           "id, product_category_id, name", "iit"};
static const struct store_bulk products = {
    "seed.products", "products", "id, product_family_id, sku, common_name, growth_days", "iitti"};
static const struct store_bulk pots = {"seed.pots", "packaging_catalog",
                                       "id, packaging_type_id, packaging_material_id,"
                                       " packaging_color_id, sku, name, diameter_cm, height_cm,"
                                       " volume_liters, unit_cost_cents",
                                       "iiiittrrri"};
static const struct store_bulk prices = {"seed.prices", "price_list_items",
                                         "id, packaging_catalog_id, product_category_id, sku,"
                                         " wholesale_unit_price_cents, retail_unit_price_cents,"
                                         " units_per_box, availability, discount_percent",
                                         "iiitiiiti"};
static const struct store_bulk densities = {
    "seed.densities", "density_parameters",
    "id, storage_bin_type_id, packaging_catalog_id, avg_area_per_plant_cm2, plants_per_m2,"
    " avg_diameter_cm, sample_count",
    "iiirrri"};
#define PLACE                                                                                      \
    ", geojson, centroid_lon, centroid_lat, area_m2, bbox_min_lon, bbox_min_lat, bbox_max_lon,"    \
    " bbox_max_lat"
static const struct store_bulk warehouses = {
    "seed.warehouses", "warehouses", "id, code, name, warehouse_type" PLACE, "itttjrrrrrrr"};
static const struct store_bulk areas = {
    "seed.areas", "storage_areas", "id, warehouse_id, code, name, position" PLACE, "iitttjrrrrrrr"};
static const struct store_bulk claros = {"seed.claros", "storage_locations",
                                         "id, storage_area_id, code, qr_code, name" PLACE,
                                         "iitttjrrrrrrr"};
static const struct store_bulk bins = {
    "seed.bins", "storage_bins",
    "id, storage_location_id, storage_bin_type_id, code, category, ordinal", "iiitti"};
static const struct store_bulk configs = {
    "seed.configs", "storage_location_configs",
    "id, storage_location_id, product_id, packaging_catalog_id, expected_product_state_id,"
    " plants_per_container, area_cm2, active, valid_from, valid_to, created_by_user_id",
    "iiiiiirbTTi"};

enum { LOOKUP };
static const struct store_query queries[] = {
    [LOOKUP] = {"seed.lookup",
                "SELECT 'category', code, id FROM product_categories UNION ALL"
                " SELECT 'bin', code, id FROM storage_bin_types UNION ALL"
                " SELECT 'state', code, id FROM product_states UNION ALL"
                " SELECT 'type', code, id FROM packaging_types UNION ALL"
                " SELECT 'material', code, id FROM packaging_materials UNION ALL"
                " SELECT 'color', code, id FROM packaging_colors",
                "", "tti", false},
};
STORE_QUERIES(seed_site_queries, queries);

static const char *const category_codes[SEED_CATEGORIES] = {"CACTUS", "SUCCULENT", "GRAFTED",
                                                            "AGAVE"};

int64_t seed_lookup(const struct store_table *known, const char *kind, const char *code)
{
    for (size_t i = 0; i < known->n; i++) {
        const struct store_value *v = store_row(known, i);
        if (!strcmp(v[0].t, kind) && !strcmp(v[1].t, code)) {
            return v[2].i;
        }
    }
    return 0; /* the seeds of the schema name all of them; a foreign key says so otherwise */
}

const char *seed_state(const struct seed_claro *c)
{
    return c->kind == SEED_PLUG      ? "SEEDLING"
           : c->kind == SEED_GROWING ? "JUVENILE"
           : c->flowering            ? "FLOWERING"
                                     : "ADULT";
}

struct site {
    struct store_tx *tx;
    struct seed_world *w;
    struct store_table known;
    struct dm_arena rows; /* texts of the rows at hand */
};

static int write_people(struct site *s, struct dm_err *e)
{
    static const struct {
        const char *email, *first, *last, *role;
    } people[SEED_PEOPLE] = {
        {"ana.admin@demo.invalid", "Ana", "Rossi", "admin"},
        {"sergio.supervisor@demo.invalid", "Sergio", "Molina", "supervisor"},
        {"vera.ventas@demo.invalid", "Vera", "Quiroga", "viewer"},
        {"oscar.operario@demo.invalid", "Oscar", "Funes", "worker"},
        {"olga.operaria@demo.invalid", "Olga", "Videla", "worker"},
        {"omar.operario@demo.invalid", "Omar", "Arce", "worker"},
    };
    struct seed_out o;
    struct store_value *v;
    DM_TRY(seed_out_begin(&o, s->tx, &users, &s->rows, e));
    for (size_t i = 0; i < SEED_PEOPLE; i++) {
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(s->w, SEED_USERS, i));
        v[1] = store_t(people[i].email);
        v[2] = store_t(people[i].first);
        v[3] = store_t(people[i].last);
        v[4] = store_t(people[i].role);
        v[5] = store_t("!"); /* fits no password */
    }
    return seed_out_end(&o, e);
}

static int write_products(struct site *s, struct dm_err *e)
{
    const struct seed_world *w = s->w;
    struct seed_out o;
    struct store_value *v;
    DM_TRY(seed_out_begin(&o, s->tx, &families, &s->rows, e));
    for (size_t i = 0; i < w->n_family; i++) {
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_FAMILIES, i));
        v[1] = store_i(seed_lookup(&s->known, "category", category_codes[w->family[i].category]));
        v[2] = store_t(w->family[i].name);
    }
    DM_TRY(seed_out_end(&o, e));
    DM_TRY(seed_out_begin(&o, s->tx, &products, &s->rows, e));
    for (size_t i = 0; i < w->n_product; i++) {
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_PRODUCTS, i));
        v[1] = store_i(seed_id(w, SEED_FAMILIES, (size_t)w->product[i].family));
        v[2] = store_t(w->product[i].sku);
        v[3] = store_t(w->product[i].name);
        v[4] = store_i(w->product[i].growth_days);
    }
    return seed_out_end(&o, e);
}

static int write_pots(struct site *s, struct dm_err *e)
{
    const struct seed_world *w = s->w;
    struct seed_out o;
    struct store_value *v;
    DM_TRY(seed_out_begin(&o, s->tx, &pots, &s->rows, e));
    for (size_t i = 0; i < w->n_pot; i++) {
        const struct seed_pot *p = &w->pot[i];
        const double height = p->diameter_cm * 0.9;
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_POTS, i));
        v[1] = store_i(seed_lookup(&s->known, "type", p->type));
        v[2] = store_i(seed_lookup(&s->known, "material", "PLASTICO"));
        v[3] = store_i(seed_lookup(&s->known, "color", p->color));
        v[4] = store_t(p->sku);
        v[5] = store_t(p->name);
        v[6] = store_r(p->diameter_cm);
        v[7] = store_r(height);
        /* pi (d/2)^2 h x 0.75 / 1000, domain.md section 16 */
        v[8] = store_r(
            round(3.14159265358979 * p->diameter_cm * p->diameter_cm / 4 * height * 0.75 / 10) /
                100 +
            0.01);
        v[9] = store_i(p->price_cents[0] / 12);
    }
    return seed_out_end(&o, e);
}

static int write_prices(struct site *s, struct dm_err *e)
{
    static const char letters[SEED_CATEGORIES] = {'C', 'S', 'I', 'A'};
    const struct seed_world *w = s->w;
    struct seed_out o;
    struct store_value *v;
    size_t n = 0;
    DM_TRY(seed_out_begin(&o, s->tx, &prices, &s->rows, e));
    for (size_t i = 0; i < w->n_pot; i++) {
        for (int c = 0; c < SEED_CATEGORIES; c++) {
            const int64_t cents = w->pot[i].price_cents[c];
            if (!cents) {
                continue;
            }
            char sku[64];
            (void)snprintf(sku, sizeof(sku), "%c %.5s %c-%zu", letters[c], w->pot[i].sku,
                           w->pot[i].color[0], n + 1);
            DM_TRY(seed_out_row(&o, &v, e));
            v[0] = store_i(seed_id(w, SEED_PRICES, n++));
            v[1] = store_i(seed_id(w, SEED_POTS, i));
            v[2] = store_i(seed_lookup(&s->known, "category", category_codes[c]));
            v[3] = seed_text(&o, sku);
            v[4] = store_i(cents);
            v[5] = c == 0 ? store_i(cents * 18 / 10) : store_null();
            v[6] = store_i(w->pot[i].diameter_cm < 8 ? 54 : 24);
            v[7] = store_t("available");
            v[8] = store_i(0);
        }
    }
    return seed_out_end(&o, e);
}

static int write_densities(struct site *s, struct dm_err *e)
{
    const struct seed_world *w = s->w;
    struct seed_out o;
    struct store_value *v;
    DM_TRY(seed_out_begin(&o, s->tx, &densities, &s->rows, e));
    for (size_t i = 0; i <= w->n_pot; i++) { /* the last one: plugs, without a pot */
        const bool plug = i == w->n_pot;
        const double d = plug ? 2.6 : w->pot[i].diameter_cm;
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_DENSITIES, i));
        v[1] = store_i(seed_lookup(&s->known, "bin", plug ? "PLUG_TRAY_288" : "SEGMENT_STANDARD"));
        v[2] = plug ? store_null() : store_i(seed_id(w, SEED_POTS, i));
        v[3] = store_r(d * d);
        v[4] = store_r(density_per_m2(d * d));
        v[5] = store_r(density_diameter_cm(d * d));
        v[6] = store_i(12);
    }
    return seed_out_end(&o, e);
}

/* Geometry of a rectangle, into 8 values. The corner of the nursery lies in Mendoza. */
static int place(struct seed_out *o, struct store_value *v, struct seed_rect r, struct dm_err *e)
{
    const double lat0 = -33.0;
    const double lat_m = 110900.0;
    const double lon_m = lat_m * cos(lat0 * 3.14159265358979 / 180.0);
    const double corner[5][2] = {
        {r.x, r.y}, {r.x + r.w, r.y}, {r.x + r.w, r.y + r.h}, {r.x, r.y + r.h}, {r.x, r.y}};
    struct geo_point ring[5];
    struct geo_polygon g;
    for (size_t i = 0; i < DM_COUNT(ring); i++) {
        ring[i] = (struct geo_point){-68.5 + corner[i][0] / lon_m, lat0 + corner[i][1] / lat_m};
    }
    DM_TRY(geo_polygon_of_ring(ring, DM_COUNT(ring), o->a, &g, e));
    v[0] = store_j(geo_polygon_print(&g, o->a));
    v[1] = store_r(g.centroid.lon);
    v[2] = store_r(g.centroid.lat);
    v[3] = store_r(g.area_m2);
    v[4] = store_r(g.box.min_lon);
    v[5] = store_r(g.box.min_lat);
    v[6] = store_r(g.box.max_lon);
    v[7] = store_r(g.box.max_lat);
    return DM_OK;
}

static int write_naves(struct site *s, struct dm_err *e)
{
    static const char *const types[] = {"greenhouse", "greenhouse", "greenhouse", "shadehouse",
                                        "greenhouse", "tunnel",     "greenhouse", "open_field"};
    const struct seed_world *w = s->w;
    struct seed_out o;
    struct store_value *v;
    char text[64];
    DM_TRY(seed_out_begin(&o, s->tx, &warehouses, &s->rows, e));
    for (int i = 0; i < w->n_warehouse; i++) {
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_WAREHOUSES, (size_t)i));
        (void)snprintf(text, sizeof(text), "NAVE%02d", i + 1);
        v[1] = seed_text(&o, text);
        (void)snprintf(text, sizeof(text), "Nave %d", i + 1);
        v[2] = seed_text(&o, text);
        v[3] = store_t(types[(size_t)i % DM_COUNT(types)]);
        DM_TRY(place(&o, v + 4, seed_rect_of_warehouse(w, i), e));
    }
    DM_TRY(seed_out_end(&o, e));
    DM_TRY(seed_out_begin(&o, s->tx, &areas, &s->rows, e));
    for (int i = 0; i < w->n_area; i++) {
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_AREAS, (size_t)i));
        v[1] = store_i(seed_id(w, SEED_WAREHOUSES, (size_t)i / 2));
        (void)snprintf(text, sizeof(text), "NAVE%02d-%c", i / 2 + 1, i % 2 ? 'S' : 'N');
        v[2] = seed_text(&o, text);
        v[3] = store_t(i % 2 ? "Cantero Sur" : "Cantero Norte");
        v[4] = store_t(i % 2 ? "S" : "N");
        DM_TRY(place(&o, v + 5, seed_rect_of_area(w, i), e));
    }
    return seed_out_end(&o, e);
}

static void claro_code(const struct seed_claro *c, char ret[static 40])
{
    (void)snprintf(ret, 40, "NAVE%02d-%c-C%02d", (c->warehouse + 1) % 10000,
                   c->area % 2 ? 'S' : 'N', c->number % 10000);
}

static int write_claros(struct site *s, struct dm_err *e)
{
    const struct seed_world *w = s->w;
    struct seed_out o;
    struct store_value *v;
    char text[64];
    DM_TRY(seed_out_begin(&o, s->tx, &claros, &s->rows, e));
    for (size_t i = 0; i < w->claro.n; i++) {
        const struct seed_claro *c = &w->claro.at[i];
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_CLAROS, i));
        v[1] = store_i(seed_id(w, SEED_AREAS, (size_t)c->area));
        claro_code(c, text);
        v[2] = seed_text(&o, text);
        (void)snprintf(text, sizeof(text), "LOC%06zu", i + 1);
        v[3] = seed_text(&o, text);
        (void)snprintf(text, sizeof(text), "Claro %d", c->number);
        v[4] = seed_text(&o, text);
        DM_TRY(place(&o, v + 5, seed_rect_of_claro(w, c), e));
    }
    DM_TRY(seed_out_end(&o, e));
    DM_TRY(seed_out_begin(&o, s->tx, &bins, &s->rows, e));
    for (size_t i = 0; i < w->claro.n; i++) {
        const struct seed_claro *c = &w->claro.at[i];
        const bool plug = c->kind == SEED_PLUG;
        char code[40];
        claro_code(c, code);
        DM_TRY(seed_out_row(&o, &v, e));
        v[0] = store_i(seed_id(w, SEED_BINS, i));
        v[1] = store_i(seed_id(w, SEED_CLAROS, i));
        v[2] = store_i(seed_lookup(&s->known, "bin", plug ? "PLUG_TRAY_288" : "SEGMENT_STANDARD"));
        (void)snprintf(text, sizeof(text), "%s-%s001", code, plug ? "PLU" : "SEG");
        v[3] = seed_text(&o, text);
        v[4] = store_t(plug ? "plug" : "segment");
        v[5] = store_i(1);
    }
    return seed_out_end(&o, e);
}

/* One claro in seven held another crop before the year began. */
static int write_configs(struct site *s, struct dm_err *e)
{
    struct seed_world *w = s->w;
    const int64_t day = INT64_C(86400000);
    struct seed_out o;
    struct store_value *v;
    size_t n =
        w->claro.n; /* earlier rows come after the current ones, whose ids follow the claro */
    DM_TRY(seed_out_begin(&o, s->tx, &configs, &s->rows, e));
    for (size_t i = 0; i < w->claro.n; i++) {
        const struct seed_claro *c = &w->claro.at[i];
        const int64_t from = w->p->until_ms - (460 + (int64_t)(i % 40)) * day -
                             (int64_t)(w->p->months > 12 ? w->p->months - 12 : 0) * 31 * day;
        for (int earlier = 0; earlier <= (i % 7 == 0); earlier++) {
            DM_TRY(seed_out_row(&o, &v, e));
            v[0] = store_i(seed_id(w, SEED_CONFIGS, earlier ? n++ : i));
            v[1] = store_i(seed_id(w, SEED_CLAROS, i));
            v[2] = store_i(
                seed_id(w, SEED_PRODUCTS, ((size_t)c->product + (size_t)earlier) % w->n_product));
            v[3] = c->pot < 0 ? store_null() : store_i(seed_id(w, SEED_POTS, (size_t)c->pot));
            v[4] = store_i(seed_lookup(&s->known, "state", seed_state(c)));
            v[5] = store_i(c->plants_per_pot);
            v[6] = store_r(c->area_m2 * 10000);
            v[7] = store_b(!earlier);
            v[8] = store_at(earlier ? from - 200 * day : from);
            v[9] = earlier ? store_at(from) : store_null();
            v[10] = store_i(seed_id(w, SEED_USERS, 1));
        }
    }
    return seed_out_end(&o, e);
}

int seed_write_site(struct store_tx *tx, struct seed_world *w, struct dm_err *e)
{
    static int (*const steps[])(struct site *, struct dm_err *) = {
        write_people, write_products, write_pots,      write_prices,
        write_naves,  write_claros,   write_densities, write_configs,
    };
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct site s = {.tx = tx, .w = w};
    DM_TRY(store_all(tx, &queries[LOOKUP], STORE_NO_ARGS, &a, &s.known, e));
    int code = DM_OK;
    for (size_t i = 0; code >= 0 && i < DM_COUNT(steps); i++) {
        code = steps[i](&s, e);
    }
    dm_arena_clear(&s.rows);
    return code;
}
