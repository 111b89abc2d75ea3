/* SPDX-License-Identifier: MIT
 *
 * Log lines carry their level, and only those up to the device's come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/ops.h"

typedef struct heard {
    size_t count;
    imp_log_level level;
    char line[1024];
} heard;

static void hear(void *user, imp_log_level level, const char *line) {
    heard *h = user;
    h->count++;
    h->level = level;
    snprintf(h->line, sizeof h->line, "%s", line);
}

static void test_levels(void **state) {
    (void)state;
    for (int most = IMP_LOG_ERROR; most <= IMP_LOG_DEBUG; most++)
        for (int level = IMP_LOG_ERROR; level <= IMP_LOG_DEBUG; level++) {
            heard h = {0};
            const imp_device_options options = {
                .level = (imp_log_level)most, .log = hear, .user = &h};
            imp_device_say(&options, (imp_log_level)level, "level %d", level);
            assert_int_equal(h.count, level <= most);
            if (h.count) {
                char wanted[32];
                snprintf(wanted, sizeof wanted, "level %d", level);
                assert_int_equal(h.level, level);
                assert_string_equal(h.line, wanted);
            }
        }
}

/* The zeroed options log what people usually want to know, and nothing without a log. */
static void test_defaults(void **state) {
    heard h = {0};
    (void)state;
    imp_device_say(&(imp_device_options){.log = hear, .user = &h}, IMP_LOG_INFO, "shown");
    imp_device_say(&(imp_device_options){.log = hear, .user = &h}, IMP_LOG_DEBUG, "hidden");
    imp_device_say(&(imp_device_options){0}, IMP_LOG_ERROR, "nobody hears it");
    assert_int_equal(h.count, 1);
    assert_string_equal(h.line, "shown");
}

/* A line that is too long is cut. */
static void test_long_line(void **state) {
    heard h = {0};
    char longer[2000];
    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    imp_device_say(&(imp_device_options){.log = hear, .user = &h}, IMP_LOG_ERROR, "%s", longer);
    assert_int_equal(h.count, 1);
    assert_in_range(strlen(h.line), 500, 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_long_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
