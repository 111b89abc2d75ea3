/* SPDX-License-Identifier: MIT
 *
 * Text from elsewhere: what a terminal would obey, and what gives access, is taken out.
 */
#include "base/clean.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void assert_cleaned(void (*clean)(char *), const char *from, const char *to) {
    char text[256];
    snprintf(text, sizeof text, "%s", from);
    clean(text);
    assert_string_equal(text, to);
}

static void test_controls(void **state) {
    static const char *const cases[][2] = {
        {"plain", "plain"},
        {"Ж – 写真 😀", "Ж – 写真 😀"},
        {"\033[31mred\033]0;title\a", "?[31mred?]0;title?"},
        {"a\nb\tc\x7f", "a?b?c?"},
        {"\xc2\x9b"
         "31m",
         "?31m"},                            /* CSI as a character of UTF-8 */
        {"\xe2\x80\xaegnp.exe", "?gnp.exe"}, /* right to left */
        {"\x9b"
         "31m \xff\xc0\xaf",
         "?31m ???"}, /* bytes that are no UTF-8 */
        {"\xed", "?"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_cleaned(imp_clean_controls, cases[i][0], cases[i][1]);
}

static void test_addresses(void **state) {
    static const char *const cases[][2] = {
        {"https://example.org/a.jpg?size=3", "https://example.org/a.jpg?size=3"},
        {"cannot read 'https://me:pa@ss@example.org/a.jpg': no",
         "cannot read 'https://example.org/a.jpg': no"},
        {"http://me@host and ftp://you:x@host/y", "http://host and ftp://host/y"},
        {"https://h/x?id=5&access_token=abc&X-Amz-Signature=f0&apikey=9#token=1",
         "https://h/x?id=5&access_token=&X-Amz-Signature=&apikey=#token="},
        {"https://h/x?keyword=cat&sig=a", "https://h/x?keyword=cat&sig="},
        {"a@b.jpg", "a@b.jpg"},
        {"https://h/path@2x.png", "https://h/path@2x.png"},
        {"://", "://"},
        {"x://@", "x://"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_cleaned(imp_clean_addresses, cases[i][0], cases[i][1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_controls),
                                       cmocka_unit_test(test_addresses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
