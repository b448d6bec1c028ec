/* tanh, float64 and float32.

   Method.  With t = |x| = n ln 2 / 2 + r, h = 2**-n and the even function r coth r = 1 + c,
   exp(2 r) = (1 + c + r) / (1 + c - r), so that

       tanh t = (exp(2 t) - 1) / (exp(2 t) + 1) = N / D,
       N = (1 - h) (1 + c) + (1 + h) r,    D = (1 + h) (1 + c) + (1 - h) r.

   This is expm1(2 t) / (expm1(2 t) + 2) with exp in rational form (Cody and Waite, "Software
   Manual for the Elementary Functions", 1980, chapters 6 and 13): the division is there anyway,
   c = r**2 Q(r**2) <= 0.0113 takes half the terms of a polynomial for exp, and its rounding
   errors hardly count.  Q is minimax (tanh_minimax.py).

   The head t - n (ln 2 / 2)_head is exact (see exponential.h), the tail enters N and D but not c.
   n = rint(2 t / ln 2 - 1/32): the shift keeps the head of N above 1/4 for n = 1, half of 1 - h, so
   that their difference is exact (Sterbenz) and gives the rounding error of the head; for n = 0
   N = 2 r exactly.  D likewise, with 1 + h as (1 - h) + 2 h: once 1 - h rounds to 1 (n > p) both of
   them lack the same h.
   The quotient q = N_head / D is corrected once by the remainder N - q D, about 1 % of N, with
   the reciprocal at hand.  In ulp: 1/2 for that last FMA, 0.05 for c, the remainder and the
   approximation, and the h that r (1 + h) loses.

   Where tanh is flat, an error of 0.03 ULP beside the rounding is enough for a larger t to have a
   smaller tanh.  So above 2.5 it is 1 - (D - N) / D, D - N = 2 h (1 + c - r) exactly: at most
   0.013, which falls by more from one t to the next than its rounding errors are, and the
   difference rounds once.

   float32 has 14 pieces, which end at quarters of octaves of t + 25/32, so that they are the
   narrower the steeper tanh is.  With a number m inside of the piece, r = t - m (exact: m is within
   a factor of 2 of t) and T = tanh m, which is chosen to be nearly a float32 number,

       tanh t = T + tanh(r) (1 - T**2) / (1 + T tanh r) = T - r (T**2 - 1) / (1 + c + T r).

   In the first piece, t < 15/32, m is 0, and tanh t = t - t c / (1 + c).  The quotient is at most
   0.2 of the result, so that its few roundings are not made up for.

   Above 20 (float32: 9.5) tanh is 1, and so is the formula: such t, inf and nan are replaced, so
   that nothing raises a flag, and nan put back.  No branch, no slow path.

   Measured maximum: float64 0.54 ulp in 400000 points and climbing from the worst, float32 0.839
   (near 0.469) in all of them; no t has a smaller tanh than the one before it (all of float32). */

#ifndef CPNUM_TANH_H
#define CPNUM_TANH_H

#include "fma.h"
#include "sixteen.h"

#if LANE == 8
/* c of r coth r = 1 + c */
INLINE vf64 tanh_series_f64(vf64 square) {
    vf64 Q = fma_f64(square, 0x1.630e4be8e373cp-16, -0x1.bbd3329784d81p-13);
    Q = fma_f64(square, Q, 0x1.1566aa9918aa3p-9);
    Q = fma_f64(square, Q, -0x1.6c16c16bd1631p-6);
    return square * fma_f64(square, Q, 0x1.555555555552bp-2);
}

INLINE vf64 tanh_f64(vf64 x) {
    /* The smaller of |x| and 20, as integers: no flag for a nan, which becomes 20. */
    vi64 magnitude = AS(vi64, x) & 0x7fffffffffffffff;
    vf64 t = AS(vf64, magnitude < 0x4034000000000000 ? magnitude : 0x4034000000000000);
    vf64 shifted = fma_f64(t, 0x1.71547652b82fep+1, -0x1p-5) + 0x1.8p52; /* n in its lowest bits */
    vf64 multiple = shifted - 0x1.8p52;
    vf64 r = fma_f64(-multiple, 0x1.62e42fefa39efp-2, t);
    vf64 r_tail = multiple * -0x1.abc9e3b39803fp-57;
    vf64 h = AS(vf64, 0x3ff0000000000000 - (AS(vi64, shifted) << 52));
    vf64 minus = 1.0 - h, plus = 1.0 + h, c = tanh_series_f64(r * r);
    vf64 denominator = fma_f64(r, minus, plus);
    vf64 denominator_tail = fma_f64(r, minus, (minus - denominator) + (h + h));
    denominator_tail = fma_f64(r_tail, minus, denominator_tail);
    denominator_tail = fma_f64(c, plus, denominator_tail);
    vf64 reciprocal = 1.0 / (denominator + denominator_tail);
    vf64 numerator = fma_f64(r, plus, minus);
    vf64 numerator_tail = fma_f64(r, plus, minus - numerator);
    numerator_tail = fma_f64(r_tail, plus, numerator_tail);
    numerator_tail = fma_f64(c, minus, numerator_tail);
    vf64 quotient = numerator * reciprocal;
    vf64 remainder = fma_f64(-quotient, denominator, numerator);
    remainder += fma_f64(-quotient, denominator_tail, numerator_tail);
    quotient = fma_f64(remainder, reciprocal, quotient);
    vf64 missing = (h + h) * ((1.0 - r) + (c - r_tail)) * reciprocal;
    vf64 value = AS(vi64, t) > 0x4004000000000000 ? 1.0 - missing : quotient;
    return x == x ? COPYSIGN(value, x) : x;
}

/* No parts: r is rounded with its tail, and N = (1 - h) + ((1 + h) r + (1 - h) c), of which the
   parenthesis is small, and likewise D are rounded once.  Not monotonic where it is flat.
   Measured: 2.5 ULP. */
INLINE vf64 tanh_fast_f64(vf64 x) {
    vi64 magnitude = AS(vi64, x) & 0x7fffffffffffffff;
    vf64 t = AS(vf64, magnitude < 0x4034000000000000 ? magnitude : 0x4034000000000000);
    vf64 shifted = fma_f64(t, 0x1.71547652b82fep+1, 0x1.8p52), minus_n = 0x1.8p52 - shifted;
    vf64 r = fma_f64(minus_n, 0x1.62e42fefa39efp-2, t);
    r = fma_f64(minus_n, 0x1.abc9e3b39803fp-57, r);
    vf64 h = AS(vf64, 0x3ff0000000000000 - (AS(vi64, shifted) << 52));
    vf64 minus = 1.0 - h, plus = 1.0 + h, c = tanh_series_f64(r * r);
    vf64 numerator = minus + FMA(r, plus, c * minus);
    vf64 value = numerator / (plus + FMA(r, minus, c * plus));
    return x == x ? COPYSIGN(value, x) : x;
}
#endif

#if LANE > 1
/* m, tanh m, tanh(m)**2 - 1 */
static const float __attribute__((aligned(64))) tanh_pieces_f32[3][16] = {
    {0x1.6987a6p+0f, 0x1.efedd8p+0f, 0x1.37c4f4p+1f, 0x1.72b57cp+1f, 0x1.d35544p+1f, 0x1.23ad66p+2f,
     0x1.6b462ep+2f, 0x1.a6f840p+2f, 0x1.fe2802p+2f, 0x1.44553cp+3f, 0.0f, 0.0f, 0.0f,
     0x1.26a41cp-1f, 0x1.a8a692p-1f, 0x1.14f85ap+0f},
    {0x1.c6a378p-1f, 0x1.eb2b1ap-1f, 0x1.f8368ep-1f, 0x1.fce2aap-1f, 0x1.ff4f66p-1f, 0x1.ffe32ap-1f,
     0x1.fffcecp-1f, 0x1.ffff86p-1f, 0x1.fffff8p-1f, 0x1.000000p+0f, 0.0f, 0.0f, 0.0f,
     0x1.09ea4ep-1f, 0x1.5c3cd0p-1f, 0x1.967b1cp-1f},
    {-0x1.b12f94p-3f, -0x1.46868cp-4f, -0x1.ee9254p-6f, -0x1.8d7494p-7f, -0x1.60f716p-9f,
     -0x1.cd5302p-12f, -0x1.89fed0p-15f, -0x1.e7ffc2p-18f, -0x1.000014p-21f, -0x1.b0279cp-28f, 0.0f,
     0.0f, 0.0f, -0x1.75e48ap-1f, -0x1.13254ep-1f, -0x1.7a9548p-2f},
};

INLINE vf32 tanh_f32(vf32 x) {
    vi32 magnitude = AS(vi32, x) & 0x7fffffff;
    vf32 t = AS(vf32, magnitude < 0x41180000 ? magnitude : 0x41180000);
    vi32 bits = AS(vi32, t + 0x1.9p-1f), piece = bits >> 21, first = bits < 0x3fa00000;
    float const(*table)[16] = ADDRESS(tanh_pieces_f32);
    vf32 r = t - one_of_16(table[0], piece), T = one_of_16(table[1], piece), square = r * r;
    vf32 c = fma_f32(square, 0x1.09e89ap-9f, -0x1.6be7dap-6f);
    c = square * fma_f32(square, c, 0x1.55553ap-2f);
    vf32 head = first ? t : T, factor = first ? c : one_of_16(table[2], piece);
    vf32 value = head - r * factor / (1.0f + FMA(r, T, c));
    return x == x ? COPYSIGN(value, x) : x;
}
#endif

#endif
