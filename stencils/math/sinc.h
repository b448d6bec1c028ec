/* sinc(x) = sin(pi x) / (pi x), as numpy.sinc, and 1 at 0; even.

   |x| = n + f with n the nearest integer, which is exact, so that sin(pi x) = (-1)**n sin(pi f) and

       sinc(x) = (-1)**n (f / |x|) S(f**2),      S(f**2) = sin(pi f) / (pi f) = 1 + c f**2 + ...,

   a series that takes no multiplication by pi.  For |x| < 1/2 the quotient is 1.  S is taken as
   head + missed, head = 1 + c f**2 rounded, its error known by FMA, the error of f**2 too; the
   quotient as q + low by its remainder, which is exact in an FMA.  The last FMA rounds
   (q + low) (head + missed) to 0.5 ULP.

   Error beside that: the terms of S from f**4 on are <= 0.05 of S >= 0.63, so that their four
   roundings make up 0.2 ULP, and that of their product with q 0.06; the series 2**-61.3 (float32:
   2**-27.2, 0.11 ULP).

   At nonzero integers f is 0, and so is the result, exactly and without sign (IEEE 754-2019 has
   sinPi(n) = 0 with the sign of n, 9.2.1).  From 2**52 (2**23) on all numbers are integers; then
   the parity that is taken from adding 2**52 is that of another integer, but counts no more.

   Coefficients: sinc.sollya.  Measured: float64 0.77 ULP, float32 0.793 ULP (all 2**32 inputs).
   inf gives nan with `invalid` (inf - inf), as in NumPy, nan gives nan without. */

#ifndef CPNUM_SINC_H
#define CPNUM_SINC_H

#include "fma.h"

/* S(z) = 1 + c z + z**2 Q(z) */
#define SINC_SQUARE_f64 ((vf64)-0x1.a51a6625307d3p0)
#define SINC_SQUARE_f32 ((vf32)-0x1.a51a5ap0f)

#if LANE == 8
INLINE vf64 sinc_series_f64(vf64 z, vf64 zz) {
    vf64 even = fma_f64(zz, -0x1.d3e67626a2a9fp-18, -0x1.33816995daaafp-9);
    vf64 odd = fma_f64(zz, 0x1.074097837b121p-22, 0x1.3746a0f292486p-13);
    even = fma_f64(zz, even, -0x1.86a8e4720a12p-3);
    odd = fma_f64(zz, odd, 0x1.ac6805cc8300bp-6);
    odd = fma_f64(zz, odd, 0x1.9f9cb402bc428p-1);
    return FMA(z, even, odd);
}
#endif

INLINE vf32 sinc_series_f32(vf32 z, vf32 zz) {
    vf32 series = fma_f32(z, 0x1.95019ap-6f, -0x1.8607dp-3f);
    return fma_f32(z, series, 0x1.9f993cp-1f);
}

#define TEMPLATE "sinc.h"
#include "real.h"

#elif defined(REAL)

/* (-1)**n as a sign, |x| = n + f. */
INLINE U NAME(sinc_sign)(V t) { return AS(U, t + AS(V, TOP)) << SIGN_BIT; }

INLINE V NAME(sinc)(V x) {
    V t = ABS(x), f = t - RINT(t), z = f * f;
    U sign = NAME(sinc_sign)(t);
    V head = NAME(fma)(z, NAME(SINC_SQUARE), R(1.0));
    V missed = NAME(fma)(z, NAME(SINC_SQUARE), R(1.0) - head);
    missed = FMA(FMA(f, f, -z), NAME(SINC_SQUARE), missed);
    V zz = z * z;
    missed = FMA(zz, NAME(sinc_series)(z, zz), missed);

    I central = AS(I, t) < AS(I, R(0.5)); /* |x| < 1/2 */
    V numerator = central ? R(1.0) : AS(V, AS(U, f) ^ sign);
    V denominator = central ? R(1.0) : t;
    V reciprocal = R(1.0) / denominator, q = numerator * reciprocal;
    V low = FMA(-q, denominator, numerator) * reciprocal;
    return FMA(q, head, FMA(q, missed, low * head));
}

/* One number for the quotient and the series each; the order of the last operations keeps zeros
   positive.  Measured: float64 2.0 ULP, float32 2.1. */
INLINE V NAME(sinc_fast)(V x) {
    V t = ABS(x), f = t - RINT(t), z = f * f, zz = z * z;
    U sign = NAME(sinc_sign)(t);
    V series = FMA(z, NAME(sinc_series)(z, zz), NAME(SINC_SQUARE));
    I central = AS(I, t) < AS(I, R(0.5)); /* |x| < 1/2 */
    V numerator = central ? R(1.0) : AS(V, AS(U, f) ^ sign);
    V denominator = central ? R(1.0) : t;
    V q = numerator / denominator;
    return FMA(q, z * series, q);
}

#endif
