/* SPDX-License-Identifier: Apache-2.0
 *
 * A counted photo made by hand, for tests of what is done with a result. */
#ifndef TESTS_SUPPORT_FAKE_RESULT_H
#define TESTS_SUPPORT_FAKE_RESULT_H

#include <math.h>
#include <string.h>

#include "support/testing.h"
#include "vision/vision.h"

/* 4000 x 3000: a segment with two plants and four bands, an empty box. Totals as the pipeline would
 * make them. Free with vision_result_free. */
static inline struct vision_result *fake_result(void)
{
    static const double polygon[] = {0.1, 0.1, 0.8, 0.1, 0.8, 0.9, 0.1, 0.9};
    static const char *names[] = {"item"};
    static const char *warnings[] = {"three things are odd"};
    struct vision_result *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    r->info = (struct image_info){.format = IMAGE_FORMAT_JPEG, .w = 4000, .h = 3000};
    r->info.exif = (struct image_exif){.orientation = 1,
                                       .has_gps = true,
                                       .latitude_deg = -34.5678901,
                                       .longitude_deg = -58.25,
                                       .gps_error_m = (double)NAN,
                                       .altitude_m = (double)NAN,
                                       .captured_at = "2026-11-23T15:04:05"};
    r->n_container = 2;
    r->container = dm_arena_calloc(&r->arena, 2, sizeof(*r->container));
    r->container[0] = (struct vision_container){.type = VISION_CONTAINER_SEGMENT,
                                                .id = "segmento_001",
                                                .confidence = 0.91F,
                                                .bbox = {400, 300, 2800, 1200},
                                                .polygon = polygon,
                                                .n_polygon = 4,
                                                .bbox_area_px = 3360000,
                                                .mask_area_px = 3000000,
                                                .tiled = true,
                                                .detected = 2,
                                                .estimated = 9};
    r->container[1] = (struct vision_container){.type = VISION_CONTAINER_BOX,
                                                .id = "cajon_001",
                                                .confidence = 0.5F,
                                                .bbox = {10, 20, 30, 40},
                                                .bbox_area_px = 1200,
                                                .mask_area_px = 1000,
                                                .empty = true};
    r->n_detection = 2;
    r->detection = dm_arena_calloc(&r->arena, 2, sizeof(*r->detection));
    r->detection[0] = (struct vision_detection){
        .cx = 1000.25, .cy = 500, .w = 40, .h = 41, .confidence = 0.87654321F};
    r->detection[1] =
        (struct vision_detection){.cx = 2000, .cy = 900, .w = 42, .h = 43, .confidence = 0.5F};
    r->n_band = 4;
    r->band = dm_arena_calloc(&r->arena, 4, sizeof(*r->band));
    for (int i = 0; i < 4; i++) {
        r->band[i] = (struct vision_band){.number = i + 1,
                                          .y_start = 300 * (i + 1),
                                          .y_end = 300 * (i + 2),
                                          .residual_px = 13000,
                                          .processed_px = 12500,
                                          .suppressed_px = 500,
                                          .plant_area_px = 1562.5,
                                          .alpha = 0.9};
    }
    r->band[0].count = 9;
    r->detected = 2;
    r->estimated = 9;
    r->total = 11;
    r->by_type[VISION_CONTAINER_SEGMENT] = 2;
    r->containers_by_type[VISION_CONTAINER_SEGMENT] = 1;
    r->containers_by_type[VISION_CONTAINER_BOX] = 1;
    r->empty_containers = 1;
    r->confidence_high = 1;
    r->confidence_medium = 1;
    r->confidence_mean = 0.688271605;
    r->confidence_min = 0.5;
    r->confidence_max = 0.87654321;
    r->tiles_total = 35;
    r->tiles_processed = 28;
    r->tiles_black = 7;
    r->ms.decode = 40.125;
    r->class_names = names;
    r->n_classes = 1;
    r->warning = warnings;
    r->n_warning = 1;
    return r;
}

#endif
