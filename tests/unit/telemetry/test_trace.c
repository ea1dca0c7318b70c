/* SPDX-License-Identifier: Apache-2.0
 *
 * W3C trace context: what is taken, what is refused, and who is kept. */
#include <stdlib.h>
#include <string.h>

#include "support/testing.h"
#include "telemetry/trace.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static void test_traceparent(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good, sampled;
    } rows[] = {
        {"00-" TRACE "-" SPAN "-01", true, true},
        {"00-" TRACE "-" SPAN "-00", true, false},
        {"00-" TRACE "-" SPAN "-ff", true, true},
        {"01-" TRACE "-" SPAN "-01-more", true, true},
        {"01-" TRACE "-" SPAN "-01", true, true},
        {"01-" TRACE "-" SPAN "-01x", false, false},
        {"00-" TRACE "-" SPAN "-01-more", false, false},
        {"ff-" TRACE "-" SPAN "-01", false, false},
        {"00-00000000000000000000000000000000-" SPAN "-01", false, false},
        {"00-" TRACE "-0000000000000000-01", false, false},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", false, false},
        {"00-" TRACE "-" SPAN, false, false},
        {"00-" TRACE "-" SPAN "-0", false, false},
        {"00_" TRACE "-" SPAN "-01", false, false},
        {"", false, false},
        {"0", false, false},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct telemetry_context c;
        char text[TELEMETRY_TRACEPARENT_SIZE];
        assert_int_equal(telemetry_traceparent_parse(rows[i].text, &c), rows[i].good);
        assert_int_equal(c.sampled, rows[i].sampled);
        assert_string_equal(telemetry_traceparent(&c, text), !rows[i].good ? ""
                                                             : rows[i].sampled
                                                                 ? "00-" TRACE "-" SPAN "-01"
                                                                 : "00-" TRACE "-" SPAN "-00");
    }
}

static void test_tracestate(void **state)
{
    (void)state;
    struct telemetry_context c = {0};
    char text[600];
    telemetry_tracestate_take(&c, "congo=t61rcWkgMzE,rojo=00f0");
    assert_string_equal(c.state, "congo=t61rcWkgMzE,rojo=00f0");
    telemetry_tracestate_take(&c, "a=b\r\nX: y");
    assert_string_equal(c.state, "");
    memset(text, 'a', sizeof(text));
    text[513] = '\0';
    telemetry_tracestate_take(&c, text);
    assert_string_equal(c.state, "");
    text[512] = '\0';
    telemetry_tracestate_take(&c, text);
    assert_string_equal(c.state, text);
}

static int kept_of(const struct telemetry_sampler *s, const struct telemetry_context *parent, int n)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        kept += telemetry_context_new(s, parent).sampled;
    }
    return kept;
}

static void test_samplers(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct telemetry_sampler s;
    struct telemetry_context yes;
    struct telemetry_context no;
    struct telemetry_context none = {0};
    assert_true(telemetry_traceparent_parse("00-" TRACE "-" SPAN "-01", &yes));
    assert_true(telemetry_traceparent_parse("00-" TRACE "-" SPAN "-00", &no));

    assert_ok(telemetry_sampler_parse("parentbased_traceidratio", "0.25", &s, &e), &e);
    assert_int_equal(kept_of(&s, &yes, 10), 10);
    assert_int_equal(kept_of(&s, &no, 10), 0);
    int kept = kept_of(&s, &none, 8000); /* 2000 expected, deviation 39 */
    assert_in_range(kept, 2000 - 6 * 39, 2000 + 6 * 39);
    /* The trace's number decides: its spans agree. Its last seven bytes are ce929d0e0e4736. */
    assert_ok(telemetry_sampler_parse("traceidratio", "0.9", &s, &e), &e);
    assert_int_equal(kept_of(&s, &no, 10), 10);
    assert_ok(telemetry_sampler_parse("traceidratio", "0.5", &s, &e), &e);
    assert_int_equal(kept_of(&s, &yes, 10), 0); /* 0xce / 0x100 is 0.8 */
    assert_ok(telemetry_sampler_parse("always_on", "", &s, &e), &e);
    assert_int_equal(kept_of(&s, &no, 10), 10);
    assert_ok(telemetry_sampler_parse("parentbased_always_off", "", &s, &e), &e);
    assert_int_equal(kept_of(&s, &none, 10), 0);
    assert_int_equal(kept_of(&s, &yes, 10), 10);
    assert_int_equal(telemetry_sampler_parse("sometimes", "", &s, &e), DM_EBADINPUT);
    assert_int_equal(telemetry_sampler_parse("traceidratio", "1.5", &s, &e), DM_EBADINPUT);
    assert_int_equal(telemetry_sampler_parse("traceidratio", "nan", &s, &e), DM_EBADINPUT);
    assert_int_equal(telemetry_sampler_parse("traceidratio", "0.1x", &s, &e), DM_EBADINPUT);
}

static void test_a_child_keeps_the_trace(void **state)
{
    (void)state;
    struct telemetry_sampler s = {.kind = TELEMETRY_SAMPLE_ALL};
    struct telemetry_context parent;
    assert_true(telemetry_traceparent_parse("00-" TRACE "-" SPAN "-01", &parent));
    telemetry_tracestate_take(&parent, "a=b");
    struct telemetry_context one = telemetry_context_new(&s, &parent);
    struct telemetry_context two = telemetry_context_new(&s, &parent);
    assert_memory_equal(one.trace, parent.trace, sizeof(one.trace));
    assert_memory_not_equal(one.span, parent.span, sizeof(one.span));
    assert_memory_not_equal(one.span, two.span, sizeof(one.span));
    assert_string_equal(one.state, "a=b");
    one = telemetry_context_new(&s, NULL);
    assert_memory_not_equal(one.trace, parent.trace, sizeof(one.trace));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traceparent),
        cmocka_unit_test(test_tracestate),
        cmocka_unit_test(test_samplers),
        cmocka_unit_test(test_a_child_keeps_the_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
