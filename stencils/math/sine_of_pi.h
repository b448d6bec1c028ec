/* sin(pi f) / pi as a sum of two, for the reflection formula in gamma.h and gammaln.h.

   f (1 + z (S + z P(z))), z = f**2: z S with S = -pi**2 / 6 to twice the precision, so that only
   z**2 P(z) <= 0.051 rounds notably: 2**-56 of the result (float32: 2**-27).

   Coefficients: gamma.py. */

#ifndef CPNUM_SINE_OF_PI_H
#define CPNUM_SINE_OF_PI_H

#include "log_pair.h"

/* S in two parts. */
#define S_f64 ((vf64)-0x1.a51a6625307d3p0)
#define S_LOW_f64 ((vf64)-0x1.1873d8912200cp-55)
#define S_f32 ((vf32)-0x1.a51a66p0f)
#define S_LOW_f32 ((vf32)-0x1.2983eap-27f)

/* Below TINY gamma x is 1 / x.  psi is log w - 1 / (2 w) - TWELFTH / w**2 or so. */
#define TINY_f64 ((vf64)0x1p-60)
#define TINY_f32 ((vf32)0x1p-30f)
#define TWELFTH_f64 ((vf64)0x1.5555555555555p-4)
#define TWELFTH_f32 ((vf32)0x1.555556p-4f)

/* P(z) */
#if LANE == 8
INLINE vf64 sine_of_pi_polynomial_f64(vf64 z) {
    vf64 p = fma_f64(z, 0x1.090269c665262p-22, -0x1.d3ff784f4d2a1p-18);
    p = fma_f64(z, p, 0x1.3746e7735341ep-13);
    p = fma_f64(z, p, -0x1.33816a5db682ap-9);
    p = fma_f64(z, p, 0x1.ac6805ced6e14p-6);
    p = fma_f64(z, p, -0x1.86a8e4720d876p-3);
    return fma_f64(z, p, 0x1.9f9cb402bc46cp-1);
}
#endif

INLINE vf32 sine_of_pi_polynomial_f32(vf32 z) {
    vf32 p = fma_f32(z, -0x1.29efp-9f, 0x1.ac3866p-6f);
    p = fma_f32(z, p, -0x1.86a898p-3f);
    return fma_f32(z, p, 0x1.9f9cb4p-1f);
}

#define TEMPLATE "sine_of_pi.h"
#include "real.h"

#elif defined(REAL)

/* f sin(pi f) / (pi f), |f| <= 1/2. */
INLINE NAME(pair) NAME(sine_of_pi)(V f) {
    V z = f * f, z_low = FMA(f, f, -z);
    V product = z * NAME(S), product_low = FMA(z, NAME(S), -product);
    V sum = R(1.0) + product, low = (R(1.0) - sum) + product;
    V p = NAME(sine_of_pi_polynomial)(z);
    low += FMA(z_low, NAME(S), product_low);
    low = FMA(z, FMA(z, p, NAME(S_LOW)), low);
    V factor = sum + low, high = f * factor;
    return (NAME(pair)){high, FMA(f, (sum - factor) + low, FMA(f, factor, -high))};
}

#endif
