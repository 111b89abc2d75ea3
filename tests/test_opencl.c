/* SPDX-License-Identifier: MIT
 *
 * The OpenCL backend around its operations: discovery, the cache of programs, errors of build,
 * memory and launch, memory in chunks, the profile. The tests use the device that
 * IMPASTO_TEST_DEVICE names, else the first; without any device they are skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "backend/profile.h"
#include "base/clock.h"
#include "helpers.h"
#include "opencl/opencl.h"
#include "scratch.h"
#include "selftest/cases.h"

/* ---- a device and a separate cache for every test ---- */

static const char *const settings[] = {"IMPASTO_CACHE", "IMPASTO_FAULT", "IMPASTO_CL_DIR",
                                       "IMPASTO_CLASS", "IMPASTO_MAX_ALLOC"};
enum { SETTINGS = sizeof settings / sizeof settings[0] };

/* The index of the tested device; -1 without any. */
static int tested_index(void) {
    imp_device_info info;
    const char *which = getenv("IMPASTO_TEST_DEVICE");
    imp_device *d = which ? test_device_open() : NULL;
    int index = d ? d->info.index : -1;
    if (d)
        d->ops->close(d);
    else if (imp_opencl_list(&info, 1) > 0)
        index = 0;
    return index;
}

typedef struct fixture {
    scratch *cache; /* the folder that IMPASTO_CACHE names */
    int index;
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    if (!f || scratch_open((void **)&f->cache) != 0)
        return -1;
    f->index = tested_index();
    setenv("IMPASTO_CACHE", f->cache->folder, 1);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    for (size_t i = 0; i < SETTINGS; i++)
        unsetenv(settings[i]);
    scratch_close((void **)&f->cache);
    free(f);
    return 0;
}

/* Opens the device, or skips the test. */
static imp_device *opened(const fixture *f, const imp_device_options *options) {
    imp_device *d = NULL;
    imp_error err = {0};
    if (f->index < 0)
        skip();
    if (imp_opencl_open(&d, (size_t)f->index, options, &err) != IMP_OK)
        fail_msg("%s", err.text);
    return d;
}

/* Opening must fail with a status and a message that contains both words. */
static void refuses_to_open(const fixture *f, imp_status status, const char *where,
                            const char *what) {
    imp_device *d = NULL;
    imp_error err = {0};
    if (f->index < 0)
        skip();
    const imp_status got = imp_opencl_open(&d, (size_t)f->index, NULL, &err);
    assert_null(d);
    assert_error(&err, got, status, where, what);
}

static uint64_t builds_of_open(const fixture *f) {
    imp_device *d = opened(f, NULL);
    const uint64_t builds = d->counters.builds;
    /* and it works */
    imp_tensor t = test_tensor(d, 1, 3, 5, NULL);
    assert_int_equal(d->ops->sync(d), IMP_OK);
    test_tensor_free(d, t);
    d->ops->close(d);
    return builds;
}

/* ---- discovery ---- */

/* A loader reads its configuration once, so this test runs in a separate process, before any other
 * test has called the loader. */
static void no_platform_is_no_error(void **state) {
    (void)state;
    const char *preloaded = getenv("LD_PRELOAD");
    if (preloaded && strstr(preloaded, "oclgrind"))
        skip(); /* it is a platform for any configuration of the loader */
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        imp_device_info info;
        imp_device *d = NULL;
        imp_error err = {0};
        setenv("OCL_ICD_VENDORS", "/nonexistent", 1);
        const bool none = imp_opencl_list(&info, 1) == 0;
        const imp_status status = imp_opencl_open(&d, 0, NULL, &err);
        _exit(none && !d && status == IMP_ERR_ARGUMENT && strstr(err.text, "0") ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void descriptions_are_complete(void **state) {
    const fixture *f = *state;
    imp_device_info all[32];
    const size_t count = imp_opencl_list(all, 32);
    assert_int_equal(imp_opencl_list(NULL, 0), count);
    for (size_t i = 0; i < count && i < 32; i++) {
        assert_string_equal(all[i].backend, "opencl");
        assert_int_equal(all[i].index, i);
        assert_true(all[i].name[0] && all[i].platform[0]);
        assert_true(all[i].memory_bytes >= all[i].max_alloc_bytes && all[i].max_alloc_bytes > 0);
        assert_true(all[i].units > 0 && all[i].max_group > 0);
        assert_true(all[i].usable || all[i].reason[0]);
    }
    if (f->index >= 0) {
        imp_device *d = NULL;
        imp_error err = {0};
        const imp_status got = imp_opencl_open(&d, count, NULL, &err);
        assert_null(d);
        assert_error(&err, got, IMP_ERR_ARGUMENT, "device", "impasto devices");
    }
}

static void a_device_that_allocates_nothing_is_unusable(void **state) {
    const fixture *f = *state;
    setenv("IMPASTO_MAX_ALLOC", "4095", 1);
    refuses_to_open(f, IMP_ERR_UNSUPPORTED, "cannot be used", "4096");
}

/* ---- the cache of programs ---- */

/* As set_up, and programs are cached even if the driver keeps them itself. */
static int set_up_to_keep(void **state) {
    setenv("IMPASTO_FAULT", "forget:programs", 1);
    return set_up(state);
}

static void programs_the_driver_keeps_are_not_cached(void **state) {
    const fixture *f = *state;
    imp_device_info all[32];
    imp_opencl_list(all, 32);
    if (f->index < 0 || strcmp(all[f->index].platform, "Portable Computing Language") != 0)
        skip();
    assert_int_equal(builds_of_open(f), 1);
    assert_int_equal(scratch_count(f->cache), 0);
}

/* The name of the only entry with that ending; the caller frees it. */
static char *entry_of(const fixture *f, const char *ending) {
    char command[256], line[256] = "";
    snprintf(command, sizeof command, "cd '%s' && ls | grep '\\%s$'", f->cache->folder, ending);
    FILE *names = popen(command, "r");
    assert_non_null(names);
    assert_non_null(fgets(line, sizeof line, names));
    line[strcspn(line, "\n")] = 0;
    pclose(names);
    return strdup(line);
}

static void the_second_start_builds_nothing(void **state) {
    const fixture *f = *state;
    assert_int_equal(builds_of_open(f), 1);
    const double begin = imp_now();
    assert_int_equal(builds_of_open(f), 0);
    print_message("opened, used and closed from the cache in %.3f s\n", imp_now() - begin);
    assert_int_equal(scratch_count(f->cache), 1);
}

static void without_a_cache_folder_it_builds(void **state) {
    const fixture *f = *state;
    setenv("IMPASTO_CACHE", "/dev/null/nothing", 1);
    assert_int_equal(builds_of_open(f), 1);
    assert_int_equal(builds_of_open(f), 1);
}

/* An entry of these bytes is rebuilt and then kept. */
static void rebuilt(const fixture *f, const char *entry, const void *bytes, size_t size) {
    scratch_write(f->cache, entry, bytes, size);
    assert_int_equal(builds_of_open(f), 1);
    assert_int_equal(builds_of_open(f), 0);
}

/* rusticl 22.3 aborts the process on a binary that it did not make. */
static bool aborts_on_foreign_programs(int index) {
    imp_device_info all[32];
    imp_opencl_list(all, 32);
    return strcmp(all[index].platform, "rusticl") == 0;
}

static void damaged_entries_are_rebuilt(void **state) {
    enum { DIGEST = 32 };
    const fixture *f = *state;
    size_t size = 0;
    assert_int_equal(builds_of_open(f), 1);
    char *entry = entry_of(f, ".bin");
    unsigned char *bytes = scratch_read(f->cache, entry, &size);
    assert_true(size > DIGEST);
    rebuilt(f, entry, bytes, 0);
    rebuilt(f, entry, bytes, DIGEST / 2);
    rebuilt(f, entry, bytes, size - 1);
    bytes[size / 2] ^= 1;
    rebuilt(f, entry, bytes, size);
    free(bytes);

    /* intact, but not a program that the driver can load */
    unsigned char stranger[DIGEST + 100];
    memset(stranger + DIGEST, 'x', 100);
    assert_true(EVP_Digest(stranger + DIGEST, 100, stranger, NULL, EVP_sha256(), NULL));
    if (!aborts_on_foreign_programs(f->index))
        rebuilt(f, entry, stranger, sizeof stranger);
    free(entry);
}

/* ---- faulty kernels ---- */

static void a_kernel_that_does_not_build_is_named(void **state) {
    const fixture *f = *state;
    setenv("IMPASTO_FAULT", "build:tv", 1);
    refuses_to_open(f, IMP_ERR_DEVICE, "kernels failed to build", f->cache->folder);
    char *log = entry_of(f, ".log");
    size_t size = 0;
    unsigned char *text = scratch_read(f->cache, log, &size);
    assert_non_null(strstr((const char *)text, "IMPASTO_FAULT"));
    free(text);
    free(log);
}

/* Copies the kernels into a folder and replaces a text in one file. */
static void edited_kernels(scratch *to, const char *file, const char *old, const char *new) {
    char command[1024];
    snprintf(command, sizeof command, "cp %s/cl/*.cl '%s'", IMP_TEST_SOURCES, to->folder);
    assert_int_equal(system(command), 0);
    size_t size = 0;
    char *text = (char *)scratch_read(to, file, &size);
    text = realloc(text, size + 1);
    text[size] = 0;
    const char *place = strstr(text, old);
    assert_non_null(place);
    char *edited = malloc(size + strlen(new) + 1);
    const int length =
        sprintf(edited, "%.*s%s%s", (int)(place - text), text, new, place + strlen(old));
    scratch_write(to, file, edited, (size_t)length);
    free(edited);
    free(text);
}

static void parameters_are_counted(void **state) {
    const fixture *f = *state;
    scratch *kernels = NULL;
    assert_int_equal(scratch_open((void **)&kernels), 0);
    edited_kernels(kernels, "vector.cl", "float value, ulong n)",
                   "float value, ulong n, int more)");
    setenv("IMPASTO_CL_DIR", kernels->folder, 1);
    refuses_to_open(f, IMP_ERR_DEVICE, "kernel fill has 5 parameters", "kernels.def says 4");
    edited_kernels(kernels, "vector.cl", "void fill(", "void other(");
    refuses_to_open(f, IMP_ERR_DEVICE, "fill", "CL_INVALID_KERNEL_NAME");
    setenv("IMPASTO_CL_DIR", "/nonexistent", 1);
    refuses_to_open(f, IMP_ERR_IO, "/nonexistent/prelude.cl", "IMPASTO_CL_DIR");
    scratch_close((void **)&kernels);
}

/* ---- faults of memory and launches ---- */

static void failed_allocations_are_reported(void **state) {
    const fixture *f = *state;
    imp_error err = {0};
    imp_memory *memory = NULL;
    imp_device *d = opened(f, NULL);
    const unsigned at_open = (unsigned)d->counters.allocations;
    const size_t all = (size_t)d->info.memory_bytes;
    imp_status got = d->ops->alloc(d, &memory, all - 1); /* some is in use */
    assert_null(memory);
    imp_fail_device(&err, d);
    assert_error(&err, got, IMP_ERR_MEMORY, "out of memory", "smaller size");
    d->ops->close(d);

    char fault[32];
    for (unsigned n = 1; n <= at_open; n++) {
        snprintf(fault, sizeof fault, "alloc:%u", n);
        setenv("IMPASTO_FAULT", fault, 1);
        refuses_to_open(f, IMP_ERR_MEMORY, "out of memory", "MiB");
    }
    snprintf(fault, sizeof fault, "alloc:%u", at_open + 2);
    setenv("IMPASTO_FAULT", fault, 1);
    setenv("IMPASTO_MAX_ALLOC", "65536", 1);
    d = opened(f, NULL);
    got = d->ops->alloc(d, &memory, 3 * 65536); /* its second chunk */
    assert_null(memory);
    imp_fail_device(&err, d);
    assert_error(&err, got, IMP_ERR_MEMORY, "out of memory", "MiB");
    d->ops->close(d);
}

static void failed_launches_are_reported(void **state) {
    const fixture *f = *state;
    static const char *const faults[] = {"launch:clamp_to", "launch:clamp"}; /* kernel, operation */
    for (size_t i = 0; i < 2; i++) {
        imp_error err = {0};
        setenv("IMPASTO_FAULT", faults[i], 1);
        imp_device *d = opened(f, NULL);
        imp_tensor t = test_tensor(d, 1, 4, 4, NULL);
        const imp_status got = d->ops->clamp(d, t, 0, 1);
        imp_fail_device(&err, d);
        assert_error(&err, got, IMP_ERR_DEVICE, "clamp_to", "CL_OUT_OF_RESOURCES (-5)");
        assert_int_equal(d->ops->fill(d, t, 1), IMP_OK);
        test_tensor_free(d, t);
        d->ops->close(d);
    }
}

/* ---- memory in chunks ---- */

/* 20 planes of 5000 floats, 3 to a chunk: the contents are read back as written, and an operation
 * takes one launch for each of the 7 chunks. */
static void tensors_lie_in_chunks(void **state) {
    enum { C = 20, H = 50, W = 100, CHUNK = 65536 };
    const fixture *f = *state;
    uint64_t random = 1;
    setenv("IMPASTO_MAX_ALLOC", "66000", 1); /* aligned down to 65536 */
    imp_device *d = opened(f, NULL);
    float *values = malloc(C * H * W * sizeof *values);
    test_random(values, C * H * W, 24, &random);
    imp_tensor t = test_tensor(d, C, H, W, values);
    assert_int_equal(d->counters.allocations, 2 + 7);

    float *back = test_contents(d, t);
    assert_memory_equal(back, values, C * H * W * sizeof *values);
    free(back);
    const uint64_t before = imp_opencl_launches(d, "fill");
    assert_int_equal(d->ops->fill(d, t, 2), IMP_OK);
    assert_int_equal(imp_opencl_launches(d, "fill") - before, 7);
    imp_slot slot = test_slot_open(d);
    assert_int_equal(d->ops->norm1(d, slot, t), IMP_OK);
    test_near(2.0 * C * H * W, test_slot_value(d, slot), 0, "norm1 over chunks");

    imp_tensor large = {.c = 1, .h = 1, .w = CHUNK / sizeof(float) + 1, .layout = IMP_PLANES};
    assert_true(d->ops->place(d, &large, 0) == SIZE_MAX);
    large.w--;
    assert_int_equal(d->ops->place(d, &large, 1), 2 * CHUNK); /* the next chunk */
    assert_int_equal(large.at, CHUNK);
    test_tensor_free(d, slot.scalars);
    test_tensor_free(d, t);
    free(values);
    d->ops->close(d);
}

/* Maps of 64 channels, at most 32 to a chunk: with every algorithm, each piece of the maps is
 * multiplied by the filters that belong to it. */
static void inputs_in_chunks_meet_their_filters(void **state) {
    const fixture *f = *state;
    setenv("IMPASTO_MAX_ALLOC", "200704", 1);
    imp_device *d = opened(f, NULL);
    for (int back = 0; back < 2; back++) {
        const imp_case c = {.op = back ? IMP_OP_conv_grad : IMP_OP_conv,
                            .every_algorithm = true,
                            .c = 64,
                            .h = 37,
                            .w = 29,
                            .layout = IMP_MAPS,
                            .out_layout = IMP_MAPS,
                            .conv = {64, 64, 3, 1, 1, 1, IMP_PAD_ZERO, true, false},
                            .bias = true};
        imp_result result;
        assert_int_equal(imp_case_run(&c, d, 1, 0, &result), IMP_OK);
        if (result.outcome != IMP_PASSED)
            fail_msg("%s", result.reason);
    }
    d->ops->close(d);
}

/* Maps of 5 channels in both layouts: no sum includes the padding channels. */
static void padding_is_in_no_sum(void **state) {
    const fixture *f = *state;
    static const char *const classes[] = {"wide", "simt"};
    for (size_t i = 0; i < 2; i++) {
        setenv("IMPASTO_CLASS", classes[i], 1);
        imp_device *d = opened(f, NULL);
        imp_tensor t = {.c = 5, .h = 7, .w = 9, .layout = IMP_MAPS};
        const size_t bytes = d->ops->place(d, &t, 0);
        assert_int_equal(d->ops->alloc(d, &t.memory, bytes), IMP_OK);
        imp_slot slot = test_slot_open(d);
        assert_int_equal(d->ops->fill(d, t, 3), IMP_OK);
        assert_int_equal(d->ops->clamp(d, t, 2, 4), IMP_OK);
        assert_int_equal(d->ops->norm1(d, slot, t), IMP_OK);
        test_near(3 * 5 * 7 * 9, test_slot_value(d, slot), 0, classes[i]);
        test_tensor_free(d, slot.scalars);
        test_tensor_free(d, t);
        d->ops->close(d);
    }
}

/* ---- profile and measurement ---- */

static void the_profile_counts_every_launch(void **state) {
    enum { CALLS = 2500 }; /* more than the device keeps events */
    const fixture *f = *state;
    imp_profile_row rows[64];
    imp_device *d = opened(f, &(imp_device_options){.profile = true});
    imp_tensor t = test_tensor(d, 3, 40, 40, NULL);
    const uint64_t allocations = d->counters.allocations, before = imp_opencl_launches(d, "clamp");
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(d->ops->clamp(d, t, 0, 1), IMP_OK);
    assert_int_equal(d->ops->sync(d), IMP_OK);
    assert_int_equal(imp_opencl_launches(d, "clamp") - before, CALLS);
    assert_int_equal(d->counters.allocations, allocations);
    assert_int_equal(imp_opencl_launches(d, "no such operation"), 0);

    const size_t count = imp_profile_rows(d->profile, rows, 64);
    const imp_profile_row *clamp = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].operation, "clamp") == 0)
            clamp = &rows[i];
    assert_non_null(clamp);
    assert_int_equal(clamp->calls, CALLS);
    assert_true(clamp->seconds >= 0 && clamp->seconds < 600);
    test_tensor_free(d, t);
    d->ops->close(d);
}

static void roofs_are_measured(void **state) {
    const fixture *f = *state;
    double gflops = 0, gbs = 0;
    imp_device *d = opened(f, NULL);
    assert_int_equal(imp_opencl_measure(d, &gflops, &gbs), IMP_OK);
    print_message("%s: %.1f GFLOP/s, %.1f GB/s\n", d->info.name, gflops, gbs);
    assert_true(gflops > 0 && gflops < 1e7);
    assert_true(gbs > 0 && gbs < 1e6);
    d->ops->close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_platform_is_no_error),
#define T(name)     cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define KEEPS(name) cmocka_unit_test_setup_teardown(name, set_up_to_keep, tear_down)
        T(descriptions_are_complete),
        T(a_device_that_allocates_nothing_is_unusable),
        T(programs_the_driver_keeps_are_not_cached),
        KEEPS(the_second_start_builds_nothing),
        KEEPS(without_a_cache_folder_it_builds),
        KEEPS(damaged_entries_are_rebuilt),
        T(a_kernel_that_does_not_build_is_named),
        T(parameters_are_counted),
        T(failed_allocations_are_reported),
        T(failed_launches_are_reported),
        T(tensors_lie_in_chunks),
        T(inputs_in_chunks_meet_their_filters),
        T(padding_is_in_no_sum),
        T(the_profile_counts_every_launch),
        T(roofs_are_measured),
#undef T
#undef KEEPS
    };
    return cmocka_run_group_tests_name("opencl", tests, NULL, NULL);
}
