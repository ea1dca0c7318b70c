/* SPDX-License-Identifier: Apache-2.0
 *
 * Places for objects: temporary folders. */
#include "support/blob_place.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

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
