/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter api: one request to a server, for scripts. The token comes from the configuration or the
 * environment, never from the command line, which others can see. */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/limits.h"
#include "cmd/commands.h"

struct api_flags {
    const char *data, *output, *url;
    bool include;
};

#define AT(field) DM_OPT_AT(struct api_flags, field)

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "data", .type = DM_OPT_STR, .offset = AT(data), .def = "", .unit = "JSON",
     .help = "body of the request; @FILE takes it from a file, @- from standard input"},
    {.name = "include", .type = DM_OPT_BOOL, .offset = AT(include), .def = "false",
     .help = "print the head of the answer, too"},
    {.name = "output", .type = DM_OPT_STR, .offset = AT(output), .def = "", .unit = "FILE",
     .help = "write the answer to this file"},
    {.name = "url", .type = DM_OPT_STR, .offset = AT(url), .def = "", .unit = "URL",
     .help = "this server instead of the configured one"},
};
static const struct cmd_example examples[] = {
    {"demeter api GET /health", MSG_API_EXAMPLE},
    {"demeter api POST /api/v1/tokens --data '{\"name\": \"balanza\", \"scopes\": [\"read\"]}'", MSG_API_EXAMPLE_POST},
    {0},
};
// clang-format on

/* Exit status of an answer, as errors of other commands have it. */
static int exit_of(long status)
{
    static const struct {
        long status;
        int code;
    } rows[] = {
        {404, DM_ENOTFOUND}, {409, DM_ECONFLICT}, {410, DM_ECONFLICT}, {412, DM_ECONFLICT},
        {400, DM_EBADINPUT}, {413, DM_EBADINPUT}, {415, DM_EBADINPUT}, {422, DM_EBADINPUT},
    };
    if (status < 400) {
        return 0;
    }
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        if (rows[i].status == status) {
            return dm_code_info(rows[i].code)->exit_status;
        }
    }
    return 1;
}

static int read_body(struct cmd_run *r, struct dm_buf *body, struct dm_err *e)
{
    const struct api_flags *f = r->flags;
    if (f->data[0] != '@') {
        dm_buf_puts(body, f->data);
        return dm_buf_ok(body, e);
    }
    return dm_buf_read_file(body, strcmp(f->data, "@-") ? f->data + 1 : "/dev/stdin", e);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    return fwrite(bytes, size, n, ctx);
}

static const char *address(struct cmd_run *r)
{
    const struct api_flags *f = r->flags;
    const struct settings_values *v = &r->settings.v;
    const char *base = f->url[0] ? f->url : v->api_url;
    const bool any = !strcmp(v->server_host, "0.0.0.0") || !strcmp(v->server_host, "::");
    if (!base[0]) {
        base = dm_arena_printf(&r->arena, "http://%s:%d", any ? "127.0.0.1" : v->server_host,
                               v->server_port);
    }
    const size_t n = base ? strlen(base) : 0;
    return base ? dm_arena_printf(&r->arena, "%.*s%s", (int)(n - (n && base[n - 1] == '/')), base,
                                  r->args[1])
                : NULL;
}

static struct curl_slist *header_list(struct cmd_run *r, bool with_body)
{
    const char *token = r->settings.v.api_token;
    struct curl_slist *list = curl_slist_append(NULL, "Accept: application/json, */*");
    if (with_body) {
        list = curl_slist_append(list, "Content-Type: application/json");
    }
    if (token[0]) {
        const char *line = dm_arena_printf(&r->arena, "Authorization: Bearer %s", token);
        list = line ? curl_slist_append(list, line) : list;
    }
    return list;
}

static int perform(struct cmd_run *r, CURL *h, const char *url, FILE *to, long *ret_status,
                   struct dm_err *e)
{
    const struct api_flags *f = r->flags;
    DM_CLEANUP(dm_buf_clear) struct dm_buf body = dm_buf_init(LIMIT_CSV_BYTES);
    const bool with_body = f->data[0] != '\0';
    if (with_body) {
        DM_TRY(read_body(r, &body, e));
        (void)curl_easy_setopt(h, CURLOPT_POSTFIELDS, dm_buf_str(&body));
        (void)curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    }
    struct curl_slist *headers = header_list(r, with_body);
    (void)curl_easy_setopt(h, CURLOPT_URL, url);
    (void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, r->args[0]);
    (void)curl_easy_setopt(h, CURLOPT_NOBODY, !strcmp(r->args[0], "HEAD") ? 1L : 0L);
    (void)curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(h, CURLOPT_HEADER, f->include ? 1L : 0L);
    (void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(h, CURLOPT_WRITEDATA, to);
    (void)curl_easy_setopt(h, CURLOPT_USERAGENT, "demeter-api");
    const CURLcode code = curl_easy_perform(h);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        DM_FAIL(e, DM_EIO, "%.160s: %s", url, curl_easy_strerror(code));
    }
    (void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, ret_status);
    return DM_OK;
}

static int api_run(struct cmd_run *r, struct dm_err *e)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL};
    const struct api_flags *f = r->flags;
    long status = 0;
    int known = 0;
    while (methods[known] && strcasecmp(methods[known], r->args[0]) != 0) {
        known++;
    }
    if (!methods[known] || r->args[1][0] != '/') {
        return cmd_fail(r, e, DM_EUSAGE, T(r, API_USAGE));
    }
    r->args[0] = methods[known];
    const char *url = address(r);
    if (!url) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    FILE *to = f->output[0] ? fopen(f->output, "we") : r->out;
    if (!to) {
        DM_FAIL(e, DM_EIO, "%s cannot be written", f->output);
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *h = curl_easy_init();
    const int code = h ? perform(r, h, url, to, &status, e)
                       : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for a request");
    curl_easy_cleanup(h);
    if (to != r->out) {
        if (fclose(to) != 0 && code >= 0) {
            DM_FAIL(e, DM_EIO, "%s cannot be written", f->output);
        }
    } else if (isatty(STDOUT_FILENO)) {
        (void)fputc('\n', to);
    }
    DM_TRY(code);
    return exit_of(status);
}

const struct cmd cmd_api = {
    .name = "api",
    .operands = "METHOD PATH",
    .min_args = 2,
    .max_args = 2,
    .summary = MSG_API_SUMMARY,
    .about = MSG_API_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct api_flags),
    .examples = examples,
    .run = api_run,
};
