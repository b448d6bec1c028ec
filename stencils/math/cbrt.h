/* The cube root.

   A third of the bits of |x|, taken from a constant, are those of a number near x**(-1/3)
   (Lomont's and Blinn's inverse roots; the line through exponent and significand is 3.5 % off at
   most).  With its e = 1 - x r**3, |e| < 0.1021, r (1 - e)**(-1/3) by a minimax polynomial is
   within 2**-22 (float32: 2**-13) of it, and is rounded to half of the bits, so that r**2 is exact.
   With w + w_low = x r**2 exactly (FMA) and a new, small e = 1 - x r**3,

       cbrt(x) = x r**2 (1 - e)**(-2/3) = w + (w_low + w e Q(e)),

   Q minimax (cbrt.sollya): an iteration of high order in the manner of Halley's, without a
   division, a table, or the exponent of x.  The parenthesis is below 2**-20 (float32: 2**-10) of
   the root, so that the last addition is all that rounds: 0.500 ulp (float32: 0.51).  Perfect
   cubes are exact, the function is monotonic.

   The branch takes subnormals, as integers whose root has 2**-358 (2**-50, of 2**-150 * 2) taken
   off, and zeros, infinities and nan, which are their own roots.  No flag but inexact.

   Measured: float64 0.500 ulp (2 10**7 numbers of all exponents), float32 0.504 (all of them). */

#ifndef CPNUM_CBRT_H
#define CPNUM_CBRT_H

#include "fma.h"

#if LANE == 8
/* The root of a positive normal number. */
INLINE vf64 cbrt_positive_f64(vf64 x) {
    /* The upper bits of x below those of 2**52 are an exact conversion to float64, and back. */
    vf64 upper = AS(vf64, (AS(vu64, x) >> 20) | 0x4330000000000000);
    vf64 r = AS(vf64, AS(vi64, fma_f64(upper, -0x1.5555555555555p-2, 0x1.55aa943ece2a5p52)) << 20);
    vf64 e = fma_f64(-(x * r), r * r, 1.0);
    vf64 p = fma_f64(e, 0x1.2a93cc3d3fc7fp-3, 0x1.64aab008a3dbap-3);
    p = fma_f64(e * e, p, fma_f64(e, 0x1.c71939de7a0dap-3, 0x1.5554e1e1911f7p-2));
    r = FMA(r * e, p, r);
    r = AS(vf64, AS(vi64, r) & ~0x7ffffffl); /* 26 bits */
    vf64 square = r * r, w = x * square, w_low = FMA(x, square, -w);
    vf64 rest = fma_f64(-w_low, r, fma_f64(-w, r, 1.0));
    p = fma_f64(rest, 0x1.1c71c71c721efp-1, 0x1.5555555555854p-1);
    return w + FMA(w, rest * p, w_low);
}
#endif

/* The same with fewer terms. */
INLINE vf32 cbrt_positive_f32(vf32 x) {
    vf32 upper = CONVERT(vf32, AS(vi32, x));
    vf32 r = AS(vf32, CONVERT(vi32, fma_f32(upper, -0x1.555556p-2f, 0x1.5287dap30f)));
    vf32 e = fma_f32(-(x * r), r * r, 1.0f);
    r = FMA(r * e, fma_f32(e, 0x1.ca3796p-3f, 0x1.564352p-2f), r);
    r = AS(vf32, (AS(vi32, r) + 0x800) & ~0xfff); /* 12 bits */
    vf32 square = r * r, w = x * square, w_low = FMA(x, square, -w);
    vf32 rest = fma_f32(-w_low, r, fma_f32(-w, r, 1.0f));
    vf32 p = fma_f32(rest, 0x1.1c71d8p-1f, 0x1.55555ep-1f);
    return w + FMA(w, rest * p, w_low);
}

/* A subnormal's significand as x * 2**1074 (float32: 2**150), and the scale of the root of that. */
#define CBRT_INTEGER_f64(significand) (significand)
#define CBRT_INTEGER_f32(significand) ((significand) * 2.0f)
#define CBRT_SCALE_f64 ((vf64)0x1p-358)
#define CBRT_SCALE_f32 ((vf32)0x1p-50f)

#define TEMPLATE "cbrt.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(cbrt)(V x) {
    I size = AS(I, x) & ~SIGN;
    if (UNLIKELY(any(OUTSIDE(size, NORMAL, INFINITE)))) {
        I subnormal = size < NORMAL, own = (size == 0) | (size >= INFINITE);
        /* As an integer a subnormal's significand survives flush-to-zero. */
        V integer = AS(V, (size & (NORMAL - 1)) | TOP) - AS(V, TOP);
        integer = subnormal ? NAME(CBRT_INTEGER)(integer) : AS(V, size);
        V root = NAME(cbrt_positive)(own ? R(1.0) : integer);
        root *= subnormal ? NAME(CBRT_SCALE) : R(1.0);
        return own ? x : COPYSIGN(root, x);
    }
    return COPYSIGN(NAME(cbrt_positive)(AS(V, size)), x);
}

#endif
