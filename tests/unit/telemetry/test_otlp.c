/* SPDX-License-Identifier: Apache-2.0
 *
 * What is packed for a collector: spans and their parents, texts that would spoil a batch, too much
 * of everything. tests/e2e/test_otel reads the bytes with a decoder of its own. */
#include "telemetry/otlp.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "support/testing.h"
#include "telemetry/proto/otlp.pb-c.h"
#include "telemetry/span.h"

static struct telemetry_ring *ring;

static int start(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct telemetry_sampler all;
    assert_ok(telemetry_ring_new(&ring, &e), &e);
    assert_ok(telemetry_sampler_parse("parentbased_always_on", "", &all, &e), &e);
    telemetry_tracer_start(&all, ring);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    telemetry_tracer_stop();
    telemetry_ring_free(ring);
    return 0;
}

static Otlp__Span *next_span(void)
{
    enum telemetry_item kind;
    size_t n;
    const unsigned char *bytes = telemetry_ring_next(ring, &kind, &n);
    if (!bytes) {
        return NULL;
    }
    assert_int_equal(kind, TELEMETRY_SPAN);
    Otlp__Span *s = otlp__span__unpack(NULL, n, bytes);
    assert_non_null(s);
    return s;
}

static void spans_know_their_parents(void **state)
{
    (void)state;
    struct telemetry_span outer;
    struct telemetry_span inner;
    char text[TELEMETRY_TRACEPARENT_SIZE];
    assert_string_equal(telemetry_span_parent_text(text), "");
    telemetry_span_inside(&inner, TELEMETRY_CLIENT, "alone");
    telemetry_span_end(&inner);
    assert_null(next_span());
    telemetry_span_begin(&outer, TELEMETRY_SERVER, "outer");
    telemetry_span_since(&outer, 250);
    telemetry_span_inside(&inner, TELEMETRY_CLIENT, "inner");
    telemetry_span_int(&inner, "n", -7);
    telemetry_span_fail(&inner, "busy");
    assert_ptr_equal(telemetry_span_current(), &inner);
    assert_memory_equal(telemetry_span_parent_text(text), "00-", 3);
    telemetry_span_end(&inner);
    telemetry_span_end(&outer);
    assert_null(telemetry_span_current());
    Otlp__Span *in = next_span();
    Otlp__Span *out = next_span();
    assert_true(in && out);
    assert_string_equal(in->name, "inner");
    assert_memory_equal(in->parent_span_id.data, out->span_id.data, 8);
    assert_memory_equal(in->trace_id.data, out->trace_id.data, 16);
    assert_int_equal(out->parent_span_id.len, 0);
    assert_int_equal(in->kind, TELEMETRY_CLIENT);
    assert_true(in->status && in->status->code == 2 && !strcmp(in->status->message, "busy"));
    assert_int_equal(in->attributes[0]->value->int_value, -7);
    assert_null(out->status);
    assert_true(out->end_time_unix_nano - out->start_time_unix_nano >= 250000000);
    otlp__span__free_unpacked(in, NULL);
    otlp__span__free_unpacked(out, NULL);
}

static void who_calls_decides(void **state)
{
    (void)state;
    struct telemetry_span s;
    struct telemetry_span child;
    telemetry_span_remote(&s, TELEMETRY_SERVER, "s",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", NULL);
    telemetry_span_begin(&child, TELEMETRY_PRODUCER, "child");
    char text[TELEMETRY_TRACEPARENT_SIZE];
    (void)telemetry_span_parent_text(text);
    assert_memory_equal(text, "00-4bf92f3577b34da6a3ce929d0e0e4736-", 36);
    assert_string_equal(text + 53, "00"); /* the trace goes on, unkept */
    telemetry_span_end(&child);
    telemetry_span_end(&s);
    assert_null(next_span());
}

static void what_is_too_much_is_cut(void **state)
{
    (void)state;
    struct telemetry_span s;
    char large[4000];
    memset(large, 'x', sizeof(large));
    large[sizeof(large) - 1] = '\0';
    telemetry_span_begin(&s, TELEMETRY_INTERNAL, "\xff\xfe-name");
    telemetry_span_str(&s, "none", NULL);
    for (int i = 0; i < 3 * LIMIT_TELEMETRY_ATTRIBUTES; i++) {
        telemetry_span_str(&s, "k", i == 0 ? "ma\xc3" : large);
    }
    telemetry_span_end(&s);
    Otlp__Span *got = next_span();
    assert_non_null(got);
    assert_string_equal(got->name, "?\?-name");
    assert_true(got->n_attributes >= 2 && got->n_attributes <= LIMIT_TELEMETRY_ATTRIBUTES);
    assert_string_equal(got->attributes[0]->value->string_value, "ma?");
    assert_int_equal(strlen(got->attributes[1]->value->string_value), LIMIT_TELEMETRY_TEXT);
    otlp__span__free_unpacked(got, NULL);
}

static void log_lines_go_along(void **state)
{
    (void)state;
    struct telemetry_span s;
    enum telemetry_item kind;
    size_t n;
    telemetry_span_begin(&s, TELEMETRY_INTERNAL, "s");
    dm_log(DM_LOG_WARNING, "something", DM_S("who", "eva"), DM_I("n", 3), DM_F("x", 0.5));
    const unsigned char *bytes = telemetry_ring_next(ring, &kind, &n);
    assert_non_null(bytes);
    assert_int_equal(kind, TELEMETRY_LOG);
    Otlp__LogRecord *r = otlp__log_record__unpack(NULL, n, bytes);
    assert_non_null(r);
    assert_string_equal(r->body->string_value, "something");
    assert_int_equal(r->severity_number, 13);
    assert_int_equal(r->n_attributes, 3);
    assert_true(r->attributes[2]->value->double_value == 0.5);
    assert_memory_equal(r->span_id.data, s.context.span, 8);
    otlp__log_record__free_unpacked(r, NULL);
    telemetry_span_end(&s);
    otlp__span__free_unpacked(next_span(), NULL);
}

static void metrics_are_sums_and_spreads(void **state)
{
    (void)state;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    struct telemetry *t = NULL;
    struct otlp_bytes body;
    const struct otlp_source from = {"s", "1", "testing", "a=b,broken,c=%41%zz", 5};
    assert_ok(telemetry_new("1", "r", &t, &e), &e);
    assert_ok(otlp_metrics(&from, t, &a, &body, &e), &e);
    assert_int_equal(body.n, 0);
    telemetry_observe(t, TELEMETRY_OTEL_HTTP_DURATION, TELEMETRY_LABELS("GET", "http", "200", "/x"),
                      30);
    telemetry_set(t, TELEMETRY_OTEL_HTTP_ACTIVE, TELEMETRY_LABELS("GET", "http"), 2);
    assert_ok(otlp_metrics(&from, t, &a, &body, &e), &e);
    Otlp__ExportMetrics *all = otlp__export_metrics__unpack(NULL, body.n, body.data);
    assert_non_null(all);
    const Otlp__ResourceMetrics *of = all->resource_metrics[0];
    assert_int_equal(of->resource->n_attributes, 6);
    assert_string_equal(of->resource->attributes[5]->value->string_value, "A%zz");
    const Otlp__ScopeMetrics *m = of->scope_metrics[0];
    assert_int_equal(m->n_metrics, 2);
    const Otlp__HistogramDataPoint *h = m->metrics[0]->histogram->data_points[0];
    assert_int_equal(h->count, 1);
    assert_int_equal(h->bucket_counts[3], 1); /* above 25, up to 50 */
    assert_true(h->sum == 30 && h->start_time_unix_nano == 5);
    assert_string_equal(h->attributes[3]->key, "http.route");
    assert_false(m->metrics[1]->sum->is_monotonic);
    assert_true(m->metrics[1]->sum->data_points[0]->as_double == 2);
    otlp__export_metrics__free_unpacked(all, NULL);
    telemetry_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(spans_know_their_parents, start, stop),
        cmocka_unit_test_setup_teardown(who_calls_decides, start, stop),
        cmocka_unit_test_setup_teardown(what_is_too_much_is_cut, start, stop),
        cmocka_unit_test_setup_teardown(log_lines_go_along, start, stop),
        cmocka_unit_test(metrics_are_sums_and_spreads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
