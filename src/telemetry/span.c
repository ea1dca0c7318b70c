/* SPDX-License-Identifier: Apache-2.0
 *
 * Spans and log lines, packed where they happen. */
#include "telemetry/span.h"

#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/text.h"
#include "telemetry/proto/otlp.pb-c.h"

/* Set before other threads and before forks; read-only afterwards. */
static struct {
    struct telemetry_sampler sampler;
    struct telemetry_ring *ring; /* NULL: off */
} tracer;

static _Thread_local struct telemetry_span *current;

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* ---- packing --------------------------------------------------------------------------------- */

/* Attributes of an item and room for their texts; a collector refuses a whole batch for one byte
 * that is not UTF-8. */
struct packing {
    size_t n, used;
    Otlp__KeyValue pair[LIMIT_TELEMETRY_ATTRIBUTES];
    Otlp__KeyValue *list[LIMIT_TELEMETRY_ATTRIBUTES];
    Otlp__AnyValue value[LIMIT_TELEMETRY_ATTRIBUTES];
    char text[3 * LIMIT_TELEMETRY_TEXT];
};

static char *text_of(struct packing *p, const char *s)
{
    size_t n = strnlen(s, LIMIT_TELEMETRY_TEXT);
    n = DM_MIN(n, sizeof(p->text) - p->used - 1);
    while (n > 0 && s[n] && ((unsigned char)s[n] & 0xC0) == 0x80) {
        n--;
    }
    char *to = p->text + p->used;
    const bool good = dm_text_valid(s, n);
    for (size_t i = 0; i < n; i++) {
        to[i] = good || (unsigned char)s[i] < 0x80 ? s[i] : '?';
    }
    to[n] = '\0';
    p->used += n + (p->used + n + 1 < sizeof(p->text));
    return to;
}

static Otlp__AnyValue *next_value(struct packing *p, const char *key)
{
    if (p->n == LIMIT_TELEMETRY_ATTRIBUTES) {
        return NULL;
    }
    Otlp__AnyValue *v = &p->value[p->n];
    otlp__any_value__init(v);
    otlp__key_value__init(&p->pair[p->n]);
    p->pair[p->n].key = (char *)(uintptr_t)key;
    p->pair[p->n].value = v;
    p->list[p->n] = &p->pair[p->n];
    p->n++;
    return v;
}

static void pack_text(struct packing *p, const char *key, const char *text)
{
    Otlp__AnyValue *v = next_value(p, key);
    if (v) {
        v->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
        v->string_value = text_of(p, text);
    }
}

static void pack_number(struct packing *p, const char *key, int64_t number)
{
    Otlp__AnyValue *v = next_value(p, key);
    if (v) {
        v->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
        v->int_value = number;
    }
}

static ProtobufCBinaryData bytes_of(const unsigned char *bytes, size_t n)
{
    static const unsigned char zeros[16];
    const bool none = !memcmp(bytes, zeros, n);
    return (ProtobufCBinaryData){.len = none ? 0 : n, .data = (uint8_t *)(uintptr_t)bytes};
}

/* Into the ring; without its attributes when it is too large with them. */
static void hand_over(ProtobufCMessage *m, size_t *n_attribute, enum telemetry_item kind)
{
    uint64_t place;
    unsigned char *room = telemetry_ring_room(tracer.ring, kind, &place);
    if (!room) {
        return;
    }
    size_t n = protobuf_c_message_get_packed_size(m);
    while (n > LIMIT_TELEMETRY_ITEM_BYTES && *n_attribute > 0) {
        (*n_attribute)--;
        n = protobuf_c_message_get_packed_size(m);
    }
    n = n <= LIMIT_TELEMETRY_ITEM_BYTES ? protobuf_c_message_pack(m, room) : 0;
    telemetry_ring_put(tracer.ring, kind, place, n);
}

static void send_span(const struct telemetry_span *s)
{
    struct packing p = {0};
    Otlp__Span m = OTLP__SPAN__INIT;
    Otlp__Status status = OTLP__STATUS__INIT;
    m.trace_id = bytes_of(s->context.trace, sizeof(s->context.trace));
    m.span_id = bytes_of(s->context.span, sizeof(s->context.span));
    m.parent_span_id = bytes_of(s->parent, sizeof(s->parent));
    m.trace_state = (char *)(uintptr_t)s->context.state;
    m.name = text_of(&p, s->name);
    m.kind = (int32_t)s->kind;
    m.start_time_unix_nano = s->start_ns;
    m.end_time_unix_nano = now_ns();
    if (s->failure) {
        status.code = 2;
        status.message = text_of(&p, s->failure);
        m.status = &status;
    }
    for (size_t i = 0; i < s->n_attribute; i++) {
        if (s->attribute[i].text) {
            pack_text(&p, s->attribute[i].key, s->attribute[i].text);
        } else {
            pack_number(&p, s->attribute[i].key, s->attribute[i].number);
        }
    }
    m.attributes = p.list;
    m.n_attributes = p.n;
    hand_over(&m.base, &m.n_attributes, TELEMETRY_SPAN);
}

/* ---- log lines ------------------------------------------------------------------------------- */

/* A line of the log as a record of the same trace. */
static void take_line(enum dm_log_level level, const char *message, const struct dm_field *fields)
{
    static const struct {
        int32_t number;
        const char *text;
    } severity[] = {[DM_LOG_DEBUG] = {5, "DEBUG"},
                    [DM_LOG_INFO] = {9, "INFO"},
                    [DM_LOG_WARNING] = {13, "WARN"},
                    [DM_LOG_ERROR] = {17, "ERROR"},
                    [DM_LOG_CRITICAL] = {21, "FATAL"}};
    struct packing p = {0};
    Otlp__LogRecord m = OTLP__LOG_RECORD__INIT;
    Otlp__AnyValue body = OTLP__ANY_VALUE__INIT;
    if (!tracer.ring || level < DM_LOG_INFO) {
        return;
    }
    body.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    body.string_value = text_of(&p, message);
    m.body = &body;
    m.time_unix_nano = m.observed_time_unix_nano = now_ns();
    m.severity_number = severity[level].number;
    m.severity_text = (char *)(uintptr_t)severity[level].text;
    for (; fields->type != DM_FIELD_END; fields++) {
        Otlp__AnyValue *v;
        if (fields->type == DM_FIELD_STR) {
            pack_text(&p, fields->name, fields->s ? fields->s : "");
        } else if (fields->type == DM_FIELD_I64) {
            pack_number(&p, fields->name, fields->i);
        } else if ((v = next_value(&p, fields->name)) != NULL) {
            v->value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE;
            v->double_value = fields->f;
        }
    }
    m.attributes = p.list;
    m.n_attributes = p.n;
    if (current) {
        m.trace_id = bytes_of(current->context.trace, sizeof(current->context.trace));
        m.span_id = bytes_of(current->context.span, sizeof(current->context.span));
    }
    hand_over(&m.base, &m.n_attributes, TELEMETRY_LOG);
}

static bool ids_of_line(char trace[static 33], char span[static 17])
{
    if (!current) {
        return false;
    }
    (void)telemetry_hex(current->context.trace, sizeof(current->context.trace), trace);
    (void)telemetry_hex(current->context.span, sizeof(current->context.span), span);
    return true;
}

void telemetry_tracer_start(const struct telemetry_sampler *sampler, struct telemetry_ring *ring)
{
    tracer.sampler = *sampler;
    tracer.ring = ring;
    dm_log_tap(take_line, ids_of_line);
}

void telemetry_tracer_stop(void)
{
    dm_log_tap(NULL, NULL);
    tracer.ring = NULL;
}

/* ---- spans ----------------------------------------------------------------------------------- */

static void begin(struct telemetry_span *s, enum telemetry_span_kind kind, const char *name,
                  const struct telemetry_context *parent)
{
    static const struct telemetry_context none;
    const struct telemetry_context *above = parent ? parent : &none;
    s->on = true;
    s->kind = kind;
    s->name = name;
    s->start_ns = now_ns();
    s->failure = NULL;
    s->n_attribute = 0;
    memcpy(s->parent, above->span, sizeof(s->parent));
    s->context = telemetry_context_new(&tracer.sampler, parent);
    s->kept = s->context.sampled;
    s->outer = current;
    current = s;
}

void telemetry_span_begin(struct telemetry_span *s, enum telemetry_span_kind kind, const char *name)
{
    s->on = s->kept = false;
    if (tracer.ring) {
        begin(s, kind, name, current ? &current->context : NULL);
        s->kept = s->outer ? s->outer->kept : s->kept;
        s->context.sampled = s->kept;
    }
}

void telemetry_span_inside(struct telemetry_span *s, enum telemetry_span_kind kind,
                           const char *name)
{
    s->on = s->kept = false;
    if (tracer.ring && current && current->kept) {
        telemetry_span_begin(s, kind, name);
    }
}

void telemetry_span_remote(struct telemetry_span *s, enum telemetry_span_kind kind,
                           const char *name, const char *traceparent, const char *tracestate)
{
    struct telemetry_context above = {0};
    s->on = s->kept = false;
    if (!tracer.ring) {
        return;
    }
    const bool told = traceparent && telemetry_traceparent_parse(traceparent, &above);
    if (told && tracestate) {
        telemetry_tracestate_take(&above, tracestate);
    }
    begin(s, kind, name, told ? &above : NULL);
}

void telemetry_span_since(struct telemetry_span *s, double ms)
{
    if (s->on) {
        s->start_ns -= (uint64_t)(ms * 1e6);
    }
}

void telemetry_span_str(struct telemetry_span *s, const char *key, const char *text)
{
    if (s && s->kept && text && s->n_attribute < LIMIT_TELEMETRY_ATTRIBUTES) {
        s->attribute[s->n_attribute].key = key;
        s->attribute[s->n_attribute++].text = text;
    }
}

void telemetry_span_int(struct telemetry_span *s, const char *key, int64_t number)
{
    if (s && s->kept && s->n_attribute < LIMIT_TELEMETRY_ATTRIBUTES) {
        s->attribute[s->n_attribute].key = key;
        s->attribute[s->n_attribute].text = NULL;
        s->attribute[s->n_attribute++].number = number;
    }
}

void telemetry_span_fail(struct telemetry_span *s, const char *why)
{
    if (s->kept) {
        s->failure = why;
    }
}

void telemetry_span_end(struct telemetry_span *s)
{
    if (!s->on) {
        return;
    }
    s->on = false;
    current = s->outer;
    if (s->kept && tracer.ring) {
        send_span(s);
    }
}

struct telemetry_span *telemetry_span_current(void)
{
    return current;
}

void telemetry_span_switch(struct telemetry_span *s)
{
    current = s;
}

const char *telemetry_span_parent_text(char ret[static TELEMETRY_TRACEPARENT_SIZE])
{
    ret[0] = '\0';
    return current ? telemetry_traceparent(&current->context, ret) : ret;
}
