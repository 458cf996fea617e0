#include <cstdio>

#include "crc32.hpp"

int main() {
    struct {
        const char* text;
        std::uint32_t sum;
    } cases[] = {{"", 0}, {"123456789", 0xCBF43926}, {"hello", 0x3610A686}};
    int failed = 0;
    for (const auto& c : cases) {
        if (crc32(c.text) == c.sum) continue;
        std::printf("crc32(\"%s\") is %08x, not %08x\n", c.text, crc32(c.text), c.sum);
        failed++;
    }
    std::printf("%d of %zu failed\n", failed, sizeof cases / sizeof *cases);
    return failed == 0 ? 0 : 1;
}
