/* SPDX-License-Identifier: MIT
 *
 * Reading HDF5 in a child process. Damaged files make the HDF5 library crash, hang or take all
 * memory; the child has limits on time and memory, and the parent says what became of it.
 *
 * The child writes a reply and the list of tensors. Then, for each index of a tensor that it reads,
 * it writes a reply and the tensor's numbers. It ends when the parent closes the connection.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weights/foreign.h"

enum { STALL_SECONDS = 60, PROCESSOR_SECONDS = 120 };

typedef struct reply {
    imp_status status;
    char text[sizeof((imp_error *)0)->text]; /* the message after an error */
    uint64_t count;                          /* tensors that follow, or numbers */
} reply;

typedef struct inside {
    pid_t child;
    int socket;
} inside;

/* ---- Both sides ------------------------------------------------------------------------------ */

/* False: the other side is gone. A write to it must not raise a signal. */
static bool send_all(int socket, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        const ssize_t n = send(socket, at, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* False: the other side is gone or, with a limit, has sent nothing for that long; *late tells. */
static bool receive_all(int socket, void *bytes, size_t size, int seconds, bool *late) {
    char *at = bytes;
    *late = false;
    while (size > 0) {
        struct pollfd wait = {.fd = socket, .events = POLLIN};
        const int ready = poll(&wait, 1, seconds > 0 ? seconds * 1000 : -1);
        *late = ready == 0;
        const ssize_t n = ready > 0 ? recv(socket, at, size, 0) : -1;
        if (n < 0 && errno == EINTR && !*late)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* ---- The child ------------------------------------------------------------------------------- */

static void limit(int resource, rlim_t most) {
    struct rlimit now;
    if (getrlimit(resource, &now) != 0)
        return;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most)
        most = now.rlim_max;
    setrlimit(resource, &(struct rlimit){most, now.rlim_max});
}

/* Four times the file and some more, beyond what the process holds. Without /proc there is no limit
 * on memory; sanitizers need more than any. */
static void set_limits(uint64_t size) {
    unsigned long long data = 0;
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, PROCESSOR_SECONDS);
#ifndef __SANITIZE_ADDRESS__
    FILE *const file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%*u %*u %*u %*u %*u %llu", &data) == 1)
        limit(RLIMIT_DATA, (rlim_t)(data * (unsigned long long)sysconf(_SC_PAGESIZE) +
                                    ((unsigned long long)1 << 30) + 4 * size));
    if (file)
        fclose(file);
#else
    (void)size, (void)data;
#endif
    signal(SIGINT, SIG_IGN); /* the parent decides */
}

static bool answer(int socket, imp_status status, const imp_error *err, uint64_t count) {
    reply r = {.status = status, .count = count};
    memcpy(r.text, err->text, sizeof r.text);
    return send_all(socket, &r, sizeof r);
}

/* Sends the numbers of a tensor in the file's order. */
static bool serve(int socket, const imp_foreign *file, uint64_t index) {
    imp_error err = {0};
    if (index >= file->count)
        return false;
    const imp_foreign_tensor *const t = &file->tensors[index];
    float *const numbers = malloc((t->count + 1) * sizeof *numbers);
    imp_status status = IMP_OK;
    if (!numbers)
        status =
            imp_foreign_fail(file, &err, IMP_ERR_MEMORY, "out of memory: close other programs");
    if (status == IMP_OK)
        status = file->load(file, t, numbers, &err);
    bool good = answer(socket, status, &err, t->count);
    if (status == IMP_OK)
        good = good && send_all(socket, numbers, t->count * sizeof *numbers);
    free(numbers);
    return good;
}

/* Does not return. */
static void run_child(int socket, imp_foreign *file, const char *name) {
    imp_error err = {0};
    uint64_t index;
    bool late;
    set_limits(file->size);
    const imp_status status = imp_foreign_hdf5_direct(file, name, &err);
    bool good = answer(socket, status, &err, file->count) && status == IMP_OK &&
                send_all(socket, file->tensors, file->count * sizeof *file->tensors);
    while (good && receive_all(socket, &index, sizeof index, 0, &late))
        good = serve(socket, file, index);
    _exit(0);
}

/* ---- The parent ------------------------------------------------------------------------------ */

static void close_inside(imp_foreign *file) {
    inside *const in = file->inside;
    shutdown(in->socket, SHUT_RDWR); /* another child may hold a copy */
    close(in->socket);
    while (in->child > 0 && waitpid(in->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    free(in);
}

/* The child is gone, or does not answer. */
static imp_status fail_child(const imp_foreign *file, bool late, imp_error *err) {
    inside *const in = file->inside;
    int how = 0;
    if (in->child > 0) {
        kill(in->child, SIGKILL);
        while (waitpid(in->child, &how, 0) < 0 && errno == EINTR)
            continue;
        in->child = 0;
    }
    if (late || (WIFSIGNALED(how) && WTERMSIG(how) == SIGXCPU))
        return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                                "it is an HDF5 file, but reading it does not end, so it is "
                                "damaged" IMP_FETCH_AGAIN);
    return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                            "it is an HDF5 file, but so damaged that the HDF5 library "
                            "crashes" IMP_FETCH_AGAIN);
}

/* Reads a reply and checks that it announces `wanted` things; SIZE_MAX: any number. */
static imp_status take_reply(const imp_foreign *file, reply *r, size_t wanted, imp_error *err) {
    const inside *const in = file->inside;
    bool late = false;
    if (!receive_all(in->socket, r, sizeof *r, STALL_SECONDS, &late))
        return fail_child(file, late, err);
    r->text[sizeof r->text - 1] = '\0';
    if (r->status != IMP_OK)
        return imp_fail(err, r->status, "%s", r->text);
    return wanted == SIZE_MAX || r->count == wanted ? IMP_OK : fail_child(file, false, err);
}

static imp_status load(const imp_foreign *file, const imp_foreign_tensor *t, float *out,
                       imp_error *err) {
    const inside *const in = file->inside;
    const uint64_t index = t->part;
    reply r = {0};
    bool late = false;
    if (in->child == 0 || !send_all(in->socket, &index, sizeof index))
        return fail_child(file, false, err);
    TRY(take_reply(file, &r, t->count, err));
    return receive_all(in->socket, out, t->count * sizeof *out, STALL_SECONDS, &late)
               ? IMP_OK
               : fail_child(file, late, err);
}

/* Takes the list of tensors; their `part` becomes their index. */
static imp_status take_list(imp_foreign *file, imp_error *err) {
    const inside *const in = file->inside;
    reply r = {0};
    bool late = false;
    TRY(take_reply(file, &r, SIZE_MAX, err));
    if (r.count > IMP_FOREIGN_TENSORS)
        return fail_child(file, false, err);
    file->tensors = calloc((size_t)r.count + 1, sizeof *file->tensors);
    if (!file->tensors)
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    file->room = (size_t)r.count + 1;
    if (!receive_all(in->socket, file->tensors, (size_t)r.count * sizeof *file->tensors,
                     STALL_SECONDS, &late))
        return fail_child(file, late, err);
    file->count = (size_t)r.count;
    for (size_t i = 0; i < file->count; i++) {
        file->tensors[i].name[IMP_FOREIGN_NAME - 1] = '\0';
        file->tensors[i].part = i;
    }
    return IMP_OK;
}

imp_status imp_foreign_hdf5_named(imp_foreign *file, const char *name, imp_error *err) {
    int ends[2];
    inside *const in = calloc(1, sizeof *in);
    file->format = "Keras HDF5";
    file->input = IMP_INPUT_CAFFE;
    file->load = load;
    if (!in || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        free(in);
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    }
    *in = (inside){.child = fork(), .socket = ends[0]};
    if (in->child == 0) {
        close(ends[0]);
        run_child(ends[1], file, name);
    }
    close(ends[1]);
    file->inside = in;
    file->close = close_inside;
    if (in->child < 0) {
        in->child = 0;
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY,
                                "no process can be made to read it: close other programs");
    }
    return take_list(file, err);
}

imp_status imp_foreign_hdf5(imp_foreign *file, imp_error *err) {
    return imp_foreign_hdf5_named(file, file->path, err);
}
