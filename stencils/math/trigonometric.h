/* Reduction of an angle, and sine and cosine of what remains: what sin.h and cos.h share.

   |x| = n * pi/2 + r with |r| <= pi/4, r = high + low.  Reduction by Cody and Waite (Software
   Manual for the Elementary Functions, 1980) with FMA: pi/2 = first + second + third; n * first
   is taken off exactly; `second` is so short that n * second is exact, so that high and the
   error of its rounding are, too; `third` only adds to that error.  That holds while n * second
   fits: to |x| = 2**24 in float64 (29 bits), 25600 in float32 (10 bits).

   Beyond, in the one branch, Payne and Hanek (SIGNUM Newsletter 18, 1983): x * 2/pi modulo 4,
   with 2/pi from a row that depends on the exponent and starts where a bit times x is no
   multiple of 4 any more.  A row serves 32 exponents; x is scaled into [1, 2**32).  The products
   with the first two pieces are exact and reduced modulo 1 (these pieces are a quarter of
   2/pi's), so their sum is exact; the rest is far below.  What a row leaves out is < 2**-126
   (float64), < 2**-62 (float32), and no r is below 2**-62 and 2**-30 (Muller, Elementary
   Functions, 11.3).  Lanes of the other kind keep the value of the short way: a result never
   depends on its neighbours.

   sin(r) = r + r**3 P(r**2), low added with weight cos(r).  The last addition rounds to 0.5 ULP;
   the terms before it are <= 0.1 of the sum, so that their few roundings make up 0.2 - 0.3 ULP.
   Odd quadrants need cos(r): in float64 as 1 - 2 sin(r/2)**2 by the same polynomial, in float32
   by one of its own; 1 - r**2/2 is taken as a double (rounded, and its error by FMA), so it adds
   no error.

   Polynomials and tables: trigonometric.py; relative errors 2**-57.9 (float64), 2**-27.9
   (float32).  Measured: float64 0.77 ULP (6.5e6 points each), float32 0.758 ULP (all 2**32
   inputs). */

#ifndef CPNUM_TRIGONOMETRIC_H
#define CPNUM_TRIGONOMETRIC_H

#include "../vector.h"
#include "double_double.h"

/* Up to here n * second fits. */
#define NEAR_f64 ((vf64)0x1p24)
#define NEAR_f32 ((vf32)25600.0f)

/* 2 / pi, and pi / 2 as first + second + third. */
#define TWO_OVER_PI_f64 ((vf64)0x1.45f306dc9c883p-1)
#define TWO_OVER_PI_f32 ((vf32)0x1.45f306p-1f)
#define HALF_PI_FIRST_f64 ((vf64)0x1.921fb54442d18p+0)
#define HALF_PI_FIRST_f32 ((vf32)0x1.921fb6p+0f)
#define HALF_PI_SECOND_f64 ((vf64)0x1.1a62633p-54)
#define HALF_PI_SECOND_f32 ((vf32)-0x1.778p-25f)
#define HALF_PI_THIRD_f64 ((vf64)0x1.45c06e0e68948p-86)
#define HALF_PI_THIRD_f32 ((vf32)0x1.68c234p-39f)

/* For sine_beside: pi in three parts of all bits, and whether the sum may round to more than 1. */
#define PI_FIRST_f64 ((vf64)0x1.921fb54442d18p+1)
#define PI_FIRST_f32 ((vf32)0x1.921fb6p+1f)
#define PI_SECOND_f64 ((vf64)0x1.1a62633145c07p-53)
#define PI_SECOND_f32 ((vf32)-0x1.777a5cp-24f)
#define PI_THIRD_f64 ((vf64)-0x1.f1976b7ed8fbcp-109)
#define PI_THIRD_f32 ((vf32)-0x1.ee59dap-49f)
#define SINE_LIMITED_f64 1
#define SINE_LIMITED_f32 0

/* P(r**2) of sin(r) = r + r**3 P(r**2), |r| <= pi/2. */
#if LANE == 8
INLINE vf64 sine_beside_series_f64(vf64 square) {
    vf64 p = (vf64)-0x1.9edc4b2c0e3e3p-41;
    p = FMA(p, square, (vf64)0x1.60e4e4c24cac7p-33);
    p = FMA(p, square, (vf64)-0x1.ae6349904425bp-26);
    p = FMA(p, square, (vf64)0x1.71de37dfb2da1p-19);
    p = FMA(p, square, (vf64)-0x1.a01a0199e64cbp-13);
    p = FMA(p, square, (vf64)0x1.1111111109972p-7);
    return FMA(p, square, (vf64)-0x1.555555555549p-3);
}
#endif

INLINE vf32 sine_beside_series_f32(vf32 square) {
    vf32 p = (vf32)0x1.5d85c2p-19f;
    p = FMA(p, square, (vf32)-0x1.9f6daap-13f);
    p = FMA(p, square, (vf32)0x1.110edp-7f);
    return FMA(p, square, (vf32)-0x1.55554cp-3f);
}

#define TEMPLATE "trigonometric.h"
#include "real.h"

#if LANE == 8
/* Row k: 2/pi * 2**(32 k + 1) modulo 2**54 in 53-bit pieces, the first two divided by 4. */
static const double two_over_pi[32][4] = {
    {0x0p+0, 0x1.45f306dc9c882p-2, 0x1.4a7f09d5f47d4p-53, 0x1.a6ee06db14acdp-106},
    {0x1.45f306dcp+30, 0x1.391054a7f09d4p-3, 0x1.f47d4d377036dp-53, 0x1.14acc9e21c821p-106},
    {0x1.9836e4e441529p+51, 0x1.f84eafa3ea69bp-2, 0x1.7036d8a5664f1p-53, 0x1.c820ff28b1d5fp-110},
    {0x1.054a7f09d5f44p+49, 0x1.ea69bb81b6c52p-2, 0x1.664f10e4107f9p-53, 0x1.163abdebbc562p-107},
    {0x1.d5f47d4d377p+49, 0x1.b6c52b3278872p-2, 0x1.07f9458eaf7ap-57, 0x1.de2b0db92371dp-106},
    {0x1.4ddc0db629599p+51, 0x1.e21c820ff28bp-4, 0x1.d5ef5de2b0db8p-54, 0x1.2371d2126e97p-106},
    {0x1.4acc9e21c8208p+48, 0x1.fca2c757bd778p-2, 0x1.586dc91b8e909p-53, 0x1.ba5c00c925dd4p-108},
    {0x1.c820ff28b1d58p+48, 0x1.bd778ac36e48dp-2, 0x1.8e909374b8019p-53, 0x1.25dd413a3243ap-108},
    {0x1.163abdebbc561p+51, 0x1.6e48dc74849bap-2, 0x1.700324977504ep-54, 0x1.1921cfe1deb1dp-107},
    {0x1.bc561b7246e3ap+51, 0x1.09374b801924ap-3, 0x1.ba827464873f8p-53, 0x1.deb1cb129a73fp-107},
    {0x1.1b8e909374b8p+49, 0x1.924bba827464p-7, 0x1.0e7f0ef58e588p-54, 0x1.4d39f74411afbp-106},
    {0x1.ba5c00c925dd4p+50, 0x1.3a32439fc3bdp-6, 0x1.8e5894d39f744p-54, 0x1.1afa975da2427p-110},
    {0x1.25dd413a32438p+50, 0x1.fc3bd63962534p-2, 0x1.cfba208d7d4bap-53, 0x1.da24274ce3813p-106},
    {0x1.1921cfe1deb1cp+51, 0x1.62534e7dd1046p-2, 0x1.7d4baed1213a6p-53, 0x1.c7026b45f7e41p-107},
    {0x1.deb1cb129a73ep+51, 0x1.d1046bea5d768p-2, 0x1.213a671c09ad1p-53, 0x1.f7e413991d63ap-107},
    {0x1.34e7dd1046beap+50, 0x1.75da24274ce38p-4, 0x1.35a2fbf209ccp-58, 0x1.1d639835339f5p-107},
    {0x1.1afa975da242p+48, 0x1.d338e04d68befp-2, 0x1.904e64758e60dp-53, 0x1.339f49c845f8cp-107},
    {0x1.b4484e99c7026p+51, 0x1.68befc827323ap-2, 0x1.8e60d4ce7d272p-53, 0x1.17e2ef7e4a0ecp-109},
    {0x1.c7026b45f7e41p+51, 0x1.cc8eb1cc1a99cp-4, 0x1.f49c845f8bbdcp-55, 0x1.c941d8ffc4cp-106},
    {0x1.f7e413991d639p+51, 0x1.06a673e93908bp-2, 0x1.e2ef7e4a0ec7fp-53, 0x1.c4bffef02cc08p-106},
    {0x1.1d639835339f4p+51, 0x1.3908bf177bf25p-2, 0x1.d8ffc4bffefp-58, 0x1.6603fbcbc462dp-109},
    {0x1.339f49c845f8bp+51, 0x1.7bf250763ff12p-2, 0x1.fff7816603fbcp-53, 0x1.788c5ad05369p-106},
    {0x1.17e2ef7e4a0ecp+49, 0x1.ff897ffde0598p-5, 0x1.fde5e2316b4p-60, 0x1.4da3eda6cfd9ep-108},
    {0x1.9283b1ff897ffp+51, 0x1.bc0b301fde5e2p-2, 0x1.8b5a0a6d1f6dp-55, 0x1.b3f6793e584dcp-106},
    {0x1.897ffde05980fp+51, 0x1.de5e2316b414dp-2, 0x1.47db4d9fb3c9fp-53, 0x1.6136e9e8c7ecdp-108},
    {0x1.6603fbcbc462cp+49, 0x1.6829b47db4d9ep-3, 0x1.b3c9f2c26dd3dp-53, 0x1.8fd9a797fa8b6p-109},
    {0x1.e2316b414da3ep+50, 0x1.b4d9fb3c9f2c2p-3, 0x1.b74f463f669e4p-55, 0x1.fea2d7527bac8p-107},
    {0x1.4da3eda6cfd9ep+50, 0x1.3e584dba7a31cp-4, 0x1.d9a797fa8b5d4p-53, 0x1.3dd63f5f2f8bep-106},
    {0x1.67ecf27cb09b7p+51, 0x1.3d18fd9a797fap-3, 0x1.16ba93dd63f5ep-54, 0x1.2f8bd9e839cfcp-106},
    {0x1.6136e9e8c7eccp+50, 0x1.3cbfd45aea4f7p-2, 0x1.63f5f2f8bd9e8p-54, 0x1.ce7de294a4baap-109},
    {0x1.8fd9a797fa8b4p+49, 0x1.d49eeb1faf97cp-3, 0x1.7b3d0739f78a4p-55, 0x1.292ea6bfb5fb1p-107},
    {0x1.fea2d7527bac7p+51, 0x1.d7cbe2f67a0e7p-2, 0x1.f78a5292ea6bcp-55, 0x1.dafd88fc6ae84p-106},
};

INLINE vf64 gather_two_over_pi(vu64 row, int piece) {
    double const(*table)[4] = ADDRESS(two_over_pi);
    vf64 gathered;
    for (int lane = 0; lane < LANES; lane++) gathered[lane] = table[row[lane]][piece];
    return gathered;
}

INLINE reduced_f64 reduce_f64(vf64 x, double shift) {
    vi64 huge = huge_f64(x);
    if (!UNLIKELY(any(huge))) return reduce_near_f64(x, shift);

    vu64 row = AS(vu64, x) >> 57 & 31;
    vf64 scaled = AS(vf64, (AS(vu64, x) & 0x1ffffffffffffff) + 0x3ff0000000000000);

    /* In turns (modulo 1), then in quarters; product.low of the second piece is below 2**-20. */
    dd product = two_product(scaled, gather_two_over_pi(row, 0));
    vf64 top = (product.high - RINT(product.high)) + (product.low - RINT(product.low));
    product = two_product(scaled, gather_two_over_pi(row, 1));
    dd turn = two_sum(top, product.high - RINT(product.high));
    turn.high *= 4.0, turn.low *= 4.0, product.low *= 4.0;
    vf64 whole = RINT(turn.high);
    vu64 quadrant = AS(vu64, whole + shift);
    turn.high -= whole;

    /* What is left may all but cancel, to 2**-62: keep every rounding error until the end. */
    dd third = two_product(scaled, gather_two_over_pi(row, 2));
    third.low = FMA(scaled, gather_two_over_pi(row, 3), third.low);
    dd middle = two_sum(product.low, third.high);
    middle.low += third.low;
    dd sum = two_sum(turn.high, middle.high);
    middle.low += sum.low;
    turn = two_sum(sum.high, turn.low);
    turn = fast_two_sum(turn.high, turn.low + middle.low);

    dd angle = two_product(turn.high, (vf64)0x1.921fb54442d18p+0);
    angle.low = FMA(turn.high, (vf64)0x1.1a62633145c07p-54, angle.low);
    angle.low = FMA(turn.low, (vf64)0x1.921fb54442d18p+0, angle.low);

    /* Only now, so that few values live at once. */
    reduced_f64 near = reduce_near_f64(x, shift);
    return (reduced_f64){huge ? quadrant : near.quadrant, huge ? angle.high : near.high,
                         huge ? angle.low : near.low};
}

/* Even quadrants: t + rest = sin(r).  Odd ones: t = r/2 and rest give sin(r/2), and then
   1 - 2 (t + rest)**2 = (1 - r t) - 2 rest (r + rest).  One polynomial, few constants to load. */
INLINE vf64 sine_rest_f64(vf64 t, vf64 low) {
    vf64 square = t * t;
    vf64 cube = square * FMA(low, (vf64)3.0, t); /* (t + low)**3: low's weight cos(t) */
    vf64 p = (vf64)0x1.5d8b55d20f711p-33;
    p = FMA(p, square, (vf64)-0x1.ae5e4b848299ep-26);
    p = FMA(p, square, (vf64)0x1.71de35552bd3p-19);
    p = FMA(p, square, (vf64)-0x1.a01a019be921bp-13);
    p = FMA(p, square, (vf64)0x1.111111110f73p-7);
    p = FMA(p, square, (vf64)-0x1.5555555555548p-3);
    return FMA(cube, p, low);
}

INLINE sum_f64 cosine_of_half_f64(vf64 r, vf64 t, vf64 rest) {
    vf64 cosine = FMA(-t, r, (vf64)1.0);
    return (sum_f64){cosine, FMA(-(rest + rest), r + rest, FMA(-t, r, 1.0 - cosine))};
}

INLINE vf64 sine_f64(reduced_f64 angle, vu64 sign) {
    vi64 odd = AS(vi64, (angle.quadrant & 1) != 0);
    vf64 r = angle.high, scale = odd ? (vf64)0.5 : (vf64)1.0, t = r * scale;
    vf64 rest = sine_rest_f64(t, angle.low * scale);
    sum_f64 cosine = cosine_of_half_f64(r, t, rest);
    vf64 value = (odd ? cosine.head : t) + (odd ? cosine.rest : rest);
    return with_sign_f64(value, angle.quadrant, sign);
}
#endif

/* The piece of one of four rows: exponents 32 (4 + 2 bit_1 + bit_0) and the next 31. */
INLINE vf64 choose_4(vi32 bit_0, vi32 bit_1, float a, float b, float c, float d) {
    return CONVERT(vf64, bit_1 ? (bit_0 ? (vf32)d : (vf32)c) : (bit_0 ? (vf32)b : (vf32)a));
}

INLINE reduced_f32 reduce_f32(vf32 x, float shift) {
    vi32 huge = huge_f32(x);
    if (!UNLIKELY(any(huge))) return reduce_near_f32(x, shift);

    vu32 bits = AS(vu32, x);
    vi32 bit_0 = AS(vi32, bits << 3) < 0, bit_1 = AS(vi32, bits << 2) < 0;
    vf64 scaled = CONVERT(vf64, AS(vf32, (bits & 0xfffffff) + 0x3f800000));

    vf64 product =
        scaled * choose_4(bit_0, bit_1, 0x0p+0f, 0x1.f306dcp+22f, 0x1.1054a4p+21f, 0x1.3abe88p+20f);
    vf64 turn = product - RINT(product);
    product = scaled * choose_4(bit_0, bit_1, 0x1.45f306p-2f, 0x1.391054p-3f, 0x1.f84eaep-2f,
                                0x1.ea69bap-2f);
    turn = (turn + (product - RINT(product))) * 4.0;
    vf64 piece =
        choose_4(bit_0, bit_1, 0x1.b9391p-25f, 0x1.4fe138p-26f, 0x1.a3ea68p-24f, 0x1.81b6c4p-24f);
    vf64 whole = RINT(FMA(scaled, piece, turn));
    vu32 quadrant = AS(vu32, CONVERT(vf32, whole) + shift);
    turn = FMA(scaled, piece, turn - whole);
    piece =
        choose_4(bit_0, bit_1, 0x1.529fcp-51f, 0x1.5f47d4p-49f, 0x1.bb81b6p-48f, 0x1.2b3278p-48f);
    turn = FMA(scaled, piece, turn);
    piece =
        choose_4(bit_0, bit_1, 0x1.3abe9p-74f, 0x1.a6ee06p-74f, 0x1.8a5664p-73f, 0x1.0e4108p-73f);
    turn = FMA(scaled, piece, turn);
    turn *= 0x1.921fb54442d18p+0;
    vf32 high = CONVERT(vf32, turn), low = CONVERT(vf32, turn - CONVERT(vf64, high));

    reduced_f32 near = reduce_near_f32(x, shift);
    return (reduced_f32){huge ? quadrant : near.quadrant, huge ? high : near.high,
                         huge ? low : near.low};
}

/* Two polynomials, as three coefficients are cheap: sin(r) = r + r**3 P(r**2) and cos(r) = 1 -
   r**2/2 + r**4 Q(r**2).  A lane of sine_f32 chooses. */
static const float SINE_F32[] = {-0x1.555546p-3f, 0x1.110776p-7f, -0x1.9952fap-13f};
static const float COSINE_F32[] = {0x1.55554ap-5f, -0x1.6c0c28p-10f, 0x1.99e80cp-16f};

/* 1 - r**2/2, rounded, and the error. */
INLINE sum_f32 cosine_head_f32(vf32 r) {
    vf32 half = r * 0.5f, cosine = FMA(-half, r, (vf32)1.0f);
    return (sum_f32){cosine, FMA(-half, r, 1.0f - cosine)};
}

INLINE vf32 sine_f32(reduced_f32 angle, vu32 sign) {
    vf32 r = angle.high, low = angle.low, square = r * r;
    vi32 odd = AS(vi32, (angle.quadrant & 1) != 0);
    sum_f32 cosine = cosine_head_f32(r);
    vf32 rest = odd ? FMA(-low, r, cosine.rest) : low * cosine.head;
    vf32 head = odd ? cosine.head : r;
    vf32 factor = square * (odd ? square : r);
    vf32 p = odd ? (vf32)COSINE_F32[2] : (vf32)SINE_F32[2];
    p = FMA(p, square, odd ? (vf32)COSINE_F32[1] : (vf32)SINE_F32[1]);
    p = FMA(p, square, odd ? (vf32)COSINE_F32[0] : (vf32)SINE_F32[0]);
    return with_sign_f32(head + FMA(factor, p, rest), angle.quadrant, sign);
}

#elif defined(REAL)

typedef struct {
    U quadrant; /* the low two bits count */
    V high, low;
} NAME(reduced);

/* Sine and cosine of what remains: sincos.h. */
typedef struct {
    V first, second;
} NAME(sincos_of);

/* A sum of two, not yet rounded. */
typedef struct {
    V head, rest;
} NAME(sum);

INLINE NAME(reduced) NAME(reduce_near)(V x, ELEMENT shift) {
    V shifted = FMA(x, NAME(TWO_OVER_PI), (V)shift), n = shifted - shift;
    V first = FMA(-n, NAME(HALF_PI_FIRST), x);
    V high = FMA(-n, NAME(HALF_PI_SECOND), first);
    V low = FMA(-n, NAME(HALF_PI_SECOND), first - high);
    low = FMA(-n, NAME(HALF_PI_THIRD), low);
    return (NAME(reduced)){AS(U, shifted), high, low};
}

/* Finite and above NEAR: on the bits, moved so that inf and nan are outside, as comparing floats
   would raise invalid for nan on AArch64.  For inf the short way's inf - inf does. */
INLINE I NAME(huge)(V x) {
    const I LEAST = AS(I, NAME(NEAR)) + 1;
    return AS(I, x) - LEAST + SIGN < SIGN + (INFINITE - LEAST);
}

/* Above NEAR, inf or nan: what the full version is for. */
INLINE I NAME(large)(V x) { return AS(I, ABS(x)) > AS(I, NAME(NEAR)); }

/* The sign of a quadrant, and another. */
INLINE V NAME(with_sign)(V value, U quadrant, U sign) {
    return AS(V, AS(U, value) ^ ((quadrant << (SIGN_BIT - 1) ^ sign) & AS(U, SIGN)));
}

/* For precision="fast": (-1)**k sin(|x| - k pi) for the integer k next to |x| / pi, or with k + 1/2
   for the cosine.  pi is in three parts of all bits and r rounded once and again, so that it has no
   low part, and r reaches pi/2, so that there are no odd quadrants.  The three parts are good for
   any |x| below 2**24 (25600), since r is above 2**-62 (2**-30).

   In ULP: 1.1 for r, near powers of two; 0.5 for the last addition; 0.7 for what is before it; the
   polynomials 1.4 (2**-52.3, of one term fewer than full precision takes; float32: 2**-27.1, 0.2).
   That may round to more than 1, so float64 is limited; the polynomial of float32 is that of a sine
   that is lower by a fifth of a unit at pi/2, with which none does (nor is cos(0) below 1).
   Measured: float64 3.07 (10**7 points for each, and climbing from the worst), float32 1.89 (all
   2**32 inputs). */
INLINE V NAME(sine_beside)(V x, V n) {
    V r = FMA(-n, NAME(PI_FIRST), x);
    r = FMA(-n, NAME(PI_SECOND), r);
    r = FMA(-n, NAME(PI_THIRD), r);
    V square = r * r, p = NAME(sine_beside_series)(square);
    V value = FMA(r * square, p, r);
    if (NAME(SINE_LIMITED)) {
        value = value < R(1.0) ? value : R(1.0);
        value = value > R(-1.0) ? value : R(-1.0);
    }
    return value;
}

#endif
