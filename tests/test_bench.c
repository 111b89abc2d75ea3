/* SPDX-License-Identifier: MIT
 *
 * The benchmark: its file is as described; a device that computes wrongly is found and gets no
 * score; comparisons show what is more than noise. Speed itself is not tested.
 */
#include "program.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"

/* ---- the library ---- */

static imp_bench_report measure(imp_device *d, unsigned parts) {
    const imp_bench_options options = {.parts = parts, .sizes = {16}, .adam = true, .quick = true};
    imp_bench_report report;
    imp_error err = {0};
    const imp_status status = imp_bench(&report, &d, 1, &options, &err);
    if (status != IMP_OK)
        print_error("%s\n", err.text);
    assert_int_equal(status, IMP_OK);
    assert_int_equal(report.device_count, 1);
    return report;
}

static void test_right_device(void **state) {
    (void)state;
    imp_device *d = NULL;
    assert_int_equal(imp_cpu_open(&d, NULL, NULL), IMP_OK);
    imp_bench_report report = measure(d, IMP_BENCH_OPERATIONS | IMP_BENCH_ITERATION);
    assert_true(report.result_count > 10);
    for (size_t i = 0; i < report.result_count; i++) {
        const imp_bench_result *r = &report.results[i];
        assert_true(r->samples > 0 && r->seconds > 0 && r->spread >= 0);
        assert_int_equal(r->verdict, IMP_BENCH_RIGHT);
        assert_true(r->error <= 1);
    }
    const imp_bench_result *last = &report.results[report.result_count - 1];
    assert_string_equal(last->name, "iteration");
    assert_string_equal(last->variant, "adam");
    assert_true(last->executed > 0 && last->executed <= last->flop);
    assert_true(last->host_mib > 0 && last->device_mib > 0);
    assert_non_null(strstr(report.devices[0].note, "512"));
    imp_bench_finish(&report);
    d->ops->close(d);
}

/* One percent off, in one direction of the convolution only. */
static const imp_ops *honest;

static imp_status conv_wrong(imp_device *d, imp_tensor y, imp_tensor x, imp_filter *filter) {
    TRY(honest->conv(d, y, x, filter));
    return honest->combine(d, y, 1.01F, y, 0, y);
}

static imp_status conv_grad_wrong(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor y,
                                  imp_filter *filter) {
    TRY(honest->conv_grad(d, dx, dy, y, filter));
    return honest->combine(d, dx, 1.01F, dx, 0, dx);
}

static imp_status conv_pool_wrong(imp_device *d, imp_tensor y, imp_tensor choice, imp_tensor x,
                                  imp_filter *filter, imp_pooling kind) {
    TRY(honest->conv_pool(d, y, choice, x, filter, kind));
    return honest->combine(d, y, 1.01F, y, 0, y);
}

static imp_status conv_pool_grad_wrong(imp_device *d, imp_tensor dx, imp_tensor dy,
                                       imp_tensor choice, imp_filter *filter, imp_pooling kind) {
    TRY(honest->conv_pool_grad(d, dx, dy, choice, filter, kind));
    return honest->combine(d, dx, 1.01F, dx, 0, dx);
}

static void assert_found_out(imp_device *d, unsigned part, const char *says) {
    imp_bench_report report = measure(d, part);
    const imp_bench_device *device = &report.devices[0];
    assert_memory_equal(device->note, "no score, because it is wrong: ", 31);
    assert_non_null(strstr(device->note, says));
    assert_true(device->score == 0);
    imp_bench_finish(&report);
}

static void test_wrong_device(void **state) {
    (void)state;
    imp_device *d = NULL;
    assert_int_equal(imp_cpu_open(&d, NULL, NULL), IMP_OK);
    honest = d->ops;
    imp_ops wrong = *d->ops;
    d->ops = &wrong;
    wrong.conv = conv_wrong;
    assert_found_out(d, IMP_BENCH_ITERATION, "iteration adam: y[");
    wrong.conv = honest->conv;
    wrong.conv_grad = conv_grad_wrong;
    assert_found_out(d, IMP_BENCH_ITERATION, "iteration adam: dx[");
    wrong.conv_grad = honest->conv_grad;
    wrong.conv_pool = conv_pool_wrong;
    assert_found_out(d, IMP_BENCH_ITERATION, "relu1_2 fused with its pooling");
    wrong.conv_pool = honest->conv_pool;
    wrong.conv_pool_grad = conv_pool_grad_wrong;
    assert_found_out(d, IMP_BENCH_ITERATION, "fused with its pooling, back");
    d->ops = honest;
    d->ops->close(d);
}

/* A device that fails is noted; the oracle is not measured. */
static imp_status conv_fails(imp_device *d, imp_tensor y, imp_tensor x, imp_filter *filter) {
    (void)y, (void)x, (void)filter;
    return imp_fail(&d->error, IMP_ERR_DEVICE, "it has gone");
}

static void test_failing_device(void **state) {
    (void)state;
    imp_device *d = NULL, *oracle = NULL;
    assert_int_equal(imp_cpu_open(&d, NULL, NULL), IMP_OK);
    const imp_ops *ops = d->ops;
    imp_ops failing = *d->ops;
    failing.conv = conv_fails;
    d->ops = &failing;
    imp_bench_report report = measure(d, IMP_BENCH_ITERATION);
    assert_int_equal(report.result_count, 1);
    assert_int_equal(report.results[0].samples, 0);
    assert_non_null(strstr(report.results[0].note, "it has gone"));
    imp_bench_finish(&report);
    d->ops = ops;
    d->ops->close(d);

    assert_int_equal(imp_oracle_open(&oracle, NULL, NULL), IMP_OK);
    const imp_bench_options options = {.parts = IMP_BENCH_ROOFS};
    assert_int_equal(imp_bench(&report, &oracle, 1, &options, NULL), IMP_ERR_ARGUMENT);
    imp_bench_finish(&report);
    oracle->ops->close(oracle);
}

static bool stop(void *user, const char *what) {
    (void)what;
    return --*(int *)user > 0;
}

static void test_stopping(void **state) {
    (void)state;
    imp_device *d = NULL;
    imp_bench_report report;
    int calls = 3;
    const imp_bench_options options = {.parts = IMP_BENCH_OPERATIONS,
                                       .sizes = {16},
                                       .quick = true,
                                       .progress = stop,
                                       .user = &calls};
    assert_int_equal(imp_cpu_open(&d, NULL, NULL), IMP_OK);
    assert_int_equal(imp_bench(&report, &d, 1, &options, NULL), IMP_ERR_STOPPED);
    assert_int_equal(report.result_count, 2); /* both ways of one thing */
    imp_bench_finish(&report);
    d->ops->close(d);
}

/* ---- the program ---- */

static json_t *load(scratch *s, const char *name) {
    json_error_t why;
    json_t *o = json_load_file(scratch_path(s, name), 0, &why);
    if (!o)
        print_error("%s: %s\n", name, why.text);
    assert_non_null(o);
    return o;
}

static void assert_results(const json_t *o) {
    size_t i;
    json_t *r;
    json_array_foreach(json_object_get(o, "results"), i, r) {
        assert_true(json_is_string(json_object_get(r, "part")));
        assert_true(json_is_string(json_object_get(r, "name")));
        assert_string_equal(json_string_value(json_object_get(r, "device")), "cpu");
        assert_int_equal(json_integer_value(json_object_get(r, "place")), 0);
        assert_true(json_number_value(json_object_get(r, "seconds")) > 0);
        assert_true(json_is_number(json_object_get(r, "spread")));
        assert_non_null(json_object_get(r, "peak_mib"));
    }
    r = json_array_get(json_object_get(o, "results"), i - 1);
    assert_string_equal(json_string_value(json_object_get(r, "name")), "iteration");
    assert_string_equal(json_string_value(json_object_get(r, "optimizer")), "adam");
    assert_int_equal(json_integer_value(json_object_get(r, "size")), 16);
    assert_true(json_number_value(json_object_get(r, "peak_mib")) > 0);
}

/* ---- the roofline picture ---- */

enum { WIDTH = 1200, HEIGHT = 800, LEFT = 110, RIGHT = 40, TOP = 50, BOTTOM = 80 };

/* Whether a result is an operation whose flop and bytes are known; if so, log10 of executed flop
 * per byte, and of Gflop/s. */
static bool point_of(double point[2], const json_t *r) {
    const double executed = json_number_value(json_object_get(r, "executed_flop"));
    const double bytes = json_number_value(json_object_get(r, "bytes"));
    point[0] = log10(executed / bytes);
    point[1] = log10(1e-9 * executed / json_number_value(json_object_get(r, "seconds")));
    return executed > 0 && bytes > 0 &&
           strcmp(json_string_value(json_object_get(r, "part")), "operations") == 0;
}

/* The colour of the first device: of its points, its roof and its name. */
static bool is_blue(const imp_picture *p, double x, double y) {
    const float *rgb = p->rgb + 3 * ((size_t)y * p->width + (size_t)x);
    return fabsf(rgb[0] - 0.12F) < 0.02F && fabsf(rgb[1] - 0.35F) < 0.02F &&
           fabsf(rgb[2] - 0.75F) < 0.02F;
}

/* Every operation is a point at the right place. The axes are whole decades, at least from 1 to
 * 1000 operations per byte and from 10 to 100 Gflop/s. The roof ends at the right edge. */
static void assert_plot(const json_t *o, const imp_picture *p) {
    const json_t *device = json_array_get(json_object_get(o, "devices"), 0);
    const double roof = log10(json_number_value(json_object_get(device, "gflops")));
    double low[2] = {0, 1}, high[2] = {3, fmax(2, ceil(roof))}, at[2];
    size_t i, points = 0;
    json_t *r;
    assert_int_equal(p->width, WIDTH);
    assert_int_equal(p->height, HEIGHT);
    json_array_foreach(json_object_get(o, "results"), i, r) {
        if (!point_of(at, r))
            continue;
        for (int k = 0; k < 2; k++) {
            low[k] = fmin(low[k], floor(at[k]));
            high[k] = fmax(high[k], ceil(at[k]));
        }
        points++;
    }
    assert_int_equal(points, 10); /* two ways of five Gram matrices */
    const double width = WIDTH - LEFT - RIGHT, height = HEIGHT - TOP - BOTTOM;
    json_array_foreach(json_object_get(o, "results"), i, r) {
        if (!point_of(at, r))
            continue;
        const double x = LEFT + width * (at[0] - low[0]) / (high[0] - low[0]);
        const double y = HEIGHT - BOTTOM - height * (at[1] - low[1]) / (high[1] - low[1]);
        if (!is_blue(p, x, y))
            fail_msg("%s: no point at %.0f, %.0f", json_string_value(json_object_get(r, "name")), x,
                     y);
    }
    const double level = HEIGHT - BOTTOM - height * (roof - low[1]) / (high[1] - low[1]);
    assert_true(is_blue(p, WIDTH - RIGHT - 2, level));
}

static void test_file_and_tables(void **state) {
    scratch *s = *state;
    ended e =
        program_run(s, "impasto bench --quick --size 16 --only roofs,operations --only iteration "
                       "--optimizer adam --device cpu --device cpu --json b.json --plot b.png");
    assert_silent(&e, "bench");
    assert_non_null(strstr(e.out, "gram relu4_1"));
    assert_non_null(strstr(e.out, "cpu: no score: "));
    ended_free(&e);
    json_t *o = load(s, "b.json");
    assert_string_equal(json_string_value(json_object_get(o, "format")), "impasto-bench-1");
    assert_true(json_is_true(json_object_get(o, "quick")));
    assert_int_equal(json_array_size(json_object_get(o, "devices")), 1);
    assert_results(o);
    imp_picture p = {0};
    assert_int_equal(imp_picture_read(&p, scratch_path(s, "b.png"), NULL, NULL), IMP_OK);
    assert_plot(o, &p);
    imp_picture_finish(&p);
    json_decref(o);
    e = program_run(s, "impasto bench compare b.json b.json --markdown");
    assert_silent(&e, "compare");
    assert_non_null(strstr(e.out, "0 faster, 0 slower, "));
    ended_free(&e);
}

static void test_standard_output(void **state) {
    ended e = program_run(*state, "impasto bench --quick --only roofs --device cpu --json -");
    assert_silent(&e, "bench --json -");
    static const char *const roofs[][2] = {
        {"fp32", NULL},       {"memory", NULL},          {"launch", "awaited"},
        {"launch", "queued"}, {"transfer", "to device"}, {"transfer", "from device"}};
    enum { ROOFS = sizeof roofs / sizeof *roofs };
    json_t *o = json_loads(e.out, 0, NULL);
    assert_non_null(o);
    const json_t *results = json_object_get(o, "results");
    assert_int_equal(json_array_size(results), ROOFS);
    for (size_t i = 0; i < ROOFS; i++) {
        const json_t *r = json_array_get(results, i);
        const char *variant = json_string_value(json_object_get(r, "variant"));
        assert_string_equal(json_string_value(json_object_get(r, "part")), "roofs");
        assert_string_equal(json_string_value(json_object_get(r, "name")), roofs[i][0]);
        assert_string_equal(variant ? variant : "", roofs[i][1] ? roofs[i][1] : "");
        assert_true(json_number_value(json_object_get(r, "seconds")) > 0);
    }
    json_decref(o);
    ended_free(&e);
}

/* A device that fails its self-test is listed without a score; no other is measured instead. */
static void test_refused_device(void **state) {
    imp_device_info first;
    if (imp_device_list(&first, 1, false, NULL) < 2 || first.shares_host_memory) {
        print_message("no OpenCL device here\n");
        skip();
    }
    ended e = program_run(*state, "IMPASTO_FAULT=alloc:1 impasto bench --quick --only roofs "
                                  "--device 0 --json -");
    assert_int_equal(e.status, 0);
    json_t *o = json_loads(e.out, 0, NULL);
    assert_non_null(o);
    const json_t *d = json_array_get(json_object_get(o, "devices"), 0);
    assert_true(json_is_null(json_object_get(d, "score")));
    assert_non_null(strstr(json_string_value(json_object_get(d, "note")), "no score: "));
    assert_int_equal(json_array_size(json_object_get(o, "results")), 0);
    json_decref(o);
    ended_free(&e);
}

/* ---- comparison ---- */

/* A made-up file with three layers' seconds and their common spread. */
static void write_file(scratch *s, const char *name, const double seconds[3], double spread,
                       const char *verdict) {
    FILE *f = fopen(scratch_path(s, name), "w");
    assert_non_null(f);
    fprintf(f, "{\"format\": \"impasto-bench-1\", \"devices\": [{\"kind\": \"opencl\", \"name\": "
               "\"card\", \"platform\": \"p\", \"score\": null}], \"results\": [");
    for (int i = 0; i < 3; i++)
        fprintf(f,
                "%s{\"part\": \"layers\", \"name\": \"conv%d_1\", \"variant\": \"back\", "
                "\"place\": 0, \"size\": 512, \"samples\": 9, \"seconds\": %g, \"spread\": %g, "
                "\"verdict\": \"%s\"}",
                i ? ", " : "", i + 1, seconds[i], spread, verdict);
    fprintf(f, "]}\n");
    fclose(f);
}

/* The verdict in the line of a comparison that begins with a name. */
static void assert_verdict(const char *out, const char *name, const char *verdict) {
    char line[256];
    const char *at = strstr(out, name);
    assert_non_null(at);
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
    if (!strstr(line, verdict))
        print_error("%s\n", line);
    assert_non_null(strstr(line, verdict));
}

static void test_comparison(void **state) {
    scratch *s = *state;
    write_file(s, "one.json", (double[]){1, 1, 1}, 0.05, "right");
    write_file(s, "two.json", (double[]){0.5, 2, 0.9}, 0.05, "right");
    ended e = program_run(s, "impasto bench compare one.json two.json");
    assert_silent(&e, "compare");
    assert_verdict(e.out, "conv1_1", "faster");
    assert_verdict(e.out, "conv1_1", "|#####");
    assert_verdict(e.out, "conv2_1", "slower");
    assert_verdict(e.out, "conv2_1", "#####|");
    assert_verdict(e.out, "conv3_1", "same"); /* 10 % where 3 deviations are 22 % */
    assert_non_null(strstr(e.out, "1 faster, 1 slower, 1 the same"));
    ended_free(&e);

    write_file(s, "calm.json", (double[]){1, 1, 1}, 0.001, "right");
    write_file(s, "later.json", (double[]){0.98, 1.1, 0.9}, 0.001, "right");
    e = program_run(s, "impasto bench compare calm.json later.json");
    assert_verdict(e.out, "conv1_1", "same"); /* two runs differ by so much */
    assert_verdict(e.out, "conv2_1", "slower");
    assert_verdict(e.out, "conv3_1", "faster");
    ended_free(&e);

    write_file(s, "wrong.json", (double[]){0.1, 0.1, 0.1}, 0.001, "wrong");
    e = program_run(s, "impasto bench compare calm.json wrong.json");
    assert_verdict(e.out, "conv1_1", "WRONG");
    assert_null(strstr(e.out, "faster, 0 slower, 3"));
    ended_free(&e);
}

static void test_bad_input(void **state) {
    scratch *s = *state;
    write_file(s, "one.json", (double[]){1, 1, 1}, 0.05, "right");
    ended e = program_run(s, "echo '{\"format\": \"impasto-bench-2\"}' >next.json");
    ended_free(&e);
    assert_fails(s, "impasto bench compare one.json next.json", 1, "'next.json': ");
    assert_fails(s, "impasto bench compare one.json none.json", 1, "none.json");
    assert_fails(s, "impasto bench compare one.json", 2, "impasto bench compare FILE FILE");
    assert_fails(s, "impasto bench this that", 2, "'this'");
    assert_fails(s, "impasto bench --only everything", 2, "--only");
    assert_fails(s, "impasto bench --size 0", 2, "--size");
    assert_fails(s, "impasto bench --size 64,big", 2, "--size");
}

static int tear_down(void **state) {
    return scratch_close(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_device),    cmocka_unit_test(test_wrong_device),
        cmocka_unit_test(test_failing_device),  cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_file_and_tables), cmocka_unit_test(test_standard_output),
        cmocka_unit_test(test_refused_device),  cmocka_unit_test(test_comparison),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, scratch_open, tear_down);
}
