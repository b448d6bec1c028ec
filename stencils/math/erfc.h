/* erfc, float64 and float32.

   Method.  With y = |x| and r = 1 / (y + 1), erfc y = exp(-y**2) r G(r), where G varies by a third
   only: the prefactor of Shepherd and Laframboise, "Chebyshev approximation of (1 + 2 x) exp(x**2)
   erfc x in 0 <= x < infinity", Math. Comp. 36 (1981), for 1 in place of 1/2, so that the rounding
   of r acts on erfc as if only the factor r were there (times 1.04 to 1.28, or 1.05 + 0.42 r within
   0.08: so the remainder of the division is added).  G is a polynomial in each of seven pieces of r
   of equal width; lookup.h picks the coefficients.  The eighth column is for y < 1/2, where

       erfc x = 1 - x - x Q(x**2),    Q = erf(x) / x - 1, as in erf.h,

   and 1 - x is taken as a sum of two.  For x <= -1/2, erfc x = 2 - erfc y.

   y**2 is taken as a sum of two as well, and exp(-y**2) = s + s e with |e| <= 0.091 as in
   exponential.h, so that with r G = head + head_low, where |head_low| <= head / 20,

       erfc y = s head + (s head_low + e (s head + s head_low)),

   the product on the left exact as a sum of two.  In ulp: 1/2 for the last addition, 0.15 for the
   roundings of the second term, 0.04 for r, and up to 0.1 each for the approximations of G
   (2**-57.5) and of exp: less than 1.  The power of two in s is kept in range by a constant factor,
   which the last multiplication takes back; a subnormal result is rounded there once more, with at
   most half of the error before: less than 1.

   Above 27.5 (float32: 10.1875) erfc is 0, or 2: such y, inf and nan are replaced, so that nothing
   raises a flag but underflow, and nan put back.  No branch.

   Coefficients: erfc.sollya.  Measured maximum: float64 0.947 ulp (near 3.67) in 10**8
   points and climbing from the worst, float32 0.883 (near 2.84) in all of them. */

#ifndef CPNUM_ERFC_H
#define CPNUM_ERFC_H

#include "exponential.h"
#include "horner.h"

/* From BOUND on erfc is 0 or 2; SCALE keeps the power of two in range. */
#define ERFC_BOUND_f64 ((vf64)27.5)
#define ERFC_BOUND_f32 ((vf32)10.1875f)
#define ERFC_SCALE_f64 ((vf64)0x1p256)
#define ERFC_SCALE_f32 ((vf32)0x1p48f)

/* The pieces of r: the centre of the first one, their width and its reciprocal. */
#define ERFC_CENTRE_f64 ((vf64)(163.0 / 2048.0))
#define ERFC_CENTRE_f32 ((vf32)(267.0f / 2048.0f))
#define ERFC_WIDTH_f64 ((vf64)(185.0 / 2048.0))
#define ERFC_WIDTH_f32 ((vf32)(169.0f / 2048.0f))
#define ERFC_RECIPROCAL_f64 ((vf64)(2048.0 / 185.0))
#define ERFC_RECIPROCAL_f32 ((vf32)(2048.0f / 169.0f))

/* Coefficients, the highest first, high and low. */
#define ERFC_TERMS_f64 13
#define ERFC_TERMS_f32 7

#if LANE == 8
TABLE(double, erfc_table_f64, ERFC_TERMS_f64) = {
    {-0x1.518c0d202fecap5, -0x1.a38511aa1632fp2, 0x1.09b2f3a9ab557p4, -0x1.0bfdc9355b6c9p-1,
     -0x1.05340ee636a73p1, -0x1.48a1ffe755a47p-1, -0x1.f9cd274c307a6p-5, 0.0},
    {0x1.9fe176844f723p4, -0x1.238f434af730fp4, -0x1.a49367306d98dp1, 0x1.ad3a7b54a5e26p1,
     0x1.629f05b3c551ep0, 0x1.95ed99cd0c479p-4, -0x1.4a47c9f8b77fap-3, 0.0},
    {0x1.ee7df48698e5ap2, 0x1.dd7ce787623d8p2, -0x1.f21c5019c2945p1, -0x1.3aa1a05f4a70cp1,
     -0x1.b851c3f618536p-3, 0x1.5af9ec9ff581fp-2, 0x1.0ec2adf5a0ccep-2, 0x1.8a95f07c15592p-20},
    {-0x1.92670a207e9c8p2, 0x1.76a21b9dfb42ep1, 0x1.a62f68ed3d9d7p1, 0x1.5690b797d0f1dp-2,
     -0x1.3d896a0a9f09bp-1, -0x1.f7b46a6d7cc08p-2, -0x1.dafce88be72ddp-3, -0x1.f20cb5f8a4ef7p-17},
    {-0x1.e9b912f107facp0, -0x1.89295efec8b79p1, -0x1.0309b87e81827p-2, 0x1.f3ce8b54c3e46p-1,
     0x1.8653a2820b356p-1, 0x1.568e6101bf44cp-2, 0x1.3ba3f6a4c2585p-4, 0x1.f98c5ff16c493p-14},
    {0x1.beaf3a5373d6p0, -0x1.a60c08c1bb87cp-3, -0x1.433b3896a3939p0, -0x1.d62716dca4971p-1,
     -0x1.55491853209ddp-2, 0x1.07204923357e5p-7, 0x1.0672f35481585p-3, -0x1.c02d458bd29acp-11},
    {0x1.82311d210716cp-1, 0x1.3435b215e6f2p0, 0x1.71be0a372273fp-1, 0x1.8b73060d6a3c2p-4,
     -0x1.e3155fe09bc36p-3, -0x1.3f23a5d015bfap-2, -0x1.11d8467dbe3fp-2, 0x1.565bcbceddf71p-8},
    {-0x1.2bbfaefeb96e6p-1, -0x1.a12c90d7edf73p-4, 0x1.6b319cb6dc343p-2, 0x1.106b02b4adac3p-1,
     0x1.f43fcc9963b6ep-2, 0x1.6e86503301862p-2, 0x1.cc49a505be9d1p-3, -0x1.b82ce30e60634p-6},
    {-0x1.fd20819443d54p-2, -0x1.4150898db1de8p-1, -0x1.26744740c5e79p-1, -0x1.a00d5081c993ep-2,
     -0x1.bd43fa88e3b98p-3, -0x1.041197faee1fdp-4, 0x1.5124daefca1e2p-5, 0x1.ce2f21a03b796p-4},
    {0x1.81a55fce00ce7p-3, 0x1.0535a82eefb3bp-5, -0x1.14240cb3e3204p-3, -0x1.13b5baebf44d1p-2,
     -0x1.69ddc71fb3696p-2, -0x1.8fbd548703f3fp-2, -0x1.91b8dd93a243ep-2, -0x1.812746b03798fp-2},
    {0x1.3462c24c1b2ffp-1, 0x1.3ed830e74a9fdp-1, 0x1.39f87d8c1e4cdp-1, 0x1.26ecf5dba982bp-1,
     0x1.09bb7ec65c61dp-1, 0x1.ce0605306e65dp-2, 0x1.85306d9f2940cp-2, 0x1.06eba8214db68p-3},
    {0x1.38aef324cb0c6p-1, 0x1.551f5387875f3p-1, 0x1.71d21adece2b9p-1, 0x1.8d6a7aadd897cp-1,
     0x1.a6cc126778e8ep-1, 0x1.bd423b068c939p-1, 0x1.d07b9c2fd6a02p-1, 0.0},
    {0x1.657f966989374p-55, 0x1.148a202b5752dp-57, -0x1.5f8bb3433edb6p-55, -0x1.911fbc07792eap-57,
     0x1.a95d1b8097eadp-57, -0x1.ffa7644e158f3p-55, -0x1.5dd1917bbea9fp-57, 0.0},
};
#endif

TABLE(float, erfc_table_f32, ERFC_TERMS_f32) = {
    {0x1.1d8f9ap0f, 0x1.10022cp0f, 0x1.c0a396p-2f, -0x1.54da78p-5f, -0x1.0b615ep-2f,
     -0x1.41d2a6p-2f, -0x1.0d42e2p-2f, 0x1.35681ep-8f},
    {-0x1.581afep-2f, 0x1.2117b6p-3f, 0x1.d22dc6p-2f, 0x1.1160dp-1f, 0x1.da5754p-2f, 0x1.5bf3c4p-2f,
     0x1.c245bp-3f, -0x1.b66b44p-6f},
    {-0x1.2f67fep-1f, -0x1.3f4292p-1f, -0x1.08e346p-1f, -0x1.6412fp-2f, -0x1.71121cp-3f,
     -0x1.821a5ep-5f, 0x1.6d8db2p-5f, 0x1.ce2554p-4f},
    {0x1.aca0e4p-4f, -0x1.9311c4p-5f, -0x1.8a6404p-3f, -0x1.3361a2p-2f, -0x1.75c8dep-2f,
     -0x1.91ba8p-2f, -0x1.91352p-2f, -0x1.812734p-2f},
    {0x1.3c10d2p-1f, 0x1.3e7628p-1f, 0x1.340f1ap-1f, 0x1.1ef144p-1f, 0x1.028b7p-1f, 0x1.c4a152p-2f,
     0x1.820d7ep-2f, 0x1.06eba8p-3f},
    {0x1.488e9ap-1f, 0x1.62d3c8p-1f, 0x1.7cc2ccp-1f, 0x1.955f86p-1f, 0x1.abeadcp-1f, 0x1.bff03ap-1f,
     0x1.d13d6cp-1f, 0.0f},
    {0x1.789ad8p-26f, 0x1.480f6ap-26f, 0x1.5148dp-27f, -0x1.8ff94ep-28f, 0x1.1ea42p-26f,
     0x1.80948ep-31f, -0x1.810ef6p-27f, 0.0f},
};

#define TEMPLATE "erfc.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(erfc)(V x) {
    const I BOUND = AS(I, NAME(ERFC_BOUND));
    I magnitude = AS(I, x) & ~SIGN, within = magnitude < BOUND; /* and no nan */
    V y = AS(V, within ? magnitude : BOUND);
    I small = magnitude < AS(I, R(0.5));

    /* exp(-square - square_low) * SCALE = s + s e */
    V square = y * y, square_low = FMA(y, y, -square);
    NAME(quarter_reduced) part = NAME(reduce_quarter_ln2)(-square);
    V t = part.head + NAME(fma)(part.minus, NAME(QUARTER_LN2_TAIL), -square_low);
    I offset = AS(I, NAME(ERFC_SCALE)) - ONE;
    NAME(quarter_power) power = NAME(quarter_power_of)(part.n, offset);
    V e = t + FMA(t * t, NAME(exp_series)(t), power.t);

    NEW_BLOCK;
    V above = y + R(1.0), r = R(1.0) / above, missed = y - (above - R(1.0));
    V delta = FMA(-missed, r, NAME(fma)(-above, r, R(1.0))); /* r (1 + delta) is nearer */
    V start = r - NAME(ERFC_CENTRE);
    V shifted = NAME(fma)(start, NAME(ERFC_RECIPROCAL), (V)SHIFT), piece = shifted - SHIFT;
    I column = small ? 7 : AS(I, shifted);
    NAME(columns) columns = NAME(choose)(column, ADDRESS(NAME(erfc_table)));
    V d = NAME(fma)(piece, -NAME(ERFC_WIDTH), start), u = small ? square : d, uu = u * u;
    V p = NAME(HORNER)(columns, NAME(ERFC_TERMS) - 2, u, uu);
    V high = NAME(lookup)(columns, NAME(ERFC_TERMS) - 2);
    V low = NAME(lookup)(columns, NAME(ERFC_TERMS) - 1);

    NEW_BLOCK;
    V head = r * high, head_low = FMA(r, high, -head);
    head_low = FMA(r, FMA(d, p, low), head_low);
    head_low = FMA(head * NAME(fma)(r, R(0.42), R(1.05)), delta, head_low);
    V scaled = head * power.s, scaled_low = FMA(head, power.s, -scaled);
    scaled_low = FMA(head_low, power.s, scaled_low);
    scaled_low = FMA(e, scaled + scaled_low, scaled_low);
    V value = (scaled + scaled_low) * (R(1.0) / NAME(ERFC_SCALE));

    I negative = AS(I, x) < 0;
    V bounded = COPYSIGN(y, x);
    V base = small ? R(1.0) - bounded : negative ? R(2.0) : R(0.0);
    V rest = small ? FMA(-bounded, p, (R(1.0) - base) - bounded) : negative ? -value : value;
    V result = base + rest;
    return x == x ? result : x;
}

#endif
