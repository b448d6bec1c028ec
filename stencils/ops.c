/* The operators: one line each, and each line a row of the same name in cpnum/tables/ops.py.

   FIB, FI, F, IB, I and B are the families an operator has stencils for, floating, integer and
   boolean, with an expression for each; S is float32 alone.  a, b, c (and m, a mask) are the operands, vectors of
   LANES elements; a boolean is all ones or all zeros.  K(x) and N(x) are a floating and an integer
   constant in each lane. */

#include "stencil.h"

#if LANE > 1
#include "math/approximate.h"
#include "math/arccos.h"
#include "math/arccosh.h"
#include "math/arcsin.h"
#include "math/arcsinh.h"
#include "math/arctan.h"
#include "math/arctan2.h"
#include "math/arctanh.h"
#include "math/cbrt.h"
#include "math/cos.h"
#include "math/cosh.h"
#include "math/erf.h"
#include "math/erfc.h"
#include "math/exp.h"
#include "math/exp2.h"
#include "math/expit.h"
#include "math/expm1.h"
#include "math/hypot.h"
#include "math/gamma.h"
#include "math/gammaln.h"
#include "math/log.h"
#include "math/log10.h"
#include "math/log1p.h"
#include "math/log2.h"
#include "math/logaddexp.h"
#include "math/logit.h"
#include "math/power.h"
#include "math/sin.h"
#include "math/sincos.h"
#include "math/sinc.h"
#include "math/sinh.h"
#include "math/tan.h"
#include "math/tanh.h"
#endif

/* Constants of a's type.  Not converted from another type: with -ffp-exception-behavior=maytrap
   clang leaves even the conversion of 1 to 1.0 to run time. */
#define K(x) ((__typeof__(a))_Generic(a, vf64: x, vf32: x##f))
#define INFINITE ((__typeof__(a))_Generic(a, vf64: __builtin_inf(), vf32: __builtin_inff()))
#define N(x) ((__typeof__(a))(x))
/* NumPy's factors: 180 / pi and pi / 180, computed in the type. */
#define DEGREES ((__typeof__(a))_Generic(a, vf64: 0x1.ca5dc1a63c1f8p+5, vf32: 0x1.ca5dcp+5f))
#define RADIANS ((__typeof__(a))_Generic(a, vf64: 0x1.1df46a2529d39p-6, vf32: 0x1.1df46ap-6f))

#define FLOATING_SIGN(a) ((a == K(0.0)) ? K(0.0) : ((a != a) ? a : COPYSIGN(K(1.0), a)))

/* As integers, the absolute values of floats keep their order, and a NaN raises no flag. */
#define AS_INTEGER(a) AS(__typeof__(a == a), a)

/* NumPy's choices, measured on 2.4: of equal operands (0.0 and -0.0) the second; minimum and
   maximum return a NaN from either side, fmin and fmax the other operand. */
#define MINIMUM(a, b) ((LESS(a, b) | (a != a)) ? a : b)
#define MAXIMUM(a, b) ((LESS(b, a) | (a != a)) ? a : b)
#define MINIMUM_NUMBER(a, b) ((LESS(a, b) | (b != b)) ? a : b)
#define MAXIMUM_NUMBER(a, b) ((LESS(b, a) | (b != b)) ? a : b)

/* np.clip between scalars: the upper bound wins over the lower, a value equal to a bound keeps its
   sign, a NaN bound gives NaN.  (Between arrays NumPy takes maximum and minimum.) */
#define CLIP(a, low, high)                                                                        \
    ({                                                                                            \
        __typeof__(a) raised_ = (LESS(a, low) | (low != low)) ? low : a;                          \
        (LESS(high, raised_) | (high != high)) ? high : raised_;                                  \
    })
#define INTEGER_CLIP(a, low, high)                                                                \
    ({                                                                                            \
        __typeof__(a) raised_ = (a < low) ? low : a;                                              \
        (raised_ > high) ? high : raised_;                                                        \
    })

/* A count outside 0 <= count < WIDTH shifts every bit out; the processor would take it modulo
   WIDTH, and C leaves it undefined. */
#define WIDTH ((long)(8 * sizeof(a[0])))
#define IN_WIDTH(count) ((count >= 0) & (count < N(WIDTH)))
#define LEFT_SHIFT(a, b) (IN_WIDTH(b) ? a << (b & N(WIDTH - 1)) : N(0))
#define RIGHT_SHIFT(a, b) (a >> (IN_WIDTH(b) ? b : N(WIDTH - 1)))

#if LANE > 1
/* 1 / 0 is the lowest integer in NumPy, and raises divide and, as infinity is no integer, invalid.
   Real operations raise them here: 1 / 0, and infinity less itself, which is NaN. */
#define INTEGER_RECIPROCAL(a) integer_reciprocal(a)
#define CONSTANT_ONE(type) _Generic((type){}, vf64: 1.0, vf32: 1.0f)
#define DEFINE_INTEGER_RECIPROCAL(integer, floating)                                              \
    OVERLOADED integer integer_reciprocal(integer a) {                                            \
        FLAGS_MATTER                                                                              \
        floating one = (floating)CONSTANT_ONE(floating);                                          \
        floating quotient = one / ((a == 0) ? (floating){} : one);                                \
        floating nothing = quotient - quotient;                                                   \
        integer lowest = (integer)1 << (WIDTH - 1);                                               \
        return (nothing != nothing) ? lowest : (((a == 1) | (a == -1)) ? a : (integer)0);         \
    }
DEFINE_INTEGER_RECIPROCAL(vi64, vf64)
DEFINE_INTEGER_RECIPROCAL(vi32, vf32)
#endif

/* The function of stencils/math/ for the operands' dtype; float64 has no place in narrow lanes. */
#if LANE == 8
#define MATH(name, ...) _Generic(a, vf64: name##_f64, vf32: name##_f32)(__VA_ARGS__)
#else
#define MATH(name, ...) name##_f32(__VA_ARGS__)
#endif

/* One macro a signature: T the operands' dtype, M a mask. */
#define T_T(T, name, value) OP1(name##_##T, v##T, v##T, value)
#define T_M(T, name, value) OP1(name##_##T, v##T, vb, CONVERT(vb, value))
#define M_M(T, name, value) OP1(name##_##T, vb, vb, value)
/* Two results, the first and the second of a structure. */
#define T_TT(T, name, value)                                                                      \
    TO(NEXT, name##_##T##_next, v##T a, v##T first, v##T second);                                 \
    DEFINE(name##_##T, v##T a, v##T first, v##T second) {                                         \
        __typeof__(value) both = value;                                                           \
        CONTINUE name##_##T##_next(SAME, a, both.first, both.second);                             \
    }
#define TT_T(T, name, value) OP2(name##_##T, v##T, v##T, value)
#define MM_M(T, name, value) OP2(name##_##T, vb, vb, value)
#define TTT_T(T, name, value) OP3(name##_##T, v##T, v##T, value)
#define MTT_T(T, name, value)                                                                     \
    TO(NEXT, name##_##T##_next, vb mask, v##T a, v##T b, v##T result);                            \
    DEFINE(name##_##T, vb mask, v##T a, v##T b, v##T result) {                            \
        select_##T m = CONVERT(select_##T, mask);                                                 \
        CONTINUE name##_##T##_next(SAME, mask, a, b, value);                                      \
    }
/* Two stencils: one leaves c alone, in the other (tied) the result takes the register of c. */
#define TTC_T(T, name, value)                                                                     \
    TTT_T(T, name, value)                                                                         \
    TO(NEXT_TIED, name##_tied_##T##_next, v##T a, v##T b, v##T c);                                \
    DEFINE(name##_tied_##T, v##T a, v##T b, v##T c) {                                             \
        CONTINUE name##_tied_##T##_next(SAME, a, b, value);                                       \
    }
/* A comparison is two stencils: its mask, and where(a ? b, c, d) without the mask. */
#define TT_M(T, name, value)                                                                      \
    OP2(name##_##T, v##T, vb, CONVERT(vb, value))                                                 \
    TO(NEXT, where_##name##_##T##_next, v##T a, v##T b, v##T c, v##T d, v##T result);             \
    DEFINE(where_##name##_##T, v##T a, v##T b, v##T c, v##T d, v##T result) {             \
        CONTINUE where_##name##_##T##_next(SAME, a, b, c, d, (value) ? c : d);                    \
    }

#define OP1(name, operand, type, value)                                                           \
    TO(NEXT, name##_next, operand a, type result);                                                \
    DEFINE(name, operand a, type result) { CONTINUE name##_next(SAME, a, value); }
#define OP2(name, operand, type, value)                                                           \
    TO(NEXT, name##_next, operand a, operand b, type result);                                     \
    DEFINE(name, operand a, operand b, type result) {                                     \
        CONTINUE name##_next(SAME, a, b, value);                                                  \
    }
#define OP3(name, operand, type, value)                                                           \
    TO(NEXT, name##_next, operand a, operand b, operand c, type result);                          \
    DEFINE(name, operand a, operand b, operand c, type result) {                          \
        CONTINUE name##_next(SAME, a, b, c, value);                                               \
    }

#define FIB(name, signature, floating, integer, boolean)                                          \
    FLOATING(signature, name, floating)                                                           \
    INTEGER(signature, name, integer)                                                             \
    BOOLEAN(signature, name, boolean)
#define FI(name, signature, floating, integer)                                                    \
    FLOATING(signature, name, floating) INTEGER(signature, name, integer)
#define IB(name, signature, integer, boolean)                                                     \
    INTEGER(signature, name, integer) BOOLEAN(signature, name, boolean)
#define F(name, signature, floating) FLOATING(signature, name, floating)
#define D(name, signature, double_) DOUBLE(signature, name, double_)
#define S(name, signature, single) SINGLE(signature, name, single)
#define I(name, signature, integer) INTEGER(signature, name, integer)
#define B(name, signature, boolean) BOOLEAN(signature, name, boolean)

/* clang-format off */
/*  name           types  floating                          integer                            boolean */
FIB(add,           TT_T,  a + b,                            a + b,                             a | b)
FI (subtract,      TT_T,  a - b,                            a - b)
FIB(multiply,      TT_T,  a * b,                            a * b,                             a & b)
F  (divide,        TT_T,  a / b)
FI (negative,      T_T,   -a,                               -a)
FIB(absolute,      T_T,   ABS(a),                           (a < 0) ? -a : a,                  a)
FI (square,        T_T,   a * a,                            a * a)
F  (sqrt,          T_T,   SQRT(a))
FI (reciprocal,    T_T,   K(1.0) / a,                       INTEGER_RECIPROCAL(a))
FI (sign,          T_T,   FLOATING_SIGN(a),                 (a < 0) ? N(-1) : -(a > 0))
F  (copysign,      TT_T,  COPYSIGN(a, b))
FIB(floor,         T_T,   FLOOR(a),                         a,                                 a)
FIB(ceil,          T_T,   CEIL(a),                          a,                                 a)
FIB(trunc,         T_T,   TRUNC(a),                         a,                                 a)
F  (rint,          T_T,   RINT(a))
F  (degrees,       T_T,   a * DEGREES)
F  (radians,       T_T,   a * RADIANS)
FIB(minimum,       TT_T,  MINIMUM(a, b),                    (a < b) ? a : b,                   a & b)
FIB(maximum,       TT_T,  MAXIMUM(a, b),                    (a > b) ? a : b,                   a | b)
FIB(fmin,          TT_T,  MINIMUM_NUMBER(a, b),             (a < b) ? a : b,                   a & b)
FIB(fmax,          TT_T,  MAXIMUM_NUMBER(a, b),             (a > b) ? a : b,                   a | b)
FIB(clip,          TTT_T, CLIP(a, b, c),                    INTEGER_CLIP(a, b, c),             (a | b) & c)
FIB(equal,         TT_M,  a == b,                           a == b,                            ~(a ^ b))
FIB(not_equal,     TT_M,  a != b,                           a != b,                            a ^ b)
FIB(less,          TT_M,  LESS(a, b),                       a < b,                             ~a & b)
FIB(less_equal,    TT_M,  LESS_EQUAL(a, b),                 a <= b,                            ~a | b)
FIB(greater,       TT_M,  LESS(b, a),                       a > b,                             a & ~b)
FIB(greater_equal, TT_M,  LESS_EQUAL(b, a),                 a >= b,                            a | ~b)
FIB(isnan,         T_M,   a != a,                           a != a,                            a != a)
FIB(isinf,         T_M,   ABS(a) == INFINITE,               a != a,                            a != a)
FIB(isfinite,      T_M,   AS_INTEGER(ABS(a)) < AS_INTEGER(INFINITE), a == a,                       a == a)
B  (logical_and,   MM_M,                                                                       a & b)
B  (logical_or,    MM_M,                                                                       a | b)
B  (logical_xor,   MM_M,                                                                       a ^ b)
B  (logical_not,   M_M,                                                                        ~a)
IB (bitwise_and,   TT_T,                                    a & b,                             a & b)
IB (bitwise_or,    TT_T,                                    a | b,                             a | b)
IB (bitwise_xor,   TT_T,                                    a ^ b,                             a ^ b)
IB (invert,        T_T,                                     ~a,                                ~a)
I  (left_shift,    TT_T,                                    LEFT_SHIFT(a, b))
I  (right_shift,   TT_T,                                    RIGHT_SHIFT(a, b))
FIB(where,         MTT_T, m ? a : b,                        m ? a : b,                         m ? a : b)
F  (exp,           T_T,   MATH(exp, a))
F  (exp2,          T_T,   MATH(exp2, a))
F  (expm1,         T_T,   MATH(expm1, a))
F  (log,           T_T,   MATH(log, a))
F  (log2,          T_T,   MATH(log2, a))
F  (log10,         T_T,   MATH(log10, a))
F  (log1p,         T_T,   MATH(log1p, a))
F  (logaddexp,     TT_T,  MATH(logaddexp, a, b))
F  (logaddexp2,    TT_T,  MATH(logaddexp2, a, b))
F  (arcsinh,       T_T,   MATH(arcsinh, a))
F  (arccosh,       T_T,   MATH(arccosh, a))
F  (arctanh,       T_T,   MATH(arctanh, a))
F  (sin,           T_T,   MATH(sin, a))
F  (cos,           T_T,   MATH(cos, a))
F  (tan,           T_T,   MATH(tan, a))
F  (sinc,          T_T,   MATH(sinc, a))
F  (arcsin,        T_T,   MATH(arcsin, a))
F  (arccos,        T_T,   MATH(arccos, a))
F  (arctan,        T_T,   MATH(arctan, a))
F  (arctan2,       TT_T,  MATH(arctan2, a, b))
F  (sinh,          T_T,   MATH(sinh, a))
F  (cosh,          T_T,   MATH(cosh, a))
F  (tanh,          T_T,   MATH(tanh, a))
F  (power,         TT_T,  MATH(power, a, b))
F  (hypot,         TT_T,  MATH(hypot, a, b))
F  (cbrt,          T_T,   MATH(cbrt, a))
F  (erf,           T_T,   MATH(erf, a))
F  (erfc,          T_T,   MATH(erfc, a))
F  (expit,         T_T,   MATH(expit, a))
F  (sincos,        T_TT,  MATH(sincos, a))
F  (logit,         T_T,   MATH(logit, a))
F  (gammaln,       T_T,   MATH(gammaln, a))
F  (gamma,         T_T,   MATH(gamma, a))
F  (multiply_add,  TTC_T, FMA(a, b, c))
S  (approximate_divide, TT_T, approximate_divide_f32(a, b))
F  (expm1_fast,    T_T,   MATH(expm1_fast, a))
D  (log2_fast,     T_T,   log2_fast_f64(a))
D  (log10_fast,    T_T,   log10_fast_f64(a))
D  (arcsinh_fast,  T_T,   arcsinh_fast_f64(a))
D  (arccosh_fast,  T_T,   arccosh_fast_f64(a))
D  (arctanh_fast,  T_T,   arctanh_fast_f64(a))
F  (sin_fast,      T_T,   MATH(sin_fast, a))
F  (cos_fast,      T_T,   MATH(cos_fast, a))
F  (sincos_fast,   T_TT,  MATH(sincos_fast, a))
F  (tan_fast,      T_T,   MATH(tan_fast, a))
F  (sinc_fast,     T_T,   MATH(sinc_fast, a))
F  (arcsin_fast,   T_T,   MATH(arcsin_fast, a))
F  (arccos_fast,   T_T,   MATH(arccos_fast, a))
F  (arctan_fast,   T_T,   MATH(arctan_fast, a))
F  (arctan2_fast,  TT_T,  MATH(arctan2_fast, a, b))
D  (tanh_fast,     T_T,   tanh_fast_f64(a))
F  (hypot_fast,    TT_T,  MATH(hypot_fast, a, b))
D  (logit_fast,    T_T,   logit_fast_f64(a))
D  (gammaln_fast,  T_T,   gammaln_fast_f64(a))
/* clang-format on */
