/* SPDX-License-Identifier: MIT
 *
 * Weights in every foreign format are imported as the same network.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foreign.h"
#include "weights/dtype.h"
#include "weights/network.h"

/* ---- Pickles of the small network: 2, 2 | 1 channels ----------------------------------------- */

#define STORAGE(type, key, count)                                                                  \
    "( 'storage' @torch:" type "Storage '" key "' 'cpu' #" count " N t Q "
#define TENSOR(storage, offset, sides, strides)                                                    \
    "@torch._utils:_rebuild_tensor_v2 ( " storage "#" offset " ( " sides " t ( " strides           \
    " t 89 @collections:OrderedDict ) R t R "
#define OLD_TENSOR(storage, offset, sides, strides)                                                \
    "@torch._utils:_rebuild_tensor ( " storage "#" offset " ( " sides " t ( " strides " t t R "
#define SIDES(o, i)        "#" o " #" i " #3 #3"
#define DICT(name, tensor) "'" name "' " tensor

/* Weights and biases: conv1_1 has 54 and 2 numbers from number 0 on, conv1_2 36 and 2 from 56 on,
 * conv2_1 18 and 1 from 94 on. */
#define W11 TENSOR(STORAGE("Float", "0", "54"), "0", SIDES("2", "3"), "#27 #9 #3 #1")
#define B11 TENSOR(STORAGE("Float", "1", "2"), "0", "#2", "#1")
#define W12 TENSOR(STORAGE("Float", "2", "36"), "0", SIDES("2", "2"), "#18 #9 #3 #1")
#define B12 TENSOR(STORAGE("Float", "3", "2"), "0", "#2", "#1")
#define W21 TENSOR(STORAGE("Float", "4", "18"), "0", SIDES("1", "2"), "#18 #9 #3 #1")
#define B21 TENSOR(STORAGE("Float", "5", "1"), "0", "#1", "#1")
#define NETWORK(w11, b11)                                                                          \
    DICT("features.0.weight", w11)                                                                 \
    DICT("features.0.bias", b11)                                                                   \
    DICT("features.2.weight", W12)                                                                 \
    DICT("features.2.bias", B12) DICT("features.5.weight", W21) DICT("features.5.bias", B21)
#define KEYS     "80 02 ] ( '0' '1' '2' '3' '4' '5' e ."
#define STORAGES "f54 f2 f36 f2 f18 f1"

static const char plain[] =
    "80 02 @collections:OrderedDict ) R q 00 ( " NETWORK(W11, B11) "u } '_metadata' N s b .";

/* ---- What must come of it -------------------------------------------------------------------- */

typedef enum layout { ROWS, KERAS } layout;

/* Element (o, i, y, x) of a tensor whose first number is `first`. */
static float wanted_at(layout order, size_t first, size_t out, size_t in, size_t index) {
    const size_t o = index / (9 * in), i = index / 9 % in, yx = index % 9;
    return (float)(first + (order == ROWS ? index : (yx * in + i) * out + o)) / 8;
}

static void check_values(const imp_node *node, layout order, const size_t first[2]) {
    const size_t out = node->conv.out, in = node->conv.in;
    for (size_t i = 0; i < 9 * out * in; i++)
        if (node->weights[i] != wanted_at(order, first[0], out, in, i))
            fail_msg("%s: weight %zu is %g", node->name, i, (double)node->weights[i]);
    for (size_t i = 0; i < out; i++)
        assert_true(node->bias[i] == (float)(first[1] + i) / 8);
}

static void import(scratch *s, const char *from, const imp_import_options *options,
                   imp_import_report *report) {
    char to[192];
    imp_error err = {0};
    snprintf(to, sizeof to, "%s/out.safetensors", s->folder);
    imp_network_import(from, to, options, report, &err);
    assert_string_equal(err.text, "");
}

static imp_network *open_out(scratch *s) {
    imp_error err = {0};
    imp_network *n;
    imp_network_open(&n, scratch_path(s, "out.safetensors"), &err);
    assert_string_equal(err.text, "");
    return n;
}

/* Imports a file of the small network and compares everything. */
static imp_import_report check_small(scratch *s, const char *from, layout order, imp_input input,
                                     const char *format) {
    static const size_t rows[3][2] = {{0, 54}, {56, 92}, {94, 112}};
    imp_import_report r;
    import(s, from, NULL, &r);
    assert_string_equal(r.format, format);
    assert_string_equal(r.deepest, "conv2_1");
    assert_int_equal(r.layers, 3);
    assert_int_equal(r.parameters, 113);
    assert_int_equal(r.input, input);
    imp_network *n = open_out(s);
    static const char *const layers[] = {"relu1_1", "relu1_2", "relu2_1"};
    for (size_t i = 0; i < 3; i++)
        check_values(imp_network_find(n, layers[i]), order, rows[i]);
    assert_int_equal(n->info.bgr, input == IMP_INPUT_CAFFE);
    assert_true(n->info.range == (input == IMP_INPUT_CAFFE ? 255 : 1));
    assert_true(n->info.mean[0] == (input == IMP_INPUT_CAFFE ? 103.939F : 0.485F));
    assert_true(n->info.deviation[2] == (input == IMP_INPUT_CAFFE ? 1 : 0.225F));
    assert_string_equal(n->info.padding, "zero");
    assert_non_null(strstr(n->info.provenance, r.sha256));
    imp_network_close(n);
    return r;
}

/* ---- PyTorch --------------------------------------------------------------------------------- */

static const char *write_stream(scratch *s, const char *name, const char *dict, const char *keys,
                                const char *storages) {
    bytes b;
    bytes_begin(&b);
    put_torch_stream(b.f, dict, keys, storages);
    bytes_end(&b);
    const char *path = scratch_write(s, name, b.p, b.size);
    free(b.p);
    return path;
}

/* Today's form, the oldest one, parameters of both, a dictionary as Python 2 wrote it, a
 * checkpoint, and one with a fully connected layer. */
static void test_stream(void **state) {
    static const char *const dicts[] = {
        plain,
        "80 02 } ( " NETWORK(
            OLD_TENSOR(STORAGE("Float", "0", "54"), "0", SIDES("2", "3"), "#27 #9 #3 #1"), B11) "u "
                                                                                                ".",
        "80 02 } ( " NETWORK("@torch._utils:_rebuild_parameter " W11
                             "88 @collections:OrderedDict ) R 87 R ",
                             "@torch.nn.parameter:Parameter " B11 "85 81 ( 88 89 } t b ") "u .",
        "80 02 } ( " NETWORK("@torch.nn.parameter:Parameter ) 81 ( " W11 "N N 89 } t b ", B11) "u "
                                                                                               ".",
        "80 02 @collections:OrderedDict ] ( ] ( 'features.0.weight' " W11
        "e ] ( 'features.0.bias' " B11 "e 'features.2.weight' " W12 "86 'features.2.bias' " B12
        "86 'features.5.weight' " W21 "86 'features.5.bias' " B21 "86 e 85 R .",
        "80 02 } ( 'epoch' K 07 'lr' G 00 00 00 00 00 00 00 00 'args' ] 'N' a 'state_dict' } ( "
        "'module.classifier.0.bias' " B21 "'features.1.num_batches_tracked' " B21
        "'module.features.0.weight' " W11 "'net.features.0.bias' " B11
        "'features.module.2.weight' " W12 "'model.features.2.bias' " B12 "'5.weight' " W21
        "'vgg.5.bias' " B21 "u u .",
    };
    for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++) {
        const char *path = write_stream(*state, "old.pth", dicts[i], KEYS, STORAGES);
        const imp_import_report r =
            check_small(*state, path, ROWS, IMP_INPUT_TORCHVISION, "PyTorch, stream format");
        assert_true(r.guessed && !r.folded);
        assert_int_equal(r.skipped, i == 5 ? 2 : 0);
    }
}

/* Instructions that other versions of Python use, and storages shared by tensors. */
static void test_pickles(void **state) {
    static const char shared[] =
        "80 04 95 00 00 00 00 00 00 00 00 } q 00 'conv1_1.weight' @torch._utils:_rebuild_tensor_v2 "
        "r 01 00 00 00 "
        "( ( 'storage' 8c 05 t o r c h 8c 0c F l o a t S t o r a g e 93 94 q 02 K 00 q 03 T 03 "
        "00 00 00 c p u 8a 01 38 t Q q 04 "
        "8a 00 ( #2 #3 #3 #3 t ( #27 #9 #3 #1 t 89 } t R s 'conv1_1.bias' j 01 00 00 00 "
        "( h 04 K 36 ( #2 t 94 ( #1 t 89 } t R s .";
    imp_import_report r;
    scratch *s = *state;
    import(s, write_stream(s, "shared.pth", shared, "80 02 ] U 01 30 a .", "f56"), NULL, &r);
    imp_network *n = open_out(s);
    check_values(n->nodes, ROWS, (const size_t[]){0, 54});
    assert_int_equal(r.input, IMP_INPUT_CAFFE); /* by its names */
    imp_network_close(n);
}

static const char *write_torch_zip(scratch *s, const char *name, const char *dict,
                                   const char *order, const char *kinds, bool packed) {
    bytes all[10] = {0};
    part parts[10] = {{"net/data.pkl", &all[0]}, {"net/byteorder", &all[1]}};
    static const char *const names[] = {"net/data/0", "net/data/1", "net/data/2", "net/data/3",
                                        "net/data/4", "net/data/5", "net/data/6", "net/data/7"};
    size_t count = 2, first = 0, size;
    char kind;
    for (size_t i = 0; i < 2; i++)
        bytes_begin(&all[i]);
    put_pickle(all[0].f, dict);
    fputs(order, all[1].f);
    for (int n; sscanf(kinds, " %c%zu%n", &kind, &size, &n) == 2; kinds += n, first += size) {
        parts[count] = (part){names[count - 2], &all[count]};
        bytes_begin(&all[count]);
        put_numbers(all[count++].f, kind, first, size);
    }
    for (size_t i = 0; i < count; i++)
        bytes_end(&all[i]);
    write_zip(s, name, parts, count, packed);
    for (size_t i = 0; i < count; i++)
        free(all[i].p);
    return s->path;
}

static void test_zip(void **state) {
    for (int packed = 0; packed < 2; packed++)
        check_small(*state, write_torch_zip(*state, "new.pt", plain, "little", STORAGES, packed),
                    ROWS, IMP_INPUT_TORCHVISION, "PyTorch, zip format");
    static const char dict[] = "80 02 } ( " NETWORK(
        TENSOR(STORAGE("Half", "0", "54"), "0", SIDES("2", "3"), "#27 #9 #3 #1"),
        TENSOR(STORAGE("Double", "1", "2"), "0", "#2", "#1")) "u .";
    check_small(*state,
                write_torch_zip(*state, "mixed.pt", dict, "little", "h54 d2 f36 f2 f18 f1", true),
                ROWS, IMP_INPUT_TORCHVISION, "PyTorch, zip format");
}

/* Channels-last filters are in Keras' order, except that the outputs come first. */
static void test_strides(void **state) {
    scratch *s = *state;
    static const char dict[] = "80 02 } 'conv1_1.weight' " TENSOR(
        STORAGE("BFloat16", "0", "60"), "4", SIDES("2", "3"), "#27 #1 #9 #3") "s .";
    import(s, write_torch_zip(s, "last.pt", dict, "little", "b60", false), NULL, NULL);
    imp_network *n = open_out(s);
    for (size_t i = 0; i < 54; i++) {
        const size_t o = i / 27, c = i / 9 % 3, yx = i % 9;
        assert_true(n->nodes[0].weights[i] == (float)(4 + 27 * o + 3 * yx + c) / 8);
    }
    assert_null(n->nodes[0].bias);
    imp_network_close(n);
}

#define ONE(key) TENSOR(STORAGE("Float", key, "1"), "0", "#1", "#1")

/* Batch normalisation of a layer with one channel, then a layer without it. */
static const char normalised[] =
    "80 02 } ( "
    /* clang-format off */
    "'features.0.weight' " TENSOR(STORAGE("Float", "0", "27"), "0", SIDES("1", "3"), "#27 #9 #3 #1")
    "'features.0.bias' " ONE("1")
    "'features.1.weight' " ONE("2")
    "'features.1.bias' " ONE("3")
    "'features.1.running_mean' " ONE("4")
    "'features.1.running_var' " ONE("5")
    "'features.3.weight' " TENSOR(STORAGE("Float", "6", "9"), "0", SIDES("1", "1"), "#9 #9 #3 #1")
    /* clang-format on */
    "u .";

static void test_folding(void **state) {
    scratch *s = *state;
    imp_import_report r;
    import(s, write_torch_zip(s, "bn.pt", normalised, "little", "f27 f1 f1 f1 f1 f1 f9", false),
           NULL, &r);
    assert_true(r.folded);
    assert_string_equal(r.deepest, "conv1_2");
    imp_network *n = open_out(s);
    const double by = 28 / 8.0 / sqrt(31 / 8.0 + 1e-5);
    for (size_t i = 0; i < 27; i++)
        assert_true(n->nodes[0].weights[i] == (float)((double)i / 8 * by));
    assert_true(n->nodes[0].bias[0] == (float)((27 / 8.0 - 30 / 8.0) * by + 29 / 8.0));
    imp_network_close(n);
}

/* ---- Caffe and Keras ------------------------------------------------------------------------- */

static const char *write_message(scratch *s, const char *words) {
    bytes b;
    bytes_begin(&b);
    put_message(b.f, words);
    bytes_end(&b);
    const char *path = scratch_write(s, "net.caffemodel", b.p, b.size);
    free(b.p);
    return path;
}

/* The numbers of each blob begin at 0 here. */
static void test_caffe(void **state) {
    static const char *const files[] = {
        /* layer, with shapes; the name after the blobs; unknown fields */
        "1'VGG' 2=3 100{2'Input' 1'data' 3'x'} 100{1'conv1_1' 7{7{1[2 3 3 3]} 5f54} 7{5f2 7{1=2}}} "
        "100{7{7{1[2 2 3 3] 9=1} 8d36} 7{7{1[2]} 5f2} 1'conv1_2' 8{1=1}} 100{1'fc6' "
        "7{7{1[1 1]} 5f1}} x1dx00x00x00x00 x19x00x00x00x00x00x00x00x00",
        /* layers, with num, channels, height, width */
        "2{4'conv1_1' 6{1=2 2=3 3=3 4=3 5f54} 6{1=1 2=1 3=1 4=2 5f2}} "
        "2{4'conv1_2' 6{1=2 2=2 3=3 4=3 5f36} 6{1=1 2=1 3=1 4=2 5f2} 5=4} 2{4'relu' 5=18}",
    };
    scratch *s = *state;
    for (size_t i = 0; i < 2; i++) {
        imp_import_report r;
        import(s, write_message(s, files[i]), NULL, &r);
        assert_string_equal(r.format, "Caffe");
        assert_int_equal(r.input, IMP_INPUT_CAFFE);
        assert_int_equal(r.skipped, i == 0);
        imp_network *n = open_out(s);
        assert_int_equal(n->info.layers, 2);
        for (size_t k = 0; k < 2; k++)
            check_values(&n->nodes[k], ROWS, (const size_t[]){0, 0});
        imp_network_close(n);
    }
}

#define KERAS_SETS(a, b, c, k, d)                                                                  \
    a k " 3,3,3,2 f;" a d " 2 f;" b k " 3,3,2,2 d;" b d " 2 F;" c k " 3,3,2,1 h;" c d " 1 f"

static void test_keras(void **state) {
    static const char *const files[] = {
        "block1_conv1/block1_conv1_W_1:0 3,3,3,2 f;block1_conv1/block1_conv1_b_1:0 2 f;"
        "block1_conv2/block1_conv2_W_1:0 3,3,2,2 f;block1_conv2/block1_conv2_b_1:0 2 f;"
        "block2_conv1/block2_conv1_W_1:0 3,3,2,1 f;block2_conv1/block2_conv1_b_1:0 1 f;"
        "fc1/fc1_W_1:0 4,4 f",
        KERAS_SETS("block1_conv1/block1_conv1/", "block1_conv2/block1_conv2/",
                   "block2_conv1/block2_conv1/", "kernel:0", "bias:0"),
        KERAS_SETS("model_weights/block1_conv1/block1_conv1/",
                   "model_weights/block1_conv2/block1_conv2/",
                   "model_weights/block2_conv1/block2_conv1/", "kernel",
                   "bias") ";optimizer_weights/adam/kernel:0 3,3 f",
        KERAS_SETS("layers/conv2d_4/vars/", "layers/conv2d_5/vars/", "layers/conv2d_11/vars/", "0",
                   "1") ";layers/conv2d_4/vars =block1_conv1;layers/conv2d_5/vars =block1_conv2;"
                        "layers/conv2d_11/vars =block2_conv1;layers/dense/vars/0 2,2 f",
        KERAS_SETS("layers/conv2d/vars/", "layers/conv2d_1/vars/", "layers/conv2d_10/vars/", "0",
                   "1"),
    };
    scratch *s = *state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        check_small(s, write_hdf5(s, "net.h5", files[i]), KERAS, IMP_INPUT_CAFFE, "Keras HDF5");
    for (int packed = 0; packed < 2; packed++) {
        bytes h5 = {0};
        h5.p = (char *)scratch_read(s, "net.h5", &h5.size);
        const part parts[] = {{"model.weights.h5", &h5}};
        check_small(s, write_zip(s, "net.keras", parts, 1, packed), KERAS, IMP_INPUT_CAFFE,
                    "Keras HDF5");
        free(h5.p);
    }
}

/* Layers named by numbers only: blocks of 2, 2, n, n, n. */
static void test_order(void **state) {
    static const struct {
        const char *widths, *deepest, *name;
    } files[] = {{"2 2 3 3 4 4 4 4 5 5 5 5 5 5", "conv5_2", "VGG-19 (Caffe)"},
                 {"2 2 3 3 4 4 4 5 5 5 5", "conv5_1", "VGG-16 (Caffe)"},
                 {"1 1 1 1 1 1 1 1 1 1 1 1 1", "conv5_3", "VGG-16 (Caffe)"},
                 {"1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "conv5_4", "VGG-19 (Caffe)"},
                 {"2 2 3 3 4", "conv3_1", "VGG (Caffe)"},
                 {"2", "conv1_1", "VGG (Caffe)"}};
    scratch *s = *state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char sets[2048] = "";
        size_t used = 0, in = 3, out;
        const char *at = files[i].widths;
        for (int n, k = 0; sscanf(at, " %zu%n", &out, &n) == 1; at += n, in = out, k++)
            used += (size_t)snprintf(sets + used, sizeof sets - used,
                                     "layers/conv2d_%d/vars/0 3,3,%zu,%zu f;", k + 1, in, out);
        imp_import_report r;
        import(s, write_hdf5(s, "order.h5", sets), NULL, &r);
        assert_string_equal(r.deepest, files[i].deepest);
        assert_string_equal(r.name, files[i].name);
    }
}

/* ---- Safetensors, and what is said about the input ------------------------------------------- */

static const char *write_safetensors(scratch *s, const char *name, const char *header,
                                     size_t numbers) {
    bytes b;
    bytes_begin(&b);
    for (size_t i = 0; i < 8; i++)
        putc((int)(strlen(header) >> 8 * i & 0xFF), b.f);
    fputs(header, b.f);
    put_numbers(b.f, 'f', 0, numbers);
    bytes_end(&b);
    const char *path = scratch_write(s, name, b.p, b.size);
    free(b.p);
    return path;
}

#define ENTRY(name, shape, begin, end)                                                             \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" begin "," end "]}"

/* clang-format off */
static const char timm[] =
    "{" ENTRY("features.0.weight", "1,3,3,3", "0", "108")
    "," ENTRY("features.0.bias", "1", "108", "112")
    "," ENTRY("pre_logits.fc1.weight", "1,1,7,7", "112", "308")
    "," ENTRY("head.fc.bias", "1", "308", "312") "}";
/* clang-format on */

static void test_input(void **state) {
    static const struct {
        const char *name;
        imp_input asked, got;
        bool guessed;
    } cases[] = {
        {"timm.safetensors", IMP_INPUT_AUTO, IMP_INPUT_TORCHVISION, true},
        {"timm.safetensors", IMP_INPUT_CAFFE, IMP_INPUT_CAFFE, false},
        {"vgg19-d01eb7cb.safetensors", IMP_INPUT_AUTO, IMP_INPUT_CAFFE, false},
        {"vgg19-d01eb7cb.safetensors", IMP_INPUT_TORCHVISION, IMP_INPUT_TORCHVISION, false},
        {"vgg19-dcbb9e9d.safetensors", IMP_INPUT_AUTO, IMP_INPUT_TORCHVISION, false},
    };
    scratch *s = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        imp_import_report r;
        const imp_import_options options = {.input = cases[i].asked, .licence = "CC0 \xff"};
        import(s, write_safetensors(s, cases[i].name, timm, 78), &options, &r);
        assert_int_equal(r.skipped, 2);
        assert_int_equal(r.input, cases[i].got);
        assert_int_equal(r.guessed, cases[i].guessed);
        imp_network *n = open_out(s);
        assert_int_equal(n->info.bgr, cases[i].got == IMP_INPUT_CAFFE);
        assert_string_equal(n->info.licence, "CC0 ?");
        imp_network_close(n);
    }
}

/* clang-format off */
static const char own[] =
    "{\"__metadata__\":{\"format\":\"impasto-network-1\",\"input\":\"BGR\",\"range\":\"1\","
    "\"mean\":\"1,2,3\",\"std\":\"4,5,6\",\"padding\":\"reflect\",\"name\":\"Mine\"}"
    "," ENTRY("conv0.weight", "3,3,1,1", "0", "36")
    "," ENTRY("conv1_1.weight", "1,3,3,3", "36", "144")
    "," ENTRY("conv1_1.metric", "1,1", "144", "148")
    "," ENTRY("conv1_1_aux.weight", "1", "148", "152")
    "," ENTRY("conv1_2.reduce", "2,1,3,3", "152", "224")
    "," ENTRY("conv1_2.weight", "1,2,1,1", "224", "232") "}";
/* clang-format on */

/* A file of our own keeps its metadata; stored as half, it keeps what fp16 can represent. */
static void test_own(void **state) {
    scratch *s = *state;
    for (int half = 0; half < 2; half++) {
        imp_import_report r;
        const imp_import_options options = {.half = half, .provenance = "here"};
        import(s, write_safetensors(s, "own.safetensors", own, 58), &options, &r);
        assert_true(r.input == IMP_INPUT_AUTO && !r.guessed);
        assert_string_equal(r.name, "Mine");
        imp_network *n = open_out(s);
        assert_string_equal(n->info.padding, "reflect");
        assert_string_equal(n->info.name, "Mine");
        assert_string_equal(n->info.provenance, "here");
        assert_true(n->info.bgr && n->info.range == 1 && n->info.mean[1] == 2);
        assert_true(n->info.deviation[2] == 6 && n->nodes[0].weights[8] == 1);
        assert_true(n->nodes[1].weights[26] == 35.0F / 8 && n->nodes[1].metric[0] == 36.0F / 8);
        assert_true(n->nodes[2].weights[17] == 55.0F / 8 && n->nodes[3].weights[1] == 57.0F / 8);
        assert_int_equal(r.parameters, 9 + 27 + 18 + 2);
        imp_network_close(n);
        size_t size;
        free(scratch_read(s, "out.safetensors", &size));
        assert_true(half ? size % 8 == 2 : size % 8 == 4); /* 57 numbers after a padded header */
    }
}

/* Every fp16 converts to fp32 and back, and numbers between two round to the nearest. */
static void test_half(void **state) {
    (void)state;
    for (unsigned bits = 0; bits < 0x7C00; bits++) {
        float value, next;
        const unsigned char b[] = {(unsigned char)bits, (unsigned char)(bits >> 8)};
        const unsigned char c[] = {(unsigned char)(bits + 1), (unsigned char)((bits + 1) >> 8)};
        imp_dtype_read(&value, IMP_DTYPE_F16, b, 1);
        imp_dtype_read(&next, IMP_DTYPE_F16, c, 1);
        assert_int_equal(imp_half_from(value), bits);
        assert_int_equal(imp_half_from(-value), bits | 0x8000);
        if (bits == 0x7BFF)
            next = 65536;
        const float middle = (value + next) / 2;
        assert_int_equal(imp_half_from(middle), bits + (bits & 1));
        assert_int_equal(imp_half_from(nextafterf(middle, 0)), bits);
        assert_int_equal(imp_half_from(nextafterf(middle, 1e9F)), bits + 1);
    }
    assert_int_equal(imp_half_from(1e30F), 0x7C00);
    assert_int_equal(imp_half_from(NAN) & 0x7E00, 0x7E00);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream),  cmocka_unit_test(test_pickles),
        cmocka_unit_test(test_zip),     cmocka_unit_test(test_strides),
        cmocka_unit_test(test_folding), cmocka_unit_test(test_caffe),
        cmocka_unit_test(test_keras),   cmocka_unit_test(test_order),
        cmocka_unit_test(test_input),   cmocka_unit_test(test_own),
        cmocka_unit_test(test_half),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
