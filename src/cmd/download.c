/* SPDX-License-Identifier: Apache-2.0
 *
 * Files from a web server, by libcurl. */
#include "cmd/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

enum { CONNECT_S = 20, STALL_S = 30, REDIRECTS = 5, HTTP_PARTIAL = 206, HTTP_RANGE = 416 };

static void curl_freep(CURL **h)
{
    curl_easy_cleanup(*h);
}

static void close_fdp(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static int begin(const char *url, CURL **ret, struct dm_err *e)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *h = curl_easy_init();
    if (!h) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a transfer");
    }
    (void)curl_easy_setopt(h, CURLOPT_URL, url);
    (void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 1L);
    (void)curl_easy_setopt(h, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    (void)curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    (void)curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    (void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(h, CURLOPT_USERAGENT, "demeter");
    *ret = h;
    return DM_OK;
}

/* The server's own refusal, or what libcurl says. */
static int check_end(CURL *h, CURLcode code, const char *url, struct dm_err *e)
{
    long status = 0;
    (void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    if (status != 0 && status != 200 && status != HTTP_PARTIAL) {
        DM_FAIL(e, status == 404 ? DM_ENOTFOUND : DM_EIO, "%.160s: the server answers %ld", url,
                status);
    }
    if (code != CURLE_OK) {
        DM_FAIL(e, DM_EIO, "%.160s: %s", url, curl_easy_strerror(code));
    }
    return DM_OK;
}

static size_t into_buf(char *bytes, size_t size, size_t n, void *ctx)
{
    struct dm_buf *b = ctx;
    dm_buf_append(b, bytes, size * n);
    return b->failed ? 0 : size * n;
}

int download_text(const char *url, struct dm_buf *buf, struct dm_err *e)
{
    DM_CLEANUP(curl_freep) CURL *h = NULL;
    DM_TRY(begin(url, &h, e));
    (void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, into_buf);
    (void)curl_easy_setopt(h, CURLOPT_WRITEDATA, buf);
    const CURLcode code = curl_easy_perform(h);
    DM_TRY(dm_buf_ok(buf, e));
    return check_end(h, code, url, e);
}

/* ---- a file ---------------------------------------------------------------------------------- */

struct sink {
    CURL *h;
    int fd;
    int64_t had, at, max; /* bytes that were there, that are there, that may be */
    bool begun, too_large;
};

/* Before the first byte: a server that does not know ranges sends everything anew. */
static bool begin_body(struct sink *s)
{
    long status = 0;
    (void)curl_easy_getinfo(s->h, CURLINFO_RESPONSE_CODE, &status);
    s->begun = true;
    if (status == HTTP_PARTIAL) {
        return true;
    }
    s->at = 0;
    return status == 200 && ftruncate(s->fd, 0) == 0 && lseek(s->fd, 0, SEEK_SET) == 0;
}

static size_t into_file(char *bytes, size_t size, size_t n, void *ctx)
{
    struct sink *s = ctx;
    const size_t all = size * n;
    if (!s->begun && !begin_body(s)) {
        return 0;
    }
    s->too_large = s->at + (int64_t)all > s->max;
    for (size_t done = 0; !s->too_large && done < all;) {
        const ssize_t got = write(s->fd, bytes + done, all - done);
        if (got < 0 && errno != EINTR) {
            return 0;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    s->at += (int64_t)all;
    return s->too_large ? 0 : all;
}

static int transfer(const char *url, struct sink *s, struct dm_err *e)
{
    DM_CLEANUP(curl_freep) CURL *h = NULL;
    char range[32];
    long status = 0;
    DM_TRY(begin(url, &h, e));
    s->h = h;
    /* not CURLOPT_RESUME_FROM: with it, libcurl refuses a server that sends everything instead */
    (void)snprintf(range, sizeof(range), "%jd-", (intmax_t)s->had);
    (void)curl_easy_setopt(h, CURLOPT_RANGE, s->had > 0 ? range : NULL);
    (void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, into_file);
    (void)curl_easy_setopt(h, CURLOPT_WRITEDATA, s);
    const CURLcode code = curl_easy_perform(h);
    (void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    if (s->too_large) {
        DM_FAIL(e, DM_ELIMIT, "%.160s: more than %jd bytes", url, (intmax_t)s->max);
    }
    if (s->had > 0 && status == HTTP_RANGE) {
        return DM_OK; /* all of it was there */
    }
    return check_end(h, code, url, e);
}

int download_file(const char *url, const char *path, int64_t max_bytes, struct dm_err *e)
{
    DM_CLEANUP(close_fdp) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    struct stat st;
    char why[128];
    if (fd < 0 || fstat(fd, &st) != 0) {
        DM_FAIL(e, DM_EIO, "%s: %s", path, strerror_r(errno, why, sizeof(why)));
    }
    struct sink s = {.fd = fd, .had = st.st_size, .at = st.st_size, .max = max_bytes};
    if (lseek(fd, 0, SEEK_END) < 0) {
        DM_FAIL(e, DM_EIO, "%s: %s", path, strerror_r(errno, why, sizeof(why)));
    }
    DM_TRY(transfer(url, &s, e));
    if (fsync(fd) != 0) {
        DM_FAIL(e, DM_EIO, "%s: %s", path, strerror_r(errno, why, sizeof(why)));
    }
    return DM_OK;
}
