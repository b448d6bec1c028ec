/* The arc cosine: a multiple of pi/2, and arcsine.h's angle with a sign,

       |x| < 1/2      pi/2 - sign(x) * angle
       x >= 1/2                        angle
       x <= -1/2      pi -             angle.

   The sum's own rounding error is known exactly (Fast2Sum) and goes to the tail, so that the bound
   is arcsine.h's, 0.73 ULP (float32: 0.8).

   Measured: float64 0.65 ULP, float32 0.69 ULP, on the points of arcsin.h. */

#ifndef CPNUM_ARCCOS_H
#define CPNUM_ARCCOS_H

#include "arcsine.h"

#if LANE == 8
INLINE vf64 arccos_f64(vf64 x) {
    const vf64 HALF_PI = 0x1.921fb54442d18p0, HALF_PI_LOW = 0x1.1a62633145c07p-54;
    angle_f64 angle = arcsine_f64(ABS(x));
    vf64 quarters = angle.small ? 1.0 : 1.0 - COPYSIGN((vf64)1.0, x); /* 1, 0 or 2 */
    /* The angle is subtracted for x > 0 when small, else for x < 0. */
    vi64 sign = (AS(vi64, x) ^ angle.small) & ~0x7fffffffffffffff;
    vf64 head = AS(vf64, AS(vi64, angle.head) ^ sign), tail = AS(vf64, AS(vi64, angle.tail) ^ sign);
    vf64 sum = FMA(quarters, HALF_PI, head), sum_low = FMA(quarters, HALF_PI, -sum) + head;
    return sum + (sum_low + FMA(quarters, HALF_PI_LOW, tail));
}

/* The multiple of pi/2 is rounded.  Measured: float64 1.5 ULP, float32 2.6. */
INLINE vf64 arccos_fast_f64(vf64 x) {
    angle_f64 angle = arcsine_fast_f64(ABS(x));
    vf64 base = AS(vi64, x) < 0 ? (vf64)0x1.921fb54442d18p1 : (vf64)0.0;
    base = angle.small ? (vf64)0x1.921fb54442d18p0 : base;
    vi64 sign = (AS(vi64, x) ^ angle.small) & ~0x7fffffffffffffff;
    vf64 head = AS(vf64, AS(vi64, angle.head) ^ sign);
    return FMA(head, angle.tail, base + head);
}
#endif

#if LANE > 1
INLINE vf32 arccos_f32(vf32 x) {
    const vf32 HALF_PI = 0x1.921fb6p0f, HALF_PI_LOW = -0x1.777a5cp-25f;
    angle_f32 angle = arcsine_f32(ABS(x));
    vf32 quarters = angle.small ? 1.0f : 1.0f - COPYSIGN((vf32)1.0f, x); /* 1, 0 or 2 */
    /* The angle is subtracted for x > 0 when small, else for x < 0. */
    vi32 sign = (AS(vi32, x) ^ angle.small) & ~0x7fffffff;
    vf32 head = AS(vf32, AS(vi32, angle.head) ^ sign), tail = AS(vf32, AS(vi32, angle.tail) ^ sign);
    vf32 sum = FMA(quarters, HALF_PI, head), sum_low = FMA(quarters, HALF_PI, -sum) + head;
    return sum + (sum_low + FMA(quarters, HALF_PI_LOW, tail));
}

INLINE vf32 arccos_fast_f32(vf32 x) {
    angle_f32 angle = arcsine_fast_f32(ABS(x));
    vf32 base = AS(vi32, x) < 0 ? (vf32)0x1.921fb6p1f : (vf32)0.0f;
    base = angle.small ? (vf32)0x1.921fb6p0f : base;
    vi32 sign = (AS(vi32, x) ^ angle.small) & ~0x7fffffff;
    vf32 head = AS(vf32, AS(vi32, angle.head) ^ sign);
    return FMA(head, angle.tail, base + head);
}
#endif

#endif
