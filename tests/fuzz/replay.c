/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a fuzz target over committed files as an ordinary test, with any compiler: every argument is
 * a file or a folder of files. Links with the target's LLVMFuzzerTestOneInput in place of
 * libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int replay_file(const char *path)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf b = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    struct dm_err e = {0};
    if (dm_buf_read_file(&b, path, &e) < 0) {
        (void)fprintf(stderr, "%s\n", dm_err_text(&e));
        return -1;
    }
    /* an exact copy, so that a read one byte too far is seen by the sanitizers */
    uint8_t *bytes = dm_alloc(b.len ? b.len : 1);
    if (!bytes) {
        return -1;
    }
    if (b.len) {
        memcpy(bytes, b.data, b.len);
    }
    (void)LLVMFuzzerTestOneInput(bytes, b.len);
    dm_free(bytes);
    return 1;
}

/* Files replayed, or -1. */
static int replay(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        (void)fprintf(stderr, "%s: not there\n", path);
        return -1;
    }
    if (!S_ISDIR(st.st_mode)) {
        return replay_file(path);
    }
    DIR *dir = opendir(path);
    int done = 0;
    for (struct dirent *d; dir && (d = readdir(dir));) {
        char name[4096];
        if (d->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
        int n = replay(name);
        if (n < 0) {
            done = -1;
            break;
        }
        done += n;
    }
    if (dir) {
        (void)closedir(dir);
    }
    return done;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int n = replay(argv[i]);
        if (n < 0) {
            return 1;
        }
        total += n;
    }
    (void)printf("%d files replayed\n", total);
    return total > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
