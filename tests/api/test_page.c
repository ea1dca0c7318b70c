/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of the web page: served with a strict policy, found from the front page, and all of
 * those that the service worker keeps exist. */
#include <string.h>

#include "api/page.h"
#include "support/api_rig.h"
#include "support/testing.h"

static struct test_reply front(struct api_rig *g)
{
    api_rig_as(g, INV_ROLE_MAX_);
    return test_call(g->client,
                     &(struct test_ask){"GET", "/", .header = {"Accept: text/html,*/*;q=0.8"}});
}

/* The name after `before` up to the quote. */
static void name_after(const char *html, const char *before, char ret[static 128])
{
    const char *p = strstr(html, before);
    assert_non_null(p);
    p += strlen(before);
    (void)snprintf(ret, 128, "/%.*s", (int)strcspn(p, "\""), p);
}

static void the_front_page_leads_to_its_files(void **state)
{
    struct api_rig *g = *state;
    struct test_reply r = front(g);
    if (!page_exists()) {
        assert_int_equal(r.status, 307);
        test_reply_clear(&r);
        json_decref(test_get(g->client, 404, "/icon.svg"));
        json_decref(test_get(g->client, 404, "/service-worker.js"));
        json_decref(test_get(g->client, 404, "/manifest.webmanifest"));
        json_decref(test_get(g->client, 404, "/assets/app.js"));
        json_decref(test_get(g->client, 404, "/setup"));
        json_decref(test_get(g->client, 404, "/invite"));
        return;
    }
    assert_int_equal(r.status, 200);
    assert_null(strstr(test_field(&r, "Content-Security-Policy"), "unsafe"));
    char name[128];
    static const char *const before[] = {"<script type=\"module\" src=\"",
                                         "rel=\"stylesheet\" href=\"", "rel=\"manifest\" href=\"",
                                         "rel=\"icon\" href=\""};
    for (size_t i = 0; i < DM_COUNT(before); i++) {
        name_after(r.body, before[i], name);
        struct test_reply file = test_call(g->client, &(struct test_ask){"GET", name});
        assert_int_equal(file.status, 200);
        assert_true(file.n > 100);
        const char *kept = test_field(&file, "Cache-Control");
        assert_string_equal(kept, i < 2 ? "public, max-age=31536000, immutable" : "no-cache");
        test_reply_clear(&file);
    }
    /* Links with a secret lead to the same page, under the same policy. */
    static const char *const doors[] = {"/setup", "/invite"};
    for (size_t i = 0; i < DM_COUNT(doors); i++) {
        struct test_reply door = test_call(g->client, &(struct test_ask){"GET", doors[i]});
        assert_int_equal(door.status, 200);
        assert_string_equal(door.body, r.body);
        assert_null(strstr(test_field(&door, "Content-Security-Policy"), "unsafe"));
        test_reply_clear(&door);
    }
    test_reply_clear(&r);
    json_decref(test_get(g->client, 404, "/assets/none.js"));
    json_decref(test_get(g->client, 404, "/assets/..%2Findex.html"));
}

static void the_worker_keeps_files_that_exist(void **state)
{
    struct api_rig *g = *state;
    if (!page_exists()) {
        json_decref(test_get(g->client, 404, "/service-worker.js"));
        return;
    }
    struct test_reply r = test_call(g->client, &(struct test_ask){"GET", "/service-worker.js"});
    assert_int_equal(r.status, 200);
    int files = 0;
    for (const char *p = strstr(r.body, "\"assets/"); p != NULL; p = strstr(p + 1, "\"assets/")) {
        char name[128];
        (void)snprintf(name, sizeof(name), "/%.*s", (int)strcspn(p + 1, "\""), p + 1);
        struct test_reply file = test_call(g->client, &(struct test_ask){"GET", name});
        assert_int_equal(file.status, 200);
        test_reply_clear(&file);
        files++;
    }
    assert_true(files > 5);
    test_reply_clear(&r);
}

static int status_of(struct api_rig *g, const char *path)
{
    struct test_reply r = test_call(g->client, &(struct test_ask){"GET", path});
    const int status = r.status;
    test_reply_clear(&r);
    return status;
}

/* The documentation is there while it is switched on. */
static void the_documentation_can_be_switched_off(void **state)
{
    struct api_rig *g = *state;
    static const struct {
        const char *path;
        int on;
    } row[] = {{"/openapi.json", 200}, {"/docs", 200},   {"/redoc", 200},
               {"/docs/", 307},        {"/redoc/", 307}, {"/docs/docs.js", 200},
               {"/docs/docs.css", 200}};
    for (size_t i = 0; i < DM_COUNT(row); i++) {
        assert_int_equal(status_of(g, row[i].path), row[i].on);
    }
    g->options.docs = false;
    api_rig_restart(g);
    for (size_t i = 0; i < DM_COUNT(row); i++) {
        assert_int_equal(status_of(g, row[i].path), 404);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST_SQLITE(the_front_page_leads_to_its_files),
        API_TEST_SQLITE(the_worker_keeps_files_that_exist),
        API_TEST_SQLITE(the_documentation_can_be_switched_off),
    };
    return api_rig_main(tests);
}
