/* SPDX-License-Identifier: MIT
 *
 * Every test program runs only the tests whose names match IMPASTO_TEST_FILTER, where that is set:
 * * stands for any text, ? for any character.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void set_filter(void) {
    const char *pattern = getenv("IMPASTO_TEST_FILTER");
    if (pattern)
        cmocka_set_test_filter(pattern);
}
