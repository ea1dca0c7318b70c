/* SPDX-License-Identifier: Apache-2.0
 *
 * The document: every route is in it, references lead somewhere, names are unique, and what the
 * tables say is what it says. */
#include <stdlib.h>
#include <string.h>

#include "http/http.h"
#include "http/problem.h"
#include "support/http_client.h"
#include "support/testing.h"

/* ---- tables ---------------------------------------------------------------------------------- */

static const struct http_field point_fields[] = {
    {"longitude", HTTP_NUM, HTTP_REQ, .min = -180, .max = 180},
    {"latitude", HTTP_NUM, HTTP_REQ, .min = -90, .max = 90},
    {NULL},
};
static const struct http_schema Point = {"Point", point_fields};
static const struct http_field base_fields[] = {{"id", HTTP_INT, .example = "7"}, {NULL}};
static const struct http_schema Base = {"Base", base_fields};
static const struct http_field plant_fields[] = {
    {"kind", HTTP_STR, HTTP_NULL, .one_of = "pot|tray"},
    {"where", HTTP_OBJ, HTTP_NULL, .of = &Point},
    {"counts", HTTP_MAP},
    {"tags", HTTP_STR, HTTP_LIST | HTTP_OPT},
    {NULL},
};
static const struct http_schema Plant = {"Plant", plant_fields, &Base};
static const struct http_field new_fields[] = {
    {"code", HTTP_STR, HTTP_REQ | HTTP_UPPER, .min = 3, .max = 50, .pattern = "[A-Z0-9_]+"},
    {"size", HTTP_INT, HTTP_ABOVE, .min = 0, .fallback = "3", .about = "in plants"},
    {"where", HTTP_OBJ, HTTP_REQ, .of = &Point},
    {"password", HTTP_STR, HTTP_REQ | HTTP_SECRET | HTTP_WRITE_ONLY, .min = 12},
    {NULL},
};
static const struct http_schema NewPlant = {"NewPlant", new_fields};
static const struct http_field query[] = {{"ids", HTTP_INT, HTTP_LIST, .min = 1, .items_max = 5},
                                          {"limit", HTTP_INT, .min = 1, .max = 9},
                                          {NULL}};
static const struct http_field form[] = {{"file", HTTP_FILE, HTTP_REQ}, {"note", HTTP_STR}, {NULL}};
static const struct http_field sku[] = {{"sku", HTTP_STR, .min = 1, .max = 20}, {NULL}};

static int nothing(struct http_request *r, struct dm_err *e)
{
    return http_reply_empty(r, 204, e);
}

enum { ANYBODY, ADMIN };

// clang-format off
static const struct http_route plants[] = {
    {HTTP_GET, "/plants/", "plants", "plants", "All", ADMIN, HTTP_OFFSET, .query = query, .answer = {{200, &Plant, true}},
     .handle = nothing},
    {HTTP_POST, "/plants/", "plant_add", "plants", "One more", ADMIN, HTTP_IDEMPOTENT, .body = &NewPlant,
     .answer = {{201, &Plant}}, .errors = "404 409", .handle = nothing},
    {HTTP_GET, "/plants/{plant_id}/by/{sku}", "plant", "plants", "One", ANYBODY, HTTP_ETAG, .params = sku,
     .answer = {{200, &Plant}}, .errors = "404", .handle = nothing},
    {HTTP_PUT | HTTP_PATCH, "/plants/{plant_id}", "plant_edit", "plants", "Other", ADMIN, HTTP_IF_MATCH | HTTP_BODY_OPTIONAL,
     .body = &NewPlant, .answer = {{200, &Plant}}, .handle = nothing},
    {HTTP_POST, "/photos", "photo", "photos", "A photograph", ADMIN, .form = form, .answer = {{202, &Plant}, {207, &Plant}},
     .handle = nothing},
    {HTTP_GET, "/photos/{photo_id}/file", "file", "photos", "Its bytes", ADMIN, HTTP_OPEN_REPLY,
     .answer = {{200, .type = "image/jpeg"}, {302}}, .handle = nothing},
    {HTTP_GET, "/old", "old", "photos", "Alias", ADMIN, HTTP_HIDDEN, .answer = {{204}}, .handle = nothing},
    {0},
};
// clang-format on
static const struct http_route *const tables[] = {plants, http_docs_routes, NULL};

static const char *role_name(int role)
{
    return role == ADMIN ? "admin" : NULL;
}

static void classify(int code, const char **ret_class, const char **ret_rule)
{
    *ret_class = code == DM_ENOTFOUND ? "NotFoundException" : NULL;
    *ret_rule = code == DM_ECONFLICT ? "HAS_STOCK" : NULL;
}

static const int codes[] = {DM_ENOTFOUND, DM_ECONFLICT, 0};
static const struct http_app app = {.tables = tables,
                                    .title = "Plants",
                                    .version = "2.0.0",
                                    .codes = codes,
                                    .role_name = role_name,
                                    .classify = classify};

/* ---- reading the document -------------------------------------------------------------------- */

static json_t *doc;

static int read_document(void **state)
{
    (void)state;
    http_setup();
    doc = http_openapi(&app);
    return doc ? 0 : -1;
}

static int drop_document(void **state)
{
    (void)state;
    json_decref(doc);
    return 0;
}

/* The value at "a|b|0"; a name may hold slashes. */
static json_t *at(const char *path)
{
    json_t *v = doc;
    char copy[256];
    char *rest = copy;
    (void)snprintf(copy, sizeof(copy), "%s", path);
    for (char *name; v && (name = strsep(&rest, "|"));) {
        v = json_is_array(v) ? json_array_get(v, strtoul(name, NULL, 10))
                             : json_object_get(v, name);
    }
    return v;
}

static void assert_at(const char *path, const char *text)
{
    json_error_t error;
    json_t *wanted = json_loads(text, JSON_DECODE_ANY, &error);
    json_t *found = at(path);
    if (!wanted || !found || !json_equal(wanted, found)) {
        char *shown = found ? json_dumps(found, JSON_ENCODE_ANY) : NULL;
        fail_msg("%s is %s, wanted %s", path, shown ? shown : "absent", text);
    }
    json_decref(wanted);
}

static void follow_references(json_t *v)
{
    const char *key;
    json_t *member;
    size_t i;
    const char *ref = json_string_value(json_object_get(v, "$ref"));
    if (ref) {
        char path[128];
        (void)snprintf(path, sizeof(path), "%s", ref + 2);
        for (char *c = path; *c; c++) {
            *c = (char)(*c == '/' ? '|' : *c);
        }
        if (strncmp(ref, "#/", 2) != 0 || !at(path)) {
            fail_msg("%s leads nowhere", ref);
        }
    }
    json_object_foreach(v, key, member)
    {
        follow_references(member);
    }
    json_array_foreach(v, i, member)
    {
        follow_references(member);
    }
}

static void test_every_route_once(void **state)
{
    (void)state;
    const struct http_route *r;
    json_t *ids = json_object();
    const char *path;
    json_t *item;
    size_t shown = 0;
    size_t operations = 0;
    for (size_t i = 0; (r = http_each_route(&app, &i));) {
        shown += r->flags & HTTP_HIDDEN ? 0 : (size_t)__builtin_popcount(r->methods);
    }
    json_object_foreach(at("paths"), path, item)
    {
        const char *method;
        json_t *op;
        json_object_foreach(item, method, op)
        {
            const char *id = json_string_value(json_object_get(op, "operationId"));
            assert_non_null(id);
            assert_null(json_object_get(ids, id));
            json_object_set_new(ids, id, json_true());
            assert_non_null(json_object_get(json_object_get(op, "responses"), "500"));
            operations++;
        }
    }
    assert_int_equal(operations, shown);
    json_decref(ids);
    follow_references(doc);
}

static void test_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *path, *text;
    } rows[] = {
        {"openapi", "\"3.1.0\""},
        {"info|title", "\"Plants\""},
        {"tags", "[{\"name\":\"plants\"},{\"name\":\"photos\"},{\"name\":\"documentation\"}]"},
        {"components|schemas|Plant|required", "[\"id\",\"kind\",\"where\",\"counts\"]"},
        {"components|schemas|Plant|properties|id", "{\"type\":\"integer\",\"examples\":[7]}"},
        {"components|schemas|Plant|properties|kind",
         "{\"type\":[\"string\",\"null\"],\"enum\":[\"pot\",\"tray\",null]}"},
        {"components|schemas|Plant|properties|where",
         "{\"anyOf\":[{\"$ref\":\"#/components/schemas/Point\"},{\"type\":\"null\"}]}"},
        {"components|schemas|Plant|properties|counts",
         "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"number\"}}"},
        {"components|schemas|Plant|properties|tags",
         "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"},
        {"components|schemas|NewPlant|required", "[\"code\",\"where\",\"password\"]"},
        {"components|schemas|NewPlant|properties|code",
         "{\"type\":\"string\",\"minLength\":3,\"maxLength\":50,\"pattern\":\"^(?:[A-Za-z0-9_]+)$"
         "\"}"},
        {"components|schemas|NewPlant|properties|size",
         "{\"type\":[\"integer\",\"null\"],\"exclusiveMinimum\":0,\"default\":3,"
         "\"description\":\"in plants\"}"},
        {"components|schemas|NewPlant|properties|where",
         "{\"$ref\":\"#/components/schemas/PointIn\"}"},
        {"components|schemas|PointIn|properties|longitude",
         "{\"type\":\"number\",\"minimum\":-180,\"maximum\":180}"},
        {"paths|/plants/|get|parameters|0",
         "{\"name\":\"ids\",\"in\":\"query\",\"explode\":false,\"schema\":{\"type\":\"array\","
         "\"items\":{\"type\":\"integer\",\"minimum\":1},\"maxItems\":5}}"},
        {"paths|/plants/|get|parameters|1|schema", /* the row's own limit wins */
         "{\"type\":\"integer\",\"minimum\":1,\"maximum\":9}"},
        {"paths|/plants/|get|parameters|2|name", "\"skip\""},
        {"paths|/plants/|get|responses|200|content|application/json|schema",
         "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Plant\"}}"},
        {"paths|/plants/|get|security", "[{\"bearerAuth\":[]}]"},
        {"paths|/plants/|get|x-role", "\"admin\""},
        {"paths|/plants/|post|parameters|0|name", "\"Idempotency-Key\""},
        {"paths|/plants/|post|requestBody|required", "true"},
        {"paths|/plants/|post|responses|409", "{\"$ref\":\"#/components/responses/E409\"}"},
        {"paths|/plants/{plant_id}/by/{sku}|get|security", "[]"},
        {"paths|/plants/{plant_id}/by/{sku}|get|parameters|0|schema",
         "{\"type\":\"integer\",\"minimum\":1,\"maximum\":2147483647}"},
        {"paths|/plants/{plant_id}/by/{sku}|get|parameters|1|schema",
         "{\"type\":\"string\",\"minLength\":1,\"maxLength\":20}"},
        {"paths|/plants/{plant_id}/by/{sku}|get|responses|304|description",
         "\"Not changed since\""},
        {"paths|/plants/{plant_id}|put|operationId", "\"plant_edit\""},
        {"paths|/plants/{plant_id}|patch|operationId", "\"plant_edit_patch\""},
        {"paths|/plants/{plant_id}|patch|requestBody|required", "false"},
        {"paths|/photos|post|requestBody|content|multipart/form-data|schema",
         "{\"type\":\"object\",\"properties\":{\"file\":{\"type\":\"string\","
         "\"contentMediaType\":\"application/octet-stream\"},\"note\":{\"type\":\"string\"}},"
         "\"required\":[\"file\"]}"},
        {"paths|/photos/{photo_id}/file|get|responses|200|content|image/jpeg", "{}"},
        {"components|responses|E404|content|application/json|examples|NotFoundException|summary",
         "\"no such thing\""},
        {"components|responses|E409|content|application/json|examples|HAS_STOCK|value|rule",
         "\"HAS_STOCK\""},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        assert_at(rows[i].path, rows[i].text);
    }
    assert_null(at("paths|/old"));
    assert_null(at("paths|/plants/{plant_id}/by/{sku}|get|responses|401"));
    assert_non_null(at("paths|/plants/|get|responses|401"));
    assert_null(at("paths|/photos/{photo_id}/file|get|responses|302|content"));
}

static void test_pages(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct http_server *s = NULL;
    char base[64];
    static const char *const pages[][2] = {{"/docs", "text/html"},
                                           {"/redoc", "text/html"},
                                           {"/docs/docs.js", "text/javascript"},
                                           {"/docs/docs.css", "text/css"}};
    for (int on = 0; on <= 1; on++) {
        const struct http_options o = {.docs = on, .check_replies = true, .threads = 2};
        assert_ok(http_server_start(&app, &o, &s, &e), &e);
        (void)snprintf(base, sizeof(base), "http://127.0.0.1:%d", http_server_port(s));
        struct test_client *c = test_client_new(base);
        for (size_t i = 0; i < DM_COUNT(pages); i++) {
            struct test_reply r = test_call(c, &(struct test_ask){"GET", pages[i][0]});
            assert_int_equal(r.status, on ? 200 : 404);
            if (on) {
                assert_non_null(strstr(test_field(&r, "Content-Type"), pages[i][1]));
                assert_non_null(strstr(test_field(&r, "Content-Security-Policy"),
                                       "default-src 'none'; script-src 'self'"));
                assert_string_equal(test_field(&r, "Cache-Control"), "public, max-age=3600");
                assert_null(strstr(r.body, "https://"));
                assert_null(strstr(r.body, "innerHTML"));
            }
            test_reply_clear(&r);
        }
        json_t *served = test_get(c, on ? 200 : 404, "/openapi.json");
        assert_int_equal(json_equal(served, doc), on);
        json_decref(served);
        struct test_reply r = test_call(c, &(struct test_ask){"GET", "/docs/"});
        assert_int_equal(r.status, on ? 307 : 404);
        test_reply_clear(&r);
        test_client_free(c);
        http_server_stop(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_once),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_pages),
    };
    return cmocka_run_group_tests(tests, read_document, drop_document);
}
