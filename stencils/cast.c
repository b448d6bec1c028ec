/* Casts: what NumPy's astype gives.  CAST(from, to, value of a) for each pair of dtypes. */

#include "stencil.h"

#define CAST(from, to, value)                                                                     \
    TO(NEXT, cast_##to##_##from##_next, v##from a, v##to result);                                 \
    DEFINE(cast_##to##_##from, v##from a, v##to result) {                                 \
        CONTINUE cast_##to##_##from##_next(SAME, a, value);                                       \
    }

/* A value out of range, or NaN, becomes the lowest integer and raises invalid, as x86 converts
   (Intel SDM vol. 1, 4.8.3.10, "integer indefinite"); AArch64 would saturate. */
#ifdef __aarch64__
#define TO_INTEGER(type, limit, a)                                                                \
    ((CONVERT(type, (a >= -limit) & (a < limit))) ? CONVERT(type, a) : ~(type)0 << (8 * sizeof(((type)0)[0]) - 1))
#else
#define TO_INTEGER(type, limit, a) CONVERT(type, a)
#endif

#define TRUTH(a) CONVERT(vb, a != (__typeof__(a)){})
#define FROM_TRUTH(type, a) (-CONVERT(type, a))

/* clang-format off */
#if LANE == 8
CAST(f64, f32, CONVERT(vf32, a))
CAST(f64, i64, TO_INTEGER(vi64, 0x1p63, a))
CAST(f64, i32, TO_INTEGER(vi32, 0x1p31, a))
CAST(f64, b,   TRUTH(a))
CAST(i64, f64, CONVERT(vf64, a))
CAST(i64, f32, CONVERT(vf32, a))
CAST(i64, i32, CONVERT(vi32, a))
CAST(i64, b,   TRUTH(a))
CAST(f32, f64, CONVERT(vf64, a))
CAST(f32, i64, TO_INTEGER(vi64, 0x1p63f, a))
CAST(i32, f64, CONVERT(vf64, a))
CAST(i32, i64, CONVERT(vi64, a))
CAST(b,   f64, CONVERT(vf64, FROM_TRUTH(vi32, a)))
CAST(b,   i64, FROM_TRUTH(vi64, a))
#endif
#if LANE >= 4
CAST(f32, i32, TO_INTEGER(vi32, 0x1p31f, a))
CAST(f32, b,   TRUTH(a))
CAST(i32, f32, CONVERT(vf32, a))
CAST(i32, b,   TRUTH(a))
CAST(b,   f32, CONVERT(vf32, FROM_TRUTH(vi32, a)))
CAST(b,   i32, FROM_TRUTH(vi32, a))
#endif
/* clang-format on */
