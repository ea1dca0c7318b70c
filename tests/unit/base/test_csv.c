/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV: the forms people keep, and what is written reads back. */
#include "base/csv.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "support/testing.h"

/* Rows as "line: a|b|c\n". */
static const char *read_all(const char *text, size_t n, char separator, struct dm_arena *a)
{
    struct dm_csv c;
    struct dm_csv_row row;
    struct dm_err e = {0};
    const char *all = "";
    int more;
    assert_ok(dm_csv_open(&c, text, n, separator, a, &e), &e);
    while ((more = dm_csv_next(&c, a, &row, &e)) > 0) {
        all = dm_arena_printf(a, "%s%zu:", all, row.line);
        for (size_t i = 0; i < row.n; i++) {
            all = dm_arena_printf(a, "%s%s%s", all, i ? "|" : "", row.cell[i]);
        }
        all = dm_arena_printf(a, "%s\n", all);
    }
    assert_ok(more, &e);
    return all;
}

static void forms(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rows;
    } cases[] = {
        {"", ""},
        {"\n\r\n  \n", ""},
        {"a", "1:a\n"},
        {"a,b\nc,d\n", "1:a|b\n2:c|d\n"},
        {"a,b\r\nc,d\r\n", "1:a|b\n2:c|d\n"},
        {"a,b\rc,d\r", "1:a|b\n2:c|d\n"},
        {"a;b;c,5\nd;e;f\n", "1:a|b|c,5\n2:d|e|f\n"},
        {"a\tb\n", "1:a|b\n"},
        {"\xEF\xBB\xBF"
         "a,b\n",
         "1:a|b\n"},
        {"a,,\n,,\n,,c\n", "1:a||\n3:||c\n"}, /* rows of nothing do not count */
        {"\"a,b\",c\n", "1:a,b|c\n"},
        {"\"a \"\"x\"\" b\",\"\"\n", "1:a \"x\" b|\n"},
        {"\"two\nlines\",b\nc,d\n", "1:two\nlines|b\n3:c|d\n"},
        {"\"a\r\nb\",c\r\nd,e", "1:a\r\nb|c\n3:d|e\n"},
        {"  a  , \" b \" \n", "1:a|b\n"},
        {"\"\n Precio\nunitario \n\",x\n", "1:Precio\nunitario|x\n"},
        {"5\" pot,x\n", "1:5\" pot|x\n"}, /* a quote inside is itself */
        {"\"a\"b\"c,d\n", "1:ab\"c|d\n"},
        {"\xC2\xA0 a\xC2\xA0,b\n", "1:a|b\n"},
        {"Caj\xF3n,\x80\n", "1:Cajón|€\n"}, /* Windows-1252 */
        {"Cajón,\xE2\x82\xAC\n", "1:Cajón|€\n"},
        {"a,\x81\n\xF1\n", "1:a|\xEF\xBF\xBD\n2:ñ\n"},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_arena a = {0};
        assert_string_equal(read_all(cases[i].text, strlen(cases[i].text), 0, &a), cases[i].rows);
        dm_arena_clear(&a);
    }
}

static void separators(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct dm_csv c;
    static const struct {
        const char *text;
        char separator;
    } cases[] = {
        {"x", ','},
        {"LISTA DE PRECIOS\n\"Vivero, Mendoza\"\nA;B;C\n1;2,5;3\n1;2,5;3\n", ';'},
        {"a,b;c,d\n", ','},
        {"\"a;b;c;d\",e\n", ','},
        {"a\tb\tc,d\n", '\t'},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_err e = {0};
        assert_ok(dm_csv_open(&c, cases[i].text, strlen(cases[i].text), 0, &a, &e), &e);
        assert_int_equal(c.separator, cases[i].separator);
    }
    assert_string_equal(read_all("a,b;c\n", 6, ';', &a), "1:a,b|c\n");
    dm_arena_clear(&a);
}

static int read_code(const char *text, size_t n, struct dm_err *e)
{
    struct dm_arena a = {0};
    struct dm_csv c;
    struct dm_csv_row row;
    int code = dm_csv_open(&c, text, n, 0, &a, e);
    while (code >= 0 && (code = dm_csv_next(&c, &a, &row, e)) > 0) {
    }
    dm_arena_clear(&a);
    return code;
}

static void refused(void **state)
{
    (void)state;
    static char big[LIMIT_CSV_CELL_BYTES + 2];
    struct dm_err e = {0};
    assert_int_equal(read_code("a,b\nc,\"d\ne\n", 11, &e), DM_EBADINPUT);
    assert_string_equal(e.field[0].name, "line");
    assert_int_equal(e.field[0].i, 2);
    assert_int_equal(read_code("PK\0\1", 4, &e), DM_EBADINPUT);
    memset(big, 'x', sizeof(big) - 1);
    assert_int_equal(read_code(big, LIMIT_CSV_CELL_BYTES, &e), 0);
    assert_int_equal(read_code(big, LIMIT_CSV_CELL_BYTES + 1, &e), DM_ELIMIT);
    memset(big, ',', sizeof(big) - 1);
    assert_int_equal(read_code(big, LIMIT_CSV_COLUMNS - 1, &e), 0);
    assert_int_equal(read_code(big, LIMIT_CSV_COLUMNS, &e), DM_ELIMIT);
    assert_int_equal(read_code("x", LIMIT_CSV_BYTES + 1, &e), DM_ELIMIT);
}

static const char *const price_headers[] = {"precio_unitario", "precio", NULL};
static const char *const box_headers[] = {"unid_x_cajon", NULL};
static const char *const note_headers[] = {"observaciones", NULL};

static void columns(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct dm_csv c;
    struct dm_csv_row row;
    int at[3];
    static const struct dm_csv_column wanted[] = {
        {"Precio unitario", price_headers, true},
        {"Unid.X Cajón", box_headers, true},
        {"OBSERVACIONES", note_headers, false},
    };
    static const char text[] =
        "x,\"Unid.X\n Cajón\",\"PRECIO\nUNITARIO $\",Precio Unitario\n1,2,3\n";
    assert_ok(dm_csv_open(&c, text, sizeof(text) - 1, 0, &a, &e), &e);
    assert_int_equal(dm_csv_next(&c, &a, &row, &e), 1);
    assert_ok(dm_csv_columns(&row, wanted, DM_COUNT(wanted), at, &a, &e), &e);
    assert_int_equal(at[0], 2);
    assert_int_equal(at[1], 1);
    assert_int_equal(at[2], -1);
    assert_int_equal(dm_csv_next(&c, &a, &row, &e), 1);
    assert_string_equal(dm_csv_cell(&row, at[0]), "3");
    assert_string_equal(dm_csv_cell(&row, at[2]), "");
    assert_string_equal(dm_csv_cell(&row, 3), "");
    assert_int_equal(dm_csv_columns(&row, wanted, 3, at, &a, &e), DM_EBADINPUT);
    assert_string_equal(e.field[0].s, "Precio unitario");
    dm_arena_clear(&a);
}

static void keys(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fold, *key;
    } cases[] = {
        {"Unid.X\n Cajón", "unid.x\n cajon", "unid_x_cajon"},
        {"Total $ x cajón", "total $ x cajon", "total_x_cajon"},
        {"TÚNEL ÑANDÚ Ü", "tunel nandu u", "tunel_nandu_u"},
        {"Cafe\xCC\x81", "cafe", "cafe"}, /* combining accent */
        {"Œ 5×5 ß", "Œ 5×5 ß", "5_5"},
        {"ÿ", "y", "y"},
        {"--", "--", ""},
        {"", "", ""},
    };
    struct dm_arena a = {0};
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        assert_string_equal(dm_text_fold(cases[i].text, &a), cases[i].fold);
        assert_string_equal(dm_text_key(cases[i].text, &a), cases[i].key);
    }
    dm_arena_clear(&a);
}

static void validity(void **state)
{
    (void)state;
    assert_true(dm_text_valid("", 0));
    assert_true(dm_text_valid("ñandú 🌱", strlen("ñandú 🌱")));
    assert_false(dm_text_valid("🌱", 3));
    assert_false(dm_text_valid("ñ", 1));
    assert_false(dm_text_valid("a\0b", 3));
    assert_false(dm_text_valid("\xC0\xAF", 2));
}

/* Random cells, written by the book, come back trimmed. */
static void round_trip(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a",  "b ", "\"",    ",", ";",  "\n",
                                         "\r", "ñ",  "$1.05", " ", "\t", "🌱"};
    struct test_rng rng = {21};
    for (int round = 0; round < 2000; round++) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct dm_csv c;
        struct dm_csv_row row;
        char cells[6][64] = {{0}};
        const size_t n = 1 + test_rng_below(&rng, 6);
        const char *text = "";
        for (size_t i = 0; i < n; i++) {
            for (size_t k = test_rng_below(&rng, 6); k > 0; k--) {
                const char *piece = pieces[test_rng_below(&rng, DM_COUNT(pieces))];
                memcpy(cells[i] + strlen(cells[i]), piece, strlen(piece) + 1);
            }
            text = dm_arena_printf(&a, "%s%s\"", text, i ? ";" : "");
            for (const char *s = cells[i]; *s; s++) {
                text = dm_arena_printf(&a, "%s%s%c", text, *s == '"' ? "\"" : "", *s);
            }
            text = dm_arena_printf(&a, "%s\"", text);
        }
        assert_ok(dm_csv_open(&c, text, strlen(text), ';', &a, &e), &e);
        const int got = dm_csv_next(&c, &a, &row, &e);
        assert_ok(got, &e);
        for (size_t i = 0; i < n; i++) {
            char *s = cells[i] + strspn(cells[i], " \t\r\n");
            size_t len = strlen(s);
            while (len > 0 && strchr(" \t\r\n", s[len - 1])) {
                s[--len] = '\0';
            }
            assert_string_equal(got ? row.cell[i] : "", s);
        }
        assert_true(!got || row.n == n);
        dm_arena_clear(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),      cmocka_unit_test(separators), cmocka_unit_test(refused),
        cmocka_unit_test(columns),    cmocka_unit_test(keys),       cmocka_unit_test(validity),
        cmocka_unit_test(round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
