/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests as rows. */
#include "support/api_steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "inventory/list.h"

void api_remember(struct api_kept *k, char letter, const char *text)
{
    char **slot = &k->text[letter - 'a'];
    free(*slot);
    *slot = strdup(text);
    assert_non_null(*slot);
}

void api_kept_clear(struct api_kept *k)
{
    for (size_t i = 0; i < DM_COUNT(k->text); i++) {
        free(k->text[i]);
        k->text[i] = NULL;
    }
}

/* "$c" by what is kept, "'" by '"'. */
static void fill(const struct api_kept *k, const char *text, bool quotes, struct dm_buf *out)
{
    for (const char *p = text; *p; p++) {
        if (*p == '$' && p[1] >= 'a' && p[1] <= 'z') {
            const char *kept = k->text[p[1] - 'a'];
            if (!kept) {
                fail_msg("%s: nothing is kept under %c", text, p[1]);
            }
            fill(k, kept, quotes, out);
            p++;
        } else {
            dm_buf_putc(out, quotes && *p == '\'' ? '"' : *p);
        }
    }
}

static bool holds(const json_t *have, const json_t *want)
{
    const char *name;
    json_t *member;
    if (json_is_object(want)) {
        json_object_foreach((json_t *)(uintptr_t)want, name, member)
        {
            if (!holds(json_object_get(have, name), member)) {
                return false;
            }
        }
        return json_is_object(have);
    }
    if (json_is_array(want)) {
        for (size_t i = 0; i < json_array_size(want); i++) {
            if (!holds(json_array_get(have, i), json_array_get(want, i))) {
                return false;
            }
        }
        /* [] wants an empty one */
        return json_is_array(have) && (json_array_size(want) || !json_array_size(have));
    }
    return json_is_number(want) && json_is_number(have)
               ? json_number_value(want) == json_number_value(have)
               : json_equal(have, want);
}

static void look(const struct api_kept *k, const struct api_step *s, const char *path,
                 const struct test_reply *r)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(1 << 20);
    json_error_t bad;
    fill(k, s->want, true, &text);
    json_t *want = json_loads(dm_buf_str(&text), JSON_DECODE_ANY, &bad);
    if (!want) {
        fail_msg("%s: %s", s->want, bad.text);
    }
    if (!holds(r->json, want)) {
        fail_msg("%s %s: wanted %s in %s", s->method, path, dm_buf_str(&text), r->body);
    }
    json_decref(want);
}

static void keep_member(struct api_kept *k, const char *keep, const struct test_reply *r)
{
    const json_t *from = json_is_array(r->json) ? json_array_get(r->json, 0) : r->json;
    const json_t *member = json_object_get(from, keep + 2);
    if (json_is_string(member)) {
        api_remember(k, keep[0], json_string_value(member));
    } else if (member) {
        char *text = json_dumps(member, JSON_ENCODE_ANY | JSON_COMPACT);
        api_remember(k, keep[0], text);
        free(text);
    } else {
        fail_msg("%s: not in %s", keep, r->body);
    }
}

static void check_field(struct api_kept *k, const struct api_step *s, const struct test_reply *r)
{
    const bool kept = s->field[1] == '=';
    const char *value = test_field(r, kept ? s->field + 2 : s->field);
    if (!value) {
        fail_msg("%s %s: no %s in %s", s->method, s->path, s->field, r->fields);
    }
    if (kept) {
        api_remember(k, s->field[0], value);
    }
}

static void run(struct api_rig *g, struct api_kept *k, const struct api_step *s)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf path = dm_buf_init(1 << 16);
    DM_CLEANUP(dm_buf_clear) struct dm_buf body = dm_buf_init(1 << 20);
    DM_CLEANUP(dm_buf_clear) struct dm_buf header = dm_buf_init(1 << 12);
    fill(k, s->path, false, &path);
    fill(k, s->json ? s->json : "", true, &body);
    fill(k, s->header ? s->header : "", false, &header);
    const struct test_ask ask = {.method = s->method,
                                 .path = dm_buf_str(&path),
                                 .json = s->json ? dm_buf_str(&body) : NULL,
                                 .header = {s->header ? dm_buf_str(&header) : NULL}};
    api_rig_as(g, s->role);
    struct test_reply r = test_call(g->client, &ask);
    if (r.status != s->status) {
        fail_msg("%s %s %s: %d instead of %d: %s", s->method, ask.path, ask.json ? ask.json : "",
                 r.status, s->status, r.body);
    }
    if (s->want) {
        look(k, s, ask.path, &r);
    }
    if (s->keep) {
        keep_member(k, s->keep, &r);
    }
    if (s->field) {
        check_field(k, s, &r);
    }
    test_reply_clear(&r);
}

void api_run_steps(struct api_rig *g, struct api_kept *k, const struct api_step *step, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        run(g, k, &step[i]);
    }
}

void api_audited(struct api_rig *g, const char *table, const char *action)
{
    const struct inv_ctx c = api_rig_ctx(g, INV_ADMIN);
    const struct list_value value = {"entity_type", store_t(table)};
    const struct list_ask ask = {&value, 1, 0, 1, NULL};
    struct dm_err e = {0};
    json_t *rows = NULL;
    assert_ok(list_rows(&c, &list_audit, &ask, &rows, NULL, &e), &e);
    const json_t *row = json_array_get(rows, 0);
    assert_non_null(row);
    assert_string_equal(json_string_value(json_object_get(row, "action")), action);
    json_decref(rows);
}
