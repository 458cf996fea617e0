// CRC-32 as in gzip, PNG and Ethernet (polynomial 0xEDB88320, reflected).
#pragma once
#include <cstdint>
#include <string_view>

std::uint32_t crc32(std::string_view bytes);
