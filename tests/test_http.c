/* SPDX-License-Identifier: MIT
 *
 * Downloads into memory and files, from a server with all kinds of faults. Each fault gives its
 * line, no incomplete file passes as complete, and interrupted downloads resume.
 */
#include "base/random.h"
#include "net/http.h"
#include "server.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIZE = 100000 };
static const imp_http_terms patient = {.stall = 20};

typedef struct fixture {
    scratch s; /* first: scratch_close expects it */
    server v;
    unsigned char *bytes;
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
    f->bytes = malloc(SIZE);
    uint64_t seed = 1;
    for (size_t i = 0; f->bytes && i < SIZE; i++)
        f->bytes[i] = (unsigned char)imp_random_bits(&seed);
    scratch_write(&f->s, "data", f->bytes, SIZE);
    f->v = server_start(&f->s);
    *state = f;
    return 0;
}

static int close_all(void **state) {
    fixture *const f = *state;
    server_stop(&f->v);
    free(f->bytes);
    return scratch_close(state);
}

static int forget(void **state) {
    fixture *const f = *state;
    unlink(scratch_path(&f->s, "part"));
    unlink(scratch_path(&f->s, "part.from"));
    unlink(scratch_path(&f->s, "requests"));
    return 0;
}

static imp_status fetch(fixture *f, const char *path, const imp_http_terms *terms, imp_error *err) {
    char address[256], part[192];
    snprintf(part, sizeof part, "%s", scratch_path(&f->s, "part"));
    return imp_http_fetch(part, server_address(address, &f->v, false, path), terms, err);
}

static size_t size_of(fixture *f, const char *name) {
    size_t size;
    free(scratch_read(&f->s, name, &size));
    return size;
}

static void assert_whole(fixture *f) {
    size_t size;
    unsigned char *const bytes = scratch_read(&f->s, "part", &size);
    assert_int_equal(size, SIZE);
    assert_memory_equal(bytes, f->bytes, SIZE);
    free(bytes);
    assert_int_not_equal(access(scratch_path(&f->s, "part.from"), F_OK), 0);
}

static void assert_requests(fixture *f, const char *lines) {
    size_t size;
    char *const said = (char *)scratch_read(&f->s, "requests", &size);
    assert_string_equal(said, lines);
    free(said);
}

/* ---- Into memory ----------------------------------------------------------------------------- */

static void test_read(void **state) {
    static const char *const paths[] = {"/file/data", "/moved/data", "/unlengthed/data",
                                        "/undated/data", "/rangeless/data"};
    fixture *const f = *state;
    char address[256];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        unsigned char *bytes;
        size_t size;
        imp_error err = {0};
        const imp_status status = imp_http_read(
            &bytes, &size, server_address(address, &f->v, false, paths[i]), &patient, &err);
        if (status != IMP_OK)
            fail_msg("%s: %s", paths[i], err.text);
        assert_int_equal(size, SIZE);
        assert_memory_equal(bytes, f->bytes, SIZE);
        free(bytes);
    }
}

typedef struct fault {
    const char *path;
    imp_status status;
    const char *says;
    imp_http_terms terms;
} fault;

static const fault faults[] = {
    {"/file/none", IMP_ERR_IO, "does not exist there: check the address (status 404)", {0}},
    {"/status/410/x", IMP_ERR_IO, "does not exist there", {0}},
    {"/status/403/x", IMP_ERR_IO, "access is denied", {0}},
    {"/status/503/x", IMP_ERR_IO, "the server is busy: try again later (status 503)", {0}},
    {"/status/429/x", IMP_ERR_IO, "the server is busy", {0}},
    {"/status/500/x", IMP_ERR_IO, "the server failed", {0}},
    {"/status/418/x", IMP_ERR_IO, "the answer is not a file", {0}},
    {"/status/300/x", IMP_ERR_IO, "the answer is not a file", {0}},
    {"/loop/x", IMP_ERR_IO, "redirected more than 10 times", {0}},
    {"/ftp/x", IMP_ERR_IO, "redirected to another protocol than https", {0}},
    {"/empty/data", IMP_ERR_FORMAT, "the answer is empty", {0}},
    {"/cut/70000/data", IMP_ERR_IO, "cut off, with 70000 bytes received", {0}},
    {"/cut/0/data", IMP_ERR_IO, "cut off, with 0 bytes received", {0}},
    {"/stall/70000/data",
     IMP_ERR_IO,
     "nothing arrived for 0.5 seconds, with 70000",
     {.stall = 0.5}},
    {"/drip/data", IMP_ERR_IO, "it takes longer than 0.7 seconds", {.stall = 5, .seconds = 0.7}},
    {"/endless/x", IMP_ERR_FORMAT, "larger than the allowed 1000000 bytes", {.max_bytes = 1000000}},
    {"/huge/x", IMP_ERR_FORMAT, "larger than the allowed 1000000 bytes", {.max_bytes = 1000000}},
};

static void test_faults(void **state) {
    fixture *const f = *state;
    char address[256];
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        unsigned char *bytes;
        size_t size;
        imp_error err = {0};
        server_address(address, &f->v, false, faults[i].path);
        const imp_status status = imp_http_read(&bytes, &size, address, &faults[i].terms, &err);
        assert_null(bytes);
        assert_error(&err, status, faults[i].status, address, faults[i].says);
    }
}

/* Addresses where no server answers. */
static void test_nobody(void **state) {
    static const char *const addresses[][2] = {
        {"http://127.0.0.1:1/x", "no connection to the server"},
        {"http://nobody.invalid/x", "no such host, or no network"},
        {"http://", "this is not a valid address"},
        {"http://a b/", "this is not a valid address"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        unsigned char *bytes;
        size_t size;
        imp_error err = {0};
        const imp_status status = imp_http_read(&bytes, &size, addresses[i][0], &patient, &err);
        assert_error(&err, status, i < 2 ? IMP_ERR_IO : IMP_ERR_ARGUMENT, addresses[i][0],
                     addresses[i][1]);
    }
    assert_true(imp_http_is_address("HTTPS://a"));
    assert_false(imp_http_is_address("https:/a"));
    assert_false(imp_http_is_address("a.png"));
}

static void test_secure(void **state) {
    fixture *const f = *state;
    char address[256], path[192];
    unsigned char *bytes;
    size_t size;
    imp_error err = {0};
    server_address(address, &f->v, true, "/file/data");
    assert_error(&err, imp_http_read(&bytes, &size, address, &patient, &err), IMP_ERR_IO, address,
                 "certificate is not trusted");
    snprintf(path, sizeof path, "%s", scratch_path(&f->s, "certificate.pem"));
    setenv("CURL_CA_BUNDLE", path, 1);
    if (imp_http_read(&bytes, &size, address, &patient, &err) != IMP_OK)
        fail_msg("%s", err.text);
    assert_int_equal(size, SIZE);
    free(bytes);
    server_address(address, &f->v, true, "/plain/data");
    assert_error(&err, imp_http_read(&bytes, &size, address, &patient, &err), IMP_ERR_IO, address,
                 "redirected to another protocol than https");
    unsetenv("CURL_CA_BUNDLE");
}

static void test_no_secrets(void **state) {
    char shown[256];
    (void)state;
    imp_http_show(shown, sizeof shown, "https://me:secret@example.org/x");
    assert_string_equal(shown, "https://example.org/x");
}

/* ---- Into a file ----------------------------------------------------------------------------- */

static void test_fetch(void **state) {
    fixture *const f = *state;
    imp_error err = {0};
    assert_int_equal(fetch(f, "/file/data", &patient, &err), IMP_OK);
    assert_whole(f);
    assert_requests(f, "/file/data - -\n");
}

/* Each call receives 30000 bytes, the fourth the rest. */
static void test_resume(void **state) {
    fixture *const f = *state;
    imp_error err = {0};
    for (size_t i = 1; i <= 3; i++) {
        assert_error(&err, fetch(f, "/cut/30000/data", &patient, &err), IMP_ERR_IO, "127.0.0.1",
                     "cut off");
        assert_int_equal(size_of(f, "part"), 30000 * i);
    }
    assert_int_equal(fetch(f, "/cut/30000/data", &patient, &err), IMP_OK);
    assert_whole(f);
    assert_requests(f, "/cut/30000/data - -\n"
                       "/cut/30000/data bytes=30000- \"100000-0\"\n"
                       "/cut/30000/data bytes=60000- \"100000-0\"\n"
                       "/cut/30000/data bytes=90000- \"100000-0\"\n");
}

/* Whatever a server does with a resumed request, the file is right in the end. */
static void test_resume_oddly(void **state) {
    static const char *const first[] = {"/cut/30000/data", "/cut/30000/wrong"};
    static const struct {
        size_t first;
        const char *then, *requests;
    } ways[] = {
        {0, "/rangeless/data", "/rangeless/data bytes=30000- -\n"},
        {0, "/shifted/data", "/shifted/data bytes=30000- -\n/shifted/data - -\n"},
        {0, "/undated/data", "/undated/data bytes=30000- -\n"},
        {0, "/file/data", "/file/data bytes=30000- -\n"},
        {1, "/file/data", "/file/data bytes=30000- -\n/file/data - -\n"},
    };
    fixture *const f = *state;
    scratch_write(&f->s, "wrong", "shorter", 7);
    unsigned char *const other = calloc(2, SIZE);
    scratch_write(&f->s, "wrong", other, 2 * SIZE - 1);
    free(other);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        imp_error err = {0};
        forget(state);
        assert_error(&err, fetch(f, first[ways[i].first], &patient, &err), IMP_ERR_IO, "127.0.0.1",
                     "cut off");
        unlink(scratch_path(&f->s, "requests"));
        if (fetch(f, ways[i].then, &patient, &err) != IMP_OK)
            fail_msg("%s: %s", ways[i].then, err.text);
        assert_whole(f);
        assert_requests(f, ways[i].requests);
    }
    unlink(scratch_path(&f->s, "wrong"));
}

/* The file at the address has changed: the same call starts again. */
static void test_changed(void **state) {
    fixture *const f = *state;
    imp_error err = {0};
    FILE *const origin = fopen(scratch_path(&f->s, "part.from"), "w");
    assert_non_null(origin);
    fprintf(origin, "http://127.0.0.1:%u/file/data\n100000\n\"100000-9\"\n", f->v.port);
    fclose(origin);
    scratch_write(&f->s, "part", "old bytes", 9);
    assert_int_equal(fetch(f, "/file/data", &patient, &err), IMP_OK);
    assert_whole(f);
    assert_requests(f, "/file/data bytes=9- \"100000-9\"\n");
}

/* A part without a known origin is not used. */
static void test_unknown_part(void **state) {
    static const char *const origins[] = {NULL, "", "http://x\n", "http://x\n5\n",
                                          "http://x\nx\n\n"};
    fixture *const f = *state;
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        imp_error err = {0};
        forget(state);
        scratch_write(&f->s, "part", "junk", 4);
        if (origins[i])
            scratch_write(&f->s, "part.from", origins[i], strlen(origins[i]));
        assert_int_equal(fetch(f, "/file/data", &patient, &err), IMP_OK);
        assert_whole(f);
        assert_requests(f, "/file/data - -\n");
    }
}

static void test_fetch_faults(void **state) {
    fixture *const f = *state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        imp_error err = {0};
        forget(state);
        assert_error(&err, fetch(f, faults[i].path, &faults[i].terms, &err), faults[i].status,
                     "127.0.0.1", faults[i].says);
    }
}

static bool stop_soon(void *user, uint64_t done, uint64_t total) {
    uint64_t *const seen = user;
    *seen = total;
    return done < 50000;
}

static void test_stop(void **state) {
    fixture *const f = *state;
    uint64_t total = 0;
    const imp_http_terms terms = {.progress = stop_soon, .user = &total};
    imp_error err = {0};
    assert_error(&err, fetch(f, "/stall/70000/data", &terms, &err), IMP_ERR_STOPPED, "127.0.0.1",
                 "stopped, with");
    assert_int_equal(total, SIZE);
    assert_true(size_of(f, "part") >= 50000);
    assert_int_equal(fetch(f, "/file/data", &patient, &err), IMP_OK);
    assert_whole(f);
}

/* A part that another process has locked is not touched. */
static void test_held(void **state) {
    fixture *const f = *state;
    imp_error err = {0};
    int ready[2];
    char c = 0;
    scratch_write(&f->s, "part", "theirs", 6);
    assert_int_equal(pipe(ready), 0);
    const pid_t holder = fork();
    if (holder == 0) {
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        const int fd = open(f->s.path, O_RDWR);
        c = fd >= 0 && fcntl(fd, F_SETLK, &whole) == 0 ? 'y' : 'n';
        if (write(ready[1], &c, 1) == 1)
            pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(c, 'y');
    assert_error(&err, fetch(f, "/file/data", &patient, &err), IMP_ERR_IO, "part",
                 "another process is fetching it");
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(size_of(f, "part"), 6);
}

static void test_no_place(void **state) {
    fixture *const f = *state;
    char address[256];
    imp_error err = {0};
    server_address(address, &f->v, false, "/file/data");
    assert_error(&err, imp_http_fetch("no/such/part", address, &patient, &err), IMP_ERR_IO,
                 "no/such/part", "check its folder");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_read, forget),
        cmocka_unit_test_teardown(test_faults, forget),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test_teardown(test_secure, forget),
        cmocka_unit_test(test_no_secrets),
        cmocka_unit_test_teardown(test_fetch, forget),
        cmocka_unit_test_teardown(test_resume, forget),
        cmocka_unit_test_teardown(test_resume_oddly, forget),
        cmocka_unit_test_teardown(test_changed, forget),
        cmocka_unit_test_teardown(test_unknown_part, forget),
        cmocka_unit_test_teardown(test_fetch_faults, forget),
        cmocka_unit_test_teardown(test_stop, forget),
        cmocka_unit_test_teardown(test_held, forget),
        cmocka_unit_test_teardown(test_no_place, forget),
    };
    setenv("no_proxy", "*", 1);
    unsetenv("CURL_CA_BUNDLE");
    return cmocka_run_group_tests(tests, open_all, close_all);
}
