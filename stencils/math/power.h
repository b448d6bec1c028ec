/* power(x, y) = exp(y log x): the logarithm as a double-double, the exponential of a double-double.

   float64.  x = 2**k m, 0.734 <= m < 1.469.  A table of 16 rows has a c of few bits near 1 / m, so
   that r = m c - 1 is exact and |r| < 0.0342, c = 1 around 1, and log(c) in two parts (Tang, ACM
   TOMS 16 (1990)).  With s = r / (2 + r) and z = s**2

       log(x) / 2 = k ln 2 / 2 - log(c) / 2 + s + s z P(z).

   s is rounded; what it misses is (r - 2 s - s r) / (2 + r), and counts 1 + z times: both factors
   at once are 1/2 - r / 4 + r**2 / 4, near enough.  k (ln 2 / 2)
   and the table's first part are multiples of 2**-43, their sum with s is kept in two parts
   (Fast2Sum); all else is below 2**-13.4 of the logarithm (near 1; further away it is less), so
   that its four roundings leave a relative error of 2**-64.9.

   w + w_low = y log(x) / 2 by FMA; n = rint(32 w / ln 2), and exp(2 (w + w_low)) = 2**(n/16)
   exp(2 r) with r = w + w_low - n ln 2 / 32, |r| <= ln 2 / 64, where w - n (ln 2 / 32)_head is
   exact.  2**(i/16) is a second table; the logarithm of what its rounding misses is added to
   exp(2 r) - 1, at the end, so that nothing waits for the table.  The result is one FMA,
   T + T (exp(2 r) - 1).

   In ulp: 1/2 for that FMA; 0.03 for exp(2 r) - 1 <= 0.022; and the logarithm's error times
   2 |w| <= 709: 0.2 at most, only where |y| > 2000 and x is within 0.04 of 1.

   float32 is the same with log(1 + r) = (r - r**2 / 2) + r**3 P(r), whole logarithms and no
   division; its low part may be 2**-11 of the high one, so n is taken from their sum.

   The main path takes the |x| and the results that are normal numbers; where any x is negative, the
   sign is put back if y is odd.  The branch takes the rest, lane by lane as above: subnormal x as
   integers, 2**n in two factors, of which the second rounds, overflows or underflows (as in exp.h),
   and all that has zeros, infinities and NaN in it.

   Tables and polynomials: power.sollya.  Measured: float64 0.718 ulp (subnormal results, which
   are rounded twice, 0.860), float32 0.720 (0.848), in 5 10**7 points over all exponents, near the
   table's edges and at both ends of the range, and climbing from the worst. */

#ifndef CPNUM_POWER_H
#define CPNUM_POWER_H

#include "exponent.h"
#include "fma.h"
#include "pair.h"
#include "sixteen.h"

#define FIRST(a, ...) a,
#define SECOND(a, b, ...) b,
#define THIRD(a, b, c) c,
#define BITS_f64(a, b) AS(double, a),
#define BITS_f32(a, b) AS(float, a),

/* The bits of 0.734375, where m begins. */
#define LEAST_M_f64 0x3fe7800000000000
#define LEAST_M_f32 0x3f3c0000
#define HALF_WAY_f64 (vi64)(128l << 52)
#define HALF_WAY_f32 (vi32)(64 << 23)
/* |w| as bits: up to CERTAIN the result is a normal number; from BEYOND on it overflows, or is
   below half of the least subnormal. */
#define CERTAIN_f64 (vi64)0x4076200000000000
#define CERTAIN_f32 (vi32)0x42ae0000
#define BEYOND_f64 (vi64)0x4077500000000000
#define BEYOND_f32 (vi32)0x42d40000
/* |y| as bits, 2**64 and 2**35: times the logarithm of any number but 1 it is beyond. */
#define ENOUGH_f64 (vi64)0x43f0000000000000
#define ENOUGH_f32 (vi32)0x51000000

#if LANE == 8
/* c, -log(c) / 2 and what it misses, by the top four bits of m - 0.734375. */
#define POWER_LOG_F64(ROW)                                                                         \
    ROW(0x1.58p+0, -0x1.2e8e2bae12p-3, 0x1.67b1e99b72bd8p-46)                                      \
    ROW(0x1.48p+0, -0x1.fb9186d5e4p-4, 0x1.d572aab993c87p-48)                                      \
    ROW(0x1.38p+0, -0x1.9525a9cf46p-4, 0x1.297137d9f158fp-45)                                      \
    ROW(0x1.3p+0, -0x1.5ff3070a7ap-4, 0x1.8586f183bebf2p-45)                                       \
    ROW(0x1.28p+0, -0x1.29552f82p-4, 0x1.5b967f4471dfcp-45)                                        \
    ROW(0x1.18p+0, -0x1.6f0d28ae58p-5, 0x1.4b4641b664613p-45)                                      \
    ROW(0x1.1p+0, -0x1.f0a30c0118p-6, 0x1.d599e83368e91p-46)                                       \
    ROW(0x1.08p+0, -0x1.f829b0e78p-7, -0x1.980267c7e09e4p-46)                                      \
    ROW(0x1p+0, 0x0p+0, 0x0p+0)                                                                    \
    ROW(0x1.ep-1, 0x1.08598b59e4p-5, -0x1.7e5dd7009902cp-47)                                       \
    ROW(0x1.c8p-1, 0x1.da72763844p-5, 0x1.a89401fa71733p-47)                                       \
    ROW(0x1.bp-1, 0x1.5bf406b544p-4, -0x1.27023eb68981cp-47)                                       \
    ROW(0x1.98p-1, 0x1.d1037f2656p-4, -0x1.84a7e75b6f6e4p-48)                                      \
    ROW(0x1.88p-1, 0x1.1178e8227ep-3, 0x1.1ef78ce2d07f2p-45)                                       \
    ROW(0x1.7p-1, 0x1.522ae0738ap-3, 0x1.ebe708164c759p-46)                                        \
    ROW(0x1.6p-1, 0x1.7fafa3bd81p-3, 0x1.46fb79bf6d4cbp-45)
#define POWER_EXP_F64(ROW)                                                                         \
    ROW(0x3ff0000000000000, 0x0p+0)                                                                \
    ROW(0x3fefb5586cf9890f, 0x1.79aa65d837b6cp-54)                                                 \
    ROW(0x3fef72b83c7d517b, -0x1.01b15eaa59348p-55)                                                \
    ROW(0x3fef387a6e756238, 0x1.68efde3a8a894p-54)                                                 \
    ROW(0x3fef06fe0a31b715, 0x1.34d754db0abb6p-55)                                                 \
    ROW(0x3feedea64c123422, 0x1.59f48a72a4c6dp-55)                                                 \
    ROW(0x3feebfdad5362a27, 0x1.690cebb7aafbp-56)                                                  \
    ROW(0x3feeab07dd485429, 0x1.063e1e21c5409p-54)                                                 \
    ROW(0x3feea09e667f3bcd, -0x1.3b3efbf5e2229p-54)                                                \
    ROW(0x3feea11473eb0187, -0x1.b32dcb94da51dp-56)                                                \
    ROW(0x3feeace5422aa0db, 0x1.db72fc1f0eab4p-55)                                                 \
    ROW(0x3feec49182a3f090, 0x1.1affc2b91ce27p-56)                                                 \
    ROW(0x3feee89f995ad3ad, 0x1.c1a7792cb3387p-55)                                                 \
    ROW(0x3fef199bdd85529c, 0x1.36eae30af0cb3p-56)                                                 \
    ROW(0x3fef5818dcfba487, 0x1.4a385a63d07a7p-56)                                                 \
    ROW(0x3fefa4afa2a490da, -0x1.ff7128fd391f1p-55)
static const double __attribute__((aligned(64))) power_log_f64[3][16] = {
    {POWER_LOG_F64(FIRST)},
    {POWER_LOG_F64(SECOND)},
    {POWER_LOG_F64(THIRD)},
};
static const double __attribute__((aligned(64))) power_exp_f64[2][16] = {
    {POWER_EXP_F64(BITS_f64)},
    {POWER_EXP_F64(SECOND)},
};

/* log(x) / 2 = high + low, for x = 2**k m: its bits, moved so that the
   exponent field is that of 2**k. */
OVERLOADED pair_f64 power_log(vi64 moved, vf64 k) {
    double const(*table)[16] = ADDRESS(power_log_f64);
    vi64 row = AS(vi64, AS(vu64, moved) >> 48);
    vf64 m = AS(vf64, (moved & (NORMAL_f64 - 1)) + LEAST_M_f64);
    vf64 r = fma_f64(m, one_of_16(table[0], row), -1.0);
    vf64 s = r / (r + 2.0), z = s * s;
    vf64 s_low = fma_f64(-s, r, fma_f64(s, -2.0, r)); /* times (1 + z) / (2 + r) */
    vf64 p = fma_f64(z, 0x1.c76598e0ecfb7p-4, 0x1.2492469f622fbp-3);
    p = fma_f64(z, fma_f64(z, p, 0x1.99999999aba83p-3), 0x1.5555555555554p-2);
    vf64 head = fma_f64(k, 0x1.62e42fefa38p-2, one_of_16(table[1], row));
    vf64 sum = head + s;
    vf64 low = fma_f64(k, 0x1.ef35793c7673p-46, one_of_16(table[2], row));
    low += (head - sum) + s;
    low = fma_f64(s_low, fma_f64(r, fma_f64(r, 0.25, -0.25), 0.5), low);
    low = fma_f64(s * z, p, low);
    vf64 high = sum + low;
    return (pair_f64){high, low - (high - sum)};
}

/* exp(2 (w + w_low)), its exponent field moved by `scale`. */
OVERLOADED vf64 power_exp(vf64 w, vf64 w_low, vi64 scale) {
    vf64 shifted = fma_f64(w, 0x1.71547652b82fep+5, 0x1.8p52); /* n in its lowest bits */
    vf64 n = shifted - 0x1.8p52;
    double const(*table)[16] = ADDRESS(power_exp_f64);
    vi64 row = AS(vi64, shifted);
    vi64 bits = AS(vi64, one_of_16(table[0], row)) + (row << 48) + scale;
    vf64 tail = fma_f64(n, -0x1.abc9e3b39803fp-61, w_low);
    vf64 r = fma_f64(n, -0x1.62e42fefa39efp-6, w) + tail, square = r * r;
    vf64 q = fma_f64(r, 0x1.6c17bc4c14f37p-4, 0x1.11111110ca8cfp-2);
    q = fma_f64(square, 0x1.a01b3ad2e060cp-6, q);
    q = fma_f64(square, q, fma_f64(r, 0x1.5555555518d4bp-1, 0x1.5555555555556p0));
    q = fma_f64(square, q, fma_f64(r, 2.0, 2.0));
    return fma_f64(AS(vf64, bits), fma_f64(q, r, one_of_16(table[1], row)), AS(vf64, bits));
}
#endif

#if LANE > 1
/* The same for float32, with log(c). */
#define POWER_LOG_F32(ROW)                                                                         \
    ROW(0x1.58p+0f, -0x1.2e9p-2f, 0x1.d451eep-18f)                                                 \
    ROW(0x1.48p+0f, -0x1.fb9p-3f, -0x1.86d5e4p-19f)                                                \
    ROW(0x1.38p+0f, -0x1.9528p-3f, 0x1.2b185ep-18f)                                                \
    ROW(0x1.3p+0f, -0x1.5ffp-3f, -0x1.83853cp-18f)                                                 \
    ROW(0x1.28p+0f, -0x1.2958p-3f, 0x1.683fp-18f)                                                  \
    ROW(0x1.18p+0f, -0x1.6f1p-4f, 0x1.6ba8d4p-19f)                                                 \
    ROW(0x1.1p+0f, -0x1.f0ap-5f, -0x1.86008cp-20f)                                                 \
    ROW(0x1.08p+0f, -0x1.f84p-6f, 0x1.64f188p-18f)                                                 \
    ROW(0x1p+0f, 0x0p+0f, 0x0p+0f)                                                                 \
    ROW(0x1.ep-1f, 0x1.086p-4f, -0x1.9d2988p-18f)                                                  \
    ROW(0x1.c8p-1f, 0x1.da7p-4f, 0x1.3b1c22p-19f)                                                  \
    ROW(0x1.bp-1f, 0x1.5bf8p-3f, -0x1.fca55ep-18f)                                                 \
    ROW(0x1.98p-1f, 0x1.d1p-3f, 0x1.bf932ap-18f)                                                   \
    ROW(0x1.88p-1f, 0x1.1178p-2f, 0x1.d044fcp-19f)                                                 \
    ROW(0x1.7p-1f, 0x1.522cp-2f, -0x1.1f8c76p-18f)                                                 \
    ROW(0x1.6p-1f, 0x1.7fbp-2f, -0x1.7109fap-20f)
#define POWER_EXP_F32(ROW)                                                                         \
    ROW(0x3f800000, 0x0p+0f)                                                                       \
    ROW(0x3f7daac3, 0x1.8d96d4p-25f)                                                               \
    ROW(0x3f7b95c2, -0x1.9c0c22p-27f)                                                              \
    ROW(0x3f79c3d3, 0x1.964902p-25f)                                                               \
    ROW(0x3f7837f0, 0x1.125002p-25f)                                                               \
    ROW(0x3f76f532, 0x1.370be4p-25f)                                                               \
    ROW(0x3f75fed7, -0x1.0a3552p-25f)                                                              \
    ROW(0x3f75583f, -0x1.00d8acp-27f)                                                              \
    ROW(0x3f7504f3, 0x1.26055cp-26f)                                                               \
    ROW(0x3f7508a4, -0x1.05cb44p-25f)                                                              \
    ROW(0x3f75672a, 0x1.67a1cap-28f)                                                               \
    ROW(0x3f76248c, 0x1.a3b5e4p-28f)                                                               \
    ROW(0x3f7744fd, -0x1.f9c306p-27f)                                                              \
    ROW(0x3f78ccdf, -0x1.6961b4p-28f)                                                              \
    ROW(0x3f7ac0c7, -0x1.a5217cp-28f)                                                              \
    ROW(0x3f7d257d, 0x1.61428ep-28f)
static const float __attribute__((aligned(64))) power_log_f32[3][16] = {
    {POWER_LOG_F32(FIRST)},
    {POWER_LOG_F32(SECOND)},
    {POWER_LOG_F32(THIRD)},
};
static const float __attribute__((aligned(64))) power_exp_f32[2][16] = {
    {POWER_EXP_F32(BITS_f32)},
    {POWER_EXP_F32(SECOND)},
};

OVERLOADED pair_f32 power_log(vi32 moved, vf32 k) {
    float const(*table)[16] = ADDRESS(power_log_f32);
    vi32 row = AS(vi32, AS(vu32, moved) >> 19);
    vf32 m = AS(vf32, (moved & (NORMAL_f32 - 1)) + LEAST_M_f32);
    vf32 r = fma_f32(m, one_of_16(table[0], row), -1.0f), square = r * r, half = r * 0.5f;
    vf32 lead = fma_f32(-half, r, r), lead_low = fma_f32(-half, r, r - lead);
    vf32 p = fma_f32(r, -0x1.55ca84p-3f, 0x1.99ee7ep-3f);
    p = fma_f32(square, p, fma_f32(r, -0x1.fffff4p-3f, 0x1.555554p-2f));
    vf32 head = fma_f32(k, 0x1.62e4p-1f, one_of_16(table[1], row));
    vf32 sum = head + lead;
    vf32 low = fma_f32(k, 0x1.7f7d1cp-20f, one_of_16(table[2], row));
    low += (head - sum) + lead;
    return (pair_f32){sum, fma_f32(square * r, p, low + lead_low)};
}

OVERLOADED vf32 power_exp(vf32 w, vf32 w_low, vi32 scale) {
    vf32 shifted = fma_f32(w + w_low, 0x1.715476p+4f, 0x1.8p23f);
    vf32 n = shifted - 0x1.8p23f;
    float const(*table)[16] = ADDRESS(power_exp_f32);
    vi32 row = AS(vi32, shifted);
    vi32 bits = AS(vi32, one_of_16(table[0], row)) + (row << 19) + scale;
    vf32 tail = fma_f32(n, 0x1.05c610p-33f, w_low);
    vf32 r = fma_f32(n, -0x1.62e430p-5f, w) + tail;
    vf32 p = fma_f32(r * r, fma_f32(r, 0x1.555764p-3f, 0x1.00014ap-1f), one_of_16(table[1], row));
    return fma_f32(AS(vf32, bits), r + p, AS(vf32, bits));
}

#define TEMPLATE "power.h"
#include "real.h"
#endif

#elif defined(REAL)

/* What the sign of a finite x does: odd powers have it; those that are not whole are none, for a
   negative x. */
typedef struct {
    I odd, none;
} NAME(power_sign);

INLINE NAME(power_sign) NAME(power_sign_of)(V x, V y) {
    V half = y * R(0.5);
    I whole = RINT(y) == y;
    return (NAME(power_sign)){whole & (FLOOR(half) != half), LESS(x, (V){}) & ~whole};
}

/* nan and invalid for a power that is none. */
INLINE V NAME(power_signed)(V value, NAME(power_sign) sign, V x) {
    FLAGS_MATTER
    value *= SQRT(sign.none ? x : R(1.0));
    return AS(V, AS(I, value) ^ (sign.odd ? AS(I, x) & SIGN : 0));
}

INLINE V NAME(power)(V x, V y) {
    FLAGS_MATTER
    const I MOVE = ONE - NAME(LEAST_M);
    I x_bits = AS(I, x), x_size = x_bits & ~SIGN, y_size = AS(I, y) & ~SIGN;
    I special = (y_size >= NAME(ENOUGH)) | OUTSIDE(x_size, NORMAL, INFINITE - MOVE);
    if (!UNLIKELY(any(special))) {
        I moved = x_size + MOVE;
        NAME(pair) log = power_log(moved, exponent_of(moved));
        V w = y * log.high, w_low = FMA(y, log.low, FMA(y, log.high, -w));
        I extreme = (AS(I, w) & ~SIGN) > NAME(CERTAIN);
        if (!UNLIKELY(any(extreme))) {
            V value = power_exp(w, w_low, (I){});
            if (!UNLIKELY(any(LESS(x, (V){})))) return value;
            return NAME(power_signed)(value, NAME(power_sign_of)(x, y), x);
        }
    }
    I subnormal = (x_size > 0) & (x_size < NORMAL);
    I finite = (x_size > 0) & (x_size < INFINITE);
    I y_negative = AS(I, y) < 0;
    /* A subnormal's bits are an integer; as one it survives flush-to-zero. */
    I fraction = x_size & (NORMAL - 1);
    V count = AS(V, fraction | TOP) - AS(V, TOP);
    I bits = subnormal ? AS(I, count) : x_size;
    bits = finite ? bits : ONE;
    V k = exponent_wide_of(bits + MOVE);
    k = subnormal ? k - LEAST_EXPONENT : k;
    NAME(pair) log = power_log(bits + MOVE, k);

    V bounded = AS(V, y_size >= NAME(ENOUGH) ? NAME(ENOUGH) : y_size);
    bounded = COPYSIGN(bounded, y);
    V w = bounded * log.high;
    V w_low = FMA(bounded, log.low, FMA(bounded, log.high, -w));
    NAME(power_sign) sign = NAME(power_sign_of)(x, y);
    I regular = finite & (y_size < INFINITE);
    sign.none &= regular;
    regular &= ~sign.none;
    I w_size = AS(I, w) & ~SIGN;
    I past = w_size > NAME(BEYOND), sinks = AS(I, w) < 0;
    I limited = past ? NAME(BEYOND) : w_size;
    w = COPYSIGN(AS(V, regular ? limited : (I){}), w);
    w_low = (regular & ~past) ? w_low : (V){};
    /* Half of the way to 0 or infinity; the second factor rounds. */
    V value = power_exp(w, w_low, sinks ? NAME(HALF_WAY) : -NAME(HALF_WAY));
    value *= AS(V, sinks ? ONE - NAME(HALF_WAY) : ONE + NAME(HALF_WAY));

    I pole = (x_size == 0) & y_negative & (y_size > 0) & (y_size <= INFINITE);
    /* Times, not by a mask: clang would take the mask's other side for what is divided. */
    V most = AS(V, INFINITE) * (R(1.0) / AS(V, pole ? x_size : ONE));
    V limit = (y_negative ? x_size < ONE : x_size > ONE) ? most : (V){};
    limit = x_size == ONE ? R(1.0) : limit;
    limit = x_size > INFINITE ? x : limit;
    limit = y_size > INFINITE ? y : limit;
    limit = ((y_size == 0) | (x_bits == ONE)) ? R(1.0) : limit;
    return NAME(power_signed)(regular ? value : limit, sign, x);
}

#endif
