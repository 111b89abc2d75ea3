/* SPDX-License-Identifier: MIT
 *
 * A session's state on disk, complete enough that the resumed run gives the same bits as one that
 * never stopped. Targets are not stored but computed again. Numbers are in this machine's format,
 * which `magic` tells. The file:
 *
 *     checkpoint_head; the caller's text; the chosen algorithms (algorithms.c);
 *     of L-BFGS the products of its history (doubles);
 *     tensors of 3 x h x w floats, those in use: the variable, the one before the last step, the
 *     best, the average, the reference of convergence, Adam's moments, the picture that targets
 * were matched for, the history's vectors; the SHA-256 of all this, as 64 digits
 *
 * The checkpoint that it replaces stays beside it, with ".before" after its name.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/profile.h"
#include "base/cache.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "device/trust.h"
#include "engine/algorithms.h"
#include "engine/session.h"

enum { TEXT_MAX = 1 << 20, SUM = 64 };
static const uint64_t magic = 0x0A357470636D69; /* "imcpt5\n" */

typedef struct checkpoint_head {
    uint64_t magic, text_bytes;
    char version[32], network[72], inputs[72]; /* what it may be restored with */
    char device[72];                           /* the algorithms were chosen for */
    uint64_t scale, scale_done, iteration, total, h, w, steps, setbacks, convergence_steps,
        converged;
    uint64_t precision;
    uint64_t algorithm_choices;
    uint64_t places, pairs, next, filled; /* of the history */
    double gamma, shrink, average, seconds;
    double first, least; /* losses */
    uint64_t best_is_before, returned;
} checkpoint_head;

/* ---- Contents -------------------------------------------------------------------------------- */

/* Adds bytes to a running digest. */
static imp_status hash_more(char hex[65], const void *bytes, size_t size, imp_error *err) {
    char both[2 * 65] = {0};
    memcpy(both, hex, 65);
    return (size == 0 || imp_bytes_sha256(both + 65, bytes, size)) &&
                   imp_bytes_sha256(hex, both, sizeof both)
               ? IMP_OK
               : imp_fail(err, IMP_ERR_MEMORY, "checkpoint: out of memory");
}

static imp_status hash_picture(char hex[65], const imp_picture *p, imp_error *err) {
    return hash_more(hex, p->rgb, p->rgb ? 3 * p->width * p->height * sizeof *p->rgb : 0, err);
}

static imp_status hash_regions(char hex[65], const imp_regions *g, imp_error *err) {
    TRY(hash_more(hex, g->colours, g->count * sizeof *g->colours, err));
    TRY(hash_more(hex, g->region, g->region ? g->width * g->height : 0, err));
    return hash_more(hex, g->held, g->held ? g->width * g->height * sizeof *g->held : 0, err);
}

/* The digest of the pictures and sizes that the session works from. */
static imp_status hash_inputs(const imp_session *s, char hex[72], imp_error *err) {
    TRY(hash_picture(hex, &s->content, err));
    TRY(hash_picture(hex, &s->init, err));
    TRY(hash_regions(hex, &s->regions, err));
    for (size_t i = 0; i < s->style_count; i++) {
        TRY(hash_picture(hex, &s->styles[i].picture, err));
        TRY(hash_regions(hex, &s->styles[i].regions, err));
        TRY(hash_more(hex, &s->styles[i].weight, sizeof s->styles[i].weight, err));
    }
    for (size_t i = 0; i < s->scale_count; i++) {
        const imp_scale *k = &s->scales[i];
        const size_t sizes[] = {k->picture.width, k->picture.height, k->iterations};
        TRY(hash_more(hex, sizes, sizeof sizes, err));
    }
    return IMP_OK;
}

static imp_status make_head(checkpoint_head *head, const imp_session *s, imp_error *err) {
    const imp_optimizer_state *t = &s->optimizer;
    const imp_history *h = &t->history;
    imp_network_info info;
    char device[1024];
    imp_network_describe(s->network, &info);
    *head = (checkpoint_head){.magic = magic,
                              .precision = s->device->options.precision,
                              .algorithm_choices = s->device->algorithm_choice_count,
                              .scale = s->scale,
                              .scale_done = s->scale_done,
                              .iteration = s->iteration,
                              .total = s->total,
                              .h = s->objective.x[0].h,
                              .w = s->objective.x[0].w,
                              .steps = t->steps,
                              .setbacks = t->setbacks,
                              .convergence_steps = s->convergence.steps,
                              .converged = s->converged,
                              .places = h->places,
                              .pairs = h->pairs,
                              .next = h->next,
                              .filled = h->filled,
                              .gamma = h->gamma,
                              .shrink = t->shrink,
                              .average = s->average.weight,
                              .seconds = imp_now() - s->opened,
                              .first = t->first,
                              .least = t->least,
                              .best_is_before = t->best_is_before,
                              .returned = s->returned};
    snprintf(head->version, sizeof head->version, "%s", imp_version());
    snprintf(head->network, sizeof head->network, "%s", info.sha256);
    imp_trust_key(device, sizeof device, &s->device->info, s->device->options.threads);
    TRY(hash_more(head->device, device, strlen(device), err));
    return hash_inputs(s, head->inputs, err);
}

/* The i-th tensor of the state; false beyond the last. The vectors of the last step are in the next
 * place, which does not count as filled before the next evaluation. */
static bool tensor_at(const imp_session *s, size_t i, imp_tensor *tensor) {
    const imp_optimizer_state *t = &s->optimizer;
    const imp_history *h = &t->history;
    const imp_tensor first[] = {s->objective.x[0],        t->before, t->best, s->average.sum,
                                s->convergence.reference, t->m,      t->v,    s->objective.matched};
    const size_t places = h->places == 0 ? 0 : h->filled > h->next ? h->filled : h->next + 1;
    for (size_t k = 0; k < sizeof first / sizeof *first; k++) {
        *tensor = first[k];
        if (tensor->c > 0 && i-- == 0)
            return true;
    }
    if (i >= 2 * places)
        return false;
    *tensor = t->vectors[i];
    return true;
}

bool imp_checkpoint_is(const char *path) {
    static const uint64_t version = (uint64_t)0xff << 40; /* the digit in `magic` */
    uint64_t first = 0;
    int fd;
    size_t size;
    if (imp_file_open(&fd, &size, "checkpoint", path, NULL) != IMP_OK)
        return false;
    const size_t got = imp_file_take(fd, (unsigned char *)&first, sizeof first);
    close(fd);
    return got == sizeof first && ((first ^ magic) & ~version) == 0;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static imp_status write_tensors(imp_session *s, FILE *file, imp_error *err) {
    const imp_tensor x = s->objective.x[0];
    const size_t count = x.c * x.h * x.w;
    imp_tensor t;
    float *values = malloc(count * sizeof *values);
    imp_status status = values ? IMP_OK : imp_fail(err, IMP_ERR_MEMORY, "checkpoint: no memory");
    for (size_t i = 0; status == IMP_OK && tensor_at(s, i, &t); i++) {
        if (s->device->ops->read(s->device, values, t) != IMP_OK)
            status = imp_fail_device(err, s->device);
        else if (fwrite(values, sizeof *values, count, file) != count)
            status = IMP_ERR_IO;
    }
    free(values);
    return status;
}

static imp_status write_all(imp_session *s, const char *text, FILE *file, imp_error *err) {
    const imp_history *h = &s->optimizer.history;
    const size_t products = 2 * (size_t)h->places * h->places;
    checkpoint_head head;
    TRY(make_head(&head, s, err));
    head.text_bytes = strlen(text);
    const bool written =
        fwrite(&head, sizeof head, 1, file) == 1 &&
        fwrite(text, 1, head.text_bytes, file) == head.text_bytes &&
        imp_algorithms_write(s->device, file) &&
        (products == 0 || fwrite(h->sy, sizeof *h->sy, products, file) == products);
    return written ? write_tensors(s, file, err) : IMP_ERR_IO;
}

typedef struct saving {
    imp_session *session;
    const char *text;
} saving;

static imp_status fill(FILE *file, const void *user, imp_error *err) {
    const saving *s = user;
    char sum[SUM + 1];
    TRY(write_all(s->session, s->text, file, err));
    if (fflush(file) != 0 || !imp_descriptor_sha256(sum, fileno(file), SIZE_MAX))
        return IMP_ERR_IO;
    return fwrite(sum, 1, SUM, file) == SUM ? IMP_OK : IMP_ERR_IO;
}

/* "PATH.before"; false: too long. */
static bool before_path(char before[IMP_PATH_MAX], const char *path) {
    return (size_t)snprintf(before, IMP_PATH_MAX, "%s.before", path) < IMP_PATH_MAX;
}

/* A file of that name that is no checkpoint stays. */
static void keep_before(const char *path) {
    char before[IMP_PATH_MAX];
    if (imp_checkpoint_is(path) && before_path(before, path) &&
        (access(before, F_OK) != 0 || imp_checkpoint_is(before)))
        imp_file_keep(path, before);
}

bool imp_checkpoint_remove(const char *path) {
    char before[IMP_PATH_MAX];
    if (before_path(before, path) && imp_checkpoint_is(before))
        unlink(before);
    return imp_checkpoint_is(path) && unlink(path) == 0;
}

imp_status imp_session_save(imp_session *s, const char *path, const char *text, imp_error *err) {
    if (strlen(text) > TEXT_MAX)
        return imp_fail(err, IMP_ERR_ARGUMENT, "checkpoint '%s': the text is too long", path);
    char whole[IMP_PATH_MAX];
    keep_before(imp_file_whole_path(whole, path) ? whole : path);
    return imp_file_replace_private(path, fill, &(saving){s, text}, err);
}

imp_status imp_session_keep(imp_session *s, FILE *file, imp_error *err) {
    rewind(file);
    const imp_status status = write_all(s, "", file, err);
    if (status != IMP_ERR_IO && fflush(file) == 0)
        return status;
    return imp_fail(err, IMP_ERR_IO, "cannot keep the session's state: %s", strerror(errno));
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Whether the file ends with the SHA-256 of all before. */
static bool is_whole(FILE *file) {
    char sum[SUM + 1] = "", wanted[SUM + 1];
    struct stat about;
    const int fd = fileno(file);
    return fstat(fd, &about) == 0 && about.st_size > SUM &&
           pread(fd, sum, SUM, about.st_size - SUM) == SUM &&
           imp_descriptor_sha256(wanted, fd, (size_t)about.st_size - SUM) &&
           strcmp(sum, wanted) == 0;
}

static bool is_whole_file(const char *path) {
    FILE *file = imp_checkpoint_is(path) ? fopen(path, "rb") : NULL;
    const bool whole = file && is_whole(file);
    if (file)
        fclose(file);
    return whole;
}

static imp_status fail_damaged(const char *path, imp_error *err) {
    char before[IMP_PATH_MAX];
    if (before_path(before, path) && is_whole_file(before))
        return imp_fail(err, IMP_ERR_FORMAT,
                        "checkpoint '%s': it is damaged: continue with the one before it, '%s'",
                        path, before);
    return imp_fail(err, IMP_ERR_FORMAT,
                    "checkpoint '%s': it is damaged, or no checkpoint of this machine: start again",
                    path);
}

static imp_status read_head(FILE *file, checkpoint_head *head, const char *path, imp_error *err) {
    const bool read = fread(head, sizeof *head, 1, file) == 1;
    if (head->magic != magic && imp_checkpoint_is(path))
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "checkpoint '%s': made by another version of the program, which has "
                        "another form of checkpoints: start again",
                        path);
    if (!read || head->magic != magic || head->text_bytes > TEXT_MAX ||
        head->algorithm_choices > IMP_ALGORITHM_CHOICES_MAX ||
        !memchr(head->version, 0, sizeof head->version) ||
        !memchr(head->network, 0, sizeof head->network) ||
        !memchr(head->inputs, 0, sizeof head->inputs) ||
        !memchr(head->device, 0, sizeof head->device))
        return fail_damaged(path, err);
    if (strcmp(head->version, imp_version()) != 0)
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "checkpoint '%s': made by version %s; this is %s, which cannot resume it",
                        path, head->version, imp_version());
    return IMP_OK;
}

static imp_status open_checkpoint(FILE **file, checkpoint_head *head, const char *path,
                                  imp_error *err) {
    *file = fopen(path, "rb");
    if (!*file)
        return imp_fail(err, IMP_ERR_IO, "cannot read checkpoint '%s': %s: check the path", path,
                        strerror(errno));
    TRY(read_head(*file, head, path, err));
    return is_whole(*file) ? IMP_OK : fail_damaged(path, err);
}

imp_status imp_checkpoint_text(char **text, const char *path, imp_error *err) {
    FILE *file;
    checkpoint_head head = {0};
    *text = NULL;
    imp_status status = open_checkpoint(&file, &head, path, err);
    if (status == IMP_OK && !(*text = calloc(head.text_bytes + 1, 1)))
        status = imp_fail(err, IMP_ERR_MEMORY, "checkpoint: out of memory");
    if (status == IMP_OK && fread(*text, 1, head.text_bytes, file) != head.text_bytes)
        status = fail_damaged(path, err);
    if (status != IMP_OK) {
        free(*text);
        *text = NULL;
    }
    if (file)
        fclose(file);
    return status;
}

/* Whether the state belongs to this session, and its numbers make sense. */
static imp_status check_head(const imp_session *s, const checkpoint_head *own,
                             const checkpoint_head *head, const char *path, imp_error *err) {
    if (strcmp(head->network, own->network) != 0)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "checkpoint '%s': made with another network: use that one", path);
    if (head->precision != own->precision)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "checkpoint '%s': made with another precision: use that one", path);
    if (strcmp(head->inputs, own->inputs) != 0 || head->total != own->total ||
        head->places != own->places)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "checkpoint '%s': made with other pictures or settings: use the same ones",
                        path);
    const bool sound = head->scale < s->scale_count && head->iteration <= head->total &&
                       head->scale_done <= s->scales[head->scale].iterations &&
                       head->h == s->scales[head->scale].picture.h &&
                       head->w == s->scales[head->scale].picture.w &&
                       head->steps <= head->iteration && head->pairs <= head->places &&
                       head->filled <= head->places &&
                       head->convergence_steps < IMP_CONVERGENCE_SPAN &&
                       (head->next < head->places || head->places == 0);
    return sound ? IMP_OK : fail_damaged(path, err);
}

static void take_head(imp_session *s, const checkpoint_head *head) {
    imp_optimizer_state *t = &s->optimizer;
    imp_history *h = &t->history;
    s->scale_done = s->scale_before = (unsigned)head->scale_done;
    s->scale_began = imp_now();
    s->iteration = (unsigned)head->iteration;
    s->opened = imp_now() - head->seconds;
    s->average.weight = head->average;
    t->steps = (unsigned)head->steps;
    t->setbacks = (unsigned)head->setbacks;
    s->convergence.steps = (unsigned)head->convergence_steps;
    s->converged = head->converged;
    t->shrink = head->shrink;
    t->first = head->first;
    t->least = head->least;
    t->best_is_before = head->best_is_before;
    s->returned = head->returned;
    h->pairs = (unsigned)head->pairs;
    h->next = (unsigned)head->next;
    h->filled = (unsigned)head->filled;
    h->gamma = head->gamma;
}

static imp_status read_tensors(imp_session *s, FILE *file, const char *path, imp_error *err) {
    const imp_tensor x = s->objective.x[0];
    const size_t count = x.c * x.h * x.w;
    imp_tensor t;
    float *values = malloc(count * sizeof *values);
    imp_status status = values ? IMP_OK : imp_fail(err, IMP_ERR_MEMORY, "checkpoint: no memory");
    for (size_t i = 0; status == IMP_OK && tensor_at(s, i, &t); i++) {
        if (fread(values, sizeof *values, count, file) != count)
            status = fail_damaged(path, err);
        else if (s->device->ops->write(s->device, t, values) != IMP_OK)
            status = imp_fail_device(err, s->device);
    }
    free(values);
    return status;
}

static imp_status restore(imp_session *s, const checkpoint_head *head, FILE *file, const char *path,
                          imp_error *err) {
    bool changed;
    checkpoint_head own;
    TRY(make_head(&own, s, err));
    TRY(check_head(s, &own, head, path, err));
    if (fseek(file, (long)head->text_bytes, SEEK_CUR) != 0 ||
        !imp_algorithms_read(s->device, head->algorithm_choices,
                             strcmp(head->device, own.device) == 0, file, &changed))
        return fail_damaged(path, err);
    if (s->scale != head->scale || changed)
        TRY(imp_session_enter(s, (unsigned)head->scale, &s->content, err));
    imp_history *h = &s->optimizer.history;
    const size_t products = 2 * (size_t)h->places * h->places;
    if (products > 0 && fread(h->sy, sizeof *h->sy, products, file) != products)
        return fail_damaged(path, err);
    take_head(s, head);
    TRY(read_tensors(s, file, path, err));
    if (imp_objective_match(&s->objective) != IMP_OK)
        return imp_fail_device(err, s->device);
    return s->converged || s->iteration >= s->total ? imp_optimizer_judge(&s->optimizer, err)
                                                    : IMP_OK;
}

imp_status imp_session_restore(imp_session *s, const char *path, imp_error *err) {
    FILE *file;
    checkpoint_head head = {0};
    imp_status status = open_checkpoint(&file, &head, path, err);
    if (status == IMP_OK)
        status = restore(s, &head, file, path, err);
    if (status == IMP_OK && (fseek(file, SUM, SEEK_CUR) != 0 || fgetc(file) != EOF))
        status = fail_damaged(path, err);
    if (file)
        fclose(file);
    return status;
}

imp_status imp_session_return(imp_session *s, FILE *file, imp_error *err) {
    static const char name[] = "the kept state";
    checkpoint_head head = {0};
    rewind(file);
    TRY(read_head(file, &head, name, err));
    return restore(s, &head, file, name, err);
}

/* ---- In the cache folder --------------------------------------------------------------------- */

bool imp_checkpoint_path(char *path, size_t size, const char *key) {
    char hex[65], name[64];
    if (!imp_bytes_sha256(hex, key, strlen(key)))
        return false;
    snprintf(name, sizeof name, "checkpoint-%.16s", hex);
    return imp_cache_path(path, size, name);
}

bool imp_checkpoint_newest(char *path, size_t size) {
    char folder[IMP_PATH_MAX], name[IMP_PATH_MAX + 300];
    struct stat about;
    time_t newest = 0;
    bool found = false;
    if (!imp_cache_path(folder, sizeof folder, ""))
        return false;
    DIR *all = opendir(folder);
    for (struct dirent *e; all && (e = readdir(all));) {
        const size_t length = strlen(e->d_name);
        if (strncmp(e->d_name, "checkpoint-", 11) != 0 || length != 11 + 16)
            continue;
        snprintf(name, sizeof name, "%s/%s", folder, e->d_name);
        if (stat(name, &about) != 0 || (found && about.st_mtime < newest))
            continue;
        newest = about.st_mtime;
        found = (size_t)snprintf(path, size, "%s", name) < size;
    }
    if (all)
        closedir(all);
    return found;
}
