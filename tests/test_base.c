/* SPDX-License-Identifier: MIT
 *
 * The ground floor: random numbers, growing bytes, and the cache folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cache.h"
#include "base/random.h"
#include "scratch.h"

/* The published test vector of splitmix64. */
static void test_random_bits(void **state) {
    static const uint64_t wanted[] = {6457827717110365317U, 3203168211198807973U,
                                      9817491932198370423U, 4593380528125082431U,
                                      16408922859458223821U};
    uint64_t seed = 1234567;
    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_true(imp_random_bits(&seed) == wanted[i]);
}

/* Ranges, and means within five standard deviations. */
static void test_random_ranges(void **state) {
    enum { N = 100000 };
    uint64_t seed = 1;
    double unit = 0, both = 0, positive = 0;
    (void)state;
    for (size_t i = 0; i < N; i++) {
        const float u = imp_random_unit(&seed), s = imp_random_signed(&seed);
        const double p = imp_random_positive(&seed);
        assert_true(u >= 0 && u < 1);
        assert_true(s >= -1 && s < 1);
        assert_true(p > 0 && p <= 1);
        unit += (double)u, both += (double)s, positive += p;
    }
    assert_true(unit / N > 0.495 && unit / N < 0.505);
    assert_true(both / N > -0.01 && both / N < 0.01);
    assert_true(positive / N > 0.495 && positive / N < 0.505);
}

static void test_buffer(void **state) {
    static unsigned char large[200000];
    imp_buffer b = {0};
    (void)state;
    memset(large, 7, sizeof large);
    assert_true(imp_buffer_append(&b, "abc", 3));
    assert_true(imp_buffer_write(&b, 1, "X", 1));
    assert_int_equal(b.size, 3);
    assert_memory_equal(b.bytes, "aXc", 3);
    assert_true(imp_buffer_write(&b, 5, "YZ", 2)); /* over a gap */
    assert_int_equal(b.size, 7);
    assert_memory_equal(b.bytes, "aXc\0\0YZ", 7);
    assert_true(imp_buffer_append(&b, NULL, 0));
    assert_true(imp_buffer_append(&b, large, sizeof large));
    assert_int_equal(b.size, 7 + sizeof large);
    assert_memory_equal(b.bytes + 7, large, sizeof large);
    assert_false(imp_buffer_write(&b, SIZE_MAX, "ab", 2));
    assert_int_equal(b.size, 7 + sizeof large);
    free(b.bytes);
}

/* Entries come back; a damaged one reads as an empty object; the folder keeps no other file. */
static void test_cache(void **state) {
    scratch *s = *state;
    size_t size;
    setenv("IMPASTO_CACHE", scratch_path(s, ""), 1);
    const size_t before = scratch_count(s);
    assert_null(imp_cache_load("entry", &size));
    assert_true(imp_cache_store("entry", "older", 5));
    assert_true(imp_cache_store("entry", "\0new", 4));
    unsigned char *bytes = imp_cache_load("entry", &size);
    assert_int_equal(size, 4);
    assert_memory_equal(bytes, "\0new", 4);
    free(bytes);
    json_t *object = imp_cache_load_json("entry");
    assert_int_equal(json_object_size(object), 0);
    json_object_set_new(object, "a", json_integer(3));
    assert_true(imp_cache_store_json("entry", object));
    json_decref(object);
    object = imp_cache_load_json("entry");
    assert_int_equal(json_integer_value(json_object_get(object, "a")), 3);
    json_decref(object);
    assert_int_equal(scratch_count(s), before + 1);
    imp_cache_drop("entry");
    assert_int_equal(scratch_count(s), before);
    setenv("IMPASTO_CACHE", "/dev/null/none", 1);
    assert_false(imp_cache_store("entry", "x", 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_bits),
        cmocka_unit_test(test_random_ranges),
        cmocka_unit_test(test_buffer),
        cmocka_unit_test_setup_teardown(test_cache, scratch_open, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
