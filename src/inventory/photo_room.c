/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether there is room for another photo: a full disk stops the database, a refused upload is sent
 * again. Looked at before the first byte of each upload: one statvfs and one walk of a folder that
 * holds what is on its way, some hundred files at most. */
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "inventory/photo.h"

#define FREE_LEAST    ((int64_t)1 << 30) /* deployment.md 4: 1 GiB and 5 % */
#define FREE_FRACTION 20

/* Bytes of all files below a folder; one that vanishes meanwhile counts nothing. */
static int64_t bytes_below(const char *folder)
{
    char *const roots[] = {(char *)(uintptr_t)folder, NULL}; /* fts_open does not write them */
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    int64_t sum = 0;
    for (FTSENT *f; walk && (f = fts_read(walk));) {
        sum += f->fts_info == FTS_F ? f->fts_statp->st_size : 0;
    }
    if (walk) {
        (void)fts_close(walk);
    }
    return sum;
}

int photo_room(const struct photo_place *p, int64_t bytes, struct dm_err *e)
{
    struct statvfs v;
    if (p->keep_free && statvfs(p->incoming, &v) == 0) {
        const int64_t left = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
        const int64_t all = (int64_t)v.f_blocks * (int64_t)v.f_frsize;
        const int64_t keep =
            p->keep_free > 0 ? p->keep_free : DM_MAX(FREE_LEAST, all / FREE_FRACTION);
        if (left - bytes < keep) {
            DM_REFUSE(e, INV_STORAGE_FULL,
                      DM_FIELDS(DM_I("free_bytes", left), DM_I("keep_free_bytes", keep)),
                      "the disk for photos has %lld MB left, of which %lld MB must stay free",
                      (long long)(left / 1000000), (long long)(keep / 1000000));
        }
    }
    if (p->incoming_max > 0 && bytes_below(p->incoming) + bytes > p->incoming_max) {
        DM_REFUSE(e, INV_STORAGE_FULL, DM_FIELDS(DM_I("incoming_max_bytes", p->incoming_max)),
                  "uploads on their way fill their %lld MB; try again when some have ended",
                  (long long)(p->incoming_max / 1000000));
    }
    return DM_OK;
}
