/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures against the worked examples of the S3 documentation, and the XML of answers. */
#include <string.h>

#include "blob/s3_sign.h"
#include "blob/s3_xml.h"
#include "support/testing.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct s3_key example = {
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL, "us-east-1"};

static void documented_requests(void **state)
{
    (void)state;
    static const struct {
        struct s3_call c;
        const char *signature;
    } rows[] = {
        {{"GET",
          "/test.txt",
          {.n = 0},
          {{{"host", "examplebucket.s3.amazonaws.com"},
            {"range", "bytes=0-9"},
            {"x-amz-content-sha256", EMPTY},
            {"x-amz-date", "20130524T000000Z"}},
           4},
          EMPTY,
          "20130524T000000Z"},
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
        {{"GET",
          "/",
          {{{"prefix", "J"}, {"max-keys", "2"}}, 2},
          {{{"x-amz-date", "20130524T000000Z"},
            {"x-amz-content-sha256", EMPTY},
            {"host", "examplebucket.s3.amazonaws.com"}},
           3},
          EMPTY,
          "20130524T000000Z"},
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
        {{"GET",
          "/",
          {{{"lifecycle", ""}}, 1},
          {{{"host", "examplebucket.s3.amazonaws.com"},
            {"x-amz-content-sha256", EMPTY},
            {"x-amz-date", "20130524T000000Z"}},
           3},
          EMPTY,
          "20130524T000000Z"},
         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct dm_buf b = dm_buf_init(4096);
        s3_authorization(&example, &rows[i].c, &b);
        assert_ok(dm_buf_ok(&b, &e), &e);
        assert_string_equal(strstr(dm_buf_str(&b), "Signature=") + 10, rows[i].signature);
        dm_buf_clear(&b);
    }
}

static void documented_address(void **state)
{
    (void)state;
    struct dm_buf b = dm_buf_init(4096);
    struct s3_call c = {.method = "GET",
                        .path = "/test.txt",
                        .headers = {{{"host", "examplebucket.s3.amazonaws.com"}}, 1},
                        .payload = S3_UNSIGNED,
                        .date = "20130524T000000Z"};
    s3_presigned_query(&example, &c, 86400, &b);
    assert_string_equal(
        dm_buf_str(&b),
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
        "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
        "&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    dm_buf_clear(&b);
}

static int note(void *ctx, const char *parent, const char *name, const char *text, struct dm_err *e)
{
    (void)e;
    dm_buf_printf(ctx, "%s/%s=%s;", parent, name, text);
    return DM_OK;
}

static void answers(void **state)
{
    (void)state;
    static const struct {
        const char *xml, *seen; /* NULL: refused */
    } rows[] = {
        {"<?xml version='1.0'?><A x='>'><B>1 &amp; &#65;&#xe1;</B><C/></A>\n",
         "A/B=1 & A\xc3\xa1;A/C=;/A=;"},
        {"<A><!-- <B> --></A>", "/A=;"},
        {"<A>", NULL},
        {"", NULL},
        {"<A></B>", NULL},
        {"<A/><B/>", NULL},
        {"<!DOCTYPE a [<!ENTITY b 'c'>]><A>&b;</A>", NULL},
        {"<A>&b;</A>", NULL},
        {"<A>&#0;</A>", NULL},
        {"<A>&#xd800;</A>", NULL},
        {"<A>&#99999999;</A>", NULL},
        {"<A", NULL},
        {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>", NULL},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct dm_buf b = dm_buf_init(4096);
        int code = s3_xml_parse(rows[i].xml, strlen(rows[i].xml), note, &b, &e);
        assert_int_equal(code, rows[i].seen ? DM_OK : DM_EIO);
        if (rows[i].seen) {
            assert_string_equal(dm_buf_str(&b), rows[i].seen);
        }
        dm_buf_clear(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(documented_requests),
                                       cmocka_unit_test(documented_address),
                                       cmocka_unit_test(answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
