/* Casts: what NumPy's astype gives, for each two dtypes, by their families. */

#include "stencil.h"

/* A value out of range, or NaN, becomes the lowest integer and raises invalid, as x86 converts
   (Intel SDM vol. 1, 4.8.3.10, "integer indefinite"); AArch64 would saturate. */
#if NEON
#define LOWEST(bytes) (-1l << (8 * (bytes) - 1))
#define IN_RANGE(bytes, a)                                                                         \
    ((a >= (__typeof__(a))LOWEST(bytes)) & (a < -(__typeof__(a))LOWEST(bytes)))
#define FLOAT_TO_INT(T, bytes, a)                                                                  \
    (CONVERT(v##T, IN_RANGE(bytes, a)) ? TRUNCATED(T, bytes, a) : (v##T)LOWEST(bytes))
/* float64 to int32 one by one: a vector would go through int64, which raises nothing.  In a
   function, because FLAGS_MATTER would split the comparisons of IN_RANGE as well. */
#define DEFINE_ONE_BY_ONE(T, element, bytes, family)                                               \
    OVERLOADED vi32 one_by_one(v##T a) {                                                           \
        FLAGS_MATTER                                                                               \
        vi32 whole;                                                                                \
        UNROLLED                                                                                   \
        for (int lane = 0; lane < LANES; lane++) whole[lane] = a[lane];                            \
        return whole;                                                                              \
    }
FLOAT_DTYPES(DEFINE_ONE_BY_ONE)
#define TRUNCATED(T, bytes, a)                                                                     \
    (sizeof(a[0]) > bytes ? CONVERT(v##T, one_by_one(a)) : CONVERT(v##T, a))
#else
#define FLOAT_TO_INT(T, bytes, a) CONVERT(v##T, a)
#endif

#define FLOAT_TO_FLOAT(T, bytes, a) CONVERT(v##T, a)
#define FLOAT_TO_BOOL(T, bytes, a) CONVERT(vb, a != (__typeof__(a)){})
#define INT_TO_FLOAT(T, bytes, a) CONVERT(v##T, a)
#define INT_TO_INT(T, bytes, a) CONVERT(v##T, a)
#define INT_TO_BOOL(T, bytes, a) CONVERT(vb, a != (__typeof__(a)){})
#define BOOL_TO_FLOAT(T, bytes, a) CONVERT(v##T, -CONVERT(vi32, a))
#define BOOL_TO_INT(T, bytes, a) (-CONVERT(v##T, a))

#define CAST(from, to, value)                                                                      \
    TO(NEXT, cast_##to##_##from##_next, v##from a, v##to result);                                  \
    DEFINE(cast_##to##_##from, v##from a, v##to result) {                                          \
        CONTINUE cast_##to##_##from##_next(SAME, a, value);                                        \
    }
#define CAST_BY_FAMILY(from, from_bytes, from_family, to, to_bytes, to_family)                     \
    FITS_##from_bytes(                                                                             \
        FITS_##to_bytes(CAST(from, to, from_family##_TO_##to_family(to, to_bytes, a))))

DTYPE_PAIRS(CAST_BY_FAMILY)
