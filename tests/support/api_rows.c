/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of requests. */
#include "support/api_rows.h"

#include <stdlib.h>
#include <string.h>

const json_t *api_at(const json_t *j, const char *path)
{
    char part[64];
    while (j && *path) {
        const size_t n = strcspn(path, ".");
        (void)snprintf(part, sizeof(part), "%.*s", (int)n, path);
        j = json_is_array(j) ? json_array_get(j, (size_t)strtoul(part, NULL, 10))
                             : json_object_get(j, part);
        path += n + (path[n] == '.');
    }
    return j;
}

static void check(const struct api_row *s, const struct test_reply *r)
{
    const json_t *value = api_at(r->json, s->at);
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    const bool part = s->expect && s->expect[0] == '~';
    const bool fits =
        text &&
        (!s->expect || (part ? strstr(text, s->expect + 1) != NULL : strcmp(text, s->expect) == 0));
    if (!fits) {
        fail_msg("%s %s: %s is %s, not %s", s->method, s->path, s->at, text ? text : "absent",
                 s->expect ? s->expect : "there");
    }
    free(text);
}

void api_rows(struct api_rig *g, const struct api_row *step, size_t n)
{
    char body[2048];
    for (size_t i = 0; i < n; i++) {
        const struct api_row *s = &step[i];
        (void)snprintf(body, sizeof(body), "%s", s->json ? s->json : "");
        for (char *p = body; *p; p++) {
            *p = (char)(*p == '\'' ? '"' : *p);
        }
        const struct test_ask ask = {
            .method = s->method, .path = s->path, .json = s->json ? body : NULL};
        api_rig_as(g, s->as);
        struct test_reply r = test_call(g->client, &ask);
        if (r.status != s->status) {
            fail_msg("step %zu: %s %s %s: %d, not %d: %s", i, s->method, s->path, body, r.status,
                     s->status, r.body);
        }
        if (s->at) {
            check(s, &r);
        }
        test_reply_clear(&r);
    }
}
