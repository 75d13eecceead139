// What the compiler calls in checked programs where an integer does not suffice. Most of it natively does the same, and
// goes on: an int of 32 bits wraps, and so does an unsigned 0 less 1. Where the type has 64 bits natively and only here
// too few, the run ends and says so; the runner knows the words.
//
// The shapes are those of the compiler's own interface for such calls: a place in the source, types, and values, which
// are pointers to themselves where they have more than 32 bits.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct place {
    const char *file;
    uint32_t line, column;
};

struct type {
    uint16_t kind, info;
    char name[];
};

struct operation {
    struct place place;
    struct type *type;
};

struct conversion {
    struct place place;
    struct type *from, *to;
};

// `long`, whatever it is called: no other type of 32 bits has that word in its own name.
static int is_long(const struct type *type) {
    return strstr(type->name, "long") != NULL && strstr(type->name, "long long") == NULL;
}

// Whether the value stands for one a little below zero, as in "the position before the first". Its meaning is the
// same in both widths.
static int is_below_zero(uint32_t value) {
    return value > 0xfff00000u;
}

static void lacks(const struct place *place) {
    char words[300];
    int length = snprintf(words, sizeof words, "\nproofbox: WebAssembly lacks sizes of 64 bits (%.200s:%u)\n",
                          place->file, (unsigned)place->line);
    write(2, words, (size_t)length);
    _Exit(1);
}

void __ubsan_handle_add_overflow(struct operation *data, uintptr_t left, uintptr_t right) {
    if (is_long(data->type) && !is_below_zero(left) && !is_below_zero(right)) lacks(&data->place);
}

void __ubsan_handle_mul_overflow(struct operation *data, uintptr_t left, uintptr_t right) {
    if (is_long(data->type) && !is_below_zero(left) && !is_below_zero(right)) lacks(&data->place);
}

// Unsigned: less than nothing is less than nothing in both widths.
void __ubsan_handle_sub_overflow(struct operation *data, uintptr_t left, uintptr_t right) {
    int is_signed = data->type->info & 1;
    if (is_long(data->type) && is_signed) lacks(&data->place);
}

void __ubsan_handle_negate_overflow(struct operation *data, uintptr_t value) {
    int is_signed = data->type->info & 1;
    if (is_long(data->type) && is_signed) lacks(&data->place);
}

// The least number divided by -1; of an int, that goes on to a trap, as it does natively.
void __ubsan_handle_divrem_overflow(struct operation *data, uintptr_t left, uintptr_t right) {
    if (is_long(data->type)) lacks(&data->place);
}

void __ubsan_handle_shift_out_of_bounds(struct conversion *data, uintptr_t left, uintptr_t right) {
    if (is_long(data->from)) lacks(&data->place);
}

void __ubsan_handle_implicit_conversion(struct conversion *data, uintptr_t from, uintptr_t to) {
    int bits = 1 << (data->from->info >> 1);
    if (!is_long(data->to) || bits != 64) return;
    int64_t value = *(const int64_t *)from;
    if (value < 0 && value > -0x100000) return;
    lacks(&data->place);
}
