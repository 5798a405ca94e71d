// Byte scanning that Swift cannot express as well: one bit a byte for the bytes that end a field, a line or a quote.
#ifndef BEDROT_SCAN_H
#define BEDROT_SCAN_H

#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>

// Bit i is set when p[i] is one of the four bytes. Reads exactly 64 bytes.
static inline uint64_t scan_mask64(const uint8_t *p, uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    const __m128i A = _mm_set1_epi8((char)a), B = _mm_set1_epi8((char)b), C = _mm_set1_epi8((char)c), D = _mm_set1_epi8((char)d);
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++) {
        const __m128i v = _mm_loadu_si128((const __m128i *)(p + 16 * i));
        const __m128i ab = _mm_or_si128(_mm_cmpeq_epi8(v, A), _mm_cmpeq_epi8(v, B));
        const __m128i cd = _mm_or_si128(_mm_cmpeq_epi8(v, C), _mm_cmpeq_epi8(v, D));
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(ab, cd)) << (16 * i);
    }
    return mask;
}
#else
static inline uint64_t scan_mask64(const uint8_t *p, uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    uint64_t mask = 0;
    for (int i = 0; i < 64; i++) mask |= (uint64_t)(p[i] == a || p[i] == b || p[i] == c || p[i] == d) << i;
    return mask;
}
#endif

#endif
