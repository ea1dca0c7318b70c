/* SPDX-License-Identifier: Apache-2.0
 *
 * The served API for tests. */
#include "support/api_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <ftw.h>
#include <sodium.h>

#include "base/log.h"
#include "blob/blob.h"
#include "support/books.h"

const char api_rig_secret[API_RIG_SECRET_SIZE] = "the secret of the rig, of enough bytes";
static char hash[PASSWORD_HASH_SIZE]; /* of API_RIG_PASSWORD; computed once, it costs 50 ms */
static int hits = -1;
static void (*counted)(const struct http_request *r, int status, const char *error_class,
                       double ms);

static const char *const emails[] = {"viewer@rig.test", "worker@rig.test", "supervisor@rig.test",
                                     "admin@rig.test"};

/* Route and status, for tests/api/test_coverage. One write, so that threads do not mix. */
static void note(const struct http_request *r, int status, const char *error_class, double ms)
{
    char line[128];
    counted(r, status, error_class, ms);
    if (hits >= 0 && r->route) {
        const int n = snprintf(line, sizeof(line), "%s %d\n", r->route->name, status);
        (void)!write(hits, line, (size_t)n);
    }
}

static void add_person(struct api_rig *g, enum inv_role role)
{
    static struct inv_settings settings;
    struct dm_err e = {0};
    struct api_person *p = &g->person[role];
    struct inv_ctx c = books_ctx(g->db->store, &settings);
    const struct user_new n = {.email = emails[role],
                               .first_name = "Persona",
                               .last_name = inv_role_names[role],
                               .role = role,
                               .password_hash = hash};
    struct refresh refresh;
    struct user u;
    const char *token = NULL;
    {
        DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
        assert_ok(store_begin(g->db->store, STORE_READ, &tx, &e), &e);
        assert_ok(user_system(tx, &c.user_id, &e), &e);
    }
    assert_ok(user_add(&c, &n, &p->id, &e), &e);
    p->email = emails[role];
    assert_ok(user_get(&c, p->id, &g->a, &u, &e), &e);
    assert_ok(refresh_issue(&c, p->id, 0, &refresh, &e), &e);
    assert_ok(sign_in_access(g->sign_in, &c, &u, refresh.id, &g->a, &token, &e), &e);
    (void)snprintf(p->token, sizeof(p->token), "%s", token);
}

static void server_start(struct api_rig *g)
{
    struct dm_err e = {0};
    assert_ok(sign_in_new(&g->sign_in_options, &g->sign_in, &e), &e);
    g->api_options.sign_in = g->sign_in;
    assert_ok(api_new(&g->api_options, &g->api, &e), &e);
    g->app = api_http_app(g->api);
    counted = g->app.done;
    g->app.done = note;
    assert_ok(http_server_start(&g->app, &g->options, &g->server, &e), &e);
    (void)snprintf(g->base, sizeof(g->base), "http://127.0.0.1:%d", http_server_port(g->server));
    g->client = test_client_new(g->base);
}

static void server_stop(struct api_rig *g)
{
    test_client_free(g->client);
    http_server_stop(g->server);
    api_free(g->api);
    sign_in_free(g->sign_in);
}

void api_rig_restart(struct api_rig *g)
{
    server_stop(g);
    server_start(g);
}

int api_rig_setup(void **state)
{
    struct api_rig *g = calloc(1, sizeof(*g));
    struct dm_err e = {0};
    const int failed = db_setup(state);
    if (failed || !g) {
        return 1;
    }
    g->db = *state;
    *state = g;
    (void)snprintf(g->folder, sizeof(g->folder), "/tmp/demeter-api-XXXXXX");
    char url[80];
    assert_non_null(mkdtemp(g->folder));
    (void)snprintf(url, sizeof(url), "dir:%s/photos", g->folder);
    const struct blob_options bo = {.create = true};
    assert_ok(blob_open(url, &bo, &g->photos.local, &e), &e);
    (void)snprintf(g->incoming, sizeof(g->incoming), "%s/incoming", g->folder);
    g->photos.incoming = g->incoming;
    g->sign_in_options = (struct sign_in_options){.secret = api_rig_secret,
                                                  .n_secret = sizeof(api_rig_secret) - 1,
                                                  .access_s = 900,
                                                  .refresh_s = 604800};
    g->api_options = (struct api_options){.store = g->db->store,
                                          .photos = &g->photos,
                                          .base_url = "http://localhost:8000",
                                          .version = "0.0.0",
                                          .revision = "test",
                                          .logins_per_minute = -1};
    g->options = (struct http_options){
        .threads = 2, .spool = g->folder, .check_replies = true, .debug = true, .docs = true};
    server_start(g);
    for (int role = 0; role < INV_ROLE_MAX_; role++) {
        add_person(g, (enum inv_role)role);
    }
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int api_rig_teardown(void **state)
{
    struct api_rig *g = *state;
    server_stop(g);
    blob_close(g->photos.local);
    dm_arena_clear(&g->a);
    (void)nftw(g->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    *state = g->db;
    free(g);
    return db_teardown(state);
}

void api_rig_as(struct api_rig *g, enum inv_role role)
{
    test_client_token(g->client, role == INV_ROLE_MAX_ ? NULL : g->person[role].token);
}

struct inv_ctx api_rig_ctx(struct api_rig *g, enum inv_role role)
{
    static struct inv_settings settings;
    struct inv_ctx c = books_ctx(g->db->store, &settings);
    c.user_id = g->person[role].id;
    c.role = role;
    return c;
}

/* A file of its own for each program: programs run side by side. */
static void open_hits(const char *program)
{
    const char *folder = getenv("API_HITS");
    char path[512];
    if (folder) {
        (void)snprintf(path, sizeof(path), "%s/%s.hits", folder, program);
        hits = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
        assert_true(hits >= 0);
    }
}

int api_rig_main_(const char *group, const struct CMUnitTest *tests, size_t n)
{
    struct dm_err e = {0};
    api_setup();
    dm_log_setup(STDERR_FILENO, DM_LOG_ERROR, DM_LOG_TEXT);
    if (sodium_init() < 0) {
        return 1;
    }
    assert_ok(password_hash(API_RIG_PASSWORD, hash, &e), &e);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    open_hits(program_invocation_short_name);
    return _cmocka_run_group_tests(group, tests, n, NULL, NULL);
}
