/* SPDX-License-Identifier: MIT
 *
 * Files as they are written: symbolic links, owners and permissions, names that cannot be, and what
 * is left over of a process that is killed on the way.
 */
#include "base/file.h"
#include "scratch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void write_text(scratch *s, const char *name, const char *text) {
    imp_error err = {0};
    imp_file_replace_bytes(scratch_path(s, name), text, strlen(text), &err);
    assert_string_equal(err.text, "");
}

static void assert_holds(scratch *s, const char *name, const char *text) {
    size_t size;
    unsigned char *bytes = scratch_read(s, name, &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
    free(bytes);
}

static mode_t mode_of(scratch *s, const char *name) {
    struct stat about;
    assert_int_equal(stat(scratch_path(s, name), &about), 0);
    return about.st_mode & 07777;
}

/* ---- Links, owners, permissions -------------------------------------------------------------- */

static void test_a_link_is_followed(void **state) {
    scratch *s = *state;
    char link[IMP_PATH_MAX], to[2 * IMP_PATH_MAX], here[IMP_PATH_MAX];
    struct stat about;
    write_text(s, "file", "old");
    assert_non_null(getcwd(here, sizeof here));
    snprintf(to, sizeof to, "%s/%s", here, scratch_path(s, "file"));
    snprintf(link, sizeof link, "%s", scratch_path(s, "link"));
    assert_int_equal(symlink(to, link), 0);
    assert_int_equal(symlink("link", scratch_path(s, "again")), 0);
    write_text(s, "again", "new");
    assert_holds(s, "file", "new");
    assert_int_equal(lstat(link, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(symlink("later", scratch_path(s, "dangling")), 0);
    write_text(s, "dangling", "made");
    assert_holds(s, "later", "made");
}

static void test_links_in_a_circle(void **state) {
    scratch *s = *state;
    char a[IMP_PATH_MAX];
    imp_error err = {0};
    snprintf(a, sizeof a, "%s", scratch_path(s, "a"));
    assert_int_equal(symlink("b", a), 0);
    assert_int_equal(symlink("a", scratch_path(s, "b")), 0);
    assert_int_equal(imp_file_check_output(scratch_path(s, "a"), 0, &err), IMP_ERR_IO);
    assert_non_null(strstr(err.text, "a'"));
}

static void test_permissions_are_kept(void **state) {
    scratch *s = *state;
    write_text(s, "file", "old");
    assert_int_equal(chmod(scratch_path(s, "file"), 0640), 0);
    write_text(s, "file", "new");
    assert_int_equal(mode_of(s, "file"), 0640);
    if (geteuid() != 0)
        return;
    struct stat about;
    assert_int_equal(chown(scratch_path(s, "file"), 1234, 4321), 0);
    write_text(s, "file", "newer");
    assert_int_equal(stat(scratch_path(s, "file"), &about), 0);
    assert_int_equal(about.st_uid, 1234);
    assert_int_equal(about.st_gid, 4321);
    assert_int_equal(mode_of(s, "file"), 0640);
}

static imp_status fill_word(FILE *file, const void *user, imp_error *err) {
    (void)err;
    return fputs(user, file) >= 0 ? IMP_OK : IMP_ERR_IO;
}

static void test_private(void **state) {
    scratch *s = *state;
    const mode_t mask = umask(0);
    imp_error err = {0};
    imp_file_replace_private(scratch_path(s, "state"), fill_word, "one", &err);
    assert_int_equal(mode_of(s, "state"), 0600);
    assert_int_equal(chmod(scratch_path(s, "state"), 0666), 0);
    imp_file_replace_private(scratch_path(s, "state"), fill_word, "two", &err);
    assert_string_equal(err.text, "");
    assert_int_equal(mode_of(s, "state"), 0600);
    umask(mask);
}

/* ---- What cannot be -------------------------------------------------------------------------- */

static void assert_refused(const char *path, const char *says) {
    imp_error err = {0};
    assert_int_not_equal(imp_file_check_output(path, 0, &err), IMP_OK);
    if (!strstr(err.text, says))
        fail_msg("'%s' does not say '%s'", err.text, says);
}

static void test_names_that_cannot_be(void **state) {
    scratch *s = *state;
    char path[512];
    const size_t n = (size_t)snprintf(path, sizeof path, "%s/", s->folder);
    memset(path + n, 'n', 256);
    path[n + 255] = '\0';
    assert_int_equal(imp_file_check_output(path, 0, NULL), IMP_OK);
    path[n + 255] = 'n';
    path[n + 256] = '\0';
    assert_refused(path, "the name is too long, with 256 bytes");
    assert_refused(scratch_path(s, "no/such"), "there is no folder");
    assert_refused(s->folder, "it is a folder");
}

/* Where only the owner of a file may replace it, that is said before the file is made. */
static void test_files_of_others(void **state) {
    scratch *s = *state;
    if (geteuid() != 0)
        skip();
    char path[IMP_PATH_MAX];
    write_text(s, "theirs", "old");
    snprintf(path, sizeof path, "%s", scratch_path(s, "theirs"));
    assert_int_equal(chmod(s->folder, 01777), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        imp_error err = {0};
        const bool other = setgid(1234) == 0 && setuid(1234) == 0;
        const imp_status status = imp_file_check_output(path, 0, &err);
        _exit(other && status == IMP_ERR_IO && strstr(err.text, "another user") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* ---- Killed on the way ----------------------------------------------------------------------- */

static imp_status fill_and_die(FILE *file, const void *user, imp_error *err) {
    (void)user;
    (void)err;
    fputs("half of it", file);
    fflush(file);
    raise(SIGKILL);
    return IMP_OK;
}

static void test_killed(void **state) {
    scratch *s = *state;
    imp_draft d;
    write_text(s, "file", "old");
    assert_int_equal(imp_file_begin(&d, scratch_path(s, "file"), NULL), IMP_OK);
    const bool named = d.named;
    assert_int_equal(imp_file_end(&d, scratch_path(s, "file"), false, NULL), IMP_OK);
    const pid_t pid = fork();
    if (pid == 0) {
        imp_file_replace(scratch_path(s, "file"), fill_and_die, NULL, NULL);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_holds(s, "file", "old");
    if (named)
        print_message("this file system has no files without names\n");
    else
        assert_int_equal(scratch_count(s), 1);
}

/* A draft that a library opens by its name. */
static void test_opened_by_name(void **state) {
    scratch *s = *state;
    imp_draft d;
    imp_error err = {0};
    assert_int_equal(imp_file_begin(&d, scratch_path(s, "film"), &err), IMP_OK);
    FILE *file = fopen(d.name, "wb");
    assert_non_null(file);
    fputs("frames", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(access(scratch_path(s, "film"), F_OK), -1);
    assert_int_equal(imp_file_end(&d, scratch_path(s, "film"), true, &err), IMP_OK);
    assert_holds(s, "film", "frames");
    assert_int_equal(scratch_count(s), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_link_is_followed, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_links_in_a_circle, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_permissions_are_kept, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_private, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_names_that_cannot_be, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_files_of_others, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_killed, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_opened_by_name, scratch_open, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
