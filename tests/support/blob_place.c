/* SPDX-License-Identifier: Apache-2.0
 *
 * Places for objects: temporary folders and fresh buckets. */
#include "support/blob_place.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/s3_server.h"

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int blob_place_setup_dir(void **state)
{
    struct dm_err e = {0};
    struct blob_place *p = dm_calloc(1, sizeof(*p));
    assert_non_null(p);
    (void)snprintf(p->folder, sizeof(p->folder), "/tmp/demeter-blob-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->url, sizeof(p->url), "dir:%s", p->folder);
    assert_ok(blob_open(p->url, &(struct blob_options){.create = true}, &p->blob, &e), &e);
    *state = p;
    return 0;
}

struct blob_options blob_place_options(const struct blob_place *p)
{
    return (struct blob_options){.access_key = S3_SERVER_ACCESS,
                                 .secret_key = S3_SERVER_SECRET,
                                 .endpoint = p->endpoint,
                                 .path_style = !strstr(p->endpoint, "localhost"),
                                 .tries = 3};
}

static int setup_s3(void **state, const char *host, const char *prefix)
{
    static int serial;
    struct dm_err e = {0};
    char bucket[32];
    struct blob_place *p = dm_calloc(1, sizeof(*p));
    assert_non_null(p);
    s3_server_start();
    (void)snprintf(bucket, sizeof(bucket), "photos-%d", ++serial);
    s3_server_bucket(bucket);
    (void)snprintf(p->url, sizeof(p->url), "s3:%s%s", bucket, prefix);
    (void)snprintf(p->endpoint, sizeof(p->endpoint), "http://%s:%d", host, s3_server_port());
    struct blob_options o = blob_place_options(p);
    assert_ok(blob_open(p->url, &o, &p->blob, &e), &e);
    *state = p;
    return 0;
}

int blob_place_setup_s3(void **state)
{
    return setup_s3(state, "127.0.0.1", "");
}

int blob_place_setup_s3_host(void **state)
{
    return setup_s3(state, "localhost", "/nursery/one");
}

int blob_place_teardown(void **state)
{
    struct blob_place *p = *state;
    blob_close(p->blob);
    if (p->folder[0]) {
        (void)nftw(p->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    dm_free(p);
    return 0;
}
