/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading files over HTTP. */
#include <stdlib.h>
#include <string.h>

#include "support/api_steps.h"

#define I "/api/v1/imports"

static const char map[] =
    "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"properties\":{"
    "\"name\":\"Nave 7\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[-68.5,-33.0],"
    "[-68.499,-33.0],[-68.499,-32.999],[-68.5,-32.999],[-68.5,-33.0]]]}},"
    "{\"type\":\"Feature\",\"properties\":{\"name\":\"Nave 8\"},\"geometry\":{\"type\":\"Point\","
    "\"coordinates\":[-68.5,-33.0]}}]}";
static const char products[] = "category,family,common_name\nCACTUS,Rebutia,Rebutia minuscula\n";

/* A form with a file and fields; want is looked at; the reply is the caller's. */
static json_t *post(struct api_rig *g, const char *path, int status, const char *text,
                    const char *const field[][2])
{
    struct test_part part[6] = {{"file", "load.txt", "text/plain", text, text ? strlen(text) : 0}};
    size_t n = text ? 1 : 0;
    for (size_t i = 0; field[i][0]; i++) {
        part[n++] = (struct test_part){.name = field[i][0], .bytes = field[i][1]};
    }
    part[n] = (struct test_part){0};
    const struct test_ask ask = {.method = "POST", .path = path, .part = part};
    struct test_reply r = test_call(g->client, &ask);
    if (r.status != status) {
        fail_msg("%s: %d instead of %d: %s", path, r.status, status, r.body);
    }
    json_t *json = json_incref(r.json);
    test_reply_clear(&r);
    return json;
}

static int64_t number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static void maps_are_loaded(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static const struct api_step after[] = {
        {INV_ADMIN, "GET", I "?kind=map", NULL, 200,
         "{'items':[{'import_id':'$i','kind':'map','created':1,'undone_at':null}],"
         "'pagination':{'total_items':1}}"},
        {INV_ADMIN, "GET", I "/$i", NULL, 200,
         "{'created':1,'failed':1,'rows':[{'action':'error','line':2}]}"},
        {INV_ADMIN, "GET", I "/00000000-0000-4000-8000-000000000099", NULL, 404},
        {INV_VIEWER, "GET", "/api/v1/locations/warehouses", NULL, 200, "[{'code':'NAVE07'}]"},
        {INV_ADMIN, "POST", I "/$i/undo", NULL, 200, "{'undone_rows':1}"},
        {INV_ADMIN, "POST", I "/$i/undo", NULL, 409},
        {INV_ADMIN, "POST", I "/00000000-0000-4000-8000-000000000099/undo", NULL, 404},
        {INV_VIEWER, "GET", "/api/v1/locations/warehouses", NULL, 200, "[]"},
        {INV_SUPERVISOR, "GET", I, NULL, 403},
    };
    api_rig_as(g, INV_ADMIN);
    json_t *o = post(g, I "/geojson", 200, map,
                     (const char *const[][2]){{"level", "auto"}, {"dry_run", "yes"}, {NULL}});
    assert_int_equal(number(o, "created"), 1);
    json_decref(o);
    o = post(g, I "/geojson", 200, map, (const char *const[][2]){{"level", "warehouse"}, {NULL}});
    assert_int_equal(number(o, "total"), 2);
    assert_int_equal(number(o, "failed"), 1);
    api_remember(&k, 'i', json_string_value(json_object_get(o, "import_id")));
    json_decref(o);
    json_decref(post(g, I "/geojson", 400,
                     "{\"type\":", (const char *const[][2]){{"level", "auto"}, {NULL}}));
    json_decref(
        post(g, I "/geojson", 422, map, (const char *const[][2]){{"level", "row"}, {NULL}}));
    json_decref(
        post(g, I "/geojson", 422, NULL, (const char *const[][2]){{"level", "auto"}, {NULL}}));
    api_run_steps(g, &k, after, DM_COUNT(after));
    json_decref(
        post(g, I "/geojson", 403, map, (const char *const[][2]){{"level", "auto"}, {NULL}}));
    api_kept_clear(&k);
}

static void tables_are_loaded(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static const struct api_step after[] = {
        {INV_ADMIN, "GET", I "/templates/price_list.csv", NULL, 200, NULL, NULL, NULL,
         "Content-Disposition"},
        {INV_ADMIN, "GET", I "/templates/products.csv", NULL, 200},
        {INV_ADMIN, "GET", I "/templates/plants.csv", NULL, 422},
        {INV_VIEWER, "GET", "/api/v1/products?q=rebutia", NULL, 200,
         "[{'common_name':'Rebutia minuscula'}]"},
    };
    api_rig_as(g, INV_ADMIN);
    json_t *o = post(g, I "/csv", 200, products,
                     (const char *const[][2]){{"kind", "products"}, {"mode", "upsert"}, {NULL}});
    assert_int_equal(number(o, "created"), 1);
    json_decref(o);
    o = post(g, I "/csv", 200, products, (const char *const[][2]){{"kind", "products"}, {NULL}});
    assert_int_equal(number(o, "skipped"), 1);
    json_decref(o);
    json_decref(
        post(g, I "/csv", 400, "a,b\n1,2\n", (const char *const[][2]){{"kind", "stock"}, {NULL}}));
    json_decref(post(g, I "/csv", 422, products,
                     (const char *const[][2]){{"kind", "products"}, {"mapping", "[]"}, {NULL}}));
    o = post(g, I "/csv", 200, "category;familia_x;common_name\nCACTUS;Rebutia;R. heliosa\n",
             (const char *const[][2]){{"kind", "products"},
                                      {"delimiter", ";"},
                                      {"encoding", "utf-8"},
                                      {"mapping", "{\"familia_x\":\"family\"}"},
                                      {NULL}});
    assert_int_equal(number(o, "created"), 1);
    json_decref(o);
    json_decref(
        post(g, I "/csv", 422, "a,b\n1,2\n", (const char *const[][2]){{"kind", "plants"}, {NULL}}));
    api_run_steps(g, &k, after, DM_COUNT(after));
    api_kept_clear(&k);
}

/* What the templates hold can be read: each has a header that its kind knows and one row. */
static void templates_are_good(void **state)
{
    struct api_rig *g = *state;
    static const char *const kind[] = {"price_list", "product_categories", "product_families",
                                       "products",   "packaging",          "density_params",
                                       "stock",      "locations"};
    api_rig_as(g, INV_ADMIN);
    for (size_t i = 0; i < DM_COUNT(kind); i++) {
        char path[80];
        (void)snprintf(path, sizeof(path), I "/templates/%s.csv", kind[i]);
        struct test_reply r =
            test_call(g->client, &(struct test_ask){.method = "GET", .path = path});
        assert_int_equal(r.status, 200);
        json_t *o = post(g, I "/csv", 200, r.body,
                         (const char *const[][2]){{"kind", kind[i]}, {"dry_run", "1"}, {NULL}});
        assert_int_equal(number(o, "total"), 1);
        json_decref(o);
        test_reply_clear(&r);
    }
}

/* One byte more than a file may have is not read. */
static void large_files_are_refused(void **state)
{
    struct api_rig *g = *state;
    const size_t n = (size_t)52 << 20;
    char *large = malloc(n + 1);
    assert_non_null(large);
    memset(large, 'x', n);
    large[n] = 0;
    api_rig_as(g, INV_ADMIN);
    json_decref(
        post(g, I "/csv", 413, large, (const char *const[][2]){{"kind", "products"}, {NULL}}));
    json_decref(
        post(g, I "/geojson", 413, large, (const char *const[][2]){{"level", "auto"}, {NULL}}));
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(maps_are_loaded),
        API_TEST(tables_are_loaded),
        API_TEST(templates_are_good),
        API_TEST_SQLITE(large_files_are_refused),
    };
    return api_rig_main(tests);
}
