/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics: exactly the keys of vision.md 9.3 and the additions named there or in the issue, plain
 * numbers, any path. */
#include "cmd/metrics.h"

#include <jansson.h>

#include "support/fake_result.h"

static struct vision_params params = {.alpha_overcount = 0.9};

static json_t *written(const struct vision_result *r, enum metrics_form form, bool detections,
                       const char *path)
{
    struct dm_arena a = {0};
    struct dm_err e = {0};
    json_error_t error;
    struct dm_buf out = dm_buf_init(1 << 20);
    struct metrics_source s = {.result = r,
                               .params = &params,
                               .path = path,
                               .sha256 = "9f2c",
                               .start = dm_now(),
                               .detections = detections,
                               .arena = &a};
    assert_ok(metrics_write(&s, form, &out, &e), &e);
    if (form == METRICS_ONE_LINE) {
        assert_null(strchr(dm_buf_str(&out), '\n'));
    }
    json_t *j = json_loadb(out.data, out.len, 0, &error);
    if (!j) {
        fail_msg("%s: %s", error.text, out.data);
    }
    dm_buf_clear(&out);
    dm_arena_clear(&a);
    return j;
}

/* Keys of an object as "a b c". */
static const char *keys(const json_t *object)
{
    static char text[512];
    const char *key;
    json_t *value;
    size_t n = 0;
    text[0] = '\0';
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "", key);
    }
    return text;
}

static json_t *at(json_t *j, const char *path)
{
    char copy[128];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    char *rest = NULL;
    for (char *key = strtok_r(copy, ".", &rest); key && j; key = strtok_r(NULL, ".", &rest)) {
        j = json_is_array(j) ? json_array_get(j, (size_t)(key[0] - '0')) : json_object_get(j, key);
    }
    assert_non_null(j);
    return j;
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *at, *keys;
    } cases[] = {
        {"", "image counts confidence density segments estimation sahi_stats processing warnings"},
        {"image", "path sha256 format dimensions megapixels captured_at gps"},
        {"image.dimensions", "width height"},
        {"image.gps", "latitude longitude"},
        {"counts", "plants_detected plants_estimated_undetected plants_total_estimated segmentos "
                   "cajones plugs almacigos empty_containers"},
        {"confidence", "average min max distribution"},
        {"confidence.distribution", "high medium low"},
        {"density", "per_megapixel"},
        {"segments.0", "id bbox_xywh area_px plants undetected_area_px container_type confidence "
                       "mask_area_px estimated empty failed tiled whole_photo polygon"},
        {"estimation", "total_estimated bands config"},
        {"estimation.bands.0", "band_id y_range area_processed_px estimated_count "
                               "avg_plant_area_px segment_id residual_area_px "
                               "floor_suppressed_px method calibrated"},
        {"estimation.config", "pot_size_cm alpha_overcount soil_suppression"},
        {"sahi_stats", "tiles_total tiles_processed tiles_skipped_black"},
        {"processing", "time_seconds device timestamp stages models"},
        {"processing.stages", "decode segment crop detect merge estimate overlays"},
    };
    struct vision_result *r = fake_result();
    json_t *j = written(r, METRICS_ONE_LINE, false, "fotos/c01.jpg");
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        assert_string_equal(keys(at(j, cases[i].at)), cases[i].keys);
    }
    json_decref(j);
    vision_result_free(r);
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *at, *text;
    } cases[] = {
        {"image.path", "\"fotos/c01.jpg\""},
        {"image.megapixels", "12.0"},
        {"image.gps.latitude", "-34.5678901"},
        {"counts.plants_total_estimated", "11"},
        {"counts.segmentos", "2"},
        {"counts.empty_containers", "1"},
        {"confidence.average", "0.688"},
        {"confidence.max", "0.877"},
        {"density.per_megapixel", "0.92"},
        {"segments.0.bbox_xywh", "[400,300,2800,1200]"},
        {"segments.0.undetected_area_px", "50000"},
        {"segments.0.polygon.1", "[3200.0,300.0]"},
        {"segments.0.confidence", "0.91"},
        {"segments.1.container_type", "\"box\""},
        {"segments.1.empty", "true"},
        {"segments.1.polygon", "[]"},
        {"estimation.bands.0.y_range", "[300,600]"},
        {"estimation.bands.0.avg_plant_area_px", "1562.5"},
        {"estimation.bands.3.method", "\"band_estimation\""},
        {"estimation.config", "{\"pot_size_cm\":5.0,\"alpha_overcount\":0.9,"
                              "\"soil_suppression\":true}"},
        {"sahi_stats.tiles_skipped_black", "7"},
        {"processing.device", "\"cpu\""},
        {"processing.stages.decode", "40.12"},
        {"warnings", "[\"three things are odd\"]"},
        {"detections.0",
         "{\"x\":1000.2,\"y\":500.0,\"width\":40.0,\"height\":41.0,"
         "\"confidence\":0.8765,\"class\":\"item\",\"segment_id\":\"segmento_001\"}"},
    };
    struct vision_result *r = fake_result();
    for (enum metrics_form form = METRICS_ONE_LINE; form <= METRICS_INDENTED; form++) {
        json_t *j = written(r, form, true, "fotos/c01.jpg");
        for (size_t i = 0; i < DM_COUNT(cases); i++) {
            char *text = json_dumps(at(j, cases[i].at),
                                    JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
            assert_non_null(text);
            assert_string_equal(text, cases[i].text);
            free(text);
        }
        json_decref(j);
    }
    vision_result_free(r);
}

static void test_nothing_found(void **state)
{
    (void)state;
    struct vision_result *r = fake_result();
    r->n_container = r->n_detection = r->n_band = r->n_warning = 0;
    r->info.exif.has_gps = false;
    r->info.exif.captured_at[0] = '\0';
    r->confidence_mean = r->confidence_min = r->confidence_max = 0;
    json_t *j = written(r, METRICS_INDENTED, true, "x");
    assert_int_equal(json_array_size(at(j, "segments")), 0);
    assert_int_equal(json_array_size(at(j, "detections")), 0);
    assert_true(json_real_value(at(j, "confidence.average")) == 0);
    assert_string_equal(keys(at(j, "image")), "path sha256 format dimensions megapixels");
    json_decref(j);
    vision_result_free(r);
}

static void test_paths_of_any_bytes(void **state)
{
    (void)state;
    struct vision_result *r = fake_result();
    struct dm_arena a = {0};
    struct dm_err e = {.code = DM_EDECODE, .text = "bad \xFF byte"};
    struct dm_buf out = dm_buf_init(4096);
    json_t *j = written(r, METRICS_ONE_LINE, false, "na\xF1me\n.jpg");
    assert_string_equal(json_string_value(at(j, "image.path")), "na\xEF\xBF\xBDme\n.jpg");
    json_decref(j);
    assert_ok(metrics_write_error("na\xF1me", &e, &a, &out, NULL), &e);
    assert_string_equal(dm_buf_str(&out),
                        "{\"image\":{\"path\":\"na\xEF\xBF\xBDme\"},\"error\":{\"code\":"
                        "\"decode_failed\",\"message\":\"bad \xEF\xBF\xBD byte\"}}");
    dm_buf_clear(&out);
    dm_arena_clear(&a);
    vision_result_free(r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_nothing_found),
        cmocka_unit_test(test_paths_of_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
