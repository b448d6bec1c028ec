/* Runs kernels of the aarch64 pack, in an emulator: reads jobs from stdin, writes results to stdout.

   A job is a header, the code, the argument block, and for each piece of memory its address, its
   size and its bytes.  The pieces are mapped where the job says, and each ends where unmapped
   memory begins.  The answer is the floating-point flags, then the bytes of all pieces. */

#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul
#define FAIL(status) exit(status)

typedef struct {
    uint64_t code_bytes, head, block_bytes, pieces;
    int64_t start, stop;
} job;

typedef struct {
    uint64_t address, bytes;
} piece;

static int receive(void *to, size_t bytes) {
    while (bytes) {
        ssize_t count = read(0, to, bytes);
        if (count == 0) return 0;
        if (count < 0) FAIL(2);
        to = (char *)to + count, bytes -= count;
    }
    return 1;
}

static void expect(void *to, size_t bytes) {
    if (!receive(to, bytes)) FAIL(3);
}

static void answer(const void *from, size_t bytes) {
    while (bytes) {
        ssize_t count = write(1, from, bytes);
        if (count <= 0) FAIL(4);
        from = (const char *)from + count, bytes -= count;
    }
}

static char *map(uint64_t address, size_t bytes) {
    int fixed = address ? MAP_FIXED_NOREPLACE : 0;
    void *mapped = mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);
    if (mapped == MAP_FAILED || (address && mapped != (void *)address)) FAIL(5);
    return mapped;
}

int main(void) {
    job now;
    while (receive(&now, sizeof now)) {
        /* `head`, where the main loop starts, on a cache line, as cpnum places it. */
        size_t lead = -now.head & 63, code_bytes = (lead + now.code_bytes + PAGE) & -PAGE;
        char *code = map(0, code_bytes);
        expect(code + lead, now.code_bytes);
        if (mprotect(code, code_bytes, PROT_READ | PROT_EXEC)) FAIL(6);
        __builtin___clear_cache(code, code + code_bytes);

        char *block = malloc(now.block_bytes + 1);
        expect(block, now.block_bytes);
        piece *pieces = calloc(now.pieces + 1, sizeof *pieces);
        for (uint64_t at = 0; at < now.pieces; at++) {
            expect(&pieces[at], sizeof *pieces);
            uint64_t first = pieces[at].address & -PAGE;
            map(first, ((pieces[at].address + pieces[at].bytes + PAGE - 1) & -PAGE) - first);
            expect((void *)pieces[at].address, pieces[at].bytes);
        }

        int (*entry)(char *, int64_t, int64_t) = (void *)(code + lead);
        uint64_t flags = entry(block, now.start, now.stop);

        answer(&flags, sizeof flags);
        for (uint64_t at = 0; at < now.pieces; at++) {
            uint64_t first = pieces[at].address & -PAGE, end = pieces[at].address + pieces[at].bytes;
            answer((void *)pieces[at].address, pieces[at].bytes);
            munmap((void *)first, ((end + PAGE - 1) & -PAGE) - first);
        }
        munmap(code, code_bytes);
        free(block);
        free(pieces);
    }
    return 0;
}
