/* SPDX-License-Identifier: MIT
 *
 * Downloading networks with the program, from a server with all kinds of faults. Each fault gives
 * one line and installs nothing. An interrupted download resumes. Installed networks are found by
 * name, and others are suggested.
 */
#include "program.h"
#include "server.h"
#include "weights/store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
    scratch s; /* first: scratch_close expects it */
    server v;
    size_t size; /* of the file `net`, a valid network */
} fixture;

static int open_all(void **state) {
    void *made = NULL;
    fixture *const f = calloc(1, sizeof *f);
    if (!f || scratch_open(&made) != 0) {
        free(f);
        return -1;
    }
    f->s = *(scratch *)made;
    free(made);
    FILE *const from = fopen(IMP_TEST_SOURCES "/weights/builtin.safetensors", "rb");
    assert_non_null(from);
    fseek(from, 0, SEEK_END);
    f->size = (size_t)ftell(from);
    rewind(from);
    unsigned char *const bytes = malloc(f->size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, f->size, from), f->size);
    fclose(from);
    scratch_write(&f->s, "net", bytes, f->size);
    free(bytes);
    scratch_write(&f->s, "page", "<html>not here</html>", 21);
    write_waves(&f->s, "a.png", 40, 32);
    f->v = server_start(&f->s);
    *state = f;
    return 0;
}

static int close_all(void **state) {
    fixture *const f = *state;
    server_stop(&f->v);
    return scratch_close(state);
}

static int forget(void **state) {
    static const char *const names[] = {"x.part", "x.part.from", "x.safetensors", "x.sha256",
                                        "requests"};
    fixture *const f = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(scratch_path(&f->s, names[i]));
    return 0;
}

/* The command line, with `before` and `behind` around the address of the path. */
static ended run(fixture *f, const char *before, const char *path, const char *behind) {
    char line[512], address[256];
    snprintf(line, sizeof line, "%s%s%s", before, server_address(address, &f->v, false, path),
             behind);
    return program_run(&f->s, line);
}

static ended fetch(fixture *f, const char *path, const char *behind) {
    return run(f, "impasto weights fetch x --from ", path, behind);
}

/* ---- What a server can do -------------------------------------------------------------------- */

static const struct {
    const char *path, *behind, *says;
    bool part; /* a part is kept for the next download */
} faults[] = {
    {"/file/none", "", "the file does not exist there: check the address (status 404)", false},
    {"/status/503/net", "", "the server is busy: try again later (status 503)", false},
    {"/loop/net", "", "redirected more than 10 times", false},
    {"/ftp/net", "", "redirected to another protocol than https", false},
    {"/empty/net", "", "the answer is empty", false},
    {"/stall/0/net", " --stall-limit 0.4", "nothing arrived for 0.4 seconds, with 0 bytes", false},
    {"/cut/0/net", "", "cut off, with 0 bytes received", false},
    {"/cut/40000/net", "", "cut off, with 200000 bytes received", true},
    {"/file/page", "", "x.part", false},
    {"/wrong/page", "", "x.part", false},
};

/* The last line gives the result, those before it what was tried. */
static void test_faults(void **state) {
    fixture *const f = *state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        forget(state);
        ended e = fetch(f, faults[i].path, faults[i].behind);
        const size_t length = strlen(e.err);
        if (e.status != 1 || length == 0 || e.err[length - 1] != '\n')
            fail_msg("%s: status %d: %s", faults[i].path, e.status, e.err);
        e.err[length - 1] = 0;
        const char *const before = strrchr(e.err, '\n'), *const last = before ? before + 1 : e.err;
        if (strncmp(last, "impasto: ", 9) != 0 || !strstr(last, faults[i].says))
            fail_msg("%s: wanted '%s': %s", faults[i].path, faults[i].says, e.err);
        ended_free(&e);
        assert_false(scratch_has(&f->s, "x.safetensors"));
        assert_false(scratch_has(&f->s, "x.sha256"));
        size_t kept = 0;
        if (scratch_has(&f->s, "x.part"))
            free(scratch_read(&f->s, "x.part", &kept));
        assert_int_equal(kept > 0, faults[i].part);
    }
}

static void test_right(void **state) {
    static const char *const paths[] = {"/file/net", "/moved/net", "/unlengthed/net",
                                        "/cut/700000/net", "/rangeless/net"};
    fixture *const f = *state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        forget(state);
        ended e = fetch(f, paths[i], "");
        if (e.status != 0 ||
            !strstr(e.out, "13 layers to conv5_1, 960160 parameters, in ./x.safetensors"))
            fail_msg("%s: status %d: %s%s", paths[i], e.status, e.out, e.err);
        ended_free(&e);
        assert_true(scratch_has(&f->s, "x.safetensors"));
        assert_false(scratch_has(&f->s, "x.part"));
        assert_false(scratch_has(&f->s, "x.part.from"));
    }
    ended e = program_run(&f->s, "impasto weights verify x");
    assert_silent(&e, "verify");
    assert_non_null(strstr(e.out, "x: as installed"));
    ended_free(&e);
    e = program_run(&f->s, "impasto weights info x");
    assert_silent(&e, "info");
    assert_non_null(strstr(e.out, "fetched from http://127.0.0.1"));
    ended_free(&e);
    e = program_run(&f->s, "impasto score a.png --content a.png --style a.png --network x");
    assert_silent(&e, "score");
    ended_free(&e);
}

/* A failed download does not change an older network of that name. */
static void test_old_stays(void **state) {
    fixture *const f = *state;
    ended e = fetch(f, "/file/net", "");
    assert_int_equal(e.status, 0);
    ended_free(&e);
    e = fetch(f, "/file/page", "");
    assert_int_equal(e.status, 1);
    ended_free(&e);
    e = program_run(&f->s, "impasto weights verify");
    assert_silent(&e, "verify");
    assert_non_null(strstr(e.out, "x: as installed"));
    ended_free(&e);
}

static void test_interrupt_and_resume(void **state) {
    fixture *const f = *state;
    char line[512], address[256], range[64];
    snprintf(line, sizeof line, "impasto weights fetch x --json --from %s",
             server_address(address, &f->v, false, "/stall/400000/net"));
    running r = program_start(&f->s, line);
    program_await(&r, "\"done\":400000");
    kill(r.pid, SIGINT);
    ended e = program_wait(&r);
    assert_complaint(&e, line, 130,
                     "stopped, with 400000 bytes received; run the same command again");
    ended_free(&e);
    assert_false(scratch_has(&f->s, "x.safetensors"));
    unlink(scratch_path(&f->s, "requests"));
    e = fetch(f, "/file/net", "");
    assert_int_equal(e.status, 0);
    ended_free(&e);
    size_t size;
    char *const requests = (char *)scratch_read(&f->s, "requests", &size);
    snprintf(range, sizeof range, "/file/net bytes=400000- -\n");
    assert_string_equal(requests, range);
    free(requests);
}

/* A published network's digest is checked, whatever its source. */
static void test_wrong_digest(void **state) {
    fixture *const f = *state;
    ended e = run(f, "impasto weights fetch vgg19 --from ", "/file/net", "");
    assert_complaint(&e, "fetch", 1, "damaged or a different one (its SHA-256 begins with");
    assert_non_null(strstr(e.err, "dcbb9e9d"));
    ended_free(&e);
    assert_false(scratch_has(&f->s, "vgg19.safetensors"));
    assert_false(scratch_has(&f->s, "vgg19.part"));
    e = program_run(&f->s, "impasto weights fetch vgg19-keras --from net");
    assert_complaint(&e, "fetch", 1, "(its MD5 begins with");
    ended_free(&e);
}

static void test_digest(void **state) {
    fixture *const f = *state;
    char path[192], sha256[65], digest[80];
    imp_error err = {0};
    snprintf(path, sizeof path, "%s", scratch_path(&f->s, "page"));
    assert_int_equal(imp_file_sha256(sha256, path, &err), IMP_OK);
    snprintf(digest, sizeof digest, "sha256:%s", sha256);
    assert_int_equal(imp_store_check(path, "x", digest, &err), IMP_OK);
    digest[strlen("sha256:") + 8] = 0; /* as in a torch file's name */
    assert_int_equal(imp_store_check(path, "x", digest, &err), IMP_OK);
    assert_int_equal(imp_store_check(path, "x", NULL, &err), IMP_OK);
    digest[strlen("sha256:")] ^= 1;
    assert_error(&err, imp_store_check(path, "x", digest, &err), IMP_ERR_FORMAT, "'x'",
                 "nothing is installed");
    scratch_write(&f->s, "abc", "abc", 3); /* test vector of RFC 1321 */
    snprintf(path, sizeof path, "%s", scratch_path(&f->s, "abc"));
    assert_int_equal(imp_store_check(path, "x", "md5:900150983cd24fb0d6963f7d28e17f72", &err),
                     IMP_OK);
}

/* An installed and intact network is not downloaded again, except from another address. */
static void test_once(void **state) {
    fixture *const f = *state;
    ended e = fetch(f, "/file/net", "");
    assert_int_equal(e.status, 0);
    ended_free(&e);
    e = program_run(&f->s, "impasto weights fetch x");
    assert_complaint(&e, "fetch again", 0, "'x': already installed");
    ended_free(&e);
}

/* The entries of the catalogue are consistent. */
static void test_catalogue(void **state) {
    const imp_weights_entry *e;
    (void)state;
    for (size_t i = 0; (e = imp_weights_at(i)); i++) {
        char path[IMP_PATH_MAX];
        assert_ptr_equal(imp_weights_find(e->name), e);
        assert_int_equal(imp_weights_path(path, sizeof path, e->name, NULL), IMP_OK);
        assert_true(e->about && e->origin && e->licence && e->input != IMP_INPUT_AUTO);
        assert_non_null(e->addresses[0]);
        for (size_t a = 0; e->addresses[a]; a++) {
            assert_int_equal(strncmp(e->addresses[a], "https://", 8), 0);
            assert_string_equal(strrchr(e->addresses[a], '/') + 1, e->file);
        }
        const char *const digits = e->digest ? strchr(e->digest, ':') + 1 : "";
        assert_int_equal(strspn(digits, "0123456789abcdef"), strlen(digits));
        const char *const in_name = strrchr(e->file, '-');
        if (in_name && strcmp(in_name + 9, ".pth") == 0)
            assert_memory_equal(digits, in_name + 1, 8);
    }
    assert_null(imp_weights_find("builtin"));
}

/* ---- By hand --------------------------------------------------------------------------------- */

/* Tries each address in turn, and finally says how to do it by hand. */
static void test_no_network(void **state) {
    fixture *const f = *state;
    ended e = program_run(&f->s, "https_proxy=http://127.0.0.1:1 no_proxy= impasto weights fetch "
                                 "vgg19-caffe");
    assert_int_equal(e.status, 1);
    assert_non_null(strstr(e.err, "impasto: 'https://web.eecs.umich.edu/~justincj/models/"
                                  "vgg19-d01eb7cb.pth': no connection"));
    assert_non_null(strstr(e.err, "or download https://web.eecs.umich.edu/~justincj/models/"
                                  "vgg19-d01eb7cb.pth by other means, and fetch vgg19-caffe with "
                                  "--from vgg19-d01eb7cb.pth\n"));
    ended_free(&e);
    assert_false(scratch_has(&f->s, "vgg19-caffe.safetensors"));
    e = program_run(&f->s, "impasto weights remove vgg19-caffe");
    assert_silent(&e, "remove");
    ended_free(&e);
}

static void test_damaged_later(void **state) {
    fixture *const f = *state;
    ended e = program_run(&f->s, "impasto weights fetch x --from net");
    assert_silent(&e, "fetch");
    ended_free(&e);
    size_t size;
    unsigned char *const bytes = scratch_read(&f->s, "x.safetensors", &size);
    bytes[size - 1] ^= 1;
    scratch_write(&f->s, "x.safetensors", bytes, size);
    free(bytes);
    e = program_run(&f->s, "impasto weights verify");
    assert_complaint(&e, "verify", 1, "'x': changed since it was installed");
    ended_free(&e);
    e = program_run(&f->s, "impasto weights remove x");
    assert_silent(&e, "remove");
    ended_free(&e);
    assert_false(scratch_has(&f->s, "x.safetensors"));
    assert_false(scratch_has(&f->s, "x.sha256"));
}

/* ---- The offer ------------------------------------------------------------------------------- */

static void test_offer(void **state) {
    static const struct {
        const char *answer;
        const char *says;
    } answers[] = {{"n", "run 'impasto weights fetch vgg19'"},
                   {"y", "': no connection to the server"}};
    fixture *const f = *state;
    if (!program_exists("script")) {
        print_message("no script here\n");
        skip();
    }
    for (size_t i = 0; i < 2; i++) {
        char line[512];
        snprintf(line, sizeof line,
                 "(sleep 0.5; echo %s) | https_proxy=http://127.0.0.1:1 no_proxy= script -qec "
                 "'\"$impasto\" paint a.png a.png --network vgg19' /dev/null",
                 answers[i].answer);
        ended e = program_run(&f->s, line);
        assert_int_equal(e.status, 1);
        if (!strstr(e.out, "Fetch 548 MiB from https://download.pytorch.org/models/"
                           "vgg19-dcbb9e9d.pth? [y/N]") ||
            !strstr(e.out, answers[i].says))
            fail_msg("%s: %s", answers[i].answer, e.out);
        ended_free(&e);
    }
    unlink(scratch_path(&f->s, "vgg19.part"));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_faults, forget),
        cmocka_unit_test_teardown(test_right, forget),
        cmocka_unit_test_teardown(test_old_stays, forget),
        cmocka_unit_test_teardown(test_interrupt_and_resume, forget),
        cmocka_unit_test_teardown(test_wrong_digest, forget),
        cmocka_unit_test_teardown(test_once, forget),
        cmocka_unit_test(test_catalogue),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_no_network),
        cmocka_unit_test_teardown(test_damaged_later, forget),
        cmocka_unit_test(test_offer),
    };
    setenv("no_proxy", "*", 1);
    setenv("IMPASTO_WEIGHTS", ".", 1);
    setenv("IMPASTO_DEVICE", "cpu", 0);
    return cmocka_run_group_tests(tests, open_all, close_all);
}
