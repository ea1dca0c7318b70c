/* SPDX-License-Identifier: Apache-2.0
 *
 * A fresh, empty place for objects for each test, on every driver of blob/.
 * BLOB_TEST gives a test per driver, BLOB_TEST_DIR only the folder's. */
#ifndef TESTS_SUPPORT_BLOB_PLACE_H
#define TESTS_SUPPORT_BLOB_PLACE_H

#include "blob/blob.h"
#include "support/testing.h"

struct blob_place {
    struct blob *blob;
    char url[128];
    char folder[100];  /* dir: */
    char endpoint[64]; /* s3: */
};

int blob_place_setup_dir(void **state);
int blob_place_setup_s3(void **state);      /* path style */
int blob_place_setup_s3_host(void **state); /* virtual-host style, below a prefix */
int blob_place_teardown(void **state);

#define BLOB_TEST_ON_(f, kind)                                                                     \
    {                                                                                              \
        .name = #f "[" #kind "]", .test_func = (f), .setup_func = blob_place_setup_##kind,         \
        .teardown_func = blob_place_teardown                                                       \
    }
#define BLOB_TEST_DIR(f) BLOB_TEST_ON_(f, dir)
#define BLOB_TEST_S3(f)  BLOB_TEST_ON_(f, s3)
#define BLOB_TEST(f)     BLOB_TEST_ON_(f, dir), BLOB_TEST_ON_(f, s3), BLOB_TEST_ON_(f, s3_host)

/* Options that open the S3 place p. */
struct blob_options blob_place_options(const struct blob_place *p);

#endif
