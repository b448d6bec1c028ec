/* Includes the file TEMPLATE once for each floating type that has a place in these lanes, with

       REAL, V, I, U    the type's name, its vector, and its bits as signed and unsigned integers
       NAME(f)          f_f64 or f_f32
       R(x)             a constant of the type
       ONE, SIGN, INFINITE    the bits of 1.0, -0.0 and infinity, NORMAL those of the least normal
       LARGE            the bits of a number with a finite square, above 2 / epsilon
       WORD, DIGITS     the type of an element's bits, and how many are below the exponent
       SHIFT            1.5 * 2**DIGITS, a scalar: the sum with it is rounded to an integer
       OUTSIDE(bits, least, most)    bits < least or bits >= most, of positive least and most

   so that a function whose operations are the same in both types is written once. */

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(name) JOIN(name, REAL)

/* One comparison of bits - least as unsigned numbers; AVX2 compares signed ones only, hence the
   sign. */
#define OUTSIDE(bits, least, most) ((bits) - (least) + SIGN >= SIGN + ((most) - (least)))

#if LANE == 8
#define REAL f64
#define V vf64
#define I vi64
#define U vu64
#define R(x) ((vf64)x)
#define ONE (vi64)0x3ff0000000000000
#define SIGN (vi64)~0x7fffffffffffffff
#define INFINITE (vi64)0x7ff0000000000000
#define NORMAL (vi64)0x0010000000000000
#define LARGE (vi64)0x5f30000000000000 /* 2**500 */
#define WORD long
#define DIGITS 52
#define SHIFT 0x1.8p52
#include TEMPLATE
#undef REAL
#undef V
#undef I
#undef U
#undef R
#undef ONE
#undef SIGN
#undef INFINITE
#undef NORMAL
#undef LARGE
#undef WORD
#undef DIGITS
#undef SHIFT
#endif

#if LANE > 1
#define REAL f32
#define V vf32
#define I vi32
#define U vu32
#define R(x) ((vf32)x##f)
#define ONE (vi32)0x3f800000
#define SIGN (vi32)~0x7fffffff
#define INFINITE (vi32)0x7f800000
#define NORMAL (vi32)0x00800000
#define LARGE (vi32)0x53800000 /* 2**40 */
#define WORD int
#define DIGITS 23
#define SHIFT 0x1.8p23f
#include TEMPLATE
#undef REAL
#undef V
#undef I
#undef U
#undef R
#undef ONE
#undef SIGN
#undef INFINITE
#undef NORMAL
#undef LARGE
#undef WORD
#undef DIGITS
#undef SHIFT
#endif

#undef JOIN_
#undef JOIN
#undef NAME
#undef OUTSIDE
#undef TEMPLATE
