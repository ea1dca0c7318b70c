/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the seeds of the image fuzzers: `make_corpus FOLDER` fills FOLDER/jpeg, FOLDER/png, ...
 * from the test pictures. The result is committed, so that fuzzing and its replay need no encoder;
 * run it again after a change of the table. Refused variants are seeds, too. */
#include <errno.h>
#include <sys/stat.h>

#include "support/pictures.h"

enum { SEED_MAX = 12000 };

static const char *folder_of(enum image_format f)
{
    static const char *const names[] = {
        [IMAGE_FORMAT_JPEG] = "jpeg", [IMAGE_FORMAT_PNG] = "png",   [IMAGE_FORMAT_WEBP] = "webp",
        [IMAGE_FORMAT_TIFF] = "tiff", [IMAGE_FORMAT_HEIF] = "heif", [IMAGE_FORMAT_AVIF] = "avif"};
    return names[f];
}

static int write_seed(const char *root, const char *folder, const char *name,
                      const struct dm_buf *b)
{
    char path[4096];
    struct dm_err e = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", root, folder);
    if (mkdir(path, 0777) < 0 && errno != EEXIST) {
        perror(path);
        return -1;
    }
    (void)snprintf(path, sizeof(path), "%s/%s/%s", root, folder, name);
    if (b->len > SEED_MAX) {
        return 0; /* a large seed slows the fuzzer down more than it teaches it */
    }
    if (dm_file_write_atomic(path, b->data, b->len, &e) < 0) {
        (void)fprintf(stderr, "%s\n", dm_err_text(&e));
        return -1;
    }
    return 0;
}

static int write_exif(const char *root)
{
    static const struct exif_spec specs[] = {
        {.orientation = 6},
        {.big_endian = true,
         .orientation = 8,
         .gps = true,
         .latitude = {51, 1, 28, 1, 4012, 100},
         .latitude_ref = 'N',
         .longitude = {0, 1, 0, 1, 531, 100},
         .longitude_ref = 'W',
         .error = {325, 100},
         .date = "2026:11:23 15:04:05",
         .zone = "+01:00",
         .make = "Apple"}, /* its maker notes have a parser of their own */
        {.gps = true, .date = "2026:11:23 15:04:05", .make = "Canon"},
    };
    for (size_t i = 0; i < DM_COUNT(specs); i++) {
        char name[32];
        struct dm_buf b = dm_buf_init(PICTURE_BYTES_MAX);
        (void)snprintf(name, sizeof(name), "block-%zu.exif", i);
        exif_make(&specs[i], &b);
        if (write_seed(root, "exif", name, &b) < 0) {
            return -1;
        }
        dm_buf_clear(&b);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: make_corpus FOLDER\n");
        return 2;
    }
    for (size_t i = 0; i < picture_count; i++) {
        struct dm_buf b;
        if (!picture_can_encode(pictures[i].format)) {
            continue;
        }
        picture_make(&pictures[i], &b);
        if (write_seed(argv[1], folder_of(pictures[i].format), pictures[i].name, &b) < 0) {
            return 1;
        }
        dm_buf_clear(&b);
    }
    return write_exif(argv[1]) < 0 ? 1 : 0;
}
