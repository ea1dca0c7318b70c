/* SPDX-License-Identifier: Apache-2.0
 *
 * What the routes of photographs share. */
#include "api/photos.h"

#include <string.h>

#include <sodium.h>

int photos_place(const struct http_request *r, const struct photo_place **ret, struct dm_err *e)
{
    *ret = api_options(api_of(r))->photos;
    if (!*ret) {
        DM_FAIL(e, DM_EAGAIN, "this server keeps no photographs");
    }
    return DM_OK;
}

const char *photos_lang(const struct http_request *r)
{
    const char *asked = http_header(r, "Accept-Language");
    return asked && !strncmp(asked, "en", 2) ? "en" : "es";
}

/* Our own address of an object: signed over method, key and end (api.md 13.3). */
static int own_url(const struct http_request *r, const char *object, int64_t end_s,
                   const char **ret, struct dm_err *e)
{
    const struct api_options *o = api_options(api_of(r));
    char mac[SIGN_IN_MAC_SIZE];
    const char *key = strchr(object, ':') + 1;
    const char *text = dm_arena_printf(r->arena, "GET %s %lld", key, (long long)end_s);
    if (text) {
        sign_in_mac(o->sign_in, text, mac);
        *ret = dm_arena_printf(r->arena, "%s/files/%s?exp=%lld&sig=%s", o->base_url, key,
                               (long long)end_s, mac);
    }
    if (!text || !*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    return DM_OK;
}

bool photos_url_fits(const struct http_request *r, const char *key, int64_t end_s, const char *mac)
{
    const struct api_options *o = api_options(api_of(r));
    char text[BLOB_KEY_MAX + 40];
    char want[SIGN_IN_MAC_SIZE];
    (void)snprintf(text, sizeof(text), "GET %s %lld", key, (long long)end_s);
    sign_in_mac(o->sign_in, text, want);
    return end_s > store_now() / 1000 && strlen(mac) == SIGN_IN_MAC_SIZE - 1 &&
           sodium_memcmp(mac, want, SIGN_IN_MAC_SIZE - 1) == 0;
}

int photos_url(const struct http_request *r, const char *object, int64_t seconds, const char **ret,
               struct dm_err *e)
{
    const struct photo_place *p = api_options(api_of(r))->photos;
    *ret = NULL;
    if (!object) {
        return DM_OK;
    }
    const char *key = strchr(object, ':') + 1;
    struct blob *bucket = NULL;
    if (p && !strncmp(object, "s3:", 3)) {
        bucket = strstr(key, "/original.") ? p->originals : p->pictures;
    }
    if (bucket) {
        DM_CLEANUP(dm_buf_clear) struct dm_buf url = dm_buf_init(8192);
        DM_TRY(blob_presign(bucket, BLOB_GET, key, (int)seconds, &url, e));
        *ret = dm_arena_strdup(r->arena, dm_buf_str(&url));
        if (!*ret) {
            DM_FAIL(e, DM_ENOMEM, "no memory for an address");
        }
        return DM_OK;
    }
    return own_url(r, object, api_ctx(r)->now_ms / 1000 + seconds, ret, e);
}

int photos_urls(const struct http_request *r, json_t *row, const char *const *members,
                struct dm_err *e)
{
    for (; *members; members++) {
        char outer[32];
        const char *dot = strchr(*members, '.');
        json_t *o = row;
        const char *name = *members;
        const char *url;
        if (dot) {
            (void)snprintf(outer, sizeof(outer), "%.*s", (int)(dot - *members), *members);
            o = json_object_get(row, outer);
            name = dot + 1;
        }
        DM_TRY(photos_url(r, json_string_value(json_object_get(o, name)), 24 * 3600, &url, e));
        if (o && json_object_set_new(o, name, api_text(url)) < 0) {
            DM_FAIL(e, DM_ENOMEM, "no memory for an address");
        }
    }
    return DM_OK;
}

int photos_session(const struct http_request *r, const char **ret_uuid, int64_t *ret_id,
                   struct dm_err *e)
{
    *ret_uuid = http_str(r->path, "session_id");
    return photo_session_id(api_ctx(r), *ret_uuid, ret_id, e);
}

int photos_reply_session(struct http_request *r, int status, const char *uuid, struct dm_err *e)
{
    json_t *row = NULL;
    DM_TRY(list_one(api_ctx(r), &list_sessions, "session_id", store_u(uuid), &row, e));
    return http_reply_json(r, status, row, e);
}
