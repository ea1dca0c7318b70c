/* SPDX-License-Identifier: Apache-2.0
 *
 * Every route as every kind of caller, from the table of routes: nobody, the four roles, a script
 * that may only read, somebody with a temporary password, a stranger's token. What the table says
 * decides: 401 without a token, 403 below the route's role, and above it neither of the two unless
 * a workflow says so for its own reasons. Ids are such that nothing is found or written. */
#include "support/api_rig.h"

#include <string.h>

enum caller { VIEWER, WORKER, SUPERVISOR, ADMIN, NOBODY, FORGED, SCRIPT, NEWCOMER, CALLERS };

struct matrix {
    struct api_rig *g;
    char script[TOKEN_TEXT_SIZE];
    size_t cells;
};

/* A value that the field takes and no row has. */
static const char *value_of(const struct http_field *f, const char *name)
{
    static char word[64];
    for (; f && f->name; f++) {
        if (strcmp(f->name, name) != 0) {
            continue;
        }
        if (f->one_of) {
            (void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(f->one_of, "|"), f->one_of);
            return word;
        }
        return f->type == HTTP_UUID  ? "00000000-0000-4000-8000-00000000dead"
               : f->type == HTTP_STR ? "ZZ999"
                                     : "2147483647";
    }
    return "2147483647";
}

static void path_of(const struct http_route *route, char *ret, size_t room)
{
    size_t n = 0;
    for (const char *p = route->path; *p && n + 40 < room;) {
        char name[64];
        if (*p != '{') {
            ret[n++] = *p++;
            continue;
        }
        const size_t length = strcspn(p + 1, "}:");
        (void)snprintf(name, sizeof(name), "%.*s", (int)length, p + 1);
        n += (size_t)snprintf(ret + n, room - n, "%s", value_of(route->params, name));
        p += strcspn(p, "}") + 1;
    }
    ret[n] = '\0';
}

/* A token for one call: some routes end the session they are called with. */
static void sign(struct matrix *m, enum caller who)
{
    struct api_rig *g = m->g;
    struct dm_err e = {0};
    struct refresh refresh;
    struct user u;
    const char *token = NULL;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    if (who == NOBODY || who == FORGED || who == SCRIPT) {
        test_client_token(g->client, who == NOBODY ? NULL : who == SCRIPT ? m->script : "forged");
        return;
    }
    const struct inv_ctx c = api_rig_ctx(g, who == NEWCOMER ? INV_ADMIN : (enum inv_role)who);
    assert_ok(user_get(&c, c.user_id, &a, &u, &e), &e);
    assert_ok(refresh_issue(&c, c.user_id, 0, &refresh, &e), &e);
    assert_ok(sign_in_access(g->sign_in, &c, &u, refresh.id, &a, &token, &e), &e);
    test_client_token(g->client, token);
}

/* Bodies that are no object, also where a form is due: nothing is written by accident, and who may
 * not call is told so before anything about his body. */
static struct test_reply call(struct matrix *m, enum http_method method, const char *path)
{
    const bool json = method != HTTP_GET && method != HTTP_DELETE;
    static const char *const names[] = {[HTTP_GET] = "GET",
                                        [HTTP_POST] = "POST",
                                        [HTTP_PUT] = "PUT",
                                        [HTTP_PATCH] = "PATCH",
                                        [HTTP_DELETE] = "DELETE"};
    const struct test_ask ask = {.method = names[method], .path = path, .json = json ? "[]" : NULL};
    m->cells++;
    return test_call(m->g->client, &ask);
}

/* By the guard: a workflow that refuses for reasons of its own names its action. */
static bool refused_by_role(const struct test_reply *r)
{
    const json_t *details = json_object_get(r->json, "details");
    return r->status == 403 && json_object_get(details, "required_role") &&
           !json_object_get(details, "action");
}

/* What the table promises to this caller; NULL when the reply keeps it. */
static const char *broken(const struct http_route *route, enum http_method method, enum caller who,
                          const struct test_reply *r)
{
    const int needed = route->role & API_ROLE_MASK;
    if (who == NOBODY || who == FORGED) {
        const bool unread = r->status == 422 && who == NOBODY && (route->role & API_TICKET);
        return r->status == 401 || unread ? NULL : "401 was due"; /* a ticket is in the query */
    }
    if (who == SCRIPT) { /* an administrator's, who let it read */
        const bool due = method == HTTP_GET;
        if (due) {
            return r->status != 401 && !refused_by_role(r) ? NULL : "a script may read";
        }
        return r->status == 403 || (route->tag && (!strcmp(route->tag, "analytics") ||
                                                   !strcmp(route->tag, "exports")))
                   ? NULL
                   : "403 was due to a script that may only read";
    }
    if (needed == API_ANY) {
        return r->status != 401 || method == HTTP_POST ? NULL : "whoever signed in may";
    }
    if (who == NEWCOMER) {
        return r->status == 403 ? NULL : "403 was due until the password is changed";
    }
    if ((int)who < needed - API_VIEWER) {
        return refused_by_role(r) ? NULL : "403 was due to this role";
    }
    return r->status != 401 && !refused_by_role(r) ? NULL : "this role may";
}

/* Streams do not end: who may open them is tried, opening is not. */
static bool is_stream(const struct http_route *route)
{
    return (route->role & API_TICKET) ||
           (route->answer[0].type && strstr(route->answer[0].type, "event-stream"));
}

static void try_route(struct matrix *m, const struct http_route *route, enum caller who)
{
    char path[512];
    path_of(route, path, sizeof(path));
    for (unsigned method = HTTP_GET; method <= HTTP_DELETE; method <<= 1) {
        if (!(route->methods & method)) {
            continue;
        }
        sign(m, who);
        struct test_reply r = call(m, (enum http_method)method, path);
        const char *why = broken(route, (enum http_method)method, who, &r);
        if (why) {
            fail_msg("%s (%s) as caller %d: %s, not %d: %.300s", route->name, path, (int)who, why,
                     r.status, r.body);
        }
        test_reply_clear(&r);
    }
}

static void set_must_change(struct api_rig *g, bool must)
{
    struct dm_err e = {0};
    static const struct store_query q = {
        "test.must", "UPDATE users SET must_change_password = ?1 WHERE role = 'admin'", "b", "",
        true};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    assert_ok(store_begin(g->db->store, STORE_WRITE, &tx, &e), &e);
    assert_ok(store_exec(tx, &q, STORE_ARGS(store_b(must)), NULL, &e), &e);
    assert_ok(store_commit(&tx, &e), &e);
    sign_in_forget(g->sign_in, 0);
}

static void every_cell_of_the_matrix(void **state)
{
    struct matrix m = {.g = *state};
    struct dm_err e = {0};
    int64_t id;
    const struct inv_ctx admin = api_rig_ctx(m.g, INV_ADMIN);
    assert_ok(token_issue(&admin, "solo lee", TOKEN_READ, 0, m.script, &id, &e), &e);
    for (enum caller who = 0; who < CALLERS; who++) {
        const struct http_route *route;
        if (who == NEWCOMER) {
            set_must_change(m.g, true);
        }
        for (size_t i = 0; (route = http_each_route(&m.g->app, &i)) != NULL;) {
            const bool positive = who <= ADMIN || who == SCRIPT;
            if ((route->role & API_ROLE_MASK) == API_OPEN || (positive && is_stream(route))) {
                continue;
            }
            try_route(&m, route, who);
        }
    }
    assert_true(m.cells > 400);
    print_message("%zu cells\n", m.cells);
}

/* The judge notices: a table that says viewer where an administrator is needed. */
static void a_wrong_role_is_noticed(void **state)
{
    (void)state;
    const struct http_route lax = {.role = API_ADMIN, .tag = "x"};
    json_t *body = json_pack("{s:{}}", "details");
    const struct test_reply good = {.status = 200, .json = body};
    assert_non_null(broken(&lax, HTTP_GET, VIEWER, &good));
    assert_non_null(broken(&lax, HTTP_GET, NOBODY, &good));
    assert_non_null(broken(&lax, HTTP_POST, SCRIPT, &good));
    assert_non_null(broken(&lax, HTTP_GET, NEWCOMER, &good));
    assert_null(broken(&lax, HTTP_GET, ADMIN, &good));
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST_SQLITE(every_cell_of_the_matrix),
        cmocka_unit_test(a_wrong_role_is_noticed),
    };
    return api_rig_main(tests);
}
