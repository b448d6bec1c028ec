/* The cube root.

   |x| = 2**(3 q) t with t = 2**e m, 1 <= m < 2, e = -1, 0, 1, from the bits: 3 q is rint(k / 3) of
   the exponent k.  r = 2**(-e/3) m**(-1/3) to 2**-17.4 (float32: 2**-11.9) by a polynomial in m and
   a parabola through the three factors (cbrt.sollya), rounded to half of the bits, so that r**2 is
   exact.  With w + w_low = t r**2 exactly (FMA) and e = 1 - t r**3, small,

       cbrt(t) = t r**2 (1 - e)**(-2/3) = w + (w_low + w e Q(e)),

   Q minimax: an iteration of high order in the manner of Halley's, without a division.  The
   parenthesis is below 2**-15 (float32: 2**-9.9) of the root, so that the last addition is all that
   rounds: 0.501 ulp; in float32 Q adds 0.06 and the parenthesis' roundings 0.01.  Perfect cubes are
   exact, the function is monotonic.

   The branch takes subnormals, as integers with 2**-1074 (2**-149 = 2**-150 * 2) taken off the
   exponent, and zeros, infinities and nan, which are their own roots.  No flag but inexact.

   Measured: float64 0.500 ulp (2 10**7 numbers of all exponents), float32 0.512 (all of them). */

#ifndef CPNUM_CBRT_H
#define CPNUM_CBRT_H

#include "fma.h"

#if LANE == 8
/* The root of the normal number with these bits, its exponent field moved by `scale`. */
INLINE vf64 cbrt_of_bits_f64(vi64 size, vi64 scale) {
    vf64 k = AS(vf64, (AS(vu64, size) >> 52) | 0x4330000000000000) - (0x1p52 + 1023.0);
    vf64 shifted = fma_f64(k, 0x1.5555555555555p-2, 0x1.8p52); /* q in its lowest bits */
    vf64 q = shifted - 0x1.8p52, e = fma_f64(q, -3.0, k);
    vf64 m = AS(vf64, (size & 0x000fffffffffffff) | 0x3ff0000000000000);
    vf64 t = AS(vf64, size - (AS(vi64, fma_f64(q, 3.0, 0x1.8p52)) << 52));
    vf64 r = fma_f64(m, -0x1.16d6f12f7b0bbp-6, 0x1.3fa269b0736d9p-3);
    r = fma_f64(m, r, -0x1.321c5eac5d33fp-1);
    r = fma_f64(m * m, r, fma_f64(m, 0x1.3e68b9ae9052dp0, -0x1.90e741f8a2f8dp0));
    r = fma_f64(m, r, 0x1.c7f365bc19373p0);
    r *= fma_f64(e, fma_f64(e, 0x1.b744985853524p-6, -0x1.dd68e9bbaedb3p-3), 1.0);
    r = AS(vf64, AS(vi64, r) & ~0x7ffffffl); /* 26 bits */
    vf64 square = r * r, w = t * square, w_low = FMA(t, square, -w);
    vf64 rest = fma_f64(-w_low, r, fma_f64(-w, r, 1.0));
    vf64 p = fma_f64(rest, 0x1.f9addd253aa31p-2, 0x1.1c71c71d79402p-1);
    p = fma_f64(rest, p, 0x1.5555555555555p-1);
    vf64 root = w + FMA(w, rest * p, w_low);
    return AS(vf64, AS(vi64, root) + (AS(vi64, shifted) << 52) + scale);
}

INLINE vf64 cbrt_f64(vf64 x) {
    const long NORMAL = 0x0010000000000000, INFINITE = 0x7ff0000000000000;
    const long SIGN = ~0x7fffffffffffffff;
    vi64 bits = AS(vi64, x), size = bits & ~SIGN, sign = bits & SIGN;
    if (UNLIKELY(any((size - NORMAL + SIGN) >= SIGN + (INFINITE - NORMAL)))) {
        vi64 subnormal = size < NORMAL;
        /* A subnormal's significand is x * 2**1074; as an integer it survives flush-to-zero. */
        vf64 integer = AS(vf64, (size & 0x000fffffffffffff) | 0x4330000000000000) - 0x1p52;
        vf64 root = cbrt_of_bits_f64(subnormal ? AS(vi64, integer) : size,
                                     subnormal ? -(vi64)(358l << 52) : (vi64)0l);
        vi64 own = (size == 0) | (size >= INFINITE);
        return own ? x : AS(vf64, AS(vi64, root) | sign);
    }
    return AS(vf64, AS(vi64, cbrt_of_bits_f64(size, (vi64)0l)) | sign);
}
#endif

/* The same with fewer terms. */
INLINE vf32 cbrt_of_bits_f32(vi32 size, vi32 scale) {
    vf32 k = AS(vf32, (AS(vu32, size) >> 23) | 0x4b000000) - (0x1p23f + 127.0f);
    vf32 shifted = fma_f32(k, 0x1.555556p-2f, 0x1.8p23f);
    vf32 q = shifted - 0x1.8p23f, e = fma_f32(q, -3.0f, k);
    vf32 m = AS(vf32, (size & 0x007fffff) | 0x3f800000);
    vf32 t = AS(vf32, size - (AS(vi32, fma_f32(q, 3.0f, 0x1.8p23f)) << 23));
    vf32 r = fma_f32(m, -0x1.991554p-5f, 0x1.456226p-2f);
    r = fma_f32(m, fma_f32(m, r, -0x1.9eb322p-1f), 0x1.8ab91cp0f);
    r *= fma_f32(e, fma_f32(e, 0x1.b74498p-6f, -0x1.dd68eap-3f), 1.0f);
    r = AS(vf32, (AS(vi32, r) + 0x800) & ~0xfff); /* 12 bits */
    vf32 square = r * r, w = t * square, w_low = FMA(t, square, -w);
    vf32 rest = fma_f32(-w_low, r, fma_f32(-w, r, 1.0f));
    vf32 p = fma_f32(rest, 0x1.1c71eep-1f, 0x1.55556ap-1f);
    vf32 root = w + FMA(w, rest * p, w_low);
    return AS(vf32, AS(vi32, root) + (AS(vi32, shifted) << 23) + scale);
}

INLINE vf32 cbrt_f32(vf32 x) {
    const int NORMAL = 0x00800000, INFINITE = 0x7f800000, SIGN = ~0x7fffffff;
    vi32 bits = AS(vi32, x), size = bits & ~SIGN, sign = bits & SIGN;
    if (UNLIKELY(any((size - NORMAL + SIGN) >= SIGN + (INFINITE - NORMAL)))) {
        vi32 subnormal = size < NORMAL;
        vf32 integer = AS(vf32, (size & 0x007fffff) | 0x4b000000) - 0x1p23f; /* x * 2**149 */
        vf32 root = cbrt_of_bits_f32(subnormal ? AS(vi32, integer * 2.0f) : size,
                                     subnormal ? -(vi32)(50 << 23) : (vi32)0);
        vi32 own = (size == 0) | (size >= INFINITE);
        return own ? x : AS(vf32, AS(vi32, root) | sign);
    }
    return AS(vf32, AS(vi32, cbrt_of_bits_f32(size, (vi32)0)) | sign);
}

#endif
