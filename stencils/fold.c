/* Reductions: values are folded into accumulators, and these into the element of a result.

   OP gives each operator a line, as in ops.c: a is the value, b the accumulator, which keeps its
   register.  A row of the same name is in cpnum/tables/reductions.py. */

#include "op.h"

#define FOLD(T, name, value)                                                                       \
    INLINE v##T name##_of_##T(v##T a, v##T b) { return value; }                                    \
    TO(NEXT_TIED, fold_##name##_##T##_next, v##T a, v##T b);                                       \
    DEFINE(fold_##name##_##T, v##T a, v##T b) {                                                    \
        CONTINUE fold_##name##_##T##_next(SAME, a, name##_of_##T(a, b));                           \
    }
#define COUNTED(T, name, value)                                                                    \
    SCANNED(T, name, value)                                                                        \
    ORDERED(T, name, ordered, UNROLLED, LANES)                                                     \
    ORDERED(T, name, ordered_tail, NOT_UNROLLED, COUNT)
#define SCANNED(T, name, value)                                                                    \
    FOLD(T, name, value)                                                                           \
    SCAN(T, name, scan, UNROLLED, LANES)                                                           \
    SCAN(T, name, scan_tail, NOT_UNROLLED, COUNT)

/* The elements of a are folded into b one after the other; all lanes of b are alike.  The empty asm
   keeps clang from taking all lanes apart at once, which needs more registers than there are. */
#define ORDERED(T, name, stem, repeated, count)                                                    \
    TO(NEXT_TIED, stem##_##name##_##T##_next, v##T a, v##T b);                                     \
    DEFINE(stem##_##name##_##T, v##T a, v##T b) {                                                  \
        v##T left = a;                                                                             \
        repeated for (long lane = 0; lane < count; lane++) {                                       \
            b = name##_of_##T(in_all_lanes(left, 0), b);                                           \
            left = down(left);                                                                     \
            __asm__("" : IN_VECTOR(b), IN_VECTOR(left));                                           \
        }                                                                                          \
        CONTINUE stem##_##name##_##T##_next(SAME, a, b);                                           \
    }

/* The same, but each lane of b becomes what its last lane was before, with the elements of a up to
   this lane folded in.  In a tail, lanes past the end repeat the last result.  The asm keeps clang
   from blends that have no EVEX form, too. */
#define SCAN(T, name, stem, repeated, count)                                                       \
    TO(NEXT_TIED, stem##_##name##_##T##_next, v##T a, v##T b);                                     \
    DEFINE(stem##_##name##_##T, v##T a, v##T b) {                                                  \
        v##T all = in_all_lanes(b, LANES - 1), results = all, left = a;                            \
        __typeof__(a < b) behind;                                                                  \
        UNROLLED                                                                                   \
        for (int lane = 0; lane < LANES; lane++) behind[lane] = lane;                              \
        repeated for (long lane = 0; lane < count; lane++) {                                       \
            all = name##_of_##T(in_all_lanes(left, 0), all);                                       \
            left = down(left);                                                                     \
            __asm__("" : IN_VECTOR(all), IN_VECTOR(left), IN_VECTOR(behind));                      \
            results = behind < 0 ? results : all;                                                  \
            behind = behind - 1;                                                                   \
        }                                                                                          \
        CONTINUE stem##_##name##_##T##_next(SAME, a, results);                                     \
    }
#if X86_512
#define COUNT (end - i)
#else
#define COUNT 1
#endif

/* Two values of floats are folded at once, which takes three instructions a vector where one by
   itself takes four: a and c become one, and a NaN is looked for in both at once.  An accumulator
   that is a NaN stays one. */
#define PAIR(T, name, is_first)                                                                    \
    INLINE select_##T first_of_##name##_##T(v##T a, v##T b) { return is_first; }                   \
    TO(NEXT_TIED, pair_##name##_##T##_next, v##T a, v##T c, v##T b);                               \
    DEFINE(pair_##name##_##T, v##T a, v##T c, v##T b) {                                            \
        v##T both = first_of_##name##_##T(a, c) ? a : c;                                           \
        v##T nan = AS(v##T, AS(select_##T, a) | AS(select_##T, c));                                \
        b = first_of_##name##_##T(both, b) ? both : b;                                             \
        CONTINUE pair_##name##_##T##_next(SAME, a, c, UNORDERED(a, c) ? nan : b);                  \
    }

/* The lanes of an accumulator, and the element at the pointer, are folded into that element.  The
   order of lanes decides nothing but the sign of a zero, and which of several NaN it is. */
#define INTO(T, name, value)                                                                       \
    TO(NEXT, into_##name##_##T##_next, v##T a);                                                    \
    DEFINE(into_##name##_##T, v##T a) {                                                            \
        v##T all = a;                                                                              \
        UNROLLED                                                                                   \
        for (int by = 1; by < LANES; by *= 2) all = name##_of_##T(swapped(all, by), all);          \
        WRITE_##T(p0, name##_of_##T(all, READ_##T(p0)));                                           \
        CONTINUE into_##name##_##T##_next(SAME, a);                                                \
    }
#define BOTH(T, name, value) FOLD(T, name, value) INTO(T, name, value)

/* No later element changes an accumulator that has decided a result. */
#define STOP(T, name, is_decided)                                                                  \
    TO(NEXT, stop_##name##_##T##_next, v##T a);                                                    \
    TO(SKIP, stop_##name##_##T##_target, v##T a);                                                  \
    DEFINE(stop_##name##_##T, v##T a) {                                                            \
        if (is_decided) CONTINUE stop_##name##_##T##_target(SAME, a);                              \
        CONTINUE stop_##name##_##T##_next(SAME, a);                                                \
    }
#define EVERY(T, name, value) SCANNED(T, name, value) INTO(T, name, value)

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
OP(add,         COUNTED, FLOAT(b + a),         INT(b + a))
OP(multiply,    COUNTED, FLOAT(b * a),         INT(b * a))
OP(minimum,     EVERY, FLOAT(MINIMUM(b, a)), INT((b < a) ? b : a))
OP(maximum,     EVERY, FLOAT(MAXIMUM(b, a)), INT((b > a) ? b : a))
OP(fmin,        EVERY, FLOAT(FMIN(b, a)))
OP(fmax,        EVERY, FLOAT(FMAX(b, a)))
OP(logical_and, BOTH, BOOL(a & b))
OP(logical_or,  BOTH, BOOL(a | b))
OP(minimum,     PAIR, FLOAT(LESS(a, b)))
OP(maximum,     PAIR, FLOAT(LESS(b, a)))
OP(logical_and, STOP, BOOL(__builtin_reduce_and(a) == 0))
OP(logical_or,  STOP, BOOL(__builtin_reduce_or(a) != 0))
/* clang-format on */
