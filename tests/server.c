/* SPDX-License-Identifier: MIT
 *
 * A web server for tests: see server.h. Each connection is one request, served by its own process.
 */
#include "server.h"

#include "server_tls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct request {
    connection *to;
    const server *server;
    char how[32], name[256];
    size_t n; /* of /cut/N, /stall/N, /status/N */
    char range[64], if_range[128];
    unsigned char *bytes;
    size_t size;
} request;

/* ---- Answers --------------------------------------------------------------------------------- */

static bool is(const request *r, const char *how) {
    return strcmp(r->how, how) == 0;
}

static void say(const request *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(const request *r, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    connection_write(r->to, text, (size_t)length);
}

static void wait_tenths(unsigned tenths) {
    const struct timespec pause = {.tv_sec = tenths / 10, .tv_nsec = tenths % 10 * 100000000};
    nanosleep(&pause, NULL);
}

static void answer_redirect(const request *r) {
    say(r, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\nLocation: ");
    if (is(r, "ftp"))
        say(r, "ftp://127.0.0.1/%s\r\n\r\n", r->name);
    else if (is(r, "plain"))
        say(r, "http://127.0.0.1:%u/file/%s\r\n\r\n", r->server->port, r->name);
    else
        say(r, "/%s/%s\r\n\r\n", is(r, "moved") ? "file" : "loop", r->name);
}

static void answer_for_ever(const request *r) {
    static const char block[4096];
    say(r, "HTTP/1.1 200 OK\r\nConnection: close\r\n");
    if (is(r, "huge"))
        say(r, "Content-Length: %llu\r\n", 1ULL << 50);
    say(r, "\r\n");
    while (connection_write(r->to, block, sizeof block))
        ;
}

/* Sends the body from byte `from` on. */
static void send_body(const request *r, size_t from) {
    size_t end = r->size;
    if ((is(r, "cut") || is(r, "stall")) && r->n < end - from)
        end = from + r->n;
    const size_t step = is(r, "drip") ? 1 : 1 << 14;
    for (size_t i = from; i < end; i += step) {
        if (!connection_write(r->to, r->bytes + i, i + step < end ? step : end - i))
            return;
        if (is(r, "drip"))
            wait_tenths(1);
    }
    if (is(r, "stall") && end < r->size)
        wait_tenths(600);
}

static void answer_file(const request *r) {
    const char *const weak = is(r, "weak") ? "W/" : "";
    char tag[64];
    snprintf(tag, sizeof tag, "\"%zu-%d\"", r->size, is(r, "new") ? (int)getpid() : 0);
    size_t from = 0;
    const bool same = strcmp(r->if_range, "-") == 0 || strcmp(r->if_range, tag) == 0;
    if (!is(r, "rangeless") && same && sscanf(r->range, "bytes=%zu-", &from) == 1) {
        if (from >= r->size) {
            say(r, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        from -= is(r, "shifted") && from > 0;
        say(r, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %zu-%zu/%zu\r\n", from,
            r->size - 1, r->size);
    } else {
        from = 0;
        say(r, "HTTP/1.1 200 OK\r\n");
    }
    if (!is(r, "unlengthed"))
        say(r, "Content-Length: %zu\r\n", r->size - from);
    if (!is(r, "undated"))
        say(r, "ETag: %s%s\r\n", weak, tag);
    say(r, "Connection: close\r\n\r\n");
    send_body(r, from);
}

static bool load(request *r) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", r->server->folder, r->name);
    FILE *const file = fopen(path, "rb");
    if (!file)
        return false;
    fseek(file, 0, SEEK_END);
    r->size = is(r, "empty") ? 0 : (size_t)ftell(file);
    rewind(file);
    r->bytes = malloc(r->size + 1);
    const bool whole = r->bytes && fread(r->bytes, 1, r->size, file) == r->size;
    fclose(file);
    if (whole && is(r, "wrong"))
        r->bytes[r->size / 2] ^= 0xff;
    return whole;
}

static void answer(request *r) {
    if (is(r, "endless") || is(r, "huge"))
        answer_for_ever(r);
    else if (is(r, "moved") || is(r, "loop") || is(r, "ftp") || is(r, "plain"))
        answer_redirect(r);
    else if (is(r, "status") || !load(r))
        say(r, "HTTP/1.1 %zu No\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n",
            is(r, "status") ? r->n : 404);
    else
        answer_file(r);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void find_field(char *out, size_t size, const char *head, const char *name) {
    snprintf(out, size, "-");
    for (const char *line = head; (line = strstr(line, "\r\n")); line += 2)
        if (strncasecmp(line + 2, name, strlen(name)) == 0)
            snprintf(out, size, "%.*s", (int)strcspn(line + 2 + strlen(name), "\r"),
                     line + 2 + strlen(name));
}

static void keep(const request *r, const char *path) {
    char place[128], line[768];
    snprintf(place, sizeof place, "%s/requests", r->server->folder);
    const int length = snprintf(line, sizeof line, "%s %s %s\n", path, r->range, r->if_range);
    const int fd = open(place, O_WRONLY | O_APPEND | O_CREAT, 0666);
    if (fd < 0 || write(fd, line, (size_t)length) != length)
        _exit(1);
    close(fd);
}

static void serve(const server *v, connection *c) {
    char head[8192] = "", path[300] = "";
    size_t got = 0;
    while (!strstr(head, "\r\n\r\n") && got + 1 < sizeof head) {
        const size_t n = connection_read(c, head + got, sizeof head - got - 1);
        if (n == 0)
            return;
        got += n;
        head[got] = 0;
    }
    request r = {.to = c, .server = v};
    if (sscanf(head, "GET %299s", path) != 1)
        return;
    if (sscanf(path, "/%31[^/]/%zu/%255s", r.how, &r.n, r.name) != 3)
        sscanf(path, "/%31[^/]/%255s", r.how, r.name);
    find_field(r.range, sizeof r.range, head, "Range: ");
    find_field(r.if_range, sizeof r.if_range, head, "If-Range: ");
    keep(&r, path);
    answer(&r);
    free(r.bytes);
}

static int listen_at(unsigned *port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* Ends, with all processes that it has started, when the other end of the lifeline closes. */
static void serve_all(const server *v, int plain, int secure, int lifeline, const identity *me) {
    struct pollfd at[3] = {{.fd = plain, .events = POLLIN},
                           {.fd = secure, .events = POLLIN},
                           {.fd = lifeline, .events = POLLIN}};
    for (;;) {
        if (poll(at, 3, -1) < 1 || at[2].revents)
            kill(0, SIGKILL);
        for (int i = 0; i < 2; i++) {
            if (!(at[i].revents & POLLIN))
                continue;
            const int fd = accept(at[i].fd, NULL, NULL);
            if (fork() == 0) {
                connection c = {.fd = fd};
                if (i == 0 || connection_secure(&c, me))
                    serve(v, &c);
                connection_close(&c);
                _exit(0);
            }
            close(fd);
        }
    }
}

server server_start(const scratch *s) {
    server v = {0};
    snprintf(v.folder, sizeof v.folder, "%s", s->folder);
    const int plain = listen_at(&v.port), secure = listen_at(&v.secure_port);
    int lifeline[2];
    char path[128];
    assert_int_equal(pipe(lifeline), 0);
    fcntl(lifeline[1], F_SETFD, FD_CLOEXEC);
    snprintf(path, sizeof path, "%s/certificate.pem", s->folder);
    identity *const me = identity_make(path);
    fflush(NULL);
    v.pid = fork();
    assert_true(v.pid >= 0);
    if (v.pid == 0) {
        setpgid(0, 0);
        close(lifeline[1]);
        signal(SIGCHLD, SIG_IGN);
        signal(SIGPIPE, SIG_IGN);
        serve_all(&v, plain, secure, lifeline[0], me);
    }
    setpgid(v.pid, v.pid);
    identity_free(me);
    v.lifeline = lifeline[1];
    close(lifeline[0]);
    close(plain);
    close(secure);
    return v;
}

void server_stop(server *v) {
    kill(-v->pid, SIGKILL);
    close(v->lifeline);
    waitpid(v->pid, NULL, 0);
    *v = (server){0};
}

const char *server_address(char out[256], const server *v, bool secure, const char *path) {
    snprintf(out, 256, "http%s://127.0.0.1:%u%s", secure ? "s" : "",
             secure ? v->secure_port : v->port, path);
    return out;
}
