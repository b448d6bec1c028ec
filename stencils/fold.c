/* Reductions: values are folded into accumulators, and these into the element of a result.

   OP gives each operator a line, as in ops.c: a is the value, b the accumulator, which keeps its
   register.  A row of the same name is in cpnum/tables/reductions.py. */

#include "op.h"

#define FOLD(T, name, value)                                                                       \
    TO(NEXT_TIED, fold_##name##_##T##_next, v##T a, v##T b);                                       \
    DEFINE(fold_##name##_##T, v##T a, v##T b) { CONTINUE fold_##name##_##T##_next(SAME, a, value); }

/* The lanes of an accumulator, and the element at the pointer, are folded into that element.  The
   order of lanes decides nothing but the sign of a zero, and which of several NaN it is. */
#define IN_MEMORY __attribute__((aligned(1), may_alias))
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

/* Each lane in the place of the one `by` lanes away, in pairs. */
#define SWAPPED(T, element, bytes, family) FITS_##bytes(SWAPPED_OF(T))
#define SWAPPED_OF(T)                                                                              \
    OVERLOADED v##T swapped(v##T a, int by) {                                                      \
        v##T other;                                                                                \
        UNROLLED                                                                                   \
        for (int lane = 0; lane < LANES; lane++) other[lane] = a[lane ^ by];                       \
        return other;                                                                              \
    }
FLOAT_DTYPES(SWAPPED)
INT_DTYPES(SWAPPED)
#if LANE == 1
SWAPPED_OF(b) /* in wider lanes, a mask has the type of an integer */
#endif

typedef double IN_MEMORY one_f64;
typedef float IN_MEMORY one_f32;
typedef long IN_MEMORY one_i64;
typedef int IN_MEMORY one_i32;
typedef unsigned char IN_MEMORY one_b;
#define READ_f64(at) ((vf64)(*(one_f64 *)(at)))
#define READ_f32(at) ((vf32)(*(one_f32 *)(at)))
#define READ_i64(at) ((vi64)(*(one_i64 *)(at)))
#define READ_i32(at) ((vi32)(*(one_i32 *)(at)))
#define READ_b(at) ((vb)(-(*(one_b *)(at) != 0)))
#define WRITE_f64(at, x) (*(one_f64 *)(at) = (x)[0])
#define WRITE_f32(at, x) (*(one_f32 *)(at) = (x)[0])
#define WRITE_i64(at, x) (*(one_i64 *)(at) = (x)[0])
#define WRITE_i32(at, x) (*(one_i32 *)(at) = (x)[0])
#define WRITE_b(at, x) (*(one_b *)(at) = (x)[0] & 1)

/* clang-format off */
OP(add,         FOLD, FLOAT(b + a),         INT(b + a))
OP(minimum,     BOTH, FLOAT(MINIMUM(b, a)), INT((b < a) ? b : a))
OP(maximum,     BOTH, FLOAT(MAXIMUM(b, a)), INT((b > a) ? b : a))
OP(logical_and, BOTH, BOOL(a & b))
OP(logical_or,  BOTH, BOOL(a | b))
/* clang-format on */
