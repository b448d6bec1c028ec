/* exp2, float64 and float32: as exp.h, and simpler.

   n = rint(4 x) and r = x - n / 4, |r| <= 1/8, are exact, so that integers have r = 0 and exact
   powers.  p = r ln 2 + (t + r**2 P(r)), where the rounding of ln 2 is made up for by nothing: it
   adds 2**-58 at most.  In ulp: 1/2 for the last FMA, 0.0625 for p, 0.06 for the approximation and
   ln 2: 0.63.

   Measured maximum: float64 0.640 ulp (0.806 of a subnormal result) in 4 million points and
   climbing from the worst; float32 0.656 (subnormal 0.816) in all of them. */

#ifndef CPNUM_EXP2_H
#define CPNUM_EXP2_H

#include "exp.h"

#define EXP2_NORMAL_f64 ((vf64)1022.0)
#define EXP2_NORMAL_f32 ((vf32)126.0f)
#define EXP2_FINITE_f64 ((vf64)1080.0)
#define EXP2_FINITE_f32 ((vf32)160.0f)

/* 1.5 * 2**DIGITS / 4: the sum with it is rounded to a multiple of 1/4. */
#define EXP2_SHIFT_f64 0x1.8p50
#define EXP2_SHIFT_f32 0x1.8p21f
#define EXP2_LN2_f64 ((vf64)0x1.62e42fefa39efp-1)
#define EXP2_LN2_f32 ((vf32)0x1.62e430p-1f)

/* P(r) of 2**r = 1 + r ln 2 + r**2 P(r). */
#if LANE == 8
INLINE vf64 exp2_series_f64(vf64 r, vf64 square) {
    vf64 even = fma_f64(square, 0x1.62ca979cf10b7p-20, 0x1.43091302a0bc3p-13);
    vf64 odd = fma_f64(square, 0x1.ffe7fe5ff0869p-17, 0x1.5d87fde9ddc3dp-10);
    even = fma_f64(square, even, 0x1.3b2ab6fba1f67p-7);
    odd = fma_f64(square, odd, 0x1.c6b08d704d782p-5);
    even = fma_f64(square, even, 0x1.ebfbdff82c592p-3);
    return fma_f64(r, odd, even);
}
#endif

INLINE vf32 exp2_series_f32(vf32 r, vf32 square) {
    vf32 even = fma_f32(square, 0x1.3b33fap-7f, 0x1.ebfbe2p-3f);
    return fma_f32(r, 0x1.c6d688p-5f, even);
}

#define TEMPLATE "exp2.h"
#include "real.h"

#elif defined(REAL)

/* 2**x * 2**(offset / 2**DIGITS), if that and 2**(n/4 + offset / 2**DIGITS) are normal numbers. */
INLINE V NAME(exp2_scaled)(V x, I offset) {
    V shifted = x + NAME(EXP2_SHIFT); /* n in its lowest bits: they are worth 1/4 */
    V r = x - (shifted - NAME(EXP2_SHIFT)), square = r * r;
    NAME(quarter_power) q = NAME(quarter_power_of)(AS(I, shifted), offset);
    V p = FMA(square, NAME(exp2_series)(r, square), q.t);
    p = FMA(r, NAME(EXP2_LN2), p);
    return FMA(q.s, p, q.s);
}

INLINE V NAME(exp2)(V x) {
    return NAME(exponential_by)(x, NAME(EXP2_NORMAL), NAME(EXP2_FINITE), NAME(exp2_scaled));
}

#endif
