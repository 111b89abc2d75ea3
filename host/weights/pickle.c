/* SPDX-License-Identifier: MIT
 *
 * The stack machine for pickles: see pickle.h.
 */
#include "weights/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "weights/pickle_names.h"

/* ---- The machine ----------------------------------------------------------------------------- */

/* Every instruction makes at most one value and pushes it, and every value on the stack becomes an
 * item at most once. So no array needs more entries than the pickle has bytes; only the copies of
 * make_dict are counted separately. */
typedef struct machine {
    imp_pickle *p;
    const unsigned char *bytes;
    size_t size, at, begun; /* begun: start of the current instruction */
    uint32_t values, items, copied;
    uint32_t *stack, *marks, *memo; /* memo: IMP_VALUE_END for an empty entry */
    uint32_t depth, marked, kept;
    const char *source;
    imp_error *err;
} machine;

static imp_status damaged(const machine *m, const char *what) {
    imp_fail(m->err, IMP_ERR_FORMAT,
             "weights '%s': its pickle is damaged at byte %zu: %s: fetch or save it again",
             m->source, m->begun, what);
    return IMP_ERR_FORMAT;
}

static imp_status take_bytes(machine *m, const unsigned char **out, size_t count) {
    if (count > m->size - m->at)
        return damaged(m, m->size < IMP_PICKLE_MAX ? "it is cut off" : "it does not end");
    *out = m->bytes + m->at;
    m->at += count;
    return IMP_OK;
}

/* Reads a little-endian unsigned number of at most 4 bytes, or a length that must fit. */
static imp_status take_number(machine *m, uint64_t *out, size_t bytes) {
    const unsigned char *p;
    TRY(take_bytes(m, &p, bytes));
    *out = 0;
    while (bytes-- > 0)
        *out = *out << 8 | p[bytes];
    return IMP_OK;
}

static imp_value *push(machine *m, imp_value_kind kind) {
    imp_value *const v = &m->p->values[m->values];
    *v = (imp_value){.kind = kind, .first = IMP_VALUE_END, .last = IMP_VALUE_END};
    m->stack[m->depth++] = m->values++;
    return v;
}

static imp_status push_number(machine *m, size_t bytes) {
    uint64_t number;
    TRY(take_number(m, &number, bytes));
    push(m, IMP_VALUE_WHOLE)->number = bytes == 4 ? (int32_t)number : (int64_t)number;
    return IMP_OK;
}

/* A text after its length of `bytes` bytes. */
static imp_status push_text(machine *m, size_t bytes) {
    uint64_t length;
    const unsigned char *text;
    TRY(take_number(m, &length, bytes));
    TRY(take_bytes(m, &text, (size_t)length));
    imp_value *const v = push(m, IMP_VALUE_TEXT);
    v->text = text;
    v->number = (int64_t)length;
    return IMP_OK;
}

/* Little-endian two's complement; a number that is too long stays as its bytes. */
static imp_status push_long(machine *m) {
    TRY(push_text(m, 1));
    imp_value *const v = &m->p->values[m->values - 1];
    const int64_t length = v->number;
    if (length > 8)
        return IMP_OK;
    uint64_t number = length > 0 && v->text[length - 1] & 0x80 ? UINT64_MAX : 0;
    for (int64_t i = length; i-- > 0;)
        number = number << 8 | v->text[i];
    v->kind = IMP_VALUE_WHOLE;
    v->number = (int64_t)number;
    return IMP_OK;
}

/* The lowest stack entry that the instruction may use. */
static uint32_t floor_of(const machine *m) {
    return m->marked > 0 ? m->marks[m->marked - 1] : 0;
}

static imp_status pop(machine *m, imp_value **out) {
    if (m->depth == floor_of(m))
        return damaged(m, "its stack is empty");
    *out = &m->p->values[m->stack[--m->depth]];
    return IMP_OK;
}

static imp_status pop_kind(machine *m, imp_value **out, imp_value_kind kind, const char *what) {
    TRY(pop(m, out));
    return (*out)->kind == kind ? IMP_OK : damaged(m, what);
}

/* Removes the last mark and gives the first stack entry above it. */
static imp_status pop_mark(machine *m, uint32_t *begin) {
    if (m->marked == 0)
        return damaged(m, "there is no mark");
    *begin = m->marks[--m->marked];
    return IMP_OK;
}

static void add_item(machine *m, imp_value *to, uint32_t value) {
    m->p->items[m->items] = (imp_item){value, IMP_VALUE_END};
    if (to->count++ == 0)
        to->first = m->items;
    else
        m->p->items[to->last].next = m->items;
    to->last = m->items++;
}

/* Moves the stack from `begin` on to the items of `to`. */
static void take_items(machine *m, imp_value *to, uint32_t begin) {
    for (uint32_t i = begin; i < m->depth; i++)
        add_item(m, to, m->stack[i]);
    m->depth = begin;
}

static void push_tuple(machine *m, uint32_t begin) {
    imp_value tuple = {.kind = IMP_VALUE_TUPLE, .first = IMP_VALUE_END, .last = IMP_VALUE_END};
    take_items(m, &tuple, begin);
    *push(m, IMP_VALUE_TUPLE) = tuple;
}

/* Appends the stack from `begin` on to the list or dictionary below it. */
static imp_status extend(machine *m, uint32_t begin, imp_value_kind kind) {
    if (begin <= floor_of(m) || begin > m->depth)
        return damaged(m, "its stack is empty");
    imp_value *const to = &m->p->values[m->stack[begin - 1]];
    if (to->kind != kind || (kind == IMP_VALUE_DICT && (m->depth - begin) % 2 != 0))
        return damaged(m, "it appends to a value that is no container");
    take_items(m, to, begin);
    return IMP_OK;
}

/* ---- Instructions of more than a line -------------------------------------------------------- */

static imp_status push_name(machine *m, const unsigned char *module, size_t length,
                            const unsigned char *name, size_t name_length) {
    imp_value *const v = push(m, IMP_VALUE_NAME);
    v->number = imp_pickle_name(module, length, name, name_length);
    if (v->number != IMP_PICKLE_OTHER)
        return IMP_OK;
    /* For a message, in the fields of items, which a name has none of: */
    v->text = module;
    v->first = (uint32_t)length;
    v->last = (uint32_t)name_length;
    v->count = (uint32_t)(name - m->bytes);
    return IMP_OK;
}

/* Fails because the pickle calls a name that only makes objects of classes, if at all. */
static imp_status refuse_call(const machine *m, const imp_value *name) {
    const int length = name->first < 80 ? (int)name->first : 80;
    const int name_length = name->last < 80 ? (int)name->last : 80;
    return imp_fail(m->err, IMP_ERR_UNSUPPORTED,
                    "weights '%s': it calls '%.*s.%.*s', which tensors do not need; nothing was "
                    "executed: give a file of torch.save(model.state_dict(), ...)",
                    m->source, length, (const char *)name->text, name_length,
                    (const char *)m->bytes + name->count);
}

static imp_status take_line(machine *m, const unsigned char **out, size_t *length) {
    const unsigned char *const end = memchr(m->bytes + m->at, '\n', m->size - m->at);
    if (!end)
        return damaged(m, "it is cut off");
    *out = m->bytes + m->at;
    *length = (size_t)(end - *out);
    m->at += *length + 1;
    return IMP_OK;
}

static imp_status read_name(machine *m) {
    const unsigned char *module, *name;
    size_t length, name_length;
    TRY(take_line(m, &module, &length));
    TRY(take_line(m, &name, &name_length));
    return push_name(m, module, length, name, name_length);
}

static imp_status read_stacked_name(machine *m) {
    imp_value *module, *name;
    TRY(pop_kind(m, &name, IMP_VALUE_TEXT, "a name is not a text"));
    TRY(pop_kind(m, &module, IMP_VALUE_TEXT, "a name is not a text"));
    return push_name(m, module->text, (size_t)module->number, name->text, (size_t)name->number);
}

static imp_status keep(machine *m, uint64_t at) {
    if (m->depth == floor_of(m))
        return damaged(m, "its stack is empty");
    if (at >= m->size)
        return damaged(m, "it memoizes more values than it has");
    m->memo[at] = m->stack[m->depth - 1];
    m->kept++;
    return IMP_OK;
}

static imp_status read_keep(machine *m, size_t bytes) {
    uint64_t at;
    TRY(take_number(m, &at, bytes));
    return keep(m, at);
}

static imp_status read_kept(machine *m, size_t bytes) {
    uint64_t at;
    TRY(take_number(m, &at, bytes));
    if (at >= m->size || m->memo[at] == IMP_VALUE_END)
        return damaged(m, "it recalls a value that it did not memoize");
    m->stack[m->depth++] = m->memo[at];
    return IMP_OK;
}

/* OrderedDict() and, as Python 2 wrote it, OrderedDict([[key, value], ...]). */
static imp_status make_dict(machine *m, const imp_value *args) {
    imp_value dict = {.kind = IMP_VALUE_DICT, .first = IMP_VALUE_END, .last = IMP_VALUE_END};
    const imp_value *const list = imp_pickle_item(m->p, args, 0);
    if (args->count > 1 || (list && list->kind != IMP_VALUE_LIST))
        return damaged(m, "it makes a dictionary from other values than pairs");
    for (uint32_t i = list ? list->first : IMP_VALUE_END; i != IMP_VALUE_END;
         i = m->p->items[i].next) {
        const imp_value *const pair = &m->p->values[m->p->items[i].value];
        if ((pair->kind != IMP_VALUE_LIST && pair->kind != IMP_VALUE_TUPLE) || pair->count != 2 ||
            m->copied + 2 > m->size)
            return damaged(m, "it makes a dictionary from other values than pairs");
        m->copied += 2;
        add_item(m, &dict, m->p->items[pair->first].value);
        add_item(m, &dict, m->p->items[pair->last].value);
    }
    *push(m, IMP_VALUE_DICT) = dict;
    return IMP_OK;
}

/* Pushes a value with the items of another. */
static imp_status push_like(machine *m, imp_value_kind kind, const imp_value *like) {
    imp_value *const v = push(m, kind);
    *v = *like;
    v->kind = kind;
    return IMP_OK;
}

/* Parameter(tensor, ...); Parameter() is a tensor without items until BUILD fills it. */
static imp_status push_parameter(machine *m, const imp_value *args) {
    const imp_value *const tensor = imp_pickle_item(m->p, args, 0);
    if (tensor && tensor->kind != IMP_VALUE_TENSOR)
        return damaged(m, "a parameter holds no tensor");
    return push_like(m, IMP_VALUE_TENSOR, tensor ? tensor : args);
}

/* _rebuild_from_type_v2(function, type, arguments, state): a tensor with attributes. */
static imp_status push_typed(machine *m, const imp_value *args) {
    const imp_value *const inner = imp_pickle_item(m->p, args, 2);
    if (!inner || inner->kind != IMP_VALUE_TUPLE)
        return damaged(m, "a tensor has no arguments");
    return push_like(m, IMP_VALUE_TENSOR, inner);
}

/* An object of any class, without attributes until BUILD gives them. Nothing is called: what a
 * class would do with its arguments is not known, and they are dropped. */
static imp_status push_object(machine *m) {
    push(m, IMP_VALUE_OBJECT);
    return IMP_OK;
}

/* REDUCE: replaces a name and its arguments by the result of the call. */
static imp_status call(machine *m) {
    imp_value *name, *args;
    TRY(pop_kind(m, &args, IMP_VALUE_TUPLE, "arguments are not a tuple"));
    TRY(pop_kind(m, &name, IMP_VALUE_NAME, "it calls a value that is not a name"));
    switch (name->number) {
    case IMP_PICKLE_OTHER:
        return refuse_call(m, name);
    case IMP_PICKLE_ORDERED_DICT:
        return make_dict(m, args);
    case IMP_PICKLE_TENSOR:
    case IMP_PICKLE_TENSOR_V2:
        return push_like(m, IMP_VALUE_TENSOR, args);
    case IMP_PICKLE_PARAMETER:
    case IMP_PICKLE_PARAMETER_STATE:
    case IMP_PICKLE_NEW_PARAMETER:
        return push_parameter(m, args);
    case IMP_PICKLE_TYPED:
        return push_typed(m, args);
    case IMP_PICKLE_RECONSTRUCTOR:
        return push_object(m);
    default:
        if (name->number >= IMP_PICKLE_STORAGES)
            return damaged(m, "it calls a type");
        push(m, IMP_VALUE_DICT); /* a set and the like; only a dictionary is ever extended */
        return IMP_OK;
    }
}

/* NEWOBJ, with `more` further arguments by name. */
static imp_status make_object(machine *m, size_t more) {
    imp_value *args, *name;
    for (; more > 0; more--)
        TRY(pop(m, &args));
    if (m->depth - floor_of(m) >= 2) {
        name = &m->p->values[m->stack[m->depth - 2]];
        if (name->kind == IMP_VALUE_NAME && name->number >= 0)
            return call(m);
    }
    TRY(pop_kind(m, &args, IMP_VALUE_TUPLE, "arguments are not a tuple"));
    TRY(pop_kind(m, &name, IMP_VALUE_NAME, "it makes an object of no class"));
    return push_object(m);
}

/* BUILD gives an object its state. Attributes of a dictionary are ignored. A parameter's state is a
 * tuple of 3 (requires gradient, volatile, hooks) or, in the oldest files, one of 5 that begins
 * with the tensor. */
static imp_status give_state(machine *m) {
    imp_value *state, *to;
    TRY(pop(m, &state));
    TRY(pop(m, &to));
    m->depth++;
    if (to->kind == IMP_VALUE_DICT && state->kind == IMP_VALUE_DICT)
        return IMP_OK;
    if (to->kind == IMP_VALUE_OBJECT) {
        if (state->kind == IMP_VALUE_TUPLE && state->count == 2) /* attributes and slots */
            state = &m->p->values[m->p->items[state->first].value];
        if (state->kind == IMP_VALUE_DICT && to->count == 0)
            add_item(m, to, (uint32_t)(state - m->p->values));
        return IMP_OK;
    }
    if (to->kind != IMP_VALUE_TENSOR || state->kind != IMP_VALUE_TUPLE)
        return damaged(m, "it gives a state to a value that has none");
    if (state->count == 3)
        return IMP_OK;
    const imp_value *const tensor = imp_pickle_item(m->p, state, 0);
    if (state->count != 5 || tensor->kind != IMP_VALUE_TENSOR)
        return damaged(m, "it gives a state to a value that has none");
    *to = *tensor;
    return IMP_OK;
}

static imp_status read_storage(machine *m) {
    imp_value *id;
    TRY(pop_kind(m, &id, IMP_VALUE_TUPLE, "a storage is not a tuple"));
    const imp_value *const kind = imp_pickle_item(m->p, id, 0), *const of =
                                                                    imp_pickle_item(m->p, id, 1);
    if (kind && of && of->kind == IMP_VALUE_NAME && imp_value_says(kind, "module"))
        return push_like(m, IMP_VALUE_NAME, of); /* a class, with its source */
    return push_like(m, IMP_VALUE_STORAGE, id);
}

static imp_status skip(machine *m, size_t bytes) {
    const unsigned char *p;
    return take_bytes(m, &p, bytes);
}

static imp_status read_tuple(machine *m, uint32_t count) {
    if (m->depth - floor_of(m) < count)
        return damaged(m, "its stack is empty");
    push_tuple(m, m->depth - count);
    return IMP_OK;
}

static imp_status push_plain(machine *m, imp_value_kind kind, int64_t number) {
    push(m, kind)->number = number;
    return IMP_OK;
}

static imp_status push_real(machine *m) {
    push(m, IMP_VALUE_REAL);
    return skip(m, 8);
}

static imp_status push_mark(machine *m) {
    m->marks[m->marked++] = m->depth;
    return IMP_OK;
}

static imp_status push_marked_tuple(machine *m) {
    uint32_t begin;
    TRY(pop_mark(m, &begin));
    push_tuple(m, begin);
    return IMP_OK;
}

static imp_status extend_marked(machine *m, imp_value_kind kind) {
    uint32_t begin;
    TRY(pop_mark(m, &begin));
    return extend(m, begin, kind);
}

/* Extends by one item of a list or one pair of a dictionary. */
static imp_status extend_by(machine *m, uint32_t count, imp_value_kind kind) {
    if (m->depth < count)
        return damaged(m, "its stack is empty");
    return extend(m, m->depth - count, kind);
}

/* ---- All instructions ------------------------------------------------------------------------ */

/* Instructions that push a plain value. *done: whether this was one. */
static imp_status put(machine *m, unsigned char code, bool *done) {
    *done = true;
    switch (code) {
    case 'N':
        return push_plain(m, IMP_VALUE_NONE, 0);
    case 0x88: /* NEWTRUE */
    case 0x89: /* NEWFALSE */
        return push_plain(m, IMP_VALUE_BOOL, code == 0x88);
    case 'J': /* BININT */
        return push_number(m, 4);
    case 'K': /* BININT1 */
        return push_number(m, 1);
    case 'M': /* BININT2 */
        return push_number(m, 2);
    case 0x8a: /* LONG1 */
        return push_long(m);
    case 'G': /* BINFLOAT */
        return push_real(m);
    case 'X': /* BINUNICODE */
    case 'T': /* BINSTRING */
        return push_text(m, 4);
    case 0x8c: /* SHORT_BINUNICODE */
    case 'U':  /* SHORT_BINSTRING */
        return push_text(m, 1);
    case '}':
        return push_plain(m, IMP_VALUE_DICT, 0);
    case ']':
        return push_plain(m, IMP_VALUE_LIST, 0);
    case 'c': /* GLOBAL */
        return read_name(m);
    case 'h': /* BINGET */
        return read_kept(m, 1);
    case 'j': /* LONG_BINGET */
        return read_kept(m, 4);
    default:
        *done = false;
        return IMP_OK;
    }
}

/* Drops what lies above the last mark, and pushes a value of that kind instead. */
static imp_status drop_marked(machine *m, bool push_one) {
    TRY(pop_mark(m, &m->depth));
    if (push_one)
        push(m, IMP_VALUE_NONE);
    return IMP_OK;
}

/* Instructions that only whole models need. */
static imp_status step_of_model(machine *m, unsigned char code) {
    switch (code) {
    case 0x92: /* NEWOBJ_EX */
        return make_object(m, 1);
    case 0x8f: /* EMPTY_SET */
        return push_plain(m, IMP_VALUE_NONE, 0);
    case 0x90: /* ADDITEMS */
    case 0x91: /* FROZENSET */
        return drop_marked(m, code == 0x91);
    case 'B': /* BINBYTES */
        return push_text(m, 4);
    case 'C': /* SHORT_BINBYTES */
        return push_text(m, 1);
    default:
        return imp_fail(m->err, IMP_ERR_UNSUPPORTED,
                        "weights '%s': its pickle has the instruction 0x%02x at byte %zu, which "
                        "tensors do not need: give a file of torch.save(model.state_dict(), ...)",
                        m->source, code, m->begun);
    }
}

static imp_status step(machine *m, unsigned char code) {
    switch (code) {
    case 0x80: /* PROTO */
        return skip(m, 1);
    case 0x95: /* FRAME */
        return skip(m, 8);
    case '(':
        return push_mark(m);
    case 't': /* TUPLE */
        return push_marked_tuple(m);
    case ')':
        return read_tuple(m, 0);
    case 0x85: /* TUPLE1 */
    case 0x86:
    case 0x87:
        return read_tuple(m, code - 0x84U);
    case 'q': /* BINPUT */
        return read_keep(m, 1);
    case 'r': /* LONG_BINPUT */
        return read_keep(m, 4);
    case 0x94: /* MEMOIZE */
        return keep(m, m->kept);
    case 'u': /* SETITEMS */
        return extend_marked(m, IMP_VALUE_DICT);
    case 'e': /* APPENDS */
        return extend_marked(m, IMP_VALUE_LIST);
    case 's': /* SETITEM */
        return extend_by(m, 2, IMP_VALUE_DICT);
    case 'a': /* APPEND */
        return extend_by(m, 1, IMP_VALUE_LIST);
    case 0x93: /* STACK_GLOBAL */
        return read_stacked_name(m);
    case 'R': /* REDUCE */
        return call(m);
    case 0x81: /* NEWOBJ */
        return make_object(m, 0);
    case 'b': /* BUILD */
        return give_state(m);
    case 'Q': /* BINPERSID */
        return read_storage(m);
    default:
        return step_of_model(m, code);
    }
}

static imp_status run(machine *m) {
    for (;;) {
        const unsigned char *code;
        bool done;
        m->begun = m->at;
        TRY(take_bytes(m, &code, 1));
        if (*code == '.')
            break;
        TRY(put(m, *code, &done));
        if (!done)
            TRY(step(m, *code));
    }
    imp_value *root;
    TRY(pop(m, &root));
    m->p->root = (uint32_t)(root - m->p->values);
    m->p->used = m->at;
    return IMP_OK;
}

imp_status imp_pickle_read(imp_pickle *out, const unsigned char *bytes, size_t size,
                           const char *source, imp_error *err) {
    machine m = {.p = out,
                 .bytes = bytes,
                 .size = size < IMP_PICKLE_MAX ? size : IMP_PICKLE_MAX,
                 .source = source,
                 .err = err};
    const size_t room = m.size + 1;
    *out = (imp_pickle){.values = malloc(room * sizeof *out->values),
                        .items = malloc(2 * room * sizeof *out->items)};
    m.stack = malloc(3 * room * sizeof *m.stack);
    imp_status status = IMP_ERR_MEMORY;
    if (out->values && out->items && m.stack) {
        m.marks = m.stack + room;
        m.memo = m.marks + room;
        memset(m.memo, 0xFF, room * sizeof *m.memo);
        status = run(&m);
    } else {
        imp_fail(err, status, "weights '%s': out of memory: close other programs", source);
    }
    free(m.stack);
    if (status != IMP_OK)
        imp_pickle_finish(out);
    return status;
}

void imp_pickle_finish(imp_pickle *pickle) {
    free(pickle->values);
    free(pickle->items);
    *pickle = (imp_pickle){0};
}
