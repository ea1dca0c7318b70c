/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the tests of the API have hit what the tables promise: each route, and each status it
 * declares. The programs beside this one note what they hit (support/api_rig.h); this one runs
 * after them. A gap fails in the tables of complete.def and is printed for the others, whose tests
 * still grow. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/page.h"
#include "support/testing.h"

static const struct {
    const char *name;
    const struct http_route *routes;
} tables[] = {
#define X(name) {#name, name},
#include "api/tables.def"
#undef X
};

static const char *const complete[] = {
#define X(name) #name,
#include "complete.def"
#undef X
    NULL,
};

enum { HITS_MAX = 200000, LINE_MAX_ = 128 };
static char (*hits)[LINE_MAX_];
static size_t n_hits;

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void read_hits(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    assert_non_null(dir);
    hits = calloc(HITS_MAX, sizeof(*hits));
    assert_non_null(hits);
    while ((entry = readdir(dir)) != NULL) {
        char path[600];
        if (!strstr(entry->d_name, ".hits")) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        FILE *f = fopen(path, "re");
        assert_non_null(f);
        while (n_hits < HITS_MAX && fgets(hits[n_hits], LINE_MAX_, f)) {
            hits[n_hits][strcspn(hits[n_hits], "\n")] = '\0';
            n_hits++;
        }
        (void)fclose(f);
    }
    (void)closedir(dir);
    qsort(hits, n_hits, sizeof(*hits), by_text);
}

static bool was_hit(const char *name, int status)
{
    char line[LINE_MAX_];
    (void)snprintf(line, sizeof(line), "%s %d", name, status);
    return bsearch(line, hits, n_hits, sizeof(*hits), by_text) != NULL;
}

/* One that no test has seen is printed. */
static size_t gap(const struct http_route *route, int status)
{
    /* the other front page: without the one that was built in */
    if (was_hit(route->name, status) || (!strcmp(route->name, "front") && page_exists())) {
        return 0;
    }
    print_message("  %s %d\n", route->name, status);
    return 1;
}

/* An alias has the handler of its canonical row: that it leads there is enough. */
static size_t alias_gap(const struct http_route *route)
{
    char start[LINE_MAX_];
    const int n = snprintf(start, sizeof(start), "%s ", route->name);
    for (size_t i = 0; i < n_hits; i++) {
        if (!strncmp(hits[i], start, (size_t)n)) {
            return 0;
        }
    }
    print_message("  %s\n", route->name);
    return 1;
}

/* Statuses of a row that no test has seen; how many. */
static size_t gaps(const struct http_route *route)
{
    size_t n = 0;
    const struct http_answer *a = route->answer;
    if (route->flags & HTTP_HIDDEN) {
        return alias_gap(route);
    }
    for (; a < route->answer + DM_COUNT(route->answer) && a->status; a++) {
        n += gap(route, a->status);
    }
    for (const char *p = route->errors; p && *p; p += strspn(p, " ")) {
        char *end;
        n += gap(route, (int)strtol(p, &end, 10));
        p = end;
    }
    return n;
}

static bool is_complete(const char *name)
{
    size_t i = 0;
    while (complete[i] && strcmp(complete[i], name) != 0) {
        i++;
    }
    return complete[i] != NULL;
}

static void everything_declared_was_hit(void **state)
{
    (void)state;
    size_t missing = 0;
    for (size_t t = 0; t < DM_COUNT(tables); t++) {
        size_t n = 0;
        print_message("%s\n", tables[t].name);
        for (const struct http_route *r = tables[t].routes; r->path; r++) {
            n += gaps(r);
        }
        if (is_complete(tables[t].name)) {
            missing += n;
        }
    }
    if (missing) {
        fail_msg("%zu declared statuses were never hit (above)", missing);
    }
}

/* The judge notices: a status nobody has seen. */
static void a_gap_is_noticed(void **state)
{
    (void)state;
    const struct http_route route = {
        .name = "health", .answer = {{200}, {299}}, .errors = "404 418"};
    const struct http_route alias = {.name = "nowhere", .flags = HTTP_HIDDEN};
    assert_int_equal(gaps(&route), 3);
    assert_int_equal(gaps(&alias), 1);
}

static void the_list_is_of_tables(void **state)
{
    (void)state;
    for (size_t i = 0; complete[i]; i++) {
        size_t t = 0;
        while (t < DM_COUNT(tables) && strcmp(tables[t].name, complete[i]) != 0) {
            t++;
        }
        assert_true(t < DM_COUNT(tables));
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_declared_was_hit),
        cmocka_unit_test(a_gap_is_noticed),
        cmocka_unit_test(the_list_is_of_tables),
    };
    if (argc != 2) {
        (void)fprintf(stderr, "use: test_coverage FOLDER_OF_HITS\n");
        return 2;
    }
    read_hits(argv[1]);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(hits);
    return failed;
}
