/* SPDX-License-Identifier: Apache-2.0
 *
 * Real files of many cameras and many kinds of trouble. They are not ours: without the folder the
 * test skips. Every file is decoded in this process: no crash, a refusal is one line; a table says
 * what must come out of the notable ones. */
#include <dirent.h>
#include <math.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "image/codec_priv.h"
#include "support/measure.h"
#include "support/testing.h"

enum { SKIPPED = 77, PATH_SIZE = 4096 };

static char root[PATH_SIZE];

static bool find_root(void)
{
    const char *env = getenv("DEMETER_MATERIAL");
    struct stat st;
    (void)snprintf(root, sizeof(root), "%s/decoder", env ? env : SOURCE_ROOT "/../shared/material");
    return stat(root, &st) == 0 && S_ISDIR(st.st_mode);
}

static struct dm_buf load(const char *path)
{
    struct dm_buf b = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    struct dm_err e = {0};
    char full[2 * PATH_SIZE];
    (void)snprintf(full, sizeof(full), "%s%s%s", path[0] == '/' ? "" : root,
                   path[0] == '/' ? "" : "/", path);
    assert_ok(dm_buf_read_file(&b, full, &e), &e);
    return b;
}

/* ---- every file ---- */

static void decode_file(const char *path, unsigned *ret_decoded)
{
    struct dm_buf b = load(path);
    struct image im = {0};
    struct image_info info;
    struct image_info probed;
    struct dm_err e = {0};
    int code = image_decode(b.data, b.len, NULL, &im, &info, &e);
    if (code < 0) {
        bool listed = code == DM_EDECODE || code == DM_ELIMIT || code == DM_EUNSUPPORTED;
        if (!listed || e.code != code || strlen(e.text) < 10 || strchr(e.text, '\n')) {
            fail_msg("%s: %d %s", path, code, e.text);
        }
    } else {
        assert_ok(image_probe(b.data, b.len, NULL, &probed, &e), &e);
        assert_true(im.w == info.w && im.h == info.h && im.channels == 3);
        assert_true(probed.w == im.w && probed.h == im.h);
        image_clear(&im);
        ++*ret_decoded;
    }
    dm_buf_clear(&b);
}

static unsigned walk(const char *folder, unsigned *ret_decoded)
{
    unsigned files = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        char path[PATH_SIZE];
        struct stat st;
        if (d->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
        assert_int_equal(stat(path, &st), 0);
        if (S_ISDIR(st.st_mode)) {
            files += walk(path, ret_decoded);
        } else {
            decode_file(path, ret_decoded);
            files++;
        }
    }
    (void)closedir(dir);
    return files;
}

static void every_file_decodes_or_is_refused_in_a_line(void **state)
{
    (void)state;
    unsigned decoded = 0;
    unsigned files = walk(root, &decoded);
    print_message("%u files, %u decoded\n", files, decoded);
    assert_true(files > 100 && decoded > 100);
}

/* ---- notable files ---- */

static void notable_files_have_their_outcome(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int code, w, h; /* upright */
        const char *says;
    } rows[] = {
        {"libvips/sample.jpg", DM_OK, 290, 442, NULL},
        {"libvips/cd1.1.jpg", DM_OK, 531, 373, NULL},
        {"libvips/sample.png", DM_OK, 290, 442, NULL}, /* 16 bits */
        {"libvips/indexed.png", DM_OK, 290, 442, NULL},
        {"libvips/rgba.png", DM_OK, 128, 128, NULL},
        {"libvips/sample.tif", DM_OK, 290, 442, NULL}, /* 16 bits */
        {"libvips/subsampled.tif", DM_OK, 250, 325, NULL},
        {"libvips/CMU-1-Small-Region.svs", DM_OK, 2220, 2967, NULL}, /* JPEG tiles */
        {"libvips/1.webp", DM_OK, 550, 368, NULL},
        {"libvips/avif-orientation-6.avif", DM_OK, 3024, 4032, NULL},
        {"libvips/ultra-hdr.jpg", DM_OK, 3840, 2160, NULL},
        {"exif-samples/heic/IMG_5195.HEIC", DM_OK, 2566, 3313, NULL},
        {"exif-samples/jpg/hdr/canon_hdr_NO.jpg", DM_OK, 1536, 2048, NULL}, /* turned */
        {"libvips/truncated.jpg", DM_EDECODE, 0, 0, "JPEG is cut off: its 10000 bytes end in row"},
        {"exif-samples/jpg/corrupted.jpg", DM_EDECODE, 0, 0, "JPEG is damaged near byte"},
        {"libvips/17000x17000.avif", DM_ELIMIT, 0, 0, "AVIF of 17000 x 17000 pixels"},
        {"libvips/big-height.webp", DM_EUNSUPPORTED, 0, 0, "animated WebP"},
        {"libvips/ojpeg-strip.tif", DM_EUNSUPPORTED, 0, 0, "old-style JPEG"},
        {"libvips/ojpeg-tile.tif", DM_EUNSUPPORTED, 0, 0, "old-style JPEG"},
        {"libvips/1bit.tif", DM_ELIMIT, 0, 0, "shortest side"},
        {"libvips/multi-channel-z-series.ome.tif", DM_EUNSUPPORTED, 0, 0, "signed"},
        {"libvips/cogs.gif", DM_EUNSUPPORTED, 0, 0, "GIF"},
        {"libvips/blankpage.pdf", DM_EUNSUPPORTED, 0, 0, "PDF"},
        {"libvips/blankpage.svg", DM_EUNSUPPORTED, 0, 0, "SVG"},
        {"libvips/small.bmp", DM_EUNSUPPORTED, 0, 0, "BMP"},
        {"libvips/issue412.jp2", DM_EUNSUPPORTED, 0, 0, "JPEG 2000"},
        {"libvips/dicom_test_image.dcm", DM_EUNSUPPORTED, 0, 0, "DICOM"},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_buf b = load(rows[i].path);
        struct image im = {0};
        struct dm_err e = {0};
        int code = image_decode(b.data, b.len, NULL, &im, NULL, &e);
        bool ok = code == rows[i].code && im.w == rows[i].w && im.h == rows[i].h;
        if (!ok || (rows[i].says && !strstr(e.text, rows[i].says))) {
            fail_msg("%s: %d, %d x %d, %s", rows[i].path, code, im.w, im.h, e.text);
        }
        image_clear(&im);
        dm_buf_clear(&b);
    }
}

static void size_bombs_are_refused_quickly_and_cheaply(void **state)
{
    (void)state;
    static const char *const paths[] = {"libvips/17000x17000.avif", "libvips/big-height.webp"};
    for (size_t i = 0; i < DM_COUNT(paths); i++) {
        struct dm_buf b = load(paths[i]);
        struct measured m = measure_decode_best(b.data, b.len);
        print_message("%s: %.1f ms, %.1f MB\n", paths[i], m.cpu_ms, m.grown_mb);
        assert_true(m.code < 0 && m.code != DM_EINTERNAL);
        assert_true(!MEASURE_EXACT || (m.cpu_ms < 50 && m.grown_mb < 50));
        dm_buf_clear(&b);
    }
}

/* ---- orientation ---- */

/* Mean difference of two pictures of one size, 255 otherwise. */
static double difference(const struct image *a, const struct image *b)
{
    uint64_t sum = 0;
    if (a->w != b->w || a->h != b->h) {
        return 255;
    }
    for (int y = 0; y < a->h; y++) {
        for (int x = 0; x < 3 * a->w; x++) {
            sum += (uint64_t)abs(image_row(a, y)[x] - image_row(b, y)[x]);
        }
    }
    return (double)sum / (3.0 * a->w * a->h);
}

static struct image decode_numbered(const char *format, int number)
{
    char path[PATH_SIZE];
    struct image im = {0};
    struct image_info info;
    struct dm_err e = {0};
    const char *mark = strchr(format, '#');
    (void)snprintf(path, sizeof(path), "%.*s%d%s", (int)(mark - format), format, number, mark + 1);
    struct dm_buf b = load(path);
    assert_ok(image_decode(b.data, b.len, NULL, &im, &info, &e), &e);
    assert_int_equal(info.exif.orientation, number);
    dm_buf_clear(&b);
    return im;
}

/* The number is painted large into each picture and each was compressed again, so they differ; but
 * turned in any other way they differ more. */
static void all_orientations_show_the_same_picture(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "exif-samples/jpg/orientation/landscape_#.jpg",
        "exif-samples/jpg/orientation/portrait_#.jpg",
        "exif-orientation-examples/Landscape_#.jpg",
        "exif-orientation-examples/Portrait_#.jpg",
    };
    for (size_t s = 0; s < DM_COUNT(sets); s++) {
        struct image first = decode_numbered(sets[s], 1);
        for (int o = 2; o <= 8; o++) {
            struct dm_err e = {0};
            struct image im = decode_numbered(sets[s], o);
            double d = difference(&first, &im);
            assert_true(d < 20);
            for (int turn = 2; turn <= 4; turn++) { /* 5 to 8 have another shape */
                struct image wrong;
                assert_ok(image_copy(&im, &wrong, &e), &e);
                assert_ok(image_orient(&wrong, turn, &e), &e);
                double other = difference(&first, &wrong);
                if (other < 1.5 * d) {
                    fail_msg("%s %d: differs by %.1f, turned by %.1f", sets[s], o, d, other);
                }
                image_clear(&wrong);
            }
            image_clear(&im);
        }
        image_clear(&first);
    }
}

/* ---- metadata ---- */

static void metadata_is_what_exiftool_reads(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        double latitude, longitude, error_m; /* NAN: absent */
        const char *captured_at, *model;
    } rows[] = {
        {"exif-samples/jpg/gps/DSCN0010.jpg", 43.467448, 11.885127, NAN, "2008-10-22T16:28:39",
         "COOLPIX P6000"},
        {"exif-samples/jpg/gps/DSCN0012.jpg", 43.467157, 11.885395, NAN, "2008-10-22T16:29:49",
         "COOLPIX P6000"},
        {"exif-samples/jpg/gps/DSCN0021.jpg", 43.467082, 11.884538, NAN, "2008-10-22T16:38:20",
         "COOLPIX P6000"},
        {"exif-samples/jpg/gps/DSCN0025.jpg", 43.468365, 11.881635, NAN, "2008-10-22T16:43:21",
         "COOLPIX P6000"},
        {"exif-samples/jpg/gps/DSCN0027.jpg", 43.468442, 11.881515, NAN, "2008-10-22T16:44:01",
         "COOLPIX P6000"},
        {"exif-samples/jpg/gps/DSCN0029.jpg", 43.468243, 11.880172, NAN, "2008-10-22T16:46:53",
         "COOLPIX P6000"},
        {"exif-samples/jpg/gps/DSCN0038.jpg", 43.467255, 11.879213, NAN, "2008-10-22T16:52:15",
         "COOLPIX P6000"},
        {"exif-samples/jpg/gps/DSCN0040.jpg", 43.466012, 11.879112, NAN, "2008-10-22T16:55:37",
         "COOLPIX P6000"},
        {"exif-samples/jpg/gps/DSCN0042.jpg", 43.464455, 11.881478, NAN, "2008-10-22T17:00:07",
         "COOLPIX P6000"},
        {"exif-samples/jpg/Kodak_CX7530.jpg", -0.371300, 36.056417, NAN, "2005-08-13T09:47:23",
         "KODAK CX7530 ZOOM DIGITAL CAMERA"},
        {"exif-samples/jpg/mobile/HMD_Nokia_8.3_5G.jpg", 60.146706, 24.906772, NAN,
         "2022-08-14T14:12:31+03:00", "Nokia 8.3 5G"},
        {"exif-samples/heic/IMG_5195.HEIC", 39.051344, -94.288772, 38.81,
         "2021-04-11T15:47:53-05:00", "iPhone 11 Pro Max"},
        {"libvips/avif-orientation-6.avif", 50.439750, 30.502072, 65, "2020-03-05T11:28:10",
         "iPhone XS"},
        {"exif-samples/jpg/Canon_40D.jpg", NAN, NAN, NAN, "2008-05-30T15:56:01", "Canon EOS 40D"},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_buf b = load(rows[i].path);
        struct image_info info;
        struct dm_err e = {0};
        assert_ok(image_probe(b.data, b.len, NULL, &info, &e), &e);
        const struct image_exif *x = &info.exif;
        bool same = x->has_gps == !isnan(rows[i].latitude) &&
                    isnan(x->gps_error_m) == isnan(rows[i].error_m) &&
                    strcmp(x->captured_at, rows[i].captured_at) == 0 &&
                    strcmp(x->model, rows[i].model) == 0;
        if (x->has_gps) {
            same &= fabs(x->latitude_deg - rows[i].latitude) < 1e-6 &&
                    fabs(x->longitude_deg - rows[i].longitude) < 1e-6;
        }
        if (!isnan(x->gps_error_m)) {
            same &= fabs(x->gps_error_m - rows[i].error_m) < 0.01;
        }
        if (!same) {
            fail_msg("%s: %.6f %.6f %.2f '%s' '%s'", rows[i].path, x->latitude_deg,
                     x->longitude_deg, x->gps_error_m, x->captured_at, x->model);
        }
        dm_buf_clear(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_decodes_or_is_refused_in_a_line),
        cmocka_unit_test(notable_files_have_their_outcome),
        cmocka_unit_test(size_bombs_are_refused_quickly_and_cheaply),
        cmocka_unit_test(all_orientations_show_the_same_picture),
        cmocka_unit_test(metadata_is_what_exiftool_reads),
    };
    if (!find_root()) {
        (void)printf("skipped: no folder %s (set DEMETER_MATERIAL)\n", root);
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
