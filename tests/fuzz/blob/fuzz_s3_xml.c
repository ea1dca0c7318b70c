/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of S3 servers: any bytes give elements within the stated bounds, the root last and once,
 * or DM_EIO. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "blob/s3_xml.h"

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

static int see(void *ctx, const char *parent, const char *name, const char *text, struct dm_err *e)
{
    int *roots = ctx;
    (void)e;
    must(*roots == 0);
    must(strlen(parent) <= S3_XML_NAME_MAX && strlen(text) <= S3_XML_TEXT_MAX);
    must(*name && strlen(name) <= S3_XML_NAME_MAX);
    *roots += !*parent;
    return DM_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    int roots = 0;
    struct dm_err e = {0};
    int code = s3_xml_parse((const char *)bytes, n, see, &roots, &e);
    must(code == DM_EIO || (code == DM_OK && roots == 1));
    return 0;
}
