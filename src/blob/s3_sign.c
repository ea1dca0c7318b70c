/* SPDX-License-Identifier: Apache-2.0
 *
 * Signature Version 4: canonical request, string to sign, derived key, HMAC-SHA256 by libsodium. */
#include "blob/s3_sign.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"

#define CANONICAL_MAX ((size_t)64 << 10)

void s3_date(int64_t seconds, char ret[static S3_DATE_SIZE])
{
    struct tm tm = {0};
    time_t t = (time_t)seconds;
    (void)gmtime_r(&t, &tm);
    (void)strftime(ret, S3_DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm);
}

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct s3_pair *)x)->name, ((const struct s3_pair *)y)->name);
}

static struct s3_pairs sorted(const struct s3_pairs *p)
{
    struct s3_pairs s = *p;
    qsort(s.v, s.n, sizeof(s.v[0]), by_name);
    return s;
}

static void encode(const char *s, struct dm_buf *ret)
{
    for (; *s; s++) {
        bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                     (*s >= '0' && *s <= '9') || strchr("-_.~", *s);
        if (plain) {
            dm_buf_putc(ret, *s);
        } else {
            dm_buf_printf(ret, "%%%02X", (unsigned char)*s);
        }
    }
}

void s3_query(const struct s3_pairs *query, struct dm_buf *ret)
{
    struct s3_pairs s = sorted(query);
    for (size_t i = 0; i < s.n; i++) {
        dm_buf_puts(ret, i ? "&" : "");
        encode(s.v[i].name, ret);
        dm_buf_putc(ret, '=');
        encode(s.v[i].value, ret);
    }
}

static void signed_names(const struct s3_pairs *headers, struct dm_buf *ret)
{
    for (size_t i = 0; i < headers->n; i++) {
        dm_buf_printf(ret, "%s%s", i ? ";" : "", headers->v[i].name);
    }
}

static void hmac(const void *key, size_t key_n, const char *text,
                 unsigned char ret[static crypto_auth_hmacsha256_BYTES])
{
    crypto_auth_hmacsha256_state s;
    (void)crypto_auth_hmacsha256_init(&s, key, key_n);
    (void)crypto_auth_hmacsha256_update(&s, (const unsigned char *)text, strlen(text));
    (void)crypto_auth_hmacsha256_final(&s, ret);
}

/* YYYYMMDD/region/s3/aws4_request */
static void scope(const struct s3_key *key, const struct s3_call *c, struct dm_buf *ret)
{
    dm_buf_printf(ret, "%.8s/%s/s3/aws4_request", c->date, key->region);
}

static void signature(const struct s3_key *key, const struct s3_call *c, struct dm_buf *ret)
{
    struct dm_buf text = dm_buf_init(CANONICAL_MAX);
    struct s3_pairs headers = sorted(&c->headers);
    char hash[DM_SHA256_HEX_SIZE];
    char day[9];
    dm_buf_printf(&text, "%s\n%s\n", c->method, c->path);
    s3_query(&c->query, &text);
    dm_buf_putc(&text, '\n');
    for (size_t i = 0; i < headers.n; i++) {
        dm_buf_printf(&text, "%s:%s\n", headers.v[i].name, headers.v[i].value);
    }
    dm_buf_putc(&text, '\n');
    signed_names(&headers, &text);
    dm_buf_printf(&text, "\n%s", c->payload);
    dm_sha256_hex(dm_buf_str(&text), text.len, hash);
    int failed = text.failed;
    dm_buf_clear(&text);
    dm_buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n", c->date);
    scope(key, c, &text);
    dm_buf_printf(&text, "\n%s", hash);

    unsigned char k[crypto_auth_hmacsha256_BYTES];
    struct dm_buf first = dm_buf_init(4096);
    dm_buf_printf(&first, "AWS4%s", key->secret);
    (void)snprintf(day, sizeof(day), "%.8s", c->date);
    hmac(dm_buf_str(&first), first.len, day, k);
    hmac(k, sizeof(k), key->region, k);
    hmac(k, sizeof(k), "s3", k);
    hmac(k, sizeof(k), "aws4_request", k);
    hmac(k, sizeof(k), dm_buf_str(&text), k);
    (void)sodium_bin2hex(hash, sizeof(hash), k, sizeof(k));
    dm_buf_puts(ret, hash);
    if (first.len) {
        sodium_memzero(first.data, first.len);
    }
    ret->failed = ret->failed ? ret->failed : failed ? failed : text.failed;
    ret->failed = ret->failed ? ret->failed : first.failed;
    dm_buf_clear(&first);
    dm_buf_clear(&text);
}

void s3_authorization(const struct s3_key *key, const struct s3_call *c, struct dm_buf *ret)
{
    struct s3_pairs headers = sorted(&c->headers);
    dm_buf_printf(ret, "AWS4-HMAC-SHA256 Credential=%s/", key->access);
    scope(key, c, ret);
    dm_buf_puts(ret, ",SignedHeaders=");
    signed_names(&headers, ret);
    dm_buf_puts(ret, ",Signature=");
    signature(key, c, ret);
}

void s3_presigned_query(const struct s3_key *key, struct s3_call *c, int seconds,
                        struct dm_buf *ret)
{
    struct dm_buf credential = dm_buf_init(4096);
    struct dm_buf names = dm_buf_init(4096);
    struct s3_pairs headers = sorted(&c->headers);
    char life[16];
    (void)snprintf(life, sizeof(life), "%d", seconds);
    dm_buf_printf(&credential, "%s/", key->access);
    scope(key, c, &credential);
    signed_names(&headers, &names);
    s3_pair_add(&c->query, "X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    s3_pair_add(&c->query, "X-Amz-Credential", dm_buf_str(&credential));
    s3_pair_add(&c->query, "X-Amz-Date", c->date);
    s3_pair_add(&c->query, "X-Amz-Expires", life);
    s3_pair_add(&c->query, "X-Amz-SignedHeaders", dm_buf_str(&names));
    if (key->token) {
        s3_pair_add(&c->query, "X-Amz-Security-Token", key->token);
    }
    s3_query(&c->query, ret);
    dm_buf_puts(ret, "&X-Amz-Signature=");
    signature(key, c, ret);
    ret->failed = ret->failed ? ret->failed : credential.failed ? credential.failed : names.failed;
    c->query.n = 0; /* its texts go away */
    dm_buf_clear(&credential);
    dm_buf_clear(&names);
}
