/* Loads, stores and scalars.  A layout is a stencil: contiguous, strided (any stride, 64 bits,
   negative too) or broadcast; a _tail stencil is the same for the last elements of the range,
   fewer than LANES.

   With masks (x86-64-v4) a tail is done at once: the lanes past the end repeat the last element, so
   that they raise no flag that a real element does not raise.  Elsewhere it is done an element at
   a time, the same element in each lane.  A boolean is a byte in memory, any but 0 is true. */

#include "stencil.h"

/* A vector of elements in memory. */
#define MEMORY_TYPES(T, element, ...) typedef VECTOR(element) IN_MEMORY contiguous_##T;
DTYPES(MEMORY_TYPES)

/* By families: READ elements as values, one element as the SCALAR in each lane, WRITE values as
   elements. */
#define READ_FLOAT(x) (x)
#define READ_INT(x) (x)
#define READ_BOOL(x) CONVERT(vb, (x) != 0)
#define SCALAR_FLOAT(x) (x)
#define SCALAR_INT(x) (x)
#define SCALAR_BOOL(x) -((x) != 0)
#define WRITE_FLOAT(x) (x)
#define WRITE_INT(x) (x)
#define WRITE_BOOL(x) packed(CONVERT(vector_of_bytes, x) & 1)

typedef VECTOR(unsigned char) vector_of_bytes;

/* Keeps the bytes together in a vector register: clang would take each from the mask's wide lane,
   through more general registers than it has. */
INLINE vector_of_bytes packed(vector_of_bytes bytes) {
#if LANES > 8
    __asm__("" : IN_VECTOR(bytes));
#elif LANES == 8 && !NEON
    double low = AS(double, bytes); /* asm takes 8 bytes in a vector register only as a double */
    __asm__("" : IN_VECTOR(low));
    bytes = AS(vector_of_bytes, low);
#endif
    return bytes;
}

/* A pointer's step to the next lane.  The empty asm hides from clang that such steps could be
   summed, which would take more general registers than there are beside the array pointers. */
INLINE char *stepped(char *at, long step) {
    at += step;
    __asm__ volatile("" : "+r"(at) : : "memory");
    return at;
}

/* read_strided gives a vector of `count` elements, the first at `at` and `stride` bytes apart; its
   other lanes repeat the last one.  write_strided writes the first `count` lanes of a vector. */
#define STRIDED(T, ...)                                                                            \
    INLINE contiguous_##T read_strided_##T(char *at, long stride, long count) {                    \
        contiguous_##T elements;                                                                   \
        UNROLLED                                                                                   \
        for (int lane = 0; lane < LANES; lane++) {                                                 \
            if (lane > 0) at = stepped(at, lane < count ? stride : 0);                             \
            elements[lane] = *(element_##T *)at;                                                   \
        }                                                                                          \
        return elements;                                                                           \
    }                                                                                              \
    INLINE void write_strided_##T(char *at, long stride, long count, contiguous_##T elements) {    \
        UNROLLED                                                                                   \
        for (int lane = 0; lane < LANES; lane++) {                                                 \
            if (lane > 0) at = stepped(at, stride);                                                \
            if (lane < count) *(element_##T *)at = elements[lane];                                 \
        }                                                                                          \
    }
DTYPES(STRIDED)

#define LOAD(T, name, value)                                                                       \
    TO(NEXT, name##_##T##_next, v##T result);                                                      \
    DEFINE(name##_##T, v##T result) { CONTINUE name##_##T##_next(SAME, value); }
#define STORE(T, family, name, statement)                                                          \
    TO(NEXT, name##_##T##_next, v##T a);                                                           \
    DEFINE(name##_##T, v##T a) {                                                                   \
        contiguous_##T elements = WRITE_##family(a);                                               \
        statement;                                                                                 \
        CONTINUE name##_##T##_next(SAME, a);                                                       \
    }

/* Where the next element is; and where those of a later vector are, when several are loaded at
   once: OFFSET bytes, or AHEAD elements, further on. */
#define CONTIGUOUS(T) (p0 + i * (long)sizeof(element_##T))
#define STRIDE IN_BLOCK(long, SLOT)
#define AT_STRIDE(index) (p0 + STRIDE * (index))
#define ELEMENT(T, address) (*(element_##T *)(address))
#define ELEMENTS(T, address) (*(contiguous_##T *)(address))
#define SPLAT(T, family, address) ((v##T)(SCALAR_##family(ELEMENT(T, address))))

#define MEMORY(T, family)                                                                          \
    LOAD(T, load, READ_##family(ELEMENTS(T, CONTIGUOUS(T) + HOLE(OFFSET))))                        \
    LOAD(T, load_strided,                                                                          \
         READ_##family(read_strided_##T(AT_STRIDE(i + HOLE(AHEAD)), STRIDE, LANES)))               \
    LOAD(T, load_broadcast, SPLAT(T, family, p0))                                                  \
    LOAD(T, argument, SPLAT(T, family, block + HOLE(SLOT)))                                        \
    LOAD(T, constant, SPLAT(T, family, &POOL))                                                     \
    LOAD(T, seed, SPLAT(T, family, &POOL))                                                         \
    STORE(T, family, store_first, ELEMENT(T, p0) = elements[0])                                    \
    STORE(T, family, store, ELEMENTS(T, CONTIGUOUS(T) + HOLE(OFFSET)) = elements)                  \
    STORE(T, family, store_strided,                                                                \
          write_strided_##T(AT_STRIDE(i + HOLE(AHEAD)), STRIDE, LANES, elements))                  \
    TAIL(T, family)

/* Where a constant of the kernel lies: the emitter gives it a place in the kernel's pool. */
extern const char POOL __attribute__((visibility("hidden")));

#if X86_512
/* The lanes that lie before `end`, as a mask of bits. */
typedef BITS(LANES) lane_bits;
#if LANES == 8
typedef unsigned char lane_word;
#elif LANES == 16
typedef unsigned short lane_word;
#else
typedef unsigned long lane_word;
#endif
#define REMAINING AS(lane_bits, (lane_word)__builtin_ia32_bzhi_di(~0ul, end - i))
#define TAIL(T, family)                                                                            \
    LOAD(T, load_tail,                                                                             \
         READ_##family(__builtin_masked_load(REMAINING, (element_##T *)CONTIGUOUS(T),              \
                                             (contiguous_##T)((element_##T *)p0)[end - 1])))       \
    LOAD(T, load_strided_tail, READ_##family(read_strided_##T(AT_STRIDE(i), STRIDE, end - i)))     \
    STORE(T, family, store_tail,                                                                   \
          __builtin_masked_store(REMAINING, elements, (element_##T *)CONTIGUOUS(T)))               \
    STORE(T, family, store_strided_tail, write_strided_##T(AT_STRIDE(i), STRIDE, end - i, elements))
#else
#define TAIL(T, family)                                                                            \
    LOAD(T, load_tail, SPLAT(T, family, CONTIGUOUS(T)))                                            \
    LOAD(T, load_strided_tail, SPLAT(T, family, AT_STRIDE(i)))                                     \
    STORE(T, family, store_tail, ELEMENT(T, CONTIGUOUS(T)) = elements[0])                          \
    STORE(T, family, store_strided_tail, ELEMENT(T, AT_STRIDE(i)) = elements[0])
#endif

#define FITTING(T, element, bytes, family) FITS_##bytes(MEMORY(T, family))
DTYPES(FITTING)
