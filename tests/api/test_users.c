/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/users and /api/v1/tokens: people, roles, scripts. */
#include "support/api_rig.h"

#include <string.h>

static const char *text(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static int64_t number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

#define NEW(email)                                                                                 \
    "{\"email\":\"" email "\",\"first_name\":\"Óscar\",\"last_name\":\"Funes\","                  \
    "\"role\":\"worker\",\"password\":\"" API_RIG_PASSWORD "\"}"

static void people_are_added_found_and_changed(void **state)
{
    struct api_rig *g = *state;
    char path[80];
    api_rig_as(g, INV_ADMIN);
    const struct test_ask add = {
        .method = "POST", .path = "/api/v1/users", .json = NEW("Oscar@vivero.test")};
    struct test_reply r = test_call(g->client, &add);
    assert_int_equal(r.status, 201);
    const int64_t id = number(r.json, "id");
    (void)snprintf(path, sizeof(path), "/api/v1/users/%lld", (long long)id);
    assert_string_equal(test_field(&r, "Location"), path);
    assert_string_equal(text(r.json, "email"), "oscar@vivero.test");
    test_reply_clear(&r);
    json_decref(test_send(g->client, 409, "POST", "/api/v1/users", NEW("oscar@vivero.test")));
    json_decref(test_send(g->client, 422, "POST", "/api/v1/users", "{\"email\":\"x@y.test\"}"));
    json_t *o = test_send(g->client, 400, "POST", "/api/v1/users",
                          "{\"email\":\"x@y.test\",\"first_name\":\"X\",\"last_name\":\"Y\","
                          "\"role\":\"worker\",\"password\":\"weak\"}");
    assert_string_equal(text(o, "code"), "ValidationException");
    json_decref(o);
    json_decref(test_send(g->client, 422, "POST", "/api/v1/users",
                          "{\"email\":\"x@y.test\",\"first_name\":\"X\",\"last_name\":\"Y\","
                          "\"role\":\"operator\"}"));
    /* accents and case do not count */
    json_t *page = test_get(g->client, 200, "/api/v1/users?q=oscar&sort=-email&per_page=1");
    assert_int_equal(number(json_object_get(page, "pagination"), "total_items"), 1);
    assert_int_equal(number(json_array_get(json_object_get(page, "items"), 0), "id"), id);
    json_decref(page);
    page = test_get(g->client, 200, "/api/v1/users?role=admin&active=true&sort=role");
    assert_int_equal(json_array_size(json_object_get(page, "items")), 1);
    json_decref(page);
    page = test_get(g->client, 200, "/api/v1/auth/users?page=2&per_page=3");
    assert_int_equal(json_array_size(json_object_get(page, "items")), 2);
    json_decref(page);
    json_decref(test_get(g->client, 200, path));
    o = test_send(g->client, 200, "PATCH", path, "{\"role\":\"supervisor\"}");
    assert_string_equal(text(o, "role"), "supervisor");
    json_decref(o);
    json_decref(test_send(g->client, 409, "PATCH", path, "{\"email\":\"admin@rig.test\"}"));
    json_decref(test_send(g->client, 404, "PATCH", "/api/v1/users/999999", "{\"active\":false}"));
    json_decref(test_get(g->client, 404, "/api/v1/users/999999"));
    json_decref(test_get(g->client, 422, "/api/v1/users/0"));
    o = test_send(g->client, 200, "DELETE", path, NULL);
    assert_string_equal(text(o, "mode"), "soft");
    json_decref(o);
    o = test_get(g->client, 200, path);
    assert_true(json_is_false(json_object_get(o, "active")));
    json_decref(o);
    json_decref(test_send(g->client, 404, "DELETE", "/api/v1/users/999999", NULL));
}

static void the_last_administrator_stays(void **state)
{
    struct api_rig *g = *state;
    char path[80];
    (void)snprintf(path, sizeof(path), "/api/v1/users/%lld", (long long)g->person[INV_ADMIN].id);
    api_rig_as(g, INV_ADMIN);
    json_decref(test_send(g->client, 409, "DELETE", path, NULL));
    json_t *o = test_send(g->client, 409, "PATCH", path, "{\"role\":\"viewer\"}");
    assert_string_equal(text(o, "rule"), "IN_USE");
    json_decref(o);
    /* people see themselves, not others */
    api_rig_as(g, INV_WORKER);
    json_decref(test_get(g->client, 403, path));
    (void)snprintf(path, sizeof(path), "/api/v1/users/%lld", (long long)g->person[INV_WORKER].id);
    json_decref(test_get(g->client, 200, path));
}

static void a_change_counts_at_once(void **state)
{
    struct api_rig *g = *state;
    char path[80];
    api_rig_as(g, INV_WORKER);
    json_decref(test_get(g->client, 200, "/api/v1/auth/me"));
    (void)snprintf(path, sizeof(path), "/api/v1/users/%lld", (long long)g->person[INV_WORKER].id);
    api_rig_as(g, INV_ADMIN);
    json_decref(test_send(g->client, 200, "PATCH", path, "{\"active\":false}"));
    api_rig_as(g, INV_WORKER);
    json_t *o = test_get(g->client, 401, "/api/v1/auth/me");
    assert_string_equal(text(json_object_get(o, "details"), "reason"), "inactive_user");
    json_decref(o);
}

static void a_temporary_password_must_be_changed(void **state)
{
    struct api_rig *g = *state;
    char path[80];
    char body[300];
    api_rig_as(g, INV_ADMIN);
    (void)snprintf(path, sizeof(path), "/api/v1/users/%lld/reset-password",
                   (long long)g->person[INV_VIEWER].id);
    json_decref(test_send(g->client, 400, "POST", path, "{\"new_password\":\"weak\"}"));
    json_decref(test_send(g->client, 404, "POST", "/api/v1/users/999999/reset-password", NULL));
    json_decref(test_send(g->client, 200, "POST", path, "{\"new_password\":\"Helecho-2026-ok\"}"));
    json_t *o = test_send(g->client, 200, "POST", path, NULL);
    const char *made = text(o, "temporary_password");
    assert_non_null(made);
    (void)snprintf(body, sizeof(body), "{\"email\":\"viewer@rig.test\",\"password\":\"%s\"}", made);
    test_client_token(g->client, NULL);
    json_t *login = test_send(g->client, 200, "POST", "/api/v1/auth/login", body);
    assert_true(
        json_is_true(json_object_get(json_object_get(login, "user"), "must_change_password")));
    test_client_token(g->client, text(login, "access_token"));
    json_decref(test_get(g->client, 200, "/api/v1/auth/me"));
    json_decref(test_get(g->client, 403, "/api/v1/tokens"));
    (void)snprintf(body, sizeof(body),
                   "{\"current_password\":\"%s\",\"new_password\":\"Suculenta-2026!\"}", made);
    json_decref(test_send(g->client, 200, "POST", "/api/v1/auth/change-password", body));
    json_decref(login);
    json_decref(o);
}

static void an_invitation_is_a_link(void **state)
{
    struct api_rig *g = *state;
    char body[300];
    api_rig_as(g, INV_ADMIN);
    json_t *o = test_send(g->client, 201, "POST", "/api/v1/users",
                          "{\"email\":\"nueva@vivero.test\",\"first_name\":\"Nueva\","
                          "\"last_name\":\"Persona\",\"role\":\"viewer\"}");
    const char *url = text(o, "invite_url");
    assert_int_equal(strncmp(url, "http://localhost:8000/invite#", 29), 0);
    test_client_token(g->client, NULL);
    (void)snprintf(body, sizeof(body), "{\"token\":\"%s\",\"password\":\"weak\"}", url + 29);
    json_decref(test_send(g->client, 400, "POST", "/api/v1/auth/accept-invite", body));
    (void)snprintf(body, sizeof(body), "{\"token\":\"%s\",\"password\":\"Helecho-2026-ok\"}",
                   url + 29);
    json_decref(test_send(g->client, 200, "POST", "/api/v1/auth/accept-invite", body));
    json_decref(test_send(g->client, 401, "POST", "/api/v1/auth/accept-invite", body));
    json_decref(o);
}

static void a_request_with_a_key_is_answered_once(void **state)
{
    struct api_rig *g = *state;
    struct test_ask ask = {.method = "POST",
                           .path = "/api/v1/users",
                           .json = NEW("oscar@vivero.test"),
                           .header = {"Idempotency-Key: 6F9619FF-8b86-4d01-b42d-00cf4fc964ff"}};
    api_rig_as(g, INV_ADMIN);
    struct test_reply first = test_call(g->client, &ask);
    struct test_reply again = test_call(g->client, &ask);
    assert_int_equal(first.status, 201);
    assert_int_equal(again.status, 201);
    assert_null(test_field(&first, "Idempotency-Replayed"));
    assert_string_equal(test_field(&again, "Idempotency-Replayed"), "true");
    assert_true(json_equal(first.json, again.json));
    test_reply_clear(&first);
    test_reply_clear(&again);
    ask.json = NEW("otro@vivero.test");
    again = test_call(g->client, &ask);
    assert_int_equal(again.status, 409);
    assert_string_equal(text(again.json, "code"), "IdempotencyMismatchException");
    test_reply_clear(&again);
    /* what is shown once is not kept to be shown again */
    ask.header[0] = "Idempotency-Key: 11111111-8b86-4d01-b42d-00cf4fc964ff";
    ask.json = "{\"email\":\"invitada@vivero.test\",\"first_name\":\"I\",\"last_name\":\"P\","
               "\"role\":\"viewer\"}";
    first = test_call(g->client, &ask);
    again = test_call(g->client, &ask);
    assert_non_null(text(first.json, "invite_url"));
    assert_null(text(again.json, "invite_url"));
    assert_int_equal(number(first.json, "id"), number(again.json, "id"));
    test_reply_clear(&first);
    test_reply_clear(&again);
    /* a refusal is not kept: the key may be used again */
    ask.header[0] = "Idempotency-Key: 00000000-8b86-4d01-b42d-00cf4fc964ff";
    ask.json = NEW("oscar@vivero.test");
    again = test_call(g->client, &ask);
    assert_int_equal(again.status, 409);
    assert_string_equal(text(again.json, "code"), "DuplicateCodeException");
    test_reply_clear(&again);
    ask.json = NEW("tercera@vivero.test");
    again = test_call(g->client, &ask);
    assert_int_equal(again.status, 201);
    test_reply_clear(&again);
}

static void scripts_have_scopes(void **state)
{
    struct api_rig *g = *state;
    char path[80];
    char own[80];
    api_rig_as(g, INV_ADMIN);
    json_t *o = test_send(g->client, 201, "POST", "/api/v1/tokens",
                          "{\"name\":\"respaldo\",\"scopes\":[\"read\"]}");
    (void)snprintf(path, sizeof(path), "/api/v1/tokens/%lld", (long long)number(o, "id"));
    (void)snprintf(own, sizeof(own), "%s", text(o, "token"));
    json_decref(o);
    json_decref(test_send(g->client, 422, "POST", "/api/v1/tokens",
                          "{\"name\":\"x\",\"scopes\":[\"everything\"]}"));
    json_decref(test_send(g->client, 422, "POST", "/api/v1/tokens",
                          "{\"name\":\"x\",\"scopes\":[\"read\"],\"expires_at\":1000}"));
    test_client_token(g->client, own);
    json_decref(test_get(g->client, 200, "/api/v1/users"));
    json_decref(test_send(g->client, 403, "POST", "/api/v1/users", NEW("x@vivero.test")));
    json_decref(test_send(g->client, 403, "PATCH", "/api/v1/auth/me", "{\"first_name\":\"X\"}"));
    json_t *list = test_get(g->client, 200, "/api/v1/tokens");
    assert_string_equal(text(json_array_get(list, 0), "name"), "respaldo");
    assert_null(text(json_array_get(list, 0), "token"));
    json_decref(list);
    api_rig_as(g, INV_WORKER);
    json_decref(test_send(g->client, 404, "DELETE", path, NULL));
    json_decref(test_get(g->client, 403, "/api/v1/tokens?user_id=1"));
    api_rig_as(g, INV_ADMIN);
    json_decref(test_send(g->client, 200, "DELETE", path, NULL));
    test_client_token(g->client, own);
    json_decref(test_get(g->client, 401, "/api/v1/users"));
    api_rig_as(g, INV_VIEWER);
    for (int i = 0; i < TOKENS_PER_USER; i++) {
        json_decref(test_send(g->client, 201, "POST", "/api/v1/tokens",
                              "{\"name\":\"uno\",\"scopes\":[\"read\",\"photos\"]}"));
    }
    json_decref(test_send(g->client, 409, "POST", "/api/v1/tokens",
                          "{\"name\":\"uno\",\"scopes\":[\"read\"]}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(people_are_added_found_and_changed),
        API_TEST(the_last_administrator_stays),
        API_TEST(a_change_counts_at_once),
        API_TEST(a_temporary_password_must_be_changed),
        API_TEST(an_invitation_is_a_link),
        API_TEST(a_request_with_a_key_is_answered_once),
        API_TEST(scripts_have_scopes),
    };
    return api_rig_main(tests);
}
