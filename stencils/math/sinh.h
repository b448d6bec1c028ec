/* sinh, float64 and float32.

   Method.  t = |x| = n ln 2 + r, |r| <= ln 2 / 2, and

       sinh t = sinh(n ln 2) cosh r + cosh(n ln 2) sinh r

   where cosh and sinh of n ln 2 are half the sum and difference of 2**n and 2**-n: exact, or
   (cosh above n = p / 2, for p bits) all but 2**n / 2; what the difference loses is kept.  No
   cancellation for any n: n = 0 gives sinh r.  With r = head + tail, the head exact as it is in
   exponential.h,

       high + low = S + C head,      result = high + (low + C (sinh r - head) + S (cosh r - 1)):

   high - S is exact for each n (by Sterbenz, or because high is a multiple of C head's last bit).

   In ulp: 1/2 for the last addition.  The terms of the last parenthesis are at most 0.15 of the
   result (n = 1, r = -0.35) and take three roundings: 0.3.  What C loses counts |r| times: in
   float64 2**-54 of C at most (n = 27), 0.09 ulp; in float32 2**-24 (n = 12), which is 0.35 ulp, so
   that it is kept there.

   Large |x|: exp in two steps, as in exp.h, halved.

   Measured maximum: float64 0.849 ulp (at 0.34657) in 4 million points and climbing from the
   worst; float32 0.753 in all of them. */

#ifndef CPNUM_SINH_H
#define CPNUM_SINH_H

#include "exponential.h"

#if LANE == 8
/* 2**(n-1), 2**(-n-1), and x - n ln 2 = head + tail, head exact (as in exponential.h). */
typedef struct {
    vf64 power, inverse, head, tail;
} ln2_reduced_f64;

INLINE ln2_reduced_f64 reduce_ln2_f64(vf64 x) {
    /* The biased exponent of 2**(n-1) in the lowest bits. */
    const vf64 MAGIC = 0x1.8p52 + 1022.0;
    vf64 shifted = fma_f64(x, 0x1.71547652b82fep+0, MAGIC), minus = MAGIC - shifted;
    vi64 power = AS(vi64, shifted) << 52;
    return (ln2_reduced_f64){
        .power = AS(vf64, power),
        .inverse = AS(vf64, (2l * 1022 << 52) - power),
        .head = fma_f64(minus, 0x1.62e42fefa39efp-1, x),
        .tail = minus * 0x1.abc9e3b39803fp-56,
    };
}

INLINE vf64 sinh_reduced_f64(vf64 x) {
    ln2_reduced_f64 x_ = reduce_ln2_f64(x);
    vf64 cosh = x_.power + x_.inverse, sinh = x_.power - x_.inverse;
    vf64 lost = (x_.power - sinh) - x_.inverse;
    vf64 r = x_.head + x_.tail, square = r * r;
    vf64 odd = fma_f64(square, 0x1.af5f1991a29dfp-26, 0x1.71ddf817d7b9bp-19);
    vf64 even = fma_f64(square, 0x1.28b0ed0dbae3ap-22, 0x1.a01995c423b51p-16);
    odd = fma_f64(square, odd, 0x1.a01a01b001259p-13);
    even = fma_f64(square, even, 0x1.6c16c18604285p-10);
    odd = fma_f64(square, odd, 0x1.111111110f658p-7);
    even = fma_f64(square, even, 0x1.555555554fe0fp-5);
    odd = fma_f64(square, odd, 0x1.5555555555559p-3);
    even = fma_f64(square, even, 0x1.000000000000cp-1);
    odd = fma_f64(r * square, odd, x_.tail); /* sinh r - head */
    even *= square;                          /* cosh r - 1 */
    vf64 high = fma_f64(cosh, x_.head, sinh);
    vf64 low = fma_f64(cosh, x_.head, sinh - high) + lost;
    return high + fma_f64(sinh, even, fma_f64(cosh, odd, low));
}

INLINE vf64 sinh_f64(vf64 x) {
    vi64 bits = AS(vi64, x) & 0x7fffffffffffffff;
    vf64 magnitude = AS(vf64, bits);
    if (UNLIKELY(any(bits > 0x4086200000000000))) { /* |x| > 708, or nan */
        vi64 large = bits > 0x4086200000000000;
        vf64 result = sinh_reduced_f64(large ? 0.0 : magnitude);
        result = large ? exp_large_f64(large ? magnitude : 708.0, -1l << 52) : result;
        return bits > 0x7ff0000000000000 ? x : COPYSIGN(result, x);
    }
    return COPYSIGN(sinh_reduced_f64(magnitude), x);
}
#endif

#if LANE > 1
/* 2**(n-1), 2**(-n-1), and x - n ln 2 = head + tail, head exact (as in exponential.h). */
typedef struct {
    vf32 power, inverse, head, tail;
} ln2_reduced_f32;

INLINE ln2_reduced_f32 reduce_ln2_f32(vf32 x) {
    /* The biased exponent of 2**(n-1) in the lowest bits. */
    const vf32 MAGIC = 0x1.8p23f + 126.0f;
    vf32 shifted = fma_f32(x, 0x1.715476p+0f, MAGIC), minus = MAGIC - shifted;
    vi32 power = AS(vi32, shifted) << 23;
    return (ln2_reduced_f32){
        .power = AS(vf32, power),
        .inverse = AS(vf32, (2 * 126 << 23) - power),
        .head = fma_f32(minus, 0x1.62e430p-1f, x),
        .tail = minus * -0x1.05c610p-29f,
    };
}

INLINE vf32 sinh_reduced_f32(vf32 x) {
    ln2_reduced_f32 x_ = reduce_ln2_f32(x);
    vf32 cosh = x_.power + x_.inverse, sinh = x_.power - x_.inverse;
    vf32 lost = (x_.power - sinh) - x_.inverse;
    vf32 r = x_.head + x_.tail, square = r * r;
    vf32 odd = fma_f32(square, 0x1.a28f4cp-13f, 0x1.110fe2p-7f);
    vf32 even = fma_f32(square, 0x1.6d514cp-10f, 0x1.5554e4p-5f);
    odd = fma_f32(square, odd, 0x1.555556p-3f);
    even = fma_f32(square, even, 0.5f);
    odd = fma_f32(r * square, odd, x_.tail); /* sinh r - head */
    even *= square;                          /* cosh r - 1 */
    vf32 high = fma_f32(cosh, x_.head, sinh);
    vf32 low = fma_f32(cosh, x_.head, sinh - high) + lost;
    low = fma_f32(x_.inverse - (cosh - x_.power), x_.head, low); /* what cosh has lost */
    return high + fma_f32(sinh, even, fma_f32(cosh, odd, low));
}

INLINE vf32 sinh_f32(vf32 x) {
    vi32 bits = AS(vi32, x) & 0x7fffffff;
    vf32 magnitude = AS(vf32, bits);
    if (UNLIKELY(any(bits > 0x42ae0000))) { /* |x| > 87, or nan */
        vi32 large = bits > 0x42ae0000;
        vf32 result = sinh_reduced_f32(large ? 0.0f : magnitude);
        result = large ? exp_large_f32(large ? magnitude : 87.0f, -1 << 23) : result;
        return bits > 0x7f800000 ? x : COPYSIGN(result, x);
    }
    return COPYSIGN(sinh_reduced_f32(magnitude), x);
}
#endif

#endif
