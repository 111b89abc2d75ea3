/* SPDX-License-Identifier: MIT
 *
 * Impasto: neural style transfer on any OpenCL device, or on the processor alone. The shortest
 * program, which paints argv[1] in the style of argv[2] into argv[3]:
 */
/* clang-format off */
/*
 *     #include <impasto.h>
 *
 *     int main(int argc, char **argv) {
 *         imp_error e = {0};
 *         imp_device *d = NULL;
 *         imp_network *n = NULL;
 *         imp_session *s = NULL;
 *         imp_picture content = {0}, style = {0}, out = {0};
 *         imp_sources from = {.content = &content, .styles = {{&style, 1}}};
 *         imp_settings set;
 *         imp_settings_init(&set, sizeof set), set.size = 64, set.iterations = 5;
 *         if (argc != 4 || imp_picture_read(&content, argv[1], NULL, &e) ||
 *             imp_picture_read(&style, argv[2], NULL, &e) ||
 *             imp_device_open(&d, "auto", NULL, &e) || imp_network_open(&n, "builtin", &e) ||
 *             imp_session_open(&s, d, n, &set, &from, &e) ||
 *             imp_session_run(s, NULL, NULL, &e) || imp_session_picture(s, &out, &e) ||
 *             imp_picture_write(&out, argv[3], NULL, &e))
 *             fprintf(stderr, "%s\n", argc != 4 ? "usage: CONTENT STYLE OUT" : e.text);
 *         imp_picture_finish(&content), imp_picture_finish(&style), imp_picture_finish(&out);
 *         imp_session_close(s), imp_network_close(n), imp_device_close(d);
 *         return argc != 4 || e.status != IMP_OK;
 *     }
 */
/* clang-format on */
/*
 * Conventions.
 * - Errors: every function that can fail returns imp_status and takes an imp_error, which may be
 *   NULL. The first error written to it stays until the caller zeroes it. Arguments and fields that
 *   make no sense (NaN, unknown enum values, NULL, sizes out of range) give IMP_ERR_ARGUMENT. A
 *   callback that asks to stop gives IMP_ERR_STOPPED; what was done until then stays.
 * - Ownership: what an *_open or a reading function gives belongs to the caller, who releases it
 *   with *_close or *_finish; these accept NULL and zeroed objects. "Borrowed until X": the caller
 *   keeps it valid until X. An out parameter is zeroed or NULL after an error.
 * - Threads: a network is read-only, and sessions in any threads may share it. A device, its
 *   sessions and an imp_reuse on it belong to one thread at a time. Settings, pictures and films
 *   belong to whoever holds them. Functions without such an object may be called from any thread.
 * - The library never prints, exits or aborts, whatever the input.
 */
#ifndef IMPASTO_H
#define IMPASTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define IMP_API __attribute__((visibility("default")))
#else
#define IMP_API
#endif

/* ---- Errors ---------------------------------------------------------------------------------- */

typedef struct imp_device imp_device;
typedef struct imp_network imp_network;
typedef struct imp_session imp_session;
typedef struct imp_reuse imp_reuse;

typedef enum imp_status {
    IMP_OK = 0,
    IMP_ERR_ARGUMENT = -1,    /* an argument or a setting makes no sense */
    IMP_ERR_MEMORY = -2,      /* host or device memory ran out, or would */
    IMP_ERR_IO = -3,          /* a file could not be read or written */
    IMP_ERR_FORMAT = -4,      /* a file is not what it should be */
    IMP_ERR_DEVICE = -5,      /* a device or its driver failed */
    IMP_ERR_UNSUPPORTED = -6, /* well-formed, but this library cannot do it */
    IMP_ERR_NUMBER = -7,      /* the computation became NaN or infinite and did not recover */
    IMP_ERR_STOPPED = -8      /* a callback asked to stop */
} imp_status;

typedef struct imp_error {
    imp_status status;
    char text[512]; /* one line without a newline: what, where, what to do */
} imp_error;

/* The library's version as "major.minor.patch". Static. */
IMP_API const char *imp_version(void);

/* The revision of this header that the library was built with. If it differs from the
 * IMP_API_VERSION that a program was compiled with, structs other than imp_settings may have
 * another layout. The shared library's SONAME has the same number, so linked programs never meet
 * another; programs that load the library themselves should compare. */
enum { IMP_API_VERSION = 1 };
IMP_API int imp_api_version(void);

/* The most memory that this process has held, in MiB; 0: unknown. forget: start again from now, on
 * systems that can (Linux). */
IMP_API double imp_peak_mib(bool forget);

/* How much a log line matters. 0 is the usual limit of what is logged. */
typedef enum imp_log_level {
    IMP_LOG_ERROR = -2,   /* something failed, and the call fails */
    IMP_LOG_WARNING = -1, /* something was not as asked for: a fallback, a damaged profile */
    IMP_LOG_INFO = 0,     /* something took a while, once */
    IMP_LOG_DEBUG = 1     /* what was chosen, and why */
} imp_log_level;

/* Takes one line of text without a newline; `line` is borrowed for the call. */
typedef void (*imp_log)(void *user, imp_log_level level, const char *line);

/* ---- Pictures -------------------------------------------------------------------------------- */

/* What a camera wrote about a picture, as in EXIF; "" where unknown. */
typedef struct imp_origin {
    char make[64], model[64];
    char date[20]; /* when it was taken, "2024:05:31 18:20:07" */
} imp_origin;

/* sRGB-encoded colours in [0,1], interleaved R,G,B, rows from the top: rgb[3 * (y * width + x)]. */
typedef struct imp_picture {
    size_t width, height;
    float *rgb;        /* owned: malloc */
    float *opacity;    /* owned: width * height numbers in [0,1]; NULL: opaque everywhere */
    bool alpha;        /* it had transparent parts */
    imp_origin origin; /* is written with the picture */
    char sha256[65];   /* of the file that it was read from; else "" */
    size_t full_width, full_height; /* of the file, where it was read smaller; else 0 */
} imp_picture;

/* Zeroed, or NULL in its place: the defaults. */
typedef struct imp_read_options {
    size_t max_pixels;       /* larger pictures are refused before decoding; 0: 2^28 */
    bool keep_alpha;         /* transparency goes to `opacity`; else it shows the background */
    const float *background; /* R,G,B in [0,1], borrowed; NULL: white */
    imp_log log;             /* told what was ignored: further frames, a damaged profile; or NULL */
    void *user;
    /* The longer side that is needed: a picture of more than 2^24 pixels that is at least four
     * times as large is read at a fraction of its size, which takes less memory, but at least twice
     * as large as this. 0: all of it. */
    size_t needed;
} imp_read_options;

/* Zeroed, or NULL in its place: the defaults. */
typedef struct imp_write_options {
    int quality;      /* 1..100, for JPEG and WebP (100: lossless WebP); 0: 95 */
    unsigned depth;   /* bits per colour: 8, or 16 in PNG and TIFF; 0: 8 */
    bool opacity;     /* write the picture's opacity, too; not in JPEG */
    const char *text; /* stored in the file: UTF-8, or NULL; borrowed */
} imp_write_options;

/* Reads a picture, recognised by its content, from a file, an http or https address or, for the
 * path
 * "-", standard input: PNG, JPEG, WebP, TIFF, BMP, TGA, PBM, PGM, PPM or PAM and, where their
 * libraries are there, HEIF, AVIF, GIF, JPEG XL, JPEG 2000 and OpenEXR. The result is sRGB,
 * converted by the file's colour profile, and upright by its EXIF orientation. Of an animation or a
 * file with several pictures the first one is read. Release *out with imp_picture_finish; it is
 * zeroed after an error. Errors: IMP_ERR_IO, IMP_ERR_FORMAT (not a picture, or damaged),
 * IMP_ERR_UNSUPPORTED, IMP_ERR_MEMORY (also: more than max_pixels), IMP_ERR_ARGUMENT (NULL, not a
 * valid address). */
IMP_API imp_status imp_picture_read(imp_picture *out, const char *path,
                                    const imp_read_options *options, imp_error *err);

/* Writes a PNG, JPEG, WebP or TIFF, chosen by the extension; to the path "-", a PNG to standard
 * output. The file states that its colours are sRGB. path is always the whole old file or the whole
 * new one. Errors: IMP_ERR_ARGUMENT (NULL, an empty picture, an unknown extension, what the format
 * cannot hold), IMP_ERR_IO, IMP_ERR_MEMORY. */
IMP_API imp_status imp_picture_write(const imp_picture *picture, const char *path,
                                     const imp_write_options *options, imp_error *err);

/* The text that imp_picture_write stored in a file; release *text with imp_free. It is NULL where
 * there is none and after an error. Errors: as imp_picture_read. */
IMP_API imp_status imp_picture_text(char **text, const char *path, imp_error *err);

/* The formats in which pictures are written. */
typedef enum imp_format {
    IMP_FORMAT_PNG,
    IMP_FORMAT_JPEG,
    IMP_FORMAT_WEBP,
    IMP_FORMAT_TIFF
} imp_format;

/* As imp_picture_read, from a file's bytes in memory, borrowed for the call. Errors: as there,
 * except IMP_ERR_IO. */
IMP_API imp_status imp_picture_decode(imp_picture *out, const void *bytes, size_t size,
                                      const imp_read_options *options, imp_error *err);

/* As imp_picture_write, to memory: gives *bytes and *size. Release *bytes with imp_free; it is NULL
 * after an error. Errors: as there, except IMP_ERR_IO. */
IMP_API imp_status imp_picture_encode(unsigned char **bytes, size_t *size,
                                      const imp_picture *picture, imp_format format,
                                      const imp_write_options *options, imp_error *err);

/* Releases bytes and texts that functions of this header returned. Accepts NULL. */
IMP_API void imp_free(void *memory);

typedef enum imp_pixel_layout {
    IMP_PIXELS_GREY,
    IMP_PIXELS_GREY_ALPHA,
    IMP_PIXELS_RGB,
    IMP_PIXELS_RGBA
} imp_pixel_layout;

typedef enum imp_pixel_type {
    IMP_PIXELS_U8,  /* 0..255 */
    IMP_PIXELS_U16, /* 0..65535, in this machine's byte order */
    IMP_PIXELS_F32  /* float, 0..1 */
} imp_pixel_type;

/* A caller's pixels in memory: interleaved samples, sRGB-encoded, alpha not premultiplied, rows
 * from the top. Any alignment is allowed. */
typedef struct imp_pixels {
    size_t width, height;
    size_t stride; /* bytes from one row to the next; 0: no gaps */
    imp_pixel_layout layout;
    imp_pixel_type type;
} imp_pixels;

/* Makes a picture of the pixels in data (borrowed for the call), as if read from a file with
 * keep_alpha: fully transparent pixels get the mean colour of the visible ones. Floats outside
 * [0,1] are clamped. Release *out with imp_picture_finish; it is zeroed after an error. Errors:
 * IMP_ERR_ARGUMENT (NULL, a side of 0, a stride shorter than a row, an unknown layout or type, a
 * NaN or infinite sample), IMP_ERR_MEMORY. */
IMP_API imp_status imp_picture_from_pixels(imp_picture *out, const void *data,
                                           const imp_pixels *pixels, imp_error *err);

/* Writes the picture to data as pixels describes, whose size must be the picture's. Gaps between
 * rows stay untouched. Integers are rounded to the nearest. Grey is 0.2126 R + 0.7152 G +
 * 0.0722 B of the encoded colours; alpha is the picture's opacity, which layouts without alpha
 * drop. Errors: IMP_ERR_ARGUMENT. */
IMP_API imp_status imp_picture_to_pixels(void *data, const imp_pixels *pixels,
                                         const imp_picture *picture, imp_error *err);

/* Resamples colours (in linear light) and opacity to width x height by Lanczos-3, antialiased.
 * Release *out with imp_picture_finish; it is zeroed after an error. Errors: IMP_ERR_ARGUMENT
 * (NULL, a side of 0), IMP_ERR_MEMORY. */
IMP_API imp_status imp_picture_resize(imp_picture *out, const imp_picture *in, size_t width,
                                      size_t height, imp_error *err);

/* Releases what the picture owns and zeroes it. Accepts NULL. */
IMP_API void imp_picture_finish(imp_picture *picture);

/* Checks that a picture of width x height could be written to path with these options: the format
 * can hold it, the folder is writable, and it has enough free space (not checked when width or
 * height is 0). Leaves nothing behind and does not touch an existing file. Errors: as
 * imp_picture_write. */
IMP_API imp_status imp_picture_check_output(const char *path, size_t width, size_t height,
                                            const imp_write_options *options, imp_error *err);

/* The SHA-256 of a file in lower-case hexadecimal; "" after an error. Errors: IMP_ERR_IO,
 * IMP_ERR_MEMORY, IMP_ERR_ARGUMENT (NULL). */
IMP_API imp_status imp_file_sha256(char hex[65], const char *path, imp_error *err);

/* ---- Films ----------------------------------------------------------------------------------- */

typedef struct imp_film imp_film;

/* Zeroed, or NULL in its place: the defaults. */
typedef struct imp_film_options {
    double seconds; /* duration, 0.1 to 3600; 0: 10 */
    size_t size;    /* longer side; 0: the picture's, but at most 1280 (GIF: 480) */
} imp_film_options;

/* Checks that a film could be written to path: its extension is .mp4 (H.264), .webm (VP9) or .gif,
 * this build can encode it, and its folder is writable. Errors: IMP_ERR_ARGUMENT,
 * IMP_ERR_UNSUPPORTED, IMP_ERR_IO, IMP_ERR_MEMORY. */
IMP_API imp_status imp_film_check_output(const char *path, imp_error *err);

/* Begins a film of a picture of width x height, scaled to even sides where the format needs them.
 * path does not change before imp_film_close. Errors: as imp_film_check_output. */
IMP_API imp_status imp_film_open(imp_film **out, const char *path, size_t width, size_t height,
                                 const imp_film_options *options, imp_error *err);

/* Adds the picture, of any size, as it is after the share `done` (0..1, never decreasing) of the
 * work. The first picture is held for a tenth of the film. After that, the film advances in
 * proportion to how much the picture has changed. After an error only imp_film_close may follow.
 * Errors: IMP_ERR_ARGUMENT, IMP_ERR_IO, IMP_ERR_MEMORY. */
IMP_API imp_status imp_film_add(imp_film *film, const imp_picture *picture, double done,
                                imp_error *err);

/* Whether a frame is due at `done`; pictures in between need not be added. */
IMP_API bool imp_film_due(const imp_film *film, double done);

/* With keep, and if nothing has failed: holds the last picture for a fifth of the film, completes
 * the file and renames it to its path. Otherwise leaves no file. Releases the film in any case.
 * Accepts NULL. Errors: IMP_ERR_IO, IMP_ERR_MEMORY. */
IMP_API imp_status imp_film_close(imp_film *film, bool keep, imp_error *err);

/* ---- Devices --------------------------------------------------------------------------------- */

typedef struct imp_device_info {
    char backend[16];        /* "opencl", "cpu" or "oracle" */
    bool shares_host_memory; /* it is the processor: pictures take the same memory */
    int index;               /* for imp_device_open; -1: open it by the backend's name */
    char platform[128], vendor[128], name[128], driver[128];
    uint64_t memory_bytes, max_alloc_bytes, local_bytes;
    unsigned units, max_group;
    bool usable;        /* it passed the self-test against the oracle, or was not tested yet */
    bool tested;        /* usable is the result of a test */
    double gflops, gbs; /* measured rates of fp32 multiply-adds and of memory; 0: not measured */
    double seconds;     /* measured time of the reference iteration; 0: not measured */
    char reason[512];   /* why it is not usable */
} imp_device_info;

/* How a device stores transformed filters, which are most of what filters take. fp16 takes half the
 * memory and rounds each to 11 bits, up to 65504. Everything else, and all computation, is fp32. */
typedef enum imp_precision { IMP_FP32, IMP_FP16 } imp_precision;

/* The matrix products of OpenCL devices: the faster one that is right, CLBlast's, or our own. */
typedef enum imp_gemm { IMP_GEMM_AUTO, IMP_GEMM_CLBLAST, IMP_GEMM_OWN } imp_gemm;

/* A driver can end the process that calls it, or never return. A program that is to survive this
 * works in a child process and gives it an imp_watch in memory that both share. The library writes
 * there whose driver it is calling. When the child has died, the program adds that device to `lost`
 * and starts another child, whose library passes the device over and logs why. Zero it first. */
enum { IMP_LOST_MAX = 16, IMP_DEVICE_ID_MAX = 160 };

typedef struct imp_lost {
    char device[IMP_DEVICE_ID_MAX]; /* as in imp_watch; "": all OpenCL devices */
    char reason[512];               /* begins with "device 'NAME': " */
    bool opening; /* it was not open yet: the library remembers this, and logs the reason; */
    bool hung;    /* it took long, so it is not tried at every start */
} imp_lost;

typedef struct imp_watch {
    char device[IMP_DEVICE_ID_MAX]; /* whose driver is in use; "" while OpenCL devices are listed */
    char name[128];                 /* its name */
    char doing[64];                 /* what it is used for: "testing it"; "": no driver is in use */
    bool waiting;    /* it is being listed, opened or tested: each step takes seconds at most */
    uint64_t steps;  /* counts them */
    unsigned losses; /* in use of: */
    imp_lost lost[IMP_LOST_MAX];
} imp_watch;

/* Zeroed, or NULL in its place: the defaults. */
typedef struct imp_device_options {
    unsigned threads; /* of the device cpu, at most 1024; 0: one per processor */
    imp_gemm gemm;
    imp_precision precision; /* the oracle has IMP_FP32 only */
    bool profile;            /* collect seconds by operation for imp_device_profile */
    bool tune; /* use the fastest algorithm for each layer: remembered, or measured once */
    imp_log_level level; /* log lines up to this level; 0: IMP_LOG_INFO */
    imp_log log;         /* may be NULL; borrowed until the device is closed, like user */
    void *user;
    imp_watch *watch; /* may be NULL; borrowed likewise */
} imp_device_options;

/* Opens a device. which: "auto" (the fastest that passes its self-test, at last "cpu"), "cpu",
 * "oracle", an index of imp_device_list, or a part of the vendor, name or platform of an OpenCL
 * device (case ignored), of which the first is taken. A device that fails its self-test is passed
 * over with a warning, and the next one, at last "cpu", opens instead. The first use of a device
 * tests and measures it for a few seconds; the results are remembered in the cache folder: wrong
 * numbers until the driver changes, errors of the driver for a day once they came three times.
 * options may be NULL. Errors: IMP_ERR_ARGUMENT (no such device, or invalid options),
 * IMP_ERR_DEVICE, IMP_ERR_UNSUPPORTED, IMP_ERR_MEMORY. */
IMP_API imp_status imp_device_open(imp_device **out, const char *which,
                                   const imp_device_options *options, imp_error *err);

/* Releases the device, after its sessions and reuses. Accepts NULL. */
IMP_API void imp_device_close(imp_device *device);

/* What is known of an open device; borrowed until it is closed. */
IMP_API const imp_device_info *imp_device_describe(const imp_device *device);

/* Writes up to cap descriptions, OpenCL devices first, then cpu; returns how many there are.
 * measure: test and measure devices of which nothing is remembered. options may be NULL; log, user
 * and watch are used. */
IMP_API size_t imp_device_list(imp_device_info *out, size_t cap, bool measure,
                               const imp_device_options *options);

/* Forgets the results of all self-tests and measurements: the next use of a device repeats them. */
IMP_API void imp_device_forget(void);

/* Adds the open device to watch->lost, so that imp_device_open with that watch passes it over,
 * without logging the reason. */
IMP_API void imp_device_lose(imp_watch *watch, const imp_device *device, const char *reason);

typedef struct imp_profile_row {
    char operation[32];
    double seconds;
    uint64_t calls;
} imp_profile_row;

/* Writes up to cap rows, the most expensive first; returns how many there are: none without
 * imp_device_options.profile. */
IMP_API size_t imp_device_profile(const imp_device *device, imp_profile_row *out, size_t cap);

/* ---- Networks -------------------------------------------------------------------------------- */

typedef struct imp_network_layer {
    char name[32]; /* "conv1_1"; its features after the ReLU are "relu1_1". A layer in two steps
                      counts as two: "conv2_1.reduce" and "conv2_1". */
    size_t in, out, kernel, parameters;
    float low, high; /* the range of its filters */
} imp_network_layer;

/* Opens "builtin", "random-vgg19" (VGG-19's shapes to conv5_1 with random filters, for measuring),
 * an installed network by name (below), or a safetensors file by its path (host/weights/network.h
 * lists its keys); a file of another program is converted as imp_network_import does. Close with
 * imp_network_close. Errors: IMP_ERR_IO, IMP_ERR_FORMAT, IMP_ERR_UNSUPPORTED, IMP_ERR_NUMBER (a
 * weight that is not finite), IMP_ERR_MEMORY, IMP_ERR_ARGUMENT (NULL). */
IMP_API imp_status imp_network_open(imp_network **out, const char *name, imp_error *err);

/* Releases the network, which no session may use any more. Accepts NULL. */
IMP_API void imp_network_close(imp_network *network);

typedef struct imp_network_info {
    const char *name, *source, *licence, *provenance; /* borrowed until the network is closed */
    char sha256[65];                                  /* of the file; "" where there is none */
    size_t layers, parameters;
    bool bgr;    /* channel order of its input */
    float range; /* 1 or 255: the unit of mean and deviation */
    float mean[3], deviation[3];
    const char *padding; /* "zero", "reflect" or "replicate" */
} imp_network_info;

/* Describes an open network. */
IMP_API void imp_network_describe(const imp_network *network, imp_network_info *out);

/* Layer i in order of depth; i < imp_network_info.layers. */
IMP_API imp_network_layer imp_network_layer_at(const imp_network *network, size_t i);

/* ---- Installed networks ---------------------------------------------------------------------- */

/* Bytes that suffice for any path, and for any name of a network, layer or preset. */
enum { IMP_PATH_MAX = 4096, IMP_NAME_MAX = 32 };

/* Writes the path of the folder of installed networks: $IMPASTO_WEIGHTS, else
 * $XDG_DATA_HOME/impasto, else ~/.local/share/impasto. size: of path in bytes. make: creates it
 * where it is missing. Errors: IMP_ERR_IO. */
IMP_API imp_status imp_weights_folder(char *path, size_t size, bool make, imp_error *err);

/* Writes the path of NAME.safetensors in that folder, whether or not it exists. size: of path in
 * bytes. Errors: IMP_ERR_IO, IMP_ERR_ARGUMENT (not a possible name). */
IMP_API imp_status imp_weights_path(char *path, size_t size, const char *name, imp_error *err);

/* Writes the names of up to `cap` installed networks, sorted; returns how many there are. */
IMP_API size_t imp_weights_list(char (*names)[IMP_NAME_MAX], size_t cap);

/* Whether a network of that name is installed. */
IMP_API bool imp_weights_here(const char *name);

/* Checks an installed network: that it opens, and that its SHA-256 is the one stored at
 * installation in NAME.sha256. *noted (may be NULL): whether that file exists. Errors: IMP_ERR_IO
 * (not installed), IMP_ERR_FORMAT (changed), those of imp_network_open. */
IMP_API imp_status imp_weights_verify(const char *name, char sha256[65], bool *noted,
                                      imp_error *err);

/* Removes an installed network and unfinished downloads of it. Errors: IMP_ERR_IO,
 * IMP_ERR_ARGUMENT. */
IMP_API imp_status imp_weights_remove(const char *name, imp_error *err);

/* How a picture becomes the network's input, where the file does not state it. AUTO: by the names
 * of the tensors and the SHA-256 of published files. TORCHVISION: RGB in 0..1, minus
 * (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225). CAFFE: BGR in 0..255, minus
 * (103.939, 116.779, 123.68). */
typedef enum imp_input { IMP_INPUT_AUTO, IMP_INPUT_TORCHVISION, IMP_INPUT_CAFFE } imp_input;

/* Zeroed, or NULL in its place: fp32, AUTO, no texts. */
typedef struct imp_import_options {
    bool half; /* store fp16; refused where a value is too large for it */
    imp_input input;
    const char *name, *licence, *provenance; /* descriptions; NULL: those of the file */
} imp_import_options;

typedef struct imp_import_report {
    char format[48];  /* "PyTorch, zip format" */
    char name[64];    /* "VGG-19 (torchvision)" */
    char deepest[32]; /* "conv5_4" */
    char sha256[65];  /* of the file that was read */
    size_t layers, parameters;
    size_t skipped;  /* tensors of fully connected layers and the like */
    bool folded;     /* batch normalisation was folded into the convolutions */
    bool guessed;    /* the input is a guess from the tensors' names; the file is unknown */
    imp_input input; /* the one used; AUTO where the file states its own */
} imp_import_report;

/* Converts a VGG of any width to the safetensors file `to` that imp_network_open reads. Reads
 * torch.save in its stream and zip formats (also whole models, of which nothing is run),
 * safetensors, the index of a file in parts, Keras HDF5 and .keras, .caffemodel, ONNX and MATLAB 5.
 * Fully connected layers are dropped. HDF5 is read in a process of its own. The result is held in
 * memory, opened and run on a small picture before it replaces `to`. options and report may be
 * NULL. After an error `to` is as before. Errors: IMP_ERR_IO, IMP_ERR_FORMAT (damaged, or not a
 * VGG), IMP_ERR_UNSUPPORTED, IMP_ERR_NUMBER (not finite, or too large for fp16), IMP_ERR_MEMORY,
 * IMP_ERR_ARGUMENT. */
IMP_API imp_status imp_network_import(const char *from, const char *to,
                                      const imp_import_options *options, imp_import_report *report,
                                      imp_error *err);

/* Imports `from` into the folder as NAME and stores its SHA-256. Errors: as imp_network_import. */
IMP_API imp_status imp_weights_install(const char *name, const char *from,
                                       const imp_import_options *options, imp_import_report *report,
                                       imp_error *err);

/* A published network that can be downloaded. Everything is static. */
typedef struct imp_weights_entry {
    const char *name;         /* the name used here */
    const char *about;        /* one line of description */
    const char *origin;       /* who published it */
    const char *licence;      /* as stated there */
    const char *file;         /* the name of the published file */
    const char *addresses[4]; /* best first; the rest NULL */
    uint64_t bytes;           /* size of the published file; 0: unknown */
    imp_input input;          /* how its input is prepared */
    const char *digest;       /* "sha256:" or "md5:" and the known digits, of some SHA-256 only the
                                 first ones; NULL: unknown */
} imp_weights_entry;

/* Entry i, NULL beyond the last. */
IMP_API const imp_weights_entry *imp_weights_at(size_t i);

/* The entry of that name, NULL where there is none. */
IMP_API const imp_weights_entry *imp_weights_find(const char *name);

/* Zeroed, or NULL in its place: the defaults. */
typedef struct imp_fetch_options {
    const char *from; /* another address, or a file; required where NAME is not an entry */
    double stall;     /* seconds without a byte after which an address is given up; 0: 30 */
    imp_import_options import;
    /* Called at least once a second; total is 0 where unknown. Returning false stops the download,
     * which the next one resumes. May be NULL. */
    bool (*progress)(void *user, uint64_t done, uint64_t total);
    imp_log log; /* told about addresses that failed; may be NULL */
    void *user;
} imp_fetch_options;

/* Downloads a published network, trying its addresses in order, checks its digest where one is
 * known, and installs it as NAME. An unfinished download is kept, and the next one resumes it.
 * options and report may be NULL. After an error nothing is installed, and an older network of that
 * name stays. Errors: as imp_network_import, IMP_ERR_STOPPED. */
IMP_API imp_status imp_weights_fetch(const char *name, const imp_fetch_options *options,
                                     imp_import_report *report, imp_error *err);

/* ---- Settings: an objective and how to reach it ---------------------------------------------- */

enum { IMP_TERMS_MAX = 32, IMP_SCALES_MAX = 16 };

/* What a term of the objective compares. Settings have terms of content and style only; total
 * variation and edges have no layer, and are terms in imp_loss. */
typedef enum imp_term_kind {
    IMP_TERM_CONTENT,
    IMP_TERM_STYLE,
    IMP_TERM_TV,
    IMP_TERM_EDGES
} imp_term_kind;

typedef enum imp_loss_form {
    IMP_LOSS_MEAN,        /* mean of squared differences */
    IMP_LOSS_RELATIVE,    /* sum of squared differences over the target's sum of squares */
    IMP_LOSS_WASSERSTEIN, /* style only: distance between normal distributions of features */
    IMP_LOSS_COVARIANCE,  /* style only: relative differences of covariances and of means */
    IMP_LOSS_NEAREST      /* style only: angle to the nearest features of the style */
} imp_loss_form;

typedef enum imp_gram_norm { IMP_GRAM_CM, IMP_GRAM_M } imp_gram_norm; /* F F^T / (C M), or / M */

typedef enum imp_tv_form {
    IMP_TV_ABSOLUTE,  /* sum of |d| over neighbours in rows and columns */
    IMP_TV_SQUARED,   /* sum of d^2 */
    IMP_TV_NEIGHBOURS /* means of d^2: a third of rows and of columns, a twelfth of diagonals */
} imp_tv_form;

typedef enum imp_pooling {
    IMP_POOL_MAX,
    IMP_POOL_AVERAGE,
    IMP_POOL_TWICE, /* twice the average: values stay about as large as with the maximum */
    IMP_POOL_L2     /* 0.78 times the root of the sum of squares: likewise */
} imp_pooling;

typedef enum imp_optimizer { IMP_LBFGS, IMP_ADAM } imp_optimizer;
typedef enum imp_adam_form { IMP_ADAM_PYTORCH, IMP_ADAM_KERAS } imp_adam_form;

/* The edges that meet without a visible seam: left and right, top and bottom, or both. */
typedef enum imp_tileable {
    IMP_TILEABLE_NONE,
    IMP_TILEABLE_X,
    IMP_TILEABLE_Y,
    IMP_TILEABLE_BOTH
} imp_tileable;

/* What the painting starts from. */
typedef enum imp_init {
    IMP_INIT_CONTENT,
    IMP_INIT_NOISE,
    IMP_INIT_STYLE,  /* the first one */
    IMP_INIT_PICTURE /* imp_sources.init */
} imp_init;

/* The result's colours: the style's; the content's, with the lightness of the painting; or the
 * style's after they were matched to the content's palette. */
typedef enum imp_color { IMP_COLOR_STYLE, IMP_COLOR_CONTENT, IMP_COLOR_MATCH } imp_color;

/* How palettes are matched: by the square roots of their covariances, by their Cholesky factors, or
 * by the Monge-Kantorovich map, which changes colours least. */
typedef enum imp_color_method { IMP_COLOR_PCA, IMP_COLOR_CHOLESKY, IMP_COLOR_MK } imp_color_method;

typedef struct imp_term {
    imp_term_kind kind;       /* content or style */
    char layer[IMP_NAME_MAX]; /* "relu3_1" */
    float weight;             /* times content_weight or style_weight */
} imp_term;

/* What is minimised, and how. Fill it with imp_settings_init; then change fields, or set them by
 * name. The names, ranges, units and meanings are those of imp_setting_at; a field not commented
 * here is called like its setting, with - for _. */
typedef struct imp_settings {
    size_t struct_size; /* sizeof(imp_settings) in the calling program: see imp_settings_init */
    char preset[IMP_NAME_MAX], network[IMP_NAME_MAX];
    imp_term terms[IMP_TERMS_MAX]; /* settings "content-layers" and "style-layers" */
    size_t term_count;
    float content_weight, style_weight, tv_weight;
    float strength; /* below 0: off */
    float range;
    imp_loss_form content_form, style_form;
    imp_gram_norm gram_norm;
    bool metric;
    imp_tv_form tv_form;
    bool tv_mean;
    imp_pooling pooling;
    bool replicate_first;
    bool normalize_gradients;
    unsigned levels;
    size_t size; /* 0: the content's own */
    float style_scale;
    bool style_natural;
    imp_color color;
    imp_color_method color_method;
    unsigned scales; /* setting "scales" as one number */
    float scale_step;
    size_t sizes[IMP_SCALES_MAX]; /* setting "scales" as sizes, rising; those from `size` on are
                                     left out, and `size` is the last */
    size_t size_count;            /* of sizes; 0: by scales and scale_step */
    unsigned iterations;          /* in all, shared by the scales; or at the first */
    unsigned later_iterations;    /* at the second scale and later; 0: `iterations` is in all */
    imp_optimizer optimizer;
    float learning_rate, beta1, beta2, epsilon;
    imp_adam_form adam_form;
    unsigned history;
    bool clamp;
    float convergence;
    float average;
    bool warm_start;
    imp_tileable tileable;
    imp_init init;
    float noise;
    uint64_t seed;
    size_t memory; /* in bytes, while the setting's text counts MiB; 0: all that the device has */
    float keep_edges;
    float iterations_step; /* 0: off */
} imp_settings;

/* A complete set of values for settings. Everything is static. */
typedef struct imp_preset {
    const char *name;    /* "default" */
    const char *network; /* the network it is made for */
    const char *about;   /* one line for people */
} imp_preset;

/* Preset i, NULL beyond the last. */
IMP_API const imp_preset *imp_preset_at(size_t i);

/* The preset of that name; NULL where there is none. */
IMP_API const imp_preset *imp_preset_find(const char *name);

/* How the value of a setting is written as text. */
typedef enum imp_setting_type {
    IMP_SETTING_FLAG,   /* "on" or "off" */
    IMP_SETTING_WHOLE,  /* a whole number from low to high, or the word `off` */
    IMP_SETTING_REAL,   /* a decimal number from low to high, or the word `off` */
    IMP_SETTING_CHOICE, /* one of words; the enum's values in order */
    IMP_SETTING_NAME,   /* at most IMP_NAME_MAX - 1 bytes, not empty */
    IMP_SETTING_LIST,   /* whole numbers with commas, as syntax says; low to high: the first form */
    IMP_SETTING_LAYERS  /* "LAYER[:WEIGHT],..." or "none"; low to high: of a weight */
} imp_setting_type;

/* One setting. Everything is static; what does not apply is 0 or NULL. */
typedef struct imp_setting {
    const char *name;  /* "content-weight" */
    const char *older; /* a name that it had once, and that is still understood */
    imp_setting_type type;
    double low, high;
    const char *unit;   /* "pixels" */
    const char *off;    /* a word beside the numbers: "original", "off" */
    const char *words;  /* "lbfgs|adam" */
    const char *syntax; /* how help shows the value: "N|original" */
    const char *meaning;
} imp_setting;

/* Setting i, NULL beyond the last. */
IMP_API const imp_setting *imp_setting_at(size_t i);

/* The setting of that name or older name; NULL where there is none. */
IMP_API const imp_setting *imp_setting_find(const char *name);

/* sizeof(imp_settings) in this library, for programs that do not compile this header. */
IMP_API size_t imp_settings_size(void);

/* Gives settings the values of the preset "default". struct_size: sizeof *settings; no more than
 * that is written. A program compiled with an older header, whose imp_settings is smaller, goes on
 * working: settings that it does not know keep their defaults. Where the library cannot read that
 * size, it fills in nothing else, and every function that takes the settings refuses them. */
IMP_API void imp_settings_init(imp_settings *settings, size_t struct_size);

/* Sets the setting of that name (or older name) from text, as the program takes it for an option.
 * "preset" sets all settings to a preset's values. On failure settings are unchanged. Errors:
 * IMP_ERR_ARGUMENT (an unknown name; a value that does not fit, with what is expected),
 * IMP_ERR_UNSUPPORTED (the caller's header has no such field), IMP_ERR_MEMORY. */
IMP_API imp_status imp_settings_set(imp_settings *settings, const char *name, const char *text,
                                    imp_error *err);

/* Writes the value of a setting as text that imp_settings_set reads back as the same value. size:
 * of text in bytes; IMP_SETTING_TEXT_MAX always suffices. Errors: as imp_settings_set;
 * IMP_ERR_ARGUMENT also where text is too small. */
enum { IMP_SETTING_TEXT_MAX = 2048 };
IMP_API imp_status imp_settings_get(const imp_settings *settings, const char *name, char *text,
                                    size_t size, imp_error *err);

/* Whether a session could take the settings: every value is in its range, and some layer has a
 * weight above 0. Every function that takes settings checks them so. Error: IMP_ERR_ARGUMENT, with
 * the setting, its value and what is expected. */
IMP_API imp_status imp_settings_check(const imp_settings *settings, imp_error *err);

/* ---- Sessions: one picture being painted ----------------------------------------------------- */

typedef struct imp_progress {
    unsigned iteration, total; /* done, and planned */
    size_t width, height;      /* of the picture at the present scale */
    double loss, content, style, tv,
        edges;        /* weighted, before the last step, or of the result; loss: their sum */
    double seconds;   /* since the session was opened */
    unsigned skipped; /* planned iterations not done, because the picture converged */
    bool recovered;   /* the last step met a loss that was not finite or had grown far: undone */
    bool returned;    /* done, and the picture is an earlier one, whose loss was less */
} imp_progress;

typedef struct imp_loss {
    imp_term_kind kind;
    char layer[IMP_NAME_MAX];
    unsigned level; /* 0: full size, 1: half of it, ... */
    int region;     /* of style with masks: the region's colour as 0xRRGGBB; else -1 */
    double value;   /* weighted */
} imp_loss;

typedef struct imp_estimate {
    size_t device_bytes; /* of the largest scale: all buffers on the device */
    size_t filter_bytes, activation_bytes, optimizer_bytes, work_bytes; /* parts of device_bytes */
    size_t host_bytes;            /* pictures in host memory, besides device_bytes */
    double seconds_per_iteration; /* mean of the steps done at this scale; 0 before the first */
    double seconds_left;
} imp_estimate;

/* A style picture. */
typedef struct imp_style {
    const imp_picture *picture;
    float weight;            /* relative to the sum of all; finite, >= 0, and not all 0 */
    const imp_picture *mask; /* of the picture's size; needed exactly if the content has one */
} imp_style;

enum { IMP_STYLES_MAX = 16, IMP_REGIONS_MAX = 16 };

/* What a session paints from. Pictures are borrowed for the call; their values are in [0,1]. Masks
 * mark regions by flat colours: a region of the content takes the style of the regions with its
 * colour in the masks of the styles. Other colours, as along edges, count as the nearest region's.
 * Where `protect` is white the content is held and style is let off, as for faces and logos; black
 * is painted, and greys are between. It goes together with regions. */
typedef struct imp_sources {
    const imp_picture *content;
    imp_style styles[IMP_STYLES_MAX]; /* at least one; they end at the first without a picture */
    const imp_picture *init;          /* the start, if settings.init is IMP_INIT_PICTURE */
    const imp_picture *mask;          /* of the content's size; NULL: no regions */
    imp_reuse *reuse;                 /* NULL: the session shares nothing with others */
    const imp_picture *protect;       /* of the content's size, grey; NULL: nothing is protected */
    float protect_strength;           /* 0..1: how far white protects; 0: not at all */
} imp_sources;

/* Opens what sessions on one device with one network, opened with it one after another, leave to
 * the next: prepared filters, and the targets of the last styles. Results are the same bit by bit.
 * device and network are borrowed until it is closed. Errors: IMP_ERR_MEMORY. */
IMP_API imp_status imp_reuse_open(imp_reuse **out, imp_device *device, const imp_network *network,
                                  imp_error *err);

/* Releases it, after its sessions and before the device and the network. Accepts NULL. */
IMP_API void imp_reuse_close(imp_reuse *reuse);

/* Opens a session: checks settings and sources, computes the targets of the first scale, and sets
 * the start. Several styles are mixed: their Gram matrices (with IMP_LOSS_WASSERSTEIN their means
 * and second moments, with IMP_LOSS_COVARIANCE their means and covariances) are averaged by weight,
 * with masks in each region; with IMP_LOSS_NEAREST, which takes no masks, the number of places that
 * each offers goes by its weight. device and network are borrowed until the session is closed;
 * settings are copied. Errors: IMP_ERR_ARGUMENT (settings, sources, or a layer that the network
 * lacks), IMP_ERR_MEMORY (with the largest size that fits), IMP_ERR_DEVICE, IMP_ERR_NUMBER. */
IMP_API imp_status imp_session_open(imp_session **out, imp_device *device,
                                    const imp_network *network, const imp_settings *settings,
                                    const imp_sources *from, imp_error *err);

/* Releases the session. Accepts NULL. */
IMP_API void imp_session_close(imp_session *session);

typedef struct imp_footprint {
    size_t bytes;   /* on the device, and with shares_host_memory the pictures too */
    double seconds; /* per iteration */
} imp_footprint;

typedef struct imp_forecast {
    size_t width, height, iterations; /* of the result, and in all */
    imp_estimate need;                /* at the last scale; seconds_left: of the whole run */
    imp_footprint chosen;             /* as it would run */
    imp_footprint kept, recompute;    /* with all features kept, and with all recomputed */
    size_t memory;                    /* bytes that the run may take; 0: unknown */
    size_t largest;                   /* the longer side that fits, in pixels; 0: none */
    bool fits;
} imp_forecast;

/* What a session with these arguments would take: its memory exactly, its time from a few
 * iterations at smaller sizes, which take about a second. A run that does not fit is no error.
 * Errors: as imp_session_open. */
IMP_API imp_status imp_session_forecast(imp_forecast *out, imp_device *device,
                                        const imp_network *network, const imp_settings *settings,
                                        const imp_sources *from, imp_error *err);

/* Does one iteration, and enters the next scale where one is due. *done: it was the last one;
 * further calls change nothing. Errors: IMP_ERR_NUMBER, IMP_ERR_DEVICE, IMP_ERR_MEMORY. */
IMP_API imp_status imp_session_step(imp_session *session, bool *done, imp_error *err);

/* Called after an iteration; returns false to stop. progress is borrowed for the call. */
typedef bool (*imp_callback)(void *user, imp_session *session, const imp_progress *progress);

/* Does all iterations that are left. callback may be NULL. Errors: IMP_ERR_STOPPED (the callback
 * asked for it; the picture is as the last iteration left it, and another call continues), those of
 * imp_session_step. */
IMP_API imp_status imp_session_run(imp_session *session, imp_callback callback, void *user,
                                   imp_error *err);

/* How far the session is. */
IMP_API void imp_session_progress(const imp_session *session, imp_progress *out);

/* What the session takes, and how long it will take. */
IMP_API void imp_session_estimate(const imp_session *session, imp_estimate *out);

/* Writes up to cap losses of the last evaluation, by term and level; returns how many there are. */
IMP_API size_t imp_session_losses(const imp_session *session, imp_loss *out, size_t cap);

/* Gives the picture as it is now, at the present scale, with the colours that the settings ask for.
 * Release it with imp_picture_finish. Errors: IMP_ERR_MEMORY, IMP_ERR_DEVICE. */
IMP_API imp_status imp_session_picture(imp_session *session, imp_picture *out, imp_error *err);

/* Writes a checkpoint with the caller's text (may be NULL): all that is needed to continue. With
 * L-BFGS it has 2 (history + 2) times the size of the picture's variable. The file at path is
 * replaced as a whole, and stays as PATH.before; only its owner may read it. Errors: IMP_ERR_IO,
 * IMP_ERR_MEMORY, IMP_ERR_DEVICE, IMP_ERR_ARGUMENT (the text is too long). */
IMP_API imp_status imp_session_save(imp_session *session, const char *path, const char *text,
                                    imp_error *err);

/* Brings a session, just opened with the same network, settings and pictures, to where the saved
 * one was. On the same device it continues bit by bit alike. After an error it can only be closed.
 * Errors: IMP_ERR_IO, IMP_ERR_FORMAT (damaged), IMP_ERR_UNSUPPORTED (of another version),
 * IMP_ERR_ARGUMENT (of another painting), IMP_ERR_MEMORY, IMP_ERR_DEVICE. */
IMP_API imp_status imp_session_restore(imp_session *session, const char *path, imp_error *err);

/* Writes the same state to an open file, from its beginning: a copy to keep while the program runs.
 * Errors: as imp_session_save. */
IMP_API imp_status imp_session_keep(imp_session *session, FILE *file, imp_error *err);

/* Reads it back. Errors: as imp_session_restore. */
IMP_API imp_status imp_session_return(imp_session *session, FILE *file, imp_error *err);

/* Gives the text in a checkpoint; release it with imp_free. Errors: IMP_ERR_IO, IMP_ERR_FORMAT,
 * IMP_ERR_UNSUPPORTED, IMP_ERR_MEMORY. */
IMP_API imp_status imp_checkpoint_text(char **text, const char *path, imp_error *err);

/* Writes the path in the cache folder of the checkpoint for `key`, any text. size: of path in
 * bytes. False: there is no such folder, or the path is too long. */
IMP_API bool imp_checkpoint_path(char *path, size_t size, const char *key);

/* Writes the path of the newest checkpoint in the cache folder. False: there is none, or the path
 * is too long. */
IMP_API bool imp_checkpoint_newest(char *path, size_t size);

/* Removes a checkpoint, and the one before it that is kept beside it as PATH.before. False: there
 * is none, or it stays. Other files stay. */
IMP_API bool imp_checkpoint_remove(const char *path);

/* Whether the file begins as a checkpoint does, of whatever version, whole or not. */
IMP_API bool imp_checkpoint_is(const char *path);

/* Evaluates the objective and its gradient at the picture as it is now, without a step. Errors:
 * IMP_ERR_DEVICE, IMP_ERR_MEMORY. */
IMP_API imp_status imp_session_evaluate(imp_session *session, imp_error *err);

typedef struct imp_array {
    size_t shape[3]; /* a matrix has shape[0] == 1 */
    float *data;     /* owned: malloc */
} imp_array;

/* Gives a layer's features at the picture as it is now: C x H x W, at full size. They are
 * recomputed, in memory taken for that. Release with imp_array_finish. Errors: IMP_ERR_ARGUMENT (no
 * such layer), IMP_ERR_MEMORY, IMP_ERR_DEVICE. */
IMP_API imp_status imp_session_features(imp_session *session, const char *layer, imp_array *out,
                                        imp_error *err);

/* Gives the normalised Gram matrix, 1 x C x C, of a style layer at the last evaluation; with masks
 * the first region's. Release with imp_array_finish. Errors: as imp_session_features. */
IMP_API imp_status imp_session_gram(imp_session *session, const char *layer, imp_array *out,
                                    imp_error *err);

/* Gives the gradient, 3 x H x W, of the last evaluation with respect to the RGB picture in [0,1].
 * Release with imp_array_finish. Errors: IMP_ERR_MEMORY, IMP_ERR_DEVICE. */
IMP_API imp_status imp_session_gradient(imp_session *session, imp_array *out, imp_error *err);

/* Releases the data and zeroes the array. Accepts NULL. */
IMP_API void imp_array_finish(imp_array *array);

/* ---- Tuning: the fastest algorithm for each layer -------------------------------------------- */

enum { IMP_TUNED_ALGORITHMS = 4 };

typedef struct imp_tuned {
    char layer[32]; /* "conv3_1"; of layers with the same shapes the first is measured */
    bool back;      /* its gradient */
    size_t height, width;
    size_t count; /* of algorithms */
    struct {
        char name[32];
        double seconds; /* of the layer, or a part of it; 0: it failed, or its result was wrong */
    } algorithms[IMP_TUNED_ALGORITHMS];
    size_t own, best; /* the device's default algorithm, and the one it uses from now on */
} imp_tuned;

/* Measures all algorithms for the convolutions of a network, forward and back, on pictures of size
 * x size pixels, and remembers the fastest in the cache folder for devices opened with
 * options.tune. tell (may be NULL) is called for each layer, and returns false to stop. Layers with
 * one algorithm only, and layers whose algorithms are equally fast, are left out. Errors:
 * IMP_ERR_STOPPED, IMP_ERR_ARGUMENT, IMP_ERR_DEVICE, IMP_ERR_MEMORY. */
IMP_API imp_status imp_tune(imp_device *device, const imp_network *network, size_t size,
                            bool (*tell)(void *user, const imp_tuned *tuned), void *user,
                            imp_error *err);

/* ---- Benchmark: how fast a device is, and whether it is right -------------------------------- */

typedef enum imp_bench_part {
    IMP_BENCH_ROOFS = 1,      /* peak rates of arithmetic and memory, and latencies */
    IMP_BENCH_LAYERS = 2,     /* VGG-19's convolutions, forward and back */
    IMP_BENCH_OPERATIONS = 4, /* Gram matrices and their gradients, pooling, total variation */
    IMP_BENCH_PRODUCTS = 8,   /* CLBlast against our own matrix products, on OpenCL devices */
    IMP_BENCH_ITERATION = 16, /* the whole iteration of the preset `gatys`, on "random-vgg19" */
    IMP_BENCH_START = 32,     /* of the program: measured by `impasto bench`, not by imp_bench */
    IMP_BENCH_ALL = 63
} imp_bench_part;

typedef enum imp_bench_verdict {
    IMP_BENCH_UNCHECKED,
    IMP_BENCH_RIGHT, /* the timed result is within its bound of the oracle's */
    IMP_BENCH_WRONG
} imp_bench_verdict;

enum { IMP_BENCH_SIZES = 8 };

/* Zeroed, or NULL in its place: everything. */
typedef struct imp_bench_options {
    unsigned parts;                /* a sum of imp_bench_part; 0: all */
    size_t sizes[IMP_BENCH_SIZES]; /* sides of square pictures in pixels; all 0: the usual ones */
    bool adam, lbfgs;              /* the iteration's optimizers; both false: both */
    bool quick;                    /* fewer repetitions and sizes */
    /* Told what is measured next; returns false to stop. May be NULL. */
    bool (*progress)(void *user, const char *what);
    void *user;
} imp_bench_options;

/* One thing measured on one device. What does not apply is 0 or empty. */
typedef struct imp_bench_result {
    imp_bench_part part;
    char name[32];       /* "fp32", "conv4_2-4", "gram relu1_1", "iteration" */
    char variant[16];    /* "forward", "back", "adam", "clblast" */
    size_t device, size; /* index of the device; side of the picture */
    unsigned samples;    /* 0: not measured; note says why */
    double seconds;      /* median */
    double spread;       /* of the samples: 1.4826 times the median distance from the median, which
                            for normal errors is their standard deviation */
    double flop;         /* of the direct algorithm, a multiply-add counting as two */
    double executed;     /* of the algorithm used, without its transforms */
    double bytes;        /* the least that must be read and written */
    char algorithm[32];
    double roof;       /* share of the measured roof: by executed flop, or else by bytes */
    double host_mib;   /* the process's peak memory during the measurement */
    double device_mib; /* planned on the device */
    double drift; /* median time of the last third over that of the first; 0: too few samples */
    imp_bench_verdict verdict;
    double error; /* the largest difference from the oracle's result, over its bound */
    char note[256];
} imp_bench_result;

typedef struct imp_bench_device {
    imp_device_info info;
    double score; /* iterations per second of `gatys` at 512 x 512 with Adam; 0: none, see note */
    double fall;  /* how much slower it multiplied at the end than at the start, 0..1 */
    imp_precision precision; /* scores of different precisions cannot be compared */
    char note[256];
} imp_bench_device;

typedef struct imp_bench_report {
    imp_bench_device *devices; /* owned, like results */
    imp_bench_result *results;
    size_t device_count, result_count;
} imp_bench_report;

/* Measures open devices in turns, and compares what was timed with the oracle's results. What a
 * device fails at is noted, and no error. options may be NULL. Release the report with
 * imp_bench_finish, also after an error: it has what was measured until then. Errors:
 * IMP_ERR_STOPPED, IMP_ERR_ARGUMENT (options; the oracle among the devices, or two precisions),
 * IMP_ERR_MEMORY (of the host). */
IMP_API imp_status imp_bench(imp_bench_report *out, imp_device *const *devices, size_t count,
                             const imp_bench_options *options, imp_error *err);

/* Releases what the report owns, and zeroes it. */
IMP_API void imp_bench_finish(imp_bench_report *report);

#ifdef __cplusplus
}
#endif
#endif
