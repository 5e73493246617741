#pragma once
// Which characters above U+007F may stand in XML names. Editions of XML 1.0 differ: up to the
// fourth, names are made of the letters and digits of Unicode 2.0 (appendix B); the fifth allows
// nearly everything. The smaller set is the one that every XML parser accepts, and the one of
// libexpat, which Prosody and ejabberd read with.

#include <cstdint>

namespace boshgate::routing::xml {

// Letter or Ideographic of XML 1.0 (fourth edition) appendix B, above U+007F.
[[nodiscard]] bool is_name_start(std::uint32_t code) noexcept;

// is_name_start, or CombiningChar, Digit or Extender of the same appendix, above U+007F.
[[nodiscard]] bool is_name_character(std::uint32_t code) noexcept;

} // namespace boshgate::routing::xml
