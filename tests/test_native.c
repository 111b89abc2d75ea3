/* SPDX-License-Identifier: MIT
 *
 * The cpu device: its pool of threads, results that do not depend on the number of threads, and
 * every instruction set of the processor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "cpu/threads.h"
#include "helpers.h"

static imp_device *open_cpu(unsigned threads) {
    const imp_device_options options = {.threads = threads};
    imp_device *d = NULL;
    imp_error err = {0};
    if (imp_cpu_open(&d, &options, &err) != IMP_OK)
        fail_msg("%s", err.text);
    return d;
}

/* ---- threads ---- */

enum { CHUNKS = 300 };

struct tally {
    unsigned workers;
    _Atomic unsigned done[CHUNKS];
};

static void count_chunk(void *context, size_t chunk, unsigned worker) {
    struct tally *t = context;
    if (worker >= t->workers)
        abort();
    atomic_fetch_add(&t->done[chunk], 1);
}

static void every_chunk_is_done_once(void **state) {
    (void)state;
    for (unsigned threads = 1; threads <= 5; threads += 2) {
        imp_threads *pool = imp_threads_open(threads);
        assert_non_null(pool);
        for (size_t round = 0; round < 2000; round++) {
            struct tally t = {.workers = imp_threads_count(pool)};
            const size_t chunks = round * 7 % (round % 50 == 0 ? CHUNKS : 9);
            imp_threads_run(pool, chunks, count_chunk, &t);
            for (size_t i = 0; i < CHUNKS; i++)
                assert_int_equal(atomic_load(&t.done[i]), i < chunks);
        }
        imp_threads_close(pool);
    }
}

/* ---- the same numbers on any number of threads ---- */

enum { C = 40, H = 45, W = 70, MAP = C * H * W };

enum { X, Y, DX, GRAM, SUM, TENSORS };

static const imp_tensor shapes[TENSORS] = {{NULL, 0, C, H, W, IMP_MAPS},
                                           {NULL, 0, C, H, W, IMP_MAPS},
                                           {NULL, 0, C, H, W, IMP_MAPS},
                                           {NULL, 0, 1, C, C, IMP_PLANES},
                                           {NULL, 0, 1, 1, IMP_PARTIALS, IMP_PLANES}};

static void launch(imp_device *d, const imp_tensor *t, imp_filter *filter) {
    const imp_tensor none = {0};
    assert_int_equal(d->ops->conv(d, t[Y], t[X], filter), IMP_OK);
    assert_int_equal(d->ops->conv_grad(d, t[DX], t[X], t[Y], filter), IMP_OK);
    assert_int_equal(d->ops->gram(d, t[GRAM], none, t[Y], false), IMP_OK);
    assert_int_equal(d->ops->dot(d, (imp_slot){t[SUM], 0}, t[X], t[Y]), IMP_OK);
}

/* The tensors that a convolution, its gradient, a Gram matrix and a sum write; results: MAP floats
 * for each. */
static void compute(float *results, unsigned threads, size_t kernel, const float *values,
                    const float *weights) {
    imp_device *d = open_cpu(threads);
    const imp_conv conv = {C, C, kernel, 1, kernel / 2, kernel / 2, IMP_PAD_REFLECT, true, false};
    imp_filter *filter = NULL;
    imp_memory *memory = NULL;
    imp_tensor t[TENSORS];
    size_t end = 0;
    memcpy(t, shapes, sizeof t);
    for (size_t i = 0; i < TENSORS; i++)
        end = d->ops->place(d, &t[i], end);
    assert_int_equal(d->ops->alloc(d, &memory, end), IMP_OK);
    for (size_t i = 0; i < TENSORS; i++)
        t[i].memory = memory;
    assert_int_equal(d->ops->write(d, t[X], values), IMP_OK);
    assert_int_equal(d->ops->filter_open(d, &filter, &conv, weights, NULL), IMP_OK);
    launch(d, t, filter);
    for (size_t i = 0; i < TENSORS; i++)
        assert_int_equal(d->ops->read(d, results + i * MAP, t[i]), IMP_OK);
    d->ops->filter_close(d, filter);
    d->ops->release(d, memory);
    d->ops->close(d);
}

static float *zeros(size_t n) {
    float *values = calloc(n, sizeof *values);
    assert_non_null(values);
    return values;
}

/* 3 x 3 uses Winograd's algorithm, 7 x 7 the direct one. */
static void threads_change_nothing(void **state) {
    (void)state;
    uint64_t seed = 1;
    float *values = zeros(MAP), *weights = zeros(C * C * 49);
    float *one = zeros(TENSORS * MAP), *many = zeros(TENSORS * MAP);
    test_random(values, MAP, 20, &seed);
    test_random(weights, C * C * 49, 20, &seed);
    for (size_t kernel = 3; kernel <= 7; kernel += 4) {
        compute(one, 1, kernel, values, weights);
        for (unsigned threads = 2; threads <= 7; threads += 5) {
            compute(many, threads, kernel, values, weights);
            assert_memory_equal(one, many, TENSORS * MAP * sizeof *one);
        }
    }
    free(values);
    free(weights);
    free(one);
    free(many);
}

/* ---- instruction sets ---- */

/* The self-test on every instruction set of the processor, with filters of one precision. */
static void test_instruction_sets(imp_precision precision) {
    static const char *const sets[] = {"base", "avx2", "avx512"};
    const imp_device_options options = {.precision = precision};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        imp_device *d = NULL;
        imp_error err = {0};
        char reason[512];
        setenv("IMPASTO_ISA", sets[i], 1);
        if (imp_cpu_open(&d, &options, &err) != IMP_OK) {
            assert_int_equal(err.status, IMP_ERR_UNSUPPORTED);
            assert_int_not_equal(i, 0); /* base is everywhere */
            print_message("skipped: %s\n", err.text);
            continue;
        }
        assert_non_null(strstr(d->info.driver, sets[i]));
        if (imp_selftest(d, reason, sizeof reason) != IMP_OK)
            fail_msg("%s: %s", sets[i], reason);
        d->ops->close(d);
    }
    unsetenv("IMPASTO_ISA");
}

static void instruction_sets_are_right(void **state) {
    (void)state;
    test_instruction_sets(IMP_FP32);
    test_instruction_sets(IMP_FP16);
}

static void unknown_instruction_set_is_refused(void **state) {
    (void)state;
    imp_device *d = NULL;
    imp_error err = {0};
    setenv("IMPASTO_ISA", "z80", 1);
    assert_int_equal(imp_cpu_open(&d, NULL, &err), IMP_ERR_UNSUPPORTED);
    assert_null(d);
    assert_non_null(strstr(err.text, "z80"));
    unsetenv("IMPASTO_ISA");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunk_is_done_once),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(instruction_sets_are_right),
        cmocka_unit_test(unknown_instruction_set_is_refused),
    };
    return cmocka_run_group_tests_name("native", tests, NULL, NULL);
}
