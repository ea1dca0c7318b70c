/* SPDX-License-Identifier: Apache-2.0
 *
 * One small JSON document, by libcurl. */
#include "api/fetch.h"

#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/buf.h"

static bool has_host(const char *rest, const char *host)
{
    const size_t n = strlen(host);
    return !strncasecmp(rest, host, n) && (rest[n] == ':' || rest[n] == '/' || !rest[n]);
}

bool fetch_url_ok(const char *url)
{
    if (!strncasecmp(url, "https://", 8)) {
        return url[8] && url[8] != '/';
    }
    return !strncasecmp(url, "http://", 7) &&
           (has_host(url + 7, "127.0.0.1") || has_host(url + 7, "localhost") ||
            has_host(url + 7, "[::1]"));
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    struct dm_buf *to = ctx;
    dm_buf_append(to, bytes, size * n);
    return to->failed ? 0 : size * n;
}

static CURLcode transfer(CURL *h, const char *url, int timeout_s, struct dm_buf *to, long *ret)
{
    (void)curl_easy_setopt(h, CURLOPT_URL, url);
    (void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)timeout_s);
    (void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(h, CURLOPT_WRITEDATA, to);
    (void)curl_easy_setopt(h, CURLOPT_USERAGENT, "demeter");
    const CURLcode code = curl_easy_perform(h);
    *ret = 0;
    (void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, ret);
    return code;
}

int fetch_json(const char *url, int timeout_s, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf body = dm_buf_init(FETCH_BYTES_MAX);
    long status;
    if (!fetch_url_ok(url)) {
        DM_FAIL(e, DM_EIO, "%.120s is not an https address", url);
    }
    CURL *h = curl_easy_init();
    if (!h) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a request");
    }
    const CURLcode code = transfer(h, url, timeout_s, &body, &status);
    curl_easy_cleanup(h);
    if (code != CURLE_OK) {
        DM_FAIL(e, DM_EIO, "%.120s: %s", url, curl_easy_strerror(code));
    }
    if (status != 200) {
        DM_FAIL(e, DM_EIO, "%.120s answers %ld", url, status);
    }
    json_t *o = json_loadb(dm_buf_str(&body), body.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(o)) {
        json_decref(o);
        DM_FAIL(e, DM_EIO, "%.120s is not a JSON object", url);
    }
    *ret = o;
    return DM_OK;
}
