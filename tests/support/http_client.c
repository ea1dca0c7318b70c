/* SPDX-License-Identifier: Apache-2.0
 *
 * The client of the tests, over libcurl. */
#include "support/http_client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "support/testing.h"

enum { SECONDS = 30 };

struct test_client {
    CURL *curl;
    char base[128], authorization[4096];
};

struct test_client *test_client_new(const char *base)
{
    struct test_client *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    c->curl = curl_easy_init();
    assert_non_null(c->curl);
    (void)snprintf(c->base, sizeof(c->base), "%s", base);
    return c;
}

void test_client_free(struct test_client *c)
{
    if (c != NULL) {
        curl_easy_cleanup(c->curl);
        free(c);
    }
}

void test_client_token(struct test_client *c, const char *token)
{
    c->authorization[0] = '\0';
    if (token != NULL) {
        (void)snprintf(c->authorization, sizeof(c->authorization), "Authorization: Bearer %s",
                       token);
    }
}

static size_t keep(char *bytes, size_t size, size_t n, void *to)
{
    dm_buf_append(to, bytes, size * n);
    return size * n;
}

static curl_mime *make_parts(CURL *curl, const struct test_part *part)
{
    curl_mime *mime = curl_mime_init(curl);
    for (; part->name != NULL; part++) {
        curl_mimepart *p = curl_mime_addpart(mime);
        curl_mime_name(p, part->name);
        curl_mime_data(p, part->bytes, part->n > 0 ? part->n : CURL_ZERO_TERMINATED);
        if (part->filename != NULL) {
            curl_mime_filename(p, part->filename);
        }
        if (part->type != NULL) {
            curl_mime_type(p, part->type);
        }
    }
    return mime;
}

struct test_reply test_call(struct test_client *c, const struct test_ask *ask)
{
    char url[4096];
    (void)snprintf(url, sizeof(url), "%s%s", c->base, ask->path);
    struct dm_buf body = dm_buf_init((size_t)256 << 20), fields = dm_buf_init(1 << 20);
    struct curl_slist *list = NULL;
    if (c->authorization[0] != '\0') {
        list = curl_slist_append(list, c->authorization);
    }
    for (size_t i = 0; i < DM_COUNT(ask->header) && ask->header[i] != NULL; i++) {
        list = curl_slist_append(list, ask->header[i]);
    }
    if (ask->json != NULL) {
        list = curl_slist_append(list, "Content-Type: application/json");
    }
    list = curl_slist_append(list, "Expect:");
    curl_easy_reset(c->curl);
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, ask->method);
    curl_easy_setopt(c->curl, CURLOPT_NOBODY, strcmp(ask->method, "HEAD") == 0 ? 1L : 0L);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)SECONDS);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, keep);
    curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, &fields);
    curl_mime *mime = NULL;
    if (ask->json != NULL) {
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, ask->json);
    } else if (ask->bytes != NULL) {
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, ask->bytes);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->n_bytes);
    } else if (ask->part != NULL) {
        mime = make_parts(c->curl, ask->part);
        curl_easy_setopt(c->curl, CURLOPT_MIMEPOST, mime);
        curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, ask->method);
    }
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, list);
    CURLcode rc = curl_easy_perform(c->curl);
    long status = 0;
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(list);
    curl_mime_free(mime);
    if (rc != CURLE_OK && status == 0) {
        fail_msg("%s %s: %s", ask->method, ask->path, curl_easy_strerror(rc));
    }
    struct test_reply r = {.status = (int)status, .n = body.len};
    r.body = dm_alloc(body.len + 1); /* pictures have zero bytes */
    assert_non_null(r.body);
    memcpy(r.body, dm_buf_str(&body), body.len + 1);
    r.fields = dm_strdup(dm_buf_str(&fields));
    r.json = json_loadb(dm_buf_str(&body), body.len, JSON_DECODE_ANY, NULL);
    dm_buf_clear(&body);
    dm_buf_clear(&fields);
    return r;
}

void test_reply_clear(struct test_reply *r)
{
    dm_free(r->body);
    dm_free(r->fields);
    json_decref(r->json);
    *r = (struct test_reply){0};
}

const char *test_field(const struct test_reply *r, const char *name)
{
    static char value[4096];
    size_t n = strlen(name);
    for (const char *p = r->fields; p != NULL; p = strchr(p, '\n'), p = p != NULL ? p + 1 : NULL) {
        if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
            const char *from = p + n + 1 + strspn(p + n + 1, " ");
            (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(from, "\r\n"), from);
            return value;
        }
    }
    return NULL;
}

json_t *test_send(struct test_client *c, int status, const char *method, const char *path,
                  const char *json)
{
    struct test_reply r =
        test_call(c, &(struct test_ask){.method = method, .path = path, .json = json});
    if (r.status != status) {
        fail_msg("%s %s: %d instead of %d: %.600s", method, path, r.status, status, r.body);
    }
    json_t *value = json_incref(r.json);
    test_reply_clear(&r);
    return value;
}

json_t *test_get(struct test_client *c, int status, const char *path)
{
    return test_send(c, status, "GET", path, NULL);
}
