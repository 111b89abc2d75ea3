/* SPDX-License-Identifier: MIT
 *
 * Runs of the program: painting, records and --like, interrupts, JSON, and devices that fail. Small
 * pictures, few iterations, on the processor unless IMPASTO_DEVICE says otherwise.
 */
#include "program.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SMALL "--size 32 -n 3 "

static void assert_size(scratch *s, const char *name, size_t width, size_t height) {
    imp_picture p = {0};
    assert_int_equal(imp_picture_read(&p, scratch_path(s, name), NULL, NULL), IMP_OK);
    assert_int_equal(p.width, width);
    assert_int_equal(p.height, height);
    imp_picture_finish(&p);
}

static void assert_same_bytes(scratch *s, const char *a, const char *b) {
    size_t n, m;
    unsigned char *x = scratch_read(s, a, &n), *y = scratch_read(s, b, &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
}

/* ---- Painting -------------------------------------------------------------------------------- */

static void test_paint_says_what_it_did(void **state) {
    scratch *s = *state;
    ended e = program_run(s, "impasto paint a.png b.jpg " SMALL);
    assert_int_equal(e.status, 0);
    assert_memory_equal(e.out, "painted a_b.png: 32 x 27, 3 iterations in ", 42);
    assert_non_null(strstr(e.err, "1 of 3"));
    ended_free(&e);
    assert_size(s, "a_b.png", 32, 27);
    run_silent(s, "impasto paint a.png b.jpg --quiet -o c.jpg --size original --iterations 1");
    assert_size(s, "c.jpg", 48, 40);
}

/* A preset for VGG-19 takes the loss of the built-in network's with that network, and says so; what
 * is given comes first, and the record keeps it. */
static void test_preset_of_another_network(void **state) {
    scratch *s = *state;
    ended e = program_run(s, "impasto paint a.png b.jpg -p gatys --network builtin -o n.png " SMALL
                             "--tv-weight 3 --json");
    assert_int_equal(e.status, 0);
    assert_non_null(strstr(e.err, "preset 'gatys' is for network 'vgg19-caffe': with 'builtin' it "
                                  "takes the loss of 'default'"));
    assert_non_null(strstr(e.out, "\"strength\":\"0.5\""));
    assert_non_null(strstr(e.out, "\"tv-weight\":\"3\""));
    assert_non_null(strstr(e.out, "\"init\":\"noise\""));
    ended_free(&e);
    e = program_run(s, "impasto paint a.png b.jpg -p gatys --network builtin --content-weight 2 "
                       "-o m.png --json " SMALL);
    assert_non_null(strstr(e.out, "\"strength\":\"off\""));
    assert_non_null(strstr(e.out, "\"content-weight\":\"2\""));
    ended_free(&e);
    run_silent(s, "impasto paint --like n.png --quiet -o o.png");
    assert_same_bytes(s, "n.png", "o.png");
}

static void test_texture(void **state) {
    scratch *s = *state;
    run_silent(s, "impasto paint --texture b.jpg --seam x " SMALL " --quiet -o t.png");
    run_silent(s, "impasto paint --like t.png --quiet -o u.png");
    assert_same_bytes(s, "t.png", "u.png");
    assert_fails(s, "impasto paint b.jpg", 2, "needs two pictures");
}

/* On a terminal the bar is redrawn on one line and erased before messages. */
static void test_bar_on_a_terminal(void **state) {
    if (!program_exists("script")) {
        print_message("no script here\n");
        skip();
    }
    ended e =
        program_run(*state, "TERM=xterm script -qec '\"$impasto\" paint a.png b.jpg --size 64 "
                            "-n 40' /dev/null </dev/null");
    assert_int_equal(e.status, 0);
    assert_non_null(strstr(e.out, "\r[................] 1 of 40"));
    assert_non_null(strstr(e.out, "\rpainted a_b.png"));
    ended_free(&e);
}

/* Sizes so small that a map of the network would be empty. */
static void test_tiny_pictures(void **state) {
    scratch *s = *state;
    write_waves(s, "dot.png", 1, 1);
    write_waves(s, "line.png", 1, 400);
    run_silent(s, "impasto paint -q a.png b.jpg --size 8 -n 1 -o c.png");
    assert_size(s, "c.png", 8, 7);
    run_silent(s, "impasto paint -q dot.png dot.png --size original -n 1 -o d.png");
    assert_size(s, "d.png", 1, 1);
    run_silent(s, "impasto paint -q line.png b.jpg --size original -n 1 -o e.png");
    assert_size(s, "e.png", 1, 400);
}

static void test_options_reach_the_objective(void **state) {
    scratch *s = *state;
    run_silent(s, "impasto paint -q a.png b.jpg " SMALL "-o one.png");
    static const char *const changes[] = {"--style-layers relu1_1:0.2,relu2_1",
                                          "--content-layers none",
                                          "--style-weight 1",
                                          "--content-weight 9999",
                                          "--tv-weight 9",
                                          "--pooling average",
                                          "--levels 1",
                                          "--style-scale 0.5",
                                          "--optimizer adam",
                                          "--learning-rate 0.5",
                                          "--init noise",
                                          "--init b.jpg"};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char line[256];
        imp_picture one = {0}, other = {0};
        snprintf(line, sizeof line, "impasto paint -q a.png b.jpg " SMALL "%s -o other.png",
                 changes[i]);
        run_silent(s, line);
        assert_int_equal(imp_picture_read(&one, scratch_path(s, "one.png"), NULL, NULL), IMP_OK);
        assert_int_equal(imp_picture_read(&other, scratch_path(s, "other.png"), NULL, NULL),
                         IMP_OK);
        if (!memcmp(one.rgb, other.rgb, 3 * one.width * one.height * sizeof *one.rgb))
            fail_msg("%s changes nothing", changes[i]);
        imp_picture_finish(&one);
        imp_picture_finish(&other);
    }
}

/* A folder on a file system of 64 KiB, mounted in a namespace of its own. */
#define IN_SMALL_FOLDER(line)                                                                      \
    "mkdir -p small && exec unshare -rm sh -c 'mount -t tmpfs -o size=64k none small && " line "'"

static void test_too_little_space(void **state) {
    scratch *s = *state;
    ended e = program_run(s, IN_SMALL_FOLDER("true"));
    const bool possible = e.status == 0;
    ended_free(&e);
    if (possible)
        assert_fails(
            s,
            IN_SMALL_FOLDER("\"$impasto\" paint a.png b.jpg --size 400 --tune off -n 99999 "
                            "-o small/c.png"),
            1, "small");
    rmdir(scratch_path(s, "small"));
    if (!possible) {
        print_message("no file system can be mounted here\n");
        skip();
    }
}

/* ---- The record ------------------------------------------------------------------------------ */

static void test_like_repeats(void **state) {
    scratch *s = *state;
    run_silent(s, "impasto paint -q a.png b.jpg " SMALL "--seed 18446744073709551615 --init noise "
                  "--style-layers relu1_1:0.3333333,relu2_1 -o one.png");
    run_silent(s, "impasto paint -q --like one.png -o two.png");
    assert_same_bytes(s, "one.png", "two.png");
    run_silent(s, "impasto paint -q a.png b.jpg " SMALL "--init b.jpg --quality 60 -o one.jpg");
    run_silent(s, "impasto paint -q --like one.jpg a.png b.jpg -o two.jpg");
    assert_same_bytes(s, "one.jpg", "two.jpg");
}

static void test_like_is_overridden(void **state) {
    scratch *s = *state;
    run_silent(s, "impasto paint -q a.png b.jpg " SMALL "-o one.png");
    run_silent(s, "impasto paint -q --like one.png --size 16 --tv-weight 7 -o two.png");
    assert_size(s, "two.png", 16, 13);
    char *text = NULL;
    assert_int_equal(imp_picture_text(&text, scratch_path(s, "two.png"), NULL), IMP_OK);
    json_t *record = json_loads(text, 0, NULL), *options = json_object_get(record, "options");
    assert_string_equal(json_string_value(json_object_get(options, "size")), "16");
    assert_string_equal(json_string_value(json_object_get(options, "tv-weight")), "7");
    assert_string_equal(json_string_value(json_object_get(options, "iterations")), "3");
    assert_int_equal(json_integer_value(json_object_get(record, "iterations")), 3);
    json_decref(record);
    free(text);
}

/* Records hold names and SHA-256, not paths; a picture that changed is not accepted. */
static void test_record_knows_its_pictures(void **state) {
    scratch *s = *state;
    char folder[sizeof s->folder + 2], *text = NULL;
    char line[512];
    snprintf(line, sizeof line, "impasto paint -q ../%s/a.png \"$PWD\"/b.jpg " SMALL "-o one.png",
             s->folder);
    run_silent(s, line);
    assert_int_equal(imp_picture_text(&text, scratch_path(s, "one.png"), NULL), IMP_OK);
    snprintf(folder, sizeof folder, "%s/", s->folder);
    assert_null(strstr(text, folder));
    assert_non_null(strstr(text, "\"name\":\"a.png\""));
    free(text);
    write_waves(s, "a.png", 20, 20);
    assert_fails(s, "impasto paint --like one.png -o two.png", 1, "give CONTENT and STYLE");
    assert_false(scratch_has(s, "two.png"));
    run_silent(s, "impasto paint -q --like one.png a.png b.jpg -o two.png");
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* The names of the members except "event", as the man page lists them. */
static void member_names(const json_t *object, char *names, size_t size) {
    const char *key;
    json_t *value;
    size_t used = 0;
    *names = 0;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        (void)value;
        if (strcmp(key, "event") != 0)
            used += (size_t)snprintf(names + used, size - used, "%s%s", used ? ", " : "", key);
    }
}

/* Asserts that every line is an object whose event and members are exactly those of the man page.
 * Returns the array of objects. */
static json_t *read_events(scratch *s, const char *line) {
    ended e = program_run(s, line), man = program_run(s, "impasto help --man");
    assert_silent(&e, line);
    json_t *events = json_array();
    for (char *next = e.out; *next;) {
        char *end = strchr(next, '\n'), names[512];
        assert_non_null(end);
        *end = 0;
        json_t *object = json_loads(next, JSON_REJECT_DUPLICATES, NULL);
        if (!object)
            fail_msg("%s: no JSON: %s", line, next);
        assert_true(json_is_string(json_object_get(object, "event")));
        member_names(object, names, sizeof names);
        if (!strstr(man.out, names))
            fail_msg("%s: the man page does not list: %s", line, names);
        json_array_append_new(events, object);
        next = end + 1;
    }
    ended_free(&e);
    ended_free(&man);
    return events;
}

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static const char *event_of(const json_t *object) {
    return json_string_value(json_object_get(object, "event"));
}

static void test_json_paint(void **state) {
    json_t *events = read_events(*state, "impasto paint a.png b.jpg " SMALL "--json -o c.png");
    assert_int_equal(json_array_size(events), 5);
    const json_t *start = json_array_get(events, 0), *done = json_array_get(events, 4);
    assert_string_equal(event_of(start), "start");
    assert_int_equal(number(start, "iterations"), 3);
    double loss = 0;
    for (size_t i = 1; i <= 3; i++) {
        const json_t *e = json_array_get(events, i);
        assert_string_equal(event_of(e), "iteration");
        assert_int_equal(number(e, "n"), i);
        loss = number(e, "total");
        const double parts = number(e, "content") + number(e, "style") + number(e, "tv");
        assert_true(fabs(loss - parts) <= 1e-8 * loss);
    }
    assert_string_equal(event_of(done), "done");
    assert_string_equal(json_string_value(json_object_get(done, "out")), "c.png");
    assert_string_equal(json_string_value(json_object_get(done, "ended")), "complete");
    assert_int_equal(number(done, "iterations"), 3);
    assert_true(number(done, "loss") == loss);
    assert_true(number(done, "peak_mib") > 1);
    assert_true(number(done, "seconds") >= number(json_array_get(events, 3), "seconds"));
    json_decref(events);
}

static void test_json_of_every_command(void **state) {
    static const struct {
        const char *line, *first;
    } lines[] = {
        {"impasto score a.png --content a.png --style b.jpg --json", "loss"},
        {"impasto paint a.png b.jpg " SMALL "--json --profile", "start"},
        {"impasto compare a.png b.jpg --json -o s.png", "compared"},
        {"impasto grid a.png b.jpg " SMALL "--seed 1,2 --json -o s.png", "variation"},
        {"impasto devices --quick --json", "device"},
        {"impasto weights info builtin --json", "network"},
        {"impasto weights list --json", "weights"},
        {"export IMPASTO_WEIGHTS=. && (impasto weights fetch net --json --from '" IMP_TEST_SOURCES
         "/weights/builtin.safetensors') && (impasto weights verify net --json) && "
         "impasto weights remove net --json",
         "installed"},
        {"impasto presets --json", "preset"},
        {"impasto version --json", "version"},
        {"impasto help --json", "option"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        json_t *events = read_events(*state, lines[i].line);
        assert_string_equal(event_of(json_array_get(events, 0)), lines[i].first);
        json_decref(events);
    }
}

/* ---- Scores ---------------------------------------------------------------------------------- */

/* Checks a .npy file: the text of its header, and how many numbers follow. */
static size_t npy_count(scratch *s, const char *name, const char *shape) {
    size_t size;
    unsigned char *bytes = scratch_read(s, name, &size);
    assert_memory_equal(bytes, "\x93NUMPY\x01\x00", 8);
    const size_t header = 10 + bytes[8] + 256U * bytes[9];
    assert_int_equal(header % 64, 0);
    assert_int_equal(bytes[header - 1], '\n');
    bytes[header - 1] = 0;
    if (!strstr((char *)bytes + 10, shape) || !strstr((char *)bytes + 10, "f4'"))
        fail_msg("%s: %s (wanted %s)", name, (char *)bytes + 10, shape);
    free(bytes);
    return (size - header) / sizeof(float);
}

static void test_dry_run(void **state) {
    scratch *s = *state;
    json_t *events =
        read_events(s, "impasto paint a.png b.jpg --size 128 --device cpu --dry-run --json");
    const json_t *all = json_array_get(events, 0);
    assert_string_equal(event_of(all), "forecast");
    assert_int_equal(number(all, "width"), 128);
    assert_true(json_is_true(json_object_get(all, "fits")));
    const char *const parts[] = {"filters_mib", "activations_mib", "optimizer_mib", "work_mib"};
    double sum = 0;
    for (size_t i = 0; i < 4; i++)
        sum += number(all, parts[i]);
    assert_true(sum > 0 && sum <= number(all, "device_mib") * (1 + 1e-9));
    assert_true(number(all, "recompute_mib") < number(all, "kept_mib"));
    assert_true(number(all, "seconds") > 0);
    json_decref(events);
    ended e = program_run(s, "impasto paint a.png b.jpg --size 128 --device cpu --dry-run");
    assert_int_equal(e.status, 0);
    assert_non_null(strstr(e.out, "features and gradients"));
    ended_free(&e);
    assert_false(scratch_has(s, "a_b.png"));
    assert_fails(s, "impasto paint a.png b.jpg --size 512 --device cpu --memory 8", 1,
                 "the largest size that fits is");
}

static void test_score(void **state) {
    scratch *s = *state;
    run_silent(s, "impasto score a.png --content a.png --style b.jpg --levels 1 --dump .");
    assert_int_equal(npy_count(s, "gradient.npy", "(3, 40, 48)"), 3 * 40 * 48);
    assert_true(npy_count(s, "gram_relu1_1.npy", ", ") > 1);
    assert_true(npy_count(s, "relu1_1.npy", ", 40, 48)") > 1);
    json_t *events = read_events(s, "impasto score a.png --content a.png --style b.jpg --json");
    double sum = 0;
    size_t i;
    json_t *e;
    json_array_foreach(events, i, e) {
        if (!strcmp(event_of(e), "loss"))
            sum += number(e, "value");
    }
    const json_t *score = json_array_get(events, json_array_size(events) - 1);
    assert_true(fabs(sum - number(score, "total")) <= 1e-8 * sum);
    assert_true(number(score, "content") <= 1e-6 * sum); /* at the content itself */
    assert_true(number(score, "style") > 0);
    assert_int_equal(number(score, "width"), 48);
    json_decref(events);
}

static void test_score_makes_the_folder(void **state) {
    scratch *s = *state;
    run_silent(s, "impasto score a.png --content a.png --style b.jpg --dump made");
    assert_true(scratch_has(s, "made/gradient.npy"));
    ended e = program_run(s, "rm -r made");
    assert_int_equal(e.status, 0);
    ended_free(&e);
}

/* ---- Runs ended early ------------------------------------------------------------------------ */

static void test_interrupt_saves(void **state) {
    scratch *s = *state;
    running r = program_start(s, "impasto paint a.png b.jpg --size 64 -n 1000000 --json -o c.png");
    program_await(&r, "\"n\":2,");
    kill(r.pid, SIGINT);
    ended e = program_wait(&r);
    assert_complaint(&e, "one interrupt", 130, "'c.png' holds the picture so far");
    assert_non_null(strstr(e.out, "\"ended\":\"interrupted\""));
    ended_free(&e);
    assert_true(scratch_has(s, "c.png"));
}

/* The oracle is slow: the second signal arrives during the first iteration. */
static void test_second_interrupt_stops_at_once(void **state) {
    scratch *s = *state;
    const struct timespec pause = {.tv_nsec = 200000000};
    running r = program_start(s, "impasto paint a.png b.jpg --device oracle --size 160 --scales 1 "
                                 "--json -o c.png");
    program_await(&r, "\"start\"");
    kill(r.pid, SIGINT);
    nanosleep(&pause, NULL);
    kill(r.pid, SIGINT);
    ended e = program_wait(&r);
    assert_int_equal(e.status, 130);
    assert_null(strstr(e.out, "\"done\""));
    assert_false(scratch_has(s, "c.png"));
    ended_free(&e);
}

static void test_time_limit(void **state) {
    scratch *s = *state;
    ended e = program_run(s, "impasto paint a.png b.jpg --size 64 -n 1000000 --time-limit 1 "
                             "--json -o c.png");
    assert_int_equal(e.status, 0);
    assert_non_null(strstr(e.out, "\"ended\":\"time-limit\""));
    ended_free(&e);
    assert_size(s, "c.png", 64, 53);
}

/* ---- Devices that fail ----------------------------------------------------------------------- */

static void test_no_opencl_platform(void **state) {
    scratch *s = *state;
    ended e = program_run(s, "OCL_ICD_VENDORS=/nonexistent impasto paint a.png b.jpg " SMALL
                             "--device auto --json -o c.png");
    assert_complaint(&e, "no platform", 0, "no OpenCL device found");
    assert_non_null(strstr(e.out, "\"device\":\"cpu\""));
    ended_free(&e);
    assert_size(s, "c.png", 32, 27);
}

/* Each fault makes the OpenCL device fail at a different place; the processor takes over. */
static void test_faults_fall_back(void **state) {
    scratch *s = *state;
    static const char *const faults[] = {"build:tv", "launch:gram", "alloc:1", "alloc:2"};
    if (imp_device_list(NULL, 0, false, NULL) < 2) {
        print_message("no OpenCL device here\n");
        skip();
    }
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char line[256];
        snprintf(line, sizeof line,
                 "IMPASTO_FAULT=%s impasto paint a.png b.jpg " SMALL "--device 0 --json -o c.png",
                 faults[i]);
        ended e = program_run(s, line);
        if (e.status != 0 || !strstr(e.err, "cpu") || !strstr(e.out, "\"device\":\"cpu\""))
            fail_msg("%s: status %d, output: %s", line, e.status, e.err);
        ended_free(&e);
        assert_size(s, "c.png", 32, 27);
        remove(scratch_path(s, "c.png"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, scratch_close)

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {
        TEST(test_paint_says_what_it_did),
        TEST(test_texture),
        TEST(test_preset_of_another_network),
        TEST(test_bar_on_a_terminal),
        TEST(test_tiny_pictures),
        TEST(test_options_reach_the_objective),
        TEST(test_too_little_space),
        TEST(test_like_repeats),
        TEST(test_like_is_overridden),
        TEST(test_record_knows_its_pictures),
        TEST(test_json_paint),
        TEST(test_json_of_every_command),
        TEST(test_dry_run),
        TEST(test_score),
        TEST(test_score_makes_the_folder),
        TEST(test_interrupt_saves),
        TEST(test_second_interrupt_stops_at_once),
        TEST(test_time_limit),
        TEST(test_no_opencl_platform),
        TEST(test_faults_fall_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
