/* SPDX-License-Identifier: MIT
 *
 * Networks from safetensors files: valid ones, and one line of error for each invalid one.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "scratch.h"
#include "weights/builtin.h"
#include "weights/network.h"
#include "weights/safetensors.h"

/* ---- Files made here ------------------------------------------------------------------------- */

/* Headers in short: metadata as "key=value key=value", tensors as "name type shape begin end",
 * separated by commas; or, beginning with a quotation mark, tensors as JSON. */
static const char plain[] =
    "format=impasto-network-1 input=RGB range=1 mean=0,0,0 std=1,1,1 padding=zero";
#define CONV1_1 "conv1_1.weight F32 2,3,3,3 0 216; conv1_1.bias F32 2 216 224"

typedef struct file {
    unsigned char *bytes; /* the caller frees */
    size_t size, data;    /* data: position of the tensors' bytes */
} file;

static void put_float(unsigned char *at, float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(bits >> 8 * i);
}

static void write_metadata(FILE *out, const char *meta) {
    char key[32], value[512];
    fprintf(out, "\"__metadata__\":{");
    for (int n, first = 1; sscanf(meta, " %31[^=]=%511s%n", key, value, &n) == 2; meta += n) {
        fprintf(out, "%s\"%s\":\"%s\"", first ? "" : ",", key, value);
        first = 0;
    }
    fprintf(out, "}");
}

static void write_tensors(FILE *out, const char *tensors, const char *comma) {
    char name[64], type[16], shape[64], begin[32], end[32];
    int n;
    while (sscanf(tensors, " %63s %15s %63s %31s %31[^;]%n", name, type, shape, begin, end, &n) ==
           5) {
        fprintf(out, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%s,%s]}", comma,
                name, type, strcmp(shape, "none") == 0 ? "" : shape, begin, end);
        comma = ",";
        tensors += n + (tensors[n] == ';');
    }
}

/* data: bytes of floats 0, 1/8, 2/8 ... meta may be NULL. */
static file make_file(const char *meta, const char *tensors, size_t data) {
    char *header;
    size_t length;
    FILE *out = open_memstream(&header, &length);
    const char *comma = meta && *tensors ? "," : "";
    assert_non_null(out);
    fprintf(out, "{");
    if (meta)
        write_metadata(out, meta);
    if (*tensors == '"')
        fprintf(out, "%s%s", comma, tensors);
    else
        write_tensors(out, tensors, comma);
    fprintf(out, "}");
    fclose(out);
    file f = {.bytes = calloc(8 + length + data, 1), .size = 8 + length + data, .data = 8 + length};
    assert_non_null(f.bytes);
    for (int i = 0; i < 8; i++)
        f.bytes[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(f.bytes + 8, header, length);
    for (size_t i = 0; i < data / 4; i++)
        put_float(f.bytes + f.data + 4 * i, (float)i / 8);
    free(header);
    return f;
}

static imp_network *open_network(file f) {
    imp_error err = {0};
    imp_network *n;
    imp_network_parse(&n, f.bytes, f.size, "folder/made.safetensors", &err);
    assert_string_equal(err.text, "");
    free(f.bytes);
    return n;
}

static void refuses_file(file f, imp_status wanted, const char *what) {
    imp_error err = {0};
    imp_network *n = NULL;
    const imp_status status = imp_network_parse(&n, f.bytes, f.size, "bad.safetensors", &err);
    assert_error(&err, status, wanted, "network 'bad.safetensors'", what);
    assert_null(n);
    free(f.bytes);
}

/* ---- Good files ------------------------------------------------------------------------------ */

static void test_small(void **state) {
    (void)state;
    imp_network *n = open_network(make_file(plain, CONV1_1, 224));
    const imp_node *node = imp_network_find(n, "relu1_1");
    assert_int_equal(n->count, 1);
    assert_ptr_equal(node, n->nodes);
    assert_int_equal(node->kind, IMP_NODE_CONV);
    assert_true(node->input == SIZE_MAX && node->metric == NULL);
    const imp_conv *c = &node->conv;
    assert_true(c->in == 3 && c->out == 2 && c->kernel == 3 && c->stride == 1 && c->relu);
    assert_true(c->before == 1 && c->after == 1 && c->padding == IMP_PAD_ZERO);
    for (size_t i = 0; i < 54; i++)
        assert_true(node->weights[i] == (float)i / 8);
    assert_true(node->bias[0] == 54.0F / 8 && node->bias[1] == 55.0F / 8);
    assert_null(imp_network_find(n, "conv1_1"));
    imp_network_close(n);
    imp_network_close(NULL);
}

/* conv0, two and a half blocks, a metric, some layers without bias, _aux of any type, and tensors
 * in another order than the layers. */
static file make_deep(void) {
    return make_file("format=impasto-network-1 input=BGR range=255 std=1,2,0.5 padding=reflect "
                     "mean=103.939,116.779,-123.68e0 name=Deep licence=CC0 more=?",
                     "conv2_1.weight F32 1,2,3,3 0 72; conv0.weight F32 3,3,1,1 72 108;"
                     "conv0.bias F32 3 108 120; conv1_1.weight F32 1,3,3,3 120 228;"
                     "conv1_2.weight F32 2,1,3,3 228 300; conv1_2.bias F32 2 300 308;"
                     "conv1_2.metric F32 2,2 308 324; conv1_2_aux.weight I64 1 324 332;"
                     "anything_aux.is BOOL 0 332 332; conv3_1.weight F32 4,1,3,3 332 476",
                     476);
}

static void check_deep_nodes(const imp_network *n) {
    static const char *const names[] = {"conv0",   "relu1_1", "relu1_2", "pool1",
                                        "relu2_1", "pool2",   "relu3_1"};
    static const size_t out[] = {3, 1, 2, 0, 1, 0, 4}, first[] = {18, 30, 57, 0, 0, 0, 83};
    assert_int_equal(n->count, 7);
    size_t in = 3;
    for (size_t i = 0; i < 7; i++) {
        const imp_node *node = &n->nodes[i];
        assert_string_equal(node->name, names[i]);
        assert_int_equal(node->input, i ? i - 1 : SIZE_MAX);
        assert_int_equal(node->kind, out[i] ? IMP_NODE_CONV : IMP_NODE_POOL);
        if (node->kind == IMP_NODE_POOL)
            continue;
        assert_true(node->conv.in == in && node->conv.out == out[i]);
        assert_int_equal(node->conv.kernel, i ? 3 : 1);
        assert_int_equal(node->conv.before, i ? 1 : 0);
        assert_int_equal(node->conv.relu, i > 0);
        assert_int_equal(node->conv.padding, IMP_PAD_REFLECT);
        assert_true(node->weights[1] == (float)(first[i] + 1) / 8);
        in = out[i];
    }
    assert_true(n->nodes[0].bias[2] == 29.0F / 8 && n->nodes[2].bias[1] == 76.0F / 8);
    assert_true(!n->nodes[1].bias && !n->nodes[4].bias && !n->nodes[0].metric);
    assert_true(n->nodes[2].metric[3] == 2);
}

static void check_deep_info(const imp_network *n, const char *sha256) {
    imp_network_info info;
    imp_network_describe(n, &info);
    assert_string_equal(info.name, "Deep");
    assert_string_equal(info.source, "folder/made.safetensors");
    assert_string_equal(info.licence, "CC0");
    assert_string_equal(info.provenance, "unknown");
    assert_string_equal(info.padding, "reflect");
    assert_string_equal(info.sha256, sha256);
    assert_true(info.bgr && info.range == 255);
    assert_true(info.mean[0] == 103.939F && info.mean[1] == 116.779F && info.mean[2] == -123.68F);
    assert_true(info.deviation[1] == 2 && info.deviation[2] == 0.5F);
    assert_int_equal(info.layers, 5);
    assert_int_equal(info.parameters, 9 + 3 + 27 + 18 + 2 + 18 + 36);
    static const char *const layers[] = {"conv0", "conv1_1", "conv1_2", "conv2_1", "conv3_1"};
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(imp_network_layer_at(n, i).name, layers[i]);
    const imp_network_layer last = imp_network_layer_at(n, 4);
    assert_true(last.in == 1 && last.out == 4 && last.kernel == 3);
}

static void test_deep(void **state) {
    (void)state;
    char sha256[65];
    file f = make_deep();
    for (size_t i = 0; i < 4; i++) /* the metric: 1, 0; 0, 2 */
        put_float(f.bytes + f.data + 308 + 4 * i, i == 0 ? 1 : i == 3 ? 2 : 0);
    assert_true(imp_bytes_sha256(sha256, f.bytes, f.size));
    imp_network *n = open_network(f);
    check_deep_nodes(n);
    check_deep_info(n, sha256);
    imp_network_close(n);
}

/* A layer in two steps: 3 x 3 to one channel, 1 x 1 from there to two. */
static void test_two_steps(void **state) {
    (void)state;
    imp_network *n =
        open_network(make_file(plain,
                               CONV1_1 "; conv1_2.reduce F32 1,2,3,3 224 296;"
                                       "conv1_2.weight F32 2,1,1,1 296 304; conv1_2.bias F32 2 304 "
                                       "312; conv1_3.weight F32 1,2,3,3 312 384",
                               384));
    assert_int_equal(n->count, 4);
    const imp_node *reduce = &n->nodes[1], *expand = &n->nodes[2];
    assert_string_equal(reduce->name, "reduce1_2");
    assert_string_equal(expand->name, "relu1_2");
    assert_true(reduce->conv.in == 2 && reduce->conv.out == 1 && reduce->conv.kernel == 3);
    assert_true(reduce->conv.before == 1 && !reduce->conv.relu && !reduce->bias);
    assert_true(expand->conv.in == 1 && expand->conv.out == 2 && expand->conv.kernel == 1);
    assert_true(expand->conv.before == 0 && expand->conv.after == 0 && expand->conv.relu);
    assert_true(expand->input == 1 && n->nodes[3].conv.in == 2);
    assert_true(reduce->weights[0] == 56.0F / 8 && reduce->weights[17] == 73.0F / 8);
    assert_true(expand->weights[1] == 75.0F / 8 && expand->bias[1] == 77.0F / 8);
    imp_network_info info;
    imp_network_describe(n, &info);
    assert_true(info.layers == 4 && info.parameters == 56 + 18 + 2 + 2 + 18);
    assert_string_equal(imp_network_layer_at(n, 1).name, "conv1_2.reduce");
    assert_string_equal(imp_network_layer_at(n, 2).name, "conv1_2");
    imp_network_close(n);
}

/* 16-bit types, with the ends of their ranges. */
static void test_half(void **state) {
    static const struct {
        uint16_t bits;
        float half, brain;
    } values[] = {{0x0000, 0, 0},
                  {0x8000, -0.0F, -0.0F},
                  {0x0001, 0x1p-24F, 0x1p-133F},
                  {0x83FF, -0x1.ff8p-15F, -0x1.fep-120F},
                  {0x0400, 0x1p-14F, 0x1p-119F},
                  {0x3C00, 1, 0x1p-7F},
                  {0x3F80, 1.875F, 1},
                  {0xC248, -3.140625F, -50},
                  {0x7BFF, 65504, 0x1.fep+120F}};
    (void)state;
    for (int brain = 0; brain < 2; brain++) {
        file f = make_file(
            plain, brain ? "conv1_1.weight BF16 1,3,3,3 0 54" : "conv1_1.weight F16 1,3,3,3 0 54",
            54);
        for (size_t i = 0; i < 27; i++) {
            const uint16_t bits = i < 9 ? values[i].bits : 0;
            f.bytes[f.data + 2 * i] = (unsigned char)bits;
            f.bytes[f.data + 2 * i + 1] = (unsigned char)(bits >> 8);
        }
        imp_network *n = open_network(f);
        for (size_t i = 0; i < 9; i++) {
            const float wanted = brain ? values[i].brain : values[i].half;
            if (n->nodes[0].weights[i] != wanted)
                fail_msg("%04x as %s: got %a, wanted %a", values[i].bits, brain ? "BF16" : "F16",
                         (double)n->nodes[0].weights[i], (double)wanted);
        }
        imp_network_close(n);
    }
}

/* ---- Bad files ------------------------------------------------------------------------------- */

typedef struct bad_file {
    const char *tensors;
    size_t data;
    const char *what;
} bad_file;

/* Faults of the header's text. */
static const bad_file bad_text[] = {
    {"\"a\":1,", 0, "header is damaged"},
    {"\"a\":1} {", 0, "header is damaged"},
    {"\"a\":\"\xff\xfe\"", 0, "header is damaged"},
    {"\"\\u0000\":1", 0, "header is damaged"},
    {"\"a\":99999999999999999999", 0, "header is damaged"},
    {"\"a\":1,\"a\":1", 0, "duplicate"},
    {"\"__metadata__\":[]", 0, "metadata is not a JSON object"},
    {"\"__metadata__\":{\"range\":255}", 0, "'range' is not a string"},
    {"\"\\u001b[2J\\n\":7", 0, "tensor  [2J : it has no dtype"},
    {"\"a\":7", 0, "tensor a: it has no dtype"},
    {"\"a\":{\"dtype\":32}", 0, "tensor a: it has no dtype"},
    {"\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}", 4, "tensor a: it has no shape"},
    {"\"a\":{\"dtype\":\"F32\",\"shape\":[1]}", 4, "data_offsets"},
    {"\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}", 4, "data_offsets"},
    {"\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}", 4, "data_offsets"},
    {"\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,\"4\"]}", 4, "data_offsets"},
};

/* Faults of single tensors, and of several together. */
static const bad_file bad_tensors[] = {
    {"conv1_1.weight F32 2,3,-3,3 0 216", 216, "side of its shape"},
    {"conv1_1.weight F32 2,3,3.0,3 0 216", 216, "side of its shape"},
    {"conv1_1.weight F32 2,\"3\" 0 24", 24, "side of its shape"},
    {"conv1_1.weight F32 4294967296,4294967296 0 216", 216, "shape is too large"},
    {"conv1_1.weight F32 4611686018427387904 0 0", 0, "disagree"},
    {"conv1_1.weight F32 2,3,3,3 -4 212", 216, "data_offsets"},
    {"conv1_1.weight F32 2,3,3,3 216 0", 216, "before it begins"},
    {"conv1_1.weight F32 2,3,3,3 0 216", 215, "cut off"},
    {"conv1_1.weight F32 2,3,3,3 9223372036854775591 9223372036854775807", 216, "cut off"},
    {"conv1_1.weight F32 2,3,3,3 0 212", 216, "disagree"},
    {"conv1_1.weight F16 2,3,3,3 0 216", 216, "disagree"},
    {"conv1_1.weight F32 2,3,3,3 0 216; conv1_1.bias F32 2 212 220", 220, "overlaps"},
    {"conv1_1.weight F32 2,3,3,3 0 216; conv1_1.bias F32 2 220 228", 228, "gap before it"},
    {"conv1_1.weight F32 2,3,3,3 8 224", 224, "gap before it"},
    {CONV1_1, 228, "4 bytes after its last tensor"},
};

/* Faults of layers: missing ones, and wrong shapes. */
static const bad_file bad_layers[] = {
    {"", 0, "conv1_1.weight is missing"},
    {"conv1_2.weight F32 2,3,3,3 0 216", 216, "conv1_1.weight is missing"},
    {"conv1_1_aux.weight F32 1 0 4", 4, "conv1_1.weight is missing"},
    {CONV1_1 "; conv1_3.bias F32 1 224 228", 228, "conv1_2.weight is missing"},
    {CONV1_1 "; conv1_2.bias F32 1 224 228", 228, "conv1_2.weight is missing"},
    {CONV1_1 "; conv3_1.weight F32 1,2,3,3 224 296", 296, "conv2_1.weight is missing"},
    {CONV1_1 "; conv2_2.weight F32 1,2,3,3 224 296", 296, "conv2_1.weight is missing"},
    {CONV1_1 "; conv0.bias F32 3 224 236", 236, "conv0.weight is missing"},
    {"conv1_1.weight F32 2,4,3,3 0 288", 288, "[2 x 4 x 3 x 3], expected [O x 3 x 3 x 3]"},
    {"conv1_1.weight F32 0,3,3,3 0 0", 0, "[0 x 3 x 3 x 3]"},
    {"conv1_1.weight F32 1,3,5,5 0 300", 300, "[1 x 3 x 5 x 5]"},
    {"conv1_1.weight F32 2,27 0 216", 216, "[2 x 27]"},
    {"conv1_1.weight F32 none 0 4", 4, "the shape []"},
    {"conv1_1.weight F32 2,3,3,3 0 216; conv1_1.bias F32 3 216 228", 228, "[3], expected [2]"},
    {CONV1_1 "; conv1_1.metric F32 2,1 224 232", 232, "expected [2 x 2]"},
    {CONV1_1 "; conv1_1.metric F32 2,2 224 240", 240, "relu1_1 is not symmetric at [1, 0]"},
    {CONV1_1 "; conv1_2.weight F32 1,3,3,3 224 332", 332, "expected [O x 2 x 3 x 3]"},
    {CONV1_1 "; conv0.weight F32 4,3,1,1 224 272", 272, "expected [O x 4 x 3 x 3]"},
    {CONV1_1 "; conv0.weight F32 1,3,3,3 224 332", 332, "expected [O x 3 x 1 x 1]"},
    {"conv1_1.reduce F32 2,3,3,3 0 216", 216, "conv1_1.weight is missing"},
    {"conv1_1.reduce F32 2,3,1,1 0 24; conv1_1.weight F32 1,2,1,1 24 32", 32, "[O x 3 x 3 x 3]"},
    {"conv1_1.reduce F32 1,3,3,3 0 108; conv1_1.weight F32 1,3,3,3 108 216", 216, "O x 1 x 1 x 1"},
};

/* Well-formed files of unknown kinds. */
static const bad_file unknown[] = {
    {"conv1_1.weight F31 2,3,3,3 0 216", 216, "the unknown type F31"},
    {"conv1_1.weight F64 1,3,3,3 0 216", 216, "convert it to F32"},
    {"conv1_1.weight F32 1,1,1,1,1,1,1,1,1 0 4", 4, "9 dimensions"},
    {"features.0.weight F32 2,3,3,3 0 216", 216, "'features.0.weight' belongs to no layer"},
    {CONV1_1 "; conv1_1.wieght F32 1 224 228", 228, "'conv1_1.wieght' belongs to no layer"},
    {CONV1_1 "; conv01_1.bias F32 1 224 228", 228, "belongs to no layer"},
    {CONV1_1 "; conv1_100.bias F32 1 224 228", 228, "belongs to no layer"},
    {CONV1_1 "; conv1 F32 1 224 228", 228, "belongs to no layer"},
    {CONV1_1 "; conv1_1 F32 1 224 228", 228, "belongs to no layer"},
    {CONV1_1 "; conv0.metric F32 1 224 228", 228, "belongs to no layer"},
    {CONV1_1 "; conv0.reduce F32 1 224 228", 228, "belongs to no layer"},
};

static void refuses_all(const bad_file *all, size_t count, const char *meta, imp_status wanted) {
    for (size_t i = 0; i < count; i++)
        refuses_file(make_file(meta, all[i].tensors, all[i].data), wanted, all[i].what);
}

#define REFUSES_ALL(table, meta, wanted)                                                           \
    refuses_all(table, sizeof(table) / sizeof *(table), meta, wanted)

static void test_bad_tensors(void **state) {
    (void)state;
    REFUSES_ALL(bad_text, NULL, IMP_ERR_FORMAT);
    REFUSES_ALL(bad_tensors, plain, IMP_ERR_FORMAT);
    REFUSES_ALL(bad_layers, plain, IMP_ERR_FORMAT);
    REFUSES_ALL(unknown, plain, IMP_ERR_UNSUPPORTED);
}

static void test_bad_metadata(void **state) {
    static const struct {
        const char *meta, *what;
    } bad[] = {
        {NULL, "'format' is missing: add it with tools/annotate-network"},
        {"", "'format' is missing"},
        {"format=impasto-network-2", "'format' is 'impasto-network-2'"},
        {"format=impasto-network-1", "'input' is missing"},
        {"format=impasto-network-1 input=GBR", "'input' is 'GBR': make it RGB or BGR"},
        {"format=impasto-network-1 input=RGB", "'range' is missing"},
        {"format=impasto-network-1 input=RGB range=256", "make it 1 or 255"},
        {"format=impasto-network-1 input=RGB range=1", "'padding' is missing"},
        {"format=impasto-network-1 input=RGB range=1 padding=same", "zero, reflect or replicate"},
    };
    static const char *const triples[] = {"1,2",           "1,2,x",     "1,2,3,4",
                                          "1,2,\\\"3\\\"", "1,2,[3]",   "",
                                          "1,2,3],[1,2,3", "1,2,1e300", "1,2,1e999"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuses_file(make_file(bad[i].meta, CONV1_1, 224), IMP_ERR_FORMAT, bad[i].what);
    char meta[512];
    for (size_t i = 0; i < sizeof triples / sizeof *triples; i++) {
        const char *value = triples[i], *what = *value ? "three numbers" : "'mean' is missing";
        snprintf(meta, sizeof meta, "format=impasto-network-1 input=RGB range=1 padding=zero %s%s",
                 *value ? "mean=" : "", value);
        refuses_file(make_file(meta, CONV1_1, 224), IMP_ERR_FORMAT, what);
    }
    static const char *const divisors[] = {"1,0,1", "1,-2,1", "1e-45,1,1"};
    for (size_t i = 0; i < sizeof divisors / sizeof *divisors; i++) {
        snprintf(meta, sizeof meta,
                 "format=impasto-network-1 input=RGB range=1 padding=zero mean=0,0,0 std=%s",
                 divisors[i]);
        refuses_file(make_file(meta, CONV1_1, 224), IMP_ERR_FORMAT, "three positive numbers");
    }
    snprintf(meta, sizeof meta,
             "format=impasto-network-1 input=RGB range=1 padding=zero mean=1,2,%0300d", 3);
    refuses_file(make_file(meta, CONV1_1, 224), IMP_ERR_FORMAT, "three numbers");
}

/* Faults before the header. */
static void test_no_header(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *what;
    } files[] = {{"", 0, "too short"},
                 {"\2\0\0\0\0\0\0\0{", 9, "too short"},
                 {"\3\0\0\0\0\0\0\0{}", 10, "ends within its header"},
                 {"\2\0\0\0\0\0\0\0[]", 10, "does not begin with a header"},
                 {"\2\0\0\0\0\0\0\x80{}", 10, "does not begin with a header"},
                 {"\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "does not begin with a header"},
                 {"PK\3\4 a PyTorch file", 20, "does not begin with a header"},
                 {"\0\0\0\0\0\0\0\0{}", 10, "header is damaged"},
                 {"\1\0\0\0\0\0\0\0{}", 10, "header is damaged"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        unsigned char *bytes = malloc(files[i].size + !files[i].size);
        assert_non_null(bytes);
        memcpy(bytes, files[i].bytes, files[i].size);
        refuses_file((file){.bytes = bytes, .size = files[i].size}, IMP_ERR_FORMAT, files[i].what);
    }
}

static void test_not_finite(void **state) {
    static const float values[] = {NAN, INFINITY, -INFINITY};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        file f = make_file(plain, CONV1_1, 224);
        put_float(f.bytes + f.data + 4 * 17, values[i]);
        refuses_file(f, IMP_ERR_NUMBER,
                     i ? "conv1_1.weight has an infinity at index 17" : "has NaN at index 17");
        f = make_file(plain, CONV1_1, 224);
        put_float(f.bytes + f.data + 220, values[i]);
        refuses_file(f, IMP_ERR_NUMBER, "conv1_1.bias has");
    }
    file f = make_file(plain, "conv1_1.weight F16 1,3,3,3 0 54", 54);
    f.bytes[f.data + 1] = 0x7C;
    refuses_file(f, IMP_ERR_NUMBER, "infinity at index 0");
}

/* A file that is cut off after any byte is refused. */
static void test_cut_off(void **state) {
    (void)state;
    const file whole = make_file(plain, CONV1_1, 224);
    for (size_t n = 0; n < whole.size; n++) {
        file f = {.bytes = malloc(n + !n), .size = n};
        assert_non_null(f.bytes);
        memcpy(f.bytes, whole.bytes, n);
        refuses_file(f, IMP_ERR_FORMAT, ": ");
    }
    free(whole.bytes);
}

/* ---- Files on disk --------------------------------------------------------------------------- */

static void test_files(void **state) {
    scratch *s = *state;
    imp_error err = {0};
    imp_network *n;
    assert_error(&err, imp_network_open(&n, "no/such.safetensors", &err), IMP_ERR_IO,
                 "network 'no/such.safetensors'", "check the path");
    assert_error(&err, imp_network_open(&n, s->folder, &err), IMP_ERR_IO, s->folder, "a folder");
    const char *path = scratch_write(s, "empty.safetensors", "", 0);
    assert_error(&err, imp_network_open(&n, path, &err), IMP_ERR_FORMAT, path, "empty");
    const file f = make_file(plain, CONV1_1, 224);
    path = scratch_write(s, "good.safetensors", f.bytes, f.size);
    free(f.bytes);
    assert_int_equal(imp_network_open(&n, path, &err), IMP_OK);
    imp_network_info info;
    imp_network_describe(n, &info);
    assert_string_equal(info.name, "good.safetensors");
    assert_string_equal(info.source, path);
    char sha256[65];
    assert_int_equal(imp_file_sha256(sha256, path, &err), IMP_OK);
    assert_string_equal(info.sha256, sha256);
    imp_network_close(n);
}

/* The embedded network, or the line that says that there is none. */
static void test_builtin(void **state) {
    (void)state;
    imp_error err = {0};
    imp_network *n;
    const imp_status status = imp_network_open(&n, "builtin", &err);
    if (imp_builtin_network_size == 0) {
        assert_error(&err, status, IMP_ERR_UNSUPPORTED, "'builtin'", "--network");
        return;
    }
    assert_string_equal(err.text, "");
    imp_network_info info;
    imp_network_describe(n, &info);
    assert_string_equal(info.source, "builtin");
    for (int block = 1; block <= 5; block++)
        for (int layer = 1; layer <= (int)("22441"[block - 1] - '0'); layer++) {
            char name[32];
            snprintf(name, sizeof name, "relu%d_%d", block, layer);
            assert_non_null(imp_network_find(n, name));
        }
    assert_true(imp_builtin_network_size <= 3 << 20);
    imp_network_close(n);
}

/* ---- The script that annotates, and the networks there are ----------------------------------- */

/* Runs the script; skips the test where there is no Python. */
static void annotate(scratch *s, const char *from, const char *to, const char *options) {
    char command[1024];
    if (system("python3 -c 0") != 0)
        skip();
    snprintf(command, sizeof command, "python3 '%s/tools/annotate-network' '%s' '%s/%s' %s",
             IMP_TEST_SOURCES, from, s->folder, to, options);
    assert_int_equal(system(command), 0);
}

static void test_annotate(void **state) {
    scratch *s = *state;
    imp_error err = {0};
    imp_network *n;
    char from[192];
    const file f = make_file("source=\xc3\xbc range=1", CONV1_1, 224);
    snprintf(from, sizeof from, "%s", scratch_write(s, "bare.safetensors", f.bytes, f.size));
    free(f.bytes);
    assert_error(&err, imp_network_open(&n, from, &err), IMP_ERR_FORMAT, from, "annotate-network");
    annotate(s, from, "full.safetensors",
             "--input BGR --range 255 --mean 103.939,116.779,123.68 --padding replicate --name Me");
    imp_network_open(&n, scratch_path(s, "full.safetensors"), &err);
    assert_string_equal(err.text, "");
    imp_network_info info;
    imp_network_describe(n, &info);
    assert_true(info.bgr && info.range == 255 && info.mean[2] == 123.68F && info.deviation[2] == 1);
    assert_string_equal(info.padding, "replicate");
    assert_string_equal(info.name, "Me");
    assert_true(n->nodes[0].weights[53] == 53.0F / 8);
    imp_network_close(n);
}

/* Real networks, where the folder of third-party data exists. */
static void real_network(scratch *s, const char *name, const char *options, size_t layers,
                         size_t parameters, const char *last) {
    char from[512];
    const char *data = getenv("IMPASTO_DATA");
    snprintf(from, sizeof from, "%s/weights/%s", data ? data : IMP_TEST_SOURCES "/../shared/data",
             name);
    if (access(from, R_OK) != 0) {
        fprintf(stderr, "no %s\n", from);
        skip();
    }
    annotate(s, from, "real.safetensors", options);
    imp_error err = {0};
    imp_network *n;
    imp_network_open(&n, scratch_path(s, "real.safetensors"), &err);
    assert_string_equal(err.text, "");
    imp_network_info info;
    imp_network_describe(n, &info);
    assert_int_equal(info.layers, layers);
    assert_int_equal(info.parameters, parameters);
    assert_string_equal(n->nodes[n->count - 1].name, last);
    imp_network_close(n);
}

/* Channels 64,64 | 128,128 | 256 x 4. */
static void test_vgg19(void **state) {
    real_network(*state, "vgg19_normalised_to_conv3_4.safetensors",
                 "--input BGR --range 255 --mean 103.939,116.779,123.68", 8,
                 9 * (3 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 3 * 256 * 256) +
                     2 * 64 + 2 * 128 + 4 * 256,
                 "relu3_4");
}

/* A quarter of those channels, then 128 x 4 and one 128, after a 1 x 1 convolution. */
static void test_quarter(void **state) {
    real_network(*state, "vgg19_quarter_width_to_conv5_1.safetensors",
                 "--input RGB --range 1 --padding reflect", 14,
                 9 + 3 +
                     9 * (3 * 16 + 16 * 16 + 16 * 32 + 32 * 32 + 32 * 64 + 3 * 64 * 64 + 64 * 128 +
                          4 * 128 * 128) +
                     2 * 16 + 2 * 32 + 4 * 64 + 5 * 128,
                 "relu5_1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),       cmocka_unit_test(test_deep),
        cmocka_unit_test(test_two_steps),   cmocka_unit_test(test_half),
        cmocka_unit_test(test_bad_tensors), cmocka_unit_test(test_bad_metadata),
        cmocka_unit_test(test_no_header),   cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_cut_off),     cmocka_unit_test(test_files),
        cmocka_unit_test(test_builtin),     cmocka_unit_test(test_annotate),
        cmocka_unit_test(test_vgg19),       cmocka_unit_test(test_quarter),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
