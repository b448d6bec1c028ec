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

#include "cosh.h"

/* ln 2 in two parts, and 1 / ln 2. */
#define LN2_f64 ((vf64)0x1.62e42fefa39efp-1)
#define LN2_TAIL_f64 ((vf64)0x1.abc9e3b39803fp-56)
#define LN2_f32 ((vf32)0x1.62e430p-1f)
#define LN2_TAIL_f32 ((vf32)-0x1.05c610p-29f)
#define RECIPROCAL_LN2_f64 ((vf64)0x1.71547652b82fep+0)
#define RECIPROCAL_LN2_f32 ((vf32)0x1.715476p+0f)

/* The biased exponent of 2**(n-1) in the lowest bits. */
#define SINH_SHIFT_f64 (0x1.8p52 + 1022.0)
#define SINH_SHIFT_f32 (0x1.8p23f + 126.0f)

/* Whether what the hyperbolic cosine of n ln 2 loses is kept. */
#define COSH_IN_TWO_f64 0
#define COSH_IN_TWO_f32 1

/* sinh r - head and cosh r - 1. */
#if LANE == 8
INLINE series_f64 sinh_series_f64(vf64 r, vf64 tail) {
    vf64 square = r * r;
    vf64 odd = fma_f64(square, 0x1.af5f1991a29dfp-26, 0x1.71ddf817d7b9bp-19);
    vf64 even = fma_f64(square, 0x1.28b0ed0dbae3ap-22, 0x1.a01995c423b51p-16);
    odd = fma_f64(square, odd, 0x1.a01a01b001259p-13);
    even = fma_f64(square, even, 0x1.6c16c18604285p-10);
    odd = fma_f64(square, odd, 0x1.111111110f658p-7);
    even = fma_f64(square, even, 0x1.555555554fe0fp-5);
    odd = fma_f64(square, odd, 0x1.5555555555559p-3);
    even = fma_f64(square, even, 0x1.000000000000cp-1);
    return (series_f64){fma_f64(r * square, odd, tail), even * square};
}
#endif

INLINE series_f32 sinh_series_f32(vf32 r, vf32 tail) {
    vf32 square = r * r;
    vf32 odd = fma_f32(square, 0x1.a28f4cp-13f, 0x1.110fe2p-7f);
    vf32 even = fma_f32(square, 0x1.6d514cp-10f, 0x1.5554e4p-5f);
    odd = fma_f32(square, odd, 0x1.555556p-3f);
    even = fma_f32(square, even, 0.5f);
    return (series_f32){fma_f32(r * square, odd, tail), even * square};
}

#define TEMPLATE "sinh.h"
#include "real.h"

#elif defined(REAL)

/* 2**(n-1), 2**(-n-1), and x - n ln 2 = head + tail, head exact (as in exponential.h). */
typedef struct {
    V power, inverse, head, tail;
} NAME(ln2_reduced);

INLINE NAME(ln2_reduced) NAME(reduce_ln2)(V x) {
    V shifted = FMA(x, NAME(RECIPROCAL_LN2), (V)NAME(SINH_SHIFT));
    V minus = NAME(SINH_SHIFT) - shifted;
    I power = AS(I, shifted) << DIGITS, half = AS(I, R(0.5));
    return (NAME(ln2_reduced)){
        .power = AS(V, power),
        .inverse = AS(V, (half + half) - power),
        .head = FMA(minus, NAME(LN2), x),
        .tail = minus * NAME(LN2_TAIL),
    };
}

INLINE V NAME(sinh_reduced)(V x) {
    NAME(ln2_reduced) x_ = NAME(reduce_ln2)(x);
    V cosh = x_.power + x_.inverse, sinh = x_.power - x_.inverse;
    V lost = (x_.power - sinh) - x_.inverse;
    NAME(series) series = NAME(sinh_series)(x_.head + x_.tail, x_.tail);
    V high = FMA(cosh, x_.head, sinh), low = FMA(cosh, x_.head, sinh - high) + lost;
    if (NAME(COSH_IN_TWO)) low = FMA(x_.inverse - (cosh - x_.power), x_.head, low);
    return high + FMA(sinh, series.even, FMA(cosh, series.odd, low));
}

INLINE V NAME(sinh)(V x) { return COPYSIGN(NAME(hyperbolic)(x, NAME(sinh_reduced)), x); }

#endif
