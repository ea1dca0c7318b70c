/* SPDX-License-Identifier: Apache-2.0
 *
 * The API as it is served, for tests: the real server on a free loopback port, in this process, on
 * a fresh database of each engine, with one person for each role.
 *
 *   static void products_are_listed(void **state)
 *   {
 *       struct api_rig *g = *state;
 *       nursery_...(g->db->store) or books_tiny(...)
 *       api_rig_as(g, INV_VIEWER);
 *       json_t *list = test_get(g->client, 200, "/api/v1/products");
 *       ...
 *   }
 *   const struct CMUnitTest tests[] = { API_TEST(products_are_listed) };
 *   return api_rig_main(tests);      (cmocka_run_group_tests with its setup)
 *
 * Every reply is checked against the schema of its route, and every route and status that was hit
 * is noted, when the variable API_HITS names a folder, for tests/api/test_coverage. */
#ifndef TESTS_SUPPORT_API_RIG_H
#define TESTS_SUPPORT_API_RIG_H

#include "api/api.h"
#include "inventory/photo.h"
#include "support/db.h"
#include "support/http_client.h"

#define API_RIG_PASSWORD "Cactus-2026-ok"
enum { API_RIG_SECRET_SIZE = 39 };
extern const char api_rig_secret[API_RIG_SECRET_SIZE]; /* signs access tokens */

struct api_person {
    int64_t id;
    const char *email; /* "admin@rig.test" */
    char token[JWT_TEXT_MAX];
};

struct api_rig {
    struct db *db;
    struct sign_in *sign_in;
    struct photo_place photos; /* in a temporary folder */
    struct api *api;
    struct http_app app;
    struct sign_in_options sign_in_options; /* a test may change them and api_rig_restart */
    struct api_options api_options;
    struct http_options options;
    struct http_server *server;
    struct test_client *client;
    struct api_person person[INV_ROLE_MAX_]; /* by enum inv_role */
    char base[64];                           /* "http://127.0.0.1:41234" */
    char folder[64], incoming[80];
    struct dm_arena a;
};

int api_rig_setup(void **state); /* *state is a struct db_kind before and a struct api_rig after */
int api_rig_teardown(void **state);

#define API_TEST_ON_(f, kind, suffix)                                                              \
    {                                                                                              \
        .name = #f suffix, .test_func = (f), .setup_func = api_rig_setup,                          \
        .teardown_func = api_rig_teardown, .initial_state = (void *)&(kind)                        \
    }
#define API_TEST(f)                                                                                \
    API_TEST_ON_(f, db_sqlite, "[sqlite]"), API_TEST_ON_(f, db_postgresql, "[postgresql]")
#define API_TEST_SQLITE(f) API_TEST_ON_(f, db_sqlite, "[sqlite]")

/* From now on the client sends the token of a person with this role; INV_ROLE_MAX_: none. */
void api_rig_as(struct api_rig *g, enum inv_role role);

/* A context of the person with this role, for calling workflows beside the server. */
struct inv_ctx api_rig_ctx(struct api_rig *g, enum inv_role role);

/* Stop the server and start it again with the options as they are now. */
void api_rig_restart(struct api_rig *g);

int api_rig_main_(const char *group, const struct CMUnitTest *tests, size_t n);
#define api_rig_main(tests) api_rig_main_(#tests, (tests), DM_COUNT(tests))

#endif
