/* gamma, float64 and float32.

   Method.  For w >= 1 Stirling's formula without its series (W. J. Cody and L. Stoltz in SPECFUN,
   1988, use the series beyond 12),

       gamma w = exp((w - 1/2) log w - w) M(1 / w),

   where M only rises from sqrt(2 pi) to e between r = 1 / w = 0 and 1: a polynomial in each of
   eight pieces of r, whose coefficients lookup.h picks.  log w is a sum of two (log_pair.h), and so
   are the exponent, which is wrong by less than 2**-58 for w < 172, and the result: with
   exp = s (1 + e), |e| <= 0.091 (exponential.h), and M = high + low, low <= high / 100,

       gamma w = s high + s (low + e (high + low)),

   the product on the left exact as a sum of two.  In ulp: 1/2 for the last addition, 0.2 for the
   terms on the right, 0.1 for the approximations: 0.8.  (w - 1)! is exact where it is a float64, as
   less than 1/2 ulp is wrong before the last rounding.  The power of two in s is left out until the
   end and then multiplied in two steps, of which only the second may overflow or underflow: a
   subnormal result is rounded once more.

   All other arguments take the branch, which comes in two parts, before and after that: for x < 1
   w = 1 + |x| in two parts, of which the second one enters by the derivative digamma(w), and

       gamma x = gamma(w) / x  for 0 < x < 1,      gamma x = -1 / (S gamma(w))  for x < 0,

   S = sin(pi |x|) / pi (sine_of_pi.h), in which pi cancels.  The quotient is corrected by the
   remainder with the low parts.  Below 2**-60 (float32: 2**-30) gamma x is 1 / x.  For w, |x| is
   bounded by 187 (44), where all overflows or underflows; the sign is that of x itself.  Poles are
   nan, and +-0 give +-inf, as in SciPy; like SciPy's functions it raises no flag but underflow.

   Coefficients: gamma.py.  Measured maximum: float64 0.816 ulp for x > 0 (near 103.88), 0.965 below
   0 (near -128.5), in 400000 points and climbing from the worst; float32 0.90 (all numbers). */

#ifndef CPNUM_GAMMA_H
#define CPNUM_GAMMA_H

#include "exponential.h"
#include "horner.h"
#include "log_pair.h"
#include "sine_of_pi.h"

/* Beyond LAST, given as bits, gamma overflows; |x| is bounded by BOUND. */
#define GAMMA_LAST_f64 0x406573fae561f647
#define GAMMA_LAST_f32 0x420c290f
#define GAMMA_BOUND_f64 ((vf64)187.0)
#define GAMMA_BOUND_f32 ((vf32)44.0f)

/* Coefficients, the highest first, and the constant term in two parts. */
#define GAMMA_TERMS_f64 11
#define GAMMA_TERMS_f32 6

#if LANE == 8
TABLE(double, gamma_table_f64, GAMMA_TERMS_f64) = {
    {0x1.6cfd0b02076f6p-37, -0x1.a298567968456p-38, -0x1.10d4b10fdd0b2p-38, -0x1.8b94411912bcp-41,
     0x1.2f81df49d14dcp-42, 0x1.8572a555a7e8cp-42, 0x1.091fcab42a40bp-42, 0x1.2e1cc7d46a65ep-43},
    {0x1.f19a6d55e3d7ep-35, 0x1.0aad80b86ea97p-34, 0x1.73daa04dabe65p-37, -0x1.1e298b43a7f06p-37,
     -0x1.3b3b25ae319ccp-37, -0x1.9eb27c3e8237bp-38, -0x1.c9652cc3d0b9ep-39,
     -0x1.c61df961decfbp-40},
    {-0x1.5ef25143c539p-31, -0x1.082a01aed59cbp-34, 0x1.cbb76097ff0d6p-33, 0x1.b393fd9ffb993p-33,
     0x1.0fa88f94cfd0ap-33, 0x1.181bf5ca265bp-34, 0x1.e9ed6774e8222p-36, 0x1.3e9fdb17aac12p-37},
    {-0x1.f02130d217939p-30, -0x1.23cef32b99932p-28, -0x1.dec7367af8706p-29, -0x1.0f4ae93a9fcadp-29,
     -0x1.d10ab5a7207d3p-31, -0x1.c38078787bf09p-33, 0x1.c3a93613eae91p-34, 0x1.ed2813069a745p-33},
    {0x1.045a040f08086p-24, 0x1.5abced0c8fa0fp-25, 0x1.171942d62dd09p-26, -0x1.484d5b93b820fp-34,
     -0x1.1c21031f365c9p-27, -0x1.8148682fefc6ep-27, -0x1.8791666dbffd4p-27,
     -0x1.639ed00af42b3p-27},
    {0x1.65b0b86e26a93p-27, 0x1.20ccef15a35c5p-22, 0x1.b6962c61e538p-22, 0x1.dde5e4a7882b2p-22,
     0x1.c4789bf0f698fp-22, 0x1.8e7634bbd78e7p-22, 0x1.50f339acf1f79p-22, 0x1.1640f65006231p-22},
    {-0x1.c772d00c85588p-17, -0x1.b38b1ef288b8cp-17, -0x1.84b8f6c4662a2p-17, -0x1.4a87b958b84ddp-17,
     -0x1.0fed431c85371p-17, -0x1.b529943676dabp-18, -0x1.5937e0771a62cp-18,
     -0x1.0c6faed239477p-18},
    {0x1.ee46b284eb2d6p-14, 0x1.4620274204692p-14, 0x1.55fc18c42084p-15, 0x1.1fdb734682a6cp-17,
     -0x1.3381e22b001a2p-16, -0x1.514502518471p-15, -0x1.e37bee8a49814p-15, -0x1.2b0aea07b3c4p-14},
    {0x1.b143824656719p-6, 0x1.b476a6e94bcedp-6, 0x1.b664d39d5313fp-6, 0x1.b73027195cc1ep-6,
     0x1.b70396f3e98b5p-6, 0x1.b60abdee85d3ap-6, 0x1.b46d7de1ba85bp-6, 0x1.b24e4eefa8e68p-6},
    {0x1.4289702571623p1, 0x1.45ef626e1c1a9p1, 0x1.495a71a89d166p1, 0x1.4cc833a6bdeccp1,
     0x1.50368d01accaep1, 0x1.53a3b9e8f0036p1, 0x1.570e4a7f1f2fbp1, 0x1.5a751961ab84p1},
    {-0x1.9cf112e305635p-55, -0x1.4fc8b0e0b3211p-53, -0x1.bacc348eef708p-54, -0x1.9965c77b10387p-54,
     0x1.ce0db0244a479p-57, 0x1.0433cb14789adp-58, 0x1.2a609c46fee7bp-53, 0x1.ddb2341e13063p-53},
};

#endif

TABLE(float, gamma_table_f32, GAMMA_TERMS_f32) = {
    {0x1.52764cp-27f, 0x1.1f617ap-22f, 0x1.b56b2ap-22f, 0x1.dd3c2ap-22f, 0x1.c42fc2p-22f,
     0x1.8e6472p-22f, 0x1.50fbfap-22f, 0x1.165432p-22f},
    {-0x1.c6d086p-17f, -0x1.b31ecep-17f, -0x1.848d38p-17f, -0x1.4a87cap-17f, -0x1.10036p-17f,
     -0x1.b565b2p-18f, -0x1.597506p-18f, -0x1.0ca73cp-18f},
    {0x1.ee46bcp-14f, 0x1.46203ep-14f, 0x1.55fc3ep-15f, 0x1.1fdbc8p-17f, -0x1.3381dp-16f,
     -0x1.5145p-15f, -0x1.e37bfp-15f, -0x1.2b0aecp-14f},
    {0x1.b14382p-6f, 0x1.b476a6p-6f, 0x1.b664d4p-6f, 0x1.b73028p-6f, 0x1.b70398p-6f, 0x1.b60abep-6f,
     0x1.b46d7ep-6f, 0x1.b24e5p-6f},
    {0x1.42897p1f, 0x1.45ef62p1f, 0x1.495a72p1f, 0x1.4cc834p1f, 0x1.50368ep1f, 0x1.53a3bap1f,
     0x1.570e4ap1f, 0x1.5a751ap1f},
    {0x1.2b8b12p-26f, 0x1.b8706ap-25f, -0x1.5d8ba6p-25f, -0x1.65084ep-25f, -0x1.fca66ap-24f,
     -0x1.70ffcap-27f, 0x1.fc7cbep-25f, -0x1.3ca8f8p-24f},
};

#define TEMPLATE "gamma.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(gamma)(V x) {
    I bits = AS(I, x), magnitude = bits & ~SIGN;
    I over = bits > NAME(GAMMA_LAST), special = (bits < ONE) | over;
    V w = x, w_low = (V){};
    int rare = any(special);
    if (UNLIKELY(rare)) {
        const I BOUND = AS(I, NAME(GAMMA_BOUND));
        V y = AS(V, magnitude < BOUND ? magnitude : BOUND);
        y = over ? R(1.0) : y;
        V next = y + R(1.0), part = next - y;
        V missed = (y - (next - part)) + (R(1.0) - part);
        w = bits < ONE ? next : y;
        w_low = bits < ONE ? missed : R(0.0);
    }

    NAME(pair) log = NAME(log_pair)(AS(I, w), NAME(LOG_PAIR_BIAS));
    NEW_BLOCK;
    V a = w - R(0.5), product = a * log.high, product_low = FMA(a, log.high, -product);
    V exponent = product - w, part = exponent - product;
    V exponent_low = (product - (exponent - part)) - (w + part);
    exponent_low += FMA(a, log.low, product_low);
    NEW_BLOCK;
    NAME(quarter_reduced) reduced = NAME(reduce_quarter_ln2)(exponent);
    I n = reduced.n, whole = (n >> 2) << 2;
    V t = reduced.head + NAME(fma)(reduced.minus, NAME(QUARTER_LN2_TAIL), exponent_low);
    NAME(quarter_power) power = NAME(quarter_power_of)(n, -(whole << (DIGITS - 2)));
    V e = t + FMA(t * t, NAME(exp_series)(t), power.t);

    NEW_BLOCK;
    V r = R(1.0) / w, start = NAME(fma)(r, R(7.9375), R(-0.5));
    V shifted = start + SHIFT, d = start - (shifted - SHIFT);
    NEW_BLOCK;
    NAME(columns) columns = NAME(choose)(AS(I, shifted), ADDRESS(NAME(gamma_table)));
    V p = NAME(HORNER)(columns, NAME(GAMMA_TERMS) - 2, d, d * d);
    NEW_BLOCK;
    V high = NAME(lookup)(columns, NAME(GAMMA_TERMS) - 2);
    V low = FMA(d, p, NAME(lookup)(columns, NAME(GAMMA_TERMS) - 1));
    V head = high * power.s, head_low = FMA(high, power.s, -head);
    head_low = FMA(FMA(e, high + low, low), power.s, head_low);

    NEW_BLOCK;
    I half = ((n >> 3) << 3) << (DIGITS - 3), rest = (whole << (DIGITS - 2)) - half;
    V value = head + head_low;
    if (UNLIKELY(rare)) {
        I below = bits < ONE, negative = bits < 0;
        I tiny = magnitude < AS(I, NAME(TINY)), plain = ~(negative | tiny);
        V psi = log.high - r * NAME(fma)(r, NAME(TWELFTH), R(0.5));
        head_low = FMA(value * psi, w_low, (head - value) + head_low);
        head = value;
        /* |x| to the nearest integer; from LIMIT on all are integers, and so is nan. */
        const I LIMIT = TOP + NORMAL; /* 2**53 (2**24) */
        V y = AS(V, magnitude < LIMIT ? magnitude : LIMIT);
        V nearest = RINT(y), f = y - nearest, even = nearest * R(0.5);
        I odd = FLOOR(even) != even, pole = negative & (f == R(0.0)) & ~tiny;
        NEW_BLOCK;
        NAME(pair) sine = NAME(sine_of_pi)(odd ? f : -f);
        NEW_BLOCK;
        V high = sine.high * head, low = FMA(sine.high, head, -high);
        low = FMA(sine.high, head_low, FMA(sine.low, head, low));
        NEW_BLOCK;
        V numerator = plain ? head : R(1.0), numerator_low = plain ? head_low : R(0.0);
        I infinite = over | (magnitude <= NORMAL >> 2); /* 1 / x overflows */
        V denominator = infinite | pole ? R(1.0) : tiny ? x : negative ? high : below ? x : R(1.0);
        V denominator_low = negative & ~tiny ? low : R(0.0);
        V reciprocal = R(1.0) / denominator, quotient = numerator * reciprocal;
        V remainder = FMA(-quotient, denominator, numerator);
        remainder += FMA(-quotient, denominator_low, numerator_low);
        V corrected = FMA(remainder, reciprocal, quotient);
        value = tiny ? reciprocal : below ? corrected : value;
        value = infinite ? COPYSIGN(AS(V, INFINITE), x) : value;
        value = pole ? AS(V, INFINITE | NORMAL >> 1) : value; /* nan */
        half = tiny ? 0 : negative ? -half : half;
        rest = tiny ? 0 : negative ? -rest : rest;
    }
    value = value * AS(V, ONE + half) * AS(V, ONE + rest);
    return UNLIKELY(rare) ? (x == x ? value : x) : value;
}

#endif
