/* Reductions: values are folded into accumulators, and these into the element of a result.

   OP gives each operator a line, as in ops.c: a is the value, b the accumulator, which keeps its
   register.  A row of the same name is in cpnum/tables/reductions.py. */

#include "op.h"

#define FOLD(T, name, value)                                                                       \
    TO(NEXT_TIED, fold_##name##_##T##_next, v##T a, v##T b);                                       \
    DEFINE(fold_##name##_##T, v##T a, v##T b) { CONTINUE fold_##name##_##T##_next(SAME, a, value); }

/* The lanes of an accumulator, and the element at the pointer, are folded into that element.  The
   order of lanes decides nothing but the sign of a zero, and which of several NaN it is. */
#define INTO(T, name, value)                                                                       \
    INLINE v##T name##_of_##T(v##T a, v##T b) { return value; }                                    \
    TO(NEXT, into_##name##_##T##_next, v##T a);                                                    \
    DEFINE(into_##name##_##T, v##T a) {                                                            \
        v##T all = a;                                                                              \
        UNROLLED                                                                                   \
        for (int by = 1; by < LANES; by *= 2) all = name##_of_##T(swapped(all, by), all);          \
        WRITE_##T(p0, name##_of_##T(all, READ_##T(p0)));                                           \
        CONTINUE into_##name##_##T##_next(SAME, a);                                                \
    }
#define BOTH(T, name, value) FOLD(T, name, value) INTO(T, name, value)

#define READ_f64(at) ((vf64)(*(element_f64 *)(at)))
#define READ_f32(at) ((vf32)(*(element_f32 *)(at)))
#define READ_i64(at) ((vi64)(*(element_i64 *)(at)))
#define READ_i32(at) ((vi32)(*(element_i32 *)(at)))
#define READ_b(at) ((vb)(-(*(element_b *)(at) != 0)))
#define WRITE_f64(at, x) (*(element_f64 *)(at) = (x)[0])
#define WRITE_f32(at, x) (*(element_f32 *)(at) = (x)[0])
#define WRITE_i64(at, x) (*(element_i64 *)(at) = (x)[0])
#define WRITE_i32(at, x) (*(element_i32 *)(at) = (x)[0])
#define WRITE_b(at, x) (*(element_b *)(at) = (x)[0] & 1)

/* clang-format off */
OP(add,         FOLD, FLOAT(b + a),         INT(b + a))
OP(minimum,     BOTH, FLOAT(MINIMUM(b, a)), INT((b < a) ? b : a))
OP(maximum,     BOTH, FLOAT(MAXIMUM(b, a)), INT((b > a) ? b : a))
OP(logical_and, BOTH, BOOL(a & b))
OP(logical_or,  BOTH, BOOL(a | b))
/* clang-format on */
