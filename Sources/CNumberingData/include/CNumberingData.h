// The compiled numbering plans of the world. The reader is Sources/Numbering/NumberingTable.swift; every
// function answers 0 beyond the end of its table, so that no index can reach other memory.
#pragma once

#include <stdint.h>

typedef struct {
  uint16_t region;  // Two letters; 0 is the world.
  uint16_t calling_code;
  uint16_t short_root;    // Automaton of its short numbers.
  uint16_t general_root;  // Automaton of the shape of its national numbers.
  uint16_t international_program;
  uint16_t national_program;
  uint16_t transform_start;
  uint16_t transform_count;
  uint32_t national_prefix;  // A 1, then the digits; 0 for none.
  uint32_t international_prefix;
  uint16_t carrier_program;
  uint16_t withhold_program;
  uint16_t show_program;
} numbering_region;

extern const uint32_t numbering_root;
extern const uint32_t numbering_state_count;
extern const uint32_t numbering_region_count;
extern const uint32_t numbering_program_count;
extern const uint32_t numbering_transform_count;

extern const uint16_t numbering_labels[];
extern const uint16_t numbering_rows[];
extern const uint16_t numbering_masks[];
extern const uint32_t numbering_starts[];
extern const uint16_t numbering_edges[];
extern const uint16_t numbering_programs[];
extern const uint8_t numbering_transforms[];
extern const numbering_region numbering_regions[];

// The label of a state: 0 for none, otherwise (index of the region + 1) << 4 | class.
static inline uint16_t numbering_label(uint32_t state) {
  return state < numbering_state_count ? numbering_labels[state] : 0;
}

// The state behind `digit`; 0 is the dead state. A row's mask has a bit for each digit whose child
// differs from that of the digit before it.
static inline uint32_t numbering_next(uint32_t state, uint32_t digit) {
  if (state >= numbering_state_count || digit > 9) return 0;
  uint16_t row = numbering_rows[state];
  uint32_t changes = numbering_masks[row] & ((2u << digit) - 1u);
  return numbering_edges[numbering_starts[row] + (uint32_t)__builtin_popcount(changes) - 1u];
}

static inline uint16_t numbering_program_word(uint32_t index) {
  return index < numbering_program_count ? numbering_programs[index] : 0;
}

static inline uint8_t numbering_transform_word(uint32_t index) {
  return index < numbering_transform_count ? numbering_transforms[index] : 0;
}

static inline numbering_region numbering_region_at(uint32_t index) {
  if (index < numbering_region_count) return numbering_regions[index];
  numbering_region none = {0};
  return none;
}
