/* SPDX-License-Identifier: MIT
 *
 * Damaged, malicious and other files as weights: each gives one line and leaves nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "foreign.h"

static void refuses(scratch *s, const char *from, const imp_import_options *options,
                    imp_status wanted, const char *what) {
    char to[192];
    imp_error err = {0};
    const size_t before = scratch_count(s);
    snprintf(to, sizeof to, "%s/out.safetensors", s->folder);
    const imp_status status = imp_network_import(from, to, options, NULL, &err);
    assert_error(&err, status, wanted, from, what);
    assert_int_equal(scratch_count(s), before);
    assert_int_not_equal(access(to, F_OK), 0);
}

typedef struct bad {
    const char *file, *what; /* what: begins with '?' for IMP_ERR_UNSUPPORTED */
} bad;

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define UNKNOWN      IMP_ERR_UNSUPPORTED

static void refuses_bad(scratch *s, const char *from, const bad *b) {
    const bool unknown = *b->what == '?';
    refuses(s, from, NULL, unknown ? UNKNOWN : IMP_ERR_FORMAT, b->what + unknown);
}

/* ---- Pickles --------------------------------------------------------------------------------- */

#define ID     "'storage' @torch:FloatStorage '0' 'cpu' #27 "
#define AT     "@torch._utils:_rebuild_tensor_v2 ( ( " ID "N t Q #0 "
#define SIDES  "( #1 #3 #3 #3 t ( #27 #9 #3 #1 t "
#define REST   "89 } t R "
#define WEIGHT AT SIDES REST
#define DICT   "80 02 } 'features.0.weight' "

/* Each replaces the dictionary in a valid file. */
static const bad pickles[] = {
    {"80 02 @os:system ( 'true' t R .", "?calls 'os.system'"},
    {"80 02 @__builtin__:eval ( 'true' t R .", "?nothing was executed"},
    {"80 04 8c 02 o s 8c 06 s y s t e m 93 ) R .", "?calls 'os.system'"},
    {"80 02 @torch:FloatTensor ) R .", "?calls 'torch.FloatTensor'"},
    {"80 02 @torch:FloatTensor ) 81 .", "?has no dictionary of tensors"}, /* only an object */
    {"80 02 N N i", "?instruction 0x69"},
    {"80 02 c", "cut off"},
    {"80 02 X ff ff ff ff", "cut off"},
    {"80 02 8a 05 01", "cut off"},
    {"80 02 J 01", "cut off"},
    {"80", "cut off"},
    {"80 02 N", "cut off"},
    {"80 02 .", "its stack is empty"},
    {"80 02 ( .", "its stack is empty"},
    {"80 02 t .", "there is no mark"},
    {"80 02 N u .", "there is no mark"},
    {"80 02 85 .", "its stack is empty"},
    {"80 02 ( 85 .", "its stack is empty"},
    {"80 02 a .", "its stack is empty"},
    {"80 02 N a .", "its stack is empty"},
    {"80 02 ( N N e .", "its stack is empty"},
    {"80 02 q 00 .", "its stack is empty"},
    {"80 02 N r ff ff ff ff .", "memoizes more values than it has"},
    {"80 02 h 07 .", "recalls a value that it did not memoize"},
    {"80 02 j ff ff ff ff .", "recalls a value that it did not memoize"},
    {"80 02 N N a .", "appends to a value that is no container"},
    {"80 02 } ( N u .", "appends to a value that is no container"},
    {"80 02 ] N N s .", "appends to a value that is no container"},
    {"80 04 N 8c 01 x 93 .", "a name is not a text"},
    {"80 04 8c 01 x N 93 .", "a name is not a text"},
    {"80 02 @collections:OrderedDict N R .", "arguments are not a tuple"},
    {"80 02 N ) R .", "calls a value that is not a name"},
    {"80 02 @torch:FloatStorage ) R .", "calls a type"},
    {"80 02 @collections:OrderedDict N N 86 R .", "a dictionary from other values than pairs"},
    {"80 02 @collections:OrderedDict N 85 R .", "a dictionary from other values than pairs"},
    {"80 02 @collections:OrderedDict ] N a 85 R .", "a dictionary from other values than pairs"},
    {"80 02 @collections:OrderedDict ] N 85 a 85 R .", "a dictionary from other values than pairs"},
    {"80 02 N q 01 0 @collections:OrderedDict", "?instruction 0x30"},
    {"80 02 @torch._utils:_rebuild_parameter N 88 N 87 R .", "a parameter holds no tensor"},
    {"80 02 @torch.nn.parameter:Parameter } 85 81 .", "a parameter holds no tensor"},
    {"80 02 N N b .", "a state to a value"},
    {"80 02 } ) b .", "a state to a value"},
    {"80 02 @torch.nn.parameter:Parameter ) 81 N N 86 b .", "a state to a value"},
    {"80 02 @torch.nn.parameter:Parameter ) 81 ( N N N N N t b .", "a state to a value"},
    {"80 02 N Q .", "a storage is not a tuple"},
    {"80 02 ] .", "?has no dictionary of tensors"},
    {"80 02 } .", "it has no layers of a VGG"},
    {"80 02 } N " WEIGHT "s .", "a tensor has no name"},
    {DICT "@torch.nn.parameter:Parameter ) 81 s .", "it has no storage"},
    {DICT "@torch._utils:_rebuild_tensor_v2 N #0 86 R s .", "it has no storage"},
    {DICT "@torch._utils:_rebuild_tensor_v2 ( ( 'storage' N '0' 'cpu' #27 t Q #0 " SIDES REST "s .",
     "it has no storage"},
    {DICT
     "@torch._utils:_rebuild_tensor_v2 ( ( 'x' @torch:FloatStorage '0' 'cpu' #27 t Q #0 " SIDES REST
     "s .",
     "it has no storage"},
    {DICT "@torch._utils:_rebuild_tensor_v2 ( ( 'storage' @torch:FloatStorage N 'cpu' #27 t Q "
          "#0 " SIDES REST "s .",
     "it has no storage"},
    {DICT "@torch._utils:_rebuild_tensor_v2 ( ( 'storage' @torch:FloatStorage '0' 'cpu' #-1 t Q "
          "#0 " SIDES REST "s .",
     "it has no storage"},
    {DICT "@torch._utils:_rebuild_tensor_v2 ( ( " ID "( '1' #0 #27 t t Q #0 " SIDES REST "s .",
     "?an old-style view"},
    {DICT WEIGHT "s 'features.0.bias' @torch._utils:_rebuild_tensor_v2 ( ( 'storage' "
                 "@torch:FloatStorage '0' 'cpu' #26 t Q #0 ( #1 t ( #1 t " REST "s .",
     "its storage has two sizes"},
    {DICT AT "N N " REST "s .", "it has no shape"},
    {DICT AT "( #1 t ( #1 #1 t " REST "s .", "it has no shape"},
    {DICT AT "( N t ( #1 t " REST "s .", "it has no shape"},
    {DICT AT "( #1 #3 #3 #-3 t ( #27 #9 #3 #1 t " REST "s .", "the invalid side -3"},
    {DICT AT "( #2147483647 #2147483647 #3 #3 t ( #27 #9 #3 #1 t " REST "s .", "invalid side 2"},
    {DICT AT "( #2 #3 #3 #3 t ( #27 #9 #3 #1 t " REST "s .", "larger than its storage"},
    {DICT "@torch._utils:_rebuild_tensor_v2 ( ( " ID "t Q #-1 " SIDES REST "s .",
     "it has no shape"},
    {DICT "@torch._utils:_rebuild_tensor_v2 ( ( " ID "t Q #1 " SIDES REST "s .",
     "larger than its storage"},
    {DICT AT "( #1 #3 #3 #3 t ( #27 #9 #3 #3 t " REST "s .", "?are not dense in memory"},
    {DICT AT "( #1 #3 #9 t ( #27 #9 #1 t " REST "s .", "[1 x 3 x 9], expected [O x 3 x 3 x 3]"},
    {DICT AT "( #1 #3 #3 #3 #1 t ( #27 #9 #3 #1 #1 t " REST "s .", "[1 x 3 x 3 x 3 ...]"},
    {DICT AT "( #0 #3 #3 #3 t ( #27 #9 #3 #1 t " REST "s .", "[0 x 3 x 3 x 3]"},
};

static const char *write_stream(scratch *s, const char *dict, const char *keys,
                                const char *storages) {
    bytes b;
    bytes_begin(&b);
    put_torch_stream(b.f, dict, keys, storages);
    bytes_end(&b);
    const char *path = scratch_write(s, "bad.pth", b.p, b.size);
    free(b.p);
    return path;
}

static void test_pickles(void **state) {
    scratch *s = *state;
    bytes numbers;
    bytes_begin(&numbers);
    put_numbers(numbers.f, 'f', 0, 27);
    bytes_end(&numbers);
    for (size_t i = 0; i < COUNT(pickles); i++) {
        bytes pickle;
        bytes_begin(&pickle);
        put_pickle(pickle.f, pickles[i].file);
        bytes_end(&pickle);
        const part parts[] = {{"x/data.pkl", &pickle}, {"x/data/0", &numbers}};
        refuses_bad(s, write_zip(s, "bad.pt", parts, 2, true), &pickles[i]);
        free(pickle.p);
    }
    free(numbers.p);
}

/* A name that is too long, and more tensors than any VGG has. */
static void test_many(void **state) {
    scratch *s = *state;
    bytes words;
    bytes_begin(&words);
    fprintf(words.f, "80 02 } '%0200d' " WEIGHT "s .", 7);
    bytes_end(&words);
    refuses(s, write_stream(s, words.p, "80 02 ] .", ""), NULL, IMP_ERR_FORMAT, "a very long one");
    free(words.p);
    bytes_begin(&words);
    fputs("80 02 ( " WEIGHT "q 00 } ( ", words.f);
    for (int i = 0; i < 5000; i++)
        fprintf(words.f, "'%d.bias' h 00 ", i);
    fputs("u .", words.f);
    bytes_end(&words);
    refuses(s, write_stream(s, words.p, "80 02 ] .", ""), NULL, UNKNOWN, "more than 4096 tensors");
    free(words.p);
}

/* ---- PyTorch's stream ------------------------------------------------------------------------ */

static void test_stream(void **state) {
    static const char good[] = DICT WEIGHT "s .", keys[] = "80 02 ] '0' a .";
    static const struct {
        const char *keys, *storages;
        bad bad;
    } files[] = {
        {"80 02 } .", "f27", {"", "?not by torch.save"}},
        {"80 02 ] '1' a .", "f27", {"", "?storages that belong to no tensor"}},
        {"80 02 ] ( '0' '0' e .", "f27 f27", {"", "?storages that belong to no tensor"}},
        {"80 02 ] N a .", "f27", {"", "?storages that belong to no tensor"}},
        {"80 02 ] .", "", {"", "storage 0 is missing"}},
        {keys, "f26", {"", "has 26 numbers, expected 27"}},
        {keys, "", {"", "it is cut off"}},
        {keys, "f27 f1", {"", "bytes, expected "}},
    };
    scratch *s = *state;
    for (size_t i = 0; i < COUNT(files); i++)
        refuses_bad(s, write_stream(s, good, files[i].keys, files[i].storages), &files[i].bad);
    /* A file that is cut off after any byte is refused. */
    size_t size;
    unsigned char *const all =
        scratch_read(s, strrchr(write_stream(s, good, keys, "f27"), '/') + 1, &size);
    for (size_t n = 1; n < size; n++) {
        imp_error err = {0};
        const char *path = scratch_write(s, "bad.pth", all, n);
        const imp_status status = imp_network_import(path, "never", NULL, NULL, &err);
        assert_error(&err, status, IMP_ERR_FORMAT, path, ": ");
    }
    free(all);
}

static void test_stream_heads(void **state) {
    static const bad files[] = {
        {"80 02 N .", "?a pickle, but not by torch.save"},
        {"80 02 'text' .", "?a pickle, but not by torch.save"},
        {"80 02 8a 0a 6c fc 9c 46 f9 20 6a a8 50 19 . 80 02 M e8 03 .", "?not by torch.save"},
        {"80 02 8a 0a 6c fc 9c 46 f9 20 6a a8 50 19 . 80 02 M e9 03 . 80 02 N .",
         "?not by torch.save"},
        {"80 02 8a 0a 6c fc 9c 46 f9 20 6a a8 50 19 . 80 02 M e9 03 . 80 02 } 'little_endian' 89 "
         "s .",
         "?big-endian machine"},
    };
    scratch *s = *state;
    for (size_t i = 0; i < COUNT(files); i++) {
        bytes b;
        bytes_begin(&b);
        put_pickle(b.f, files[i].file);
        bytes_end(&b);
        refuses_bad(s, scratch_write(s, "bad.pth", b.p, b.size), &files[i]);
        free(b.p);
    }
}

/* ---- Zip ------------------------------------------------------------------------------------- */

static void text_bytes(bytes *b, const char *text) {
    bytes_begin(b);
    fputs(text, b->f);
    bytes_end(b);
}

static void test_zip(void **state) {
    scratch *s = *state;
    bytes pickle, numbers, big, little;
    bytes_begin(&pickle);
    put_pickle(pickle.f, DICT WEIGHT "s .");
    bytes_end(&pickle);
    bytes_begin(&numbers);
    put_numbers(numbers.f, 'f', 0, 26);
    bytes_end(&numbers);
    text_bytes(&big, "big");
    text_bytes(&little, "little");
    const part parts[] = {{"x/data.pkl", &pickle}, {"x/data/0", &numbers}, {"x/byteorder", &big}};
    refuses(s, write_zip(s, "bad.pt", parts, 1, false), NULL, IMP_ERR_FORMAT,
            "'x/data/0' cannot be read: it is missing");
    refuses(s, write_zip(s, "bad.pt", parts, 2, false), NULL, IMP_ERR_FORMAT,
            "its length does not fit its numbers");
    refuses(s, write_zip(s, "bad.pt", parts, 3, false), NULL, UNKNOWN, "big-endian machine");
    refuses(s, write_zip(s, "bad.pt", parts + 1, 1, false), NULL, UNKNOWN,
            "not by torch.save or Keras");
    char longest[240];
    snprintf(longest, sizeof longest, "%0210d/data.pkl", 7);
    const part hidden[] = {{longest, &pickle}};
    refuses(s, write_zip(s, "bad.pt", hidden, 1, false), NULL, UNKNOWN, "not by torch.save");
    const part keras[] = {{"model.weights.h5", &little}};
    refuses(s, write_zip(s, "bad.keras", keras, 1, true), NULL, IMP_ERR_FORMAT,
            "HDF5 file, but cut off or damaged");
    setenv("TMPDIR", "no/such/folder", 1);
    refuses(s, write_zip(s, "bad.keras", keras, 1, true), NULL, IMP_ERR_IO, "set TMPDIR");
    unsetenv("TMPDIR");
    free(numbers.p);
    bytes_begin(&numbers);
    put_numbers(numbers.f, 'f', 0, 100000);
    bytes_end(&numbers);
    const part large[] = {{"x/data.pkl", &numbers}};
    refuses(s, write_zip(s, "bad.pt", large, 1, true), NULL, IMP_ERR_FORMAT, "it is too large");
    refuses(s, scratch_write(s, "bad.pt", "PK\3\4 and no more of it", 23), NULL, IMP_ERR_FORMAT,
            "a zip file that cannot be read");
    free(pickle.p);
    free(numbers.p);
    free(big.p);
    free(little.p);
}

/* A stored entry does not match its checksum, or compressed data is invalid. */
static void test_zip_damage(void **state) {
    scratch *s = *state;
    for (int at = 0; at < 4; at++) {
        bytes all[2];
        bytes_begin(&all[0]);
        put_pickle(all[0].f, DICT WEIGHT "s .");
        bytes_end(&all[0]);
        bytes_begin(&all[1]);
        put_numbers(all[1].f, 'f', 0, 27);
        bytes_end(&all[1]);
        const part parts[] = {{"x/data.pkl", &all[0]}, {"x/data/0", &all[1]}};
        write_zip(s, "bad.pt", parts, 2, at >= 2);
        size_t size;
        unsigned char *const file = scratch_read(s, "bad.pt", &size);
        const char *const name = at % 2 ? "x/data/0" : "x/data.pkl";
        for (size_t i = 0; i + 16 < size; i++)
            if (memcmp(file + i, name, strlen(name)) == 0) {
                file[i + strlen(name) + (at < 2 ? 90 : 3)] ^= 0xFF;
                break;
            }
        refuses(s, scratch_write(s, "bad.pt", file, size), NULL, IMP_ERR_FORMAT, "cannot be read");
        free(file);
        free(all[0].p);
        free(all[1].p);
    }
}

/* An unknown compression method. */
static void test_zip_method(void **state) {
    scratch *s = *state;
    bytes pickle;
    size_t size;
    bytes_begin(&pickle);
    put_pickle(pickle.f, DICT WEIGHT "s .");
    bytes_end(&pickle);
    const part parts[] = {{"x/data.pkl", &pickle}};
    write_zip(s, "bad.pt", parts, 1, false);
    unsigned char *const file = scratch_read(s, "bad.pt", &size);
    for (size_t i = 0; i + 16 < size; i++)
        if (memcmp(file + i, "PK\3\4", 4) == 0 || memcmp(file + i, "PK\1\2", 4) == 0)
            file[i + (file[i + 2] == 1 ? 10 : 8)] = 47;
    refuses(s, scratch_write(s, "bad.pt", file, size), NULL, IMP_ERR_FORMAT, "cannot be read");
    free(file);
    free(pickle.p);
}

/* ---- HDF5 ------------------------------------------------------------------------------------ */

static const bad sets[] = {
    {"block1_conv1/kernel:0 3,3,3,2 i", "?not half, bfloat16, float or double"},
    {"block1_conv1/kernel:0 3,3,3,2 e", "?are in another file"},
    {"block1_conv1/kernel:0 3,3,3,2 v", "?are in another file"},
    {"block1_conv1/kernel:0 3,3,3,2 z", "[], expected [O x 3 x 3 x 3]"},
    {"block1_conv1/kernel:0 2,3,3,3 f", "[3 x 3 x 2 x 3], expected [O x 3 x 3 x 3]"},
    {"block1_conv1/kernel:0 3,3,3,8589934592 z", "expected"},
    {"block1_conv1/bias:0 2 f", "the weight of layer conv1_1 is missing"},
    {"block1_conv1/gamma:0 2 f", "?'block1_conv1.gamma:0': no layer of a VGG"},
    {"conv1_1 3,3,3,2 f", "?'conv1_1': no layer of a VGG"},
    {"conv2d/vars/0 3,3,3,2 f;conv2d_1/vars/1 2 f", "the weight of layer conv1_2 is missing"},
    {"conv2d/vars/0 3,3,3,2 f;block1_conv2/kernel:0 3,3,2,2 f", "?another naming scheme"},
    {"a/block1_conv1/kernel:0 3,3,3,2 f;b/block1_conv1/kernel:0 3,3,3,2 f",
     "?another tensor has the same place"},
};

static void test_hdf5(void **state) {
    scratch *s = *state;
    for (size_t i = 0; i < COUNT(sets); i++)
        refuses_bad(s, write_hdf5(s, "bad.h5", sets[i].file), &sets[i]);
    char longest[256];
    snprintf(longest, sizeof longest, "%0180d/kernel:0 3,3,3,2 f", 7);
    refuses(s, write_hdf5(s, "bad.h5", longest), NULL, UNKNOWN, "is longer than any of a VGG");
    snprintf(longest, sizeof longest, "%0155d/kernel:0 3,3,3,2 f", 7);
    refuses(s, write_hdf5(s, "bad.h5", longest), NULL, UNKNOWN, "is longer than any of a VGG");
}

/* A signature inside the file, or a number under a checksum, is changed. */
static void test_hdf5_damage(void **state) {
    static const struct {
        const char *bytes;
        const char *what;
    } marks[] = {{"SNOD", "list of datasets is damaged"},
                 {"HEAP", "list of datasets is damaged"},
                 {"\0\0\200\77", "it cannot be read"}}; /* 1.0 */
    scratch *s = *state;
    for (size_t k = 0; k < COUNT(marks); k++) {
        size_t size;
        write_hdf5(s, "bad.h5", "block1_conv1/kernel:0 3,3,3,2 c");
        unsigned char *const all = scratch_read(s, "bad.h5", &size);
        for (size_t i = 0; i + 4 < size; i++)
            if (memcmp(all + i, marks[k].bytes, 4) == 0)
                all[i + 1] ^= 1;
        refuses(s, scratch_write(s, "bad.h5", all, size), NULL, IMP_ERR_FORMAT, marks[k].what);
        free(all);
    }
}

/* The library detects files cut off in many places. */
static void test_hdf5_cut(void **state) {
    scratch *s = *state;
    size_t size;
    write_hdf5(s, "whole.h5", "block1_conv1/kernel:0 3,3,3,20 f;block1_conv1/bias:0 20 f");
    unsigned char *const all = scratch_read(s, "whole.h5", &size);
    for (size_t n = 8; n < size; n += 97)
        refuses(s, scratch_write(s, "bad.h5", all, n), NULL, IMP_ERR_FORMAT, "");
    free(all);
}

/* ---- Caffe ----------------------------------------------------------------------------------- */

#define LAYER(name, blobs) "100{1'" name "' " blobs "} "
#define FILTERS            "7{7{1[2 3 3 3]} 5f54} "

static const bad messages[] = {
    {"1'net'", "it has no layers of a VGG"},
    {"1=1 x00", "a field has no number"},
    {"1=1 x0e", "a field has an unknown type"},
    {"1=1 x0a", "it is cut off"},
    {"1=1 x0ax05", "longer than the message"},
    {"1=1 x08xffxffxffxffxffxffxffxffxffxffx01", "a number has no end"},
    {"1=1 x0d", "longer than the message"},
    {LAYER("conv1_1", "7{7{1[1 1 1 1 1 1 1 1 1]} 5f1}"), "eight dimensions"},
    {LAYER("conv1_1", "7{7{1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1} 5f1}"), "eight dimensions"},
    {LAYER("conv1_1", "7{7{1[2 3 3 3]} 5f27 5f27}"), "?not packed in one field"},
    {LAYER("conv1_1", "7{7{1[2 3 3 3]} 5=7}"), "?not packed in one field"},
    {LAYER("conv1_1", "7{7{1[2 3 3 3]} 5f53}"), "its shape and its length disagree"},
    {LAYER("conv1_1", "7{7{1[2 3 3 18446744073709551615]} 5f54}"), "the invalid side -1"},
    {LAYER("conv1_1", "7{1=2 2=3 3=3 4=18446744073709551615 5f54}"), "the invalid side -1"},
    {LAYER("conv1_1", "7{7{1[2 3 3 3]}}"), "?not half"},
    {LAYER("conv1_1", "7{5f54}"), "its shape and its length disagree"},
    {LAYER("conv1_1", FILTERS FILTERS), "conv1_1.bias has the shape [2 x 3 x 3 x 3], expected [2]"},
    {LAYER("conv1_1", FILTERS "7{7{1[2]} 5f2} 7{7{1[2]} 5f2}"), "?'conv1_1.2': no layer"},
    {LAYER("conv1_1", FILTERS) LAYER("conv1_1", FILTERS), "?the same place"},
    {LAYER("conv1_2", FILTERS), "the weight of layer conv1_1 is missing"},
    {LAYER("conv0", "7{7{1[3 3 1 1]} 5f9}"), "the weight of layer conv1_1 is missing"},
    {LAYER("conv1_1", FILTERS) LAYER("conv3_1", FILTERS), "layer conv2_1 is missing"},
    {LAYER("conv1_1", FILTERS) LAYER("conv1_3", FILTERS), "layer conv1_2 is missing"},
    {LAYER("conv1_1", FILTERS) LAYER("conv1_2", FILTERS), "expected [O x 2 x 3 x 3]"},
    {LAYER("conv1_0", FILTERS), "?no layer of a VGG has such a name"},
    {LAYER("res2a_branch1", FILTERS), "?it is a ResNet"},
    {LAYER("", FILTERS), "?no layer of a VGG has such a name"},
    {"100{x0ax03ax00b} ", "no valid name"},
};

static const char *write_message(scratch *s, const char *words) {
    bytes b;
    bytes_begin(&b);
    put_message(b.f, words);
    bytes_end(&b);
    const char *path = scratch_write(s, "bad.caffemodel", b.p, b.size);
    free(b.p);
    return path;
}

static void test_caffe(void **state) {
    scratch *s = *state;
    for (size_t i = 0; i < COUNT(messages); i++) {
        char words[1024]; /* the first byte decides the format */
        snprintf(words, sizeof words, "1'x' %s", messages[i].file);
        refuses_bad(s, write_message(s, words), &messages[i]);
    }
    char longest[512];
    snprintf(longest, sizeof longest, "1'x' 100{1'%0200d' " FILTERS "}", 7);
    refuses(s, write_message(s, longest), NULL, IMP_ERR_FORMAT, "no valid name");
}

/* ---- Safetensors, lists of layers, numbers --------------------------------------------------- */

/* name and shape; it begins where the previous one ends. */
static const char *write_safetensors(scratch *s, const char *tensors, const char *type,
                                     float value) {
    char name[256], shape[64];
    bytes header, file;
    size_t at = 0, item = *type == 'F' && type[1] == '6' ? 8 : 4;
    bytes_begin(&header);
    putc('{', header.f);
    for (int n; sscanf(tensors, " %255s %63[^;]%n", name, shape, &n) == 2;) {
        size_t count = item;
        for (const char *c = shape; c; c = strchr(c, ',') ? strchr(c, ',') + 1 : NULL)
            count *= strtoull(c, NULL, 10);
        fprintf(header.f, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                at ? "," : "", name, type, shape, at, at + count);
        at += count;
        tensors += n + (tensors[n] == ';');
    }
    putc('}', header.f);
    bytes_end(&header);
    bytes_begin(&file);
    for (size_t i = 0; i < 8; i++)
        putc((int)(header.size >> 8 * i & 0xFF), file.f);
    fwrite(header.p, 1, header.size, file.f);
    for (size_t i = 0; i < at; i += item)
        fwrite(item == 8 ? (const void *)&(double){1e300} : &value, 1, item, file.f);
    bytes_end(&file);
    const char *path = scratch_write(s, "bad.safetensors", file.p, file.size);
    free(header.p);
    free(file.p);
    return path;
}

#define FIRST "features.0.weight 1,3,3,3;"

static const bad lists[] = {
    {"features.1.weight 1,3,3,3", "?no layer of a VGG has its number"},
    {FIRST "features.1.weight 1", "a part of the batch normalisation of layer conv1_1"},
    {FIRST "features.1.bias 1;features.1.running_mean 1", "a part of the batch normalisation"},
    {FIRST "features.1.running_mean 1;features.1.running_var 1;features.2.running_mean 1",
     "?it does not follow a convolution"},
    {FIRST "features.4.weight 1,1,3,3", "?no layer of a VGG has its number"},
    {FIRST "features.4.bias 1", "?no layer of a VGG has its number"},
    {FIRST "features.0.metric 1", "[1], expected [1 x 1]"},
    {FIRST "features.0.bias 2", "[2], expected [1]"},
    {FIRST "layer1.0.conv1.weight 1,1,3,3", "?only the VGG family is read"},
    {"features.0.weight 1,3,1,1", "expected [O x 3 x 3 x 3]"},
    {"conv0.weight 3,3,3,3;conv1_1.weight 1,3,3,3", "expected [O x 3 x 1 x 1]"},
    {FIRST "features.1.running_mean 1;features.1.reduce 1",
     "?batch normalisation has no such part"},
    {"conv0.weight 3,2,1,1;conv0.reduce 2,3,1,1;conv1_1.weight 1,3,3,3", "?conv0 has no such part"},
    {"conv0.weight 3,3,1,1;conv0.metric 3,3;conv1_1.weight 1,3,3,3", "?conv0 has no such part"},
    {"conv1_1.reduce 2,3,3,3", "the weight of layer conv1_1 is missing"},
    {"conv1_1.reduce 2,3,1,1;conv1_1.weight 1,2,1,1", "expected [O x 3 x 3 x 3]"},
    {"conv1_1.reduce 2,3,3,3;conv1_1.weight 1,3,3,3", "expected [O x 2 x 1 x 1]"},
};

static void test_lists(void **state) {
    scratch *s = *state;
    for (size_t i = 0; i < COUNT(lists); i++)
        refuses_bad(s, write_safetensors(s, lists[i].file, "F32", 1), &lists[i]);
    char name[256];
    snprintf(name, sizeof name, "%0170d.weight 1", 7);
    refuses(s, write_safetensors(s, name, "F32", 1), NULL, UNKNOWN, "is longer than");
    bytes b;
    bytes_begin(&b);
    for (int i = 0; i < 70; i++)
        fprintf(b.f, "features.%d.weight 1,%d,3,3;", 2 * i, i ? 1 : 3);
    bytes_end(&b);
    refuses(s, write_safetensors(s, b.p, "F32", 1), NULL, UNKNOWN, "too many layers");
    free(b.p);
    bytes_begin(&b);
    for (int i = 0; i < 140; i++)
        fprintf(b.f, "features.%d.bias 1;", i);
    bytes_end(&b);
    refuses(s, write_safetensors(s, b.p, "F32", 1), NULL, UNKNOWN, "too many layers");
    free(b.p);
}

/* More filters than any layer has, in a sparse file. */
static void test_large(void **state) {
    static const char header[] = "{\"conv1_1.weight\":{\"dtype\":\"F32\",\"shape\":[2500000,3,3,3],"
                                 "\"data_offsets\":[0,270000000]}}";
    scratch *s = *state;
    bytes b;
    bytes_begin(&b);
    fprintf(b.f, "%c%c%c%c%c%c%c%c%s", (int)strlen(header), 0, 0, 0, 0, 0, 0, 0, header);
    bytes_end(&b);
    const char *path = scratch_write(s, "bad.safetensors", b.p, b.size);
    assert_int_equal(truncate(path, (off_t)b.size + 270000000), 0);
    refuses(s, path, NULL, UNKNOWN, "more than the limit of 67108864");
    free(b.p);
}

static void test_numbers(void **state) {
    static const imp_import_options half = {.half = true};
    static const char folded[] = FIRST "features.1.running_mean 1;features.1.running_var 1";
    scratch *s = *state;
    refuses(s, write_safetensors(s, FIRST, "F32", 0.0F / 0.0F), NULL, IMP_ERR_NUMBER,
            "has NaN at index 0");
    refuses(s, write_safetensors(s, FIRST, "F32", -1e30F * 1e30F), NULL, IMP_ERR_NUMBER,
            "has an infinity at index 0");
    refuses(s, write_safetensors(s, FIRST, "F64", 0), NULL, IMP_ERR_NUMBER, "has an infinity");
    refuses(s, write_safetensors(s, FIRST, "I32", 0), NULL, UNKNOWN, "not half, bfloat16");
    refuses(s, write_safetensors(s, FIRST, "F32", 65520), &half, IMP_ERR_NUMBER,
            "too large for fp16: import it without setting 'half'");
    refuses(s, write_safetensors(s, folded, "F32", -1), NULL, IMP_ERR_NUMBER,
            "a negative variance at index 0");
    refuses(s,
            write_safetensors(s,
                              FIRST "features.1.weight 1;features.1.running_mean 1;"
                                    "features.1.running_var 1",
                              "F32", 3e38F),
            NULL, IMP_ERR_NUMBER, "exceeds fp32");
}

static void test_files(void **state) {
    scratch *s = *state;
    imp_error err = {0};
    refuses(s, "no/such.pth", NULL, IMP_ERR_IO, "check the path");
    refuses(s, s->folder, NULL, IMP_ERR_IO, "a folder");
    refuses(s, scratch_write(s, "bad", "", 0), NULL, UNKNOWN, "its format is unknown");
    refuses(s, scratch_write(s, "bad", "GIF89a and so on", 16), NULL, UNKNOWN, "torch.save");
    refuses(s, scratch_write(s, "bad", "\0\0\0\xff\0\0\0\0{}", 10), NULL, IMP_ERR_FORMAT,
            "4278190080 bytes");
    refuses(s, scratch_write(s, "bad", "\x20\0\0\0\0\0\0\0{}", 10), NULL, IMP_ERR_FORMAT,
            "cut off");
    refuses(s, scratch_write(s, "bad", "\2\0\0\0\0\0\0\0{}", 10), NULL, IMP_ERR_FORMAT,
            "no layers of a VGG");
    const char *path = write_safetensors(s, FIRST, "F32", 1);
    const imp_status status = imp_network_import(path, "no/folder/out", NULL, NULL, &err);
    assert_error(&err, status, IMP_ERR_IO, "no/folder/out", "create it first");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pickles),    cmocka_unit_test(test_many),
        cmocka_unit_test(test_stream),     cmocka_unit_test(test_stream_heads),
        cmocka_unit_test(test_zip),        cmocka_unit_test(test_zip_damage),
        cmocka_unit_test(test_zip_method), cmocka_unit_test(test_hdf5_damage),
        cmocka_unit_test(test_large),      cmocka_unit_test(test_hdf5),
        cmocka_unit_test(test_hdf5_cut),   cmocka_unit_test(test_caffe),
        cmocka_unit_test(test_lists),      cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
