/* SPDX-License-Identifier: Apache-2.0
 *
 * The document of the whole API: made without a contradiction between tables, its references lead
 * somewhere, its names are unique, and each of its routes says who may call it. */
#include <string.h>

#include "api/api.h"
#include "http/problem.h"
#include "support/testing.h"

static json_t *doc;

static int make(void **state)
{
    (void)state;
    api_setup();
    http_setup();
    const struct http_app app = api_http_app(NULL);
    doc = http_openapi(&app);
    return doc ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    json_decref(doc);
    return 0;
}

static void follow(json_t *v, size_t *refs)
{
    const char *key;
    json_t *member;
    size_t i;
    const char *ref = json_string_value(json_object_get(v, "$ref"));
    if (ref) {
        char path[160];
        char *rest = path;
        json_t *at = doc;
        (void)snprintf(path, sizeof(path), "%s", ref + 2);
        for (char *name; (name = strsep(&rest, "/"));) {
            at = json_object_get(at, name);
        }
        if (!at) {
            fail_msg("%s leads nowhere", ref);
        }
        ++*refs;
    }
    json_object_foreach(v, key, member)
    {
        follow(member, refs);
    }
    json_array_foreach(v, i, member)
    {
        follow(member, refs);
    }
}

static void test_references(void **state)
{
    (void)state;
    size_t refs = 0;
    follow(doc, &refs);
    assert_true(refs > 100);
}

/* Two different schemas of one name: the second was given a number. */
static void test_names_of_schemas(void **state)
{
    (void)state;
    const char *name;
    json_t *schema;
    json_object_foreach(json_object_get(json_object_get(doc, "components"), "schemas"), name,
                        schema)
    {
        const char last = name[strlen(name) - 1];
        if (last >= '0' && last <= '9') {
            print_error("two schemas are called %.*s\n", (int)strlen(name) - 1, name);
        }
        assert_false(last >= '0' && last <= '9');
    }
}

static void test_operations(void **state)
{
    (void)state;
    json_t *seen = json_object();
    const char *path;
    const char *method;
    json_t *item;
    json_t *op;
    json_object_foreach(json_object_get(doc, "paths"), path, item)
    {
        json_object_foreach(item, method, op)
        {
            const char *id = json_string_value(json_object_get(op, "operationId"));
            const bool open = json_array_size(json_object_get(op, "security")) == 0;
            if (!id || json_object_get(seen, id)) {
                fail_msg("%s %s: the name %s is taken", method, path, id ? id : "(none)");
            }
            json_object_set_new(seen, id, json_true());
            assert_non_null(json_object_get(op, "summary"));
            assert_int_equal(open, json_object_get(op, "x-role") == NULL);
        }
    }
    assert_true(json_object_size(seen) > 20);
    json_decref(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_names_of_schemas),
        cmocka_unit_test(test_operations),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
