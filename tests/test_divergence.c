/* SPDX-License-Identifier: MIT
 *
 * Runs whose loss grows: it is told, the step is set back, and the best picture is given. And the
 * speed that a resumed run tells.
 */
#include "program.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct losses {
    double first, least, last; /* of iterations; of the picture */
    unsigned recovered;
} losses;

static losses losses_of(scratch *s, const char *line) {
    losses l = {.first = -1};
    ended e = program_run(s, line);
    if (e.status != 0)
        fail_msg("%s: status %d: %s", line, e.status, e.err);
    for (char *next = e.out; *next;) {
        char *end = strchr(next, '\n');
        assert_non_null(end);
        *end = 0;
        json_t *o = json_loads(next, 0, NULL);
        const char *event = json_string_value(json_object_get(o, "event"));
        const double total = json_number_value(json_object_get(o, "total"));
        if (!strcmp(event, "iteration")) {
            l.least = l.first < 0 || total < l.least ? total : l.least;
            l.first = l.first < 0 ? total : l.first;
        }
        l.recovered += !strcmp(event, "recovered");
        if (!strcmp(event, "done"))
            l.last = json_number_value(json_object_get(o, "loss"));
        json_decref(o);
        next = end + 1;
    }
    ended_free(&e);
    return l;
}

static void test_a_rate_that_is_too_large(void **state) {
    static const char *const lines[] = {
        "impasto paint a.png b.jpg --size 48 --scales 1 --optimizer lbfgs -n 80 --json -o c.png "
        "--convergence 0 --learning-rate 5",
        "impasto paint a.png b.jpg --size 48 --scales 1 --optimizer lbfgs -n 80 --json -o c.png "
        "--convergence 0 --learning-rate 50",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const losses l = losses_of(*state, lines[i]);
        print_message("first %g, least %g, given %g, set back %u times\n", l.first, l.least, l.last,
                      l.recovered);
        assert_true(l.last < l.first);
        assert_true(l.recovered == 0 || l.last <= 1.0001 * l.least);
    }
}

/* Nothing is in a grey content that holds the first steps back. */
static void test_grey_content(void **state) {
    scratch *s = *state;
    enum { SIDE = 48 };
    imp_picture p = {.width = SIDE, .height = SIDE, .rgb = malloc(3 * SIDE * SIDE * sizeof(float))};
    assert_non_null(p.rgb);
    for (size_t i = 0; i < 3 * SIDE * SIDE; i++)
        p.rgb[i] = 0.5F;
    assert_int_equal(imp_picture_write(&p, scratch_path(s, "grey.png"), NULL, NULL), IMP_OK);
    imp_picture_finish(&p);
    const losses l = losses_of(
        s, "impasto paint grey.png b.jpg --size 48 -n 40 --json -o c.png --convergence 0");
    assert_true(l.last < l.first);
}

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_rate_that_is_too_large, program_set_up,
                                        scratch_close),
        cmocka_unit_test_setup_teardown(test_grey_content, program_set_up, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
