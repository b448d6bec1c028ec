/* sin(pi f) / pi as a sum of two, for the reflection formula in gamma.h and gammaln.h.

   f (1 + z (S + z P(z))), z = f**2: z S with S = -pi**2 / 6 to twice the precision, so that only
   z**2 P(z) <= 0.051 rounds notably: 2**-56 of the result (float32: 2**-27).

   Coefficients: gamma.py. */

#ifndef CPNUM_SINE_OF_PI_H
#define CPNUM_SINE_OF_PI_H

#include "log_pair.h"

#if LANE == 8

/* f sin(pi f) / (pi f), |f| <= 1/2. */
INLINE pair_f64 sine_of_pi_f64(vf64 f) {
    vf64 z = f * f, z_low = FMA(f, f, -z);
    vf64 product = z * -0x1.a51a6625307d3p0;
    vf64 product_low = fma_f64(z, -0x1.a51a6625307d3p0, -product);
    vf64 sum = 1.0 + product, low = (1.0 - sum) + product;
    vf64 p = fma_f64(z, 0x1.090269c665262p-22, -0x1.d3ff784f4d2a1p-18);
    p = fma_f64(z, p, 0x1.3746e7735341ep-13);
    p = fma_f64(z, p, -0x1.33816a5db682ap-9);
    p = fma_f64(z, p, 0x1.ac6805ced6e14p-6);
    p = fma_f64(z, p, -0x1.86a8e4720d876p-3);
    p = fma_f64(z, p, 0x1.9f9cb402bc46cp-1);
    low += fma_f64(z_low, -0x1.a51a6625307d3p0, product_low);
    low = FMA(z, fma_f64(z, p, -0x1.1873d8912200cp-55), low);
    vf64 factor = sum + low, high = f * factor;
    return (pair_f64){high, FMA(f, (sum - factor) + low, FMA(f, factor, -high))};
}
#endif

#if LANE > 1

/* f sin(pi f) / (pi f), |f| <= 1/2. */
INLINE pair_f32 sine_of_pi_f32(vf32 f) {
    vf32 z = f * f, z_low = FMA(f, f, -z);
    vf32 product = z * -0x1.a51a66p0f;
    vf32 product_low = fma_f32(z, -0x1.a51a66p0f, -product);
    vf32 sum = 1.0f + product, low = (1.0f - sum) + product;
    vf32 p = fma_f32(z, -0x1.29efp-9f, 0x1.ac3866p-6f);
    p = fma_f32(z, p, -0x1.86a898p-3f);
    p = fma_f32(z, p, 0x1.9f9cb4p-1f);
    low += fma_f32(z_low, -0x1.a51a66p0f, product_low);
    low = FMA(z, fma_f32(z, p, -0x1.2983eap-27f), low);
    vf32 factor = sum + low, high = f * factor;
    return (pair_f32){high, FMA(f, (sum - factor) + low, FMA(f, factor, -high))};
}
#endif

#endif
